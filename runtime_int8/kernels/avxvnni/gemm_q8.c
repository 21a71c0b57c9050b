/* gemm_q8 with AVX-VNNI: 6x16 tiles. SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#define GEMM_ROWS 6

/* gcc 12 copies and spills accumulators of the intrinsic; the instruction itself leaves it no choice. */
#define DPBUSD(acc, x, w)                                                                          \
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(x), "x"(w))
#define WEIGHTS(w)                                                                                 \
    const __m256i w0 = _mm256_loadu_si256((const __m256i *)(w));                                   \
    const __m256i w1 = _mm256_loadu_si256((const __m256i *)((w) + 32));
#define PRODUCT(a, b, v)                                                                           \
    do {                                                                                           \
        DPBUSD(a, v, w0);                                                                          \
        DPBUSD(b, v, w1);                                                                          \
    } while (0)

#include "runtime_int8/kernels/avx2/gemm_q8_ymm.h"

void nnrt_k_gemm_q8__avxvnni_6x16(const nnrt_k_gemm_q8_args *a, size_t m0, size_t m1, size_t n0,
                                  size_t n1)
{
    run_block(a, m0, m1, n0, n1);
}
