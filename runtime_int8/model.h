/* A loaded plan. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_MODEL_H
#define NNRT_MODEL_H

#include "base/file.h"
#include "runtime_int8/cuda/device.h"
#include "runtime_int8/plan.h"

struct nnrt_model {
    nnrt_plan plan;
    nnc_file_map map;
    bool mapped;
    pthread_mutex_t lock; /* over devices */
    nnrt_device *devices; /* that sessions of this model have run on */
};

/* The model's part on device `index`, made on the first call. Fails as nnrt_device_open. */
nnc_status nnrt_model_device(nnrt_device **out, nnrt_model *model, uint32_t index);

#endif
