/* gemm_q8 with AVX2: 4x16 tiles. SPDX-License-Identifier: Apache-2.0
 * VPMADDUBSW would saturate, so even and odd bytes are widened in place and multiplied exactly by VPMADDWD. */
#include <immintrin.h>

#define GEMM_ROWS 4

/* Read from memory: all 16 registers are taken. */
static const int16_t low_bytes[16] __attribute__((aligned(32))) = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

/* Bytes 0, 2 and 1, 3 of each quad as pairs of int16. */
#define WEIGHTS(w)                                                                                 \
    const __m256i w0 = _mm256_loadu_si256((const __m256i *)(w));                                   \
    const __m256i w1 = _mm256_loadu_si256((const __m256i *)((w) + 32));                            \
    const __m256i even0 = _mm256_srai_epi16(_mm256_slli_epi16(w0, 8), 8);                          \
    const __m256i even1 = _mm256_srai_epi16(_mm256_slli_epi16(w1, 8), 8);                          \
    const __m256i odd0 = _mm256_srai_epi16(w0, 8);                                                 \
    const __m256i odd1 = _mm256_srai_epi16(w1, 8);
#define PRODUCT(a, b, v)                                                                           \
    do {                                                                                           \
        __m256i even;                                                                              \
        __asm__("vpand %2, %1, %0" : "=x"(even) : "x"(v), "m"(low_bytes));                         \
        const __m256i odd = _mm256_srli_epi16(v, 8);                                               \
        a = _mm256_add_epi32(a, _mm256_madd_epi16(even, even0));                                   \
        b = _mm256_add_epi32(b, _mm256_madd_epi16(even, even1));                                   \
        a = _mm256_add_epi32(a, _mm256_madd_epi16(odd, odd0));                                     \
        b = _mm256_add_epi32(b, _mm256_madd_epi16(odd, odd1));                                     \
    } while (0)

#include "runtime_int8/kernels/avx2/gemm_q8_ymm.h"

void nnrt_k_gemm_q8__avx2_4x16(const nnrt_k_gemm_q8_args *a, size_t m0, size_t m1, size_t n0,
                               size_t n1)
{
    run_block(a, m0, m1, n0, n1);
}
