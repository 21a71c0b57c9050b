/* What the result cost and gained, measured on the file that ships. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_PROOF_H
#define NNC_PIPELINE_PROOF_H

#include "pipeline/pipeline.h"

/* Evaluates `shipped` (reopened result; graph NULL for a plan) against run->source: accuracy or agreement, errors per layer, latency, sizes,
 * coverage, and writes all of it into the report. */
nnc_status nnc_proof(nnc_run *run, const nnc_source *shipped);

#endif
