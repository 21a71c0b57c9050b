/* From older forms to the internal one. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "onnx/steps.h"

nnc_status nnc_up_refused(nnc_graph *graph, nnc_node_id node)
{
    NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s in its oldest form is not supported",
             nnc_graph_node_const(graph, node)->op_type);
}

/* Squeeze, Unsqueeze and the reductions: attribute axes -> input 1. */
nnc_status nnc_up_axes(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_ints_to_input(graph, node, "axes", 1);
}

nnc_status nnc_up_bn_9(nnc_graph *graph, nnc_node_id node)
{
    if (nnc_node_int(nnc_graph_node_const(graph, node), "spatial", 1) != 1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "BatchNormalization with spatial=0 is not supported");
    }
    nnc_node_remove_attr(graph, node, "spatial");
    return NNC_OK;
}

/* Outputs 1 to 4 (running and saved statistics) exist for training alone. */
nnc_status nnc_up_bn_14(nnc_graph *graph, nnc_node_id node)
{
    nnc_node *n = nnc_graph_node(graph, node);
    for (uint32_t i = 1; i < n->output_count; i++) {
        if (n->outputs[i] != NNC_ID_NONE) {
            nnc_graph_value(graph, n->outputs[i])->producer = NNC_ID_NONE;
        }
    }
    n->output_count = n->output_count > 1 ? 1 : n->output_count;
    return NNC_OK;
}

/* A scalar bound of the input's own type. */
static nnc_status float_attr_to_input(nnc_graph *graph, nnc_node_id node, const char *attr,
                                      uint32_t slot)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_attr *a = nnc_node_attr(n, attr);
    if (!a || a->type != NNC_ATTR_FLOAT) {
        return NNC_OK;
    }
    char name[300];
    nnc_shape scalar = {0};
    nnc_value_id id;
    nnc_tensor t;
    double wide = (double)a->f;
    bool is_double = n->input_count > 0 && n->inputs[0] != NNC_ID_NONE &&
                     nnc_graph_value_const(graph, n->inputs[0])->dtype == NNC_DTYPE_DOUBLE;
    NNC_TRY(nnc_tensor_create_from(&t, is_double ? NNC_DTYPE_DOUBLE : NNC_DTYPE_FLOAT, &scalar,
                                   is_double ? (const void *)&wide : (const void *)&a->f));
    nnc_status status =
        nnc_graph_add_const(&id, graph, nnc_step_name(name, sizeof name, graph, node, attr), &t);
    nnc_tensor_deinit(&t);
    NNC_TRY(status);
    nnc_node_remove_attr(graph, node, attr);
    return nnc_step_set_input(graph, node, slot, id);
}

nnc_status nnc_up_clip_11(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(float_attr_to_input(graph, node, "min", 1));
    return float_attr_to_input(graph, node, "max", 2);
}

nnc_status nnc_up_pad_11(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_step_ints_to_input(graph, node, "pads", 1));
    return float_attr_to_input(graph, node, "value", 2);
}

nnc_status nnc_up_slice_10(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_step_ints_to_input(graph, node, "starts", 1));
    NNC_TRY(nnc_step_ints_to_input(graph, node, "ends", 2));
    return nnc_step_ints_to_input(graph, node, "axes", 3);
}

static nnc_status int_attr_to_input(nnc_graph *graph, nnc_node_id node, const char *attr,
                                    uint32_t slot, bool scalar)
{
    const nnc_attr *a = nnc_node_attr(nnc_graph_node_const(graph, node), attr);
    if (!a || a->type != NNC_ATTR_INT) {
        return NNC_OK;
    }
    char name[300];
    nnc_value_id id;
    int64_t value = a->i;
    NNC_TRY(nnc_graph_add_const_i64(&id, graph, nnc_step_name(name, sizeof name, graph, node, attr),
                                    &value, 1, scalar));
    nnc_node_remove_attr(graph, node, attr);
    return nnc_step_set_input(graph, node, slot, id);
}

nnc_status nnc_up_topk_10(nnc_graph *graph, nnc_node_id node)
{
    return int_attr_to_input(graph, node, "k", 1, false);
}

nnc_status nnc_up_dft_20(nnc_graph *graph, nnc_node_id node)
{
    /* Before opset 20 the default axis was 1, from then on it is -2. */
    if (!nnc_node_attr(nnc_graph_node_const(graph, node), "axis")) {
        NNC_TRY(nnc_node_set_int(graph, node, "axis", 1));
    }
    return int_attr_to_input(graph, node, "axis", 2, true);
}

nnc_status nnc_up_dropout_12(nnc_graph *graph, nnc_node_id node)
{
    return float_attr_to_input(graph, node, "ratio", 1);
}

nnc_status nnc_up_split_13(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_ints_to_input(graph, node, "split", 1);
}

nnc_status nnc_up_split_18(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (nnc_step_has(graph, node, 1)) {
        return NNC_OK;
    }
    return nnc_node_set_int(graph, node, "num_outputs", n->output_count);
}

nnc_status nnc_up_upsample_9(nnc_graph *graph, nnc_node_id node)
{
    const nnc_attr *a = nnc_node_attr(nnc_graph_node_const(graph, node), "scales");
    if (!a || a->type != NNC_ATTR_FLOATS) {
        NNC_FAIL(NNC_ERR_MODEL, "Upsample has no scales");
    }
    char name[300];
    nnc_value_id id;
    nnc_shape shape = {.rank = 1};
    shape.dims[0] = (int64_t)a->count;
    NNC_TRY(nnc_graph_add_const_f32(
        &id, graph, nnc_step_name(name, sizeof name, graph, node, "scales"), a->floats, &shape));
    nnc_node_remove_attr(graph, node, "scales");
    return nnc_step_set_input(graph, node, 1, id);
}

nnc_status nnc_up_upsample_10(nnc_graph *graph, nnc_node_id node)
{
    return nnc_node_set_op(graph, node, "", "Resize");
}

/* Before opset 11: (X, scales), pixel i of the output comes from floor(i / scale). */
nnc_status nnc_up_resize_11(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (n->input_count != 2) {
        NNC_FAIL(NNC_ERR_MODEL, "Resize has %u inputs, expected 2", (unsigned)n->input_count);
    }
    nnc_value_id inputs[3] = {n->inputs[0], NNC_ID_NONE, n->inputs[1]};
    NNC_TRY(nnc_node_set_inputs(graph, node, inputs, 3));
    NNC_TRY(nnc_node_set_string(graph, node, "coordinate_transformation_mode", "asymmetric"));
    return nnc_node_set_string(graph, node, "nearest_mode", "floor");
}

nnc_status nnc_up_scatter_11(nnc_graph *graph, nnc_node_id node)
{
    return nnc_node_set_op(graph, node, "", "ScatterElements");
}

nnc_status nnc_up_grid_sample_20(nnc_graph *graph, nnc_node_id node)
{
    const char *mode = nnc_node_string(nnc_graph_node_const(graph, node), "mode", "");
    if (strcmp(mode, "bilinear") == 0) {
        return nnc_node_set_string(graph, node, "mode", "linear");
    }
    if (strcmp(mode, "bicubic") == 0) {
        return nnc_node_set_string(graph, node, "mode", "cubic");
    }
    return NNC_OK;
}

nnc_status nnc_up_roi_align_16(nnc_graph *graph, nnc_node_id node)
{
    return nnc_node_set_string(graph, node, "coordinate_transformation_mode", "output_half_pixel");
}

/* scale and bias of one number per group become one per channel: [G] -> [C], each repeated C / G
 * times. */
static nnc_status repeat_per_group(nnc_graph *graph, nnc_node_id node, uint32_t slot,
                                   const char *what, int64_t channels)
{
    const nnc_tensor *t = nnc_step_const(graph, node, slot);
    if (!t || t->dtype != NNC_DTYPE_FLOAT || t->shape.rank != 1 || t->shape.dims[0] <= 0 ||
        channels % t->shape.dims[0] != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "GroupNormalization of opset 18 needs a constant float32 %s",
                 what);
    }
    nnc_tensor wide;
    nnc_shape shape = {.rank = 1};
    shape.dims[0] = channels;
    NNC_TRY(nnc_tensor_create(&wide, NNC_DTYPE_FLOAT, &shape));
    int64_t repeat = channels / t->shape.dims[0];
    const float *from = nnc_tensor_data(t);
    float *to = nnc_tensor_data(&wide);
    for (int64_t c = 0; c < channels; c++) {
        to[c] = from[c / repeat];
    }
    char name[300];
    nnc_value_id id;
    nnc_status status =
        nnc_graph_add_const(&id, graph, nnc_step_name(name, sizeof name, graph, node, what), &wide);
    nnc_tensor_deinit(&wide);
    NNC_TRY(status);
    return nnc_step_set_input(graph, node, slot, id);
}

nnc_status nnc_up_group_norm_21(nnc_graph *graph, nnc_node_id node)
{
    const nnc_shape *x = nnc_step_shape(graph, node, 0);
    if (!x || x->rank < 2 || x->dims[1] < 0 || x->dims[1] > INT32_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "GroupNormalization of opset 18 needs a declared number of channels");
    }
    int64_t channels = x->dims[1];
    NNC_TRY(repeat_per_group(graph, node, 1, "scale", channels));
    return repeat_per_group(graph, node, 2, "bias", channels);
}

/* ONNX Runtime's optimizer puts this operator, in its later form, into files of any opset. */
nnc_status nnc_up_layer_norm_17(nnc_graph *graph, nnc_node_id node)
{
    (void)graph;
    (void)node;
    return NNC_OK;
}
