/* Intervals, all two-sided 95 %. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_EVAL_STATISTICS_H
#define NNC_EVAL_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* Difference of two proportions measured on the same n cases, p1 - p2 = (only_1 - only_2) / n, with
 * Newcombe's hybrid score interval (Statistics in Medicine 17:2635-2650, 1998, method 10).
 * both/only_1/only_2/neither: the paired 2x2 table, n > 0. */
void nnc_paired_difference(double *lo, double *hi, uint64_t both, uint64_t only_1, uint64_t only_2,
                           uint64_t neither);

/* Rank k >= 1 such that the k-th smallest and k-th largest of n independent values enclose the
 * median with at least 95 % (k - 1 is the largest number with P(Binomial(n, 1/2) <= k - 1) <= 2.5
 * %); 0 if there is none (n < 6). */
size_t nnc_median_rank(size_t n);

/* Ascending. */
void nnc_sort_doubles(double *values, size_t n);
/* Of ascending values, n > 0: the middle one, or the mean of the two in the middle. */
double nnc_sorted_median(const double *values, size_t n);
/* Of ascending values, n > 0: the smallest value that at least `share` of all do not exceed
 * (nearest rank). */
double nnc_sorted_percentile(const double *values, size_t n, double share);

#endif
