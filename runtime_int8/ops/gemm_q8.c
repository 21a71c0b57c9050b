/* gemm_q8: u8 rows times constant s8 weights, requantized. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/product_q8.h"
#include "runtime_int8/ops/util.h"

#define GEMM_MAX (1u << 24)

nnc_status nnrt_gemm_q8_check(const nnrt_node_ctx *ctx, uint32_t k, uint32_t n,
                              const nnrt_q8_epilogue *epilogue)
{
    if (k < 1 || k > GEMM_MAX || n < 1 || n > GEMM_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': K %u and N %u, expected 1..%u", ctx->name, k, n, GEMM_MAX);
    const size_t channels = ((size_t)n + 15) / 16 * 16;
    return nnrt_product_q8_check(ctx, epilogue, channels * (((size_t)k + 3) / 4 * 4), channels);
}

nnc_status nnrt_gemm_q8_reshape(nnrt_node_ctx *ctx, uint32_t k, uint32_t n,
                                const nnrt_q8_epilogue *epilogue)
{
    nnrt_shape shape = ctx->in[0].shape;
    NNC_TRY(nnrt_gemm_q8_check(ctx, k, n,
                               epilogue)); /* inputs that are no constants have sizes only now */
    if (shape.rank < 1 || shape.dims[shape.rank - 1] != (int64_t)k) {
        char text[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input is %s, expected a last dim of %u", ctx->name,
                 nnrt_shape_text(text, &shape), k);
    }
    shape.dims[shape.rank - 1] = n;
    NNC_TRY(nnrt_product_q8_output(ctx, epilogue, 4, &shape));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_product_q8)));
    nnrt_product_q8 *product = ctx->state;
    *product = (nnrt_product_q8){
        .args = {.ldx = k, .taps = 1, .quads = ((size_t)k + 3) / 4, .ldy = n, .epilogue = epilogue},
        .images = 1,
        .groups = 1,
        .rows = nnrt_shape_span(&shape, 0, shape.rank - 1),
        .cols = n,
        .k_bytes = k,
        .out_bytes = nnrt_dtype_bytes(ctx->out[0].dtype),
    };
    ctx->macs = (uint64_t)product->rows * k * n;
    nnrt_product_q8_plan(product, ctx);
    return NNC_OK;
}

void nnrt_gemm_q8_run(const nnrt_node_ctx *ctx, const int32_t *row_add)
{
    nnrt_product_q8 product = *(const nnrt_product_q8 *)ctx->state;
    product.args.x = ctx->in[0].data;
    product.args.w = ctx->in[1].data;
    product.args.acc0 = ctx->in[2].data;
    product.args.mult = ctx->in[3].data;
    product.args.row_add = row_add;
    product.args.residual = ctx->in_count > 4 ? ctx->in[4].data : NULL;
    product.args.y = ctx->out[0].data;
    nnrt_product_q8_run(&product, ctx->pool);
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_params *p = ctx->params;
    return nnrt_gemm_q8_check(ctx, p->k, p->n, &p->epilogue);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_params *p = ctx->params;
    return nnrt_gemm_q8_reshape(ctx, p->k, p->n, &p->epilogue);
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_gemm_q8_run(ctx, NULL);
}

const nnrt_rop nnrt_rop_gemm_q8 = {
    .name = "gemm_q8",
    .params_bytes = sizeof(nnrt_gemm_q8_params),
    .min_in = 4,
    .max_in = 5,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
