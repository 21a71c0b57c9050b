/* ReverseSequence, CenterCropPad, Col2Im. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ops/op_util.h"

/* ---- ReverseSequence ---- */

static const nnc_attr_schema reverse_attrs[] = {NNC_A_INT("batch_axis", 0, 1),
                                                NNC_A_INT("time_axis", 0, 1)};

static nnc_status reverse_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    int64_t batch = nnc_node_int(nnc_infer_node(ctx), "batch_axis", 1);
    if (batch == nnc_node_int(nnc_infer_node(ctx), "time_axis", 0)) {
        return nnc_infer_fail(ctx, "batch_axis and time_axis are both %" PRId64, batch);
    }
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, NNC_RANK_MAX));
    NNC_TRY(nnc_infer_check_vector(ctx, 1, x ? x->shape.dims[batch] : -1, "sequence_lens"));
    return nnc_infer_same(ctx);
}

static nnc_status reverse_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_reverse_sequence_params params = {
        .batch_axis = (uint32_t)nnc_node_int(node, "batch_axis", 1),
        .time_axis = (uint32_t)nnc_node_int(node, "time_axis", 0)};
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    uint32_t lengths;
    NNC_TRY(nnc_lower_input_as(&lengths, ctx, 1, NNRT_I64));
    return nnc_lower_move(ctx, NNRT_ROP_ID_REVERSE_SEQUENCE, &params, sizeof params, &lengths, 1,
                          form, form);
}

/* ---- CenterCropPad ---- */

static const nnc_attr_schema center_attrs[] = {NNC_A_INTS("axes", -NNC_RANK_MAX, NNC_RANK_MAX)};

/* Axes that the shape input lists, in its order. */
static size_t center_axes(int64_t axes[NNC_RANK_MAX], const nnc_node *node, uint32_t rank)
{
    const int64_t *given;
    size_t count = rank;
    bool has = nnc_node_ints(node, "axes", &given, &count);
    count = count > NNC_RANK_MAX ? NNC_RANK_MAX : count;
    for (size_t i = 0; i < count; i++) {
        axes[i] = !has ? (int64_t)i : given[i] < 0 ? given[i] + (int64_t)rank : given[i];
    }
    return count;
}

static nnc_status center_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t axes[NNC_RANK_MAX];
    nnc_ints want;
    uint32_t mask;
    nnc_dtype dtype = x->dtype;
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    nnc_shape y = x->shape;
    size_t count = center_axes(axes, nnc_infer_node(ctx), y.rank);
    NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, count, y.rank));
    NNC_TRY(nnc_infer_check_vector(ctx, 1, (int64_t)count, "shape"));
    bool known = nnc_infer_known(ctx, 1, &want) && want.count == count;
    for (size_t i = 0; i < count; i++) {
        if (known && !want.symbolic[i] && want.data[i] < 0) {
            return nnc_infer_fail(ctx, "shape[%zu] is %" PRId64, i, want.data[i]);
        }
        y.dims[axes[i]] = known ? want.data[i] : nnc_infer_fresh_dim(ctx);
    }
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status center_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnrt_center_crop_pad_params params = {.axis_count = 0};
    int64_t axes[NNC_RANK_MAX];
    uint32_t shape;
    NNC_TRY(nnc_lower_check_rank(ctx, 0));
    params.axis_count = (uint32_t)center_axes(axes, nnc_lower_node(ctx), x->shape.rank);
    for (uint32_t i = 0; i < params.axis_count && i < NNRT_RANK_MAX; i++) {
        params.axes[i] = (uint32_t)axes[i];
    }
    NNC_TRY(nnc_lower_input_as(&shape, ctx, 1, NNRT_I64));
    return nnc_lower_move(ctx, NNRT_ROP_ID_CENTER_CROP_PAD, &params, sizeof params, &shape, 1,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

/* ---- Col2Im ---- */

#define COL2IM_DIMS 6

static const nnc_attr_schema col2im_attrs[] = {
    NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),
    NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

/* Element i of a list attribute, or its default. */
static int32_t list_item(const nnc_node *node, const char *name, size_t i, int32_t absent)
{
    const int64_t *list;
    size_t count;
    return nnc_node_ints(node, name, &list, &count) && i < count ? (int32_t)list[i] : absent;
}

static nnc_status check_list(const nnc_infer_ctx *ctx, const char *name, int64_t want)
{
    const int64_t *list;
    size_t count;
    if (nnc_node_ints(nnc_infer_node(ctx), name, &list, &count) && (int64_t)count != want) {
        return nnc_infer_fail(ctx, "%s has %zu elements, expected %" PRId64, name, count, want);
    }
    return NNC_OK;
}

static nnc_status col2im_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0), *s = nnc_infer_shaped(ctx, 1);
    nnc_dtype dtype = x->dtype;
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 3));
    NNC_TRY(nnc_infer_check_vector(ctx, 1, -1, "image_shape"));
    NNC_TRY(nnc_infer_check_vector(ctx, 2, s ? s->shape.dims[0] : -1, "block_shape"));
    if (!s || s->shape.dims[0] < 0) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    int64_t n = s->shape.dims[0];
    if (n < 1 || n > COL2IM_DIMS) {
        return nnc_infer_fail(ctx, "image_shape has %" PRId64 " elements, expected 1 to %d", n,
                              COL2IM_DIMS);
    }
    NNC_TRY(check_list(ctx, "dilations", n));
    NNC_TRY(check_list(ctx, "strides", n));
    NNC_TRY(check_list(ctx, "pads", 2 * n));
    nnc_shape y = {.rank = 2 + (uint32_t)n};
    nnc_ints image;
    int64_t block[COL2IM_DIMS], product = 1;
    size_t count;
    bool known = nnc_infer_known(ctx, 1, &image) && image.count == (size_t)n;
    bool whole = nnc_infer_static_ints(ctx, 2, block, COL2IM_DIMS, &count) && x->has_shape &&
                 x->shape.dims[1] >= 0;
    for (int64_t d = 0; d < n; d++) {
        y.dims[2 + d] = known ? image.data[d] : nnc_infer_fresh_dim(ctx);
        whole = whole && block[d] > 0 && nnc_i64_mul(&product, product, block[d]);
    }
    if (whole && x->shape.dims[1] % product != 0) {
        return nnc_infer_fail(ctx, "dim 1 of %" PRId64 " is not divisible by a block of %" PRId64,
                              x->shape.dims[1], product);
    }
    y.dims[0] = x->has_shape ? x->shape.dims[0] : nnc_infer_fresh_dim(ctx);
    y.dims[1] = whole ? x->shape.dims[1] / product : nnc_infer_fresh_dim(ctx);
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status col2im_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *s = nnc_lower_in_value(ctx, 1);
    nnrt_col2im_params params = {.spatial = 0};
    uint32_t extra[2];
    if (!s->has_shape || s->shape.rank != 1 || s->shape.dims[0] < 1 ||
        s->shape.dims[0] > COL2IM_DIMS) {
        return nnc_lower_fail(ctx, "the number of spatial dims is unknown");
    }
    params.spatial = (uint32_t)s->shape.dims[0];
    for (uint32_t d = 0; d < params.spatial; d++) {
        params.stride[d] = list_item(node, "strides", d, 1);
        params.dilation[d] = list_item(node, "dilations", d, 1);
        params.pad_begin[d] = list_item(node, "pads", d, 0);
        params.pad_end[d] = list_item(node, "pads", d + params.spatial, 0);
    }
    NNC_TRY(nnc_lower_input_as(&extra[0], ctx, 1, NNRT_I64));
    NNC_TRY(nnc_lower_input_as(&extra[1], ctx, 2, NNRT_I64));
    return nnc_lower_move(ctx, NNRT_ROP_ID_COL2IM, &params, sizeof params, extra, 2,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

#define ARRANGE_OP(id, in_max, rows, infer_fn, lower_fn, dims_fn, quantized)                       \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = in_max,                                                                          \
        .max_in = in_max,                                                                          \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(rows),                                                                           \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = dims_fn,                                                                           \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = quantized,                                                                        \
    }
ARRANGE_OP(ReverseSequence, 2, reverse_attrs, reverse_infer, reverse_lower, nnc_dims_same,
           NNC_QUANT_PRESERVE);
ARRANGE_OP(CenterCropPad, 2, center_attrs, center_infer, center_lower, nnc_dims_same,
           NNC_QUANT_FLOAT);
ARRANGE_OP(Col2Im, 3, col2im_attrs, col2im_infer, col2im_lower, NNC_NO_DIMS, NNC_QUANT_FLOAT);
