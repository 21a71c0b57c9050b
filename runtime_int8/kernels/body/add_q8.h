/* add_q8: sum of two u8 grids: two products and a sum, each rounded. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

static inline uint8_t add_one(float ta, float tb, const nnrt_add_q8_params *p)
{
    return (uint8_t)nnrt_round_clamp(ta + tb, p->lo, p->hi, p->zy);
}

void NNRT_BODY(add_q8)(uint8_t *y, const uint8_t *a, size_t sa, const uint8_t *b, size_t sb,
                       size_t n, const nnrt_add_q8_params *params)
{
    const nnrt_add_q8_params p = *params;
    if (n == 0)
        return;
    if (sa == 0) {
        const float ta = (float)((int32_t)a[0] - p.za) * p.ma;
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = add_one(ta, (float)((int32_t)b[i * sb] - p.zb) * p.mb, &p);
    } else if (sb == 0) {
        const float tb = (float)((int32_t)b[0] - p.zb) * p.mb;
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = add_one((float)((int32_t)a[i] - p.za) * p.ma, tb, &p);
    } else {
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = add_one((float)((int32_t)a[i] - p.za) * p.ma,
                           (float)((int32_t)b[i] - p.zb) * p.mb, &p);
    }
}
