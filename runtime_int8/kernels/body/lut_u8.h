/* lut_u8: one table look-up per byte. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"

void NNRT_BODY(lut_u8)(uint8_t *y, const uint8_t *x, size_t n, const uint8_t *table)
{
    NNRT_IVDEP
    for (size_t i = 0; i < n; i++)
        y[i] = table[x[i]];
}
