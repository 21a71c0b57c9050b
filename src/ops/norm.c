/* Normalization over images: instance, group, local response. SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "ops/compose.h"
#include "ops/op_util.h"

nnc_status nnc_infer_channel_vectors(nnc_infer_ctx *ctx)
{
    static const char *const names[] = {"", "scale", "bias", "mean", "variance"};
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, NNC_RANK_MAX));
    const nnc_value *x = nnc_infer_input(ctx, 0);
    for (uint32_t i = 1; i < nnc_infer_input_count(ctx); i++) {
        NNC_TRY(nnc_infer_check_vector(ctx, i, x->has_shape ? x->shape.dims[1] : -1, names[i]));
    }
    return nnc_infer_same(ctx);
}

/* ---- InstanceNormalization, GroupNormalization ---- */

static const nnc_attr_schema instance_attrs[] = {NNC_A_FLOAT("epsilon")};
static const nnc_attr_schema group_attrs[] = {
    NNC_A_FLOAT("epsilon"),
    NNC_A_INT_REQUIRED("num_groups", 1, NNC_DIM_LIMIT),
    NNC_A_INT("stash_type", 1, 16),
};

static nnc_status group_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    int64_t groups = nnc_node_int(nnc_infer_node(ctx), "num_groups", 1);
    NNC_TRY(nnc_infer_channel_vectors(ctx));
    if (x && x->shape.dims[1] >= 0 && x->shape.dims[1] % groups != 0) {
        return nnc_infer_fail(ctx, "%" PRId64 " channels are not divisible by %" PRId64 " groups",
                              x->shape.dims[1], groups);
    }
    return NNC_OK;
}

/* [N,C,...] as [N,C,-1] with each of its groups normalized; groups 0: each channel. */
static nnc_status instance_f64(nnc_lower_ctx *ctx, uint32_t in, uint32_t groups, double epsilon)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnc_compose c = {ctx, nnc_lower_dtype(x)};
    const int64_t grouped[3] = {0, groups, -1}, plain[3] = {0, 0, -1};
    uint32_t view = NNRT_NONE, centred = NNRT_NONE, mean = NNRT_NONE, variance = NNRT_NONE;
    uint32_t r = NNRT_NONE, y = NNRT_NONE, vector, wide = NNRT_NONE, scaled = NNRT_NONE, out;
    uint32_t back = NNRT_NONE;
    NNC_TRY(nnc_compose_view(&view, &c, in, groups ? grouped : plain, 3));
    NNC_TRY(nnc_compose_moments(&centred, &mean, &variance, &c, view, 3, 1u << 2));
    NNC_TRY(nnc_compose_rsqrt(&r, &c, variance, epsilon, 3));
    NNC_TRY(nnc_compose_binary(&y, &c, NNRT_BINARY_MUL, centred, r, 3));
    NNC_TRY(nnc_compose_view_like(&back, &c, y, in, x->shape.rank));
    NNC_TRY(nnc_lower_input(&vector, ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_compose_spread(&wide, &c, vector, x->shape.rank, 1));
    NNC_TRY(nnc_compose_binary(&scaled, &c, NNRT_BINARY_MUL, back, wide, x->shape.rank));
    NNC_TRY(nnc_lower_input(&vector, ctx, 2, NNC_FORM_LOGICAL));
    wide = NNRT_NONE;
    NNC_TRY(nnc_compose_spread(&wide, &c, vector, x->shape.rank, 1));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_compose_binary(&out, &c, NNRT_BINARY_ADD, scaled, wide, x->shape.rank);
}

/* A channels-last runtime op on [N,pixels,C] for ranks that have no such form. */
static nnc_status by_pixels(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params, size_t bytes,
                            const uint32_t *extra, uint32_t count)
{
    static const uint32_t swap[3] = {0, 2, 1};
    const int64_t plain[3] = {0, 0, -1};
    uint32_t in[3], view = NNRT_NONE, y, back = NNRT_NONE, out;
    nnc_compose c = {ctx, NNRT_F32};
    NNC_TRY(nnc_lower_input(&out, ctx, 0, NNC_FORM_LOGICAL));
    uint32_t x = out;
    NNC_TRY(nnc_compose_view(&view, &c, x, plain, 3));
    in[0] = NNRT_NONE;
    NNC_TRY(nnc_compose_transpose(&in[0], &c, view, swap, 3));
    for (uint32_t i = 0; i < count; i++) {
        in[i + 1] = extra[i];
    }
    NNC_TRY(nnc_lower_temp(&y, ctx, NNRT_F32, 3));
    NNC_TRY(nnc_lower_emit(ctx, rop, params, bytes, in, count + 1, &y, 1));
    NNC_TRY(nnc_compose_transpose(&back, &c, y, swap, 3));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_compose_view_like(&out, &c, back, x, nnc_lower_in_value(ctx, 0)->shape.rank);
}

static nnc_status instance_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->name);
    }
    nnrt_instancenorm_params params = {
        .epsilon = nnc_node_float(node, "epsilon", 1e-5f),
        .groups = (uint32_t)nnc_node_int(node, "num_groups", 0),
    };
    uint32_t extra[2], in;
    if (x->dtype != NNC_DTYPE_FLOAT) {
        NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
        return instance_f64(ctx, in, params.groups, (double)params.epsilon);
    }
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&extra[1], ctx, 2, NNC_FORM_LOGICAL));
    if (!nnc_rank_has_nhwc(x->shape.rank)) {
        return by_pixels(ctx, NNRT_ROP_ID_INSTANCENORM, &params, sizeof params, extra, 2);
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_INSTANCENORM, &params, sizeof params, extra, 2,
                          NNC_FORM_NHWC, NNC_FORM_NHWC);
}

const nnc_op nnc_op_InstanceNormalization = {
    .domain = "",
    .name = "InstanceNormalization",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(instance_attrs),
    .infer = nnc_infer_channel_vectors,
    .lower = instance_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_channel_vectors,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};

/* Channels of one group are normalized together: cutting needs equal counts per group. */
static nnc_status group_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    int64_t groups = nnc_node_int(nnc_graph_node_const(graph, node), "num_groups", 1);
    NNC_TRY(nnc_dims_link(links, 0, 0, 0, 0));
    NNC_TRY(
        nnc_dim_links_add(links, (nnc_dim_link){0, 1, 0, 1, -1, -1, NNC_DIM_LINK_GROUPED, groups}));
    NNC_TRY(nnc_dims_link(links, 1, 0, 0, 1));
    return nnc_dims_link(links, 2, 0, 0, 1);
}

const nnc_op nnc_op_GroupNormalization = {
    .domain = "",
    .name = "GroupNormalization",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(group_attrs),
    .infer = group_infer,
    .lower = instance_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = group_dims,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- LRN ---- */

static const nnc_attr_schema lrn_attrs[] = {
    NNC_A_FLOAT("alpha"),
    NNC_A_FLOAT("beta"),
    NNC_A_FLOAT("bias"),
    NNC_A_INT_REQUIRED("size", 1, NNC_DIM_LIMIT),
};

static nnc_status lrn_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape || x->shape.rank < 2) {
        return nnc_lower_fail(ctx, "input '%s' has %u dims, at least 2 can run", x->name,
                              (unsigned)x->shape.rank);
    }
    nnrt_lrn_params params = {
        .size = (uint32_t)nnc_node_int(node, "size", 1),
        .alpha = nnc_node_float(node, "alpha", 1e-4f),
        .beta = nnc_node_float(node, "beta", 0.75f),
        .bias = nnc_node_float(node, "bias", 1.0f),
    };
    if (x->shape.rank > 2 && !nnc_rank_has_nhwc(x->shape.rank)) {
        return by_pixels(ctx, NNRT_ROP_ID_LRN, &params, sizeof params, NULL, 0);
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_LRN, &params, sizeof params, NULL, 0, NNC_FORM_NHWC,
                          NNC_FORM_NHWC);
}

/* Neighbouring channels meet, so channels cannot be cut one by one. */
static nnc_status lrn_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    (void)graph;
    (void)node;
    return nnc_dims_link(links, 0, 0, 0, 0);
}

const nnc_op nnc_op_LRN = {
    .domain = "",
    .name = "LRN",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(lrn_attrs),
    .infer = nnc_infer_same,
    .lower = lrn_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = lrn_dims,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};
