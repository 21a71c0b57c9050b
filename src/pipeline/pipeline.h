/* The steps of a compression run: recipe, step table, runner. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_PIPELINE_H
#define NNC_PIPELINE_PIPELINE_H

#include "base/log.h"
#include "base/option.h"
#include "eval/eval.h"
#include "graph/graph.h"
#include "quant/quant.h"

typedef struct nnc_run nnc_run; /* state of one run: graphs, data, report */

/* A step: a pass with parsed options, one line in steps.def. */
typedef struct nnc_step {
    const char *name, *help;
    const nnc_option *options; /* decision 9: one option table per step */
    size_t option_count, options_bytes;
    nnc_status (*run)(nnc_run *run, const void *options);
} nnc_step;
const nnc_step *nnc_step_find(const char *name);
const nnc_step *nnc_step_row(size_t i);

#endif
