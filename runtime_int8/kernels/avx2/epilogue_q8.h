/* The INT8 epilogue in 256-bit registers, equal to ref/epilogue_q8.h to the bit. SPDX-License-Identifier: Apache-2.0
 * Rounding is monotone and the bounds' own rounding is exact, so the lower bound is applied to the packed bytes; the upper
 * one also keeps the conversion to int32 from overflowing and sends NaN to hi. */
#ifndef NNRT_KERNELS_AVX2_EPILOGUE_Q8_H
#define NNRT_KERNELS_AVX2_EPILOGUE_Q8_H

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "runtime_int8/ops/params.h"

#define NNRT_INLINE static inline __attribute__((always_inline))

/* Epilogue modes: the residual forms of a u8 output, and float output. */
#define NNRT_MODE_F32 3

NNRT_INLINE int nnrt_mode_q8(const nnrt_q8_epilogue *e)
{
    return e->out == NNRT_Q8_OUT_F32 ? NNRT_MODE_F32 : (int)e->residual;
}

/* 8 outputs minus zy as int32, the lower bound not applied yet. residual: its 8 bytes, or NULL. */
NNRT_INLINE __m256i nnrt_requant_q8(__m256i acc, __m256 mult, const uint8_t *residual, int mode,
                                    const nnrt_q8_epilogue *e)
{
    __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), mult);
    if (mode == NNRT_Q8_RES_TWICE) {
        t = _mm256_min_ps(t, _mm256_set1_ps(e->hi_mid));
        t = _mm256_max_ps(t, _mm256_set1_ps(e->lo_mid));
        t = _mm256_cvtepi32_ps(_mm256_cvtps_epi32(t));
        t = _mm256_mul_ps(t, _mm256_set1_ps(e->mult_a));
    }
    if (mode != NNRT_Q8_RES_NONE) {
        __m256i r = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)residual));
        __m256 tr = _mm256_cvtepi32_ps(_mm256_sub_epi32(r, _mm256_set1_epi32(e->zr)));
        t = _mm256_add_ps(t, _mm256_mul_ps(tr, _mm256_set1_ps(e->mult_r)));
    }
    return _mm256_cvtps_epi32(_mm256_min_ps(t, _mm256_set1_ps(e->hi)));
}

/* Four vectors of 8 outputs to bytes: lane l of the result holds lane l of a, b, c, d one after the other. */
NNRT_INLINE __m256i nnrt_pack_q8(__m256i a, __m256i b, __m256i c, __m256i d,
                                 const nnrt_q8_epilogue *e)
{
    const __m256i zero = _mm256_set1_epi16((int16_t)e->zy);
    const __m256i low = _mm256_set1_epi8((char)(lrintf(e->lo) + e->zy));
    __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
    __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero);
    return _mm256_max_epu8(_mm256_packus_epi16(ab, cd), low);
}

NNRT_INLINE __m256 nnrt_float_q8(__m256i acc, __m256 mult, const nnrt_q8_epilogue *e)
{
    __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), mult);
    t = _mm256_min_ps(t, _mm256_set1_ps(e->hi));
    return _mm256_max_ps(t, _mm256_set1_ps(e->lo));
}

/* The first n of 16 outputs, acc in a and b, to element `at` of y. */
NNRT_INLINE void nnrt_store16_q8(void *y, const uint8_t *residual, size_t at, size_t n, __m256i a,
                                 __m256i b, const float *mult, int mode, const nnrt_q8_epilogue *e)
{
    const __m256 ma = _mm256_loadu_ps(mult), mb = _mm256_loadu_ps(mult + 8);
    if (mode == NNRT_MODE_F32) {
        const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i count = _mm256_set1_epi32((int)n);
        float *out = (float *)y + at;
        _mm256_maskstore_ps(out, _mm256_cmpgt_epi32(count, lanes), nnrt_float_q8(a, ma, e));
        if (n > 8)
            _mm256_maskstore_ps(
                out + 8, _mm256_cmpgt_epi32(_mm256_sub_epi32(count, _mm256_set1_epi32(8)), lanes),
                nnrt_float_q8(b, mb, e));
        return;
    }
    const uint8_t *r = mode == NNRT_Q8_RES_NONE ? NULL : residual + at;
    a = nnrt_requant_q8(a, ma, r, mode, e);
    b = nnrt_requant_q8(b, mb, mode == NNRT_Q8_RES_NONE ? NULL : r + 8, mode, e);
    const __m256i q = _mm256_permutevar8x32_epi32(nnrt_pack_q8(a, b, a, b, e),
                                                  _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5));
    uint8_t *out = (uint8_t *)y + at;
    if (n >= 16) {
        _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(q));
        return;
    }
    uint8_t part[16];
    _mm_storeu_si128((__m128i *)part, _mm256_castsi256_si128(q));
    memcpy(out, part, n);
}

#endif
