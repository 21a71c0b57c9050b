/* Tasks: what a model's outputs mean, and how well two models do it. SPDX-License-Identifier: Apache-2.0
 * One row of tasks.def per task; nnc_eval_accuracy feeds it every sample's outputs. */
#ifndef NNC_EVAL_TASK_H
#define NNC_EVAL_TASK_H

#include "datasets/dataset.h"
#include "eval/outputs.h"

typedef struct nnc_task nnc_task;

typedef struct nnc_task_options {
    const nnc_task *task; /* NULL: classes, by nnc_accuracy itself */
    const char *head;     /* detect: row of heads.def; NULL: by the outputs' sizes */
    double score;         /* detect: least score of a box that counts as found; 0: 0.3 */
    double overlap;       /* detect: boxes of a class that overlap more are one; 0: 0.5 */
    size_t output;        /* segment, tokens: which output */
} nnc_task_options;

/* A figure: of each model (a: the original, b: the compressed one), or of both together. NAN: there is none. */
typedef struct nnc_task_metric {
    const char *name;  /* "map", in reports */
    const char *label; /* "mAP 0.50:0.95", for people */
    const char *unit;  /* "%": a share from 0 to 1; "dB"; "boxes"; "" */
    double a, b, pair;
} nnc_task_metric;

#define NNC_TASK_METRICS 12
typedef struct nnc_task_result {
    const nnc_task *task; /* NULL: none */
    nnc_task_metric metrics[NNC_TASK_METRICS];
    size_t count;
    char how[160]; /* "head gfl, score >= 0.3, overlap 0.5" */
} nnc_task_result;
/* A metric for the caller to fill: all NAN. At most NNC_TASK_METRICS. */
nnc_task_metric *nnc_task_add(nnc_task_result *result, const char *name, const char *label, const char *unit);

struct nnc_task {
    const char *name, *help;
    /* State for data; options outlive it. USAGE, LIMIT. */
    nnc_status (*create)(void **state, const nnc_task_options *options, const nnc_dataset *data);
    /* Outputs of both models for a sample; b NULL: one model. USAGE (outputs of another form), DATA, LIMIT. */
    nnc_status (*sample)(void *state, const nnc_eval_output *a, const nnc_eval_output *b, uint32_t count, const nnc_sample *sample);
    nnc_status (*finish)(nnc_task_result *out, void *state);
    void (*destroy)(void *state); /* NULL accepted */
};

const nnc_task *nnc_task_row(size_t i);           /* NULL past the end */
const nnc_task *nnc_task_find(const char *name);  /* NULL if there is none */

#define NNC_TASK(id) extern const nnc_task nnc_task_##id;
#include "eval/tasks.def"
#undef NNC_TASK

#endif
