/* Tensors of any type as float or double numbers and back. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_NUMBER_H
#define NNRT_OPS_NUMBER_H

#include "runtime_int8/ops/rop.h"

/* All elements of x into y, which is NNRT_F32 or NNRT_F64 (`number`). */
void nnrt_numbers_load(nnrt_pool *pool, void *y, nnrt_dtype number, const nnrt_tensor *x);
/* The other way: integers round to nearest even and saturate, NaN gives 0; anything but 0 is true.
 */
void nnrt_numbers_store(nnrt_pool *pool, const nnrt_tensor *y, const void *x, nnrt_dtype number);

#endif
