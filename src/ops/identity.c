/* Identity. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

static nnc_status identity_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same(ctx));
    return nnc_infer_int_copy(ctx);
}

const nnc_op nnc_op_Identity = {
    .domain = "",
    .name = "Identity",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = identity_infer,
    .lower = nnc_lower_alias,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_PRESERVE,
};
