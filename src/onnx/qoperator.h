/* Rewriting contributed quantized operators as standard ones: shared by the files that do it. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_ONNX_QOPERATOR_H
#define NNC_ONNX_QOPERATOR_H

#include "graph/graph.h"

/* A node of the default domain with one or two inputs (b NNC_ID_NONE: one) and a new value named after `base`. */
nnc_status nnc_onnx_add_op(nnc_value_id *out, nnc_graph *graph, const char *base, const char *op, nnc_value_id a, nnc_value_id b);
/* DequantizeLinear of integers, scale, zero point (may be NNC_ID_NONE). */
nnc_status nnc_onnx_add_dequantize(nnc_value_id *out, nnc_graph *graph, const char *base, const nnc_value_id triple[3],
                                   int64_t axis);
/* com.microsoft.QAttention as product, bias, heads, Softmax and product. NNC_ERR_UNSUPPORTED for a past and lists of lengths. */
nnc_status nnc_onnx_qattention(nnc_graph *graph, nnc_node_id node);
/* com.microsoft.DynamicQuantizeLSTM as LSTM. */
nnc_status nnc_onnx_qlstm(nnc_graph *graph, nnc_node_id node);

#endif
