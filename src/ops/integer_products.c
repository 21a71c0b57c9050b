/* DynamicQuantizeLinear, MatMulInteger and QLinearMatMul: products of integers whose grids are
 * known at run time. SPDX-License-Identifier: Apache-2.0 MatMulInteger: y int32 = (a - za)(b - zb).
 * QLinearMatMul: that, requantized. */
#include "ops/integer_lower.h"
#include "ops/op_util.h"

/* ---- DynamicQuantizeLinear ---- */

static nnc_status dynamic_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    const nnc_shape scalar = {.rank = 0};
    const nnc_node *node = nnc_infer_node(ctx);
    if (nnc_infer_dtype(ctx, 0) != NNC_DTYPE_FLOAT &&
        nnc_infer_dtype(ctx, 0) != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "input is %s, expected float32",
                              nnc_dtype_name((int)nnc_infer_dtype(ctx, 0)));
    }
    NNC_TRY(x->has_shape ? nnc_infer_output(ctx, 0, NNC_DTYPE_UINT8, &x->shape)
                         : nnc_infer_output_unknown(ctx, 0, NNC_DTYPE_UINT8, -1));
    if (node->output_count > 1) {
        NNC_TRY(nnc_infer_output(ctx, 1, NNC_DTYPE_FLOAT, &scalar));
    }
    return node->output_count > 2 ? nnc_infer_output(ctx, 2, NNC_DTYPE_UINT8, &scalar) : NNC_OK;
}

static nnc_status dynamic_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    static const nnrt_dtype types[3] = {NNRT_U8, NNRT_F32, NNRT_U8};
    uint32_t in, out[3];
    NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
    for (uint32_t i = 0; i < 3; i++) {
        bool used = i < node->output_count && nnc_lower_out_value(ctx, i) != NULL;
        const nnc_value *x = nnc_lower_in_value(ctx, 0);
        uint32_t rank = i > 0 ? 0 : x->has_shape ? x->shape.rank : 0;
        NNC_TRY(used ? nnc_lower_output(&out[i], ctx, i, NNC_FORM_LOGICAL)
                     : nnc_lower_temp(&out[i], ctx, types[i], rank));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_DYNAMIC_QUANTIZE, NULL, 0, &in, 1, out, 3);
}

/* ---- MatMulInteger, QLinearMatMul ---- */

nnc_status nnc_infer_bytes(const nnc_infer_ctx *ctx, uint32_t i, const char *what)
{
    nnc_dtype dtype = nnc_infer_dtype(ctx, i);
    if (dtype != NNC_DTYPE_UNDEFINED && dtype != NNC_DTYPE_UINT8 && dtype != NNC_DTYPE_INT8) {
        return nnc_infer_fail(ctx, "%s is %s, expected uint8 or int8", what,
                              nnc_dtype_name((int)dtype));
    }
    return NNC_OK;
}

nnc_status nnc_infer_zero_point(const nnc_infer_ctx *ctx, uint32_t x, uint32_t zero)
{
    nnc_dtype have = nnc_infer_dtype(ctx, zero), want = nnc_infer_dtype(ctx, x);
    if (have != NNC_DTYPE_UNDEFINED && want != NNC_DTYPE_UNDEFINED && have != want) {
        return nnc_infer_fail(ctx, "input %u is %s, its zero point %s", (unsigned)x,
                              nnc_dtype_name((int)want), nnc_dtype_name((int)have));
    }
    return NNC_OK;
}

static nnc_status matmul_integer_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_bytes(ctx, 0, "operand a"));
    NNC_TRY(nnc_infer_bytes(ctx, 1, "operand b"));
    NNC_TRY(nnc_infer_zero_point(ctx, 0, 2));
    NNC_TRY(nnc_infer_zero_point(ctx, 1, 3));
    return nnc_infer_matmul(ctx, 0, 1, NNC_DTYPE_INT32);
}

static nnc_status qlinear_matmul_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_bytes(ctx, 0, "operand a"));
    NNC_TRY(nnc_infer_bytes(ctx, 3, "operand b"));
    NNC_TRY(nnc_infer_bytes(ctx, 7, "zero point of y"));
    NNC_TRY(nnc_infer_zero_point(ctx, 0, 2));
    NNC_TRY(nnc_infer_zero_point(ctx, 3, 5));
    return nnc_infer_matmul(ctx, 0, 3, nnc_infer_dtype(ctx, 7));
}

nnc_status nnc_lower_logical_inputs(uint32_t *out, nnc_lower_ctx *ctx, const uint32_t *slots,
                                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        NNC_TRY(nnc_lower_input(&out[i], ctx, slots[i], NNC_FORM_LOGICAL));
    }
    return NNC_OK;
}

static nnc_status matmul_integer_lower(nnc_lower_ctx *ctx)
{
    nnrt_matmul_integer_params params = {.has_za = nnc_lower_in_value(ctx, 2) != NULL,
                                         .has_zb = nnc_lower_in_value(ctx, 3) != NULL};
    const uint32_t slots[4] = {0, 1, params.has_za ? 2 : 3, 3};
    uint32_t in[4], out, count = 2 + params.has_za + params.has_zb;
    NNC_TRY(nnc_lower_logical_inputs(in, ctx, slots, count));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_MATMUL_INTEGER, &params, sizeof params, in, count, &out,
                          1);
}

nnc_status nnc_lower_requantize(nnc_lower_ctx *ctx, uint32_t acc, const uint32_t slots[4],
                                uint32_t bias_slot, int32_t axis)
{
    nnrt_requantize_params params = {.axis = axis,
                                     .dtype = (uint32_t)nnc_lower_out_value(ctx, 0)->dtype};
    uint32_t in[6] = {acc}, out, count = 5;
    NNC_TRY(nnc_lower_logical_inputs(&in[1], ctx, slots, 4));
    for (uint32_t i = 0; i < 3; i++) {
        const nnc_value *scale = nnc_lower_in_value(ctx, slots[i]);
        uint32_t rank = scale->has_shape ? scale->shape.rank : 0;
        NNC_TRY(nnc_lower_cast(&in[1 + i], ctx, in[1 + i], scale->dtype, NNC_DTYPE_FLOAT, rank));
    }
    const nnc_value *zero = nnc_lower_in_value(ctx, slots[3]);
    NNC_TRY(nnc_lower_cast(&in[4], ctx, in[4], zero->dtype, NNC_DTYPE_INT32,
                           zero->has_shape ? zero->shape.rank : 0));
    if (bias_slot != 0 && nnc_lower_in_value(ctx, bias_slot)) {
        params.has_bias = 1;
        NNC_TRY(nnc_lower_input(&in[count++], ctx, bias_slot, NNC_FORM_LOGICAL));
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_REQUANTIZE, &params, sizeof params, in, count, &out, 1);
}

static nnc_status qlinear_matmul_lower(nnc_lower_ctx *ctx)
{
    static const uint32_t operands[4] = {0, 3, 2, 5}, grids[4] = {1, 4, 6, 7};
    nnrt_matmul_integer_params params = {.has_za = 1, .has_zb = 1};
    const nnc_value *y = nnc_lower_out_value(ctx, 0), *sb = nnc_lower_in_value(ctx, 4);
    size_t count;
    uint32_t in[4], acc;
    if (!y->has_shape || !sb->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown",
                              y->has_shape ? sb->name : y->name);
    }
    bool one = nnc_shape_count(&count, &sb->shape) && count == 1;
    NNC_TRY(nnc_lower_logical_inputs(in, ctx, operands, 4));
    NNC_TRY(nnc_lower_temp(&acc, ctx, NNRT_I32, y->shape.rank));
    NNC_TRY(
        nnc_lower_emit(ctx, NNRT_ROP_ID_MATMUL_INTEGER, &params, sizeof params, in, 4, &acc, 1));
    return nnc_lower_requantize(ctx, acc, grids, 0, one ? -1 : (int32_t)y->shape.rank - 1);
}

#define INTEGER_OP(id, ins_min, ins_max, outs_min, outs_max, infer_fn, lower_fn)                   \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = ins_min,                                                                         \
        .max_in = ins_max,                                                                         \
        .min_out = outs_min,                                                                       \
        .max_out = outs_max,                                                                       \
        NNC_NO_ATTRS,                                                                              \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = NNC_NO_DIMS,                                                                       \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
INTEGER_OP(DynamicQuantizeLinear, 1, 1, 1, 3, dynamic_infer, dynamic_lower);
INTEGER_OP(MatMulInteger, 2, 4, 1, 1, matmul_integer_infer, matmul_integer_lower);
INTEGER_OP(QLinearMatMul, 8, 8, 1, 1, qlinear_matmul_infer, qlinear_matmul_lower);
