/* Min, Max, Sum, Mean of any number of operands; Clip and Where. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "ops/op_util.h"

static nnc_status variadic_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    NNC_TRY(nnc_infer_broadcast_all(ctx, nnc_infer_dtype(ctx, 0)));
    return nnc_infer_input_count(ctx) == 1 ? nnc_infer_int_copy(ctx) : NNC_OK;
}

static nnc_status min_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(variadic_infer(ctx));
    return nnc_infer_int_binary(ctx, NNC_INT_MIN);
}

static nnc_status max_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(variadic_infer(ctx));
    return nnc_infer_int_binary(ctx, NNC_INT_MAX);
}

/* The number of operands as a scalar of their type. */
static nnc_status count_const(uint32_t *out, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t count)
{
    const nnc_shape scalar = {.rank = 0};
    const float value = (float)count;
    nnc_tensor single = {0}, t = {0};
    NNC_TRY(nnc_tensor_create_from(&single, NNC_DTYPE_FLOAT, &scalar, &value));
    nnc_status status = nnc_tensor_convert(&t, &single, (nnc_dtype)dtype);
    if (status == NNC_OK) {
        status = nnc_lower_const(out, ctx, dtype, 0, NULL, nnc_tensor_data(&t), nnc_tensor_bytes(&t));
    }
    nnc_tensor_deinit(&single);
    nnc_tensor_deinit(&t);
    return status;
}

/* y = ((x0 op x1) op x2) ..., the last step optionally followed by a division. */
static nnc_status chain_lower(nnc_lower_ctx *ctx, nnrt_binary_op op, bool mean)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_dtype dtype = nnc_lower_dtype(nnc_lower_in_value(ctx, 0));
    if (node->input_count == 1) {
        return nnc_lower_alias(ctx);
    }
    nnc_form form = nnc_lower_broadcast_nhwc(ctx) ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    nnrt_binary_params params = {.op = (uint32_t)op, .clamp = {-INFINITY, INFINITY}};
    uint32_t in[2], y;
    uint32_t rank = nnc_lower_in_value(ctx, 0)->shape.rank;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    for (uint32_t i = 1; i < node->input_count; i++) {
        const nnc_value *x = nnc_lower_in_value(ctx, i);
        rank = x->shape.rank > rank ? x->shape.rank : rank;
        NNC_TRY(nnc_lower_input(&in[1], ctx, i, form));
        if (i + 1 == node->input_count && !mean) {
            NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
        } else {
            NNC_TRY(nnc_lower_temp(&y, ctx, dtype, rank));
        }
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1));
        in[0] = y;
    }
    if (!mean) {
        return NNC_OK;
    }
    params.op = NNRT_BINARY_DIV;
    NNC_TRY(count_const(&in[1], ctx, dtype, node->input_count));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1);
}

#define CHAIN(id, rop, infer_fn, mean)                                                             \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        return chain_lower(ctx, NNRT_BINARY_##rop, mean);                                          \
    }                                                                                              \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = NNC_VARIADIC,                                                                    \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_NO_ATTRS,                                                                              \
        .infer = infer_fn,                                                                         \
        .lower = lower_##id,                                                                       \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_elementwise,                                                              \
        .layout = NNC_LAYOUT_AGNOSTIC,                                                             \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
CHAIN(Min, MIN, min_infer, false);
CHAIN(Max, MAX, max_infer, false);
CHAIN(Sum, ADD, variadic_infer, false);
CHAIN(Mean, ADD, variadic_infer, true);

/* ---- Clip ---- */

static nnc_status clip_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    for (uint32_t i = 1; i < 3; i++) {
        const nnc_value *bound = nnc_infer_shaped(ctx, i);
        size_t count;
        if (bound && nnc_shape_count(&count, &bound->shape) && count != 1) {
            return nnc_infer_fail(ctx, "%s has %zu elements, expected a scalar",
                                  i == 1 ? "min" : "max", count);
        }
    }
    return nnc_infer_same(ctx);
}

/* Bounds that are computed, or integers (beyond what a float holds): max, then min, as ONNX orders
 * them. */
static nnc_status clip_by_steps(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnc_form form = nnc_lower_broadcast_nhwc(ctx) ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    uint32_t in[2], y;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    for (uint32_t i = 1; i < 3; i++) {
        if (!nnc_lower_in_value(ctx, i)) {
            continue;
        }
        nnrt_binary_params params = {.op = i == 1 ? NNRT_BINARY_MAX : NNRT_BINARY_MIN,
                                     .clamp = {-INFINITY, INFINITY}};
        NNC_TRY(nnc_lower_input(&in[1], ctx, i, form));
        if (i == 2 || !nnc_lower_in_value(ctx, 2)) {
            NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
        } else {
            NNC_TRY(nnc_lower_temp(&y, ctx, nnc_lower_dtype(x), x->shape.rank));
        }
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1));
        in[0] = y;
    }
    return NNC_OK;
}

static nnc_status clip_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *lo = nnc_lower_in_value(ctx, 1), *hi = nnc_lower_in_value(ctx, 2);
    if (!lo && !hi) {
        return nnc_lower_alias(ctx);
    }
    if (nnc_lower_in_value(ctx, 0)->dtype != NNC_DTYPE_FLOAT ||
        (lo && lo->kind != NNC_VALUE_CONST) || (hi && hi->kind != NNC_VALUE_CONST)) {
        return clip_by_steps(ctx);
    }
    float a = lo ? (float)nnc_tensor_get_double(&lo->tensor, 0) : -INFINITY;
    float b = hi ? (float)nnc_tensor_get_double(&hi->tensor, 0) : INFINITY;
    return nnc_lower_unary(ctx, NNRT_UNARY_CLIP, a, b);
}

const nnc_op nnc_op_Clip = {
    .domain = "",
    .name = "Clip",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = clip_infer,
    .lower = clip_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_TABLE,
};

/* ---- Where ---- */

static nnc_status where_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype cond = nnc_infer_dtype(ctx, 0);
    if (cond != NNC_DTYPE_BOOL && cond != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "condition is %s, expected bool", nnc_dtype_name((int)cond));
    }
    NNC_TRY(nnc_infer_same_dtype(ctx, 1));
    return nnc_infer_broadcast_all(ctx, nnc_infer_dtype(ctx, 1));
}

static nnc_status where_lower(nnc_lower_ctx *ctx)
{
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_WHERE, NULL, 0, 3);
}

const nnc_op nnc_op_Where = {
    .domain = "",
    .name = "Where",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = where_infer,
    .lower = where_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_elementwise,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_FLOAT,
};
