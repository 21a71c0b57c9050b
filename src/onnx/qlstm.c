/* com.microsoft.DynamicQuantizeLSTM as LSTM of the numbers that its weights stand for.
 * SPDX-License-Identifier: Apache-2.0 The operator is defined as LSTM with weights of 8 bits; that
 * its products round x and h to 8 bits as well is how one runtime computes it. Weights come as
 * [directions, inputs, 4 * hidden], LSTM takes [directions, 4 * hidden, inputs]. */
#include <stdio.h>

#include "onnx/qoperator.h"

enum { X, W, R, LSTM_INPUTS = 8, W_SCALE = 8, W_ZERO, R_SCALE, R_ZERO, INPUTS };

/* Scales or zero points, per direction or per direction and gate row, as they broadcast over the
 * weight. */
static nnc_status spread(nnc_value_id *out, nnc_graph *graph, const char *base, nnc_value_id v)
{
    static const int64_t axes[2] = {1, 2};
    const nnc_value *value = nnc_graph_value_const(graph, v);
    nnc_value_id list;
    if (!value->has_shape || value->shape.rank > 2) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has '%s', whose rank is not 0 to 2", value->name);
    }
    if (value->shape.rank == 0) {
        *out = v;
        return NNC_OK;
    }
    NNC_TRY(
        nnc_graph_add_const_i64(&list, graph, "axes", axes, value->shape.rank == 1 ? 2 : 1, false));
    return nnc_onnx_add_op(out, graph, base, "Unsqueeze", v, list);
}

static nnc_status cast(nnc_value_id *out, nnc_graph *graph, const char *base, nnc_value_id v)
{
    NNC_TRY(nnc_onnx_add_op(out, graph, base, "Cast", v, NNC_ID_NONE));
    return nnc_node_set_int(graph, nnc_graph_value_const(graph, *out)->producer, "to",
                            NNC_DTYPE_FLOAT);
}

/* ((float)w - (float)zero) * scale, transposed. */
static nnc_status weight(nnc_value_id *out, nnc_graph *graph, const char *base, nnc_value_id w,
                         nnc_value_id scale, nnc_value_id zero)
{
    static const int64_t perm[3] = {0, 2, 1};
    nnc_value_id y, z;
    NNC_TRY(cast(&y, graph, base, w));
    if (zero != NNC_ID_NONE) {
        NNC_TRY(cast(&z, graph, base, zero));
        nnc_graph_value(graph, z)->has_shape = nnc_graph_value_const(graph, zero)->has_shape;
        nnc_graph_value(graph, z)->shape = nnc_graph_value_const(graph, zero)->shape;
        NNC_TRY(spread(&z, graph, base, z));
        NNC_TRY(nnc_onnx_add_op(&y, graph, base, "Sub", y, z));
    }
    NNC_TRY(spread(&z, graph, base, scale));
    NNC_TRY(nnc_onnx_add_op(&y, graph, base, "Mul", y, z));
    NNC_TRY(nnc_onnx_add_op(out, graph, base, "Transpose", y, NNC_ID_NONE));
    return nnc_node_set_ints(graph, nnc_graph_value_const(graph, *out)->producer, "perm", perm, 3);
}

nnc_status nnc_onnx_qlstm(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    nnc_value_id in[INPUTS], made[LSTM_INPUTS];
    char base[256] = "lstm";
    uint32_t used = LSTM_INPUTS;
    for (uint32_t i = 0; i < INPUTS; i++) {
        in[i] = i < n->input_count ? n->inputs[i] : NNC_ID_NONE;
    }
    for (uint32_t i = 0; i < n->output_count; i++) {
        if (n->outputs[i] != NNC_ID_NONE) {
            snprintf(base, sizeof base, "%.250s",
                     nnc_graph_value_const(graph, n->outputs[i])->name);
            break;
        }
    }
    if (in[X] == NNC_ID_NONE || in[W] == NNC_ID_NONE || in[R] == NNC_ID_NONE ||
        in[W_SCALE] == NNC_ID_NONE || in[R_SCALE] == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks its input, a weight or a scale");
    }
    for (uint32_t i = 0; i < LSTM_INPUTS; i++) {
        made[i] = in[i];
    }
    NNC_TRY(weight(&made[W], graph, base, in[W], in[W_SCALE], in[W_ZERO]));
    NNC_TRY(weight(&made[R], graph, base, in[R], in[R_SCALE], in[R_ZERO]));
    while (made[used - 1] == NNC_ID_NONE) {
        used--;
    }
    NNC_TRY(nnc_node_set_op(graph, node, "", "LSTM"));
    return nnc_node_set_inputs(graph, node, made, used);
}
