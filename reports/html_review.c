/* Sections of the HTML page for the reviewer: gates, hashes, classes, size, steps and candidates.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/html.h"
#include "reports/svg.h"

#define WORST 10
#define CLASSES_MAX 5000 /* rows of the page; the JSON document has all */

static void write_plain(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 0);
}

static void write_points(nnc_str *out, double value)
{
    nnc_html_signed(out, -100 * value, 2, true);
}

static void write_percent(nnc_str *out, double value)
{
    nnc_text_percent(out, value, 2);
}

static void write_ms(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 3);
}

static void write_seconds(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 1);
}

static void write_db(nnc_str *out, double value)
{
    nnc_text_fixed(out, value, 1);
}

void nnc_html_head(nnc_str *out, const char *const *names, size_t n, const char *numeric)
{
    nnc_str_append(out, "<thead><tr>");
    for (size_t i = 0; i < n; i++) {
        nnc_str_appendf(out, "<th scope=\"col\"%s>%s</th>", numeric[i] == 'n' ? " class=\"n\"" : "", names[i]);
    }
    nnc_str_append(out, "</tr></thead><tbody>\n");
}

/* A cell whose heading is repeated for narrow pages, which stack the cells; typographic minus. */
static void gate_cell(nnc_str *out, const char *heading, const char *text)
{
    nnc_str_appendf(out, "<td class=\"n\" data-h=\"%s\">", heading);
    for (const char *c = text; *c; c++) {
        const char one[2] = {*c, 0};
        if (*c == '-' && c[1] >= '0' && c[1] <= '9') {
            nnc_str_append(out, "\u2212");
        } else {
            nnc_html_text(out, one);
        }
    }
    nnc_str_append(out, "</td>");
}

static void gate_row(nnc_str *out, const nnc_report_row *gate)
{
    const char *verdict = nnc_gate_verdict(gate);
    nnc_str text = {0};
    nnc_str_append(out, "<tr>");
    nnc_html_cell_text(out, "name", nnc_row_string(gate, "name"));
    nnc_html_cell_text(out, strcmp(verdict, "PASSED") == 0   ? "pass"
                            : strcmp(verdict, "FAILED") == 0 ? "low"
                                                             : "open", verdict);
    if (isfinite(nnc_row_double(gate, "limit"))) {
        nnc_str_append(&text, nnc_row_string(gate, "relation"));
        nnc_str_append(&text, " ");
        nnc_gate_number(&text, gate, "limit");
    }
    gate_cell(out, "Limit", nnc_str_get(&text));
    nnc_str_clear(&text);
    nnc_gate_number(&text, gate, "value");
    gate_cell(out, "Measured", nnc_str_get(&text));
    nnc_str_clear(&text);
    nnc_gate_interval(&text, gate);
    gate_cell(out, "95 % bounds", nnc_str_get(&text));
    nnc_html_cell_text(out, "why", nnc_row_string(gate, "reason"));
    nnc_str_append(out, "</tr>\n");
    nnc_str_deinit(&text);
}

void nnc_html_gates(nnc_str *out, const nnc_report_row *root)
{
    static const char *const names[] = {"Gate", "Verdict", "Limit", "Measured", "95 % bounds", "Why"};
    const size_t n = nnc_report_count(root, "gates");
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "<div class=\"scroll\"><table class=\"gates\" " NNC_HTML_TABLE ">");
    nnc_html_head(out, names, sizeof(names) / sizeof(names[0]), "..nnn.");
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        if (gate) {
            gate_row(out, gate);
        }
    }
    nnc_str_append(out, "</tbody></table></div>\n");
}

void nnc_html_hashes(nnc_str *out, const nnc_report_row *root)
{
    static const char *const rows[][3] = {
        {"Source model", "source.path", "source.sha256"},
        {"Result", "output.path", "output.sha256"},
        {"Recipe", "recipe.path", "recipe.sha256"},
        {"Calibration data", "data.calibration.spec", "data.calibration.manifest_sha256"},
        {"Evaluation data", "data.evaluation.spec", "data.evaluation.manifest_sha256"}};
    static const char *const names[] = {"What", "Name", "SHA-256"};
    nnc_str_append(out, "<h2>What was looked at</h2>\n<div class=\"scroll\"><table class=\"hashes\" " NNC_HTML_TABLE
                        ">");
    nnc_html_head(out, names, 3, "...");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *path = nnc_row_string(root, rows[i][1]), *sha = nnc_row_string(root, rows[i][2]);
        if (*path || *sha) {
            nnc_str_appendf(out, "<tr><td>%s</td>", rows[i][0]);
            nnc_html_cell_text(out, "name", nnc_text_basename(path));
            nnc_html_cell_text(out, "name", *sha ? sha : "not recorded");
            nnc_str_append(out, "</tr>\n");
        }
    }
    nnc_str_append(out, "</tbody></table></div>\n<p class=\"soft\">For data it is the hash of a manifest: name, label "
                        "and content hash of every sample. <code>nncompress verify</code> recomputes all of "
                        "them.</p>\n");
}

static int by_drop(const void *a, const void *b)
{
    const nnc_report_row *x = *(const nnc_report_row *const *)a, *y = *(const nnc_report_row *const *)b;
    const double p = nnc_class_drop(x), q = nnc_class_drop(y);
    if (isnan(p) || isnan(q)) {
        return isnan(p) - isnan(q);
    }
    return p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

static void class_rows(nnc_str *out, const nnc_report_row *const *rows, size_t n)
{
    static const char *const names[] = {"Class", "Samples", "FP32 right", "INT8 right", "Change, points"};
    nnc_str_append(out, "<div class=\"scroll\"><table class=\"sort\" " NNC_HTML_TABLE ">");
    nnc_html_head(out, names, 5, ".nnnn");
    for (size_t i = 0; i < n; i++) {
        nnc_str name = {0};
        nnc_class_name(&name, rows[i]);
        nnc_str_append(out, "<tr>");
        nnc_html_cell_text(out, "name", nnc_str_get(&name));
        nnc_html_cell_number(out, nnc_row_double(rows[i], "samples"), write_plain);
        nnc_html_cell_number(out, nnc_row_double(rows[i], "right_fp32"), write_plain);
        nnc_html_cell_number(out, nnc_row_double(rows[i], "right_int8"), write_plain);
        nnc_html_cell_number(out, nnc_class_drop(rows[i]), write_points);
        nnc_str_append(out, "</tr>\n");
        nnc_str_deinit(&name);
    }
    nnc_str_append(out, "</tbody></table></div>\n");
}

void nnc_html_classes(nnc_str *out, const nnc_report_row *root)
{
    const size_t count = nnc_report_count(root, "accuracy.classes");
    const nnc_report_row **rows = count ? nnc_calloc(count, sizeof(*rows)) : NULL;
    size_t n = 0;
    for (size_t i = 0; rows && i < count; i++) {
        rows[n] = nnc_report_at(root, "accuracy.classes", i);
        n += rows[n] != NULL;
    }
    if (n) {
        qsort(rows, n, sizeof(*rows), by_drop);
        nnc_str_append(out, "<h2>Classes</h2>\n<p class=\"soft\">Right answers per class, largest loss first. With "
                            "few samples in a class a change of one answer is no finding.</p>\n");
        class_rows(out, rows, n < WORST ? n : WORST);
    }
    if (n > WORST) {
        const size_t rest = n - WORST, shown = rest < CLASSES_MAX ? rest : CLASSES_MAX;
        nnc_str_appendf(out, "<details><summary>%zu more classes</summary>\n", rest);
        class_rows(out, rows + WORST, shown);
        if (shown < rest) {
            nnc_str_appendf(out, "<p>%zu further classes are in the JSON report.</p>\n", rest - shown);
        }
        nnc_str_append(out, "</details>\n");
    }
    nnc_free(rows);
}

void nnc_html_sizes(nnc_str *out, const nnc_report_row *root)
{
    static const char *const names[] = {"Part", "Bytes", "Share of the file"};
    const size_t n = nnc_report_count(root, "size.map"), why = nnc_report_count(root, "size.why");
    const double total = nnc_row_double(root, "size.output_bytes");
    if (n) {
        nnc_str_append(out, "<h2>Where the bytes are</h2>\n<div class=\"scroll\"><table class=\"sort\" " NNC_HTML_TABLE
                            ">");
        nnc_html_head(out, names, 3, ".nn");
        for (size_t i = 0; i < n; i++) {
            const nnc_report_row *row = nnc_report_at(root, "size.map", i);
            nnc_str_append(out, "<tr>");
            nnc_html_cell_text(out, "", nnc_row_string(row, "what"));
            nnc_html_cell_number(out, nnc_row_double(row, "bytes"), nnc_text_bytes);
            nnc_html_cell_number(out, nnc_row_double(row, "bytes") / total, write_percent);
            nnc_str_append(out, "</tr>\n");
        }
        nnc_str_append(out, "</tbody></table></div>\n");
    }
    if (why) {
        nnc_str_append(out, "<h3>Why it is not smaller</h3>\n<ul>");
        for (size_t i = 0; i < why; i++) {
            const char *text = nnc_report_string_at(root, "size.why", i);
            nnc_str_append(out, "<li>");
            nnc_html_text(out, text ? text : "");
            nnc_str_append(out, "</li>\n");
        }
        nnc_str_append(out, "</ul>\n");
    }
}

static bool any_text(const nnc_report_row *root, const char *path, const char *key)
{
    bool any = false;
    for (size_t i = 0; i < nnc_report_count(root, path); i++) {
        any = any || *nnc_row_string(nnc_report_at(root, path, i), key);
    }
    return any;
}

static bool any_number(const nnc_report_row *root, const char *path, const char *key)
{
    bool any = false;
    for (size_t i = 0; i < nnc_report_count(root, path); i++) {
        any = any || isfinite(nnc_row_double(nnc_report_at(root, path, i), key));
    }
    return any;
}

void nnc_html_trail(nnc_str *out, const nnc_report_row *root)
{
    static const char *const names[] = {"Step", "Nodes", "Weights", "Seconds", "Note"};
    const size_t n = nnc_report_count(root, "trail");
    const bool notes = any_text(root, "trail", "note");
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "<h2>Steps</h2>\n<div class=\"scroll\"><table " NNC_HTML_TABLE ">");
    nnc_html_head(out, names, notes ? 5 : 4, ".nnn.");
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *row = nnc_report_at(root, "trail", i);
        nnc_str_append(out, "<tr>");
        nnc_html_cell_text(out, "name", nnc_row_string(row, "step"));
        nnc_html_cell_number(out, nnc_row_double(row, "nodes"), write_plain);
        nnc_html_cell_number(out, nnc_row_double(row, "weight_bytes"), nnc_text_bytes);
        nnc_html_cell_number(out, nnc_row_double(row, "seconds"), write_seconds);
        if (notes) {
            nnc_html_cell_text(out, "", nnc_row_string(row, "note"));
        }
        nnc_str_append(out, "</tr>\n");
    }
    nnc_str_append(out, "</tbody></table></div>\n");
}

/* Whether `a` is at least as good as `b` everywhere that both are known, and better somewhere. */
static bool dominates(const nnc_report_row *a, const nnc_report_row *b)
{
    static const struct {
        const char *key;
        double sign;
    } rows[] = {{"bytes", -1}, {"latency_ms", -1}, {"accuracy", 1}, {"sqnr_db", 1}};
    bool better = false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double x = rows[i].sign * nnc_row_double(a, rows[i].key),
                     y = rows[i].sign * nnc_row_double(b, rows[i].key);
        if (x < y) {
            return false;
        }
        better = better || x > y;
    }
    return better;
}

static bool on_front(const nnc_report_row *root, size_t n, const nnc_report_row *row)
{
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *other = nnc_report_at(root, "candidates", i);
        if (other && other != row && dominates(other, row)) {
            return false;
        }
    }
    return true;
}

/* Costs that a picture shows accuracy over, with where the original, a result, a target and a candidate keep them. */
static const struct {
    const char *name, *unit, *original, *result, *target, *candidate;
} costs[] = {{"file size", "B", "size.source_bytes", "size.output_bytes", "bytes", "bytes"},
             {"median latency", " ms", "latency.fp32.p50_ms", "latency.int8.p50_ms", "latency_p50_ms", "latency_ms"}};

static void add_point(nnc_svg_point *points, size_t *n, const nnc_svg_point point)
{
    if (*n < NNC_SVG_POINTS && isfinite(point.x) && isfinite(point.y) && point.x > 0) {
        points[(*n)++] = point;
    }
}

/* Points with labelled accuracy only: agreement is no accuracy. */
static size_t collect(nnc_svg_point *points, const nnc_report_row *root, size_t c)
{
    const size_t targets = nnc_report_count(root, "targets");
    size_t n = 0;
    add_point(points, &n, (nnc_svg_point){.x = nnc_row_double(root, costs[c].original),
                                          .y = 100 * nnc_row_double(root, "accuracy.top1_fp32"), .name = "original"});
    if (targets < 2) {
        add_point(points, &n, (nnc_svg_point){.x = nnc_row_double(root, costs[c].result), .chosen = true,
                                              .y = 100 * nnc_row_double(root, "accuracy.top1_int8"), .name = "result"});
    }
    for (size_t i = 0; targets > 1 && i < targets; i++) {
        const nnc_report_row *row = nnc_report_at(root, "targets", i);
        add_point(points, &n, (nnc_svg_point){.x = nnc_row_double(row, costs[c].target), .chosen = true,
                                              .y = 100 * nnc_row_double(row, "top1_int8"), .name = nnc_row_string(row, "name")});
    }
    for (size_t i = 0; i < nnc_report_count(root, "candidates"); i++) {
        const nnc_report_row *row = nnc_report_at(root, "candidates", i);
        add_point(points, &n, (nnc_svg_point){.x = nnc_row_double(row, costs[c].candidate), .chosen = nnc_row_bool(row, "chosen"),
                                              .y = 100 * nnc_row_double(row, "accuracy"), .name = nnc_row_string(row, "name")});
    }
    return n;
}

void nnc_html_pareto(nnc_str *out, const nnc_report_row *root)
{
    for (size_t c = 0; c < sizeof(costs) / sizeof(costs[0]); c++) {
        nnc_svg_point points[NNC_SVG_POINTS];
        const size_t n = collect(points, root, c);
        for (size_t i = 0; i < n; i++) {
            points[i].front = true;
            for (size_t k = 0; k < n; k++) {
                const bool better = points[k].x < points[i].x || points[k].y > points[i].y;
                points[i].front = points[i].front && !(points[k].x <= points[i].x && points[k].y >= points[i].y && better);
            }
        }
        if (n > 2) { /* two points are the numbers above */
            nnc_str_appendf(out, "<h3>Accuracy over %s</h3><p class=\"soft\">Top-1 in %%; up and left is better. Filled: on the "
                                 "Pareto front, nothing else is better in both. Thick ring: written or chosen.</p>\n"
                                 "<div class=\"scroll\">",
                            costs[c].name);
            nnc_svg_scatter(out, points, n, costs[c].unit);
            nnc_str_append(out, "</div>\n");
        }
    }
}

void nnc_html_candidates(nnc_str *out, const nnc_report_row *root)
{
    static const struct {
        const char *name, *key;
        nnc_html_number_fn *write;
    } columns[] = {{"Size", "bytes", nnc_text_bytes}, {"Latency ms", "latency_ms", write_ms},
                   {"Agreement", "accuracy", write_percent}, {"SQNR dB", "sqnr_db", write_db}};
    size_t n = nnc_report_count(root, "candidates");
    if (n == 0) {
        return;
    }
    n = n < NNC_SVG_POINTS ? n : NNC_SVG_POINTS;
    nnc_str_append(out, "<h2>Forms that were judged</h2>\n<p class=\"soft\">Against the original, on calibration samples that were "
                        "held back; SQNR decides unless the answers differ by more than chance.</p>\n");
    nnc_str_append(out, "<div class=\"scroll\"><table class=\"sort\" " NNC_HTML_TABLE
                        "><thead><tr><th scope=\"col\">Form</th>");
    for (size_t c = 0; c < 4; c++) {
        if (any_number(root, "candidates", columns[c].key)) {
            nnc_str_appendf(out, "<th scope=\"col\" class=\"n\">%s</th>", columns[c].name);
        }
    }
    const bool notes = any_text(root, "candidates", "note");
    nnc_str_appendf(out, "<th scope=\"col\">Pareto</th>%s</tr></thead><tbody>\n", notes ? "<th scope=\"col\">Note</th>" : "");
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *row = nnc_report_at(root, "candidates", i);
        nnc_str_append(out, "<tr>");
        nnc_html_cell_text(out, "name", nnc_row_string(row, "name"));
        for (size_t c = 0; c < 4; c++) {
            if (any_number(root, "candidates", columns[c].key)) {
                nnc_html_cell_number(out, nnc_row_double(row, columns[c].key), columns[c].write);
            }
        }
        nnc_str_appendf(out, "<td>%s%s</td>", row && on_front(root, n, row) ? "on the front" : "dominated",
                        nnc_row_bool(row, "chosen") ? ", chosen" : "");
        if (notes) {
            nnc_html_cell_text(out, "why", nnc_row_string(row, "note"));
        }
        nnc_str_append(out, "</tr>\n");
    }
    nnc_str_append(out, "</tbody></table></div>\n");
}
