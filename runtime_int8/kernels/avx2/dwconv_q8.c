/* dwconv_q8 with AVX2: even and odd bytes are widened in place and multiplied exactly by VPMADDWD, as in gemm_q8.
 * SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

typedef struct dw_weight {
    __m256i even, odd; /* int16 */
} dw_weight;

#define DW_WEIGHT dw_weight
#define MAKE_WEIGHT(w)                                                                             \
    {                                                                                              \
        _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), _mm256_srai_epi16(w, 8)                     \
    }
#define PRODUCT(acc, x, w)                                                                         \
    do {                                                                                           \
        const __m256i even = _mm256_and_si256(x, _mm256_set1_epi16(255));                          \
        const __m256i odd = _mm256_srli_epi16(x, 8);                                               \
        acc = _mm256_add_epi32(acc, _mm256_madd_epi16(even, (w).even));                            \
        acc = _mm256_add_epi32(acc, _mm256_madd_epi16(odd, (w).odd));                              \
    } while (0)

#include "runtime_int8/kernels/avx2/dwconv_q8_ymm.h"

void nnrt_k_dwconv_q8__avx2_1x32(const nnrt_k_dwconv_q8_args *a, size_t oy0, size_t oy1, size_t c0,
                                 size_t c1)
{
    run_block(a, oy0, oy1, c0, c1);
}
