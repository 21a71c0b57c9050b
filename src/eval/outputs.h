/* Outputs of a run as float numbers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_EVAL_OUTPUTS_H
#define NNC_EVAL_OUTPUTS_H

#include "exec/exec.h"

/* Output i of the last run; owned part only where the type is not float32. */
typedef struct nnc_eval_output {
    const char *name;
    const float *data; /* [count] */
    size_t count;
    nnrt_shape shape;
    bool real; /* float type, not integer or bool */
    nnc_tensor converted;
} nnc_eval_output;

nnc_status nnc_eval_output_get(nnc_eval_output *out, nnc_exec *exec, uint32_t i);
void nnc_eval_output_deinit(nnc_eval_output *output);

/* Number of classes if the output can be class scores of one sample: float, two numbers or more, in
 * one dim; else 0. */
size_t nnc_eval_output_classes(const nnc_eval_output *output);
/* Index of the largest number; the lowest index wins a tie, NaN never wins. */
size_t nnc_top1(const float *x, size_t n);
/* How many classes come before `label`: larger score, or equal score and lower index. NaN counts as
 * -infinity. */
size_t nnc_rank_of(const float *x, size_t n, size_t label);

#endif
