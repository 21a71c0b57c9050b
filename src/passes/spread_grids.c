/* spread-grids: what only moves or selects numbers leaves them on their grid.
 * SPDX-License-Identifier: Apache-2.0 A value that such an op makes from an annotated one is
 * annotated alike, so that its consumers run in integers. Changes no number: (q - z) * s divided by
 * s rounds back to q - z. */
#include <string.h>

#include "passes/pass_util.h"

static bool moves_only(const nnc_node *node)
{
    static const char *const names[] = {
        "Compress",       "DepthToSpace",  "Expand",   "Flatten",         "Gather",
        "GatherElements", "GatherND",      "Identity", "GlobalMaxPool",   "MaxPool",
        "Reshape",        "Slice",         "Split",    "ReverseSequence", "SpaceToDepth",
        "Squeeze",        "Tile",          "TopK",     "Transpose",       "Unsqueeze"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (nnc_node_is(node, names[i])) {
            return true;
        }
    }
    return nnc_node_is(node, "Resize") &&
           strcmp(nnc_node_string(node, "mode", "nearest"), "nearest") == 0;
}

static bool grid8(const nnc_qparams *q)
{
    return q && nnc_qparams_per_tensor(q) &&
           (q->dtype == NNC_DTYPE_UINT8 || q->dtype == NNC_DTYPE_INT8);
}

/* Operands on one grid lie on it side by side, too. */
static bool joins_one_grid(nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *x = nnc_pass_input(graph, node, 0);
    for (uint32_t i = 1; i < node->input_count; i++) {
        const nnc_value *v = nnc_pass_input(graph, node, i);
        if (!v || !v->qparams || !nnc_qparams_equal(v->qparams, x->qparams)) {
            return false;
        }
    }
    return true;
}

static nnc_status spread_node(nnc_graph *graph, const nnc_node *node, size_t *changed)
{
    const nnc_value *x = nnc_pass_input(graph, node, 0);
    bool concat = nnc_node_is(node, "Concat");
    if (!x || x->kind == NNC_VALUE_CONST || !grid8(x->qparams) || (!concat && !moves_only(node)) ||
        (concat && !joins_one_grid(graph, node))) {
        return NNC_OK;
    }
    /* Only the first output of MaxPool and TopK holds numbers of the grid. */
    uint32_t n = nnc_node_is(node, "Split") ? node->output_count : 1;
    for (uint32_t i = 0; i < n; i++) {
        nnc_value *y = nnc_pass_output(graph, node, i);
        if (!y || y->qparams || y->dtype != NNC_DTYPE_FLOAT ||
            nnc_graph_is_output(graph, node->outputs[i])) {
            continue;
        }
        nnc_qparams *copy;
        NNC_TRY(nnc_qparams_copy(&copy, x->qparams));
        nnc_value_set_qparams(y, copy);
        (*changed)++;
    }
    return NNC_OK;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    nnc_node_id *order;
    size_t count;
    (void)ctx;
    *changed = 0;
    NNC_TRY(nnc_graph_topo_order(&order, &count, graph));
    nnc_status status = NNC_OK;
    for (size_t k = 0; status == NNC_OK && k < count; k++) {
        status = spread_node(graph, nnc_graph_node_const(graph, order[k]), changed);
    }
    nnc_free(order);
    return status;
}

const nnc_pass nnc_pass_spread_grids = {
    .name = "spread-grids",
    .help = "values that are only moved or selected keep the grid they came from",
    .run = run,
};
