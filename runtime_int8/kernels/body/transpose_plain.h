/* Plain blocked transposes, shared by the tiers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_KERNELS_BODY_TRANSPOSE_PLAIN_H
#define NNRT_KERNELS_BODY_TRANSPOSE_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK 16u

static inline size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

#define TRANSPOSE(TYPE, NAME)                                                                      \
    static void NAME(TYPE *restrict y, const TYPE *restrict x, size_t rows, size_t cols,           \
                     size_t x_stride, size_t y_stride)                                             \
    {                                                                                              \
        for (size_t c0 = 0; c0 < cols; c0 += BLOCK) {                                              \
            size_t c1 = at_most(c0 + BLOCK, cols);                                                 \
            for (size_t r0 = 0; r0 < rows; r0 += BLOCK) {                                          \
                size_t r1 = at_most(r0 + BLOCK, rows);                                             \
                for (size_t c = c0; c < c1; c++) {                                                 \
                    for (size_t r = r0; r < r1; r++)                                               \
                        y[c * y_stride + r] = x[r * x_stride + c];                                 \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

TRANSPOSE(uint8_t, transpose_8)
TRANSPOSE(uint16_t, transpose_16)
TRANSPOSE(uint32_t, transpose_32)
TRANSPOSE(uint64_t, transpose_64)

/* Three planes to pixels and back are what images need. */
static void planes_to_pixels(uint8_t *restrict y, const uint8_t *restrict x, size_t pixels,
                             size_t x_stride)
{
    const uint8_t *restrict a = x, *restrict b = x + x_stride, *restrict c = x + 2 * x_stride;
    for (size_t i = 0; i < pixels; i++) {
        y[3 * i] = a[i];
        y[3 * i + 1] = b[i];
        y[3 * i + 2] = c[i];
    }
}

#endif
