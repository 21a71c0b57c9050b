/* dequantize_u8: the u8 grid to float. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"

void NNRT_BODY(dequantize_u8)(float *y, const uint8_t *x, size_t n, float scale, int32_t zero_point)
{
    NNRT_IVDEP
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(int32_t)((uint32_t)x[i] - (uint32_t)zero_point) * scale;
}
