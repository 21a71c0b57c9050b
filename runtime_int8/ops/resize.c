/* resize: nearest, linear and cubic interpolation of channels-last images. SPDX-License-Identifier:
 * Apache-2.0 Each output row and column has its source positions and weights in a table, made at
 * reshape. y = sum over rows, in order, of weight * (sum over columns, in order, of weight * x):
 * products and sums, each rounded. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/resize_taps.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 16384u /* elements times taps per task */
#define TAPS 4u
#define LANES 256u /* channels of bytes that are blended together */

typedef struct resize_tap {
    int32_t at[TAPS];
    float weight[TAPS];
} resize_tap;

typedef struct resize_state {
    int64_t n, h, w, c, oh, ow;
    uint32_t taps;
    size_t row_tile;
    resize_tap tap[]; /* oh rows, then ow columns */
} resize_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_I64)));
    if (p->mode >= NNRT_RESIZE_MODES || p->coordinate >= NNRT_RESIZE_TF_CROP ||
        p->nearest >= NNRT_RESIZE_ROUNDINGS || p->exclude_outside > 1 || !isfinite(p->cubic_a))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u, coordinates %u, rounding %u", ctx->name, p->mode,
                 p->coordinate, p->nearest);
    if (ctx->in[0].shape.rank != 3 && ctx->in[0].shape.rank != 4)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, expected 3 or 4", ctx->name, ctx->in[0].shape.rank);
    return NNC_OK;
}

static void cubic_tap(resize_tap *tap, const nnrt_resize_params *p, double x, int64_t n)
{
    double base = floor(x), sum = 0.0, weight[TAPS];
    for (unsigned k = 0; k < TAPS; k++) {
        double at = base - 1.0 + k;
        weight[k] = nnrt_resize_cubic((double)p->cubic_a, fabs(x - at));
        if (p->exclude_outside && (at < 0.0 || at > (double)(n - 1)))
            weight[k] = 0.0;
        sum += weight[k];
        tap->at[k] = nnrt_resize_bounded(at, n);
    }
    for (unsigned k = 0; k < TAPS; k++)
        tap->weight[k] = (float)(p->exclude_outside && sum != 0.0 ? weight[k] / sum : weight[k]);
}

static void make_taps(resize_tap *tap, const nnrt_resize_params *p, const nnrt_resize_axis *axis)
{
    int64_t in = axis->in;
    for (int64_t i = 0; i < axis->out; i++) {
        double x = nnrt_resize_source(p->coordinate, axis, i);
        memset(&tap[i], 0, sizeof tap[i]);
        if (p->mode == NNRT_RESIZE_NEAREST) {
            tap[i].at[0] = nnrt_resize_nearest(p->nearest, x, in);
            tap[i].weight[0] = 1.0f;
        } else if (p->mode == NNRT_RESIZE_CUBIC) {
            cubic_tap(&tap[i], p, x, in);
        } else {
            double c = x < 0.0 ? 0.0 : (x > (double)(in - 1) ? (double)(in - 1) : x);
            tap[i].at[0] = nnrt_resize_bounded(floor(c), in);
            tap[i].at[1] = nnrt_resize_bounded(floor(c) + 1.0, in);
            tap[i].weight[1] = (float)(c - floor(c));
            tap[i].weight[0] = 1.0f - tap[i].weight[1];
        }
    }
}

static nnc_status output_dim(const nnrt_node_ctx *ctx, uint32_t i, int64_t in,
                             nnrt_resize_axis *axis)
{
    const nnrt_tensor *t = &ctx->in[1];
    axis->in = in;
    if (t->dtype == NNRT_I64) {
        axis->out = ((const int64_t *)t->data)[i];
        axis->length = (double)axis->out;
        axis->scale = axis->length / (double)in;
    } else {
        axis->scale = (double)((const float *)t->data)[i];
        axis->length = (double)((float)in * ((const float *)t->data)[i]);
        double size = floor(axis->length);
        axis->out = size >= 0.0 && size <= (double)INT32_MAX ? (int64_t)size : -1;
    }
    if (in < 1 || axis->out < 1 || axis->out > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of %lld resized to %lld (scale %g)", ctx->name, i,
                 (long long)in, (long long)axis->out, axis->scale);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_resize_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    uint32_t spatial = x->rank - 2;
    nnrt_resize_axis h = {.in = 1, .out = 1, .scale = 1.0, .length = 1.0}, w = h;
    NNC_TRY(nnrt_check_count(ctx, 1, spatial));
    if (spatial == 2)
        NNC_TRY(output_dim(ctx, 0, x->dims[1], &h));
    NNC_TRY(output_dim(ctx, spatial - 1, x->dims[spatial], &w));
    nnrt_shape y = *x;
    y.dims[spatial] = w.out;
    if (spatial == 2)
        y.dims[1] = h.out;
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    size_t taps = (size_t)h.out + (size_t)w.out;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(resize_state) + taps * sizeof(resize_tap)));
    resize_state *state = ctx->state;
    state->n = x->dims[0];
    state->h = h.in;
    state->w = w.in;
    state->c = x->dims[spatial + 1];
    state->oh = h.out;
    state->ow = w.out;
    state->taps = p->mode == NNRT_RESIZE_NEAREST ? 1 : (p->mode == NNRT_RESIZE_LINEAR ? 2 : 4);
    size_t row = (size_t)(w.out * state->c) * state->taps * state->taps;
    state->row_tile = row >= TASK_WORK ? 1 : 1 + TASK_WORK / (row + 1);
    make_taps(state->tap, p, &h);
    make_taps(state->tap + h.out, p, &w);
    return NNC_OK;
}

/* One output pixel: its 1, 4 or 16 source pixels, the vertical and the horizontal weights. */
typedef struct pixel {
    const void *x[TAPS][TAPS];
    const float *v, *u;
} pixel;

/* y[c] = sum over r of v[r] * (sum over s of u[s] * x[r][s][c]). */
#define BLEND(NAME, TYPE, N)                                                                       \
    static void NAME(float *restrict y, const pixel *p, size_t channels)                           \
    {                                                                                              \
        for (size_t c = 0; c < channels; c++) {                                                    \
            float sum = 0.0f;                                                                      \
            for (uint32_t r = 0; r < (N); r++) {                                                   \
                float line = 0.0f;                                                                 \
                for (uint32_t s = 0; s < (N); s++)                                                 \
                    line += p->u[s] * (float)((const TYPE *)p->x[r][s])[c];                        \
                sum += p->v[r] * line;                                                             \
            }                                                                                      \
            y[c] = sum;                                                                            \
        }                                                                                          \
    }
BLEND(cubic_f32, float, 4)
BLEND(cubic_u8, uint8_t, 4)
BLEND(linear_u8, uint8_t, 2)

/* As BLEND would have it, laid out for the compiler's vectorizer. */
static void linear_f32(float *restrict y, const pixel *p, size_t channels)
{
    const float *x00 = p->x[0][0], *x01 = p->x[0][1], *x10 = p->x[1][0], *x11 = p->x[1][1];
    float u0 = p->u[0], u1 = p->u[1], v0 = p->v[0], v1 = p->v[1];
    for (size_t c = 0; c < channels; c++)
        y[c] = v0 * (u0 * x00[c] + u1 * x01[c]) + v1 * (u0 * x10[c] + u1 * x11[c]);
}

static void round_u8(uint8_t *y, const float *x, size_t n)
{
    for (size_t c = 0; c < n; c++) {
        float f = x[c] < 255.0f ? x[c] : 255.0f;
        y[c] = (uint8_t)lrintf(f > 0.0f ? f : 0.0f);
    }
}

static void run_pixel(const nnrt_node_ctx *ctx, const pixel *p, size_t at, size_t channels)
{
    const resize_state *state = ctx->state;
    if (ctx->in[0].dtype == NNRT_F32) {
        float *y = (float *)ctx->out[0].data + at;
        (state->taps == 2 ? linear_f32 : cubic_f32)(y, p, channels);
        return;
    }
    pixel part = *p;
    float sum[LANES];
    for (size_t c = 0; c < channels; c += LANES) {
        size_t n = channels - c < LANES ? channels - c : LANES;
        for (uint32_t k = 0; k < state->taps * state->taps; k++)
            part.x[k / state->taps][k % state->taps] =
                (const uint8_t *)p->x[k / state->taps][k % state->taps] + c;
        (state->taps == 2 ? linear_u8 : cubic_u8)(sum, &part, n);
        round_u8((uint8_t *)ctx->out[0].data + at + c, sum, n);
    }
}

static void run_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const resize_state *state = ctx->state;
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), channels = (size_t)state->c;
    const uint8_t *x = ctx->in[0].data;
    for (size_t i = begin; i < begin + count; i++) {
        const resize_tap *v = &state->tap[i % (size_t)state->oh];
        size_t image = i / (size_t)state->oh * (size_t)state->h, row[TAPS];
        for (uint32_t r = 0; r < TAPS; r++)
            row[r] = (image + (size_t)v->at[r]) * (size_t)state->w;
        for (size_t ow = 0; ow < (size_t)state->ow; ow++) {
            const resize_tap *u = &state->tap[(size_t)state->oh + ow];
            size_t at = (i * (size_t)state->ow + ow) * channels;
            pixel p = {.v = v->weight, .u = u->weight};
            for (uint32_t k = 0; k < state->taps * state->taps; k++)
                p.x[k / state->taps][k % state->taps] =
                    x + (row[k / state->taps] + (size_t)u->at[k % state->taps]) * channels * size;
            if (state->taps == 1)
                memcpy((uint8_t *)ctx->out[0].data + at * size, p.x[0][0], channels * size);
            else
                run_pixel(ctx, &p, at, channels);
        }
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const resize_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, run_rows, (void *)(uintptr_t)ctx, (size_t)(state->n * state->oh),
                        state->row_tile);
}

const nnrt_rop nnrt_rop_resize = {
    .name = "resize",
    .params_bytes = sizeof(nnrt_resize_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .check = check,
    .reshape = reshape,
    .run = run,
};
