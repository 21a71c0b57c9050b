/* Splits calibration samples by content. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_SPLIT_H
#define NNC_PIPELINE_SPLIT_H

#include "datasets/dataset.h"

typedef struct nnc_split {
    size_t *used, *held; /* sample indices, ascending */
    size_t used_count, held_count;
    uint64_t hash;       /* over the content of all samples, independent of order */
} nnc_split;

/* Reads all samples once. held_share: fraction kept back (those with the lowest content hashes); unreadable samples are in neither
 * part. With all samples equal, held ones are used as well. Fails: NNC_ERR_DATA, NNC_ERR_CANCELLED. */
nnc_status nnc_split_samples(nnc_split *out, const nnc_dataset *data, double held_share, const nnc_log *log);
void nnc_split_deinit(nnc_split *split);

#endif
