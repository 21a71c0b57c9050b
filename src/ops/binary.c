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

/* Input i in another type. */
static nnc_status cast_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype to, nnc_form form)
{
    const nnc_value *x = nnc_lower_in_value(ctx, i);
    nnrt_cast_params params = {.dtype = (uint32_t)to};
    uint32_t in;
    NNC_TRY(nnc_lower_input(&in, ctx, i, form));
    if (nnc_lower_dtype(x) == to) {
        *out = in;
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_temp(out, ctx, to, x->shape.rank));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &params, sizeof params, &in, 1, out, 1);
}

/* An exponent of another type takes the base's type, or both become double where an integer has a real exponent. */
static nnc_status pow_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *e = nnc_lower_in_value(ctx, 1);
    if (x->dtype == e->dtype || !e->has_shape || !x->has_shape) {
        return binary_lower(ctx, NNRT_BINARY_POW);
    }
    nnc_form form = nnc_lower_broadcast_nhwc(ctx) ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    bool real = nnc_dtype_class_of((int)x->dtype) != NNC_DTYPE_CLASS_FLOAT &&
                nnc_dtype_class_of((int)e->dtype) == NNC_DTYPE_CLASS_FLOAT;
    nnrt_dtype dtype = real ? NNRT_F64 : nnc_lower_dtype(x);
    nnrt_cast_params cast = {.dtype = (uint32_t)nnc_lower_dtype(x)};
    nnrt_binary_params params = {.op = NNRT_BINARY_POW, .clamp = {-INFINITY, INFINITY}};
    uint32_t in[2], y, wide;
    NNC_TRY(cast_input(&in[0], ctx, 0, dtype, form));
    NNC_TRY(cast_input(&in[1], ctx, 1, dtype, form));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    if (!real) {
        return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1);
    }
    NNC_TRY(nnc_lower_temp(&wide, ctx, NNRT_F64, nnc_lower_out_value(ctx, 0)->shape.rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &wide, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &cast, sizeof cast, &wide, 1, &y, 1);
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

/* ---- bits ---- */

static nnc_status bits_infer(nnc_infer_ctx *ctx)
{
    for (uint32_t i = 0; i < 2; i++) {
        nnc_dtype_class kind = nnc_dtype_class_of((int)nnc_infer_dtype(ctx, i));
        if (nnc_infer_dtype(ctx, i) != NNC_DTYPE_UNDEFINED && kind != NNC_DTYPE_CLASS_SINT &&
            kind != NNC_DTYPE_CLASS_UINT) {
            return nnc_infer_fail(ctx, "input %u is %s, expected integers", (unsigned)i,
                                  nnc_dtype_name((int)nnc_infer_dtype(ctx, i)));
        }
    }
    return arithmetic_infer(ctx);
}

#define BITS(id, rop)                                                                              \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        return binary_lower(ctx, NNRT_BINARY_##rop);                                               \
    }                                                                                              \
    BINARY_OP(id, bits_infer, lower_##id, NNC_QUANT_FLOAT, NNC_NO_ATTRS)
BITS(BitwiseAnd, BIT_AND);
BITS(BitwiseOr, BIT_OR);
BITS(BitwiseXor, BIT_XOR);

static const char *const directions[] = {"LEFT", "RIGHT", NULL};
static const nnc_attr_schema shift_attrs[] = {
    {"direction", NNC_ATTR_STRING, true, NNC_UNCHECKED, directions},
};

static nnc_status shift_lower(nnc_lower_ctx *ctx)
{
    bool left = nnc_node_string(nnc_lower_node(ctx), "direction", "LEFT")[0] == 'L';
    return binary_lower(ctx, left ? NNRT_BINARY_SHIFT_LEFT : NNRT_BINARY_SHIFT_RIGHT);
}
BINARY_OP(BitShift, bits_infer, shift_lower, NNC_QUANT_FLOAT, NNC_ATTRS(shift_attrs));

/* ---- SwiGLU: Swish of the gate, times the value ---- */

static const nnc_attr_schema glu_attrs[] = {NNC_A_FLOAT("alpha")};

static nnc_status glu_lower(nnc_lower_ctx *ctx)
{
    nnc_form form = nnc_lower_broadcast_nhwc(ctx) ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    float alpha = nnc_node_float(nnc_lower_node(ctx), "alpha", 1.0f);
    const nnc_value *gate = nnc_lower_in_value(ctx, 0);
    nnrt_unary_params swish = {.op = alpha == 1.0f ? NNRT_UNARY_SILU : NNRT_UNARY_SWISH, .a = alpha};
    nnrt_binary_params mul = {.op = NNRT_BINARY_MUL, .clamp = {-INFINITY, INFINITY}};
    uint32_t a, in[2], y;
    NNC_TRY(nnc_lower_input(&a, ctx, 0, form));
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, form));
    NNC_TRY(nnc_lower_temp(&in[0], ctx, nnc_lower_dtype(gate), gate->shape.rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_UNARY, &swish, sizeof swish, &a, 1, &in[0], 1));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &mul, sizeof mul, in, 2, &y, 1);
}
BINARY_OP(SwiGLU, arithmetic_infer, glu_lower, NNC_QUANT_FLOAT, NNC_ATTRS(glu_attrs));
