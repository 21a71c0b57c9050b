/* Charts as inline SVG; colours come from the page's style sheet by class. SPDX-License-Identifier:
 * Apache-2.0 Classes: axis grid fp32 int8 float clip seen. Sizes are in user units; the page scales
 * the picture. Non-finite numbers are left out. */
#ifndef NNC_REPORTS_SVG_H
#define NNC_REPORTS_SVG_H

#include "base/str.h"

typedef struct nnc_svg_bar {
    double value;
    bool integer;      /* class int8, else float */
    const char *title; /* shown on hover; escaped here */
} nnc_svg_bar;
/* One bar per layer in their order, y in dB from 0 (or the lowest bar) up. */
void nnc_svg_bars(nnc_str *out, const nnc_svg_bar *bars, size_t n);

typedef struct nnc_svg_histogram {
    const double *counts; /* [n], uniform bins from lo to hi */
    size_t n;
    double lo, hi;
    double clip_lo, clip_hi; /* range of the integer grid */
    double min, max;         /* observed */
} nnc_svg_histogram;
/* Log-scaled counts, the clipped parts shaded. */
void nnc_svg_draw_histogram(nnc_str *out, const nnc_svg_histogram *h);

typedef struct nnc_svg_series {
    const char *name;      /* constant text */
    const char *css;       /* class of the curve */
    const double *samples; /* [n] milliseconds, in order of measurement */
    const double *sorted;  /* the same, ascending */
    size_t n;
    double median;         /* as the page says it elsewhere; NAN: of the samples */
} nnc_svg_series;
/* Share of runs that were at most that slow, over a logarithmic time axis. */
void nnc_svg_ecdf(nnc_str *out, const nnc_svg_series *series, size_t count);
/* Samples in order of measurement: drift and throttling show as steps. */
void nnc_svg_strip(nnc_str *out, const nnc_svg_series *series, size_t count);

#define NNC_SVG_POINTS 200
typedef struct nnc_svg_point {
    double x, y;
    bool chosen, front; /* larger; filled */
    const char *name;   /* escaped here */
} nnc_svg_point;
/* Points with names; unit behind the numbers of the x axis. */
void nnc_svg_scatter(nnc_str *out, const nnc_svg_point *points, size_t n, const char *unit);

#endif
