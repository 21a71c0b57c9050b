/* Checks shared by the FP32 product ops. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/check_f32.h"

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

nnc_status nnrt_check_product_f32(const nnrt_node_ctx *ctx, uint64_t groups, uint64_t k, uint64_t n,
                                  uint32_t has_bias, uint32_t has_residual)
{
    size_t columns, weights;
    if (has_bias > 1 || has_residual > 1 || ctx->in_count != 2 + has_bias + has_residual)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with bias %u and residual %u", ctx->name,
                 ctx->in_count, has_bias, has_residual);
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
    if (!nnc_size_mul(&columns, groups, (n + 15) / 16 * 16) || !nnc_size_mul(&weights, columns, k))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %llu x %llu weights in %llu groups are too many", ctx->name,
                 (unsigned long long)k, (unsigned long long)n, (unsigned long long)groups);
    NNC_TRY(nnrt_check_count(ctx, 1, weights));
    return has_bias ? nnrt_check_count(ctx, 2, columns) : NNC_OK;
}

nnc_status nnrt_check_residual_f32(const nnrt_node_ctx *ctx, uint32_t has_bias,
                                   uint32_t has_residual)
{
    char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
    const nnrt_shape *y = &ctx->out[0].shape;
    if (!has_residual || nnrt_shape_same(&ctx->in[2 + has_bias].shape, y))
        return NNC_OK;
    NNC_FAIL(NNC_ERR_MODEL, "'%s': residual %s, output %s", ctx->name,
             nnrt_shape_text(a, &ctx->in[2 + has_bias].shape), nnrt_shape_text(b, y));
}
