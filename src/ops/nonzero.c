/* NonZero. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

static nnc_status infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    nnc_shape y = {.rank = 2};
    y.dims[0] = x != NULL ? (int64_t)x->shape.rank : nnc_infer_fresh_dim(ctx);
    y.dims[1] = nnc_infer_fresh_dim(ctx);
    return nnc_infer_output(ctx, 0, NNC_DTYPE_INT64, &y);
}

static nnc_status lower(nnc_lower_ctx *ctx)
{
    uint32_t x, y;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_NONZERO, NULL, 0, &x, 1, &y, 1);
}

const nnc_op nnc_op_NonZero = {
    .domain = "",
    .name = "NonZero",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = infer,
    .lower = lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
