/* Lowering of depthwise convolutions and pooling. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"

/* Output columns of a thread: LONG reuses more of what it loads, SHORT gives more threads. */
#define STRIP_LONG 4u
#define STRIP_SHORT 2u
/* Sizes and padding together: positions and distances then fit 32 bits. */
#define EXTENT_MAX (1 << 30)
/* Taps from which several threads share an output of avgpool_q8. */
#define SHARED_TAPS 32

static bool fits(int64_t in, int32_t begin, int32_t end)
{
    return in + begin + end <= EXTENT_MAX;
}

/* Strips of `columns` output pixels. */
static size_t pixels(const nnrt_window_dims *d, uint32_t columns)
{
    return (size_t)d->n * (size_t)d->oh * (((size_t)d->ow + columns - 1) / columns);
}

/* Threads of `channels` channels and `columns` output columns each; the output is not empty. */
static nnc_status cut(nnrt_cuda_window *w, const nnrt_node_ctx *ctx, const char *op,
                      const nnrt_window_dims *d, uint32_t channels, uint32_t columns)
{
    if (!fits(d->h, d->top, d->bottom) || !fits(d->w, d->left, d->right))
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "CUDA: %s '%s': image of %lld x %lld, at most %d with padding", op, ctx->name,
                 (long long)d->h, (long long)d->w, EXTENT_MAX);
    const size_t groups = ((size_t)d->c + channels - 1) / channels;
    const size_t strips = ((size_t)d->ow + columns - 1) / columns;
    NNC_TRY(nnrt_cuda_fit(&w->count, ctx, op, "threads", pixels(d, columns) * groups));
    w->groups = nnrt_cuda_divider_make((uint32_t)groups);
    w->strips = nnrt_cuda_divider_make((uint32_t)strips);
    w->rows = nnrt_cuda_divider_make((uint32_t)d->oh);
    w->h = (int32_t)d->h;
    w->w = (int32_t)d->w;
    w->c = (int32_t)d->c;
    w->oh = (int32_t)d->oh;
    w->ow = (int32_t)d->ow;
    w->r = d->r;
    w->s = d->s;
    w->sh = d->sh;
    w->sw = d->sw;
    w->dh = d->dh;
    w->dw = d->dw;
    w->top = d->top;
    w->left = d->left;
    w->bottom = d->bottom;
    w->right = d->right;
    return NNC_OK;
}

typedef struct dwconv_form {
    nnrt_cuda_kernel kernel;
    uint32_t columns;
} dwconv_form;

/* The special kernels are for squares of 3 or 5 taps, column stride 1 or 2, neighbouring taps. */
static dwconv_form choose_dwconv(const nnrt_window_dims *d, const nnrt_cuda_lowering *low)
{
    const dwconv_form any = {NNRT_CUDA_K_dwconv_any, 1};
    const bool words = d->c % 4 == 0;
    if (d->r != d->s || d->dw != 1 || d->sw > 2)
        return any;
    if (d->r == 5 && words)
        return d->sw == 1 ? (dwconv_form){NNRT_CUDA_K_dwconv_5x5_s1, STRIP_LONG}
                          : (dwconv_form){NNRT_CUDA_K_dwconv_5x5_s2, STRIP_SHORT};
    if (d->r != 3)
        return any;
    if (!words)
        return (dwconv_form){d->sw == 1 ? NNRT_CUDA_K_dwconv_3x3_s1_bytes
                                        : NNRT_CUDA_K_dwconv_3x3_s2_bytes,
                             STRIP_LONG};
    if (!nnrt_cuda_fills(low, pixels(d, STRIP_LONG) * ((size_t)d->c / 4)))
        return (dwconv_form){d->sw == 1 ? NNRT_CUDA_K_dwconv_3x3_s1_short
                                        : NNRT_CUDA_K_dwconv_3x3_s2_short,
                             STRIP_SHORT};
    return (dwconv_form){d->sw == 1 ? NNRT_CUDA_K_dwconv_3x3_s1 : NNRT_CUDA_K_dwconv_3x3_s2,
                         STRIP_LONG};
}

nnc_status nnrt_cuda_lower_dwconv_q8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    nnrt_window_dims d;
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    const dwconv_form form = choose_dwconv(&d, low);
    nnrt_cuda_dwconv_args args = {.y = nnrt_cuda_output(low, 0), .epilogue = p->epilogue};
    const void *in[5] = {NULL};
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_cuda_input(&in[i], low, i));
    args.x = in[0];
    args.w = in[1];
    args.acc0 = in[2];
    args.mult = in[3];
    args.residual = in[4];
    NNC_TRY(cut(&args.window, ctx, "dwconv_q8", &d, 4, form.columns));
    return nnrt_cuda_emit_threads(low, ctx, form.kernel, args.window.count, &args, sizeof args);
}

nnc_status nnrt_cuda_lower_maxpool(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_maxpool_params *p = ctx->params;
    nnrt_window_dims d;
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    nnrt_cuda_maxpool_args args = {.y = nnrt_cuda_output(low, 0)};
    NNC_TRY(nnrt_cuda_input(&args.x, low, 0));
    nnrt_cuda_kernel kernel;
    uint32_t channels;
    if (ctx->in[0].dtype == NNRT_U8) {
        const bool wide = d.c % 16 == 0 && nnrt_cuda_fills(low, pixels(&d, 1) * ((size_t)d.c / 16));
        channels = wide ? 16 : 4;
        kernel = wide           ? NNRT_CUDA_K_maxpool_u8_16
                 : d.c % 4 == 0 ? NNRT_CUDA_K_maxpool_u8_words
                                : NNRT_CUDA_K_maxpool_u8_bytes;
    } else {
        channels = d.c % 4 == 0 ? 4 : 1;
        kernel = d.c % 4 == 0 ? NNRT_CUDA_K_maxpool_f32_4 : NNRT_CUDA_K_maxpool_f32_1;
    }
    NNC_TRY(cut(&args.window, ctx, "maxpool", &d, channels, 1));
    return nnrt_cuda_emit_threads(low, ctx, kernel, args.window.count, &args, sizeof args);
}

static nnc_status pool_dims(nnrt_window_dims *d, const nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const nnrt_window window = p->global ? nnrt_window_whole(x) : p->window;
    return nnrt_window_resolve(d, ctx, &window, x);
}

static nnc_status pool_args(nnrt_cuda_avgpool_args *args, nnrt_cuda_lowering *low,
                            const nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    *args = (nnrt_cuda_avgpool_args){.y = nnrt_cuda_output(low, 0),
                                     .include_pad = p->count_include_pad,
                                     .zx = p->zx,
                                     .zy = p->zy,
                                     .sx = p->sx,
                                     .sy = p->sy,
                                     .lo = p->lo,
                                     .hi = p->hi};
    return nnrt_cuda_input(&args->x, low, 0);
}

nnc_status nnrt_cuda_lower_avgpool_q8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    nnrt_window_dims d;
    nnrt_cuda_avgpool_args args;
    NNC_TRY(pool_dims(&d, ctx));
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(pool_args(&args, low, ctx));
    const bool words = d.c % 4 == 0;
    if ((int64_t)d.r * d.s < SHARED_TAPS) {
        NNC_TRY(cut(&args.window, ctx, "avgpool_q8", &d, 4, 1));
        return nnrt_cuda_emit_threads(
            low, ctx, words ? NNRT_CUDA_K_avgpool_q8_words : NNRT_CUDA_K_avgpool_q8_bytes,
            args.window.count, &args, sizeof args);
    }
    const nnrt_cuda_kernel kernel =
        words ? NNRT_CUDA_K_avgpool_q8_block : NNRT_CUDA_K_avgpool_q8_block_bytes;
    /* At most 32 groups side by side: a warp then reads 128 neighbouring bytes. */
    while (args.group_bits < 5 && (4u << args.group_bits) < (uint32_t)d.c)
        args.group_bits++;
    NNC_TRY(cut(&args.window, ctx, "avgpool_q8", &d, 4u << args.group_bits, 1));
    return nnrt_cuda_emit_blocks(low, ctx, kernel, args.window.count,
                                 nnrt_cuda_threads(kernel) * sizeof(uint32_t[4]), &args,
                                 sizeof args);
}

nnc_status nnrt_cuda_lower_avgpool_f32(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    nnrt_window_dims d;
    nnrt_cuda_avgpool_args args;
    NNC_TRY(pool_dims(&d, ctx));
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(pool_args(&args, low, ctx));
    if (p->global) {
        const nnrt_cuda_reduction r = {.outer = (size_t)d.n,
                                       .n = (size_t)(d.h * d.w),
                                       .inner = (size_t)d.c,
                                       .op = NNRT_REDUCE_MEAN,
                                       .lo = p->lo,
                                       .hi = p->hi};
        return nnrt_cuda_emit_reduction(low, ctx, "avgpool_f32", args.y, args.x, &r);
    }
    NNC_TRY(cut(&args.window, ctx, "avgpool_f32", &d, 1, 1));
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_avgpool_f32, args.window.count, &args,
                                  sizeof args);
}
