/* Division by numbers that are fixed at launch. SPDX-License-Identifier: Apache-2.0
 * n / d = (high word of n * mul + n) >> shift for n < 2^31 (T. Granlund, P. Montgomery, "Division by invariant integers using
 * multiplication", PLDI 1994, figure 4.1). */
#ifndef NNRT_CUDA_ARGS_DIVIDE_H
#define NNRT_CUDA_ARGS_DIVIDE_H

#include <stdint.h>

typedef struct nnrt_cuda_divider {
    uint32_t d, mul, shift;
} nnrt_cuda_divider;

/* 1 <= d < 2^31. */
static inline nnrt_cuda_divider nnrt_cuda_divider_make(uint32_t d)
{
    nnrt_cuda_divider r;
    r.d = d;
    r.shift = 0;
    while ((UINT64_C(1) << r.shift) < d)
        r.shift++;
    r.mul = (uint32_t)((((UINT64_C(1) << r.shift) - d) << 32) / d + 1);
    return r;
}

#endif
