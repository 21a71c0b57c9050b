/* Lowering of Add, Sub and Mul: float, or the integer contracts on 8-bit grids. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "ops/epilogue.h"
#include "ops/product_lower.h"

/* Both operands and the result as u8 in one layout. */
static nnc_status integer_io(uint32_t in[2], uint32_t *out, nnc_lower_ctx *ctx)
{
    bool nhwc = nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8;
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    for (uint32_t i = 0; i < 2; i++) {
        const nnc_value *x = nnc_lower_in_value(ctx, i);
        if (nhwc && x->kind == NNC_VALUE_CONST) {
            NNC_TRY(nnc_lower_const_value(&in[i], ctx, i, form, y->shape.rank));
        } else {
            NNC_TRY(nnc_lower_input(&in[i], ctx, i, form));
        }
    }
    return nnc_lower_output(out, ctx, 0, form);
}

static nnc_status float_binary(nnc_lower_ctx *ctx, nnrt_binary_op op)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnrt_binary_params params = {.op = (uint32_t)op, .clamp = {fusion->lo, fusion->hi}};
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_BINARY, &params, sizeof(params), 2);
}

nnc_status nnc_add_lower(nnc_lower_ctx *ctx)
{
    bool sub = nnc_node_is(nnc_lower_node(ctx), "Sub");
    if (!nnc_lower_integer(ctx)) {
        return float_binary(ctx, sub ? NNRT_BINARY_SUB : NNRT_BINARY_ADD);
    }
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnc_grid a = nnc_grid_of(nnc_lower_in_value(ctx, 0)->qparams);
    nnc_grid b = nnc_grid_of(nnc_lower_in_value(ctx, 1)->qparams);
    nnc_grid y = nnc_grid_of(nnc_lower_out_value(ctx, 0)->qparams);
    nnrt_add_q8_params params = {.za = a.zero, .zb = b.zero, .zy = y.zero, .ma = a.scale / y.scale,
                                 .mb = b.scale / y.scale};
    params.mb = sub ? -params.mb : params.mb;
    nnc_grid_bounds(&params.lo, &params.hi, &y, fusion->lo, fusion->hi);
    uint32_t in[2], out;
    NNC_TRY(integer_io(in, &out, ctx));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_ADD_Q8, &params, sizeof(params), in, 2, &out, 1);
}

nnc_status nnc_mul_lower(nnc_lower_ctx *ctx)
{
    if (!nnc_lower_integer(ctx)) {
        return float_binary(ctx, NNRT_BINARY_MUL);
    }
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnc_grid a = nnc_grid_of(nnc_lower_in_value(ctx, 0)->qparams);
    nnc_grid b = nnc_grid_of(nnc_lower_in_value(ctx, 1)->qparams);
    nnc_grid y = nnc_grid_of(nnc_lower_out_value(ctx, 0)->qparams);
    float product = a.scale * b.scale;
    nnrt_mul_q8_params params = {.za = a.zero, .zb = b.zero, .zy = y.zero, .m = product / y.scale};
    nnc_grid_bounds(&params.lo, &params.hi, &y, fusion->lo, fusion->hi);
    uint32_t in[2], out;
    NNC_TRY(integer_io(in, &out, ctx));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_MUL_Q8, &params, sizeof(params), in, 2, &out, 1);
}
