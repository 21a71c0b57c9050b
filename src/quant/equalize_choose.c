/* Whether equalization pays (equalize.h). SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "quant/equalize.h"
#include "quant/internal.h"

/* Samples of the judgement when none were held back. */
#define JUDGE_SAMPLES 32
/* The scaled model has to be better by more than this. */
#define GAIN_DB 0.2

/* A minmax quantization of a copy. */
static nnc_status quantized_copy(nnc_graph **out, const nnc_graph *graph, const nnc_dataset *data,
                                 const nnc_quant_options *options, const nnc_log *log)
{
    nnc_quant_options plain = *options;
    plain.method = "minmax";
    plain.bias_correction = false;
    plain.cache_path = NULL;
    plain.calib = NULL;
    nnc_quant_result result;
    NNC_TRY(nnc_graph_clone(out, graph));
    nnc_status status = nnc_quantize_graph(&result, *out, data, &plain, log);
    if (status == NNC_OK) {
        nnc_quant_result_deinit(&result);
    } else {
        nnc_graph_destroy(*out);
        *out = NULL;
    }
    return status;
}

static nnc_status judge(nnc_equalization *out, const nnc_graph *graph, nnc_graph *const *quantized, const nnc_dataset *data,
                        const nnc_quant_options *o, const nnc_log *log)
{
    nnc_judgement got[2];
    bool held = o->held_count > 0;
    size_t n = held ? o->held_count : o->calib_count < JUDGE_SAMPLES ? o->calib_count : JUDGE_SAMPLES;
    NNC_TRY(nnc_judge(got, graph, quantized, 2, data, held ? o->held_indices : o->calib_indices, n, o, log));
    out->sqnr_before = got[0].sqnr;
    out->sqnr_after = got[1].sqnr;
    double spread = 2 * sqrt((double)got[0].changed + (double)got[1].changed);
    out->kept = got[1].sqnr > got[0].sqnr + GAIN_DB && (double)got[1].changed <= (double)got[0].changed + spread;
    nnc_log_info(log, "channels of %zu values made alike: output SQNR %.1f -> %.1f dB with minmax, %s", out->groups,
                 got[0].sqnr, got[1].sqnr, out->kept ? "kept" : "not kept");
    return NNC_OK;
}

nnc_status nnc_equalize_if_better(nnc_equalization *out, nnc_graph **graph, const nnc_dataset *data,
                                  const nnc_quant_options *options, const nnc_log *log)
{
    *out = (nnc_equalization){.sqnr_before = (double)NAN, .sqnr_after = (double)NAN};
    const nnc_log quiet = {.cancelled = log ? log->cancelled : NULL, .user = log ? log->user : NULL};
    nnc_graph *scaled_graph, *quantized[2] = {NULL, NULL};
    NNC_TRY(nnc_graph_clone(&scaled_graph, *graph));
    nnc_status status = nnc_quant_strip(scaled_graph);
    status = status == NNC_OK ? nnc_equalize(&out->groups, scaled_graph, data, options, log) : status;
    if (status == NNC_OK && out->groups > 0) {
        status = quantized_copy(&quantized[0], *graph, data, options, &quiet);
        status = status == NNC_OK ? quantized_copy(&quantized[1], scaled_graph, data, options, &quiet) : status;
        status = status == NNC_OK ? judge(out, *graph, quantized, data, options, log) : status;
    }
    nnc_graph_destroy(quantized[0]);
    nnc_graph_destroy(quantized[1]);
    if (status == NNC_OK && out->kept) {
        nnc_graph_destroy(*graph);
        *graph = scaled_graph;
    } else {
        nnc_graph_destroy(scaled_graph);
    }
    return status == NNC_ERR_GATE ? NNC_OK : status; /* nothing to compress: the quantizer says so itself */
}
