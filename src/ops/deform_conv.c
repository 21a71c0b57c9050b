/* DeformConv: convolution whose taps are moved by offsets. SPDX-License-Identifier: Apache-2.0
 * x [N,C,...], w [K,C/g,kernel...], offset [N, groups * taps * dims, out...], b [K], mask -> y
 * [N,K,out...]. */
#include <inttypes.h>

#include "ops/op_util.h"
#include "ops/window.h"

static const nnc_attr_schema deform_attrs[] = {
    NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),    NNC_A_INT("group", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("kernel_shape", 1, NNC_DIM_LIMIT), NNC_A_INT("offset_group", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),         NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

static nnc_status deform_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *w = nnc_infer_shaped(ctx, 1);
    int64_t group = nnc_node_int(nnc_infer_node(ctx), "group", 1);
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 5));
    if (x && w && w->shape.rank != x->shape.rank) {
        return nnc_infer_fail(ctx, "weight has %u dims, expected %u", (unsigned)w->shape.rank,
                              (unsigned)x->shape.rank);
    }
    if (!x || !w) {
        return nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, 0),
                                        x ? (int)x->shape.rank : -1);
    }
    int64_t c = x->shape.dims[1], per_group = w->shape.dims[1];
    if (c >= 0 && per_group >= 0 && c != per_group * group) {
        return nnc_infer_fail(
            ctx, "input has %" PRId64 " channels, weight with group %" PRId64 " expects %" PRId64,
            c, group, per_group * group);
    }
    nnc_window window;
    const char *wrong =
        nnc_window_read(&window, nnc_infer_node(ctx), x->shape.rank - 2, &w->shape.dims[2]);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    NNC_TRY(nnc_infer_check_vector(ctx, 3, w->shape.dims[0], "bias"));
    nnc_shape y = {.rank = x->shape.rank, .dims = {x->shape.dims[0], w->shape.dims[0]}};
    NNC_TRY(nnc_infer_window(ctx, &y, &x->shape, &window));
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status deform_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *w = nnc_lower_in_value(ctx, 1);
    if (!x->has_shape || !w->has_shape || w->shape.dims[0] < 1 || w->shape.dims[1] < 1) {
        return nnc_lower_fail(ctx, "the shape of '%s' is not known",
                              x->has_shape ? w->name : x->name);
    }
    if (x->dtype != NNC_DTYPE_FLOAT) {
        return nnc_lower_fail(ctx, "of %s cannot run, float32 can", nnc_dtype_name((int)x->dtype));
    }
    uint32_t rank = x->shape.rank, in[5], count = 0, y;
    int64_t kernel[NNC_RANK_MAX], groups = nnc_node_int(node, "group", 1);
    nnrt_deform_conv_params params = {
        .groups = (uint32_t)groups,
        .offset_groups = (uint32_t)nnc_node_int(node, "offset_group", 1),
        .c_in = (uint32_t)(w->shape.dims[1] * groups),
        .c_out = (uint32_t)w->shape.dims[0],
        .has_bias = nnc_lower_in_value(ctx, 3) != NULL,
        .has_mask = nnc_lower_in_value(ctx, 4) != NULL,
    };
    for (uint32_t d = 0; d + 2 < rank; d++) {
        kernel[d] = w->shape.dims[d + 2] < 1 ? 1 : w->shape.dims[d + 2];
    }
    NNC_TRY(nnc_window_nd_from_node(&params.window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx),
                                    rank - 2, kernel));
    for (uint32_t i = 0; i < 5; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(
                nnc_lower_input(&in[count++], ctx, i, i == 0 ? NNC_FORM_NHWC : NNC_FORM_LOGICAL));
        }
    }
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_NHWC));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_DEFORM_CONV, &params, sizeof params, in, count, &y, 1);
}

/* As a convolution. */
static void deform_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *w = nnc_node_in(graph, node, 1), *y = nnc_node_out(graph, node, 0);
    out->params = nnc_cost_params(graph, nnc_graph_node_const(graph, node));
    if (w->has_shape && y->has_shape) {
        nnc_shape taps = w->shape;
        taps.dims[0] = 1;
        out->macs = nnc_cost_mul(nnc_cost_elements(&y->shape), nnc_cost_elements(&taps));
    }
}

const nnc_op nnc_op_DeformConv = {
    .domain = "",
    .name = "DeformConv",
    .min_in = 3,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(deform_attrs),
    .infer = deform_infer,
    .lower = deform_lower,
    .grad = NNC_NO_GRAD,
    .cost = deform_cost,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};
