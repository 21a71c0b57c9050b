/* Entropy: the clip that loses the least information. SPDX-License-Identifier: Apache-2.0
 * After S. Migacz, "8-bit inference with TensorRT", GTC 2017: P is the histogram of |x| up to the clip with everything beyond added to its
 * last non-empty bin, Q the same bins without it, merged into the grid's levels and spread back over P's non-empty bins; the clip with the least
 * KL(P || Q) wins, the larger of equals. Unlike there, exact zeros are left out (any grid holds them), and what is beyond never goes to an
 * empty bin, where the divergence would be infinite. */
#include <math.h>

#include "calib/calibrator.h"

typedef struct kl_sums {
    double count[NNC_CALIB_BINS + 1];  /* numbers below bin i */
    double plogp[NNC_CALIB_BINS + 1];  /* sum of n ln n below bin i */
    uint32_t filled[NNC_CALIB_BINS + 1]; /* non-empty bins below bin i */
    size_t last[NNC_CALIB_BINS + 1];     /* behind the last non-empty bin below bin i; 0: none */
} kl_sums;

static double xlogx(double x)
{
    return x > 0 ? x * log(x) : 0;
}

static void prefix(kl_sums *sums, const double *bins)
{
    sums->count[0] = sums->plogp[0] = 0;
    sums->filled[0] = 0;
    sums->last[0] = 0;
    for (size_t i = 0; i < NNC_CALIB_BINS; i++) {
        sums->count[i + 1] = sums->count[i] + bins[i];
        sums->plogp[i + 1] = sums->plogp[i] + xlogx(bins[i]);
        sums->filled[i + 1] = sums->filled[i] + (bins[i] > 0);
        sums->last[i + 1] = bins[i] > 0 ? i + 1 : sums->last[i];
    }
}

/* KL(P || Q) for the clip behind bin n - 1. P and Q are normalised: total numbers, and numbers below the clip. */
static double divergence(const kl_sums *s, const double *bins, size_t n, size_t levels)
{
    double total = s->count[NNC_CALIB_BINS], inside = s->count[n], beyond = total - inside;
    size_t end = s->last[n];
    double sum = s->plogp[end - 1] + xlogx(bins[end - 1] + beyond); /* sum p ln p, before normalisation */
    for (size_t g = 0; g < levels; g++) {
        size_t from = (g * n + levels - 1) / levels, to = ((g + 1) * n + levels - 1) / levels;
        double mass = s->count[to] - s->count[from];
        uint32_t filled = s->filled[to] - s->filled[from];
        if (filled) {
            double p = from < end && end <= to ? mass + beyond : mass;
            sum -= p * log(mass / filled);
        }
    }
    return sum / total - log(total) + log(inside);
}

nnc_status nnc_calib_solve_entropy(float *lo, float *hi, const nnc_value_stats *stats,
                                   bool symmetric, int levels, double arg)
{
    (void)arg;
    double bins[NNC_CALIB_BINS];
    kl_sums sums;
    float top;
    *lo = stats->min;
    *hi = stats->max;
    nnc_hist_magnitudes(bins, &top, stats, true);
    prefix(&sums, bins);
    if (!(sums.count[NNC_CALIB_BINS] > 0)) {
        return NNC_OK;
    }
    bool one_side = !symmetric && (stats->min >= 0 || stats->max <= 0);
    size_t groups = (size_t)(one_side ? levels : (levels + 1) / 2), best = NNC_CALIB_BINS;
    double least = INFINITY;
    for (size_t n = groups; n <= NNC_CALIB_BINS; n++) {
        if (sums.last[n] == 0) {
            continue;
        }
        double kl = divergence(&sums, bins, n, groups);
        if (kl <= least) {
            least = kl;
            best = n;
        }
    }
    float t = (float)((double)top * ((double)best - 0.5) / NNC_CALIB_BINS);
    if (best == NNC_CALIB_BINS) {
        return NNC_OK;
    }
    *lo = stats->min > -t ? stats->min : -t;
    *hi = stats->max < t ? stats->max : t;
    /* Most numbers in one bin near the start of the range: the clip would leave out every number above its middle. */
    if (*lo > *hi) {
        *lo = stats->min;
        *hi = stats->max;
    }
    return NNC_OK;
}
