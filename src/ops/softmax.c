/* Softmax and LogSoftmax along one axis. SPDX-License-Identifier: Apache-2.0 */
#include "ops/softmax.h"

#include "ops/compose.h"
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

/* Float64, step by step: the maximum is taken off first. */
static nnc_status softmax_f64(nnc_lower_ctx *ctx, uint32_t y, uint32_t x, uint32_t rank,
                              uint32_t axis, bool log)
{
    nnc_compose c = {ctx, NNRT_F64};
    const uint32_t mask = 1u << axis;
    uint32_t most = NNRT_NONE, shifted = NNRT_NONE, e = NNRT_NONE, sum = NNRT_NONE;
    NNC_TRY(nnc_compose_reduce(&most, &c, NNRT_REDUCE_MAX, x, rank, mask));
    NNC_TRY(nnc_compose_binary(&shifted, &c, NNRT_BINARY_SUB, x, most, rank));
    NNC_TRY(nnc_compose_unary(&e, &c, NNRT_UNARY_EXP, shifted, rank));
    NNC_TRY(
        nnc_compose_reduce(&sum, &c, log ? NNRT_REDUCE_LOG_SUM : NNRT_REDUCE_SUM, e, rank, mask));
    return log ? nnc_compose_binary(&y, &c, NNRT_BINARY_SUB, shifted, sum, rank)
               : nnc_compose_binary(&y, &c, NNRT_BINARY_DIV, e, sum, rank);
}

nnc_status nnc_lower_softmax(nnc_lower_ctx *ctx, uint32_t y, uint32_t x, nnrt_dtype dtype,
                             uint32_t rank, uint32_t axis, bool log)
{
    nnrt_softmax_params params = {.axis = (int32_t)axis, .log = log};
    if (dtype == NNRT_F64) {
        return softmax_f64(ctx, y, x, rank, axis, log);
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SOFTMAX, &params, sizeof params, &x, 1, &y, 1);
}

static nnc_status softmax_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *v = nnc_lower_in_value(ctx, 0);
    if (!v->has_shape || v->shape.rank == 0) {
        return nnc_lower_fail(ctx, "'%s' is a scalar or of unknown rank", v->name);
    }
    bool nhwc = nnc_rank_has_nhwc(v->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    int32_t axis = nnc_lower_axis(nnc_node_int(node, "axis", -1), v->shape.rank, nhwc);
    uint32_t x, y;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, form));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    return nnc_lower_softmax(ctx, y, x, nnc_lower_dtype(v), v->shape.rank, (uint32_t)axis,
                             nnc_node_is(node, "LogSoftmax"));
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
