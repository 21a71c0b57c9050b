/* Cost and dim coupling shared by op families. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

const nnc_value *nnc_node_in(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    return i < n->input_count && n->inputs[i] != NNC_ID_NONE
               ? nnc_graph_value_const(graph, n->inputs[i])
               : NULL;
}

const nnc_value *nnc_node_out(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    return i < n->output_count && n->outputs[i] != NNC_ID_NONE
               ? nnc_graph_value_const(graph, n->outputs[i])
               : NULL;
}

uint64_t nnc_cost_mul(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

uint64_t nnc_cost_elements(const nnc_shape *shape)
{
    uint64_t n = 1;
    for (uint32_t d = 0; d < shape->rank; d++) {
        n = nnc_cost_mul(n, shape->dims[d] < 0 ? 1 : (uint64_t)shape->dims[d]);
    }
    return n;
}

uint64_t nnc_cost_params(const nnc_graph *graph, const nnc_node *node)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != NNC_ID_NONE) {
            const nnc_value *v = nnc_graph_value_const(graph, node->inputs[i]);
            n += v->kind == NNC_VALUE_CONST ? nnc_cost_elements(&v->shape) : 0;
        }
    }
    return n;
}

nnc_status nnc_dims_link(nnc_dim_links *links, uint32_t in_index, uint32_t in_dim,
                         uint32_t out_index, uint32_t out_dim)
{
    nnc_dim_link link = {in_index, in_dim, (int32_t)out_index, (int32_t)out_dim,
                         -1,       -1,     NNC_DIM_LINK_SAME,  0};
    return nnc_dim_links_add(links, link);
}

nnc_status nnc_dims_elementwise(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *y = nnc_node_out(graph, node, 0);
    uint32_t count = nnc_graph_node_const(graph, node)->input_count;
    for (uint32_t i = 0; y && y->has_shape && i < count; i++) {
        const nnc_value *x = nnc_node_in(graph, node, i);
        if (!x || !x->has_shape) {
            continue;
        }
        uint32_t shift = y->shape.rank - x->shape.rank;
        for (uint32_t d = 0; d < x->shape.rank; d++) {
            if (x->shape.dims[d] == y->shape.dims[d + shift]) {
                NNC_TRY(nnc_dims_link(links, i, d, 0, d + shift));
            }
        }
    }
    return NNC_OK;
}

nnc_status nnc_dims_same(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    if (!x || !y || !x->has_shape || !y->has_shape || x->shape.rank != y->shape.rank) {
        return NNC_OK;
    }
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        if (x->shape.dims[d] == y->shape.dims[d]) {
            NNC_TRY(nnc_dims_link(links, 0, d, 0, d));
        }
    }
    return NNC_OK;
}

nnc_status nnc_dims_channel_vectors(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_dims_same(links, graph, node));
    uint32_t count = nnc_graph_node_const(graph, node)->input_count;
    for (uint32_t i = 1; i < count; i++) {
        if (nnc_node_in(graph, node, i)) {
            NNC_TRY(nnc_dims_link(links, i, 0, 0, 1));
        }
    }
    return NNC_OK;
}
