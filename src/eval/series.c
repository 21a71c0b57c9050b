/* Median of a series of measurements that may depend on each other. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "eval/statistics.h"

#define BLOCKS_MAX 2048 /* bounds the time: the autocorrelation is quadratic in the blocks */
#define CAUTION 4.0     /* standard errors by which the measured dependence is raised */

/* Sum over lags of the autocorrelation of x (mean 0, sum of squares `energy`), twice and with the lag 0
 * once: the number of values that tell as much as one independent value. Sums of two neighbouring lags
 * are added up as long as they are positive (Geyer, Statistical Science 7:473-483, 1992, section 3.3);
 * 1 / n makes up for the mean that was taken from the values themselves. */
static double correlation_time(const double *x, size_t n, double energy)
{
    double time = -1;
    for (size_t lag = 0; lag + 1 < n; lag += 2) {
        double even = 0, odd = 0;
        for (size_t i = 0; i + lag < n; i++) {
            even += x[i] * x[i + lag];
            odd += i + lag + 1 < n ? x[i] * x[i + lag + 1] : 0;
        }
        const double pair = (even + odd) / energy + (lag ? 2.0 : 1.0) / (double)n;
        if (pair <= 0) {
            break;
        }
        time += 2 * pair;
    }
    return fmax(time, 1);
}

double nnc_series_independent(double *signs, size_t n)
{
    const size_t width = (n + BLOCKS_MAX - 1) / BLOCKS_MAX, blocks = width ? n / width : 0;
    double single = 0, energy = 0, mean = 0;
    for (size_t i = 0; i < n; i++) {
        single += signs[i] * signs[i];
    }
    for (size_t b = 0; b < blocks; b++) {
        double sum = 0;
        for (size_t i = 0; i < width; i++) {
            sum += signs[b * width + i];
        }
        signs[b] = sum / (double)width; /* not read again: b <= b * width */
        mean += signs[b] / (double)blocks;
    }
    for (size_t b = 0; b < blocks; b++) {
        signs[b] -= mean;
        energy += signs[b] * signs[b];
    }
    if (single <= 0 || energy <= 0) {
        return (double)n; /* all equal: nothing varies, nothing depends */
    }
    /* Independent values have 1: variance of a block's mean times its width over that of one value. */
    const double within = energy / (double)blocks * (double)width * (double)n / single;
    const double time = fmax(within * correlation_time(signs, blocks, energy), 1);
    return (double)n / (1 + (time - 1) * (1 + CAUTION * sqrt(time / (double)n)));
}

nnc_status nnc_series_interval(double *median, double *lo, double *hi, const double *series, size_t n)
{
    double *sorted = nnc_calloc(2 * n, sizeof(*sorted));
    *median = *lo = *hi = NAN;
    if (!sorted) {
        return NNC_ERR_LIMIT;
    }
    memcpy(sorted, series, n * sizeof(*sorted));
    nnc_sort_doubles(sorted, n);
    *median = nnc_sorted_median(sorted, n);
    double *signs = sorted + n;
    for (size_t i = 0; i < n; i++) {
        signs[i] = (series[i] > *median) - (series[i] < *median);
    }
    const size_t independent = (size_t)nnc_series_independent(signs, n);
    const size_t of_them = nnc_median_rank(independent);
    if (of_them) {
        /* The same share of the values on either side. */
        const size_t scaled = (size_t)((double)of_them / (double)independent * (double)n);
        const size_t rank = independent == n ? of_them : scaled > 1 ? scaled : 1;
        *lo = sorted[rank - 1];
        *hi = sorted[n - rank];
    }
    nnc_free(sorted);
    return NNC_OK;
}
