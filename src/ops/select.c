/* TopK, Unique, Compress, NonMaxSuppression: what is kept depends on the numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ops/op_util.h"

/* Outputs after the first: int64 lists of unknown length. */
static nnc_status unknown_list(nnc_infer_ctx *ctx, uint32_t i)
{
    nnc_shape y = {.rank = 1, .dims = {nnc_infer_fresh_dim(ctx)}};
    return nnc_infer_output(ctx, i, NNC_DTYPE_INT64, &y);
}

static bool names_output(const nnc_infer_ctx *ctx, uint32_t i)
{
    const nnc_node *node = nnc_infer_node(ctx);
    return i < node->output_count && node->outputs[i] != NNC_ID_NONE;
}

/* ---- TopK ---- */

static const nnc_attr_schema topk_attrs[] = {NNC_A_AXIS("axis"), NNC_A_BOOL("largest"),
                                             NNC_A_BOOL("sorted")};

static nnc_status topk_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t k;
    size_t count;
    uint32_t axis;
    if (!x->has_shape) {
        NNC_TRY(nnc_infer_output_unknown(ctx, 0, x->dtype, -1));
        return nnc_infer_output_unknown(ctx, 1, NNC_DTYPE_INT64, -1);
    }
    nnc_shape y = x->shape;
    NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", -1), y.rank));
    if (!nnc_infer_static_ints(ctx, 1, &k, 1, &count) || count != 1) {
        y.dims[axis] = nnc_infer_fresh_dim(ctx);
    } else if (k < 0 || (y.dims[axis] >= 0 && k > y.dims[axis])) {
        return nnc_infer_fail(ctx, "k is %" PRId64 ", dim %u has %" PRId64 " elements", k,
                              (unsigned)axis, y.dims[axis]);
    } else {
        y.dims[axis] = k;
    }
    nnc_dtype dtype = x->dtype;
    NNC_TRY(nnc_infer_output(ctx, 0, dtype, &y));
    return names_output(ctx, 1) ? nnc_infer_output(ctx, 1, NNC_DTYPE_INT64, &y) : NNC_OK;
}

/* Integers of a grid are ordered like their numbers. */
static nnc_form values_form(const nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *y = nnc_lower_out_value(ctx, 0);
    return nnc_on_byte_grid(x) && y && nnc_on_byte_grid(y) &&
                   nnc_qparams_equal(x->qparams, y->qparams)
               ? NNC_FORM_Q8
               : NNC_FORM_LOGICAL;
}

static nnc_status topk_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnrt_topk_params params = {.smallest = nnc_node_int(node, "largest", 1) == 0};
    NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(node, "axis", -1), false));
    nnc_form form = values_form(ctx);
    uint32_t in[2], out[2];
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    NNC_TRY(nnc_lower_input_as(&in[1], ctx, 1, NNRT_I64));
    if (nnc_lower_node(ctx)->outputs[0] != NNC_ID_NONE) {
        NNC_TRY(nnc_lower_output(&out[0], ctx, 0, form));
    } else {
        NNC_TRY(nnc_lower_temp(&out[0], ctx, nnc_lower_dtype(x), nnc_lower_rank(x)));
    }
    NNC_TRY(nnc_lower_any_output(&out[1], ctx, 1, NNRT_I64, nnc_lower_rank(x)));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_TOPK, &params, sizeof params, in, 2, out, 2);
}

/* All dims but the axis, in both outputs. */
static nnc_status topk_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0);
    const nnc_node *n = nnc_graph_node_const(graph, node);
    int64_t axis = nnc_node_int(n, "axis", -1);
    axis = axis < 0 && x->has_shape ? axis + (int64_t)x->shape.rank : axis;
    for (uint32_t d = 0; x->has_shape && d < x->shape.rank; d++) {
        for (uint32_t i = 0; i < n->output_count && d != (uint32_t)axis; i++) {
            NNC_TRY(nnc_dims_link(links, 0, d, i, d));
        }
    }
    return NNC_OK;
}

/* ---- Unique ---- */

static const nnc_attr_schema unique_attrs[] = {NNC_A_AXIS("axis"), NNC_A_BOOL("sorted")};

/* Output 0 of an op that keeps slices along an optional axis, or elements of the whole tensor. */
static nnc_status kept_slices(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    const nnc_node *node = nnc_infer_node(ctx);
    nnc_dtype dtype = x->dtype;
    nnc_shape y = {.rank = 1};
    uint32_t axis = 0;
    if (nnc_node_attr(node, "axis")) {
        if (!x->has_shape) {
            return nnc_infer_output_unknown(ctx, 0, dtype, -1);
        }
        y = x->shape;
        NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(node, "axis", 0), y.rank));
    }
    y.dims[axis] = nnc_infer_fresh_dim(ctx);
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status unique_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(kept_slices(ctx));
    for (uint32_t i = 1; i < 4; i++) {
        if (names_output(ctx, i)) {
            NNC_TRY(unknown_list(ctx, i));
        }
    }
    return NNC_OK;
}

static nnc_status unique_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_unique_params params = {.flat = nnc_node_attr(node, "axis") == NULL,
                                 .sorted = nnc_node_int(node, "sorted", 1) != 0};
    uint32_t in, out[4];
    if (!params.flat) {
        NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(node, "axis", 0), false));
    }
    NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&out[0], ctx, 0, NNC_FORM_LOGICAL));
    for (uint32_t i = 1; i < 4; i++) {
        NNC_TRY(nnc_lower_any_output(&out[i], ctx, i, NNRT_I64, 1));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_UNIQUE, &params, sizeof params, &in, 1, out, 4);
}

/* ---- Compress ---- */

static const nnc_attr_schema compress_attrs[] = {NNC_A_AXIS("axis")};

static nnc_status compress_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype dtype = nnc_infer_dtype(ctx, 1);
    NNC_TRY(nnc_infer_check_vector(ctx, 1, -1, "condition"));
    if (dtype != NNC_DTYPE_BOOL && dtype != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "condition is %s, expected bool", nnc_dtype_name((int)dtype));
    }
    return kept_slices(ctx);
}

static nnc_status compress_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_compress_params params = {.flat = nnc_node_attr(node, "axis") == NULL};
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    uint32_t condition;
    if (!params.flat) {
        NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(node, "axis", 0), false));
    }
    NNC_TRY(nnc_lower_input(&condition, ctx, 1, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_COMPRESS, &params, sizeof params, &condition, 1, form,
                          form);
}

/* ---- NonMaxSuppression ---- */

static const nnc_attr_schema nms_attrs[] = {NNC_A_BOOL("center_point_box")};

static nnc_status nms_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *boxes = nnc_infer_shaped(ctx, 0), *scores = nnc_infer_shaped(ctx, 1);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 3));
    NNC_TRY(nnc_infer_check_rank(ctx, 1, 3, 3));
    if (boxes && boxes->shape.dims[2] >= 0 && boxes->shape.dims[2] != 4) {
        return nnc_infer_fail(ctx, "boxes have %" PRId64 " numbers, expected 4",
                              boxes->shape.dims[2]);
    }
    if (boxes && scores) {
        int64_t count = boxes->shape.dims[1];
        NNC_TRY(nnc_infer_merge_dim(ctx, &count, scores->shape.dims[2], "the number of scores"));
    }
    nnc_shape y = {.rank = 2, .dims = {nnc_infer_fresh_dim(ctx), 3}};
    return nnc_infer_output(ctx, 0, NNC_DTYPE_INT64, &y);
}

/* A scalar input, or 0 where it is omitted. */
static nnc_status number_or_zero(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype dtype)
{
    const uint64_t zero = 0;
    const int64_t one = 1;
    return nnc_lower_in_value(ctx, i)
               ? nnc_lower_input_as(out, ctx, i, dtype)
               : nnc_lower_const(out, ctx, dtype, 1, &one, &zero, dtype == NNRT_I64 ? 8 : 4);
}

static nnc_status nms_lower(nnc_lower_ctx *ctx)
{
    nnrt_nms_params params = {.center_point_box =
                                  nnc_node_int(nnc_lower_node(ctx), "center_point_box", 0) != 0,
                              .has_threshold = nnc_lower_in_value(ctx, 4) != NULL};
    uint32_t in[5], out;
    NNC_TRY(nnc_lower_input_as(&in[0], ctx, 0, NNRT_F32));
    NNC_TRY(nnc_lower_input_as(&in[1], ctx, 1, NNRT_F32));
    NNC_TRY(number_or_zero(&in[2], ctx, 2, NNRT_I64));
    NNC_TRY(number_or_zero(&in[3], ctx, 3, NNRT_F32));
    NNC_TRY(number_or_zero(&in[4], ctx, 4, NNRT_F32));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_NMS, &params, sizeof params, in, 5, &out, 1);
}

#define SELECT_OP(id, in_min, in_max, out_min, out_max, rows, infer_fn, lower_fn, dims_fn,         \
                  quantized)                                                                       \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = in_min,                                                                          \
        .max_in = in_max,                                                                          \
        .min_out = out_min,                                                                        \
        .max_out = out_max,                                                                        \
        NNC_ATTRS(rows),                                                                           \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = dims_fn,                                                                           \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = quantized,                                                                        \
    }
SELECT_OP(TopK, 2, 2, 1, 2, topk_attrs, topk_infer, topk_lower, topk_dims, NNC_QUANT_PRESERVE);
SELECT_OP(Unique, 1, 1, 1, 4, unique_attrs, unique_infer, unique_lower, NNC_NO_DIMS,
          NNC_QUANT_FLOAT);
SELECT_OP(Compress, 2, 2, 1, 1, compress_attrs, compress_infer, compress_lower, NNC_NO_DIMS,
          NNC_QUANT_PRESERVE);
SELECT_OP(NonMaxSuppression, 2, 5, 1, 1, nms_attrs, nms_infer, nms_lower, NNC_NO_DIMS,
          NNC_QUANT_FLOAT);
