/* binary: arithmetic, comparison and logic of two arguments. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/scalar_f64.h"
#include "runtime_int8/ops/scalar_int.h"
#include "runtime_int8/ops/util.h"

#define TILE 32768u

typedef struct binary_state {
    nnrt_walk walk;
    nnrt_k_binary_f32_fn *f32;
} binary_state;

static bool comparison(uint32_t op)
{
    return op >= NNRT_BINARY_EQUAL && op <= NNRT_BINARY_GREATER_EQUAL;
}

static bool logic(uint32_t op)
{
    return op == NNRT_BINARY_AND || op == NNRT_BINARY_OR || op == NNRT_BINARY_XOR;
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_binary_params *p = ctx->params;
    if (p->op >= NNRT_BINARY_COUNT)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': binary function %u of %u", ctx->name, p->op,
                 NNRT_BINARY_COUNT);
    uint32_t set = NNRT_SET_FLOAT | NNRT_SET_INTEGER;
    if (p->op == NNRT_BINARY_EQUAL)
        set |= NNRT_SET(NNRT_BOOL);
    if (p->op >= NNRT_BINARY_BIT_AND)
        set = NNRT_SET_INTEGER;
    if (logic(p->op))
        set = NNRT_SET(NNRT_BOOL);
    NNC_TRY(nnrt_check_dtype(ctx, 0, set));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(ctx->in[0].dtype)));
    return nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_binary_params *p = ctx->params;
    nnrt_shape shape;
    NNC_TRY(nnrt_broadcast(&shape, ctx, &ctx->in[0].shape, &ctx->in[1].shape));
    nnrt_set_output(ctx, comparison(p->op) ? NNRT_BOOL : ctx->in[0].dtype, &shape);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(binary_state)));
    binary_state *state = ctx->state;
    nnrt_walk_init(&state->walk, &shape, ctx->in, 2);
    if (nnrt_wide_of(ctx->in[0].dtype) == NNRT_WIDE_F32 && !comparison(p->op)) {
        const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_binary_f32, ctx->isa);
        state->f32 = (nnrt_k_binary_f32_fn *)kernel->fn;
        ctx->kernel = kernel->name;
    }
    return NNC_OK;
}

static bool double_compare(uint32_t op, double a, double b)
{
    switch (op) {
    case NNRT_BINARY_EQUAL:
        return a == b;
    case NNRT_BINARY_LESS:
        return a < b;
    case NNRT_BINARY_LESS_EQUAL:
        return a <= b;
    case NNRT_BINARY_GREATER:
        return a > b;
    default: /* NNRT_BINARY_GREATER_EQUAL */
        return a >= b;
    }
}

static void compare_doubles(uint8_t *y, uint32_t op, const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = double_compare(op, a[i], b[i]);
}

static void double_chunk(const nnrt_node_ctx *ctx, size_t y, size_t n, const size_t offset[2], const size_t step[2])
{
    const nnrt_binary_params *p = ctx->params;
    double a[NNRT_CHUNK], b[NNRT_CHUNK];
    nnrt_load_doubles(a, ctx->in[0].data, ctx->in[0].dtype, offset[0], step[0], n);
    nnrt_load_doubles(b, ctx->in[1].data, ctx->in[1].dtype, offset[1], step[1], n);
    if (comparison(p->op)) {
        compare_doubles((uint8_t *)ctx->out[0].data + y, p->op, a, b, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ((double *)ctx->out[0].data)[y + i] = nnrt_binary_f64(p, a[i], b[i]);
}

static void half_chunk(const nnrt_node_ctx *ctx, size_t y, size_t n, const size_t offset[2], const size_t step[2])
{
    const binary_state *state = ctx->state;
    float a[NNRT_CHUNK], b[NNRT_CHUNK];
    nnrt_load_floats(a, ctx->in[0].data, ctx->in[0].dtype, offset[0], step[0], n);
    nnrt_load_floats(b, ctx->in[1].data, ctx->in[1].dtype, offset[1], step[1], n);
    state->f32(a, a, 1, b, 1, n, ctx->params);
    nnrt_store_floats(ctx->out[0].data, ctx->out[0].dtype, y, a, n);
}

static void integer_chunk(const nnrt_node_ctx *ctx, size_t y, size_t n, const size_t offset[2], const size_t step[2])
{
    const nnrt_binary_params *p = ctx->params;
    nnrt_dtype dtype = ctx->in[0].dtype;
    int64_t a[NNRT_CHUNK], b[NNRT_CHUNK];
    nnrt_load_ints(a, ctx->in[0].data, dtype, offset[0], step[0], n);
    nnrt_load_ints(b, ctx->in[1].data, dtype, offset[1], step[1], n);
    for (size_t i = 0; i < n; i++)
        a[i] = nnrt_binary_int(p->op, dtype, a[i], b[i]);
    nnrt_store_ints(ctx->out[0].data, ctx->out[0].dtype, y, a, n);
}

static void run_span(void *user, size_t y, size_t n, const size_t offset[3], const size_t step[3])
{
    const nnrt_node_ctx *ctx = user;
    const binary_state *state = ctx->state;
    const nnrt_binary_params *p = ctx->params;
    if (ctx->in[0].dtype == NNRT_F32 && state->f32 != NULL) {
        state->f32((float *)ctx->out[0].data + y, (const float *)ctx->in[0].data + offset[0],
                   step[0], (const float *)ctx->in[1].data + offset[1], step[1], n, p);
        return;
    }
    for (size_t done = 0; done < n; done += NNRT_CHUNK) {
        size_t m = n - done < NNRT_CHUNK ? n - done : NNRT_CHUNK;
        const size_t at[2] = {offset[0] + done * step[0], offset[1] + done * step[1]};
        if (nnrt_wide_of(ctx->in[0].dtype) == NNRT_WIDE_INT)
            integer_chunk(ctx, y + done, m, at, step);
        else if (state->f32 != NULL)
            half_chunk(ctx, y + done, m, at, step);
        else
            double_chunk(ctx, y + done, m, at, step);
    }
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const binary_state *state = ctx->state;
    nnrt_walk_range(&state->walk, begin, n, run_span, user);
}

static void run(const nnrt_node_ctx *ctx)
{
    const binary_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx, state->walk.count, TILE);
}

const nnrt_rop nnrt_rop_binary = {
    .name = "binary",
    .params_bytes = sizeof(nnrt_binary_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE | NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
