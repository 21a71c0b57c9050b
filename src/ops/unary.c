/* Element-wise ops of one operand. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "ops/op_util.h"

#define UNARY_OP(id, infer_fn, lower_fn, quant_kind, ...)                                          \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        __VA_ARGS__,                                                                               \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_elementwise,                                                              \
        .layout = NNC_LAYOUT_AGNOSTIC,                                                             \
        .quant = quant_kind,                                                                       \
    }

/* Without parameters. */
#define PLAIN(id, rop)                                                                             \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        return nnc_lower_unary(ctx, NNRT_UNARY_##rop, 0.0f, 0.0f);                                 \
    }                                                                                              \
    UNARY_OP(id, nnc_infer_same, lower_##id, NNC_QUANT_TABLE, NNC_NO_ATTRS)

PLAIN(Abs, ABS);
PLAIN(Acos, ACOS);
PLAIN(Acosh, ACOSH);
PLAIN(Asin, ASIN);
PLAIN(Asinh, ASINH);
PLAIN(Atan, ATAN);
PLAIN(Atanh, ATANH);
PLAIN(Ceil, CEIL);
PLAIN(Cos, COS);
PLAIN(Cosh, COSH);
PLAIN(Erf, ERF);
PLAIN(Exp, EXP);
PLAIN(Floor, FLOOR);
PLAIN(HardSwish, HARD_SWISH);
PLAIN(Log, LOG);
PLAIN(Mish, MISH);
PLAIN(Reciprocal, RECIPROCAL);
PLAIN(Relu, RELU);
PLAIN(Round, ROUND);
PLAIN(Sigmoid, SIGMOID);
PLAIN(Sign, SIGN);
PLAIN(Sin, SIN);
PLAIN(Sinh, SINH);
PLAIN(Softplus, SOFTPLUS);
PLAIN(Softsign, SOFTSIGN);
PLAIN(Sqrt, SQRT);
PLAIN(Tan, TAN);
PLAIN(Tanh, TANH);

/* With one or two float attributes and their ONNX defaults. */
#define PARAM1(id, rop, name1, default1)                                                           \
    static const nnc_attr_schema attrs_##id[] = {NNC_A_FLOAT(name1)};                              \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        float a = nnc_node_float(nnc_lower_node(ctx), name1, default1);                            \
        return nnc_lower_unary(ctx, NNRT_UNARY_##rop, a, 0.0f);                                    \
    }                                                                                              \
    UNARY_OP(id, nnc_infer_same, lower_##id, NNC_QUANT_TABLE, NNC_ATTRS(attrs_##id))

PARAM1(Celu, CELU, "alpha", 1.0f);
PARAM1(Elu, ELU, "alpha", 1.0f);
PARAM1(LeakyRelu, LEAKY_RELU, "alpha", 0.01f);
PARAM1(ThresholdedRelu, THRESHOLDED_RELU, "alpha", 1.0f);

#define PARAM2(id, rop, name1, default1, name2, default2)                                          \
    static const nnc_attr_schema attrs_##id[] = {NNC_A_FLOAT(name1), NNC_A_FLOAT(name2)};          \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        float a = nnc_node_float(nnc_lower_node(ctx), name1, default1);                            \
        float b = nnc_node_float(nnc_lower_node(ctx), name2, default2);                            \
        return nnc_lower_unary(ctx, NNRT_UNARY_##rop, a, b);                                       \
    }                                                                                              \
    UNARY_OP(id, nnc_infer_same, lower_##id, NNC_QUANT_TABLE, NNC_ATTRS(attrs_##id))

PARAM2(HardSigmoid, HARD_SIGMOID, "alpha", 0.2f, "beta", 0.5f);
PARAM2(Selu, SELU, "alpha", 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f);

static const char *const gelu_choices[] = {"none", "tanh", NULL};
static const nnc_attr_schema gelu_attrs[] = {NNC_A_ENUM("approximate", gelu_choices)};

static nnc_status gelu_lower(nnc_lower_ctx *ctx)
{
    const char *form = nnc_node_string(nnc_lower_node(ctx), "approximate", "none");
    return nnc_lower_unary(ctx, form[0] == 't' ? NNRT_UNARY_GELU_TANH : NNRT_UNARY_GELU, 0.0f,
                           0.0f);
}
UNARY_OP(Gelu, nnc_infer_same, gelu_lower, NNC_QUANT_TABLE, NNC_ATTRS(gelu_attrs));

static const nnc_attr_schema shrink_attrs[] = {NNC_A_FLOAT("bias"), NNC_A_FLOAT("lambd")};

static nnc_status shrink_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    return nnc_lower_unary(ctx, NNRT_UNARY_SHRINK, nnc_node_float(node, "lambd", 0.5f),
                           nnc_node_float(node, "bias", 0.0f));
}
UNARY_OP(Shrink, nnc_infer_same, shrink_lower, NNC_QUANT_TABLE, NNC_ATTRS(shrink_attrs));

static const nnc_attr_schema swish_attrs[] = {NNC_A_FLOAT("alpha")};

static nnc_status swish_lower(nnc_lower_ctx *ctx)
{
    float alpha = nnc_node_float(nnc_lower_node(ctx), "alpha", 1.0f);
    return nnc_lower_unary(ctx, alpha == 1.0f ? NNRT_UNARY_SILU : NNRT_UNARY_SWISH, alpha, 0.0f);
}
UNARY_OP(Swish, nnc_infer_same, swish_lower, NNC_QUANT_TABLE, NNC_ATTRS(swish_attrs));

/* Neg follows integer arithmetic of shapes. */
static nnc_status neg_infer(nnc_infer_ctx *ctx)
{
    nnc_ints ints;
    NNC_TRY(nnc_infer_same(ctx));
    if (!nnc_infer_known(ctx, 0, &ints)) {
        return NNC_OK;
    }
    for (size_t k = 0; k < ints.count; k++) {
        if (!ints.symbolic[k] && ints.data[k] != INT64_MIN) {
            ints.data[k] = -ints.data[k];
        } else {
            ints.data[k] = nnc_infer_fresh_dim(ctx);
            ints.symbolic[k] = true;
        }
    }
    return nnc_infer_set_known(ctx, 0, &ints);
}

static nnc_status neg_lower(nnc_lower_ctx *ctx)
{
    return nnc_lower_unary(ctx, NNRT_UNARY_NEG, 0.0f, 0.0f);
}
UNARY_OP(Neg, neg_infer, neg_lower, NNC_QUANT_TABLE, NNC_NO_ATTRS);

/* Predicates give booleans, so no grid and no table. */
static nnc_status predicate_lower(nnc_lower_ctx *ctx, nnrt_unary_op op)
{
    nnrt_unary_params params = {.op = (uint32_t)op};
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_UNARY, &params, sizeof params, 1);
}

static nnc_status is_nan_lower(nnc_lower_ctx *ctx)
{
    return predicate_lower(ctx, NNRT_UNARY_IS_NAN);
}
UNARY_OP(IsNaN, nnc_infer_same_bool, is_nan_lower, NNC_QUANT_FLOAT, NNC_NO_ATTRS);

static const nnc_attr_schema is_inf_attrs[] = {
    NNC_A_BOOL("detect_negative"),
    NNC_A_BOOL("detect_positive"),
};

static nnc_status is_inf_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    bool negative = nnc_node_int(node, "detect_negative", 1) != 0;
    bool positive = nnc_node_int(node, "detect_positive", 1) != 0;
    if (negative && positive) {
        return predicate_lower(ctx, NNRT_UNARY_IS_INF);
    }
    if (negative || positive) {
        return predicate_lower(ctx, negative ? NNRT_UNARY_IS_NEG_INF : NNRT_UNARY_IS_POS_INF);
    }
    /* Neither: false everywhere, as "is both infinities". */
    uint32_t x, y[2], z;
    nnc_form form = nnc_lower_prefer_nhwc(ctx) ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    nnrt_binary_params both = {.op = NNRT_BINARY_AND, .clamp = {-INFINITY, INFINITY}};
    NNC_TRY(nnc_lower_input(&x, ctx, 0, form));
    for (int i = 0; i < 2; i++) {
        nnrt_unary_params one = {.op = i == 0 ? NNRT_UNARY_IS_NEG_INF : NNRT_UNARY_IS_POS_INF};
        NNC_TRY(nnc_lower_temp(&y[i], ctx, NNRT_BOOL, nnc_lower_in_value(ctx, 0)->shape.rank));
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_UNARY, &one, sizeof one, &x, 1, &y[i], 1));
    }
    NNC_TRY(nnc_lower_output(&z, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &both, sizeof both, y, 2, &z, 1);
}
UNARY_OP(IsInf, nnc_infer_same_bool, is_inf_lower, NNC_QUANT_FLOAT, NNC_ATTRS(is_inf_attrs));

static nnc_status not_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    if (dtype != NNC_DTYPE_BOOL && dtype != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "input is %s, expected bool", nnc_dtype_name((int)dtype));
    }
    return nnc_infer_same(ctx);
}

static nnc_status not_lower(nnc_lower_ctx *ctx)
{
    return predicate_lower(ctx, NNRT_UNARY_NOT);
}
UNARY_OP(Not, not_infer, not_lower, NNC_QUANT_FLOAT, NNC_NO_ATTRS);

static nnc_status bitwise_not_lower(nnc_lower_ctx *ctx)
{
    return predicate_lower(ctx, NNRT_UNARY_BIT_NOT);
}
UNARY_OP(BitwiseNot, nnc_infer_same, bitwise_not_lower, NNC_QUANT_FLOAT, NNC_NO_ATTRS);
