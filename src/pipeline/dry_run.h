/* --dry-run: what a run would make, without calibration and without a file. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_DRY_RUN_H
#define NNC_PIPELINE_DRY_RUN_H

#include "pipeline/pipeline.h"

/* Writes "prediction" into the report of a run whose model and data are loaded: bytes of the result, share of multiply-accumulates in
 * integers, steps, files. Grids are set with made-up ranges, so that sizes and forms are right and no number is. Fails as the steps would
 * for their options. */
nnc_status nnc_dry_run(nnc_run *run);

#endif
