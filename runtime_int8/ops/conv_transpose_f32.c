/* conv_transpose_f32: gathers, for each output pixel, the inputs whose window covers it.
 * SPDX-License-Identifier: Apache-2.0 y = clamp(bias + sum of x*w), an ascending (r, s, c) fmaf
 * chain started at bias. */
#include <math.h>
#include <string.h>

#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"

#define TASK_WORK 32768u /* multiply-adds per task */

typedef struct transpose_state {
    nnrt_window_dims dims; /* h, w: input; oh, ow: output */
    size_t k;              /* output channels per group */
    size_t row_tile;
} transpose_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_f32_params *p = ctx->params;
    NNC_TRY(nnrt_window_check(ctx, &p->window));
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_rank(ctx, 0, p->window.spatial + 2));
    if (p->groups < 1 || p->c_in < 1 || p->c_out < 1 || p->c_in > INT32_MAX ||
        p->c_out > INT32_MAX || p->c_in % p->groups != 0 || p->c_out % p->groups != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u to %u channels in %u groups", ctx->name, p->c_in,
                 p->c_out, p->groups);
    if (p->has_bias > 1 || ctx->in_count != 2 + p->has_bias || p->output_padding[0] > 65535 ||
        p->output_padding[1] > 65535 || (p->window.spatial == 1 && p->output_padding[0] != 0))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with bias %u, output padding %u,%u", ctx->name,
                 ctx->in_count, p->has_bias, p->output_padding[0], p->output_padding[1]);
    return nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi);
}

/* Output size and leading padding of one dim. */
static nnc_status resolve_dim(const nnrt_node_ctx *ctx, unsigned i, int64_t in, int64_t *out,
                              int32_t *begin)
{
    const nnrt_conv_transpose_f32_params *p = ctx->params;
    const nnrt_window *w = &p->window;
    int64_t full = w->stride[i] * (in - 1) + p->output_padding[i] +
                   ((int64_t)w->kernel[i] - 1) * w->dilation[i] + 1;
    *begin = (int32_t)w->pad[i];
    *out = full - w->pad[i] - w->pad[i + 2];
    if (w->auto_pad != 0) {
        *out = in * w->stride[i];
        int64_t total = full - *out;
        *begin = (int32_t)(w->auto_pad == 1 ? total / 2 : total - total / 2);
    }
    if (in < 1 || *out < 1 || *out > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of %lld becomes %lld", ctx->name, i, (long long)in,
                 (long long)*out);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_f32_params *p = ctx->params;
    const nnrt_window *w = &p->window;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_window_dims d = {.n = x->dims[0],
                          .h = 1,
                          .oh = 1,
                          .w = x->dims[x->rank - 2],
                          .c = x->dims[x->rank - 1],
                          .r = (int32_t)w->kernel[0],
                          .s = (int32_t)w->kernel[1],
                          .sh = (int32_t)w->stride[0],
                          .sw = (int32_t)w->stride[1],
                          .dh = (int32_t)w->dilation[0],
                          .dw = (int32_t)w->dilation[1]};
    if (d.c != p->c_in)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)d.c, p->c_in);
    if (w->spatial == 2) {
        d.h = x->dims[1];
        NNC_TRY(resolve_dim(ctx, 0, d.h, &d.oh, &d.top));
    }
    NNC_TRY(resolve_dim(ctx, 1, d.w, &d.ow, &d.left));
    size_t taps = (size_t)d.r * (size_t)d.s, weights = taps, k = p->c_out / p->groups;
    if (__builtin_mul_overflow(weights, (size_t)p->c_in, &weights) ||
        __builtin_mul_overflow(weights, k, &weights))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': weights are too large", ctx->name);
    NNC_TRY(nnrt_check_count(ctx, 1, weights));
    if (p->has_bias)
        NNC_TRY(nnrt_check_count(ctx, 2, p->c_out));
    nnrt_shape y = nnrt_window_shape(&d, w, p->c_out);
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    nnrt_set_output(ctx, NNRT_F32, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(transpose_state)));
    transpose_state *state = ctx->state;
    state->dims = d;
    state->k = k;
    ctx->macs = (uint64_t)(d.n * d.h * d.w) * weights;
    uint64_t rows = (uint64_t)(d.n * d.oh), row = rows == 0 ? 0 : ctx->macs / rows;
    state->row_tile = row >= TASK_WORK ? 1 : (size_t)(1 + TASK_WORK / (row + 1));
    return NNC_OK;
}

/* Tap t of a dim reads input (o + begin - t*dilation) / stride, if that is whole and inside. */
static int64_t tap_source(int64_t o, int32_t begin, int32_t t, int32_t dilation, int32_t stride,
                          int64_t in)
{
    int64_t at = o + begin - (int64_t)t * dilation;
    if (at < 0 || at % stride != 0 || at / stride >= in)
        return -1;
    return at / stride;
}

static void add_tap(float *y, const float *x, const float *w, size_t c, size_t k)
{
    for (size_t i = 0; i < c; i++) {
        const float v = x[i];
        const float *row = w + i * k;
        for (size_t j = 0; j < k; j++)
            y[j] = NNRT_FMA(v, row[j], y[j]);
    }
}

static void run_pixel(const nnrt_node_ctx *ctx, float *y, int64_t image, int64_t oh, int64_t ow)
{
    const nnrt_conv_transpose_f32_params *p = ctx->params;
    const transpose_state *state = ctx->state;
    const nnrt_window_dims *d = &state->dims;
    const float *x = ctx->in[0].data, *w = ctx->in[1].data;
    size_t c = p->c_in / p->groups, k = state->k;
    if (p->has_bias)
        memcpy(y, ctx->in[2].data, p->c_out * sizeof *y);
    else
        memset(y, 0, p->c_out * sizeof *y);
    for (int32_t r = 0; r < d->r; r++) {
        int64_t h = tap_source(oh, d->top, r, d->dh, d->sh, d->h);
        for (int32_t s = 0; h >= 0 && s < d->s; s++) {
            int64_t v = tap_source(ow, d->left, s, d->dw, d->sw, d->w);
            if (v < 0)
                continue;
            const float *px = x + ((image * d->h + h) * d->w + v) * d->c;
            const float *pw = w + ((size_t)r * (size_t)d->s + (size_t)s) * p->c_in * k;
            for (uint32_t g = 0; g < p->groups; g++)
                add_tap(y + g * k, px + g * c, pw + g * c * k, c, k);
        }
    }
    for (uint32_t j = 0; j < p->c_out; j++) {
        float v = y[j] < p->clamp.lo ? p->clamp.lo : y[j];
        y[j] = v > p->clamp.hi ? p->clamp.hi : v;
    }
}

static void run_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_conv_transpose_f32_params *p = ctx->params;
    const transpose_state *state = ctx->state;
    const nnrt_window_dims *d = &state->dims;
    for (size_t row = begin; row < begin + count; row++) {
        float *y = (float *)ctx->out[0].data + row * (size_t)d->ow * p->c_out;
        for (int64_t ow = 0; ow < d->ow; ow++, y += p->c_out)
            run_pixel(ctx, y, (int64_t)row / d->oh, (int64_t)row % d->oh, ow);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const transpose_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, run_rows, (void *)(uintptr_t)ctx,
                        (size_t)(state->dims.n * state->dims.oh), state->row_tile);
}

const nnrt_rop nnrt_rop_conv_transpose_f32 = {
    .name = "conv_transpose_f32",
    .params_bytes = sizeof(nnrt_conv_transpose_f32_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
