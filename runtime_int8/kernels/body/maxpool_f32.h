/* maxpool_f32: largest float per channel, NaN wins. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/kernels/body/body.h"

static inline void block(float *restrict y, const float *restrict x, const nnrt_k_taps *taps,
                         size_t n)
{
    float best[16];
    memcpy(best, x, n * sizeof *best);
    for (size_t r = 0; r < taps->rows; r++) {
        const float *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride) {
            for (size_t c = 0; c < n; c++)
                best[c] = v[c] <= best[c] || best[c] != best[c] ? best[c] : v[c];
        }
    }
    memcpy(y, best, n * sizeof *best);
}

void NNRT_BODY(maxpool_f32)(float *y, const float *x, const nnrt_k_taps *taps,
                            size_t channels)
{
    size_t c = 0;
    for (; c + 16 <= channels; c += 16)
        block(y + c, x + c, taps, 16);
    if (c < channels)
        block(y + c, x + c, taps, channels - c);
}
