/* From the internal form to older ones: attributes that came later must have the value that older
 * nodes imply, and constant inputs go back into attributes. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "onnx/steps.h"

static const nnc_node *node_of(const nnc_graph *graph, nnc_node_id node)
{
    return nnc_graph_node_const(graph, node);
}

nnc_status nnc_down_allowzero(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "allowzero", 0);
}

/* Attention: lengths of the keys came with 24, windows with 25. */
nnc_status nnc_down_attention_24(nnc_graph *graph, nnc_node_id node)
{
    if (nnc_step_has(graph, node, 6)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has nonpad_kv_seqlen");
    }
    return NNC_OK;
}

nnc_status nnc_down_attention_25(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_step_drop_int(graph, node, "left_window_size", -1));
    return nnc_step_drop_int(graph, node, "right_window_size", -1);
}

nnc_status nnc_down_batch_dims(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "batch_dims", 0);
}

nnc_status nnc_down_layout(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "layout", 0);
}

nnc_status nnc_down_saturate(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "saturate", 1);
}

nnc_status nnc_down_select_last(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "select_last_index", 0);
}

nnc_status nnc_down_ceil_mode(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "ceil_mode", 0);
}

nnc_status nnc_down_precision(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "precision", 0);
}

nnc_status nnc_down_bn_14(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_drop_int(graph, node, "training_mode", 0);
}

/* A STRING attribute that must be left at its old, implied value. */
static nnc_status drop_string(nnc_graph *graph, nnc_node_id node, const char *attr,
                              const char *newer, const char *implied)
{
    const char *have = nnc_node_string(node_of(graph, node), attr, newer);
    if (strcmp(have, implied) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has %s=%s", attr, have);
    }
    nnc_node_remove_attr(graph, node, attr);
    return NNC_OK;
}

nnc_status nnc_down_round_mode(nnc_graph *graph, nnc_node_id node)
{
    return drop_string(graph, node, "round_mode", "up", "up");
}

nnc_status nnc_down_depth_to_space(nnc_graph *graph, nnc_node_id node)
{
    return drop_string(graph, node, "mode", "DCR", "DCR");
}

nnc_status nnc_down_roi_align_16(nnc_graph *graph, nnc_node_id node)
{
    return drop_string(graph, node, "coordinate_transformation_mode", "half_pixel",
                       "output_half_pixel");
}

nnc_status nnc_down_reduction_18(nnc_graph *graph, nnc_node_id node)
{
    const char *have = nnc_node_string(node_of(graph, node), "reduction", "none");
    if (strcmp(have, "max") == 0 || strcmp(have, "min") == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has reduction=%s", have);
    }
    return NNC_OK;
}

nnc_status nnc_down_reduction_16(nnc_graph *graph, nnc_node_id node)
{
    return drop_string(graph, node, "reduction", "none", "none");
}

/* Every element of an INTS attribute must be `value`. */
static nnc_status drop_ints(nnc_graph *graph, nnc_node_id node, const char *attr, int64_t value)
{
    const nnc_attr *a = nnc_node_attr(node_of(graph, node), attr);
    for (size_t i = 0; a && a->type == NNC_ATTR_INTS && i < a->count; i++) {
        if (a->ints[i] != value) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has %s", attr);
        }
    }
    nnc_node_remove_attr(graph, node, attr);
    return NNC_OK;
}

nnc_status nnc_down_dilations(nnc_graph *graph, nnc_node_id node)
{
    return drop_ints(graph, node, "dilations", 1);
}

nnc_status nnc_down_lp_pool_18(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(drop_ints(graph, node, "dilations", 1));
    return nnc_step_drop_int(graph, node, "ceil_mode", 0);
}

nnc_status nnc_down_max_pool_10(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(drop_ints(graph, node, "dilations", 1));
    return nnc_step_drop_int(graph, node, "ceil_mode", 0);
}

nnc_status nnc_down_max_pool_8(nnc_graph *graph, nnc_node_id node)
{
    if (node_of(graph, node)->output_count > 1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it gives indices");
    }
    return nnc_step_drop_int(graph, node, "storage_order", 0);
}

/* Before opset 11 an axis counts from the front. */
static nnc_status axis_from_front(nnc_graph *graph, nnc_node_id node, int64_t fallback)
{
    const nnc_node *n = node_of(graph, node);
    int64_t axis = nnc_node_int(n, "axis", fallback);
    if (axis >= 0) {
        return NNC_OK;
    }
    const nnc_shape *shape = nnc_step_shape(graph, node, 0);
    if (!shape) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its axis counts from the back of an unknown rank");
    }
    return nnc_node_set_int(graph, node, "axis", axis + shape->rank);
}

nnc_status nnc_down_axis(nnc_graph *graph, nnc_node_id node)
{
    return axis_from_front(graph, node, 0);
}

/* OneHot: its default, -1, was allowed from the start, other negative axes were not. */
nnc_status nnc_down_axis_any(nnc_graph *graph, nnc_node_id node)
{
    int64_t axis = nnc_node_int(node_of(graph, node), "axis", -1);
    if (axis < -1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has axis=%lld", (long long)axis);
    }
    return NNC_OK;
}

nnc_status nnc_down_axes(nnc_graph *graph, nnc_node_id node)
{
    enum { AXES_MAX = 16 };
    const nnc_attr *a = nnc_node_attr(node_of(graph, node), "axes");
    const nnc_shape *shape = nnc_step_shape(graph, node, 0);
    int64_t axes[AXES_MAX], rank = shape ? (int64_t)shape->rank : 0;
    if (!a || a->type != NNC_ATTR_INTS || a->count > AXES_MAX) {
        return NNC_OK;
    }
    /* Unsqueeze counts in the output's rank. */
    rank += nnc_node_is(node_of(graph, node), "Unsqueeze") ? (int64_t)a->count : 0;
    for (size_t i = 0; i < a->count; i++) {
        axes[i] = a->ints[i] < 0 ? a->ints[i] + rank : a->ints[i];
        if (axes[i] < 0 || (a->ints[i] < 0 && !shape)) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "an axis counts from the back of an unknown rank");
        }
    }
    return nnc_node_set_ints(graph, node, "axes", axes, a->count);
}

nnc_status nnc_down_squeeze_13(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_step_input_to_ints(graph, node, 1, "axes"));
    return nnc_step_cut_inputs(graph, node, 1);
}

nnc_status nnc_down_reduce_axes(nnc_graph *graph, nnc_node_id node)
{
    const nnc_tensor *axes = nnc_step_const(graph, node, 1);
    bool none = !nnc_step_has(graph, node, 1) || (axes && nnc_tensor_count(axes) == 0);
    if (none && nnc_node_int(node_of(graph, node), "noop_with_empty_axes", 0) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has noop_with_empty_axes");
    }
    nnc_node_remove_attr(graph, node, "noop_with_empty_axes");
    if (!none) {
        NNC_TRY(nnc_step_input_to_ints(graph, node, 1, "axes"));
    }
    return nnc_step_cut_inputs(graph, node, 1);
}

/* A constant scalar input becomes a FLOAT attribute. */
static nnc_status input_to_float(nnc_graph *graph, nnc_node_id node, uint32_t i, const char *attr)
{
    if (!nnc_step_has(graph, node, i)) {
        return NNC_OK;
    }
    const nnc_tensor *t = nnc_step_const(graph, node, i);
    if (!t || nnc_tensor_count(t) != 1 || t->dtype != NNC_DTYPE_FLOAT) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its %s is not a constant float32 number", attr);
    }
    NNC_TRY(nnc_node_set_float(graph, node, attr, (float)nnc_tensor_get_double(t, 0)));
    return nnc_step_set_input(graph, node, i, NNC_ID_NONE);
}

nnc_status nnc_down_clip_11(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(input_to_float(graph, node, 1, "min"));
    NNC_TRY(input_to_float(graph, node, 2, "max"));
    return nnc_step_cut_inputs(graph, node, 1);
}

nnc_status nnc_down_dropout_12(nnc_graph *graph, nnc_node_id node)
{
    const nnc_tensor *training = nnc_step_const(graph, node, 2);
    if (nnc_step_has(graph, node, 2) && (!training || nnc_tensor_get_int(training, 0) != 0)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it is in training mode");
    }
    nnc_node_remove_attr(graph, node, "seed");
    NNC_TRY(input_to_float(graph, node, 1, "ratio"));
    return nnc_step_cut_inputs(graph, node, 1);
}

nnc_status nnc_down_gemm_11(nnc_graph *graph, nnc_node_id node)
{
    if (!nnc_step_has(graph, node, 2)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has no C");
    }
    return NNC_OK;
}

nnc_status nnc_down_broadcast(nnc_graph *graph, nnc_node_id node)
{
    const nnc_shape *first = nnc_step_shape(graph, node, 0);
    for (uint32_t i = 1; i < node_of(graph, node)->input_count; i++) {
        const nnc_shape *shape = nnc_step_shape(graph, node, i);
        if (!first || !shape || !nnc_shape_equal(first, shape)) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "its inputs are not of one known shape");
        }
    }
    return NNC_OK;
}

nnc_status nnc_down_slice_10(nnc_graph *graph, nnc_node_id node)
{
    const nnc_tensor *steps = nnc_step_const(graph, node, 4);
    if (nnc_step_has(graph, node, 4) && !steps) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its steps are computed");
    }
    for (size_t i = 0; steps && i < nnc_tensor_count(steps); i++) {
        if (nnc_tensor_get_int(steps, i) != 1) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has steps");
        }
    }
    NNC_TRY(nnc_step_input_to_ints(graph, node, 1, "starts"));
    NNC_TRY(nnc_step_input_to_ints(graph, node, 2, "ends"));
    NNC_TRY(nnc_step_input_to_ints(graph, node, 3, "axes"));
    return nnc_step_cut_inputs(graph, node, 1);
}

nnc_status nnc_down_pad_19(nnc_graph *graph, nnc_node_id node)
{
    if (strcmp(nnc_node_string(node_of(graph, node), "mode", ""), "wrap") == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has mode=wrap");
    }
    return NNC_OK;
}

/* Pads of the listed axes alone become pads of all. */
nnc_status nnc_down_pad_18(nnc_graph *graph, nnc_node_id node)
{
    if (!nnc_step_has(graph, node, 3)) {
        return NNC_OK;
    }
    const nnc_shape *shape = nnc_step_shape(graph, node, 0);
    const nnc_tensor *axes = nnc_step_const(graph, node, 3), *pads = nnc_step_const(graph, node, 1);
    size_t n = axes ? nnc_tensor_count(axes) : 0;
    if (!shape || !axes || !pads || nnc_tensor_count(pads) != 2 * n) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its axes are computed or of an unknown rank");
    }
    int64_t full[2 * NNC_RANK_MAX] = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t axis = nnc_tensor_get_int(axes, i);
        axis += axis < 0 ? (int64_t)shape->rank : 0;
        if (axis < 0 || axis >= (int64_t)shape->rank) {
            NNC_FAIL(NNC_ERR_MODEL, "axis %lld is outside of rank %u", (long long)axis,
                     (unsigned)shape->rank);
        }
        full[axis] = nnc_tensor_get_int(pads, i);
        full[axis + shape->rank] = nnc_tensor_get_int(pads, n + i);
    }
    char name[300];
    nnc_value_id id;
    uint32_t count = 2 * shape->rank;
    NNC_TRY(nnc_graph_add_const_i64(
        &id, graph, nnc_step_name(name, sizeof name, graph, node, "pads"), full, count, false));
    NNC_TRY(nnc_step_set_input(graph, node, 1, id));
    return nnc_step_cut_inputs(graph, node, 3);
}

nnc_status nnc_down_pad_11(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_step_input_to_ints(graph, node, 1, "pads"));
    NNC_TRY(input_to_float(graph, node, 2, "value"));
    return nnc_step_cut_inputs(graph, node, 1);
}

nnc_status nnc_down_shape_15(nnc_graph *graph, nnc_node_id node)
{
    if (nnc_node_attr(node_of(graph, node), "end")) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it has an end");
    }
    return nnc_step_drop_int(graph, node, "start", 0);
}

nnc_status nnc_down_topk_11(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(axis_from_front(graph, node, -1));
    NNC_TRY(nnc_step_drop_int(graph, node, "largest", 1));
    return nnc_step_drop_int(graph, node, "sorted", 1);
}

/* A constant input of one integer becomes an INT attribute. */
static nnc_status input_to_int(nnc_graph *graph, nnc_node_id node, uint32_t i, const char *attr)
{
    const nnc_tensor *t = nnc_step_const(graph, node, i);
    if (!t || nnc_tensor_count(t) != 1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its %s is computed", attr);
    }
    NNC_TRY(nnc_node_set_int(graph, node, attr, nnc_tensor_get_int(t, 0)));
    return nnc_step_cut_inputs(graph, node, i);
}

nnc_status nnc_down_topk_10(nnc_graph *graph, nnc_node_id node)
{
    return input_to_int(graph, node, 1, "k");
}

nnc_status nnc_down_dft_20(nnc_graph *graph, nnc_node_id node)
{
    if (!nnc_step_has(graph, node, 2)) {
        return nnc_node_set_int(graph, node, "axis", -2);
    }
    return input_to_int(graph, node, 2, "axis");
}

nnc_status nnc_down_grid_sample_20(nnc_graph *graph, nnc_node_id node)
{
    const char *mode = nnc_node_string(node_of(graph, node), "mode", "linear");
    const nnc_shape *shape = nnc_step_shape(graph, node, 0);
    if (!shape || shape->rank != 4) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "its input is not known to have rank 4");
    }
    return nnc_node_set_string(graph, node, "mode",
                               strcmp(mode, "linear") == 0  ? "bilinear"
                               : strcmp(mode, "cubic") == 0 ? "bicubic"
                                                            : mode);
}

/* Without sizes, opset 18 makes num_outputs equal parts with a smaller last one; before, parts must
 * be equal. */
nnc_status nnc_down_split_18(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = node_of(graph, node);
    int64_t parts = nnc_node_int(n, "num_outputs", n->output_count);
    if (nnc_step_has(graph, node, 1)) {
        return NNC_OK;
    }
    const nnc_shape *shape = nnc_step_shape(graph, node, 0);
    int64_t axis = nnc_node_int(n, "axis", 0);
    axis += axis < 0 && shape ? (int64_t)shape->rank : 0;
    int64_t dim = shape && axis >= 0 && axis < (int64_t)shape->rank ? shape->dims[axis] : -1;
    if (dim < 0 || parts <= 0 || dim % parts != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "it splits %lld elements into %lld parts", (long long)dim,
                 (long long)parts);
    }
    nnc_node_remove_attr(graph, node, "num_outputs");
    return NNC_OK;
}

nnc_status nnc_down_split_13(nnc_graph *graph, nnc_node_id node)
{
    NNC_TRY(nnc_step_input_to_ints(graph, node, 1, "split"));
    return nnc_step_cut_inputs(graph, node, 1);
}
