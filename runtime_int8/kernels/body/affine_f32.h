/* affine_f32: scale and shift per column, clamped. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"

static inline float bound(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
}

void NNRT_BODY(affine_f32)(float *y, const float *x, size_t rows, size_t cols, const float *a,
                           const float *b, float lo, float hi)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        NNRT_IVDEP
        for (size_t c = 0; c < cols; c++)
            y[c] = bound(x[c] * a[c] + b[c], lo, hi);
    }
}
