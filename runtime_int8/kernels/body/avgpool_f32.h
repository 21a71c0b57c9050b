/* avgpool_f32: mean per channel in the fixed lane order. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"

/* Taps up to 16 have a lane each; the tree then adds them, absent ones as +0. */
LANES_INLINE v16 sum_block(const float *x, const nnrt_k_taps *taps, size_t n)
{
    v16 acc[LANES];
    v16 zero = v16_all(0.0f);
    for (size_t l = 0; l < LANES; l++)
        acc[l] = zero;
    size_t t = 0;
    for (size_t r = 0; r < taps->rows; r++) {
        const float *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, t++, v += taps->col_stride)
            acc[t % LANES] = lanes_join(LANES_SUM, acc[t % LANES],
                                        n == LANES ? v16_load(v) : v16_part(v, n, zero));
    }
    for (size_t step = LANES / 2; step > 0; step /= 2) {
        for (size_t l = 0; l < step && l + step < t; l++)
            acc[l] = lanes_join(LANES_SUM, acc[l], acc[l + step]);
    }
    return acc[0];
}

void NNRT_BODY(avgpool_f32)(float *y, const float *x, const nnrt_k_taps *taps, size_t channels,
                            float divisor, float lo, float hi)
{
    for (size_t c = 0; c < channels; c += LANES) {
        size_t n = channels - c < LANES ? channels - c : LANES;
        float lane[LANES];
        v16 sum = n == LANES ? sum_block(x + c, taps, LANES) : sum_block(x + c, taps, n);
        v16_store(lane, sum);
        for (size_t k = 0; k < n; k++) {
            float v = lane[k] / divisor;
            v = v < lo ? lo : v;
            y[c + k] = v > hi ? hi : v;
        }
    }
}
