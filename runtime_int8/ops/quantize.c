/* quantize: float to the u8 grid, optionally from channels-first to channels-last.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TILE 32768u
/* Channels-last tiles: PIXELS of up to GROUP channels are quantized on the stack, then transposed
 * into place. */
#define GROUP 16u
#define PIXELS 512u
#define TASK_ELEMENTS 32768u

typedef struct quantize_state {
    nnrt_k_quantize_u8_fn *quantize;
    nnrt_k_transpose_fn *transpose;
    float lo, hi;
    size_t n, c, pixels; /* channels-last form */
    size_t tile, tiles;  /* pixels per task, tasks per image */
} quantize_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_quantize_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_scale(ctx, p->scale));
    if (p->qmin < 0 || p->qmin > p->qmax || p->qmax > 255 || p->zero_point < 0 ||
        p->zero_point > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': grid %d..%d with zero point %d, expected within 0..255",
                 ctx->name, p->qmin, p->qmax, p->zero_point);
    if (p->nchw_to_nhwc > 1 ||
        (p->nchw_to_nhwc && (ctx->in[0].shape.rank < 3 || ctx->in[0].shape.rank > 5)))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': channels-last %u for rank %u, expected rank 3 to 5",
                 ctx->name, p->nchw_to_nhwc, ctx->in[0].shape.rank);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_quantize_params *p = ctx->params;
    nnrt_shape x = ctx->in[0].shape;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_quantize_u8, ctx->isa);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(quantize_state)));
    quantize_state *state = ctx->state;
    state->quantize = (nnrt_k_quantize_u8_fn *)kernel->fn;
    state->transpose = (nnrt_k_transpose_fn *)nnrt_kernel_find(NNRT_K_transpose, ctx->isa)->fn;
    state->lo = (float)(p->qmin - p->zero_point);
    state->hi = (float)(p->qmax - p->zero_point);
    ctx->kernel = kernel->name;
    nnrt_shape y = x;
    if (p->nchw_to_nhwc) {
        state->n = (size_t)x.dims[0];
        state->c = (size_t)x.dims[1];
        state->pixels = nnrt_shape_span(&x, 2, x.rank);
        size_t tile = TASK_ELEMENTS / (state->c == 0 ? 1 : state->c);
        state->tile = tile < PIXELS ? PIXELS : tile / PIXELS * PIXELS;
        state->tiles = (state->pixels + state->tile - 1) / state->tile;
        for (uint32_t i = 1; i + 1 < x.rank; i++)
            y.dims[i] = x.dims[i + 1];
        y.dims[x.rank - 1] = x.dims[1];
    }
    nnrt_set_output(ctx, NNRT_U8, &y);
    return NNC_OK;
}

static void run_flat(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_quantize_params *p = ctx->params;
    const quantize_state *state = ctx->state;
    state->quantize((uint8_t *)ctx->out[0].data + begin, (const float *)ctx->in[0].data + begin, n,
                    p->scale, state->lo, state->hi, p->zero_point);
}

static void run_image_tile(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_quantize_params *p = ctx->params;
    const quantize_state *state = ctx->state;
    uint8_t buffer[GROUP * PIXELS];
    size_t image = task / state->tiles, begin = task % state->tiles * state->tile;
    size_t end = begin + state->tile < state->pixels ? begin + state->tile : state->pixels;
    const float *x = (const float *)ctx->in[0].data + image * state->c * state->pixels;
    uint8_t *y = (uint8_t *)ctx->out[0].data + image * state->c * state->pixels;
    for (size_t at = begin; at < end; at += PIXELS) {
        size_t count = end - at < PIXELS ? end - at : PIXELS;
        for (size_t c = 0; c < state->c; c += GROUP) {
            size_t group = state->c - c < GROUP ? state->c - c : GROUP;
            for (size_t k = 0; k < group; k++)
                state->quantize(buffer + k * PIXELS, x + (c + k) * state->pixels + at, count,
                                p->scale, state->lo, state->hi, p->zero_point);
            state->transpose(y + at * state->c + c, buffer, group, count, PIXELS, state->c, 1);
        }
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_quantize_params *p = ctx->params;
    const quantize_state *state = ctx->state;
    if (p->nchw_to_nhwc)
        nnrt_parallel(ctx->pool, run_image_tile, (void *)(uintptr_t)ctx, state->n * state->tiles);
    else
        nnrt_parallel_tiles(ctx->pool, run_flat, (void *)(uintptr_t)ctx,
                            nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_quantize = {
    .name = "quantize",
    .params_bytes = sizeof(nnrt_quantize_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
