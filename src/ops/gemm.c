/* Gemm and MatMul. SPDX-License-Identifier: Apache-2.0
 * Gemm: y [M,N] = alpha * op(a) op(b) + beta * c. MatMul: numpy. */
#include <inttypes.h>

#include "ops/op_util.h"
#include "ops/product_lower.h"

static const nnc_attr_schema gemm_attrs[] = {
    NNC_A_FLOAT("alpha"),
    NNC_A_FLOAT("beta"),
    NNC_A_BOOL("transA"),
    NNC_A_BOOL("transB"),
};

static nnc_status gemm_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, 2));
    NNC_TRY(nnc_infer_check_rank(ctx, 1, 2, 2));
    const nnc_value *a = nnc_infer_shaped(ctx, 0), *b = nnc_infer_shaped(ctx, 1);
    const nnc_value *c = nnc_infer_shaped(ctx, 2);
    if (!a || !b) {
        return nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, 0), 2);
    }
    uint32_t ta = nnc_node_int(node, "transA", 0) != 0, tb = nnc_node_int(node, "transB", 0) != 0;
    int64_t ka = a->shape.dims[1 - ta], kb = b->shape.dims[tb];
    if (ka >= 0 && kb >= 0 && ka != kb) {
        char sa[256], sb[256];
        return nnc_infer_fail(ctx, "inner dims %" PRId64 " and %" PRId64 " of %s%s and %s%s differ",
                              ka, kb, nnc_shape_format(sa, sizeof sa, &a->shape), ta ? "^T" : "",
                              nnc_shape_format(sb, sizeof sb, &b->shape), tb ? "^T" : "");
    }
    nnc_shape y = {.rank = 2, .dims = {a->shape.dims[ta], b->shape.dims[1 - tb]}};
    if (c) {
        nnc_shape both = y;
        NNC_TRY(nnc_infer_broadcast(ctx, &both, &c->shape));
        if (both.rank != 2 || (y.dims[0] >= 0 && both.dims[0] >= 0 && both.dims[0] != y.dims[0]) ||
            (y.dims[1] >= 0 && both.dims[1] >= 0 && both.dims[1] != y.dims[1])) {
            char sc[256], sy[256];
            return nnc_infer_fail(ctx, "C of shape %s does not broadcast to %s",
                                  nnc_shape_format(sc, sizeof sc, &c->shape),
                                  nnc_shape_format(sy, sizeof sy, &y));
        }
    }
    return nnc_infer_output(ctx, 0, a->dtype, &y);
}

static void gemm_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_value *a = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    out->params = nnc_cost_params(graph, n);
    if (a->has_shape && y && y->has_shape && a->shape.rank == 2) {
        int64_t k = a->shape.dims[nnc_node_int(n, "transA", 0) ? 0 : 1];
        out->macs = nnc_cost_mul(nnc_cost_elements(&y->shape), k < 0 ? 1 : (uint64_t)k);
    }
}

static nnc_status gemm_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    uint32_t ta = nnc_node_int(n, "transA", 0) != 0, tb = nnc_node_int(n, "transB", 0) != 0;
    const nnc_value *c = nnc_node_in(graph, node, 2), *y = nnc_node_out(graph, node, 0);
    nnc_dim_link inner = {0, 1 - ta, -1, -1, 1, (int32_t)tb, NNC_DIM_LINK_SAME, 0};
    NNC_TRY(nnc_dims_link(links, 0, ta, 0, 0));
    NNC_TRY(nnc_dim_links_add(links, inner));
    NNC_TRY(nnc_dims_link(links, 1, 1 - tb, 0, 1));
    for (uint32_t d = 0; c && c->has_shape && y->has_shape && d < c->shape.rank; d++) {
        uint32_t out_dim = d + 2 - c->shape.rank;
        if (c->shape.dims[d] == y->shape.dims[out_dim]) {
            NNC_TRY(nnc_dims_link(links, 2, d, 0, out_dim));
        }
    }
    return NNC_OK;
}

nnc_status nnc_infer_matmul(nnc_infer_ctx *ctx, uint32_t ia, uint32_t ib, nnc_dtype dtype)
{
    NNC_TRY(nnc_infer_check_rank(ctx, ia, 1, NNC_RANK_MAX));
    NNC_TRY(nnc_infer_check_rank(ctx, ib, 1, NNC_RANK_MAX));
    const nnc_value *va = nnc_infer_shaped(ctx, ia), *vb = nnc_infer_shaped(ctx, ib);
    if (!va || !vb) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    const nnc_shape *a = &va->shape, *b = &vb->shape;
    int64_t ka = a->dims[a->rank - 1], kb = b->dims[b->rank > 1 ? b->rank - 2 : 0];
    if (ka >= 0 && kb >= 0 && ka != kb) {
        char sa[256], sb[256];
        return nnc_infer_fail(ctx, "inner dims %" PRId64 " and %" PRId64 " of %s and %s differ", ka,
                              kb, nnc_shape_format(sa, sizeof sa, a),
                              nnc_shape_format(sb, sizeof sb, b));
    }
    nnc_shape lead_a = *a, lead_b = *b;
    lead_a.rank = a->rank > 2 ? a->rank - 2 : 0;
    lead_b.rank = b->rank > 2 ? b->rank - 2 : 0;
    NNC_TRY(nnc_infer_broadcast(ctx, &lead_a, &lead_b));
    nnc_shape y = lead_a;
    if (a->rank > 1) {
        y.dims[y.rank++] = a->dims[a->rank - 2];
    }
    if (b->rank > 1) {
        y.dims[y.rank++] = b->dims[b->rank - 1];
    }
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status matmul_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    return nnc_infer_matmul(ctx, 0, 1, nnc_infer_dtype(ctx, 0));
}

static void matmul_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *a = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    out->params = nnc_cost_params(graph, nnc_graph_node_const(graph, node));
    if (a->has_shape && a->shape.rank > 0 && y && y->has_shape) {
        int64_t k = a->shape.dims[a->shape.rank - 1];
        out->macs = nnc_cost_mul(nnc_cost_elements(&y->shape), k < 0 ? 1 : (uint64_t)k);
    }
}

static nnc_status matmul_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *a = nnc_node_in(graph, node, 0), *b = nnc_node_in(graph, node, 1);
    const nnc_value *y = nnc_node_out(graph, node, 0);
    if (!a->has_shape || !b->has_shape || !y->has_shape) {
        return NNC_OK;
    }
    uint32_t ra = a->shape.rank, rb = b->shape.rank, ry = y->shape.rank;
    uint32_t kb = rb > 1 ? rb - 2 : 0;
    nnc_dim_link inner = {0, ra - 1, -1, -1, 1, (int32_t)kb, NNC_DIM_LINK_SAME, 0};
    NNC_TRY(nnc_dim_links_add(links, inner));
    if (rb > 1) {
        NNC_TRY(nnc_dims_link(links, 1, rb - 1, 0, ry - 1));
    }
    if (ra > 1) {
        NNC_TRY(nnc_dims_link(links, 0, ra - 2, 0, rb > 1 ? ry - 2 : ry - 1));
    }
    for (uint32_t d = 0; ra > 2 && rb > 1 && d + 2 < ra; d++) {
        uint32_t out_dim = d + ry - ra;
        if (a->shape.dims[d] == y->shape.dims[out_dim]) {
            NNC_TRY(nnc_dims_link(links, 0, d, 0, out_dim));
        }
    }
    for (uint32_t d = 0; rb > 2 && ra > 1 && d + 2 < rb; d++) {
        uint32_t out_dim = d + ry - rb;
        if (b->shape.dims[d] == y->shape.dims[out_dim]) {
            NNC_TRY(nnc_dims_link(links, 1, d, 0, out_dim));
        }
    }
    return NNC_OK;
}

const nnc_op nnc_op_Gemm = {
    .domain = "",
    .name = "Gemm",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(gemm_attrs),
    .infer = gemm_infer,
    .lower = nnc_gemm_lower,
    .grad = NNC_NO_GRAD,
    .cost = gemm_cost,
    .dims = gemm_dims,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_CONTRACT,
};

const nnc_op nnc_op_MatMul = {
    .domain = "",
    .name = "MatMul",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = matmul_infer,
    .lower = nnc_matmul_lower,
    .grad = NNC_NO_GRAD,
    .cost = matmul_cost,
    .dims = matmul_dims,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_CONTRACT,
};
