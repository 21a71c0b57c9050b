/* Copies between strided views of any rank. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_STRIDED_H
#define NNRT_OPS_STRIDED_H

#include <stddef.h>

#include "runtime_int8/ops/rop.h"

#define NNRT_STRIDED_RANK 16u

/* y[sum i*ys] = x[sum i*xs] over all index tuples; strides in elements of `size` bytes, xs may be 0
 * or negative. */
typedef struct nnrt_strided {
    uint32_t rank;
    size_t size;
    size_t dims[NNRT_STRIDED_RANK];
    ptrdiff_t xs[NNRT_STRIDED_RANK], ys[NNRT_STRIDED_RANK];
    size_t rows, row_tile; /* rows of the innermost dim; how many make a task */
} nnrt_strided;

/* What reshape of slice, expand and tile leaves in ctx->state: y is `copy` of x from element `start`
 * on. */
typedef struct nnrt_strided_view {
    nnrt_strided copy;
    ptrdiff_t start;
} nnrt_strided_view;

void nnrt_strided_init(nnrt_strided *s, size_t size);
/* Appends a dim, outermost first; merges it with the one before where both sides allow. */
void nnrt_strided_dim(nnrt_strided *s, size_t dim, ptrdiff_t xs, ptrdiff_t ys);
/* After the last dim. */
void nnrt_strided_finish(nnrt_strided *s);
void nnrt_strided_run(const nnrt_strided *s, nnrt_pool *pool, void *y, const void *x);

#endif
