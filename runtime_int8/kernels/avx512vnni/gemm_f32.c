/* gemm_f32 on AVX-512: 6 rows x 4 vectors of 16 columns, 24 chains in registers; 8 rows when one
 * vector is enough. The FMA is written as asm: gcc 12 copies and spills accumulators of the
 * intrinsic inside the tap loop. There are no loops over registers: clang 14 keeps arrays in memory
 * that it indexes in nested unrolled loops. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b))

INLINE __mmask16 tail_mask(size_t cols, size_t panel)
{
    const size_t left = cols - panel * 16;
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
}

INLINE __m512 epilogue(__m512 v, const float *residual, __mmask16 mask,
                       const nnrt_k_gemm_f32_params *p)
{
    v = _mm512_mul_ps(v, _mm512_set1_ps(p->alpha));
    if (residual)
        v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, residual));
    /* Operand order lets NaN through, as nnrt_clamp_f32 does. */
    v = _mm512_max_ps(_mm512_set1_ps(p->lo), v);
    return _mm512_min_ps(_mm512_set1_ps(p->hi), v);
}

/* The first `panels` vectors of a row; the last one under a mask. Constant after inlining. */
#define EACH_PANEL(call)                                                                           \
    do {                                                                                           \
        call(0);                                                                                   \
        if (panels > 1)                                                                            \
            call(1);                                                                               \
        if (panels > 2)                                                                            \
            call(2);                                                                               \
        if (panels > 3)                                                                            \
            call(3);                                                                               \
    } while (0)
#define EACH_ROW(call)                                                                             \
    do {                                                                                           \
        call(0);                                                                                   \
        if (rows > 1)                                                                              \
            call(1);                                                                               \
        if (rows > 2)                                                                              \
            call(2);                                                                               \
        if (rows > 3)                                                                              \
            call(3);                                                                               \
        if (rows > 4)                                                                              \
            call(4);                                                                               \
        if (rows > 5)                                                                              \
            call(5);                                                                               \
        if (rows > 6)                                                                              \
            call(6);                                                                               \
        if (rows > 7)                                                                              \
            call(7);                                                                               \
    } while (0)
#define MASK(j) ((j) + 1 < panels ? (__mmask16)0xffff : mask)

/* The end of a tile touches lines that may be far away: ask for them before the products. */
INLINE void row_fetch(size_t panels, const float *y, const float *residual)
{
#define FETCH(j) _mm_prefetch((const char *)(y + 16 * (j)), _MM_HINT_ET0)
#define FETCH_RESIDUAL(j) _mm_prefetch((const char *)(residual + 16 * (j)), _MM_HINT_T0)
    EACH_PANEL(FETCH);
    if (residual)
        EACH_PANEL(FETCH_RESIDUAL);
#undef FETCH
#undef FETCH_RESIDUAL
}

INLINE void row_start(__m512 *acc, size_t panels, const float *start, __mmask16 mask)
{
#define LOAD(j)                                                                                    \
    acc[j] = start ? _mm512_maskz_loadu_ps(MASK(j), start + 16 * (j)) : _mm512_setzero_ps()
    EACH_PANEL(LOAD);
#undef LOAD
}

INLINE void row_step(__m512 *acc, size_t panels, const float *x, const __m512 *b)
{
    const __m512 v = _mm512_set1_ps(*x);
#define STEP(j) FMA(acc[j], v, b[j])
    EACH_PANEL(STEP);
#undef STEP
}

INLINE void row_end(const __m512 *acc, size_t panels, float *y, const float *residual,
                    __mmask16 mask, const nnrt_k_gemm_f32_params *p)
{
#define STORE(j)                                                                                   \
    _mm512_mask_storeu_ps(y + 16 * (j), MASK(j),                                                   \
                          epilogue(acc[j], residual ? residual + 16 * (j) : NULL, MASK(j), p))
    EACH_PANEL(STORE);
#undef STORE
}

/* One tile of exactly `rows` rows and `panels` panels, the last of which may be partly used. */
INLINE void tile(size_t rows, size_t panels, float *y, const float *const *a, const float *w,
                 const float *start, const float *residual, size_t cols,
                 const nnrt_k_gemm_f32_params *p)
{
    const __mmask16 mask = tail_mask(cols, panels - 1);
    const size_t w_panel = p->w_panel, n = p->c;
    __m512 acc[8][4], b[4];
    const float *x[8];
#define FETCH(i) row_fetch(panels, y + (i)*p->y_row, residual ? residual + (i)*p->y_row : NULL)
    EACH_ROW(FETCH);
#define START(i) row_start(acc[i], panels, start ? start + (i)*p->start_row : NULL, mask)
    EACH_ROW(START);
    for (size_t t = p->taps; t > 0; t--, a += rows) {
#define POINTER(i) x[i] = a[i]
        EACH_ROW(POINTER);
        for (size_t c = 0; c < n; c++, w += 16) {
#define WEIGHT(j) b[j] = _mm512_loadu_ps(w + (j)*w_panel)
            EACH_PANEL(WEIGHT);
#define STEP(i) row_step(acc[i], panels, x[i] + c, b)
            EACH_ROW(STEP);
        }
    }
#define END(i)                                                                                     \
    row_end(acc[i], panels, y + (i)*p->y_row, residual ? residual + (i)*p->y_row : NULL, mask, p)
    EACH_ROW(END);
}

typedef void tile_fn(float *y, const float *const *a, const float *w, const float *start,
                     const float *residual, size_t cols, const nnrt_k_gemm_f32_params *p);

#define TILE(rows, panels)                                                                         \
    static void tile_##rows##x##panels(float *y, const float *const *a, const float *w,            \
                                       const float *start, const float *residual, size_t cols,     \
                                       const nnrt_k_gemm_f32_params *p)                            \
    {                                                                                              \
        tile(rows, panels, y, a, w, start, residual, cols, p);                                     \
    }
#define ROWS(panels)                                                                               \
    TILE(1, panels)                                                                                \
    TILE(2, panels) TILE(3, panels) TILE(4, panels) TILE(5, panels) TILE(6, panels)
/* clang-format off */
ROWS(1) TILE(7, 1) TILE(8, 1)
ROWS(2)
ROWS(3)
ROWS(4)
/* clang-format on */

static tile_fn *const tiles[4][8] = {
    {tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1, tile_6x1, tile_7x1, tile_8x1},
    {tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2, tile_6x2},
    {tile_1x3, tile_2x3, tile_3x3, tile_4x3, tile_5x3, tile_6x3},
    {tile_1x4, tile_2x4, tile_3x4, tile_4x4, tile_5x4, tile_6x4},
};

/* One row of 128 columns: eight chains hide the latency that the four of a tile would wait for. */
static void row_of_128(float *y, const float *const *a, const float *w, const float *start,
                       const float *residual, const nnrt_k_gemm_f32_params *p)
{
    const size_t panel = p->w_panel, n = p->c, half = 4 * panel;
    __m512 low[4], high[4], b[4], d[4];
    const size_t panels = 4;
    const __mmask16 mask = 0xffff;
    row_start(low, 4, start, mask);
    row_start(high, 4, start ? start + 64 : NULL, mask);
    for (size_t t = 0; t < p->taps; t++) {
        const float *x = a[t];
        for (size_t c = 0; c < n; c++, w += 16) {
#define LOW(j) b[j] = _mm512_loadu_ps(w + (j)*panel)
#define HIGH(j) d[j] = _mm512_loadu_ps(w + half + (j)*panel)
            EACH_PANEL(LOW);
            EACH_PANEL(HIGH);
            row_step(low, 4, x + c, b);
            row_step(high, 4, x + c, d);
        }
    }
    row_end(low, 4, y, residual, mask, p);
    row_end(high, 4, y + 64, residual ? residual + 64 : NULL, mask, p);
}

void nnrt_k_gemm_f32__avx512_6x64(float *y, const float *const *a, const float *w,
                                  const float *start, const float *residual, size_t rows,
                                  size_t cols, const nnrt_k_gemm_f32_params *p)
{
    while (rows == 1 && cols > 64) {
        const size_t step = cols >= 128 ? 128 : 64;
        if (step == 128)
            row_of_128(y, a, w, start, residual, p);
        else
            tile_1x4(y, a, w, start, residual, 64, p);
        y += step;
        w += step / 16 * p->w_panel;
        start = start ? start + step : NULL;
        residual = residual ? residual + step : NULL;
        cols -= step;
    }
    if (cols > 0)
        tiles[(cols - 1) / 16][rows - 1](y, a, w, start, residual, cols, p);
}
