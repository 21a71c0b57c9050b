/* dwconv_f32 on AVX-512: 16 channels x 8 outputs; per tap one weight vector serves 8 FMAs from memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))
/* The same from memory: one micro-operation less than a load under a mask and an FMA. */
#define FMA_AT(acc, a, at)                                                                         \
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "m"(*(const struct lanes *)(at)))

struct lanes {
    float v[16];
};

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

typedef struct run {
    float *y;
    const float *x, *w, *bias, *residual;
    const nnrt_k_dwconv_f32_tap *tap;
    const nnrt_k_dwconv_f32_params *p;
    __mmask16 mask; /* channels that exist */
} run;

/* Outputs [from, from + n) of 16 channels; masked: some channels or inputs may be missing. */
INLINE void block(size_t n, int masked, const run *s, size_t from)
{
    const nnrt_k_dwconv_f32_params *p = s->p;
    const nnrt_k_dwconv_f32_tap *tap = s->tap, *end = tap + p->taps;
    const float *w = s->w, *bias = s->bias, *x = s->x + from * p->x_step;
    const __mmask16 mask = masked ? s->mask : 0xffff;
    const size_t step = p->x_step, y_step = p->y_step;
    __m512 acc[8];
#define START(i) acc[i] = bias ? _mm512_maskz_loadu_ps(mask, bias) : _mm512_setzero_ps()
    EACH(START);
    for (; tap < end; tap++, w += 16) {
        const float *x0 = x + tap->offset, *x3 = x0 + 3 * step, *x6 = x3 + 3 * step;
        const __m512 wt = _mm512_loadu_ps(w);
#define INPUT(i) ((i) < 3 ? x0 + (i) * step : (i) < 6 ? x3 + ((i)-3) * step : x6 + ((i)-6) * step)
        if (!masked || (mask == 0xffff && from >= tap->first && from + n <= tap->end)) {
#define STEP(i) FMA_AT(acc[i], wt, INPUT(i))
            EACH(STEP);
#undef STEP
        } else {
            const size_t at = from - tap->first, reach = tap->end - tap->first;
#define STEP(i)                                                                                    \
    FMA(acc[i], wt, _mm512_maskz_loadu_ps(at + (i) < reach ? mask : (__mmask16)0, INPUT(i)))
            EACH(STEP);
#undef STEP
        }
    }
    const __m512 lo = _mm512_set1_ps(p->lo), hi = _mm512_set1_ps(p->hi);
    if (s->residual) {
        const float *residual = s->residual + from * y_step;
#define ADD(i) acc[i] = _mm512_add_ps(acc[i], _mm512_maskz_loadu_ps(mask, residual + (i) * y_step))
        EACH(ADD);
    }
    float *y = s->y + from * y_step;
#define END(i)                                                                                     \
    _mm512_mask_storeu_ps(y + (i) * y_step, mask, _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i])))
    EACH(END);
}

typedef void block_fn(const run *s, size_t from);

#define BLOCK(n)                                                                                   \
    static void inner_##n(const run *s, size_t from)                                               \
    {                                                                                              \
        block(n, 0, s, from);                                                                      \
    }                                                                                              \
    static void masked_##n(const run *s, size_t from)                                                \
    {                                                                                              \
        block(n, 1, s, from);                                                                      \
    }
BLOCK(1)
BLOCK(2) BLOCK(3) BLOCK(4) BLOCK(5) BLOCK(6) BLOCK(7) BLOCK(8)

static block_fn *const blocks_of[2][9] = {
    {NULL, inner_1, inner_2, inner_3, inner_4, inner_5, inner_6, inner_7, inner_8},
    {NULL, masked_1, masked_2, masked_3, masked_4, masked_5, masked_6, masked_7, masked_8},
};

void nnrt_k_dwconv_f32__avx512_8x16(float *y, const float *x, const nnrt_k_dwconv_f32_tap *tap,
                                    const float *w, const float *bias, const float *residual,
                                    size_t count, const nnrt_k_dwconv_f32_params *p)
{
    size_t first = 0, end = count;
    for (size_t t = 0; t < p->taps; t++) {
        first = tap[t].first > first ? tap[t].first : first;
        end = tap[t].end < end ? tap[t].end : end;
    }
    const size_t blocks = (count + 7) / 8, least = count / blocks, more = count % blocks;
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
        for (size_t b = 0, i = 0; b < blocks; b++) {
            const size_t n = least + (b < more);
            blocks_of[left < 16 || i < first || i + n > end][n](&s, i);
            i += n;
        }
    }
}
