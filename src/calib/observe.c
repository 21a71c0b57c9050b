/* The two observers: range and sums of an array, then its histogram. SPDX-License-Identifier: Apache-2.0 */
#include "calib/observe.h"

#include <math.h>
#include <string.h>

#include "runtime_int8/kernels/ref/fma_clone.h"

#define LANES 8
#define BLOCK 512 /* a block with a NaN or Inf takes the slow way; a multiple of LANES */

typedef float f32x8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));

/* Weight of a new sample in the moving average of ranges. */
#define EMA_WEIGHT 0.01f

NNRT_INLINE bool block_finite(const float *x, size_t n)
{
    const i32x8 exponent = (i32x8){0} + 0x7f800000;
    i32x8 bad = {0};
    size_t fast = n / LANES * LANES;
    for (size_t i = 0; i < fast; i += LANES) {
        i32x8 bits = (i32x8) * (const f32x8 *)(x + i);
        bad |= (bits & exponent) == exponent;
    }
    int32_t any = 0;
    for (size_t j = 0; j < LANES; j++) {
        any |= bad[j];
    }
    for (size_t i = fast; i < n; i++) {
        any |= !isfinite(x[i]);
    }
    return any == 0;
}

typedef struct range_lanes {
    f32x8 min, max;
    f64x8 sum, sum_abs, sum_sq;
} range_lanes;

/* n finite numbers, a multiple of LANES. Returns how many are zero. */
NNRT_INLINE uint64_t add_block(range_lanes *lanes, const float *x, size_t n)
{
    f32x8 min = lanes->min, max = lanes->max;
    f64x8 sum = lanes->sum, sum_abs = lanes->sum_abs, sum_sq = lanes->sum_sq;
    const i32x8 magnitude = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff,
                             0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
    i32x8 zeros = {0};
    for (size_t i = 0; i < n; i += LANES) {
        f32x8 v = *(const f32x8 *)(x + i);
        i32x8 less = v < min, more = v > max;
        min = (f32x8)(((i32x8)v & less) | ((i32x8)min & ~less));
        max = (f32x8)(((i32x8)v & more) | ((i32x8)max & ~more));
        zeros -= v == 0.0f;
        f64x8 d = __builtin_convertvector(v, f64x8);
        f64x8 a = __builtin_convertvector((f32x8)((i32x8)v & magnitude), f64x8);
        sum += d;
        sum_abs += a;
        sum_sq += d * d;
    }
    lanes->min = min;
    lanes->max = max;
    lanes->sum = sum;
    lanes->sum_abs = sum_abs;
    lanes->sum_sq = sum_sq;
    uint64_t total = 0;
    for (size_t j = 0; j < LANES; j++) {
        total += (uint32_t)zeros[j];
    }
    return total;
}

NNRT_INLINE void add_scalar(nnc_range_sums *out, range_lanes *lanes, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = i % LANES;
        if (!isfinite(x[i])) {
            out->nonfinite++;
            out->count--;
            continue;
        }
        double d = (double)x[i];
        lanes->min[j] = x[i] < lanes->min[j] ? x[i] : lanes->min[j];
        lanes->max[j] = x[i] > lanes->max[j] ? x[i] : lanes->max[j];
        lanes->sum[j] += d;
        lanes->sum_abs[j] += fabs(d);
        lanes->sum_sq[j] += d * d;
        out->zeros += x[i] == 0.0f;
    }
}

NNRT_INLINE void range_body(nnc_range_sums *out, const float *x, size_t n)
{
    *out = (nnc_range_sums){.min = INFINITY, .max = -INFINITY, .count = n};
    range_lanes lanes = {{0}, {0}, {0}, {0}, {0}};
    for (size_t j = 0; j < LANES; j++) {
        lanes.min[j] = INFINITY;
        lanes.max[j] = -INFINITY;
    }
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t len = n - i < BLOCK ? n - i : BLOCK;
        size_t fast = block_finite(x + i, len) ? len / LANES * LANES : 0;
        out->zeros += add_block(&lanes, x + i, fast);
        add_scalar(out, &lanes, x + i + fast, len - fast);
    }
    for (size_t j = 0; j < LANES; j++) {
        out->min = lanes.min[j] < out->min ? lanes.min[j] : out->min;
        out->max = lanes.max[j] > out->max ? lanes.max[j] : out->max;
        out->sum += lanes.sum[j];
        out->sum_abs += lanes.sum_abs[j];
        out->sum_sq += lanes.sum_sq[j];
    }
}

static void range_plain(nnc_range_sums *out, const float *x, size_t n)
{
    range_body(out, x, n);
}

NNRT_FMA_CLONE static void range_wide(nnc_range_sums *out, const float *x, size_t n)
{
    range_body(out, x, n);
}

void nnc_observe_range(nnc_range_sums *out, const float *x, size_t n)
{
    (NNRT_CPU_HAS_FMA ? range_wide : range_plain)(out, x, n);
}

/* Bins per unit; 0 for a range that is empty or too small to divide. */
static float bins_per_unit(float lo, float hi)
{
    double width = (double)hi - (double)lo;
    float inverse = width > 0 ? (float)(NNC_CALIB_BINS / width) : 0.0f;
    return isfinite(inverse) ? inverse : 0.0f;
}

static inline int32_t bin_of(float x, float lo, float inverse)
{
    float t = (x - lo) * inverse;
    t = t < (float)(NNC_CALIB_BINS - 1) ? t : (float)(NNC_CALIB_BINS - 1);
    t = t > 0.0f ? t : 0.0f;
    return (int32_t)t;
}

size_t nnc_hist_bin(float x, float lo, float hi)
{
    return (size_t)bin_of(x, lo, bins_per_unit(lo, hi));
}

/* bin_of, eight at a time: n is a multiple of LANES. */
NNRT_INLINE void bins_of(int32_t *bins, const float *x, size_t n, float lo, float inverse)
{
    const f32x8 top = (f32x8){0} + (float)(NNC_CALIB_BINS - 1);
    for (size_t i = 0; i < n; i += LANES) {
        f32x8 t = (*(const f32x8 *)(x + i) - lo) * inverse;
        i32x8 keep = t < top;
        t = (f32x8)(((i32x8)t & keep) | ((i32x8)top & ~keep));
        t = (f32x8)((i32x8)t & (t > 0.0f));
        i32x8 b = __builtin_convertvector(t, i32x8);
        memcpy(bins + i, &b, sizeof(b));
    }
}

/* Four tables: equal neighbours (the zeros behind a Relu) would wait for each other's stores in one. */
NNRT_INLINE void count_block(uint32_t (*tables)[NNC_CALIB_BINS], const float *x, size_t n, float lo,
                        float inverse)
{
    int32_t bins[BLOCK];
    size_t fast = n / LANES * LANES;
    bins_of(bins, x, fast, lo, inverse);
    for (size_t i = 0; i < fast; i += 4) {
        tables[0][bins[i]]++;
        tables[1][bins[i + 1]]++;
        tables[2][bins[i + 2]]++;
        tables[3][bins[i + 3]]++;
    }
    for (size_t i = fast; i < n; i++) {
        tables[0][bin_of(x[i], lo, inverse)]++;
    }
}

/* Numbers between two emptyings of the 32-bit tables. */
#define ROUND ((size_t)1 << 24)

NNRT_INLINE void hist_body(uint64_t *hist, const float *x, size_t n, float lo, float inverse)
{
    uint32_t tables[4][NNC_CALIB_BINS] = {{0}};
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t len = n - i < BLOCK ? n - i : BLOCK;
        if (block_finite(x + i, len)) {
            count_block(tables, x + i, len, lo, inverse);
            continue;
        }
        for (size_t k = i; k < i + len; k++) {
            if (isfinite(x[k])) {
                tables[0][bin_of(x[k], lo, inverse)]++;
            }
        }
    }
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        hist[b] += (uint64_t)tables[0][b] + tables[1][b] + tables[2][b] + tables[3][b];
    }
}

static void hist_plain(uint64_t *hist, const float *x, size_t n, float lo, float inverse)
{
    hist_body(hist, x, n, lo, inverse);
}

NNRT_FMA_CLONE static void hist_wide(uint64_t *hist, const float *x, size_t n, float lo, float inverse)
{
    hist_body(hist, x, n, lo, inverse);
}

void nnc_observe_hist(uint64_t *hist, const float *x, size_t n, float lo, float hi)
{
    float inverse = bins_per_unit(lo, hi);
    if (n < 4 * NNC_CALIB_BINS) {
        for (size_t i = 0; i < n; i++) {
            if (isfinite(x[i])) {
                hist[bin_of(x[i], lo, inverse)]++;
            }
        }
        return;
    }
    for (size_t i = 0; i < n; i += ROUND) {
        size_t round = n - i < ROUND ? n - i : ROUND;
        (NNRT_CPU_HAS_FMA ? hist_wide : hist_plain)(hist, x + i, round, lo, inverse);
    }
}

void nnc_stats_add(nnc_value_stats *stats, const nnc_range_sums *sample, bool first)
{
    stats->count += sample->count;
    stats->zeros += sample->zeros;
    stats->nonfinite += sample->nonfinite;
    stats->sum += sample->sum;
    stats->sum_abs += sample->sum_abs;
    stats->sum_sq += sample->sum_sq;
    if (sample->min > sample->max) {
        return;
    }
    if (first || stats->min > stats->max) {
        stats->ema_min = sample->min;
        stats->ema_max = sample->max;
    } else {
        stats->ema_min += EMA_WEIGHT * (sample->min - stats->ema_min);
        stats->ema_max += EMA_WEIGHT * (sample->max - stats->ema_max);
    }
    stats->min = first || sample->min < stats->min ? sample->min : stats->min;
    stats->max = first || sample->max > stats->max ? sample->max : stats->max;
}
