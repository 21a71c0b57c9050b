/* nncompress eval: accuracy of a model on labelled data. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/judge.h"

typedef struct eval_options {
    const char *eval;
    int64_t samples, output, seed;
    double bench_seconds;
    nnc_gate_flags gates;
    nnc_data_flags data;
    nnc_run_flags run;
} eval_options;

#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(eval_options, name, sh, kind, data.member, meta, help, "Samples", min, max, choices),
#define OPT_TASK OPT_DATA
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(eval_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_DEVICE(name, sh, kind, member, meta, help, min, max, choices)                          \
    NNC_OPT(eval_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_GATE(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(eval_options, name, sh, kind, gates.member, meta, help, "Gates", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(eval_options, "eval", 0, STRING, eval, "PATH",
            "evaluation data: folder, file.h5#images, .npy, .npz, IDX, ...", "Samples", 0, 0, NULL),
    NNC_OPT(eval_options, "samples", 'n', INT, samples, "N", "use N samples, chosen by the seed (default all)",
            "Samples", 1, 1e9, NULL),
    NNC_OPT(eval_options, "seed", 0, INT, seed, "N", "seed of the choice (default 0)", "Samples", 0, 1e15,
            NULL),
    NNC_OPT(eval_options, "output", 0, INT, output, "I", "output with the class scores (default 0)",
            "Samples", 0, 1000, NULL),
#include "pipeline/options.def"
    NNC_OPT(eval_options, "bench-seconds", 0, DOUBLE, bench_seconds, "S",
            "latency measurement, where a gate asks for one (default 1)", "Running", 0, 3600, NULL),
#include "pipeline/gates.def"
    {0},
};

static nnc_status print_accuracy(nnc_report_row *root, bool json, const nnc_source *source, const char *seen,
                                 const nnc_accuracy *a)
{
    double lo, hi;
    nnc_wilson(&lo, &hi, a->top1_a, a->samples);
    nnc_report_string(root, "model", source->path);
    nnc_report_string(root, "sha256", source->sha256);
    nnc_report_int(root, "samples", (int64_t)a->samples);
    nnc_report_int(root, "bad_samples", (int64_t)a->bad);
    nnc_report_string(root, "input", seen);
    if (a->task.task) {
        return nnc_cli_figures(root, json, a);
    }
    nnc_report_double(root, "top1", (double)a->top1_a / (double)a->samples);
    nnc_report_double(root, "top1_low", lo);
    nnc_report_double(root, "top1_high", hi);
    nnc_report_double(root, "top5", a->classes >= 5 ? (double)a->top5_a / (double)a->samples : NAN);
    if (json) {
        return NNC_OK;
    }
    NNC_TRY(nnc_outf("top-1 %.2f %% (95 %% interval %.2f .. %.2f)", 100.0 * (double)a->top1_a / (double)a->samples,
                     100.0 * lo, 100.0 * hi));
    if (a->classes > 5) {
        NNC_TRY(nnc_outf(", top-5 %.2f %%", 100.0 * (double)a->top5_a / (double)a->samples));
    }
    return nnc_outf(" on %zu samples\n", a->samples);
}

static nnc_status report_and_judge(const nnc_cli *cli, const eval_options *o, const nnc_judged *judged,
                                   const char *seen)
{
    nnc_report *report;
    NNC_TRY(nnc_report_create(&report, "eval"));
    nnc_status status = print_accuracy(nnc_report_root(report), o->run.json, judged->model, seen, judged->accuracy);
    status = status == NNC_OK ? nnc_cli_judge(cli, report, judged) : status;
    status = status == NNC_OK ? nnc_cli_finish(cli, report, o->run.json) : status;
    nnc_report_destroy(report);
    return status;
}

static nnc_status evaluate(const nnc_cli *cli, const eval_options *o, const nnc_gates *gates,
                           const nnc_source *source)
{
    nnc_exec *exec = NULL;
    nnc_dataset *data = NULL;
    nnc_dataset_summary summary = {0};
    nnc_accuracy accuracy = {0};
    nnc_eval_options eval = {.threads = (uint32_t)o->run.threads, .isa_max = nnc_run_isa(&o->run),
                             .output = (size_t)o->output,
                             .task = nnc_data_task(&o->data, (size_t)o->output)};
    nnc_status status = nnc_source_exec(&exec, source, &o->run, false, cli->log);
    if (status == NNC_OK) {
        status = nnc_source_data(&data, o->eval, source, exec, &o->data, (uint32_t)o->run.threads, true,
                                 (size_t)o->samples, (uint64_t)o->seed, cli->log);
    }
    if (status == NNC_OK && !nnc_dataset_has_labels(data) && !eval.task.task) {
        status = nnc_error_set(NNC_ERR_DATA, "%s: no labels found; give --labels FILE, or class sub-folders",
                               o->eval);
    }
    if (status == NNC_OK) {
        status = nnc_dataset_describe(&summary, data, 16, cli->log);
    }
    if (status == NNC_OK) {
        nnc_log_info(cli->log, "the model sees %s", nnc_str_get(&summary.lines));
        const nnrt_device_kind started = nnrt_session_device_of(nnc_exec_session(exec));
        status = nnc_eval_accuracy(&accuracy, exec, NULL, data, &eval, cli->log);
        nnc_source_say_left(exec, started, source->path, cli->log);
    }
    if (status == NNC_OK) {
        const nnc_judged judged = {.gates = gates, .model = source, .exec = exec, .data = data,
                                   .accuracy = &accuracy, .run = &o->run, .bench_seconds = o->bench_seconds};
        status = report_and_judge(cli, o, &judged, nnc_str_get(&summary.lines));
    }
    nnc_accuracy_deinit(&accuracy);
    nnc_dataset_summary_deinit(&summary);
    nnc_dataset_destroy(data);
    nnc_exec_destroy(exec);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    eval_options o = {.bench_seconds = 1, .data = NNC_DATA_DEFAULTS};
    nnc_option_list words = {0};
    nnc_source source = {0};
    nnc_gates gates = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_eval, &o, &words, 1, 1);
    if (status == NNC_OK && !o.eval) {
        status = nnc_error_set(NNC_ERR_USAGE, "eval needs data: nncompress eval %s --eval images/ --labels "
                               "labels.txt --preprocess imagenet-torch", words.items[0]);
    }
    status = status == NNC_OK ? nnc_gates_init(&gates, &o.gates, "eval") : status;
    status = status == NNC_OK ? nnc_gates_check(&gates, true, o.bench_seconds) : status;
    if (status == NNC_OK) {
        status = nnc_source_load(&source, words.items[0], &o.run, false, cli->log);
    }
    if (status == NNC_OK) {
        status = evaluate(cli, &o, &gates, &source);
    }
    nnc_source_deinit(&source);
    nnc_gates_deinit(&gates);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_eval = {
    .name = "eval",
    .summary = "measures the accuracy of a model on labelled data",
    .usage = "eval MODEL --eval PATH [--labels FILE] [options]",
    .examples = "  nncompress eval m.onnx --eval images/ --labels labels.txt --preprocess unit\n"
                "  nncompress eval model.int8.onnx --eval test.h5#images\n"
                "  nncompress eval m.onnx --eval test.h5#images --min-accuracy 90%\n",
    .options = options,
    .run = run,
};
