/* one_hot, hardmax, cumulative: walks along one axis, every element type. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 32768u /* elements per task */

typedef struct axis_state {
    size_t outer, n, inner;
} axis_state;

static nnc_status split_at(nnrt_node_ctx *ctx, const nnrt_shape *shape, uint32_t axis)
{
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(axis_state)));
    axis_state *state = ctx->state;
    state->outer = nnrt_shape_span(shape, 0, axis);
    state->n = (size_t)shape->dims[axis];
    state->inner = nnrt_shape_span(shape, axis + 1, shape->rank);
    return NNC_OK;
}

static void each_line(const nnrt_node_ctx *ctx, void (*fn)(void *user, size_t begin, size_t count))
{
    const axis_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, fn, (void *)(uintptr_t)ctx, state->outer * state->inner,
                        1 + TASK_WORK / (state->n + 1));
}

/* First element of line i. */
static size_t line_start(const axis_state *state, size_t i)
{
    return i / state->inner * state->n * state->inner + i % state->inner;
}

/* ---- one_hot ---- */

static nnc_status one_hot_check(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    uint32_t numbers = NNRT_SET_FLOAT | NNRT_SET_INTEGER;
    NNC_TRY(nnrt_check_dtype(ctx, 0, numbers));
    NNC_TRY(nnrt_check_dtype(ctx, 1, numbers));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET_ANY));
    if (ctx->in[0].shape.rank >= NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': indices have rank %u, at most %d", ctx->name, ctx->in[0].shape.rank,
                 NNRT_RANK_MAX - 1);
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank + 1);
}

static nnc_status one_hot_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape y = {.rank = x->rank + 1};
    double depth;
    NNC_TRY(nnrt_check_count(ctx, 1, 1));
    NNC_TRY(nnrt_check_count(ctx, 2, 2));
    nnrt_load_doubles(&depth, ctx->in[1].data, ctx->in[1].dtype, 0, 1, 1);
    if (!(depth >= 0.0 && depth <= (double)INT32_MAX))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': depth %g", ctx->name, depth);
    for (uint32_t i = 0; i < y.rank; i++)
        y.dims[i] = i < (uint32_t)p->axis ? x->dims[i] : (i == (uint32_t)p->axis ? (int64_t)depth : x->dims[i - 1]);
    nnrt_set_output(ctx, ctx->in[2].dtype, &y);
    return split_at(ctx, &y, (uint32_t)p->axis);
}

static void one_hot_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const axis_state *state = ctx->state;
    size_t size = nnrt_dtype_bytes(ctx->out[0].dtype);
    const uint8_t *values = ctx->in[2].data;
    for (size_t i = begin; i < begin + count; i++) {
        double index;
        uint8_t *y = (uint8_t *)ctx->out[0].data + line_start(state, i) * size;
        nnrt_load_doubles(&index, ctx->in[0].data, ctx->in[0].dtype, i, 1, 1);
        index += index < 0.0 ? (double)state->n : 0.0;
        for (size_t j = 0; j < state->n; j++)
            memcpy(y + j * state->inner * size, values, size);
        if (index >= 0.0 && index < (double)state->n)
            memcpy(y + (size_t)index * state->inner * size, values + size, size);
    }
}

static void one_hot_run(const nnrt_node_ctx *ctx)
{
    each_line(ctx, one_hot_tile);
}

const nnrt_rop nnrt_rop_one_hot = {
    .name = "one_hot",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x2,
    .check = one_hot_check,
    .reshape = one_hot_reshape,
    .run = one_hot_run,
};

/* ---- hardmax ---- */

static nnc_status hardmax_check(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status hardmax_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    nnrt_set_output_like(ctx, 0);
    return split_at(ctx, &ctx->in[0].shape, (uint32_t)p->axis);
}

static void hardmax_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const axis_state *state = ctx->state;
    const nnrt_tensor *x = &ctx->in[0];
    const double one = 1.0, zero = 0.0;
    for (size_t i = begin; i < begin + count; i++) {
        size_t at = line_start(state, i), best = 0;
        double most = 0.0, v;
        for (size_t j = 0; j < state->n; j++) {
            nnrt_load_doubles(&v, x->data, x->dtype, at + j * state->inner, 1, 1);
            if (j == 0 || v > most) {
                most = v;
                best = j;
            }
        }
        for (size_t j = 0; j < state->n; j++)
            nnrt_store_doubles(ctx->out[0].data, x->dtype, at + j * state->inner, j == best ? &one : &zero, 1);
    }
}

static void hardmax_run(const nnrt_node_ctx *ctx)
{
    each_line(ctx, hardmax_tile);
}

const nnrt_rop nnrt_rop_hardmax = {
    .name = "hardmax",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = hardmax_check,
    .reshape = hardmax_reshape,
    .run = hardmax_run,
};

/* ---- cumulative ---- */

static nnc_status cumulative_check(const nnrt_node_ctx *ctx)
{
    const nnrt_cumulative_params *p = ctx->params;
    if (p->product > 1 || p->exclusive > 1 || p->reverse > 1 || p->reserved != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': product %u, exclusive %u, reverse %u, expected 0 or 1", ctx->name, p->product,
                 p->exclusive, p->reverse);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT | NNRT_SET_INTEGER));
    return nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64));
}

static nnc_status cumulative_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    int64_t axis;
    NNC_TRY(nnrt_check_count(ctx, 1, 1));
    nnrt_load_ints(&axis, ctx->in[1].data, ctx->in[1].dtype, 0, 1, 1);
    if (axis < -(int64_t)x->rank || axis >= (int64_t)x->rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %lld of rank %u", ctx->name, (long long)axis, x->rank);
    nnrt_set_output_like(ctx, 0);
    return split_at(ctx, x, (uint32_t)(axis < 0 ? axis + x->rank : axis));
}

/* The running value of one line in the wide form of its type; a half is rounded once per output. */
typedef union running {
    int64_t i;
    float f;
    double d;
} running;

static void step(running *acc, nnrt_wide wide, bool product, const nnrt_tensor *x, size_t at)
{
    running v;
    if (wide == NNRT_WIDE_INT) {
        nnrt_load_ints(&v.i, x->data, x->dtype, at, 1, 1);
        acc->i = (int64_t)(product ? (uint64_t)acc->i * (uint64_t)v.i : (uint64_t)acc->i + (uint64_t)v.i);
    } else if (wide == NNRT_WIDE_F32) {
        nnrt_load_floats(&v.f, x->data, x->dtype, at, 1, 1);
        acc->f = product ? acc->f * v.f : acc->f + v.f;
    } else {
        nnrt_load_doubles(&v.d, x->data, x->dtype, at, 1, 1);
        acc->d = product ? acc->d * v.d : acc->d + v.d;
    }
}

static void put(const nnrt_tensor *y, size_t at, nnrt_wide wide, const running *acc)
{
    if (wide == NNRT_WIDE_INT)
        nnrt_store_ints(y->data, y->dtype, at, &acc->i, 1);
    else if (wide == NNRT_WIDE_F32)
        nnrt_store_floats(y->data, y->dtype, at, &acc->f, 1);
    else
        nnrt_store_doubles(y->data, y->dtype, at, &acc->d, 1);
}

static void cumulative_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_cumulative_params *p = ctx->params;
    const axis_state *state = ctx->state;
    nnrt_wide wide = nnrt_wide_of(ctx->in[0].dtype);
    for (size_t i = begin; i < begin + count; i++) {
        running acc = {.i = p->product};
        if (wide == NNRT_WIDE_F32)
            acc.f = p->product ? 1.0f : 0.0f;
        else if (wide == NNRT_WIDE_F64)
            acc.d = p->product ? 1.0 : 0.0;
        for (size_t j = 0; j < state->n; j++) {
            size_t at = line_start(state, i) + (p->reverse ? state->n - 1 - j : j) * state->inner;
            if (p->exclusive)
                put(&ctx->out[0], at, wide, &acc);
            step(&acc, wide, p->product != 0, &ctx->in[0], at);
            if (!p->exclusive)
                put(&ctx->out[0], at, wide, &acc);
        }
    }
}

static void cumulative_run(const nnrt_node_ctx *ctx)
{
    each_line(ctx, cumulative_tile);
}

const nnrt_rop nnrt_rop_cumulative = {
    .name = "cumulative",
    .params_bytes = sizeof(nnrt_cumulative_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = cumulative_check,
    .reshape = cumulative_reshape,
    .run = cumulative_run,
};
