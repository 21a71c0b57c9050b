/* pad: constant, reflect, edge, wrap; negative pads crop. SPDX-License-Identifier: Apache-2.0
 * Every output index along a dim has a source index in a table, or -1 for the constant. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

#define TASK_BYTES 131072u

enum { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP, PAD_MODES };

typedef struct pad_state {
    size_t size, rows, row, row_tile; /* element bytes; output rows and their length */
    size_t run_begin, run_count; /* part of a row that is a plain copy of x from run_source on */
    size_t run_source;
    size_t stride[NNRT_RANK_MAX]; /* of x, in elements */
    size_t table[NNRT_RANK_MAX];  /* where a dim's entries start in `source` */
    uint64_t value;               /* element bits, when there is no third input */
    int32_t source[];
} pad_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_pad_params *p = ctx->params;
    if (p->mode >= PAD_MODES)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u of %d", ctx->name, p->mode, PAD_MODES);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    if (ctx->in_count > 2) {
        NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)));
        return nnrt_check_count(ctx, 2, 1);
    }
    const uint32_t set = NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8) |
                         NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64) | NNRT_SET(NNRT_BOOL);
    if (p->value != 0.0f)
        return nnrt_check_dtype(ctx, 0, set);
    return NNC_OK;
}

/* Source of index i - begin in a dim of n > 0 elements. */
static int32_t source_index(uint32_t mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return (int32_t)i;
    if (mode == PAD_CONSTANT)
        return -1;
    if (mode == PAD_EDGE)
        return i < 0 ? 0 : (int32_t)(n - 1);
    int64_t period = mode == PAD_WRAP ? n : 2 * (n - 1);
    if (period == 0)
        return 0;
    int64_t k = i % period;
    if (k < 0)
        k += period;
    return (int32_t)(k < n ? k : period - k);
}

static nnc_status pad_shape(nnrt_shape *y, const nnrt_node_ctx *ctx, const int64_t *pads)
{
    const nnrt_pad_params *p = ctx->params;
    *y = ctx->in[0].shape;
    for (uint32_t i = 0; i < y->rank; i++) {
        int64_t begin = pads[i], end = pads[y->rank + i];
        if (begin < -INT32_MAX || begin > INT32_MAX || end < -INT32_MAX || end > INT32_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u padded by %lld and %lld", ctx->name, i,
                     (long long)begin, (long long)end);
        int64_t n = y->dims[i];
        y->dims[i] = n + begin + end;
        if (y->dims[i] < 0 || (n == 0 && y->dims[i] > 0 && p->mode != PAD_CONSTANT))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of %lld padded by %lld and %lld", ctx->name, i,
                     (long long)n, (long long)begin, (long long)end);
    }
    return NNC_OK;
}

/* The stretch of a row whose sources follow each other. */
static void find_run(pad_state *state, const int32_t *source)
{
    size_t begin = 0;
    while (begin < state->row && source[begin] != 0)
        begin++;
    if (begin == state->row) {
        begin = 0;
        if (state->row == 0 || source[0] < 0)
            return;
    }
    size_t n = 1;
    while (begin + n < state->row && source[begin + n] == source[begin + n - 1] + 1)
        n++;
    state->run_begin = begin;
    state->run_count = n;
    state->run_source = (size_t)source[begin];
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_pad_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const int64_t *pads;
    size_t count;
    nnrt_shape y;
    NNC_TRY(nnrt_host_i64(&pads, &count, ctx, 1));
    if (count != 2 * (size_t)x->rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu pads for rank %u", ctx->name, count, x->rank);
    NNC_TRY(pad_shape(&y, ctx, pads));
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    size_t entries = 0;
    for (uint32_t i = 0; i < y.rank; i++)
        entries += (size_t)y.dims[i];
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(pad_state) + entries * sizeof(int32_t)));
    pad_state *state = ctx->state;
    state->size = nnrt_dtype_bytes(ctx->in[0].dtype);
    state->value = nnrt_value_bits(ctx->in[0].dtype, p->value);
    size_t at = 0, step = 1;
    for (uint32_t i = y.rank; i-- > 0;) {
        state->stride[i] = step;
        step *= (size_t)x->dims[i];
        state->table[i] = at;
        for (int64_t k = 0; k < y.dims[i]; k++)
            state->source[at++] = source_index(p->mode, k - pads[i], x->dims[i]);
    }
    state->row = y.rank == 0 ? 1 : (size_t)y.dims[y.rank - 1];
    state->rows = y.rank == 0 ? 1 : nnrt_shape_span(&y, 0, y.rank - 1);
    state->row_tile = 1 + TASK_BYTES / (state->row * state->size + 64);
    if (y.rank > 0)
        find_run(state, state->source + state->table[y.rank - 1]);
    return NNC_OK;
}

static void fill_row(uint8_t *y, size_t n, size_t size, uint64_t bits)
{
    if (size == 1) {
        memset(y, (int)(bits & 0xff), n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(y + i * size, &bits, size);
}

/* Elements [begin, end) of a row one by one. */
static void scatter_row(const pad_state *state, uint8_t *y, const uint8_t *x, const int32_t *source,
                        size_t begin, size_t end, uint64_t bits)
{
    for (size_t i = begin; i < end; i++) {
        const void *from = source[i] < 0 ? (const void *)&bits
                                         : (const void *)(x + (size_t)source[i] * state->size);
        memcpy(y + i * state->size, from, state->size);
    }
}

static void run_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const pad_state *state = ctx->state;
    const nnrt_shape *shape = &ctx->out[0].shape;
    uint64_t bits = state->value;
    if (ctx->in_count > 2)
        memcpy(&bits, ctx->in[2].data, state->size);
    if (shape->rank == 0) {
        memcpy(ctx->out[0].data, ctx->in[0].data, state->size);
        return;
    }
    uint32_t last = shape->rank - 1;
    const int32_t *source = state->source + state->table[last];
    for (size_t row = begin; row < begin + count; row++) {
        uint8_t *y = (uint8_t *)ctx->out[0].data + row * state->row * state->size;
        size_t rest = row, offset = 0;
        bool outside = false;
        for (uint32_t i = last; i-- > 0;) {
            int32_t k = state->source[state->table[i] + rest % (size_t)shape->dims[i]];
            rest /= (size_t)shape->dims[i];
            outside = outside || k < 0;
            offset += k < 0 ? 0 : (size_t)k * state->stride[i];
        }
        if (outside) {
            fill_row(y, state->row, state->size, bits);
            continue;
        }
        const uint8_t *x = (const uint8_t *)ctx->in[0].data + offset * state->size;
        scatter_row(state, y, x, source, 0, state->run_begin, bits);
        memcpy(y + state->run_begin * state->size, x + state->run_source * state->size,
               state->run_count * state->size);
        scatter_row(state, y, x, source, state->run_begin + state->run_count, state->row, bits);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const pad_state *state = ctx->state;
    if (ctx->out[0].bytes != 0)
        nnrt_parallel_tiles(ctx->pool, run_rows, (void *)(uintptr_t)ctx, state->rows,
                            state->row_tile);
}

const nnrt_rop nnrt_rop_pad = {
    .name = "pad",
    .params_bytes = sizeof(nnrt_pad_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
