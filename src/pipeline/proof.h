/* What the result cost and gained, measured on the file that ships. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_PROOF_H
#define NNC_PIPELINE_PROOF_H

#include "pipeline/pipeline.h"

/* Evaluates `shipped` (reopened result; graph NULL for a plan) against run->source: accuracy or agreement, errors per layer, latency, sizes,
 * coverage, and writes all of it into the report. */
nnc_status nnc_proof(nnc_run *run, const nnc_source *shipped);

/* Samples that a proof runs on; indices NULL: all of the set. */
typedef struct nnc_proof_data {
    const nnc_dataset *set;
    const size_t *indices;
    size_t index_count;
} nnc_proof_data;

/* With --device: runs `shipped` there, holds its outputs to those of `cpu` bit by bit, and measures its latency. Fails: NNC_ERR_VERIFY
 * (other bits), NNC_ERR_DEVICE, NNC_ERR_UNSUPPORTED. */
nnc_status nnc_proof_device(nnc_run *run, const nnc_source *shipped, nnc_exec *cpu, const nnc_proof_data *data);

/* Before any work: whether the device that --device cuda asks for is there. Fails: NNC_ERR_DEVICE. */
nnc_status nnc_proof_device_check(const nnc_run_flags *flags);

/* Runs a sample through both: NNC_ERR_VERIFY, naming `who` ran b, unless all outputs have the same bits. */
nnc_status nnc_same_outputs(nnc_exec *a, nnc_exec *b, const nnc_sample *sample, const char *who);

/* Writes latency.<which>.* of the report. */
void nnc_report_latency(nnc_report_row *root, const char *which, const nnc_latency *latency);

#endif
