/* dwconv_f32 on AVX-512: 16 channels x up to 8 outputs. For kernels of 3 and 5 columns without
 * dilation the columns of a kernel row are loaded once and serve all taps; else every tap reads its
 * inputs. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))

/* No loops over registers: compilers differ in what they unroll early enough. n is a constant after
 * inlining. */
#define UP_TO(i, call)                                                                             \
    if (n > (i))                                                                                   \
    call(i)
#define EACH(call)                                                                                 \
    do {                                                                                           \
        UP_TO(0, call);                                                                            \
        UP_TO(1, call);                                                                            \
        UP_TO(2, call);                                                                            \
        UP_TO(3, call);                                                                            \
        UP_TO(4, call);                                                                            \
        UP_TO(5, call);                                                                            \
        UP_TO(6, call);                                                                            \
        UP_TO(7, call);                                                                            \
    } while (0)
#define EACH_COLUMN(call)                                                                          \
    do {                                                                                           \
        UP_TO(0, call);                                                                            \
        UP_TO(1, call);                                                                            \
        UP_TO(2, call);                                                                            \
        UP_TO(3, call);                                                                            \
        UP_TO(4, call);                                                                            \
        UP_TO(5, call);                                                                            \
        UP_TO(6, call);                                                                            \
        UP_TO(7, call);                                                                            \
        UP_TO(8, call);                                                                            \
        UP_TO(9, call);                                                                            \
        UP_TO(10, call);                                                                           \
        UP_TO(11, call);                                                                           \
        UP_TO(12, call);                                                                           \
        UP_TO(13, call);                                                                           \
        UP_TO(14, call);                                                                           \
        UP_TO(15, call);                                                                           \
        UP_TO(16, call);                                                                           \
        UP_TO(17, call);                                                                           \
        UP_TO(18, call);                                                                           \
    } while (0)
#define MAX_OUTPUTS 8
#define MAX_COLUMNS 19 /* (8 - 1) * 2 + 5 */

/* A run over 16 channels. */
typedef struct run {
    float *y;
    const float *x, *w, *bias, *residual;
    const nnrt_k_dwconv_f32_row *row;
    const nnrt_k_dwconv_f32_params *p;
    __mmask16 mask; /* channels that exist */
} run;

/* What missing columns are read from: a masked-off load is still slow (a microcode assist, some hundred
 * cycles) where its page is not present, as next to an arena. */
static const float safe[16];

/* n columns of a kernel row, `step` apart, the first of which is column `at`; masked: some may be
 * missing. */
INLINE void load_columns(__m512 *col, size_t n, int masked, const float *x, size_t step, size_t at,
                         const nnrt_k_dwconv_f32_row *row, __mmask16 mask)
{
    const size_t from = at - row->first, reach = row->end - row->first;
#define PLAIN(j) col[j] = _mm512_loadu_ps(x + (j)*step)
#define MASKED(j)                                                                                  \
    col[j] = _mm512_maskz_loadu_ps(from + (j) < reach ? mask : (__mmask16)0,                       \
                                   from + (j) < reach ? x + (j)*step : safe)
    if (masked)
        EACH_COLUMN(MASKED);
    else
        EACH_COLUMN(PLAIN);
#undef PLAIN
#undef MASKED
}

/* n outputs take a tap: output i takes column i*stride. */
INLINE void take_tap(__m512 *acc, size_t n, const __m512 *col, size_t stride, const float *w)
{
    const __m512 wt = _mm512_loadu_ps(w);
#define TAKE(i) FMA(acc[i], wt, col[(i)*stride])
    EACH(TAKE);
#undef TAKE
}

/* One kernel row of s taps, dilation 1; x is column 0. */
INLINE void shared_row(__m512 *acc, size_t n, size_t s, size_t stride, int masked, const run *a,
                       const nnrt_k_dwconv_f32_row *row, size_t from, const float *w)
{
    const size_t step = a->p->x_step, at = from * stride;
    const float *x = a->x + (row->offset + (ptrdiff_t)(at * step));
    __m512 col[MAX_COLUMNS];
    load_columns(col, (n - 1) * stride + s, masked, x, step, at, row, a->mask);
    take_tap(acc, n, col, stride, w);
    take_tap(acc, n, col + 1, stride, w + 16);
    take_tap(acc, n, col + 2, stride, w + 32);
    if (s > 3)
        take_tap(acc, n, col + 3, stride, w + 48);
    if (s > 4)
        take_tap(acc, n, col + 4, stride, w + 64);
}

/* One kernel row of any form. */
INLINE void plain_row(__m512 *acc, size_t n, const run *a, const nnrt_k_dwconv_f32_row *row,
                      size_t from, const float *w)
{
    const nnrt_k_dwconv_f32_params *p = a->p;
    const size_t step = p->x_step, reach = row->end - row->first, stride = p->stride;
    for (size_t s = 0; s < p->s; s++) {
        const size_t at = from * stride + s * p->dilation - row->first;
        const float *x = a->x + (row->offset + (ptrdiff_t)((at + row->first) * step));
        const __m512 wt = _mm512_loadu_ps(w + s * 16);
#define TAKE(i)                                                                                    \
    FMA(acc[i], wt,                                                                                \
        _mm512_maskz_loadu_ps(at + (i)*stride < reach ? a->mask : (__mmask16)0,                    \
                              at + (i)*stride < reach ? x + (i)*stride * step : safe))
        EACH(TAKE);
#undef TAKE
    }
}

/* Outputs [from, from + n); s == 0: kernel rows of any form, always masked. */
INLINE void block(size_t n, size_t s, size_t stride, int masked, const run *a, size_t from)
{
    const nnrt_k_dwconv_f32_params *p = a->p;
    const __mmask16 mask = masked ? a->mask : (__mmask16)0xffff;
    const size_t y_step = p->y_step;
    __m512 acc[MAX_OUTPUTS];
#define START(i) acc[i] = a->bias ? _mm512_maskz_loadu_ps(mask, a->bias) : _mm512_setzero_ps()
    EACH(START);
    const float *w = a->w;
    const nnrt_k_dwconv_f32_row *row = a->row, *end = row + p->r;
    for (; row < end; row++, w += p->s * 16) {
        if (s == 0)
            plain_row(acc, n, a, row, from, w);
        else
            shared_row(acc, n, s, stride, masked, a, row, from, w);
    }
    const __m512 lo = _mm512_set1_ps(p->lo), hi = _mm512_set1_ps(p->hi);
    if (a->residual) {
        const float *residual = a->residual + from * y_step;
#define ADD(i) acc[i] = _mm512_add_ps(acc[i], _mm512_maskz_loadu_ps(mask, residual + (i)*y_step))
        EACH(ADD);
    }
    float *y = a->y + from * y_step;
#define END(i)                                                                                     \
    _mm512_mask_storeu_ps(y + (i)*y_step, mask, _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i])))
    EACH(END);
}

typedef void block_fn(const run *a, size_t from);

#define BLOCK(n, s, stride, masked)                                                                \
    static void block_##n##_##s##_##stride##_##masked(const run *a, size_t from)                   \
    {                                                                                              \
        block(n, s, stride, masked, a, from);                                                      \
    }
#define BLOCKS(s, stride, masked)                                                                  \
    BLOCK(1, s, stride, masked)                                                                    \
    BLOCK(2, s, stride, masked)                                                                    \
    BLOCK(4, s, stride, masked)                                                                    \
    BLOCK(7, s, stride, masked)                                                                    \
    BLOCK(8, s, stride, masked)                                                                    \
    static block_fn *const blocks_##s##_##stride##_##masked[9] = {                                 \
        [1] = block_1_##s##_##stride##_##masked,                                                   \
        [2] = block_2_##s##_##stride##_##masked,                                                   \
        [4] = block_4_##s##_##stride##_##masked,                                                   \
        [7] = block_7_##s##_##stride##_##masked,                                                   \
        [8] = block_8_##s##_##stride##_##masked};
BLOCKS(0, 0, 1)
BLOCKS(3, 1, 0)
BLOCKS(3, 1, 1)
BLOCKS(3, 2, 0)
BLOCKS(3, 2, 1)
BLOCKS(5, 1, 0)
BLOCKS(5, 1, 1)
BLOCKS(5, 2, 0)
BLOCKS(5, 2, 1)

static block_fn *const *find_blocks(const nnrt_k_dwconv_f32_params *p, int masked)
{
    static block_fn *const *const table[2][2][2] = {
        {{blocks_3_1_0, blocks_3_1_1}, {blocks_3_2_0, blocks_3_2_1}},
        {{blocks_5_1_0, blocks_5_1_1}, {blocks_5_2_0, blocks_5_2_1}},
    };
    if (p->dilation != 1 || (p->s != 3 && p->s != 5) || p->stride > 2)
        return blocks_0_0_1;
    return table[p->s == 5][p->stride == 2][masked];
}

/* Outputs of the next block: sizes that exist, 7 for rows of 7 and 14. */
static size_t next_block(size_t left)
{
    if (left >= 8 && left != 14)
        return 8;
    return left >= 7 ? 7 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

void nnrt_k_dwconv_f32__avx512_8x16(float *y, const float *x, const nnrt_k_dwconv_f32_row *row,
                                    const float *w, const float *bias, const float *residual,
                                    size_t count, const nnrt_k_dwconv_f32_params *p)
{
    size_t first = 0, end = SIZE_MAX;
    for (size_t r = 0; r < p->r; r++) {
        first = row[r].first > first ? row[r].first : first;
        end = row[r].end < end ? row[r].end : end;
    }
    block_fn *const *inner = find_blocks(p, 0), *const *masked = find_blocks(p, 1);
    for (size_t c = 0; c < p->channels; c += 16) {
        const size_t left = p->channels - c;
        const run a = {
            .y = y + c,
            .x = x + c,
            .w = w + c * p->r * p->s,
            .bias = bias ? bias + c : NULL,
            .residual = residual ? residual + c : NULL,
            .row = row,
            .p = p,
            .mask = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1),
        };
        for (size_t i = 0, n = 0; i < count; i += n) {
            n = next_block(count - i);
            const size_t last = (i + n - 1) * p->stride + (p->s - 1) * p->dilation;
            const int inside = left >= 16 && i * p->stride >= first && last < end;
            (inside ? inner : masked)[n](&a, i);
        }
    }
}
