/* QuantizeLinear, DequantizeLinear and Resize to older forms. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "onnx/steps.h"

static const nnc_value *input_value(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    return nnc_step_has(graph, node, i)
               ? nnc_graph_value_const(graph, nnc_graph_node_const(graph, node)->inputs[i])
               : NULL;
}

static bool is_8bit(nnc_dtype dtype)
{
    /* Undefined: the producer is an op this build does not know, and was valid at the source's
     * opset. */
    return dtype == NNC_DTYPE_INT8 || dtype == NNC_DTYPE_UINT8 || dtype == NNC_DTYPE_UNDEFINED;
}

/* Opset 10 has one scale per tensor and no axis. */
nnc_status nnc_down_quant_axis(nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *scale = input_value(graph, node, 1);
    if (!scale || !scale->has_shape || scale->shape.rank != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has one scale per channel");
    }
    nnc_node_remove_attr(graph, node, "axis");
    return NNC_OK;
}

/* Opset 21 brought blocks, 4 and 16 bits, and the type as an attribute. */
nnc_status nnc_down_quantize_21(nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *zero = input_value(graph, node, 2);
    int64_t dtype = nnc_node_int(nnc_graph_node_const(graph, node), "output_dtype", 0);
    NNC_TRY(nnc_step_drop_int(graph, node, "block_size", 0));
    if (zero && !is_8bit(zero->dtype)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it quantizes to %s", nnc_dtype_name(zero->dtype));
    }
    if (!zero && dtype != 0 && dtype != NNC_DTYPE_UINT8) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has output_dtype=%lld and no zero point",
                 (long long)dtype);
    }
    nnc_node_remove_attr(graph, node, "output_dtype");
    return NNC_OK;
}

nnc_status nnc_down_output_dtype(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "output_dtype", 0);
}

nnc_status nnc_down_dequantize_21(nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = input_value(graph, node, 0);
    NNC_TRY(nnc_step_drop_int(graph, node, "block_size", 0));
    if (!x || (!is_8bit(x->dtype) && x->dtype != NNC_DTYPE_INT32)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it dequantizes %s",
                 x ? nnc_dtype_name(x->dtype) : "nothing");
    }
    return NNC_OK;
}

static nnc_status refuse_string(const nnc_graph *graph, nnc_node_id node, const char *attr,
                                const char *value)
{
    if (strcmp(nnc_node_string(nnc_graph_node_const(graph, node), attr, ""), value) == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has %s=%s", attr, value);
    }
    return NNC_OK;
}

nnc_status nnc_down_resize_19(nnc_graph *graph, nnc_node_id node)
{
    return refuse_string(graph, node, "coordinate_transformation_mode", "half_pixel_symmetric");
}

nnc_status nnc_down_resize_18(nnc_graph *graph, nnc_node_id node)
{
    if (nnc_node_attr(nnc_graph_node_const(graph, node), "axes")) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has axes");
    }
    const char *policy =
        nnc_node_string(nnc_graph_node_const(graph, node), "keep_aspect_ratio_policy", "stretch");
    if (strcmp(policy, "stretch") != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has keep_aspect_ratio_policy=%s", policy);
    }
    nnc_node_remove_attr(graph, node, "keep_aspect_ratio_policy");
    return nnc_step_drop_int(graph, node, "antialias", 0);
}

static nnc_status empty_input(nnc_graph *graph, nnc_node_id node, uint32_t i, const char *what)
{
    char name[300];
    nnc_value_id id;
    nnc_shape none = {.rank = 1};
    static const float nothing[1] = {0};
    NNC_TRY(nnc_graph_add_const_f32(&id, graph, nnc_step_name(name, sizeof name, graph, node, what),
                                    nothing, &none));
    return nnc_step_set_input(graph, node, i, id);
}

/* In opset 11 roi and scales may be empty, but not left out. */
nnc_status nnc_down_resize_13(nnc_graph *graph, nnc_node_id node)
{
    if (!nnc_step_has(graph, node, 1)) {
        NNC_TRY(empty_input(graph, node, 1, "roi"));
    }
    return nnc_step_has(graph, node, 2) ? NNC_OK : empty_input(graph, node, 2, "scales");
}

nnc_status nnc_down_resize_11(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const char *coordinates = nnc_node_string(n, "coordinate_transformation_mode", "half_pixel");
    const char *mode = nnc_node_string(n, "mode", "nearest");
    const char *nearest = nnc_node_string(n, "nearest_mode", "round_prefer_floor");
    if (nnc_step_has(graph, node, 3) || !nnc_step_has(graph, node, 2) ||
        strcmp(coordinates, "asymmetric") != 0 || strcmp(mode, "cubic") == 0 ||
        (strcmp(mode, "nearest") == 0 && strcmp(nearest, "floor") != 0)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it resizes with coordinate_transformation_mode=%s",
                 coordinates);
    }
    nnc_value_id inputs[2] = {n->inputs[0], n->inputs[2]};
    static const char *const newer[] = {"coordinate_transformation_mode", "nearest_mode",
                                        "cubic_coeff_a", "exclude_outside", "extrapolation_value"};
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        nnc_node_remove_attr(graph, node, newer[i]);
    }
    return nnc_node_set_inputs(graph, node, inputs, 2);
}
