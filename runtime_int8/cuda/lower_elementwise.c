/* Lowering of elementwise ops. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/ops/util.h"

/* Threads that take `each` of n elements. */
static size_t shares(size_t n, size_t each)
{
    return (n + each - 1) / each;
}

static nnc_status lower_quantize_pixels(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                        nnrt_cuda_quantize_args *args)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    const size_t images = (size_t)x->dims[0], channels = (size_t)x->dims[1];
    const size_t pixels = nnrt_shape_span(x, 2, x->rank);
    const size_t groups = shares(channels, 4);
    const bool rgb = channels == 3 && pixels % 4 == 0;
    NNC_TRY(nnrt_cuda_fit(&args->channels, ctx, "quantize", "channels", channels));
    NNC_TRY(nnrt_cuda_fit(&args->pixels, ctx, "quantize", "pixels", pixels));
    NNC_TRY(nnrt_cuda_fit(&args->count, ctx, "quantize", "threads",
                          rgb ? images * (pixels / 4) : images * groups * pixels));
    args->by_pixels = nnrt_cuda_divider_make((uint32_t)(rgb ? pixels / 4 : pixels));
    args->by_groups = nnrt_cuda_divider_make((uint32_t)groups);
    return nnrt_cuda_emit_threads(low, ctx,
                                  rgb ? NNRT_CUDA_K_quantize_rgb : NNRT_CUDA_K_quantize_pixels,
                                  args->count, args, sizeof *args);
}

nnc_status nnrt_cuda_lower_quantize(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_quantize_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->in[0].shape);
    const void *from;
    if (count == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_input(&from, low, 0));
    nnrt_cuda_quantize_args args = {
        .y = nnrt_cuda_output(low, 0),
        .x = from,
        .by_pixels = nnrt_cuda_divider_make(1),
        .by_groups = nnrt_cuda_divider_make(1),
        .scale = p->scale,
        .lo = (float)(p->qmin - p->zero_point),
        .hi = (float)(p->qmax - p->zero_point),
        .zero_point = p->zero_point,
    };
    if (p->nchw_to_nhwc && ctx->in[0].shape.dims[1] != 1)
        return lower_quantize_pixels(low, ctx, &args);
    NNC_TRY(nnrt_cuda_fit(&args.pixels, ctx, "quantize", "elements", count));
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_quantize, shares(count, 4), &args,
                                  sizeof args);
}

/* Element i has entry (i / inner) % channels. */
static void axis_dividers(nnrt_cuda_divider *inner, nnrt_cuda_divider *channels,
                          const nnrt_shape *shape, int32_t axis)
{
    *inner = *channels = nnrt_cuda_divider_make(1);
    if (axis < 0)
        return;
    *inner =
        nnrt_cuda_divider_make((uint32_t)nnrt_shape_span(shape, (uint32_t)axis + 1, shape->rank));
    *channels = nnrt_cuda_divider_make((uint32_t)shape->dims[axis]);
}

nnc_status nnrt_cuda_lower_dequantize(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_dequantize_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->in[0].shape);
    const void *scale, *zero;
    nnrt_cuda_dequantize_args args = {.y = nnrt_cuda_output(low, 0), .dtype = ctx->in[0].dtype};
    if (count == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "dequantize", "elements", count));
    NNC_TRY(nnrt_cuda_input(&args.x, low, 0));
    NNC_TRY(nnrt_cuda_input(&scale, low, 1));
    NNC_TRY(nnrt_cuda_input(&zero, low, 2));
    args.scale = scale;
    args.zero = zero;
    axis_dividers(&args.inner, &args.channels, &ctx->in[0].shape, p->axis);
    if (args.dtype == NNRT_U8 && p->axis < 0)
        return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_dequantize_u8, shares(count, 4), &args,
                                      sizeof args);
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_dequantize_any, count, &args, sizeof args);
}

nnc_status nnrt_cuda_lower_quantize_axis(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_quantize_axis_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->in[0].shape);
    const void *x, *scale, *zero;
    nnrt_cuda_quantize_axis_args args = {
        .y = nnrt_cuda_output(low, 0), .dtype = p->dtype, .qmin = p->qmin, .qmax = p->qmax};
    if (count == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "quantize_axis", "elements", count));
    NNC_TRY(nnrt_cuda_input(&x, low, 0));
    NNC_TRY(nnrt_cuda_input(&scale, low, 1));
    NNC_TRY(nnrt_cuda_input(&zero, low, 2));
    args.x = x;
    args.scale = scale;
    args.zero = zero;
    axis_dividers(&args.inner, &args.channels, &ctx->in[0].shape, p->axis);
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_quantize_axis, count, &args, sizeof args);
}

nnc_status nnrt_cuda_lower_lut_u8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const size_t count = nnrt_shape_count(&ctx->in[0].shape);
    const bool bytes = ctx->in[1].dtype == NNRT_U8;
    const nnrt_cuda_kernel kernel = bytes ? NNRT_CUDA_K_lut_u8 : NNRT_CUDA_K_lut_f32;
    const void *x;
    nnrt_cuda_lut_args args = {.y = nnrt_cuda_output(low, 0)};
    uint32_t blocks;
    if (count == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "lut_u8", "elements", count));
    NNC_TRY(nnrt_cuda_input(&x, low, 0));
    NNC_TRY(nnrt_cuda_input(&args.table, low, 1));
    args.x = x;
    blocks = (uint32_t)shares(shares(count, bytes ? 16 : 4), nnrt_cuda_threads(kernel));
    return nnrt_cuda_emit_blocks(low, ctx, kernel, blocks, bytes ? 256 : 256 * sizeof(float), &args,
                                 sizeof args);
}

/* The broadcast of inputs 0 and 1 into output 0, in groups of 4 where the innermost dim is a
 * multiple and `wide` is set. */
static nnc_status walk_of(nnrt_cuda_walk *out, const nnrt_node_ctx *ctx, const char *op, bool wide)
{
    nnrt_walk w;
    nnrt_walk_init(&w, &ctx->out[0].shape, ctx->in, 2);
    const uint32_t last = w.rank - 1;
    *out = (nnrt_cuda_walk){.rank = w.rank,
                            .wide = wide && w.dims[last] % 4 == 0 ? 4 : 1,
                            .step_a = (uint32_t)w.stride[0][last],
                            .step_b = (uint32_t)w.stride[1][last]};
    NNC_TRY(nnrt_cuda_fit(&out->count, ctx, op, "elements", w.count));
    for (uint32_t i = 0; i < w.rank; i++) {
        const uint32_t each = i == last ? out->wide : 1;
        out->dim[i] = nnrt_cuda_divider_make((uint32_t)w.dims[i] / each);
        out->stride_a[i] = (uint32_t)w.stride[0][i] * each;
        out->stride_b[i] = (uint32_t)w.stride[1][i] * each;
    }
    return NNC_OK;
}

/* Equal shapes go in words of 16, unless that leaves the device too few threads and words of 4 fit.
 */
static bool flat(const nnrt_cuda_walk *w, const nnrt_cuda_lowering *low)
{
    return w->rank == 1 && w->step_a == 1 && w->step_b == 1 &&
           (w->wide == 1 || nnrt_cuda_fills(low, w->count / 16));
}

nnc_status nnrt_cuda_lower_add_q8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_add_q8_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->out[0].shape);
    nnrt_cuda_add_args args = {.y = nnrt_cuda_output(low, 0), .p = *p};
    const void *a, *b;
    if (count == 0)
        return NNC_OK;
    NNC_TRY(walk_of(&args.walk, ctx, "add_q8", true));
    NNC_TRY(nnrt_cuda_input(&a, low, 0));
    NNC_TRY(nnrt_cuda_input(&b, low, 1));
    args.a = a;
    args.b = b;
    if (flat(&args.walk, low))
        return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_add_q8, shares(count, 16), &args,
                                      sizeof args);
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_add_q8_walk, count / args.walk.wide, &args,
                                  sizeof args);
}

nnc_status nnrt_cuda_lower_mul_q8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_mul_q8_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->out[0].shape);
    nnrt_cuda_mul_args args = {.y = nnrt_cuda_output(low, 0), .p = *p};
    const void *a, *b;
    if (count == 0)
        return NNC_OK;
    NNC_TRY(walk_of(&args.walk, ctx, "mul_q8", true));
    NNC_TRY(nnrt_cuda_input(&a, low, 0));
    NNC_TRY(nnrt_cuda_input(&b, low, 1));
    args.a = a;
    args.b = b;
    if (flat(&args.walk, low))
        return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_mul_q8, shares(count, 16), &args,
                                      sizeof args);
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_mul_q8_walk, count / args.walk.wide, &args,
                                  sizeof args);
}

static bool costly_unary(uint32_t op)
{
    switch (op) {
    case NNRT_UNARY_EXP:
    case NNRT_UNARY_LOG:
    case NNRT_UNARY_SIN:
    case NNRT_UNARY_COS:
    case NNRT_UNARY_TANH:
    case NNRT_UNARY_SIGMOID:
    case NNRT_UNARY_ERF:
    case NNRT_UNARY_ELU:
    case NNRT_UNARY_SELU:
    case NNRT_UNARY_CELU:
    case NNRT_UNARY_SOFTPLUS:
    case NNRT_UNARY_GELU:
    case NNRT_UNARY_GELU_TANH:
    case NNRT_UNARY_SILU:
    case NNRT_UNARY_MISH:
        return true;
    default:
        return false;
    }
}

nnc_status nnrt_cuda_lower_unary(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_unary_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->in[0].shape);
    const void *x;
    nnrt_cuda_unary_args args = {.y = nnrt_cuda_output(low, 0), .p = *p};
    if (ctx->in[0].dtype != NNRT_F32 || ctx->out[0].dtype != NNRT_F32 || p->op >= NNRT_UNARY_NOT)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: unary '%s': function %u of %s has no kernel",
                 ctx->name, p->op, nnrt_dtype_name(ctx->in[0].dtype));
    if (count == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "unary", "elements", count));
    NNC_TRY(nnrt_cuda_input(&x, low, 0));
    args.x = x;
    if (costly_unary(p->op))
        return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_unary_f32_costly, count, &args,
                                      sizeof args);
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_unary_f32, shares(count, 4), &args,
                                  sizeof args);
}

nnc_status nnrt_cuda_lower_binary(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_binary_params *p = ctx->params;
    const size_t count = nnrt_shape_count(&ctx->out[0].shape);
    const bool costly =
        p->op == NNRT_BINARY_POW || p->op == NNRT_BINARY_MOD || p->op == NNRT_BINARY_FMOD;
    const void *a, *b;
    nnrt_cuda_binary_args args = {.y = nnrt_cuda_output(low, 0), .p = *p};
    if (ctx->in[0].dtype != NNRT_F32 || ctx->out[0].dtype != NNRT_F32)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: binary '%s': function %u of %s has no kernel",
                 ctx->name, p->op, nnrt_dtype_name(ctx->in[0].dtype));
    if (count == 0)
        return NNC_OK;
    NNC_TRY(walk_of(&args.walk, ctx, "binary", !costly));
    NNC_TRY(nnrt_cuda_input(&a, low, 0));
    NNC_TRY(nnrt_cuda_input(&b, low, 1));
    args.a = a;
    args.b = b;
    return nnrt_cuda_emit_threads(low, ctx,
                                  costly ? NNRT_CUDA_K_binary_f32_costly : NNRT_CUDA_K_binary_f32,
                                  count / args.walk.wide, &args, sizeof args);
}

nnc_status nnrt_cuda_lower_cast(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_dtype from = ctx->in[0].dtype, to = ctx->out[0].dtype;
    const size_t count = nnrt_shape_count(&ctx->in[0].shape);
    nnrt_cuda_half_args args = {.y = nnrt_cuda_output(low, 0)};
    const bool widen = from == NNRT_F16 && to == NNRT_F32,
               narrow = from == NNRT_F32 && to == NNRT_F16;
    if (from != to && !widen && !narrow)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: cast '%s': %s to %s has no kernel", ctx->name,
                 nnrt_dtype_name(from), nnrt_dtype_name(to));
    if (count == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_input(&args.x, low, 0));
    if (from == to) {
        nnrt_strided s;
        nnrt_strided_init(&s, nnrt_dtype_bytes(from));
        nnrt_strided_dim(&s, count, 1, 1);
        nnrt_strided_finish(&s);
        return nnrt_cuda_emit_copy(low, ctx, "cast", args.y, args.x, &s);
    }
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "cast", "elements", count));
    return nnrt_cuda_emit_threads(low, ctx,
                                  widen ? NNRT_CUDA_K_cast_f16_f32 : NNRT_CUDA_K_cast_f32_f16,
                                  count, &args, sizeof args);
}
