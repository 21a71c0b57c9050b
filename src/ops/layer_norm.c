/* LayerNormalization, RMSNormalization. SPDX-License-Identifier: Apache-2.0 */
#include "ops/compose.h"
#include "ops/op_util.h"

static const nnc_attr_schema layer_attrs[] = {
    NNC_A_AXIS("axis"),
    NNC_A_FLOAT("epsilon"),
    NNC_A_INT("stash_type", 1, 16),
};

static nnc_status layer_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    uint32_t axis;
    NNC_TRY(
        nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", -1), x->shape.rank));
    for (uint32_t i = 1; i < nnc_infer_input_count(ctx); i++) {
        const nnc_value *v = nnc_infer_shaped(ctx, i);
        nnc_shape both = x->shape;
        if (v) {
            NNC_TRY(nnc_infer_broadcast(ctx, &both, &v->shape));
        }
        if (v && nnc_shape_is_static(&x->shape) && !nnc_shape_equal(&both, &x->shape)) {
            char sx[256], sv[256];
            return nnc_infer_fail(ctx, "%s of shape %s does not broadcast to %s",
                                  i == 1 ? "scale" : "bias",
                                  nnc_shape_format(sv, sizeof sv, &v->shape),
                                  nnc_shape_format(sx, sizeof sx, &x->shape));
        }
    }
    nnc_shape stats = x->shape;
    for (uint32_t d = axis; d < stats.rank; d++) {
        stats.dims[d] = 1;
    }
    NNC_TRY(nnc_infer_output(ctx, 1, NNC_DTYPE_FLOAT, &stats));
    NNC_TRY(nnc_infer_output(ctx, 2, NNC_DTYPE_FLOAT, &stats));
    return nnc_infer_output(ctx, 0, x->dtype, &x->shape);
}

/* Whether input i has exactly the normalized dims, or may only broadcast to them. */
static bool is_plain(const nnc_lower_ctx *ctx, uint32_t i, uint32_t axis)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *v = nnc_lower_in_value(ctx, i);
    if (!v) {
        return true;
    }
    if (!v->has_shape || v->shape.rank != x->shape.rank - axis) {
        return false;
    }
    for (uint32_t d = 0; d < v->shape.rank; d++) {
        int64_t own = v->shape.dims[d], want = x->shape.dims[d + axis];
        if (own != want && (own >= 0) == (want >= 0)) {
            return false;
        }
    }
    return true;
}

/* Scale and bias as operations of their own. */
static nnc_status layer_affine(nnc_compose *c, uint32_t x, uint32_t rank)
{
    nnc_lower_ctx *ctx = c->ctx;
    const nnc_value *bias = nnc_lower_in_value(ctx, 2);
    uint32_t scale, shift, out, scaled = NNRT_NONE;
    NNC_TRY(nnc_lower_input(&scale, ctx, 1, NNC_FORM_LOGICAL));
    if (bias) {
        NNC_TRY(nnc_lower_input(&shift, ctx, 2, NNC_FORM_LOGICAL));
        NNC_TRY(nnc_compose_binary(&scaled, c, NNRT_BINARY_MUL, x, scale, rank));
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_compose_binary(&out, c, NNRT_BINARY_ADD, scaled, shift, rank);
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_compose_binary(&out, c, NNRT_BINARY_MUL, x, scale, rank);
}

/* An output in its own type. */
static nnc_status put_output(nnc_compose *c, uint32_t i, uint32_t x, uint32_t rank)
{
    const nnc_value *value = nnc_lower_out_value(c->ctx, i);
    uint32_t out;
    if (!value) {
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_output(&out, c->ctx, i, NNC_FORM_LOGICAL));
    return nnc_compose_cast(&out, c, x, nnc_lower_dtype(value), rank);
}

/* Step by step: for the statistics as outputs and for float64. */
static nnc_status layer_by_steps(nnc_lower_ctx *ctx, uint32_t axis, double epsilon, bool rms,
                                 bool normalized)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnc_compose c = {ctx, nnc_lower_dtype(x)};
    uint32_t rank = x->shape.rank, mask = ((1u << rank) - 1) & ~((1u << axis) - 1), in;
    uint32_t centred = NNRT_NONE, mean = NNRT_NONE, variance = NNRT_NONE, r = NNRT_NONE;
    NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
    if (rms) {
        uint32_t square = NNRT_NONE;
        centred = in;
        NNC_TRY(nnc_compose_binary(&square, &c, NNRT_BINARY_MUL, in, in, rank));
        NNC_TRY(nnc_compose_reduce(&variance, &c, NNRT_REDUCE_MEAN, square, rank, mask));
    } else {
        NNC_TRY(nnc_compose_moments(&centred, &mean, &variance, &c, in, rank, mask));
    }
    NNC_TRY(nnc_compose_rsqrt(&r, &c, variance, epsilon, rank));
    if (!rms) {
        NNC_TRY(put_output(&c, 1, mean, rank));
        NNC_TRY(put_output(&c, 2, r, rank));
    }
    if (normalized) {
        return NNC_OK;
    }
    uint32_t y = NNRT_NONE;
    NNC_TRY(nnc_compose_binary(&y, &c, NNRT_BINARY_MUL, centred, r, rank));
    return layer_affine(&c, y, rank);
}

static nnc_status layer_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape || x->shape.rank == 0) {
        return nnc_lower_fail(ctx, "the rank of the input is unknown or 0");
    }
    nnrt_layernorm_params params = {
        .axis = nnc_lower_axis(nnc_node_int(node, "axis", -1), x->shape.rank, false),
        .epsilon = nnc_node_float(node, "epsilon", 1e-5f),
        .rms = nnc_node_is(node, "RMSNormalization"),
    };
    uint32_t extra[2], count = 0, axis = (uint32_t)params.axis, in, y;
    double epsilon = (double)params.epsilon;
    if (x->dtype != NNC_DTYPE_FLOAT) {
        return layer_by_steps(ctx, axis, epsilon, params.rms != 0, false);
    }
    if (nnc_lower_out_value(ctx, 1) || nnc_lower_out_value(ctx, 2)) {
        NNC_TRY(layer_by_steps(ctx, axis, epsilon, params.rms != 0, true));
    }
    if (!is_plain(ctx, 1, axis) || !is_plain(ctx, 2, axis)) {
        nnc_compose c = {ctx, NNRT_F32};
        NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
        NNC_TRY(nnc_lower_temp(&y, ctx, NNRT_F32, x->shape.rank));
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_LAYERNORM, &params, sizeof params, &in, 1, &y, 1));
        return layer_affine(&c, y, x->shape.rank);
    }
    for (uint32_t i = 1; i < node->input_count; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(nnc_lower_input(&extra[count++], ctx, i, NNC_FORM_LOGICAL));
        }
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_LAYERNORM, &params, sizeof params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_LayerNormalization = {
    .domain = "",
    .name = "LayerNormalization",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    NNC_ATTRS(layer_attrs),
    .infer = layer_infer,
    .lower = layer_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_elementwise,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

const nnc_op nnc_op_RMSNormalization = {
    .domain = "",
    .name = "RMSNormalization",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(layer_attrs),
    .infer = layer_infer,
    .lower = layer_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_elementwise,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
