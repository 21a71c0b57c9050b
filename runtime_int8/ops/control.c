/* if and loop: blocks of the plan run in reshape, their results are copied in run. SPDX-License-Identifier:
 * Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

/* The blocks' signatures are checked with the plan. */
static nnc_status if_check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_BOOL)));
    return nnrt_check_count(ctx, 0, 1);
}

/* Results of the branch, for run: what is not the branch's own memory may have moved by then and is copied. */
static nnc_status keep_results(nnrt_node_ctx *ctx, uint32_t block)
{
    void *kept;
    NNC_TRY(nnrt_ctx_buffer(&kept, ctx, 0, (ctx->out_count + 1) * sizeof(nnrt_tensor)));
    nnrt_tensor *results = kept;
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        results[i] = nnrt_ctx_block_output(ctx, block, i);
        ctx->out[i].dtype = results[i].dtype;
        ctx->out[i].shape = results[i].shape;
        if (nnrt_ctx_block_owns(ctx, block, i) || results[i].bytes == 0)
            continue;
        NNC_TRY(nnrt_ctx_buffer(&kept, ctx, 1 + i, results[i].bytes));
        memcpy(kept, results[i].data, results[i].bytes);
        results[i].data = kept;
    }
    ctx->impl = results;
    return NNC_OK;
}

static nnc_status if_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_if_params *p = ctx->params;
    NNC_TRY(nnrt_check_count(ctx, 0, 1));
    const bool yes = ((const uint8_t *)ctx->in[0].data)[0] != 0;
    const uint32_t block = yes ? p->then_block : p->else_block;
    nnc_status status = nnrt_ctx_run_block(ctx, block, ctx->in + 1, ctx->in_count - 1);
    if (status != NNC_OK)
        return nnc_error_prepend(status, "'%s': %s branch", ctx->name, yes ? "then" : "else");
    return keep_results(ctx, block);
}

static void copy_results(const nnrt_node_ctx *ctx)
{
    const nnrt_tensor *results = ctx->impl;
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        if (ctx->out[i].bytes > 0)
            memcpy(ctx->out[i].data, results[i].data, ctx->out[i].bytes);
    }
}

const nnrt_rop nnrt_rop_if = {
    .name = "if",
    .params_bytes = sizeof(nnrt_if_params),
    .min_in = 1,
    .max_in = 65535,
    .out_count = NNRT_OUT_ANY,
    .host_inputs = UINT32_MAX,
    .flags = NNRT_ROP_CONTROL,
    .check = if_check,
    .reshape = if_reshape,
    .run = copy_results,
};

static nnc_status loop_check(const nnrt_node_ctx *ctx)
{
    const nnrt_loop_params *p = ctx->params;
    if (p->has_cond > 1 || p->ignore_cond > 1 || p->trips > ctx->in_count ||
        p->carried > ctx->in_count || p->scans > ctx->out_count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u trip counts, %u carried values and %u scans", ctx->name,
                 p->trips, p->carried, p->scans);
    for (uint32_t i = 0; i < p->trips; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_I64)));
        NNC_TRY(nnrt_check_count(ctx, i, 1));
    }
    return p->has_cond ? nnrt_check_dtype(ctx, p->trips, NNRT_SET(NNRT_BOOL)) : NNC_OK;
}

/* Private buffers: 0 the loop's state, 1 the body's inputs, 2 the results, then two for each carried value, in turn
 * read and written, and one for each scan. */
enum { BUFFER_STATE, BUFFER_INPUTS, BUFFER_RESULTS, BUFFER_CARRIED };

typedef struct loop_state {
    int64_t iteration;
    uint8_t cond;
} loop_state;

typedef struct loop {
    nnrt_node_ctx *ctx;
    const nnrt_loop_params *p;
    loop_state *state;
    nnrt_tensor *in;      /* of the body */
    nnrt_tensor *results; /* [out_count] */
    uint32_t in_count;
    int64_t trip; /* -1: no limit */
} loop;

static nnc_status read_trip(loop *l)
{
    const nnrt_node_ctx *ctx = l->ctx;
    l->trip = -1;
    for (uint32_t i = 0; i < l->p->trips; i++) {
        NNC_TRY(nnrt_check_count(ctx, i, 1));
        int64_t trip = ((const int64_t *)ctx->in[i].data)[0];
        trip = trip < 0 ? 0 : trip;
        if (i > 0 && trip != l->trip)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld steps in one input, %lld in another", ctx->name,
                     (long long)l->trip, (long long)trip);
        l->trip = trip;
    }
    l->state->cond = 1;
    if (l->p->has_cond) {
        NNC_TRY(nnrt_check_count(ctx, l->p->trips, 1));
        l->state->cond = ((const uint8_t *)ctx->in[l->p->trips].data)[0] != 0;
    }
    return NNC_OK;
}

/* Copies a carried value to the buffer that iteration `turn` leaves alone. */
static nnc_status carry(loop *l, uint32_t k, const nnrt_tensor *from, int64_t turn)
{
    void *to;
    NNC_TRY(nnrt_ctx_buffer(&to, l->ctx, BUFFER_CARRIED + 2 * k + (turn & 1), from->bytes));
    if (from->bytes > 0)
        memcpy(to, from->data, from->bytes);
    l->in[2 + k] = *from;
    l->in[2 + k].data = to;
    return NNC_OK;
}

static nnc_status loop_start(loop *l)
{
    nnrt_node_ctx *ctx = l->ctx;
    const nnrt_loop_params *p = l->p;
    const uint32_t first = p->trips + p->has_cond;
    void *state, *in, *results;
    l->in_count = 2 + ctx->in_count - first;
    NNC_TRY(nnrt_ctx_buffer(&state, ctx, BUFFER_STATE, sizeof *l->state));
    NNC_TRY(nnrt_ctx_buffer(&in, ctx, BUFFER_INPUTS, l->in_count * sizeof *l->in));
    NNC_TRY(nnrt_ctx_buffer(&results, ctx, BUFFER_RESULTS, (ctx->out_count + 1) * sizeof *l->in));
    l->state = state;
    l->in = in;
    l->results = results;
    NNC_TRY(read_trip(l));
    for (uint32_t i = 0; i < 2; i++) {
        l->in[i] = nnrt_ctx_block_input(ctx, p->body, i);
        if (l->in[i].shape.rank > 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': the body's input %u has rank %u, expected a scalar",
                     ctx->name, i, l->in[i].shape.rank);
        l->in[i].shape.dims[0] = 1;
    }
    l->in[0].data = &l->state->iteration;
    l->in[0].bytes = sizeof l->state->iteration;
    l->in[1].data = &l->state->cond;
    l->in[1].bytes = sizeof l->state->cond;
    for (uint32_t k = 0; k < ctx->in_count - first; k++)
        l->in[2 + k] = ctx->in[first + k];
    for (uint32_t k = 0; k < p->carried; k++)
        NNC_TRY(carry(l, k, &ctx->in[first + k], 0));
    return NNC_OK;
}

/* Appends the body's output to scan s. */
static nnc_status append(loop *l, uint32_t s, const nnrt_tensor *t)
{
    nnrt_tensor *all = &l->results[l->p->carried + s];
    const int64_t n = l->state->iteration;
    if (t->shape.rank >= NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "'%s': scan output %u has rank %u, at most %d", l->ctx->name,
                 s, t->shape.rank + 1, NNRT_RANK_MAX);
    if (n == 0) {
        *all = (nnrt_tensor){.dtype = t->dtype, .shape = {.rank = t->shape.rank + 1}};
        memcpy(all->shape.dims + 1, t->shape.dims, t->shape.rank * sizeof *t->shape.dims);
    }
    bool same = t->shape.rank + 1 == all->shape.rank;
    for (uint32_t d = 0; same && d < t->shape.rank; d++)
        same = t->shape.dims[d] == all->shape.dims[d + 1];
    if (!same) {
        char a[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': scan output %u has shape %s in iteration %lld, another before",
                 l->ctx->name, s, nnrt_shape_text(a, &t->shape), (long long)n);
    }
    size_t bytes;
    void *to;
    if (!nnc_size_add(&bytes, all->bytes, t->bytes))
        return NNC_ERR_LIMIT;
    NNC_TRY(nnrt_ctx_buffer(&to, l->ctx, BUFFER_CARRIED + 2 * l->p->carried + s, bytes));
    if (t->bytes > 0)
        memcpy((uint8_t *)to + all->bytes, t->data, t->bytes);
    all->bytes = bytes;
    all->data = to;
    all->shape.dims[0] = n + 1;
    return NNC_OK;
}

static nnc_status iterate(loop *l)
{
    const nnrt_loop_params *p = l->p;
    nnrt_node_ctx *ctx = l->ctx;
    const uint32_t first = p->ignore_cond ? 0 : 1;
    NNC_TRY(nnrt_ctx_count_iteration(ctx));
    NNC_TRY(nnrt_ctx_run_block(ctx, p->body, l->in, l->in_count));
    bool again = true;
    if (!p->ignore_cond) {
        const nnrt_tensor cond = nnrt_ctx_block_output(ctx, p->body, 0);
        if (cond.bytes != 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': the condition has %zu elements", ctx->name, cond.bytes);
        again = ((const uint8_t *)cond.data)[0] != 0;
    }
    for (uint32_t s = 0; s < p->scans; s++) {
        const nnrt_tensor t = nnrt_ctx_block_output(ctx, p->body, first + p->carried + s);
        NNC_TRY(append(l, s, &t));
    }
    for (uint32_t k = 0; k < p->carried; k++) {
        const nnrt_tensor t = nnrt_ctx_block_output(ctx, p->body, first + k);
        NNC_TRY(carry(l, k, &t, l->state->iteration + 1));
    }
    l->state->cond = again;
    l->state->iteration++;
    return NNC_OK;
}

/* A scan of no iterations has no elements, in the shape that the plan declares for one. */
static nnc_status empty_scans(loop *l)
{
    const uint32_t first = (l->p->ignore_cond ? 0 : 1) + l->p->carried;
    for (uint32_t s = 0; s < l->p->scans; s++) {
        const nnrt_tensor one = nnrt_ctx_block_declared(l->ctx, l->p->body, first + s);
        nnrt_tensor *all = &l->results[l->p->carried + s];
        *all = (nnrt_tensor){.dtype = one.dtype};
        if (one.shape.rank >= NNRT_RANK_MAX)
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "'%s': scan output %u has rank %u, at most %d",
                     l->ctx->name, s, one.shape.rank, NNRT_RANK_MAX - 1);
        all->shape.rank = one.shape.rank + 1;
        for (uint32_t d = 0; d < one.shape.rank; d++)
            all->shape.dims[d + 1] = one.shape.dims[d] < 0 ? 0 : one.shape.dims[d];
    }
    return NNC_OK;
}

static nnc_status loop_reshape(nnrt_node_ctx *ctx)
{
    loop l = {.ctx = ctx, .p = ctx->params};
    NNC_TRY(loop_start(&l));
    l.state->iteration = 0;
    if (l.trip == 0 || !l.state->cond)
        NNC_TRY(empty_scans(&l));
    while ((l.trip < 0 || l.state->iteration < l.trip) && l.state->cond) {
        nnc_status status = iterate(&l);
        if (status != NNC_OK)
            return nnc_error_prepend(status, "'%s': iteration %lld", ctx->name,
                                     (long long)l.state->iteration);
    }
    for (uint32_t k = 0; k < l.p->carried; k++)
        l.results[k] = l.in[2 + k];
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        ctx->out[i].dtype = l.results[i].dtype;
        ctx->out[i].shape = l.results[i].shape;
    }
    ctx->impl = l.results;
    return NNC_OK;
}

const nnrt_rop nnrt_rop_loop = {
    .name = "loop",
    .params_bytes = sizeof(nnrt_loop_params),
    .min_in = 0,
    .max_in = 65535,
    .out_count = NNRT_OUT_ANY,
    .host_inputs = UINT32_MAX,
    .flags = NNRT_ROP_CONTROL,
    .check = loop_check,
    .reshape = loop_reshape,
    .run = copy_results,
};
