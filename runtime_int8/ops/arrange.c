/* reverse_sequence, split_part, center_crop_pad: parts of a tensor, rearranged.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/strided.h"
#include "runtime_int8/ops/util.h"

#define TASK_BYTES 131072u

static nnc_status reverse_check(const nnrt_node_ctx *ctx)
{
    const nnrt_reverse_sequence_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    NNC_TRY(nnrt_check_rank(ctx, 1, 1));
    if (p->batch_axis > 1 || p->time_axis != 1 - p->batch_axis || ctx->in[0].shape.rank < 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': batch_axis %u, time_axis %u of rank %u", ctx->name,
                 p->batch_axis, p->time_axis, ctx->in[0].shape.rank);
    return NNC_OK;
}

static nnc_status reverse_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_reverse_sequence_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    if (ctx->in[1].shape.dims[0] != x->dims[p->batch_axis])
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld lengths for a batch of %lld", ctx->name,
                 (long long)ctx->in[1].shape.dims[0], (long long)x->dims[p->batch_axis]);
    nnrt_set_output_like(ctx, 0);
    return NNC_OK;
}

/* Rows of the first two dims. A length outside 0..time is moved to its nearest end. */
static void reverse_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_reverse_sequence_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t d1 = (size_t)x->dims[1], row = ctx->out[0].bytes / ((size_t)x->dims[0] * d1);
    int64_t time = x->dims[p->time_axis];
    for (size_t i = begin; i < begin + count; i++) {
        size_t at[2] = {i / d1, i % d1};
        int64_t t = (int64_t)at[p->time_axis];
        int64_t length = ((const int64_t *)ctx->in[1].data)[at[p->batch_axis]];
        length = length < 0 ? 0 : length > time ? time : length;
        at[p->time_axis] = (size_t)(t < length ? length - 1 - t : t);
        memcpy((uint8_t *)ctx->out[0].data + i * row,
               (const uint8_t *)ctx->in[0].data + (at[0] * d1 + at[1]) * row, row);
    }
}

static void reverse_run(const nnrt_node_ctx *ctx)
{
    size_t rows = nnrt_shape_span(&ctx->in[0].shape, 0, 2);
    if (ctx->out[0].bytes != 0)
        nnrt_parallel_tiles(ctx->pool, reverse_rows, (void *)(uintptr_t)ctx, rows,
                            1 + TASK_BYTES / (ctx->out[0].bytes / rows));
}

const nnrt_rop nnrt_rop_reverse_sequence = {
    .name = "reverse_sequence",
    .params_bytes = sizeof(nnrt_reverse_sequence_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = reverse_check,
    .reshape = reverse_reshape,
    .run = reverse_run,
};

/* A box of x copied to a box of y of the same dims. */
typedef struct box_state {
    nnrt_strided copy;
    size_t x_start, y_start; /* in elements */
    bool whole;              /* the box fills y */
} box_state;

/* y's shape is set; per dim, count elements from x_at on go to y_at on. */
static nnc_status plan_box(nnrt_node_ctx *ctx, const int64_t *x_at, const int64_t *y_at,
                           const int64_t *count)
{
    const nnrt_shape *x = &ctx->in[0].shape, *y = &ctx->out[0].shape;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(box_state)));
    box_state *s = ctx->state;
    bool empty = false;
    s->whole = true;
    nnrt_strided_init(&s->copy, nnrt_dtype_bytes(ctx->in[0].dtype));
    for (uint32_t d = 0; d < x->rank; d++) {
        size_t xs = nnrt_shape_span(x, d + 1, x->rank), ys = nnrt_shape_span(y, d + 1, y->rank);
        empty = empty || count[d] == 0;
        s->whole = s->whole && count[d] == y->dims[d];
        s->x_start += (size_t)x_at[d] * xs;
        s->y_start += (size_t)y_at[d] * ys;
        nnrt_strided_dim(&s->copy, (size_t)count[d], (ptrdiff_t)xs, (ptrdiff_t)ys);
    }
    if (empty)
        s->x_start = s->y_start = 0;
    nnrt_strided_finish(&s->copy);
    return NNC_OK;
}

static void run_box(const nnrt_node_ctx *ctx)
{
    const box_state *s = ctx->state;
    if (ctx->out[0].bytes == 0)
        return;
    if (!s->whole)
        memset(ctx->out[0].data, 0, ctx->out[0].bytes);
    nnrt_strided_run(&s->copy, ctx->pool, (uint8_t *)ctx->out[0].data + s->y_start * s->copy.size,
                     (const uint8_t *)ctx->in[0].data + s->x_start * s->copy.size);
}

static nnc_status split_check(const nnrt_node_ctx *ctx)
{
    const nnrt_split_part_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    if (ctx->in_count > 1)
        NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    if (p->count == 0 || p->index >= p->count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': part %u of %u", ctx->name, p->index, p->count);
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status part_of(const nnrt_node_ctx *ctx, int64_t dim, int64_t *start, int64_t *length)
{
    const nnrt_split_part_params *p = ctx->params;
    if (ctx->in_count == 1) {
        int64_t part = (dim + p->count - 1) / p->count;
        *start = part * p->index < dim ? part * p->index : dim;
        *length = dim - *start < part ? dim - *start : part;
        return NNC_OK;
    }
    const int64_t *lengths;
    size_t count;
    int64_t sum = 0;
    NNC_TRY(nnrt_host_i64(&lengths, &count, ctx, 1));
    if (count != p->count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu lengths for %u parts", ctx->name, count, p->count);
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || lengths[i] > dim)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': length %zu is %lld of %lld", ctx->name, i,
                     (long long)lengths[i], (long long)dim);
        *start = i == p->index ? sum : *start;
        sum += lengths[i];
    }
    *length = lengths[p->index];
    if (sum != dim)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': lengths sum to %lld, the dim is %lld", ctx->name,
                 (long long)sum, (long long)dim);
    return NNC_OK;
}

static nnc_status split_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_split_part_params *p = ctx->params;
    nnrt_shape y = ctx->in[0].shape;
    int64_t start = 0, length = 0, x_at[NNRT_RANK_MAX] = {0}, y_at[NNRT_RANK_MAX] = {0};
    NNC_TRY(part_of(ctx, y.dims[p->axis], &start, &length));
    y.dims[p->axis] = length;
    x_at[p->axis] = start;
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return plan_box(ctx, x_at, y_at, y.dims);
}

const nnrt_rop nnrt_rop_split_part = {
    .name = "split_part",
    .params_bytes = sizeof(nnrt_split_part_params),
    .min_in = 1,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = split_check,
    .reshape = split_reshape,
    .run = run_box,
};

static nnc_status center_check(const nnrt_node_ctx *ctx)
{
    const nnrt_center_crop_pad_params *p = ctx->params;
    uint32_t rank = ctx->in[0].shape.rank, seen = 0;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    if (p->axis_count > rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u axes of rank %u", ctx->name, p->axis_count, rank);
    for (uint32_t i = 0; i < p->axis_count; i++) {
        if (p->axes[i] >= rank || (seen >> p->axes[i] & 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %u of rank %u is out of range or given twice",
                     ctx->name, p->axes[i], rank);
        seen |= 1u << p->axes[i];
    }
    return NNC_OK;
}

static nnc_status center_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_center_crop_pad_params *p = ctx->params;
    nnrt_shape y = ctx->in[0].shape;
    int64_t x_at[NNRT_RANK_MAX] = {0}, y_at[NNRT_RANK_MAX] = {0}, count[NNRT_RANK_MAX];
    const int64_t *want;
    size_t n;
    NNC_TRY(nnrt_host_i64(&want, &n, ctx, 1));
    if (n != p->axis_count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': shape has %zu elements, expected %u", ctx->name, n,
                 p->axis_count);
    memcpy(count, y.dims, sizeof count);
    for (uint32_t i = 0; i < p->axis_count; i++) {
        uint32_t d = p->axes[i];
        int64_t have = y.dims[d];
        if (want[i] < 0 || want[i] > INT32_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u becomes %lld", ctx->name, d, (long long)want[i]);
        x_at[d] = want[i] < have ? (have - want[i]) / 2 : 0;
        y_at[d] = want[i] > have ? (want[i] - have) / 2 : 0;
        count[d] = want[i] < have ? want[i] : have;
        y.dims[d] = want[i];
    }
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return plan_box(ctx, x_at, y_at, count);
}

const nnrt_rop nnrt_rop_center_crop_pad = {
    .name = "center_crop_pad",
    .params_bytes = sizeof(nnrt_center_crop_pad_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = center_check,
    .reshape = center_reshape,
    .run = run_box,
};
