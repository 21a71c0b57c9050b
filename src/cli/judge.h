/* Gates of the verbs that measure models as they are. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_JUDGE_H
#define NNC_CLI_JUDGE_H

#include "cli/common.h"
#include "pipeline/gates.h"

/* What a verb measured. Everything is borrowed. */
typedef struct nnc_judged {
    const nnc_gates *gates;
    const nnc_source *original, *model; /* original: NULL with one model */
    nnc_exec *original_exec, *exec;
    const nnc_dataset *data;
    const nnc_accuracy *accuracy;
    const nnc_run_flags *run;
    double bench_seconds; /* per model, only where a gate asks for the latency */
} nnc_judged;

/* Adds tool, environment, sizes, memory, latency, gates and verdict to the report. */
nnc_status nnc_cli_judge(const nnc_cli *cli, nnc_report *report, const nnc_judged *judged);
/* The end of every verb that judges: JSON, or gates and the last line after the text that is out already. NNC_ERR_GATE unless every gate
 * passed. */
nnc_status nnc_cli_finish(const nnc_cli *cli, nnc_report *report, bool json);

/* Writes the figures of accuracy's task into the report, and to standard output unless json; nothing without a task. */
nnc_status nnc_cli_figures(nnc_report_row *root, bool json, const nnc_accuracy *accuracy);

#endif
