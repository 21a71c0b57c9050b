/* Resize: nearest, linear and cubic interpolation of the spatial dims. SPDX-License-Identifier:
 * Apache-2.0 Inputs (X, roi, scales, sizes) in the form of opset 19. */
#include <inttypes.h>
#include <math.h>

#include "ops/resize.h"

const char *const nnc_resize_coordinates[] = {
    "half_pixel",           "asymmetric",           "align_corners",      "pytorch_half_pixel",
    "tf_half_pixel_for_nn", "half_pixel_symmetric", "tf_crop_and_resize", NULL};
const char *const nnc_resize_modes[] = {"nearest", "linear", "cubic", NULL};
const char *const nnc_resize_roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil", NULL};
const char *const nnc_resize_policies[] = {"stretch", "not_larger", "not_smaller", NULL};

static const nnc_attr_schema resize_attrs[] = {
    NNC_A_BOOL("antialias"),
    NNC_A_INTS("axes", -NNC_RANK_MAX, NNC_RANK_MAX),
    NNC_A_ENUM("coordinate_transformation_mode", nnc_resize_coordinates),
    NNC_A_FLOAT("cubic_coeff_a"),
    NNC_A_BOOL("exclude_outside"),
    NNC_A_FLOAT("extrapolation_value"),
    NNC_A_ENUM("keep_aspect_ratio_policy", nnc_resize_policies),
    NNC_A_ENUM("mode", nnc_resize_modes),
    NNC_A_ENUM("nearest_mode", nnc_resize_roundings),
};

/* An input that is present and not the empty placeholder tensor. */
bool nnc_resize_given(const nnc_value *v)
{
    return v && !(v->has_shape && v->shape.rank == 1 && v->shape.dims[0] == 0);
}

/* Axis of list element i. */
uint32_t nnc_resize_axis(const nnc_node *node, uint32_t i, uint32_t rank)
{
    const int64_t *axes;
    size_t count;
    if (!nnc_node_ints(node, "axes", &axes, &count)) {
        return i;
    }
    return (uint32_t)(axes[i] < 0 ? axes[i] + rank : axes[i]);
}

static nnc_status check_list(nnc_infer_ctx *ctx, const nnc_value *list, size_t *count)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    const int64_t *axes;
    size_t n = x->shape.rank;
    uint32_t unused;
    if (nnc_node_ints(nnc_infer_node(ctx), "axes", &axes, &n)) {
        NNC_TRY(nnc_infer_axes_mask(ctx, &unused, axes, n, x->shape.rank));
    }
    if (list->has_shape && (list->shape.rank != 1 ||
                            (list->shape.dims[0] >= 0 && list->shape.dims[0] != (int64_t)n))) {
        return nnc_infer_fail(ctx, "%s does not have %zu elements",
                              list->dtype == NNC_DTYPE_INT64 ? "sizes" : "scales", n);
    }
    *count = n;
    return NNC_OK;
}

/* Both policies scale all named axes by one factor: the least, or the greatest, of the wanted ones.
 */
void nnc_resize_apply_policy(int64_t *sizes, const nnc_node *node, const nnc_shape *x, size_t count)
{
    uint32_t policy = nnc_node_choice(node, "keep_aspect_ratio_policy", nnc_resize_policies);
    double scale = 0;
    if (policy == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        double s = (double)sizes[i] / (double)x->dims[nnc_resize_axis(node, (uint32_t)i, x->rank)];
        scale = i == 0 || (policy == 1 ? s < scale : s > scale) ? s : scale;
    }
    for (size_t i = 0; i < count; i++) {
        sizes[i] = (int64_t)floor(
            scale * (double)x->dims[nnc_resize_axis(node, (uint32_t)i, x->rank)] + 0.5);
    }
}

static nnc_status resize_by_sizes(nnc_infer_ctx *ctx, nnc_shape *y)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    const nnc_node *node = nnc_infer_node(ctx);
    nnc_ints sizes;
    size_t count;
    NNC_TRY(check_list(ctx, nnc_infer_input(ctx, 3), &count));
    bool known = nnc_infer_known(ctx, 3, &sizes) && sizes.count == count;
    bool stretch = nnc_node_choice(node, "keep_aspect_ratio_policy", nnc_resize_policies) == 0;
    for (size_t i = 0; i < count && known; i++) {
        int64_t in = x->shape.dims[nnc_resize_axis(node, (uint32_t)i, x->shape.rank)];
        if (!sizes.symbolic[i] && sizes.data[i] < 0) {
            return nnc_infer_fail(ctx, "sizes[%zu] is %" PRId64, i, sizes.data[i]);
        }
        known &= stretch || (!sizes.symbolic[i] && in > 0);
    }
    if (known) {
        nnc_resize_apply_policy(sizes.data, node, &x->shape, count);
    }
    for (size_t i = 0; i < count; i++) {
        y->dims[nnc_resize_axis(node, (uint32_t)i, y->rank)] =
            known ? sizes.data[i] : nnc_infer_fresh_dim(ctx);
    }
    return NNC_OK;
}

static nnc_status resize_by_scales(nnc_infer_ctx *ctx, nnc_shape *y)
{
    const nnc_value *x = nnc_infer_input(ctx, 0), *scales = nnc_infer_input(ctx, 2);
    size_t count;
    NNC_TRY(check_list(ctx, scales, &count));
    for (size_t i = 0; i < count; i++) {
        uint32_t axis = nnc_resize_axis(nnc_infer_node(ctx), (uint32_t)i, y->rank);
        int64_t in = x->shape.dims[axis];
        if (scales->kind != NNC_VALUE_CONST) {
            y->dims[axis] = nnc_infer_fresh_dim(ctx);
            continue;
        }
        float scale = (float)nnc_tensor_get_double(&scales->tensor, i);
        if (!(scale > 0.0f) || !(scale < 1e9f)) {
            return nnc_infer_fail(ctx, "scales[%zu] is %g", i, (double)scale);
        }
        if (in < 0) {
            y->dims[axis] = scale == 1.0f ? in : nnc_infer_fresh_dim(ctx);
        } else {
            double length = floor((double)((float)in * scale));
            if (length > NNC_DIM_LIMIT) {
                return nnc_infer_fail(ctx, "dim %u becomes %.0f", (unsigned)axis, length);
            }
            y->dims[axis] = (int64_t)length;
        }
    }
    return NNC_OK;
}

static nnc_status resize_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    bool scales = nnc_resize_given(nnc_infer_input(ctx, 2)),
         sizes = nnc_resize_given(nnc_infer_input(ctx, 3));
    if (scales == sizes) {
        return nnc_infer_fail(ctx, scales ? "both scales and sizes are given"
                                          : "neither scales nor sizes are given");
    }
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    nnc_shape y = x->shape;
    NNC_TRY(sizes ? resize_by_sizes(ctx, &y) : resize_by_scales(ctx, &y));
    return nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &y);
}

const nnc_op nnc_op_Resize = {
    .domain = "",
    .name = "Resize",
    .min_in = 1,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(resize_attrs),
    .infer = resize_infer,
    .lower = nnc_resize_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_PRESERVE,
};
