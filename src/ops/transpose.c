/* Transpose. SPDX-License-Identifier: Apache-2.0 y.dims[i] = x.dims[perm[i]]; the default reverses
 * the dims. */
#include <inttypes.h>

#include "ops/op_util.h"

static const nnc_attr_schema transpose_attrs[] = {NNC_A_INTS("perm", 0, NNC_RANK_MAX - 1)};

static void read_perm(uint32_t perm[NNC_RANK_MAX], const nnc_node *node, uint32_t rank)
{
    const int64_t *data;
    size_t count;
    bool given = nnc_node_ints(node, "perm", &data, &count);
    for (uint32_t d = 0; d < rank; d++) {
        perm[d] = given ? (uint32_t)data[d] : rank - 1 - d;
    }
}

static nnc_status transpose_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    const int64_t *data;
    size_t count;
    uint32_t seen = 0, perm[NNC_RANK_MAX];
    bool given = nnc_node_ints(nnc_infer_node(ctx), "perm", &data, &count);
    for (size_t i = 0; given && i < count; i++) {
        if (data[i] < 0 || data[i] >= (int64_t)count || (seen & (1u << data[i]))) {
            return nnc_infer_fail(ctx,
                                  "perm[%zu] = %" PRId64 " makes it no permutation of %zu dims", i,
                                  data[i], count);
        }
        seen |= 1u << data[i];
    }
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, given ? (int)count : -1);
    }
    if (given && count != x->shape.rank) {
        return nnc_infer_fail(ctx, "perm has %zu elements, input has %u dims", count,
                              (unsigned)x->shape.rank);
    }
    nnc_shape y = {.rank = x->shape.rank};
    read_perm(perm, nnc_infer_node(ctx), y.rank);
    for (uint32_t d = 0; d < y.rank; d++) {
        y.dims[d] = x->shape.dims[perm[d]];
    }
    NNC_TRY(nnc_infer_output(ctx, 0, x->dtype, &y));
    return y.rank <= 1 ? nnc_infer_int_copy(ctx) : NNC_OK;
}

static nnc_status transpose_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0);
    uint32_t perm[NNC_RANK_MAX];
    if (!x->has_shape) {
        return NNC_OK;
    }
    read_perm(perm, nnc_graph_node_const(graph, node), x->shape.rank);
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        NNC_TRY(nnc_dims_link(links, 0, perm[d], 0, d));
    }
    return NNC_OK;
}

/* From the channels-last form the same permutation reads other places; where that leaves every dim
 * in place (a Transpose to channels-last of a channels-last value), the bytes are shared. */
static nnc_status transpose_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    const int64_t *given;
    size_t count = 0;
    if (!x->has_shape && !nnc_node_ints(nnc_lower_node(ctx), "perm", &given, &count)) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->name);
    }
    uint32_t rank = x->has_shape ? x->shape.rank : (uint32_t)count, perm[NNC_RANK_MAX];
    if (rank > NNRT_RANK_MAX) {
        return nnc_lower_fail(ctx, "'%s' has %u dims, at most %d can run", x->name, (unsigned)rank,
                              NNRT_RANK_MAX);
    }
    bool nhwc = nnc_rank_has_nhwc(rank) && nnc_lower_prefer_nhwc(ctx), moves = false;
    nnrt_transpose_params params = {.rank = rank};
    read_perm(perm, nnc_lower_node(ctx), rank);
    for (uint32_t d = 0; d < rank; d++) {
        params.perm[d] = (uint32_t)nnc_lower_axis(perm[d], rank, nhwc);
        moves |= params.perm[d] != d;
    }
    nnc_form in = nnc_lower_moving_form(ctx, 0, nhwc), out = nnc_lower_moving_form(ctx, 0, false);
    if (moves) {
        return nnc_lower_move(ctx, NNRT_ROP_ID_TRANSPOSE, &params, sizeof params, NULL, 0, in, out);
    }
    const int64_t keep[NNC_RANK_MAX] = {0};
    nnrt_reshape_params same = {.allow_zero = 0};
    uint32_t shape;
    NNC_TRY(nnc_lower_const_i64(&shape, ctx, keep, rank));
    return nnc_lower_move(ctx, NNRT_ROP_ID_RESHAPE, &same, sizeof same, &shape, 1, in, out);
}

const nnc_op nnc_op_Transpose = {
    .domain = "",
    .name = "Transpose",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(transpose_attrs),
    .infer = transpose_infer,
    .lower = transpose_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = transpose_dims,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};
