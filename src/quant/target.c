/* Table of targets. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "quant/quant.h"

#define NNC_TARGET(id, text, act, act_symmetric, wt, wt_max, bias, concat)                         \
    {.name = id,                                                                                   \
     .help = text,                                                                                 \
     .activation = NNC_DTYPE_##act,                                                                \
     .activation_symmetric = act_symmetric,                                                        \
     .weight = NNC_DTYPE_##wt,                                                                     \
     .weight_max = wt_max,                                                                         \
     .bias_int32 = bias,                                                                           \
     .concat_one_scale = concat},
static const nnc_target rows[] = {
#include "graph/targets.def"
};
#undef NNC_TARGET

const nnc_target *nnc_target_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const nnc_target *nnc_target_find(const char *name)
{
    for (size_t i = 0; nnc_target_row(i); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}
