/* The runner: load, steps, publish what was measured. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "pipeline/config.h"
#include "pipeline/dry_run.h"
#include "pipeline/lock.h"
#include "pipeline/pipeline.h"
#include "pipeline/proof.h"
#include "pipeline/provenance.h"
#include "pipeline/publish.h"
#include "pipeline/space.h"
#include "pipeline/split.h"
#include "pipeline/state.h"
#include "pipeline/targets.h"

#define CALIB_SAMPLES 300
#define HELD_SHARE 0.2
#define FP32_SAMPLES 500 /* for --min-fp32 before the work; all of them count afterwards */

void nnc_run_warn(nnc_run *run, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    bool several = run->targets && run->targets->count > 1 && run->target;
    int n = several ? snprintf(text, sizeof(text), "target %s: ", run->target->name) : 0;
    va_start(args, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, args);
    va_end(args);
    nnc_log_warn(run->log, "%s", text);
    nnc_report_append_string(nnc_report_root(several ? run->targets->report : run->report), "warnings", text);
}

/* True if `spec`, a path with perhaps "#names" behind it, is the file `output`. */
static bool is_spec(const char *output, const char *spec)
{
    char path[4096];
    const size_t n = nnc_dataset_path_length(spec);
    if (n >= sizeof(path)) {
        return nnc_file_same_target(output, spec);
    }
    snprintf(path, sizeof(path), "%.*s", (int)n, spec);
    return nnc_file_same_target(output, path);
}

/* Outputs in the order in which they are checked: model, reports, resolved recipe, lock file. */
static const char *output_name(size_t i)
{
    static const char *const names[] = {
        "model output",
#define NNC_RENDERER(name)
#define NNC_OUTPUT(name, flag, report, help) #name " report",
#include "reports/renderers.def"
        "resolved recipe", "lock file"};
    return names[i];
}

/* Everything that would fail at the end fails now: outputs that exist, folders that cannot be written, an output that is an input
 * or another output. */
static nnc_status check_paths(const nnc_recipe *r)
{
    struct {
        const char *path, *what;
    } taken[13 + NNC_OUTPUT_COUNT] = {{r->model, "input model"},    {r->calib, "calibration data"},
                                      {r->eval, "evaluation data"}, {r->data.labels, "labels file"},
                                      {r->data.classes, "classes file"},
                                      {r->cache, "calibration cache"},
                                      {r->run.log_file, "log file"},
                                      {r->gates ? r->gates->baseline_path : NULL, "baseline"},
                                      {r->config->recipe, "recipe"},
                                      {r->config->options.locked, "lock file that the run is held to"}};
    size_t n = 10;
    for (size_t i = 0; i < NNC_OUTPUT_COUNT + 3; i++) {
        const char *path = i == 0                    ? r->output
                           : i <= NNC_OUTPUT_COUNT   ? r->reports.path[i - 1]
                           : i == NNC_OUTPUT_COUNT + 1 ? r->recipe_out
                                                     : r->lock_out;
        for (size_t k = 0; path && k < n; k++) {
            /* The recipe and the lock file beside a result may run it again: they are written as they were read. */
            bool again = (path == r->recipe_out && taken[k].path == r->config->recipe) ||
                         (path == r->lock_out && taken[k].path == r->config->options.locked);
            if (taken[k].path && !again && is_spec(path, taken[k].path)) {
                NNC_FAIL(NNC_ERR_USAGE, "%s: the output is the %s", path, taken[k].what);
            }
        }
        if (path) {
            NNC_TRY(nnc_file_check_output(path, r->force));
            taken[n].path = path;
            taken[n++].what = output_name(i);
        }
    }
    return NNC_OK;
}

/* Patterns of nodes that match nothing are known as soon as the model is: with their place in the recipe. */
static nnc_status check_patterns(const nnc_run *run)
{
    const nnc_config *config = run->recipe->config;
    const nnc_option_list *list = &config->options.step_int8.exclude;
    size_t row = (size_t)(nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), "exclude") -
                          nnc_compress_table);
    const nnc_origin *origin = &config->origins[row];
    for (size_t i = 0; i < list->count; i++) {
        nnc_status status = nnc_exclude_check(run->source.graph, list->items[i]);
        if (status != NNC_OK && origin->layer == NNC_LAYER_RECIPE) {
            return nnc_error_prepend(status, "%s:%u:%u", config->recipe, origin->items[i].line, origin->items[i].column);
        }
        NNC_TRY(status);
    }
    return NNC_OK;
}

static nnc_status describe_data(nnc_run *run, const nnc_dataset *data, const char *key, const char *spec)
{
    nnc_dataset_summary summary = {0};
    NNC_TRY(nnc_dataset_describe(&summary, data, 16, run->log));
    nnc_log_info(run->log, "the model sees %s", nnc_str_get(&summary.lines));
    nnc_report_row *root = nnc_report_root(run->report);
    char path[96];
    const struct {
        const char *name, *value;
    } texts[] = {{"spec", spec}, {"format", nnc_dataset_format(data)},
                 {"preprocessing", nnc_dataset_preprocessing(data)},
                 {"model_sees", nnc_str_get(&summary.lines)}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        snprintf(path, sizeof(path), "data.%s.%s", key, texts[i].name);
        nnc_report_string(root, path, texts[i].value);
    }
    snprintf(path, sizeof(path), "data.%s.samples", key);
    nnc_report_int(root, path, (int64_t)nnc_dataset_count(data));
    snprintf(path, sizeof(path), "data.%s.random", key);
    nnc_report_bool(root, path, nnc_dataset_is_random(data));
    /* One warning per line. */
    nnc_str warnings = summary.warnings;
    for (char *line = warnings.data; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) {
            *end = 0;
        }
        nnc_run_warn(run, "%s data: %s", key, line);
        line = end ? end + 1 : NULL;
    }
    nnc_dataset_summary_deinit(&summary);
    return NNC_OK;
}

/* What makes the gates pointless, found before the work: no labels, or an original that is wrong already on some of the samples. */
static nnc_status check_original(nnc_run *run)
{
    const nnc_recipe *r = run->recipe;
    if (!run->eval || !r->gates || !nnc_gates_need_labels(r->gates)) {
        return NNC_OK;
    }
    if (!nnc_dataset_has_labels(run->eval)) {
        NNC_FAIL(NNC_ERR_DATA, "%s: no labels found, which the gates need; give --labels FILE, or class sub-folders",
                 r->eval);
    }
    if (!r->gates->min_fp32.given) {
        return NNC_OK;
    }
    size_t indices[FP32_SAMPLES], n = nnc_dataset_count(run->eval), all = n;
    n = n < FP32_SAMPLES ? n : FP32_SAMPLES;
    for (size_t i = 0; i < n; i++) {
        indices[i] = (size_t)((double)i * (double)all / (double)n); /* spread: folders are sorted by class */
    }
    nnc_exec *fp32 = NULL;
    nnc_accuracy accuracy = {0};
    nnc_eval_options options = {.threads = (uint32_t)r->run.threads, .isa_max = nnc_run_isa(&r->run),
                                .indices = indices, .index_count = n};
    nnc_run_flags cpu = r->run;
    cpu.device = NNRT_DEVICE_CPU;
    nnc_status status = nnc_source_exec(&fp32, &run->source, &cpu, false, run->log);
    status = status == NNC_OK ? nnc_eval_accuracy(&accuracy, fp32, NULL, run->eval, &options, run->log) : status;
    status = status == NNC_OK ? nnc_gates_check_fp32(r->gates, accuracy.top1_a, accuracy.samples, n < all) : status;
    nnc_accuracy_deinit(&accuracy);
    nnc_exec_destroy(fp32);
    return status;
}

static nnc_status open_data(nnc_run *run, nnc_split *split)
{
    const nnc_recipe *r = run->recipe;
    uint32_t threads = (uint32_t)r->run.threads;
    size_t samples = r->samples ? (size_t)r->samples : CALIB_SAMPLES;
    NNC_TRY(nnc_source_data(&run->calib, r->calib, &run->source, NULL, &r->data, threads, false, samples,
                            (uint64_t)r->seed, run->log));
    NNC_TRY(describe_data(run, run->calib, "calibration", r->calib));
    if (r->eval) {
        NNC_TRY(nnc_source_data(&run->eval, r->eval, &run->source, NULL, &r->data, threads, true, 0, 0,
                                run->log));
        NNC_TRY(describe_data(run, run->eval, "evaluation", r->eval));
    }
    NNC_TRY(nnc_split_samples(split, run->calib, HELD_SHARE, run->log));
    run->calib_indices = split->used;
    run->calib_count = split->used_count;
    run->held_indices = split->held;
    run->held_count = split->held_count;
    run->calib_hash = split->hash;
    nnc_report_row *root = nnc_report_root(run->report);
    char hash[32];
    snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)split->hash);
    nnc_report_string(root, "data.calibration.content_xxh3", hash);
    nnc_report_int(root, "data.calibration.used", (int64_t)split->used_count);
    nnc_report_int(root, "data.calibration.held_back", (int64_t)split->held_count);
    NNC_TRY(check_original(run));
    return nnc_provenance_data(run);
}

void nnc_report_environment(nnc_report_row *root, const nnc_run_flags *flags)
{
    nnc_environment env;
    nnc_environment_get(&env, (uint32_t)flags->threads, nnc_run_isa(flags));
    nnc_report_string(root, "environment.cpu", env.cpu);
    nnc_report_string(root, "environment.isa", env.isa);
    nnc_report_int(root, "environment.cores", env.cores);
    nnc_report_int(root, "environment.threads", env.threads);
    nnc_report_string(root, "environment.compiler", env.compiler);
    nnc_report_string(root, "environment.os", env.os);
    nnc_report_string(root, "environment.governor", env.governor);
}

static void report_start(nnc_run *run)
{
    const nnc_recipe *r = run->recipe;
    nnc_report_row *root = nnc_report_root(run->report);
    nnc_report_string(root, "tool.name", "nncompress");
    nnc_report_string(root, "tool.version", NNC_VERSION);
    nnc_report_string(root, "tool.command", r->command);
    nnc_report_environment(root, &r->run);
    nnc_report_string(root, "source.path", run->source.path);
    nnc_report_string(root, "source.sha256", run->source.sha256);
    nnc_report_int(root, "source.bytes", (int64_t)run->source.bytes);
    nnc_report_int(root, "source.opset", run->source.info.opset);
    nnc_report_int(root, "source.ir_version", run->source.info.ir_version);
    const nnc_graph_meta *meta = nnc_graph_get_meta(run->source.graph);
    nnc_report_string(root, "source.producer", meta->producer_name);
    for (size_t i = 0; i < r->step_count; i++) {
        nnc_report_append_string(root, "options.steps", r->steps[i].step->name);
    }
    nnc_report_int(root, "options.seed", r->seed);
    nnc_report_int(root, "options.calibration_samples", r->samples ? r->samples : CALIB_SAMPLES);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static nnc_status run_step(nnc_run *run, size_t i)
{
    const nnc_recipe *r = run->recipe;
    nnc_status status = r->steps[i].step->run(run, r->steps[i].options);
    if (status != NNC_OK) {
        return nnc_error_prepend(status, "%s: step %s", r->model, r->steps[i].step->name);
    }
    size_t removed;
    NNC_TRY(nnc_pass_dead_code.run(run->graph, NULL, &removed)); /* what the step replaced */
    return nnc_graph_verify(run->graph);
}

nnc_status nnc_run_steps(nnc_run *run, size_t from)
{
    const nnc_recipe *r = run->recipe;
    if (r->step_count == 0) {
        NNC_FAIL(NNC_ERR_USAGE, "nothing to do: add --int8, for example: nncompress %s --int8 --calib images/",
                 r->model);
    }
    for (size_t i = from; i < r->step_count; i++) {
        const double start = seconds();
        bool taken;
        NNC_TRY(nnc_state_take(&taken, run, i));
        if (!taken) {
            NNC_TRY(run_step(run, i));
            NNC_TRY(nnc_state_keep(run, i));
        }
        r->steps[i].step->report(run, r->steps[i].options);
        nnc_provenance_step(run, r->steps[i].step->name, seconds() - start);
    }
    return NNC_OK;
}

static nnc_status run_recipe(nnc_run *run, nnc_split *split, nnc_file_lock **lock)
{
    const nnc_recipe *r = run->recipe;
    NNC_TRY(check_paths(r));
    NNC_TRY(nnc_targets_check_paths(r));
    NNC_TRY(nnc_proof_device_check(&r->run));
    if (!r->config->options.dry_run) {
        NNC_TRY(nnc_file_lock_create(lock, r->output));
        NNC_TRY(check_paths(r)); /* what another run wrote just before */
    }
    NNC_TRY(nnc_source_load(&run->source, r->model, &r->run, false, run->log));
    if (run->source.plan) {
        NNC_FAIL(NNC_ERR_USAGE, "%s: a runtime plan cannot be compressed again; give the ONNX model", r->model);
    }
    NNC_TRY(nnc_gates_check_source(r->gates, run->source.sha256));
    NNC_TRY(nnc_check_space(r, &run->source));
    NNC_TRY(nnc_report_create(&run->report, "compress"));
    report_start(run);
    NNC_TRY(nnc_provenance_start(run));
    NNC_TRY(nnc_graph_clone(&run->graph, run->source.graph));
    NNC_TRY(check_patterns(run));
    nnc_provenance_step(run, "source", NAN);
    NNC_TRY(open_data(run, split));
    if (r->config->options.locked) {
        NNC_TRY(nnc_lock_check(run, r->config->options.locked));
    }
    if (r->config->options.dry_run) {
        return nnc_dry_run(run);
    }
    NNC_TRY(nnc_state_open(run));
    NNC_TRY(nnc_run_steps(run, 0));
    NNC_TRY(nnc_publish(run));
    return nnc_report_status(run->report);
}

nnc_status nnc_pipeline_run(nnc_report **report, const nnc_recipe *recipe, const nnc_log *log)
{
    nnc_run run = {.recipe = recipe, .log = log};
    nnc_split split = {0};
    *report = NULL;
    nnc_file_lock *lock = NULL;
    nnc_status status = run_recipe(&run, &split, &lock);
    if (status == NNC_OK || status == NNC_ERR_GATE) {
        *report = run.report;
    } else {
        nnc_report_destroy(run.report);
    }
    nnc_state_close(&run, status);
    nnc_file_lock_destroy(lock);
    nnc_targets_destroy(run.targets);
    nnc_quant_result_deinit(&run.quant);
    nnc_split_deinit(&split);
    nnc_dataset_destroy(run.calib);
    nnc_dataset_destroy(run.eval);
    nnc_graph_destroy(run.graph);
    nnc_source_deinit(&run.source);
    return status;
}
