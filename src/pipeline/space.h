/* Space for all outputs, asked before any work. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_SPACE_H
#define NNC_PIPELINE_SPACE_H

#include "pipeline/pipeline.h"

/* The result is at most as large as the source and a tenth; reports grow with the number of nodes. Fails: NNC_ERR_IO ("needs N, has M"). */
nnc_status nnc_check_space(const nnc_recipe *recipe, const nnc_source *source);

#endif
