/* maxpool, avgpool_f32, avgpool_q8 over channels-last windows. SPDX-License-Identifier: Apache-2.0
 * A task is some output rows; for each pixel the kernel gets the taps inside the input. */
#include <math.h>
#include <string.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"

#define TASK_WORK 65536u /* taps times channels of one task */

typedef struct pool_state {
    nnrt_window_dims dims;
    nnrt_kernel_fn *fn;
    bool include_pad;
    size_t taps;     /* of a whole window */
    size_t row_tile; /* output rows per task */
    size_t split;    /* channels per task when there is one pixel per image */
    size_t splits;
} pool_state;

/* Rows per task for about TASK_WORK; global windows are cut by channels instead. */
static void cut(pool_state *state)
{
    const nnrt_window_dims *d = &state->dims;
    size_t pixel = state->taps * (size_t)d->c;
    size_t row = pixel * (size_t)d->ow;
    state->row_tile = row == 0 || row >= TASK_WORK ? 1 : TASK_WORK / row;
    state->split = (size_t)d->c;
    if (d->oh * d->ow == 1 && pixel > TASK_WORK) {
        size_t split = TASK_WORK / (state->taps == 0 ? 1 : state->taps) & ~(size_t)63;
        state->split = split < 64 ? 64 : split;
    }
    state->splits = state->split == 0 ? 0 : ((size_t)d->c + state->split - 1) / state->split;
}

static nnc_status plan(nnrt_node_ctx *ctx, const nnrt_window *window, bool global,
                       nnrt_contract contract, nnrt_dtype out)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_window w = *window;
    if (global) {
        if (x->rank != 3 && x->rank != 4)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': global pooling of rank %u, expected 3 or 4", ctx->name,
                     x->rank);
        w = nnrt_window_whole(x);
        if (w.kernel[0] == 0 || w.kernel[1] == 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': global pooling of an empty image", ctx->name);
    }
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(pool_state)));
    pool_state *state = ctx->state;
    NNC_TRY(nnrt_window_resolve(&state->dims, ctx, &w, x));
    nnrt_shape y = nnrt_window_shape(&state->dims, &w, state->dims.c);
    nnrt_set_output(ctx, out, &y);
    const nnrt_kernel *kernel = nnrt_kernel_find(contract, ctx->isa);
    state->fn = kernel->fn;
    ctx->kernel = kernel->name;
    state->taps = (size_t)state->dims.r * (size_t)state->dims.s;
    cut(state);
    return NNC_OK;
}

/* Division by a dilation, which is nearly always 1: this runs for every pixel. */
static int64_t divide_up(int64_t n, int32_t dilation)
{
    return dilation == 1 ? n : (n + dilation - 1) / dilation;
}

/* Taps [first, end) of one dim that fall inside [0, in). */
static void valid_taps(int64_t start, int32_t taps, int32_t dilation, int64_t in, int64_t *first,
                       int64_t *end)
{
    *first = start < 0 ? divide_up(-start, dilation) : 0;
    *end = in > start ? divide_up(in - start, dilation) : 0;
    if (*end > taps)
        *end = taps;
    if (*first > *end)
        *first = *end;
}

typedef struct pixel_window {
    int64_t h0, w0;         /* input position of tap 0 */
    int64_t r0, r1, s0, s1; /* valid taps */
    size_t padded;          /* taps inside the padded input: the divisor that counts padding */
} pixel_window;

static pixel_window window_at(const nnrt_window_dims *d, int64_t oh, int64_t ow)
{
    pixel_window p = {.h0 = oh * d->sh - d->top, .w0 = ow * d->sw - d->left};
    valid_taps(p.h0, d->r, d->dh, d->h, &p.r0, &p.r1);
    valid_taps(p.w0, d->s, d->dw, d->w, &p.s0, &p.s1);
    int64_t a, rows, b, cols;
    valid_taps(p.h0 + d->top, d->r, d->dh, d->h + d->top + d->bottom, &a, &rows);
    valid_taps(p.w0 + d->left, d->s, d->dw, d->w + d->left + d->right, &b, &cols);
    p.padded = (size_t)(rows - a) * (size_t)(cols - b);
    return p;
}

/* One output pixel, channels [c, c + channels); y, x in elements. */
typedef void pixel_fn(const nnrt_node_ctx *ctx, size_t y, size_t x, const nnrt_k_taps *taps,
                      size_t padded, size_t channels);

static void run_rows(const nnrt_node_ctx *ctx, size_t task, pixel_fn *pixel)
{
    const pool_state *state = ctx->state;
    const nnrt_window_dims *d = &state->dims;
    size_t c = task % state->splits * state->split;
    size_t channels = (size_t)d->c - c < state->split ? (size_t)d->c - c : state->split;
    size_t row = task / state->splits * state->row_tile;
    size_t rows = (size_t)(d->n * d->oh);
    for (size_t end = row + state->row_tile; row < end && row < rows; row++) {
        int64_t oh = (int64_t)(row % (size_t)d->oh);
        size_t image = row / (size_t)d->oh * (size_t)(d->h * d->w * d->c);
        for (int64_t ow = 0; ow < d->ow; ow++) {
            pixel_window p = window_at(d, oh, ow);
            nnrt_k_taps taps = {.rows = (size_t)(p.r1 - p.r0),
                                .cols = (size_t)(p.s1 - p.s0),
                                .row_stride = (size_t)(d->dh * d->w * d->c),
                                .col_stride = (size_t)(d->dw * d->c)};
            int64_t first = ((p.h0 + p.r0 * d->dh) * d->w + p.w0 + p.s0 * d->dw) * d->c;
            size_t x = taps.rows == 0 || taps.cols == 0 ? 0 : image + (size_t)first + c;
            size_t y = (row * (size_t)d->ow + (size_t)ow) * (size_t)d->c + c;
            pixel(ctx, y, x, &taps, p.padded, channels);
        }
    }
}

static size_t task_count(const pool_state *state)
{
    size_t rows = (size_t)(state->dims.n * state->dims.oh);
    return (rows + state->row_tile - 1) / state->row_tile * state->splits;
}

static nnc_status maxpool_check(const nnrt_node_ctx *ctx)
{
    const nnrt_maxpool_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_U8)));
    return nnrt_window_check(ctx, &p->window);
}

static nnc_status maxpool_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_maxpool_params *p = ctx->params;
    nnrt_dtype dtype = ctx->in[0].dtype;
    return plan(ctx, &p->window, false, dtype == NNRT_U8 ? NNRT_K_maxpool_u8 : NNRT_K_maxpool_f32,
                dtype);
}

/* A window that lies in the padding alone gives the least value. */
static void maxpool_pixel(const nnrt_node_ctx *ctx, size_t y, size_t x, const nnrt_k_taps *taps,
                          size_t padded, size_t channels)
{
    const pool_state *state = ctx->state;
    bool empty = taps->rows == 0 || taps->cols == 0;
    (void)padded;
    if (ctx->in[0].dtype == NNRT_U8) {
        uint8_t *out = (uint8_t *)ctx->out[0].data + y;
        if (empty)
            memset(out, 0, channels);
        else
            ((nnrt_k_maxpool_u8_fn *)state->fn)(out, (const uint8_t *)ctx->in[0].data + x, taps,
                                                channels);
        return;
    }
    float *out = (float *)ctx->out[0].data + y;
    for (size_t c = 0; empty && c < channels; c++)
        out[c] = -INFINITY;
    if (!empty)
        ((nnrt_k_maxpool_f32_fn *)state->fn)(out, (const float *)ctx->in[0].data + x, taps,
                                             channels);
}

static void maxpool_task(void *user, size_t task)
{
    run_rows(user, task, maxpool_pixel);
}

static void maxpool_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel(ctx->pool, maxpool_task, (void *)(uintptr_t)ctx, task_count(ctx->state));
}

const nnrt_rop nnrt_rop_maxpool = {
    .name = "maxpool",
    .params_bytes = sizeof(nnrt_maxpool_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = maxpool_check,
    .reshape = maxpool_reshape,
    .run = maxpool_run,
};

static nnc_status avgpool_check(const nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    if (p->global > 1 || p->count_include_pad > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': global %u, count_include_pad %u, expected 0 or 1", ctx->name,
                 p->global, p->count_include_pad);
    return p->global ? NNC_OK : nnrt_window_check(ctx, &p->window);
}

static nnc_status avgpool_f32_check(const nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_clamp(ctx, p->lo, p->hi));
    return avgpool_check(ctx);
}

static nnc_status avgpool_f32_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    return plan(ctx, &p->window, p->global, NNRT_K_avgpool_f32, NNRT_F32);
}

/* Elements the sum is divided by; an empty window counts 1. */
static size_t divisor(const nnrt_avgpool_params *p, const nnrt_k_taps *taps, size_t padded)
{
    size_t n = p->count_include_pad ? padded : taps->rows * taps->cols;
    return n == 0 ? 1 : n;
}

static void avgpool_f32_pixel(const nnrt_node_ctx *ctx, size_t y, size_t x, const nnrt_k_taps *taps,
                              size_t padded, size_t channels)
{
    const pool_state *state = ctx->state;
    const nnrt_avgpool_params *p = ctx->params;
    ((nnrt_k_avgpool_f32_fn *)state->fn)((float *)ctx->out[0].data + y,
                                         (const float *)ctx->in[0].data + x, taps, channels,
                                         (float)divisor(p, taps, padded), p->lo, p->hi);
}

static void avgpool_f32_task(void *user, size_t task)
{
    run_rows(user, task, avgpool_f32_pixel);
}

static void avgpool_f32_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel(ctx->pool, avgpool_f32_task, (void *)(uintptr_t)ctx, task_count(ctx->state));
}

const nnrt_rop nnrt_rop_avgpool_f32 = {
    .name = "avgpool_f32",
    .params_bytes = sizeof(nnrt_avgpool_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = avgpool_f32_check,
    .reshape = avgpool_f32_reshape,
    .run = avgpool_f32_run,
};

static nnc_status avgpool_q8_check(const nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_U8)));
    if (p->zx < 0 || p->zx > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d, expected 0..255", ctx->name, p->zx);
    NNC_TRY(nnrt_check_scale(ctx, p->sx));
    NNC_TRY(nnrt_check_scale(ctx, p->sy));
    NNC_TRY(nnrt_check_grid(ctx, p->lo, p->hi, p->zy));
    return avgpool_check(ctx);
}

static nnc_status avgpool_q8_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_avgpool_params *p = ctx->params;
    NNC_TRY(plan(ctx, &p->window, p->global, NNRT_K_avgpool_q8, NNRT_U8));
    const pool_state *state = ctx->state;
    if (state->taps > INT32_MAX / 255)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': integer mean of %zu elements, at most %d", ctx->name,
                 state->taps, INT32_MAX / 255);
    return NNC_OK;
}

static void avgpool_q8_pixel(const nnrt_node_ctx *ctx, size_t y, size_t x, const nnrt_k_taps *taps,
                             size_t padded, size_t channels)
{
    const pool_state *state = ctx->state;
    const nnrt_avgpool_params *p = ctx->params;
    const nnrt_k_avgpool_q8_args args = {.zx = p->zx,
                                         .zy = p->zy,
                                         .m = p->sx / (p->sy * (float)divisor(p, taps, padded)),
                                         .lo = p->lo,
                                         .hi = p->hi};
    ((nnrt_k_avgpool_q8_fn *)state->fn)((uint8_t *)ctx->out[0].data + y,
                                        (const uint8_t *)ctx->in[0].data + x, taps, channels,
                                        &args);
}

static void avgpool_q8_task(void *user, size_t task)
{
    run_rows(user, task, avgpool_q8_pixel);
}

static void avgpool_q8_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel(ctx->pool, avgpool_q8_task, (void *)(uintptr_t)ctx, task_count(ctx->state));
}

const nnrt_rop nnrt_rop_avgpool_q8 = {
    .name = "avgpool_q8",
    .params_bytes = sizeof(nnrt_avgpool_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = avgpool_q8_check,
    .reshape = avgpool_q8_reshape,
    .run = avgpool_q8_run,
};
