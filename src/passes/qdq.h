/* Shared by the passes that read and write quantized forms. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PASSES_QDQ_H
#define NNC_PASSES_QDQ_H

#include "passes/pass_util.h"

/* Grid of a QuantizeLinear or DequantizeLinear node with constant parameters. *out stays NULL for
 * forms that remain nodes: scale not constant, blocks, float8 and other types without integer grid.
 * Fails: NNC_ERR_MODEL for a scale that is not positive and finite or a zero point outside its
 * type. */
nnc_status nnc_qdq_read(nnc_qparams **out, const nnc_graph *graph, nnc_node_id node);
/* One grid for the whole tensor of 8 bits: what activations are annotated with. */
bool nnc_qdq_is_activation_grid(const nnc_qparams *q);
/* Constants behind Q and DQ become annotated constants; annotated constants move through Transpose,
 * Reshape, Identity. */
nnc_status nnc_qdq_fold_constants(nnc_graph *graph, size_t *changed);
/* DynamicQuantizeLinear, MatMulInteger, Cast, Mul become MatMul on a dynamic nnc.Quant, and back. */
nnc_status nnc_qdq_fold_dynamic(nnc_graph *graph, size_t *changed);
nnc_status nnc_qdq_emit_dynamic(nnc_graph *graph);

#endif
