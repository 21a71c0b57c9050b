/* Sections of the HTML page about layers and samples. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>

#include "base/mem.h"
#include "reports/html.h"
#include "reports/svg.h"

#define HISTOGRAMS 6
#define LOW_SQNR_DB 20
#define BINS_MAX 256
#define SHOWN_CHANGES 20
#define CHANGES_MAX 1000
#define LAYERS_MAX 20000 /* rows of the page */
#define NODES_MAX 5000

static void write_db(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 1);
}

static void write_cosine(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 4);
}

static void write_plain(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 0);
}

void nnc_html_errors(nnc_str *out, const nnc_report_row *root)
{
    const size_t n = nnc_report_count(root, "layers");
    nnc_svg_bar *bars = n ? nnc_calloc(n, sizeof(*bars)) : NULL;
    nnc_str *titles = n ? nnc_calloc(n, sizeof(*titles)) : NULL;
    size_t known = 0;
    for (size_t i = 0; bars && titles && i < n; i++) {
        const nnc_report_row *layer = nnc_report_at(root, "layers", i);
        bars[i] = (nnc_svg_bar){.value = nnc_row_double(layer, "sqnr_db"),
                                .integer = nnc_row_bool(layer, "integer")};
        known += isfinite(bars[i].value);
        nnc_str_appendf(&titles[i], "%s (%s): ", nnc_layer_name(layer),
                        nnc_row_string(layer, "op"));
        nnc_text_fixed(&titles[i], bars[i].value, 1);
        nnc_str_append(&titles[i], " dB");
        bars[i].title = nnc_str_get(&titles[i]);
    }
    if (known) {
        nnc_str_append(
            out,
            "<h2>Error per layer</h2>\n<p class=\"soft\">SQNR of every layer's output against the "
            "original, in dB, from first to last; higher is better. "
            "No bar: no error, or no counterpart.<br><span class=\"key "
            "int8\"></span>Blue: INT8, <span class=\"key float\"></span>amber: float.</p>\n"
            "<div class=\"scroll\">");
        nnc_svg_bars(out, bars, n);
        nnc_str_append(out, "</div>\n");
    }
    for (size_t i = 0; titles && i < n; i++) {
        nnc_str_deinit(&titles[i]);
    }
    nnc_free(titles);
    nnc_free(bars);
}

static void caption(nnc_str *out, const nnc_report_row *layer)
{
    const double clipped = nnc_row_double(layer, "clipped_share");
    nnc_str_append(out, "<figcaption><span class=\"name\">");
    nnc_html_text(out, nnc_layer_name(layer));
    nnc_str_append(out, "</span> ");
    nnc_text_fixed(out, nnc_row_double(layer, "sqnr_db"), 1);
    nnc_str_append(out, " dB \u00b7 ");
    nnc_html_text(out, nnc_row_string(layer, "method"));
    nnc_str_append(out, " \u00b7 grid ");
    nnc_text_short(out, nnc_row_double(layer, "clip_low"));
    nnc_str_append(out, " to ");
    nnc_text_short(out, nnc_row_double(layer, "clip_high"));
    nnc_str_append(out, " \u00b7 seen ");
    nnc_text_short(out, nnc_row_double(layer, "min"));
    nnc_str_append(out, " to ");
    nnc_text_short(out, nnc_row_double(layer, "max"));
    if (isfinite(clipped)) {
        nnc_str_append(out, " \u00b7 ");
        nnc_text_short(out, 100 * clipped);
        nnc_str_append(out, " % clipped");
    }
    nnc_str_append(out, "</figcaption>");
}

static void figure(nnc_str *out, const nnc_report_row *layer)
{
    double counts[BINS_MAX];
    size_t n = nnc_report_count(layer, "histogram");
    n = n < BINS_MAX ? n : BINS_MAX;
    for (size_t i = 0; i < n; i++) {
        nnc_report_double_at(layer, "histogram", i, &counts[i]);
    }
    const nnc_svg_histogram h = {.counts = counts,
                                 .n = n,
                                 .lo = nnc_row_double(layer, "histogram_low"),
                                 .hi = nnc_row_double(layer, "histogram_high"),
                                 .clip_lo = nnc_row_double(layer, "clip_low"),
                                 .clip_hi = nnc_row_double(layer, "clip_high"),
                                 .min = nnc_row_double(layer, "min"),
                                 .max = nnc_row_double(layer, "max")};
    nnc_str_append(out, "<figure>");
    nnc_svg_draw_histogram(out, &h);
    caption(out, layer);
    nnc_str_append(out, "</figure>\n");
}

void nnc_html_histograms(nnc_str *out, const nnc_report_row *root)
{
    const nnc_report_row *worst[HISTOGRAMS];
    const size_t n = nnc_worst_layers(worst, HISTOGRAMS, root, true);
    if (n == 0) {
        return;
    }
    nnc_str_append(
        out, "<h2>Value ranges where the error is largest</h2>\n<p class=\"soft\">Logarithmic "
             "counts of the "
             "layer's output over the calibration samples. Solid lines: range of the integer grid; "
             "dashed: "
             "smallest and largest value seen; shaded: clipped.</p>\n<div class=\"small\">\n");
    for (size_t i = 0; i < n; i++) {
        figure(out, worst[i]);
    }
    nnc_str_append(out, "</div>\n");
}

static void layer_row(nnc_str *out, const nnc_report_row *layer, size_t i)
{
    const double sqnr = nnc_row_double(layer, "sqnr_db");
    const char *reason = nnc_row_string(layer, "reason");
    nnc_str_append(out, "<tr>");
    nnc_html_cell_number(out, (double)(i + 1), write_plain);
    nnc_html_cell_text(out, "name", nnc_layer_name(layer));
    nnc_html_cell_text(out, "", nnc_row_string(layer, "op"));
    nnc_html_cell_text(out, "n", nnc_row_string(layer, "shape"));
    nnc_html_cell_number(out, nnc_row_double(layer, "bits"), write_plain);
    nnc_str_appendf(out, "<td class=\"n%s\" data-v=\"", sqnr < LOW_SQNR_DB ? " low" : "");
    if (isfinite(sqnr)) {
        nnc_report_append_double(out, sqnr);
    }
    nnc_str_append(out, "\">");
    write_db(out, sqnr);
    nnc_str_append(out, "</td>");
    nnc_html_cell_number(out, nnc_row_double(layer, "cosine"), write_cosine);
    nnc_html_cell_number(out, nnc_row_double(layer, "time_fp32_us"), write_db);
    nnc_html_cell_number(out, nnc_row_double(layer, "time_int8_us"), write_db);
    nnc_html_cell_number(out, nnc_row_double(layer, "macs"), nnc_text_si);
    nnc_html_cell_number(out, nnc_row_double(layer, "weight_bytes_int8"), nnc_text_bytes);
    nnc_html_cell_text(out, "", reason[0] ? reason : nnc_row_string(layer, "method"));
    nnc_str_append(out, "</tr>\n");
}

void nnc_html_layers(nnc_str *out, const nnc_report_row *root)
{
    static const char *const names[] = {
        "#",      "Layer",        "Op",           "Output", "Bits",    "SQNR dB",
        "Cosine", "FP32 \u00b5s", "INT8 \u00b5s", "MACs",   "Weights", "Range or reason"};
    const size_t n = nnc_report_count(root, "layers");
    if (n == 0) {
        return;
    }
    nnc_str_append(out,
                   "<h2>Layers</h2>\n<p class=\"soft\">Error, time, bytes and bits of every "
                   "computing layer.<span "
                   "class=\"js\" hidden> A click on a heading sorts.</span> Times are of one layer in a profiled run, their sum "
                   "exceeds the latency of "
                   "an undisturbed one.</p>\n<div class=\"scroll tall\"><table class=\"sort\" " NNC_HTML_TABLE ">");
    nnc_html_head(out, names, sizeof(names) / sizeof(names[0]), "n..nnnnnnnn.");
    for (size_t i = 0; i < n && i < LAYERS_MAX; i++) {
        layer_row(out, nnc_report_at(root, "layers", i), i);
    }
    nnc_str_append(out, "</tbody></table></div>\n");
    if (n > LAYERS_MAX) {
        nnc_str_appendf(out, "<p><b>%zu further layers are in the JSON and CSV reports.</b></p>\n", n - LAYERS_MAX);
    }
}

void nnc_html_float_nodes(nnc_str *out, const nnc_report_row *root)
{
    static const char *const names[] = {"Node", "Op", "MACs", "Reason"};
    const size_t n = nnc_report_count(root, "coverage.float_nodes");
    if (n == 0) {
        return;
    }
    nnc_str_append(
        out, "<h2>What stays in float</h2>\n<div class=\"scroll tall\"><table class=\"sort\" " NNC_HTML_TABLE ">");
    nnc_html_head(out, names, 4, "..n.");
    for (size_t i = 0; i < n && i < NODES_MAX; i++) {
        const nnc_report_row *node = nnc_report_at(root, "coverage.float_nodes", i);
        nnc_str_append(out, "<tr>");
        nnc_html_cell_text(out, "name", nnc_row_string(node, "name"));
        nnc_html_cell_text(out, "", nnc_row_string(node, "op"));
        nnc_html_cell_number(out, nnc_row_double(node, "macs"), nnc_text_si);
        nnc_html_cell_text(out, "", nnc_row_string(node, "reason"));
        nnc_str_append(out, "</tr>\n");
    }
    nnc_str_append(out, "</tbody></table></div>\n");
    if (n > NODES_MAX) {
        nnc_str_appendf(out, "<p><b>%zu further nodes are in the JSON report.</b></p>\n", n - NODES_MAX);
    }
}

static const char *effect(int64_t label, int64_t fp32, int64_t int8)
{
    return label < 0       ? "changed"
           : label == fp32 ? "now wrong"
           : label == int8 ? "now right"
                           : "wrong before and after";
}

static void changed_row(nnc_str *out, const nnc_report_row *row)
{
    int64_t label, fp32, int8;
    const bool labelled = nnc_report_get_int(row, "label", &label) && label >= 0;
    nnc_report_get_int(row, "top1_fp32", &fp32);
    nnc_report_get_int(row, "top1_int8", &int8);
    nnc_str_append(out, "<tr>");
    nnc_html_cell_text(out, "name", nnc_row_string(row, "sample"));
    nnc_html_cell_number(out, labelled ? (double)label : NAN, write_plain);
    nnc_html_cell_number(out, (double)fp32, write_plain);
    nnc_html_cell_number(out, (double)int8, write_plain);
    nnc_html_cell_text(out, "", effect(labelled ? label : -1, fp32, int8));
    nnc_str_append(out, "</tr>\n");
}

void nnc_html_changed(nnc_str *out, const nnc_report_row *root)
{
    static const char *const names[] = {"Sample", "Label", "FP32 top-1", "INT8 top-1", "Effect"};
    size_t n = nnc_report_count(root, "accuracy.changed");
    n = n < CHANGES_MAX ? n : CHANGES_MAX;
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "<h2>Samples that changed</h2>\n<p class=\"soft\">The first samples whose "
                        "top-1 answer differs");
    int64_t wrong, right;
    if (nnc_report_get_int(root, "accuracy.only_fp32_right", &wrong) &&
        nnc_report_get_int(root, "accuracy.only_int8_right", &right)) {
        nnc_str_appendf(out, "; in all, %" PRId64 " became wrong and %" PRId64 " became right",
                        wrong, right);
    }
    nnc_str_append(out, ".</p>\n");
    for (size_t part = 0; part < 2; part++) {
        const size_t first = part ? SHOWN_CHANGES : 0,
                     end = part || n < SHOWN_CHANGES ? n : SHOWN_CHANGES;
        if (first >= end) {
            continue;
        }
        if (part) {
            nnc_str_appendf(out, "<details><summary>%zu more</summary>", end - first);
        }
        nnc_str_append(out, "<div class=\"scroll\"><table class=\"sort\" " NNC_HTML_TABLE ">");
        nnc_html_head(out, names, 5, ".nnn.");
        for (size_t i = first; i < end; i++) {
            changed_row(out, nnc_report_at(root, "accuracy.changed", i));
        }
        nnc_str_appendf(out, "</tbody></table></div>%s\n", part ? "</details>" : "");
    }
}
