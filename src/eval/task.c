/* The table of tasks. SPDX-License-Identifier: Apache-2.0 */
#include "eval/task.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const nnc_task *const rows[] = {
#define NNC_TASK(id) &nnc_task_##id,
#include "eval/tasks.def"
#undef NNC_TASK
};

const nnc_task *nnc_task_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? rows[i] : NULL;
}

const nnc_task *nnc_task_find(const char *name)
{
    const nnc_task *task;
    for (size_t i = 0; (task = nnc_task_row(i)) != NULL; i++) {
        if (strcmp(task->name, name) == 0) {
            return task;
        }
    }
    return NULL;
}

nnc_task_metric *nnc_task_add(nnc_task_result *result, const char *name, const char *label, const char *unit)
{
    assert(result->count < NNC_TASK_METRICS);
    nnc_task_metric *metric = &result->metrics[result->count++];
    *metric = (nnc_task_metric){name, label, unit, NAN, NAN, NAN};
    return metric;
}
