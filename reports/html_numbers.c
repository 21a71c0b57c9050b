/* Sections of the HTML page: the trade-off in numbers, latency distribution, provenance, glossary.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/html.h"
#include "reports/svg.h"

static void write_percent(nnc_str *out, double value)
{
    nnc_text_percent(out, value, 2);
}

static void write_ms(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 3);
    nnc_str_append(out, isfinite(value) ? " ms" : "");
}

static void write_rate(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 1);
    nnc_str_append(out, isfinite(value) ? " /s" : "");
}

/* before / after; after / before; after - before in points for shares; the median of the ratios of
 * paired runs. */
typedef enum change { CHANGE_RATIO, CHANGE_INVERSE, CHANGE_POINTS, CHANGE_PAIRED } change;

static const struct {
    const char *name, *before, *after;
    nnc_html_number_fn *write;
    change change;
    const char *lo, *hi; /* interval of the change, as the document has it */
} rows[] = {
    {"Top-1 accuracy", "accuracy.top1_fp32", "accuracy.top1_int8", write_percent, CHANGE_POINTS,
     "accuracy.drop_high", "accuracy.drop_low"},
    {"Top-5 accuracy", "accuracy.top5_fp32", "accuracy.top5_int8", write_percent, CHANGE_POINTS,
     NULL, NULL},
    {"File size", "size.source_bytes", "size.output_bytes", nnc_text_bytes, CHANGE_RATIO, NULL,
     NULL},
    {"Weights", "size.weight_bytes_fp32", "size.weight_bytes_int8", nnc_text_bytes, CHANGE_RATIO,
     NULL, NULL},
    {"Activation memory", "memory.arena_fp32_bytes", "memory.arena_int8_bytes", nnc_text_bytes,
     CHANGE_RATIO, NULL, NULL},
    {"Latency p50", "latency.fp32.p50_ms", "latency.int8.p50_ms", write_ms, CHANGE_PAIRED,
     "latency.speedup_low", "latency.speedup_high"},
    {"Latency p90", "latency.fp32.p90_ms", "latency.int8.p90_ms", write_ms, CHANGE_RATIO, NULL,
     NULL},
    {"Latency p99", "latency.fp32.p99_ms", "latency.int8.p99_ms", write_ms, CHANGE_RATIO, NULL,
     NULL},
    {"Latency, fastest run", "latency.fp32.min_ms", "latency.int8.min_ms", write_ms, CHANGE_RATIO,
     NULL, NULL},
    {"Throughput", "latency.fp32.throughput_per_s", "latency.int8.throughput_per_s", write_rate,
     CHANGE_INVERSE, NULL, NULL},
};

static void change_cells(nnc_str *out, const nnc_report_row *root, size_t i, double before,
                         double after)
{
    const double lo = rows[i].lo ? nnc_row_double(root, rows[i].lo) : NAN;
    const double hi = rows[i].hi ? nnc_row_double(root, rows[i].hi) : NAN;
    const bool points = rows[i].change == CHANGE_POINTS;
    nnc_str_append(out, "<td class=\"n change\">");
    if (points) {
        nnc_html_signed(out, 100 * (after - before), 2, true);
        nnc_str_append(out, " points");
    } else {
        const double ratio = rows[i].change == CHANGE_PAIRED
                                 ? nnc_row_double(root, "latency.speedup")
                             : rows[i].change == CHANGE_INVERSE ? after / before
                                                                : before / after;
        nnc_text_fixed(out, ratio, 2);
        nnc_str_append(out, "\u00d7");
    }
    if (isfinite(lo) && isfinite(hi)) {
        /* The document's drop counts losses as positive. */
        nnc_str_append(out, " <small>(95\u00a0%: ");
        nnc_html_signed(out, points ? -100 * lo : lo, 2, points);
        nnc_str_append(out, " to ");
        nnc_html_signed(out, points ? -100 * hi : hi, 2, points);
        nnc_str_append(out, ")</small>");
    }
    nnc_str_append(out, "</td></tr>\n");
}

static void one_sided(nnc_str *out, const char *name, double value, nnc_html_number_fn *write)
{
    if (isfinite(value)) {
        nnc_str_appendf(out, "<tr><td>%s</td><td></td>", name);
        nnc_html_cell_number(out, value, write);
        nnc_str_append(out, "<td></td></tr>\n");
    }
}

/* A figure of the task: of both models, or of one against the other. */
static void figure(nnc_str *out, const nnc_report_row *row)
{
    static const char *const members[] = {"fp32", "int8"};
    const bool alone = isfinite(nnc_row_double(row, "both"));
    nnc_str_append(out, "<tr><td>");
    nnc_html_text(out, nnc_row_string(row, "label"));
    nnc_str_append(out, "</td>");
    for (size_t i = 0; i < 2; i++) {
        nnc_str_append(out, "<td class=\"n\">");
        if (!alone || i == 1) {
            const double value = nnc_row_double(row, alone ? "both" : members[i]);
            if (isfinite(value)) {
                nnc_text_unit(out, value, nnc_row_string(row, "unit"));
            }
        }
        nnc_str_append(out, "</td>");
    }
    nnc_str_append(out, "<td></td></tr>\n");
}

static void write_db(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 1);
    nnc_str_append(out, " dB");
}

static void write_cosine(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 5);
}

void nnc_html_numbers(nnc_str *out, const nnc_report_row *root)
{
    nnc_str_append(
        out,
        "<h2>Trade-off</h2>\n<div class=\"scroll\"><table border=\"1\" cellpadding=\"4\"><thead><tr><th>What</th><th class=\"n\">FP32"
        "</th><th class=\"n\">INT8</th><th class=\"n\">Change</th>"
        "</tr></thead><tbody>\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double before = nnc_row_double(root, rows[i].before),
                     after = nnc_row_double(root, rows[i].after);
        if (isfinite(before) && isfinite(after)) {
            nnc_str_appendf(out, "<tr><td>%s</td>", rows[i].name);
            nnc_html_cell_number(out, before, rows[i].write);
            nnc_html_cell_number(out, after, rows[i].write);
            change_cells(out, root, i, before, after);
        }
    }
    for (size_t i = 0; i < nnc_report_count(root, "accuracy.figures"); i++) {
        figure(out, nnc_report_at(root, "accuracy.figures", i));
    }
    one_sided(out, "Same top-1 answer", nnc_row_double(root, "accuracy.agreement"), write_percent);
    one_sided(out, "Output SQNR", nnc_row_double(root, "accuracy.output_sqnr_db"), write_db);
    one_sided(out, "Output cosine", nnc_row_double(root, "accuracy.output_cosine"), write_cosine);
    one_sided(out, "Largest output difference", nnc_row_double(root, "accuracy.output_max_abs"),
              nnc_text_short);
    nnc_str_append(out, "</tbody></table></div>\n");
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Positive samples at `path`, in order and sorted, in one block that the caller frees (nnc_free);
 * NULL if there are none. */
static double *read_samples(nnc_svg_series *series, const nnc_report_row *root, const char *path)
{
    const size_t n = nnc_report_count(root, path);
    double *values = n ? nnc_calloc(n, 2 * sizeof(*values)) : NULL;
    size_t count = 0;
    for (size_t i = 0; values && i < n; i++) {
        double value;
        if (nnc_report_double_at(root, path, i, &value) && value > 0) {
            values[count++] = value;
        }
    }
    if (count) {
        memcpy(values + n, values, count * sizeof(*values));
        qsort(values + n, count, sizeof(*values), compare);
    }
    series->samples = values;
    series->sorted = values ? values + n : NULL;
    series->n = count;
    return values;
}

void nnc_html_latency(nnc_str *out, const nnc_report_row *root)
{
    nnc_svg_series series[2] = {{.name = "FP32", .css = "fp32"}, {.name = "INT8", .css = "int8"}};
    double *fp32 = read_samples(&series[0], root, "latency.fp32.samples_ms");
    double *int8 = read_samples(&series[1], root, "latency.int8.samples_ms");
    if (series[0].n > 1 && series[1].n > 1) {
        series[0].median = nnc_row_double(root, "latency.fp32.p50_ms");
        series[1].median = nnc_row_double(root, "latency.int8.p50_ms");
        nnc_str_append(out, "<h2>Latency</h2>\n<p class=\"soft\">Share of runs that took at most "
                            "this long. The models "
                            "took turns run by run (A B B A) in one process, ");
        nnc_text_fixed(out, nnc_row_double(root, "latency.int8.runs"), 0);
        nnc_str_append(out, " runs each, batch 1, ");
        nnc_text_fixed(out, nnc_row_double(root, "environment.threads"), 0);
        nnc_str_append(out, nnc_row_double(root, "environment.threads") == 1 ? " thread.</p>\n"
                                                                             : " threads.</p>\n");
        if (nnc_row_bool(root, "latency.unsteady")) {
            nnc_str_append(out, "<p><b>Times vary by more than 5 %:</b> other load or throttling; "
                                "compare the fastest "
                                "runs too.</p>\n");
        }
        nnc_str_append(out, "<div class=\"scroll\">");
        nnc_svg_ecdf(out, series, 2);
        nnc_str_append(
            out, "</div><p class=\"soft\">In order of measurement (ms):</p><div class=\"scroll\">");
        nnc_svg_strip(out, series, 2);
        nnc_str_append(out, "</div>\n");
    }
    nnc_free(fp32);
    nnc_free(int8);
}

/* Any value as text. */
static void write_value(nnc_str *out, const nnc_report_row *value)
{
    switch (value->kind) {
    case NNC_REPORT_NULL:
        nnc_str_append(out, "\u2013");
        break;
    case NNC_REPORT_BOOL:
        nnc_str_append(out, value->b ? "yes" : "no");
        break;
    case NNC_REPORT_INT:
        nnc_str_appendf(out, "%" PRId64, value->i);
        break;
    case NNC_REPORT_DOUBLE:
        nnc_text_short(out, value->d);
        break;
    case NNC_REPORT_STRING:
        nnc_html_text(out, value->s);
        break;
    case NNC_REPORT_ARRAY:
    case NNC_REPORT_OBJECT:
        for (size_t i = 0; i < value->count; i++) {
            nnc_str_append(out, i ? ", " : "");
            if (value->items[i]->key) {
                nnc_html_text(out, value->items[i]->key);
                nnc_str_append(out, " ");
            }
            write_value(out, value->items[i]);
        }
        break;
    }
}

static void fact_rows(nnc_str *out, const nnc_report_row *root, const nnc_report_row *object)
{
    for (size_t i = 0; i < object->count; i++) {
        nnc_str key = {0};
        nnc_html_text(&key, object->items[i]->key);
        for (size_t k = 0; k < key.len; k++) {
            key.data[k] = key.data[k] == '_' ? ' ' : key.data[k];
        }
        const bool mono = strstr(object->items[i]->key, "sha256") ||
                          strstr(object->items[i]->key, "xxh3") ||
                          strcmp(object->items[i]->key, "command") == 0;
        nnc_str when = {0};
        const bool is_time = strcmp(object->items[i]->key, "created_ms") == 0 && nnc_text_created(&when, root);
        nnc_str_appendf(out, "<tr><th>%s</th><td%s>", is_time ? "created" : nnc_str_get(&key),
                        mono ? " class=\"name\"" : "");
        nnc_str_deinit(&key);
        if (is_time) {
            nnc_html_text(out, nnc_str_get(&when));
        } else {
            write_value(out, object->items[i]);
        }
        nnc_str_deinit(&when);
        nnc_str_append(out, "</td></tr>\n");
    }
}

void nnc_html_provenance(nnc_str *out, const nnc_report_row *root)
{
    static const struct {
        const char *path, *title;
    } tables[] = {{"source", "Source model"},
                  {"output", "Result"},
                  {"tool", "Tool"},
                  {"environment", "Measured on"},
                  {"options", "Options"},
                  {"quantization", "Quantization"},
                  {"data.calibration", "Calibration data"},
                  {"data.evaluation", "Evaluation data"},
                  {"memory", "Memory in bytes"}};
    nnc_str_append(out, "<h2>Configuration and provenance</h2>\n");
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const nnc_report_row *object = nnc_report_find(root, tables[i].path);
        if (object && object->kind == NNC_REPORT_OBJECT) {
            nnc_str_appendf(out, "<h3>%s</h3><table class=\"facts\" border=\"1\" cellpadding=\"4\">\n", tables[i].title);
            fact_rows(out, root, object);
            nnc_str_append(out, "</table>\n");
        }
    }
}

void nnc_html_glossary(nnc_str *out)
{
    static const char *const terms[][2] = {
        {"Top-1, top-5",
         "Share of samples whose label is the model's best answer, or among its five best."},
        {"Drop", "Top-1 of the original minus top-1 of the compressed model, in percentage points, "
                 "on the same samples."},
        {"95 % interval",
         "Range that covers the true value in 95 of 100 repetitions. Drop: paired score interval "
         "(Newcombe 1998, method 10); agreement: Wilson; speed-up: order statistics of paired "
         "runs, of as many as are independent."},
        {"Agreement", "Share of samples for which both models give the same top-1 answer. It needs "
                      "no labels and does "
                      "not say which model is right."},
        {"SQNR", "Signal to quantization noise ratio, 10 log10 of the energy of the original "
                 "values over the energy of "
                 "the error. 6 dB are one bit; below about 20 dB a layer deserves a look."},
        {"Cosine", "Angle between original and compressed values; 1 is the same direction."},
        {"p50, p90, p99", "Time that 50, 90 or 99 % of the runs did not exceed."},
        {"MAC", "Multiply-accumulate, the unit of work of convolutions and matrix products."},
        {"Clipped", "Share of values outside the range of the integer grid; they saturate."},
        {"FP32, INT8", "32-bit floating point, as the source computes; 8-bit integers, as the result does."},
        {"Gate", "A limit that was set before the run. PASSED or FAILED: the measured bounds lie on one side of the "
                 "limit. UNDECIDED: the limit lies between them; more samples would tell. SKIPPED: nothing to compare."},
        {"95 % bounds", "Of a gate: each bound alone is on the right side of the true value in 95 of 100 repetitions."},
        {"Calibration", "Running samples through the source model to find the range of every value."},
        {"Held back", "Calibration samples that were kept out of calibration to judge its result."},
        {"Bias correction", "Restores the mean of a layer's output that rounding moved."},
        {"Pareto front", "Forms that no other form beats in everything."},
        {"Manifest", "Sorted list of name, label and content hash of every sample; its SHA-256 names the data."},
        {"SHA-256", "Hash of a file: equal hashes mean equal bytes."},
        {"Q/DQ", "QuantizeLinear and DequantizeLinear, the nodes by which a standard ONNX file says what is 8-bit."},
        {"Target", "Who reads the file: a runtime's rules for types and signs."},
        {"Points", "Percentage points: from 90 % to 88 % are 2 points."},
        {"Grid, scale, zero point", "The 256 values that 8 bits can stand for: real value = scale times (integer minus zero point)."},
        {"Ranges by minmax, percentile, entropy, mse, ema, auto", "How the end points of a grid are chosen from the values seen in calibration: "
         "smallest and largest; all but a share; least information lost; least squared error; running mean; the best of them for each value."},
        {"Biases own, layer by layer, in sequence", "As the model has them; corrected for each layer alone; corrected with the errors of "
         "the layers before."},
        {"Recipe", "The options of a run in a file that repeats it."},
        {"Throughput", "Runs per second, one after the other."},
        {"Kernels", "The code for one kind of processor (isa) that the bundled runtime used."},
        {"Saturate", "Processors without VNNI add pairs of products in 16 bits; large weights can overflow them."},
        {"Profiled run", "Every layer timed alone, which costs some time itself."},
        {"Activation memory", "Largest sum of intermediate results that live at the same time."},
        {"Bits", "Of the numbers that a layer multiplies: 8 for integers, 32 for float."},
        {"Float layer", "A layer that stays in 32-bit floating point; its reason is given."},
    };
    nnc_str_append(out, "<h2>Terms</h2>\n<dl>");
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        nnc_str_appendf(out, "<dt>%s</dt><dd>%s</dd>", terms[i][0], terms[i][1]);
    }
    nnc_str_append(out, "</dl>\n");
}
