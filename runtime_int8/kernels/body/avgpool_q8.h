/* avgpool_q8: requantized integer mean per channel. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

static inline void block(uint8_t *restrict y, const uint8_t *restrict x, const nnrt_k_taps *taps,
                         size_t n, const nnrt_k_avgpool_q8_args *a)
{
    int32_t sum[64];
    const int32_t zeros = (int32_t)((uint32_t)(taps->rows * taps->cols) * (uint32_t)a->zx);
    const float m = a->m, lo = a->lo, hi = a->hi;
    const int32_t zy = a->zy;
    for (size_t c = 0; c < n; c++)
        sum[c] = -zeros;
    for (size_t r = 0; r < taps->rows; r++) {
        const uint8_t *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride) {
            for (size_t c = 0; c < n; c++)
                sum[c] += v[c];
        }
    }
    for (size_t c = 0; c < n; c++)
        y[c] = (uint8_t)nnrt_round_clamp((float)sum[c] * m, lo, hi, zy);
}

void NNRT_BODY(avgpool_q8)(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps, size_t channels,
                           const nnrt_k_avgpool_q8_args *args)
{
    size_t c = 0;
    for (; c + 64 <= channels; c += 64)
        block(y + c, x + c, taps, 64, args);
    for (; c + 16 <= channels; c += 16)
        block(y + c, x + c, taps, 16, args);
    if (c < channels)
        block(y + c, x + c, taps, channels - c, args);
}
