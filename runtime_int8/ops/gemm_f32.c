/* gemm_f32: rows of x against a constant packed matrix. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/check_f32.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/util.h"

static nnc_status gemm_check(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_f32_params *p = ctx->params;
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    if (p->k == 0 || p->n == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': weights of %u x %u", ctx->name, p->k, p->n);
    return nnrt_check_product_f32(ctx, 1, p->k, p->n, p->has_bias, p->has_residual);
}

static nnc_status gemm_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_gemm_f32_params *p = ctx->params;
    nnrt_shape shape = ctx->in[0].shape;
    char text[NNRT_SHAPE_TEXT];
    NNC_TRY(gemm_check(ctx));
    if (shape.rank == 0 || shape.dims[shape.rank - 1] != p->k)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %s, expected %u in the last dim", ctx->name,
                 nnrt_shape_text(text, &shape), p->k);
    shape.dims[shape.rank - 1] = p->n;
    nnrt_set_output(ctx, NNRT_F32, &shape);
    NNC_TRY(nnrt_check_residual_f32(ctx, p->has_bias, p->has_residual));
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    ctx->impl = kernel;
    ctx->kernel = kernel->name;
    ctx->macs = (uint64_t)nnrt_shape_span(&shape, 0, shape.rank - 1) * p->k * p->n;
    return NNC_OK;
}

static void gemm_run(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_f32_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[0].shape;
    const nnrt_product_f32 product = {
        .kernel = ctx->impl,
        .m = nnrt_shape_span(shape, 0, shape->rank - 1),
        .n = p->n,
        .taps = 1,
        .c = p->k,
        .batch = 1,
        .rows = nnrt_product_rows_dense,
        .x = ctx->in[0].data,
        .x_row = p->k,
        .w = ctx->in[1].data,
        .bias = p->has_bias ? ctx->in[2].data : NULL,
        .residual = p->has_residual ? ctx->in[2 + p->has_bias].data : NULL,
        .y = ctx->out[0].data,
        .y_row = p->n,
        .alpha = 1.0f,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
    };
    nnrt_product_f32_run(&product, ctx->pool);
}

const nnrt_rop nnrt_rop_gemm_f32 = {
    .name = "gemm_f32",
    .params_bytes = sizeof(nnrt_gemm_f32_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 1,
    .check = gemm_check,
    .reshape = gemm_reshape,
    .run = gemm_run,
};
