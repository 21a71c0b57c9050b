/* reduce: sums, extremes, norms over a set of axes. SPDX-License-Identifier: Apache-2.0
 * Dims merge into kept and reduced ones. One run of reduced dims (the usual case) goes straight to
 * the kernel; others are first gathered, row-major, into the order the kernel sums in. */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/reduce.h"
#include "runtime_int8/ops/util.h"

#define COLUMNS 64u      /* columns of one task */
#define TASK_WORK 32768u /* elements per task */
#define GATHER_TASKS 16u /* each has a row of its own */

static nnc_status check_op(const nnrt_node_ctx *ctx, uint32_t op, uint32_t keepdims)
{
    uint32_t set = NNRT_REDUCE_NUMBERS;
    if (op >= NNRT_REDUCE_COUNT || keepdims > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': function %u of %u, keepdims %u", ctx->name, op,
                 NNRT_REDUCE_COUNT, keepdims);
    if (op == NNRT_REDUCE_MAX || op == NNRT_REDUCE_MIN)
        set |= NNRT_SET(NNRT_BOOL);
    return nnrt_check_dtype(ctx, 0, set);
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_reduce_params *p = ctx->params;
    if (p->mask >> ctx->in[0].shape.rank != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axes 0x%x outside rank %u", ctx->name, p->mask,
                 ctx->in[0].shape.rank);
    return check_op(ctx, p->op, p->keepdims);
}

/* Splits dims into kept and reduced ones, merging neighbours of one kind; sizes of 1 vanish. */
static void split_dims(nnrt_reduce_state *state, const nnrt_shape *x, uint32_t mask)
{
    size_t stride[NNRT_RANK_MAX], step = 1;
    for (uint32_t i = x->rank; i-- > 0;) {
        stride[i] = step;
        step *= (size_t)x->dims[i];
    }
    int before = -1;
    for (uint32_t i = 0; i < x->rank; i++) {
        int reduced = mask >> i & 1u;
        if (x->dims[i] == 1)
            continue;
        uint32_t *count = reduced ? &state->reduced : &state->kept;
        size_t *dims = reduced ? state->red_dims : state->kept_dims;
        size_t *strides = reduced ? state->red_stride : state->kept_stride;
        if (before == reduced) {
            dims[*count - 1] *= (size_t)x->dims[i];
            strides[*count - 1] = stride[i];
        } else {
            dims[*count] = (size_t)x->dims[i];
            strides[(*count)++] = stride[i];
        }
        before = reduced;
    }
}

static void plan_direct(nnrt_reduce_state *state)
{
    state->direct = state->reduced <= 1;
    state->inner = state->reduced == 1 ? state->red_stride[0] : 1;
    state->outer = state->inner == 0 ? 0 : state->outputs / state->inner;
    if (state->reduced == 0) {
        state->inner = state->outputs;
        state->outer = 1;
    }
    state->col_tiles = (state->inner + COLUMNS - 1) / COLUMNS;
    size_t row = state->n * (state->inner < COLUMNS ? state->inner : COLUMNS);
    state->outer_tile = row == 0 || row >= TASK_WORK ? 1 : TASK_WORK / row;
}

/* Everything that the axes of the mask decide. */
static nnc_status plan(nnrt_node_ctx *ctx, uint32_t op, uint32_t mask, uint32_t keepdims)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape y = {.rank = 0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (!(mask >> i & 1u))
            y.dims[y.rank++] = x->dims[i];
        else if (keepdims)
            y.dims[y.rank++] = 1;
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_reduce_state)));
    nnrt_reduce_state *state = ctx->state;
    state->op = op;
    split_dims(state, x, mask);
    state->outputs = nnrt_shape_count(&y);
    state->n = 1;
    for (uint32_t i = 0; i < state->reduced; i++)
        state->n *= state->red_dims[i];
    plan_direct(state);
    if (ctx->in[0].dtype != NNRT_F32) {
        state->scalar = nnrt_reduce_scalar(ctx->in[0].dtype);
        return NNC_OK;
    }
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_reduce_f32, ctx->isa);
    state->fn = (nnrt_k_reduce_f32_fn *)kernel->fn;
    ctx->kernel = kernel->name;
    if (state->direct)
        return NNC_OK;
    state->gather_tile = (state->outputs + GATHER_TASKS - 1) / GATHER_TASKS;
    if (!nnc_size_mul(&ctx->scratch_bytes, state->n, GATHER_TASKS * sizeof(float)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu elements in one sum", ctx->name, state->n);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_reduce_params *p = ctx->params;
    return plan(ctx, p->op, p->mask != 0 ? p->mask : (1u << ctx->in[0].shape.rank) - 1,
                p->keepdims);
}

static nnc_status axes_check(const nnrt_node_ctx *ctx)
{
    const nnrt_reduce_axes_params *p = ctx->params;
    if (p->noop > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': noop_with_empty_axes %u, expected 0 or 1", ctx->name,
                 p->noop);
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    return check_op(ctx, p->op, p->keepdims);
}

static nnc_status axes_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_reduce_axes_params *p = ctx->params;
    const int64_t *axes;
    const int64_t rank = ctx->in[0].shape.rank;
    size_t count;
    uint32_t mask = 0;
    NNC_TRY(nnrt_host_i64(&axes, &count, ctx, 1));
    for (size_t i = 0; i < count; i++) {
        if (axes[i] < -rank || axes[i] >= rank)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %lld outside rank %lld", ctx->name,
                     (long long)axes[i], (long long)rank);
        mask |= 1u << (axes[i] < 0 ? axes[i] + rank : axes[i]);
    }
    if (count == 0 && !p->noop)
        mask = (1u << rank) - 1;
    return plan(ctx, p->op, mask, p->keepdims);
}

static void run_direct(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_reduce_state *state = ctx->state;
    size_t c = task % state->col_tiles * COLUMNS;
    size_t cols = state->inner - c < COLUMNS ? state->inner - c : COLUMNS;
    size_t begin = task / state->col_tiles * state->outer_tile;
    for (size_t o = begin; o < begin + state->outer_tile && o < state->outer; o++)
        state->fn((float *)ctx->out[0].data + o * state->inner + c,
                  (const float *)ctx->in[0].data + o * state->n * state->inner + c, state->n, cols,
                  state->inner, state->op);
}

/* Copies the elements of one sum, row-major, into `row`. */
static void gather(const nnrt_reduce_state *state, float *row, const float *x)
{
    const uint32_t last = state->reduced - 1;
    const size_t len = state->red_dims[last], step = state->red_stride[last];
    for (size_t j = 0; j < state->n; j += len, row += len) {
        const float *from =
            x + nnrt_reduce_offset(j / len, state->red_dims, state->red_stride, last);
        if (step == 1) {
            memcpy(row, from, len * sizeof *row);
            continue;
        }
        for (size_t k = 0; k < len; k++)
            row[k] = from[k * step];
    }
}

static void gather_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_reduce_state *state = ctx->state;
    float *row = (float *)ctx->scratch + begin / state->gather_tile * state->n;
    for (size_t o = begin; o < begin + count; o++) {
        gather(state, row,
               (const float *)ctx->in[0].data +
                   nnrt_reduce_offset(o, state->kept_dims, state->kept_stride, state->kept));
        state->fn((float *)ctx->out[0].data + o, row, state->n, 1, 1, state->op);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_reduce_state *state = ctx->state;
    void *user = (void *)(uintptr_t)ctx;
    if (state->outputs == 0)
        return;
    if (state->fn == NULL) {
        nnrt_parallel_tiles(ctx->pool, state->scalar, user, state->outputs,
                            1 + TASK_WORK / (state->n + 1));
    } else if (!state->direct) {
        nnrt_parallel_tiles(ctx->pool, gather_tile, user, state->outputs, state->gather_tile);
    } else {
        size_t tasks =
            (state->outer + state->outer_tile - 1) / state->outer_tile * state->col_tiles;
        nnrt_parallel(ctx->pool, run_direct, user, tasks);
    }
}

const nnrt_rop nnrt_rop_reduce = {
    .name = "reduce",
    .params_bytes = sizeof(nnrt_reduce_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};

const nnrt_rop nnrt_rop_reduce_axes = {
    .name = "reduce_axes",
    .params_bytes = sizeof(nnrt_reduce_axes_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = axes_check,
    .reshape = axes_reshape,
    .run = run,
};
