/* dequantize: integers to float, per tensor or along an axis. SPDX-License-Identifier: Apache-2.0
 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TILE 32768u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_dequantize_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_I32)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I32)));
    if (p->axis != -1)
        NNC_TRY(nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank));
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_dequantize_params *p = ctx->params;
    size_t want = p->axis < 0 ? 1 : (size_t)ctx->in[0].shape.dims[p->axis];
    NNC_TRY(nnrt_check_count(ctx, 1, want));
    NNC_TRY(nnrt_check_count(ctx, 2, want));
    nnrt_set_output(ctx, NNRT_F32, &ctx->in[0].shape);
    if (ctx->in[0].dtype == NNRT_U8 && p->axis < 0) {
        const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_dequantize_u8, ctx->isa);
        ctx->impl = kernel;
        ctx->kernel = kernel->name;
    }
    return NNC_OK;
}

/* Differences wrap like the kernels' integer arithmetic. */
static int32_t load(const nnrt_tensor *x, size_t i)
{
    if (x->dtype == NNRT_U8)
        return ((const uint8_t *)x->data)[i];
    if (x->dtype == NNRT_I8)
        return ((const int8_t *)x->data)[i];
    return ((const int32_t *)x->data)[i];
}

static float dequantize_one(int32_t q, int32_t zero, float scale)
{
    return (float)(int32_t)((uint32_t)q - (uint32_t)zero) * scale;
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_dequantize_params *p = ctx->params;
    const nnrt_tensor *x = &ctx->in[0];
    const float *scale = ctx->in[1].data;
    const int32_t *zero = ctx->in[2].data;
    float *y = ctx->out[0].data;
    if (ctx->impl != NULL) {
        const nnrt_kernel *kernel = ctx->impl;
        ((nnrt_k_dequantize_u8_fn *)kernel->fn)(y + begin, (const uint8_t *)x->data + begin, n,
                                                scale[0], zero[0]);
        return;
    }
    if (p->axis < 0) {
        for (size_t i = begin; i < begin + n; i++)
            y[i] = dequantize_one(load(x, i), zero[0], scale[0]);
        return;
    }
    size_t inner = nnrt_shape_span(&x->shape, (uint32_t)p->axis + 1, x->shape.rank);
    size_t dim = (size_t)x->shape.dims[p->axis];
    for (size_t i = begin; i < begin + n; i++) {
        size_t c = i / inner % dim;
        y[i] = dequantize_one(load(x, i), zero[c], scale[c]);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_dequantize = {
    .name = "dequantize",
    .params_bytes = sizeof(nnrt_dequantize_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
