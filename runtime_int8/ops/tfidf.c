/* tfidf: counts of n-grams with gaps. SPDX-License-Identifier: Apache-2.0
 * The pool lists all 1-grams, then all 2-grams and so on; starts[n-1] is where those of length n begin. */
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

enum { X, POOL, STARTS, INDEXES, WEIGHTS, INPUTS };

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_tfidf_params *p = ctx->params;
    if (p->mode > NNRT_TFIDF_TFIDF || p->least == 0 || p->least > p->most || p->skips > INT32_MAX || p->width == 0 ||
        p->width > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u, lengths %u to %u, %u skips, %u columns", ctx->name, p->mode, p->least,
                 p->most, p->skips, p->width);
    NNC_TRY(nnrt_check_dtype(ctx, X, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64)));
    if (ctx->in[X].shape.rank < 1 || ctx->in[X].shape.rank > 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': tokens have rank %u, expected 1 or 2", ctx->name, ctx->in[X].shape.rank);
    for (uint32_t i = POOL; i < INPUTS; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(i == WEIGHTS ? NNRT_F32 : NNRT_I64)));
        NNC_TRY(nnrt_check_rank(ctx, i, 1));
    }
    return NNC_OK;
}

/* First element of the n-grams of length n + 1 in the pool; its end for n past the last. */
static int64_t start_of(const nnrt_node_ctx *ctx, size_t n)
{
    size_t lengths = nnrt_shape_count(&ctx->in[STARTS].shape);
    return n < lengths ? ((const int64_t *)ctx->in[STARTS].data)[n] : ctx->in[POOL].shape.dims[0];
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_tfidf_params *p = ctx->params;
    size_t lengths = nnrt_shape_count(&ctx->in[STARTS].shape), grams = nnrt_shape_count(&ctx->in[INDEXES].shape);
    int64_t total = 0;
    if (p->most > lengths)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': lengths up to %u, the pool has %zu", ctx->name, p->most, lengths);
    for (size_t n = 0; n < lengths; n++) {
        int64_t begin = start_of(ctx, n), end = start_of(ctx, n + 1);
        if (begin < 0 || (n == 0 && begin != 0) || end < begin || end > ctx->in[POOL].shape.dims[0] ||
            (end - begin) % (int64_t)(n + 1) != 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu-grams lie at %lld to %lld of the pool", ctx->name, n + 1,
                     (long long)begin, (long long)end);
        total += (end - begin) / (int64_t)(n + 1);
    }
    NNC_TRY(nnrt_check_count(ctx, INDEXES, (size_t)total));
    NNC_TRY(nnrt_check_count(ctx, WEIGHTS, grams));
    for (size_t i = 0; i < grams; i++) {
        int64_t column = ((const int64_t *)ctx->in[INDEXES].data)[i];
        if (column < 0 || column >= (int64_t)p->width)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': n-gram %zu counts in column %lld of %u", ctx->name, i, (long long)column,
                     p->width);
    }
    nnrt_shape y = ctx->in[X].shape;
    y.dims[y.rank - 1] = p->width;
    nnrt_set_output(ctx, NNRT_F32, &y);
    return NNC_OK;
}

/* Adds one to the n-grams equal to every `step`-th token from x[at] on; `gram` is the number of the first of them. */
static void count_one(const nnrt_node_ctx *ctx, float *y, size_t at, size_t step, int64_t n, size_t gram)
{
    const nnrt_tensor *x = &ctx->in[X];
    const int64_t *pool = ctx->in[POOL].data, end = start_of(ctx, (size_t)n);
    for (int64_t g = start_of(ctx, (size_t)n - 1); g + n <= end; g += n, gram++) {
        int64_t k = 0, token;
        for (; k < n; k++) {
            nnrt_load_ints(&token, x->data, x->dtype, at + (size_t)k * step, 1, 1);
            if (token != pool[g + k])
                break;
        }
        if (k == n)
            y[((const int64_t *)ctx->in[INDEXES].data)[gram]] += 1.0f;
    }
}

static void weigh(const nnrt_node_ctx *ctx, float *y)
{
    const nnrt_tfidf_params *p = ctx->params;
    size_t grams = nnrt_shape_count(&ctx->in[INDEXES].shape);
    for (size_t i = 0; p->mode == NNRT_TFIDF_IDF && i < p->width; i++)
        y[i] = y[i] > 1.0f ? 1.0f : y[i];
    for (size_t i = 0; p->mode != NNRT_TFIDF_TF && i < grams; i++)
        y[((const int64_t *)ctx->in[INDEXES].data)[i]] *= ((const float *)ctx->in[WEIGHTS].data)[i];
}

static void run_rows(void *user, size_t begin, size_t rows)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_tfidf_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[X].shape;
    size_t tokens = (size_t)shape->dims[shape->rank - 1];
    for (size_t r = begin; r < begin + rows; r++) {
        float *y = (float *)ctx->out[0].data + r * p->width;
        size_t gram = 0;
        memset(y, 0, p->width * sizeof *y);
        for (size_t n = 1; n <= p->most; n++) {
            for (size_t step = 1; n >= p->least && step <= (n == 1 ? 1 : (size_t)p->skips + 1); step++) {
                for (size_t at = 0; at + (n - 1) * step < tokens; at++)
                    count_one(ctx, y, r * tokens + at, step, (int64_t)n, gram);
            }
            gram += (size_t)(start_of(ctx, n) - start_of(ctx, n - 1)) / n;
        }
        weigh(ctx, y);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *shape = &ctx->in[X].shape;
    nnrt_parallel_tiles(ctx->pool, run_rows, (void *)(uintptr_t)ctx, shape->rank == 2 ? (size_t)shape->dims[0] : 1, 1);
}

const nnrt_rop nnrt_rop_tfidf = {
    .name = "tfidf",
    .params_bytes = sizeof(nnrt_tfidf_params),
    .min_in = INPUTS,
    .max_in = INPUTS,
    .out_count = 1,
    .host_inputs = 0x1e,
    .check = check,
    .reshape = reshape,
    .run = run,
};
