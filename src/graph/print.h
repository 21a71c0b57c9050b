/* Text form of a graph, one node per line, for debugging and inspect. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_GRAPH_PRINT_H
#define NNC_GRAPH_PRINT_H

#include "base/str.h"
#include "graph/graph.h"

/* Appends "%y: float32[N,64,56,56] q(u8 s=0.02 z=114) = Conv(%x, %w, %b) {strides=[1,1]}  # conv1". Names are escaped. */
nnc_status nnc_graph_print(nnc_str *out, const nnc_graph *graph);

#endif
