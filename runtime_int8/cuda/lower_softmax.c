/* Lowering of softmax and reductions. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/ops/util.h"

#define WARP 32u
/* Rows from this length on get a block, unless there are many of them. */
#define LONG_ROW 256u
#define MANY_ROWS 8u /* per multiprocessor */

/* Blocks of the *_columns kernels. */
static nnc_status column_blocks(uint32_t *blocks, nnrt_cuda_divider *tiles,
                                const nnrt_node_ctx *ctx, const char *op, size_t outer,
                                uint32_t inner)
{
    const uint32_t per_outer = (inner + NNRT_CUDA_COLUMNS - 1) / NNRT_CUDA_COLUMNS;
    *tiles = nnrt_cuda_divider_make(per_outer);
    return nnrt_cuda_fit(blocks, ctx, op, "blocks", outer * per_outer);
}

nnc_status nnrt_cuda_lower_softmax(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_softmax_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const char *op = "softmax";
    const size_t outer = nnrt_shape_span(x, 0, (uint32_t)p->axis);
    const void *from;
    if (nnrt_shape_count(x) == 0)
        return NNC_OK;
    nnrt_cuda_softmax_args args = {.y = nnrt_cuda_output(low, 0), .log = p->log};
    NNC_TRY(nnrt_cuda_fit(&args.outer, ctx, op, "rows", outer));
    NNC_TRY(nnrt_cuda_fit(&args.n, ctx, op, "elements", (size_t)x->dims[p->axis]));
    NNC_TRY(nnrt_cuda_fit(&args.inner, ctx, op, "columns",
                          nnrt_shape_span(x, (uint32_t)p->axis + 1, x->rank)));
    NNC_TRY(nnrt_cuda_input(&from, low, 0));
    args.x = from;
    if (args.inner > 1) {
        uint32_t blocks;
        NNC_TRY(column_blocks(&blocks, &args.tiles, ctx, op, outer, args.inner));
        return nnrt_cuda_emit_blocks(low, ctx, NNRT_CUDA_K_softmax_columns, blocks,
                                     nnrt_cuda_threads(NNRT_CUDA_K_softmax_columns) * sizeof(float),
                                     &args, sizeof args);
    }
    args.tiles = nnrt_cuda_divider_make(1);
    if (args.n >= LONG_ROW && outer <= (size_t)MANY_ROWS * nnrt_cuda_target(low)->sm_count) {
        const uint32_t chunk = args.n < NNRT_CUDA_SOFTMAX_CHUNK ? args.n : NNRT_CUDA_SOFTMAX_CHUNK;
        return nnrt_cuda_emit_blocks(low, ctx, NNRT_CUDA_K_softmax_block, args.outer,
                                     (NNRT_CUDA_SOFTMAX_SHARE + chunk) * sizeof(float), &args,
                                     sizeof args);
    }
    uint32_t threads;
    NNC_TRY(nnrt_cuda_fit(&threads, ctx, op, "threads", outer * WARP));
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_softmax_warp, threads, &args, sizeof args);
}

nnc_status nnrt_cuda_emit_reduction(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, const char *op,
                                    float *y, const float *x, const nnrt_cuda_reduction *r)
{
    nnrt_cuda_reduce_args args = {
        .y = y, .x = x, .op = r->op, .divisor = (float)r->n, .lo = r->lo, .hi = r->hi};
    uint32_t size;
    NNC_TRY(nnrt_cuda_fit(&args.outer, ctx, op, "rows", r->outer));
    NNC_TRY(nnrt_cuda_fit(&args.n, ctx, op, "elements", r->n));
    NNC_TRY(nnrt_cuda_fit(&args.inner, ctx, op, "columns", r->inner));
    if (r->inner == 1) {
        args.tiles = nnrt_cuda_divider_make(1);
        NNC_TRY(nnrt_cuda_fit(&size, ctx, op, "threads", r->outer * WARP));
        return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_reduce_rows, size, &args, sizeof args);
    }
    NNC_TRY(column_blocks(&size, &args.tiles, ctx, op, r->outer, args.inner));
    return nnrt_cuda_emit_blocks(low, ctx, NNRT_CUDA_K_reduce_columns, size,
                                 nnrt_cuda_threads(NNRT_CUDA_K_reduce_columns) * sizeof(float),
                                 &args, sizeof args);
}

/* [outer][n][inner] when the reduced dims that are not 1 are neighbours. */
static bool split(nnrt_cuda_reduction *r, const nnrt_shape *x, uint32_t mask)
{
    r->outer = r->n = r->inner = 1;
    bool seen = false, behind = false;
    for (uint32_t i = 0; i < x->rank; i++) {
        const size_t dim = (size_t)x->dims[i];
        const bool reduced = mask >> i & 1u;
        if (dim == 1)
            continue;
        if (reduced && behind)
            return false;
        if (reduced)
            r->n *= dim;
        else if (seen)
            r->inner *= dim;
        else
            r->outer *= dim;
        behind = behind || (seen && !reduced);
        seen = seen || reduced;
    }
    return true;
}

nnc_status nnrt_cuda_lower_reduce(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_reduce_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const void *from;
    nnrt_cuda_reduction r = {.op = p->op, .lo = -INFINITY, .hi = INFINITY};
    if (ctx->in[0].dtype != NNRT_F32)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: reduce '%s': elements of %s have no kernel", ctx->name,
                 nnrt_dtype_name(ctx->in[0].dtype));
    if (!split(&r, x, p->mask != 0 ? p->mask : (1u << x->rank) - 1))
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: reduce '%s': axes 0x%x are not neighbours", ctx->name,
                 p->mask);
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_input(&from, low, 0));
    return nnrt_cuda_emit_reduction(low, ctx, "reduce", nnrt_cuda_output(low, 0), from, &r);
}
