/* Softmax, LogSoftmax and Hardmax: from opset 13 on over one axis, before over the flattened rest
 * from `axis` on. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/steps.h"

/* Shape of input or output: they are equal. NULL if the rank of both is unknown. */
static const nnc_shape *shape_of(const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_shape *x = nnc_step_shape(graph, node, 0);
    if (x || n->output_count == 0 || n->outputs[0] == NNC_ID_NONE) {
        return x;
    }
    const nnc_value *y = nnc_graph_value_const(graph, n->outputs[0]);
    return y->has_shape ? &y->shape : NULL;
}

/* True if normalising over the flattened dims from `axis` on is the same as over `axis` alone. */
static bool is_one_axis(const nnc_shape *shape, int64_t axis)
{
    for (uint32_t i = (uint32_t)axis + 1; i < shape->rank; i++) {
        if (shape->dims[i] != 1) {
            return false;
        }
    }
    return axis < (int64_t)shape->rank;
}

static nnc_status add_temp(nnc_value_id *out, nnc_graph *graph, const char *base, const char *what)
{
    char name[300];
    snprintf(name, sizeof name, "%.250s_%s", base, what);
    return nnc_graph_add_value(out, graph, name, NNC_VALUE_TEMP, NNC_DTYPE_UNDEFINED, NULL);
}

/* y = Reshape(Softmax(Flatten(x, axis), 1), Shape(x)). */
static nnc_status flatten_around(nnc_graph *graph, nnc_node_id node, int64_t axis)
{
    nnc_node *n = nnc_graph_node(graph, node);
    nnc_value_id x = n->inputs[0], y = n->outputs[0], flat, soft, dims;
    nnc_node_id made;
    char base[300], name[320];
    snprintf(base, sizeof base, "%.250s", nnc_graph_value_const(graph, y)->name);
    NNC_TRY(add_temp(&flat, graph, base, "flat"));
    NNC_TRY(add_temp(&soft, graph, base, "rows"));
    NNC_TRY(add_temp(&dims, graph, base, "shape"));
    snprintf(name, sizeof name, "%s_flatten", base);
    NNC_TRY(nnc_graph_add_node(&made, graph, name, "", "Flatten", &x, 1, &flat, 1));
    NNC_TRY(nnc_node_set_int(graph, made, "axis", axis));
    snprintf(name, sizeof name, "%s_shape", base);
    NNC_TRY(nnc_graph_add_node(&made, graph, name, "", "Shape", &x, 1, &dims, 1));
    n = nnc_graph_node(graph, node);
    n->inputs[0] = flat;
    n->outputs[0] = soft;
    nnc_graph_value(graph, soft)->producer = node;
    nnc_graph_value(graph, y)->producer = NNC_ID_NONE;
    NNC_TRY(nnc_node_set_int(graph, node, "axis", 1));
    nnc_value_id inputs[2] = {soft, dims};
    snprintf(name, sizeof name, "%s_reshape", base);
    return nnc_graph_add_node(&made, graph, name, "", "Reshape", inputs, 2, &y, 1);
}

nnc_status nnc_up_softmax_13(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (n->input_count != 1 || n->output_count != 1 || n->inputs[0] == NNC_ID_NONE ||
        n->outputs[0] == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "%s has %u inputs and %u outputs, expected 1 and 1", n->op_type,
                 (unsigned)n->input_count, (unsigned)n->output_count);
    }
    int64_t axis = nnc_node_int(n, "axis", 1);
    NNC_TRY(nnc_node_set_int(graph, node, "axis", axis));
    return nnc_node_set_int(graph, node, NNC_ONNX_FLATTEN, axis);
}

nnc_status nnc_onnx_take_flatten(nnc_node_id **nodes, size_t *count, nnc_graph *graph)
{
    size_t cap = 0;
    *nodes = NULL;
    *count = 0;
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        if (!nnc_node_attr(nnc_graph_node_const(graph, i), NNC_ONNX_FLATTEN)) {
            continue;
        }
        nnc_node_remove_attr(graph, i, NNC_ONNX_FLATTEN);
        NNC_TRY(nnc_grow(nodes, &cap, *count + 1, sizeof **nodes));
        (*nodes)[(*count)++] = i;
    }
    return NNC_OK;
}

nnc_status nnc_onnx_settle_softmax(nnc_graph *graph, const nnc_node_id *nodes, size_t count,
                                   bool *changed)
{
    *changed = false;
    for (size_t i = 0; i < count; i++) {
        const nnc_node *n = nnc_graph_node_const(graph, nodes[i]);
        int64_t axis = nnc_node_int(n, "axis", 1);
        const nnc_shape *shape = shape_of(graph, nodes[i]);
        int64_t rank = shape ? (int64_t)shape->rank : INT64_MAX;
        if (axis > rank || (shape && axis < -rank)) {
            char label[200];
            NNC_FAIL(NNC_ERR_MODEL, "%s: axis %lld is outside of rank %lld",
                     nnc_node_label(label, sizeof label, graph, nodes[i]), (long long)axis,
                     (long long)rank);
        }
        int64_t from = axis < 0 && shape ? axis + rank : axis;
        if (axis == -1 || (shape && is_one_axis(shape, from))) {
            continue;
        }
        NNC_TRY(flatten_around(graph, nodes[i], axis));
        *changed = true;
    }
    return NNC_OK;
}

nnc_status nnc_down_softmax_13(nnc_graph *graph, nnc_node_id node)
{
    int64_t axis = nnc_node_int(nnc_graph_node_const(graph, node), "axis", -1);
    const nnc_shape *shape = shape_of(graph, node);
    int64_t rank = shape ? (int64_t)shape->rank : 0;
    int64_t from = axis < 0 ? axis + rank : axis;
    if (!shape || from < 0 || !is_one_axis(shape, from)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it normalises over one of several dims");
    }
    return nnc_node_set_int(graph, node, "axis", from);
}
