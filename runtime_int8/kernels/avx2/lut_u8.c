/* lut_u8 with AVX2: sixteen 16-entry tables, each by one VPSHUFB. SPDX-License-Identifier:
 * Apache-2.0 Index minus 16t, saturated up to at least 0x80 outside 0..15, makes VPSHUFB give 0 for
 * all tables but the right one. */
#include <immintrin.h>

#include "runtime_int8/kernels/contracts.h"

static inline __m256i look_up(__m256i x, const uint8_t *table)
{
    __m256i y = _mm256_setzero_si256();
    for (int t = 0; t < 16; t++) {
        const __m256i part =
            _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + 16 * t)));
        /* 0..15 become 0x70..0x7f, which VPSHUFB reads as 0..15; 16..255 become 0x80 and more. */
        const __m256i index = _mm256_adds_epu8(_mm256_sub_epi8(x, _mm256_set1_epi8((char)(16 * t))),
                                               _mm256_set1_epi8(0x70));
        y = _mm256_or_si256(y, _mm256_shuffle_epi8(part, index));
    }
    return y;
}

void nnrt_k_lut_u8__avx2(uint8_t *y, const uint8_t *x, size_t n, const uint8_t *table)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((__m256i *)(y + i),
                            look_up(_mm256_loadu_si256((const __m256i *)(x + i)), table));
    for (; i < n; i++)
        y[i] = table[x[i]];
}
