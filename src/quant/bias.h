/* Bias correction: a layer's bias takes up the mean error of its output channels. SPDX-License-Identifier: Apache-2.0
 * Two kinds, of which neither is always better; src/quant/quantize.c judges. */
#ifndef NNC_QUANT_BIAS_H
#define NNC_QUANT_BIAS_H

#include "quant/internal.h"

/* Most samples averaged over. */
#define NNC_BIAS_SAMPLES 32

/* graph: a choice applied to a clone of `reference`; gets new biases. Chain: mean outputs become the reference's with all layers
 * before quantized and corrected. Fails as running the graphs does. */
nnc_status nnc_bias_correct_chain(nnc_graph *graph, const nnc_graph *reference, const nnc_scheme *scheme,
                                  const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log);
/* Local: only the error that each layer makes itself, on the reference's inputs. */
nnc_status nnc_bias_correct_local(nnc_graph *graph, const nnc_graph *reference, const nnc_scheme *scheme,
                                  const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log);
/* Copies the biases of `corrected` (a corrected clone of `graph`) into graph. */
nnc_status nnc_bias_take(nnc_graph *graph, const nnc_graph *corrected, const nnc_scheme *scheme);

/* Conv and Gemm that run in integers and whose bias is absent or one constant per channel. */
bool nnc_bias_correctable(const nnc_graph *graph, const nnc_scheme *scheme, nnc_node_id id);
/* bias - shift [channels], as a constant of the node's own. */
nnc_status nnc_bias_shift(nnc_graph *graph, nnc_node_id id, const double *shift, size_t channels);

#endif
