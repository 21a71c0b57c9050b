/* Graphs to bytes and back. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_GRAPH_ARCHIVE_H
#define NNC_GRAPH_ARCHIVE_H

#include "base/archive.h"
#include "graph/graph.h"

/* Writes *graph, or reads it: ids, names, symbols, attributes, tensors and grids are kept to the bit, so that what is computed from the
 * copy has the same bytes. node->op is NULL in a graph that was read (src/ops binds it). Fails: NNC_ERR_DATA, NNC_ERR_LIMIT;
 * NNC_ERR_UNSUPPORTED for tensors of strings. */
nnc_status nnc_graph_archive(nnc_graph **graph, nnc_archive *a);

#endif
