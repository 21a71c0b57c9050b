/* shape, fill, range, callback: ops that make values from shapes or scalars, and the tap.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

static nnc_status shape_check(const nnrt_node_ctx *ctx)
{
    const nnrt_shape_params *p = ctx->params;
    if (p->start < 0 || p->end < p->start ||
        ((uint32_t)p->end > ctx->in[0].shape.rank && p->end != INT32_MAX))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': dims %d to %d of rank %u", ctx->name, p->start, p->end,
                 ctx->in[0].shape.rank);
    return nnrt_check_dtype(ctx, 0, NNRT_SET_ANY);
}

/* Dims [start, end) of the input; an end of INT32_MAX is its rank. */
static int32_t shape_count(const nnrt_node_ctx *ctx)
{
    const nnrt_shape_params *p = ctx->params;
    const int32_t rank = (int32_t)ctx->in[0].shape.rank, end = p->end < rank ? p->end : rank;
    return end > p->start ? end - p->start : 0;
}

static nnc_status shape_reshape(nnrt_node_ctx *ctx)
{
    nnrt_shape y = {.rank = 1, .dims = {shape_count(ctx)}};
    nnrt_set_output(ctx, NNRT_I64, &y);
    return NNC_OK;
}

static void shape_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape_params *p = ctx->params;
    int64_t *y = ctx->out[0].data;
    const int32_t count = shape_count(ctx);
    for (int32_t i = 0; i < count; i++)
        y[i] = ctx->in[0].shape.dims[p->start + i];
}

const nnrt_rop nnrt_rop_shape = {
    .name = "shape",
    .params_bytes = sizeof(nnrt_shape_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = shape_check,
    .reshape = shape_reshape,
    .run = shape_run,
};

static nnc_status fill_check(const nnrt_node_ctx *ctx)
{
    const nnrt_fill_params *p = ctx->params;
    if (nnrt_dtype_bytes(p->dtype) == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': fill of type %u", ctx->name, p->dtype);
    NNC_TRY(nnrt_check_rank(ctx, 0, 1));
    return nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_I64));
}

static nnc_status fill_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_fill_params *p = ctx->params;
    nnrt_shape y;
    NNC_TRY(nnrt_host_shape(&y, ctx, 0));
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static void fill_run(const nnrt_node_ctx *ctx)
{
    const nnrt_fill_params *p = ctx->params;
    size_t size = nnrt_dtype_bytes(p->dtype), n = nnrt_shape_count(&ctx->out[0].shape);
    uint8_t *y = ctx->out[0].data;
    if (p->value == 0) {
        memset(y, 0, n * size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(y + i * size, &p->value, size);
}

const nnrt_rop nnrt_rop_fill = {
    .name = "fill",
    .params_bytes = sizeof(nnrt_fill_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .host_inputs = 0x1,
    .flags = NNRT_ROP_HOST,
    .check = fill_check,
    .reshape = fill_reshape,
    .run = fill_run,
};

static nnc_status range_check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT | NNRT_SET_INTEGER));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(ctx->in[0].dtype)));
    return nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype));
}

static double scalar(const nnrt_tensor *t)
{
    double v;
    nnrt_load_doubles(&v, t->data, t->dtype, 0, 1, 1);
    return v;
}

static nnc_status range_reshape(nnrt_node_ctx *ctx)
{
    for (uint32_t i = 0; i < 3; i++)
        NNC_TRY(nnrt_check_count(ctx, i, 1));
    double start = scalar(&ctx->in[0]), limit = scalar(&ctx->in[1]), delta = scalar(&ctx->in[2]);
    double n = ceil((limit - start) / delta);
    if (delta == 0.0 || !(n <= (double)INT32_MAX))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': range from %g to %g by %g", ctx->name, start, limit, delta);
    nnrt_shape y = {.rank = 1, .dims = {n > 0.0 ? (int64_t)n : 0}};
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return NNC_OK;
}

/* start + i * delta; halves in f32, integers wrap. */
static void range_run(const nnrt_node_ctx *ctx)
{
    size_t n = nnrt_shape_count(&ctx->out[0].shape);
    nnrt_dtype dtype = ctx->in[0].dtype;
    void *y = ctx->out[0].data;
    double d[2] = {scalar(&ctx->in[0]), scalar(&ctx->in[2])};
    float f[2] = {(float)d[0], (float)d[1]};
    int64_t whole[2] = {0, 0};
    nnrt_wide wide = nnrt_wide_of(dtype);
    for (uint32_t k = 0; k < 2 && wide == NNRT_WIDE_INT; k++)
        nnrt_load_ints(&whole[k], ctx->in[2 * k].data, dtype, 0, 1, 1);
    for (size_t i = 0; i < n; i++) {
        int64_t v = (int64_t)((uint64_t)whole[0] + (uint64_t)i * (uint64_t)whole[1]);
        float single = f[0] + (float)i * f[1];
        double real = d[0] + (double)i * d[1];
        if (wide == NNRT_WIDE_INT)
            nnrt_store_ints(y, dtype, i, &v, 1);
        else if (wide == NNRT_WIDE_F32)
            nnrt_store_floats(y, dtype, i, &single, 1);
        else
            nnrt_store_doubles(y, dtype, i, &real, 1);
    }
}

const nnrt_rop nnrt_rop_range = {
    .name = "range",
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x7,
    .flags = NNRT_ROP_HOST,
    .check = range_check,
    .reshape = range_reshape,
    .run = range_run,
};

static nnc_status callback_check(const nnrt_node_ctx *ctx)
{
    return nnrt_check_dtype(ctx, 0, NNRT_SET_ANY);
}

static nnc_status callback_reshape(nnrt_node_ctx *ctx)
{
    (void)ctx;
    return NNC_OK;
}

static void callback_run(const nnrt_node_ctx *ctx)
{
    const nnrt_callback_params *p = ctx->params;
    nnrt_ctx_callback(ctx, p->tag, &ctx->in[0]);
}

const nnrt_rop nnrt_rop_callback = {
    .name = "callback",
    .params_bytes = sizeof(nnrt_callback_params),
    .min_in = 1,
    .max_in = 1,
    .check = callback_check,
    .reshape = callback_reshape,
    .run = callback_run,
};
