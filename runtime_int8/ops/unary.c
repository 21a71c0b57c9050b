/* unary: functions of one argument. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/scalar_f64.h"
#include "runtime_int8/ops/util.h"

/* Elements of one task: tens of microseconds for the costly functions. */
#define TILE 16384u

static bool integer_op(uint32_t op)
{
    return op == NNRT_UNARY_ABS || op == NNRT_UNARY_NEG || op == NNRT_UNARY_SIGN || op == NNRT_UNARY_CLIP ||
           op == NNRT_UNARY_RELU || op == NNRT_UNARY_SHRINK;
}

static bool predicate(uint32_t op)
{
    return op == NNRT_UNARY_IS_NAN || op == NNRT_UNARY_IS_INF || op == NNRT_UNARY_IS_NEG_INF ||
           op == NNRT_UNARY_IS_POS_INF;
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_unary_params *p = ctx->params;
    uint32_t set = NNRT_SET_FLOAT;
    if (p->op >= NNRT_UNARY_COUNT)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': unary function %u of %u", ctx->name, p->op,
                 NNRT_UNARY_COUNT);
    if (integer_op(p->op))
        set |= NNRT_SET_INTEGER;
    if (predicate(p->op))
        set |= NNRT_SET_FLOAT8;
    if (p->op == NNRT_UNARY_BIT_NOT)
        set = NNRT_SET_INTEGER;
    if (p->op == NNRT_UNARY_NOT)
        set = NNRT_SET(NNRT_BOOL);
    return nnrt_check_dtype(ctx, 0, set);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_unary_params *p = ctx->params;
    nnrt_set_output_like(ctx, 0);
    if (predicate(p->op)) {
        ctx->out[0].dtype = NNRT_BOOL;
    } else if (nnrt_wide_of(ctx->in[0].dtype) == NNRT_WIDE_F32) {
        const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_unary_f32, ctx->isa);
        ctx->impl = kernel;
        ctx->kernel = kernel->name;
    }
    return NNC_OK;
}

/* Integer bound of CLIP: the float's value, saturated. */
static int64_t clip_bound(float v, int64_t least, int64_t most)
{
    if (!(v > (float)least))
        return least;
    return v >= (float)most ? most : (int64_t)v;
}

static int64_t shrink(const nnrt_unary_params *p, int64_t x)
{
    double v = (double)x, lambda = (double)p->a, bias = (double)p->b;
    return (int64_t)(v < -lambda ? v + bias : (v > lambda ? v - bias : 0.0));
}

static int64_t integer_one(const nnrt_unary_params *p, int64_t x, int64_t lo, int64_t hi)
{
    switch (p->op) {
    case NNRT_UNARY_ABS:
        return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    case NNRT_UNARY_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case NNRT_UNARY_SIGN:
        return (x > 0) - (x < 0);
    case NNRT_UNARY_RELU:
        return x < 0 ? 0 : x;
    case NNRT_UNARY_BIT_NOT:
        return ~x;
    case NNRT_UNARY_SHRINK:
        return shrink(p, x);
    default: /* NNRT_UNARY_CLIP */
        x = x < lo ? lo : x;
        return x > hi ? hi : x;
    }
}

/* What differs on 64 bits without a sign. */
static int64_t unsigned_one(const nnrt_unary_params *p, int64_t x)
{
    switch (p->op) {
    case NNRT_UNARY_ABS:
    case NNRT_UNARY_RELU:
        return x;
    case NNRT_UNARY_SIGN:
        return x != 0;
    case NNRT_UNARY_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case NNRT_UNARY_BIT_NOT:
        return ~x;
    default: { /* CLIP, SHRINK: by way of the real number */
        double v = (double)(uint64_t)x, a = (double)p->a, b = (double)p->b;
        if (p->op == NNRT_UNARY_SHRINK)
            return nnrt_double_to_int(v > a ? v - b : (v < -a ? v + b : 0.0), NNRT_U64);
        return v < a ? nnrt_double_to_int(a, NNRT_U64) : (v > b ? nnrt_double_to_int(b, NNRT_U64) : x);
    }
    }
}

static void run_integers(const nnrt_node_ctx *ctx, size_t at, size_t n)
{
    const nnrt_unary_params *p = ctx->params;
    nnrt_dtype dtype = ctx->in[0].dtype;
    int64_t v[NNRT_CHUNK], lo = 0, hi = 0;
    if (dtype != NNRT_U64) {
        lo = clip_bound(p->a, nnrt_int_min(dtype), nnrt_int_max(dtype));
        hi = clip_bound(p->b, nnrt_int_min(dtype), nnrt_int_max(dtype));
    }
    nnrt_load_ints(v, ctx->in[0].data, dtype, at, 1, n);
    for (size_t i = 0; i < n; i++)
        v[i] = dtype == NNRT_U64 ? unsigned_one(p, v[i]) : integer_one(p, v[i], lo, hi);
    nnrt_store_ints(ctx->out[0].data, dtype, at, v, n);
}

static bool is_special(uint32_t op, double x)
{
    switch (op) {
    case NNRT_UNARY_IS_NAN:
        return x != x;
    case NNRT_UNARY_IS_INF:
        return fabs(x) == (double)INFINITY;
    case NNRT_UNARY_IS_NEG_INF:
        return x == -(double)INFINITY;
    default: /* NNRT_UNARY_IS_POS_INF */
        return x == (double)INFINITY;
    }
}

static void run_bools(const nnrt_node_ctx *ctx, size_t at, size_t n)
{
    const nnrt_unary_params *p = ctx->params;
    uint8_t *y = (uint8_t *)ctx->out[0].data + at;
    double x[NNRT_CHUNK];
    if (p->op == NNRT_UNARY_NOT) {
        const uint8_t *b = (const uint8_t *)ctx->in[0].data + at;
        for (size_t i = 0; i < n; i++)
            y[i] = b[i] == 0;
        return;
    }
    nnrt_load_doubles(x, ctx->in[0].data, ctx->in[0].dtype, at, 1, n);
    for (size_t i = 0; i < n; i++)
        y[i] = is_special(p->op, x[i]);
}

static void run_doubles(const nnrt_node_ctx *ctx, size_t at, size_t n)
{
    const double *x = (const double *)ctx->in[0].data + at;
    double *y = (double *)ctx->out[0].data + at;
    for (size_t i = 0; i < n; i++)
        y[i] = nnrt_unary_f64(ctx->params, x[i]);
}

static void run_halves(const nnrt_node_ctx *ctx, size_t at, size_t n)
{
    float v[NNRT_CHUNK];
    const nnrt_kernel *kernel = ctx->impl;
    nnrt_k_unary_f32_fn *fn = (nnrt_k_unary_f32_fn *)kernel->fn;
    nnrt_load_floats(v, ctx->in[0].data, ctx->in[0].dtype, at, 1, n);
    fn(v, v, n, ctx->params);
    nnrt_store_floats(ctx->out[0].data, ctx->out[0].dtype, at, v, n);
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    nnrt_wide wide = nnrt_wide_of(ctx->in[0].dtype);
    if (ctx->impl != NULL && ctx->in[0].dtype == NNRT_F32) {
        const nnrt_kernel *kernel = ctx->impl;
        nnrt_k_unary_f32_fn *fn = (nnrt_k_unary_f32_fn *)kernel->fn;
        fn((float *)ctx->out[0].data + begin, (const float *)ctx->in[0].data + begin, n,
           ctx->params);
        return;
    }
    for (size_t at = begin; at < begin + n; at += NNRT_CHUNK) {
        size_t m = begin + n - at < NNRT_CHUNK ? begin + n - at : NNRT_CHUNK;
        if (ctx->out[0].dtype == NNRT_BOOL)
            run_bools(ctx, at, m);
        else if (wide == NNRT_WIDE_INT)
            run_integers(ctx, at, m);
        else if (wide == NNRT_WIDE_F64)
            run_doubles(ctx, at, m);
        else
            run_halves(ctx, at, m);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_unary = {
    .name = "unary",
    .params_bytes = sizeof(nnrt_unary_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE | NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
