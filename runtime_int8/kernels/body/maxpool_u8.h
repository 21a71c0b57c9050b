/* maxpool_u8: largest byte per channel. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/kernels/body/body.h"

typedef uint8_t v64u __attribute__((vector_size(64)));

/* A block of channels stays in registers while the taps pass. */
static inline void block(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps, size_t n)
{
    v64u best = {0}, v = {0};
    memcpy(&best, x, n);
    for (size_t r = 0; r < taps->rows; r++) {
        const uint8_t *p = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, p += taps->col_stride) {
            memcpy(&v, p, n);
            v64u keep = (v64u)(v <= best);
            best = (keep & best) | (~keep & v);
        }
    }
    memcpy(y, &best, n);
}

void NNRT_BODY(maxpool_u8)(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps, size_t channels)
{
    size_t c = 0;
    for (; c + 64 <= channels; c += 64)
        block(y + c, x + c, taps, 64);
    for (; c + 16 <= channels; c += 16)
        block(y + c, x + c, taps, 16);
    if (c < channels)
        block(y + c, x + c, taps, channels - c);
}
