/* binary: arithmetic, comparison and logic of two arguments. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
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
    uint32_t set = NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64);
    if (p->op == NNRT_BINARY_EQUAL)
        set |= NNRT_SET(NNRT_BOOL);
    if (p->op == NNRT_BINARY_PRELU)
        set = NNRT_SET(NNRT_F32);
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
    if (ctx->in[0].dtype == NNRT_F32 && !comparison(p->op)) {
        const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_binary_f32, ctx->isa);
        state->f32 = (nnrt_k_binary_f32_fn *)kernel->fn;
        ctx->kernel = kernel->name;
    }
    return NNC_OK;
}

static int64_t integer_pow(int64_t a, int64_t b)
{
    if (b < 0)
        return a == 1 ? 1 : (a == -1 ? (b % 2 == 0 ? 1 : -1) : 0);
    uint64_t y = 1, base = (uint64_t)a;
    for (; b != 0; b >>= 1) {
        if (b & 1)
            y *= base;
        base *= base;
    }
    return (int64_t)y;
}

/* Division by zero gives 0; the one overflowing division wraps. */
static int64_t integer_div(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t integer_fmod(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

static int64_t integer_one(uint32_t op, int64_t a, int64_t b)
{
    int64_t r;
    switch (op) {
    case NNRT_BINARY_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case NNRT_BINARY_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case NNRT_BINARY_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case NNRT_BINARY_DIV:
        return integer_div(a, b);
    case NNRT_BINARY_POW:
        return integer_pow(a, b);
    case NNRT_BINARY_MIN:
        return a < b ? a : b;
    case NNRT_BINARY_MAX:
        return a > b ? a : b;
    case NNRT_BINARY_MOD:
        r = integer_fmod(a, b);
        return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    case NNRT_BINARY_FMOD:
        return integer_fmod(a, b);
    case NNRT_BINARY_EQUAL:
        return a == b;
    case NNRT_BINARY_LESS:
        return a < b;
    case NNRT_BINARY_LESS_EQUAL:
        return a <= b;
    case NNRT_BINARY_GREATER:
        return a > b;
    case NNRT_BINARY_GREATER_EQUAL:
        return a >= b;
    case NNRT_BINARY_AND:
        return a != 0 && b != 0;
    case NNRT_BINARY_OR:
        return a != 0 || b != 0;
    default: /* NNRT_BINARY_XOR */
        return (a != 0) != (b != 0);
    }
}

static bool float_compare(uint32_t op, float a, float b)
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

static int64_t load_integer(const nnrt_tensor *t, size_t i)
{
    if (t->dtype == NNRT_I64)
        return ((const int64_t *)t->data)[i];
    if (t->dtype == NNRT_I32)
        return ((const int32_t *)t->data)[i];
    return ((const uint8_t *)t->data)[i] != 0;
}

static void store_integer(const nnrt_tensor *t, size_t i, int64_t v)
{
    if (t->dtype == NNRT_I64)
        ((int64_t *)t->data)[i] = v;
    else if (t->dtype == NNRT_I32)
        ((int32_t *)t->data)[i] = (int32_t)(uint32_t)(uint64_t)v;
    else
        ((uint8_t *)t->data)[i] = v != 0;
}

static void run_span(void *user, size_t y, size_t n, const size_t offset[3], const size_t step[3])
{
    const nnrt_node_ctx *ctx = user;
    const binary_state *state = ctx->state;
    const nnrt_binary_params *p = ctx->params;
    if (state->f32 != NULL) {
        state->f32((float *)ctx->out[0].data + y, (const float *)ctx->in[0].data + offset[0],
                   step[0], (const float *)ctx->in[1].data + offset[1], step[1], n, p);
    } else if (ctx->in[0].dtype == NNRT_F32) {
        const float *a = (const float *)ctx->in[0].data + offset[0];
        const float *b = (const float *)ctx->in[1].data + offset[1];
        uint8_t *out = (uint8_t *)ctx->out[0].data + y;
        for (size_t i = 0; i < n; i++)
            out[i] = float_compare(p->op, a[i * step[0]], b[i * step[1]]);
    } else {
        for (size_t i = 0; i < n; i++)
            store_integer(&ctx->out[0], y + i,
                          integer_one(p->op, load_integer(&ctx->in[0], offset[0] + i * step[0]),
                                      load_integer(&ctx->in[1], offset[1] + i * step[1])));
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
