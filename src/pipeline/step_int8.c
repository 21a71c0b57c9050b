/* Step int8: post-training quantization. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "passes/pass.h"
#include "pipeline/pipeline.h"
#include "pipeline/targets.h"

#define OPT_INT8(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(nnc_int8_options, name, sh, kind, member, meta, help, "INT8", min, max, choices),
static const nnc_option options[] = {
#include "pipeline/step_int8.def"
    {0},
};

nnc_int8_options nnc_int8_defaults(void)
{
    return (nnc_int8_options){.method = "auto", .percentile = 99.999, .per_channel = true,
                              .bias_correction = true, .equalize = true};
}

static nnc_status check_method(const char *method)
{
    if (strcmp(method, "auto") == 0 || nnc_calibrator_find(method)) {
        return NNC_OK;
    }
    NNC_FAIL(NNC_ERR_USAGE, "--method '%s' is unknown; known: auto, minmax, ema, percentile, entropy, mse",
             method);
}

/* The forms that were judged; all have the same size and speed. */
static void report_candidates(nnc_run *run)
{
    for (size_t i = 0; i < run->quant.form_count; i++) {
        const nnc_quant_form_info *form = &run->quant.forms[i];
        nnc_report_row *row = nnc_report_append(nnc_report_root(run->report), "candidates");
        nnc_str name = {0};
        nnc_str_appendf(&name, "%s ranges, %s", form->range,
                        strcmp(form->bias, "own") == 0     ? "biases as they are"
                        : strcmp(form->bias, "local") == 0 ? "biases corrected layer by layer"
                                                           : "biases corrected in sequence");
        nnc_report_string(row, "name", nnc_str_get(&name));
        nnc_report_double(row, "accuracy", form->agree);
        nnc_report_double(row, "sqnr_db", form->sqnr);
        nnc_report_bool(row, "chosen", form->kept);
        nnc_report_string(row, "note", NULL);
        nnc_str_deinit(&name);
    }
}

nnc_status nnc_int8_check(const nnc_target **target, const nnc_int8_options *o)
{
    const nnc_target *list[NNC_TARGETS_MAX] = {nnc_target_row(0)};
    NNC_TRY(nnc_target_list(list, o->target.items, o->target.count));
    *target = list[0];
    return check_method(o->method);
}

nnc_status nnc_int8_refuse_quantized(const nnc_run *run)
{
    NNC_FAIL(NNC_ERR_UNSUPPORTED,
             "%s is quantized already: 'nncompress convert %s --target NAME -o OUT' writes the same numbers for another "
             "reader, without data; --requantize drops its grids and finds new ones (errors add up)",
             run->source.path, run->source.path);
}

nnc_status nnc_int8_unquantize(nnc_run *run)
{
    size_t changed;
    nnc_pass_ctx ctx = {.log = run->log, .threads = (uint32_t)run->recipe->run.threads,
                        .isa_max = nnc_run_isa(&run->recipe->run)};
    NNC_TRY(nnc_pass_unquantize.run(run->graph, &ctx, &changed));
    nnc_run_warn(run, "the source is quantized: its weights are the numbers that its integers stand for, and it is what "
                      "accuracy is compared with");
    return NNC_OK;
}

/* Before the first target; later ones start from the graph that it leaves. */
static nnc_status equalize(nnc_run *run, const nnc_int8_options *o, const nnc_quant_options *quant)
{
    if (!o->equalize || run->targets) {
        return NNC_OK;
    }
    nnc_quant_options with_target = *quant;
    with_target.target = run->target;
    return nnc_equalize_if_better(&run->equalization, &run->graph, run->calib, &with_target, run->log);
}

static nnc_status run_int8(nnc_run *run, const void *opaque)
{
    const nnc_int8_options *o = opaque;
    NNC_TRY(nnc_int8_check(&run->target, o));
    if (nnc_graph_is_quantized(run->graph)) {
        NNC_TRY(o->requantize ? nnc_int8_unquantize(run) : nnc_int8_refuse_quantized(run));
    }
    char key[256];
    const char *seen = nnc_dataset_preprocessing(run->calib);
    nnc_quant_options quant = {
        .method = o->method, .percentile = o->percentile,
        .per_channel = o->per_channel, .bias_correction = o->bias_correction, .exclude = o->exclude.items, .exclude_count = o->exclude.count,
        .calib_indices = run->calib_indices, .calib_count = run->calib_count,
        .held_indices = run->held_indices, .held_count = run->held_count, .cache_path = o->cache ? o->cache : run->state_cache,
        .cache_optional = !o->cache,
        .cache_key = key, .threads = (uint32_t)run->recipe->run.threads,
        .isa_max = nnc_run_isa(&run->recipe->run)};
    NNC_TRY(equalize(run, o, &quant));
    snprintf(key, sizeof(key), "tool=%s model=%s data=%016llx samples=%zu preprocessing=%016llx equalized=%d", NNC_VERSION,
             run->source.sha256, (unsigned long long)run->calib_hash, run->calib_count,
             (unsigned long long)nnc_hash64(seen, strlen(seen), 0), run->equalization.kept);
    NNC_TRY(nnc_targets_begin(run, &o->target, o, &quant));
    NNC_TRY(nnc_quantize_graph(&run->quant, run->graph, run->calib, &quant, run->log));
    run->quantized = true;
    return NNC_OK;
}

static void report_int8(nnc_run *run, const void *opaque)
{
    const nnc_int8_options *o = opaque;
    nnc_report_row *root = nnc_report_root(run->report);
    nnc_report_string(root, "quantization.target", run->target->name);
    nnc_report_string(root, "quantization.method_asked", o->method);
    nnc_report_string(root, "quantization.method", run->quant.method);
    nnc_report_bool(root, "quantization.per_channel", o->per_channel);
    nnc_report_double(root, "quantization.held_sqnr_db.auto", run->quant.sqnr_auto);
    nnc_report_double(root, "quantization.held_sqnr_db.minmax", run->quant.sqnr_minmax);
    nnc_report_double(root, "quantization.held_agreement.auto", run->quant.agree_auto);
    nnc_report_double(root, "quantization.held_agreement.minmax", run->quant.agree_minmax);
    nnc_report_bool(root, "quantization.bias_correction.kept", run->quant.bias_corrected);
    nnc_report_double(root, "quantization.bias_correction.sqnr_db_without", run->quant.sqnr_plain);
    nnc_report_double(root, "quantization.bias_correction.sqnr_db_with", run->quant.sqnr_corrected);
    nnc_report_int(root, "quantization.equalization.values", (int64_t)run->equalization.groups);
    nnc_report_bool(root, "quantization.equalization.kept", run->equalization.kept);
    nnc_report_double(root, "quantization.equalization.sqnr_db_without", run->equalization.sqnr_before);
    nnc_report_double(root, "quantization.equalization.sqnr_db_with", run->equalization.sqnr_after);
    report_candidates(run);
}

static nnc_status archive_int8(nnc_run *run, const void *opaque, nnc_archive *a)
{
    const nnc_int8_options *o = opaque;
    if (o->target.count > 1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "several targets quantize one after the other");
    }
    if (!a->out) {
        nnc_quant_options quant = {0};
        NNC_TRY(nnc_targets_begin(run, &o->target, o, &quant));
    }
    NNC_ARCHIVE(a, run->equalization.groups);
    NNC_ARCHIVE(a, run->equalization.sqnr_before);
    NNC_ARCHIVE(a, run->equalization.sqnr_after);
    nnc_archive_bool(a, &run->equalization.kept);
    NNC_TRY(nnc_quant_result_archive(&run->quant, run->graph, a));
    run->quantized = true;
    return NNC_OK;
}

const nnc_step nnc_step_int8 = {
    .name = "int8",
    .help = "quantizes weights and activations to 8 bits, with calibration",
    .options = options,
    .run = run_int8,
    .report = report_int8,
    .archive = archive_int8,
};
