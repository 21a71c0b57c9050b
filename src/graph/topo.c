/* Topological order: depth-first from the nodes in file order, so a sorted file keeps its order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "graph/graph_internal.h"

enum { NEW, OPEN, DONE };

typedef struct frame {
    nnc_node_id node;
    uint32_t next; /* input to look at next */
} frame;

/* The open frames from `node` to the top are the cycle; long ones are cut in the middle. */
static nnc_status fail_cycle(const nnc_graph *graph, const frame *stack, size_t depth,
                             nnc_node_id node)
{
    nnc_str text = {0};
    char label[200];
    size_t first = depth - 1;
    while (first > 0 && stack[first].node != node) {
        first--;
    }
    nnc_str_append(&text, nnc_node_label(label, sizeof label, graph, node));
    /* Frames go from consumer to producer; data flows the other way. */
    size_t shown = 0;
    for (size_t i = depth; i-- > first + 1; shown++) {
        if (shown == 8 && i > first + 1) {
            nnc_str_append(&text, " -> ...");
            i = first + 1;
        }
        nnc_str_append(&text, " -> ");
        nnc_str_append(&text, nnc_node_label(label, sizeof label, graph, stack[i].node));
    }
    nnc_str_append(&text, " -> ");
    nnc_str_append(&text, nnc_node_label(label, sizeof label, graph, node));
    nnc_status status = nnc_error_set(NNC_ERR_MODEL, "nodes form a cycle: %s", nnc_str_get(&text));
    nnc_str_deinit(&text);
    return status;
}

/* Next producer below frame f that is not done, or NNC_ID_NONE. */
static nnc_node_id next_producer(const nnc_graph *graph, const uint8_t *state, frame *f)
{
    const nnc_node *node = &graph->nodes[f->node];
    while (f->next < node->input_count) {
        nnc_value_id v = node->inputs[f->next++];
        nnc_node_id p = v == NNC_ID_NONE ? NNC_ID_NONE : graph->values[v].producer;
        if (p != NNC_ID_NONE && !graph->nodes[p].dead && state[p] != DONE) {
            return p;
        }
    }
    return NNC_ID_NONE;
}

static nnc_status visit(const nnc_graph *graph, nnc_node_id root, uint8_t *state, frame *stack,
                        nnc_node_id *order, size_t *count)
{
    size_t depth = 0;
    stack[depth++] = (frame){root, 0};
    state[root] = OPEN;
    while (depth > 0) {
        nnc_node_id p = next_producer(graph, state, &stack[depth - 1]);
        if (p == NNC_ID_NONE) {
            nnc_node_id done = stack[--depth].node;
            state[done] = DONE;
            order[(*count)++] = done;
        } else if (state[p] == OPEN) {
            return fail_cycle(graph, stack, depth, p);
        } else {
            state[p] = OPEN;
            stack[depth++] = (frame){p, 0};
        }
    }
    return NNC_OK;
}

nnc_status nnc_graph_topo_order(nnc_node_id **order, size_t *count, const nnc_graph *graph)
{
    size_t n = graph->node_count;
    *count = 0;
    *order = nnc_calloc(n, sizeof **order);
    uint8_t *state = nnc_calloc(n, sizeof *state);
    frame *stack = nnc_calloc(n, sizeof *stack);
    nnc_status status = *order && state && stack ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        if (!graph->nodes[i].dead && state[i] == NEW) {
            status = visit(graph, (nnc_node_id)i, state, stack, *order, count);
        }
    }
    nnc_free(state);
    nnc_free(stack);
    if (status != NNC_OK) {
        nnc_free(*order);
        *order = NULL;
        *count = 0;
    }
    return status;
}
