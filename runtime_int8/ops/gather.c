/* gather, gather_elements. SPDX-License-Identifier: Apache-2.0
 * Negative indices count from the end. Known indices are checked at reshape; at run an index
 * outside the dim is moved to its nearest end, so that no input makes the runtime read outside the
 * tensor. */
#include <string.h>

#include "runtime_int8/ops/util.h"

#define TASK_BYTES 131072u

static nnc_status check_types(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64)));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static int64_t raw_index(const nnrt_tensor *t, size_t i)
{
    return t->dtype == NNRT_I64 ? ((const int64_t *)t->data)[i] : ((const int32_t *)t->data)[i];
}

static size_t index_at(const nnrt_tensor *t, size_t i, int64_t dim)
{
    int64_t k = raw_index(t, i);
    if (k < 0)
        k = k >= -dim ? k + dim : 0;
    return (size_t)(k < dim ? k : dim - 1);
}

static nnc_status check_known(const nnrt_node_ctx *ctx, int64_t dim)
{
    const nnrt_tensor *t = &ctx->in[1];
    size_t n = nnrt_shape_count(&t->shape);
    for (size_t i = 0; t->data != NULL && i < n; i++) {
        int64_t k = raw_index(t, i);
        if (k < -dim || k >= dim)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': index %lld of a dim of %lld", ctx->name, (long long)k,
                     (long long)dim);
    }
    if (dim == 0 && n != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu indices of an empty dim", ctx->name, n);
    return NNC_OK;
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
    return check_known(ctx, x->dims[p->axis]);
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
        size_t outer = i / indices, k = index_at(&ctx->in[1], i % indices, dim);
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

static nnc_status elements_check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(check_types(ctx));
    return nnrt_check_rank(ctx, 1, ctx->in[0].shape.rank);
}

static nnc_status elements_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    for (uint32_t i = 0; i < x->rank; i++) {
        if (i != (uint32_t)p->axis && k->dims[i] > x->dims[i])
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of the indices is %lld, of the data %lld",
                     ctx->name, i, (long long)k->dims[i], (long long)x->dims[i]);
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, k);
    return check_known(ctx, x->dims[p->axis]);
}

static void elements_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *y = &ctx->out[0].shape;
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), stride[NNRT_RANK_MAX], step = 1;
    for (uint32_t i = x->rank; i-- > 0;) {
        stride[i] = step;
        step *= (size_t)x->dims[i];
    }
    for (size_t i = begin; i < begin + count; i++) {
        size_t rest = i, at = 0;
        for (uint32_t d = y->rank; d-- > 0;) {
            size_t k = rest % (size_t)y->dims[d];
            rest /= (size_t)y->dims[d];
            at += (d == (uint32_t)p->axis ? index_at(&ctx->in[1], i, x->dims[d]) : k) * stride[d];
        }
        memcpy((uint8_t *)ctx->out[0].data + i * size, (const uint8_t *)ctx->in[0].data + at * size,
               size);
    }
}

static void elements_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, elements_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), 8192);
}

const nnrt_rop nnrt_rop_gather_elements = {
    .name = "gather_elements",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = elements_check,
    .reshape = elements_reshape,
    .run = elements_run,
};
