/* resize_nd: Resize of any axes, types and options, in ONNX order. SPDX-License-Identifier:
 * Apache-2.0 Every output index of an axis has source positions and weights in a table, made at
 * reshape. Nearest copies elements; linear and cubic resize one axis after the other, the last one
 * first: y = w0*x0 + w1*x1 + .. in order, each step rounded, in float, or in double for 64-bit and
 * 32-bit integer types and double. Integers are rounded to nearest even and saturate at the end. */
#include "runtime_int8/ops/resize_nd.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_params *p = ctx->params;
    uint32_t rank = ctx->in[0].shape.rank, seen = 0;
    bool moves = p->mode == NNRT_RESIZE_NEAREST && p->coordinate != NNRT_RESIZE_TF_CROP;
    NNC_TRY(nnrt_check_dtype(ctx, 0, moves ? NNRT_SET_ANY : NNRT_SET_WIDE));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_I64)));
    if (ctx->in_count > 2)
        NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_F32)));
    if (p->mode >= NNRT_RESIZE_MODES || p->coordinate >= NNRT_RESIZE_COORDINATES ||
        p->nearest >= NNRT_RESIZE_ROUNDINGS || p->policy > 2 || p->antialias > 1 ||
        p->exclude_outside > 1 || !isfinite(p->cubic_a))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u, coordinates %u, rounding %u, policy %u", ctx->name,
                 p->mode, p->coordinate, p->nearest, p->policy);
    if (p->coordinate == NNRT_RESIZE_TF_CROP && ctx->in_count < 3)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs, cropping needs 3", ctx->name, ctx->in_count);
    if (p->axis_count > rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u axes of rank %u", ctx->name, p->axis_count, rank);
    for (uint32_t i = 0; i < p->axis_count; i++) {
        if (p->axes[i] >= rank || (seen >> p->axes[i] & 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %u of rank %u is out of range or given twice",
                     ctx->name, p->axes[i], rank);
        seen |= 1u << p->axes[i];
    }
    return NNC_OK;
}

/* The scale of all axes under a policy that keeps their ratio. */
static double common_scale(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_params *p = ctx->params;
    const int64_t *sizes = ctx->in[1].data;
    double scale = 0.0;
    for (uint32_t i = 0; i < p->axis_count; i++) {
        double s = (double)sizes[i] / (double)ctx->in[0].shape.dims[p->axes[i]];
        scale = i == 0 || (p->policy == 1 ? s < scale : s > scale) ? s : scale;
    }
    return scale;
}

static void axis_by_sizes(nnrt_resize_axis *axis, const nnrt_node_ctx *ctx, uint32_t i)
{
    const nnrt_resize_nd_params *p = ctx->params;
    double size = (double)((const int64_t *)ctx->in[1].data)[i];
    if (p->policy != 0)
        size = floor(common_scale(ctx) * (double)axis->in + 0.5);
    axis->out = size >= 0.0 && size <= (double)INT32_MAX ? (int64_t)size : -1;
    axis->length = (double)axis->out;
    axis->scale = axis->length / (double)axis->in;
}

static void axis_by_scales(nnrt_resize_axis *axis, const nnrt_node_ctx *ctx, uint32_t i)
{
    float scale = ((const float *)ctx->in[1].data)[i];
    axis->scale = (double)scale;
    axis->length = (double)((float)axis->in * scale);
    double size = floor(axis->length);
    axis->out = size >= 0.0 && size <= (double)INT32_MAX ? (int64_t)size : -1;
}

static nnc_status read_axes(const nnrt_node_ctx *ctx, nnrt_resize_axis axes[NNRT_RANK_MAX])
{
    const nnrt_resize_nd_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    NNC_TRY(nnrt_check_count(ctx, 1, p->axis_count));
    bool crop = p->coordinate == NNRT_RESIZE_TF_CROP;
    if (crop)
        NNC_TRY(nnrt_check_count(ctx, 2, 2 * (size_t)p->axis_count));
    for (uint32_t d = 0; d < x->rank; d++)
        axes[d] = (nnrt_resize_axis){x->dims[d], x->dims[d], 1.0, (double)x->dims[d], 0.0, 1.0};
    for (uint32_t i = 0; i < p->axis_count; i++) {
        nnrt_resize_axis *axis = &axes[p->axes[i]];
        if (ctx->in[1].dtype == NNRT_I64)
            axis_by_sizes(axis, ctx, i);
        else
            axis_by_scales(axis, ctx, i);
        if (axis->out < 0 || (axis->in == 0 && axis->out != 0))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of %lld resized to %lld (scale %g)", ctx->name,
                     p->axes[i], (long long)axis->in, (long long)axis->out, axis->scale);
        if (crop) {
            axis->roi_begin = (double)((const float *)ctx->in[2].data)[i];
            axis->roi_end = (double)((const float *)ctx->in[2].data)[i + p->axis_count];
        }
    }
    return NNC_OK;
}

/* Reach of the kernel around a source position, in source elements. */
static double reach(const nnrt_resize_nd_params *p, const nnrt_resize_axis *axis)
{
    double support = p->mode == NNRT_RESIZE_CUBIC ? 2.0 : 1.0;
    return p->antialias && axis->scale < 1.0 ? support / axis->scale : support;
}

static uint32_t tap_count(const nnrt_resize_nd_params *p, const nnrt_resize_axis *axis)
{
    double taps = p->mode == NNRT_RESIZE_NEAREST ? 1.0 : 2.0 * ceil(reach(p, axis));
    return taps < (double)INT32_MAX ? (uint32_t)taps : INT32_MAX;
}

/* Bytes of an axis' table, or failure. Work at reshape is bounded: taps * out is at most some times
 * `in` + out. */
static nnc_status table_bytes(const nnrt_node_ctx *ctx, const nnrt_resize_axis *axis, size_t *bytes)
{
    const nnrt_resize_nd_params *p = ctx->params;
    size_t each;
    if (axis->out == 0) {
        *bytes = 0;
        return NNC_OK;
    }
    if (!nnc_size_mul(&each, tap_count(p, axis), sizeof(int32_t) + sizeof(double)) ||
        !nnc_size_mul(bytes, each + 1, (size_t)axis->out) || *bytes > PTRDIFF_MAX / 16)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': a dim of %lld resized to %lld is too large", ctx->name,
                 (long long)axis->in, (long long)axis->out);
    *bytes = (*bytes + 63) / 64 * 64;
    return NNC_OK;
}

static void make_weights(nnrt_resize_table *t, const nnrt_resize_nd_params *p,
                         const nnrt_resize_axis *axis, size_t i, double x)
{
    int32_t *at = t->at + i * t->taps;
    double *weight = t->weight + i * t->taps, sum = 0.0;
    double width = reach(p, axis), stretch = p->antialias && axis->scale < 1.0 ? axis->scale : 1.0;
    double first = floor(x - width) + 1.0;
    for (uint32_t k = 0; k < t->taps; k++) {
        double from = first + (double)k, distance = fabs(from - x) * stretch;
        weight[k] = p->mode == NNRT_RESIZE_CUBIC ? nnrt_resize_cubic((double)p->cubic_a, distance)
                                                 : (distance < 1.0 ? 1.0 - distance : 0.0);
        if (p->exclude_outside && (from < 0.0 || from > (double)(axis->in - 1)))
            weight[k] = 0.0;
        at[k] = nnrt_resize_bounded(from, axis->in);
        sum += weight[k];
    }
    for (uint32_t k = 0; k < t->taps && (p->exclude_outside || p->antialias) && sum != 0.0; k++)
        weight[k] /= sum;
}

static void make_table(nnrt_resize_table *t, const nnrt_resize_nd_params *p,
                       const nnrt_resize_axis *axis)
{
    double limit = 2.0 * (double)axis->in + 8.0;
    t->identity = axis->in == axis->out;
    for (size_t i = 0; i < t->out; i++) {
        double x = nnrt_resize_source(p->coordinate, axis, (int64_t)i);
        t->outside[i] =
            p->coordinate == NNRT_RESIZE_TF_CROP && !(x >= 0.0 && x <= (double)(axis->in - 1));
        t->any_outside = t->any_outside || t->outside[i];
        /* Far outside all positions are the edge. */
        x = x > -limit ? (x < limit ? x : limit) : -limit;
        if (p->mode == NNRT_RESIZE_NEAREST) {
            t->at[i] = nnrt_resize_nearest(p->nearest, x, axis->in);
            t->identity = t->identity && t->at[i] == (int32_t)i;
        } else {
            make_weights(t, p, axis, i, x);
            t->identity = t->identity && x == (double)i && !t->outside[i];
        }
    }
}

static nnc_status make_tables(nnrt_node_ctx *ctx, const nnrt_resize_axis *axes, uint32_t rank)
{
    const nnrt_resize_nd_params *p = ctx->params;
    size_t bytes[NNRT_RANK_MAX], all = (sizeof(nnrt_resize_nd_state) + 63) / 64 * 64;
    bool empty = nnrt_shape_count(&ctx->out[0].shape) == 0;
    for (uint32_t d = 0; d < rank && !empty; d++) {
        NNC_TRY(table_bytes(ctx, &axes[d], &bytes[d]));
        if (!nnc_size_add(&all, all, bytes[d]))
            NNC_FAIL(NNC_ERR_LIMIT, "'%s': the output is too large", ctx->name);
    }
    NNC_TRY(nnrt_ctx_state(ctx, all));
    nnrt_resize_nd_state *s = ctx->state;
    uint8_t *data = (uint8_t *)ctx->state + (sizeof *s + 63) / 64 * 64;
    s->rank = empty ? 0 : rank;
    for (uint32_t d = 0; d < s->rank; d++) {
        nnrt_resize_table *t = &s->table[d];
        t->in = (size_t)axes[d].in;
        t->out = (size_t)axes[d].out;
        t->taps = tap_count(p, &axes[d]);
        t->weight = (double *)(void *)data;
        t->at = (int32_t *)(void *)(data + t->out * t->taps * sizeof(double));
        t->outside = (uint8_t *)(t->at + t->out * t->taps);
        make_table(t, p, &axes[d]);
        data += bytes[d];
    }
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_params *p = ctx->params;
    nnrt_resize_axis axes[NNRT_RANK_MAX];
    nnrt_shape y = ctx->in[0].shape;
    NNC_TRY(read_axes(ctx, axes));
    for (uint32_t d = 0; d < y.rank; d++)
        y.dims[d] = axes[d].out;
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(make_tables(ctx, axes, y.rank));
    return p->mode == NNRT_RESIZE_NEAREST ? NNC_OK : nnrt_resize_nd_plan(ctx);
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_params *p = ctx->params;
    if (ctx->out[0].bytes == 0)
        return;
    if (p->mode == NNRT_RESIZE_NEAREST)
        nnrt_resize_nd_copy(ctx);
    else
        nnrt_resize_nd_blend(ctx);
    nnrt_resize_nd_extrapolate(ctx);
}

const nnrt_rop nnrt_rop_resize_nd = {
    .name = "resize_nd",
    .params_bytes = sizeof(nnrt_resize_nd_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x6,
    .check = check,
    .reshape = reshape,
    .run = run,
};
