/* The two observers: range and sums of an array, then its histogram. SPDX-License-Identifier: Apache-2.0
 * Sums run in eight fixed lanes, so the same numbers give the same bits on any machine. */
#ifndef NNC_CALIB_OBSERVE_H
#define NNC_CALIB_OBSERVE_H

#include "calib/calib.h"

/* Of the finite numbers of one array; min > max when there are none. */
typedef struct nnc_range_sums {
    float min, max;
    double sum, sum_abs, sum_sq;
    uint64_t count, zeros, nonfinite;
} nnc_range_sums;

/* x [n] */
void nnc_observe_range(nnc_range_sums *out, const float *x, size_t n);

/* Adds the finite numbers of x [n] to hist [NNC_CALIB_BINS]: uniform bins over [lo, hi], numbers outside go to the end
 * bins. lo == hi: everything goes to bin 0. */
void nnc_observe_hist(uint64_t *hist, const float *x, size_t n, float lo, float hi);

/* Bin of a finite number in a histogram over [lo, hi]. */
size_t nnc_hist_bin(float x, float lo, float hi);

/* Puts one sample's numbers behind the others: sums, counts, range and moving average. `first`: stats has no sample yet. */
void nnc_stats_add(nnc_value_stats *stats, const nnc_range_sums *sample, bool first);

#endif
