/* scatter_nd, tensor_scatter: slices written into a tensor. SPDX-License-Identifier: Apache-2.0
 * scatter_nd cuts the tensor, not the updates, into tasks: each applies, in order, the updates that
 * fall into its part, so that results do not depend on threads. */
#include <string.h>

#include "runtime_int8/ops/index.h"
#include "runtime_int8/ops/scatter_op.h"

#define TILE 4096u /* index tuples per task */
#define PARTS 16u  /* most parts of the output */
#define PART_WORK 16384u

typedef struct nd_state {
    size_t updates, width, slice; /* index tuples, numbers of one, elements of a slice */
    size_t stride[NNRT_RANK_MAX]; /* of the indexed dims, in slices */
    int64_t dim[NNRT_RANK_MAX];
    size_t slices, parts;
    nnrt_scatter_fn *join;
} nd_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_scatter_nd_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_index_dtype(ctx, 1));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)));
    if (ctx->in[0].shape.rank == 0 || ctx->in[1].shape.rank == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': data of rank %u, indices of rank %u, expected at least 1",
                 ctx->name, ctx->in[0].shape.rank, ctx->in[1].shape.rank);
    if (nnrt_scatter_find(ctx->in[0].dtype, p->op) == NULL)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': reduction %u, expected 0..%d", ctx->name, p->op,
                 NNRT_SCATTER_COUNT - 1);
    return NNC_OK;
}

/* updates are [indices without the last dim.., x behind the indexed dims..]. */
static nnc_status check_updates(const nnrt_node_ctx *ctx, int64_t width)
{
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape, *u = &ctx->in[2].shape;
    if (width < 0 || width > (int64_t)x->rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': index tuples of %lld numbers for rank %u", ctx->name,
                 (long long)width, x->rank);
    bool fits = u->rank == k->rank - 1 + x->rank - (uint32_t)width;
    for (uint32_t i = 0; i < u->rank && fits; i++) {
        int64_t want = i + 1 < k->rank ? k->dims[i] : x->dims[i - (k->rank - 1) + (uint32_t)width];
        fits = u->dims[i] == want;
    }
    if (!fits) {
        char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT], c[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': updates %s do not fit data %s and indices %s", ctx->name,
                 nnrt_shape_text(c, u), nnrt_shape_text(a, x), nnrt_shape_text(b, k));
    }
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_scatter_nd_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    NNC_TRY(check_updates(ctx, k->dims[k->rank - 1]));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nd_state)));
    nd_state *s = ctx->state;
    s->width = (size_t)k->dims[k->rank - 1];
    s->updates = nnrt_shape_span(k, 0, k->rank - 1);
    s->slice = nnrt_shape_span(x, (uint32_t)s->width, x->rank);
    s->slices = nnrt_shape_span(x, 0, (uint32_t)s->width);
    size_t step = 1;
    for (size_t i = s->width; i-- > 0;) {
        s->dim[i] = x->dims[i];
        s->stride[i] = step;
        step *= (size_t)x->dims[i];
        NNC_TRY(nnrt_check_indices(ctx, 1, i, s->width, s->dim[i]));
    }
    s->parts = 1 + s->updates * s->slice / PART_WORK;
    s->parts = s->parts > PARTS ? PARTS : s->parts;
    s->parts = s->parts > s->slices ? s->slices : s->parts;
    s->join = nnrt_scatter_find(ctx->in[0].dtype, p->op);
    ctx->scratch_bytes = s->updates * sizeof(size_t);
    nnrt_set_output_like(ctx, 0);
    return NNC_OK;
}

/* Slice that each tuple names. */
static void run_tuples(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nd_state *s = ctx->state;
    size_t *slice = ctx->scratch;
    for (size_t i = begin; i < begin + count; i++) {
        slice[i] = 0;
        for (size_t d = 0; d < s->width; d++)
            slice[i] += nnrt_index_at(&ctx->in[1], i * s->width + d, s->dim[d]) * s->stride[d];
    }
}

static void run_part(void *user, size_t part)
{
    const nnrt_node_ctx *ctx = user;
    const nd_state *s = ctx->state;
    const size_t *slice = ctx->scratch;
    size_t begin = s->slices * part / s->parts, end = s->slices * (part + 1) / s->parts;
    size_t bytes = s->slice * nnrt_dtype_bytes(ctx->in[0].dtype);
    if (ctx->out[0].data != ctx->in[0].data)
        memcpy((uint8_t *)ctx->out[0].data + begin * bytes,
               (const uint8_t *)ctx->in[0].data + begin * bytes, (end - begin) * bytes);
    for (size_t i = 0; i < s->updates; i++) {
        if (slice[i] >= begin && slice[i] < end)
            s->join((uint8_t *)ctx->out[0].data + slice[i] * bytes,
                    (const uint8_t *)ctx->in[2].data + i * bytes, s->slice);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nd_state *s = ctx->state;
    if (ctx->out[0].bytes == 0)
        return;
    nnrt_parallel_tiles(ctx->pool, run_tuples, (void *)(uintptr_t)ctx, s->updates, TILE);
    nnrt_parallel(ctx->pool, run_part, (void *)(uintptr_t)ctx, s->parts);
}

const nnrt_rop nnrt_rop_scatter_nd = {
    .name = "scatter_nd",
    .params_bytes = sizeof(nnrt_scatter_nd_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .flags = NNRT_ROP_HOST | NNRT_ROP_INPLACE,
    .check = check,
    .reshape = reshape,
    .run = run,
};

static nnc_status cache_check(const nnrt_node_ctx *ctx)
{
    const nnrt_tensor_scatter_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(ctx->in[0].dtype)));
    NNC_TRY(nnrt_check_rank(ctx, 1, ctx->in[0].shape.rank));
    if (ctx->in_count > 2) {
        NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I64)));
        NNC_TRY(nnrt_check_rank(ctx, 2, 1));
    }
    if (p->circular > 1 || p->axis == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %d, circular %u", ctx->name, p->axis, p->circular);
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status cache_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_tensor_scatter_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *u = &ctx->in[1].shape;
    for (uint32_t i = 0; i < x->rank; i++) {
        if (i == (uint32_t)p->axis ? u->dims[i] > x->dims[i] : u->dims[i] != x->dims[i])
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of the update is %lld, of the cache %lld",
                     ctx->name, i, (long long)u->dims[i], (long long)x->dims[i]);
    }
    if (ctx->in_count > 2 && ctx->in[2].shape.dims[0] != x->dims[0])
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld write indices for %lld samples", ctx->name,
                 (long long)ctx->in[2].shape.dims[0], (long long)x->dims[0]);
    nnrt_set_output_like(ctx, 0);
    return NNC_OK;
}

/* Row of the cache that row j of sample b's update goes to. A start outside is moved inside. */
static size_t cache_row(const nnrt_node_ctx *ctx, size_t b, size_t j, size_t rows, size_t length)
{
    const nnrt_tensor_scatter_params *p = ctx->params;
    int64_t start = ctx->in_count > 2 ? ((const int64_t *)ctx->in[2].data)[b] : 0;
    int64_t last = (int64_t)(p->circular ? length - 1 : length - rows);
    if (p->circular)
        start %= (int64_t)length;
    start = start < 0 ? 0 : start > last ? last : start;
    return ((size_t)start + j) % length;
}

static void cache_run(const nnrt_node_ctx *ctx)
{
    const nnrt_tensor_scatter_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    uint32_t a = (uint32_t)p->axis;
    size_t rows = (size_t)ctx->in[1].shape.dims[a], length = (size_t)x->dims[a];
    size_t outer = nnrt_shape_span(x, 0, a), per_sample = nnrt_shape_span(x, 1, a);
    size_t row = nnrt_shape_span(x, a + 1, x->rank) * nnrt_dtype_bytes(ctx->in[0].dtype);
    if (ctx->out[0].bytes == 0)
        return;
    if (ctx->out[0].data != ctx->in[0].data)
        memcpy(ctx->out[0].data, ctx->in[0].data, ctx->out[0].bytes);
    for (size_t o = 0; o < outer; o++) {
        for (size_t j = 0; j < rows; j++) {
            size_t at = o * length + cache_row(ctx, o / per_sample, j, rows, length);
            memcpy((uint8_t *)ctx->out[0].data + at * row,
                   (const uint8_t *)ctx->in[1].data + (o * rows + j) * row, row);
        }
    }
}

const nnrt_rop nnrt_rop_tensor_scatter = {
    .name = "tensor_scatter",
    .params_bytes = sizeof(nnrt_tensor_scatter_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .flags = NNRT_ROP_HOST | NNRT_ROP_INPLACE,
    .check = cache_check,
    .reshape = cache_reshape,
    .run = cache_run,
};
