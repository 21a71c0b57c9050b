/* maxpool_u8: largest byte per channel. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/kernels/body/body.h"

#include "runtime_int8/kernels/body/lanes.h"

/* A block of channels: 64 in the tier's widest vectors, or 16 in one small one. */
#define WIDE 64u
#define SMALL 16u
typedef uint8_t bytes_wide __attribute__((vector_size(LANES_VECTOR)));
typedef uint8_t bytes_small __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) void block_wide(uint8_t *y, const uint8_t *x,
                                                             const nnrt_k_taps *taps)
{
    bytes_wide best[LANES_PARTS] = {{0}};
    for (size_t r = 0; r < taps->rows; r++) {
        const uint8_t *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride) {
            for (unsigned k = 0; k < LANES_PARTS; k++) {
                bytes_wide tap;
                memcpy(&tap, v + k * LANES_VECTOR, sizeof tap);
                const bytes_wide mask = (bytes_wide)(best[k] > tap);
                best[k] = (best[k] & mask) | (tap & ~mask);
            }
        }
    }
    memcpy(y, best, WIDE);
}

static inline __attribute__((always_inline)) void block_small(uint8_t *y, const uint8_t *x,
                                                              const nnrt_k_taps *taps)
{
    bytes_small best = {0};
    for (size_t r = 0; r < taps->rows; r++) {
        const uint8_t *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride) {
            bytes_small tap;
            memcpy(&tap, v, sizeof tap);
            const bytes_small mask = (bytes_small)(best > tap);
            best = (best & mask) | (tap & ~mask);
        }
    }
    memcpy(y, &best, SMALL);
}

static void single(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps)
{
    uint8_t best = 0;
    for (size_t r = 0; r < taps->rows; r++) {
        const uint8_t *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride)
            best = *v > best ? *v : best;
    }
    *y = best;
}

void NNRT_BODY(maxpool_u8)(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps, size_t channels)
{
    size_t c = 0;
    for (; c + WIDE <= channels; c += WIDE)
        block_wide(y + c, x + c, taps);
    for (; c + SMALL <= channels; c += SMALL)
        block_small(y + c, x + c, taps);
    for (; c < channels; c++)
        single(y + c, x + c, taps);
}
