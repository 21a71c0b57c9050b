/* arg (ArgMax, ArgMin) and cumsum: walks along one axis. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 32768u /* elements per task */

typedef struct axis_state {
    size_t outer, n, inner;
} axis_state;

static nnc_status split_at(nnrt_node_ctx *ctx, int32_t axis)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(axis_state)));
    axis_state *state = ctx->state;
    state->outer = nnrt_shape_span(x, 0, (uint32_t)axis);
    state->n = (size_t)x->dims[axis];
    state->inner = nnrt_shape_span(x, (uint32_t)axis + 1, x->rank);
    return NNC_OK;
}

/* Lines along the axis per task. */
static size_t lines_per_task(const axis_state *state)
{
    return 1 + TASK_WORK / (state->n + 1);
}

static nnc_status arg_check(const nnrt_node_ctx *ctx)
{
    const nnrt_arg_params *p = ctx->params;
    if (p->min > 1 || p->keepdims > 1 || p->select_last > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': min %u, keepdims %u, select_last %u, expected 0 or 1",
                 ctx->name, p->min, p->keepdims, p->select_last);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT | NNRT_SET_INTEGER));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status arg_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_arg_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape y = {.rank = 0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (i != (uint32_t)p->axis)
            y.dims[y.rank++] = x->dims[i];
        else if (p->keepdims)
            y.dims[y.rank++] = 1;
    }
    if (x->dims[p->axis] == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %d has no elements", ctx->name, p->axis);
    nnrt_set_output(ctx, NNRT_I64, &y);
    return split_at(ctx, p->axis);
}

/* +1, 0, -1 as element i is larger, equal, smaller than element k; no order with NaN. */
#define COMPARE(TYPE)                                                                              \
    do {                                                                                           \
        TYPE a = ((const TYPE *)t->data)[i], b = ((const TYPE *)t->data)[k];                       \
        return (a > b) - (a < b);                                                                  \
    } while (0)

static int compare_halves(const nnrt_tensor *t, size_t i, size_t k)
{
    float a, b;
    nnrt_load_floats(&a, t->data, t->dtype, i, 1, 1);
    nnrt_load_floats(&b, t->data, t->dtype, k, 1, 1);
    return (a > b) - (a < b);
}

static int compare(const nnrt_tensor *t, size_t i, size_t k)
{
    switch (t->dtype) {
    case NNRT_F32:
        COMPARE(float);
    case NNRT_F64:
        COMPARE(double);
    case NNRT_U8:
        COMPARE(uint8_t);
    case NNRT_I8:
        COMPARE(int8_t);
    case NNRT_U16:
        COMPARE(uint16_t);
    case NNRT_I16:
        COMPARE(int16_t);
    case NNRT_U32:
        COMPARE(uint32_t);
    case NNRT_I32:
        COMPARE(int32_t);
    case NNRT_U64:
        COMPARE(uint64_t);
    case NNRT_I64:
        COMPARE(int64_t);
    default:
        return compare_halves(t, i, k);
    }
}

static bool unordered(const nnrt_tensor *t, size_t i)
{
    double v;
    if (nnrt_wide_of(t->dtype) == NNRT_WIDE_INT)
        return false;
    nnrt_load_doubles(&v, t->data, t->dtype, i, 1, 1);
    return v != v;
}

static void arg_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_arg_params *p = ctx->params;
    const axis_state *state = ctx->state;
    const nnrt_tensor *x = &ctx->in[0];
    int sign = p->min ? -1 : 1;
    for (size_t i = begin; i < begin + count; i++) {
        size_t at = i / state->inner * state->n * state->inner + i % state->inner;
        size_t best = 0;
        /* A NaN wins, as in numpy. */
        for (size_t j = 1; j < state->n && !unordered(x, at + best * state->inner); j++) {
            size_t k = at + j * state->inner;
            int c = sign * compare(x, k, at + best * state->inner);
            if (c > 0 || (c == 0 && p->select_last) || unordered(x, k))
                best = j;
        }
        ((int64_t *)ctx->out[0].data)[i] = (int64_t)best;
    }
}

static void arg_run(const nnrt_node_ctx *ctx)
{
    const axis_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, arg_tile, (void *)(uintptr_t)ctx, state->outer * state->inner,
                        lines_per_task(state));
}

const nnrt_rop nnrt_rop_arg = {
    .name = "arg",
    .params_bytes = sizeof(nnrt_arg_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = arg_check,
    .reshape = arg_reshape,
    .run = arg_run,
};

static nnc_status cumsum_check(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64)));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status cumsum_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    nnrt_set_output_like(ctx, 0);
    return split_at(ctx, p->axis);
}

static void cumsum_line(const nnrt_node_ctx *ctx, size_t at, size_t n, size_t inner)
{
    if (ctx->in[0].dtype == NNRT_F32) {
        float sum = 0.0f;
        for (size_t j = 0; j < n; j++) {
            sum += ((const float *)ctx->in[0].data)[at + j * inner];
            ((float *)ctx->out[0].data)[at + j * inner] = sum;
        }
    } else if (ctx->in[0].dtype == NNRT_I64) {
        uint64_t sum = 0;
        for (size_t j = 0; j < n; j++) {
            sum += ((const uint64_t *)ctx->in[0].data)[at + j * inner];
            ((uint64_t *)ctx->out[0].data)[at + j * inner] = sum;
        }
    } else {
        uint32_t sum = 0;
        for (size_t j = 0; j < n; j++) {
            sum += ((const uint32_t *)ctx->in[0].data)[at + j * inner];
            ((uint32_t *)ctx->out[0].data)[at + j * inner] = sum;
        }
    }
}

static void cumsum_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const axis_state *state = ctx->state;
    for (size_t i = begin; i < begin + count; i++)
        cumsum_line(ctx, i / state->inner * state->n * state->inner + i % state->inner, state->n,
                    state->inner);
}

static void cumsum_run(const nnrt_node_ctx *ctx)
{
    const axis_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, cumsum_tile, (void *)(uintptr_t)ctx, state->outer * state->inner,
                        lines_per_task(state));
}

const nnrt_rop nnrt_rop_cumsum = {
    .name = "cumsum",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = cumsum_check,
    .reshape = cumsum_reshape,
    .run = cumsum_run,
};
