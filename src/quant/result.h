/* Filling in nnc_quant_result. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_RESULT_H
#define NNC_QUANT_RESULT_H

#include "quant/internal.h"

/* result->calib is set. graph: quantized. */
nnc_status nnc_result_values(nnc_quant_result *result, const nnc_graph *graph, const nnc_scheme *scheme,
                             const nnc_range *ranges);
/* before: the float graph with the same node ids. */
nnc_status nnc_result_nodes(nnc_quant_result *result, const nnc_graph *before, const nnc_graph *graph,
                            const nnc_scheme *scheme);

#endif
