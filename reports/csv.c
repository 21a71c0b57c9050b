/* The table of layers as CSV (RFC 4180), one row per layer. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "reports/render.h"

static const char *const columns[] = {
    "name",
    "op",
    "output",
    "shape",
    "macs",
    "bits",
    "integer",
    "reason",
    "sqnr_db",
    "cosine",
    "max_abs",
    "time_fp32_us",
    "time_int8_us",
    "weight_bytes_fp32",
    "weight_bytes_int8",
    "method",
    "scale",
    "zero_point",
    "clip_low",
    "clip_high",
    "min",
    "max",
    "clipped_share",
    "pair_overflow",
    "dead_channels",
};

/* Quoted where needed. A leading formula character gets a quote in front: spreadsheets would run
 * it. */
static void text_cell(nnc_str *out, const char *text)
{
    nnc_str_append(out, "\"");
    if (*text && strchr("=+-@", *text)) {
        nnc_str_append(out, "'");
    }
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\"\n");
        nnc_str_append_n(out, p, n);
        p += n;
        if (*p) {
            nnc_str_append(out, *p == '"' ? "\"\"" : " ");
            p++;
        }
    }
    nnc_str_append(out, "\"");
}

static void cell(nnc_str *out, const nnc_report_row *value)
{
    if (!value) {
        return;
    }
    switch (value->kind) {
    case NNC_REPORT_BOOL:
        nnc_str_append(out, value->b ? "1" : "0");
        break;
    case NNC_REPORT_INT:
        nnc_str_appendf(out, "%" PRId64, value->i);
        break;
    case NNC_REPORT_DOUBLE:
        nnc_report_append_double(out, value->d);
        break;
    case NNC_REPORT_STRING:
        text_cell(out, value->s);
        break;
    case NNC_REPORT_NULL:
    case NNC_REPORT_ARRAY:
    case NNC_REPORT_OBJECT:
        break;
    }
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    (void)options;
    NNC_TRY(nnc_report_status(report));
    const size_t n = sizeof(columns) / sizeof(columns[0]);
    for (size_t c = 0; c < n; c++) {
        nnc_str_appendf(out, "%s%s", c ? "," : "", columns[c]);
    }
    nnc_str_append(out, "\r\n");
    for (size_t i = 0; i < nnc_report_count(&report->root, "layers"); i++) {
        const nnc_report_row *layer = nnc_report_at(&report->root, "layers", i);
        for (size_t c = 0; layer && c < n; c++) {
            nnc_str_append(out, c ? "," : "");
            cell(out, nnc_report_find(layer, columns[c]));
        }
        nnc_str_append(out, layer ? "\r\n" : "");
    }
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_csv = {.name = "csv", .extension = ".csv", .render = render};
