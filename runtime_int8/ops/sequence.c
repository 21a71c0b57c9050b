/* Sequences and optionals: lists of tensors as bytes. SPDX-License-Identifier: Apache-2.0
 * A value of this kind is u8 [bytes]: a head, one item for each tensor, then their data, each 64-aligned. So it goes wherever a tensor
 * goes: through branches, around loops, into other frames. What is read is checked in reshape, whatever made it. */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

#define MAGIC 0x51455351u /* "QSEQ" */
#define COUNT_MAX 1000000u

typedef struct head {
    uint32_t magic, count, dtype, present; /* present: 0 for an optional without a value */
} head;

typedef struct item {
    uint64_t offset, bytes;
    uint32_t rank, reserved;
    int64_t dims[NNRT_RANK_MAX];
} item;

static const head *head_of(const nnrt_tensor *t)
{
    return t->data;
}

static const item *items_of(const nnrt_tensor *t)
{
    return (const item *)(const void *)((const head *)t->data + 1);
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static size_t front_bytes(size_t count)
{
    return aligned(sizeof(head) + count * sizeof(item));
}

static nnc_status check_item(const nnrt_node_ctx *ctx, const nnrt_tensor *t, const item *it, uint32_t k)
{
    size_t bytes = nnrt_dtype_bytes(head_of(t)->dtype);
    bool good = it->rank <= NNRT_RANK_MAX && it->offset <= t->bytes && it->bytes <= t->bytes - it->offset;
    for (uint32_t d = 0; good && d < it->rank; d++)
        good = it->dims[d] >= 0 && it->dims[d] <= INT32_MAX &&
               nnc_size_mul(&bytes, bytes, (size_t)it->dims[d]);
    if (!good || bytes != it->bytes)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': element %u of the sequence is damaged", ctx->name, k);
    return NNC_OK;
}

/* Input i, whose data is there, is a sequence. */
static nnc_status check_sequence(const nnrt_node_ctx *ctx, uint32_t i)
{
    const nnrt_tensor *t = &ctx->in[i];
    if (t->bytes < sizeof(head) || head_of(t)->magic != MAGIC || head_of(t)->count > COUNT_MAX ||
        front_bytes(head_of(t)->count) > t->bytes || nnrt_dtype_bytes(head_of(t)->dtype) == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is no sequence", ctx->name, i);
    for (uint32_t k = 0; k < head_of(t)->count; k++)
        NNC_TRY(check_item(ctx, t, &items_of(t)[k], k));
    return NNC_OK;
}

static nnc_status check_input(const nnrt_node_ctx *ctx, uint32_t i)
{
    NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_U8)));
    return nnrt_check_rank(ctx, i, 1);
}

static nnc_status check_element(const nnrt_node_ctx *ctx, uint32_t dtype)
{
    if (nnrt_dtype_bytes(dtype) == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': elements of type %u", ctx->name, dtype);
    return NNC_OK;
}

/* A position, negative ones from the end, within `count`; NNC_ERR_MODEL. */
static nnc_status position(uint32_t *out, const nnrt_node_ctx *ctx, uint32_t i, uint32_t count, uint32_t limit)
{
    NNC_TRY(nnrt_check_count(ctx, i, 1));
    const int64_t given = ctx->in[i].dtype == NNRT_I64 ? ((const int64_t *)ctx->in[i].data)[0]
                                                       : ((const int32_t *)ctx->in[i].data)[0];
    const int64_t at = given < 0 ? given + count : given;
    if (at < 0 || at >= limit)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': position %lld in a sequence of %u", ctx->name, (long long)given, count);
    *out = (uint32_t)at;
    return NNC_OK;
}

static nnc_status check_position(const nnrt_node_ctx *ctx, uint32_t i)
{
    return nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64));
}

static nnc_status set_bytes(nnrt_node_ctx *ctx, size_t count, size_t data)
{
    size_t bytes;
    if (count > COUNT_MAX || !nnc_size_add(&bytes, front_bytes(count), data) || bytes > INT32_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': a sequence of %zu tensors with %zu bytes, at most %u and %d", ctx->name,
                 count, data, COUNT_MAX, INT32_MAX);
    const nnrt_shape y = {.rank = 1, .dims = {(int64_t)bytes}};
    nnrt_set_output(ctx, NNRT_U8, &y);
    return NNC_OK;
}

/* Writes a sequence of `count` tensors front to back. */
typedef struct writer {
    uint8_t *y;
    uint32_t k;
    size_t at;
} writer;

static writer start(const nnrt_node_ctx *ctx, uint32_t count, uint32_t dtype, bool present)
{
    writer w = {.y = ctx->out[0].data, .at = front_bytes(count)};
    memset(w.y, 0, w.at);
    const head h = {MAGIC, count, dtype, present};
    memcpy(w.y, &h, sizeof h);
    return w;
}

/* The next tensor: its room in the sequence. */
static uint8_t *add(writer *w, const nnrt_shape *shape, size_t bytes)
{
    item *it = (item *)(void *)(w->y + sizeof(head)) + w->k++;
    uint8_t *to = w->y + w->at;
    *it = (item){.offset = w->at, .bytes = bytes, .rank = shape->rank};
    memcpy(it->dims, shape->dims, shape->rank * sizeof *it->dims);
    memset(to + bytes, 0, aligned(bytes) - bytes);
    w->at += aligned(bytes);
    return to;
}

static void add_copy(writer *w, const nnrt_shape *shape, const void *data, size_t bytes)
{
    uint8_t *to = add(w, shape, bytes);
    if (bytes > 0)
        memcpy(to, data, bytes);
}

static nnrt_shape shape_of(const item *it)
{
    nnrt_shape shape = {.rank = it->rank};
    memcpy(shape.dims, it->dims, it->rank * sizeof *it->dims);
    return shape;
}

/* ---- construct ---- */

static nnc_status construct_check(const nnrt_node_ctx *ctx)
{
    const nnrt_sequence_params *p = ctx->params;
    NNC_TRY(check_element(ctx, p->dtype));
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(p->dtype)));
    return NNC_OK;
}

static nnc_status construct_reshape(nnrt_node_ctx *ctx)
{
    size_t data = 0;
    for (uint32_t i = 0; i < ctx->in_count; i++)
        data += aligned(ctx->in[i].bytes);
    return set_bytes(ctx, ctx->in_count, data);
}

static void construct_run(const nnrt_node_ctx *ctx)
{
    const nnrt_sequence_params *p = ctx->params;
    writer w = start(ctx, ctx->in_count, p->dtype, !p->absent);
    for (uint32_t i = 0; i < ctx->in_count; i++)
        add_copy(&w, &ctx->in[i].shape, ctx->in[i].data, ctx->in[i].bytes);
}

const nnrt_rop nnrt_rop_seq_construct = {
    .name = "seq_construct",
    .params_bytes = sizeof(nnrt_sequence_params),
    .min_in = 0,
    .max_in = 65535,
    .out_count = 1,
    .check = construct_check,
    .reshape = construct_reshape,
    .run = construct_run,
};

/* ---- insert, erase ---- */

static uint32_t edit_position_input(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_edit_params *p = ctx->params;
    return p->erase ? 1 : 2;
}

static nnc_status edit_check(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_edit_params *p = ctx->params;
    const uint32_t at = edit_position_input(ctx);
    if (p->erase > 1 || ctx->in_count < at || ctx->in_count > at + 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs", ctx->name, ctx->in_count);
    NNC_TRY(check_input(ctx, 0));
    return ctx->in_count > at ? check_position(ctx, at) : NNC_OK;
}

/* Where the edit happens; the end when no position is given. */
static nnc_status edit_place(uint32_t *out, const nnrt_node_ctx *ctx)
{
    const nnrt_seq_edit_params *p = ctx->params;
    const uint32_t count = head_of(&ctx->in[0])->count, at = edit_position_input(ctx);
    const uint32_t limit = p->erase ? count : count + 1;
    *out = p->erase ? count - 1 : count;
    if (ctx->in_count > at)
        return position(out, ctx, at, count, limit);
    if (limit == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the sequence is empty", ctx->name);
    return NNC_OK;
}

static nnc_status edit_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_seq_edit_params *p = ctx->params;
    uint32_t at = 0;
    NNC_TRY(check_sequence(ctx, 0));
    NNC_TRY(edit_place(&at, ctx));
    const head *h = head_of(&ctx->in[0]);
    if (!p->erase && (uint32_t)ctx->in[1].dtype != h->dtype && h->count > 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %s into a sequence of %s", ctx->name,
                 nnrt_dtype_name(ctx->in[1].dtype), nnrt_dtype_name(h->dtype));
    size_t data = p->erase ? 0 : aligned(ctx->in[1].bytes);
    for (uint32_t k = 0; k < h->count; k++)
        data += p->erase && k == at ? 0 : aligned(items_of(&ctx->in[0])[k].bytes);
    return set_bytes(ctx, p->erase ? h->count - 1 : h->count + 1, data);
}

static void edit_run(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_edit_params *p = ctx->params;
    const nnrt_tensor *x = &ctx->in[0];
    const uint32_t count = head_of(x)->count;
    uint32_t at = 0;
    if (edit_place(&at, ctx) != NNC_OK)
        return; /* reshape has found it good */
    writer w = start(ctx, p->erase ? count - 1 : count + 1,
                     p->erase ? head_of(x)->dtype : (uint32_t)ctx->in[1].dtype, true);
    for (uint32_t k = 0; k <= count; k++) {
        if (!p->erase && k == at)
            add_copy(&w, &ctx->in[1].shape, ctx->in[1].data, ctx->in[1].bytes);
        if (k == count || (p->erase && k == at))
            continue;
        const item *it = &items_of(x)[k];
        const nnrt_shape shape = shape_of(it);
        add_copy(&w, &shape, (const uint8_t *)x->data + it->offset, it->bytes);
    }
}

const nnrt_rop nnrt_rop_seq_edit = {
    .name = "seq_edit",
    .params_bytes = sizeof(nnrt_seq_edit_params),
    .min_in = 1,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x7,
    .check = edit_check,
    .reshape = edit_reshape,
    .run = edit_run,
};

/* ---- at ---- */

static nnc_status at_check(const nnrt_node_ctx *ctx)
{
    const nnrt_sequence_params *p = ctx->params;
    NNC_TRY(check_element(ctx, p->dtype));
    NNC_TRY(check_input(ctx, 0));
    return check_position(ctx, 1);
}

static nnc_status check_holds(const nnrt_node_ctx *ctx, uint32_t dtype)
{
    NNC_TRY(check_sequence(ctx, 0));
    if (head_of(&ctx->in[0])->dtype != dtype && head_of(&ctx->in[0])->count > 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the sequence holds %s, expected %s", ctx->name,
                 nnrt_dtype_name(head_of(&ctx->in[0])->dtype), nnrt_dtype_name(dtype));
    return NNC_OK;
}

static nnc_status at_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_sequence_params *p = ctx->params;
    uint32_t at = 0;
    NNC_TRY(check_holds(ctx, p->dtype));
    NNC_TRY(position(&at, ctx, 1, head_of(&ctx->in[0])->count, head_of(&ctx->in[0])->count));
    const nnrt_shape y = shape_of(&items_of(&ctx->in[0])[at]);
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static void at_run(const nnrt_node_ctx *ctx)
{
    const uint32_t count = head_of(&ctx->in[0])->count;
    uint32_t at = 0;
    if (position(&at, ctx, 1, count, count) != NNC_OK)
        return; /* reshape has found it good */
    if (ctx->out[0].bytes > 0)
        memcpy(ctx->out[0].data, (const uint8_t *)ctx->in[0].data + items_of(&ctx->in[0])[at].offset,
               ctx->out[0].bytes);
}

const nnrt_rop nnrt_rop_seq_at = {
    .name = "seq_at",
    .params_bytes = sizeof(nnrt_sequence_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x3,
    .check = at_check,
    .reshape = at_reshape,
    .run = at_run,
};

/* ---- length ---- */

static nnc_status length_check(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_length_params *p = ctx->params;
    if (p->present > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mode %u", ctx->name, p->present);
    return check_input(ctx, 0);
}

static nnc_status length_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_seq_length_params *p = ctx->params;
    const nnrt_shape none = {.rank = 0};
    NNC_TRY(check_sequence(ctx, 0));
    nnrt_set_output(ctx, p->present ? NNRT_BOOL : NNRT_I64, &none);
    return NNC_OK;
}

static void length_run(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_length_params *p = ctx->params;
    if (p->present)
        ((uint8_t *)ctx->out[0].data)[0] = head_of(&ctx->in[0])->present != 0;
    else
        ((int64_t *)ctx->out[0].data)[0] = head_of(&ctx->in[0])->count;
}

const nnrt_rop nnrt_rop_seq_length = {
    .name = "seq_length",
    .params_bytes = sizeof(nnrt_seq_length_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .host_inputs = 0x1,
    .check = length_check,
    .reshape = length_reshape,
    .run = length_run,
};

/* ---- split ---- */

static nnc_status split_check(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_split_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank));
    if (p->keepdims > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': keepdims %u", ctx->name, p->keepdims);
    return ctx->in_count > 1 ? check_position(ctx, 1) : NNC_OK;
}

/* Length of part k of `dim` elements, of which `from` are taken; < 0 when it does not fit. */
static int64_t part(const nnrt_node_ctx *ctx, size_t k, int64_t from, int64_t dim)
{
    if (ctx->in_count < 2)
        return 1;
    const nnrt_tensor *t = &ctx->in[1];
    const bool list = t->shape.rank > 0;
    if (list && k >= nnrt_shape_count(&t->shape))
        return -1;
    const size_t i = list ? k : 0;
    const int64_t given = t->dtype == NNRT_I64 ? ((const int64_t *)t->data)[i] : ((const int32_t *)t->data)[i];
    if (!list)
        return given <= 0 ? -1 : given < dim - from ? given : dim - from;
    return given < 0 || given > dim - from ? -1 : given;
}

static nnc_status split_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_seq_split_params *p = ctx->params;
    const nnrt_tensor *x = &ctx->in[0];
    const int64_t dim = x->shape.dims[p->axis];
    const bool list = ctx->in_count > 1 && ctx->in[1].shape.rank > 0;
    const size_t parts = list ? nnrt_shape_count(&ctx->in[1].shape) : SIZE_MAX;
    size_t count = 0, data = 0;
    int64_t from = 0;
    for (; list ? count < parts : from < dim; count++) {
        const int64_t n = part(ctx, count, from, dim);
        if (n < 0 || count >= COUNT_MAX)
            break;
        data += aligned(dim > 0 ? x->bytes / (size_t)dim * (size_t)n : 0);
        from += n;
    }
    if (from != dim || (list && count != parts))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the parts do not add up to the dim of %lld", ctx->name, (long long)dim);
    return set_bytes(ctx, count, data);
}

static void split_run(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_split_params *p = ctx->params;
    const nnrt_tensor *x = &ctx->in[0];
    const int64_t dim = x->shape.dims[p->axis];
    const bool list = ctx->in_count > 1 && ctx->in[1].shape.rank > 0;
    const size_t outer = nnrt_shape_span(&x->shape, 0, (uint32_t)p->axis);
    const size_t inner = nnrt_shape_span(&x->shape, (uint32_t)p->axis + 1, x->shape.rank) *
                         nnrt_dtype_bytes(x->dtype);
    uint32_t count = 0;
    for (int64_t from = 0; list ? count < nnrt_shape_count(&ctx->in[1].shape) : from < dim; count++)
        from += part(ctx, count, from, dim);
    writer w = start(ctx, count, x->dtype, true);
    int64_t from = 0;
    for (uint32_t k = 0; k < count; k++) {
        const int64_t n = part(ctx, k, from, dim);
        nnrt_shape shape = x->shape;
        shape.dims[p->axis] = n;
        if (ctx->in_count < 2 && !p->keepdims) {
            memmove(shape.dims + p->axis, shape.dims + p->axis + 1,
                    (shape.rank - 1 - (uint32_t)p->axis) * sizeof *shape.dims);
            shape.rank--;
        }
        const size_t piece = (size_t)n * inner;
        uint8_t *y = add(&w, &shape, outer * piece);
        for (size_t o = 0; o < outer && piece > 0; o++)
            memcpy(y + o * piece,
                   (const uint8_t *)x->data + (o * (size_t)dim + (size_t)from) * inner, piece);
        from += n;
    }
}

const nnrt_rop nnrt_rop_seq_split = {
    .name = "seq_split",
    .params_bytes = sizeof(nnrt_seq_split_params),
    .min_in = 1,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .check = split_check,
    .reshape = split_reshape,
    .run = split_run,
};

/* ---- concat ---- */

static nnc_status concat_check(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_concat_params *p = ctx->params;
    if (p->new_axis > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': new_axis %u", ctx->name, p->new_axis);
    NNC_TRY(check_element(ctx, p->dtype));
    return check_input(ctx, 0);
}

/* The axis within the output's rank. */
static nnc_status concat_axis(uint32_t *out, const nnrt_node_ctx *ctx, uint32_t rank)
{
    const nnrt_seq_concat_params *p = ctx->params;
    const int64_t axis = p->axis < 0 ? (int64_t)p->axis + rank : p->axis;
    if (axis < 0 || axis >= rank || rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %d of rank %u", ctx->name, p->axis, rank);
    *out = (uint32_t)axis;
    return NNC_OK;
}

static nnc_status concat_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_seq_concat_params *p = ctx->params;
    uint32_t axis = 0;
    NNC_TRY(check_holds(ctx, p->dtype));
    const uint32_t count = head_of(&ctx->in[0])->count;
    const item *items = items_of(&ctx->in[0]);
    if (count == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the sequence is empty", ctx->name);
    nnrt_shape y = shape_of(&items[0]);
    NNC_TRY(concat_axis(&axis, ctx, y.rank + p->new_axis));
    for (uint32_t k = 1; k < count; k++) {
        bool same = items[k].rank == items[0].rank;
        for (uint32_t d = 0; same && d < items[k].rank; d++)
            same = items[k].dims[d] == items[0].dims[d] || (!p->new_axis && d == axis);
        if (!same)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': element %u of the sequence has another shape", ctx->name, k);
        if (!p->new_axis)
            y.dims[axis] += items[k].dims[axis];
    }
    if (p->new_axis) {
        memmove(y.dims + axis + 1, y.dims + axis, (y.rank - axis) * sizeof *y.dims);
        y.dims[axis] = count;
        y.rank++;
    }
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static void concat_run(const nnrt_node_ctx *ctx)
{
    const nnrt_seq_concat_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->out[0].shape;
    const uint32_t count = head_of(&ctx->in[0])->count;
    const item *items = items_of(&ctx->in[0]);
    const uint32_t axis = (uint32_t)(p->axis < 0 ? p->axis + (int32_t)shape->rank : p->axis);
    const size_t inner = nnrt_shape_span(shape, axis + 1, shape->rank) * nnrt_dtype_bytes(p->dtype);
    const size_t outer = nnrt_shape_span(shape, 0, axis), row = (size_t)shape->dims[axis] * inner;
    size_t at = 0;
    for (uint32_t k = 0; k < count; k++) {
        const size_t piece = p->new_axis ? inner : (size_t)items[k].dims[axis] * inner;
        const uint8_t *x = (const uint8_t *)ctx->in[0].data + items[k].offset;
        for (size_t o = 0; o < outer && piece > 0; o++)
            memcpy((uint8_t *)ctx->out[0].data + o * row + at, x + o * piece, piece);
        at += piece;
    }
}

const nnrt_rop nnrt_rop_seq_concat = {
    .name = "seq_concat",
    .params_bytes = sizeof(nnrt_seq_concat_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .host_inputs = 0x1,
    .check = concat_check,
    .reshape = concat_reshape,
    .run = concat_run,
};
