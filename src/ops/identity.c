/* Identity, Dropout, Cast. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

const nnc_op nnc_op_Identity = {
    .domain = "",
    .name = "Identity",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = nnc_infer_same,
    .lower = nnc_lower_alias,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_PRESERVE,
};

/* ---- Dropout: (data, ratio, training_mode) -> data, mask; inference passes the data through ----
 */

static const nnc_attr_schema dropout_attrs[] = {NNC_A_INT_ANY("seed")};

static nnc_status dropout_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    NNC_TRY(x ? nnc_infer_output(ctx, 1, NNC_DTYPE_BOOL, &x->shape)
              : nnc_infer_output_unknown(ctx, 1, NNC_DTYPE_BOOL, -1));
    return nnc_infer_same(ctx);
}

static nnc_status dropout_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *training = nnc_lower_in_value(ctx, 2);
    bool off = !training ||
               (training->kind == NNC_VALUE_CONST && nnc_tensor_count(&training->tensor) == 1 &&
                nnc_tensor_get_int(&training->tensor, 0) == 0);
    if (!off || nnc_lower_out_value(ctx, 1)) {
        return nnc_lower_fail(ctx, off ? "the mask output cannot be computed"
                                       : "training mode cannot run");
    }
    return nnc_lower_alias(ctx);
}

const nnc_op nnc_op_Dropout = {
    .domain = "",
    .name = "Dropout",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    NNC_ATTRS(dropout_attrs),
    .infer = dropout_infer,
    .lower = dropout_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_PRESERVE,
};

/* ---- Cast ---- */

static const char *const round_modes[] = {"up", "down", "nearest", NULL};
static const nnc_attr_schema cast_attrs[] = {
    NNC_A_ENUM("round_mode", round_modes),
    NNC_A_BOOL("saturate"),
    NNC_A_INT_REQUIRED("to", 1, NNC_DTYPE_COUNT - 1),
};

static nnc_status cast_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_dtype to = (nnc_dtype)nnc_node_int(nnc_infer_node(ctx), "to", NNC_DTYPE_FLOAT);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, to, -1);
    }
    NNC_TRY(nnc_infer_output(ctx, 0, to, &x->shape));
    bool integer = to == NNC_DTYPE_INT64 || to == NNC_DTYPE_INT32;
    nnc_ints ints;
    if (!integer || !nnc_infer_known(ctx, 0, &ints)) {
        return NNC_OK;
    }
    for (size_t k = 0; to == NNC_DTYPE_INT32 && k < ints.count; k++) {
        if (!ints.symbolic[k] && (ints.data[k] > INT32_MAX || ints.data[k] < INT32_MIN)) {
            return NNC_OK;
        }
    }
    return nnc_infer_set_known(ctx, 0, &ints);
}

static bool runtime_has(nnc_dtype dtype)
{
    switch (dtype) {
    case NNC_DTYPE_FLOAT:
    case NNC_DTYPE_UINT8:
    case NNC_DTYPE_INT8:
    case NNC_DTYPE_UINT16:
    case NNC_DTYPE_INT16:
    case NNC_DTYPE_INT32:
    case NNC_DTYPE_INT64:
    case NNC_DTYPE_BOOL:
    case NNC_DTYPE_FLOAT16:
    case NNC_DTYPE_DOUBLE:
    case NNC_DTYPE_UINT32:
    case NNC_DTYPE_UINT64:
    case NNC_DTYPE_BFLOAT16:
        return true;
    default:
        return false;
    }
}

static nnc_status cast_lower(nnc_lower_ctx *ctx)
{
    nnc_dtype to = (nnc_dtype)nnc_node_int(nnc_lower_node(ctx), "to", NNC_DTYPE_FLOAT);
    nnc_dtype from = nnc_lower_in_value(ctx, 0)->dtype;
    if (!runtime_has(to) || !runtime_has(from)) {
        return nnc_lower_fail(ctx, "conversion from %s to %s cannot run", nnc_dtype_name((int)from),
                              nnc_dtype_name((int)to));
    }
    nnrt_cast_params params = {.dtype = (uint32_t)to};
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_CAST, &params, sizeof params, 1);
}

const nnc_op nnc_op_Cast = {
    .domain = "",
    .name = "Cast",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(cast_attrs),
    .infer = cast_infer,
    .lower = cast_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_FLOAT,
};
