/* NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"
#include "ops/softmax.h"

static const char *const reductions[] = {"none", "sum", "mean", NULL};
static const nnc_attr_schema loss_attrs[] = {
    NNC_A_INT_ANY("ignore_index"),
    NNC_A_ENUM("reduction", reductions),
};

static uint32_t reduction_of(const nnc_node *node)
{
    const char *name = nnc_node_string(node, "reduction", "mean");
    for (uint32_t i = 0; i < NNRT_NLL_MEAN; i++) {
        if (strcmp(name, reductions[i]) == 0) {
            return i;
        }
    }
    return NNRT_NLL_MEAN;
}

static nnc_status loss_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_input(ctx, 0), *labels = nnc_infer_shaped(ctx, 1);
    nnc_shape y = {.rank = 0};
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, NNC_RANK_MAX));
    if (x->has_shape) {
        NNC_TRY(nnc_infer_output(ctx, 1, x->dtype, &x->shape));
        NNC_TRY(nnc_infer_check_vector(ctx, 2, x->shape.dims[1], "weight"));
    } else {
        NNC_TRY(nnc_infer_output_unknown(ctx, 1, x->dtype, -1));
    }
    if (x->has_shape && labels && labels->shape.rank + 1 != x->shape.rank) {
        return nnc_infer_fail(ctx, "labels have %u dims, expected %u", (unsigned)labels->shape.rank,
                              (unsigned)x->shape.rank - 1);
    }
    if (reduction_of(node) != NNRT_NLL_NONE) {
        return nnc_infer_output(ctx, 0, x->dtype, &y);
    }
    if (labels) {
        return nnc_infer_output(ctx, 0, x->dtype, &labels->shape);
    }
    return nnc_infer_output_unknown(ctx, 0, x->dtype, x->has_shape ? (int)x->shape.rank - 1 : -1);
}

/* The loss of log-probabilities. */
static nnc_status emit_nll(nnc_lower_ctx *ctx, uint32_t log_probabilities)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_attr *ignore = nnc_node_attr(node, "ignore_index");
    nnrt_nll_params params = {.reduction = reduction_of(node),
                              .has_ignore = ignore != NULL,
                              .ignore_index = nnc_node_int(node, "ignore_index", 0)};
    uint32_t in[3] = {log_probabilities}, count = 2, y;
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    if (nnc_lower_in_value(ctx, 2)) {
        NNC_TRY(nnc_lower_input(&in[count++], ctx, 2, NNC_FORM_LOGICAL));
    }
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_NLL, &params, sizeof params, in, count, &y, 1);
}

static nnc_status nll_lower(nnc_lower_ctx *ctx)
{
    uint32_t x;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    return emit_nll(ctx, x);
}

static nnc_status cross_entropy_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *v = nnc_lower_in_value(ctx, 0);
    uint32_t x, logs;
    if (!v->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", v->name);
    }
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    if (nnc_lower_out_value(ctx, 1)) {
        NNC_TRY(nnc_lower_output(&logs, ctx, 1, NNC_FORM_LOGICAL));
    } else {
        NNC_TRY(nnc_lower_temp(&logs, ctx, nnc_lower_dtype(v), v->shape.rank));
    }
    NNC_TRY(nnc_lower_softmax(ctx, logs, x, nnc_lower_dtype(v), v->shape.rank, 1, true));
    return emit_nll(ctx, logs);
}

#define LOSS_OP(id, outputs, lower_fn)                                                             \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 2,                                                                               \
        .max_in = 3,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = outputs,                                                                        \
        NNC_ATTRS(loss_attrs),                                                                     \
        .infer = loss_infer,                                                                       \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = NNC_NO_DIMS,                                                                       \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
LOSS_OP(NegativeLogLikelihoodLoss, 1, nll_lower);
LOSS_OP(SoftmaxCrossEntropyLoss, 2, cross_entropy_lower);
