/* conv_f64, conv_transpose_f64: convolutions of float64 in ONNX order. SPDX-License-Identifier:
 * Apache-2.0 A task is output planes of one channel (conv: rows of them); loops run along rows.
 * Every output adds its products one by one, (c, tap) ascending. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/transpose_geometry.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window_nd.h"

#define TASK_WORK 65536.0

typedef struct conv64_plan {
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    int64_t kernel[NNRT_SPATIAL_MAX - 1], rows_out[NNRT_SPATIAL_MAX - 1],
        rows_in[NNRT_SPATIAL_MAX - 1];
    uint32_t spatial;
    size_t c, k;             /* channels per group, in and out */
    size_t plane, out_plane; /* elements */
    size_t row_plane;        /* rows of an output plane, conv; of an input plane, transposed */
    size_t outer_taps, taps; /* taps of all dims but the last; of all */
    size_t planes, row_tile;
} conv64_plan;

/* Row of the plane that outer tap `tap` of output row `at` reads; false in the padding. */
static bool outer_row(const conv64_plan *g, const int64_t *at, size_t tap, size_t *row)
{
    size_t step = 1;
    *row = 0;
    for (uint32_t i = g->spatial - 1; i-- > 0; tap /= (size_t)g->kernel[i]) {
        const nnrt_axis_window *a = &g->axis[i];
        int64_t place =
            at[i] * a->stride - a->begin + (int64_t)(tap % (size_t)g->kernel[i]) * a->dilation;
        if (place < 0 || place >= a->in)
            return false;
        *row += (size_t)place * step;
        step *= (size_t)a->in;
    }
    return true;
}

/* Outputs [*j0, *j1) of a row whose tap s lies inside; *x: its place for output 0. */
static void inner_range(const nnrt_axis_window *a, int64_t s, int64_t *j0, int64_t *j1, int64_t *x)
{
    *x = s * a->dilation - a->begin;
    *j0 = *x < 0 ? (-*x + a->stride - 1) / a->stride : 0;
    *j1 = a->in > *x ? (a->in - 1 - *x) / a->stride + 1 : 0;
    *j1 = *j1 > a->out ? a->out : *j1;
}

static void conv_row(const nnrt_node_ctx *ctx, size_t row)
{
    const nnrt_conv_nd_params *p = ctx->params;
    const conv64_plan *g = ctx->state;
    const nnrt_axis_window *a = &g->axis[g->spatial - 1];
    int64_t at[NNRT_SPATIAL_MAX];
    size_t plane = nnrt_index_init(at, row, g->rows_out, g->spatial - 1);
    const size_t k = plane % p->c_out, n = plane / p->c_out, group = k / g->k;
    double *y = (double *)ctx->out[0].data + row * (size_t)a->out;
    for (int64_t j = 0; j < a->out; j++)
        y[j] = p->has_bias ? ((const double *)ctx->in[2].data)[k] : 0.0;
    for (size_t c = 0; c < g->c; c++) {
        const double *x =
            (const double *)ctx->in[0].data + (n * p->c_in + group * g->c + c) * g->plane;
        const double *w = (const double *)ctx->in[1].data + (k * g->c + c) * g->taps;
        for (size_t t = 0; t < g->outer_taps; t++, w += a->kernel) {
            size_t from;
            if (!outer_row(g, at, t, &from))
                continue;
            const double *line = x + from * (size_t)a->in;
            for (int64_t s = 0; s < a->kernel; s++) {
                int64_t j0, j1, x0;
                inner_range(a, s, &j0, &j1, &x0);
                for (int64_t j = j0; j < j1; j++)
                    y[j] += line[x0 + j * a->stride] * w[s];
            }
        }
    }
}

static void conv_tile(void *user, size_t begin, size_t count)
{
    for (size_t row = begin; row < begin + count; row++)
        conv_row(user, row);
}

/* Output row that outer tap `tap` of input row `at` is added to; false where it is cut off. */
static bool target_row(const conv64_plan *g, const int64_t *at, size_t tap, size_t *row)
{
    size_t step = 1;
    *row = 0;
    for (uint32_t i = g->spatial - 1; i-- > 0; tap /= (size_t)g->kernel[i]) {
        const nnrt_axis_window *a = &g->axis[i];
        int64_t place =
            at[i] * a->stride - a->begin + (int64_t)(tap % (size_t)g->kernel[i]) * a->dilation;
        if (place < 0 || place >= a->out)
            return false;
        *row += (size_t)place * step;
        step *= (size_t)a->out;
    }
    return true;
}

/* Adds one input plane times its kernel. */
static void spread_plane(const conv64_plan *g, double *y, const double *x, const double *weight)
{
    const nnrt_axis_window *a = &g->axis[g->spatial - 1];
    for (size_t t = 0; t < g->outer_taps; t++, weight += a->kernel) {
        int64_t at[NNRT_SPATIAL_MAX];
        nnrt_index_init(at, 0, g->rows_in, g->spatial - 1);
        for (size_t row = 0; row < g->row_plane;
             row++, nnrt_index_next(at, g->rows_in, g->spatial - 1)) {
            size_t to;
            if (!target_row(g, at, t, &to))
                continue;
            double *line = y + to * (size_t)a->out;
            const double *from = x + row * (size_t)a->in;
            for (int64_t s = 0; s < a->kernel; s++) {
                for (int64_t j = 0; j < a->in; j++) {
                    int64_t place = j * a->stride - a->begin + s * a->dilation;
                    if (place >= 0 && place < a->out)
                        line[place] += from[j] * weight[s];
                }
            }
        }
    }
}

static void transpose_plane(void *user, size_t plane)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const conv64_plan *g = ctx->state;
    const size_t k = plane % p->c_out, n = plane / p->c_out, group = k / g->k;
    double *y = (double *)ctx->out[0].data + plane * g->out_plane;
    for (size_t i = 0; i < g->out_plane; i++)
        y[i] = p->has_bias ? ((const double *)ctx->in[2].data)[k] : 0.0;
    for (size_t c = group * g->c; c < (group + 1) * g->c; c++)
        spread_plane(g, y, (const double *)ctx->in[0].data + (n * p->c_in + c) * g->plane,
                     (const double *)ctx->in[1].data + (c * g->k + k % g->k) * g->taps);
}

/* ---- the ops ---- */

static nnc_status check_plain(const nnrt_node_ctx *ctx, uint32_t packed, uint32_t residual,
                              const nnrt_clamp *clamp)
{
    if (packed || residual || clamp->lo != -INFINITY || clamp->hi != INFINITY)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': packed %u, residual %u or a clamp for float64", ctx->name,
                 packed, residual);
    return NNC_OK;
}

static nnc_status conv_check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_nd_params *p = ctx->params;
    NNC_TRY(nnrt_window_nd_check(ctx, &p->window));
    NNC_TRY(check_plain(ctx, p->packed, p->has_residual, &p->clamp));
    if (p->groups == 0 || p->c_in == 0 || p->c_out == 0 || p->c_in > INT32_MAX ||
        p->c_out > INT32_MAX || p->c_in % p->groups != 0 || p->c_out % p->groups != 0 ||
        p->has_bias > 1 || ctx->in_count != 2 + p->has_bias)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u to %u channels in %u groups, %u inputs, bias %u",
                 ctx->name, p->c_in, p->c_out, p->groups, ctx->in_count, p->has_bias);
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F64)));
    return nnrt_check_rank(ctx, 0, p->window.spatial + 2);
}

/* Shapes of x and w against the parameters; w's first two dims are d0 and d1. */
static nnc_status check_shapes(const nnrt_node_ctx *ctx, nnrt_window_nd *w, int64_t c_in,
                               int64_t d0, int64_t d1, bool bias, int64_t c_out)
{
    const nnrt_shape *x = &ctx->in[0].shape, *shape = &ctx->in[1].shape;
    char tx[NNRT_SHAPE_TEXT], tw[NNRT_SHAPE_TEXT];
    if (x->dims[1] != c_in || shape->rank != x->rank || shape->dims[0] != d0 ||
        shape->dims[1] != d1)
        NNC_FAIL(NNC_ERR_MODEL,
                 "'%s': input %s and weight %s, expected %lld channels and [%lld,%lld,...]",
                 ctx->name, nnrt_shape_text(tx, x), nnrt_shape_text(tw, shape), (long long)c_in,
                 (long long)d0, (long long)d1);
    for (uint32_t i = 0; i < w->spatial; i++)
        w->kernel[i] = shape->dims[i + 2] > UINT16_MAX ? UINT32_MAX : (uint32_t)shape->dims[i + 2];
    NNC_TRY(nnrt_window_nd_check(ctx, w));
    return bias ? nnrt_check_count(ctx, 2, (size_t)c_out) : NNC_OK;
}

/* Output and plan from resolved axes. */
static nnc_status finish(nnrt_node_ctx *ctx, const nnrt_axis_window *axis, uint32_t spatial,
                         uint32_t c_in, uint32_t c_out, uint32_t groups)
{
    nnrt_shape y = ctx->in[0].shape;
    y.dims[1] = c_out;
    for (uint32_t i = 0; i < spatial; i++)
        y.dims[i + 2] = axis[i].out;
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F64));
    nnrt_set_output(ctx, NNRT_F64, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(conv64_plan)));
    conv64_plan *g = ctx->state;
    memcpy(g->axis, axis, sizeof g->axis);
    g->spatial = spatial;
    g->c = c_in / groups;
    g->k = c_out / groups;
    g->outer_taps = 1;
    for (uint32_t i = 0; i + 1 < spatial; i++) {
        g->kernel[i] = axis[i].kernel;
        g->rows_out[i] = axis[i].out;
        g->rows_in[i] = axis[i].in;
        g->outer_taps *= (size_t)axis[i].kernel;
    }
    g->taps = g->outer_taps * (size_t)axis[spatial - 1].kernel;
    g->plane = nnrt_shape_span(&ctx->in[0].shape, 2, y.rank);
    g->out_plane = nnrt_shape_span(&y, 2, y.rank);
    g->planes = nnrt_shape_span(&y, 0, 2);
    ctx->macs = (uint64_t)g->planes * g->c * g->taps * g->out_plane;
    return NNC_OK;
}

static nnc_status conv_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_nd_params *p = ctx->params;
    nnrt_window_nd w = p->window;
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    NNC_TRY(
        check_shapes(ctx, &w, p->c_in, p->c_out, p->c_in / p->groups, p->has_bias != 0, p->c_out));
    NNC_TRY(nnrt_window_nd_resolve(axis, ctx, &w, ctx->in[0].shape.dims + 2));
    NNC_TRY(finish(ctx, axis, w.spatial, p->c_in, p->c_out, p->groups));
    conv64_plan *g = ctx->state;
    g->row_plane = nnrt_shape_span(&ctx->out[0].shape, 2, ctx->out[0].shape.rank - 1);
    double row = (double)g->c * (double)g->taps * (double)axis[w.spatial - 1].out;
    g->row_tile = row >= TASK_WORK ? 1 : (size_t)(TASK_WORK / (row + 1.0)) + 1;
    return NNC_OK;
}

static void conv_run(const nnrt_node_ctx *ctx)
{
    const conv64_plan *g = ctx->state;
    if (g->out_plane != 0)
        nnrt_parallel_tiles(ctx->pool, conv_tile, (void *)(uintptr_t)ctx, g->planes * g->row_plane,
                            g->row_tile);
}

static nnc_status transpose_check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    NNC_TRY(check_plain(ctx, p->packed, 0, &p->clamp));
    return nnrt_transpose_check(ctx, NNRT_F64);
}

static nnc_status transpose_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    nnrt_window_nd w = p->window;
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    NNC_TRY(
        check_shapes(ctx, &w, p->c_in, p->c_in, p->c_out / p->groups, p->has_bias != 0, p->c_out));
    NNC_TRY(nnrt_transpose_resolve(axis, ctx, p, &w, ctx->in[0].shape.dims + 2));
    NNC_TRY(finish(ctx, axis, w.spatial, p->c_in, p->c_out, p->groups));
    conv64_plan *g = ctx->state;
    g->row_plane = nnrt_shape_span(&ctx->in[0].shape, 2, ctx->in[0].shape.rank - 1);
    return NNC_OK;
}

static void transpose_run(const nnrt_node_ctx *ctx)
{
    const conv64_plan *g = ctx->state;
    nnrt_parallel(ctx->pool, transpose_plane, (void *)(uintptr_t)ctx, g->planes);
}

const nnrt_rop nnrt_rop_conv_f64 = {
    .name = "conv_f64",
    .params_bytes = sizeof(nnrt_conv_nd_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = conv_check,
    .reshape = conv_reshape,
    .run = conv_run,
};

const nnrt_rop nnrt_rop_conv_transpose_f64 = {
    .name = "conv_transpose_f64",
    .params_bytes = sizeof(nnrt_conv_transpose_nd_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = transpose_check,
    .reshape = transpose_reshape,
    .run = transpose_run,
};
