/* A report against the files and data that it names. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_VERIFY_H
#define NNC_PIPELINE_VERIFY_H

#include "base/log.h"
#include "pipeline/options.h"
#include "reports/report.h"

typedef struct nnc_verify_options {
    const char *source, *recipe;        /* NULL: the paths that the report names, where they exist */
    const char *data, *calib;           /* evaluation (calibration where there is none) and calibration data; NULL: as named */
    const char *labels, *classes;       /* NULL: as named */
    bool rerun;                         /* measure again and compare every count */
    bool strict;                        /* what cannot be checked is a mismatch */
    nnc_run_flags run;
} nnc_verify_options;

/* Recomputes the hashes of `model`, source, recipe and data, and the numbers that follow from others; with rerun the accuracy too.
 * *out: a report of kind "verify" with one row per check under "verify" (also set on NNC_ERR_VERIFY); the caller's. Fails: NNC_ERR_VERIFY when
 * something differs, NNC_ERR_USAGE (rerun without what it needs), NNC_ERR_IO (model cannot be read), NNC_ERR_LIMIT, NNC_ERR_CANCELLED. */
nnc_status nnc_verify(nnc_report **out, const nnc_report *report, const char *model,
                      const nnc_verify_options *options, const nnc_log *log);

#endif
