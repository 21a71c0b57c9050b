/* transpose for x86: register blocks for bytes and 32-bit elements, plain blocks at the edges and
 * for other sizes. SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/transpose_plain.h"

/* y[16][16] = x[16][16] transposed: four rounds of byte interleaving, each a perfect shuffle of the
 * rows. */
static inline void block_8(uint8_t *y, const uint8_t *x, size_t x_stride, size_t y_stride)
{
    __m128i a[16], b[16];
    for (int i = 0; i < 16; i++)
        a[i] = _mm_loadu_si128((const __m128i *)(x + (size_t)i * x_stride));
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 8; i++) {
            b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
            b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
        }
        for (int i = 0; i < 16; i++)
            a[i] = b[i];
    }
    for (int i = 0; i < 16; i++)
        _mm_storeu_si128((__m128i *)(y + (size_t)i * y_stride), a[i]);
}

/* y[8][8] = x[8][8] transposed: pairs, quads, then halves. */
static inline void block_32(uint32_t *y, const uint32_t *x, size_t x_stride, size_t y_stride)
{
    __m256 a[8], b[8];
    for (int i = 0; i < 8; i++)
        a[i] = _mm256_loadu_ps((const float *)(const void *)(x + (size_t)i * x_stride));
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps((float *)(void *)(y + (size_t)i * y_stride),
                         _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps((float *)(void *)(y + (size_t)(i + 4) * y_stride),
                         _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

/* Blocks along a row of y first: its cache lines fill up while they are near. */
static void matrix_8(uint8_t *y, const uint8_t *x, size_t rows, size_t cols, size_t x_stride,
                     size_t y_stride)
{
    const size_t r1 = rows & ~(size_t)15, c1 = cols & ~(size_t)15;
    for (size_t c = 0; c < c1; c += 16) {
        for (size_t r = 0; r < r1; r += 16)
            block_8(y + c * y_stride + r, x + r * x_stride + c, x_stride, y_stride);
    }
    transpose_8(y + r1, x + r1 * x_stride, rows - r1, c1, x_stride, y_stride);
    transpose_8(y + c1 * y_stride, x + c1, rows, cols - c1, x_stride, y_stride);
}

static void matrix_32(uint32_t *y, const uint32_t *x, size_t rows, size_t cols, size_t x_stride,
                      size_t y_stride)
{
    const size_t r1 = rows & ~(size_t)7, c1 = cols & ~(size_t)7;
    for (size_t c = 0; c < c1; c += 8) {
        for (size_t r = 0; r < r1; r += 8)
            block_32(y + c * y_stride + r, x + r * x_stride + c, x_stride, y_stride);
    }
    transpose_32(y + r1, x + r1 * x_stride, rows - r1, c1, x_stride, y_stride);
    transpose_32(y + c1 * y_stride, x + c1, rows, cols - c1, x_stride, y_stride);
}

void NNRT_BODY(transpose)(void *y, const void *x, size_t rows, size_t cols, size_t x_stride,
                          size_t y_stride, size_t size)
{
    if (size == 1 && rows == 3 && y_stride == 3)
        planes_to_pixels(y, x, cols, x_stride);
    else if (size == 1)
        matrix_8(y, x, rows, cols, x_stride, y_stride);
    else if (size == 2)
        transpose_16(y, x, rows, cols, x_stride, y_stride);
    else if (size == 4)
        matrix_32(y, x, rows, cols, x_stride, y_stride);
    else
        transpose_64(y, x, rows, cols, x_stride, y_stride);
}
