/* Softmax of runtime values. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_SOFTMAX_H
#define NNC_OPS_SOFTMAX_H

#include "ops/lower.h"

/* y = softmax of x along physical axis `axis`, or its logarithm; float32 or float64. */
nnc_status nnc_lower_softmax(nnc_lower_ctx *ctx, uint32_t y, uint32_t x, nnrt_dtype dtype,
                             uint32_t rank, uint32_t axis, bool log);

#endif
