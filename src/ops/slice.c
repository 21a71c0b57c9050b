/* Slice and Pad. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"
#include "tensor/requant.h"

/* ---- Slice ---- */

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
    nnrt_cast_params cast = {.dtype = NNRT_I64};
    uint32_t in;
    NNC_TRY(nnc_lower_input(&in, ctx, i, NNC_FORM_LOGICAL));
    if (nnc_lower_in_value(ctx, i)->dtype == NNC_DTYPE_INT64) {
        *out = in;
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_temp(out, ctx, NNRT_I64, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &cast, sizeof cast, &in, 1, out, 1);
}

static nnc_status slice_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *starts = nnc_lower_in_value(ctx, 1);
    int64_t axes[NNC_RANK_MAX], ones[NNC_RANK_MAX];
    size_t count = 0;
    bool has_axes = nnc_lower_in_value(ctx, 3) != NULL;
    if (!x->has_shape || !starts->has_shape || starts->shape.rank != 1 ||
        starts->shape.dims[0] < 0 || starts->shape.dims[0] > NNC_RANK_MAX ||
        (has_axes && !nnc_lower_static_ints(ctx, 3, axes, NNC_RANK_MAX, &count))) {
        return nnc_lower_fail(ctx, "the rank of the input or the axes are not constant");
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

/* ---- Pad ---- */

static const char *const pad_modes[] = {"constant", "reflect", "edge", "wrap", NULL};
static const nnc_attr_schema pad_attrs[] = {NNC_A_ENUM("mode", pad_modes)};

/* Pads of all dims [2*rank] from the given ones and axes; NULL, or what is wrong. */
static const char *pad_expand(int64_t *full, uint32_t rank, const int64_t *pads, size_t count,
                              const int64_t *axes, size_t axis_count)
{
    size_t n = axes ? axis_count : rank;
    if (count != 2 * n) {
        return "pads does not have two elements per axis";
    }
    memset(full, 0, 2 * (size_t)rank * sizeof *full);
    for (size_t i = 0; i < n; i++) {
        int64_t d = axes ? axes[i] : (int64_t)i;
        d = d < 0 ? d + rank : d;
        if (d < 0 || d >= (int64_t)rank) {
            return "an axis is out of range";
        }
        full[d] = pads[i];
        full[d + rank] = pads[i + n];
    }
    return NULL;
}

static nnc_status pad_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t pads[2 * NNC_RANK_MAX], axes[NNC_RANK_MAX], full[2 * NNC_RANK_MAX];
    size_t count = 0, axis_count = 0;
    bool has_axes = nnc_infer_input(ctx, 3) != NULL;
    if (!x->has_shape || !nnc_infer_static_ints(ctx, 1, pads, 2 * NNC_RANK_MAX, &count) ||
        (has_axes && !nnc_infer_static_ints(ctx, 3, axes, NNC_RANK_MAX, &axis_count))) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, x->has_shape ? (int)x->shape.rank : -1);
    }
    const char *wrong =
        pad_expand(full, x->shape.rank, pads, count, has_axes ? axes : NULL, axis_count);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    nnc_shape y = x->shape;
    for (uint32_t d = 0; d < y.rank; d++) {
        int64_t both;
        if (!nnc_i64_add(&both, full[d], full[d + y.rank])) {
            return nnc_infer_fail(ctx, "pads of dim %u are too large", (unsigned)d);
        }
        if (y.dims[d] < 0) {
            y.dims[d] = both == 0 ? y.dims[d] : nnc_infer_fresh_dim(ctx);
        } else if (!nnc_i64_add(&y.dims[d], y.dims[d], both) || y.dims[d] < 0) {
            return nnc_infer_fail(ctx,
                                  "pads %" PRId64 " and %" PRId64 " do not fit dim %u of %" PRId64,
                                  full[d], full[d + y.rank], (unsigned)d, x->shape.dims[d]);
        }
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static uint32_t pad_mode(const nnc_node *node)
{
    const char *mode = nnc_node_string(node, "mode", "constant");
    uint32_t i = 0;
    while (pad_modes[i] && strcmp(mode, pad_modes[i]) != 0) {
        i++;
    }
    return i;
}

/* The padding value as integers of the output's grid, or as it is. */
static float pad_value(float value, const nnc_value *y, nnc_form form)
{
    if (form != NNC_FORM_Q8 && form != NNC_FORM_Q8_NHWC) {
        return value;
    }
    const nnc_qparams *q = y->qparams;
    int32_t shift = nnc_dtype_class_of((int)q->dtype) == NNC_DTYPE_CLASS_SINT ? 128 : 0;
    int32_t zero = q->zero_point[0];
    return (float)(nnc_quantize(value, q->scale[0], (float)(q->qmin - zero),
                                (float)(q->qmax - zero), zero) +
                   shift);
}

/* Pads that are computed at run time: ONNX order, all axes. */
static nnc_status pad_dynamic(nnc_lower_ctx *ctx, const nnrt_pad_params *params)
{
    uint32_t extra[2], count = 1;
    if (nnc_lower_in_value(ctx, 3)) {
        return nnc_lower_fail(ctx, "pads with axes are not constant");
    }
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    if (nnc_lower_in_value(ctx, 2)) {
        NNC_TRY(nnc_lower_input(&extra[count++], ctx, 2, NNC_FORM_LOGICAL));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_PAD, params, sizeof *params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

static nnc_status pad_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *value = nnc_lower_in_value(ctx, 2);
    int64_t pads[2 * NNC_RANK_MAX], axes[NNC_RANK_MAX], full[2 * NNC_RANK_MAX];
    int64_t physical[2 * NNC_RANK_MAX];
    size_t count = 0, axis_count = 0;
    bool has_axes = nnc_lower_in_value(ctx, 3) != NULL;
    nnrt_pad_params params = {.mode = pad_mode(nnc_lower_node(ctx)), .value = 0.0f};
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->name);
    }
    if (!nnc_lower_static_ints(ctx, 1, pads, 2 * NNC_RANK_MAX, &count) ||
        (has_axes && !nnc_lower_static_ints(ctx, 3, axes, NNC_RANK_MAX, &axis_count)) ||
        (value && value->kind != NNC_VALUE_CONST)) {
        return pad_dynamic(ctx, &params);
    }
    uint32_t rank = x->shape.rank, perm[NNC_RANK_MAX], list;
    const char *wrong = pad_expand(full, rank, pads, count, has_axes ? axes : NULL, axis_count);
    if (wrong) {
        return nnc_lower_fail(ctx, "%s", wrong);
    }
    bool nhwc = nnc_rank_has_nhwc(rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    nnc_layout_perm(perm, rank, nhwc);
    for (uint32_t d = 0; d < rank; d++) {
        physical[d] = full[perm[d]];
        physical[d + rank] = full[perm[d] + rank];
    }
    if (value) {
        params.value = (float)nnc_tensor_get_double(&value->tensor, 0);
    }
    params.value = pad_value(params.value, nnc_lower_out_value(ctx, 0), form);
    NNC_TRY(nnc_lower_const_i64(&list, ctx, physical, 2 * (size_t)rank));
    return nnc_lower_move(ctx, NNRT_ROP_ID_PAD, &params, sizeof params, &list, 1, form, form);
}

const nnc_op nnc_op_Pad = {
    .domain = "",
    .name = "Pad",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(pad_attrs),
    .infer = pad_infer,
    .lower = pad_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};
