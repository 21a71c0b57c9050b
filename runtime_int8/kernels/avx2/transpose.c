/* transpose with AVX2: 8x8 blocks of 32-bit and 16x16 blocks of 8-bit elements in registers. SPDX-License-Identifier: Apache-2.0 */
#define NNRT_IMPL avx2
#include "runtime_int8/kernels/body/transpose_x86.h"
