/* resize: nearest, linear and cubic interpolation of channels-last images. SPDX-License-Identifier:
 * Apache-2.0 Each output row and column has its source positions and weights in a table, made at
 * reshape. y = sum over rows, in order, of weight * (sum over columns, in order, of weight * x):
 * products and sums, each rounded. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 16384u /* elements times taps per task */
#define TAPS 4u

enum { MODE_NEAREST, MODE_LINEAR, MODE_CUBIC, MODES };
enum {
    HALF_PIXEL,
    ASYMMETRIC,
    ALIGN_CORNERS,
    PYTORCH_HALF_PIXEL,
    TF_HALF_PIXEL_FOR_NN,
    HALF_PIXEL_SYMMETRIC,
    COORDINATES
};
enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL, NEAREST_MODES };

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
    if (p->mode >= MODES || p->coordinate >= COORDINATES || p->nearest >= NEAREST_MODES ||
        p->exclude_outside > 1 || !isfinite(p->cubic_a))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u, coordinates %u, rounding %u", ctx->name, p->mode,
                 p->coordinate, p->nearest);
    if (ctx->in[0].shape.rank != 3 && ctx->in[0].shape.rank != 4)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, expected 3 or 4", ctx->name, ctx->in[0].shape.rank);
    return NNC_OK;
}

/* Source coordinate of output index i (ONNX Resize). */
static double source_of(uint32_t coordinate, double i, double in, double out, double scale)
{
    switch (coordinate) {
    case ASYMMETRIC:
        return i / scale;
    case ALIGN_CORNERS:
        return out == 1.0 ? 0.0 : i * (in - 1.0) / (out - 1.0);
    case PYTORCH_HALF_PIXEL:
        return out > 1.0 ? (i + 0.5) / scale - 0.5 : 0.0;
    case TF_HALF_PIXEL_FOR_NN:
        return (i + 0.5) / scale;
    case HALF_PIXEL_SYMMETRIC: {
        double adjustment = out / (scale * in), center = in / 2.0;
        return center * (1.0 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    default: /* HALF_PIXEL */
        return (i + 0.5) / scale - 0.5;
    }
}

static int32_t bounded(double v, int64_t n)
{
    if (!(v > 0.0))
        return 0;
    return v > (double)(n - 1) ? (int32_t)(n - 1) : (int32_t)v;
}

static int32_t nearest_of(uint32_t mode, double x, int64_t n)
{
    if (mode == PREFER_FLOOR)
        return bounded(ceil(x - 0.5), n);
    if (mode == PREFER_CEIL)
        return bounded(floor(x + 0.5), n);
    return bounded(mode == FLOOR ? floor(x) : ceil(x), n);
}

/* Keys' cubic convolution with parameter a at distance t >= 0. */
static double cubic(double a, double t)
{
    if (t <= 1.0)
        return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    return t < 2.0 ? ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a : 0.0;
}

static void cubic_tap(resize_tap *tap, const nnrt_resize_params *p, double x, int64_t n)
{
    double base = floor(x), sum = 0.0, weight[TAPS];
    for (unsigned k = 0; k < TAPS; k++) {
        double at = base - 1.0 + k;
        weight[k] = cubic((double)p->cubic_a, fabs(x - at));
        if (p->exclude_outside && (at < 0.0 || at > (double)(n - 1)))
            weight[k] = 0.0;
        sum += weight[k];
        tap->at[k] = bounded(at, n);
    }
    for (unsigned k = 0; k < TAPS; k++)
        tap->weight[k] = (float)(p->exclude_outside && sum != 0.0 ? weight[k] / sum : weight[k]);
}

static void make_taps(resize_tap *tap, const nnrt_resize_params *p, int64_t in, int64_t out,
                      double scale)
{
    for (int64_t i = 0; i < out; i++) {
        double x = source_of(p->coordinate, (double)i, (double)in, (double)out, scale);
        memset(&tap[i], 0, sizeof tap[i]);
        if (p->mode == MODE_NEAREST) {
            tap[i].at[0] = nearest_of(p->nearest, x, in);
            tap[i].weight[0] = 1.0f;
        } else if (p->mode == MODE_CUBIC) {
            cubic_tap(&tap[i], p, x, in);
        } else {
            double c = x < 0.0 ? 0.0 : (x > (double)(in - 1) ? (double)(in - 1) : x);
            tap[i].at[0] = bounded(floor(c), in);
            tap[i].at[1] = bounded(floor(c) + 1.0, in);
            tap[i].weight[1] = (float)(c - floor(c));
            tap[i].weight[0] = 1.0f - tap[i].weight[1];
        }
    }
}

static nnc_status output_dim(const nnrt_node_ctx *ctx, uint32_t i, int64_t in, int64_t *out,
                             double *scale)
{
    const nnrt_tensor *t = &ctx->in[1];
    if (t->dtype == NNRT_I64) {
        *out = ((const int64_t *)t->data)[i];
        *scale = (double)*out / (double)in;
    } else {
        *scale = (double)((const float *)t->data)[i];
        double size = floor((double)in * *scale);
        *out = size >= 0.0 && size <= (double)INT32_MAX ? (int64_t)size : -1;
    }
    if (in < 1 || *out < 1 || *out > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of %lld resized to %lld (scale %g)", ctx->name, i,
                 (long long)in, (long long)*out, *scale);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_resize_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    uint32_t spatial = x->rank - 2;
    int64_t h = spatial == 2 ? x->dims[1] : 1, oh = 1, ow;
    double scale_h = 1.0, scale_w;
    NNC_TRY(nnrt_check_count(ctx, 1, spatial));
    if (spatial == 2)
        NNC_TRY(output_dim(ctx, 0, h, &oh, &scale_h));
    NNC_TRY(output_dim(ctx, spatial - 1, x->dims[spatial], &ow, &scale_w));
    nnrt_shape y = *x;
    y.dims[spatial] = ow;
    if (spatial == 2)
        y.dims[1] = oh;
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(resize_state) + (size_t)(oh + ow) * sizeof(resize_tap)));
    resize_state *state = ctx->state;
    state->n = x->dims[0];
    state->h = h;
    state->w = x->dims[spatial];
    state->c = x->dims[spatial + 1];
    state->oh = oh;
    state->ow = ow;
    state->taps = p->mode == MODE_NEAREST ? 1 : (p->mode == MODE_LINEAR ? 2 : 4);
    size_t row = (size_t)(ow * state->c) * state->taps * state->taps;
    state->row_tile = row >= TASK_WORK ? 1 : 1 + TASK_WORK / (row + 1);
    make_taps(state->tap, p, h, oh, scale_h);
    make_taps(state->tap + oh, p, state->w, ow, scale_w);
    return NNC_OK;
}

static float blend(const resize_state *state, const nnrt_tensor *t, const size_t *row,
                   const resize_tap *v, const resize_tap *u, size_t c)
{
    float sum = 0.0f;
    for (uint32_t r = 0; r < state->taps; r++) {
        float line = 0.0f;
        for (uint32_t s = 0; s < state->taps; s++) {
            size_t at = row[r] + (size_t)u->at[s] * (size_t)state->c + c;
            float x = t->dtype == NNRT_F32 ? ((const float *)t->data)[at]
                                           : (float)((const uint8_t *)t->data)[at];
            line += u->weight[s] * x;
        }
        sum += v->weight[r] * line;
    }
    return sum;
}

static void run_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const resize_state *state = ctx->state;
    const nnrt_tensor *x = &ctx->in[0], *y = &ctx->out[0];
    size_t size = nnrt_dtype_bytes(x->dtype), channels = (size_t)state->c;
    for (size_t i = begin; i < begin + count; i++) {
        const resize_tap *v = &state->tap[i % (size_t)state->oh];
        size_t row[TAPS], image = i / (size_t)state->oh * (size_t)state->h;
        for (uint32_t r = 0; r < TAPS; r++)
            row[r] = (image + (size_t)v->at[r]) * (size_t)state->w * channels;
        for (size_t ow = 0; ow < (size_t)state->ow; ow++) {
            const resize_tap *u = &state->tap[(size_t)state->oh + ow];
            size_t at = (i * (size_t)state->ow + ow) * channels;
            if (state->taps == 1) {
                memcpy((uint8_t *)y->data + at * size,
                       (const uint8_t *)x->data + (row[0] + (size_t)u->at[0] * channels) * size,
                       channels * size);
                continue;
            }
            for (size_t c = 0; c < channels; c++) {
                float f = blend(state, x, row, v, u, c);
                if (y->dtype == NNRT_F32) {
                    ((float *)y->data)[at + c] = f;
                } else {
                    f = f < 255.0f ? f : 255.0f;
                    ((uint8_t *)y->data)[at + c] = (uint8_t)lrintf(f > 0.0f ? f : 0.0f);
                }
            }
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
