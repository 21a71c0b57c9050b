/* transpose: the AVX2 blocks under this tier's flags. SPDX-License-Identifier: Apache-2.0 */
#define NNRT_IMPL avx512
#include "runtime_int8/kernels/body/transpose_x86.h"
