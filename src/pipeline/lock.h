/* The lock file of a run: what went in and what came out. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_LOCK_H
#define NNC_PIPELINE_LOCK_H

#include "pipeline/pipeline.h"

/* Compares the run (model loaded, data read) with the lock file at `path`. Fails: NNC_ERR_USAGE naming the first input that changed,
 * expected and got; NNC_ERR_USAGE with file:line:column for a file that is no lock. */
nnc_status nnc_lock_check(const nnc_run *run, const char *path);
/* Compares the file that is about to be published. Fails: NNC_ERR_VERIFY. */
nnc_status nnc_lock_check_output(const nnc_run *run, const char *path);
/* SHA-256 of the model file, and of its external weights if it has some. */
void nnc_run_model_hash(char out[160], const nnc_run *run);
/* Writes the resolved recipe and the lock file of a published run. */
nnc_status nnc_lock_write(nnc_run *run);

#endif
