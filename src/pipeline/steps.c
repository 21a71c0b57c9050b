/* The step table. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pipeline/pipeline.h"

#define STEP(name) extern const nnc_step nnc_step_##name;
#include "pipeline/steps.def"
#undef STEP

static const nnc_step *const steps[] = {
#define STEP(name) &nnc_step_##name,
#include "pipeline/steps.def"
#undef STEP
};

const nnc_step *nnc_step_row(size_t i)
{
    return i < sizeof(steps) / sizeof(steps[0]) ? steps[i] : NULL;
}

const nnc_step *nnc_step_find(const char *name)
{
    for (size_t i = 0; nnc_step_row(i); i++) {
        if (strcmp(steps[i]->name, name) == 0) {
            return steps[i];
        }
    }
    return NULL;
}
