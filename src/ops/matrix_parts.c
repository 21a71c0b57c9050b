/* EyeLike, Trilu, Det. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

/* ---- EyeLike ---- */

static const nnc_attr_schema eye_attrs[] = {
    NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1),
    NNC_A_INT("k", -NNC_DIM_LIMIT, NNC_DIM_LIMIT),
};

static nnc_dtype eye_dtype(const nnc_node *node, const nnc_value *x)
{
    return (nnc_dtype)nnc_node_int(node, "dtype", (int64_t)x->dtype);
}

static nnc_status eye_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_dtype dtype = eye_dtype(nnc_infer_node(ctx), x);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, 2));
    return x->has_shape ? nnc_infer_output(ctx, 0, dtype, &x->shape) : nnc_infer_output_unknown(ctx, 0, dtype, 2);
}

static nnc_status eye_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_eye_params params = {.dtype = (uint32_t)eye_dtype(node, nnc_lower_in_value(ctx, 0)),
                              .k = (int32_t)nnc_node_int(node, "k", 0)};
    return nnc_lower_move(ctx, NNRT_ROP_ID_EYE, &params, sizeof params, NULL, 0, NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

/* ---- Trilu ---- */

static const nnc_attr_schema trilu_attrs[] = {NNC_A_BOOL("upper")};

static nnc_status trilu_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, NNC_RANK_MAX));
    return nnc_infer_same(ctx);
}

static nnc_status trilu_lower(nnc_lower_ctx *ctx)
{
    nnrt_trilu_params params = {.upper = nnc_node_int(nnc_lower_node(ctx), "upper", 1) != 0};
    bool given = nnc_lower_in_value(ctx, 1) != NULL;
    uint32_t k;
    if (given) {
        NNC_TRY(nnc_lower_input(&k, ctx, 1, NNC_FORM_LOGICAL));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_TRILU, &params, sizeof params, &k, given ? 1 : 0, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

/* ---- Det ---- */

static nnc_status det_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, NNC_RANK_MAX));
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    nnc_shape y = x->shape;
    NNC_TRY(nnc_infer_merge_dim(ctx, &y.dims[y.rank - 2], y.dims[y.rank - 1], "side"));
    y.rank -= 2;
    return nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &y);
}

static nnc_status det_lower(nnc_lower_ctx *ctx)
{
    return nnc_lower_move(ctx, NNRT_ROP_ID_DET, NULL, 0, NULL, 0, NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

#define MATRIX_OP(id, inputs, fn, dims_fn, ...)                                                    \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = inputs,                                                                          \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        __VA_ARGS__,                                                                               \
        .infer = fn##_infer,                                                                       \
        .lower = fn##_lower,                                                                       \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = dims_fn,                                                                           \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
MATRIX_OP(EyeLike, 1, eye, NNC_NO_DIMS, NNC_ATTRS(eye_attrs));
MATRIX_OP(Trilu, 2, trilu, nnc_dims_same, NNC_ATTRS(trilu_attrs));
MATRIX_OP(Det, 1, det, NNC_NO_DIMS, NNC_NO_ATTRS);
