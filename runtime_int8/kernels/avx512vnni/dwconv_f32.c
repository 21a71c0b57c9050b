/* dwconv_f32 on AVX-512: 16 channels x 8 outputs; per tap one weight vector serves 8 FMAs from memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))

/* No loops over registers: compilers differ in what they unroll early enough. */
#define EACH(call)                                                                                 \
    do {                                                                                           \
        call(0);                                                                                   \
        if (n > 1)                                                                                 \
            call(1);                                                                               \
        if (n > 2)                                                                                 \
            call(2);                                                                               \
        if (n > 3)                                                                                 \
            call(3);                                                                               \
        if (n > 4)                                                                                 \
            call(4);                                                                               \
        if (n > 5)                                                                                 \
            call(5);                                                                               \
        if (n > 6)                                                                                 \
            call(6);                                                                               \
        if (n > 7)                                                                                 \
            call(7);                                                                               \
    } while (0)

INLINE void store(float *y, __m512 v, const float *residual, __mmask16 mask,
                  const nnrt_k_dwconv_f32_params *p)
{
    if (residual)
        v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, residual));
    v = _mm512_max_ps(_mm512_set1_ps(p->lo), v);
    _mm512_mask_storeu_ps(y, mask, _mm512_min_ps(_mm512_set1_ps(p->hi), v));
}

/* `n` outputs of 16 channels; mask selects the channels that exist. */
INLINE void block(size_t n, float *y, const float *const *x, size_t offset, const float *w,
                  const float *bias, const float *residual, __mmask16 mask,
                  const nnrt_k_dwconv_f32_params *p)
{
    const size_t step = p->x_step;
    __m512 acc[8];
#define START(i) acc[i] = bias ? _mm512_maskz_loadu_ps(mask, bias) : _mm512_setzero_ps()
    EACH(START);
    for (size_t t = 0; t < p->taps; t++) {
        const float *xt = x[t] + offset;
        const __m512 wt = _mm512_loadu_ps(w + t * 16);
#define STEP(i) FMA(acc[i], wt, _mm512_maskz_loadu_ps(mask, xt + (i) * step))
        EACH(STEP);
    }
#define END(i)                                                                                     \
    store(y + (i) * p->y_step, acc[i], residual ? residual + (i) * p->y_step : NULL, mask, p)
    EACH(END);
}

void nnrt_k_dwconv_f32__avx512_8x16(float *y, const float *const *x, const float *w,
                                    const float *bias, const float *residual, size_t count,
                                    const nnrt_k_dwconv_f32_params *p)
{
    for (size_t c = 0; c < p->channels; c += 16) {
        const size_t left = p->channels - c;
        const __mmask16 mask = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
        const float *wc = w + c * p->taps, *bc = bias ? bias + c : NULL;
        const float *rc = residual ? residual + c : NULL;
        for (size_t i = 0, n = 0; i < count; i += n) {
            float *yi = y + i * p->y_step + c;
            const float *ri = rc ? rc + i * p->y_step : NULL;
            const size_t offset = i * p->x_step + c;
            n = count - i >= 8 ? 8 : count - i >= 4 ? 4 : 1;
            if (n == 8)
                block(8, yi, x, offset, wc, bc, ri, mask, p);
            else if (n == 4)
                block(4, yi, x, offset, wc, bc, ri, mask, p);
            else
                block(1, yi, x, offset, wc, bc, ri, mask, p);
        }
    }
}
