/* CausalConvWithState: depthwise convolution along a sequence, its past carried.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/compose.h"
#include "ops/op_util.h"

static const char *const activations[] = {"none", "silu", "swish", NULL};
static const nnc_attr_schema causal_attrs[] = {NNC_A_ENUM("activation", activations)};

static nnc_status causal_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0), *w = nnc_infer_shaped(ctx, 1);
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    for (uint32_t i = 0; i < 4; i++) {
        NNC_TRY(i == 2 ? NNC_OK : nnc_infer_check_rank(ctx, i, 3, 3));
    }
    if (!x->has_shape) {
        NNC_TRY(nnc_infer_output_unknown(ctx, 1, x->dtype, 3));
        return nnc_infer_output_unknown(ctx, 0, x->dtype, 3);
    }
    int64_t channels = x->shape.dims[1];
    if (w && channels >= 0 && w->shape.dims[0] >= 0 && w->shape.dims[0] != channels) {
        return nnc_infer_fail(ctx, "weight has %" PRId64 " channels, expected %" PRId64,
                              w->shape.dims[0], channels);
    }
    if (w && (w->shape.dims[1] > 1 || w->shape.dims[1] == 0 || w->shape.dims[2] == 0)) {
        return nnc_infer_fail(
            ctx, "weight has dims %" PRId64 " and %" PRId64 ", expected 1 and a kernel",
            w->shape.dims[1], w->shape.dims[2]);
    }
    NNC_TRY(nnc_infer_check_vector(ctx, 2, channels, "bias"));
    nnc_shape state = x->shape;
    state.dims[2] = w && w->shape.dims[2] >= 0 ? w->shape.dims[2] - 1 : nnc_infer_fresh_dim(ctx);
    NNC_TRY(nnc_infer_output(ctx, 1, x->dtype, &state));
    return nnc_infer_output(ctx, 0, x->dtype, &x->shape);
}

/* v * sigmoid(v) of float64, which has no function of its own for it. */
static nnc_status silu(const nnc_compose *c, uint32_t x, uint32_t y)
{
    uint32_t s = NNRT_NONE;
    if (c->dtype == NNRT_F32) {
        return nnc_compose_unary(&y, c, NNRT_UNARY_SILU, x, 3);
    }
    NNC_TRY(nnc_compose_unary(&s, c, NNRT_UNARY_SIGMOID, x, 3));
    return nnc_compose_binary(&y, c, NNRT_BINARY_MUL, x, s, 3);
}

static nnc_status causal_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnc_compose c = {ctx, nnc_lower_dtype(nnc_lower_in_value(ctx, 0))};
    nnrt_causal_conv_params params = {.has_bias = nnc_lower_in_value(ctx, 2) != NULL,
                                      .has_past = nnc_lower_in_value(ctx, 3) != NULL};
    bool plain = strcmp(nnc_node_string(node, "activation", "none"), "none") == 0;
    uint32_t in[4], out[2], count = 0, y;
    for (uint32_t i = 0; i < 4; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(nnc_lower_input(&in[count++], ctx, i, NNC_FORM_LOGICAL));
        }
    }
    if (nnc_lower_out_value(ctx, 1)) {
        NNC_TRY(nnc_lower_output(&out[1], ctx, 1, NNC_FORM_LOGICAL));
    } else {
        NNC_TRY(nnc_lower_temp(&out[1], ctx, c.dtype, 3));
    }
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    out[0] = y;
    if (!plain) {
        NNC_TRY(nnc_lower_temp(&out[0], ctx, c.dtype, 3));
    }
    NNC_TRY(
        nnc_lower_emit(ctx, NNRT_ROP_ID_CAUSAL_CONV, &params, sizeof params, in, count, out, 2));
    return plain ? NNC_OK : silu(&c, out[0], y);
}

const nnc_op nnc_op_CausalConvWithState = {
    .domain = "",
    .name = "CausalConvWithState",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 2,
    NNC_ATTRS(causal_attrs),
    .infer = causal_infer,
    .lower = causal_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
