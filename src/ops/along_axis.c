/* CumSum, CumProd, Hardmax, OneHot: along one axis. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

/* ---- CumSum, CumProd ---- */

static const nnc_attr_schema cumulative_attrs[] = {
    NNC_A_BOOL("exclusive"),
    NNC_A_BOOL("reverse"),
};

static nnc_status cumulative_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    int64_t axis;
    uint32_t unused;
    size_t count;
    if (x && nnc_infer_static_ints(ctx, 1, &axis, 1, &count) && count == 1) {
        NNC_TRY(nnc_infer_axis(ctx, &unused, axis, x->shape.rank));
    }
    return nnc_infer_same(ctx);
}

static nnc_status cumulative_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_cumulative_params params = {.product = nnc_node_is(node, "CumProd"),
                                     .exclusive = nnc_node_int(node, "exclusive", 0) != 0,
                                     .reverse = nnc_node_int(node, "reverse", 0) != 0};
    uint32_t axis;
    NNC_TRY(nnc_lower_input(&axis, ctx, 1, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_CUMULATIVE, &params, sizeof params, &axis, 1, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

#define CUMULATIVE_OP(id)                                                                          \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 2,                                                                               \
        .max_in = 2,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(cumulative_attrs),                                                               \
        .infer = cumulative_infer,                                                                 \
        .lower = cumulative_lower,                                                                 \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_same,                                                                     \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
CUMULATIVE_OP(CumSum);
CUMULATIVE_OP(CumProd);

/* ---- Hardmax ---- */

static const nnc_attr_schema hardmax_attrs[] = {NNC_A_AXIS("axis")};

static nnc_status hardmax_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    uint32_t unused;
    if (x) {
        NNC_TRY(nnc_infer_axis(ctx, &unused, nnc_node_int(nnc_infer_node(ctx), "axis", -1), x->shape.rank));
    }
    return nnc_infer_same(ctx);
}

static nnc_status hardmax_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of the input is unknown");
    }
    bool nhwc = nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    nnrt_axis_params params = {
        .axis = nnc_lower_axis(nnc_node_int(nnc_lower_node(ctx), "axis", -1), x->shape.rank, nhwc)};
    return nnc_lower_move(ctx, NNRT_ROP_ID_HARDMAX, &params, sizeof params, NULL, 0, form, form);
}

const nnc_op nnc_op_Hardmax = {
    .domain = "",
    .name = "Hardmax",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(hardmax_attrs),
    .infer = hardmax_infer,
    .lower = hardmax_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- OneHot: (indices, depth, [off, on]) ---- */

static const nnc_attr_schema one_hot_attrs[] = {NNC_A_AXIS("axis")};

/* The length of the new axis; symbolic where it is computed. */
static nnc_status one_hot_depth(nnc_infer_ctx *ctx, int64_t *out)
{
    const nnc_value *depth = nnc_infer_input(ctx, 1);
    nnc_ints ints;
    *out = nnc_infer_fresh_dim(ctx);
    if (depth->kind == NNC_VALUE_CONST && nnc_tensor_count(&depth->tensor) == 1) {
        double v = nnc_tensor_get_double(&depth->tensor, 0);
        if (!(v >= 0 && v <= NNC_DIM_LIMIT)) {
            return nnc_infer_fail(ctx, "depth is %g", v);
        }
        *out = (int64_t)v;
    } else if (nnc_infer_known(ctx, 1, &ints) && ints.count == 1 && !ints.symbolic[0] && ints.data[0] >= 0) {
        *out = ints.data[0];
    }
    return NNC_OK;
}

static nnc_status one_hot_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    nnc_dtype dtype = nnc_infer_dtype(ctx, 2);
    uint32_t axis;
    NNC_TRY(nnc_infer_check_vector(ctx, 2, 2, "values"));
    if (!x) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    if (x->shape.rank >= NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "indices have %u dims, at most %d fit", (unsigned)x->shape.rank, NNC_RANK_MAX - 1);
    }
    NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", -1), x->shape.rank + 1));
    nnc_shape from = x->shape, y = {.rank = from.rank + 1};
    for (uint32_t d = 0; d < y.rank; d++) {
        y.dims[d] = d < axis ? from.dims[d] : d > axis ? from.dims[d - 1] : 0;
    }
    NNC_TRY(one_hot_depth(ctx, &y.dims[axis]));
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status one_hot_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of the indices is unknown");
    }
    nnrt_axis_params params = {
        .axis = nnc_lower_axis(nnc_node_int(nnc_lower_node(ctx), "axis", -1), x->shape.rank + 1, false)};
    uint32_t extra[2];
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&extra[1], ctx, 2, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_ONE_HOT, &params, sizeof params, extra, 2, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_OneHot = {
    .domain = "",
    .name = "OneHot",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(one_hot_attrs),
    .infer = one_hot_infer,
    .lower = one_hot_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
