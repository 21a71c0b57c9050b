/* tapsum_f32: one chain of fused multiply-adds per channel over taps anywhere in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"
#if defined(__FMA__)
#include <immintrin.h>
#endif

#define TAPSUM_VECTORS 4 /* v16 of one block */

/* a * b + c, rounded once. */
LANES_INLINE v16 tapsum_fma(v16 a, v16 b, v16 c)
{
#if defined(__AVX512F__)
    c.part[0] = (lanes_vec)_mm512_fmadd_ps((__m512)a.part[0], (__m512)b.part[0], (__m512)c.part[0]);
#elif defined(__FMA__) && defined(__AVX2__)
    for (unsigned k = 0; k < LANES_PARTS; k++)
        c.part[k] =
            (lanes_vec)_mm256_fmadd_ps((__m256)a.part[k], (__m256)b.part[k], (__m256)c.part[k]);
#else
    float x[LANES], y[LANES], z[LANES];
    v16_store(x, a);
    v16_store(y, b);
    v16_store(z, c);
    for (size_t i = 0; i < LANES; i++)
        z[i] = NNRT_FMA(x[i], y[i], z[i]);
    c = v16_load(z);
#endif
    return c;
}

/* Bounds that let a NaN through. */
LANES_INLINE v16 tapsum_bound(v16 v, float lo, float hi)
{
    const v16 least = v16_all(lo), most = v16_all(hi);
    for (unsigned k = 0; k < LANES_PARTS; k++) {
        v.part[k] = vec_choose((lanes_int)(v.part[k] < least.part[k]), least.part[k], v.part[k]);
        v.part[k] = vec_choose((lanes_int)(v.part[k] > most.part[k]), most.part[k], v.part[k]);
    }
    return v;
}

/* n < 16 channels are read one by one. */
LANES_INLINE v16 tapsum_load(const float *x, size_t n)
{
    return n == LANES ? v16_load(x) : v16_part(x, n, v16_all(0.0f));
}

/* `vectors` times 16 channels from c on, or n of them; both constant in the usual case. */
LANES_INLINE void tapsum_block(float *y, const float *const *x, const float *const *w,
                               const float *start, const float *residual, size_t taps, size_t c,
                               unsigned vectors, size_t n, float lo, float hi)
{
    v16 v[TAPSUM_VECTORS];
    for (unsigned k = 0; k < vectors; k++)
        v[k] = start ? tapsum_load(start + c + k * LANES, n) : v16_all(0.0f);
    for (size_t t = 0; t < taps; t++) {
        const float *a = x[t] + c, *b = w[t] + c;
        for (unsigned k = 0; k < vectors; k++)
            v[k] = tapsum_fma(tapsum_load(a + k * LANES, n), tapsum_load(b + k * LANES, n), v[k]);
    }
    for (unsigned k = 0; k < vectors; k++) {
        float lane[LANES];
        if (residual)
            v[k] = lanes_join(LANES_SUM, v[k], tapsum_load(residual + c + k * LANES, n));
        v16_store(lane, tapsum_bound(v[k], lo, hi));
        memcpy(y + c + k * LANES, lane, n * sizeof *y);
    }
}

void NNRT_BODY(tapsum_f32)(float *y, const float *const *x, const float *const *w,
                           const float *start, const float *residual, size_t taps, size_t channels,
                           float lo, float hi)
{
    size_t c = 0;
    for (; c + TAPSUM_VECTORS * LANES <= channels; c += TAPSUM_VECTORS * LANES)
        tapsum_block(y, x, w, start, residual, taps, c, TAPSUM_VECTORS, LANES, lo, hi);
    for (; c + LANES <= channels; c += LANES)
        tapsum_block(y, x, w, start, residual, taps, c, 1, LANES, lo, hi);
    if (c < channels)
        tapsum_block(y, x, w, start, residual, taps, c, 1, channels - c, lo, hi);
}
