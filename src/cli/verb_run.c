/* nncompress run: inference on given inputs, compared with reference outputs. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/common.h"
#include "reports/report.h"

typedef struct run_options {
    const char *golden, *data;
    int64_t samples;
    double rtol, atol;
    nnc_data_flags data_flags;
    nnc_run_flags run;
} run_options;

#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(run_options, name, sh, kind, data_flags.member, meta, help, "Samples", min, max, choices),
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(run_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_DEVICE(name, sh, kind, member, meta, help, min, max, choices)                          \
    NNC_OPT(run_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(run_options, "golden", 0, STRING, golden, "DIR",
            "folder with input_K.pb and output_K.pb: compare, exit 1 beyond the tolerance", "Inputs", 0, 0,
            NULL),
    NNC_OPT(run_options, "data", 0, STRING, data, "PATH", "samples to run (any form that eval reads)",
            "Inputs", 0, 0, NULL),
    NNC_OPT(run_options, "samples", 'n', INT, samples, "N", "how many samples of --data (default 10)",
            "Inputs", 1, 1e9, NULL),
    NNC_OPT(run_options, "rtol", 0, DOUBLE, rtol, "X", "relative tolerance of --golden (default 1e-3)",
            "Inputs", 0, 1e9, NULL),
    NNC_OPT(run_options, "atol", 0, DOUBLE, atol, "X", "absolute tolerance of --golden (default 1e-5)",
            "Inputs", 0, 1e9, NULL),
#include "pipeline/options.def"
    {0},
};

/* One output against its reference. */
typedef struct comparison {
    nnc_error_sums sums;
    size_t beyond, count;
} comparison;

static nnc_status compare_output(comparison *out, const nnc_tensor *got, const nnc_tensor *want,
                                 const run_options *o, size_t index)
{
    memset(out, 0, sizeof(*out));
    if (!nnc_shape_equal(&got->shape, &want->shape)) {
        char a[256], b[256];
        NNC_FAIL(NNC_ERR_GATE, "output %zu: shape %s, expected %s", index,
                 nnc_shape_format(a, sizeof(a), &got->shape), nnc_shape_format(b, sizeof(b), &want->shape));
    }
    nnc_tensor x = {0}, y = {0};
    nnc_status status = nnc_tensor_convert(&x, got, NNC_DTYPE_FLOAT);
    if (status == NNC_OK) {
        status = nnc_tensor_convert(&y, want, NNC_DTYPE_FLOAT);
    }
    if (status == NNC_OK) {
        const float *a = nnc_tensor_data(&x), *b = nnc_tensor_data(&y);
        out->count = nnc_tensor_count(&x);
        for (size_t i = 0; i < out->count; i++) {
            bool equal = a[i] == b[i] || (isnan(a[i]) && isnan(b[i]));
            double limit = o->atol + o->rtol * fabs((double)b[i]);
            out->beyond += !equal && !(fabs((double)a[i] - (double)b[i]) <= limit);
        }
        nnc_error_sums_add(&out->sums, b, a, out->count);
    }
    nnc_tensor_deinit(&x);
    nnc_tensor_deinit(&y);
    return status;
}

static nnc_status print_comparison(const run_options *o, const char *name,
                                   const comparison *c, nnc_report_row *json)
{
    double rel = nnc_error_rel_l2(&c->sums);
    if (o->run.json) {
        nnc_report_row *row = nnc_report_append(json, "outputs");
        nnc_report_string(row, "output", name);
        nnc_report_int(row, "elements", (int64_t)c->count);
        nnc_report_int(row, "beyond_tolerance", (int64_t)c->beyond);
        nnc_report_double(row, "relative_l2", rel);
        nnc_report_double(row, "max_abs", c->sums.max_abs);
        return NNC_OK;
    }
    return nnc_outf("%-24.24s %8zu values  relative L2 %.3g  max |diff| %.3g  %s\n", name, c->count, rel,
                    c->sums.max_abs, c->beyond ? "DIFFERS" : "ok");
}

static nnc_status run_golden(const run_options *o, const nnc_source *source,
                             nnc_exec *exec, nnc_report_row *json)
{
    nnc_dataset *data = NULL;
    nnc_sample sample = {0};
    nnc_tensor *expected = NULL;
    size_t count = 0, beyond = 0;
    nnc_data_flags flags = o->data_flags;
    flags.preset = flags.preset ? flags.preset : "none";
    nnc_status status = nnc_source_data(&data, o->golden, source, exec, &flags, 1, false, 0, 0, NULL);
    if (status == NNC_OK) {
        status = nnc_dataset_get(&sample, data, 0);
    }
    if (status == NNC_OK) {
        status = nnc_dataset_get_expected(&expected, &count, data, 0);
    }
    if (status == NNC_OK && count == 0) {
        status = nnc_error_set(NNC_ERR_DATA, "%s: no output_0.pb to compare with", o->golden);
    }
    if (status == NNC_OK) {
        status = nnc_exec_run(exec, sample.inputs, sample.input_count);
    }
    uint32_t outputs = status == NNC_OK ? nnrt_model_output_count(nnc_exec_model(exec)) : 0;
    if (status == NNC_OK && count > outputs) {
        status = nnc_error_set(NNC_ERR_DATA, "%s: %zu outputs, the model has %u", o->golden, count, outputs);
    }
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        nnc_tensor got = {0};
        nnrt_io_info info;
        comparison c = {0};
        status = (nnc_status)nnrt_model_output(nnc_exec_model(exec), (uint32_t)i, &info);
        if (status == NNC_OK) {
            status = nnc_exec_output(&got, exec, i);
        }
        if (status == NNC_OK) {
            status = compare_output(&c, &got, &expected[i], o, i);
        }
        if (status == NNC_OK) {
            status = print_comparison(o, info.name, &c, json);
            beyond += c.beyond;
        }
        nnc_tensor_deinit(&got);
    }
    nnc_tensors_free(expected, count);
    nnc_sample_deinit(&sample);
    nnc_dataset_destroy(data);
    if (status == NNC_OK && beyond) {
        status = nnc_error_set(NNC_ERR_GATE, "%s: %zu values differ from %s beyond rtol %g, atol %g",
                               source->path, beyond, o->golden, o->rtol, o->atol);
    }
    return status;
}

/* The largest scores, each taken out of x after it was told; `row` for JSON, else `line`. */
static void tell_top(nnc_str *line, nnc_report_row *row, float *x, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        bad += !isfinite(x[i]);
        x[i] = isfinite(x[i]) ? x[i] : -INFINITY;
    }
    for (size_t k = 0; k < 5 && k < n - bad; k++) {
        size_t best = nnc_argmax(x, n);
        if (row) {
            nnc_report_row *entry = nnc_report_append(row, "top");
            nnc_report_int(entry, "index", (int64_t)best);
            nnc_report_double(entry, "score", (double)x[best]);
        } else {
            nnc_str_appendf(line, " %zu (%.4g)", best, (double)x[best]);
        }
        x[best] = -INFINITY;
    }
    if (row) {
        nnc_report_int(row, "nonfinite", (int64_t)bad);
    } else if (bad) {
        nnc_str_appendf(line, " %zu of %zu numbers are NaN or infinite", bad, n);
    }
}

/* The five largest finite numbers of output 0. */
static nnc_status print_sample(const run_options *o, const nnc_sample *sample, const nnc_tensor *y,
                               nnc_report_row *json)
{
    nnc_tensor scores = {0}, copy = {0};
    NNC_TRY(nnc_tensor_convert(&scores, y, NNC_DTYPE_FLOAT));
    nnc_str line = {0};
    nnc_report_row *row = o->run.json ? nnc_report_append(json, "samples") : NULL;
    if (row) {
        nnc_report_string(row, "sample", sample->name);
    } else {
        nnc_str_append_printable(&line, sample->name, 40);
        nnc_str_append(&line, ":");
    }
    nnc_status status =
        nnc_tensor_create_from(&copy, NNC_DTYPE_FLOAT, &scores.shape, nnc_tensor_data(&scores));
    if (status == NNC_OK) {
        tell_top(&line, row, nnc_tensor_data(&copy), nnc_tensor_count(&copy));
    }
    if (!row && status == NNC_OK) {
        status = nnc_outf("%s\n", nnc_str_get(&line));
    }
    nnc_tensor_deinit(&copy);
    nnc_tensor_deinit(&scores);
    nnc_str_deinit(&line);
    return status;
}

static nnc_status run_data(const nnc_cli *cli, const run_options *o, const nnc_source *source,
                           nnc_exec *exec, nnc_report_row *json)
{
    nnc_dataset *data = NULL;
    NNC_TRY(nnc_source_data(&data, o->data, source, exec, &o->data_flags, (uint32_t)o->run.threads, false,
                            0, 0, cli->log));
    size_t n = nnc_dataset_count(data);
    n = n < (size_t)o->samples ? n : (size_t)o->samples;
    nnc_status status = NNC_OK;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        nnc_sample sample = {0};
        nnc_tensor y = {0};
        status = nnc_dataset_get(&sample, data, i);
        if (status == NNC_OK) {
            status = nnc_exec_run(exec, sample.inputs, sample.input_count);
        }
        if (status == NNC_OK) {
            status = nnc_exec_output(&y, exec, 0);
        }
        if (status == NNC_OK) {
            status = print_sample(o, &sample, &y, json);
        }
        nnc_tensor_deinit(&y);
        nnc_sample_deinit(&sample);
        status = status == NNC_OK ? nnc_log_poll(cli->log) : status;
    }
    nnc_dataset_destroy(data);
    return status;
}

static nnc_status run_loaded(const nnc_cli *cli, const run_options *o, const nnc_source *source)
{
    nnc_exec *exec = NULL;
    nnc_report *report = NULL;
    NNC_TRY(nnc_source_exec(&exec, source, &o->run, false, cli->log));
    const nnrt_device_kind started = nnrt_session_device_of(nnc_exec_session(exec));
    nnc_status status = nnc_report_create(&report, "run");
    if (status == NNC_OK) {
        nnc_report_row *json = nnc_report_root(report);
        nnc_report_string(json, "model", source->path);
        status = o->golden ? run_golden(o, source, exec, json) : run_data(cli, o, source, exec, json);
    }
    if (o->run.json && (status == NNC_OK || status == NNC_ERR_GATE)) {
        nnc_status printed = nnc_cli_print_json(report);
        status = printed == NNC_OK ? status : printed;
    }
    nnc_source_say_left(exec, started, source->path, cli->log);
    nnc_report_destroy(report);
    nnc_exec_destroy(exec);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    run_options o = {.rtol = 1e-3, .atol = 1e-5, .samples = 10, .data_flags = NNC_DATA_DEFAULTS};
    nnc_option_list words = {0};
    nnc_source source = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_run, &o, &words, 1, 1);
    if (status == NNC_OK && !o.golden == !o.data) {
        status = nnc_error_set(NNC_ERR_USAGE, "give one of --golden DIR and --data PATH");
    }
    if (status == NNC_OK) {
        status = nnc_source_load(&source, words.items[0], &o.run, false, cli->log);
    }
    if (status == NNC_OK) {
        status = run_loaded(cli, &o, &source);
    }
    nnc_source_deinit(&source);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_run = {
    .name = "run",
    .summary = "runs a model on given inputs, and compares with reference outputs",
    .usage = "run MODEL --golden DIR | --data PATH [options]",
    .examples = "  nncompress run model.onnx --golden test_data_set_0\n"
                "  nncompress run model.int8.onnx --data images/ --preprocess cifar\n",
    .options = options,
    .run = run,
};
