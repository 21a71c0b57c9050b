/* Index tensors (i32 or i64, negative ones count from the end). SPDX-License-Identifier: Apache-2.0
 */
#ifndef NNRT_OPS_INDEX_H
#define NNRT_OPS_INDEX_H

#include "runtime_int8/ops/util.h"

static inline int64_t nnrt_index_raw(const nnrt_tensor *t, size_t i)
{
    return t->dtype == NNRT_I64 ? ((const int64_t *)t->data)[i] : ((const int32_t *)t->data)[i];
}

/* Position i points to in a dim of `dim` > 0 elements. An index outside is moved to its nearest
 * end, so that no input makes the runtime touch memory outside the tensor. */
static inline size_t nnrt_index_at(const nnrt_tensor *t, size_t i, int64_t dim)
{
    int64_t k = nnrt_index_raw(t, i);
    if (k < 0)
        k = k >= -dim ? k + dim : 0;
    return (size_t)(k < dim ? k : dim - 1);
}

/* Input i is i32 or i64. */
nnc_status nnrt_check_index_dtype(const nnrt_node_ctx *ctx, uint32_t i);
/* Indices first, first + step, ... of input i are within a dim of `dim`, if their values are known
 * now; and there are none of an empty dim. */
nnc_status nnrt_check_indices(const nnrt_node_ctx *ctx, uint32_t i, size_t first, size_t step,
                              int64_t dim);

#endif
