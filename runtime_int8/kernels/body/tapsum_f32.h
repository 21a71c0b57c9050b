/* tapsum_f32: one chain of fused multiply-adds per channel over taps anywhere in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

#define TAPSUM_BLOCK 64

static inline float tapsum_bound(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
}

/* n channels from c on; the compiler sees a constant n in the usual case. */
static inline __attribute__((always_inline)) void
tapsum_block(float *y, const float *const *x, const float *const *w, const float *start,
             const float *residual, size_t taps, size_t c, size_t n, float lo, float hi)
{
    float v[TAPSUM_BLOCK];
    for (size_t i = 0; i < n; i++)
        v[i] = start ? start[c + i] : 0.0f;
    for (size_t t = 0; t < taps; t++) {
        const float *a = x[t] + c, *b = w[t] + c;
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            v[i] = NNRT_FMA(a[i], b[i], v[i]);
    }
    for (size_t i = 0; residual && i < n; i++)
        v[i] += residual[c + i];
    for (size_t i = 0; i < n; i++)
        y[c + i] = tapsum_bound(v[i], lo, hi);
}

void NNRT_BODY(tapsum_f32)(float *y, const float *const *x, const float *const *w,
                           const float *start, const float *residual, size_t taps, size_t channels,
                           float lo, float hi)
{
    size_t c = 0;
    for (; c + TAPSUM_BLOCK <= channels; c += TAPSUM_BLOCK)
        tapsum_block(y, x, w, start, residual, taps, c, TAPSUM_BLOCK, lo, hi);
    for (; c + 16 <= channels; c += 16)
        tapsum_block(y, x, w, start, residual, taps, c, 16, lo, hi);
    if (c < channels)
        tapsum_block(y, x, w, start, residual, taps, c, channels - c, lo, hi);
}
