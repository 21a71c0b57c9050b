/* Calibration: running statistics of values over samples, and ranges from them. SPDX-License-Identifier: Apache-2.0
 * Two streaming passes (range, then histogram): memory does not depend on the number of samples. The same samples give the same
 * bytes for any thread count and tier. */
#ifndef NNC_CALIB_CALIB_H
#define NNC_CALIB_CALIB_H

#include "base/archive.h"
#include "base/log.h"
#include "datasets/dataset.h"
#include "graph/graph.h"

#define NNC_CALIB_BINS 2048
#define NNC_CALIB_CACHE_MAX ((uint64_t)1 << 32) /* bytes of a cache file that are read */

/* Statistics of one value over all samples. */
typedef struct nnc_value_stats {
    nnc_value_id value;
    float min, max;          /* of finite numbers; min > max: nothing seen */
    float ema_min, ema_max;  /* moving average of the per-sample range, weight 0.01 for a new sample */
    double sum, sum_abs, sum_sq;
    uint64_t count;          /* finite numbers */
    uint64_t zeros;
    uint64_t nonfinite;      /* NaN and Inf, left out */
    char *first_nonfinite;   /* name of the sample with the first one, or NULL */
    float hist_lo, hist_hi;  /* range that hist covers: [min(min,0), max(max,0)] of pass 1 */
    uint64_t hist[NNC_CALIB_BINS];
} nnc_value_stats;

typedef struct nnc_calib nnc_calib; /* statistics of all observed values of one graph */

typedef struct nnc_calib_options {
    uint32_t threads; /* 0: all cores */
    uint32_t isa_max; /* nnrt_isa */
    const size_t *indices; /* samples of the data set to use, in this order */
    size_t index_count;
    const char *cache_path; /* NULL: no cache */
    const char *cache_key;  /* "name=value name=value ..." of model, samples, preprocessing, tool version: a cache of another key
                             * is refused (NNC_ERR_DATA, "stale", with the names that differ) */
    bool cache_optional;    /* a cache that cannot be used is told (a warning), and written anew */
} nnc_calib_options;

/* Runs the float graph over the samples and observes `values`. Fails: NNC_ERR_DATA (no samples; a value with more than 1 %
 * non-finite numbers; the model's own output not finite: named as such), NNC_ERR_CANCELLED (no cache is written). */
nnc_status nnc_calib_run(nnc_calib **out, const nnc_graph *graph, const nnc_value_id *values,
                         size_t value_count, const nnc_dataset *data, const nnc_calib_options *options,
                         const nnc_log *log);
void nnc_calib_destroy(nnc_calib *calib);
/* Statistics of the numbers of both values together: histograms are laid on the wider range by bin centres. */
void nnc_value_stats_merge(nnc_value_stats *into, const nnc_value_stats *from);
const nnc_value_stats *nnc_calib_stats(const nnc_calib *calib, nnc_value_id value); /* NULL if not observed */
size_t nnc_calib_samples(const nnc_calib *calib);
/* Writes *calib, or reads it (nnc_archive_status tells; value ids are not checked). */
void nnc_calib_archive(nnc_calib **calib, nnc_archive *a);

/* A range estimator: statistics -> [lo, hi]. Rows of calibrators.def. */
typedef struct nnc_calibrator {
    const char *name; /* "minmax", "ema", "percentile", "entropy", "mse" */
    const char *help;
    /* symmetric: the grid will be symmetric around 0; levels: integers on it (255, 256); arg: percentile in percent, else unused. */
    nnc_status (*solve)(float *lo, float *hi, const nnc_value_stats *stats, bool symmetric, int levels,
                        double arg);
} nnc_calibrator;
const nnc_calibrator *nnc_calibrator_find(const char *name); /* NULL if unknown */
const nnc_calibrator *nnc_calibrator_row(size_t i);          /* NULL past the end */

/* Squared error that putting all numbers of `stats` on the grid q costs, from the histogram: sum over its bins of count times
 * (centre - nearest grid point)^2. Exact zeros cost nothing. q: per tensor. */
double nnc_hist_error(const nnc_value_stats *stats, const nnc_qparams *q);

/* Range to qparams: extends to include 0, zero range handled (docs/reliability.md), u8 asymmetric or s8 symmetric; zero point such
 * that 0.0 is exact. Fails: NNC_ERR_DATA for non-finite bounds. */
nnc_status nnc_qparams_from_range(nnc_qparams **out, float lo, float hi, nnc_dtype dtype,
                                  bool symmetric);

#endif
