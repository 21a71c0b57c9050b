/* What the report needs to say where the result came from, so that it can be verified later. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_PROVENANCE_H
#define NNC_PIPELINE_PROVENANCE_H

#include "pipeline/pipeline.h"

/* Writes tool.created_ms (SOURCE_DATE_EPOCH where it is set; a bad value is NNC_ERR_USAGE) and options.data, options.shapes,
 * options.nan-weights. */
nnc_status nnc_provenance_start(nnc_run *run);
/* Reads both data sets once: data.*.manifest_sha256, data.overlap with its warning. */
nnc_status nnc_provenance_data(nnc_run *run);
/* One row of "trail": the graph as it is after `step`. */
void nnc_provenance_step(nnc_run *run, const char *step, double seconds);

/* The flags that a report's options.data, options.shapes and options.nan-weights stand for. Strings belong to the report; the list of
 * shapes is the caller's (nnc_option_list_deinit). Fails: NNC_ERR_DATA. */
nnc_status nnc_provenance_flags(nnc_data_flags *data, nnc_run_flags *run, const nnc_report *report);

#endif
