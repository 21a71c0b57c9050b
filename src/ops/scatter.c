/* GatherND, ScatterElements, ScatterND, TensorScatter. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ops/op_util.h"

/* ---- GatherND ---- */

static const nnc_attr_schema gather_nd_attrs[] = {NNC_A_INT("batch_dims", 0, NNC_RANK_MAX)};

static nnc_status gather_nd_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *k = nnc_infer_shaped(ctx, 1);
    int64_t b = nnc_node_int(nnc_infer_node(ctx), "batch_dims", 0);
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    NNC_TRY(nnc_infer_check_indices(ctx, 1));
    if (!x || !k) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    int64_t width = k->shape.rank == 0 ? -1 : k->shape.dims[k->shape.rank - 1];
    if (x->shape.rank == 0 || k->shape.rank == 0 || b >= (int64_t)k->shape.rank ||
        b >= (int64_t)x->shape.rank) {
        return nnc_infer_fail(ctx,
                              "batch_dims is %" PRId64 ", the input has %u dims, the indices %u", b,
                              (unsigned)x->shape.rank, (unsigned)k->shape.rank);
    }
    if (width < 0) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    if (width > (int64_t)x->shape.rank - b) {
        return nnc_infer_fail(
            ctx, "index tuples of %" PRId64 " numbers, at most %" PRId64 " dims are left", width,
            (int64_t)x->shape.rank - b);
    }
    int64_t rank = (int64_t)k->shape.rank - 1 + x->shape.rank - b - width;
    if (rank > NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "output has more than %d dims", NNC_RANK_MAX);
    }
    nnc_shape y = {.rank = 0};
    for (uint32_t d = 0; d + 1 < k->shape.rank; d++) {
        y.dims[y.rank] = k->shape.dims[d];
        if (d < (uint32_t)b) {
            NNC_TRY(nnc_infer_merge_dim(ctx, &y.dims[y.rank], x->shape.dims[d], "a batch dim"));
        }
        y.rank++;
    }
    for (uint32_t d = (uint32_t)(b + width); d < x->shape.rank; d++) {
        y.dims[y.rank++] = x->shape.dims[d];
    }
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status gather_nd_lower(nnc_lower_ctx *ctx)
{
    nnrt_gather_nd_params params = {
        .batch_dims = (uint32_t)nnc_node_int(nnc_lower_node(ctx), "batch_dims", 0)};
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    uint32_t indices;
    NNC_TRY(nnc_lower_input(&indices, ctx, 1, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_GATHER_ND, &params, sizeof params, &indices, 1, form,
                          form);
}

const nnc_op nnc_op_GatherND = {
    .domain = "",
    .name = "GatherND",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(gather_nd_attrs),
    .infer = gather_nd_infer,
    .lower = gather_nd_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_PRESERVE,
};

/* ---- ScatterElements, ScatterND ---- */

/* In the order of nnrt_scatter_op. */
static const char *const reduction_choices[] = {"none", "add", "mul", "min", "max", NULL};
static const nnc_attr_schema elements_attrs[] = {NNC_A_AXIS("axis"),
                                                 NNC_A_ENUM("reduction", reduction_choices)};
static const nnc_attr_schema nd_attrs[] = {NNC_A_ENUM("reduction", reduction_choices)};

static nnc_status check_update_dtype(const nnc_infer_ctx *ctx)
{
    nnc_dtype x = nnc_infer_dtype(ctx, 0), u = nnc_infer_dtype(ctx, 2);
    if (x != u && x != NNC_DTYPE_UNDEFINED && u != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "updates are %s, the input is %s", nnc_dtype_name((int)u),
                              nnc_dtype_name((int)x));
    }
    return nnc_infer_check_indices(ctx, 1);
}

static nnc_status elements_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *k = nnc_infer_shaped(ctx, 1);
    const nnc_value *u = nnc_infer_shaped(ctx, 2);
    uint32_t unused;
    NNC_TRY(check_update_dtype(ctx));
    if (x) {
        NNC_TRY(nnc_infer_axis(ctx, &unused, nnc_node_int(nnc_infer_node(ctx), "axis", 0),
                               x->shape.rank));
    }
    if (x && k && x->shape.rank != k->shape.rank) {
        return nnc_infer_fail(ctx, "indices have %u dims, the input has %u",
                              (unsigned)k->shape.rank, (unsigned)x->shape.rank);
    }
    if (k && u && k->shape.rank != u->shape.rank) {
        return nnc_infer_fail(ctx, "indices have %u dims, updates have %u", (unsigned)k->shape.rank,
                              (unsigned)u->shape.rank);
    }
    for (uint32_t d = 0; k && u && d < k->shape.rank; d++) {
        int64_t dim = k->shape.dims[d];
        NNC_TRY(nnc_infer_merge_dim(ctx, &dim, u->shape.dims[d], "a dim of the updates"));
    }
    return nnc_infer_same(ctx);
}

static nnc_status nd_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *k = nnc_infer_shaped(ctx, 1);
    const nnc_value *u = nnc_infer_shaped(ctx, 2);
    NNC_TRY(check_update_dtype(ctx));
    if ((x && x->shape.rank == 0) || (k && k->shape.rank == 0)) {
        return nnc_infer_fail(ctx, "a scalar input or scalar indices");
    }
    int64_t width = k ? k->shape.dims[k->shape.rank - 1] : -1;
    if (x && width > (int64_t)x->shape.rank) {
        return nnc_infer_fail(ctx, "index tuples of %" PRId64 " numbers, the input has %u dims",
                              width, (unsigned)x->shape.rank);
    }
    if (x && u && width >= 0 &&
        u->shape.rank != k->shape.rank - 1 + x->shape.rank - (uint32_t)width) {
        return nnc_infer_fail(ctx, "updates have %u dims, expected %u", (unsigned)u->shape.rank,
                              (unsigned)(k->shape.rank - 1 + x->shape.rank - (uint32_t)width));
    }
    return nnc_infer_same(ctx);
}

/* Integers when data, updates and output lie on one grid and nothing is calculated with them. */
static nnc_form scatter_form(const nnc_lower_ctx *ctx, uint32_t updates, bool moves)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *u = nnc_lower_in_value(ctx, updates);
    bool one_grid = moves && nnc_on_byte_grid(x) && nnc_on_byte_grid(u) &&
                    nnc_qparams_equal(x->qparams, u->qparams);
    return one_grid ? nnc_lower_moving_form(ctx, 0, false) : NNC_FORM_LOGICAL;
}

static nnc_status scatter_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    bool elements = nnc_node_is(node, "ScatterElements");
    uint32_t op = nnc_node_choice(node, "reduction", reduction_choices);
    nnrt_scatter_nd_params nd = {.op = op};
    nnrt_scatter_elements_params el = {.op = op};
    if (elements) {
        NNC_TRY(nnc_lower_input_axis(&el.axis, ctx, nnc_node_int(node, "axis", 0), false));
    }
    nnc_form form = scatter_form(ctx, 2, op == NNRT_SCATTER_NONE);
    uint32_t extra[2];
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&extra[1], ctx, 2, form));
    return elements
               ? nnc_lower_move(ctx, NNRT_ROP_ID_SCATTER_ELEMENTS, &el, sizeof el, extra, 2, form,
                                form)
               : nnc_lower_move(ctx, NNRT_ROP_ID_SCATTER_ND, &nd, sizeof nd, extra, 2, form, form);
}

/* ---- TensorScatter ---- */

static const char *const cache_modes[] = {"linear", "circular", NULL};
static const nnc_attr_schema cache_attrs[] = {NNC_A_AXIS("axis"), NNC_A_ENUM("mode", cache_modes)};

static nnc_status cache_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *u = nnc_infer_shaped(ctx, 1);
    uint32_t axis;
    NNC_TRY(nnc_infer_check_vector(ctx, 2, x && x->shape.rank > 0 ? x->shape.dims[0] : -1,
                                   "write_indices"));
    if (x) {
        NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", -2),
                               x->shape.rank));
        if (axis == 0) {
            return nnc_infer_fail(ctx, "axis 0 is the batch");
        }
    }
    if (x && u && x->shape.rank != u->shape.rank) {
        return nnc_infer_fail(ctx, "the update has %u dims, the cache %u", (unsigned)u->shape.rank,
                              (unsigned)x->shape.rank);
    }
    return nnc_infer_same(ctx);
}

static nnc_status cache_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_tensor_scatter_params params = {.circular = nnc_node_choice(node, "mode", cache_modes)};
    NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(node, "axis", -2), false));
    nnc_form form = scatter_form(ctx, 1, true);
    uint32_t extra[2], count = 1;
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, form));
    if (nnc_lower_in_value(ctx, 2)) {
        NNC_TRY(nnc_lower_input_as(&extra[count++], ctx, 2, NNRT_I64));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_TENSOR_SCATTER, &params, sizeof params, extra, count,
                          form, form);
}

#define SCATTER_OP(id, inputs_min, rows, infer_fn, lower_fn)                                       \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = inputs_min,                                                                      \
        .max_in = 3,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(rows),                                                                           \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_same,                                                                     \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
SCATTER_OP(ScatterElements, 3, elements_attrs, elements_infer, scatter_lower);
SCATTER_OP(ScatterND, 3, nd_attrs, nd_infer, scatter_lower);
SCATTER_OP(TensorScatter, 2, cache_attrs, cache_infer, cache_lower);
