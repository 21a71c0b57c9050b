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

/* Input of output i for a tap: +0 outside of the tap's range, by an empty mask. */
INLINE __m512 input(int edge, const float *x, const nnrt_k_dwconv_f32_tap *tap, size_t i,
                    size_t step, __mmask16 mask)
{
    if (edge)
        mask = i - tap->first < tap->end - tap->first ? mask : 0;
    return _mm512_maskz_loadu_ps(mask, x + (tap->offset + (ptrdiff_t)(i * step)));
}

typedef struct run {
    float *y;
    const float *x, *w, *bias, *residual;
    const nnrt_k_dwconv_f32_tap *tap;
    const nnrt_k_dwconv_f32_params *p;
    __mmask16 mask; /* channels that exist */
} run;

/* Outputs [from, from + n) of 16 channels; edge: some tap does not reach all of them. */
INLINE void block(size_t n, int edge, const run *s, size_t from)
{
    const nnrt_k_dwconv_f32_params *p = s->p;
    const __mmask16 mask = s->mask;
    const size_t step = p->x_step;
    float *y = s->y + from * p->y_step;
    const float *residual = s->residual ? s->residual + from * p->y_step : NULL;
    __m512 acc[8];
#define START(i) acc[i] = s->bias ? _mm512_maskz_loadu_ps(mask, s->bias) : _mm512_setzero_ps()
    EACH(START);
    for (size_t t = 0; t < p->taps; t++) {
        const __m512 wt = _mm512_loadu_ps(s->w + t * 16);
#define STEP(i) FMA(acc[i], wt, input(edge, s->x, &s->tap[t], from + (i), step, mask))
        EACH(STEP);
    }
#define END(i)                                                                                     \
    store(y + (i) * p->y_step, acc[i], residual ? residual + (i) * p->y_step : NULL, mask, p)
    EACH(END);
}

INLINE void block_of(size_t n, int edge, const run *s, size_t from)
{
    switch (n) {
    case 1:
        block(1, edge, s, from);
        break;
    case 2:
        block(2, edge, s, from);
        break;
    case 3:
        block(3, edge, s, from);
        break;
    case 4:
        block(4, edge, s, from);
        break;
    case 5:
        block(5, edge, s, from);
        break;
    case 6:
        block(6, edge, s, from);
        break;
    case 7:
        block(7, edge, s, from);
        break;
    default:
        block(8, edge, s, from);
        break;
    }
}

void nnrt_k_dwconv_f32__avx512_8x16(float *y, const float *x, const nnrt_k_dwconv_f32_tap *tap,
                                    const float *w, const float *bias, const float *residual,
                                    size_t count, const nnrt_k_dwconv_f32_params *p)
{
    size_t first = 0, end = count;
    for (size_t t = 0; t < p->taps; t++) {
        first = tap[t].first > first ? tap[t].first : first;
        end = tap[t].end < end ? tap[t].end : end;
    }
    const size_t blocks = (count + 7) / 8;
    for (size_t c = 0; c < p->channels; c += 16) {
        const size_t left = p->channels - c;
        const run s = {
            .y = y + c,
            .x = x + c,
            .w = w + c * p->taps,
            .bias = bias ? bias + c : NULL,
            .residual = residual ? residual + c : NULL,
            .tap = tap,
            .p = p,
            .mask = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1),
        };
        for (size_t b = 0, i = 0, n = 0; b < blocks; b++, i += n) {
            n = count / blocks + (b < count % blocks);
            if (i >= first && i + n <= end)
                block_of(n, 0, &s, i);
            else
                block_of(n, 1, &s, i);
        }
    }
}
