/* The summary on a terminal: at most `width` columns, the last line for grep.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "reports/render.h"

#define LABEL_COLUMNS 12 /* two of them in front */
#define WORST_LAYERS 10

typedef struct page {
    nnc_str *out;
    const nnc_report_row *root;
    bool color, unicode;
    size_t width;
} page;

static void style(const page *p, const char *code)
{
    if (p->color) {
        nnc_str_appendf(p->out, "\033[%sm", code);
    }
}

static void label(const page *p, const char *name)
{
    style(p, "2");
    nnc_str_appendf(p->out, "  %-*s", LABEL_COLUMNS - 2, name);
    style(p, "0");
}

static const char *arrow(const page *p)
{
    return p->unicode ? " \u2192 " : " -> ";
}

/* Text in words, wrapped; continuation lines start at `indent`. The cursor stands at `indent`
 * already. */
static void wrap(const page *p, const char *text, size_t indent)
{
    const size_t room = p->width - indent;
    size_t used = 0;
    for (const char *word = text + strspn(text, " \n"); *word;) {
        size_t n = strcspn(word, " \n");
        if (word[n] == ' ' && word[n + 1] == '%') { /* "95 %:" stays on one line */
            n += 1 + strcspn(word + n + 1, " \n");
        }
        nnc_str raw = {0}, safe = {0};
        nnc_str_append_n(&raw, word, n);
        const size_t columns = nnc_text_terminal(&safe, nnc_str_get(&raw), room, p->unicode);
        if (used && used + 1 + columns > room) {
            nnc_str_appendf(p->out, "\n%*s", (int)indent, "");
            used = 0;
        }
        nnc_str_append(p->out, used ? " " : "");
        nnc_str_append(p->out, nnc_str_get(&safe));
        used += columns + (used ? 1 : 0);
        nnc_str_deinit(&raw);
        nnc_str_deinit(&safe);
        word += n;
        word += strspn(word, " \n");
    }
    nnc_str_append(p->out, "\n");
}

static void title(const page *p)
{
    const char *source = nnc_text_basename(nnc_row_string(p->root, "source.path"));
    const char *output = nnc_row_string(p->root, "output.path");
    const size_t half = (p->width - 4) / 2;
    nnc_str_append(p->out, "\n");
    style(p, "1");
    nnc_text_terminal(p->out, source, half, p->unicode);
    nnc_str_append(p->out, arrow(p));
    nnc_text_terminal(p->out, output, half, p->unicode);
    style(p, "0");
    nnc_str_append(p->out, "\n\n");
}

static void interval(nnc_str *out, double lo, double hi, int decimals)
{
    if (isfinite(lo) && isfinite(hi)) {
        nnc_str_append(out, " (95 %: ");
        nnc_text_fixed(out, lo, decimals);
        nnc_str_append(out, " to ");
        nnc_text_fixed(out, hi, decimals);
        nnc_str_append(out, ")");
    }
}

static void before_after(const page *p, nnc_str *text, const char *before, const char *after)
{
    nnc_text_percent(text, nnc_row_double(p->root, before), 2);
    nnc_str_append(text, arrow(p));
    nnc_text_percent(text, nnc_row_double(p->root, after), 2);
}

/* One gate per paragraph: verdict, name, reason. */
static void gates(const page *p)
{
    enum { VERDICT = 11, NAME = 17, INDENT = 2 + VERDICT + NAME };
    const size_t n = nnc_report_count(p->root, "gates");
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *gate = nnc_report_at(p->root, "gates", i);
        const char *verdict = gate ? nnc_gate_verdict(gate) : "";
        nnc_str_append(p->out, "  ");
        style(p, nnc_verdict_is_good(verdict) ? "32" : strcmp(verdict, "FAILED") == 0 ? "1;31" : "33");
        size_t used = nnc_text_terminal(p->out, verdict, VERDICT - 1, p->unicode);
        style(p, "0");
        nnc_str_appendf(p->out, "%*s", (int)(VERDICT - used), "");
        used = nnc_text_terminal(p->out, gate ? nnc_row_string(gate, "name") : "", NAME - 1, p->unicode);
        nnc_str_appendf(p->out, "%*s", (int)(NAME - used), "");
        if (p->width < 72) {
            nnc_str_appendf(p->out, "\n%*s", 4, "");
        }
        wrap(p, gate ? nnc_row_string(gate, "reason") : "", p->width < 72 ? 4 : INDENT);
    }
    bool published = true;
    if (nnc_report_get_bool(p->root, "output.published", &published) && !published) {
        nnc_str_append(p->out, "\n  The model was not written: its gates refuse it.\n");
    }
    nnc_str_append(p->out, n ? "\n" : "");
}

/* Narrower than 48 nothing can be laid out, wider than 120 nothing is read. */
static size_t page_width(const nnc_render_options *options)
{
    const size_t width = options->width ? options->width : 80;
    return width < 48 ? 48 : width > 120 ? 120 : width;
}

void nnc_terminal_gates(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    const page p = {.out = out,
                    .root = &report->root,
                    .color = options->color,
                    .unicode = options->unicode,
                    .width = page_width(options)};
    nnc_str_append(out, nnc_report_count(p.root, "gates") ? "\n" : "");
    gates(&p);
    nnc_text_result(out, p.root, p.unicode);
    nnc_str_append(out, "\n");
}

/* "mAP 0.50:0.95 41.20 % -> 41.05 %" or "same boxes (F1, IoU 0.5) 99.2 %", one line each. */
static void figures(const page *p)
{
    const nnc_report_row *root = p->root;
    nnc_str text = {0};
    for (size_t i = 0; i < nnc_report_count(root, "accuracy.figures"); i++) {
        const nnc_report_row *row = nnc_report_at(root, "accuracy.figures", i);
        label(p, i == 0 ? nnc_row_string(root, "accuracy.task") : "");
        nnc_str_append_printable(&text, nnc_row_string(row, "label"), 0);
        nnc_str_append(&text, " ");
        nnc_text_figure(&text, row, arrow(p));
        wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
        nnc_str_clear(&text);
    }
    nnc_str_appendf(&text, "output error ");
    nnc_text_fixed(&text, nnc_row_double(root, "accuracy.output_sqnr_db"), 1);
    nnc_str_append(&text, " dB SQNR on ");
    nnc_text_fixed(&text, nnc_row_double(root, "accuracy.samples"), 0);
    nnc_str_append(&text, " samples");
    label(p, "");
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_deinit(&text);
}

static void accuracy(const page *p)
{
    if (nnc_row_string(p->root, "accuracy.task")[0]) {
        figures(p);
        return;
    }
    const nnc_report_row *root = p->root;
    const double agreement = nnc_row_double(root, "accuracy.agreement");
    nnc_str text = {0};
    label(p, "accuracy");
    if (isfinite(nnc_row_double(root, "accuracy.top1_fp32"))) {
        nnc_str_append(&text, "top-1 ");
        before_after(p, &text, "accuracy.top1_fp32", "accuracy.top1_int8");
        nnc_str_append(&text, ", drop ");
        nnc_text_fixed(&text, 100 * nnc_row_double(root, "accuracy.drop"), 2);
        nnc_str_append(&text, " points");
        interval(&text, 100 * nnc_row_double(root, "accuracy.drop_low"),
                 100 * nnc_row_double(root, "accuracy.drop_high"), 2);
    } else {
        nnc_str_append(&text, "unverified: no labelled data");
    }
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_clear(&text);
    if (isfinite(agreement)) {
        nnc_str_append(&text, "same top-1 for ");
        nnc_text_percent(&text, agreement, 2);
        interval(&text, 100 * nnc_row_double(root, "accuracy.agreement_low"),
                 100 * nnc_row_double(root, "accuracy.agreement_high"), 2);
    } else {
        nnc_str_append(&text, "output error ");
        nnc_text_fixed(&text, nnc_row_double(root, "accuracy.output_sqnr_db"), 1);
        nnc_str_append(&text, " dB SQNR");
    }
    nnc_str_append(&text, " on ");
    nnc_text_fixed(&text, nnc_row_double(root, "accuracy.samples"), 0);
    nnc_str_append(&text, " samples");
    label(p, "");
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_deinit(&text);
}

static void size(const page *p)
{
    nnc_str text = {0};
    nnc_text_bytes(&text, nnc_row_double(p->root, "size.source_bytes"));
    nnc_str_append(&text, arrow(p));
    nnc_text_bytes(&text, nnc_row_double(p->root, "size.output_bytes"));
    nnc_str_append(&text, ", ");
    nnc_text_times(&text, nnc_row_double(p->root, "size.ratio"), "x", "smaller", "larger");
    label(p, "size");
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_deinit(&text);
}

/* The device of --device: equal bits, and its latency where it was measured. */
static void device(const page *p)
{
    const nnc_report_row *root = p->root;
    const char *name = nnc_row_string(root, "device.name");
    if (name == NULL || name[0] == '\0') {
        return;
    }
    nnc_str text = {0};
    nnc_str_append(&text, name);
    nnc_str_append(&text, ": same bits as the CPU on ");
    nnc_text_fixed(&text, nnc_row_double(root, "device.bit_equal_samples"), 0);
    nnc_str_append(&text, " samples");
    if (isfinite(nnc_row_double(root, "latency.device.p50_ms"))) {
        nnc_str_append(&text, ", p50 ");
        nnc_text_fixed(&text, nnc_row_double(root, "latency.device.p50_ms"), 3);
        nnc_str_append(&text, " ms");
    }
    label(p, "device");
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_deinit(&text);
}

static void latency(const page *p)
{
    const nnc_report_row *root = p->root;
    nnc_str text = {0};
    if (isfinite(nnc_row_double(root, "latency.fp32.p50_ms"))) {
        nnc_str_append(&text, "p50 ");
        nnc_text_fixed(&text, nnc_row_double(root, "latency.fp32.p50_ms"), 3);
        nnc_str_append(&text, arrow(p));
        nnc_text_fixed(&text, nnc_row_double(root, "latency.int8.p50_ms"), 3);
        nnc_str_append(&text, " ms, ");
        nnc_text_speed(&text, root, "x");
        interval(&text, nnc_row_double(root, "latency.speedup_low"),
                 nnc_row_double(root, "latency.speedup_high"), 2);
        if (nnc_row_bool(root, "latency.unsteady")) {
            nnc_str_append(&text, "; times vary by ");
            nnc_text_percent(&text, nnc_row_double(root, "latency.int8.coefficient_of_variation"),
                             0);
            nnc_str_append(&text, ": other load or throttling");
        }
    } else {
        nnc_str_append(&text, "not measured");
    }
    label(p, "latency");
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_deinit(&text);
}

static void coverage(const page *p)
{
    size_t integer, all;
    nnc_str text = {0};
    nnc_count_layers(&integer, &all, p->root);
    nnc_str_appendf(&text, "%zu of %zu layers", integer, all);
    if (isfinite(nnc_row_double(p->root, "coverage.int8_share"))) {
        nnc_str_append(&text, ", ");
        nnc_text_percent(&text, nnc_row_double(p->root, "coverage.int8_share"), 1);
        nnc_str_append(&text, " of multiply-accumulates");
    }
    label(p, "integer");
    wrap(p, nnc_str_get(&text), LABEL_COLUMNS);
    nnc_str_deinit(&text);
}

static void number_cell(const page *p, double value, int decimals, int columns)
{
    nnc_str text = {0};
    nnc_text_fixed(&text, value, decimals);
    nnc_str_appendf(p->out, "%*s", columns, nnc_str_get(&text));
    nnc_str_deinit(&text);
}

static void worst_layers(const page *p)
{
    enum { NUMBERS = 33, TIMES = 19, OP = 10 };
    const nnc_report_row *worst[WORST_LAYERS];
    const size_t n = nnc_worst_layers(worst, WORST_LAYERS, p->root, false);
    const bool times = p->width >= 72;
    const size_t names = p->width - (times ? NUMBERS : NUMBERS - TIMES) - OP - 4;
    if (n == 0) {
        return;
    }
    nnc_str_append(p->out, "\n");
    style(p, "2");
    nnc_str_appendf(p->out, "  %-*s  %-*s%5s%9s%s\n", (int)names, "largest errors", OP, "op", "bits", "SQNR dB",
                    times ? "   FP32 us  INT8 us" : "");
    style(p, "0");
    for (size_t i = 0; i < n; i++) {
        nnc_str_append(p->out, "  ");
        size_t used = nnc_text_terminal(p->out, nnc_layer_name(worst[i]), names, p->unicode);
        nnc_str_appendf(p->out, "%*s", (int)(names - used + 2), "");
        used = nnc_text_terminal(p->out, nnc_row_string(worst[i], "op"), OP, p->unicode);
        nnc_str_appendf(p->out, "%*s", (int)(OP - used), "");
        number_cell(p, nnc_row_double(worst[i], "bits"), 0, 5);
        number_cell(p, nnc_row_double(worst[i], "sqnr_db"), 1, 9);
        if (times) {
            number_cell(p, nnc_row_double(worst[i], "time_fp32_us"), 1, 10);
            number_cell(p, nnc_row_double(worst[i], "time_int8_us"), 1, 9);
        }
        nnc_str_append(p->out, "\n");
    }
}

static void list(const page *p, const char *path, const char *name, const char *code)
{
    const size_t n = nnc_report_count(p->root, path);
    nnc_str_append(p->out, n ? "\n" : "");
    for (size_t i = 0; i < n; i++) {
        const char *text = nnc_report_string_at(p->root, path, i);
        style(p, code);
        nnc_str_appendf(p->out, "  %-*s", LABEL_COLUMNS, i ? "" : name);
        style(p, "0");
        wrap(p, text ? text : "", LABEL_COLUMNS + 2);
    }
}

/* One file per target, and what was done with it. */
static void targets(const page *p)
{
    const size_t n = nnc_report_count(p->root, "targets");
    nnc_str_append(p->out, n ? "\n" : "");
    for (size_t i = 0; i < n; i++) {
        nnc_str text = {0};
        nnc_target_sentence(&text, nnc_report_at(p->root, "targets", i));
        style(p, "2");
        nnc_str_appendf(p->out, "  %-*s", LABEL_COLUMNS, i ? "" : n > 1 ? "targets" : "target");
        style(p, "0");
        wrap(p, nnc_str_get(&text), LABEL_COLUMNS + 2);
        nnc_str_deinit(&text);
    }
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    NNC_TRY(nnc_report_status(report));
    page p = {.out = out,
              .root = &report->root,
              .color = options->color,
              .unicode = options->unicode,
              .width = page_width(options)};
    title(&p);
    gates(&p);
    accuracy(&p);
    size(&p);
    latency(&p);
    device(&p);
    coverage(&p);
    worst_layers(&p);
    targets(&p);
    list(&p, "warnings", "warnings", "33");
    list(&p, "not_checked", "not checked", "2");
    nnc_str_append(out, "\n");
    nnc_text_result(out, p.root, p.unicode);
    nnc_str_append(out, "\n");
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_terminal = {
    .name = "terminal", .extension = ".txt", .render = render};
