/* dwconv_f32 on AVX2 + FMA: 8 channels x 8 outputs; per tap one weight vector serves 8 FMAs from memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b))

static const int32_t mask_bits[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
static const float zeros[8];

INLINE __m256 load(const float *p, int part, __m256i mask)
{
    return part ? _mm256_maskload_ps(p, mask) : _mm256_loadu_ps(p);
}

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

INLINE void store(int part, float *y, __m256 v, const float *residual, __m256i mask,
                  const nnrt_k_dwconv_f32_params *p)
{
    if (residual)
        v = _mm256_add_ps(v, load(residual, part, mask));
    v = _mm256_max_ps(_mm256_set1_ps(p->lo), v);
    v = _mm256_min_ps(_mm256_set1_ps(p->hi), v);
    if (part)
        _mm256_maskstore_ps(y, mask, v);
    else
        _mm256_storeu_ps(y, v);
}

/* Input of output i for a tap: +0 outside of the tap's range. */
INLINE __m256 input(int part, int edge, const float *x, const nnrt_k_dwconv_f32_tap *tap, size_t i,
                    size_t step, __m256i mask)
{
    const float *from = x + (tap->offset + (ptrdiff_t)(i * step));
    if (edge)
        from = i - tap->first < tap->end - tap->first ? from : zeros;
    return load(from, part, mask);
}

typedef struct run {
    float *y;
    const float *x, *w, *bias, *residual;
    const nnrt_k_dwconv_f32_tap *tap;
    const nnrt_k_dwconv_f32_params *p;
    __m256i mask; /* channels that exist */
} run;

/* Outputs [from, from + n) of 8 channels, or of fewer when `part`; edge: some tap does not reach all of them. */
INLINE void block(size_t n, int part, int edge, const run *s, size_t from)
{
    const nnrt_k_dwconv_f32_params *p = s->p;
    const __m256i mask = s->mask;
    const size_t step = p->x_step;
    float *y = s->y + from * p->y_step;
    const float *residual = s->residual ? s->residual + from * p->y_step : NULL;
    __m256 acc[8];
#define START(i) acc[i] = s->bias ? load(s->bias, part, mask) : _mm256_setzero_ps()
    EACH(START);
    for (size_t t = 0; t < p->taps; t++) {
        const __m256 wt = _mm256_loadu_ps(s->w + t * 16);
#define STEP(i) FMA(acc[i], wt, input(part, edge, s->x, &s->tap[t], from + (i), step, mask))
        EACH(STEP);
    }
#define END(i)                                                                                     \
    store(part, y + (i) * p->y_step, acc[i], residual ? residual + (i) * p->y_step : NULL, mask, p)
    EACH(END);
}

INLINE void block_of(size_t n, int part, int edge, const run *s, size_t from)
{
    switch (n) {
    case 1:
        block(1, part, edge, s, from);
        break;
    case 2:
        block(2, part, edge, s, from);
        break;
    case 3:
        block(3, part, edge, s, from);
        break;
    case 4:
        block(4, part, edge, s, from);
        break;
    case 5:
        block(5, part, edge, s, from);
        break;
    case 6:
        block(6, part, edge, s, from);
        break;
    case 7:
        block(7, part, edge, s, from);
        break;
    default:
        block(8, part, edge, s, from);
        break;
    }
}

void nnrt_k_dwconv_f32__avx2_8x8(float *y, const float *x, const nnrt_k_dwconv_f32_tap *tap,
                                 const float *w, const float *bias, const float *residual,
                                 size_t count, const nnrt_k_dwconv_f32_params *p)
{
    size_t first = 0, end = count;
    for (size_t t = 0; t < p->taps; t++) {
        first = tap[t].first > first ? tap[t].first : first;
        end = tap[t].end < end ? tap[t].end : end;
    }
    const size_t blocks = (count + 7) / 8;
    for (size_t c = 0; c < p->channels; c += 8) {
        const size_t left = p->channels - c;
        const run s = {
            .y = y + c,
            .x = x + c,
            .w = w + c / 16 * 16 * p->taps + c % 16,
            .bias = bias ? bias + c : NULL,
            .residual = residual ? residual + c : NULL,
            .tap = tap,
            .p = p,
            .mask = _mm256_loadu_si256((const __m256i *)(mask_bits + (left < 8 ? 8 - left : 0))),
        };
        for (size_t b = 0, i = 0, n = 0; b < blocks; b++, i += n) {
            n = count / blocks + (b < count % blocks);
            const int inside = i >= first && i + n <= end;
            if (left < 8)
                block_of(n, 1, 1, &s, i);
            else if (inside)
                block_of(n, 0, 0, &s, i);
            else
                block_of(n, 0, 1, &s, i);
        }
    }
}
