/* dynamic_quantize: u8 integers on the grid of their own range. SPDX-License-Identifier: Apache-2.0
 * The extremes do not depend on how the tensor is cut, so threads may find them in parts. */
#include <math.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TILE 32768u

typedef struct dynamic_state {
    nnrt_k_quantize_u8_fn *quantize;
    nnrt_k_reduce_f32_fn *reduce;
} dynamic_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    return nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32));
}

static size_t part_count(size_t count)
{
    return (count + TILE - 1) / TILE;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_quantize_u8, ctx->isa);
    const nnrt_shape *x = &ctx->in[0].shape;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(dynamic_state)));
    dynamic_state *state = ctx->state;
    state->quantize = (nnrt_k_quantize_u8_fn *)kernel->fn;
    state->reduce = (nnrt_k_reduce_f32_fn *)nnrt_kernel_find(NNRT_K_reduce_f32, ctx->isa)->fn;
    ctx->kernel = kernel->name;
    ctx->scratch_bytes = part_count(nnrt_shape_count(x)) * 2 * sizeof(float);
    nnrt_set_output(ctx, NNRT_U8, x);
    ctx->out[1].dtype = NNRT_F32;
    ctx->out[1].shape = (nnrt_shape){.rank = 0};
    ctx->out[2].dtype = NNRT_U8;
    ctx->out[2].shape = (nnrt_shape){.rank = 0};
    return NNC_OK;
}

/* The session's node with what all tiles of a run share. */
static void extremes(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const dynamic_state *state = ctx->state;
    const float *x = (const float *)ctx->in[0].data + begin;
    float *to = (float *)ctx->scratch + begin / TILE * 2;
    state->reduce(&to[0], x, n, 1, 1, NNRT_REDUCE_MIN);
    state->reduce(&to[1], x, n, 1, 1, NNRT_REDUCE_MAX);
    if (isnan(to[0]) || isnan(to[1])) {
        to[0] = to[1] = 0.0f;
        for (size_t i = 0; i < n; i++) {
            to[0] = x[i] < to[0] ? x[i] : to[0];
            to[1] = x[i] > to[1] ? x[i] : to[1];
        }
    }
}

static void quantize_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const dynamic_state *state = ctx->state;
    float scale = *(const float *)ctx->out[1].data;
    int32_t zero = *(const uint8_t *)ctx->out[2].data;
    state->quantize((uint8_t *)ctx->out[0].data + begin, (const float *)ctx->in[0].data + begin, n,
                    scale, (float)-zero, (float)(255 - zero), zero);
}

static void run(const nnrt_node_ctx *ctx)
{
    size_t count = nnrt_shape_count(&ctx->in[0].shape);
    const float *part = ctx->scratch;
    float lo = 0.0f, hi = 0.0f;
    nnrt_parallel_tiles(ctx->pool, extremes, (void *)(uintptr_t)ctx, count, TILE);
    for (size_t i = 0; i < part_count(count); i++) {
        lo = part[2 * i] < lo ? part[2 * i] : lo;
        hi = part[2 * i + 1] > hi ? part[2 * i + 1] : hi;
    }
    float scale = (hi - lo) / 255.0f;
    /* No range, one too small for a normal step, or infinite. */
    if (!(scale >= 1.17549435e-38f) || isinf(scale))
        scale = 1.0f;
    float zero = -lo / scale;
    zero = zero < 255.0f ? zero : 255.0f;
    *(float *)ctx->out[1].data = scale;
    *(uint8_t *)ctx->out[2].data = (uint8_t)lrintf(zero > 0.0f ? zero : 0.0f);
    nnrt_parallel_tiles(ctx->pool, quantize_tile, (void *)(uintptr_t)ctx, count, TILE);
}

const nnrt_rop nnrt_rop_dynamic_quantize = {
    .name = "dynamic_quantize",
    .min_in = 1,
    .max_in = 1,
    .out_count = 3,
    .check = check,
    .reshape = reshape,
    .run = run,
};
