/* Normalization: batch, instance, layer, group, RMS, local response. SPDX-License-Identifier:
 * Apache-2.0 */
#include <inttypes.h>
#include <math.h>

#include "ops/op_util.h"

/* x [N,C,...] with per-channel vectors in inputs 1..; output 0 like x. */
static nnc_status channel_infer(nnc_infer_ctx *ctx)
{
    static const char *const names[] = {"", "scale", "bias", "mean", "variance"};
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, NNC_RANK_MAX));
    const nnc_value *x = nnc_infer_input(ctx, 0);
    for (uint32_t i = 1; i < nnc_infer_input_count(ctx); i++) {
        NNC_TRY(nnc_infer_check_vector(ctx, i, x->has_shape ? x->shape.dims[1] : -1, names[i]));
    }
    return nnc_infer_same(ctx);
}

/* ---- BatchNormalization ---- */

static const nnc_attr_schema batch_attrs[] = {
    NNC_A_FLOAT("epsilon"),
    NNC_A_FLOAT("momentum"),
    NNC_A_BOOL("training_mode"),
};

static nnc_status batch_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(channel_infer(ctx));
    for (uint32_t i = 1; i < 3; i++) {
        const nnc_value *v = nnc_infer_shaped(ctx, i + 2);
        if (v) {
            NNC_TRY(nnc_infer_output(ctx, i, v->dtype, &v->shape));
        }
    }
    return NNC_OK;
}

/* a = scale / sqrt(variance + epsilon), b = bias - mean * a, in double, rounded once. */
static nnc_status batch_factors(nnc_lower_ctx *ctx, float *a, float *b, size_t channels)
{
    double epsilon = (double)nnc_node_float(nnc_lower_node(ctx), "epsilon", 1e-5f);
    const nnc_tensor *t[5];
    for (uint32_t i = 1; i < 5; i++) {
        const nnc_value *v = nnc_lower_in_value(ctx, i);
        if (v->kind != NNC_VALUE_CONST || v->qparams) {
            return nnc_lower_fail(ctx, "input '%s' is not a float constant", v->name);
        }
        t[i] = &v->tensor;
    }
    for (size_t c = 0; c < channels; c++) {
        double factor =
            nnc_tensor_get_double(t[1], c) / sqrt(nnc_tensor_get_double(t[4], c) + epsilon);
        a[c] = (float)factor;
        b[c] = (float)(nnc_tensor_get_double(t[2], c) - nnc_tensor_get_double(t[3], c) * factor);
    }
    return NNC_OK;
}

/* Ranks without a channels-last form: x * a + b with constants [C,1,...]. */
static nnc_status batch_by_steps(nnc_lower_ctx *ctx, const float *a, const float *b,
                                 size_t channels, uint32_t rank)
{
    int64_t dims[NNC_RANK_MAX] = {(int64_t)channels, 1, 1, 1, 1, 1, 1, 1};
    nnrt_binary_params params = {.op = NNRT_BINARY_MUL, .clamp = {-INFINITY, INFINITY}};
    uint32_t in[2], y;
    size_t bytes = channels * sizeof *a;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_F32, rank - 1, dims, a, bytes));
    NNC_TRY(nnc_lower_temp(&y, ctx, NNRT_F32, rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1));
    in[0] = y;
    params.op = NNRT_BINARY_ADD;
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_F32, rank - 1, dims, b, bytes));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1);
}

static nnc_status batch_emit(nnc_lower_ctx *ctx, float *a, float *b, size_t channels)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    NNC_TRY(batch_factors(ctx, a, b, channels));
    if (x->shape.rank > 5) {
        return batch_by_steps(ctx, a, b, channels, x->shape.rank);
    }
    int64_t dim = (int64_t)channels;
    nnrt_channel_affine_params params = {.clamp = {-INFINITY, INFINITY}};
    uint32_t in[3], y;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_NHWC));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_F32, 1, &dim, a, channels * sizeof *a));
    NNC_TRY(nnc_lower_const(&in[2], ctx, NNRT_F32, 1, &dim, b, channels * sizeof *b));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_NHWC));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CHANNEL_AFFINE, &params, sizeof params, in, 3, &y, 1);
}

static nnc_status batch_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *scale = nnc_lower_in_value(ctx, 1);
    const nnc_node *node = nnc_lower_node(ctx);
    if (nnc_node_int(node, "training_mode", 0) || node->output_count > 1) {
        return nnc_lower_fail(ctx, "training mode cannot run");
    }
    if (!x->has_shape || !scale->has_shape || scale->shape.dims[0] < 0) {
        return nnc_lower_fail(ctx, "shape of '%s' is unknown",
                              x->has_shape ? scale->name : x->name);
    }
    size_t channels = (size_t)scale->shape.dims[0];
    float *a = nnc_calloc(channels, sizeof *a), *b = nnc_calloc(channels, sizeof *b);
    nnc_status status = a && b ? batch_emit(ctx, a, b, channels) : NNC_ERR_LIMIT;
    nnc_free(a);
    nnc_free(b);
    return status;
}

const nnc_op nnc_op_BatchNormalization = {
    .domain = "",
    .name = "BatchNormalization",
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 3,
    NNC_ATTRS(batch_attrs),
    .infer = batch_infer,
    .lower = batch_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_channel_vectors,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};

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
    NNC_TRY(channel_infer(ctx));
    if (x && x->shape.dims[1] >= 0 && x->shape.dims[1] % groups != 0) {
        return nnc_infer_fail(ctx, "%" PRId64 " channels are not divisible by %" PRId64 " groups",
                              x->shape.dims[1], groups);
    }
    return NNC_OK;
}

static nnc_status instance_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape || !nnc_rank_has_nhwc(x->shape.rank)) {
        return nnc_lower_fail(ctx, "input '%s' has %u dims, only 3 and 4 can run", x->name,
                              (unsigned)x->shape.rank);
    }
    nnrt_instancenorm_params params = {
        .epsilon = nnc_node_float(node, "epsilon", 1e-5f),
        .groups = (uint32_t)nnc_node_int(node, "num_groups", 0),
    };
    uint32_t extra[2];
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&extra[1], ctx, 2, NNC_FORM_LOGICAL));
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
    .infer = channel_infer,
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

/* ---- LayerNormalization, RMSNormalization ---- */

static const nnc_attr_schema layer_attrs[] = {
    NNC_A_AXIS("axis"),
    NNC_A_FLOAT("epsilon"),
    NNC_A_INT("stash_type", 1, 16),
};

static nnc_status layer_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    uint32_t axis;
    NNC_TRY(
        nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", -1), x->shape.rank));
    for (uint32_t i = 1; i < nnc_infer_input_count(ctx); i++) {
        const nnc_value *v = nnc_infer_shaped(ctx, i);
        nnc_shape both = x->shape;
        if (v) {
            NNC_TRY(nnc_infer_broadcast(ctx, &both, &v->shape));
        }
        if (v && nnc_shape_is_static(&x->shape) && !nnc_shape_equal(&both, &x->shape)) {
            char sx[256], sv[256];
            return nnc_infer_fail(ctx, "%s of shape %s does not broadcast to %s",
                                  i == 1 ? "scale" : "bias",
                                  nnc_shape_format(sv, sizeof sv, &v->shape),
                                  nnc_shape_format(sx, sizeof sx, &x->shape));
        }
    }
    nnc_shape stats = x->shape;
    for (uint32_t d = axis; d < stats.rank; d++) {
        stats.dims[d] = 1;
    }
    NNC_TRY(nnc_infer_output(ctx, 1, NNC_DTYPE_FLOAT, &stats));
    NNC_TRY(nnc_infer_output(ctx, 2, NNC_DTYPE_FLOAT, &stats));
    return nnc_infer_output(ctx, 0, x->dtype, &x->shape);
}

static nnc_status layer_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (node->output_count > 1 || !x->has_shape) {
        return nnc_lower_fail(ctx, x->has_shape
                                       ? "the mean and deviation outputs cannot be computed"
                                       : "the rank of the input is unknown");
    }
    nnrt_layernorm_params params = {
        .axis = nnc_lower_axis(nnc_node_int(node, "axis", -1), x->shape.rank, false),
        .epsilon = nnc_node_float(node, "epsilon", 1e-5f),
        .rms = nnc_node_is(node, "RMSNormalization"),
    };
    uint32_t extra[2], count = 0;
    for (uint32_t i = 1; i < node->input_count; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(nnc_lower_input(&extra[count++], ctx, i, NNC_FORM_LOGICAL));
        }
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_LAYERNORM, &params, sizeof params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_LayerNormalization = {
    .domain = "",
    .name = "LayerNormalization",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    NNC_ATTRS(layer_attrs),
    .infer = layer_infer,
    .lower = layer_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_elementwise,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

const nnc_op nnc_op_RMSNormalization = {
    .domain = "",
    .name = "RMSNormalization",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(layer_attrs),
    .infer = layer_infer,
    .lower = layer_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_elementwise,
    .layout = NNC_LAYOUT_LOGICAL,
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
    if (!x->has_shape || x->shape.rank > 4) {
        return nnc_lower_fail(ctx, "input '%s' has %u dims, only 2 to 4 can run", x->name,
                              (unsigned)x->shape.rank);
    }
    nnrt_lrn_params params = {
        .size = (uint32_t)nnc_node_int(node, "size", 1),
        .alpha = nnc_node_float(node, "alpha", 1e-4f),
        .beta = nnc_node_float(node, "beta", 0.75f),
        .bias = nnc_node_float(node, "bias", 1.0f),
    };
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
