/* gather_elements, scatter_elements: one index per element. SPDX-License-Identifier: Apache-2.0
 * An index moves its element along the axis only, so lines along the axis are independent: work is
 * cut between them, and within one the updates are applied in order. */
#include <string.h>

#include "runtime_int8/ops/index.h"
#include "runtime_int8/ops/scatter_op.h"

#define LANES 512u /* neighbouring lines that are walked together */
#define PART 1024u /* positions along the axis that make a unit of a gather */
#define TASK_WORK 8192u

typedef struct elements_state {
    size_t outer, n, inner; /* of the indices, split at the axis */
    size_t chunks;          /* of the inner lanes */
    size_t stride;          /* of the axis in x */
    bool same_inner;        /* dims behind the axis agree: a lane has one number in both */
    nnrt_scatter_fn *join;
} elements_state;

static nnc_status check_axis_types(const nnrt_node_ctx *ctx, int32_t axis)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_index_dtype(ctx, 1));
    NNC_TRY(nnrt_check_axis(ctx, axis, ctx->in[0].shape.rank));
    return nnrt_check_rank(ctx, 1, ctx->in[0].shape.rank);
}

static nnc_status plan(nnrt_node_ctx *ctx, int32_t axis)
{
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    uint32_t a = (uint32_t)axis;
    for (uint32_t i = 0; i < x->rank; i++) {
        if (i != a && k->dims[i] > x->dims[i])
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of the indices is %lld, of the data %lld",
                     ctx->name, i, (long long)k->dims[i], (long long)x->dims[i]);
    }
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(elements_state)));
    elements_state *s = ctx->state;
    s->outer = nnrt_shape_span(k, 0, a);
    s->n = (size_t)k->dims[a];
    s->inner = nnrt_shape_span(k, a + 1, k->rank);
    s->chunks = (s->inner + LANES - 1) / LANES;
    s->stride = nnrt_shape_span(x, a + 1, x->rank);
    s->same_inner = true;
    for (uint32_t i = a + 1; i < x->rank; i++)
        s->same_inner = s->same_inner && (i == a + 1 || x->dims[i] == k->dims[i]);
    return nnrt_check_indices(ctx, 1, 0, 1, x->dims[a]);
}

/* Element of x at the coordinates that flat number i has within dims [from, to) of the indices. */
static size_t place(const nnrt_node_ctx *ctx, uint32_t from, uint32_t to, size_t i)
{
    const nnrt_shape *x = &ctx->in[0].shape, *k = &ctx->in[1].shape;
    size_t at = 0, step = nnrt_shape_span(x, to, x->rank);
    for (uint32_t d = to; d-- > from;) {
        at += i % (size_t)k->dims[d] * step;
        i /= (size_t)k->dims[d];
        step *= (size_t)x->dims[d];
    }
    return at;
}

/* A piece of work: up to LANES lanes of one outer position, and where they lie in x. */
typedef struct lanes {
    size_t first, count; /* of the inner lanes */
    size_t base;         /* of x */
    size_t position;     /* of the first index */
    size_t offset[LANES];
    size_t step; /* positions along the axis that are taken at once: more than one where there is
                    one lane */
} lanes;

static void lanes_at(lanes *l, const nnrt_node_ctx *ctx, int32_t axis, size_t unit)
{
    const elements_state *s = ctx->state;
    size_t outer = unit / s->chunks;
    l->first = unit % s->chunks * LANES;
    l->count = s->inner - l->first < LANES ? s->inner - l->first : LANES;
    l->base = place(ctx, 0, (uint32_t)axis, outer);
    l->position = outer * s->n * s->inner + l->first;
    l->step = s->inner == 1 ? LANES : 1;
    for (size_t i = 0; i < LANES && s->inner == 1; i++)
        l->offset[i] = 0;
    for (size_t i = 0; i < l->count && s->inner > 1; i++)
        l->offset[i] = s->same_inner
                           ? l->first + i
                           : place(ctx, (uint32_t)axis + 1, ctx->in[0].shape.rank, l->first + i);
}

/* Lanes, or positions of the only lane, that are taken from position j on. */
static size_t line_count(const lanes *l, size_t j, size_t end)
{
    return l->step == 1 ? l->count : end - j < l->step ? end - j : l->step;
}

static nnc_status gather_check(const nnrt_node_ctx *ctx)
{
    return check_axis_types(ctx, ((const nnrt_axis_params *)ctx->params)->axis);
}

static nnc_status gather_reshape(nnrt_node_ctx *ctx)
{
    NNC_TRY(plan(ctx, ((const nnrt_axis_params *)ctx->params)->axis));
    nnrt_set_output(ctx, ctx->in[0].dtype, &ctx->in[1].shape);
    return NNC_OK;
}

#define TARGETS(TYPE)                                                                              \
    for (size_t i = 0; i < n; i++) {                                                               \
        int64_t k = ((const TYPE *)t->data)[at + i];                                               \
        k = k < 0 ? k + dim : k;                                                                   \
        k = k < 0 ? 0 : k < dim ? k : dim - 1;                                                     \
        target[i] = (size_t)k * stride + l->offset[i];                                             \
    }

/* Elements of x, from the lanes' base on, that the indices from position `at` on point to; see
 * index.h. */
static void targets(size_t target[LANES], const nnrt_node_ctx *ctx, const lanes *l, size_t at,
                    size_t n, int64_t dim)
{
    const nnrt_tensor *t = &ctx->in[1];
    size_t stride = ((const elements_state *)ctx->state)->stride;
    if (t->dtype == NNRT_I64)
        TARGETS(int64_t)
    else
        TARGETS(int32_t)
}

#define GATHER(TYPE)                                                                               \
    for (size_t i = 0; i < n; i++)                                                                 \
    ((TYPE *)y)[i] = ((const TYPE *)x)[target[i]]

static void gather_line(void *y, const void *x, const size_t *target, size_t n, size_t size)
{
    if (size == 1)
        GATHER(uint8_t);
    else if (size == 2)
        GATHER(uint16_t);
    else if (size == 4)
        GATHER(uint32_t);
    else
        GATHER(uint64_t);
}

/* Units are lanes, cut along the axis. */
static void gather_units(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const elements_state *s = ctx->state;
    int32_t axis = ((const nnrt_axis_params *)ctx->params)->axis;
    int64_t dim = ctx->in[0].shape.dims[axis];
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), target[LANES];
    size_t parts = (s->n + PART - 1) / PART;
    lanes l;
    for (size_t unit = begin; unit < begin + count; unit++) {
        size_t first = unit % parts * PART, end = s->n - first < PART ? s->n : first + PART;
        lanes_at(&l, ctx, axis, unit / parts);
        for (size_t j = first; j < end; j += l.step) {
            size_t at = l.position + j * s->inner, n = line_count(&l, j, end);
            targets(target, ctx, &l, at, n, dim);
            gather_line((uint8_t *)ctx->out[0].data + at * size,
                        (const uint8_t *)ctx->in[0].data + l.base * size, target, n, size);
        }
    }
}

/* Elements of a unit. */
static size_t unit_work(const elements_state *s, size_t positions)
{
    return positions * (s->inner < LANES ? s->inner : LANES);
}

static void gather_run(const nnrt_node_ctx *ctx)
{
    const elements_state *s = ctx->state;
    size_t work = unit_work(s, s->n < PART ? s->n : PART);
    if (ctx->out[0].bytes != 0)
        nnrt_parallel_tiles(ctx->pool, gather_units, (void *)(uintptr_t)ctx,
                            s->outer * s->chunks * ((s->n + PART - 1) / PART),
                            1 + TASK_WORK / work);
}

const nnrt_rop nnrt_rop_gather_elements = {
    .name = "gather_elements",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = gather_check,
    .reshape = gather_reshape,
    .run = gather_run,
};

static nnc_status scatter_check(const nnrt_node_ctx *ctx)
{
    const nnrt_scatter_elements_params *p = ctx->params;
    NNC_TRY(check_axis_types(ctx, p->axis));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)));
    if (nnrt_scatter_find(ctx->in[0].dtype, p->op) == NULL)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': reduction %u, expected 0..%d", ctx->name, p->op,
                 NNRT_SCATTER_COUNT - 1);
    return nnrt_check_rank(ctx, 2, ctx->in[0].shape.rank);
}

static nnc_status scatter_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_scatter_elements_params *p = ctx->params;
    if (!nnrt_shape_same(&ctx->in[1].shape, &ctx->in[2].shape)) {
        char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': indices %s and updates %s differ", ctx->name,
                 nnrt_shape_text(a, &ctx->in[1].shape), nnrt_shape_text(b, &ctx->in[2].shape));
    }
    NNC_TRY(plan(ctx, p->axis));
    ((elements_state *)ctx->state)->join = nnrt_scatter_find(ctx->in[0].dtype, p->op);
    nnrt_set_output_like(ctx, 0);
    return NNC_OK;
}

static void scatter_units(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const elements_state *s = ctx->state;
    int32_t axis = ((const nnrt_scatter_elements_params *)ctx->params)->axis;
    int64_t dim = ctx->in[0].shape.dims[axis];
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), target[LANES];
    lanes l;
    for (size_t unit = begin; unit < begin + count; unit++) {
        lanes_at(&l, ctx, axis, unit);
        uint8_t *y = (uint8_t *)ctx->out[0].data + l.base * size;
        for (size_t j = 0; j < s->n; j += l.step) {
            size_t at = l.position + j * s->inner, n = line_count(&l, j, s->n);
            const uint8_t *u = (const uint8_t *)ctx->in[2].data + at * size;
            targets(target, ctx, &l, at, n, dim);
            for (size_t i = 0; i < n; i++)
                s->join(y + target[i] * size, u + i * size, 1);
        }
    }
}

static void scatter_run(const nnrt_node_ctx *ctx)
{
    if (ctx->out[0].data != ctx->in[0].data && ctx->out[0].bytes != 0)
        memcpy(ctx->out[0].data, ctx->in[0].data, ctx->out[0].bytes);
    const elements_state *s = ctx->state;
    if (s->n != 0 && s->inner != 0)
        nnrt_parallel_tiles(ctx->pool, scatter_units, (void *)(uintptr_t)ctx, s->outer * s->chunks,
                            1 + TASK_WORK / unit_work(s, s->n));
}

const nnrt_rop nnrt_rop_scatter_elements = {
    .name = "scatter_elements",
    .params_bytes = sizeof(nnrt_scatter_elements_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .flags = NNRT_ROP_HOST | NNRT_ROP_INPLACE,
    .check = scatter_check,
    .reshape = scatter_reshape,
    .run = scatter_run,
};
