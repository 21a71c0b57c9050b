/* Writing the result: beside its target, proven, then renamed into place. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_PUBLISH_H
#define NNC_PIPELINE_PUBLISH_H

#include "pipeline/pipeline.h"

/* Writes run->graph to the recipe's output (.onnx as QDQ for run->target, .nncp as plan), reopens the temporary file, compares it bit by bit
 * with the graph in memory, proves it (nnc_proof), renames it, and writes the report files. Fails: NNC_ERR_VERIFY, NNC_ERR_IO, ... and
 * leaves nothing behind; a report that cannot be written fails with NNC_ERR_IO after the model is published and says so. */
nnc_status nnc_publish(nnc_run *run);
/* The model file alone, without reports. */
nnc_status nnc_publish_model(nnc_run *run);

#endif
