/* roi_align, max_roi_pool: bins of regions of channels-last images. SPDX-License-Identifier:
 * Apache-2.0 A sample or batch number outside the batch is moved to its nearest end. */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/index.h"

#define MAX_GRID 1024.0 /* most samples per bin and direction */

static nnc_status check_common(const nnrt_node_ctx *ctx, uint32_t h, uint32_t w, float scale)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_rank(ctx, 0, 4));
    NNC_TRY(nnrt_check_rank(ctx, 1, 2));
    if (h == 0 || w == 0 || h > INT32_MAX || w > INT32_MAX || !isfinite(scale))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u x %u bins at scale %g", ctx->name, h, w, (double)scale);
    return NNC_OK;
}

/* y [rois, h, w, channels]. */
static nnc_status set_bins(nnrt_node_ctx *ctx, uint32_t h, uint32_t w, int64_t columns)
{
    const nnrt_shape *x = &ctx->in[0].shape, *rois = &ctx->in[1].shape;
    nnrt_shape y = {.rank = 4, .dims = {rois->dims[0], h, w, x->dims[3]}};
    if (rois->dims[1] != columns)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': regions of %lld numbers, expected %lld", ctx->name,
                 (long long)rois->dims[1], (long long)columns);
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    if (nnrt_shape_count(x) == 0 && nnrt_shape_count(&y) != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': regions of an empty image", ctx->name);
    nnrt_set_output(ctx, NNRT_F32, &y);
    return NNC_OK;
}

static nnc_status align_check(const nnrt_node_ctx *ctx)
{
    const nnrt_roi_align_params *p = ctx->params;
    NNC_TRY(check_common(ctx, p->out_h, p->out_w, p->scale));
    NNC_TRY(nnrt_check_index_dtype(ctx, 2));
    if (p->max > 1 || p->half_pixel > 1 || p->sampling > (uint32_t)MAX_GRID)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': max %u, half_pixel %u, %u samples", ctx->name, p->max,
                 p->half_pixel, p->sampling);
    return nnrt_check_rank(ctx, 2, 1);
}

static nnc_status align_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_roi_align_params *p = ctx->params;
    if (ctx->in[2].shape.dims[0] != ctx->in[1].shape.dims[0])
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld regions, %lld batch indices", ctx->name,
                 (long long)ctx->in[1].shape.dims[0], (long long)ctx->in[2].shape.dims[0]);
    return set_bins(ctx, p->out_h, p->out_w, 4);
}

/* One direction of a region: where bin b, sample k of `grid` lies. */
typedef struct span {
    float start, bin;
    uint32_t grid;
} span;

static span make_span(const nnrt_roi_align_params *p, float from, float to, uint32_t bins)
{
    float offset = p->half_pixel ? 0.5f : 0.0f;
    span s = {from * p->scale - offset, 0.0f, p->sampling};
    float length = to * p->scale - offset - s.start;
    if (!p->half_pixel)
        length = length > 1.0f ? length : 1.0f;
    s.bin = length / (float)bins;
    if (p->sampling == 0) {
        double grid = ceil((double)s.bin);
        s.grid = grid >= 0.0 ? (grid < MAX_GRID ? (uint32_t)grid : (uint32_t)MAX_GRID) : 0;
    }
    return s;
}

typedef struct tap {
    size_t low, high;
    float w_low, w_high;
    bool outside;
} tap;

static tap make_tap(const span *s, uint32_t bin, uint32_t k, int64_t n)
{
    float at = s->start + (float)bin * s->bin + ((float)k + 0.5f) * s->bin / (float)s->grid;
    tap t = {0, 0, 1.0f, 0.0f, !(at >= -1.0f && at <= (float)n)};
    if (t.outside)
        return t;
    at = at > 0.0f ? at : 0.0f;
    t.low = (size_t)at;
    if (t.low >= (size_t)n - 1) {
        t.low = t.high = (size_t)n - 1;
        return t;
    }
    t.high = t.low + 1;
    t.w_high = at - (float)t.low;
    t.w_low = 1.0f - t.w_high;
    return t;
}

static float greatest(float a, float b)
{
    return a >= b || a != a ? a : b;
}

/* Joins one sample point into y: four weighted pixels, summed, or the greatest of them (as ONNX
 * specifies max). */
static void join_sample(float *restrict y, const float *restrict image, size_t width,
                        size_t channels, const tap *v, const tap *u, bool max, bool first)
{
    const float *p[4] = {image + (v->low * width + u->low) * channels,
                         image + (v->low * width + u->high) * channels,
                         image + (v->high * width + u->low) * channels,
                         image + (v->high * width + u->high) * channels};
    float w[4] = {v->w_low * u->w_low, v->w_low * u->w_high, v->w_high * u->w_low,
                  v->w_high * u->w_high};
    bool outside = v->outside || u->outside;
    for (size_t c = 0; c < channels; c++) {
        float a = outside ? 0.0f : w[0] * p[0][c], b = outside ? 0.0f : w[1] * p[1][c];
        float d = outside ? 0.0f : w[2] * p[2][c], e = outside ? 0.0f : w[3] * p[3][c];
        if (!max) {
            y[c] += a + b + d + e;
            continue;
        }
        float best = greatest(greatest(a, b), greatest(d, e));
        y[c] = first ? best : greatest(y[c], best);
    }
}

/* A row of bins. */
static void align_row(void *user, size_t row)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_roi_align_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t roi = row / p->out_h, channels = (size_t)x->dims[3], width = (size_t)x->dims[2];
    const float *r = (const float *)ctx->in[1].data + roi * 4;
    size_t batch = nnrt_index_at(&ctx->in[2], roi, x->dims[0]);
    const float *image =
        (const float *)ctx->in[0].data + batch * (size_t)x->dims[1] * width * channels;
    float *y = (float *)ctx->out[0].data + row * p->out_w * channels;
    span h = make_span(p, r[1], r[3], p->out_h), w = make_span(p, r[0], r[2], p->out_w);
    float count = (float)h.grid * (float)w.grid;
    for (uint32_t bin = 0; bin < p->out_w; bin++, y += channels) {
        memset(y, 0, channels * sizeof *y);
        for (uint32_t i = 0; i < h.grid; i++) {
            tap v = make_tap(&h, (uint32_t)(row % p->out_h), i, x->dims[1]);
            for (uint32_t k = 0; k < w.grid; k++) {
                tap u = make_tap(&w, bin, k, x->dims[2]);
                join_sample(y, image, width, channels, &v, &u, p->max, i == 0 && k == 0);
            }
        }
        for (size_t c = 0; c < channels && !p->max && count > 1.0f; c++)
            y[c] /= count;
    }
}

static void align_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *y = &ctx->out[0].shape;
    if (ctx->out[0].bytes != 0)
        nnrt_parallel(ctx->pool, align_row, (void *)(uintptr_t)ctx, nnrt_shape_span(y, 0, 2));
}

const nnrt_rop nnrt_rop_roi_align = {
    .name = "roi_align",
    .params_bytes = sizeof(nnrt_roi_align_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .check = align_check,
    .reshape = align_reshape,
    .run = align_run,
};

static nnc_status pool_check(const nnrt_node_ctx *ctx)
{
    const nnrt_max_roi_pool_params *p = ctx->params;
    return check_common(ctx, p->out_h, p->out_w, p->scale);
}

static nnc_status pool_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_max_roi_pool_params *p = ctx->params;
    return set_bins(ctx, p->out_h, p->out_w, 5);
}

/* A number from a file as a pixel position, kept small enough to calculate with. */
static double pixel_of(float v, float scale)
{
    double at = round((double)v * (double)scale);
    return at > -1e9 ? (at < 1e9 ? at : 1e9) : -1e9;
}

/* Pixels [*from, *to) of bin `bin`. */
static void pool_span(size_t *from, size_t *to, double first, double last, uint32_t bin,
                      uint32_t bins, int64_t n)
{
    double length = last - first + 1.0;
    double size = (length > 1.0 ? length : 1.0) / (double)bins;
    double a = first + floor((double)bin * size), b = first + ceil((double)(bin + 1) * size);
    *from = (size_t)(a > 0.0 ? (a < (double)n ? a : (double)n) : 0.0);
    *to = (size_t)(b > 0.0 ? (b < (double)n ? b : (double)n) : 0.0);
}

static void pool_row(void *user, size_t row)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_max_roi_pool_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t channels = (size_t)x->dims[3], width = (size_t)x->dims[2], h0, h1, w0, w1;
    const float *r = (const float *)ctx->in[1].data + row / p->out_h * 5;
    double last = (double)(x->dims[0] - 1), b = floor((double)r[0]);
    size_t batch = (size_t)(b > 0.0 ? (b < last ? b : last) : 0.0);
    const float *image =
        (const float *)ctx->in[0].data + batch * (size_t)x->dims[1] * width * channels;
    float *y = (float *)ctx->out[0].data + row * p->out_w * channels;
    pool_span(&h0, &h1, pixel_of(r[2], p->scale), pixel_of(r[4], p->scale),
              (uint32_t)(row % p->out_h), p->out_h, x->dims[1]);
    for (uint32_t bin = 0; bin < p->out_w; bin++, y += channels) {
        pool_span(&w0, &w1, pixel_of(r[1], p->scale), pixel_of(r[3], p->scale), bin, p->out_w,
                  x->dims[2]);
        memset(y, 0, channels * sizeof *y);
        for (size_t i = h0; i < h1; i++) {
            for (size_t k = w0; k < w1; k++) {
                const float *pixel = image + (i * width + k) * channels;
                for (size_t c = 0; c < channels; c++)
                    y[c] = i == h0 && k == w0 ? pixel[c] : greatest(y[c], pixel[c]);
            }
        }
    }
}

static void pool_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *y = &ctx->out[0].shape;
    if (ctx->out[0].bytes != 0)
        nnrt_parallel(ctx->pool, pool_row, (void *)(uintptr_t)ctx, nnrt_shape_span(y, 0, 2));
}

const nnrt_rop nnrt_rop_max_roi_pool = {
    .name = "max_roi_pool",
    .params_bytes = sizeof(nnrt_max_roi_pool_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .check = pool_check,
    .reshape = pool_reshape,
    .run = pool_run,
};
