/* lut_u8: any function of one u8 value as a table. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TILE 65536u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_F32)));
    return nnrt_check_count(ctx, 1, 256);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_count(ctx, 1, 256));
    nnrt_set_output(ctx, ctx->in[1].dtype, &ctx->in[0].shape);
    if (ctx->in[1].dtype == NNRT_U8) {
        const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_lut_u8, ctx->isa);
        ctx->impl = kernel;
        ctx->kernel = kernel->name;
    }
    return NNC_OK;
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_kernel *kernel = ctx->impl;
    const uint8_t *x = (const uint8_t *)ctx->in[0].data + begin;
    if (kernel != NULL) {
        ((nnrt_k_lut_u8_fn *)kernel->fn)((uint8_t *)ctx->out[0].data + begin, x, n,
                                         ctx->in[1].data);
        return;
    }
    const float *table = ctx->in[1].data;
    float *y = (float *)ctx->out[0].data + begin;
    for (size_t i = 0; i < n; i++)
        y[i] = table[x[i]];
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_lut_u8 = {
    .name = "lut_u8",
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE,
    .check = check,
    .reshape = reshape,
    .run = run,
};
