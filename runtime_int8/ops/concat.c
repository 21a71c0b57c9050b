/* concat: joins tensors along an axis. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/util.h"

#define TASK_BYTES 131072u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    for (uint32_t i = 1; i < ctx->in_count; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(ctx->in[0].dtype)));
        NNC_TRY(nnrt_check_rank(ctx, i, ctx->in[0].shape.rank));
    }
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    nnrt_shape y = ctx->in[0].shape;
    for (uint32_t i = 1; i < ctx->in_count; i++) {
        const nnrt_shape *x = &ctx->in[i].shape;
        for (uint32_t d = 0; d < y.rank; d++) {
            if (d != (uint32_t)p->axis && x->dims[d] != y.dims[d])
                NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u has dim %u of %lld, expected %lld",
                         ctx->name, i, d, (long long)x->dims[d], (long long)y.dims[d]);
        }
        y.dims[p->axis] += x->dims[p->axis];
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return NNC_OK;
}

/* Slabs [begin, begin + count) of the output: for each, a piece of every input. */
static void run_slabs(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->out[0].shape;
    size_t unit = nnrt_dtype_bytes(ctx->out[0].dtype) *
                  nnrt_shape_span(shape, (uint32_t)p->axis + 1, shape->rank);
    size_t slab = unit * (size_t)shape->dims[p->axis];
    size_t at = 0;
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        size_t piece = unit * (size_t)ctx->in[i].shape.dims[p->axis];
        const uint8_t *x = (const uint8_t *)ctx->in[i].data + begin * piece;
        uint8_t *y = (uint8_t *)ctx->out[0].data + begin * slab + at;
        for (size_t k = 0; k < count && piece != 0; k++)
            memcpy(y + k * slab, x + k * piece, piece);
        at += piece;
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->out[0].shape;
    size_t slabs = nnrt_shape_span(shape, 0, (uint32_t)p->axis);
    size_t slab = slabs == 0 ? 0 : ctx->out[0].bytes / slabs;
    nnrt_parallel_tiles(ctx->pool, run_slabs, (void *)(uintptr_t)ctx, slabs,
                        slab == 0 ? slabs : 1 + TASK_BYTES / slab);
}

const nnrt_rop nnrt_rop_concat = {
    .name = "concat",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 1,
    .max_in = 65535,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
