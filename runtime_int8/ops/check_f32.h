/* Checks shared by the FP32 product ops. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_CHECK_F32_H
#define NNRT_OPS_CHECK_F32_H

#include "runtime_int8/ops/rop.h"

/* Inputs x, w, [bias], [residual]: count, f32, w of groups * Np * k and bias of groups * Np
 * elements, Np = n rounded up to 16; flags 0 or 1. NNC_ERR_MODEL. */
nnc_status nnrt_check_product_f32(const nnrt_node_ctx *ctx, uint64_t groups, uint64_t k, uint64_t n,
                                  uint32_t has_bias, uint32_t has_residual);
/* In reshape: the residual has the shape of output 0. NNC_ERR_MODEL. */
nnc_status nnrt_check_residual_f32(const nnrt_node_ctx *ctx, uint32_t has_bias,
                                   uint32_t has_residual);

#endif
