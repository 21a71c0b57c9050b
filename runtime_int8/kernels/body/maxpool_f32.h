/* maxpool_f32: largest float per channel, NaN wins. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/kernels/body/body.h"

/* Vector types: the select below stays scalar when it is left to the loop vectorizer (17x slower
 * with gcc 12). */
typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));

static inline v16f larger(v16f best, v16f v)
{
    v16i keep = (v <= best) | (best != best);
    return (v16f)((keep & (v16i)best) | (~keep & (v16i)v));
}

static inline void block(float *y, const float *x, const nnrt_k_taps *taps, size_t n)
{
    v16f best = {0}, v = {0};
    memcpy(&best, x, n * sizeof *x);
    for (size_t r = 0; r < taps->rows; r++) {
        const float *p = x + r * taps->row_stride;
        for (size_t s = 0; s < taps->cols; s++, p += taps->col_stride) {
            memcpy(&v, p, n * sizeof *p);
            best = larger(best, v);
        }
    }
    memcpy(y, &best, n * sizeof *y);
}

void NNRT_BODY(maxpool_f32)(float *y, const float *x, const nnrt_k_taps *taps, size_t channels)
{
    size_t c = 0;
    for (; c + 16 <= channels; c += 16)
        block(y + c, x + c, taps, 16);
    if (c < channels)
        block(y + c, x + c, taps, channels - c);
}
