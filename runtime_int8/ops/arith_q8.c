/* add_q8, mul_q8: elementwise arithmetic on u8 grids with broadcasting. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TILE 65536u

typedef struct arith_state {
    nnrt_walk walk;
    nnrt_kernel_fn *fn;
} arith_state;

static nnc_status check_inputs(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_U8)));
    return nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_U8));
}

static nnc_status check_zero(const nnrt_node_ctx *ctx, int32_t zero)
{
    if (zero < 0 || zero > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d, expected 0..255", ctx->name, zero);
    return NNC_OK;
}

static nnc_status reshape_as(nnrt_node_ctx *ctx, nnrt_contract contract)
{
    nnrt_shape shape;
    NNC_TRY(nnrt_broadcast(&shape, ctx, &ctx->in[0].shape, &ctx->in[1].shape));
    nnrt_set_output(ctx, NNRT_U8, &shape);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(arith_state)));
    arith_state *state = ctx->state;
    nnrt_walk_init(&state->walk, &shape, ctx->in, 2);
    const nnrt_kernel *kernel = nnrt_kernel_find(contract, ctx->isa);
    state->fn = kernel->fn;
    ctx->kernel = kernel->name;
    return NNC_OK;
}

static nnc_status add_check(const nnrt_node_ctx *ctx)
{
    const nnrt_add_q8_params *p = ctx->params;
    NNC_TRY(check_inputs(ctx));
    NNC_TRY(check_zero(ctx, p->za));
    NNC_TRY(check_zero(ctx, p->zb));
    NNC_TRY(nnrt_check_scale(ctx, p->ma));
    NNC_TRY(nnrt_check_scale(ctx, p->mb));
    return nnrt_check_grid(ctx, p->lo, p->hi, p->zy);
}

static nnc_status add_reshape(nnrt_node_ctx *ctx)
{
    return reshape_as(ctx, NNRT_K_add_q8);
}

static void add_span(void *user, size_t y, size_t n, const size_t offset[3], const size_t step[3])
{
    const nnrt_node_ctx *ctx = user;
    const arith_state *state = ctx->state;
    ((nnrt_k_add_q8_fn *)state->fn)(
        (uint8_t *)ctx->out[0].data + y, (const uint8_t *)ctx->in[0].data + offset[0], step[0],
        (const uint8_t *)ctx->in[1].data + offset[1], step[1], n, ctx->params);
}

static void add_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    nnrt_walk_range(&((const arith_state *)ctx->state)->walk, begin, n, add_span, user);
}

static void add_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, add_tile, (void *)(uintptr_t)ctx,
                        ((const arith_state *)ctx->state)->walk.count, TILE);
}

const nnrt_rop nnrt_rop_add_q8 = {
    .name = "add_q8",
    .params_bytes = sizeof(nnrt_add_q8_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE,
    .check = add_check,
    .reshape = add_reshape,
    .run = add_run,
};

static nnc_status mul_check(const nnrt_node_ctx *ctx)
{
    const nnrt_mul_q8_params *p = ctx->params;
    NNC_TRY(check_inputs(ctx));
    NNC_TRY(check_zero(ctx, p->za));
    NNC_TRY(check_zero(ctx, p->zb));
    NNC_TRY(nnrt_check_scale(ctx, p->m));
    return nnrt_check_grid(ctx, p->lo, p->hi, p->zy);
}

static nnc_status mul_reshape(nnrt_node_ctx *ctx)
{
    return reshape_as(ctx, NNRT_K_mul_q8);
}

static void mul_span(void *user, size_t y, size_t n, const size_t offset[3], const size_t step[3])
{
    const nnrt_node_ctx *ctx = user;
    const arith_state *state = ctx->state;
    ((nnrt_k_mul_q8_fn *)state->fn)(
        (uint8_t *)ctx->out[0].data + y, (const uint8_t *)ctx->in[0].data + offset[0], step[0],
        (const uint8_t *)ctx->in[1].data + offset[1], step[1], n, ctx->params);
}

static void mul_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    nnrt_walk_range(&((const arith_state *)ctx->state)->walk, begin, n, mul_span, user);
}

static void mul_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, mul_tile, (void *)(uintptr_t)ctx,
                        ((const arith_state *)ctx->state)->walk.count, TILE);
}

const nnrt_rop nnrt_rop_mul_q8 = {
    .name = "mul_q8",
    .params_bytes = sizeof(nnrt_mul_q8_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE,
    .check = mul_check,
    .reshape = mul_reshape,
    .run = mul_run,
};
