/* HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

static nnc_dtype dtype_of(const nnc_node *node)
{
    return (nnc_dtype)nnc_node_int(node, "output_datatype", NNC_DTYPE_FLOAT);
}

/* Known scalar input i as a dim, `fresh` symbolic otherwise. */
static int64_t dim_of(nnc_infer_ctx *ctx, uint32_t i)
{
    nnc_ints ints;
    bool known = nnc_infer_known(ctx, i, &ints) && ints.count == 1 && !ints.symbolic[0] && ints.data[0] >= 0 &&
                 (double)ints.data[0] < NNC_DIM_LIMIT;
    return known ? ints.data[0] : nnc_infer_fresh_dim(ctx);
}

/* ---- windows ---- */

static const nnc_attr_schema window_attrs[] = {
    NNC_A_INT("output_datatype", 1, NNC_DTYPE_COUNT - 1),
    NNC_A_BOOL("periodic"),
};

static nnc_status window_infer(nnc_infer_ctx *ctx)
{
    nnc_shape y = {.rank = 1};
    y.dims[0] = dim_of(ctx, 0);
    return nnc_infer_output(ctx, 0, dtype_of(nnc_infer_node(ctx)), &y);
}

static nnc_status window_lower(nnc_lower_ctx *ctx, float a, float b, float c)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_window_function_params params = {.dtype = (uint32_t)dtype_of(node),
                                          .periodic = nnc_node_int(node, "periodic", 1) != 0,
                                          .a = {a, b, c}};
    return nnc_lower_move(ctx, NNRT_ROP_ID_WINDOW_FUNCTION, &params, sizeof params, NULL, 0, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

#define WINDOW_OP(id, a, b, c)                                                                     \
    static nnc_status lower_##id(nnc_lower_ctx *ctx)                                               \
    {                                                                                              \
        return window_lower(ctx, a, b, c);                                                         \
    }                                                                                              \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(window_attrs),                                                                   \
        .infer = window_infer,                                                                     \
        .lower = lower_##id,                                                                       \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = NNC_NO_DIMS,                                                                       \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
WINDOW_OP(HannWindow, 0.5f, 0.5f, 0.0f);
WINDOW_OP(HammingWindow, (float)(25.0 / 46.0), (float)(21.0 / 46.0), 0.0f);
WINDOW_OP(BlackmanWindow, 0.42f, 0.5f, 0.08f);

/* ---- MelWeightMatrix ---- */

static const nnc_attr_schema mel_attrs[] = {NNC_A_INT("output_datatype", 1, NNC_DTYPE_COUNT - 1)};

static nnc_status mel_infer(nnc_infer_ctx *ctx)
{
    nnc_shape y = {.rank = 2};
    int64_t length = dim_of(ctx, 1);
    y.dims[0] = length >= 0 ? length / 2 + 1 : length;
    y.dims[1] = dim_of(ctx, 0);
    return nnc_infer_output(ctx, 0, dtype_of(nnc_infer_node(ctx)), &y);
}

static nnc_status mel_lower(nnc_lower_ctx *ctx)
{
    nnrt_cast_params params = {.dtype = (uint32_t)dtype_of(nnc_lower_node(ctx))};
    uint32_t extra[4];
    for (uint32_t i = 0; i < 4; i++) {
        NNC_TRY(nnc_lower_input(&extra[i], ctx, i + 1, NNC_FORM_LOGICAL));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_MEL_WEIGHTS, &params, sizeof params, extra, 4, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_MelWeightMatrix = {
    .domain = "",
    .name = "MelWeightMatrix",
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(mel_attrs),
    .infer = mel_infer,
    .lower = mel_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
