/* mul_q8: product of two u8 grids. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

static inline uint8_t mul_one(int32_t a, int32_t b, const nnrt_mul_q8_params *p)
{
    return (uint8_t)nnrt_round_clamp((float)(a * b) * p->m, p->lo, p->hi, p->zy);
}

void NNRT_BODY(mul_q8)(uint8_t *y, const uint8_t *a, size_t sa, const uint8_t *b, size_t sb,
                       size_t n, const nnrt_mul_q8_params *params)
{
    const nnrt_mul_q8_params p = *params;
    if (n == 0)
        return;
    if (sa == 0) {
        const int32_t a0 = (int32_t)a[0] - p.za;
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = mul_one(a0, (int32_t)b[i * sb] - p.zb, &p);
    } else if (sb == 0) {
        const int32_t b0 = (int32_t)b[0] - p.zb;
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = mul_one((int32_t)a[i] - p.za, b0, &p);
    } else {
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = mul_one((int32_t)a[i] - p.za, (int32_t)b[i] - p.zb, &p);
    }
}
