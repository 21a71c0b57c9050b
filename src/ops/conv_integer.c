/* ConvInteger and QLinearConv. SPDX-License-Identifier: Apache-2.0
 * x [N,C,spatial...], w [K,C/g,kernel...] of 8-bit integers -> y int32, or requantized. */
#include <inttypes.h>
#include <string.h>

#include "ops/integer_lower.h"
#include "ops/op_util.h"

static const nnc_attr_schema conv_attrs[] = {
    NNC_A_ENUM("auto_pad", nnc_auto_pad_choices), NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INT("group", 1, NNC_DIM_LIMIT),         NNC_A_INTS("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),         NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

static nnc_status infer_conv(nnc_infer_ctx *ctx, uint32_t iw, nnc_dtype dtype)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *w = nnc_infer_shaped(ctx, iw);
    int64_t group = nnc_node_int(nnc_infer_node(ctx), "group", 1);
    NNC_TRY(nnc_infer_bytes(ctx, 0, "input"));
    NNC_TRY(nnc_infer_bytes(ctx, iw, "weight"));
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 5));
    if (!x || !w) {
        int rank = x ? (int)x->shape.rank : w ? (int)w->shape.rank : -1;
        return nnc_infer_output_unknown(ctx, 0, dtype, rank);
    }
    if (w->shape.rank != x->shape.rank) {
        return nnc_infer_fail(ctx, "weight has %u dims, expected %u", (unsigned)w->shape.rank,
                              (unsigned)x->shape.rank);
    }
    int64_t c = x->shape.dims[1], per_group = w->shape.dims[1];
    if (c >= 0 && per_group >= 0 && c != per_group * group) {
        return nnc_infer_fail(ctx, "input has %" PRId64 " channels, weight expects %" PRId64, c,
                              per_group * group);
    }
    nnc_window window;
    const char *wrong =
        nnc_window_read(&window, nnc_infer_node(ctx), x->shape.rank - 2, &w->shape.dims[2]);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    nnc_shape y = {.rank = x->shape.rank, .dims = {x->shape.dims[0], w->shape.dims[0]}};
    NNC_TRY(nnc_infer_window(ctx, &y, &x->shape, &window));
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status conv_integer_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_zero_point(ctx, 0, 2));
    NNC_TRY(nnc_infer_zero_point(ctx, 1, 3));
    return infer_conv(ctx, 1, NNC_DTYPE_INT32);
}

static nnc_status qlinear_conv_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_zero_point(ctx, 0, 2));
    NNC_TRY(nnc_infer_zero_point(ctx, 3, 5));
    NNC_TRY(nnc_infer_bytes(ctx, 7, "zero point of y"));
    return infer_conv(ctx, 3, nnc_infer_dtype(ctx, 7));
}

static nnc_status conv_params(nnrt_conv_integer_params *params, nnc_lower_ctx *ctx, uint32_t iw)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *w = nnc_lower_in_value(ctx, iw);
    nnc_window window;
    if (!x->has_shape || !w->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->has_shape ? w->name : x->name);
    }
    uint32_t spatial = x->shape.rank - 2;
    /* The kernel's dims are the weight's: kernel_shape need not be given. */
    const char *wrong = nnc_window_read(&window, nnc_lower_node(ctx), spatial, &w->shape.dims[2]);
    if (wrong) {
        return nnc_lower_fail(ctx, "%s", wrong);
    }
    *params = (nnrt_conv_integer_params){
        .spatial = spatial, .groups = (uint32_t)nnc_node_int(nnc_lower_node(ctx), "group", 1)};
    params->auto_pad = window.auto_pad == 3 ? 0 : (uint32_t)window.auto_pad;
    for (uint32_t d = 0; d < spatial; d++) {
        bool given = window.auto_pad == 0;
        params->stride[d] = (uint32_t)window.stride[d];
        params->dilation[d] = (uint32_t)window.dilation[d];
        params->pad_begin[d] = given ? (uint32_t)window.pad_begin[d] : 0;
        params->pad_end[d] = given ? (uint32_t)window.pad_end[d] : 0;
    }
    return NNC_OK;
}

static nnc_status conv_integer_lower(nnc_lower_ctx *ctx)
{
    nnrt_conv_integer_params params;
    NNC_TRY(conv_params(&params, ctx, 1));
    params.has_zx = nnc_lower_in_value(ctx, 2) != NULL;
    params.has_zw = nnc_lower_in_value(ctx, 3) != NULL;
    const uint32_t slots[4] = {0, 1, params.has_zx ? 2 : 3, 3};
    uint32_t in[4], out, count = 2 + params.has_zx + params.has_zw;
    NNC_TRY(nnc_lower_logical_inputs(in, ctx, slots, count));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CONV_INTEGER, &params, sizeof params, in, count, &out,
                          1);
}

static nnc_status qlinear_conv_lower(nnc_lower_ctx *ctx)
{
    static const uint32_t operands[4] = {0, 3, 2, 5}, grids[4] = {1, 4, 6, 7};
    nnrt_conv_integer_params params;
    uint32_t in[4], acc;
    NNC_TRY(conv_params(&params, ctx, 3));
    params.has_zx = params.has_zw = 1;
    NNC_TRY(nnc_lower_logical_inputs(in, ctx, operands, 4));
    NNC_TRY(nnc_lower_temp(&acc, ctx, NNRT_I32, params.spatial + 2));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_CONV_INTEGER, &params, sizeof params, in, 4, &acc, 1));
    return nnc_lower_requantize(ctx, acc, grids, 8, 1);
}

static void conv_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node, uint32_t iw)
{
    const nnc_value *w = nnc_node_in(graph, node, iw), *y = nnc_node_out(graph, node, 0);
    out->params = nnc_cost_params(graph, nnc_graph_node_const(graph, node));
    if (w->has_shape && w->shape.rank > 1 && y && y->has_shape) {
        nnc_shape taps = w->shape;
        taps.dims[0] = 1;
        out->macs = nnc_cost_mul(nnc_cost_elements(&y->shape), nnc_cost_elements(&taps));
    }
}

static void conv_integer_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    conv_cost(out, graph, node, 1);
}

static void qlinear_conv_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    conv_cost(out, graph, node, 3);
}

#define CONV_OP(id, ins_min, ins_max, infer_fn, lower_fn, cost_fn)                                 \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = ins_min,                                                                         \
        .max_in = ins_max,                                                                         \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(conv_attrs),                                                                     \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = cost_fn,                                                                           \
        .dims = NNC_NO_DIMS,                                                                       \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
CONV_OP(ConvInteger, 2, 4, conv_integer_infer, conv_integer_lower, conv_integer_cost);
CONV_OP(QLinearConv, 8, 9, qlinear_conv_infer, qlinear_conv_lower, qlinear_conv_cost);
