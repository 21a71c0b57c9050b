/* Metrics as JSON lines, as trackers take them: key, value, step, timestamp. SPDX-License-Identifier: Apache-2.0
 * Every number of the result under its dotted name; numbers per layer have the layer's position as step. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/render.h"

#define KEY_BYTES 240 /* trackers take 250 */

/* A key part from the document: letters, digits, '_', '-' and '.' only. */
static void key_part(nnc_str *out, const char *text)
{
    for (const char *c = text; *c && out->len < KEY_BYTES; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                           (*c >= '0' && *c <= '9') || strchr("_-.", *c);
        nnc_str_append_n(out, plain ? c : "_", 1);
    }
}

typedef struct lines {
    nnc_str *out;
    int64_t timestamp; /* milliseconds; below 0: unknown */
} lines;

static void line(const lines *l, const char *key, double value, size_t step)
{
    if (!isfinite(value)) {
        return;
    }
    nnc_str_appendf(l->out, "{\"key\": \"%s\", \"value\": ", key);
    nnc_report_append_double(l->out, value);
    nnc_str_appendf(l->out, ", \"step\": %zu", step);
    if (l->timestamp >= 0) {
        nnc_str_appendf(l->out, ", \"timestamp\": %" PRId64, l->timestamp);
    }
    nnc_str_append(l->out, "}\n");
}

/* All numbers below a row, lists left out. */
static void numbers(const lines *l, const nnc_report_row *row, const char *key)
{
    for (size_t i = 0; row && row->kind == NNC_REPORT_OBJECT && i < row->count; i++) {
        const nnc_report_row *item = row->items[i];
        nnc_str path = {0};
        nnc_str_append(&path, key);
        nnc_str_append(&path, ".");
        key_part(&path, item->key);
        if (item->kind == NNC_REPORT_OBJECT) {
            numbers(l, item, nnc_str_get(&path));
        } else if (item->kind == NNC_REPORT_BOOL) {
            line(l, nnc_str_get(&path), item->b, 0);
        } else if (item->kind == NNC_REPORT_INT || item->kind == NNC_REPORT_DOUBLE) {
            line(l, nnc_str_get(&path), item->kind == NNC_REPORT_INT ? (double)item->i : item->d, 0);
        }
        nnc_str_deinit(&path);
    }
}

static void gates(const lines *l, const nnc_report_row *root)
{
    static const char *const parts[] = {"value", "low", "high", "limit"};
    for (size_t i = 0; i < nnc_report_count(root, "gates"); i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        nnc_str key = {0};
        nnc_str_append(&key, "gate.");
        key_part(&key, nnc_row_string(gate, "name"));
        const size_t n = key.len;
        for (size_t k = 0; k <= sizeof(parts) / sizeof(parts[0]) && !key.failed; k++) {
            const bool verdict = k == sizeof(parts) / sizeof(parts[0]);
            if (verdict && strcmp(nnc_gate_verdict(gate), "SKIPPED") == 0) {
                continue;
            }
            key.len = n;
            nnc_str_appendf(&key, ".%s", verdict ? "passed" : parts[k]);
            line(l, nnc_str_get(&key),
                 verdict ? strcmp(nnc_gate_verdict(gate), "PASSED") == 0
                         : nnc_row_double(gate, parts[k]),
                 0);
        }
        nnc_str_deinit(&key);
    }
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    static const char *const objects[] = {"accuracy", "size", "latency", "memory", "coverage"};
    static const char *const columns[] = {"sqnr_db", "time_fp32_us", "time_int8_us", "bits"};
    (void)options;
    NNC_TRY(nnc_report_status(report));
    const nnc_report_row *root = &report->root;
    lines l = {.out = out};
    if (!nnc_report_get_int(root, "tool.created_ms", &l.timestamp)) {
        l.timestamp = -1;
    }
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        numbers(&l, nnc_report_find(root, objects[i]), objects[i]);
    }
    gates(&l, root);
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
        char key[64];
        snprintf(key, sizeof(key), "layer.%s", columns[c]);
        for (size_t i = 0; i < nnc_report_count(root, "layers"); i++) {
            line(&l, key, nnc_row_double(nnc_report_at(root, "layers", i), columns[c]), i);
        }
    }
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_metrics = {
    .name = "metrics", .extension = ".metrics.jsonl", .render = render};
