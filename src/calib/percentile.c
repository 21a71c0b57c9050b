/* Percentile: the range that leaves out a share of the numbers. SPDX-License-Identifier: Apache-2.0
 * By integer ranks over the histogram, to the outer edge of the bin: at most the asked share is outside. A range on one side of zero loses the
 * share at its far end, one on both sides half of it at each end, a symmetric one by magnitude. */
#include <math.h>

#include "calib/calibrator.h"

static float edge(const nnc_value_stats *stats, size_t bin)
{
    double width = ((double)stats->hist_hi - (double)stats->hist_lo) / NNC_CALIB_BINS;
    return (float)((double)stats->hist_lo + width * (double)bin);
}

static float upper_end(const nnc_value_stats *stats, double tail)
{
    uint64_t outside = 0;
    size_t b = NNC_CALIB_BINS;
    while (b > 0 && (double)(outside + stats->hist[b - 1]) <= tail) {
        outside += stats->hist[--b];
    }
    float x = edge(stats, b);
    return x < stats->max ? x : stats->max;
}

static float lower_end(const nnc_value_stats *stats, double tail)
{
    uint64_t outside = 0;
    size_t b = 0;
    while (b < NNC_CALIB_BINS && (double)(outside + stats->hist[b]) <= tail) {
        outside += stats->hist[b++];
    }
    float x = edge(stats, b);
    return x > stats->min ? x : stats->min;
}

static void by_magnitude(float *lo, float *hi, const nnc_value_stats *stats, double tail)
{
    double bins[NNC_CALIB_BINS], outside = 0;
    float top;
    nnc_hist_magnitudes(bins, &top, stats, false);
    size_t b = NNC_CALIB_BINS;
    while (b > 0 && outside + bins[b - 1] <= tail) {
        outside += bins[--b];
    }
    float t = (float)((double)top * (double)b / NNC_CALIB_BINS);
    *lo = stats->min > -t ? stats->min : -t;
    *hi = stats->max < t ? stats->max : t;
}

nnc_status nnc_calib_solve_percentile(float *lo, float *hi, const nnc_value_stats *stats,
                                      bool symmetric, int levels, double arg)
{
    (void)levels;
    if (!(arg > 50.0 && arg <= 100.0)) {
        NNC_FAIL(NNC_ERR_USAGE, "percentile %g is not in (50, 100]", arg);
    }
    double tail = (double)stats->count * (100.0 - arg) / 100.0;
    *lo = stats->min;
    *hi = stats->max;
    if (symmetric) {
        by_magnitude(lo, hi, stats, tail);
    } else if (stats->min >= 0) {
        *hi = upper_end(stats, tail);
    } else if (stats->max <= 0) {
        *lo = lower_end(stats, tail);
    } else {
        *hi = upper_end(stats, tail / 2);
        *lo = lower_end(stats, tail / 2);
    }
    /* All numbers in one bin: its edges cross. */
    if (*lo > *hi) {
        *lo = stats->min;
        *hi = stats->max;
    }
    return NNC_OK;
}
