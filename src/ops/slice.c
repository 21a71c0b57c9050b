/* Slice. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ops/op_util.h"

/* Start and length along a dim of n elements, numpy's rules. */
static int64_t slice_length(int64_t *start, int64_t end, int64_t step, int64_t n)
{
    int64_t lo = step > 0 ? 0 : -1, hi = step > 0 ? n : n - 1;
    int64_t s = *start < 0 && *start >= -n ? *start + n : *start;
    int64_t e = end < 0 && end >= -n ? end + n : end;
    s = s < 0 ? lo : s > hi ? hi : s;
    e = e < 0 ? lo : e > hi ? hi : e;
    *start = s;
    if (step > 0) {
        return e <= s ? 0 : (e - s - 1) / step + 1;
    }
    return s <= e ? 0 : (s - e - 1) / (step == INT64_MIN ? INT64_MAX : -step) + 1;
}

typedef struct slice_spec {
    int64_t start[NNC_RANK_MAX], end[NNC_RANK_MAX], step[NNC_RANK_MAX];
    uint32_t axis[NNC_RANK_MAX];
    size_t count;
} slice_spec;

/* All four lists; false when one is not known. */
static bool slice_read(slice_spec *s, int64_t *axes, const nnc_infer_ctx *ctx, bool *mismatch)
{
    size_t ends = 0, n_axes = 0, steps = 0;
    if (!nnc_infer_static_ints(ctx, 1, s->start, NNC_RANK_MAX, &s->count) ||
        !nnc_infer_static_ints(ctx, 2, s->end, NNC_RANK_MAX, &ends)) {
        return false;
    }
    n_axes = steps = s->count;
    for (size_t i = 0; i < s->count; i++) {
        axes[i] = (int64_t)i;
        s->step[i] = 1;
    }
    if (nnc_infer_input(ctx, 3) && !nnc_infer_static_ints(ctx, 3, axes, NNC_RANK_MAX, &n_axes)) {
        return false;
    }
    if (nnc_infer_input(ctx, 4) && !nnc_infer_static_ints(ctx, 4, s->step, NNC_RANK_MAX, &steps)) {
        return false;
    }
    *mismatch = ends != s->count || n_axes != s->count || steps != s->count;
    return true;
}

static nnc_status slice_known(nnc_infer_ctx *ctx, const slice_spec *s)
{
    nnc_ints x, y = {.count = 0};
    if (s->count != 1 || !nnc_infer_known(ctx, 0, &x)) {
        return NNC_OK;
    }
    int64_t at = s->start[0];
    int64_t n = slice_length(&at, s->end[0], s->step[0], (int64_t)x.count);
    for (int64_t k = 0; k < n; k++, at += s->step[0]) {
        y.data[y.count] = x.data[at];
        y.symbolic[y.count++] = x.symbolic[at];
    }
    return nnc_infer_set_known(ctx, 0, &y);
}

/* Unknown bounds: dims that axes name are unknown; without known axes all are. */
static nnc_status slice_unknown(nnc_infer_ctx *ctx, const nnc_value *x)
{
    int64_t axes[NNC_RANK_MAX];
    size_t count;
    nnc_shape y = x->shape;
    uint32_t mask;
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    if (!nnc_infer_static_ints(ctx, 3, axes, NNC_RANK_MAX, &count)) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, (int)y.rank);
    }
    NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, count, y.rank));
    for (uint32_t d = 0; d < y.rank; d++) {
        if (mask & (1u << d)) {
            y.dims[d] = nnc_infer_fresh_dim(ctx);
        }
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status slice_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    slice_spec s;
    int64_t axes[NNC_RANK_MAX];
    bool mismatch = false;
    uint32_t mask;
    if (!x->has_shape || !slice_read(&s, axes, ctx, &mismatch)) {
        return slice_unknown(ctx, x);
    }
    if (mismatch) {
        return nnc_infer_fail(ctx, "starts, ends, axes and steps differ in length");
    }
    nnc_shape y = x->shape;
    NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, s.count, y.rank));
    for (size_t i = 0; i < s.count; i++) {
        uint32_t d;
        NNC_TRY(nnc_infer_axis(ctx, &d, axes[i], y.rank));
        if (s.step[i] == 0) {
            return nnc_infer_fail(ctx, "step of axis %u is 0", (unsigned)d);
        }
        bool whole = s.start[i] == 0 && s.step[i] == 1 && s.end[i] >= INT32_MAX;
        if (y.dims[d] < 0) {
            y.dims[d] = whole ? y.dims[d] : nnc_infer_fresh_dim(ctx);
        } else {
            int64_t start = s.start[i];
            y.dims[d] = slice_length(&start, s.end[i], s.step[i], y.dims[d]);
        }
    }
    NNC_TRY(nnc_infer_output(ctx, 0, x->dtype, &y));
    return y.rank == 1 ? slice_known(ctx, &s) : NNC_OK;
}

static nnc_status slice_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    const nnc_value *lists[5];
    bool constant = true;
    for (uint32_t i = 1; i < 5; i++) {
        lists[i] = nnc_node_in(graph, node, i);
        constant &= !lists[i] || lists[i]->kind == NNC_VALUE_CONST;
    }
    if (!x->has_shape || !y || !y->has_shape || !constant) {
        return NNC_OK;
    }
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        if (x->shape.dims[d] == y->shape.dims[d]) {
            NNC_TRY(nnc_dims_link(links, 0, d, 0, d));
        }
    }
    for (size_t i = 0; i < nnc_tensor_count(&lists[1]->tensor); i++) {
        int64_t axis = lists[3] ? nnc_tensor_get_int(&lists[3]->tensor, i) : (int64_t)i;
        int64_t step = lists[4] ? nnc_tensor_get_int(&lists[4]->tensor, i) : 1;
        int64_t start = nnc_tensor_get_int(&lists[1]->tensor, i);
        uint32_t d = (uint32_t)(axis < 0 ? axis + x->shape.rank : axis);
        if (step != 1 || x->shape.dims[d] < 0 || x->shape.dims[d] == y->shape.dims[d]) {
            continue;
        }
        slice_length(&start, nnc_tensor_get_int(&lists[2]->tensor, i), 1, x->shape.dims[d]);
        NNC_TRY(nnc_dim_links_add(
            links, (nnc_dim_link){0, d, 0, (int32_t)d, -1, -1, NNC_DIM_LINK_OFFSET, -start}));
    }
    return NNC_OK;
}

/* Bounds as the runtime wants them: int64. */
static nnc_status bounds_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i)
{
    int64_t list[NNC_RANK_MAX];
    size_t count;
    if (nnc_lower_static_ints(ctx, i, list, NNC_RANK_MAX, &count)) {
        return nnc_lower_const_i64(out, ctx, list, count);
    }
    return nnc_lower_input_as(out, ctx, i, NNRT_I64);
}

/* As many axes (from 0 on) and steps of 1 as there are starts, counted at run time. */
static nnc_status counted_lists(uint32_t *axes, uint32_t *steps, nnc_lower_ctx *ctx,
                                uint32_t starts)
{
    nnrt_shape_params whole = {.start = 0, .end = 1};
    nnrt_fill_params ones = {.dtype = NNRT_I64, .value = 1};
    const int64_t zero = 0, one = 1;
    uint32_t in[3], count;
    NNC_TRY(nnc_lower_temp(&count, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_SHAPE, &whole, sizeof whole, &starts, 1, &count, 1));
    NNC_TRY(nnc_lower_const_i64(&in[0], ctx, &zero, 1));
    in[1] = count;
    NNC_TRY(nnc_lower_const_i64(&in[2], ctx, &one, 1));
    NNC_TRY(nnc_lower_temp(axes, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_RANGE, NULL, 0, in, 3, axes, 1));
    NNC_TRY(nnc_lower_temp(steps, ctx, NNRT_I64, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_FILL, &ones, sizeof ones, &count, 1, steps, 1);
}

/* Axes that are computed, or as many as there are starts: in ONNX order. */
static nnc_status slice_dynamic(nnc_lower_ctx *ctx)
{
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    uint32_t extra[4];
    NNC_TRY(bounds_input(&extra[0], ctx, 1));
    NNC_TRY(bounds_input(&extra[1], ctx, 2));
    NNC_TRY(counted_lists(&extra[2], &extra[3], ctx, extra[0]));
    if (nnc_lower_in_value(ctx, 3)) {
        NNC_TRY(bounds_input(&extra[2], ctx, 3));
    }
    if (nnc_lower_in_value(ctx, 4)) {
        NNC_TRY(bounds_input(&extra[3], ctx, 4));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_SLICE, NULL, 0, extra, 4, form, form);
}

static nnc_status slice_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *starts = nnc_lower_in_value(ctx, 1);
    int64_t axes[NNC_RANK_MAX], ones[NNC_RANK_MAX];
    size_t count = 0;
    bool has_axes = nnc_lower_in_value(ctx, 3) != NULL;
    bool counted = starts->has_shape && starts->shape.rank == 1 && starts->shape.dims[0] >= 0 &&
                   x->has_shape && starts->shape.dims[0] <= (int64_t)x->shape.rank;
    bool constant = has_axes
                        ? x->has_shape && nnc_lower_static_ints(ctx, 3, axes, NNC_RANK_MAX, &count)
                        : counted;
    if (!constant) {
        return slice_dynamic(ctx);
    }
    bool nhwc = nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    count = has_axes ? count : (size_t)starts->shape.dims[0];
    for (size_t i = 0; i < count; i++) {
        axes[i] = nnc_lower_axis(has_axes ? axes[i] : (int64_t)i, x->shape.rank, nhwc);
        ones[i] = 1;
    }
    uint32_t extra[4];
    NNC_TRY(bounds_input(&extra[0], ctx, 1));
    NNC_TRY(bounds_input(&extra[1], ctx, 2));
    NNC_TRY(nnc_lower_const_i64(&extra[2], ctx, axes, count));
    if (nnc_lower_in_value(ctx, 4)) {
        NNC_TRY(bounds_input(&extra[3], ctx, 4));
    } else {
        NNC_TRY(nnc_lower_const_i64(&extra[3], ctx, ones, count));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_SLICE, NULL, 0, extra, 4, form, form);
}

const nnc_op nnc_op_Slice = {
    .domain = "",
    .name = "Slice",
    .min_in = 3,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = slice_infer,
    .lower = slice_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = slice_dims,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};
