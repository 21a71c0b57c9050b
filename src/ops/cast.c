/* Cast, CastLike, BitCast. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ops/op_util.h"

static const char *const round_modes[] = {"up", "down", "nearest", NULL};
static const nnc_attr_schema cast_attrs[] = {
    NNC_A_ENUM("round_mode", round_modes),
    NNC_A_BOOL("saturate"),
    NNC_A_INT_REQUIRED("to", 1, NNC_DTYPE_COUNT - 1),
};
static const nnc_attr_schema like_attrs[] = {
    NNC_A_ENUM("round_mode", round_modes),
    NNC_A_BOOL("saturate"),
};
static const nnc_attr_schema bit_cast_attrs[] = {NNC_A_INT_REQUIRED("to", 1, NNC_DTYPE_COUNT - 1)};

static nnc_status infer_to(nnc_infer_ctx *ctx, nnc_dtype to)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
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

static nnc_status cast_infer(nnc_infer_ctx *ctx)
{
    return infer_to(ctx, (nnc_dtype)nnc_node_int(nnc_infer_node(ctx), "to", NNC_DTYPE_FLOAT));
}

static nnc_status like_infer(nnc_infer_ctx *ctx)
{
    return infer_to(ctx, nnc_infer_dtype(ctx, 1));
}

static bool numeric(nnc_dtype dtype)
{
    return nnc_dtype_class_of((int)dtype) != NNC_DTYPE_CLASS_OTHER;
}

static nnc_status lower_to(nnc_lower_ctx *ctx, nnc_dtype to)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnc_dtype from = nnc_lower_in_value(ctx, 0)->dtype;
    if (!numeric(to) || !numeric(from)) {
        return nnc_lower_fail(ctx, "conversion from %s to %s cannot run", nnc_dtype_name((int)from),
                              nnc_dtype_name((int)to));
    }
    bool small = nnc_dtype_bits((int)to) < 8 || (nnc_dtype_bits((int)to) == 8 &&
                                                 nnc_dtype_class_of((int)to) == NNC_DTYPE_CLASS_FLOAT);
    if (!small) {
        nnrt_cast_params params = {.dtype = (uint32_t)to};
        return nnc_lower_elementwise(ctx, NNRT_ROP_ID_CAST, &params, sizeof params, 1);
    }
    const char *mode = nnc_node_string(node, "round_mode", "up");
    nnrt_cast_small_params params = {.dtype = (uint32_t)to,
                                     .saturate = nnc_node_int(node, "saturate", 1) != 0,
                                     .round_mode = mode[0] == 'u' ? 0 : mode[0] == 'd' ? 1 : 2};
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_CAST_SMALL, &params, sizeof params, 1);
}

static nnc_status cast_lower(nnc_lower_ctx *ctx)
{
    return lower_to(ctx, (nnc_dtype)nnc_node_int(nnc_lower_node(ctx), "to", NNC_DTYPE_FLOAT));
}

/* The second operand gives its type alone: it is not computed. */
static nnc_status like_lower(nnc_lower_ctx *ctx)
{
    return lower_to(ctx, nnc_lower_in_value(ctx, 1)->dtype);
}

#define CAST_OP(id, inputs, rows, infer_fn, lower_fn)                                              \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = inputs,                                                                          \
        .max_in = inputs,                                                                          \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(rows),                                                                           \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_same,                                                                     \
        .layout = NNC_LAYOUT_AGNOSTIC,                                                             \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
CAST_OP(Cast, 1, cast_attrs, cast_infer, cast_lower);
CAST_OP(CastLike, 2, like_attrs, like_infer, like_lower);

static nnc_status bit_cast_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_dtype to = (nnc_dtype)nnc_node_int(nnc_infer_node(ctx), "to", NNC_DTYPE_FLOAT);
    unsigned from_bits = nnc_dtype_bits((int)x->dtype), bits = nnc_dtype_bits((int)to);
    if (x->dtype != NNC_DTYPE_UNDEFINED && (from_bits == 0 || from_bits != bits)) {
        return nnc_infer_fail(ctx, "%u bits of %s as %s of %u bits", from_bits, nnc_dtype_name((int)x->dtype),
                              nnc_dtype_name((int)to), bits);
    }
    return x->has_shape ? nnc_infer_output(ctx, 0, to, &x->shape) : nnc_infer_output_unknown(ctx, 0, to, -1);
}

static nnc_status bit_cast_lower(nnc_lower_ctx *ctx)
{
    nnc_dtype to = (nnc_dtype)nnc_node_int(nnc_lower_node(ctx), "to", NNC_DTYPE_FLOAT);
    nnc_dtype from = nnc_lower_in_value(ctx, 0)->dtype;
    nnrt_cast_params params = {.dtype = (uint32_t)to};
    if (!numeric(to) || !numeric(from)) {
        return nnc_lower_fail(ctx, "the bits of %s as %s cannot be had", nnc_dtype_name((int)from),
                              nnc_dtype_name((int)to));
    }
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_BITCAST, &params, sizeof params, 1);
}
CAST_OP(BitCast, 1, bit_cast_attrs, bit_cast_infer, bit_cast_lower);
