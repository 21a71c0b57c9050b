/* dwconv_q8 with AVX-VNNI. SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#define DW_WEIGHT __m256i
#define MAKE_WEIGHT(w) (w)
#define PRODUCT(acc, x, w)                                                                         \
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(x), "m"(w))

#include "runtime_int8/kernels/avx2/dwconv_q8_ymm.h"

void nnrt_k_dwconv_q8__avxvnni_1x32(const nnrt_k_dwconv_q8_args *a, size_t oy0, size_t oy1,
                                    size_t c0, size_t c1)
{
    run_block(a, oy0, oy1, c0, c1);
}
