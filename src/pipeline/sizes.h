/* Where the bytes of a model are. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_SIZES_H
#define NNC_PIPELINE_SIZES_H

#include "graph/graph.h"
#include "reports/report.h"

/* Bytes of all constants that are used, with their scales. 0 when memory is short. */
uint64_t nnc_graph_weight_bytes(const nnc_graph *graph);

/* Writes size.map (bytes by kind, summing up to file_bytes) and size.why (why it is not smaller) from the compressed graph and
 * coverage.float_nodes. Nothing for a graph whose constants are larger than the file (packed otherwise). */
nnc_status nnc_report_size_map(nnc_report_row *root, const nnc_graph *graph, uint64_t file_bytes);

#endif
