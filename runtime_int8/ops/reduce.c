/* reduce: sums, extremes, norms over a set of axes. SPDX-License-Identifier: Apache-2.0
 * Dims merge into kept and reduced ones. One run of reduced dims (the usual case) goes straight to
 * the kernel; others are first gathered, row-major, into the order the kernel sums in. */
#include <string.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define COLUMNS 64u      /* columns of one task */
#define TASK_WORK 32768u /* elements per task */

typedef struct reduce_state {
    nnrt_k_reduce_f32_fn *fn;
    uint32_t kept, reduced; /* dims in each list */
    size_t kept_dims[NNRT_RANK_MAX], kept_stride[NNRT_RANK_MAX];
    size_t red_dims[NNRT_RANK_MAX], red_stride[NNRT_RANK_MAX];
    size_t outputs, n;
    bool direct; /* [outer][n][inner] */
    size_t outer, inner;
    size_t col_tiles, outer_tile;
} reduce_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_reduce_params *p = ctx->params;
    uint32_t set = NNRT_SET(NNRT_F32);
    if (p->op >= NNRT_REDUCE_COUNT || p->keepdims > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': function %u of %u, keepdims %u", ctx->name, p->op,
                 NNRT_REDUCE_COUNT, p->keepdims);
    if (p->op == NNRT_REDUCE_SUM || p->op == NNRT_REDUCE_MAX || p->op == NNRT_REDUCE_MIN ||
        p->op == NNRT_REDUCE_PROD)
        set |= NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64);
    if (p->op == NNRT_REDUCE_MAX || p->op == NNRT_REDUCE_MIN)
        set |= NNRT_SET(NNRT_U8);
    if (p->mask >> ctx->in[0].shape.rank != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axes 0x%x outside rank %u", ctx->name, p->mask,
                 ctx->in[0].shape.rank);
    return nnrt_check_dtype(ctx, 0, set);
}

/* Splits dims into kept and reduced ones, merging neighbours of one kind; sizes of 1 vanish. */
static void split_dims(reduce_state *state, const nnrt_shape *x, uint32_t mask)
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

static void plan_direct(reduce_state *state)
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

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_reduce_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    uint32_t mask = p->mask != 0 ? p->mask : (1u << x->rank) - 1;
    nnrt_shape y = {.rank = 0};
    for (uint32_t i = 0; i < x->rank; i++) {
        if (!(mask >> i & 1u))
            y.dims[y.rank++] = x->dims[i];
        else if (p->keepdims)
            y.dims[y.rank++] = 1;
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(reduce_state)));
    reduce_state *state = ctx->state;
    split_dims(state, x, mask);
    state->outputs = nnrt_shape_count(&y);
    state->n = 1;
    for (uint32_t i = 0; i < state->reduced; i++)
        state->n *= state->red_dims[i];
    plan_direct(state);
    if (ctx->in[0].dtype != NNRT_F32)
        return NNC_OK;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_reduce_f32, ctx->isa);
    state->fn = (nnrt_k_reduce_f32_fn *)kernel->fn;
    ctx->kernel = kernel->name;
    if (!state->direct)
        ctx->scratch_bytes = state->n * sizeof(float);
    return NNC_OK;
}

static size_t offset_of(size_t index, const size_t *dims, const size_t *stride, uint32_t rank)
{
    size_t at = 0;
    for (uint32_t i = rank; i-- > 0;) {
        at += index % dims[i] * stride[i];
        index /= dims[i];
    }
    return at;
}

static void run_direct(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_reduce_params *p = ctx->params;
    const reduce_state *state = ctx->state;
    size_t c = task % state->col_tiles * COLUMNS;
    size_t cols = state->inner - c < COLUMNS ? state->inner - c : COLUMNS;
    size_t begin = task / state->col_tiles * state->outer_tile;
    for (size_t o = begin; o < begin + state->outer_tile && o < state->outer; o++)
        state->fn((float *)ctx->out[0].data + o * state->inner + c,
                  (const float *)ctx->in[0].data + o * state->n * state->inner + c, state->n, cols,
                  state->inner, p->op);
}

static void run_gathered(const nnrt_node_ctx *ctx)
{
    const nnrt_reduce_params *p = ctx->params;
    const reduce_state *state = ctx->state;
    float *row = ctx->scratch;
    for (size_t o = 0; o < state->outputs; o++) {
        const float *x = (const float *)ctx->in[0].data +
                         offset_of(o, state->kept_dims, state->kept_stride, state->kept);
        for (size_t j = 0; j < state->n; j++)
            row[j] = x[offset_of(j, state->red_dims, state->red_stride, state->reduced)];
        state->fn((float *)ctx->out[0].data + o, row, state->n, 1, 1, p->op);
    }
}

static int64_t load_integer(const nnrt_tensor *t, size_t i)
{
    if (t->dtype == NNRT_I64)
        return ((const int64_t *)t->data)[i];
    return t->dtype == NNRT_I32 ? ((const int32_t *)t->data)[i] : ((const uint8_t *)t->data)[i];
}

static int64_t join_integers(uint32_t op, int64_t a, int64_t b)
{
    if (op == NNRT_REDUCE_SUM)
        return (int64_t)((uint64_t)a + (uint64_t)b);
    if (op == NNRT_REDUCE_PROD)
        return (int64_t)((uint64_t)a * (uint64_t)b);
    return (op == NNRT_REDUCE_MAX) == (a > b) ? a : b;
}

/* Of nothing at all. */
static int64_t empty_value(uint32_t op, nnrt_dtype dtype)
{
    if (op == NNRT_REDUCE_SUM)
        return 0;
    if (op == NNRT_REDUCE_PROD)
        return 1;
    bool most = op == NNRT_REDUCE_MIN;
    if (dtype == NNRT_U8)
        return most ? 255 : 0;
    if (dtype == NNRT_I32)
        return most ? INT32_MAX : INT32_MIN;
    return most ? INT64_MAX : INT64_MIN;
}

static void integer_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_reduce_params *p = ctx->params;
    const reduce_state *state = ctx->state;
    for (size_t o = begin; o < begin + count; o++) {
        size_t at = offset_of(o, state->kept_dims, state->kept_stride, state->kept);
        int64_t v = empty_value(p->op, ctx->in[0].dtype);
        for (size_t j = 0; j < state->n; j++) {
            size_t k = at + offset_of(j, state->red_dims, state->red_stride, state->reduced);
            v = j == 0 ? load_integer(&ctx->in[0], k)
                       : join_integers(p->op, v, load_integer(&ctx->in[0], k));
        }
        if (ctx->out[0].dtype == NNRT_I64)
            ((int64_t *)ctx->out[0].data)[o] = v;
        else if (ctx->out[0].dtype == NNRT_I32)
            ((int32_t *)ctx->out[0].data)[o] = (int32_t)(uint32_t)(uint64_t)v;
        else
            ((uint8_t *)ctx->out[0].data)[o] = (uint8_t)v;
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const reduce_state *state = ctx->state;
    if (state->fn == NULL) {
        nnrt_parallel_tiles(ctx->pool, integer_tile, (void *)(uintptr_t)ctx, state->outputs,
                            1 + TASK_WORK / (state->n + 1));
    } else if (!state->direct) {
        run_gathered(ctx);
    } else {
        size_t tasks =
            (state->outer + state->outer_tile - 1) / state->outer_tile * state->col_tiles;
        nnrt_parallel(ctx->pool, run_direct, (void *)(uintptr_t)ctx, tasks);
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
