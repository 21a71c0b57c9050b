/* Gather, GatherElements, Expand, Tile. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ops/op_util.h"

static const nnc_attr_schema axis_attrs[] = {NNC_A_AXIS("axis")};

static nnc_status gather_known(nnc_infer_ctx *ctx)
{
    nnc_ints x, index, y;
    if (!nnc_infer_known(ctx, 0, &x) || !nnc_infer_known(ctx, 1, &index)) {
        return NNC_OK;
    }
    y.count = index.count;
    for (size_t k = 0; k < index.count; k++) {
        int64_t at = index.data[k] < 0 ? index.data[k] + (int64_t)x.count : index.data[k];
        if (index.symbolic[k]) {
            return NNC_OK;
        }
        if (at < 0 || at >= (int64_t)x.count) {
            return nnc_infer_fail(ctx, "index %" PRId64 " is out of range for %zu elements",
                                  index.data[k], x.count);
        }
        y.data[k] = x.data[at];
        y.symbolic[k] = x.symbolic[at];
    }
    return nnc_infer_set_known(ctx, 0, &y);
}

static nnc_status gather_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0), *index = nnc_infer_input(ctx, 1);
    NNC_TRY(nnc_infer_check_indices(ctx, 1));
    if (!x->has_shape || !index->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    uint32_t axis;
    NNC_TRY(
        nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", 0), x->shape.rank));
    if (x->shape.rank + index->shape.rank - 1 > NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "output has more than %d dims", NNC_RANK_MAX);
    }
    nnc_shape y = {.rank = 0};
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        if (d != axis) {
            y.dims[y.rank++] = x->shape.dims[d];
        }
        for (uint32_t k = 0; d == axis && k < index->shape.rank; k++) {
            y.dims[y.rank++] = index->shape.dims[k];
        }
    }
    NNC_TRY(nnc_infer_output(ctx, 0, x->dtype, &y));
    return x->shape.rank == 1 && y.rank <= 1 ? gather_known(ctx) : NNC_OK;
}

static nnc_status gather_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0), *index = nnc_node_in(graph, node, 1);
    int64_t axis = nnc_node_int(nnc_graph_node_const(graph, node), "axis", 0);
    if (!x->has_shape || !index->has_shape) {
        return NNC_OK;
    }
    uint32_t a = (uint32_t)(axis < 0 ? axis + x->shape.rank : axis);
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        if (d != a) {
            NNC_TRY(nnc_dims_link(links, 0, d, 0, d < a ? d : d + index->shape.rank - 1));
        }
    }
    for (uint32_t k = 0; k < index->shape.rank; k++) {
        NNC_TRY(nnc_dims_link(links, 1, k, 0, a + k));
    }
    return NNC_OK;
}

static nnc_status gather_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *index = nnc_lower_in_value(ctx, 1);
    bool elements = nnc_node_is(nnc_lower_node(ctx), "GatherElements");
    /* One list of indices keeps the rank, so any layout serves. */
    bool nhwc = !elements && x->has_shape && index->has_shape && index->shape.rank == 1 &&
                nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnrt_axis_params params;
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    uint32_t indices;
    NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(nnc_lower_node(ctx), "axis", 0),
                                 nhwc));
    NNC_TRY(nnc_lower_input(&indices, ctx, 1, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, elements ? NNRT_ROP_ID_GATHER_ELEMENTS : NNRT_ROP_ID_GATHER, &params,
                          sizeof params, &indices, 1, form, form);
}

const nnc_op nnc_op_Gather = {
    .domain = "",
    .name = "Gather",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(axis_attrs),
    .infer = gather_infer,
    .lower = gather_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = gather_dims,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};

static nnc_status elements_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *index = nnc_infer_shaped(ctx, 1);
    uint32_t unused;
    NNC_TRY(nnc_infer_check_indices(ctx, 1));
    if (x) {
        NNC_TRY(nnc_infer_axis(ctx, &unused, nnc_node_int(nnc_infer_node(ctx), "axis", 0),
                               x->shape.rank));
    }
    if (x && index && x->shape.rank != index->shape.rank) {
        return nnc_infer_fail(ctx, "indices have %u dims, the input has %u",
                              (unsigned)index->shape.rank, (unsigned)x->shape.rank);
    }
    return index ? nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &index->shape)
                 : nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, 0),
                                            x ? (int)x->shape.rank : -1);
}

const nnc_op nnc_op_GatherElements = {
    .domain = "",
    .name = "GatherElements",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(axis_attrs),
    .infer = elements_infer,
    .lower = gather_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_PRESERVE,
};

/* ---- Expand, Tile ---- */

/* A known list of dims or counts as a shape; numbers must not be negative. */
static nnc_status list_shape(const nnc_infer_ctx *ctx, nnc_shape *out, const nnc_ints *list)
{
    out->rank = (uint32_t)list->count;
    for (uint32_t d = 0; d < out->rank; d++) {
        if (!list->symbolic[d] && list->data[d] < 0) {
            return nnc_infer_fail(ctx, "element %u is %" PRId64, (unsigned)d, list->data[d]);
        }
        out->dims[d] = list->data[d];
    }
    return NNC_OK;
}

static nnc_status expand_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0), *s = nnc_infer_shaped(ctx, 1);
    nnc_ints list;
    nnc_shape target;
    NNC_TRY(nnc_infer_check_vector(ctx, 1, -1, "shape"));
    if (!x->has_shape || !nnc_infer_known(ctx, 1, &list) || list.count > NNC_RANK_MAX) {
        int64_t rank = s && x->has_shape ? s->shape.dims[0] : -1;
        rank = rank >= 0 && rank < (int64_t)x->shape.rank ? (int64_t)x->shape.rank : rank;
        return nnc_infer_output_unknown(ctx, 0, x->dtype, rank > NNC_RANK_MAX ? -1 : (int)rank);
    }
    NNC_TRY(list_shape(ctx, &target, &list));
    nnc_shape y = x->shape;
    NNC_TRY(nnc_infer_broadcast(ctx, &y, &target));
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status tile_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_ints list;
    nnc_shape repeats;
    NNC_TRY(nnc_infer_check_vector(ctx, 1, x->has_shape ? (int64_t)x->shape.rank : -1, "repeats"));
    if (!x->has_shape || !nnc_infer_known(ctx, 1, &list) || list.count != x->shape.rank) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, x->has_shape ? (int)x->shape.rank : -1);
    }
    NNC_TRY(list_shape(ctx, &repeats, &list));
    nnc_shape y = x->shape;
    for (uint32_t d = 0; d < y.rank; d++) {
        if (repeats.dims[d] == 1) {
            continue;
        }
        if (y.dims[d] == 1) {
            y.dims[d] = repeats.dims[d];
        } else if (y.dims[d] < 0 || repeats.dims[d] < 0) {
            y.dims[d] = nnc_infer_fresh_dim(ctx);
        } else if (!nnc_i64_mul(&y.dims[d], y.dims[d], repeats.dims[d])) {
            return nnc_infer_fail(ctx, "dim %u is too large", (unsigned)d);
        }
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status repeat_lower(nnc_lower_ctx *ctx)
{
    bool tile = nnc_node_is(nnc_lower_node(ctx), "Tile");
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    uint32_t list;
    NNC_TRY(nnc_lower_input(&list, ctx, 1, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, tile ? NNRT_ROP_ID_TILE : NNRT_ROP_ID_EXPAND, NULL, 0, &list, 1,
                          form, form);
}

static nnc_status expand_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    if (!x->has_shape || !y || !y->has_shape || y->shape.rank < x->shape.rank) {
        return NNC_OK;
    }
    uint32_t shift = y->shape.rank - x->shape.rank;
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        if (x->shape.dims[d] == y->shape.dims[d + shift]) {
            NNC_TRY(nnc_dims_link(links, 0, d, 0, d + shift));
        }
    }
    return NNC_OK;
}

#define REPEAT_OP(id, infer_fn)                                                                    \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 2,                                                                               \
        .max_in = 2,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_NO_ATTRS,                                                                              \
        .infer = infer_fn,                                                                         \
        .lower = repeat_lower,                                                                     \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = expand_dims,                                                                       \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_PRESERVE,                                                               \
    }
REPEAT_OP(Expand, expand_infer);
REPEAT_OP(Tile, tile_infer);
