/* The state of a run that can be resumed: statistics and results of finished steps. SPDX-License-Identifier: Apache-2.0
 * A folder beside the output, "<output without extension>.nncstate", with one file per finished step. Names and contents carry a key of
 * everything that went into the step: version of the tool, model, samples, preprocessing, options up to this step. What does not fit or is
 * damaged is told and done again. */
#ifndef NNC_PIPELINE_STATE_H
#define NNC_PIPELINE_STATE_H

#include "pipeline/pipeline.h"

/* Opens the state of a run whose model and data are loaded: makes the folder, removes what belongs to other inputs. Nothing unless the run
 * is to be resumable. Fails: NNC_ERR_IO, NNC_ERR_LIMIT. */
nnc_status nnc_state_open(nnc_run *run);
/* Puts the result of step i into the run if it was kept; *taken tells. Sets run->state_cache for the step otherwise. Fails: NNC_ERR_LIMIT. */
nnc_status nnc_state_take(bool *taken, nnc_run *run, size_t i);
/* Keeps the result of step i, which has just finished. */
nnc_status nnc_state_keep(nnc_run *run, size_t i);
/* Ends the state: removes it after success, tells where it is after anything else. */
void nnc_state_close(nnc_run *run, nnc_status status);

#endif
