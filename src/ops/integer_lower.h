/* Shared by the ops whose inputs are integers with grids of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_INTEGER_LOWER_H
#define NNC_OPS_INTEGER_LOWER_H

#include "ops/lower.h"

/* Input i is uint8 or int8, where its type is known. */
nnc_status nnc_infer_bytes(const nnc_infer_ctx *ctx, uint32_t i, const char *what);
/* The zero point has the type of input x; either may be missing. */
nnc_status nnc_infer_zero_point(const nnc_infer_ctx *ctx, uint32_t x, uint32_t zero);

/* Inputs slots[0..count) in the ONNX order of dims. */
nnc_status nnc_lower_logical_inputs(uint32_t *out, nnc_lower_ctx *ctx, const uint32_t *slots,
                                    uint32_t count);
/* Output 0 from an int32 accumulator. slots: inputs that are the scales of x, w and y, and y's zero point. bias_slot: an
 * int32 bias that may be omitted, 0 for none. axis: of the scales of w and of the bias; -1: one scale. */
nnc_status nnc_lower_requantize(nnc_lower_ctx *ctx, uint32_t acc, const uint32_t slots[4],
                                uint32_t bias_slot, int32_t axis);

#endif
