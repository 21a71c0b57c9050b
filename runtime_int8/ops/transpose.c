/* transpose: any permutation, as row copies or blocked matrix transposes. SPDX-License-Identifier:
 * Apache-2.0 Dims of size 1 go, dims that stay neighbours merge. If the innermost dim stays
 * innermost, rows are copied; else the plane of the input's and the output's innermost dims is
 * transposed for every index of the other dims. */
#include <string.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TASK_BYTES 131072u

typedef struct transpose_state {
    nnrt_k_transpose_fn *kernel; /* NULL: rows of row_bytes are copied */
    size_t size;                 /* bytes per element */
    size_t row_bytes;
    size_t rows, cols, x_stride, y_stride; /* the plane, in elements */
    size_t col_tile, col_tiles;
    uint32_t rank; /* of the other dims, in output order */
    size_t dims[NNRT_RANK_MAX], xs[NNRT_RANK_MAX], ys[NNRT_RANK_MAX];
    size_t outer, outer_tile;
} transpose_state;

/* Output dims after merging, with their strides in input and output. */
typedef struct merged {
    uint32_t rank;
    size_t dims[NNRT_RANK_MAX], xs[NNRT_RANK_MAX], ys[NNRT_RANK_MAX];
} merged;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_transpose_params *p = ctx->params;
    uint32_t seen = 0;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    if (p->rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': permutation of %u dims", ctx->name, p->rank);
    NNC_TRY(nnrt_check_rank(ctx, 0, p->rank));
    for (uint32_t i = 0; i < p->rank; i++) {
        if (p->perm[i] >= p->rank || (seen >> p->perm[i] & 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': entry %u of the permutation is %u", ctx->name, i,
                     p->perm[i]);
        seen |= 1u << p->perm[i];
    }
    return NNC_OK;
}

static void merge_dims(merged *m, const nnrt_shape *x, const nnrt_transpose_params *p)
{
    size_t stride[NNRT_RANK_MAX], step = 1;
    for (uint32_t i = p->rank; i-- > 0;) {
        stride[i] = step;
        step *= (size_t)x->dims[i];
    }
    m->rank = 0;
    for (uint32_t i = 0; i < p->rank; i++) {
        size_t dim = (size_t)x->dims[p->perm[i]], s = stride[p->perm[i]];
        if (dim == 1)
            continue;
        if (m->rank > 0 && m->xs[m->rank - 1] == dim * s) {
            m->dims[m->rank - 1] *= dim;
            m->xs[m->rank - 1] = s;
            continue;
        }
        m->dims[m->rank] = dim;
        m->xs[m->rank++] = s;
    }
    if (m->rank == 0) {
        m->rank = 1;
        m->dims[0] = 1;
        m->xs[0] = 1;
    }
    step = 1;
    for (uint32_t i = m->rank; i-- > 0;) {
        m->ys[i] = step;
        step *= m->dims[i];
    }
}

static void add_outer(transpose_state *state, const merged *m, uint32_t i)
{
    state->dims[state->rank] = m->dims[i];
    state->xs[state->rank] = m->xs[i];
    state->ys[state->rank++] = m->ys[i];
    state->outer *= m->dims[i];
}

static size_t at_least_one(size_t n)
{
    return n == 0 ? 1 : n;
}

static void plan_copy(transpose_state *state, const merged *m)
{
    uint32_t last = m->rank - 1;
    for (uint32_t i = 0; i < last; i++)
        add_outer(state, m, i);
    state->row_bytes = m->dims[last] * state->size;
    state->col_tiles = 1;
    state->outer_tile = at_least_one(TASK_BYTES / at_least_one(state->row_bytes));
}

static void plan_planes(transpose_state *state, const merged *m, nnrt_k_transpose_fn *kernel)
{
    uint32_t last = m->rank - 1, inner = 0;
    while (m->xs[inner] != 1)
        inner++;
    for (uint32_t i = 0; i < last; i++) {
        if (i != inner)
            add_outer(state, m, i);
    }
    state->kernel = kernel;
    state->rows = m->dims[last];
    state->x_stride = m->xs[last];
    state->cols = m->dims[inner];
    state->y_stride = m->ys[inner];
    size_t fit = TASK_BYTES / at_least_one(state->rows * state->size);
    state->col_tile = at_least_one(fit & ~(size_t)15);
    if (fit < 16)
        state->col_tile = 16;
    state->col_tiles = (state->cols + state->col_tile - 1) / state->col_tile;
    size_t plane = state->rows * state->cols * state->size;
    state->outer_tile = state->col_tiles > 1 ? 1 : at_least_one(TASK_BYTES / at_least_one(plane));
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_transpose_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape y = {.rank = p->rank};
    for (uint32_t i = 0; i < p->rank; i++)
        y.dims[i] = x->dims[p->perm[i]];
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(transpose_state)));
    transpose_state *state = ctx->state;
    state->size = nnrt_dtype_bytes(ctx->in[0].dtype);
    state->outer = 1;
    if (nnrt_shape_count(x) == 0) {
        state->outer = 0;
        state->outer_tile = 1;
        return NNC_OK;
    }
    merged m;
    merge_dims(&m, x, p);
    if (m.xs[m.rank - 1] == 1) {
        plan_copy(state, &m);
    } else {
        const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_transpose, ctx->isa);
        ctx->kernel = kernel->name;
        plan_planes(state, &m, (nnrt_k_transpose_fn *)kernel->fn);
    }
    return NNC_OK;
}

static void run_outer(const nnrt_node_ctx *ctx, size_t index, size_t tile)
{
    const transpose_state *state = ctx->state;
    size_t xo = 0, yo = 0, rest = index;
    for (uint32_t i = state->rank; i-- > 0;) {
        size_t k = rest % state->dims[i];
        rest /= state->dims[i];
        xo += k * state->xs[i];
        yo += k * state->ys[i];
    }
    const uint8_t *x = (const uint8_t *)ctx->in[0].data + xo * state->size;
    uint8_t *y = (uint8_t *)ctx->out[0].data + yo * state->size;
    if (state->kernel == NULL) {
        memcpy(y, x, state->row_bytes);
        return;
    }
    size_t c = tile * state->col_tile;
    size_t cols = state->cols - c < state->col_tile ? state->cols - c : state->col_tile;
    state->kernel(y + c * state->y_stride * state->size, x + c * state->size, state->rows, cols,
                  state->x_stride, state->y_stride, state->size);
}

static void run_task(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const transpose_state *state = ctx->state;
    size_t tile = task % state->col_tiles, begin = task / state->col_tiles * state->outer_tile;
    for (size_t i = begin; i < begin + state->outer_tile && i < state->outer; i++)
        run_outer(ctx, i, tile);
}

static void run(const nnrt_node_ctx *ctx)
{
    const transpose_state *state = ctx->state;
    size_t tasks = (state->outer + state->outer_tile - 1) / state->outer_tile * state->col_tiles;
    nnrt_parallel(ctx->pool, run_task, (void *)(uintptr_t)ctx, tasks);
}

const nnrt_rop nnrt_rop_transpose = {
    .name = "transpose",
    .params_bytes = sizeof(nnrt_transpose_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
