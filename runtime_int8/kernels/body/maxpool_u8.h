/* maxpool_u8: largest byte per channel. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/kernels/body/body.h"

/* A block of channels stays in registers while the taps pass. */
static inline void block(uint8_t *restrict y, const uint8_t *restrict x, const nnrt_k_taps *taps,
                         size_t n)
{
    uint8_t best[64];
    memcpy(best, x, n);
    for (size_t r = 0; r < taps->rows; r++) {
        const uint8_t *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride) {
            for (size_t c = 0; c < n; c++)
                best[c] = v[c] > best[c] ? v[c] : best[c];
        }
    }
    memcpy(y, best, n);
}

void NNRT_BODY(maxpool_u8)(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps,
                           size_t channels)
{
    size_t c = 0;
    for (; c + 64 <= channels; c += 64)
        block(y + c, x + c, taps, 64);
    for (; c + 16 <= channels; c += 16)
        block(y + c, x + c, taps, 16);
    if (c < channels)
        block(y + c, x + c, taps, channels - c);
}
