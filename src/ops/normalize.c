/* LpNormalization, MeanVarianceNormalization. SPDX-License-Identifier: Apache-2.0 */
#include "ops/compose.h"
#include "ops/op_util.h"

static const nnc_attr_schema lp_attrs[] = {NNC_A_AXIS("axis"), NNC_A_INT("p", 1, 2)};
static const nnc_attr_schema mvn_attrs[] = {NNC_A_INTS("axes", -NNC_RANK_MAX, NNC_RANK_MAX)};

static nnc_status lp_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    uint32_t unused;
    if (x) {
        NNC_TRY(nnc_infer_axis(ctx, &unused, nnc_node_int(nnc_infer_node(ctx), "axis", -1),
                               x->shape.rank));
    }
    return nnc_infer_same(ctx);
}

/* x divided by its norm; where that is 0, x is 0 too and is divided by 1. */
static nnc_status lp_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *v = nnc_lower_in_value(ctx, 0);
    if (!v->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", v->name);
    }
    nnc_compose c = {ctx, nnc_lower_dtype(v)};
    uint32_t rank = v->shape.rank, x, y, zero, norm = NNRT_NONE, is_zero = NNRT_NONE;
    uint32_t one = NNRT_NONE, safe = NNRT_NONE;
    int32_t axis = nnc_lower_axis(nnc_node_int(node, "axis", -1), rank, false);
    nnrt_reduce_op op = nnc_node_int(node, "p", 2) == 1 ? NNRT_REDUCE_L1 : NNRT_REDUCE_L2;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_compose_reduce(&norm, &c, op, x, rank, 1u << axis));
    NNC_TRY(nnc_compose_scalar(&zero, &c, 0.0));
    NNC_TRY(nnc_compose_binary(&is_zero, &c, NNRT_BINARY_EQUAL, norm, zero, rank));
    NNC_TRY(nnc_compose_cast(&one, &c, is_zero, c.dtype, rank));
    NNC_TRY(nnc_compose_binary(&safe, &c, NNRT_BINARY_ADD, norm, one, rank));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_compose_binary(&y, &c, NNRT_BINARY_DIV, x, safe, rank);
}

const nnc_op nnc_op_LpNormalization = {
    .domain = "",
    .name = "LpNormalization",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(lp_attrs),
    .infer = lp_infer,
    .lower = lp_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

static const int64_t mvn_axes[3] = {0, 2, 3};

static nnc_status mvn_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    const int64_t *axes = mvn_axes;
    size_t count = 3;
    uint32_t mask;
    nnc_node_ints(nnc_infer_node(ctx), "axes", &axes, &count);
    if (x) {
        NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, count, x->shape.rank));
    }
    return nnc_infer_same(ctx);
}

/* (x - mean) / (deviation + 1e-9). */
static nnc_status mvn_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *v = nnc_lower_in_value(ctx, 0);
    const int64_t *axes = mvn_axes;
    size_t count = 3;
    if (!v->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", v->name);
    }
    nnc_compose c = {ctx, nnc_lower_dtype(v)};
    uint32_t rank = v->shape.rank, mask = 0, x, y, tiny;
    uint32_t centred = NNRT_NONE, mean = NNRT_NONE, variance = NNRT_NONE, root = NNRT_NONE;
    uint32_t divisor = NNRT_NONE;
    nnc_node_ints(nnc_lower_node(ctx), "axes", &axes, &count);
    for (size_t i = 0; i < count; i++) {
        mask |= 1u << nnc_lower_axis(axes[i], rank, false);
    }
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_compose_moments(&centred, &mean, &variance, &c, x, rank, mask));
    NNC_TRY(nnc_compose_unary(&root, &c, NNRT_UNARY_SQRT, variance, rank));
    NNC_TRY(nnc_compose_scalar(&tiny, &c, 1e-9));
    NNC_TRY(nnc_compose_binary(&divisor, &c, NNRT_BINARY_ADD, root, tiny, rank));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_compose_binary(&y, &c, NNRT_BINARY_DIV, centred, divisor, rank);
}

const nnc_op nnc_op_MeanVarianceNormalization = {
    .domain = "",
    .name = "MeanVarianceNormalization",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(mvn_attrs),
    .infer = mvn_infer,
    .lower = mvn_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
