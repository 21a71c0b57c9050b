/* Shape arithmetic shared by the ops' infer functions. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"

const char *const nnc_auto_pad_choices[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};

bool nnc_node_ints(const nnc_node *node, const char *name, const int64_t **data, size_t *count)
{
    const nnc_attr *attr = nnc_node_attr(node, name);
    if (!attr || attr->type != NNC_ATTR_INTS) {
        return false;
    }
    *data = attr->ints;
    *count = attr->count;
    return true;
}

uint32_t nnc_node_choice(const nnc_node *node, const char *name, const char *const *choices)
{
    const char *text = nnc_node_string(node, name, choices[0]);
    uint32_t i = 0;
    while (choices[i] && strcmp(text, choices[i]) != 0) {
        i++;
    }
    return i;
}

nnc_status nnc_infer_check_indices(const nnc_infer_ctx *ctx, uint32_t i)
{
    nnc_dtype dtype = nnc_infer_dtype(ctx, i);
    if (dtype != NNC_DTYPE_INT64 && dtype != NNC_DTYPE_INT32 && dtype != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "indices are %s, expected int64 or int32",
                              nnc_dtype_name((int)dtype));
    }
    return NNC_OK;
}

nnc_status nnc_infer_axis(const nnc_infer_ctx *ctx, uint32_t *out, int64_t axis, uint32_t rank)
{
    if (axis < -(int64_t)rank || axis >= (int64_t)rank) {
        return nnc_infer_fail(ctx, "axis %" PRId64 " is out of range for rank %u", axis,
                              (unsigned)rank);
    }
    *out = (uint32_t)(axis < 0 ? axis + rank : axis);
    return NNC_OK;
}

nnc_status nnc_infer_axes_mask(const nnc_infer_ctx *ctx, uint32_t *mask, const int64_t *axes,
                               size_t count, uint32_t rank)
{
    *mask = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t axis = 0;
        NNC_TRY(nnc_infer_axis(ctx, &axis, axes[i], rank));
        if (*mask & (1u << axis)) {
            return nnc_infer_fail(ctx, "axis %" PRId64 " is given twice", axes[i]);
        }
        *mask |= 1u << axis;
    }
    return NNC_OK;
}

static bool is_named(const nnc_infer_ctx *ctx, int64_t dim)
{
    return nnc_graph_symbol_name(ctx->graph, dim)[0] != '\0';
}

/* Two dims under broadcasting; false when they cannot meet. */
static bool broadcast_dim(const nnc_infer_ctx *ctx, int64_t *a, int64_t b)
{
    if (*a == b || b == 1) {
        return true;
    }
    if (*a == 1) {
        *a = b;
        return true;
    }
    if (*a >= 0 && b >= 0) {
        return false;
    }
    if (*a < 0 && (b >= 0 || (!is_named(ctx, *a) && is_named(ctx, b)))) {
        *a = b;
    }
    return true;
}

nnc_status nnc_infer_broadcast(nnc_infer_ctx *ctx, nnc_shape *acc, const nnc_shape *b)
{
    nnc_shape y = acc->rank >= b->rank ? *acc : *b;
    const nnc_shape *small = acc->rank >= b->rank ? b : acc;
    uint32_t shift = y.rank - small->rank;
    for (uint32_t d = 0; d < small->rank; d++) {
        if (!broadcast_dim(ctx, &y.dims[d + shift], small->dims[d])) {
            char ta[256], tb[256];
            return nnc_infer_fail(ctx, "shapes %s and %s do not broadcast",
                                  nnc_shape_format(ta, sizeof ta, acc),
                                  nnc_shape_format(tb, sizeof tb, b));
        }
    }
    *acc = y;
    return NNC_OK;
}

nnc_status nnc_infer_broadcast_all(nnc_infer_ctx *ctx, nnc_dtype dtype)
{
    nnc_shape shape = {.rank = 0};
    for (uint32_t i = 0; i < nnc_infer_input_count(ctx); i++) {
        const nnc_value *v = nnc_infer_input(ctx, i);
        if (!v) {
            continue;
        }
        if (!v->has_shape) {
            return nnc_infer_output_unknown(ctx, 0, dtype, -1);
        }
        NNC_TRY(nnc_infer_broadcast(ctx, &shape, &v->shape));
    }
    return nnc_infer_output(ctx, 0, dtype, &shape);
}

nnc_status nnc_infer_same_dtype(const nnc_infer_ctx *ctx, uint32_t first)
{
    nnc_dtype dtype = nnc_infer_dtype(ctx, first);
    for (uint32_t i = first + 1; i < nnc_infer_input_count(ctx); i++) {
        nnc_dtype other = nnc_infer_dtype(ctx, i);
        if (dtype == NNC_DTYPE_UNDEFINED) {
            dtype = other;
        } else if (other != NNC_DTYPE_UNDEFINED && other != dtype) {
            return nnc_infer_fail(ctx, "inputs are %s and %s, expected one type",
                                  nnc_dtype_name((int)dtype), nnc_dtype_name((int)other));
        }
    }
    return NNC_OK;
}

nnc_status nnc_infer_same(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    return nnc_infer_output(ctx, 0, x->dtype, &x->shape);
}

nnc_status nnc_infer_same_bool(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, NNC_DTYPE_BOOL, -1);
    }
    return nnc_infer_output(ctx, 0, NNC_DTYPE_BOOL, &x->shape);
}

nnc_status nnc_infer_merge_dim(const nnc_infer_ctx *ctx, int64_t *dim, int64_t other,
                               const char *what)
{
    if (*dim >= 0 && other >= 0 && *dim != other) {
        return nnc_infer_fail(ctx, "%s is %" PRId64 ", expected %" PRId64, what, other, *dim);
    }
    if (*dim < 0 && (other >= 0 || (!is_named(ctx, *dim) && is_named(ctx, other)))) {
        *dim = other;
    }
    return NNC_OK;
}

nnc_status nnc_infer_check_vector(const nnc_infer_ctx *ctx, uint32_t i, int64_t dim,
                                  const char *what)
{
    const nnc_value *v = nnc_infer_shaped(ctx, i);
    if (!v) {
        return NNC_OK;
    }
    if (v->shape.rank != 1) {
        return nnc_infer_fail(ctx, "%s has %u dims, expected 1", what, (unsigned)v->shape.rank);
    }
    if (dim >= 0 && v->shape.dims[0] >= 0 && v->shape.dims[0] != dim) {
        return nnc_infer_fail(ctx, "%s has %" PRId64 " elements, expected %" PRId64, what,
                              v->shape.dims[0], dim);
    }
    return NNC_OK;
}

/* The op takes no other rank: so far unknown, it is this one or the run fails. */
static nnc_status take_rank(const nnc_infer_ctx *ctx, uint32_t i, uint32_t rank)
{
    const nnc_node *node = nnc_infer_node(ctx);
    nnc_shape shape = {.rank = rank};
    for (uint32_t d = 0; d < rank; d++) {
        NNC_TRY(nnc_graph_symbol(&shape.dims[d], ctx->graph, NULL));
    }
    nnc_value *v = nnc_graph_value(ctx->graph, node->inputs[i]);
    v->has_shape = true;
    v->shape = shape;
    return NNC_OK;
}

nnc_status nnc_infer_check_rank(const nnc_infer_ctx *ctx, uint32_t i, uint32_t lo, uint32_t hi)
{
    const nnc_value *any = nnc_infer_input(ctx, i);
    if (any && !any->has_shape && lo == hi) {
        return take_rank(ctx, i, lo);
    }
    const nnc_value *v = nnc_infer_shaped(ctx, i);
    if (v && (v->shape.rank < lo || v->shape.rank > hi)) {
        return nnc_infer_fail(ctx, "input '%s' has %u dims, expected %u to %u", v->name,
                              (unsigned)v->shape.rank, (unsigned)lo, (unsigned)hi);
    }
    return NNC_OK;
}

/* ---- windows ---- */

static const char *read_list(int64_t *out, const nnc_node *node, const char *name, size_t want,
                             int64_t fallback, const char *wrong)
{
    const int64_t *data;
    size_t count;
    bool given = nnc_node_ints(node, name, &data, &count);
    if (given && count != want) {
        return wrong;
    }
    for (size_t i = 0; i < want; i++) {
        out[i] = given ? data[i] : fallback;
    }
    return NULL;
}

static int auto_pad_mode(const nnc_node *node)
{
    const char *text = nnc_node_string(node, "auto_pad", "NOTSET");
    for (int i = 0; nnc_auto_pad_choices[i]; i++) {
        if (strcmp(text, nnc_auto_pad_choices[i]) == 0) {
            return i;
        }
    }
    return 0;
}

const char *nnc_window_read(nnc_window *out, const nnc_node *node, uint32_t spatial,
                            const int64_t *kernel)
{
    memset(out, 0, sizeof *out);
    out->spatial = spatial;
    if (spatial == 0 || spatial > NNC_RANK_MAX / 2) {
        return "input has no spatial dims, or too many";
    }
    int64_t pads[NNC_RANK_MAX];
    const char *wrong = read_list(out->kernel, node, "kernel_shape", spatial, kernel ? -1 : 0,
                                  "kernel_shape does not have one element per spatial dim");
    for (uint32_t d = 0; !wrong && d < spatial; d++) {
        if (kernel && kernel[d] >= 0) {
            wrong = out->kernel[d] >= 0 && out->kernel[d] != kernel[d]
                        ? "kernel_shape differs from the weight's dims"
                        : NULL;
            out->kernel[d] = kernel[d];
        }
        if (!wrong && out->kernel[d] == 0) {
            wrong = "kernel has no elements";
        }
    }
    wrong = wrong ? wrong
                  : read_list(out->stride, node, "strides", spatial, 1,
                              "strides does not have one element per spatial dim");
    wrong = wrong ? wrong
                  : read_list(out->dilation, node, "dilations", spatial, 1,
                              "dilations does not have one element per spatial dim");
    wrong = wrong ? wrong
                  : read_list(pads, node, "pads", (size_t)spatial * 2, 0,
                              "pads does not have two elements per spatial dim");
    for (uint32_t d = 0; !wrong && d < spatial; d++) {
        out->pad_begin[d] = pads[d];
        out->pad_end[d] = pads[d + spatial];
    }
    out->auto_pad = auto_pad_mode(node);
    out->ceil_mode = nnc_node_int(node, "ceil_mode", 0) != 0;
    return wrong;
}

int64_t nnc_window_out(const nnc_window *w, uint32_t d, int64_t in)
{
    int64_t stride = w->stride[d];
    if (w->auto_pad == 1 || w->auto_pad == 2) {
        return (in + stride - 1) / stride;
    }
    int64_t span = 0;
    if (!nnc_i64_mul(&span, w->dilation[d], w->kernel[d] - 1)) {
        return -1;
    }
    int64_t pads = w->auto_pad == 3 ? 0 : w->pad_begin[d] + w->pad_end[d];
    int64_t room = in + pads - span - 1;
    if (room < 0) {
        return -1;
    }
    int64_t out = (w->ceil_mode ? room + stride - 1 : room) / stride + 1;
    /* A window that starts in the end padding alone is dropped (ONNX, and every framework). */
    if (w->ceil_mode && (out - 1) * stride >= in + (w->auto_pad == 3 ? 0 : w->pad_begin[d])) {
        out--;
    }
    return out;
}

/* True if the output is as long as the input, whatever that is. */
static bool keeps_length(const nnc_window *w, uint32_t d)
{
    if (w->stride[d] != 1) {
        return false;
    }
    if (w->auto_pad == 1 || w->auto_pad == 2) {
        return true;
    }
    int64_t pads = w->auto_pad == 3 ? 0 : w->pad_begin[d] + w->pad_end[d];
    return w->kernel[d] > 0 && pads == w->dilation[d] * (w->kernel[d] - 1);
}

nnc_status nnc_infer_window(nnc_infer_ctx *ctx, nnc_shape *y, const nnc_shape *x,
                            const nnc_window *w)
{
    for (uint32_t d = 0; d < w->spatial; d++) {
        int64_t in = x->dims[d + 2];
        if (in < 0 || w->kernel[d] < 0) {
            y->dims[d + 2] = in < 0 && keeps_length(w, d) ? in : nnc_infer_fresh_dim(ctx);
            continue;
        }
        int64_t out = in == 0 ? 0 : nnc_window_out(w, d, in);
        if (out < 0 || (out == 0 && in > 0)) {
            return nnc_infer_fail(ctx,
                                  "window of %" PRId64 " (dilation %" PRId64
                                  ") does not fit an input of %" PRId64 " with padding %" PRId64
                                  " and %" PRId64,
                                  w->kernel[d], w->dilation[d], in, w->pad_begin[d], w->pad_end[d]);
        }
        y->dims[d + 2] = out;
    }
    return NNC_OK;
}
