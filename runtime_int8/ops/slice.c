/* slice, expand, tile: strided views copied out. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/strided.h"
#include "runtime_int8/ops/util.h"

static void dense_strides(ptrdiff_t *stride, const nnrt_shape *shape)
{
    ptrdiff_t step = 1;
    for (uint32_t i = shape->rank; i-- > 0;) {
        stride[i] = step;
        step *= (ptrdiff_t)shape->dims[i];
    }
}

static void run_view(const nnrt_node_ctx *ctx)
{
    const nnrt_strided_view *state = ctx->state;
    if (ctx->out[0].bytes == 0)
        return;
    const uint8_t *x =
        (const uint8_t *)ctx->in[0].data + state->start * (ptrdiff_t)state->copy.size;
    nnrt_strided_run(&state->copy, ctx->pool, ctx->out[0].data, x);
}

static nnc_status check_view(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    for (uint32_t i = 1; i < ctx->in_count; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_I64)));
        NNC_TRY(nnrt_check_rank(ctx, i, 1));
    }
    return NNC_OK;
}

static int64_t clamp_i64(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : (v > hi ? hi : v);
}

/* ONNX Slice: first index and count along one dim. */
static nnc_status slice_dim(const nnrt_node_ctx *ctx, int64_t dim, int64_t start, int64_t end,
                            int64_t step, int64_t *first, int64_t *count)
{
    if (step == 0 || step == INT64_MIN)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': step %lld", ctx->name, (long long)step);
    /* Saturate before adding dim, so that INT64_MIN and INT64_MAX mean "all". */
    start = clamp_i64(start, -dim - 1, dim);
    end = clamp_i64(end, -dim - 1, dim);
    if (start < 0)
        start += dim;
    if (end < 0)
        end += dim;
    if (step > 0) {
        start = clamp_i64(start, 0, dim);
        end = clamp_i64(end, 0, dim);
        *count = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
        start = clamp_i64(start, 0, dim - 1);
        end = clamp_i64(end, -1, dim - 1);
        *count = start > end && dim > 0 ? (start - end - 1) / -step + 1 : 0;
    }
    *first = start;
    return NNC_OK;
}

typedef struct slice_args {
    const int64_t *starts, *ends, *axes, *steps;
    size_t count;
} slice_args;

static nnc_status slice_inputs(slice_args *a, const nnrt_node_ctx *ctx)
{
    size_t ends, axes, steps;
    NNC_TRY(nnrt_host_i64(&a->starts, &a->count, ctx, 1));
    NNC_TRY(nnrt_host_i64(&a->ends, &ends, ctx, 2));
    NNC_TRY(nnrt_host_i64(&a->axes, &axes, ctx, 3));
    NNC_TRY(nnrt_host_i64(&a->steps, &steps, ctx, 4));
    if (ends != a->count || axes != a->count || steps != a->count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu starts, %zu ends, %zu axes, %zu steps", ctx->name,
                 a->count, ends, axes, steps);
    return NNC_OK;
}

static nnc_status slice_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    slice_args a;
    NNC_TRY(slice_inputs(&a, ctx));
    nnrt_shape y = *x;
    int64_t first[NNRT_RANK_MAX] = {0}, step[NNRT_RANK_MAX];
    uint32_t seen = 0;
    for (uint32_t i = 0; i < x->rank; i++)
        step[i] = 1;
    for (size_t k = 0; k < a.count; k++) {
        int64_t axis =
            a.axes[k] < 0 && a.axes[k] >= -(int64_t)x->rank ? a.axes[k] + x->rank : a.axes[k];
        if (axis < 0 || axis >= x->rank || (seen >> axis & 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %lld of rank %u", ctx->name, (long long)a.axes[k],
                     x->rank);
        seen |= 1u << axis;
        NNC_TRY(slice_dim(ctx, x->dims[axis], a.starts[k], a.ends[k], a.steps[k], &first[axis],
                          &y.dims[axis]));
        step[axis] = a.steps[k];
    }
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_strided_view)));
    nnrt_strided_view *state = ctx->state;
    ptrdiff_t xs[NNRT_RANK_MAX], ys[NNRT_RANK_MAX];
    dense_strides(xs, x);
    dense_strides(ys, &y);
    nnrt_strided_init(&state->copy, nnrt_dtype_bytes(ctx->in[0].dtype));
    for (uint32_t i = 0; i < x->rank && nnrt_shape_count(&y) != 0; i++) {
        state->start += first[i] * xs[i];
        /* A dim of one element is never stepped over, whatever the step. */
        nnrt_strided_dim(&state->copy, (size_t)y.dims[i], y.dims[i] > 1 ? step[i] * xs[i] : xs[i],
                         ys[i]);
    }
    nnrt_strided_finish(&state->copy);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_slice = {
    .name = "slice",
    .min_in = 5,
    .max_in = 5,
    .out_count = 1,
    .host_inputs = 0x1e,
    .flags = NNRT_ROP_HOST,
    .check = check_view,
    .reshape = slice_reshape,
    .run = run_view,
};

static nnc_status expand_reshape(nnrt_node_ctx *ctx)
{
    const int64_t *dims;
    size_t rank;
    nnrt_shape y, want = {.rank = 0};
    NNC_TRY(nnrt_host_i64(&dims, &rank, ctx, 1));
    if (rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %zu, at most %d", ctx->name, rank, NNRT_RANK_MAX);
    want.rank = (uint32_t)rank;
    for (uint32_t i = 0; i < want.rank; i++) {
        want.dims[i] = dims[i];
        if (dims[i] < 0 || dims[i] > INT32_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u is %lld", ctx->name, i, (long long)dims[i]);
    }
    NNC_TRY(nnrt_broadcast(&y, ctx, &ctx->in[0].shape, &want));
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_strided_view)));
    nnrt_strided_view *state = ctx->state;
    const nnrt_shape *x = &ctx->in[0].shape;
    ptrdiff_t xs[NNRT_RANK_MAX], ys[NNRT_RANK_MAX];
    dense_strides(xs, x);
    dense_strides(ys, &y);
    nnrt_strided_init(&state->copy, nnrt_dtype_bytes(ctx->in[0].dtype));
    for (uint32_t i = 0; i < y.rank; i++) {
        uint32_t skip = y.rank - x->rank;
        bool copied = i >= skip && x->dims[i - skip] != 1;
        nnrt_strided_dim(&state->copy, (size_t)y.dims[i], copied ? xs[i - skip] : 0, ys[i]);
    }
    nnrt_strided_finish(&state->copy);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_expand = {
    .name = "expand",
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = check_view,
    .reshape = expand_reshape,
    .run = run_view,
};

static nnc_status tile_reshape(nnrt_node_ctx *ctx)
{
    const int64_t *repeats;
    size_t count;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape y = *x;
    NNC_TRY(nnrt_host_i64(&repeats, &count, ctx, 1));
    if (count != x->rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu repeats for rank %u", ctx->name, count, x->rank);
    for (uint32_t i = 0; i < x->rank; i++) {
        if (repeats[i] < 0 || repeats[i] > INT32_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u repeated %lld times", ctx->name, i,
                     (long long)repeats[i]);
        y.dims[i] = x->dims[i] * repeats[i];
    }
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_strided_view)));
    nnrt_strided_view *state = ctx->state;
    ptrdiff_t xs[NNRT_RANK_MAX], ys[NNRT_RANK_MAX];
    dense_strides(xs, x);
    dense_strides(ys, &y);
    nnrt_strided_init(&state->copy, nnrt_dtype_bytes(ctx->in[0].dtype));
    for (uint32_t i = 0; i < x->rank; i++) {
        nnrt_strided_dim(&state->copy, (size_t)repeats[i], 0, (ptrdiff_t)x->dims[i] * ys[i]);
        nnrt_strided_dim(&state->copy, (size_t)x->dims[i], xs[i], ys[i]);
    }
    nnrt_strided_finish(&state->copy);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_tile = {
    .name = "tile",
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = check_view,
    .reshape = tile_reshape,
    .run = run_view,
};
