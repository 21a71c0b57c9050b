/* Invariants of a graph: a violation is a bug of whoever edited it. SPDX-License-Identifier:
 * Apache-2.0 */
#include <string.h>

#include "graph/graph_internal.h"

static nnc_status verify_qparams(const nnc_value *v)
{
    const nnc_qparams *q = v->qparams;
    if (q->count == 0 || !q->scale || !q->zero_point) {
        NNC_FAIL(NNC_ERR_INTERNAL, "value '%s': quantization parameters are empty", v->name);
    }
    if (q->axis < 0) {
        if (q->count != 1) {
            NNC_FAIL(NNC_ERR_INTERNAL, "value '%s': per-tensor quantization has %zu scales",
                     v->name, q->count);
        }
        return NNC_OK;
    }
    if (v->has_shape && (uint32_t)q->axis >= v->shape.rank) {
        NNC_FAIL(NNC_ERR_INTERNAL, "value '%s': quantization axis %d of rank %u", v->name,
                 (int)q->axis, (unsigned)v->shape.rank);
    }
    int64_t dim = v->has_shape ? v->shape.dims[q->axis] : -1;
    if (q->group == 0 && dim >= 0 && (size_t)dim != q->count) {
        NNC_FAIL(NNC_ERR_INTERNAL, "value '%s': %zu scales for %lld channels", v->name, q->count,
                 (long long)dim);
    }
    return NNC_OK;
}

static nnc_status verify_value(const nnc_graph *graph, nnc_value_id id)
{
    const nnc_value *v = &graph->values[id];
    bool has_tensor = v->kind == NNC_VALUE_CONST || v->kind == NNC_VALUE_VARIABLE;
    if (has_tensor != (v->tensor.buffer != NULL)) {
        NNC_FAIL(NNC_ERR_INTERNAL, "value '%s': %s a tensor", v->name,
                 has_tensor ? "a constant without" : "not a constant, but has");
    }
    if (has_tensor && (!v->has_shape || !nnc_shape_equal(&v->shape, &v->tensor.shape))) {
        char a[256], b[256];
        NNC_FAIL(NNC_ERR_INTERNAL, "constant '%s': tensor is %s, value says %s", v->name,
                 nnc_shape_format(a, sizeof a, &v->tensor.shape),
                 nnc_shape_format(b, sizeof b, &v->shape));
    }
    if (has_tensor && v->tensor.dtype != v->dtype && !v->qparams) {
        NNC_FAIL(NNC_ERR_INTERNAL, "constant '%s': tensor is %s, value says %s", v->name,
                 nnc_dtype_name(v->tensor.dtype), nnc_dtype_name(v->dtype));
    }
    if (v->kind != NNC_VALUE_TEMP && v->producer != NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_INTERNAL, "value '%s' is not a temporary, but has a producer", v->name);
    }
    if (v->producer != NNC_ID_NONE) {
        const nnc_node *p = v->producer < graph->node_count ? &graph->nodes[v->producer] : NULL;
        bool found = false;
        for (uint32_t i = 0; p && !p->dead && i < p->output_count; i++) {
            found |= p->outputs[i] == id;
        }
        if (!found) {
            NNC_FAIL(NNC_ERR_INTERNAL, "value '%s': its producer does not output it", v->name);
        }
    }
    return v->qparams ? verify_qparams(v) : NNC_OK;
}

static nnc_status verify_node(const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *n = &graph->nodes[id];
    char label[200];
    for (uint32_t i = 0; i < n->input_count; i++) {
        nnc_value_id v = n->inputs[i];
        if (v == NNC_ID_NONE) {
            continue;
        }
        if (v >= graph->value_count || graph->values[v].dead) {
            NNC_FAIL(NNC_ERR_INTERNAL, "%s: input %u is %s",
                     nnc_node_label(label, sizeof label, graph, id), (unsigned)i,
                     v >= graph->value_count ? "out of range" : "dead");
        }
        if (graph->values[v].kind == NNC_VALUE_TEMP && graph->values[v].producer == NNC_ID_NONE) {
            NNC_FAIL(NNC_ERR_INTERNAL, "%s: input '%s' is produced by no node",
                     nnc_node_label(label, sizeof label, graph, id), graph->values[v].name);
        }
    }
    for (uint32_t i = 0; i < n->output_count; i++) {
        nnc_value_id v = n->outputs[i];
        if (v != NNC_ID_NONE && (v >= graph->value_count || graph->values[v].producer != id)) {
            NNC_FAIL(NNC_ERR_INTERNAL, "%s: output %u does not name it as its producer",
                     nnc_node_label(label, sizeof label, graph, id), (unsigned)i);
        }
    }
    return NNC_OK;
}

static nnc_status verify_signature(const nnc_graph *graph)
{
    for (size_t i = 0; i < graph->input_count; i++) {
        const nnc_value *v = &graph->values[graph->inputs[i]];
        if (v->dead || v->kind != NNC_VALUE_INPUT) {
            NNC_FAIL(NNC_ERR_INTERNAL, "graph input '%s' is not an input value", v->name);
        }
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        const nnc_value *v = &graph->values[graph->outputs[i]];
        if (v->dead || (v->kind == NNC_VALUE_TEMP && v->producer == NNC_ID_NONE)) {
            NNC_FAIL(NNC_ERR_INTERNAL, "graph output '%s' is produced by no node",
                     graph->output_names[i]);
        }
    }
    return NNC_OK;
}

nnc_status nnc_graph_verify(const nnc_graph *graph)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        if (!graph->values[i].dead) {
            NNC_TRY(verify_value(graph, (nnc_value_id)i));
        }
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        if (!graph->nodes[i].dead) {
            NNC_TRY(verify_node(graph, (nnc_node_id)i));
        }
    }
    NNC_TRY(verify_signature(graph));
    nnc_node_id *order;
    size_t count;
    nnc_status status = nnc_graph_topo_order(&order, &count, graph);
    nnc_free(order);
    return status == NNC_ERR_MODEL ? NNC_ERR_INTERNAL : status;
}
