/* INT8 post-training quantization: which values get a grid, weights, ranges, choice. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_QUANT_H
#define NNC_QUANT_QUANT_H

#include "base/log.h"
#include "calib/calib.h"
#include "graph/graph.h"
#include "graph/target.h"

typedef struct nnc_quant_options {
    const nnc_target *target;
    const char *method;          /* calibrator name or "auto" */
    double percentile;           /* for method percentile */
    bool per_channel;            /* weights; default true */
    bool bias_correction;        /* try it, keep it where held-back samples gain */
    const char *const *exclude;  /* name globs, "op:Conv", "#12": these nodes stay float */
    size_t exclude_count;
    const size_t *calib_indices; /* samples for calibration */
    size_t calib_count;
    const size_t *held_indices;  /* samples held back: judge of `auto` */
    size_t held_count;
    const char *cache_path, *cache_key; /* see nnc_calib_options */
    bool cache_optional;
    nnc_calib *calib;            /* statistics to use instead of a run over the samples (nnc_quant_calibrate); borrowed; may be NULL */
    uint32_t threads, isa_max;
} nnc_quant_options;

/* Fails with NNC_ERR_USAGE if an exclusion pattern is malformed or matches no node, with the nearest name. */
nnc_status nnc_exclude_check(const nnc_graph *graph, const char *pattern);

/* What was done to one value / one node, for the report. Strings are owned by the result. */
typedef struct nnc_quant_value_info {
    nnc_value_id value;
    const char *method;      /* calibrator that won for it */
    float lo, hi;            /* chosen range */
    float min, max;          /* observed */
    double clipped;          /* share of numbers outside */
    const nnc_value_stats *stats;
} nnc_quant_value_info;
typedef struct nnc_quant_node_info {
    nnc_node_id node;
    bool integer;
    const char *reason;      /* why not */
    uint64_t macs;
    uint64_t pair_overflow;  /* weight pairs that can exceed 16 bits in u8 x s8 pair sums: |255 * (w0 + w1)| > 32767 worst case */
    uint64_t weight_bytes_before, weight_bytes_after;
    uint32_t dead_channels;
} nnc_quant_node_info;
/* A form of the model that was judged: ranges of a calibration with a kind of biases. */
typedef struct nnc_quant_form_info {
    const char *range, *bias; /* "minmax", "auto", ...; "own", "local" or "chain" */
    double sqnr, agree;       /* output SQNR in dB, top-1 agreement (NAN without class scores) */
    bool kept;
} nnc_quant_form_info;
#define NNC_QUANT_FORMS 6
typedef struct nnc_quant_result {
    nnc_quant_form_info forms[NNC_QUANT_FORMS]; /* [form_count], judged on held-back samples; none when there was no choice */
    size_t form_count;
    nnc_quant_value_info *values;
    size_t value_count;
    nnc_quant_node_info *nodes;
    size_t node_count;
    const char *method;            /* what won: "auto" or "minmax" */
    double sqnr_auto, sqnr_minmax; /* output SQNR in dB on held-back samples of the best form with these ranges, NAN when not judged */
    double agree_auto, agree_minmax; /* top-1 agreement of these forms with float, NAN when no classifier output */
    double sqnr_plain, sqnr_corrected; /* output SQNR without and with bias correction on held-back samples; NAN: not tried */
    bool bias_corrected;           /* the corrected biases were kept */
    nnc_calib *calib;
    bool calib_borrowed;           /* it is the caller's (nnc_quant_options.calib) */
    nnc_arena *strings;            /* of a result that was read from an archive; else NULL */
} nnc_quant_result;
void nnc_quant_result_deinit(nnc_quant_result *result);
/* Writes the result, or reads one for `graph`. Fails: NNC_ERR_DATA, NNC_ERR_LIMIT; then it is empty. */
nnc_status nnc_quant_result_archive(nnc_quant_result *result, const nnc_graph *graph, nnc_archive *a);

/* Quantizes `graph` (prepared: folded, BN merged, shapes inferred) in place: annotations on values, integers in weights, biases as the
 * target wants. `data` holds the calibration samples. Fails: NNC_ERR_DATA; NNC_ERR_GATE "nothing to compress: 0 of N nodes eligible
 * (reasons)"; NNC_ERR_MODEL for NaN weights. */
nnc_status nnc_quantize_graph(nnc_quant_result *result, nnc_graph *graph, const nnc_dataset *data,
                              const nnc_quant_options *options, const nnc_log *log);

#endif
