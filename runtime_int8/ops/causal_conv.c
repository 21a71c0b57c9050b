/* causal_conv: depthwise convolution along a sequence whose past is carried.
 * SPDX-License-Identifier: Apache-2.0 Sums are a chain from the bias on, taps ascending; float32
 * fused, float64 not. */
#include <string.h>

#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 65536u

typedef struct causal_state {
    size_t rows, channels, length, taps; /* rows: batch * channels */
    size_t row_tile;
} causal_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_causal_conv_params *p = ctx->params;
    if (p->has_bias > 1 || p->has_past > 1 || ctx->in_count != 2 + p->has_bias + p->has_past)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with bias %u and past %u", ctx->name,
                 ctx->in_count, p->has_bias, p->has_past);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64)));
    for (uint32_t i = 1; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(ctx->in[0].dtype)));
    NNC_TRY(nnrt_check_rank(ctx, 0, 3));
    return nnrt_check_rank(ctx, 1, 3);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_causal_conv_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *w = &ctx->in[1].shape;
    char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
    if (w->dims[0] != x->dims[1] || w->dims[1] != 1 || w->dims[2] < 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %s and weight %s", ctx->name, nnrt_shape_text(a, x),
                 nnrt_shape_text(b, w));
    const nnrt_shape past = {.rank = 3, .dims = {x->dims[0], x->dims[1], w->dims[2] - 1}};
    const nnrt_tensor *given = p->has_past ? &ctx->in[2 + p->has_bias] : NULL;
    if (given && !nnrt_shape_same(&given->shape, &past))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': past state %s, expected %s", ctx->name,
                 nnrt_shape_text(a, &given->shape), nnrt_shape_text(b, &past));
    if (p->has_bias)
        NNC_TRY(nnrt_check_count(ctx, 2, (size_t)x->dims[1]));
    NNC_TRY(nnrt_check_shape(ctx, &past, ctx->in[0].dtype));
    nnrt_set_output_like(ctx, 0);
    ctx->out[1].dtype = ctx->in[0].dtype;
    ctx->out[1].shape = past;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(causal_state)));
    causal_state *s = ctx->state;
    s->channels = (size_t)x->dims[1];
    s->rows = (size_t)x->dims[0] * s->channels;
    s->length = (size_t)x->dims[2];
    s->taps = (size_t)w->dims[2];
    s->row_tile = 1 + TASK_WORK / (1 + s->length * s->taps);
    ctx->macs = (uint64_t)s->rows * s->length * s->taps;
    return NNC_OK;
}

/* One row: tap t of output i reads element i + t of the past (taps - 1 elements, or zeros) followed
 * by x. */
#define CAUSAL_ROW(T, JOIN)                                                                        \
    static void row_##T(const nnrt_node_ctx *ctx, size_t row)                                      \
    {                                                                                              \
        const nnrt_causal_conv_params *p = ctx->params;                                            \
        const causal_state *s = ctx->state;                                                        \
        const size_t c = row % s->channels, before = s->taps - 1;                                  \
        const T *x = (const T *)ctx->in[0].data + row * s->length;                                 \
        const T *w = (const T *)ctx->in[1].data + c * s->taps;                                     \
        const T *past =                                                                            \
            p->has_past ? (const T *)ctx->in[2 + p->has_bias].data + row * before : NULL;          \
        T *y = (T *)ctx->out[0].data + row * s->length;                                            \
        T *next = (T *)ctx->out[1].data + row * before;                                            \
        const T bias = p->has_bias ? ((const T *)ctx->in[2].data)[c] : 0;                          \
        for (size_t i = 0; i < s->length; i++)                                                     \
            y[i] = bias;                                                                           \
        for (size_t t = 0; t < s->taps; t++) {                                                     \
            const size_t old = before - t < s->length ? before - t : s->length;                    \
            for (size_t i = 0; i < old; i++)                                                       \
                y[i] = JOIN(y[i], past ? past[i + t] : 0, w[t]);                                   \
            for (size_t i = old; i < s->length; i++)                                               \
                y[i] = JOIN(y[i], x[i + t - before], w[t]);                                        \
        }                                                                                          \
        for (size_t i = 0; i < before; i++) {                                                      \
            const size_t at = s->length + i;                                                       \
            next[i] = at >= before ? x[at - before] : past ? past[at] : 0;                         \
        }                                                                                          \
    }
#define FUSED(v, a, b) NNRT_FMA(a, b, v)
#define PLAIN(v, a, b) ((v) + (a) * (b))
CAUSAL_ROW(float, FUSED)
CAUSAL_ROW(double, PLAIN)

static void tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    for (size_t row = begin; row < begin + count; row++) {
        if (ctx->in[0].dtype == NNRT_F32)
            row_float(ctx, row);
        else
            row_double(ctx, row);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const causal_state *s = ctx->state;
    nnrt_parallel_tiles(ctx->pool, tile, (void *)(uintptr_t)ctx, s->rows, s->row_tile);
}

const nnrt_rop nnrt_rop_causal_conv = {
    .name = "causal_conv",
    .params_bytes = sizeof(nnrt_causal_conv_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 2,
    .check = check,
    .reshape = reshape,
    .run = run,
};
