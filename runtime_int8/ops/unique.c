/* unique, compress: results whose length depends on the data. SPDX-License-Identifier: Apache-2.0
 * The choice is made at reshape, from known inputs; run copies what was chosen. */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/order.h"
#include "runtime_int8/ops/util.h"

/* x as [outer, n, inner]; a slice is the outer * inner elements of one place along the axis. */
typedef struct slices {
    size_t outer, n, inner;
} slices;

static slices slices_of(const nnrt_shape *x, bool flat, int32_t axis)
{
    slices s = {1, nnrt_shape_count(x), 1};
    if (!flat) {
        s.outer = nnrt_shape_span(x, 0, (uint32_t)axis);
        s.n = (size_t)x->dims[axis];
        s.inner = nnrt_shape_span(x, (uint32_t)axis + 1, x->rank);
    }
    return s;
}

/* Slice from[k] of x for k < count, one behind the other along the axis of y. */
static void copy_slices(const nnrt_node_ctx *ctx, const slices *s, const uint32_t *from,
                        size_t count)
{
    size_t row = s->inner * nnrt_dtype_bytes(ctx->in[0].dtype);
    uint8_t *y = ctx->out[0].data;
    for (size_t o = 0; o < s->outer; o++) {
        const uint8_t *x = (const uint8_t *)ctx->in[0].data + o * s->n * row;
        for (size_t k = 0; k < count; k++, y += row)
            memcpy(y, x + from[k] * row, row);
    }
}

/* Output 0: `count` slices along the axis. */
static nnc_status set_slices(nnrt_node_ctx *ctx, bool flat, int32_t axis, size_t count)
{
    nnrt_shape y = {.rank = 1};
    if (!flat)
        y = ctx->in[0].shape;
    y.dims[flat ? 0 : axis] = (int64_t)count;
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return NNC_OK;
}

static nnc_status check_slices(const nnrt_node_ctx *ctx, uint32_t flat, int32_t axis)
{
    if (flat > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': flat is %u, expected 0 or 1", ctx->name, flat);
    return flat ? NNC_OK : nnrt_check_axis(ctx, axis, ctx->in[0].shape.rank);
}

static nnc_status known_input(const nnrt_node_ctx *ctx, uint32_t i)
{
    if (ctx->in[i].data == NULL && nnrt_shape_count(&ctx->in[i].shape) != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is not known before the run", ctx->name, i);
    return NNC_OK;
}

typedef struct unique_state {
    slices s;
    size_t groups;
    uint32_t *order, *inverse, *first, *count; /* [n] each */
    uint32_t data[];
} unique_state;

static nnc_status unique_check(const nnrt_node_ctx *ctx)
{
    const nnrt_unique_params *p = ctx->params;
    if (p->sorted > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': sorted is %u, expected 0 or 1", ctx->name, p->sorted);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_WIDE));
    return check_slices(ctx, p->flat, p->axis);
}

/* Element c of slice i. */
static size_t element_of(const slices *s, size_t i, size_t c)
{
    return (c / s->inner * s->n + i) * s->inner + c % s->inner;
}

/* Stable order of the slices: sorted by their elements, the last one first. */
static void sort_slices(unique_state *u, const nnrt_tensor *x, nnrt_order_item *items)
{
    const slices *s = &u->s;
    uint32_t bits = nnrt_order_bits(x->dtype);
    for (size_t i = 0; i < s->n; i++)
        u->order[i] = (uint32_t)i;
    for (size_t c = s->outer * s->inner; c-- > 0;) {
        for (size_t i = 0; i < s->n; i++) {
            nnrt_order_keys(&items[i].key, x, element_of(s, u->order[i], c), 1, 1, false);
            items[i].index = u->order[i];
        }
        nnrt_order_sort(items, items + s->n, s->n, bits);
        for (size_t i = 0; i < s->n; i++)
            u->order[i] = items[i].index;
    }
}

static bool same_slice(const slices *s, const nnrt_tensor *x, size_t a, size_t b)
{
    for (size_t c = 0; c < s->outer * s->inner; c++) {
        uint64_t ka, kb;
        nnrt_order_keys(&ka, x, element_of(s, a, c), 1, 1, false);
        nnrt_order_keys(&kb, x, element_of(s, b, c), 1, 1, false);
        if (ka != kb)
            return false;
    }
    return true;
}

/* Groups of equal slices in sorted order; a group's first slice has the least index. */
static void make_groups(unique_state *u, const nnrt_tensor *x)
{
    for (size_t i = 0; i < u->s.n; i++) {
        if (i == 0 || !same_slice(&u->s, x, u->order[i - 1], u->order[i])) {
            u->first[u->groups] = u->order[i];
            u->count[u->groups++] = 0;
        }
        u->count[u->groups - 1]++;
        u->inverse[u->order[i]] = (uint32_t)(u->groups - 1);
    }
}

/* Groups in the order in which they first appear. order and items are free by now. */
static void order_by_appearance(unique_state *u, nnrt_order_item *items)
{
    for (size_t g = 0; g < u->groups; g++)
        items[g] = (nnrt_order_item){u->first[g], (uint32_t)g, u->count[g]};
    nnrt_order_sort(items, items + u->groups, u->groups, 32);
    for (size_t g = 0; g < u->groups; g++) {
        u->first[g] = (uint32_t)items[g].key;
        u->count[g] = items[g].extra;
        u->order[items[g].index] = (uint32_t)g;
    }
    for (size_t i = 0; i < u->s.n; i++)
        u->inverse[i] = u->order[u->inverse[i]];
}

static nnc_status unique_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_unique_params *p = ctx->params;
    slices s = slices_of(&ctx->in[0].shape, p->flat, p->axis);
    size_t bytes;
    NNC_TRY(known_input(ctx, 0));
    if (s.n > UINT32_MAX || !nnc_size_mul(&bytes, s.n, 4 * sizeof(uint32_t)) ||
        !nnc_size_add(&bytes, bytes, sizeof(unique_state)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu elements are too many", ctx->name, s.n);
    NNC_TRY(nnrt_ctx_state(ctx, bytes));
    unique_state *u = ctx->state;
    u->s = s;
    u->groups = 0;
    u->order = u->data;
    u->inverse = u->order + s.n;
    u->first = u->inverse + s.n;
    u->count = u->first + s.n;
    nnrt_order_item *items = nnc_calloc(2 * s.n + 1, sizeof *items);
    if (items == NULL)
        return NNC_ERR_LIMIT;
    sort_slices(u, &ctx->in[0], items);
    make_groups(u, &ctx->in[0]);
    if (!p->sorted)
        order_by_appearance(u, items);
    nnc_free(items);
    const size_t lengths[3] = {u->groups, s.n, u->groups};
    for (uint32_t i = 0; i < 3; i++) {
        ctx->out[i + 1].dtype = NNRT_I64;
        ctx->out[i + 1].shape = (nnrt_shape){.rank = 1, .dims = {(int64_t)lengths[i]}};
    }
    return set_slices(ctx, p->flat, p->axis, u->groups);
}

static void unique_run(const nnrt_node_ctx *ctx)
{
    const unique_state *u = ctx->state;
    copy_slices(ctx, &u->s, u->first, u->groups);
    for (size_t g = 0; g < u->groups; g++) {
        ((int64_t *)ctx->out[1].data)[g] = u->first[g];
        ((int64_t *)ctx->out[3].data)[g] = u->count[g];
    }
    for (size_t i = 0; i < u->s.n; i++)
        ((int64_t *)ctx->out[2].data)[i] = u->inverse[i];
}

const nnrt_rop nnrt_rop_unique = {
    .name = "unique",
    .params_bytes = sizeof(nnrt_unique_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 4,
    .host_inputs = 0x1,
    .flags = NNRT_ROP_HOST,
    .check = unique_check,
    .reshape = unique_reshape,
    .run = unique_run,
};

typedef struct compress_state {
    slices s;
    size_t count;
    uint32_t chosen[];
} compress_state;

static nnc_status compress_check(const nnrt_node_ctx *ctx)
{
    const nnrt_compress_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_BOOL)));
    NNC_TRY(nnrt_check_rank(ctx, 1, 1));
    return check_slices(ctx, p->flat, p->axis);
}

static nnc_status compress_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_compress_params *p = ctx->params;
    slices s = slices_of(&ctx->in[0].shape, p->flat, p->axis);
    const uint8_t *condition = ctx->in[1].data;
    size_t n = nnrt_shape_count(&ctx->in[1].shape), count = 0;
    NNC_TRY(known_input(ctx, 1));
    if (n > s.n || s.n > UINT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu conditions for %zu elements", ctx->name, n, s.n);
    for (size_t i = 0; i < n; i++)
        count += condition[i] != 0;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(compress_state) + count * sizeof(uint32_t)));
    compress_state *state = ctx->state;
    state->s = s;
    state->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (condition[i] != 0)
            state->chosen[state->count++] = (uint32_t)i;
    }
    return set_slices(ctx, p->flat, p->axis, count);
}

static void compress_run(const nnrt_node_ctx *ctx)
{
    const compress_state *state = ctx->state;
    copy_slices(ctx, &state->s, state->chosen, state->count);
}

const nnrt_rop nnrt_rop_compress = {
    .name = "compress",
    .params_bytes = sizeof(nnrt_compress_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = compress_check,
    .reshape = compress_reshape,
    .run = compress_run,
};
