/* Intervals, two-sided 95 %, and the one-sided 95 % bounds that gates decide by. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_EVAL_STATISTICS_H
#define NNC_EVAL_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Difference of two proportions measured on the same n cases, p1 - p2 = (only_1 - only_2) / n, with
 * Newcombe's hybrid score interval (Statistics in Medicine 17:2635-2650, 1998, method 10).
 * both/only_1/only_2/neither: the paired 2x2 table, n > 0. */
void nnc_paired_difference(double *lo, double *hi, uint64_t both, uint64_t only_1, uint64_t only_2,
                           uint64_t neither);

/* ---- one-sided 95 % bounds: each is wrong with at most 5 % probability, for any n ---- */

/* Share right / n, n > 0: exact bounds (Clopper and Pearson, Biometrika 26:404-413, 1934). */
double nnc_share_lower(uint64_t right, uint64_t n);
double nnc_share_upper(uint64_t right, uint64_t n);

/* Difference of two proportions on the same n > 0 cases, (only_1 - only_2) / n as above. Exact: the
 * tables are ordered by Tango's score bound (Statistics in Medicine 17:891-908, 1998), and the bound is
 * the smallest that holds for this order (Buehler, JASA 52:482-493, 1957; Lloyd and Kabaila, Australian
 * and New Zealand Journal of Statistics 45:393-404, 2003), maximized over the unknown second
 * probability within its 99.9 % interval, whose 0.1 % counts against the 5 % (Berger and Boos, JASA
 * 89:1012-1016, 1994). Tango's bound alone is exceeded in up to 7 % of cases when few pairs differ. */
double nnc_drop_lower(uint64_t only_1, uint64_t only_2, uint64_t n);
double nnc_drop_upper(uint64_t only_1, uint64_t only_2, uint64_t n);

/* Cases in all that would put the bound on the right side of `limit` with 80 % probability if the
 * measured rates are the true ones: ((1.645 + 0.842) * s / distance)^2, s the standard deviation of one
 * case, with half a case added to every count; and at least what settles it without any further
 * difference. 0: no number would (the measured value is the limit, or nothing can prove the limit). */
uint64_t nnc_drop_cases(uint64_t only_1, uint64_t only_2, uint64_t n, double limit);
uint64_t nnc_share_cases(uint64_t right, uint64_t n, double limit);

/* P(Binomial(n, p) <= k). */
double nnc_binomial_cdf(uint64_t k, uint64_t n, double p);

/* ---- the median of measurements in their order, which may depend on each other ---- */

/* Median of n > 0 values in the order in which they were measured, with a two-sided 95 % interval from
 * order statistics, by the rank for as many values as are independent (nnc_series_independent). lo and
 * hi are NAN where those are below 6. Fails: NNC_ERR_LIMIT. */
nnc_status nnc_series_interval(double *median, double *lo, double *hi, const double *series, size_t n);
/* How many independent values would tell as much about the median as these n, at most n: n over the
 * integrated autocorrelation time of the signs, raised by what its own estimate may be wrong. Load on the
 * machine comes and goes for longer than one run; taken as independent, such runs make an interval far
 * too narrow. signs [n]: 1, 0 or -1 for a value above, at or below the median; overwritten. */
double nnc_series_independent(double *signs, size_t n);
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
