/* gather, gather_nd. SPDX-License-Identifier: Apache-2.0
 * Known indices are checked at reshape; see index.h for what happens at run. */
#include <string.h>

#include "runtime_int8/ops/index.h"

#define TASK_BYTES 131072u

static nnc_status check_types(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_index_dtype(ctx, 1));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status gather_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    nnrt_shape y = {.rank = x->rank + k->rank - 1};
    if (y.rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, at most %d", ctx->name, y.rank, NNRT_RANK_MAX);
    uint32_t at = 0;
    for (uint32_t i = 0; i < (uint32_t)p->axis; i++)
        y.dims[at++] = x->dims[i];
    for (uint32_t i = 0; i < k->rank; i++)
        y.dims[at++] = k->dims[i];
    for (uint32_t i = (uint32_t)p->axis + 1; i < x->rank; i++)
        y.dims[at++] = x->dims[i];
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return nnrt_check_indices(ctx, 1, 0, 1, x->dims[p->axis]);
}

/* Pieces [begin, begin + count) of the output, a piece being what one index copies. */
static void gather_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t indices = nnrt_shape_count(&ctx->in[1].shape);
    size_t piece =
        nnrt_dtype_bytes(ctx->in[0].dtype) * nnrt_shape_span(x, (uint32_t)p->axis + 1, x->rank);
    int64_t dim = x->dims[p->axis];
    for (size_t i = begin; i < begin + count; i++) {
        size_t outer = i / indices, k = nnrt_index_at(&ctx->in[1], i % indices, dim);
        memcpy((uint8_t *)ctx->out[0].data + i * piece,
               (const uint8_t *)ctx->in[0].data + (outer * (size_t)dim + k) * piece, piece);
    }
}

static void gather_run(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    if (ctx->out[0].bytes == 0)
        return;
    size_t pieces = nnrt_shape_span(x, 0, (uint32_t)p->axis) * nnrt_shape_count(&ctx->in[1].shape);
    nnrt_parallel_tiles(ctx->pool, gather_tile, (void *)(uintptr_t)ctx, pieces,
                        1 + TASK_BYTES / (ctx->out[0].bytes / pieces));
}

const nnrt_rop nnrt_rop_gather = {
    .name = "gather",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check_types,
    .reshape = gather_reshape,
    .run = gather_run,
};

static nnc_status nd_check(const nnrt_node_ctx *ctx)
{
    const nnrt_gather_nd_params *p = ctx->params;
    uint32_t x = ctx->in[0].shape.rank, k = ctx->in[1].shape.rank;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_index_dtype(ctx, 1));
    if (x == 0 || k == 0 || p->batch_dims >= k || p->batch_dims >= x)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': batch_dims %u of data of rank %u and indices of rank %u",
                 ctx->name, p->batch_dims, x, k);
    return NNC_OK;
}

typedef struct nd_state {
    size_t batch_pieces, batch_elements; /* indexed pieces of a batch; elements of x in it */
    size_t width, piece;                 /* numbers of an index tuple; bytes that one copies */
    size_t stride[NNRT_RANK_MAX];        /* of the indexed dims, in pieces */
    int64_t dim[NNRT_RANK_MAX];
} nd_state;

static nnc_status nd_output(nnrt_node_ctx *ctx, uint32_t b, int64_t width)
{
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    if (width < 0 || width > (int64_t)(x->rank - b))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': index tuples of %lld numbers for rank %u with %u batch dims",
                 ctx->name, (long long)width, x->rank, b);
    nnrt_shape y = {.rank = k->rank - 1 + x->rank - b - (uint32_t)width};
    if (y.rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, at most %d", ctx->name, y.rank, NNRT_RANK_MAX);
    for (uint32_t i = 0; i < b; i++) {
        if (x->dims[i] != k->dims[i])
            NNC_FAIL(NNC_ERR_MODEL, "'%s': batch dim %u is %lld in the data, %lld in the indices",
                     ctx->name, i, (long long)x->dims[i], (long long)k->dims[i]);
    }
    for (uint32_t i = 0; i + 1 < k->rank; i++)
        y.dims[i] = k->dims[i];
    for (uint32_t i = k->rank - 1; i < y.rank; i++)
        y.dims[i] = x->dims[i - (k->rank - 1) + b + (uint32_t)width];
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return NNC_OK;
}

static nnc_status nd_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_gather_nd_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    uint32_t b = p->batch_dims;
    NNC_TRY(nd_output(ctx, b, k->dims[k->rank - 1]));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nd_state)));
    nd_state *state = ctx->state;
    state->width = (size_t)k->dims[k->rank - 1];
    uint32_t first = b + (uint32_t)state->width;
    state->batch_pieces = nnrt_shape_span(k, b, k->rank - 1);
    state->batch_elements = nnrt_shape_span(x, b, x->rank);
    state->piece = nnrt_dtype_bytes(ctx->in[0].dtype) * nnrt_shape_span(x, first, x->rank);
    size_t step = 1;
    for (size_t i = state->width; i-- > 0;) {
        state->dim[i] = x->dims[b + i];
        state->stride[i] = step;
        step *= (size_t)x->dims[b + i];
        if (state->piece != 0 || state->dim[i] != 0)
            NNC_TRY(nnrt_check_indices(ctx, 1, i, state->width, state->dim[i]));
    }
    return NNC_OK;
}

static void nd_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nd_state *s = ctx->state;
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype);
    for (size_t i = begin; i < begin + count; i++) {
        size_t at = 0;
        for (size_t d = 0; d < s->width; d++)
            at += nnrt_index_at(&ctx->in[1], i * s->width + d, s->dim[d]) * s->stride[d];
        const uint8_t *batch =
            (const uint8_t *)ctx->in[0].data + i / s->batch_pieces * s->batch_elements * size;
        memcpy((uint8_t *)ctx->out[0].data + i * s->piece, batch + at * s->piece, s->piece);
    }
}

static void nd_run(const nnrt_node_ctx *ctx)
{
    const nd_state *s = ctx->state;
    if (ctx->out[0].bytes != 0)
        nnrt_parallel_tiles(ctx->pool, nd_tile, (void *)(uintptr_t)ctx,
                            ctx->out[0].bytes / s->piece, 1 + TASK_BYTES / (s->piece + 32));
}

const nnrt_rop nnrt_rop_gather_nd = {
    .name = "gather_nd",
    .params_bytes = sizeof(nnrt_gather_nd_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = nd_check,
    .reshape = nd_reshape,
    .run = nd_run,
};
