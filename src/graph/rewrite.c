/* Rewriting: uses, replacement, removal. SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "graph/graph_internal.h"

static void set_output(nnc_graph *graph, size_t i, nnc_value_id to)
{
    graph->output_refs[graph->outputs[i]]--;
    graph->output_refs[to]++;
    graph->outputs[i] = to;
}

nnc_status nnc_graph_replace_uses(nnc_graph *graph, nnc_value_id from, nnc_value_id to)
{
    assert(from < graph->value_count && to < graph->value_count);
    for (size_t n = 0; n < graph->node_count; n++) {
        nnc_node *node = &graph->nodes[n];
        for (uint32_t i = 0; !node->dead && i < node->input_count; i++) {
            if (node->inputs[i] == from) {
                node->inputs[i] = to;
            }
        }
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        if (graph->outputs[i] == from) {
            set_output(graph, i, to);
        }
    }
    return NNC_OK;
}

static nnc_value_id resolve(nnc_value_id *to, nnc_value_id v)
{
    nnc_value_id end = v;
    while (to[end] != NNC_ID_NONE) {
        end = to[end];
    }
    while (to[v] != NNC_ID_NONE && to[v] != end) {
        nnc_value_id next = to[v];
        to[v] = end;
        v = next;
    }
    return end;
}

void nnc_graph_replace_all(nnc_graph *graph, nnc_value_id *to)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        nnc_node *node = &graph->nodes[n];
        for (uint32_t i = 0; !node->dead && i < node->input_count; i++) {
            if (node->inputs[i] != NNC_ID_NONE) {
                node->inputs[i] = resolve(to, node->inputs[i]);
            }
        }
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        set_output(graph, i, resolve(to, graph->outputs[i]));
    }
}

void nnc_graph_set_output(nnc_graph *graph, size_t i, nnc_value_id value)
{
    assert(i < graph->output_count && value < graph->value_count);
    set_output(graph, i, value);
}

void nnc_graph_remove_node(nnc_graph *graph, nnc_node_id node)
{
    nnc_node *n = nnc_graph_node(graph, node);
    if (n->dead) {
        return;
    }
    n->dead = true;
    for (uint32_t i = 0; i < n->output_count; i++) {
        if (n->outputs[i] == NNC_ID_NONE) {
            continue;
        }
        nnc_value *value = &graph->values[n->outputs[i]];
        if (value->producer == node) {
            value->producer = NNC_ID_NONE;
            value->dead = graph->output_refs[n->outputs[i]] == 0;
        }
    }
    for (uint32_t i = 0; i < n->attr_count; i++) {
        nnc_attr_release(&n->attrs[i]);
    }
    n->attr_count = 0;
}

void nnc_value_set_qparams(nnc_value *value, nnc_qparams *q)
{
    if (value->qparams != q) {
        nnc_qparams_destroy(value->qparams);
    }
    value->qparams = q;
}

void nnc_value_set_tensor(nnc_value *value, nnc_tensor *tensor)
{
    nnc_tensor old = value->tensor;
    value->tensor = *tensor;
    memset(tensor, 0, sizeof *tensor);
    nnc_tensor_deinit(&old);
}

nnc_status nnc_uses_init(nnc_uses *uses, const nnc_graph *graph)
{
    size_t values = graph->value_count, total = 0;
    memset(uses, 0, sizeof *uses);
    for (size_t n = 0; n < graph->node_count; n++) {
        total += graph->nodes[n].dead ? 0 : graph->nodes[n].input_count;
    }
    uses->value_count = (uint32_t)values;
    uses->start = nnc_calloc(values + 2, sizeof *uses->start);
    uses->node = nnc_calloc(total, sizeof *uses->node);
    uses->slot = nnc_calloc(total, sizeof *uses->slot);
    if (!uses->start || !uses->node || !uses->slot) {
        nnc_uses_deinit(uses);
        return NNC_ERR_LIMIT;
    }
    /* Counts land two places up, so that filling turns start[v + 1] into the end of v. */
    for (size_t n = 0; n < graph->node_count; n++) {
        const nnc_node *node = &graph->nodes[n];
        for (uint32_t i = 0; !node->dead && i < node->input_count; i++) {
            if (node->inputs[i] != NNC_ID_NONE) {
                uses->start[node->inputs[i] + 2]++;
            }
        }
    }
    for (size_t v = 2; v < values + 2; v++) {
        uses->start[v] += uses->start[v - 1];
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const nnc_node *node = &graph->nodes[n];
        for (uint32_t i = 0; !node->dead && i < node->input_count; i++) {
            if (node->inputs[i] != NNC_ID_NONE) {
                uint32_t at = uses->start[node->inputs[i] + 1]++;
                uses->node[at] = (nnc_node_id)n;
                uses->slot[at] = i;
            }
        }
    }
    return NNC_OK;
}

void nnc_uses_deinit(nnc_uses *uses)
{
    nnc_free(uses->start);
    nnc_free(uses->node);
    nnc_free(uses->slot);
    memset(uses, 0, sizeof *uses);
}
