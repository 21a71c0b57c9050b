/* softmax and log-softmax along an axis. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 8192u /* elements per task */
#define COLUMNS 16u

typedef struct softmax_state {
    nnrt_k_softmax_f32_fn *fn;
    size_t outer, n, inner;
    size_t outer_tile, col_tiles;
} softmax_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_softmax_params *p = ctx->params;
    if (p->log > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': log is %u", ctx->name, p->log);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_softmax_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_softmax_f32, ctx->isa);
    nnrt_set_output_like(ctx, 0);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(softmax_state)));
    softmax_state *state = ctx->state;
    state->fn = (nnrt_k_softmax_f32_fn *)kernel->fn;
    ctx->kernel = kernel->name;
    state->outer = nnrt_shape_span(x, 0, (uint32_t)p->axis);
    state->n = (size_t)x->dims[p->axis];
    state->inner = nnrt_shape_span(x, (uint32_t)p->axis + 1, x->rank);
    state->col_tiles = (state->inner + COLUMNS - 1) / COLUMNS;
    size_t row = state->n * (state->inner < COLUMNS ? state->inner : COLUMNS);
    state->outer_tile = row == 0 || row >= TASK_WORK ? 1 : TASK_WORK / row;
    return NNC_OK;
}

static void run_task(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_softmax_params *p = ctx->params;
    const softmax_state *state = ctx->state;
    size_t c = task % state->col_tiles * COLUMNS;
    size_t cols = state->inner - c < COLUMNS ? state->inner - c : COLUMNS;
    size_t begin = task / state->col_tiles * state->outer_tile;
    for (size_t o = begin; o < begin + state->outer_tile && o < state->outer; o++) {
        size_t at = o * state->n * state->inner + c;
        state->fn((float *)ctx->out[0].data + at, (const float *)ctx->in[0].data + at, state->n,
                  cols, state->inner, (int)p->log);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const softmax_state *state = ctx->state;
    if (state->n == 0)
        return;
    size_t tasks = (state->outer + state->outer_tile - 1) / state->outer_tile * state->col_tiles;
    nnrt_parallel(ctx->pool, run_task, (void *)(uintptr_t)ctx, tasks);
}

const nnrt_rop nnrt_rop_softmax = {
    .name = "softmax",
    .params_bytes = sizeof(nnrt_softmax_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE,
    .check = check,
    .reshape = reshape,
    .run = run,
};
