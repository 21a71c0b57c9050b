/* Table of calibrators, histogram helpers, and range to qparams. SPDX-License-Identifier: Apache-2.0 */
#include "calib/calibrator.h"

#include <math.h>
#include <string.h>

#include "calib/observe.h"

#define NNC_CALIBRATOR(id, text) {.name = #id, .help = text, .solve = nnc_calib_solve_##id},
static const nnc_calibrator rows[] = {
#include "calib/calibrators.def"
};
#undef NNC_CALIBRATOR

const nnc_calibrator *nnc_calibrator_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const nnc_calibrator *nnc_calibrator_find(const char *name)
{
    for (size_t i = 0; nnc_calibrator_row(i); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Numbers of bin b other than exact zeros. */
static double bin_without_zeros(const nnc_value_stats *stats, size_t zero_bin, size_t b)
{
    uint64_t n = stats->hist[b];
    if (b == zero_bin) {
        n -= stats->zeros < n ? stats->zeros : n;
    }
    return (double)n;
}

/* Adds n numbers spread evenly over [a, b] (bins, 0 <= a <= b). */
static void spread(double *out, double a, double b, double n)
{
    a = a < NNC_CALIB_BINS ? a : NNC_CALIB_BINS;
    b = b < NNC_CALIB_BINS ? b : NNC_CALIB_BINS;
    size_t first = (size_t)a < NNC_CALIB_BINS ? (size_t)a : NNC_CALIB_BINS - 1;
    if (b - a < 1e-9) {
        out[first] += n;
        return;
    }
    for (size_t i = first; i < NNC_CALIB_BINS && (double)i < b; i++) {
        double from = a > (double)i ? a : (double)i, to = b < (double)i + 1 ? b : (double)i + 1;
        out[i] += n * (to - from) / (b - a);
    }
}

void nnc_hist_magnitudes(double *out, float *top, const nnc_value_stats *stats, bool drop_zeros)
{
    memset(out, 0, NNC_CALIB_BINS * sizeof(*out));
    double lo = (double)stats->hist_lo, hi = (double)stats->hist_hi;
    *top = stats->hist_hi > -stats->hist_lo ? stats->hist_hi : -stats->hist_lo;
    double scale = *top > 0 ? NNC_CALIB_BINS / (double)*top : 0;
    double width = (hi - lo) / NNC_CALIB_BINS;
    size_t zero_bin = drop_zeros ? nnc_hist_bin(0.0f, stats->hist_lo, stats->hist_hi) : SIZE_MAX;
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        double n = bin_without_zeros(stats, zero_bin, b);
        if (n <= 0) {
            continue;
        }
        double x0 = (lo + width * (double)b) * scale, x1 = (lo + width * ((double)b + 1)) * scale;
        if (x0 >= 0) {
            spread(out, x0, x1, n);
        } else if (x1 <= 0) {
            spread(out, -x1, -x0, n);
        } else {
            spread(out, 0, x1, n * x1 / (x1 - x0));
            spread(out, 0, -x0, n * -x0 / (x1 - x0));
        }
    }
}

double nnc_hist_error(const nnc_value_stats *stats, const nnc_qparams *q)
{
    double scale = (double)q->scale[0], error = 0;
    double lowest = q->qmin - q->zero_point[0], highest = q->qmax - q->zero_point[0];
    double width = ((double)stats->hist_hi - (double)stats->hist_lo) / NNC_CALIB_BINS;
    size_t zero_bin = nnc_hist_bin(0.0f, stats->hist_lo, stats->hist_hi);
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        double n = bin_without_zeros(stats, zero_bin, b);
        if (n <= 0) {
            continue;
        }
        double x = (double)stats->hist_lo + width * ((double)b + 0.5);
        double t = rint(x / scale);
        t = t < lowest ? lowest : t > highest ? highest : t;
        error += n * (x - t * scale) * (x - t * scale);
    }
    return error;
}

/* Smallest range of a grid: below it products of scales leave the normal float range. */
#define RANGE_MIN 0x1p-60

nnc_status nnc_qparams_from_range(nnc_qparams **out, float lo, float hi, nnc_dtype dtype,
                                  bool symmetric)
{
    if (!isfinite(lo) || !isfinite(hi) || lo > hi) {
        NNC_FAIL(NNC_ERR_DATA, "range [%g, %g] is not finite and ascending", (double)lo, (double)hi);
    }
    double a = lo < 0 ? (double)lo : 0, b = hi > 0 ? (double)hi : 0;
    double qmin = dtype == NNC_DTYPE_INT8 ? -128 : 0, levels = 255;
    if (symmetric) {
        b = b > -a ? b : -a;
        a = -b;
        levels = 254;
    }
    /* Only zeros were seen: every grid holds them; this one leaves room for others. */
    double range = b - a > 0 ? b - a : 1;
    float scale = (float)((range > RANGE_MIN ? range : RANGE_MIN) / levels);
    double zero = qmin + rint(-a / (double)scale);
    if (symmetric) {
        zero = dtype == NNC_DTYPE_INT8 ? 0 : 128;
    }
    zero = zero < qmin ? qmin : zero > qmin + 255 ? qmin + 255 : zero;
    int32_t zero_point = (int32_t)zero;
    return nnc_qparams_create(out, dtype, -1, 1, &scale, &zero_point);
}
