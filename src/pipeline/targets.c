/* Several targets from one run. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/targets.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "pipeline/publish.h"
#include "pipeline/target_report.h"
#include "quant/calibrate.h"

/* Bytes before the extension of a path. */
static size_t stem_bytes(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);
}

void nnc_target_output(nnc_str *out, const char *output, const char *target)
{
    size_t n = stem_bytes(output);
    nnc_str_append_n(out, output, n);
    nnc_str_appendf(out, ".%s%s", target, output + n);
}

nnc_status nnc_targets_output(nnc_str *out, const char *output, const nnc_option_list *names)
{
    const nnc_target *list[NNC_TARGETS_MAX];
    size_t n = strlen(output);
    NNC_TRY(nnc_target_list(list, names->items, names->count));
    if (names->count < 2) {
        nnc_str_append(out, output);
    } else if (n > 5 && strcmp(output + n - 5, ".nncp") == 0) {
        NNC_FAIL(NNC_ERR_USAGE, "output '%s': a runtime plan has one reader; name one --target, or an .onnx file", output);
    } else {
        nnc_target_output(out, output, list[0]->name);
    }
    return nnc_str_status(out);
}

/* Names of the recipe's targets; NULL if its steps have none. */
static const nnc_option_list *names_of(const nnc_recipe *recipe)
{
    for (size_t i = 0; i < recipe->step_count; i++) {
        const nnc_step *step = recipe->steps[i].step;
        const nnc_option *row = nnc_option_find(step->options, nnc_option_count(step->options), "target");
        if (row && row->type == NNC_OPTION_LIST && recipe->steps[i].options) {
            return (const void *)((const char *)recipe->steps[i].options + row->offset);
        }
    }
    return NULL;
}

static nnc_status check_path(const nnc_recipe *r, const char *path)
{
    const char *taken[] = {r->model, r->calib, r->eval, r->data.labels, r->data.classes, r->cache, r->output};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (taken[i] && nnc_file_same_target(path, taken[i])) {
            NNC_FAIL(NNC_ERR_USAGE, "%s: the output is also an input or another output", path);
        }
    }
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        if (r->reports.path[i] && nnc_file_same_target(path, r->reports.path[i])) {
            NNC_FAIL(NNC_ERR_USAGE, "%s: the output is also a report", path);
        }
    }
    return nnc_file_check_output(path, r->force);
}

nnc_status nnc_targets_check_paths(const nnc_recipe *recipe)
{
    const nnc_option_list *names = names_of(recipe);
    nnc_status status = NNC_OK;
    nnc_str path = {0};
    for (size_t i = 1; status == NNC_OK && names && i < names->count; i++) {
        nnc_str_clear(&path);
        nnc_target_output(&path, recipe->named_output, names->items[i]);
        status = nnc_str_status(&path);
        status = status == NNC_OK ? check_path(recipe, nnc_str_get(&path)) : status;
    }
    nnc_str_deinit(&path);
    return status;
}

/* The first target's run: the list, and for several what they share. */
static nnc_status create(nnc_run *run, const nnc_option_list *names, const void *options, const nnc_quant_options *quant)
{
    nnc_targets *t = nnc_calloc(1, sizeof(*t));
    if (!t) {
        return NNC_ERR_LIMIT;
    }
    run->targets = t;
    t->options = options;
    t->report = run->report;
    t->count = names->count ? names->count : 1;
    if (names->count) {
        NNC_TRY(nnc_target_list(t->list, names->items, names->count));
    } else {
        t->list[0] = nnc_target_row(0);
    }
    if (t->count == 1) {
        return NNC_OK;
    }
    NNC_TRY(nnc_graph_clone(&t->before, run->graph));
    return nnc_quant_calibrate(&t->calib, t->before, t->list, t->count, run->calib, quant, run->log);
}

nnc_status nnc_targets_begin(nnc_run *run, const nnc_option_list *names, const void *options, nnc_quant_options *quant)
{
    if (!run->targets) {
        NNC_TRY(create(run, names, options, quant));
    }
    run->target = run->targets->list[run->targets->at];
    quant->target = run->target;
    quant->calib = run->targets->calib;
    if (run->targets->count > 1) {
        nnc_log_info(run->log, "target %s (%s)", run->target->name, run->target->reader);
    }
    return NNC_OK;
}

static void copy_numbers(nnc_report_row *row, const nnc_report_row *from)
{
    static const struct {
        const char *to, *from;
    } numbers[] = {{"top1_fp32", "accuracy.top1_fp32"},
                   {"top1_int8", "accuracy.top1_int8"},
                   {"drop", "accuracy.drop"},
                   {"drop_low", "accuracy.drop_low"},
                   {"drop_high", "accuracy.drop_high"},
                   {"agreement", "accuracy.agreement"},
                   {"output_sqnr_db", "accuracy.output_sqnr_db"},
                   {"size_ratio", "size.ratio"},
                   {"int8_share", "coverage.int8_share"},
                   {"latency_p50_ms", "latency.int8.p50_ms"},
                   {"speedup", "latency.speedup"}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        double value;
        if (nnc_report_get_double(from, numbers[i].from, &value)) {
            nnc_report_double(row, numbers[i].to, value);
        }
    }
}

/* The gates of a later target behind those of the first, "max-drop (trt10)"; the worst verdict counts. */
static void merge_gates(nnc_run *run, const nnc_report_row *from)
{
    static const char *const texts[] = {"verdict", "reason", "unit", "relation"};
    static const char *const numbers[] = {"limit", "value", "low", "high"};
    static const char *const verdicts[] = {"DONE", "PASSED", "UNDECIDED", "FAILED"};
    nnc_report_row *root = nnc_report_root(run->targets->report);
    for (size_t i = 0; i < nnc_report_count(from, "gates"); i++) {
        const nnc_report_row *gate = nnc_report_at(from, "gates", i);
        nnc_report_row *row = nnc_report_append(root, "gates");
        char name[96];
        double value;
        int64_t needed;
        snprintf(name, sizeof(name), "%s (%s)", nnc_report_get_string(gate, "name"),
                 run->targets->list[run->targets->at]->name);
        nnc_report_string(row, "name", name);
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            nnc_report_string(row, texts[k], nnc_report_get_string(gate, texts[k]));
        }
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
            if (nnc_report_get_double(gate, numbers[k], &value)) {
                nnc_report_double(row, numbers[k], value);
            }
        }
        if (nnc_report_get_int(gate, "samples_needed", &needed)) {
            nnc_report_int(row, "samples_needed", needed);
        }
    }
    const char *before = nnc_report_get_string(root, "verdict"), *after = nnc_report_get_string(from, "verdict");
    for (size_t i = 0; before && after && i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (strcmp(before, verdicts[i]) == 0) {
            before = NULL; /* what follows is worse */
        } else if (strcmp(after, verdicts[i]) == 0) {
            return;
        }
    }
    if (after) {
        nnc_report_string(root, "verdict", after);
    }
}

nnc_status nnc_targets_row(nnc_run *run, const nnc_source *shipped)
{
    if (!run->targets || shipped->plan) {
        return NNC_OK;
    }
    const nnc_target *target = run->target;
    uint32_t counts[NNC_VERDICT_COUNT] = {0};
    nnc_report_row *row = nnc_report_append(nnc_report_root(run->targets->report), "targets");
    nnc_report_string(row, "name", target->name);
    nnc_report_string(row, "reader", target->reader);
    nnc_report_string(row, "proof", target->proof);
    nnc_report_string(row, "path", run->recipe->output);
    nnc_report_string(row, "sha256", shipped->sha256);
    memcpy(run->targets->sha256[run->targets->at], shipped->sha256, sizeof(shipped->sha256));
    nnc_report_int(row, "bytes", (int64_t)shipped->bytes);
    nnc_report_int(row, "opset", shipped->info.opset);
    copy_numbers(row, nnc_report_root(run->report));
    if (run->report != run->targets->report) {
        merge_gates(run, nnc_report_root(run->report));
    }
    NNC_TRY(nnc_report_target(row, shipped->graph, target, false, counts));
    if (counts[NNC_VERDICT_REFUSED]) {
        NNC_FAIL(NNC_ERR_VERIFY, "%s: %u nodes break the rules of target %s (check --target names them)", run->recipe->output,
                 counts[NNC_VERDICT_REFUSED], target->name);
    }
    if (target->opset_max && shipped->info.opset > target->opset_max) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: needs opset %lld, but %s reads up to %d", run->recipe->output,
                 (long long)shipped->info.opset, target->reader, target->opset_max);
    }
    return NNC_OK;
}

/* Steps of the recipe from the one that quantizes. */
static nnc_status run_steps(nnc_run *run)
{
    for (size_t i = 0; i < run->recipe->step_count; i++) {
        if (run->recipe->steps[i].options == run->targets->options) {
            return nnc_run_steps(run, i);
        }
    }
    NNC_FAIL(NNC_ERR_INTERNAL, "the step of target %s is not in the recipe", run->targets->list[run->targets->at]->name);
}

static nnc_status run_next(nnc_run *run, const char *output)
{
    nnc_recipe recipe = *run->recipe;
    recipe.output = output;
    nnc_run next = *run;
    next.recipe = &recipe;
    next.graph = NULL;
    next.quant = (nnc_quant_result){0};
    next.report = NULL;
    next.state = NULL;
    nnc_status status = nnc_report_create(&next.report, "compress");
    if (status == NNC_OK) {
        nnc_report_environment(nnc_report_root(next.report), &recipe.run); /* a baseline asks for it */
    }
    status = status == NNC_OK ? nnc_graph_clone(&next.graph, run->targets->before) : status;
    status = status == NNC_OK ? run_steps(&next) : status;
    status = status == NNC_OK ? nnc_publish_model(&next) : status;
    if (next.report && (status == NNC_OK || status == NNC_ERR_GATE)) {
        nnc_status written = nnc_report_status(next.report);
        status = written == NNC_OK ? status : written;
    }
    nnc_quant_result_deinit(&next.quant);
    nnc_graph_destroy(next.graph);
    nnc_report_destroy(next.report);
    return status;
}

nnc_status nnc_targets_next(nnc_run *run)
{
    nnc_targets *t = run->targets;
    if (!t || t->at + 1 == t->count) {
        return NNC_OK;
    }
    nnc_str output = {0};
    t->at++;
    nnc_target_output(&output, run->recipe->named_output, t->list[t->at]->name);
    nnc_status status = nnc_str_status(&output);
    status = status == NNC_OK ? run_next(run, nnc_str_get(&output)) : status;
    nnc_str_deinit(&output);
    return status;
}

const char *nnc_targets_lock_key(const nnc_run *run)
{
    return run->targets && run->targets->at ? run->targets->list[run->targets->at]->name : "sha256";
}

void nnc_targets_destroy(nnc_targets *targets)
{
    if (targets) {
        nnc_graph_destroy(targets->before);
        nnc_calib_destroy(targets->calib);
        nnc_free(targets);
    }
}
