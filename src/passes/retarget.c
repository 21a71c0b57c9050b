/* Grids of a quantized graph in the types that another reader takes, where that changes no number.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "passes/qdq.h"

/* "Conv 'conv1'" that makes the value, or "input". */
static const char *maker(char *buf, size_t bytes, const nnc_graph *graph, nnc_value_id v)
{
    nnc_node_id p = nnc_graph_value_const(graph, v)->producer;
    return p == NNC_ID_NONE ? "the model's input" : nnc_node_label(buf, bytes, graph, p);
}

static bool is_whole(const nnc_qparams *q)
{
    int32_t lo = q->dtype == NNC_DTYPE_INT8 ? -128 : 0;
    return q->qmin == lo && q->qmax == lo + 255;
}

/* The same grid with its integers moved by 128. */
static nnc_status move_grid(nnc_qparams **out, const nnc_qparams *q, nnc_dtype dtype)
{
    int32_t shift = dtype == NNC_DTYPE_INT8 ? -128 : 128;
    NNC_TRY(nnc_qparams_copy(out, q));
    (*out)->dtype = dtype;
    (*out)->qmin += shift;
    (*out)->qmax += shift;
    for (size_t i = 0; i < q->count; i++) {
        (*out)->zero_point[i] += shift;
    }
    return NNC_OK;
}

static bool is_byte(nnc_dtype dtype)
{
    return dtype == NNC_DTYPE_UINT8 || dtype == NNC_DTYPE_INT8;
}

static nnc_status move_activation(nnc_graph *graph, nnc_value_id v, const nnc_target *target)
{
    nnc_value *value = nnc_graph_value(graph, v);
    const nnc_qparams *q = value->qparams;
    char label[200];
    if (!nnc_qdq_is_activation_grid(q)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "%s: value '%s' has a grid of %s%s, which target %s has no form of",
                 maker(label, sizeof label, graph, v), value->name, nnc_dtype_name((int)q->dtype),
                 q->axis >= 0 ? " per channel" : "", target->name);
    }
    int32_t zero = q->zero_point[0] + (q->dtype == target->activation         ? 0
                                       : target->activation == NNC_DTYPE_INT8 ? -128
                                                                              : 128);
    if (target->activation_symmetric && zero != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "%s: value '%s' has zero point %d of %s, target %s takes 0 only; a new grid needs "
                 "data: --int8 "
                 "--requantize --calib PATH --target %s",
                 maker(label, sizeof label, graph, v), value->name, (int)q->zero_point[0],
                 nnc_dtype_name((int)q->dtype), target->name, target->name);
    }
    if (q->dtype == target->activation || !is_whole(q)) {
        return NNC_OK;
    }
    nnc_qparams *moved;
    NNC_TRY(move_grid(&moved, q, target->activation));
    nnc_value_set_qparams(value, moved);
    return NNC_OK;
}

static bool zeros_are(const nnc_qparams *q, int32_t zero)
{
    for (size_t i = 0; i < q->count; i++) {
        if (q->zero_point[i] != zero) {
            return false;
        }
    }
    return true;
}

/* u8 weights around 128 are s8 weights around 0; others stay, and the target's rules judge them. */
static nnc_status move_weight(nnc_graph *graph, nnc_value_id v, const nnc_target *target)
{
    nnc_value *value = nnc_graph_value(graph, v);
    const nnc_qparams *q = value->qparams;
    if (q->dtype != NNC_DTYPE_UINT8 || target->weight != NNC_DTYPE_INT8 || q->group != 0 ||
        value->tensor.dtype != NNC_DTYPE_UINT8 || !zeros_are(q, 128) || !is_whole(q)) {
        return NNC_OK;
    }
    nnc_tensor t = {0};
    nnc_qparams *moved;
    NNC_TRY(nnc_tensor_create(&t, NNC_DTYPE_INT8, &value->tensor.shape));
    const uint8_t *from = nnc_tensor_data(&value->tensor);
    uint8_t *to = nnc_tensor_data(&t);
    for (size_t i = 0; i < nnc_tensor_count(&t); i++) {
        to[i] = from[i] ^ 0x80u;
    }
    nnc_status status = move_grid(&moved, q, NNC_DTYPE_INT8);
    if (status != NNC_OK) {
        nnc_tensor_deinit(&t);
        return status;
    }
    nnc_value_set_tensor(value, &t);
    nnc_value_set_qparams(value, moved);
    return NNC_OK;
}

/* Would the integers of a bias come back from the floats that they stand for? */
static nnc_status check_bias(const nnc_graph *graph, nnc_node_id id, const nnc_target *target)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
    const nnc_value *w = nnc_graph_value_const(graph, node->inputs[1]);
    const nnc_value *b = node->input_count > 2 && node->inputs[2] != NNC_ID_NONE
                             ? nnc_graph_value_const(graph, node->inputs[2])
                             : NULL;
    if (!b || !b->qparams || b->tensor.dtype != NNC_DTYPE_INT32 || !x->qparams || !w->qparams ||
        (w->qparams->count != 1 && w->qparams->count != nnc_tensor_count(&b->tensor))) {
        return NNC_OK;
    }
    const nnc_qparams *q = b->qparams;
    for (size_t c = 0; c < nnc_tensor_count(&b->tensor); c++) {
        size_t s = q->count == 1 ? 0 : c, k = w->qparams->count == 1 ? 0 : c;
        int64_t integer = nnc_tensor_get_int(&b->tensor, c) - q->zero_point[s];
        float real = (float)integer * q->scale[s];
        double unit = (double)x->qparams->scale[0] * (double)w->qparams->scale[k];
        bool same_scale = q->scale[s] == x->qparams->scale[0] * w->qparams->scale[k];
        if (same_scale && llrint((double)real / unit) != integer) {
            char label[200];
            NNC_FAIL(NNC_ERR_UNSUPPORTED,
                     "%s: its int32 bias %lld of channel %zu has no float32 that gives it back, "
                     "and target %s takes "
                     "float biases",
                     nnc_node_label(label, sizeof label, graph, id), (long long)integer, c,
                     target->name);
        }
    }
    return NNC_OK;
}

nnc_status nnc_qdq_retarget(nnc_graph *graph, const nnc_target *target)
{
    for (nnc_node_id n = 0; !target->bias_int32 && n < nnc_graph_node_count(graph); n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        if (!node->dead && (nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm"))) {
            NNC_TRY(check_bias(graph, n, target));
        }
    }
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        if (value->dead || !value->qparams) {
            continue;
        }
        if (value->kind != NNC_VALUE_CONST) {
            NNC_TRY(move_activation(graph, v, target));
        } else if (is_byte(value->qparams->dtype)) {
            NNC_TRY(move_weight(graph, v, target));
        }
    }
    return nnc_graph_verify(graph);
}
