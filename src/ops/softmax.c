/* Softmax and LogSoftmax along one axis. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

static const nnc_attr_schema softmax_attrs[] = {NNC_A_AXIS("axis")};

static nnc_status softmax_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    int64_t axis = nnc_node_int(nnc_infer_node(ctx), "axis", -1);
    uint32_t unused;
    if (x && (x->shape.rank > 0 || axis != -1)) {
        NNC_TRY(nnc_infer_axis(ctx, &unused, axis, x->shape.rank));
    }
    return nnc_infer_same(ctx);
}

static nnc_status softmax_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape || x->shape.rank == 0) {
        return nnc_lower_fail(ctx, "'%s' is a scalar or of unknown rank", x->name);
    }
    bool nhwc = nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    nnrt_softmax_params params = {
        .axis = nnc_lower_axis(nnc_node_int(node, "axis", -1), x->shape.rank, nhwc),
        .log = nnc_node_is(node, "LogSoftmax"),
    };
    return nnc_lower_move(ctx, NNRT_ROP_ID_SOFTMAX, &params, sizeof params, NULL, 0, form, form);
}

#define SOFTMAX_OP(id)                                                                             \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(softmax_attrs),                                                                  \
        .infer = softmax_infer,                                                                    \
        .lower = softmax_lower,                                                                    \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_same,                                                                     \
        .layout = NNC_LAYOUT_AXIS,                                                                 \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
SOFTMAX_OP(Softmax);
SOFTMAX_OP(LogSoftmax);
