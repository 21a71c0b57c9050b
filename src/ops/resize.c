/* Resize: nearest, linear and cubic interpolation of the spatial dims. SPDX-License-Identifier:
 * Apache-2.0 Inputs (X, roi, scales, sizes) in the form of opset 19. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/op_util.h"

static const char *const coordinate_choices[] = {
    "half_pixel",           "asymmetric",           "align_corners",      "pytorch_half_pixel",
    "tf_half_pixel_for_nn", "half_pixel_symmetric", "tf_crop_and_resize", NULL};
static const char *const mode_choices[] = {"nearest", "linear", "cubic", NULL};
static const char *const nearest_choices[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                              "ceil", NULL};
static const char *const policy_choices[] = {"stretch", "not_larger", "not_smaller", NULL};

static const nnc_attr_schema resize_attrs[] = {
    NNC_A_BOOL("antialias"),
    NNC_A_INTS("axes", -NNC_RANK_MAX, NNC_RANK_MAX),
    NNC_A_ENUM("coordinate_transformation_mode", coordinate_choices),
    NNC_A_FLOAT("cubic_coeff_a"),
    NNC_A_BOOL("exclude_outside"),
    NNC_A_FLOAT("extrapolation_value"),
    NNC_A_ENUM("keep_aspect_ratio_policy", policy_choices),
    NNC_A_ENUM("mode", mode_choices),
    NNC_A_ENUM("nearest_mode", nearest_choices),
};

static uint32_t choice(const nnc_node *node, const char *name, const char *const *choices)
{
    const char *text = nnc_node_string(node, name, choices[0]);
    uint32_t i = 0;
    while (choices[i] && strcmp(text, choices[i]) != 0) {
        i++;
    }
    return i;
}

/* An input that is present and not the empty placeholder tensor. */
static bool given(const nnc_value *v)
{
    return v && !(v->has_shape && v->shape.rank == 1 && v->shape.dims[0] == 0);
}

/* Axis of list element i. */
static uint32_t list_axis(const nnc_node *node, uint32_t i, uint32_t rank)
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
static void apply_policy(int64_t *sizes, const nnc_node *node, const nnc_shape *x, size_t count)
{
    uint32_t policy = choice(node, "keep_aspect_ratio_policy", policy_choices);
    double scale = 0;
    if (policy == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        double s = (double)sizes[i] / (double)x->dims[list_axis(node, (uint32_t)i, x->rank)];
        scale = i == 0 || (policy == 1 ? s < scale : s > scale) ? s : scale;
    }
    for (size_t i = 0; i < count; i++) {
        sizes[i] =
            (int64_t)floor(scale * (double)x->dims[list_axis(node, (uint32_t)i, x->rank)] + 0.5);
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
    bool stretch = choice(node, "keep_aspect_ratio_policy", policy_choices) == 0;
    for (size_t i = 0; i < count && known; i++) {
        int64_t in = x->shape.dims[list_axis(node, (uint32_t)i, x->shape.rank)];
        if (!sizes.symbolic[i] && sizes.data[i] < 0) {
            return nnc_infer_fail(ctx, "sizes[%zu] is %" PRId64, i, sizes.data[i]);
        }
        known &= stretch || (!sizes.symbolic[i] && in > 0);
    }
    if (known) {
        apply_policy(sizes.data, node, &x->shape, count);
    }
    for (size_t i = 0; i < count; i++) {
        y->dims[list_axis(node, (uint32_t)i, y->rank)] =
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
        uint32_t axis = list_axis(nnc_infer_node(ctx), (uint32_t)i, y->rank);
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
    bool scales = given(nnc_infer_input(ctx, 2)), sizes = given(nnc_infer_input(ctx, 3));
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

/* Spatial part of constant scales or sizes; fails when another axis is resized. *out: [2] H, W. */
static nnc_status spatial_list(nnc_lower_ctx *ctx, double out[2], const nnc_value *list,
                               const nnc_shape *x, bool sizes)
{
    const nnc_node *node = nnc_lower_node(ctx);
    int64_t wanted[NNC_RANK_MAX];
    size_t count = nnc_tensor_count(&list->tensor);
    out[0] = out[1] = sizes ? -1 : 1;
    for (size_t i = 0; sizes && i < count; i++) {
        wanted[i] = nnc_tensor_get_int(&list->tensor, i);
    }
    if (sizes && choice(node, "keep_aspect_ratio_policy", policy_choices) != 0) {
        if (!nnc_shape_is_static(x)) {
            return nnc_lower_fail(ctx, "keep_aspect_ratio_policy needs a fixed input shape");
        }
        apply_policy(wanted, node, x, count);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t axis = list_axis(node, (uint32_t)i, x->rank);
        double v = sizes ? (double)wanted[i] : nnc_tensor_get_double(&list->tensor, i);
        bool unchanged = sizes ? (double)x->dims[axis] == v : v == 1.0;
        if (axis >= 2) {
            out[axis + 4 - x->rank - 2] = v;
        } else if (!unchanged && !(sizes && axis == 0 && x->dims[0] < 0)) {
            return nnc_lower_fail(ctx, "resizing of dim %u cannot run", (unsigned)axis);
        }
    }
    for (uint32_t d = 0; d < 2; d++) {
        /* A spatial axis that the list does not name keeps its length. */
        uint32_t axis = x->rank == 3 ? 2 : d + 2;
        if (sizes && out[d] < 0) {
            out[d] = x->rank == 3 && d == 0 ? 1 : (double)x->dims[axis];
        }
        if (out[d] < 0) {
            return nnc_lower_fail(ctx, "dim %u is not constant", (unsigned)axis);
        }
    }
    return NNC_OK;
}

/* The second runtime input: f32 scales [2] or i64 sizes [2] of H and W. */
static nnc_status resize_operand(uint32_t *out, nnc_lower_ctx *ctx, bool sizes)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    const nnc_value *list = nnc_lower_in_value(ctx, sizes ? 3 : 2);
    const int64_t two = 2;
    double hw[2];
    if (list->kind == NNC_VALUE_CONST) {
        NNC_TRY(spatial_list(ctx, hw, list, &x->shape, sizes));
        float f[2] = {(float)hw[0], (float)hw[1]};
        int64_t n[2] = {(int64_t)hw[0], (int64_t)hw[1]};
        return sizes ? nnc_lower_const_i64(out, ctx, n, 2)
                     : nnc_lower_const(out, ctx, NNRT_F32, 1, &two, f, sizeof f);
    }
    const int64_t *axes;
    size_t count;
    if (x->shape.rank != 4 || nnc_node_ints(nnc_lower_node(ctx), "axes", &axes, &count) ||
        choice(nnc_lower_node(ctx), "keep_aspect_ratio_policy", policy_choices) != 0) {
        return nnc_lower_fail(ctx, "%s is not constant", sizes ? "sizes" : "scales");
    }
    uint32_t all;
    NNC_TRY(nnc_lower_input(&all, ctx, sizes ? 3 : 2, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_temp(out, ctx, sizes ? NNRT_I64 : NNRT_F32, 1));
    return nnc_lower_slice(ctx, all, *out, 0, 2, 4, 1);
}

/* [N,W,C] goes through [N,1,W,C]. */
static nnc_status resize_1d(nnc_lower_ctx *ctx, const nnrt_resize_params *params, uint32_t list,
                            nnc_form form)
{
    nnrt_axes_params axis = {.mask = 1u << 1};
    nnrt_dtype dtype = form == NNC_FORM_Q8_NHWC ? NNRT_U8 : NNRT_F32;
    uint32_t x, in[2] = {0, list}, wide, y;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, form));
    NNC_TRY(nnc_lower_temp(&in[0], ctx, dtype, 4));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_UNSQUEEZE, &axis, sizeof axis, &x, 1, &in[0], 1));
    NNC_TRY(nnc_lower_temp(&wide, ctx, dtype, 4));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_RESIZE, params, sizeof *params, in, 2, &wide, 1));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SQUEEZE, &axis, sizeof axis, &wide, 1, &y, 1);
}

static nnc_status resize_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnrt_resize_params params = {
        .mode = choice(node, "mode", mode_choices),
        .coordinate = choice(node, "coordinate_transformation_mode", coordinate_choices),
        .nearest = choice(node, "nearest_mode", nearest_choices),
        .cubic_a = nnc_node_float(node, "cubic_coeff_a", -0.75f),
        .exclude_outside = nnc_node_int(node, "exclude_outside", 0) != 0,
    };
    if (!x->has_shape || !nnc_rank_has_nhwc(x->shape.rank)) {
        return nnc_lower_fail(ctx, "input '%s' has %u dims, only 3 and 4 can run", x->name,
                              (unsigned)x->shape.rank);
    }
    if (params.coordinate == 6 || nnc_node_int(node, "antialias", 0)) {
        return nnc_lower_fail(ctx, params.coordinate == 6 ? "tf_crop_and_resize cannot run"
                                                          : "antialias cannot run");
    }
    /* Interpolated numbers are not on the grid: only nearest works on integers. */
    nnc_form form = params.mode == 0 ? nnc_lower_moving_form(ctx, 0, true) : NNC_FORM_NHWC;
    uint32_t list;
    NNC_TRY(resize_operand(&list, ctx, given(nnc_lower_in_value(ctx, 3))));
    if (x->shape.rank == 3) {
        return resize_1d(ctx, &params, list, form);
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_RESIZE, &params, sizeof params, &list, 1, form, form);
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
    .lower = resize_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_PRESERVE,
};
