/* unary: functions of one argument. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

/* Elements of one task: tens of microseconds for the costly functions. */
#define TILE 16384u

static bool integer_op(uint32_t op)
{
    return op == NNRT_UNARY_ABS || op == NNRT_UNARY_NEG || op == NNRT_UNARY_SIGN ||
           op == NNRT_UNARY_CLIP || op == NNRT_UNARY_RELU;
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_unary_params *p = ctx->params;
    uint32_t set = NNRT_SET(NNRT_F32);
    if (p->op >= NNRT_UNARY_COUNT)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': unary function %u of %u", ctx->name, p->op,
                 NNRT_UNARY_COUNT);
    if (integer_op(p->op))
        set |= NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64);
    if (p->op == NNRT_UNARY_NOT)
        set = NNRT_SET(NNRT_BOOL);
    return nnrt_check_dtype(ctx, 0, set);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_unary_params *p = ctx->params;
    nnrt_set_output_like(ctx, 0);
    if (p->op == NNRT_UNARY_IS_NAN || p->op == NNRT_UNARY_IS_INF) {
        ctx->out[0].dtype = NNRT_BOOL;
    } else if (ctx->in[0].dtype == NNRT_F32) {
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
    default: /* NNRT_UNARY_CLIP */
        x = x < lo ? lo : x;
        return x > hi ? hi : x;
    }
}

static void run_integers(const nnrt_node_ctx *ctx, size_t begin, size_t n)
{
    const nnrt_unary_params *p = ctx->params;
    if (ctx->in[0].dtype == NNRT_I64) {
        int64_t lo = clip_bound(p->a, INT64_MIN, INT64_MAX);
        int64_t hi = clip_bound(p->b, INT64_MIN, INT64_MAX);
        const int64_t *x = ctx->in[0].data;
        int64_t *y = ctx->out[0].data;
        for (size_t i = begin; i < begin + n; i++)
            y[i] = integer_one(p, x[i], lo, hi);
        return;
    }
    int64_t lo = clip_bound(p->a, INT32_MIN, INT32_MAX);
    int64_t hi = clip_bound(p->b, INT32_MIN, INT32_MAX);
    const int32_t *x = ctx->in[0].data;
    int32_t *y = ctx->out[0].data;
    for (size_t i = begin; i < begin + n; i++)
        y[i] = (int32_t)(uint32_t)(uint64_t)integer_one(p, x[i], lo, hi);
}

static void run_bools(const nnrt_node_ctx *ctx, size_t begin, size_t n)
{
    const nnrt_unary_params *p = ctx->params;
    uint8_t *y = ctx->out[0].data;
    if (p->op == NNRT_UNARY_NOT) {
        const uint8_t *x = ctx->in[0].data;
        for (size_t i = begin; i < begin + n; i++)
            y[i] = x[i] == 0;
        return;
    }
    const float *x = ctx->in[0].data;
    for (size_t i = begin; i < begin + n; i++)
        y[i] = p->op == NNRT_UNARY_IS_NAN ? x[i] != x[i] : fabsf(x[i]) == INFINITY;
}

static void run_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    if (ctx->impl != NULL) {
        const nnrt_kernel *kernel = ctx->impl;
        nnrt_k_unary_f32_fn *fn = (nnrt_k_unary_f32_fn *)kernel->fn;
        fn((float *)ctx->out[0].data + begin, (const float *)ctx->in[0].data + begin, n,
           ctx->params);
    } else if (ctx->out[0].dtype == NNRT_BOOL) {
        run_bools(ctx, begin, n);
    } else {
        run_integers(ctx, begin, n);
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
