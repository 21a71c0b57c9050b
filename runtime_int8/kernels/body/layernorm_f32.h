/* layernorm_f32: mean and variance in the fixed lane order, then one pass. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"

void NNRT_BODY(layernorm_f32)(float *y, const float *x, size_t n, const float *scale,
                              const float *bias, float epsilon, int rms)
{
    float mean = rms ? 0.0f : lanes_row(LANES_SUM, x, n, 0.0f) / (float)n;
    float var = lanes_row(LANES_DEVIATION, x, n, mean) / (float)n;
    float inv = 1.0f / sqrtf(var + epsilon);
    NNRT_IVDEP
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * inv;
    if (scale != NULL) {
        for (size_t i = 0; i < n; i++)
            y[i] = y[i] * scale[i];
    }
    if (bias != NULL) {
        for (size_t i = 0; i < n; i++)
            y[i] = y[i] + bias[i];
    }
}
