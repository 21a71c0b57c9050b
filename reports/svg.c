/* Charts as inline SVG. SPDX-License-Identifier: Apache-2.0 */
#include "reports/svg.h"

#include <math.h>
#include <string.h>

#include "reports/html.h"

#define TICKS_MAX 16

/* The plotting area inside a picture, and the values at its edges. */
typedef struct frame {
    nnc_str *out;
    double left, right, top, bottom; /* user units, y grows downwards */
    double x0, x1, y0, y1;           /* values; logarithms on a log axis */
} frame;

static double fx(const frame *f, double x)
{
    return f->left + (x - f->x0) / (f->x1 - f->x0) * (f->right - f->left);
}

static double fy(const frame *f, double y)
{
    return f->bottom - (y - f->y0) / (f->y1 - f->y0) * (f->bottom - f->top);
}

static void number(nnc_str *out, const char *before, double value, const char *after)
{
    nnc_str_append(out, before);
    nnc_text_fixed(out, value, 1);
    nnc_str_append(out, after);
}

/* What the style sheet says for light pages, for where it is blocked. */
static const char *colour(const char *css)
{
    static const char *const rows[][2] = {{"int8", "#2f6fb5"}, {"fp32", "#8a94a3"}, {"float", "#c98a2b"},
                                          {"grid", "#dfe3e8"}, {"cut", "#d9534f"},  {"clip", "#d9534f"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i][0], css) == 0) {
            return rows[i][1];
        }
    }
    return "#5b6572";
}

static void line(nnc_str *out, const char *css, double xa, double ya, double xb, double yb)
{
    nnc_str_appendf(out, "<line class=\"%s\" stroke=\"%s\"%s", css, colour(css),
                    strcmp(css, "seen") == 0 ? " stroke-dasharray=\"3 3\"" : "");
    number(out, " x1=\"", xa, "\"");
    number(out, " y1=\"", ya, "\"");
    number(out, " x2=\"", xb, "\"");
    number(out, " y2=\"", yb, "\"/>");
}

static void rect(nnc_str *out, const char *css, double x, double y, double width, double height)
{
    nnc_str_appendf(out, "<rect class=\"%s\" fill=\"%s\"%s", css, colour(css),
                    strcmp(css, "cut") == 0 ? " fill-opacity=\"0.16\"" : "");
    number(out, " x=\"", x, "\"");
    number(out, " y=\"", y, "\"");
    number(out, " width=\"", width < 0.1 ? 0.1 : width, "\"");
    number(out, " height=\"", height < 0.1 ? 0.1 : height, "\"");
}

/* Opens a text element; the caller writes its content and closes it. */
static void text_at(nnc_str *out, const char *anchor, double x, double y)
{
    nnc_str_appendf(out, "<text font-size=\"11.5\" text-anchor=\"%s\"", anchor);
    number(out, " x=\"", x, "\"");
    number(out, " y=\"", y, "\">");
}

static void open_svg(nnc_str *out, double width, double height, const char *label)
{
    nnc_str_append(out, "<svg role=\"img\" aria-label=\"");
    nnc_html_text(out, label);
    number(out, "\" viewBox=\"0 0 ", width, "");
    number(out, " ", height, "\"");
    number(out, " width=\"", width, "\"");
    number(out, " height=\"", height, "\">");
}

/* Round values from lo to hi: a step of 1, 2 or 5 times a power of ten, at most `max` of them. */
static size_t round_ticks(double *ticks, double lo, double hi, size_t max)
{
    const double raw = (hi - lo) / (double)max, power = pow(10, floor(log10(raw)));
    const double step = raw <= power       ? power
                        : raw <= 2 * power ? 2 * power
                        : raw <= 5 * power ? 5 * power
                                           : 10 * power;
    size_t n = 0;
    for (double i = ceil(lo / step - 1e-9);
         n < max + 1 && n < TICKS_MAX && i * step <= hi + 1e-9 * step; i++) {
        ticks[n++] = i * step;
    }
    return n;
}

/* Round values for a logarithmic axis from lo to hi > lo > 0. */
static size_t log_ticks(double *ticks, double lo, double hi)
{
    if (hi / lo < 12) {
        return round_ticks(ticks, lo, hi, 9);
    }
    const bool wide = hi / lo > 1e4;
    size_t n = 0;
    for (double power = pow(10, floor(log10(lo))); power <= hi; power *= 10) {
        for (double k = 1; k < 10 && n < TICKS_MAX; k = wide ? 10 : k == 1 ? 2 : k == 2 ? 5 : 10) {
            if (k * power >= lo && k * power <= hi) {
                ticks[n++] = k * power;
            }
        }
    }
    return n;
}

static double y_of_bar(double value)
{
    return isfinite(value) ? value : 0;
}

void nnc_svg_bars(nnc_str *out, const nnc_svg_bar *bars, size_t n)
{
    double lo = 0, hi = 10, ticks[TICKS_MAX];
    for (size_t i = 0; i < n; i++) {
        lo = fmin(lo, y_of_bar(bars[i].value));
        hi = fmax(hi, y_of_bar(bars[i].value));
    }
    frame f = {.out = out,
               .left = 40,
               .right = 952,
               .top = 12,
               .bottom = 212,
               .x0 = 0,
               .x1 = (double)n,
               .y0 = floor(lo / 10) * 10,
               .y1 = ceil(hi / 10) * 10};
    open_svg(out, 960, 236, "Error per layer");
    const size_t count = round_ticks(ticks, f.y0, f.y1, 6);
    for (size_t i = 0; i < count; i++) {
        line(out, "grid", f.left, fy(&f, ticks[i]), f.right, fy(&f, ticks[i]));
        text_at(out, "end", f.left - 6, fy(&f, ticks[i]) + 4);
        nnc_text_fixed(out, ticks[i], 0);
        nnc_str_append(out, "</text>");
    }
    const double slot = (f.right - f.left) / (double)(n ? n : 1),
                 width = fmin(slot * (n > 300 ? 1 : 0.8), 32);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(bars[i].value)) {
            continue;
        }
        const double y = fy(&f, fmax(bars[i].value, 0)), end = fy(&f, fmin(bars[i].value, 0));
        rect(out, bars[i].integer ? "int8" : "float", fx(&f, (double)i + 0.5) - width / 2, y, width,
             end - y);
        nnc_str_append(out, "><title>");
        nnc_html_text(out, bars[i].title);
        nnc_str_append(out, "</title></rect>");
    }
    line(out, "axis", f.left, fy(&f, 0), f.right, fy(&f, 0));
    text_at(out, "start", f.left, 231);
    nnc_str_append(out, "first layer</text>");
    text_at(out, "end", f.right, 231);
    nnc_str_append(out, "last layer</text></svg>");
}

/* A tick's value without zeros behind. */
static void tick_text(nnc_str *out, double value)
{
    nnc_str text = {0};
    nnc_text_short(&text, value);
    if (text.data && strchr(text.data, '.') && !strchr(text.data, 'e')) {
        while (text.data[text.len - 1] == '0') {
            text.len--;
        }
        text.len -= text.data[text.len - 1] == '.';
        nnc_str_append_n(out, text.data, text.len);
    } else {
        nnc_str_append(out, nnc_str_get(&text));
    }
    nnc_str_deinit(&text);
}

/* A dashed line over the height at value x, if it lies inside. */
static void mark(const frame *f, const char *css, double x)
{
    if (isfinite(x) && x >= f->x0 && x <= f->x1) {
        line(f->out, css, fx(f, x), f->top, fx(f, x), f->bottom);
    }
}

/* The part from value a to value b, shaded. */
static void shade(const frame *f, double a, double b)
{
    a = fmax(a, f->x0);
    b = fmin(b, f->x1);
    if (b > a) {
        rect(f->out, "cut", fx(f, a), f->top, fx(f, b) - fx(f, a), f->bottom - f->top);
        nnc_str_append(f->out, "/>");
    }
}

void nnc_svg_draw_histogram(nnc_str *out, const nnc_svg_histogram *h)
{
    double most = 1, ticks[TICKS_MAX];
    for (size_t i = 0; i < h->n; i++) {
        most = fmax(most, h->counts[i]);
    }
    if (!(h->hi > h->lo) || !isfinite(h->hi - h->lo)) {
        return;
    }
    frame f = {.out = out,
               .left = 8,
               .right = 312,
               .top = 8,
               .bottom = 112,
               .y0 = 0,
               .y1 = log10(1 + most)};
    /* The grid may reach beyond what was seen. */
    f.x0 = fmin(h->lo, isfinite(h->clip_lo) ? h->clip_lo : h->lo);
    f.x1 = fmax(h->hi, isfinite(h->clip_hi) ? h->clip_hi : h->hi);
    open_svg(out, 320, 132, "Histogram of the values");
    const double bin = (h->hi - h->lo) / (double)h->n;
    for (size_t i = 0; i < h->n; i++) {
        if (h->counts[i] > 0) {
            const double x = fx(&f, h->lo + bin * (double)i), y = fy(&f, log10(1 + h->counts[i]));
            rect(out, "int8", x, y, fx(&f, h->lo + bin * (double)(i + 1)) - x - 0.5, f.bottom - y);
            nnc_str_append(out, "/>");
        }
    }
    if (isfinite(h->clip_lo) && isfinite(h->clip_hi)) {
        shade(&f, f.x0, h->clip_lo);
        shade(&f, h->clip_hi, f.x1);
    }
    mark(&f, "seen", h->min);
    mark(&f, "seen", h->max);
    mark(&f, "clip", h->clip_lo);
    mark(&f, "clip", h->clip_hi);
    line(out, "axis", f.left, f.bottom, f.right, f.bottom);
    const size_t count = round_ticks(ticks, f.x0, f.x1, 5);
    for (size_t i = 0; i < count; i++) {
        const double x = fx(&f, ticks[i]);
        text_at(out, x < 20 ? "start" : x > 300 ? "end" : "middle", x, 127);
        tick_text(out, ticks[i]);
        nnc_str_append(out, "</text>");
    }
    nnc_str_append(out, "</svg>");
}

static double percentile(const nnc_svg_series *s, double share)
{
    return s->sorted[(size_t)(share * (double)(s->n - 1))];
}

/* Range of the time axis: everything but the slowest hundredth. False if there is nothing to draw.
 */
static bool time_range(double *lo, double *hi, const nnc_svg_series *series, size_t count)
{
    *lo = INFINITY;
    *hi = 0;
    for (size_t i = 0; i < count; i++) {
        if (series[i].n > 1) {
            *lo = fmin(*lo, series[i].sorted[0]);
            *hi = fmax(*hi, percentile(&series[i], 0.99));
        }
    }
    *lo /= 1.08;
    *hi *= 1.08;
    return *lo > 0 && isfinite(*hi) && *hi > *lo;
}

static void time_tick(nnc_str *out, double value)
{
    tick_text(out, value);
    nnc_str_append(out, " ms</text>");
}

/* Beside its curve, the name in the colour: the faster one left of the pair, the slower one right. */
static void median_label(const frame *f, const nnc_svg_series *s, bool first)
{
    const double median = isfinite(s->median) ? s->median : percentile(s, 0.5);
    const double x = fmin(fmax(fx(f, log(median)), f->left + 150), f->right - 150);
    nnc_str_appendf(f->out, "<g class=\"%s\">", s->css);
    text_at(f->out, first ? "end" : "start", x + (first ? -10 : 10), fy(f, first ? 0.86 : 0.14));
    nnc_str_appendf(f->out, "%s p50 ", s->name);
    nnc_text_fixed(f->out, median, 3);
    nnc_str_append(f->out, " ms</text></g>");
}

void nnc_svg_ecdf(nnc_str *out, const nnc_svg_series *series, size_t count)
{
    double lo, hi, ticks[TICKS_MAX];
    if (!time_range(&lo, &hi, series, count)) {
        return;
    }
    frame f = {.out = out,
               .left = 48,
               .right = 944,
               .top = 12,
               .bottom = 212,
               .x0 = log(lo),
               .x1 = log(hi),
               .y0 = 0,
               .y1 = 1};
    open_svg(out, 960, 236, "Share of runs that were at most that slow");
    for (int i = 0; i <= 4; i++) {
        line(out, "grid", f.left, fy(&f, i / 4.0), f.right, fy(&f, i / 4.0));
        text_at(out, "end", f.left - 6, fy(&f, i / 4.0) + 4);
        nnc_str_appendf(out, "%d %%</text>", 25 * i);
    }
    const size_t n = log_ticks(ticks, lo, hi);
    for (size_t i = 0; i < n; i++) {
        const double x = fx(&f, log(ticks[i]));
        text_at(out, x > f.right - 16 ? "end" : "middle", x > f.right - 16 ? 958 : x, 231);
        time_tick(out, ticks[i]);
    }
    for (size_t s = 0; s < count; s++) {
        if (series[s].n < 2) {
            continue;
        }
        const size_t stride = series[s].n / 250 + 1;
        nnc_str_appendf(out, "<polyline class=\"curve %s\" fill=\"none\" stroke=\"%s\" points=\"", series[s].css,
                        colour(series[s].css));
        for (size_t i = 0; i < series[s].n && series[s].sorted[i] <= hi; i += stride) {
            number(out, i ? " " : "", fx(&f, log(series[s].sorted[i])), ",");
            number(out, "", fy(&f, (double)(i + 1) / (double)series[s].n), "");
        }
        nnc_str_append(out, "\"/>");
    }
    const bool swapped = count > 1 && series[1].n > 1 && percentile(&series[1], 0.5) < percentile(&series[0], 0.5);
    for (size_t s = 0; s < count; s++) {
        if (series[s].n > 1) {
            median_label(&f, &series[s], (s == 0) != swapped);
        }
    }
    nnc_str_append(out, "</svg>");
}

void nnc_svg_strip(nnc_str *out, const nnc_svg_series *series, size_t count)
{
    double lo, hi, ticks[TICKS_MAX];
    if (!time_range(&lo, &hi, series, count)) {
        return;
    }
    frame f = {.out = out,
               .left = 48,
               .right = 944,
               .top = 8,
               .bottom = 108,
               .x0 = 0,
               .x1 = 1,
               .y0 = log(lo),
               .y1 = log(hi)};
    open_svg(out, 960, 132, "Runs in order of measurement");
    size_t n = log_ticks(ticks, lo, hi);
    for (size_t i = 0, stride = n / 4 + 1; i < n; i += stride) {
        line(out, "grid", f.left, fy(&f, log(ticks[i])), f.right, fy(&f, log(ticks[i])));
        text_at(out, "end", f.left - 6, fy(&f, log(ticks[i])) + 4);
        tick_text(out, ticks[i]);
        nnc_str_append(out, "</text>");
    }
    for (size_t s = 0; s < count; s++) {
        if (series[s].n < 2) {
            continue;
        }
        const size_t stride = series[s].n / 450 + 1;
        nnc_str_appendf(out, "<polyline class=\"thin %s\" fill=\"none\" stroke=\"%s\" points=\"", series[s].css,
                        colour(series[s].css));
        for (size_t i = 0; i < series[s].n; i += stride) {
            number(out, i ? " " : "", fx(&f, (double)i / (double)(series[s].n - 1)), ",");
            number(out, "", fy(&f, log(fmin(series[s].samples[i], hi))), "");
        }
        nnc_str_append(out, "\"/>");
    }
    text_at(out, "start", f.left, 127);
    nnc_str_append(out, "first run</text>");
    text_at(out, "end", f.right, 127);
    nnc_str_append(out, "last run</text></svg>");
}

/* A range with room at both ends. */
static void spread(double *lo, double *hi, const nnc_svg_point *points, size_t n, bool x)
{
    *lo = INFINITY;
    *hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double v = x ? points[i].x : points[i].y;
        *lo = fmin(*lo, v);
        *hi = fmax(*hi, v);
    }
    /* Shares in percent: at least two points high, or a tenth looks like a cliff. */
    const double least = x ? 0 : fmax(2 - (*hi - *lo), 0) / 2;
    const double room = fmax(*hi > *lo ? 0.12 * (*hi - *lo) : fmax(fabs(*hi) * 0.1, 1), least);
    *lo -= room;
    *hi += room;
}

void nnc_svg_scatter(nnc_str *out, const nnc_svg_point *points, size_t n, const char *unit)
{
    double ticks[TICKS_MAX], below[NNC_SVG_POINTS];
    n = n < NNC_SVG_POINTS ? n : NNC_SVG_POINTS;
    frame f = {.out = out, .left = 56, .right = 944, .top = 12, .bottom = 242};
    spread(&f.x0, &f.x1, points, n, true);
    spread(&f.y0, &f.y1, points, n, false);
    if (!isfinite(f.x1 - f.x0) || !isfinite(f.y1 - f.y0)) {
        return;
    }
    open_svg(out, 960, 266, "Candidates: accuracy over cost");
    size_t count = round_ticks(ticks, f.y0, f.y1, 6);
    for (size_t i = 0; i < count; i++) {
        line(out, "grid", f.left, fy(&f, ticks[i]), f.right, fy(&f, ticks[i]));
        text_at(out, "end", f.left - 6, fy(&f, ticks[i]) + 4);
        tick_text(out, ticks[i]);
        nnc_str_append(out, "</text>");
    }
    count = round_ticks(ticks, f.x0, f.x1, 6);
    for (size_t i = 0; i < count; i++) {
        text_at(out, "middle", fx(&f, ticks[i]), 261);
        if (ticks[i] >= 1000) {
            nnc_text_si(out, ticks[i]);
        } else {
            tick_text(out, ticks[i]);
        }
        nnc_str_appendf(out, "%s</text>", unit);
    }
    for (size_t i = 0; i < n; i++) {
        const double x = fx(&f, points[i].x), y = fy(&f, points[i].y);
        const bool left = x > (f.left + f.right) / 2;
        below[i] = y + 4;
        /* Names of points that lie together stand below each other. */
        for (size_t k = 0; k < i; k++) {
            if (fabs(fx(&f, points[k].x) - x) < 110 && fabs(below[k] - below[i]) < 13) {
                below[i] = below[k] + 13;
            }
        }
        number(out, "<circle cx=\"", x, "\"");
        number(out, " cy=\"", y, "\"");
        nnc_str_appendf(out, " r=\"%d\" class=\"%s\" fill=\"%s\" stroke=\"#2f6fb5\" stroke-width=\"%d\"/>",
                        points[i].chosen ? 7 : 5, points[i].front ? "dot" : "ring",
                        points[i].front ? "#2f6fb5" : "none", points[i].chosen ? 3 : 1);
        text_at(out, left ? "end" : "start", x + (left ? -11 : 11), below[i]);
        nnc_html_text(out, points[i].name);
        nnc_str_append(out, "</text>");
    }
    line(out, "axis", f.left, f.bottom, f.right, f.bottom);
    nnc_str_append(out, "</svg>");
}
