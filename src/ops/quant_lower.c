/* Lowering of nnc.Quant, QuantizeLinear and DequantizeLinear. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ops/epilogue.h"
#include "ops/op_util.h"
#include "ops/product_lower.h"
#include "tensor/requant.h"

/* Grid to grid on <= 8 bits is a table: dequantize, then quantize, exactly. */
static nnc_status emit_regrid(nnc_lower_ctx *ctx, const nnc_grid *x, const nnc_grid *y)
{
    uint8_t table[256];
    for (int32_t i = 0; i < 256; i++) {
        float real = (float)(i - x->zero) * x->scale;
        table[i] = (uint8_t)nnc_quantize(real, y->scale, (float)(y->min - y->zero),
                                         (float)(y->max - y->zero), y->zero);
    }
    nnc_form form = nnc_lower_prefer_nhwc(ctx) ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8;
    uint32_t in[2], out;
    int64_t dims[1] = {256};
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_U8, 1, dims, table, sizeof(table)));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_LUT_U8, NULL, 0, in, 2, &out, 1);
}

static bool grid8(const nnc_qparams *q)
{
    return q && q->count == 1 && q->axis < 0 &&
           (q->dtype == NNC_DTYPE_UINT8 || q->dtype == NNC_DTYPE_INT8);
}

static nnc_status dynamic_quant(nnc_lower_ctx *ctx)
{
    uint32_t in, out[3];
    NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_dynamic_output(out, ctx));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_DYNAMIC_QUANTIZE, NULL, 0, &in, 1, out, 3);
}

nnc_status nnc_quant_lower(nnc_lower_ctx *ctx)
{
    if (nnc_node_int(nnc_lower_node(ctx), "dynamic", 0) != 0) {
        return dynamic_quant(ctx);
    }
    const nnc_qparams *qx = nnc_lower_in_value(ctx, 0)->qparams;
    const nnc_qparams *qy = nnc_lower_out_value(ctx, 0)->qparams;
    if (!grid8(qy) || (qx && !grid8(qx))) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "Quant '%s': only per-tensor 8-bit grids are handled",
                 nnc_lower_node(ctx)->name);
    }
    nnc_grid y = nnc_grid_of(qy);
    if (qx) {
        nnc_grid x = nnc_grid_of(qx);
        return emit_regrid(ctx, &x, &y);
    }
    bool nhwc = nnc_lower_prefer_nhwc(ctx);
    nnrt_quantize_params params = {.scale = y.scale, .zero_point = y.zero, .qmin = y.min, .qmax = y.max};
    uint32_t in, out;
    NNC_TRY(nnc_lower_input(&in, ctx, 0, nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_QUANTIZE, &params, sizeof(params), &in, 1, &out, 1);
}

/* Can the kernels for constant scales per tensor or axis do it? */
static bool has_plain_scales(const nnc_lower_ctx *ctx)
{
    const nnc_value *scale = nnc_lower_in_value(ctx, 1), *zero = nnc_lower_in_value(ctx, 2);
    return scale->kind == NNC_VALUE_CONST && scale->tensor.shape.rank <= 1 &&
           (!zero || (zero->kind == NNC_VALUE_CONST &&
                      nnc_tensor_count(&zero->tensor) == nnc_tensor_count(&scale->tensor))) &&
           nnc_node_int(nnc_lower_node(ctx), "block_size", 0) == 0;
}

/* Scale and zero point inputs as f32 and i32 constants of equal length. */
static nnc_status scale_constants(uint32_t in[2], nnc_lower_ctx *ctx, int32_t *axis)
{
    const nnc_value *scale = nnc_lower_in_value(ctx, 1), *zero = nnc_lower_in_value(ctx, 2);
    const nnc_node *node = nnc_lower_node(ctx);
    size_t n = nnc_tensor_count(&scale->tensor);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    uint32_t rank = x->has_shape ? x->shape.rank : 0;
    *axis = n == 1 ? -1 : nnc_lower_axis(nnc_node_int(node, "axis", 1), rank, false);
    int64_t dims[1] = {(int64_t)n};
    nnc_tensor s = {0};
    NNC_TRY(nnc_tensor_convert(&s, &scale->tensor, NNC_DTYPE_FLOAT));
    nnc_status status = nnc_lower_const(&in[0], ctx, NNRT_F32, 1, dims, nnc_tensor_data(&s), n * 4);
    nnc_tensor_deinit(&s);
    NNC_TRY(status);
    int32_t *z = nnc_calloc(n ? n : 1, sizeof(*z));
    if (!z) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; zero && i < n; i++) {
        z[i] = (int32_t)nnc_tensor_get_int(&zero->tensor, i);
    }
    status = nnc_lower_const(&in[1], ctx, NNRT_I32, 1, dims, z, n * sizeof(*z));
    nnc_free(z);
    return status;
}

/* Axis and blocks of any scales; their values may come at run time. in[1], in[2]: scale as f32, zero point. */
static nnc_status any_scales(uint32_t in[3], uint32_t *count, nnc_lower_ctx *ctx, int32_t *axis,
                             uint32_t *block)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *scale = nnc_lower_in_value(ctx, 1);
    const nnc_node *node = nnc_lower_node(ctx);
    if (!x->has_shape || !scale->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->has_shape ? scale->name : x->name);
    }
    size_t n;
    bool one = scale->shape.rank <= 1 && nnc_shape_count(&n, &scale->shape) && n == 1;
    *block = one ? 0 : (uint32_t)nnc_node_int(node, "block_size", 0);
    *axis = one || scale->shape.rank == 0
                ? -1
                : nnc_lower_axis(nnc_node_int(node, "axis", 1), x->shape.rank, false);
    *count = 2;
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_cast(&in[1], ctx, in[1], scale->dtype, NNC_DTYPE_FLOAT, scale->shape.rank));
    return nnc_lower_in_value(ctx, 2) ? nnc_lower_input(&in[(*count)++], ctx, 2, NNC_FORM_LOGICAL)
                                      : NNC_OK;
}

static nnc_status quantize_any(nnc_lower_ctx *ctx, uint32_t x)
{
    const nnc_node *node = nnc_lower_node(ctx);
    int64_t precision = nnc_node_int(node, "precision", 0);
    nnrt_quantize_linear_params params = {
        .dtype = (uint32_t)nnc_lower_out_value(ctx, 0)->dtype,
        .saturate = (uint32_t)nnc_node_int(node, "saturate", 1),
        .precision = precision == 0 ? NNRT_F32 : (uint32_t)precision};
    uint32_t in[3] = {x}, count, out;
    NNC_TRY(any_scales(in, &count, ctx, &params.axis, &params.block));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_QUANTIZE_LINEAR, &params, sizeof params, in, count, &out,
                          1);
}

nnc_status nnc_quantize_linear_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *y = nnc_lower_out_value(ctx, 0);
    bool bytes = y->dtype == NNC_DTYPE_UINT8 || y->dtype == NNC_DTYPE_INT8;
    int64_t precision = nnc_node_int(nnc_lower_node(ctx), "precision", 0);
    uint32_t in[3], out;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_cast(&in[0], ctx, in[0], x->dtype, NNC_DTYPE_FLOAT,
                           x->has_shape ? x->shape.rank : 0));
    if (!bytes || !has_plain_scales(ctx) || (precision != 0 && precision != NNC_DTYPE_FLOAT)) {
        return quantize_any(ctx, in[0]);
    }
    nnrt_quantize_axis_params params = {.dtype = (uint32_t)y->dtype,
                                        .qmin = y->dtype == NNC_DTYPE_INT8 ? -128 : 0,
                                        .qmax = y->dtype == NNC_DTYPE_INT8 ? 127 : 255};
    NNC_TRY(scale_constants(&in[1], ctx, &params.axis));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_QUANTIZE_AXIS, &params, sizeof(params), in, 3, &out, 1);
}

/* Numbers in float32 first; another output type is a conversion of them. */
static nnc_status dequantized_output(uint32_t *out, nnc_lower_ctx *ctx)
{
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    return y->dtype == NNC_DTYPE_FLOAT
               ? nnc_lower_output(out, ctx, 0, NNC_FORM_LOGICAL)
               : nnc_lower_temp(out, ctx, NNRT_F32, y->has_shape ? y->shape.rank : 0);
}

static nnc_status convert_dequantized(nnc_lower_ctx *ctx, uint32_t real)
{
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    nnrt_cast_params params = {.dtype = (uint32_t)y->dtype};
    uint32_t out;
    if (y->dtype == NNC_DTYPE_FLOAT) {
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &params, sizeof params, &real, 1, &out, 1);
}

nnc_status nnc_dequantize_linear_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    bool plain = (x->dtype == NNC_DTYPE_UINT8 || x->dtype == NNC_DTYPE_INT8 ||
                  x->dtype == NNC_DTYPE_INT32) &&
                 has_plain_scales(ctx);
    uint32_t in[3], out, count = 3;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    if (plain) {
        nnrt_dequantize_params params;
        NNC_TRY(scale_constants(&in[1], ctx, &params.axis));
        NNC_TRY(dequantized_output(&out, ctx));
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_DEQUANTIZE, &params, sizeof(params), in, 3, &out, 1));
    } else {
        nnrt_dequantize_linear_params params;
        NNC_TRY(any_scales(in, &count, ctx, &params.axis, &params.block));
        NNC_TRY(dequantized_output(&out, ctx));
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_DEQUANTIZE_LINEAR, &params, sizeof(params), in, count,
                               &out, 1));
    }
    return convert_dequantized(ctx, out);
}
