/* Pairs of Transpose and of Reshape become one; what cancels is left to the identity pass.
 * SPDX-License-Identifier: Apache-2.0 */
#include "passes/pass_util.h"

static const nnc_node *producer(const nnc_graph *graph, const nnc_node *node, const char *op)
{
    nnc_node_id p = nnc_graph_value_const(graph, node->inputs[0])->producer;
    const nnc_node *first = p == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, p);
    return first && nnc_node_is(first, op) ? first : NULL;
}

/* Skipping the value in between loses its grid; that is allowed where it repeats the input's. */
static bool may_skip(nnc_graph *graph, const nnc_node *first)
{
    const nnc_value *mid = nnc_pass_output(graph, first, 0);
    return !mid->qparams || nnc_pass_same_grid(mid, nnc_pass_input(graph, first, 0));
}

static nnc_status merge_transpose(nnc_graph *graph, nnc_node_id id, const nnc_node *first,
                                  size_t *changed)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_attr *a = nnc_node_attr(first, "perm"), *b = nnc_node_attr(node, "perm");
    const nnc_value *x = nnc_pass_input(graph, first, 0);
    if (!x->has_shape || (a && a->count != x->shape.rank) || (b && b->count != x->shape.rank)) {
        return NNC_OK;
    }
    uint32_t rank = x->shape.rank;
    int64_t perm[NNC_RANK_MAX];
    for (uint32_t d = 0; d < rank; d++) {
        int64_t mid = b ? b->ints[d] : (int64_t)(rank - 1 - d);
        perm[d] = a ? a->ints[mid] : (int64_t)rank - 1 - mid;
    }
    nnc_graph_node(graph, id)->inputs[0] = first->inputs[0];
    (*changed)++;
    return nnc_node_set_ints(graph, id, "perm", perm, rank);
}

/* Reshape(Reshape(x)) = Reshape(x), unless the second copies dims of the first. */
static void merge_reshape(nnc_graph *graph, nnc_node_id id, const nnc_node *first, size_t *changed)
{
    nnc_node *node = nnc_graph_node(graph, id);
    int64_t dims[NNC_RANK_MAX];
    size_t count;
    if (!nnc_pass_const_ints(nnc_pass_input(graph, node, 1), dims, NNC_RANK_MAX, &count)) {
        return;
    }
    for (size_t d = 0; d < count; d++) {
        if (dims[d] == 0) {
            return;
        }
    }
    node->inputs[0] = first->inputs[0];
    (*changed)++;
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
        const nnc_node *node = nnc_graph_node_const(graph, order[k]);
        if (nnc_node_is(node, "Transpose")) {
            const nnc_node *first = producer(graph, node, "Transpose");
            status = first && may_skip(graph, first)
                         ? merge_transpose(graph, order[k], first, changed)
                         : NNC_OK;
        } else if (nnc_node_is(node, "Reshape")) {
            const nnc_node *first = producer(graph, node, "Reshape");
            first = first ? first : producer(graph, node, "Flatten");
            if (first && may_skip(graph, first)) {
                merge_reshape(graph, order[k], first, changed);
            }
        }
    }
    nnc_free(order);
    return status;
}

const nnc_pass nnc_pass_transposes = {
    .name = "transposes",
    .help = "merge adjacent Transpose and Reshape nodes",
    .run = run,
};
