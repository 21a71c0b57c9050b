/* MSE: the range with the least rounding plus clipping error. SPDX-License-Identifier: Apache-2.0
 * After Choukroun et al. (OMSE, arXiv 1902.06822), but the ends shrink on their own: a line search for both together, then for one end with
 * the other held, twice. The error is the histogram's (nnc_hist_error). */
#include "calib/calibrator.h"

/* Factors 1, r, r^2, ... down to 1/128: below it the range has fewer bins than the grid has levels. */
#define SHRINK_RATIO 0.98
#define SHRINK_STEPS 240
#define ROUNDS 2

static nnc_status error_of(double *out, const nnc_value_stats *stats, float lo, float hi, bool symmetric,
                           int levels)
{
    nnc_qparams *q;
    NNC_TRY(nnc_qparams_from_range(&q, lo, hi, symmetric ? NNC_DTYPE_INT8 : NNC_DTYPE_UINT8, symmetric));
    if (symmetric) {
        q->qmin = -(levels - 1) / 2;
        q->qmax = (levels - 1) / 2;
    }
    *out = nnc_hist_error(stats, q);
    nnc_qparams_destroy(q);
    return NNC_OK;
}

/* Best factor for the end at `*end` (either *lo or *hi, or both when symmetric). */
static nnc_status line_search(float *lo, float *hi, double *least, const nnc_value_stats *stats, bool move_lo,
                              bool move_hi, bool symmetric, int levels)
{
    float best_lo = *lo, best_hi = *hi;
    double factor = 1;
    for (int i = 0; i < SHRINK_STEPS; i++, factor *= SHRINK_RATIO) {
        float a = move_lo ? (float)((double)stats->min * factor) : *lo;
        float b = move_hi ? (float)((double)stats->max * factor) : *hi;
        double error;
        NNC_TRY(error_of(&error, stats, a, b, symmetric, levels));
        if (error < *least) {
            *least = error;
            best_lo = a;
            best_hi = b;
        }
    }
    *lo = best_lo;
    *hi = best_hi;
    return NNC_OK;
}

nnc_status nnc_calib_solve_mse(float *lo, float *hi, const nnc_value_stats *stats, bool symmetric,
                               int levels, double arg)
{
    (void)arg;
    *lo = stats->min;
    *hi = stats->max;
    double least;
    NNC_TRY(error_of(&least, stats, *lo, *hi, symmetric, levels));
    if (symmetric || stats->min >= 0 || stats->max <= 0) {
        return line_search(lo, hi, &least, stats, true, true, symmetric, levels);
    }
    NNC_TRY(line_search(lo, hi, &least, stats, true, true, false, levels));
    for (int round = 0; round < ROUNDS; round++) {
        NNC_TRY(line_search(lo, hi, &least, stats, false, true, false, levels));
        NNC_TRY(line_search(lo, hi, &least, stats, true, false, false, levels));
    }
    return NNC_OK;
}
