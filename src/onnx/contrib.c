/* Walks a graph and writes the operators of contrib.def anew. SPDX-License-Identifier: Apache-2.0
 */
#include "onnx/contrib.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ops/op.h"

/* Node visits of all rounds together: a round settles at least one node. */
#define VISITS_MAX 50000000u

typedef struct contrib_row {
    const char *domain, *op;
    nnc_contrib_fn *fn;
    uint32_t ranks;
} contrib_row;

static const contrib_row rows[] = {
#define CONTRIB(domain, op, fn, ranks) {domain, op, nnc_contrib_##fn, ranks},
#include "onnx/contrib.def"
#undef CONTRIB
};

static const contrib_row *find(const nnc_node *n)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].op, n->op_type) == 0 && strcmp(rows[i].domain, n->domain) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* First input whose number of dims is needed and not known, NNC_ID_NONE if there is none. */
static uint32_t unknown_rank(const nnc_graph *graph, const nnc_node *n, uint32_t ranks)
{
    for (uint32_t i = 0; i < n->input_count && i < 32; i++) {
        if ((ranks >> i & 1u) && n->inputs[i] != NNC_ID_NONE &&
            !nnc_graph_value_const(graph, n->inputs[i])->has_shape) {
            return i;
        }
    }
    return NNC_ID_NONE;
}

static nnc_status check_size(const nnc_graph *graph, const nnc_node *n)
{
    if (n->input_count > NNC_CONTRIB_INPUTS || n->output_count > NNC_CONTRIB_OUTPUTS ||
        n->output_count == 0 || n->outputs[0] == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "has %u inputs and %u outputs", (unsigned)n->input_count,
                 (unsigned)n->output_count);
    }
    /* Every row of the table reads its first input. */
    if (n->input_count == 0 || n->inputs[0] == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "has no first input");
    }
    (void)graph;
    return NNC_OK;
}

static nnc_status rewrite(nnc_graph *graph, nnc_node_id node, const contrib_row *row)
{
    nnc_contrib c = {.graph = graph, .last = NNC_ID_NONE};
    nnc_node *n = nnc_graph_node(graph, node);
    NNC_TRY(check_size(graph, n));
    c.old = *n;
    for (uint32_t i = 0; i < NNC_CONTRIB_INPUTS; i++) {
        c.in[i] = i < n->input_count ? n->inputs[i] : NNC_ID_NONE;
    }
    for (uint32_t i = 0; i < NNC_CONTRIB_OUTPUTS; i++) {
        c.out[i] = i < n->output_count ? n->outputs[i] : NNC_ID_NONE;
    }
    snprintf(c.base, sizeof c.base, "%.250s", nnc_graph_value_const(graph, c.out[0])->name);
    for (uint32_t i = 0; i < n->output_count; i++) {
        if (n->outputs[i] != NNC_ID_NONE) {
            nnc_graph_value(graph, n->outputs[i])->producer = NNC_ID_NONE;
            n->outputs[i] = NNC_ID_NONE;
        }
    }
    NNC_TRY(row->fn(&c));
    nnc_graph_remove_node(graph, node);
    return NNC_OK;
}

/* nchwc operators hold weights in the blocked layout of one CPU. */
static nnc_status refuse_blocked(const nnc_node *n)
{
    if (strcmp(n->domain, "com.microsoft.nchwc") == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "is of the blocked layout that ONNX Runtime makes for one "
                                      "CPU; write the model again with "
                                      "graph_optimization_level at ORT_ENABLE_EXTENDED or lower");
    }
    return NNC_OK;
}

/* GroupQueryAttention stays one: with keys of its own and rotated before it is as it should be. */
static bool is_settled(const nnc_node *n)
{
    return strcmp(n->op_type, "GroupQueryAttention") == 0 && n->input_count > 2 &&
           n->inputs[1] != NNC_ID_NONE && nnc_node_int(n, "do_rotary", 0) == 0;
}

static nnc_status visit(bool *changed, nnc_node_id *waiting, nnc_graph *graph, nnc_node_id node)
{
    char label[200];
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (n->dead || n->op) {
        return NNC_OK;
    }
    const contrib_row *row = find(n);
    nnc_status status = refuse_blocked(n);
    if (status == NNC_OK && (!row || is_settled(n))) {
        return NNC_OK;
    }
    nnc_node_label(label, sizeof label, graph, node);
    if (status == NNC_OK && unknown_rank(graph, n, row->ranks) != NNC_ID_NONE) {
        *waiting = *waiting == NNC_ID_NONE ? node : *waiting;
        return NNC_OK;
    }
    if (status == NNC_OK) {
        *changed = true;
        status = rewrite(graph, node, row);
    }
    if (status != NNC_OK) {
        nnc_error_prepend(status, "%s", label);
    }
    return status;
}

/* Shapes so far, for nodes that need them. */
static nnc_status settle_shapes(nnc_graph *graph)
{
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        if (!n->dead && !n->op) {
            NNC_TRY(nnc_node_bind(graph, i));
        }
    }
    return nnc_graph_infer(graph, NULL);
}

nnc_status nnc_onnx_contrib(nnc_onnx_reader *r, nnc_graph *graph)
{
    uint64_t visits = 0;
    (void)r;
    for (bool changed = true, inferred = false;;) {
        nnc_node_id waiting = NNC_ID_NONE;
        const uint32_t count = nnc_graph_node_count(graph);
        changed = false;
        visits += count;
        for (nnc_node_id i = 0; i < count; i++) {
            NNC_TRY(visit(&changed, &waiting, graph, i));
        }
        if (waiting == NNC_ID_NONE) {
            return NNC_OK;
        }
        if ((!changed && inferred) || visits > VISITS_MAX) {
            char label[200];
            const nnc_node *n = nnc_graph_node_const(graph, waiting);
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: the number of dims of its input %u is unknown",
                     nnc_node_label(label, sizeof label, graph, waiting),
                     (unsigned)unknown_rank(graph, n, find(n)->ranks));
        }
        NNC_TRY(settle_shapes(graph));
        inferred = true;
    }
}
