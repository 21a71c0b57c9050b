/* Rules of a target in the report. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_TARGET_REPORT_H
#define NNC_PIPELINE_TARGET_REPORT_H

#include "pipeline/source.h"
#include "quant/target_check.h"
#include "reports/report.h"

/* Asks the target's rules about `graph` and writes counts and findings into `row`. counts [NNC_VERDICT_COUNT] may be NULL. */
nnc_status nnc_report_target(nnc_report_row *row, const nnc_graph *graph, const nnc_target *target, bool qoperator,
                             uint32_t *counts);

/* What `check --target` does with a loaded model: a row of "targets" for each target. A float model is judged as --int8 would leave it. Returns
 * NNC_OK when all arithmetic would run in integers, NNC_ERR_GATE when some would not, NNC_ERR_UNSUPPORTED for an unknown operator. */
nnc_status nnc_check_targets(nnc_report_row *root, const nnc_source *source, const nnc_target *const *targets, size_t count,
                             const nnc_run_flags *flags);

#endif
