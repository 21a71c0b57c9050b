/* Time for the benchmarks. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_BENCH_CLOCK_H
#define NNC_TESTS_BENCH_CLOCK_H

#include <stdlib.h>
#include <time.h>

/* Monotonic seconds. */
static inline double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static inline void bench_sort(double *times, size_t n)
{
    qsort(times, n, sizeof(*times), bench_compare);
}

/* Of ascending values, n > 0: the smallest that at least `share` of all do not exceed. */
static inline double bench_rank(const double *sorted, size_t n, double share)
{
    const double rank = share * (double)n;
    const size_t below = (size_t)rank, index = (double)below < rank ? below : below - (below > 0);
    return sorted[index < n ? index : n - 1];
}

#endif
