/* Helpers of the passes. SPDX-License-Identifier: Apache-2.0 */
#include "passes/pass_util.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

nnc_value *nnc_pass_input(nnc_graph *graph, const nnc_node *node, uint32_t i)
{
    return i < node->input_count && node->inputs[i] != NNC_ID_NONE
               ? nnc_graph_value(graph, node->inputs[i])
               : NULL;
}

nnc_value *nnc_pass_output(nnc_graph *graph, const nnc_node *node, uint32_t i)
{
    return i < node->output_count && node->outputs[i] != NNC_ID_NONE
               ? nnc_graph_value(graph, node->outputs[i])
               : NULL;
}

bool nnc_pass_is_plain_const(const nnc_value *value)
{
    return value && value->kind == NNC_VALUE_CONST && !value->qparams;
}

bool nnc_pass_const_is(const nnc_value *value, double number)
{
    if (!nnc_pass_is_plain_const(value)) {
        return false;
    }
    size_t count = nnc_tensor_count(&value->tensor);
    for (size_t i = 0; i < count; i++) {
        if (nnc_tensor_get_double(&value->tensor, i) != number) {
            return false;
        }
    }
    return count > 0;
}

bool nnc_pass_const_ints(const nnc_value *value, int64_t *data, size_t max, size_t *count)
{
    if (!nnc_pass_is_plain_const(value) || value->shape.rank > 1 ||
        nnc_dtype_class_of((int)value->dtype) != NNC_DTYPE_CLASS_SINT ||
        nnc_tensor_count(&value->tensor) > max) {
        return false;
    }
    *count = nnc_tensor_count(&value->tensor);
    for (size_t i = 0; i < *count; i++) {
        data[i] = nnc_tensor_get_int(&value->tensor, i);
    }
    return true;
}

nnc_status nnc_pass_add_node(nnc_node_id *out, nnc_graph *graph, const char *domain,
                             const char *op_type, const nnc_value_id *inputs, uint32_t input_count,
                             nnc_value_id output)
{
    NNC_TRY(nnc_graph_add_node(out, graph, "", domain, op_type, inputs, input_count, &output, 1));
    return nnc_node_bind(graph, *out);
}

nnc_status nnc_pass_add_temp(nnc_value_id *out, nnc_graph *graph, nnc_value_id like,
                             nnc_dtype dtype, const char *suffix)
{
    const nnc_value *v = nnc_graph_value_const(graph, like);
    nnc_shape shape = v->shape;
    bool has_shape = v->has_shape;
    char *name = nnc_arena_printf(nnc_graph_arena(graph), "%s%s", v->name, suffix);
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    return nnc_graph_add_value(out, graph, name, NNC_VALUE_TEMP, dtype, has_shape ? &shape : NULL);
}

void nnc_pass_make_const(nnc_graph *graph, nnc_value_id value, nnc_tensor *tensor)
{
    nnc_value *v = nnc_graph_value(graph, value);
    v->kind = NNC_VALUE_CONST;
    v->producer = NNC_ID_NONE;
    v->has_shape = true;
    v->shape = tensor->shape;
    v->dead = false;
    nnc_value_set_tensor(v, tensor);
}

void nnc_pass_steal_output(nnc_graph *graph, nnc_node_id node, uint32_t i, nnc_value_id value)
{
    nnc_node *n = nnc_graph_node(graph, node);
    nnc_value *old = nnc_graph_value(graph, n->outputs[i]);
    nnc_value *taken = nnc_graph_value(graph, value);
    assert(!nnc_graph_is_output(graph, n->outputs[i]));
    old->producer = NNC_ID_NONE;
    old->dead = true;
    n->outputs[i] = value;
    taken->producer = node;
    taken->dead = false;
}

nnc_value_id *nnc_pass_replacements(const nnc_graph *graph)
{
    size_t count = nnc_graph_value_count(graph);
    nnc_value_id *to = nnc_calloc(count, sizeof *to);
    for (size_t i = 0; to && i < count; i++) {
        to[i] = NNC_ID_NONE;
    }
    return to;
}

nnc_node_id nnc_pass_only_user(const nnc_graph *graph, const nnc_uses *uses, nnc_value_id value)
{
    if (nnc_uses_count(uses, value) != 1 || nnc_graph_is_output(graph, value)) {
        return NNC_ID_NONE;
    }
    nnc_node_id user = uses->node[uses->start[value]];
    return nnc_graph_node_const(graph, user)->dead ? NNC_ID_NONE : user;
}

bool nnc_pass_same_grid(const nnc_value *a, const nnc_value *b)
{
    if (!a->qparams || !b->qparams) {
        return !a->qparams && !b->qparams;
    }
    return nnc_qparams_equal(a->qparams, b->qparams);
}
