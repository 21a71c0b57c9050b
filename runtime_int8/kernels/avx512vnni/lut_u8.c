/* lut_u8 with VBMI: the table lives in four registers, VPERMI2B looks up 128 entries at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "runtime_int8/kernels/contracts.h"

static inline __m512i look_up(__m512i x, const __m512i *table)
{
    /* VPERMI2B reads index bits 0..6; bit 7 chooses the half. */
    const __m512i low = _mm512_permutex2var_epi8(table[0], x, table[1]);
    const __m512i high = _mm512_permutex2var_epi8(table[2], x, table[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high);
}

void nnrt_k_lut_u8__avx512(uint8_t *y, const uint8_t *x, size_t n, const uint8_t *table)
{
    __m512i part[4];
    for (int i = 0; i < 4; i++)
        part[i] = _mm512_loadu_si512(table + 64 * i);
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(y + i, look_up(_mm512_loadu_si512(x + i), part));
    if (i < n) {
        const __mmask64 rest = ((__mmask64)1 << (n - i)) - 1;
        _mm512_mask_storeu_epi8(y + i, rest, look_up(_mm512_maskz_loadu_epi8(rest, x + i), part));
    }
}
