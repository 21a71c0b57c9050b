/* The integers that an evaluation gives: equal on every machine. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_COUNTS_H
#define NNC_PIPELINE_COUNTS_H

#include "eval/eval.h"
#include "reports/report.h"

/* Writes accuracy.samples, .right_fp32, ... and accuracy.classes. */
void nnc_counts_report(nnc_report_row *root, const nnc_accuracy *accuracy, const nnc_dataset *data);

/* Called for every count of `accuracy`: its path in the report, what the report has (has: false if nothing), and what was measured. */
typedef void nnc_counts_fn(void *user, const char *path, bool has, int64_t expected, int64_t got);
void nnc_counts_compare(const nnc_report_row *root, const nnc_accuracy *accuracy, nnc_counts_fn *call, void *user);

/* Writes accuracy.task and accuracy.figures of the report; nothing without a task. */
void nnc_task_report(nnc_report_row *root, const nnc_task_result *task);

#endif
