/* requantize: 32-bit accumulators to 8-bit integers with scales known at run time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/util.h"
#include "tensor/requant.h"

#define TILE 16384u

enum { ACC, SA, SB, SY, ZY, BIAS };

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_requantize_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, ACC, NNRT_SET(NNRT_I32)));
    for (uint32_t i = SA; i <= SY; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, ZY, NNRT_SET(NNRT_I32)));
    if (p->dtype != NNRT_U8 && p->dtype != NNRT_I8)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': quantizes to type %u", ctx->name, p->dtype);
    if (p->has_bias > 1 || ctx->in_count != 5 + p->has_bias || (p->has_bias && p->axis < 0))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with bias flag %u and axis %d", ctx->name,
                 ctx->in_count, p->has_bias, p->axis);
    if (p->has_bias)
        NNC_TRY(nnrt_check_dtype(ctx, BIAS, NNRT_SET(NNRT_I32)));
    if (p->axis != -1)
        NNC_TRY(nnrt_check_axis(ctx, p->axis, ctx->in[ACC].shape.rank));
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_requantize_params *p = ctx->params;
    NNC_TRY(check(ctx));
    size_t dim = p->axis < 0 ? 1 : (size_t)ctx->in[ACC].shape.dims[p->axis];
    NNC_TRY(nnrt_check_count(ctx, SA, 1));
    NNC_TRY(nnrt_check_count(ctx, SY, 1));
    NNC_TRY(nnrt_check_count(ctx, ZY, 1));
    if (nnrt_shape_count(&ctx->in[SB].shape) != 1)
        NNC_TRY(nnrt_check_count(ctx, SB, dim));
    if (p->has_bias)
        NNC_TRY(nnrt_check_count(ctx, BIAS, dim));
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[ACC].shape);
    return NNC_OK;
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_requantize_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[ACC].shape;
    const int32_t *acc = ctx->in[ACC].data, *bias = p->has_bias ? ctx->in[BIAS].data : NULL;
    const float sa = *(const float *)ctx->in[SA].data, *sb = ctx->in[SB].data;
    const float sy = *(const float *)ctx->in[SY].data;
    const int32_t least = p->dtype == NNRT_I8 ? -128 : 0;
    int32_t zy = *(const int32_t *)ctx->in[ZY].data;
    zy = zy < least ? least : zy > least + 255 ? least + 255 : zy;
    const float lo = (float)(least - zy), hi = (float)(least + 255 - zy);
    size_t inner = p->axis < 0 ? 1 : nnrt_shape_span(shape, (uint32_t)p->axis + 1, shape->rank);
    size_t dim = p->axis < 0 ? 1 : (size_t)shape->dims[p->axis];
    bool one = nnrt_shape_count(&ctx->in[SB].shape) == 1;
    for (size_t i = begin; i < begin + n; i++) {
        size_t c = i / inner % dim;
        float product = sa * sb[one ? 0 : c];
        uint32_t sum = (uint32_t)acc[i] + (bias ? (uint32_t)bias[c] : 0);
        ((uint8_t *)ctx->out[0].data)[i] =
            (uint8_t)nnc_requant((int32_t)sum, product / sy, lo, hi, zy);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_requantize = {
    .name = "requantize",
    .params_bytes = sizeof(nnrt_requantize_params),
    .min_in = 5,
    .max_in = 6,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
