/* A loaded plan. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_MODEL_H
#define NNRT_MODEL_H

#include "base/file.h"
#include "runtime_int8/plan.h"

struct nnrt_model {
    nnrt_plan plan;
    nnc_file_map map;
    bool mapped;
};

#endif
