/* Quantized constants: const->DQ and const->Q->DQ keep integers with an annotation, also through
 * data movement. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "passes/qdq.h"
#include "tensor/small.h"

/* The result of DequantizeLinear over constant integers: the integers, annotated. */
static nnc_status fold_dequantize(nnc_graph *graph, nnc_node_id id, size_t *changed)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
    nnc_value_id y = node->outputs[0];
    nnc_qparams *q;
    if (!nnc_pass_is_plain_const(x) || nnc_graph_is_output(graph, y)) {
        return NNC_OK;
    }
    NNC_TRY(nnc_qdq_read(&q, graph, id));
    if (!q || x->tensor.dtype != q->dtype) {
        nnc_qparams_destroy(q);
        return NNC_OK;
    }
    nnc_tensor t = nnc_tensor_ref(&x->tensor);
    nnc_pass_make_const(graph, y, &t);
    nnc_value *value = nnc_graph_value(graph, y);
    value->dtype = NNC_DTYPE_FLOAT;
    nnc_value_set_qparams(value, q);
    nnc_graph_remove_node(graph, id);
    (*changed)++;
    return NNC_OK;
}

/* QuantizeLinear of constant floats: constant integers. */
static nnc_status fold_quantize(nnc_graph *graph, nnc_node_id id, size_t *changed)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
    nnc_qparams *q;
    nnc_tensor t = {0};
    if (!nnc_pass_is_plain_const(x) || x->dtype != NNC_DTYPE_FLOAT ||
        nnc_graph_is_output(graph, node->outputs[0])) {
        return NNC_OK;
    }
    NNC_TRY(nnc_qdq_read(&q, graph, id));
    if (!q) {
        return NNC_OK;
    }
    nnc_status status = nnc_quantize_tensor(&t, &x->tensor, q);
    nnc_qparams_destroy(q);
    NNC_TRY(status);
    nnc_value_id y = node->outputs[0];
    nnc_pass_make_const(graph, y, &t);
    nnc_graph_value(graph, y)->dtype = nnc_graph_value(graph, y)->tensor.dtype;
    nnc_graph_remove_node(graph, id);
    (*changed)++;
    return NNC_OK;
}

/* ---- data movement of annotated constants ---- */

/* to = from with dims permuted, elements of `size` bytes. */
static void permute(void *to, const void *from, const nnc_shape *from_shape, const uint32_t *perm,
                    size_t size)
{
    uint32_t rank = from_shape->rank;
    size_t stride[NNC_RANK_MAX], at[NNC_RANK_MAX] = {0}, dims[NNC_RANK_MAX];
    size_t step = 1, count = 1, source = 0;
    for (uint32_t d = rank; d-- > 0;) {
        stride[d] = step;
        step *= (size_t)from_shape->dims[d];
    }
    for (uint32_t d = 0; d < rank; d++) {
        dims[d] = (size_t)from_shape->dims[perm[d]];
        count *= dims[d];
    }
    for (size_t i = 0; i < count; i++) {
        memcpy((uint8_t *)to + i * size, (const uint8_t *)from + source * size, size);
        for (uint32_t d = rank; d-- > 0;) {
            source += stride[perm[d]];
            if (++at[d] < dims[d]) {
                break;
            }
            source -= stride[perm[d]] * dims[d];
            at[d] = 0;
        }
    }
}

/* Elements below 8 bits are permuted as bytes. */
static nnc_status permute_packed(nnc_tensor *out, const nnc_tensor *x, const uint32_t *perm)
{
    size_t count = nnc_tensor_count(x);
    uint8_t *bytes = nnc_calloc(count ? count : 1, 2);
    if (!bytes) {
        return NNC_ERR_LIMIT;
    }
    nnc_small_unpack(bytes, (int)x->dtype, nnc_tensor_data(x), count);
    permute(bytes + count, bytes, &x->shape, perm, 1);
    nnc_small_pack(nnc_tensor_data(out), (int)x->dtype, bytes + count, count);
    nnc_free(bytes);
    return NNC_OK;
}

static nnc_status transpose_tensor(nnc_tensor *out, const nnc_tensor *x, const uint32_t *perm)
{
    nnc_shape shape = {.rank = x->shape.rank};
    for (uint32_t d = 0; d < shape.rank; d++) {
        shape.dims[d] = x->shape.dims[perm[d]];
    }
    NNC_TRY(nnc_tensor_create(out, x->dtype, &shape));
    unsigned bits = nnc_dtype_bits((int)x->dtype);
    if (bits < 8) {
        nnc_status status = permute_packed(out, x, perm);
        if (status != NNC_OK) {
            nnc_tensor_deinit(out);
        }
        return status;
    }
    permute(nnc_tensor_data(out), nnc_tensor_data(x), &x->shape, perm, bits / 8);
    return NNC_OK;
}

/* Scales and zero points of blocks lie as the elements do. */
static nnc_status transpose_blocks(nnc_qparams *q, const nnc_shape *shape, const uint32_t *perm)
{
    nnc_shape blocks = *shape;
    int64_t *dim = &blocks.dims[q->axis];
    *dim = *dim > 0 ? (*dim - 1) / q->group + 1 : 0;
    float *scale = nnc_calloc(q->count ? q->count : 1, sizeof *scale);
    int32_t *zero = nnc_calloc(q->count ? q->count : 1, sizeof *zero);
    if (!scale || !zero) {
        nnc_free(scale);
        nnc_free(zero);
        return NNC_ERR_LIMIT;
    }
    permute(scale, q->scale, &blocks, perm, sizeof *scale);
    permute(zero, q->zero_point, &blocks, perm, sizeof *zero);
    nnc_free(q->scale);
    nnc_free(q->zero_point);
    q->scale = scale;
    q->zero_point = zero;
    return NNC_OK;
}

/* Axis of the new shape that holds the same dim with the same number of elements in front; -1:
 * none. */
static int32_t reshaped_axis(const nnc_shape *from, const nnc_shape *to, int32_t axis)
{
    int64_t before = 1, seen = 1;
    for (int32_t d = 0; d < axis; d++) {
        before *= from->dims[d];
    }
    for (uint32_t d = 0; d < to->rank; d++) {
        if (seen == before && to->dims[d] == from->dims[axis]) {
            return (int32_t)d;
        }
        seen *= to->dims[d];
    }
    return -1;
}

static nnc_status move_transpose(nnc_tensor *out, nnc_qparams *q, const nnc_value *x,
                                 const nnc_node *node)
{
    const nnc_attr *attr = nnc_node_attr(node, "perm");
    uint32_t perm[NNC_RANK_MAX], rank = x->shape.rank;
    int32_t axis = q->axis;
    for (uint32_t d = 0; d < rank; d++) {
        perm[d] = attr ? (uint32_t)attr->ints[d] : rank - 1 - d;
    }
    if (q->group > 0) {
        NNC_TRY(transpose_blocks(q, &x->shape, perm));
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (axis >= 0 && perm[d] == (uint32_t)axis) {
            q->axis = (int32_t)d;
        }
    }
    return transpose_tensor(out, &x->tensor, perm);
}

/* False when the scales would have to be expanded: the node stays. */
static bool move_reshape(nnc_tensor *out, nnc_qparams *q, const nnc_value *x, const nnc_value *y)
{
    if (!y->has_shape || !nnc_shape_is_static(&y->shape)) {
        return false;
    }
    if (q->group > 0 && !nnc_shape_equal(&x->shape, &y->shape)) {
        return false;
    }
    if (q->axis >= 0) {
        q->axis = reshaped_axis(&x->shape, &y->shape, q->axis);
        if (q->axis < 0) {
            return false;
        }
    }
    *out = nnc_tensor_ref(&x->tensor);
    out->shape = y->shape;
    return true;
}

static bool is_reshape(const nnc_node *node)
{
    return nnc_node_is(node, "Reshape") || nnc_node_is(node, "Flatten") ||
           nnc_node_is(node, "Squeeze") || nnc_node_is(node, "Unsqueeze") ||
           nnc_node_is(node, "Identity");
}

static nnc_status fold_movement(nnc_graph *graph, nnc_node_id id, size_t *changed)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    bool transpose = nnc_node_is(node, "Transpose");
    const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
    const nnc_value *y = nnc_graph_value_const(graph, node->outputs[0]);
    if ((!transpose && !is_reshape(node)) || x->kind != NNC_VALUE_CONST || !x->qparams ||
        y->qparams || nnc_graph_is_output(graph, node->outputs[0])) {
        return NNC_OK;
    }
    nnc_qparams *q;
    nnc_tensor t = {0};
    NNC_TRY(nnc_qparams_copy(&q, x->qparams));
    nnc_status status = NNC_OK;
    bool moved = true;
    if (transpose) {
        status = move_transpose(&t, q, x, node);
    } else {
        moved = move_reshape(&t, q, x, y);
    }
    if (status != NNC_OK || !moved) {
        nnc_qparams_destroy(q);
        return status;
    }
    nnc_value_id id_y = node->outputs[0];
    nnc_pass_make_const(graph, id_y, &t);
    nnc_graph_value(graph, id_y)->dtype = NNC_DTYPE_FLOAT;
    nnc_value_set_qparams(nnc_graph_value(graph, id_y), q);
    nnc_graph_remove_node(graph, id);
    (*changed)++;
    return NNC_OK;
}

nnc_status nnc_qdq_fold_constants(nnc_graph *graph, size_t *changed)
{
    nnc_node_id *order;
    size_t count;
    NNC_TRY(nnc_graph_topo_order(&order, &count, graph));
    nnc_status status = NNC_OK;
    for (size_t k = 0; status == NNC_OK && k < count; k++) {
        const nnc_node *node = nnc_graph_node_const(graph, order[k]);
        if (!node->op || node->input_count == 0 || node->inputs[0] == NNC_ID_NONE) {
            continue;
        }
        if (nnc_node_is(node, "DequantizeLinear")) {
            status = fold_dequantize(graph, order[k], changed);
        } else if (nnc_node_is(node, "QuantizeLinear")) {
            status = fold_quantize(graph, order[k], changed);
        } else {
            status = fold_movement(graph, order[k], changed);
        }
    }
    nnc_free(order);
    return status;
}
