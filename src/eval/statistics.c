/* Intervals and order statistics. SPDX-License-Identifier: Apache-2.0 */
#include "eval/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "eval/eval.h"

#define Z95 1.959963984540054 /* 97.5 % point of the standard normal distribution */

/* Wilson, Journal of the American Statistical Association 22:209-212, 1927. */
void nnc_wilson(double *lo, double *hi, uint64_t right, uint64_t n)
{
    *lo = 0;
    *hi = 1;
    if (n == 0) {
        return;
    }
    const double count = (double)n, z2 = Z95 * Z95, p = (double)right / count;
    const double center = p + z2 / (2 * count);
    const double spread = Z95 * sqrt(p * (1 - p) / count + z2 / (4 * count * count));
    /* The formula gives 0 and 1 here; rounding must not leave 1e-17 behind. */
    *lo = right == 0 ? 0 : (center - spread) / (1 + z2 / count);
    *hi = right == n ? 1 : (center + spread) / (1 + z2 / count);
}

/* Correlation of the pairs, with Newcombe's continuity correction; 0 where a margin is empty. */
static double paired_phi(double both, double only_1, double only_2, double neither)
{
    double product = (both + only_1) * (only_2 + neither) * (both + only_2) * (only_1 + neither);
    double excess = both * neither - only_1 * only_2;
    double n = both + only_1 + only_2 + neither;
    if (excess > 0) {
        excess = fmax(excess - n / 2, 0);
    }
    return product > 0 ? excess / sqrt(product) : 0;
}

void nnc_paired_difference(double *lo, double *hi, uint64_t both, uint64_t only_1, uint64_t only_2,
                           uint64_t neither)
{
    const uint64_t n = both + only_1 + only_2 + neither;
    double lo_1, hi_1, lo_2, hi_2;
    nnc_wilson(&lo_1, &hi_1, both + only_1, n);
    nnc_wilson(&lo_2, &hi_2, both + only_2, n);
    const double p_1 = (double)(both + only_1) / (double)n,
                 p_2 = (double)(both + only_2) / (double)n;
    const double difference = ((double)only_1 - (double)only_2) / (double)n;
    const double phi = paired_phi((double)both, (double)only_1, (double)only_2, (double)neither);
    const double down_1 = p_1 - lo_1, up_1 = hi_1 - p_1, down_2 = p_2 - lo_2, up_2 = hi_2 - p_2;
    *lo = difference - sqrt(fmax(down_1 * down_1 - 2 * phi * down_1 * up_2 + up_2 * up_2, 0));
    *hi = difference + sqrt(fmax(up_1 * up_1 - 2 * phi * up_1 * down_2 + down_2 * down_2, 0));
}

/* P(Binomial(n, 1/2) <= k): from the largest term down, until the terms no longer count. */
static double binomial_half_cdf(size_t k, size_t n)
{
    const double log_term = lgamma((double)n + 1) - lgamma((double)k + 1) -
                            lgamma((double)(n - k) + 1) - (double)n * 0.69314718055994531;
    double term = exp(log_term), sum = term;
    for (size_t j = k; j > 0 && term > sum * 1e-17; j--) {
        term *= (double)j / (double)(n - j + 1);
        sum += term;
    }
    return sum;
}

size_t nnc_median_rank(size_t n)
{
    if (n < 6) {
        return 0;
    }
    size_t in = 0, out = n / 2; /* in: still within 2.5 %; out: beyond */
    while (out - in > 1) {
        size_t middle = in + (out - in) / 2;
        if (binomial_half_cdf(middle, n) <= 0.025) {
            in = middle;
        } else {
            out = middle;
        }
    }
    return in + 1;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nnc_sort_doubles(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
}

double nnc_sorted_median(const double *values, size_t n)
{
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double nnc_sorted_percentile(const double *values, size_t n, double share)
{
    /* The small amount below keeps 0.9 * 10 at rank 9. */
    double rank = ceil(share * (double)n - 1e-9);
    return values[rank < 1 ? 0 : rank > (double)n ? n - 1 : (size_t)rank - 1];
}
