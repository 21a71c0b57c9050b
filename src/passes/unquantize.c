/* A quantized graph as the float graph that it came from: grids of activations go, constants hold
 * the numbers that their integers stand for. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "passes/qdq.h"

/* Constants with a grid hold floats. */
static nnc_status float_constants(nnc_graph *graph, size_t *changed)
{
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        nnc_tensor t = {0};
        if (value->dead || !value->qparams) {
            continue;
        }
        (*changed)++;
        if (value->kind == NNC_VALUE_CONST && value->tensor.dtype != NNC_DTYPE_FLOAT) {
            NNC_TRY(nnc_dequantize_tensor(&t, &value->tensor, value->qparams));
            nnc_value_set_tensor(value, &t);
        }
        nnc_value_set_qparams(value, NULL);
    }
    return NNC_OK;
}

/* A node of domain nnc that puts a value onto a grid. */
static bool is_quant(const nnc_node *node)
{
    return strcmp(node->domain, "nnc") == 0 && strcmp(node->op_type, "Quant") == 0;
}

/* The QuantizeLinear in front of a DequantizeLinear, with nothing but these two in between. */
static nnc_node_id partner(const nnc_graph *graph, const nnc_node *dequantize)
{
    nnc_node_id p = nnc_graph_value_const(graph, dequantize->inputs[0])->producer;
    const nnc_node *node = p == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, p);
    return node && nnc_node_is(node, "QuantizeLinear") ? p : NNC_ID_NONE;
}

/* Readers of what comes off a grid read what went onto it. */
static nnc_status bypass(nnc_graph *graph, size_t *changed)
{
    nnc_value_id *to = nnc_pass_replacements(graph);
    if (!to) {
        return NNC_ERR_LIMIT;
    }
    nnc_node_id *order;
    size_t count;
    nnc_status status = nnc_graph_topo_order(&order, &count, graph);
    for (size_t k = 0; status == NNC_OK && k < count; k++) {
        const nnc_node *node = nnc_graph_node_const(graph, order[k]);
        nnc_value_id from = NNC_ID_NONE;
        if (is_quant(node)) {
            from = node->inputs[0];
        } else if (nnc_node_is(node, "DequantizeLinear") && partner(graph, node) != NNC_ID_NONE) {
            from = nnc_graph_node_const(graph, partner(graph, node))->inputs[0];
        }
        if (from == NNC_ID_NONE || nnc_graph_value_const(graph, from)->dtype != NNC_DTYPE_FLOAT) {
            continue;
        }
        (*changed)++;
        nnc_value_id y = node->outputs[0];
        if (!nnc_graph_is_output(graph, y)) {
            to[y] = from;
            continue;
        }
        /* An output keeps its name: it becomes a copy. */
        nnc_node_id copy;
        nnc_graph_remove_node(graph, order[k]);
        nnc_graph_value(graph, y)->dead = false;
        status = nnc_pass_add_node(&copy, graph, "", "Identity", &from, 1, y);
    }
    nnc_free(order);
    if (status == NNC_OK) {
        nnc_graph_replace_all(graph, to);
    }
    nnc_free(to);
    return status;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    size_t swept;
    *changed = 0;
    NNC_TRY(float_constants(graph, changed));
    NNC_TRY(bypass(graph, changed));
    NNC_TRY(nnc_pass_dead_code.run(graph, ctx, &swept));
    NNC_TRY(nnc_graph_infer(graph, NULL));
    return nnc_passes_prepare(graph, ctx);
}

const nnc_pass nnc_pass_unquantize = {
    .name = "unquantize",
    .help = "drop the grids of activations, and give constants their real numbers",
    .run = run,
};
