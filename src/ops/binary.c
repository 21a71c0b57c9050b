/* Element-wise ops of two operands: arithmetic, comparison, logic, PRelu. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "ops/op_util.h"
#include "ops/product_lower.h"

#define BINARY_OP(id, infer_fn, lower_fn, quant_kind, ...)                                         \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 2,                                                                               \
        .max_in = 2,                                                                               \
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

static nnc_status arithmetic_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    return nnc_infer_broadcast_all(ctx,
                                   dtype != NNC_DTYPE_UNDEFINED ? dtype : nnc_infer_dtype(ctx, 1));
}

#define INT_INFER(id, int_op)                                                                      \
    static nnc_status infer_##id(nnc_infer_ctx *ctx)                                               \
    {                                                                                              \
        NNC_TRY(arithmetic_infer(ctx));                                                            \
        return nnc_infer_int_binary(ctx, int_op);                                                  \
    }
INT_INFER(Add, NNC_INT_ADD)
INT_INFER(Sub, NNC_INT_SUB)
INT_INFER(Mul, NNC_INT_MUL)
INT_INFER(Div, NNC_INT_DIV)

static nnc_status binary_lower(nnc_lower_ctx *ctx, nnrt_binary_op op)
{
    nnrt_binary_params params = {.op = (uint32_t)op, .clamp = {-INFINITY, INFINITY}};
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, 2);
}

BINARY_OP(Add, infer_Add, nnc_add_lower, NNC_QUANT_CONTRACT, NNC_NO_ATTRS);
BINARY_OP(Sub, infer_Sub, nnc_add_lower, NNC_QUANT_CONTRACT, NNC_NO_ATTRS);
BINARY_OP(Mul, infer_Mul, nnc_mul_lower, NNC_QUANT_CONTRACT, NNC_NO_ATTRS);

static nnc_status div_lower(nnc_lower_ctx *ctx)
{
    return binary_lower(ctx, NNRT_BINARY_DIV);
}
BINARY_OP(Div, infer_Div, div_lower, NNC_QUANT_FLOAT, NNC_NO_ATTRS);

static const nnc_attr_schema mod_attrs[] = {NNC_A_BOOL("fmod")};

static nnc_status mod_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(arithmetic_infer(ctx));
    return nnc_node_int(nnc_infer_node(ctx), "fmod", 0) ? NNC_OK
                                                        : nnc_infer_int_binary(ctx, NNC_INT_MOD);
}

static nnc_status mod_lower(nnc_lower_ctx *ctx)
{
    bool fmod_form = nnc_node_int(nnc_lower_node(ctx), "fmod", 0) != 0;
    return binary_lower(ctx, fmod_form ? NNRT_BINARY_FMOD : NNRT_BINARY_MOD);
}
BINARY_OP(Mod, mod_infer, mod_lower, NNC_QUANT_FLOAT, NNC_ATTRS(mod_attrs));

/* The exponent may be of another type than the base. */
static nnc_status pow_infer(nnc_infer_ctx *ctx)
{
    return nnc_infer_broadcast_all(ctx, nnc_infer_dtype(ctx, 0));
}

static nnc_status pow_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *e = nnc_lower_in_value(ctx, 1);
    if (x->dtype == e->dtype || !e->has_shape) {
        return binary_lower(ctx, NNRT_BINARY_POW);
    }
    nnc_form form = nnc_lower_broadcast_nhwc(ctx) ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    nnrt_cast_params cast = {.dtype = (uint32_t)nnc_lower_dtype(x)};
    nnrt_binary_params params = {.op = NNRT_BINARY_POW, .clamp = {-INFINITY, INFINITY}};
    uint32_t in[2], exponent, y;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    NNC_TRY(nnc_lower_input(&exponent, ctx, 1, form));
    NNC_TRY(nnc_lower_temp(&in[1], ctx, nnc_lower_dtype(x), e->shape.rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &cast, sizeof cast, &exponent, 1, &in[1], 1));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1);
}
BINARY_OP(Pow, pow_infer, pow_lower, NNC_QUANT_FLOAT, NNC_NO_ATTRS);

/* The slope broadcasts to x, never the other way round. */
static nnc_status prelu_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *slope = nnc_infer_shaped(ctx, 1);
    if (x && slope) {
        nnc_shape both = x->shape;
        NNC_TRY(nnc_infer_broadcast(ctx, &both, &slope->shape));
        if (nnc_shape_is_static(&x->shape) && !nnc_shape_equal(&both, &x->shape)) {
            char sx[256], ss[256];
            return nnc_infer_fail(ctx, "slope of shape %s does not broadcast to %s",
                                  nnc_shape_format(ss, sizeof ss, &slope->shape),
                                  nnc_shape_format(sx, sizeof sx, &x->shape));
        }
    }
    return nnc_infer_same(ctx);
}

static nnc_status prelu_lower(nnc_lower_ctx *ctx)
{
    return binary_lower(ctx, NNRT_BINARY_PRELU);
}
BINARY_OP(PRelu, prelu_infer, prelu_lower, NNC_QUANT_FLOAT, NNC_NO_ATTRS);

static nnc_status comparison_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    return nnc_infer_broadcast_all(ctx, NNC_DTYPE_BOOL);
}

static nnc_status logic_infer(nnc_infer_ctx *ctx)
{
    for (uint32_t i = 0; i < 2; i++) {
        nnc_dtype dtype = nnc_infer_dtype(ctx, i);
        if (dtype != NNC_DTYPE_BOOL && dtype != NNC_DTYPE_UNDEFINED) {
            return nnc_infer_fail(ctx, "input %u is %s, expected bool", (unsigned)i,
                                  nnc_dtype_name((int)dtype));
        }
    }
    return nnc_infer_broadcast_all(ctx, NNC_DTYPE_BOOL);
}

#define BOOLEAN(id, rop, infer_fn)                                                                 \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        return binary_lower(ctx, NNRT_BINARY_##rop);                                               \
    }                                                                                              \
    BINARY_OP(id, infer_fn, lower_##id, NNC_QUANT_FLOAT, NNC_NO_ATTRS)

BOOLEAN(Equal, EQUAL, comparison_infer);
BOOLEAN(Less, LESS, comparison_infer);
BOOLEAN(LessOrEqual, LESS_EQUAL, comparison_infer);
BOOLEAN(Greater, GREATER, comparison_infer);
BOOLEAN(GreaterOrEqual, GREATER_EQUAL, comparison_infer);
BOOLEAN(And, AND, logic_infer);
BOOLEAN(Or, OR, logic_infer);
BOOLEAN(Xor, XOR, logic_infer);
