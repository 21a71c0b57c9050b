/* MatMul(x, constant) + constant becomes Gemm where x is a matrix. SPDX-License-Identifier:
 * Apache-2.0 */
#include "passes/pass_util.h"

static bool is_matmul_bias(nnc_graph *graph, const nnc_node *matmul, const nnc_node *add,
                           nnc_value_id y, uint32_t *slot)
{
    const nnc_value *x = nnc_pass_input(graph, matmul, 0), *w = nnc_pass_input(graph, matmul, 1);
    if (!nnc_node_is(add, "Add") || !x->has_shape || x->shape.rank != 2 ||
        w->kind != NNC_VALUE_CONST || w->shape.rank != 2 ||
        nnc_graph_value_const(graph, y)->qparams) {
        return false;
    }
    *slot = add->inputs[0] == y ? 1 : 0;
    const nnc_value *b = nnc_pass_input(graph, add, *slot);
    int64_t n = w->shape.dims[1];
    return b->kind == NNC_VALUE_CONST && b->shape.rank == 1 && b->shape.dims[0] == n;
}

static nnc_status merge(nnc_graph *graph, nnc_node_id matmul, nnc_node_id add, uint32_t slot)
{
    const nnc_node *node = nnc_graph_node_const(graph, matmul);
    const nnc_node *follower = nnc_graph_node_const(graph, add);
    nnc_value_id inputs[3] = {node->inputs[0], node->inputs[1], follower->inputs[slot]};
    nnc_value_id y = follower->outputs[0];
    NNC_TRY(nnc_node_set_op(graph, matmul, "", "Gemm"));
    NNC_TRY(nnc_node_set_inputs(graph, matmul, inputs, 3));
    nnc_graph_remove_node(graph, add);
    nnc_pass_steal_output(graph, matmul, 0, y);
    return nnc_node_bind(graph, matmul);
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    nnc_uses uses;
    (void)ctx;
    *changed = 0;
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_status status = NNC_OK;
    for (nnc_node_id n = 0; status == NNC_OK && n < nnc_graph_node_count(graph); n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        if (node->dead || !nnc_node_is(node, "MatMul")) {
            continue;
        }
        nnc_value_id y = node->outputs[0];
        nnc_node_id user = nnc_pass_only_user(graph, &uses, y);
        uint32_t slot;
        if (user != NNC_ID_NONE &&
            is_matmul_bias(graph, node, nnc_graph_node_const(graph, user), y, &slot)) {
            status = merge(graph, n, user, slot);
            (*changed)++;
        }
    }
    nnc_uses_deinit(&uses);
    return status;
}

const nnc_pass nnc_pass_matmul_bias = {
    .name = "matmul-bias",
    .help = "turn a matrix product and an added constant into one Gemm",
    .run = run,
};
