/* Parameters of QuantizeLinear and DequantizeLinear nodes. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "passes/qdq.h"

static bool integer_grid(nnc_dtype dtype)
{
    switch (dtype) {
    case NNC_DTYPE_UINT8:
    case NNC_DTYPE_INT8:
    case NNC_DTYPE_UINT16:
    case NNC_DTYPE_INT16:
    case NNC_DTYPE_INT32:
    case NNC_DTYPE_UINT4:
    case NNC_DTYPE_INT4:
    case NNC_DTYPE_UINT2:
    case NNC_DTYPE_INT2:
        return true;
    default:
        return false;
    }
}

bool nnc_qdq_is_activation_grid(const nnc_qparams *q)
{
    return nnc_qparams_per_tensor(q) && q->group == 0 &&
           (q->dtype == NNC_DTYPE_UINT8 || q->dtype == NNC_DTYPE_INT8);
}

/* Type of the integers: the zero point's, the input's (DQ), the attribute's (Q), or uint8. */
static nnc_dtype grid_dtype(const nnc_graph *graph, const nnc_node *node, const nnc_value *zero)
{
    if (zero) {
        return zero->dtype;
    }
    if (nnc_node_is(node, "DequantizeLinear")) {
        return nnc_graph_value_const(graph, node->inputs[0])->dtype;
    }
    int64_t given = nnc_node_int(node, "output_dtype", 0);
    return given != 0 ? (nnc_dtype)given : NNC_DTYPE_UINT8;
}

static nnc_status create_grid(nnc_qparams **out, const nnc_value *scale, const nnc_value *zero,
                              nnc_dtype dtype, int32_t axis, size_t count)
{
    float *s = nnc_calloc(count, sizeof *s);
    int32_t *z = nnc_calloc(count, sizeof *z);
    nnc_status status = s && z ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        s[i] = (float)nnc_tensor_get_double(&scale->tensor, i);
        z[i] = zero ? (int32_t)nnc_tensor_get_int(&zero->tensor, i) : 0;
    }
    if (status == NNC_OK) {
        status = nnc_qparams_create(out, dtype, axis, count, s, z);
    }
    nnc_free(s);
    nnc_free(z);
    return status;
}

/* Do the scales have x's shape with dim `axis` cut into blocks? */
static bool is_blocked_like(const nnc_value *scale, const nnc_value *x, int64_t axis, int64_t block)
{
    if (!x->has_shape || scale->shape.rank != x->shape.rank || axis < 0 ||
        axis >= (int64_t)x->shape.rank) {
        return false;
    }
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        int64_t dim = x->shape.dims[d];
        dim = d == (uint32_t)axis && dim > 0 ? (dim - 1) / block + 1 : dim;
        if (dim < 1 || scale->shape.dims[d] != dim) {
            return false;
        }
    }
    return true;
}

nnc_status nnc_qdq_read(nnc_qparams **out, const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
    const nnc_value *scale = nnc_graph_value_const(graph, node->inputs[1]);
    const nnc_value *zero = node->input_count > 2 && node->inputs[2] != NNC_ID_NONE
                                ? nnc_graph_value_const(graph, node->inputs[2])
                                : NULL;
    nnc_dtype dtype = grid_dtype(graph, node, zero);
    int64_t block = nnc_node_int(node, "block_size", 0);
    *out = NULL;
    if (!nnc_pass_is_plain_const(scale) || (zero && !nnc_pass_is_plain_const(zero)) ||
        (block == 0 && scale->shape.rank > 1) || !integer_grid(dtype) ||
        nnc_dtype_class_of((int)scale->dtype) != NNC_DTYPE_CLASS_FLOAT) {
        return NNC_OK;
    }
    size_t count = nnc_tensor_count(&scale->tensor);
    if (count == 0 || (zero && nnc_tensor_count(&zero->tensor) != count)) {
        return NNC_OK;
    }
    int64_t axis = nnc_node_int(node, "axis", 1);
    if (block > 0) {
        axis = axis < 0 && x->has_shape ? axis + x->shape.rank : axis;
        if (!is_blocked_like(scale, x, axis, block)) {
            return NNC_OK;
        }
    } else if (count > 1) {
        if (!x->has_shape) {
            return NNC_OK;
        }
        axis = axis < 0 ? axis + x->shape.rank : axis;
        if (axis < 0 || axis >= (int64_t)x->shape.rank || x->shape.dims[axis] != (int64_t)count) {
            return NNC_OK;
        }
    }
    bool along = block > 0 || count > 1;
    nnc_status status = create_grid(out, scale, zero, dtype, along ? (int32_t)axis : -1, count);
    if (status == NNC_OK) {
        (*out)->group = block;
    }
    if (status != NNC_OK) {
        char label[200];
        return nnc_error_prepend(status, "%s", nnc_node_label(label, sizeof label, graph, id));
    }
    return NNC_OK;
}
