/* Observers, calibrators and range-to-grid: known answers. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "calib/calib.h"
#include "calib/calibrator.h"
#include "calib/observe.h"

/* Statistics of an array as the two passes make them. Caller frees. */
static nnc_value_stats *stats_of(const float *x, size_t n)
{
    nnc_value_stats *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    nnc_range_sums sums;
    nnc_observe_range(&sums, x, n);
    s->min = INFINITY;
    s->max = -INFINITY;
    nnc_stats_add(s, &sums, true);
    s->hist_lo = s->min < 0 ? s->min : 0;
    s->hist_hi = s->max > 0 ? s->max : 0;
    nnc_observe_hist(s->hist, x, n, s->hist_lo, s->hist_hi);
    return s;
}

static float *normals(size_t n, uint64_t seed, bool relu)
{
    float *x = malloc(n * sizeof(*x));
    assert_non_null(x);
    nnc_rng rng;
    nnc_rng_init(&rng, seed, 0);
    for (size_t i = 0; i < n; i++) {
        x[i] = nnc_rng_normal(&rng);
        x[i] = relu && x[i] < 0 ? 0 : x[i];
    }
    return x;
}

static void observe_range_counts(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 7, 8, 9, 511, 512, 513, 5000};
    float *x = normals(5000, 1, true);
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        size_t n = sizes[k];
        nnc_range_sums s;
        nnc_observe_range(&s, x, n);
        double sum = 0, sq = 0;
        float min = INFINITY, max = -INFINITY;
        uint64_t zeros = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (double)x[i];
            sq += (double)x[i] * (double)x[i];
            min = x[i] < min ? x[i] : min;
            max = x[i] > max ? x[i] : max;
            zeros += x[i] == 0;
        }
        assert_true(s.min == min && s.max == max);
        assert_int_equal(s.count, n);
        assert_int_equal(s.zeros, zeros);
        assert_true(fabs(s.sum - sum) <= 1e-9 * (1 + fabs(sum)) && fabs(s.sum_sq - sq) <= 1e-9 * (1 + sq));
        assert_true(s.sum_abs == s.sum);
    }
    free(x);
}

static void observe_leaves_out_nonfinite(void **state)
{
    (void)state;
    float x[1000];
    for (size_t i = 0; i < 1000; i++) {
        x[i] = 1.0f + (float)i;
    }
    x[3] = NAN;
    x[700] = INFINITY;
    x[999] = -INFINITY;
    nnc_range_sums s;
    nnc_observe_range(&s, x, 1000);
    assert_int_equal(s.nonfinite, 3);
    assert_int_equal(s.count, 997);
    assert_true(s.min == 1.0f && s.max == 999.0f);
    uint64_t *hist = calloc(NNC_CALIB_BINS, sizeof(*hist));
    assert_non_null(hist);
    for (int big = 0; big < 2; big++) {
        memset(hist, 0, NNC_CALIB_BINS * sizeof(*hist));
        float *many = malloc(20000 * sizeof(*many));
        assert_non_null(many);
        for (size_t i = 0; i < 20000; i++) {
            many[i] = x[i % 1000];
        }
        size_t n = big ? 20000 : 1000;
        nnc_observe_hist(hist, many, n, 0, 999);
        uint64_t total = 0;
        for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
            total += hist[b];
        }
        assert_int_equal(total, n / 1000 * 997);
        free(many);
    }
    free(hist);
}

static void histogram_bins(void **state)
{
    (void)state;
    uint64_t hist[NNC_CALIB_BINS] = {0};
    float x[4096];
    for (size_t i = 0; i < 4096; i++) {
        x[i] = (float)i + 0.5f;
    }
    nnc_observe_hist(hist, x, 4096, 0, 4096);
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        assert_int_equal(hist[b], 2);
    }
    /* The top edge belongs to the last bin; an empty range is one bin. */
    assert_int_equal(nnc_hist_bin(1.0f, 0.0f, 1.0f), NNC_CALIB_BINS - 1);
    assert_int_equal(nnc_hist_bin(-1.0f, -1.0f, 1.0f), 0);
    assert_int_equal(nnc_hist_bin(5.0f, 0.0f, 0.0f), 0);
    /* The wide path (8192 numbers and more) counts as the narrow one does. */
    float *many = normals(30001, 5, true);
    uint64_t wide[NNC_CALIB_BINS] = {0}, narrow[NNC_CALIB_BINS] = {0};
    nnc_observe_hist(wide, many, 30001, -1, 4);
    for (size_t i = 0; i < 30001; i += 1000) {
        nnc_observe_hist(narrow, many + i, 30001 - i < 1000 ? 30001 - i : 1000, -1, 4);
    }
    assert_memory_equal(wide, narrow, sizeof(wide));
    free(many);
}

static void moving_average(void **state)
{
    (void)state;
    nnc_value_stats *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    const nnc_range_sums a = {.min = -1, .max = 1, .count = 2}, b = {.min = -3, .max = 2, .count = 2};
    nnc_stats_add(s, &a, true);
    assert_true(s->ema_min == -1 && s->ema_max == 1);
    nnc_stats_add(s, &b, false);
    assert_true(fabsf(s->ema_min + 1.02f) < 1e-6f && fabsf(s->ema_max - 1.01f) < 1e-6f);
    assert_true(s->min == -3 && s->max == 2);
    free(s);
}

static void merged_statistics(void **state)
{
    (void)state;
    float *x = normals(20000, 2, false), *y = normals(10000, 3, true);
    for (size_t i = 0; i < 10000; i++) {
        y[i] *= 3;
    }
    nnc_value_stats *a = stats_of(x, 20000), *b = stats_of(y, 10000);
    float min = a->min, max = b->max;
    nnc_value_stats_merge(a, b);
    assert_true(a->min == min && a->max == max);
    assert_int_equal(a->count, 30000);
    uint64_t total = 0;
    for (size_t i = 0; i < NNC_CALIB_BINS; i++) {
        total += a->hist[i];
    }
    assert_int_equal(total, 30000);
    free(a);
    free(b);
    free(x);
    free(y);
}

static void grid(float lo, float hi, nnc_dtype dtype, bool symmetric, float scale, int32_t zero)
{
    nnc_qparams *q;
    assert_int_equal(nnc_qparams_from_range(&q, lo, hi, dtype, symmetric), NNC_OK);
    assert_true(fabsf(q->scale[0] - scale) <= 1e-6f * scale);
    assert_int_equal(q->zero_point[0], zero);
    nnc_qparams_destroy(q);
}

static void ranges_to_grids(void **state)
{
    (void)state;
    grid(0, 2.55f, NNC_DTYPE_UINT8, false, 0.01f, 0);
    grid(-1, 3, NNC_DTYPE_UINT8, false, 4.0f / 255, 64);
    grid(1, 3, NNC_DTYPE_UINT8, false, 3.0f / 255, 0);    /* extended down to zero */
    grid(-3, -1, NNC_DTYPE_UINT8, false, 3.0f / 255, 255); /* extended up to zero */
    grid(-1, 3, NNC_DTYPE_INT8, false, 4.0f / 255, -64);
    grid(-1, 3, NNC_DTYPE_INT8, true, 3.0f / 127, 0);
    grid(-1, 0.5f, NNC_DTYPE_UINT8, true, 1.0f / 127, 128);
    grid(0, 0, NNC_DTYPE_UINT8, false, 1.0f / 255, 0); /* only zeros seen */
    nnc_qparams *q;
    assert_int_equal(nnc_qparams_from_range(&q, 0, 1e-30f, NNC_DTYPE_UINT8, false), NNC_OK);
    assert_true(isnormal(q->scale[0]));
    nnc_qparams_destroy(q);
    assert_int_equal(nnc_qparams_from_range(&q, -FLT_MAX, FLT_MAX, NNC_DTYPE_UINT8, false), NNC_OK);
    assert_true(isfinite(q->scale[0]));
    nnc_qparams_destroy(q);
    assert_int_equal(nnc_qparams_from_range(&q, NAN, 1, NNC_DTYPE_UINT8, false), NNC_ERR_DATA);
    assert_int_equal(nnc_qparams_from_range(&q, 0, INFINITY, NNC_DTYPE_UINT8, false), NNC_ERR_DATA);
    assert_int_equal(nnc_qparams_from_range(&q, 2, 1, NNC_DTYPE_UINT8, false), NNC_ERR_DATA);
}

static void solve(float *lo, float *hi, const char *name, const nnc_value_stats *s, bool symmetric, double arg)
{
    const nnc_calibrator *c = nnc_calibrator_find(name);
    assert_non_null(c);
    assert_int_equal(c->solve(lo, hi, s, symmetric, symmetric ? 255 : 256, arg), NNC_OK);
}

static void percentile_ranks(void **state)
{
    (void)state;
    /* 100 numbers in each of 2048 bins over [0, 2048]. */
    nnc_value_stats *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->max = s->hist_hi = 2048;
    s->count = 204800;
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        s->hist[b] = 100;
    }
    float lo, hi;
    solve(&lo, &hi, "percentile", s, false, 99.0); /* 2048 numbers: 20 whole bins */
    assert_true(lo == 0 && hi == 2028);
    solve(&lo, &hi, "percentile", s, false, 100.0);
    assert_true(lo == 0 && hi == 2048);
    /* Both sides of zero: half the share at each end. */
    s->min = s->hist_lo = -1024;
    s->max = s->hist_hi = 1024;
    solve(&lo, &hi, "percentile", s, false, 99.0);
    assert_true(lo == -1014 && hi == 1014);
    /* By magnitude: 2048 numbers outside [-t, t], 100 per unit on each side: t = 1024 - 10.24, down to a bin of half a unit. */
    solve(&lo, &hi, "percentile", s, true, 99.0);
    assert_true(hi == -lo && fabsf(hi - 1014) <= 0.5f);
    assert_int_equal(nnc_calibrator_find("percentile")->solve(&lo, &hi, s, false, 256, 0.5), NNC_ERR_USAGE);
    /* Everything in one bin. */
    memset(s->hist, 0, sizeof(s->hist));
    s->hist[NNC_CALIB_BINS - 1] = s->count;
    s->min = s->max = s->hist_hi;
    s->hist_lo = 0;
    solve(&lo, &hi, "percentile", s, false, 99.99);
    assert_true(lo == hi && hi == s->max);
    free(s);
}

/* KL(P || Q) by the definition, with arrays. */
static double kl_plain(const double *bins, size_t n, size_t levels)
{
    double p[NNC_CALIB_BINS], q[NNC_CALIB_BINS] = {0}, psum = 0, qsum = 0, kl = 0;
    memcpy(p, bins, n * sizeof(*p));
    size_t last = n;
    while (last > 0 && bins[last - 1] <= 0) {
        last--;
    }
    if (last == 0) {
        return INFINITY;
    }
    for (size_t b = n; b < NNC_CALIB_BINS; b++) {
        p[last - 1] += bins[b];
    }
    for (size_t g = 0; g < levels; g++) {
        double mass = 0;
        size_t filled = 0;
        for (size_t b = 0; b < n; b++) {
            if (b * levels / n == g) {
                mass += bins[b];
                filled += bins[b] > 0;
            }
        }
        for (size_t b = 0; b < n; b++) {
            if (b * levels / n == g && bins[b] > 0) {
                q[b] = mass / (double)filled;
            }
        }
    }
    for (size_t b = 0; b < n; b++) {
        psum += p[b];
        qsum += q[b];
    }
    for (size_t b = 0; b < n; b++) {
        if (p[b] > 0) {
            kl += p[b] / psum * log(p[b] / psum / (q[b] / qsum));
        }
    }
    return kl;
}

static void entropy_minimum(void **state)
{
    (void)state;
    for (int relu = 0; relu < 2; relu++) {
        float *x = normals(50000, 11, relu);
        x[17] = 40; /* one far number */
        nnc_value_stats *s = stats_of(x, 50000);
        double bins[NNC_CALIB_BINS], least = INFINITY;
        float top, lo, hi;
        nnc_hist_magnitudes(bins, &top, s, true);
        size_t levels = relu ? 256 : 128, best = 0;
        for (size_t n = levels; n <= NNC_CALIB_BINS; n++) {
            double kl = kl_plain(bins, n, levels);
            if (kl <= least + 1e-12) {
                least = kl < least ? kl : least;
                best = n;
            }
        }
        solve(&lo, &hi, "entropy", s, false, 0);
        float t = (float)((double)top * ((double)best - 0.5) / NNC_CALIB_BINS);
        assert_true(best < NNC_CALIB_BINS && fabsf(hi - t) <= top / NNC_CALIB_BINS);
        assert_true(relu ? lo == 0 : fabsf(lo) <= t && lo < 0);
        assert_true(hi < 10); /* the far number is cut off */
        free(s);
        free(x);
    }
}

/* The zeros behind a Relu are on every grid: they must not pull the range in. */
static void entropy_ignores_zeros(void **state)
{
    (void)state;
    float *x = normals(60000, 12, false), lo, hi, lo2, hi2;
    for (size_t i = 0; i < 30000; i++) {
        x[i] = fabsf(x[i]);
        x[i + 30000] = 0;
    }
    nnc_value_stats *without = stats_of(x, 30000), *with = stats_of(x, 60000);
    solve(&lo, &hi, "entropy", without, false, 0);
    solve(&lo2, &hi2, "entropy", with, false, 0);
    assert_true(hi == hi2 && lo <= 0.01f && lo2 == 0);
    free(with);
    free(without);
    free(x);
}

static double error_of(const nnc_value_stats *s, float lo, float hi)
{
    nnc_qparams *q;
    assert_int_equal(nnc_qparams_from_range(&q, lo, hi, NNC_DTYPE_UINT8, false), NNC_OK);
    double e = nnc_hist_error(s, q);
    nnc_qparams_destroy(q);
    return e;
}

/* A picture's flat background: half of the numbers are equal and the smallest; the clip would fall below them. */
static void entropy_flat_start(void **state)
{
    (void)state;
    float *x = normals(60000, 13, false), lo, hi;
    for (size_t i = 0; i < 60000; i++) {
        x[i] = i % 2 ? 0.3372549f : fminf(0.3372549f + fabsf(x[i]) * 0.1f, 0.7372549f);
    }
    nnc_value_stats *s = stats_of(x, 60000);
    solve(&lo, &hi, "entropy", s, false, 0);
    assert_true(lo <= hi && lo >= s->min && hi <= s->max);
    /* The same with all but a few numbers at the start. */
    for (size_t i = 0; i < 59900; i++) {
        x[i] = 0.3372549f;
    }
    nnc_value_stats *flat = stats_of(x, 60000);
    solve(&lo, &hi, "entropy", flat, false, 0);
    assert_true(lo <= hi && lo >= flat->min && hi <= flat->max);
    free(flat);
    free(s);
    free(x);
}

static void histogram_error(void **state)
{
    (void)state;
    float *x = normals(100000, 4, false);
    nnc_value_stats *s = stats_of(x, 100000);
    nnc_qparams *q;
    assert_int_equal(nnc_qparams_from_range(&q, -2, 2.5f, NNC_DTYPE_UINT8, false), NNC_OK);
    double direct = 0;
    for (size_t i = 0; i < 100000; i++) {
        double t = rint((double)x[i] / (double)q->scale[0]);
        t = t < q->qmin - q->zero_point[0] ? q->qmin - q->zero_point[0] : t;
        t = t > q->qmax - q->zero_point[0] ? q->qmax - q->zero_point[0] : t;
        direct += ((double)x[i] - t * (double)q->scale[0]) * ((double)x[i] - t * (double)q->scale[0]);
    }
    assert_true(fabs(nnc_hist_error(s, q) / direct - 1) < 0.02);
    nnc_qparams_destroy(q);
    free(s);
    free(x);
}

static void mse_clips_far_numbers(void **state)
{
    (void)state;
    float *x = normals(100000, 6, false), lo, hi;
    x[5] = 30;
    nnc_value_stats *s = stats_of(x, 100000);
    solve(&lo, &hi, "mse", s, false, 0);
    assert_true(hi < 29 && lo < -2); /* the ends move on their own */
    double best = error_of(s, lo, hi);
    assert_true(best < error_of(s, s->min, s->max));
    double f = 1;
    for (int i = 0; i < 240; i++, f *= 0.98) { /* no better shrink of both */
        assert_true(best <= error_of(s, (float)((double)s->min * f), (float)((double)s->max * f)));
    }
    float slo, shi;
    solve(&slo, &shi, "mse", s, true, 0);
    assert_true(shi <= s->max && slo >= -s->max);
    free(s);
    free(x);
}

static void minmax_and_ema(void **state)
{
    (void)state;
    const float x[4] = {-1, 0, 2, 3};
    nnc_value_stats *s = stats_of(x, 4);
    float lo, hi;
    solve(&lo, &hi, "minmax", s, false, 0);
    assert_true(lo == -1 && hi == 3);
    s->ema_max = 2.5f;
    solve(&lo, &hi, "ema", s, false, 0);
    assert_true(lo == -1 && hi == 2.5f);
    free(s);
}

/* Values that only ever held zeros, or one number, have ranges too. */
static void every_calibrator_on_constants(void **state)
{
    (void)state;
    const float zeros[64] = {0};
    float fives[64];
    for (size_t i = 0; i < 64; i++) {
        fives[i] = 5;
    }
    const float *inputs[2] = {zeros, fives};
    for (size_t k = 0; k < 2; k++) {
        nnc_value_stats *s = stats_of(inputs[k], 64);
        for (size_t i = 0; nnc_calibrator_row(i); i++) {
            for (int symmetric = 0; symmetric < 2; symmetric++) {
                float lo = NAN, hi = NAN;
                solve(&lo, &hi, nnc_calibrator_row(i)->name, s, symmetric, 99.99);
                assert_true(isfinite(lo) && isfinite(hi) && lo <= hi && hi <= s->max);
                assert_true(k == 0 || hi > 4.9f);
            }
        }
        free(s);
    }
    assert_null(nnc_calibrator_find("kl"));
}

/* Nearly all numbers in the upper half of one bin, far from zero: a clip at its middle is below all of them. */
static void every_calibrator_on_narrow_ranges(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        float x[4096];
        for (size_t i = 0; i < 4096; i++) {
            float bins = i % 100 < 4 ? (float)(i % 100) : 0; /* a few in the next bins, one far away */
            x[i] = (float)sign * (i == 5 ? 0.5f : 0.345143f + bins * 0.5f / NNC_CALIB_BINS);
        }
        nnc_value_stats *s = stats_of(x, 4096);
        for (size_t i = 0; nnc_calibrator_row(i); i++) {
            for (int symmetric = 0; symmetric < 2; symmetric++) {
                float lo = NAN, hi = NAN;
                solve(&lo, &hi, nnc_calibrator_row(i)->name, s, symmetric, 99.0);
                if (!(lo <= hi)) {
                    print_error("%s: [%g, %g] of [%g, %g]\n", nnc_calibrator_row(i)->name, (double)lo,
                                (double)hi, (double)s->min, (double)s->max);
                }
                assert_true(isfinite(lo) && isfinite(hi) && lo <= hi);
            }
        }
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(observe_range_counts),   cmocka_unit_test(observe_leaves_out_nonfinite),
        cmocka_unit_test(histogram_bins),         cmocka_unit_test(moving_average),
        cmocka_unit_test(merged_statistics),      cmocka_unit_test(ranges_to_grids),
        cmocka_unit_test(percentile_ranks),       cmocka_unit_test(entropy_minimum),
        cmocka_unit_test(entropy_ignores_zeros),  cmocka_unit_test(entropy_flat_start),  cmocka_unit_test(histogram_error),
        cmocka_unit_test(mse_clips_far_numbers),  cmocka_unit_test(minmax_and_ema),
        cmocka_unit_test(every_calibrator_on_constants),
        cmocka_unit_test(every_calibrator_on_narrow_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
