/* The report as one HTML file: no network, no script needed, light and dark, printable.
 * SPDX-License-Identifier: Apache-2.0 The content policy allows the inline style sheet and, by its
 * hash, the one sorting script; nothing else can load or run. */
#include "reports/html.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

#define LONG_TEXT 1500 /* bytes; longer ones are shown in part */
#define LONG_SHOWN 300

static void escape(nnc_str *out, const char *text, size_t bytes)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                    {'"', "&quot;"}, {'\'', "&#39;"}, {'\n', "<br>"}};
    for (const char *end = text + bytes; text < end;) {
        const size_t plain = strcspn(text, "&<>\"'\n"), rest = (size_t)(end - text), n = plain < rest ? plain : rest;
        nnc_str_append_n(out, text, n);
        text += n;
        for (size_t i = 0; text < end && i < sizeof(entities) / sizeof(entities[0]); i++) {
            if (*text == entities[i].c) {
                nnc_str_append(out, entities[i].entity);
                text++;
                break;
            }
        }
    }
}

void nnc_html_text(nnc_str *out, const char *text)
{
    const size_t bytes = strlen(text);
    size_t shown = bytes > LONG_TEXT ? LONG_SHOWN : bytes;
    while (shown < bytes && ((unsigned char)text[shown] & 0xC0) == 0x80) {
        shown++; /* whole characters */
    }
    escape(out, text, shown);
    if (shown < bytes) {
        nnc_str_appendf(out, "\u2026 (%zu bytes, all of them in the JSON report)", bytes);
    }
}

void nnc_html_signed(nnc_str *out, double value, int decimals, bool plus)
{
    nnc_str digits = {0};
    nnc_text_fixed(&digits, value, decimals);
    const char *text = nnc_str_get(&digits);
    const bool minus = text[0] == '-' && text[1];
    if (minus) {
        nnc_str_append(out, "\u2212");
    } else if (plus && strpbrk(text, "123456789")) {
        nnc_str_append(out, "+");
    }
    nnc_str_append(out, text + minus);
    nnc_str_deinit(&digits);
}

void nnc_html_cell_text(nnc_str *out, const char *css, const char *text)
{
    nnc_str_appendf(out, "<td class=\"%s\">", css);
    nnc_html_text(out, text);
    nnc_str_append(out, "</td>");
}

void nnc_html_cell_number(nnc_str *out, double value, nnc_html_number_fn *write)
{
    nnc_str_append(out, "<td class=\"n\" data-v=\"");
    if (isfinite(value)) {
        nnc_report_append_double(out, value);
    }
    nnc_str_append(out, "\">");
    write(out, value);
    nnc_str_append(out, "</td>");
}

static void base64(nnc_str *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)bytes[i] << 16;
        v |= i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0;
        v |= i + 2 < n ? bytes[i + 2] : 0;
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63],
                        i + 1 < n ? digits[v >> 6 & 63] : '=', i + 2 < n ? digits[v & 63] : '='};
        nnc_str_append_n(out, four, 4);
    }
}

/* Who made this, when and where. */
static void subtitle(nnc_str *out, const nnc_report_row *root)
{
    static const char *const facts[][2] = {{"tool.name", ""}, {"tool.version", " "}, {"environment.cpu", ", on "},
                                           {"environment.isa", ", kernels "}};
    nnc_str_append(out, "<p class=\"soft\">");
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        const char *text = nnc_row_string(root, facts[i][0]);
        nnc_str_append(out, *text ? facts[i][1] : "");
        nnc_html_text(out, text);
    }
    nnc_str when = {0};
    if (nnc_text_created(&when, root)) {
        nnc_str_append(out, ", ");
        nnc_html_text(out, nnc_str_get(&when));
    }
    nnc_str_deinit(&when);
    nnc_str_append(out, "</p>\n");
}

static void head(nnc_str *out, const nnc_report_row *root)
{
    uint8_t digest[32];
    nnc_sha256 hash;
    nnc_sha256_init(&hash);
    nnc_sha256_update(&hash, nnc_html_script, strlen(nnc_html_script));
    nnc_sha256_final(&hash, digest);
    nnc_str_append(out,
                   "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; img-src data:; script-src 'sha256-");
    base64(out, digest, sizeof(digest));
    nnc_str_append(
        out, "'; base-uri 'none'; form-action 'none'\">\n"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    nnc_html_text(out, nnc_text_basename(nnc_row_string(root, "source.path")));
    nnc_str_append(out, " \u2013 compression report</title>\n<style>\n");
    nnc_str_append(out, nnc_html_style);
    nnc_str_append(out, "</style></head>\n<body><main>\n<h1>");
    nnc_html_text(out, nnc_text_basename(nnc_row_string(root, "source.path")));
    nnc_str_append(out, " \u2192 ");
    nnc_html_text(out, nnc_text_basename(nnc_row_string(root, "output.path")));
    nnc_str_append(out, "</h1>\n");
    subtitle(out, root);
}

/* "95 %: lo to hi". */
static void interval(nnc_str *out, double lo, double hi, int decimals)
{
    if (isfinite(lo) && isfinite(hi)) {
        nnc_str_append(out, "95\u00a0%: ");
        nnc_html_signed(out, lo, decimals, false);
        nnc_str_append(out, " to ");
        nnc_html_signed(out, hi, decimals, false);
    }
}

static void accuracy_sentence(nnc_str *out, const nnc_report_row *root)
{
    const double lo = nnc_row_double(root, "accuracy.drop_low"),
                 hi = nnc_row_double(root, "accuracy.drop_high");
    nnc_str_append(out, "Top-1 went from ");
    nnc_text_percent(out, nnc_row_double(root, "accuracy.top1_fp32"), 2);
    nnc_str_append(out, " to ");
    nnc_text_percent(out, nnc_row_double(root, "accuracy.top1_int8"), 2);
    nnc_str_append(out, " on ");
    nnc_text_fixed(out, nnc_row_double(root, "accuracy.samples"), 0);
    const double drop = 100 * nnc_row_double(root, "accuracy.drop");
    nnc_str_appendf(out, " labelled samples: a %s of ", drop < 0 ? "gain" : "drop");
    nnc_text_fixed(out, fabs(drop), 2);
    nnc_str_append(out, " points (");
    interval(out, drop < 0 ? -100 * hi : 100 * lo, drop < 0 ? -100 * lo : 100 * hi, 2);
    nnc_str_append(out, ").");
    if (lo > 0) {
        nnc_str_append(out, " The loss is real: the interval lies above 0.");
    } else if (hi >= 0) {
        nnc_str_append(out, " The interval includes 0: this data shows no certain difference.");
    } else if (hi < 0) {
        nnc_str_append(out, " The gain is real: the interval lies above 0.");
    }
}

static void agreement_sentence(nnc_str *out, const nnc_report_row *root)
{
    nnc_str_append(out, "Accuracy was not measured. ");
    if (isfinite(nnc_row_double(root, "accuracy.agreement"))) {
        nnc_str_append(out, "Both models give the same top-1 answer for ");
        nnc_text_percent(out, nnc_row_double(root, "accuracy.agreement"), 1);
        nnc_str_append(out, " (");
        interval(out, 100 * nnc_row_double(root, "accuracy.agreement_low"),
                 100 * nnc_row_double(root, "accuracy.agreement_high"), 1);
        nnc_str_append(out, ") of ");
    } else {
        nnc_str_append(out, "The outputs differ by ");
        nnc_text_fixed(out, nnc_row_double(root, "accuracy.output_sqnr_db"), 1);
        nnc_str_append(out, " dB SQNR on ");
    }
    nnc_text_fixed(out, nnc_row_double(root, "accuracy.samples"), 0);
    nnc_str_append(out, " samples, ");
    nnc_html_text(out, nnc_row_string(root, "accuracy.judged_on"));
    nnc_str_append(out, ".");
}

static void open_tile(nnc_str *out, const char *name)
{
    nnc_str_appendf(out, "<div class=\"tile\"><span>%s</span> <strong>", name);
}

static void accuracy_tile(nnc_str *out, const nnc_report_row *root)
{
    const double drop = 100 * nnc_row_double(root, "accuracy.drop");
    if (isfinite(drop)) {
        open_tile(out, "Top-1 accuracy");
        nnc_html_signed(out, -drop, 2, true);
        nnc_str_append(out, " points</strong> <span>");
        nnc_text_percent(out, nnc_row_double(root, "accuracy.top1_fp32"), 2);
        nnc_str_append(out, " \u2192 ");
        nnc_text_percent(out, nnc_row_double(root, "accuracy.top1_int8"), 2);
    } else if (nnc_report_count(root, "accuracy.figures") > 0) {
        const nnc_report_row *row = nnc_report_at(root, "accuracy.figures", 0);
        nnc_str_append(out, "<div class=\"tile\"><span>");
        nnc_html_text(out, nnc_row_string(row, "label"));
        nnc_str_append(out, "</span> <strong>");
        nnc_text_figure(out, row, " \u2192 ");
        nnc_str_append(out, "</strong> <span>");
        nnc_html_text(out, nnc_row_string(root, "accuracy.task_how"));
    } else if (isfinite(nnc_row_double(root, "accuracy.agreement"))) {
        open_tile(out, "Agreement");
        nnc_text_percent(out, nnc_row_double(root, "accuracy.agreement"), 1);
        nnc_str_append(out, "</strong> <span>same top-1 answer");
    } else {
        open_tile(out, "Output error");
        nnc_text_fixed(out, nnc_row_double(root, "accuracy.output_sqnr_db"), 1);
        nnc_str_append(out, " dB</strong> <span>SQNR, higher is better");
    }
    nnc_str_append(out, "</span></div>\n");
}

static void tiles(nnc_str *out, const nnc_report_row *root)
{
    size_t integer, all;
    nnc_str_append(out, "<div class=\"tiles\">\n");
    accuracy_tile(out, root);
    open_tile(out, "Size");
    nnc_text_times(out, nnc_row_double(root, "size.ratio"), "\u00d7", "smaller", "larger");
    nnc_str_append(out, "</strong> <span>");
    nnc_text_bytes(out, nnc_row_double(root, "size.source_bytes"));
    nnc_str_append(out, " \u2192 ");
    nnc_text_bytes(out, nnc_row_double(root, "size.output_bytes"));
    nnc_str_append(out, "</span></div>\n");
    if (isfinite(nnc_row_double(root, "latency.speedup"))) {
        open_tile(out, "Speed");
        nnc_text_speed(out, root, "\u00d7");
        nnc_str_append(out, "</strong> <span>p50 ");
        nnc_text_fixed(out, nnc_row_double(root, "latency.fp32.p50_ms"), 2);
        nnc_str_append(out, " \u2192 ");
        nnc_text_fixed(out, nnc_row_double(root, "latency.int8.p50_ms"), 2);
        nnc_str_append(out, " ms</span></div>\n");
    }
    nnc_count_layers(&integer, &all, root);
    open_tile(out, "In integers");
    nnc_text_percent(out, nnc_row_double(root, "coverage.int8_share"), 1);
    nnc_str_appendf(
        out, "</strong> <span>of multiply-accumulates; %zu of %zu layers</span></div>\n</div>\n",
        integer, all);
}

/* Which gates decided, and whether there is a result. */
static void gates_sentence(nnc_str *out, const nnc_report_row *root)
{
    static const char *const words[][2] = {{"FAILED", "failed"}, {"UNDECIDED", "not decided"}, {"SKIPPED", "skipped"},
                                           {"PASSED", "passed"}};
    bool published = true, any = false;
    if (nnc_report_count(root, "gates") == 0) {
        return;
    }
    nnc_str_append(out, "<p>");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        nnc_str names = {0};
        nnc_gate_names(&names, root, words[i][0]);
        if (names.len) {
            nnc_str_appendf(out, "%s%s: ", any ? "; " : "Gates ", words[i][1]);
            nnc_html_text(out, nnc_str_get(&names));
            any = true;
        }
        nnc_str_deinit(&names);
    }
    nnc_str_append(out, ".");
    if (nnc_report_get_bool(root, "output.published", &published) && !published) {
        nnc_str_append(out, " <b>The model was not written.</b>");
    }
    nnc_str_append(out, "</p>");
}

void nnc_html_verdict(nnc_str *out, const nnc_report_row *root)
{
    const bool verified = nnc_row_bool(root, "accuracy.verified");
    const bool lost = nnc_row_double(root, "accuracy.drop_low") > 0.01;
    const char *verdict = nnc_row_string(root, "verdict");
    nnc_str_appendf(out, "<div class=\"verdict%s\"><p class=\"head\"><b>",
                    strcmp(verdict, "FAILED") == 0                                  ? " bad"
                    : strcmp(verdict, "UNDECIDED") == 0 || !verified || lost ? " warn"
                                                                                    : "");
    nnc_html_text(out, verdict);
    nnc_str_append(out, verified ? "" : ", accuracy unverified");
    nnc_str_append(out, "</b></p>");
    gates_sentence(out, root);
    nnc_str_append(out, "<p>");
    if (verified) {
        accuracy_sentence(out, root);
    } else {
        agreement_sentence(out, root);
    }
    nnc_str_append(out, "</p></div>\n");
    nnc_html_gates(out, root);
    tiles(out, root);
}

/* Text in which no line ends inside "--option". */
static void prose(nnc_str *out, const char *text)
{
    for (const char *option; (option = strstr(text, "--")); ) {
        const size_t n = strcspn(option, " ,;.:)\n");
        nnc_str part = {0};
        nnc_str_append_n(&part, text, (size_t)(option - text));
        nnc_html_text(out, nnc_str_get(&part));
        nnc_str_clear(&part);
        nnc_str_append_n(&part, option, n);
        nnc_str_append(out, "<span class=\"nb\">");
        nnc_html_text(out, nnc_str_get(&part));
        nnc_str_append(out, "</span>");
        nnc_str_deinit(&part);
        text = option + n;
    }
    nnc_html_text(out, text);
}

static void list_box(nnc_str *out, const nnc_report_row *root, const char *path, const char *title)
{
    const size_t n = nnc_report_count(root, path);
    if (n == 0) {
        return;
    }
    nnc_str_appendf(out, "<div class=\"box\"><h2>%s</h2><ul>", title);
    for (size_t i = 0; i < n; i++) {
        const char *text = nnc_report_string_at(root, path, i);
        nnc_str_append(out, "<li>");
        prose(out, text ? text : "");
        nnc_str_append(out, "</li>");
    }
    nnc_str_append(out, "</ul></div>\n");
}

void nnc_html_caveats(nnc_str *out, const nnc_report_row *root)
{
    nnc_str_append(out, "<div class=\"boxes\">\n");
    list_box(out, root, "not_checked", "Not checked");
    list_box(out, root, "warnings", "Warnings");
    nnc_str_append(out, "</div>\n");
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    (void)options;
    NNC_TRY(nnc_report_status(report));
    const nnc_report_row *root = &report->root;
    head(out, root);
    nnc_html_verdict(out, root);
    nnc_html_caveats(out, root);
    nnc_html_targets(out, root);
    nnc_html_hashes(out, root);
    nnc_html_numbers(out, root);
    nnc_html_pareto(out, root);
    nnc_html_classes(out, root);
    nnc_html_sizes(out, root);
    nnc_html_candidates(out, root);
    nnc_html_trail(out, root);
    nnc_html_latency(out, root);
    nnc_html_errors(out, root);
    nnc_html_histograms(out, root);
    nnc_html_layers(out, root);
    nnc_html_float_nodes(out, root);
    nnc_html_changed(out, root);
    nnc_html_provenance(out, root);
    nnc_html_glossary(out);
    nnc_str_append(out, "<footer><code>");
    nnc_str line = {0};
    nnc_text_result(&line, root, true);
    nnc_html_text(out, nnc_str_get(&line));
    nnc_str_deinit(&line);
    nnc_str_append(out, "</code></footer>\n</main>\n<script>");
    nnc_str_append(out, nnc_html_script);
    nnc_str_append(out, "</script>\n</body></html>\n");
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_html = {.name = "html", .extension = ".html", .render = render};
