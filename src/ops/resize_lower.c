/* Lowering of Resize. SPDX-License-Identifier: Apache-2.0
 * Images whose height and width alone change run channels-last; all else goes to the general op in
 * ONNX order. */
#include <string.h>

#include "ops/resize.h"

enum { TF_CROP = 6 };

/* Height and width of constant scales or sizes; false when another axis is resized or something is
 * not known. */
static bool spatial_list(const nnc_lower_ctx *ctx, double out[2], const nnc_value *list, bool sizes)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_shape *x = &nnc_lower_in_value(ctx, 0)->shape;
    int64_t wanted[NNC_RANK_MAX];
    size_t count = nnc_tensor_count(&list->tensor);
    out[0] = out[1] = sizes ? -1 : 1;
    for (size_t i = 0; sizes && i < count; i++) {
        wanted[i] = nnc_tensor_get_int(&list->tensor, i);
    }
    if (sizes && nnc_node_choice(node, "keep_aspect_ratio_policy", nnc_resize_policies) != 0) {
        if (!nnc_shape_is_static(x)) {
            return false;
        }
        nnc_resize_apply_policy(wanted, node, x, count);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t axis = nnc_resize_axis(node, (uint32_t)i, x->rank);
        double v = sizes ? (double)wanted[i] : nnc_tensor_get_double(&list->tensor, i);
        bool unchanged = sizes ? (double)x->dims[axis] == v : v == 1.0;
        if (axis >= 2) {
            out[axis + 4 - x->rank - 2] = v;
        } else if (!unchanged && !(sizes && axis == 0 && x->dims[0] < 0)) {
            return false;
        }
    }
    for (uint32_t d = 0; d < 2; d++) {
        /* A spatial axis that the list does not name keeps its length. */
        uint32_t axis = x->rank == 3 ? 2 : d + 2;
        if (sizes && out[d] < 0) {
            out[d] = x->rank == 3 && d == 0 ? 1 : (double)x->dims[axis];
        }
        if (out[d] < 0) {
            return false;
        }
    }
    return true;
}

/* A computed list of all axes that leaves batch and channels as they are, as far as inference
 * knows. */
static bool spatial_only(const nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *y = nnc_lower_out_value(ctx, 0);
    const nnc_node *node = nnc_lower_node(ctx);
    const int64_t *axes;
    size_t count;
    return x->shape.rank == 4 && y && y->has_shape && y->shape.rank == 4 &&
           y->shape.dims[0] == x->shape.dims[0] && y->shape.dims[1] == x->shape.dims[1] &&
           !nnc_node_ints(node, "axes", &axes, &count) &&
           nnc_node_choice(node, "keep_aspect_ratio_policy", nnc_resize_policies) == 0;
}

/* True if the channels-last op can do it; *list: f32 scales [2] or i64 sizes [2] of H and W. */
static nnc_status image_list(bool *image, uint32_t *list, nnc_lower_ctx *ctx, bool sizes)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    const nnc_value *given = nnc_lower_in_value(ctx, sizes ? 3 : 2);
    const nnc_node *node = nnc_lower_node(ctx);
    uint32_t coordinate =
        nnc_node_choice(node, "coordinate_transformation_mode", nnc_resize_coordinates);
    const int64_t two = 2;
    double hw[2];
    *image = (x->shape.rank == 3 || x->shape.rank == 4) && nnc_lower_prefer_nhwc(ctx) &&
             coordinate != TF_CROP && !nnc_node_int(node, "antialias", 0) &&
             (x->dtype == NNC_DTYPE_FLOAT || x->dtype == NNC_DTYPE_UINT8);
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        *image = *image && x->shape.dims[d] != 0;
    }
    if (*image && given->kind == NNC_VALUE_CONST) {
        *image = spatial_list(ctx, hw, given, sizes);
        float f[2] = {(float)hw[0], (float)hw[1]};
        int64_t n[2] = {(int64_t)hw[0], (int64_t)hw[1]};
        uint32_t first = x->shape.rank == 3;
        const int64_t length = x->shape.rank == 3 ? 1 : two;
        if (!*image || n[first] < 0) {
            return NNC_OK;
        }
        return sizes ? nnc_lower_const_i64(list, ctx, n + first, (size_t)length)
                     : nnc_lower_const(list, ctx, NNRT_F32, 1, &length, f + first,
                                       (size_t)length * sizeof *f);
    }
    *image = *image && spatial_only(ctx);
    if (!*image) {
        return NNC_OK;
    }
    uint32_t all;
    NNC_TRY(nnc_lower_input(&all, ctx, sizes ? 3 : 2, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_temp(list, ctx, sizes ? NNRT_I64 : NNRT_F32, 1));
    return nnc_lower_slice(ctx, all, *list, 0, 2, 4, 1);
}

static nnc_status lower_image(nnc_lower_ctx *ctx, uint32_t list)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_resize_params params = {
        .mode = nnc_node_choice(node, "mode", nnc_resize_modes),
        .coordinate =
            nnc_node_choice(node, "coordinate_transformation_mode", nnc_resize_coordinates),
        .nearest = nnc_node_choice(node, "nearest_mode", nnc_resize_roundings),
        .cubic_a = nnc_node_float(node, "cubic_coeff_a", -0.75f),
        .exclude_outside = nnc_node_int(node, "exclude_outside", 0) != 0,
    };
    /* Interpolated numbers are not on the grid: only nearest works on integers. */
    nnc_form form = params.mode == 0 ? nnc_lower_moving_form(ctx, 0, true) : NNC_FORM_NHWC;
    return nnc_lower_move(ctx, NNRT_ROP_ID_RESIZE, &params, sizeof params, &list, 1, form, form);
}

static nnc_status lower_any(nnc_lower_ctx *ctx, bool sizes)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    const int64_t *axes;
    size_t count = x->shape.rank;
    nnrt_resize_nd_params params = {
        .mode = nnc_node_choice(node, "mode", nnc_resize_modes),
        .coordinate =
            nnc_node_choice(node, "coordinate_transformation_mode", nnc_resize_coordinates),
        .nearest = nnc_node_choice(node, "nearest_mode", nnc_resize_roundings),
        .policy =
            sizes ? nnc_node_choice(node, "keep_aspect_ratio_policy", nnc_resize_policies) : 0,
        .antialias = nnc_node_int(node, "antialias", 0) != 0,
        .exclude_outside = nnc_node_int(node, "exclude_outside", 0) != 0,
        .cubic_a = nnc_node_float(node, "cubic_coeff_a", -0.75f),
        .extrapolation = nnc_node_float(node, "extrapolation_value", 0.0f),
    };
    nnc_node_ints(node, "axes", &axes, &count);
    params.axis_count = (uint32_t)count;
    for (uint32_t i = 0; i < params.axis_count && i < NNRT_RANK_MAX; i++) {
        params.axes[i] = nnc_resize_axis(node, i, x->shape.rank);
    }
    bool crop = params.coordinate == TF_CROP;
    nnc_form form =
        params.mode == 0 && !crop ? nnc_lower_moving_form(ctx, 0, false) : NNC_FORM_LOGICAL;
    uint32_t extra[2];
    NNC_TRY(nnc_lower_input_as(&extra[0], ctx, sizes ? 3 : 2, sizes ? NNRT_I64 : NNRT_F32));
    if (crop && !nnc_resize_given(nnc_lower_in_value(ctx, 1))) {
        return nnc_lower_fail(ctx, "tf_crop_and_resize without a roi");
    }
    if (crop) {
        NNC_TRY(nnc_lower_input_as(&extra[1], ctx, 1, NNRT_F32));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_RESIZE_ND, &params, sizeof params, extra, crop ? 2 : 1,
                          form, form);
}

nnc_status nnc_resize_lower(nnc_lower_ctx *ctx)
{
    bool sizes = nnc_resize_given(nnc_lower_in_value(ctx, 3)), image;
    uint32_t list = NNRT_NONE;
    NNC_TRY(nnc_lower_check_rank(ctx, 0));
    NNC_TRY(image_list(&image, &list, ctx, sizes));
    return image ? lower_image(ctx, list) : lower_any(ctx, sizes);
}
