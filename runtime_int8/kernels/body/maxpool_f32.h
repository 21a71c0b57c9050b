/* maxpool_f32: largest float per channel, NaN wins. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"

LANES_INLINE v16 largest(const float *x, const nnrt_k_taps *taps, size_t n)
{
    const v16 least = v16_all(-INFINITY);
    v16 best = least;
    for (size_t r = 0; r < taps->rows; r++) {
        const float *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride)
            best = lanes_join(LANES_MAX, best, n == LANES ? v16_load(v) : v16_part(v, n, least));
    }
    return best;
}

/* Two neighbouring blocks in one pass over the taps. */
LANES_INLINE void largest_two(float *y, const float *x, const nnrt_k_taps *taps)
{
    v16 a = v16_all(-INFINITY), b = a;
    for (size_t r = 0; r < taps->rows; r++) {
        const float *v = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, v += taps->col_stride) {
            a = lanes_join(LANES_MAX, a, v16_load(v));
            b = lanes_join(LANES_MAX, b, v16_load(v + LANES));
        }
    }
    v16_store(y, a);
    v16_store(y + LANES, b);
}

void NNRT_BODY(maxpool_f32)(float *y, const float *x, const nnrt_k_taps *taps, size_t channels)
{
    size_t c = 0;
    for (; c + 2 * LANES <= channels; c += 2 * LANES)
        largest_two(y + c, x + c, taps);
    for (; c + LANES <= channels; c += LANES)
        v16_store(y + c, largest(x + c, taps, LANES));
    if (c < channels) {
        float lane[LANES];
        v16_store(lane, largest(x + c, taps, channels - c));
        memcpy(y + c, lane, (channels - c) * sizeof *y);
    }
}
