/* GridSample, AffineGrid, RoiAlign, MaxRoiPool: images at computed positions.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "ops/op_util.h"

/* ---- GridSample ---- */

/* In the order of nnrt_grid_sample_params; linear is the default. */
static const char *const sample_modes[] = {"nearest", "linear", "cubic", NULL};
static const char *const sample_paddings[] = {"zeros", "border", "reflection", NULL};
static const nnc_attr_schema sample_attrs[] = {
    NNC_A_BOOL("align_corners"),
    NNC_A_ENUM("mode", sample_modes),
    NNC_A_ENUM("padding_mode", sample_paddings),
};

static nnc_status sample_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *grid = nnc_infer_shaped(ctx, 1);
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 5));
    if (x) {
        NNC_TRY(nnc_infer_check_rank(ctx, 1, x->shape.rank, x->shape.rank));
    }
    if (!x || !grid) {
        return nnc_infer_output_unknown(ctx, 0, dtype, x ? (int)x->shape.rank : -1);
    }
    uint32_t rank = x->shape.rank;
    nnc_shape y = grid->shape;
    int64_t numbers = y.dims[rank - 1];
    if (numbers >= 0 && numbers != (int64_t)rank - 2) {
        return nnc_infer_fail(ctx, "the grid has %" PRId64 " numbers per point, expected %u",
                              numbers, (unsigned)rank - 2);
    }
    NNC_TRY(nnc_infer_merge_dim(ctx, &y.dims[0], x->shape.dims[0], "the batch"));
    for (uint32_t d = rank - 1; d > 1; d--) {
        y.dims[d] = grid->shape.dims[d - 1];
    }
    y.dims[1] = x->shape.dims[1];
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status sample_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnrt_grid_sample_params params = {
        .mode = nnc_node_attr(node, "mode") ? nnc_node_choice(node, "mode", sample_modes) : 1,
        .padding = nnc_node_choice(node, "padding_mode", sample_paddings),
        .align_corners = nnc_node_int(node, "align_corners", 0) != 0};
    uint32_t grid;
    NNC_TRY(nnc_lower_check_rank(ctx, 0));
    params.channels_last = nnc_rank_has_nhwc(x->shape.rank);
    nnc_form form = params.channels_last ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    NNC_TRY(nnc_lower_input_as(&grid, ctx, 1, NNRT_F32));
    return nnc_lower_move(ctx, NNRT_ROP_ID_GRID_SAMPLE, &params, sizeof params, &grid, 1, form,
                          form);
}

/* ---- AffineGrid ---- */

static const nnc_attr_schema affine_attrs[] = {NNC_A_BOOL("align_corners")};

static nnc_status affine_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *theta = nnc_infer_shaped(ctx, 0), *s = nnc_infer_shaped(ctx, 1);
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 3));
    NNC_TRY(nnc_infer_check_vector(ctx, 1, -1, "size"));
    int64_t n = s ? s->shape.dims[0] : -1;
    if (n < 0 && theta && theta->shape.dims[1] >= 0) {
        n = theta->shape.dims[1] + 2;
    }
    if (n < 0) {
        return nnc_infer_output_unknown(ctx, 0, dtype, -1);
    }
    if (n != 4 && n != 5) {
        return nnc_infer_fail(ctx, "size has %" PRId64 " elements, expected 4 or 5", n);
    }
    if (theta && ((theta->shape.dims[1] >= 0 && theta->shape.dims[1] != n - 2) ||
                  (theta->shape.dims[2] >= 0 && theta->shape.dims[2] != n - 1))) {
        char text[256];
        return nnc_infer_fail(ctx, "theta is %s, expected [N,%" PRId64 ",%" PRId64 "]",
                              nnc_shape_format(text, sizeof text, &theta->shape), n - 2, n - 1);
    }
    nnc_ints size;
    bool known = nnc_infer_known(ctx, 1, &size) && size.count == (size_t)n;
    nnc_shape y = {.rank = (uint32_t)n};
    y.dims[0] = known ? size.data[0] : theta ? theta->shape.dims[0] : nnc_infer_fresh_dim(ctx);
    for (int64_t d = 2; d < n; d++) {
        y.dims[d - 1] = known ? size.data[d] : nnc_infer_fresh_dim(ctx);
    }
    y.dims[n - 1] = n - 2;
    return nnc_infer_output(ctx, 0, dtype, &y);
}

static nnc_status affine_lower(nnc_lower_ctx *ctx)
{
    nnrt_affine_grid_params params = {
        .align_corners = nnc_node_int(nnc_lower_node(ctx), "align_corners", 0) != 0};
    uint32_t size;
    NNC_TRY(nnc_lower_input_as(&size, ctx, 1, NNRT_I64));
    return nnc_lower_move(ctx, NNRT_ROP_ID_AFFINE_GRID, &params, sizeof params, &size, 1,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

/* ---- RoiAlign, MaxRoiPool ---- */

static const char *const roi_coordinates[] = {"half_pixel", "output_half_pixel", NULL};
static const char *const roi_modes[] = {"avg", "max", NULL};
static const nnc_attr_schema align_attrs[] = {
    NNC_A_ENUM("coordinate_transformation_mode", roi_coordinates),
    NNC_A_ENUM("mode", roi_modes),
    NNC_A_INT("output_height", 1, NNC_DIM_LIMIT),
    NNC_A_INT("output_width", 1, NNC_DIM_LIMIT),
    NNC_A_INT("sampling_ratio", 0, 1024),
    NNC_A_FLOAT("spatial_scale"),
};
static const nnc_attr_schema pool_attrs[] = {
    NNC_A_INTS_REQUIRED("pooled_shape", 1, NNC_DIM_LIMIT),
    NNC_A_FLOAT("spatial_scale"),
};

/* y [rois, channels, h, w]. */
static nnc_status roi_output(nnc_infer_ctx *ctx, int64_t columns, int64_t h, int64_t w)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *rois = nnc_infer_shaped(ctx, 1);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 4, 4));
    NNC_TRY(nnc_infer_check_rank(ctx, 1, 2, 2));
    if (rois && rois->shape.dims[1] >= 0 && rois->shape.dims[1] != columns) {
        return nnc_infer_fail(ctx, "regions have %" PRId64 " numbers, expected %" PRId64,
                              rois->shape.dims[1], columns);
    }
    nnc_shape y = {.rank = 4, .dims = {0, 0, h, w}};
    y.dims[0] = rois ? rois->shape.dims[0] : nnc_infer_fresh_dim(ctx);
    y.dims[1] = x ? x->shape.dims[1] : nnc_infer_fresh_dim(ctx);
    return nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &y);
}

static nnc_status align_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *rois = nnc_infer_shaped(ctx, 1);
    NNC_TRY(nnc_infer_check_indices(ctx, 2));
    NNC_TRY(nnc_infer_check_vector(ctx, 2, rois && rois->shape.rank == 2 ? rois->shape.dims[0] : -1,
                                   "batch_indices"));
    return roi_output(ctx, 4, nnc_node_int(node, "output_height", 1),
                      nnc_node_int(node, "output_width", 1));
}

static nnc_status align_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_roi_align_params params = {
        .out_h = (uint32_t)nnc_node_int(node, "output_height", 1),
        .out_w = (uint32_t)nnc_node_int(node, "output_width", 1),
        .sampling = (uint32_t)nnc_node_int(node, "sampling_ratio", 0),
        .max = nnc_node_choice(node, "mode", roi_modes),
        .half_pixel = nnc_node_choice(node, "coordinate_transformation_mode", roi_coordinates) == 0,
        .scale = nnc_node_float(node, "spatial_scale", 1.0f)};
    uint32_t extra[2];
    NNC_TRY(nnc_lower_input_as(&extra[0], ctx, 1, NNRT_F32));
    NNC_TRY(nnc_lower_input(&extra[1], ctx, 2, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_ROI_ALIGN, &params, sizeof params, extra, 2,
                          NNC_FORM_NHWC, NNC_FORM_NHWC);
}

static nnc_status pool_infer(nnc_infer_ctx *ctx)
{
    const int64_t *shape;
    size_t count = 0;
    if (!nnc_node_ints(nnc_infer_node(ctx), "pooled_shape", &shape, &count) || count != 2) {
        return nnc_infer_fail(ctx, "pooled_shape has %zu elements, expected 2", count);
    }
    return roi_output(ctx, 5, shape[0], shape[1]);
}

static nnc_status pool_lower(nnc_lower_ctx *ctx)
{
    const int64_t *shape;
    size_t count = 0;
    uint32_t rois;
    if (!nnc_node_ints(nnc_lower_node(ctx), "pooled_shape", &shape, &count) || count != 2) {
        return nnc_lower_fail(ctx, "pooled_shape has %zu elements, expected 2", count);
    }
    nnrt_max_roi_pool_params params = {
        .out_h = (uint32_t)shape[0],
        .out_w = (uint32_t)shape[1],
        .scale = nnc_node_float(nnc_lower_node(ctx), "spatial_scale", 1.0f)};
    NNC_TRY(nnc_lower_input_as(&rois, ctx, 1, NNRT_F32));
    return nnc_lower_move(ctx, NNRT_ROP_ID_MAX_ROI_POOL, &params, sizeof params, &rois, 1,
                          NNC_FORM_NHWC, NNC_FORM_NHWC);
}

static nnc_status sample_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *grid = nnc_node_in(graph, node, 1);
    NNC_TRY(nnc_dims_link(links, 0, 0, 0, 0));
    NNC_TRY(nnc_dims_link(links, 0, 1, 0, 1));
    NNC_TRY(nnc_dims_link(links, 1, 0, 0, 0));
    for (uint32_t d = 1; grid->has_shape && d + 1 < grid->shape.rank; d++) {
        NNC_TRY(nnc_dims_link(links, 1, d, 0, d + 1));
    }
    return NNC_OK;
}

/* Channels of the image, regions of the lists. */
static nnc_status roi_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    uint32_t count = nnc_graph_node_const(graph, node)->input_count;
    NNC_TRY(nnc_dims_link(links, 0, 1, 0, 1));
    for (uint32_t i = 1; i < count; i++) {
        NNC_TRY(nnc_dims_link(links, i, 0, 0, 0));
    }
    return NNC_OK;
}

#define SAMPLE_OP(id, in_max, rows, infer_fn, lower_fn, dims_fn, layout_kind)                      \
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
        .layout = layout_kind,                                                                     \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
SAMPLE_OP(GridSample, 2, sample_attrs, sample_infer, sample_lower, sample_dims,
          NNC_LAYOUT_CHANNELS);
SAMPLE_OP(AffineGrid, 2, affine_attrs, affine_infer, affine_lower, NNC_NO_DIMS, NNC_LAYOUT_LOGICAL);
SAMPLE_OP(RoiAlign, 3, align_attrs, align_infer, align_lower, roi_dims, NNC_LAYOUT_CHANNELS);
SAMPLE_OP(MaxRoiPool, 2, pool_attrs, pool_infer, pool_lower, roi_dims, NNC_LAYOUT_CHANNELS);
