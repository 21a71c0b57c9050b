/* where: chooses between two tensors, with broadcasting. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/util.h"

#define TILE 32768u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_BOOL)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET_ANY));
    return nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[1].dtype));
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    nnrt_shape shape;
    NNC_TRY(nnrt_broadcast(&shape, ctx, &ctx->in[1].shape, &ctx->in[2].shape));
    NNC_TRY(nnrt_broadcast(&shape, ctx, &shape, &ctx->in[0].shape));
    nnrt_set_output(ctx, ctx->in[1].dtype, &shape);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_walk)));
    nnrt_walk_init(ctx->state, &shape, ctx->in, 3);
    return NNC_OK;
}

#define CHOOSE(TYPE, NAME)                                                                         \
    static void NAME(TYPE *y, const uint8_t *c, const TYPE *a, const TYPE *b, size_t n,            \
                     const size_t step[3])                                                         \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = c[i * step[0]] ? a[i * step[1]] : b[i * step[2]];                               \
    }
CHOOSE(uint8_t, choose_8)
CHOOSE(uint16_t, choose_16)
CHOOSE(uint32_t, choose_32)
CHOOSE(uint64_t, choose_64)

static void run_span(void *user, size_t y, size_t n, const size_t offset[3], const size_t step[3])
{
    const nnrt_node_ctx *ctx = user;
    const uint8_t *c = (const uint8_t *)ctx->in[0].data + offset[0];
    size_t size = nnrt_dtype_bytes(ctx->out[0].dtype);
    void *out = (uint8_t *)ctx->out[0].data + y * size;
    const void *a = (const uint8_t *)ctx->in[1].data + offset[1] * size;
    const void *b = (const uint8_t *)ctx->in[2].data + offset[2] * size;
    if (size == 1)
        choose_8(out, c, a, b, n, step);
    else if (size == 2)
        choose_16(out, c, a, b, n, step);
    else if (size == 4)
        choose_32(out, c, a, b, n, step);
    else
        choose_64(out, c, a, b, n, step);
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    nnrt_walk_range(ctx->state, begin, n, run_span, user);
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        ((const nnrt_walk *)ctx->state)->count, TILE);
}

const nnrt_rop nnrt_rop_where = {
    .name = "where",
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
