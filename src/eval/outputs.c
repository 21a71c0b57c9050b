/* Outputs of a run as float numbers. SPDX-License-Identifier: Apache-2.0 */
#include "eval/outputs.h"

#include <math.h>

#define CLASSES_MAX 100000

nnc_status nnc_eval_output_get(nnc_eval_output *out, nnc_exec *exec, uint32_t i)
{
    nnrt_io_info info;
    nnrt_view view;
    *out = (nnc_eval_output){0};
    NNC_TRY(nnrt_model_output(nnc_exec_model(exec), i, &info));
    NNC_TRY(nnrt_session_output(nnc_exec_session(exec), i, &view));
    out->name = info.name;
    out->shape = view.shape;
    out->count = 1;
    for (uint32_t d = 0; d < view.shape.rank; d++) {
        out->count *= (size_t)view.shape.dims[d];
    }
    out->real = nnc_dtype_class_of((int)view.dtype) == NNC_DTYPE_CLASS_FLOAT;
    if (view.dtype == NNRT_F32) {
        out->data = view.data;
        return NNC_OK;
    }
    nnc_tensor raw = {0};
    NNC_TRY(nnc_exec_tensor(&raw, &view));
    nnc_status status = nnc_tensor_convert(&out->converted, &raw, NNC_DTYPE_FLOAT);
    nnc_tensor_deinit(&raw);
    NNC_TRY(status);
    out->data = nnc_tensor_data(&out->converted);
    return NNC_OK;
}

void nnc_eval_output_deinit(nnc_eval_output *output)
{
    nnc_tensor_deinit(&output->converted);
}

size_t nnc_eval_output_classes(const nnc_eval_output *output)
{
    uint32_t wide = 0;
    for (uint32_t d = 0; d < output->shape.rank; d++) {
        wide += output->shape.dims[d] > 1;
    }
    return output->real && wide == 1 && output->count <= CLASSES_MAX ? output->count : 0;
}

static float score(float x)
{
    return isnan(x) ? -INFINITY : x;
}

size_t nnc_top1(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = score(x[i]) > score(x[best]) ? i : best;
    }
    return best;
}

size_t nnc_rank_of(const float *x, size_t n, size_t label)
{
    const float own = score(x[label]);
    size_t before = 0;
    for (size_t i = 0; i < n; i++) {
        before += score(x[i]) > own || (i < label && score(x[i]) == own);
    }
    return before;
}
