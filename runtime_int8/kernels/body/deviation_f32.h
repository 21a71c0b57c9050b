/* deviation_f32: sums of squared differences from a mean, by column. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"

void NNRT_BODY(deviation_f32)(float *dev, const float *x, const float *mean, size_t n, size_t cols,
                              size_t stride)
{
    for (size_t c = 0; c < cols; c += LANES) {
        size_t part = cols - c < LANES ? cols - c : LANES;
        v16 m = v16_part(mean + c, part, v16_all(0.0f));
        v16 r = lanes_columns(LANES_DEVIATION, x + c, n, part, stride, m);
        float lane[LANES];
        v16_store(lane, r);
        memcpy(dev + c, lane, part * sizeof *dev);
    }
}
