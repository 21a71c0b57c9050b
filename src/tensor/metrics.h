/* Error metrics between two float arrays, accumulated in double in a fixed order. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TENSOR_METRICS_H
#define NNC_TENSOR_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* Streaming sums over pairs (reference r, test t); zero-initialise, add in any number of pieces. */
typedef struct nnc_error_sums {
    double rr;      /* sum r^2 */
    double tt;      /* sum t^2 */
    double rt;      /* sum r*t */
    double ee;      /* sum (r-t)^2 */
    double max_abs; /* max |r-t| */
    uint64_t count;
    uint64_t nonfinite; /* pairs with a NaN or Inf on either side; left out of the sums */
} nnc_error_sums;

void nnc_error_sums_add(nnc_error_sums *sums, const float *reference, const float *test, size_t n);
/* 10*log10(sum r^2 / sum (r-t)^2); +INFINITY when equal, -INFINITY when the reference is all zero but the test is not. */
double nnc_error_sqnr_db(const nnc_error_sums *sums);
/* 1 when both are zero. */
double nnc_error_cosine(const nnc_error_sums *sums);
/* ||r-t|| / ||r||: relative L2; 0 when equal. */
double nnc_error_rel_l2(const nnc_error_sums *sums);

#endif
