/* What changed between two reports. SPDX-License-Identifier: Apache-2.0
 * Numbers that cannot be compared (other data, other machine) are shown with a note that says so. */
#include <math.h>
#include <string.h>

#include "base/map.h"
#include "reports/render.h"

static const struct {
    const char *name, *path, *unit;
} numbers[] = {
    {"top-1 accuracy FP32", "accuracy.top1_fp32", "share"},
    {"top-1 accuracy INT8", "accuracy.top1_int8", "share"},
    {"top-5 accuracy INT8", "accuracy.top5_int8", "share"},
    {"drop", "accuracy.drop", "share"},
    {"agreement", "accuracy.agreement", "share"},
    {"output SQNR", "accuracy.output_sqnr_db", "dB"},
    {"file size", "size.output_bytes", "bytes"},
    {"weights", "size.weight_bytes_int8", "bytes"},
    {"activation memory", "memory.arena_int8_bytes", "bytes"},
    {"latency p50", "latency.int8.p50_ms", "ms"},
    {"latency p90", "latency.int8.p90_ms", "ms"},
    {"latency p99", "latency.int8.p99_ms", "ms"},
    {"speed-up", "latency.speedup", "x"},
    {"multiply-accumulates in INT8", "coverage.int8_share", "share"},
};

static void add_side(nnc_report_row *root, const char *side, const nnc_report_row *from)
{
    static const char *const paths[] = {"source.path", "source.sha256", "output.path", "output.sha256",
                                        "verdict"};
    static const char *const keys[] = {"source", "source_sha256", "output", "output_sha256", "verdict"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        nnc_str path = {0};
        nnc_str_appendf(&path, "diff.%s.%s", side, keys[i]);
        nnc_report_string(root, nnc_str_get(&path), nnc_report_get_string(from, paths[i]));
        nnc_str_deinit(&path);
    }
}

static void add_note(nnc_report_row *root, const nnc_report_row *a, const nnc_report_row *b,
                     const char *path, const char *what, const char *so)
{
    const nnc_report_row *x = nnc_report_find(a, path), *y = nnc_report_find(b, path);
    const bool text = x && y && x->kind == NNC_REPORT_STRING && y->kind == NNC_REPORT_STRING;
    int64_t i = 0, k = 0;
    const bool number = nnc_report_get_int(a, path, &i) && nnc_report_get_int(b, path, &k);
    if ((!text || strcmp(x->s, y->s) == 0) && (!number || i == k)) {
        return;
    }
    nnc_str line = {0};
    nnc_str_appendf(&line, "%s differs (", what);
    if (text) {
        nnc_str_append_printable(&line, x->s, 80);
        nnc_str_append(&line, " / ");
        nnc_str_append_printable(&line, y->s, 80);
    } else {
        nnc_str_appendf(&line, "%lld / %lld", (long long)i, (long long)k);
    }
    nnc_str_appendf(&line, ")%s%s", so ? ": " : "", so ? so : "");
    nnc_report_append_string(root, "diff.notes", nnc_str_get(&line));
    nnc_str_deinit(&line);
}

static void add_notes(nnc_report_row *root, const nnc_report_row *a, const nnc_report_row *b)
{
    static const char time[] = "latencies were not measured on the same machine in the same state";
    static const char data[] = "accuracies are not comparable";
    static const struct {
        const char *path, *what, *so;
    } rows[] = {
        {"source.sha256", "source model", NULL},
        {"tool.version", "version of nncompress", NULL},
        {"quantization.target", "target", NULL},
        {"quantization.method", "calibration method", NULL},
        {"recipe.sha256", "recipe", NULL},
        {"data.calibration.content_xxh3", "calibration data", NULL},
        {"data.evaluation.manifest_sha256", "evaluation data", data},
        {"data.evaluation.preprocessing", "preprocessing", data},
        {"accuracy.judged_on", "what accuracy was judged on", data},
        {"accuracy.samples", "number of samples", data},
        {"environment.cpu", "CPU", time},
        {"environment.isa", "kernels", time},
        {"environment.threads", "number of threads", time},
        {"environment.governor", "frequency governor", time},
        {"environment.os", "system", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        add_note(root, a, b, rows[i].path, rows[i].what, rows[i].so);
    }
    if (nnc_row_bool(a, "latency.unsteady") || nnc_row_bool(b, "latency.unsteady")) {
        nnc_report_append_string(root, "diff.notes", "times varied by more than 5 % in at least one run");
    }
}

static void add_numbers(nnc_report_row *root, const nnc_report_row *a, const nnc_report_row *b)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const double x = nnc_row_double(a, numbers[i].path), y = nnc_row_double(b, numbers[i].path);
        if (!isfinite(x) && !isfinite(y)) {
            continue;
        }
        nnc_report_row *row = nnc_report_append(root, "diff.numbers");
        nnc_report_string(row, "name", numbers[i].name);
        nnc_report_string(row, "unit", numbers[i].unit);
        nnc_report_double(row, "before", x);
        nnc_report_double(row, "after", y);
    }
}

/* Position of every row of `path` by its name; the first one counts. NULL when memory is short. */
static nnc_map *index_names(const nnc_report_row *root, const char *path)
{
    nnc_map *map = nnc_map_create();
    for (size_t i = 0; map && i < nnc_report_count(root, path); i++) {
        const char *name = nnc_row_string(nnc_report_at(root, path, i), "name");
        uint32_t known;
        if (!nnc_map_get(map, name, &known) && nnc_map_put(map, name, (uint32_t)i, NULL) != NNC_OK) {
            nnc_map_destroy(map);
            return NULL;
        }
    }
    return map;
}

static bool same_layer(const nnc_report_row *x, const nnc_report_row *y)
{
    return nnc_row_double(x, "bits") == nnc_row_double(y, "bits") &&
           nnc_row_bool(x, "integer") == nnc_row_bool(y, "integer");
}

/* Row of a layer whose precision differs, or that only one report has. */
static void add_layer(nnc_report_row *root, const nnc_report_row *x, const nnc_report_row *y)
{
    nnc_report_row *row = nnc_report_append(root, "diff.layers");
    nnc_report_string(row, "name", nnc_row_string(x ? x : y, "name"));
    nnc_report_double(row, "bits_before", nnc_row_double(x, "bits"));
    nnc_report_double(row, "bits_after", nnc_row_double(y, "bits"));
    nnc_report_double(row, "sqnr_before_db", nnc_row_double(x, "sqnr_db"));
    nnc_report_double(row, "sqnr_after_db", nnc_row_double(y, "sqnr_db"));
    nnc_report_string(row, "reason", nnc_report_get_string(y, "reason"));
}

static void add_gate(nnc_report_row *root, const nnc_report_row *x, const nnc_report_row *y)
{
    nnc_report_row *row = nnc_report_append(root, "diff.gates");
    nnc_report_string(row, "name", nnc_row_string(x ? x : y, "name"));
    nnc_report_string(row, "unit", nnc_report_get_string(x ? x : y, "unit"));
    nnc_report_string(row, "verdict_before", x ? nnc_gate_verdict(x) : NULL);
    nnc_report_string(row, "verdict_after", y ? nnc_gate_verdict(y) : NULL);
    nnc_report_double(row, "before", nnc_row_double(x, "value"));
    nnc_report_double(row, "after", nnc_row_double(y, "value"));
    nnc_report_double(row, "limit_before", nnc_row_double(x, "limit"));
    nnc_report_double(row, "limit_after", nnc_row_double(y, "limit"));
}

/* Rows of `path` in both, matched by name: gates all, layers where they differ. */
static nnc_status add_matched(nnc_report_row *root, const nnc_report_row *a, const nnc_report_row *b,
                              const char *path, bool layers)
{
    nnc_map *in_a = index_names(a, path), *in_b = index_names(b, path);
    uint32_t at;
    for (size_t i = 0; in_a && in_b && i < nnc_report_count(a, path); i++) {
        const nnc_report_row *x = nnc_report_at(a, path, i);
        const nnc_report_row *y =
            nnc_map_get(in_b, nnc_row_string(x, "name"), &at) ? nnc_report_at(b, path, at) : NULL;
        if (x && !layers) {
            add_gate(root, x, y);
        } else if (x && (!y || !same_layer(x, y))) {
            add_layer(root, x, y);
        }
    }
    for (size_t i = 0; in_a && in_b && i < nnc_report_count(b, path); i++) {
        const nnc_report_row *y = nnc_report_at(b, path, i);
        if (y && !nnc_map_get(in_a, nnc_row_string(y, "name"), &at)) {
            (layers ? add_layer : add_gate)(root, NULL, y);
        }
    }
    const bool failed = !in_a || !in_b;
    nnc_map_destroy(in_a);
    nnc_map_destroy(in_b);
    return failed ? NNC_ERR_LIMIT : NNC_OK;
}

nnc_status nnc_report_diff(nnc_report **out, const nnc_report *before, const nnc_report *after)
{
    const nnc_report_row *a = &before->root, *b = &after->root;
    NNC_TRY(nnc_report_create(out, "diff"));
    nnc_report_row *root = nnc_report_root(*out);
    add_side(root, "before", a);
    add_side(root, "after", b);
    add_notes(root, a, b);
    add_numbers(root, a, b);
    nnc_status status = add_matched(root, a, b, "gates", false);
    status = status == NNC_OK ? add_matched(root, a, b, "layers", true) : status;
    status = status == NNC_OK ? nnc_report_status(*out) : status;
    if (status != NNC_OK) {
        nnc_report_destroy(*out);
        *out = NULL;
    }
    return status;
}
