/* dwconv_f32 on AVX2 + FMA: 8 channels x 8 outputs; per tap one weight vector serves 8 FMAs from memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b))

static const int32_t mask_bits[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

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

/* `n` outputs of 8 channels, or of those selected by mask when `part`. */
INLINE void block(size_t n, int part, float *y, const float *const *x, size_t offset,
                  const float *w, const float *bias, const float *residual, __m256i mask,
                  const nnrt_k_dwconv_f32_params *p)
{
    const size_t step = p->x_step;
    __m256 acc[8];
#define START(i) acc[i] = bias ? load(bias, part, mask) : _mm256_setzero_ps()
    EACH(START);
    for (size_t t = 0; t < p->taps; t++) {
        const float *xt = x[t] + offset;
        const __m256 wt = _mm256_loadu_ps(w + t * 16);
#define STEP(i) FMA(acc[i], wt, load(xt + (i) * step, part, mask))
        EACH(STEP);
    }
#define END(i)                                                                                     \
    store(part, y + (i) * p->y_step, acc[i], residual ? residual + (i) * p->y_step : NULL, mask, p)
    EACH(END);
}

/* All outputs of 8 channels: y, w, bias, residual and x + offset point at the first of them. */
INLINE void channels(int part, float *y, const float *const *x, size_t offset, const float *w,
                     const float *bias, const float *residual, size_t count, __m256i mask,
                     const nnrt_k_dwconv_f32_params *p)
{
    for (size_t i = 0, n = 0; i < count; i += n) {
        float *yi = y + i * p->y_step;
        const float *ri = residual ? residual + i * p->y_step : NULL;
        const size_t at = offset + i * p->x_step;
        n = count - i >= 8 ? 8 : count - i >= 4 ? 4 : 1;
        if (n == 8)
            block(8, part, yi, x, at, w, bias, ri, mask, p);
        else if (n == 4)
            block(4, part, yi, x, at, w, bias, ri, mask, p);
        else
            block(1, part, yi, x, at, w, bias, ri, mask, p);
    }
}

void nnrt_k_dwconv_f32__avx2_8x8(float *y, const float *const *x, const float *w, const float *bias,
                                 const float *residual, size_t count,
                                 const nnrt_k_dwconv_f32_params *p)
{
    for (size_t c = 0; c < p->channels; c += 8) {
        const size_t left = p->channels - c;
        const float *wc = w + c / 16 * 16 * p->taps + c % 16, *bc = bias ? bias + c : NULL;
        const float *rc = residual ? residual + c : NULL;
        if (left >= 8)
            channels(0, y + c, x, c, wc, bc, rc, count, _mm256_setzero_si256(), p);
        else
            channels(1, y + c, x, c, wc, bc, rc, count,
                     _mm256_loadu_si256((const __m256i *)(mask_bits + 8 - left)), p);
    }
}
