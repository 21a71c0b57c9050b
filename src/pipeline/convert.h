/* A quantized model for another reader, without data. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_CONVERT_H
#define NNC_PIPELINE_CONVERT_H

#include "pipeline/options.h"
#include "reports/report.h"

typedef struct nnc_convert_options {
    const char *target, *output;
    const char *data;  /* samples on which both files must give the same bits; NULL: random numbers */
    int64_t samples;
    bool force;
    nnc_data_flags data_flags;
    nnc_run_flags run;
} nnc_convert_options;

/* Writes `model` with the grids, types and opset that the target reads, and changes no number: the written file is reopened, held to the
 * target's rules and run against `model`, bit by bit, before it is renamed into place. Fills the report. Fails: NNC_ERR_USAGE (not
 * quantized), NNC_ERR_UNSUPPORTED (the target has no form of it; the message names node and reason), NNC_ERR_VERIFY. */
nnc_status nnc_convert(nnc_report *report, const char *model, const nnc_convert_options *options, const nnc_log *log);

#endif
