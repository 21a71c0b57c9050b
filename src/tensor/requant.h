/* The one requantization arithmetic of CPU, CUDA and tools. SPDX-License-Identifier: Apache-2.0
 * See docs/arithmetic.md. Includable from C11, C++ and CUDA device code: no restrict, no designated initialisers.
 * Compile with -ffp-contract=off (nvcc: --fmad=false). */
#ifndef NNC_TENSOR_REQUANT_H
#define NNC_TENSOR_REQUANT_H

#include <math.h>
#include <stdint.h>
#ifdef __cplusplus
#include <string.h>
#endif

#ifdef __CUDACC__
#define NNC_HOST_DEVICE __host__ __device__
#else
#define NNC_HOST_DEVICE
#endif

/* t clamped to [lo, hi] (integer bounds minus the zero point, as floats, within +-2^21), NaN -> hi, rounded half to
 * even, plus zero point. C++ is device code or its simulator: min, max and the sum with 1.5 * 2^23, which leaves the
 * rounded integer in the low bits, run at full rate there, conversions do not. */
static NNC_HOST_DEVICE inline int32_t nnc_round_clamp(float t, float lo, float hi, int32_t zero_point)
{
#ifdef __cplusplus
    int32_t bits;
    t = fmaxf(fminf(t, hi), lo) + 12582912.0f;
    memcpy(&bits, &t, sizeof bits);
    return bits - (0x4b400000 - zero_point);
#else
    t = t < hi ? t : hi;
    t = t > lo ? t : lo;
    return (int32_t)lrintf(t) + zero_point;
#endif
}

/* y = round(acc * m), clamped: the epilogue of every integer product. m = (sx * sw) / sy. */
static NNC_HOST_DEVICE inline int32_t nnc_requant(int32_t acc, float m, float lo, float hi, int32_t zy)
{
    return nnc_round_clamp((float)acc * m, lo, hi, zy);
}

/* y = round(a * ma + b * mb): two products and a sum, each rounded, never fused. a = qa - za, ma = sa / sy. */
static NNC_HOST_DEVICE inline int32_t nnc_requant_add(int32_t a, float ma, int32_t b, float mb, float lo, float hi,
                                      int32_t zy)
{
    float ta = (float)a * ma;
    float tb = (float)b * mb;
    float t = ta + tb;
    return nnc_round_clamp(t, lo, hi, zy);
}

/* Float to grid: true division. lo, hi are the integer bounds minus zy. */
static NNC_HOST_DEVICE inline int32_t nnc_quantize(float x, float scale, float lo, float hi, int32_t zy)
{
    return nnc_round_clamp(x / scale, lo, hi, zy);
}

#endif
