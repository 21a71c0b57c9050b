/* LinearAttention: recurrent attention whose state is a matrix per head. SPDX-License-Identifier:
 * Apache-2.0 Computed in float32, as the operator says. */
#include <inttypes.h>
#include <string.h>

#include "ops/compose.h"
#include "ops/op_util.h"

static const char *const rules[] = {"linear", "gated", "delta", "gated_delta", NULL};
static const nnc_attr_schema linear_attrs[] = {
    NNC_A_INT("chunk_size", 1, NNC_DIM_LIMIT),
    NNC_A_INT_REQUIRED("kv_num_heads", 1, NNC_DIM_LIMIT),
    NNC_A_INT_REQUIRED("q_num_heads", 1, NNC_DIM_LIMIT),
    NNC_A_FLOAT("scale"),
    NNC_A_ENUM("update_rule", rules),
};

static uint32_t rule_of(const nnc_node *node)
{
    const char *name = nnc_node_string(node, "update_rule", "gated_delta");
    for (uint32_t i = 0; i < NNRT_LINEAR_GATED_DELTA; i++) {
        if (strcmp(name, rules[i]) == 0) {
            return i;
        }
    }
    return NNRT_LINEAR_GATED_DELTA;
}

/* Which of decay (4) and beta (5) the rule needs. */
static nnc_status check_rule(nnc_infer_ctx *ctx)
{
    uint32_t rule = rule_of(nnc_infer_node(ctx));
    const bool wants[2] = {rule == NNRT_LINEAR_GATED || rule == NNRT_LINEAR_GATED_DELTA,
                           rule == NNRT_LINEAR_DELTA || rule == NNRT_LINEAR_GATED_DELTA};
    for (uint32_t i = 0; i < 2; i++) {
        if (wants[i] != (nnc_infer_input(ctx, 4 + i) != NULL)) {
            return nnc_infer_fail(ctx, "update_rule \"%s\" %s input %s", rules[rule],
                                  wants[i] ? "needs" : "does not take", i == 0 ? "decay" : "beta");
        }
    }
    return NNC_OK;
}

/* Last dim of input i as so many equal heads; < 0 when unknown. */
static nnc_status head_size(nnc_infer_ctx *ctx, int64_t *out, uint32_t i, int64_t heads)
{
    const nnc_value *v = nnc_infer_shaped(ctx, i);
    *out = v && v->shape.dims[2] >= 0 ? v->shape.dims[2] / heads : -1;
    if (v && v->shape.dims[2] >= 0 && v->shape.dims[2] % heads != 0) {
        return nnc_infer_fail(
            ctx, "input %u has last dim %" PRId64 ", not divisible by %" PRId64 " heads",
            (unsigned)i, v->shape.dims[2], heads);
    }
    return NNC_OK;
}

static nnc_status linear_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    int64_t q_heads = nnc_node_int(node, "q_num_heads", 1), dk, key, dv;
    int64_t kv_heads = nnc_node_int(node, "kv_num_heads", 1);
    const nnc_value *q = nnc_infer_shaped(ctx, 0), *past = nnc_infer_input(ctx, 3);
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    nnc_dtype state_dtype = past ? past->dtype : dtype;
    NNC_TRY(check_rule(ctx));
    for (uint32_t i = 0; i < 6; i++) {
        NNC_TRY(nnc_infer_check_rank(ctx, i, i == 3 ? 4 : 3, i == 3 ? 4 : 3));
    }
    if (q_heads % kv_heads != 0) {
        return nnc_infer_fail(
            ctx, "%" PRId64 " query heads are not a multiple of %" PRId64 " key and value heads",
            q_heads, kv_heads);
    }
    NNC_TRY(head_size(ctx, &dk, 0, q_heads));
    NNC_TRY(head_size(ctx, &key, 1, kv_heads));
    NNC_TRY(head_size(ctx, &dv, 2, kv_heads));
    if (dk >= 0 && key >= 0 && dk != key) {
        return nnc_infer_fail(ctx, "query heads of %" PRId64 " and key heads of %" PRId64, dk, key);
    }
    if (!q) {
        NNC_TRY(nnc_infer_output_unknown(ctx, 1, state_dtype, 4));
        return nnc_infer_output_unknown(ctx, 0, dtype, 3);
    }
    nnc_shape y = q->shape;
    y.dims[2] = dv < 0 ? nnc_infer_fresh_dim(ctx) : q_heads * dv;
    nnc_shape state = {.rank = 4, .dims = {y.dims[0], kv_heads, dk, dv}};
    for (uint32_t d = 2; d < 4; d++) {
        state.dims[d] = state.dims[d] < 0 ? nnc_infer_fresh_dim(ctx) : state.dims[d];
    }
    NNC_TRY(nnc_infer_output(ctx, 1, state_dtype, &state));
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status float_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i)
{
    const nnc_value *v = nnc_lower_in_value(ctx, i);
    nnc_compose c = {ctx, NNRT_F32};
    uint32_t own;
    NNC_TRY(nnc_lower_input(&own, ctx, i, NNC_FORM_LOGICAL));
    *out = own;
    if (nnc_lower_dtype(v) == NNRT_F32) {
        return NNC_OK;
    }
    *out = NNRT_NONE;
    return nnc_compose_cast(out, &c, own, NNRT_F32, i == 3 ? 4 : 3);
}

/* Where output i of rank `rank` is made, and the cast behind it where it is not float32. */
static nnc_status float_output(uint32_t *made, uint32_t *final, nnc_lower_ctx *ctx, uint32_t i,
                               uint32_t rank)
{
    const nnc_value *v = nnc_lower_out_value(ctx, i);
    *final = NNRT_NONE;
    if (!v) {
        return nnc_lower_temp(made, ctx, NNRT_F32, rank);
    }
    NNC_TRY(nnc_lower_output(made, ctx, i, NNC_FORM_LOGICAL));
    if (nnc_lower_dtype(v) == NNRT_F32) {
        return NNC_OK;
    }
    *final = *made;
    return nnc_lower_temp(made, ctx, NNRT_F32, rank);
}

static nnc_status linear_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnc_compose c = {ctx, NNRT_F32};
    nnrt_linear_attention_params params = {
        .rule = rule_of(node),
        .q_heads = (uint32_t)nnc_node_int(node, "q_num_heads", 1),
        .kv_heads = (uint32_t)nnc_node_int(node, "kv_num_heads", 1),
        .has_past = nnc_lower_in_value(ctx, 3) != NULL,
        .has_decay = nnc_lower_in_value(ctx, 4) != NULL,
        .has_beta = nnc_lower_in_value(ctx, 5) != NULL,
        .scale = nnc_node_float(node, "scale", 0.0f),
    };
    uint32_t in[6], count = 0, made[2], final[2];
    for (uint32_t i = 0; i < 6; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(float_input(&in[count++], ctx, i));
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        NNC_TRY(float_output(&made[i], &final[i], ctx, i, 3 + i));
    }
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_LINEAR_ATTENTION, &params, sizeof params, in, count,
                           made, 2));
    for (uint32_t i = 0; i < 2; i++) {
        if (final[i] != NNRT_NONE) {
            NNC_TRY(nnc_compose_cast(&final[i], &c, made[i],
                                     nnc_lower_dtype(nnc_lower_out_value(ctx, i)), 3 + i));
        }
    }
    return NNC_OK;
}

const nnc_op nnc_op_LinearAttention = {
    .domain = "",
    .name = "LinearAttention",
    .min_in = 3,
    .max_in = 6,
    .min_out = 1,
    .max_out = 2,
    NNC_ATTRS(linear_attrs),
    .infer = linear_infer,
    .lower = linear_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
