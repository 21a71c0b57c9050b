/* quantize_axis: float to u8, i8 or i32 with run-time or per-axis scales. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "runtime_int8/ops/util.h"

#define TILE 16384u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_quantize_axis_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I32)));
    if (p->dtype != NNRT_U8 && p->dtype != NNRT_I8 && p->dtype != NNRT_I32)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': quantizes to type %u", ctx->name, p->dtype);
    int32_t least = p->dtype == NNRT_U8 ? 0 : (p->dtype == NNRT_I8 ? -128 : INT32_MIN);
    int32_t most = p->dtype == NNRT_U8 ? 255 : (p->dtype == NNRT_I8 ? 127 : INT32_MAX);
    if (p->qmin > p->qmax || p->qmin < least || p->qmax > most)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': grid %d..%d, expected within %d..%d", ctx->name, p->qmin,
                 p->qmax, least, most);
    if (p->axis != -1)
        NNC_TRY(nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank));
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_quantize_axis_params *p = ctx->params;
    size_t want = p->axis < 0 ? 1 : (size_t)ctx->in[0].shape.dims[p->axis];
    NNC_TRY(nnrt_check_count(ctx, 1, want));
    NNC_TRY(nnrt_check_count(ctx, 2, want));
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

/* As nnc_quantize, in double after the float division, so that the bounds of 32 bits are exact. */
static int32_t quantize_one(float x, float scale, int32_t zero, int32_t qmin, int32_t qmax)
{
    double t = (double)(x / scale), lo = (double)qmin - zero, hi = (double)qmax - zero;
    t = t < hi ? t : hi;
    t = t > lo ? t : lo;
    return (int32_t)(llrint(t) + zero);
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_quantize_axis_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[0].shape;
    const float *x = ctx->in[0].data, *scale = ctx->in[1].data;
    const int32_t *zero = ctx->in[2].data;
    size_t inner = p->axis < 0 ? 1 : nnrt_shape_span(shape, (uint32_t)p->axis + 1, shape->rank);
    size_t dim = p->axis < 0 ? 1 : (size_t)shape->dims[p->axis];
    for (size_t i = begin; i < begin + n; i++) {
        size_t c = i / inner % dim;
        int32_t q = quantize_one(x[i], scale[c], zero[c], p->qmin, p->qmax);
        if (p->dtype == NNRT_I32)
            ((int32_t *)ctx->out[0].data)[i] = q;
        else
            ((uint8_t *)ctx->out[0].data)[i] = (uint8_t)q;
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_quantize_axis = {
    .name = "quantize_axis",
    .params_bytes = sizeof(nnrt_quantize_axis_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
