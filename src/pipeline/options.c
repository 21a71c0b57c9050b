/* Option groups. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/options.h"

#include "eval/task.h"

const char *const nnc_layout_choices[] = {"auto", "nchw", "nhwc", NULL};
const char *const nnc_isa_choices[] = {"best", "ref", "avx2", "avxvnni", "avx512vnni", NULL};
const char *const nnc_device_choices[] = {"cpu", "cuda", "auto", NULL};
const char *const nnc_nan_choices[] = {"error", "zero", "keep", NULL};

const char *const nnc_task_choices[] = {
    "classify",
#define NNC_TASK(id) #id,
#include "eval/tasks.def"
#undef NNC_TASK
    NULL,
};
const char *const nnc_head_choices[] = {
    "auto",
#define NNC_HEAD(id) #id,
#include "eval/heads.def"
#undef NNC_HEAD
    NULL,
};

nnc_task_options nnc_data_task(const nnc_data_flags *flags, size_t output)
{
    return (nnc_task_options){.task = flags->task ? nnc_task_find(nnc_task_choices[flags->task]) : NULL,
                              .head = flags->head ? nnc_head_choices[flags->head] : NULL,
                              .score = flags->box_score,
                              .overlap = flags->box_overlap,
                              .output = output};
}

uint32_t nnc_run_isa(const nnc_run_flags *flags)
{
    return flags->isa == 0 ? (uint32_t)NNRT_ISA_BEST : (uint32_t)flags->isa - 1;
}
