/* The per-layer table of the report: error x time x bytes x bits. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_LAYERS_H
#define NNC_PIPELINE_LAYERS_H

#include "pipeline/pipeline.h"

/* Appends one row per computing layer of `graph` (the compressed model) to "layers": name, op, shape, macs, bits, errors against the source
 * on a few samples, times in both models, range and histogram of its output. */
nnc_status nnc_report_layers(nnc_run *run, const nnc_graph *graph, const nnc_dataset *data,
                             const size_t *indices, size_t index_count);

#endif
