/* grid_sample: values of an image at the positions of a grid. SPDX-License-Identifier: Apache-2.0
 * Positions and weights of a block of grid points are worked out once, then applied to all
 * channels: y = sum over the taps, in order, of weight * x, products and sums each rounded. */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/resize_taps.h"
#include "runtime_int8/ops/util.h"

#define MAX_DIMS 3u
#define MAX_TAPS 64u
#define BLOCK 32u
#define TASK_WORK 8192u

enum { NEAREST, LINEAR, CUBIC, MODES };
enum { ZEROS, BORDER, REFLECTION, PADDINGS };

typedef struct sample_state {
    uint32_t dims, taps;    /* spatial dims; taps per point at most */
    int64_t size[MAX_DIMS]; /* of x */
    size_t pixels, points, channels, blocks;
} sample_state;

/* Taps of one grid point: how many lie inside, their pixels and weights. */
typedef struct point {
    uint32_t count;
    uint32_t pixel[MAX_TAPS];
    float weight[MAX_TAPS];
} point;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_grid_sample_params *p = ctx->params;
    uint32_t rank = ctx->in[0].shape.rank;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32)));
    if (p->mode >= MODES || p->padding >= PADDINGS || p->align_corners > 1 || p->channels_last > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u, padding %u, align_corners %u, channels_last %u",
                 ctx->name, p->mode, p->padding, p->align_corners, p->channels_last);
    if (rank < 3 || rank > 2 + MAX_DIMS)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, expected 3 to %u", ctx->name, rank, 2 + MAX_DIMS);
    return nnrt_check_rank(ctx, 1, rank);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_grid_sample_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *grid = &ctx->in[1].shape;
    uint32_t dims = x->rank - 2, first = p->channels_last ? 1 : 2;
    nnrt_shape y = {.rank = x->rank};
    if (grid->dims[0] != x->dims[0] || grid->dims[x->rank - 1] != (int64_t)dims) {
        char tx[NNRT_SHAPE_TEXT], tg[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the grid %s does not fit the input %s", ctx->name,
                 nnrt_shape_text(tg, grid), nnrt_shape_text(tx, x));
    }
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(sample_state)));
    sample_state *s = ctx->state;
    s->dims = dims;
    s->taps = 1;
    s->pixels = nnrt_shape_span(x, first, first + dims);
    s->points = nnrt_shape_span(grid, 1, 1 + dims);
    s->blocks = (s->points + BLOCK - 1) / BLOCK;
    s->channels = (size_t)x->dims[p->channels_last ? x->rank - 1 : 1];
    y.dims[0] = x->dims[0];
    y.dims[p->channels_last ? x->rank - 1 : 1] = (int64_t)s->channels;
    for (uint32_t d = 0; d < dims; d++) {
        s->size[d] = x->dims[first + d];
        s->taps *= p->mode == NEAREST ? 1 : (p->mode == LINEAR ? 2 : 4);
        y.dims[first + d] = grid->dims[1 + d];
    }
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    if ((s->pixels == 0 && nnrt_shape_count(&y) != 0) || s->pixels > UINT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': samples of %zu pixels", ctx->name, s->pixels);
    nnrt_set_output(ctx, NNRT_F32, &y);
    return NNC_OK;
}

/* v turned back at the borders lo and hi until it lies between them. */
static double reflect(double v, double lo, double hi)
{
    double range = hi - lo;
    if (!(range > 0.0))
        return lo;
    if (v >= lo && v <= hi)
        return v;
    double away = v < lo ? lo - v : v - hi, turns = floor(away / range);
    double rest = away - turns * range;
    bool even = fmod(turns, 2.0) == 0.0;
    return (v < lo) == even ? lo + rest : hi - rest;
}

/* Index of tap `at` under the padding; -1: outside, reads as zero. */
static int64_t padded(double at, int64_t n, uint32_t padding, bool align)
{
    if (at >= 0.0 && at <= (double)(n - 1))
        return (int64_t)at;
    if (padding == ZEROS)
        return -1;
    if (padding == REFLECTION)
        at = reflect(at, align ? 0.0 : -0.5, align ? (double)(n - 1) : (double)n - 0.5);
    return nnrt_resize_bounded(at, n);
}

typedef struct axis_taps {
    uint32_t count;
    int64_t at[4];
    double weight[4];
} axis_taps;

/* Taps of one coordinate of the grid, -1..1 from end to end. NaN reads the first element, or zero.
 */
static void make_axis(axis_taps *t, const nnrt_grid_sample_params *p, float grid, int64_t n)
{
    double v = (double)grid, limit = 1e9, size = (double)n;
    double x = p->align_corners ? (v + 1.0) / 2.0 * (size - 1.0) : ((v + 1.0) * size - 1.0) / 2.0;
    double lo = p->align_corners ? 0.0 : -0.5, hi = p->align_corners ? size - 1.0 : size - 0.5;
    /* Cubic taps are brought inside one by one. */
    if (p->padding == BORDER && p->mode != CUBIC)
        x = x > 0.0 ? (x < size - 1.0 ? x : size - 1.0) : 0.0;
    else if (p->padding == REFLECTION)
        x = reflect(x > -limit ? (x < limit ? x : limit) : -limit, lo, hi);
    /* Far outside everything is zero. */
    x = x > -limit ? (x < limit ? x : limit) : -limit;
    double base = p->mode == NEAREST ? nearbyint(x) : floor(x), ratio = x - base;
    t->count = p->mode == NEAREST ? 1 : (p->mode == LINEAR ? 2 : 4);
    for (uint32_t k = 0; k < t->count; k++) {
        double step = (double)k - (p->mode == CUBIC ? 1.0 : 0.0);
        t->at[k] = padded(base + step, n, p->padding, p->align_corners);
        t->weight[k] = p->mode == NEAREST  ? 1.0
                       : p->mode == LINEAR ? (k == 0 ? 1.0 - ratio : ratio)
                                           : nnrt_resize_cubic(-0.75, fabs(ratio - step));
    }
}

/* grid: dims numbers, the innermost dim of x first. */
static void make_point(point *out, const nnrt_node_ctx *ctx, const float *grid)
{
    const sample_state *s = ctx->state;
    axis_taps axis[MAX_DIMS];
    for (uint32_t d = 0; d < s->dims; d++)
        make_axis(&axis[d], ctx->params, grid[s->dims - 1 - d], s->size[d]);
    out->count = 0;
    for (uint32_t k = 0; k < s->taps; k++) {
        double weight = 1.0;
        uint32_t rest = k;
        uint64_t pixel = 0, step = 1;
        bool outside = false;
        for (uint32_t d = s->dims; d-- > 0;) {
            uint32_t i = rest % axis[d].count;
            rest /= axis[d].count;
            outside = outside || axis[d].at[i] < 0;
            pixel += (uint64_t)axis[d].at[i] * step;
            step *= (uint64_t)s->size[d];
            weight *= axis[d].weight[i];
        }
        if (outside)
            continue;
        out->pixel[out->count] = (uint32_t)pixel;
        out->weight[out->count++] = (float)weight;
    }
}

static void channels_first(const sample_state *s, float *y, const float *x, const point *points,
                           size_t n)
{
    for (size_t c = 0; c < s->channels; c++) {
        const float *plane = x + c * s->pixels;
        for (size_t i = 0; i < n; i++) {
            float sum = 0.0f;
            for (uint32_t k = 0; k < points[i].count; k++)
                sum += points[i].weight[k] * plane[points[i].pixel[k]];
            y[c * s->points + i] = sum;
        }
    }
}

static void channels_last(const sample_state *s, float *restrict y, const float *restrict x,
                          const point *points, size_t n)
{
    for (size_t i = 0; i < n; i++, y += s->channels) {
        memset(y, 0, s->channels * sizeof *y);
        for (uint32_t k = 0; k < points[i].count; k++) {
            const float *pixel = x + points[i].pixel[k] * s->channels;
            float weight = points[i].weight[k];
            for (size_t c = 0; c < s->channels; c++)
                y[c] += weight * pixel[c];
        }
    }
}

static void run_blocks(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_grid_sample_params *p = ctx->params;
    const sample_state *s = ctx->state;
    point points[BLOCK];
    for (size_t block = begin; block < begin + count; block++) {
        size_t sample = block / s->blocks, first = block % s->blocks * BLOCK;
        size_t n = s->points - first < BLOCK ? s->points - first : BLOCK;
        const float *grid = (const float *)ctx->in[1].data + (sample * s->points + first) * s->dims;
        const float *x = (const float *)ctx->in[0].data + sample * s->pixels * s->channels;
        float *y = (float *)ctx->out[0].data + sample * s->points * s->channels;
        for (size_t i = 0; i < n; i++)
            make_point(&points[i], ctx, grid + i * s->dims);
        if (p->channels_last)
            channels_last(s, y + first * s->channels, x, points, n);
        else
            channels_first(s, y + first, x, points, n);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const sample_state *s = ctx->state;
    size_t work = BLOCK * s->taps * (s->channels + 4);
    if (ctx->out[0].bytes != 0)
        nnrt_parallel_tiles(ctx->pool, run_blocks, (void *)(uintptr_t)ctx,
                            (size_t)ctx->in[0].shape.dims[0] * s->blocks, 1 + TASK_WORK / work);
}

const nnrt_rop nnrt_rop_grid_sample = {
    .name = "grid_sample",
    .params_bytes = sizeof(nnrt_grid_sample_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};

static nnc_status affine_check(const nnrt_node_ctx *ctx)
{
    const nnrt_affine_grid_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    if (p->align_corners > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': align_corners is %u, expected 0 or 1", ctx->name,
                 p->align_corners);
    return nnrt_check_rank(ctx, 0, 3);
}

static nnc_status affine_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_shape *theta = &ctx->in[0].shape;
    const int64_t *size;
    size_t n;
    NNC_TRY(nnrt_host_i64(&size, &n, ctx, 1));
    int64_t dims = (int64_t)n - 2;
    if (dims < 2 || dims > (int64_t)MAX_DIMS || theta->dims[1] != dims ||
        theta->dims[2] != dims + 1 || theta->dims[0] != size[0]) {
        char t[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': theta %s and a size of %zu numbers do not fit", ctx->name,
                 nnrt_shape_text(t, theta), n);
    }
    nnrt_shape y = {.rank = (uint32_t)n};
    y.dims[0] = size[0];
    for (int64_t d = 0; d < dims; d++)
        y.dims[d + 1] = size[d + 2];
    y.dims[n - 1] = dims;
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    nnrt_set_output(ctx, NNRT_F32, &y);
    return NNC_OK;
}

/* Position i of n, -1..1. */
static double grid_position(size_t i, size_t n, bool align)
{
    if (align)
        return n > 1 ? -1.0 + 2.0 * (double)i / (double)(n - 1) : -1.0;
    return -1.0 + (2.0 * (double)i + 1.0) / (double)n;
}

static void affine_points(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_affine_grid_params *p = ctx->params;
    const nnrt_shape *y = &ctx->out[0].shape;
    uint32_t dims = y->rank - 2;
    size_t points = nnrt_shape_span(y, 1, 1 + dims);
    for (size_t i = begin; i < begin + count; i++) {
        const float *theta = (const float *)ctx->in[0].data + i / points * dims * (dims + 1);
        float *out = (float *)ctx->out[0].data + i * dims;
        double at[MAX_DIMS];
        size_t rest = i % points;
        for (uint32_t d = 0; d < dims; d++) {
            size_t n = (size_t)y->dims[dims - d];
            at[d] = grid_position(rest % n, n, p->align_corners);
            rest /= n;
        }
        for (uint32_t r = 0; r < dims; r++, theta += dims + 1) {
            double sum = (double)theta[dims];
            for (uint32_t d = 0; d < dims; d++)
                sum += (double)theta[d] * at[d];
            out[r] = (float)sum;
        }
    }
}

static void affine_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *y = &ctx->out[0].shape;
    nnrt_parallel_tiles(ctx->pool, affine_points, (void *)(uintptr_t)ctx,
                        nnrt_shape_span(y, 0, y->rank - 1), TASK_WORK / 8);
}

const nnrt_rop nnrt_rop_affine_grid = {
    .name = "affine_grid",
    .params_bytes = sizeof(nnrt_affine_grid_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .check = affine_check,
    .reshape = affine_reshape,
    .run = affine_run,
};
