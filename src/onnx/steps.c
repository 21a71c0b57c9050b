/* What the rewrites of versions.def share. SPDX-License-Identifier: Apache-2.0 */
#include "onnx/steps.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { INTS_MAX = 1024 };

bool nnc_step_has(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    return i < n->input_count && n->inputs[i] != NNC_ID_NONE;
}

const nnc_tensor *nnc_step_const(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    if (!nnc_step_has(graph, node, i)) {
        return NULL;
    }
    const nnc_value *v = nnc_graph_value_const(graph, nnc_graph_node_const(graph, node)->inputs[i]);
    return v->kind == NNC_VALUE_CONST && !v->qparams ? &v->tensor : NULL;
}

const nnc_shape *nnc_step_shape(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (!nnc_step_has(graph, node, i)) {
        return NULL;
    }
    const nnc_value *v = nnc_graph_value_const(graph, n->inputs[i]);
    return v->has_shape ? &v->shape : NULL;
}

char *nnc_step_name(char *buf, size_t bytes, const nnc_graph *graph, nnc_node_id node,
                    const char *what)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const char *base = n->output_count > 0 && n->outputs[0] != NNC_ID_NONE
                           ? nnc_graph_value_const(graph, n->outputs[0])->name
                           : n->op_type;
    snprintf(buf, bytes, "%.250s_%s", base, what);
    return buf;
}

nnc_status nnc_step_cut_inputs(nnc_graph *graph, nnc_node_id node, uint32_t count)
{
    nnc_node *n = nnc_graph_node(graph, node);
    uint32_t kept = n->input_count < count ? n->input_count : count;
    while (kept > 0 && n->inputs[kept - 1] == NNC_ID_NONE) {
        kept--;
    }
    return nnc_node_set_inputs(graph, node, n->inputs, kept);
}

nnc_status nnc_step_set_input(nnc_graph *graph, nnc_node_id node, uint32_t i, nnc_value_id value)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (i < n->input_count) {
        nnc_graph_node(graph, node)->inputs[i] = value;
        return NNC_OK;
    }
    nnc_value_id inputs[16];
    if (i >= 16) {
        NNC_FAIL(NNC_ERR_MODEL, "%s has %u inputs", n->op_type, (unsigned)n->input_count);
    }
    for (uint32_t k = 0; k <= i; k++) {
        inputs[k] = k < n->input_count ? n->inputs[k] : NNC_ID_NONE;
    }
    inputs[i] = value;
    return nnc_node_set_inputs(graph, node, inputs, i + 1);
}

nnc_status nnc_step_ints_to_input(nnc_graph *graph, nnc_node_id node, const char *attr, uint32_t i)
{
    const nnc_attr *a = nnc_node_attr(nnc_graph_node_const(graph, node), attr);
    if (!a || a->type != NNC_ATTR_INTS) {
        return NNC_OK;
    }
    char name[300];
    nnc_value_id id;
    NNC_TRY(nnc_graph_add_const_i64(&id, graph, nnc_step_name(name, sizeof name, graph, node, attr),
                                    a->ints, a->count, false));
    nnc_node_remove_attr(graph, node, attr);
    return nnc_step_set_input(graph, node, i, id);
}

nnc_status nnc_step_input_to_ints(nnc_graph *graph, nnc_node_id node, uint32_t i, const char *attr)
{
    if (!nnc_step_has(graph, node, i)) {
        return NNC_OK;
    }
    const nnc_tensor *t = nnc_step_const(graph, node, i);
    size_t n = t ? nnc_tensor_count(t) : 0;
    if (!t || n > INTS_MAX || (t->dtype != NNC_DTYPE_INT64 && t->dtype != NNC_DTYPE_INT32)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its %s are computed, older opsets need a constant", attr);
    }
    int64_t values[INTS_MAX];
    for (size_t k = 0; k < n; k++) {
        values[k] = nnc_tensor_get_int(t, k);
    }
    NNC_TRY(nnc_node_set_ints(graph, node, attr, values, n));
    return nnc_step_set_input(graph, node, i, NNC_ID_NONE);
}

nnc_status nnc_step_drop_int(nnc_graph *graph, nnc_node_id node, const char *attr, int64_t value)
{
    int64_t have = nnc_node_int(nnc_graph_node_const(graph, node), attr, value);
    if (have != value) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has %s=%lld", attr, (long long)have);
    }
    nnc_node_remove_attr(graph, node, attr);
    return NNC_OK;
}
