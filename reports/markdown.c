/* Markdown parts that the comment and the model card share. SPDX-License-Identifier: Apache-2.0
 * Names come from hostile files: everything that could be markup is an entity, and names are code, in
 * which web sites neither link nor notify anybody. */
#include "reports/markdown.h"

#include <math.h>
#include <string.h>

#define NAME_BYTES 120
#define WORST 10

static bool plain(char c)
{
    return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr(" ,;/%+=()-'", c));
}

/* A dot or colon that cannot be part of a link: no "www." and no "scheme:". */
static bool plain_here(const char *text, const char *at)
{
    return (*at == '.' && !(at > text && (at[-1] == 'w' || at[-1] == 'W'))) ||
           (*at == ':' && (at[1] == ' ' || at[1] == 0));
}

void nnc_md_text(nnc_str *out, const char *text, size_t max)
{
    const size_t bytes = strlen(text);
    if (max && bytes > max) {
        text += bytes - max;
        while (((unsigned char)*text & 0xc0) == 0x80) {
            text++;
        }
        nnc_str_append(out, "\u2026");
    }
    for (const char *c = text; *c; c++) {
        if (plain(*c) || plain_here(text, c)) {
            nnc_str_append_n(out, c, 1);
        } else if (*c == '\n') {
            nnc_str_append(out, " ");
        } else {
            nnc_str_appendf(out, "&#%d;", *c);
        }
    }
}

void nnc_md_code(nnc_str *out, const char *text, size_t max)
{
    nnc_str_append(out, "<code>");
    nnc_md_text(out, text, max);
    nnc_str_append(out, "</code>");
}

void nnc_md_gates(nnc_str *out, const nnc_report_row *root)
{
    const size_t n = nnc_report_count(root, "gates");
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "| Gate | Verdict | Value | 95 % bounds | Limit | Why |\n"
                        "|---|---|--:|--:|--:|---|\n");
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        const char *verdict = nnc_gate_verdict(gate);
        nnc_str_append(out, "| ");
        nnc_md_code(out, nnc_row_string(gate, "name"), NAME_BYTES);
        nnc_str_appendf(out, " | **%s** | ", verdict);
        nnc_gate_number(out, gate, "value");
        nnc_str_append(out, " | ");
        nnc_gate_interval(out, gate);
        nnc_str_append(out, " | ");
        nnc_gate_number(out, gate, "limit");
        nnc_str_append(out, " | ");
        nnc_md_text(out, nnc_row_string(gate, "reason"), 400);
        nnc_str_append(out, " |\n");
    }
    nnc_str_append(out, "\n");
}

static void row(nnc_str *out, const char *name, const nnc_str *fp32, const nnc_str *int8,
                const nnc_str *change)
{
    nnc_str_appendf(out, "| %s | %s | %s | %s |\n", name, nnc_str_get(fp32), nnc_str_get(int8),
                    nnc_str_get(change));
}

static void write_percent(nnc_str *out, double value)
{
    nnc_text_percent(out, value, 2);
}

static void write_ms(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 3);
    nnc_str_append(out, isfinite(value) ? " ms" : "");
}

static void points(nnc_str *out, const nnc_report_row *root, double before, double after, bool top1)
{
    nnc_text_fixed(out, 100 * (after - before), 2);
    nnc_str_append(out, " points");
    const double lo = nnc_row_double(root, "accuracy.drop_low"),
                 hi = nnc_row_double(root, "accuracy.drop_high");
    if (top1 && isfinite(lo) && isfinite(hi)) {
        nnc_str_append(out, " (95 %: ");
        nnc_text_fixed(out, -100 * hi, 2);
        nnc_str_append(out, " to ");
        nnc_text_fixed(out, -100 * lo, 2);
        nnc_str_append(out, ")");
    }
}

/* Figures of the task: of both models, or of one against the other. */
static void figures(nnc_str *out, const nnc_report_row *root)
{
    for (size_t i = 0; i < nnc_report_count(root, "accuracy.figures"); i++) {
        const nnc_report_row *figure = nnc_report_at(root, "accuracy.figures", i);
        const char *unit = nnc_row_string(figure, "unit");
        const double before = nnc_row_double(figure, "fp32"), after = nnc_row_double(figure, "int8");
        const double both = nnc_row_double(figure, "both");
        nnc_str a = {0}, b = {0}, change = {0};
        if (isfinite(before)) {
            nnc_text_unit(&a, before, unit);
        }
        if (isfinite(after) || isfinite(both)) {
            nnc_text_unit(&b, isfinite(both) ? both : after, unit);
        }
        row(out, nnc_row_string(figure, "label"), &a, &b, &change);
        nnc_str_deinit(&a);
        nnc_str_deinit(&b);
        nnc_str_deinit(&change);
    }
}

void nnc_md_numbers(nnc_str *out, const nnc_report_row *root)
{
    static const struct {
        const char *name, *before, *after;
        void (*write)(nnc_str *out, double value);
        char kind; /* p: points, s: paired speed, r: ratio */
    } rows[] = {
        {"Top-1 accuracy", "accuracy.top1_fp32", "accuracy.top1_int8", write_percent, '1'},
        {"Top-5 accuracy", "accuracy.top5_fp32", "accuracy.top5_int8", write_percent, 'p'},
        {"File size", "size.source_bytes", "size.output_bytes", nnc_text_bytes, 'r'},
        {"Activation memory", "memory.arena_fp32_bytes", "memory.arena_int8_bytes", nnc_text_bytes,
         'r'},
        {"Latency p50", "latency.fp32.p50_ms", "latency.int8.p50_ms", write_ms, 's'},
        {"Latency p99", "latency.fp32.p99_ms", "latency.int8.p99_ms", write_ms, 'r'}};
    nnc_str_append(out, "| | FP32 | INT8 | Change |\n|---|--:|--:|--:|\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double before = nnc_row_double(root, rows[i].before),
                     after = nnc_row_double(root, rows[i].after);
        nnc_str a = {0}, b = {0}, change = {0};
        if (isfinite(before) && isfinite(after)) {
            rows[i].write(&a, before);
            rows[i].write(&b, after);
            if (rows[i].kind == 's') {
                nnc_text_speed(&change, root, "x");
            } else if (rows[i].kind == 'r') {
                nnc_text_fixed(&change, before / after, 2);
                nnc_str_append(&change, "x");
            } else {
                points(&change, root, before, after, rows[i].kind == '1');
            }
            row(out, rows[i].name, &a, &b, &change);
        }
        nnc_str_deinit(&a);
        nnc_str_deinit(&b);
        nnc_str_deinit(&change);
    }
    figures(out, root);
    nnc_str_append(out, "\n");
}

void nnc_md_classes(nnc_str *out, const nnc_report_row *root)
{
    const nnc_report_row *worst[WORST];
    const size_t n = nnc_worst_classes(worst, WORST, root);
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "| Class | Samples | FP32 right | INT8 right | Drop |\n|---|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < n; i++) {
        nnc_str name = {0};
        nnc_class_name(&name, worst[i]);
        nnc_str_append(out, "| ");
        nnc_md_code(out, nnc_str_get(&name), NAME_BYTES);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, nnc_row_double(worst[i], "samples"), 0);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, nnc_row_double(worst[i], "right_fp32"), 0);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, nnc_row_double(worst[i], "right_int8"), 0);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, 100 * nnc_class_drop(worst[i]), 2);
        nnc_str_append(out, " points |\n");
        nnc_str_deinit(&name);
    }
    nnc_str_append(out, "\n");
}

void nnc_md_layers(nnc_str *out, const nnc_report_row *root)
{
    const nnc_report_row *worst[WORST];
    const size_t n = nnc_worst_layers(worst, WORST, root, false);
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "| Layer | Op | Bits | SQNR dB | INT8 \u00b5s | Weights |\n|---|---|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < n; i++) {
        nnc_str_append(out, "| ");
        nnc_md_code(out, nnc_layer_name(worst[i]), NAME_BYTES);
        nnc_str_append(out, " | ");
        nnc_md_text(out, nnc_row_string(worst[i], "op"), NAME_BYTES);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, nnc_row_double(worst[i], "bits"), 0);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, nnc_row_double(worst[i], "sqnr_db"), 1);
        nnc_str_append(out, " | ");
        nnc_text_fixed(out, nnc_row_double(worst[i], "time_int8_us"), 1);
        nnc_str_append(out, " | ");
        nnc_text_bytes(out, nnc_row_double(worst[i], "weight_bytes_int8"));
        nnc_str_append(out, " |\n");
    }
    nnc_str_append(out, "\n");
}

void nnc_md_list(nnc_str *out, const nnc_report_row *root, const char *path, const char *title)
{
    const size_t n = nnc_report_count(root, path);
    if (n == 0) {
        return;
    }
    nnc_str_appendf(out, "**%s**\n\n", title);
    for (size_t i = 0; i < n; i++) {
        const char *text = nnc_report_string_at(root, path, i);
        if (text) {
            nnc_str_append(out, "- ");
            nnc_md_text(out, text, 500);
            nnc_str_append(out, "\n");
        }
    }
    nnc_str_append(out, "\n");
}

void nnc_md_hashes(nnc_str *out, const nnc_report_row *root)
{
    static const char *const rows[][3] = {
        {"Source model", "source.path", "source.sha256"},
        {"Result", "output.path", "output.sha256"},
        {"Recipe", "recipe.path", "recipe.sha256"},
        {"Calibration data", "data.calibration.spec", "data.calibration.manifest_sha256"},
        {"Evaluation data", "data.evaluation.spec", "data.evaluation.manifest_sha256"}};
    nnc_str_append(out, "| What | Name | SHA-256 |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *sha = nnc_row_string(root, rows[i][2]);
        if (*sha) {
            nnc_str_appendf(out, "| %s | ", rows[i][0]);
            nnc_md_code(out, nnc_text_basename(nnc_row_string(root, rows[i][1])), NAME_BYTES);
            nnc_str_append(out, " | ");
            nnc_md_code(out, sha, 64);
            nnc_str_append(out, " |\n");
        }
    }
    nnc_str_append(out, "\n");
}
