/* Removes nodes and constants that no output of the graph needs. SPDX-License-Identifier:
 * Apache-2.0 */
#include <string.h>

#include "passes/pass_util.h"

static void need(const nnc_graph *graph, nnc_value_id v, bool *values, nnc_node_id *stack,
                 bool *nodes, size_t *depth)
{
    values[v] = true;
    nnc_node_id p = nnc_graph_value_const(graph, v)->producer;
    if (p != NNC_ID_NONE && !nodes[p]) {
        nodes[p] = true;
        stack[(*depth)++] = p;
    }
}

static void mark(const nnc_graph *graph, bool *values, bool *nodes, nnc_node_id *stack)
{
    size_t depth = 0;
    for (size_t i = 0; i < nnc_graph_output_count(graph); i++) {
        need(graph, nnc_graph_output(graph, i), values, stack, nodes, &depth);
    }
    while (depth > 0) {
        const nnc_node *node = nnc_graph_node_const(graph, stack[--depth]);
        for (uint32_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] != NNC_ID_NONE) {
                need(graph, node->inputs[i], values, stack, nodes, &depth);
            }
        }
        for (uint32_t i = 0; i < node->output_count; i++) {
            if (node->outputs[i] != NNC_ID_NONE) {
                values[node->outputs[i]] = true;
            }
        }
    }
}

static size_t sweep(nnc_graph *graph, const bool *values, const bool *nodes)
{
    size_t changed = 0;
    for (nnc_node_id n = 0; n < nnc_graph_node_count(graph); n++) {
        if (!nodes[n] && !nnc_graph_node_const(graph, n)->dead) {
            nnc_graph_remove_node(graph, n);
            changed++;
        }
    }
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        if (!values[v] && !value->dead &&
            (value->kind == NNC_VALUE_CONST || value->kind == NNC_VALUE_TEMP)) {
            nnc_tensor_deinit(&value->tensor);
            nnc_value_set_qparams(value, NULL);
            value->dead = true;
            changed += value->kind == NNC_VALUE_CONST;
        }
    }
    return changed;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    (void)ctx;
    bool *values = nnc_calloc(nnc_graph_value_count(graph), sizeof *values);
    bool *nodes = nnc_calloc(nnc_graph_node_count(graph), sizeof *nodes);
    nnc_node_id *stack = nnc_calloc(nnc_graph_node_count(graph), sizeof *stack);
    nnc_status status = values && nodes && stack ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        mark(graph, values, nodes, stack);
        *changed = sweep(graph, values, nodes);
    }
    nnc_free(values);
    nnc_free(nodes);
    nnc_free(stack);
    return status;
}

const nnc_pass nnc_pass_dead_code = {
    .name = "dead-code",
    .help = "remove nodes and constants that no output needs",
    .run = run,
};
