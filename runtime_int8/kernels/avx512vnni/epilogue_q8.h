/* The INT8 epilogue in 512-bit registers, equal to ref/epilogue_q8.h to the bit. SPDX-License-Identifier: Apache-2.0
 * Rounding is monotone and the bounds' own rounding is exact, so the lower bound is applied to the packed bytes; the upper
 * one also keeps the conversion to int32 from overflowing and sends NaN to hi. */
#ifndef NNRT_KERNELS_AVX512VNNI_EPILOGUE_Q8_H
#define NNRT_KERNELS_AVX512VNNI_EPILOGUE_Q8_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>

#include "runtime_int8/ops/params.h"

/* gcc 12 copies and spills accumulators of the intrinsic; the instruction itself leaves it no choice. */
#define NNRT_DPBUSD(acc, x, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w))

/* The same with w in memory, where the compiler is not to keep it in a register. */
#define NNRT_DPBUSD_M(acc, x, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "m"(w))

#define NNRT_INLINE static inline __attribute__((always_inline))

/* An epilogue's bounds and zero point, spread over vectors once per kernel call. */
typedef struct nnrt_q8_vectors {
    __m512 hi;
    __m512i zero;      /* zy as int16 */
    __m512i low, high; /* lo + zy and hi + zy as bytes */
} nnrt_q8_vectors;

NNRT_INLINE nnrt_q8_vectors nnrt_q8_spread(const nnrt_q8_epilogue *e)
{
    if (e->out == NNRT_Q8_OUT_F32) /* bounds are any floats, and only hi is used */
        return (nnrt_q8_vectors){.hi = _mm512_set1_ps(e->hi)};
    return (nnrt_q8_vectors){_mm512_set1_ps(e->hi), _mm512_set1_epi16((int16_t)e->zy),
                             _mm512_set1_epi8((char)(lrintf(e->lo) + e->zy)),
                             _mm512_set1_epi8((char)(lrintf(e->hi) + e->zy))};
}

/* A plain u8 epilogue with zy = 0 whose products cannot leave int32, as |mult| < 1 for 16 channels each time: then both bounds
 * can be applied to the packed bytes. NaN is not below 1. */
NNRT_INLINE int nnrt_q8_below_one(__m512 mult)
{
    return _mm512_cmp_ps_mask(_mm512_abs_ps(mult), _mm512_set1_ps(1.0f), _CMP_NLT_UQ) == 0;
}

NNRT_INLINE int nnrt_q8_may_be_light(const nnrt_q8_epilogue *e)
{
    return e->out == NNRT_Q8_OUT_U8 && e->residual == NNRT_Q8_RES_NONE && e->zy == 0;
}

NNRT_INLINE __m512i nnrt_requant_light(__m512i acc, __m512 mult)
{
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), mult));
}

/* As nnrt_pack_q8, of what nnrt_requant_light made. */
NNRT_INLINE __m512i nnrt_pack_light(__m512i a, __m512i b, __m512i c, __m512i d,
                                    const nnrt_q8_vectors *v)
{
    const __m512i y = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
    return _mm512_max_epu8(_mm512_min_epu8(y, v->high), v->low);
}

NNRT_INLINE __m512i nnrt_residual16(const uint8_t *residual)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)residual));
}

/* round_clamp of the first product; stays a float, integers there are exact. */
NNRT_INLINE __m512 nnrt_inner_q8(__m512 t, const nnrt_q8_epilogue *e)
{
    t = _mm512_min_ps(t, _mm512_set1_ps(e->hi_mid));
    t = _mm512_max_ps(t, _mm512_set1_ps(e->lo_mid));
    t = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm512_mul_ps(t, _mm512_set1_ps(e->mult_a));
}

/* 16 outputs minus zy as int32, the lower bound not applied yet. residual: q as int32, unused in mode NONE. */
NNRT_INLINE __m512i nnrt_requant_q8(__m512i acc, __m512 mult, __m512i residual, int mode,
                                    const nnrt_q8_epilogue *e, const nnrt_q8_vectors *v)
{
    __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), mult);
    if (mode != NNRT_Q8_RES_NONE) {
        if (mode == NNRT_Q8_RES_TWICE)
            t = nnrt_inner_q8(t, e);
        __m512 tr = _mm512_cvtepi32_ps(_mm512_sub_epi32(residual, _mm512_set1_epi32(e->zr)));
        t = _mm512_add_ps(t, _mm512_mul_ps(tr, _mm512_set1_ps(e->mult_r)));
    }
    return _mm512_cvtps_epi32(_mm512_min_ps(t, v->hi));
}

/* Four vectors of 16 outputs to bytes: lane l of the result holds lane l of a, b, c, d one after the other. */
NNRT_INLINE __m512i nnrt_pack_q8(__m512i a, __m512i b, __m512i c, __m512i d,
                                 const nnrt_q8_vectors *v)
{
    __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), v->zero);
    __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), v->zero);
    return _mm512_max_epu8(_mm512_packus_epi16(ab, cd), v->low);
}

NNRT_INLINE __mmask64 nnrt_byte_mask(size_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

#endif
