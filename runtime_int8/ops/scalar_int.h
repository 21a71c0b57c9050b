/* Functions of binary on integers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_SCALAR_INT_H
#define NNRT_OPS_SCALAR_INT_H

#include <stdint.h>

#include "nnrt.h"
#include "runtime_int8/ops/params.h"

/* op: nnrt_binary_op; a, b: values of an integer type or bool as int64 (u64: bits). The result is to be cut to the type. */
int64_t nnrt_binary_int(uint32_t op, nnrt_dtype dtype, int64_t a, int64_t b);

#endif
