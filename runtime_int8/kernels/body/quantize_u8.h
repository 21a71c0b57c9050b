/* quantize_u8: float to the u8 grid by true division. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

void NNRT_BODY(quantize_u8)(uint8_t *y, const float *x, size_t n, float scale, float lo, float hi,
                            int32_t zero_point)
{
    NNRT_IVDEP
    for (size_t i = 0; i < n; i++)
        y[i] = (uint8_t)nnrt_round_clamp(x[i] / scale, lo, hi, zero_point);
}
