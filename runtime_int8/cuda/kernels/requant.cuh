/* The epilogue of the integer products, as docs/arithmetic.md. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_KERNELS_REQUANT_CUH
#define NNRT_CUDA_KERNELS_REQUANT_CUH

#include "runtime_int8/cuda/simt.cuh"
#include "runtime_int8/ops/params.h"
#include "tensor/requant.h"

/* Integer output; RESIDUAL: e.residual; r: the residual's byte, unused without one. */
template <uint32_t RESIDUAL>
SIMT_FN int32_t epilogue_u8_of(const nnrt_q8_epilogue &e, int32_t acc, float mult, int32_t r)
{
    if (RESIDUAL == NNRT_Q8_RES_NONE)
        return nnc_requant(acc, mult, e.lo, e.hi, e.zy);
    if (RESIDUAL == NNRT_Q8_RES_TWICE) {
        acc = nnc_requant(acc, mult, e.lo_mid, e.hi_mid, 0);
        mult = e.mult_a;
    }
    return nnc_requant_add(acc, mult, r - e.zr, e.mult_r, e.lo, e.hi, e.zy);
}

SIMT_FN int32_t epilogue_u8(const nnrt_q8_epilogue &e, int32_t acc, float mult, int32_t r)
{
    if (e.residual == NNRT_Q8_RES_NONE)
        return epilogue_u8_of<NNRT_Q8_RES_NONE>(e, acc, mult, r);
    if (e.residual == NNRT_Q8_RES_DIRECT)
        return epilogue_u8_of<NNRT_Q8_RES_DIRECT>(e, acc, mult, r);
    return epilogue_u8_of<NNRT_Q8_RES_TWICE>(e, acc, mult, r);
}

SIMT_FN float epilogue_f32(const nnrt_q8_epilogue &e, int32_t acc, float mult)
{
    float t = (float)acc * mult;
    t = t < e.hi ? t : e.hi;
    return t > e.lo ? t : e.lo;
}

#endif
