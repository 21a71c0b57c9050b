/* nncompress compare: how two models differ on the same data. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/judge.h"

typedef struct compare_options {
    const char *data;
    int64_t samples, layer_samples, output, seed;
    double bench_seconds;
    nnc_gate_flags gates;
    nnc_data_flags flags;
    nnc_run_flags run;
} compare_options;

#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(compare_options, name, sh, kind, flags.member, meta, help, "Samples", min, max, choices),
#define OPT_TASK OPT_DATA
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(compare_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_DEVICE(name, sh, kind, member, meta, help, min, max, choices)                          \
    NNC_OPT(compare_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_GATE(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(compare_options, name, sh, kind, gates.member, meta, help, "Gates", min, max, choices),
#define OPT_GATE_PAIR OPT_GATE
static const nnc_option options[] = {
    NNC_OPT(compare_options, "eval", 0, STRING, data, "PATH", "samples to run both models on; random:N for noise",
            "Samples", 0, 0, NULL),
    NNC_OPT(compare_options, "samples", 'n', INT, samples, "N", "use N samples (default all)", "Samples", 1, 1e9,
            NULL),
    NNC_OPT(compare_options, "seed", 0, INT, seed, "N", "seed of the choice (default 0)", "Samples", 0, 1e15,
            NULL),
    NNC_OPT(compare_options, "layer-samples", 0, INT, layer_samples, "N",
            "samples for the table of layers (default 8, 0 = no table)", "Samples", 0, 1e6, NULL),
    NNC_OPT(compare_options, "output", 0, INT, output, "I", "output with the class scores (default 0)",
            "Samples", 0, 1000, NULL),
#include "pipeline/options.def"
    NNC_OPT(compare_options, "bench-seconds", 0, DOUBLE, bench_seconds, "S",
            "latency measurement per model, where a gate asks for one (default 1)", "Running", 0, 3600, NULL),
#include "pipeline/gates.def"
    {0},
};

/* Values of a that b has by name and that a node computes as float. */
static nnc_status common_values(nnc_value_id **ids, size_t *count, const nnc_graph *a)
{
    uint32_t n = nnc_graph_value_count(a);
    *ids = nnc_calloc(n + 1, sizeof(**ids));
    *count = 0;
    if (!*ids) {
        return NNC_ERR_LIMIT;
    }
    for (nnc_value_id i = 0; i < n; i++) {
        const nnc_value *v = nnc_graph_value_const(a, i);
        if (!v->dead && v->kind == NNC_VALUE_TEMP && v->dtype == NNC_DTYPE_FLOAT) {
            (*ids)[(*count)++] = i;
        }
    }
    return NNC_OK;
}

static nnc_status print_layers(const compare_options *o, nnc_report_row *root, const nnc_source *a,
                               const nnc_source *b, const nnc_dataset *data, const nnc_cli *cli)
{
    const int wide = nnc_cli_name_width(cli->columns, 44, 21);
    nnc_value_id *ids;
    size_t count;
    NNC_TRY(common_values(&ids, &count, a->graph));
    nnc_layer_error *errors = nnc_calloc(count + 1, sizeof(*errors));
    size_t indices[64], n = (size_t)o->layer_samples;
    n = n < 64 ? n : 64;
    n = n < nnc_dataset_count(data) ? n : nnc_dataset_count(data);
    for (size_t i = 0; i < n; i++) {
        indices[i] = i;
    }
    nnc_eval_options eval = {.threads = (uint32_t)o->run.threads, .isa_max = nnc_run_isa(&o->run),
                             .indices = indices, .index_count = n};
    nnc_status status = errors ? nnc_eval_layers(errors, ids, count, a->graph, b->graph, data, &eval, cli->log)
                               : NNC_ERR_LIMIT;
    if (status == NNC_OK && !o->run.json) {
        status = nnc_outf("\n%-*s %9s %10s\n", wide, "layer", "SQNR dB", "cosine");
    }
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        if (!errors[i].sums.count) {
            continue;
        }
        const char *name = nnc_graph_value_const(a->graph, errors[i].value)->name;
        double sqnr = nnc_error_sqnr_db(&errors[i].sums), cosine = nnc_error_cosine(&errors[i].sums);
        if (o->run.json) {
            nnc_report_row *row = nnc_report_append(root, "layers");
            nnc_report_string(row, "name", name);
            nnc_report_double(row, "sqnr_db", sqnr);
            nnc_report_double(row, "cosine", cosine);
            nnc_report_double(row, "max_abs", errors[i].sums.max_abs);
        } else {
            nnc_str text = {0};
            nnc_str_append_printable(&text, name, 44);
            status = nnc_outf("%-*.*s %9.2f %10.6f\n", wide, wide, nnc_str_get(&text), sqnr, cosine);
            nnc_str_deinit(&text);
        }
    }
    nnc_free(errors);
    nnc_free(ids);
    return status;
}

static nnc_status print_totals(const compare_options *o, nnc_report_row *root, const nnc_accuracy *acc)
{
    double sqnr = nnc_error_sqnr_db(&acc->output), cosine = nnc_error_cosine(&acc->output);
    double n = (double)acc->samples;
    nnc_report_int(root, "samples", (int64_t)acc->samples);
    nnc_report_double(root, "output.sqnr_db", sqnr);
    nnc_report_double(root, "output.cosine", cosine);
    nnc_report_double(root, "output.max_abs", acc->output.max_abs);
    nnc_report_double(root, "agreement", acc->classes ? (double)acc->agree / n : NAN);
    if (acc->labelled) {
        nnc_report_double(root, "top1_a", (double)acc->top1_a / n);
        nnc_report_double(root, "top1_b", (double)acc->top1_b / n);
        nnc_report_double(root, "drop", acc->drop);
        nnc_report_double(root, "drop_low", acc->drop_lo);
        nnc_report_double(root, "drop_high", acc->drop_hi);
        nnc_report_int(root, "only_a_right", (int64_t)acc->only_a);
        nnc_report_int(root, "only_b_right", (int64_t)acc->only_b);
    }
    NNC_TRY(nnc_cli_figures(root, o->run.json, acc));
    if (o->run.json) {
        return NNC_OK;
    }
    NNC_TRY(nnc_outf("outputs over %zu samples: SQNR %.2f dB, cosine %.6f, max |diff| %.4g\n", acc->samples,
                     sqnr, cosine, acc->output.max_abs));
    if (acc->classes) {
        NNC_TRY(nnc_outf("same top-1: %.2f %% (95 %% interval %.2f .. %.2f)\n", 100 * (double)acc->agree / n,
                         100 * acc->agree_lo, 100 * acc->agree_hi));
    }
    if (acc->labelled) {
        NNC_TRY(nnc_outf("top-1: %.2f %% and %.2f %%, drop %.2f points (95 %% interval %.2f .. %.2f)\n",
                         100 * (double)acc->top1_a / n, 100 * (double)acc->top1_b / n, 100 * acc->drop,
                         100 * acc->drop_lo, 100 * acc->drop_hi));
    }
    return NNC_OK;
}

/* What the gates need before anything is measured, and of the original. */
static nnc_status check_data(const nnc_gates *gates, const nnc_dataset *data, const compare_options *o)
{
    if (nnc_gates_need_labels(gates) && !nnc_dataset_has_labels(data)) {
        NNC_FAIL(NNC_ERR_DATA, "%s: no labels found, which the gates need; give --labels FILE, or class sub-folders",
                 o->data);
    }
    return NNC_OK;
}

static nnc_status compare(const nnc_cli *cli, const compare_options *o, const nnc_gates *gates, nnc_source *a,
                          nnc_source *b)
{
    nnc_exec *exec_a = NULL, *exec_b = NULL;
    nnc_dataset *data = NULL;
    nnc_accuracy accuracy = {0};
    nnc_report *report = NULL;
    nnc_eval_options eval = {.threads = (uint32_t)o->run.threads, .isa_max = nnc_run_isa(&o->run),
                             .output = (size_t)o->output,
                             .task = nnc_data_task(&o->flags, (size_t)o->output)};
    nnc_status status = nnc_source_exec(&exec_a, a, &o->run, false, cli->log);
    status = status == NNC_OK ? nnc_source_exec(&exec_b, b, &o->run, false, cli->log) : status;
    if (status == NNC_OK) {
        status = nnc_source_data(&data, o->data, a, exec_a, &o->flags, (uint32_t)o->run.threads, true,
                                 (size_t)o->samples, (uint64_t)o->seed, cli->log);
    }
    status = status == NNC_OK ? check_data(gates, data, o) : status;
    if (status == NNC_OK) {
        const nnrt_device_kind started_a = nnrt_session_device_of(nnc_exec_session(exec_a));
        const nnrt_device_kind started_b = nnrt_session_device_of(nnc_exec_session(exec_b));
        status = nnc_eval_accuracy(&accuracy, exec_a, exec_b, data, &eval, cli->log);
        nnc_source_say_left(exec_a, started_a, a->path, cli->log);
        nnc_source_say_left(exec_b, started_b, b->path, cli->log);
    }
    if (status == NNC_OK && accuracy.labelled) {
        status = nnc_gates_check_fp32(gates, accuracy.top1_a, accuracy.samples, false);
    }
    status = status == NNC_OK ? nnc_report_create(&report, "compare") : status;
    if (status == NNC_OK) {
        nnc_report_row *root = nnc_report_root(report);
        nnc_report_string(root, "a.path", a->path);
        nnc_report_string(root, "a.sha256", a->sha256);
        nnc_report_string(root, "b.path", b->path);
        nnc_report_string(root, "b.sha256", b->sha256);
        status = print_totals(o, root, &accuracy);
        if (status == NNC_OK && o->layer_samples && a->graph && b->graph) {
            status = print_layers(o, root, a, b, data, cli);
        }
    }
    if (status == NNC_OK) {
        const nnc_judged judged = {.gates = gates, .original = a, .model = b, .original_exec = exec_a,
                                   .exec = exec_b, .data = data, .accuracy = &accuracy, .run = &o->run,
                                   .bench_seconds = o->bench_seconds};
        status = nnc_cli_judge(cli, report, &judged);
    }
    status = status == NNC_OK ? nnc_cli_finish(cli, report, o->run.json) : status;
    nnc_report_destroy(report);
    nnc_accuracy_deinit(&accuracy);
    nnc_dataset_destroy(data);
    nnc_exec_destroy(exec_a);
    nnc_exec_destroy(exec_b);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    compare_options o = {.layer_samples = 8, .bench_seconds = 1, .flags = NNC_DATA_DEFAULTS};
    nnc_option_list words = {0};
    nnc_source a = {0}, b = {0};
    nnc_gates gates = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_compare, &o, &words, 2, 2);
    if (status == NNC_OK && !o.data) {
        status = nnc_error_set(NNC_ERR_USAGE, "compare needs samples: --eval images/ --preprocess imagenet-torch, "
                               "or --eval random:32");
    }
    status = status == NNC_OK ? nnc_gates_init(&gates, &o.gates, "compare") : status;
    status = status == NNC_OK ? nnc_gates_check(&gates, true, o.bench_seconds) : status;
    status = status == NNC_OK ? nnc_source_load(&a, words.items[0], &o.run, false, cli->log) : status;
    status = status == NNC_OK ? nnc_gates_check_source(&gates, a.sha256) : status;
    status = status == NNC_OK ? nnc_source_load(&b, words.items[1], &o.run, false, cli->log) : status;
    status = status == NNC_OK ? compare(cli, &o, &gates, &a, &b) : status;
    nnc_source_deinit(&a);
    nnc_source_deinit(&b);
    nnc_gates_deinit(&gates);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_compare = {
    .name = "compare",
    .summary = "shows how two models differ: outputs, layers, accuracy",
    .usage = "compare A B --eval PATH [options]",
    .examples = "  nncompress compare model.onnx model.int8.onnx --eval images/ --preprocess unit\n"
                "  nncompress compare a.onnx b.onnx --eval test.h5#images --max-drop 1%\n",
    .options = options,
    .run = run,
};
