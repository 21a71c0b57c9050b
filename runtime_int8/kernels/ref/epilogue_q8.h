/* From int32 accumulator to stored output, as docs/arithmetic.md says. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_KERNELS_REF_EPILOGUE_Q8_H
#define NNRT_KERNELS_REF_EPILOGUE_Q8_H

#include <stddef.h>

#include "runtime_int8/ops/params.h"
#include "tensor/requant.h"

/* Stores element i of y (u8 or f32 by e->out); residual[i] is read if e->residual asks for it. */
static inline void nnrt_epilogue_q8_ref(void *y, const uint8_t *residual, size_t i, int32_t acc,
                                        float mult, const nnrt_q8_epilogue *e)
{
    if (e->out == NNRT_Q8_OUT_F32) {
        float t = (float)acc * mult;
        t = t < e->hi ? t : e->hi;
        ((float *)y)[i] = t > e->lo ? t : e->lo;
        return;
    }
    int32_t q;
    if (e->residual == NNRT_Q8_RES_NONE) {
        q = nnc_requant(acc, mult, e->lo, e->hi, e->zy);
    } else {
        int32_t r = residual[i] - e->zr;
        if (e->residual == NNRT_Q8_RES_TWICE) {
            acc = nnc_requant(acc, mult, e->lo_mid, e->hi_mid, 0);
            mult = e->mult_a;
        }
        q = nnc_requant_add(acc, mult, r, e->mult_r, e->lo, e->hi, e->zy);
    }
    ((uint8_t *)y)[i] = (uint8_t)q;
}

#endif
