/* Reductions, ArgMax, ArgMin. SPDX-License-Identifier: Apache-2.0
 * Axes are an input (the form of opset 18); none means all, unless noop_with_empty_axes. */
#include "ops/op_util.h"

static const nnc_attr_schema reduce_attrs[] = {
    NNC_A_BOOL("keepdims"),
    NNC_A_BOOL("noop_with_empty_axes"),
};

static nnc_shape reduced_shape(const nnc_shape *x, uint32_t mask, bool keepdims)
{
    nnc_shape y = {.rank = 0};
    for (uint32_t d = 0; d < x->rank; d++) {
        if (!(mask & (1u << d))) {
            y.dims[y.rank++] = x->dims[d];
        } else if (keepdims) {
            y.dims[y.rank++] = 1;
        }
    }
    return y;
}

/* Products and sums of known integers (ReduceProd of a shape). */
static nnc_status propagate(nnc_infer_ctx *ctx, bool product)
{
    nnc_ints x, y = {.count = 1};
    const nnc_node *node = nnc_infer_node(ctx);
    if (!nnc_infer_known(ctx, 0, &x) || node->outputs[0] == NNC_ID_NONE) {
        return NNC_OK;
    }
    y.data[0] = product ? 1 : 0;
    for (size_t k = 0; k < x.count; k++) {
        if (x.symbolic[k] || !(product ? nnc_i64_mul(&y.data[0], y.data[0], x.data[k])
                                       : nnc_i64_add(&y.data[0], y.data[0], x.data[k]))) {
            return NNC_OK;
        }
    }
    return nnc_infer_set_known(ctx, 0, &y);
}

static nnc_status reduce_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_input(ctx, 0);
    bool keepdims = nnc_node_int(node, "keepdims", 1) != 0;
    int64_t axes[NNC_RANK_MAX];
    size_t count = 0;
    bool given = nnc_infer_input(ctx, 1) != NULL;
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    if (given && !nnc_infer_static_ints(ctx, 1, axes, NNC_RANK_MAX, &count)) {
        const nnc_value *a = nnc_infer_shaped(ctx, 1);
        int64_t dropped = a && a->shape.rank == 1 ? a->shape.dims[0] : -1;
        int rank = keepdims ? (int)x->shape.rank
                   : dropped > 0 && dropped <= (int64_t)x->shape.rank
                       ? (int)(x->shape.rank - dropped)
                       : -1;
        return nnc_infer_output_unknown(ctx, 0, x->dtype, rank);
    }
    uint32_t mask;
    NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, count, x->shape.rank));
    if (count == 0 && nnc_node_int(node, "noop_with_empty_axes", 0)) {
        return nnc_infer_same(ctx);
    }
    mask = count == 0 ? (1u << x->shape.rank) - 1 : mask;
    nnc_shape y = reduced_shape(&x->shape, mask, keepdims);
    NNC_TRY(nnc_infer_output(ctx, 0, x->dtype, &y));
    if (x->shape.rank == 1 && nnc_node_is(node, "ReduceProd")) {
        return propagate(ctx, true);
    }
    return x->shape.rank == 1 && nnc_node_is(node, "ReduceSum") ? propagate(ctx, false) : NNC_OK;
}

/* One operation per input element. */
static void reduce_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0);
    out->macs = x && x->has_shape ? nnc_cost_elements(&x->shape) : 0;
}

/* The kept dims pass through; a reduced one is summed away alone. */
static nnc_status reduce_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    const nnc_value *axes = nnc_node_in(graph, node, 1);
    bool constant = axes && axes->kind == NNC_VALUE_CONST;
    if (!x->has_shape || !y || !y->has_shape || (axes && !constant)) {
        return NNC_OK;
    }
    uint32_t mask = 0;
    for (size_t k = 0; constant && k < nnc_tensor_count(&axes->tensor); k++) {
        int64_t axis = nnc_tensor_get_int(&axes->tensor, k);
        mask |= 1u << (axis < 0 ? axis + x->shape.rank : axis);
    }
    bool keep = y->shape.rank == x->shape.rank;
    uint32_t out_dim = 0;
    for (uint32_t d = 0; mask != 0 && d < x->shape.rank; d++) {
        if (!(mask & (1u << d))) {
            NNC_TRY(nnc_dims_link(links, 0, d, 0, keep ? d : out_dim));
            out_dim++;
        }
    }
    return NNC_OK;
}

/* Channels-last input: where dims are kept if the layout is there already; where they go, for
 * images reduced to [N,C], whose convolutions work channels-last anyway. */
static bool reduces_in_nhwc(const nnc_lower_ctx *ctx, uint32_t rank, uint32_t mask, bool keepdims)
{
    if (!keepdims) {
        return rank == 4 && mask == (1u << 2 | 1u << 3);
    }
    return nnc_rank_has_nhwc(rank) && nnc_lower_prefer_nhwc(ctx);
}

static nnc_status reduce_rop(nnrt_reduce_op *rop, nnc_lower_ctx *ctx)
{
    static const char *const names[] = {
        "ReduceSum", "ReduceMean", "ReduceMax",       "ReduceMin",    "ReduceProd",
        "ReduceL1",  "ReduceL2",   "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (nnc_node_is(nnc_lower_node(ctx), names[i])) {
            *rop = (nnrt_reduce_op)i;
            return NNC_OK;
        }
    }
    return nnc_lower_fail(ctx, "no runtime reduction");
}

/* Axes that are computed, or none at all: the runtime reads them. */
static nnc_status reduce_by_input(nnc_lower_ctx *ctx, nnrt_reduce_op rop)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_reduce_axes_params params = {
        .op = (uint32_t)rop,
        .keepdims = nnc_node_int(node, "keepdims", 1) != 0,
        .noop = nnc_node_int(node, "noop_with_empty_axes", 0) != 0,
    };
    uint32_t axes;
    if (nnc_lower_in_value(ctx, 1)) {
        NNC_TRY(nnc_lower_input(&axes, ctx, 1, NNC_FORM_LOGICAL));
    } else {
        NNC_TRY(nnc_lower_const_i64(&axes, ctx, (const int64_t[1]){0}, 0));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_REDUCE_AXES, &params, sizeof params, &axes, 1,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

static nnc_status reduce_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    int64_t axes[NNC_RANK_MAX];
    size_t count = 0;
    nnrt_reduce_op rop = NNRT_REDUCE_SUM;
    NNC_TRY(reduce_rop(&rop, ctx));
    if (!x->has_shape ||
        (nnc_lower_in_value(ctx, 1) &&
         !nnc_lower_static_ints(ctx, 1, axes, NNC_RANK_MAX, &count)) ||
        (count == 0 && nnc_node_int(node, "noop_with_empty_axes", 0))) {
        return reduce_by_input(ctx, rop);
    }
    uint32_t rank = x->shape.rank, mask = 0, physical = 0;
    for (size_t i = 0; i < count; i++) {
        mask |= 1u << nnc_lower_axis(axes[i], rank, false);
    }
    mask = count == 0 ? (1u << rank) - 1 : mask;
    bool keepdims = nnc_node_int(node, "keepdims", 1) != 0;
    bool nhwc = reduces_in_nhwc(ctx, rank, mask, keepdims);
    for (uint32_t d = 0; d < rank; d++) {
        if (mask & (1u << d)) {
            physical |= 1u << nnc_lower_axis(d, rank, nhwc);
        }
    }
    nnrt_reduce_params params = {.op = (uint32_t)rop, .mask = physical, .keepdims = keepdims};
    return nnc_lower_move(ctx, NNRT_ROP_ID_REDUCE, &params, sizeof params, NULL, 0,
                          nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL,
                          nhwc && keepdims ? NNC_FORM_NHWC : NNC_FORM_LOGICAL);
}

#define REDUCE_OP(id)                                                                              \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 2,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(reduce_attrs),                                                                   \
        .infer = reduce_infer,                                                                     \
        .lower = reduce_lower,                                                                     \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = reduce_cost,                                                                       \
        .dims = reduce_dims,                                                                       \
        .layout = NNC_LAYOUT_AXIS,                                                                 \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
REDUCE_OP(ReduceSum);
REDUCE_OP(ReduceMean);
REDUCE_OP(ReduceMax);
REDUCE_OP(ReduceMin);
REDUCE_OP(ReduceProd);
REDUCE_OP(ReduceL1);
REDUCE_OP(ReduceL2);
REDUCE_OP(ReduceSumSquare);
REDUCE_OP(ReduceLogSum);
REDUCE_OP(ReduceLogSumExp);

/* ---- ArgMax, ArgMin ---- */

static const nnc_attr_schema arg_attrs[] = {
    NNC_A_AXIS("axis"),
    NNC_A_BOOL("keepdims"),
    NNC_A_BOOL("select_last_index"),
};

static nnc_status arg_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, NNC_DTYPE_INT64, -1);
    }
    uint32_t axis;
    NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(node, "axis", 0), x->shape.rank));
    nnc_shape y = reduced_shape(&x->shape, 1u << axis, nnc_node_int(node, "keepdims", 1) != 0);
    return nnc_infer_output(ctx, 0, NNC_DTYPE_INT64, &y);
}

static nnc_status arg_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->name);
    }
    uint32_t rank = x->shape.rank;
    uint32_t axis = (uint32_t)nnc_lower_axis(nnc_node_int(node, "axis", 0), rank, false);
    bool keepdims = nnc_node_int(node, "keepdims", 1) != 0;
    bool nhwc = reduces_in_nhwc(ctx, rank, 1u << axis, keepdims);
    /* The order of integers on one grid is the order of their numbers. */
    bool q8 = nnc_on_byte_grid(x);
    nnrt_arg_params params = {
        .axis = nnc_lower_axis(axis, rank, nhwc),
        .min = nnc_node_is(node, "ArgMin"),
        .keepdims = keepdims,
        .select_last = nnc_node_int(node, "select_last_index", 0) != 0,
    };
    nnc_form in =
        nhwc ? (q8 ? NNC_FORM_Q8_NHWC : NNC_FORM_NHWC) : (q8 ? NNC_FORM_Q8 : NNC_FORM_LOGICAL);
    return nnc_lower_move(ctx, NNRT_ROP_ID_ARG, &params, sizeof params, NULL, 0, in,
                          nhwc && keepdims ? NNC_FORM_NHWC : NNC_FORM_LOGICAL);
}

#define ARG_OP(id)                                                                                 \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(arg_attrs),                                                                      \
        .infer = arg_infer,                                                                        \
        .lower = arg_lower,                                                                        \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = NNC_NO_DIMS,                                                                       \
        .layout = NNC_LAYOUT_AXIS,                                                                 \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
ARG_OP(ArgMax);
ARG_OP(ArgMin);
