/* Joining of updates with what is there, for the scatter ops. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NNRT_OPS_SCATTER_OP_H
#define NNRT_OPS_SCATTER_OP_H

#include <stddef.h>

#include "runtime_int8/ops/rop.h"

/* y[i] = y[i] op x[i]. Integers wrap, bool adds as or and multiplies as and, a NaN stays. */
typedef void nnrt_scatter_fn(void *y, const void *x, size_t n);
/* Function of nnrt_scatter_op `op` for a type; NULL if there is none. */
nnrt_scatter_fn *nnrt_scatter_find(nnrt_dtype dtype, uint32_t op);

#endif
