/* Shape, Size, ConstantOfShape, Range: values made of shapes and scalars. SPDX-License-Identifier:
 * Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/op_util.h"

static const nnc_attr_schema shape_attrs[] = {
    NNC_A_INT_ANY("end"),
    NNC_A_INT_ANY("start"),
};

static int64_t clamp_axis(int64_t axis, int64_t rank)
{
    axis = axis < 0 ? axis + rank : axis;
    return axis < 0 ? 0 : axis > rank ? rank : axis;
}

static void shape_range(int64_t *start, int64_t *end, const nnc_node *node, int64_t rank)
{
    *start = clamp_axis(nnc_node_int(node, "start", 0), rank);
    *end = clamp_axis(nnc_node_int(node, "end", rank), rank);
    *end = *end < *start ? *start : *end;
}

static nnc_status shape_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    bool symbolic[NNC_RANK_MAX];
    int64_t start, end;
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, NNC_DTYPE_INT64, 1);
    }
    nnc_shape shape = x->shape;
    shape_range(&start, &end, nnc_infer_node(ctx), shape.rank);
    for (uint32_t d = 0; d < shape.rank; d++) {
        symbolic[d] = shape.dims[d] < 0;
    }
    return nnc_infer_output_ints(ctx, 0, shape.dims + start, symbolic + start,
                                 (size_t)(end - start), false);
}

/* The dims of the physical form, put in ONNX order: no transposition of the data for the sake of
 * its shape. */
static nnc_status emit_shape(uint32_t *out, nnc_lower_ctx *ctx, uint32_t final)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    int64_t start, end, order[NNC_RANK_MAX];
    uint32_t in[2], physical;
    bool nhwc = x->has_shape && nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    bool q8 = nnc_on_byte_grid(x);
    nnc_form form =
        nhwc ? (q8 ? NNC_FORM_Q8_NHWC : NNC_FORM_NHWC) : (q8 ? NNC_FORM_Q8 : NNC_FORM_LOGICAL);
    if (!x->has_shape) {
        const nnc_node *node = nnc_lower_node(ctx);
        start = nnc_node_int(node, "start", 0);
        end = nnc_node_int(node, "end", INT32_MAX);
        if (start < 0 || end < start || end > INT32_MAX) {
            return nnc_lower_fail(ctx, "dims counted from the end of an unknown rank");
        }
    } else if (nnc_node_is(nnc_lower_node(ctx), "Size")) {
        start = 0;
        end = x->shape.rank;
    } else {
        shape_range(&start, &end, nnc_lower_node(ctx), x->shape.rank);
    }
    nnrt_shape_params params = {.start = nhwc ? 0 : (int32_t)start,
                                .end = nhwc ? (int32_t)x->shape.rank : (int32_t)end};
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    if (!nhwc) {
        *out = final;
        return nnc_lower_emit(ctx, NNRT_ROP_ID_SHAPE, &params, sizeof params, in, 1, &final, 1);
    }
    NNC_TRY(nnc_lower_temp(&physical, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_SHAPE, &params, sizeof params, in, 1, &physical, 1));
    for (int64_t d = start; d < end; d++) {
        order[d - start] = nnc_lower_axis(d, x->shape.rank, true);
    }
    nnrt_axis_params axis = {.axis = 0};
    in[0] = physical;
    NNC_TRY(nnc_lower_const_i64(&in[1], ctx, order, (size_t)(end - start)));
    *out = final;
    return nnc_lower_emit(ctx, NNRT_ROP_ID_GATHER, &axis, sizeof axis, in, 2, &final, 1);
}

static nnc_status shape_lower(nnc_lower_ctx *ctx)
{
    uint32_t y;
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return emit_shape(&y, ctx, y);
}

const nnc_op nnc_op_Shape = {
    .domain = "",
    .name = "Shape",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(shape_attrs),
    .infer = shape_infer,
    .lower = shape_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_FLOAT,
};

static nnc_status size_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    const nnc_shape scalar = {.rank = 0};
    size_t count;
    if (x->has_shape && nnc_shape_count(&count, &x->shape)) {
        int64_t n = (int64_t)count;
        return nnc_infer_output_ints(ctx, 0, &n, NULL, 1, true);
    }
    return nnc_infer_output(ctx, 0, NNC_DTYPE_INT64, &scalar);
}

static nnc_status size_lower(nnc_lower_ctx *ctx)
{
    nnrt_reduce_params params = {.op = NNRT_REDUCE_PROD, .mask = 0, .keepdims = 0};
    uint32_t dims, y;
    NNC_TRY(nnc_lower_temp(&dims, ctx, NNRT_I64, 1));
    NNC_TRY(emit_shape(&dims, ctx, dims));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_REDUCE, &params, sizeof params, &dims, 1, &y, 1);
}

const nnc_op nnc_op_Size = {
    .domain = "",
    .name = "Size",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = size_infer,
    .lower = size_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- ConstantOfShape ---- */

static const nnc_attr_schema fill_attrs[] = {
    {"value", NNC_ATTR_TENSOR, false, NNC_UNCHECKED, NULL},
};

static nnc_status fill_known(nnc_infer_ctx *ctx, const nnc_attr *value, int64_t count)
{
    nnc_ints ints = {.count = (size_t)count};
    bool integer =
        value && (value->tensor.dtype == NNC_DTYPE_INT64 || value->tensor.dtype == NNC_DTYPE_INT32);
    if (!integer || count > NNC_KNOWN_MAX) {
        return NNC_OK;
    }
    for (size_t k = 0; k < ints.count; k++) {
        ints.data[k] = nnc_tensor_get_int(&value->tensor, 0);
        ints.symbolic[k] = false;
    }
    return nnc_infer_set_known(ctx, 0, &ints);
}

static nnc_status fill_infer(nnc_infer_ctx *ctx)
{
    const nnc_attr *value = nnc_node_attr(nnc_infer_node(ctx), "value");
    const nnc_value *s = nnc_infer_shaped(ctx, 0);
    nnc_dtype dtype = value ? value->tensor.dtype : NNC_DTYPE_FLOAT;
    nnc_ints dims;
    if (value && nnc_tensor_count(&value->tensor) != 1) {
        return nnc_infer_fail(ctx, "value has %zu elements, expected 1",
                              nnc_tensor_count(&value->tensor));
    }
    NNC_TRY(nnc_infer_check_vector(ctx, 0, -1, "shape"));
    if (s && s->shape.dims[0] > NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "shape has %" PRId64 " elements, at most %d fit",
                              s->shape.dims[0], NNC_RANK_MAX);
    }
    if (!nnc_infer_known(ctx, 0, &dims)) {
        return nnc_infer_output_unknown(ctx, 0, dtype, s ? (int)s->shape.dims[0] : -1);
    }
    nnc_shape y = {.rank = (uint32_t)dims.count};
    for (uint32_t d = 0; d < y.rank; d++) {
        if (!dims.symbolic[d] && dims.data[d] < 0) {
            return nnc_infer_fail(ctx, "dim %u is %" PRId64, (unsigned)d, dims.data[d]);
        }
        y.dims[d] = dims.data[d];
    }
    NNC_TRY(nnc_infer_output(ctx, 0, dtype, &y));
    bool list = y.rank == 0 || (y.rank == 1 && y.dims[0] >= 0);
    return list ? fill_known(ctx, value, y.rank == 0 ? 1 : y.dims[0]) : NNC_OK;
}

static nnc_status fill_lower(nnc_lower_ctx *ctx)
{
    const nnc_attr *value = nnc_node_attr(nnc_lower_node(ctx), "value");
    nnrt_fill_params params = {.dtype = value ? (uint32_t)value->tensor.dtype : NNRT_F32};
    if (value) {
        memcpy(&params.value, nnc_tensor_data(&value->tensor), nnc_tensor_bytes(&value->tensor));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_FILL, &params, sizeof params, NULL, 0, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_ConstantOfShape = {
    .domain = "",
    .name = "ConstantOfShape",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(fill_attrs),
    .infer = fill_infer,
    .lower = fill_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- Range ---- */

/* Number of steps of a float range, as ONNX defines it; -1 when it is no usable length. */
static int64_t float_steps(const nnc_infer_ctx *ctx)
{
    double v[3];
    for (uint32_t i = 0; i < 3; i++) {
        const nnc_value *x = nnc_infer_input(ctx, i);
        if (!x || x->kind != NNC_VALUE_CONST || nnc_tensor_count(&x->tensor) != 1) {
            return -1;
        }
        v[i] = nnc_tensor_get_double(&x->tensor, 0);
    }
    double steps = ceil((v[1] - v[0]) / v[2]);
    return steps <= 0 ? 0 : steps < NNC_DIM_LIMIT ? (int64_t)steps : -1;
}

static nnc_status range_infer(nnc_infer_ctx *ctx)
{
    nnc_ints v[3], y = {.count = 0};
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    bool known = dtype == NNC_DTYPE_INT64 || dtype == NNC_DTYPE_INT32;
    for (uint32_t i = 0; i < 3 && known; i++) {
        known = nnc_infer_known(ctx, i, &v[i]) && v[i].count == 1 && !v[i].symbolic[0];
    }
    if (!known) {
        int64_t steps =
            nnc_dtype_class_of((int)dtype) == NNC_DTYPE_CLASS_FLOAT ? float_steps(ctx) : -1;
        nnc_shape shape = {.rank = 1, .dims = {steps >= 0 ? steps : nnc_infer_fresh_dim(ctx)}};
        return nnc_infer_output(ctx, 0, dtype, &shape);
    }
    int64_t start = v[0].data[0], limit = v[1].data[0], delta = v[2].data[0];
    if (delta == 0) {
        return nnc_infer_fail(ctx, "delta is 0");
    }
    double steps = ceil(((double)limit - (double)start) / (double)delta);
    if (steps > NNC_DIM_LIMIT) {
        return nnc_infer_fail(ctx, "%.0f steps are too many", steps);
    }
    nnc_shape shape = {.rank = 1, .dims = {steps > 0 ? (int64_t)steps : 0}};
    NNC_TRY(nnc_infer_output(ctx, 0, dtype, &shape));
    if (shape.dims[0] > NNC_KNOWN_MAX) {
        return NNC_OK;
    }
    for (; y.count < (size_t)shape.dims[0]; y.count++) {
        y.data[y.count] = start + delta * (int64_t)y.count;
        y.symbolic[y.count] = false;
    }
    return nnc_infer_set_known(ctx, 0, &y);
}

static nnc_status range_lower(nnc_lower_ctx *ctx)
{
    uint32_t extra[2];
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&extra[1], ctx, 2, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_RANGE, NULL, 0, extra, 2, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_Range = {
    .domain = "",
    .name = "Range",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_NO_ATTRS,
    .infer = range_infer,
    .lower = range_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
