/* Conv and ConvTranspose. SPDX-License-Identifier: Apache-2.0
 * x [N,C,spatial...], w [K,C/g,kernel...] (ConvTranspose [C,K/g,kernel...]), b [K] -> y [N,K,...].
 */
#include <inttypes.h>

#include "ops/op_util.h"
#include "ops/product_lower.h"

static const nnc_attr_schema conv_attrs[] = {
    NNC_A_ENUM("auto_pad", nnc_auto_pad_choices), NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INT("group", 1, NNC_DIM_LIMIT),         NNC_A_INTS("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),         NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

static const nnc_attr_schema conv_transpose_attrs[] = {
    NNC_A_ENUM("auto_pad", nnc_auto_pad_choices),   NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INT("group", 1, NNC_DIM_LIMIT),           NNC_A_INTS("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("output_padding", 0, NNC_DIM_LIMIT), NNC_A_INTS("output_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),           NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

/* Ranks, types and channels; *ready false when shapes are unknown and the output was set so. */
static nnc_status conv_check(nnc_infer_ctx *ctx, bool *ready, uint32_t channel_dim)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *w = nnc_infer_shaped(ctx, 1);
    int64_t group = nnc_node_int(nnc_infer_node(ctx), "group", 1);
    *ready = false;
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 8));
    if (w && !x) {
        NNC_TRY(nnc_infer_check_rank(ctx, 0, w->shape.rank, w->shape.rank));
        x = nnc_infer_shaped(ctx, 0);
    }
    if (w && x && w->shape.rank != x->shape.rank) {
        return nnc_infer_fail(ctx, "weight has %u dims, expected %u", (unsigned)w->shape.rank,
                              (unsigned)x->shape.rank);
    }
    if (!x || !w) {
        int rank = x ? (int)x->shape.rank : w ? (int)w->shape.rank : -1;
        return nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, 0), rank);
    }
    int64_t c = x->shape.dims[1], k = w->shape.dims[0], per_group = w->shape.dims[1];
    int64_t have = channel_dim == 0 ? k : per_group < 0 ? -1 : per_group * group;
    if (c >= 0 && have >= 0 && c != have) {
        char tx[256], tw[256];
        return nnc_infer_fail(ctx,
                              "input %s has %" PRId64 " channels, weight %s with group %" PRId64
                              " expects %" PRId64,
                              nnc_shape_format(tx, sizeof tx, &x->shape), c,
                              nnc_shape_format(tw, sizeof tw, &w->shape), group, have);
    }
    if (k >= 0 && k % group != 0) {
        return nnc_infer_fail(
            ctx, "weight has %" PRId64 " channels, not divisible by group %" PRId64, k, group);
    }
    *ready = true;
    return NNC_OK;
}

static nnc_status conv_infer(nnc_infer_ctx *ctx)
{
    bool ready;
    NNC_TRY(conv_check(ctx, &ready, 1));
    if (!ready) {
        return NNC_OK;
    }
    const nnc_value *x = nnc_infer_input(ctx, 0), *w = nnc_infer_input(ctx, 1);
    nnc_window window;
    const char *wrong =
        nnc_window_read(&window, nnc_infer_node(ctx), x->shape.rank - 2, &w->shape.dims[2]);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    NNC_TRY(nnc_infer_check_vector(ctx, 2, w->shape.dims[0], "bias"));
    nnc_shape y = {.rank = x->shape.rank, .dims = {x->shape.dims[0], w->shape.dims[0]}};
    NNC_TRY(nnc_infer_window(ctx, &y, &x->shape, &window));
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status transpose_dim(nnc_infer_ctx *ctx, int64_t *out, const nnc_window *w, uint32_t d,
                                int64_t in, int64_t output_padding)
{
    if (in < 0 || w->kernel[d] < 0) {
        *out = nnc_infer_fresh_dim(ctx);
        return NNC_OK;
    }
    if (w->auto_pad == 1 || w->auto_pad == 2) {
        *out = in * w->stride[d];
        return NNC_OK;
    }
    int64_t pads = w->auto_pad == 3 ? 0 : w->pad_begin[d] + w->pad_end[d];
    int64_t grown;
    if (!nnc_i64_mul(&grown, in - 1, w->stride[d])) {
        return nnc_infer_fail(ctx, "output is too large");
    }
    *out = grown + output_padding + (w->kernel[d] - 1) * w->dilation[d] + 1 - pads;
    if (*out <= 0) {
        return nnc_infer_fail(ctx, "padding %" PRId64 " leaves no output of dim %u", pads,
                              (unsigned)d);
    }
    return NNC_OK;
}

static nnc_status conv_transpose_infer(nnc_infer_ctx *ctx)
{
    bool ready;
    NNC_TRY(conv_check(ctx, &ready, 0));
    if (!ready) {
        return NNC_OK;
    }
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_input(ctx, 0), *w = nnc_infer_input(ctx, 1);
    uint32_t spatial = x->shape.rank - 2;
    nnc_window window;
    const char *wrong = nnc_window_read(&window, node, spatial, &w->shape.dims[2]);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    const int64_t *extra = NULL, *shape = NULL;
    size_t extra_count = spatial, shape_count = spatial;
    nnc_node_ints(node, "output_padding", &extra, &extra_count);
    nnc_node_ints(node, "output_shape", &shape, &shape_count);
    if (extra_count != spatial || shape_count != spatial) {
        return nnc_infer_fail(ctx, "output_padding or output_shape has %zu elements, expected %u",
                              extra_count != spatial ? extra_count : shape_count,
                              (unsigned)spatial);
    }
    int64_t group = nnc_node_int(node, "group", 1);
    nnc_shape y = {.rank = x->shape.rank, .dims = {x->shape.dims[0]}};
    y.dims[1] = w->shape.dims[1] < 0 ? nnc_infer_fresh_dim(ctx) : w->shape.dims[1] * group;
    NNC_TRY(nnc_infer_check_vector(ctx, 2, y.dims[1], "bias"));
    for (uint32_t d = 0; d < spatial; d++) {
        if (shape) {
            y.dims[d + 2] = shape[d];
        } else {
            NNC_TRY(transpose_dim(ctx, &y.dims[d + 2], &window, d, x->shape.dims[d + 2],
                                  extra ? extra[d] : 0));
        }
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

/* Every output element reads kernel * C/g inputs; a transposed convolution spreads every input over
 * kernel * K/g. */
static void conv_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_value *w = nnc_node_in(graph, node, 1);
    const nnc_value *each =
        nnc_node_is(n, "Conv") ? nnc_node_out(graph, node, 0) : nnc_node_in(graph, node, 0);
    out->params = nnc_cost_params(graph, n);
    if (w->has_shape && each->has_shape) {
        nnc_shape taps = w->shape;
        taps.dims[0] = 1;
        out->macs = nnc_cost_mul(nnc_cost_elements(&each->shape), nnc_cost_elements(&taps));
    }
}

static nnc_status conv_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    int64_t group = nnc_node_int(nnc_graph_node_const(graph, node), "group", 1);
    const nnc_value *w = nnc_node_in(graph, node, 1);
    bool depthwise = group > 1 && w->has_shape && w->shape.dims[0] == group;
    nnc_dim_link_kind kind = group > 1 ? NNC_DIM_LINK_GROUPED : NNC_DIM_LINK_SAME;
    int64_t arg = group > 1 ? group : 0;
    NNC_TRY(nnc_dims_link(links, 0, 0, 0, 0));
    if (depthwise) {
        NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){0, 1, 0, 1, -1, -1, kind, arg}));
    } else {
        NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){0, 1, -1, -1, 1, 1, kind, arg}));
    }
    NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){1, 0, 0, 1, -1, -1, kind, arg}));
    return nnc_node_in(graph, node, 2) ? nnc_dims_link(links, 2, 0, 0, 1) : NNC_OK;
}

/* w [C, K/g, ...]: the input's channels are summed with dim 0, the output's are dim 1. */
static nnc_status conv_transpose_dims(nnc_dim_links *links, const nnc_graph *graph,
                                      nnc_node_id node)
{
    int64_t group = nnc_node_int(nnc_graph_node_const(graph, node), "group", 1);
    nnc_dim_link_kind kind = group > 1 ? NNC_DIM_LINK_GROUPED : NNC_DIM_LINK_SAME;
    int64_t arg = group > 1 ? group : 0;
    NNC_TRY(nnc_dims_link(links, 0, 0, 0, 0));
    NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){0, 1, -1, -1, 1, 0, kind, arg}));
    NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){1, 1, 0, 1, -1, -1, kind, arg}));
    return nnc_node_in(graph, node, 2) ? nnc_dims_link(links, 2, 0, 0, 1) : NNC_OK;
}

const nnc_op nnc_op_Conv = {
    .domain = "",
    .name = "Conv",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(conv_attrs),
    .infer = conv_infer,
    .lower = nnc_conv_lower,
    .grad = NNC_NO_GRAD,
    .cost = conv_cost,
    .dims = conv_dims,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_CONTRACT,
};

const nnc_op nnc_op_ConvTranspose = {
    .domain = "",
    .name = "ConvTranspose",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(conv_transpose_attrs),
    .infer = conv_transpose_infer,
    .lower = nnc_conv_transpose_lower,
    .grad = NNC_NO_GRAD,
    .cost = conv_cost,
    .dims = conv_transpose_dims,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};
