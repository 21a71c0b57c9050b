/* gemm_f32 on AVX2 + FMA: 6 rows x 16 columns, 12 chains in registers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define FMA(acc, a, b) __asm__("vfmadd231ps %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b))

static const int32_t mask_bits[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                      -1, -1, -1, -1, -1, 0,  0,  0,  0,  0,  0,
                                      0,  0,  0,  0,  0,  0,  0,  0,  0,  0};

INLINE __m256 clamp(__m256 v, const nnrt_k_gemm_f32_params *p)
{
    /* Operand order lets NaN through, as nnrt_clamp_f32 does. */
    v = _mm256_max_ps(_mm256_set1_ps(p->lo), v);
    return _mm256_min_ps(_mm256_set1_ps(p->hi), v);
}

/* No loops over registers: clang 14 keeps arrays in memory that it indexes in nested unrolled
 * loops. */
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
    } while (0)

INLINE __m256 load(const float *p, int part, __m256i mask)
{
    return part ? _mm256_maskload_ps(p, mask) : _mm256_loadu_ps(p);
}

INLINE void row_start(__m256 *acc, int part, const float *start, const __m256i *mask)
{
    acc[0] = start ? load(start, part, mask[0]) : _mm256_setzero_ps();
    acc[1] = start ? load(start + 8, part, mask[1]) : _mm256_setzero_ps();
}

INLINE void row_step(__m256 *acc, const float *x, __m256 b0, __m256 b1)
{
    const __m256 v = _mm256_broadcast_ss(x);
    FMA(acc[0], v, b0);
    FMA(acc[1], v, b1);
}

INLINE void row_end(const __m256 *acc, int part, float *y, const float *residual,
                    const __m256i *mask, const nnrt_k_gemm_f32_params *p)
{
    const __m256 alpha = _mm256_set1_ps(p->alpha);
    __m256 v0 = _mm256_mul_ps(acc[0], alpha), v1 = _mm256_mul_ps(acc[1], alpha);
    if (residual) {
        v0 = _mm256_add_ps(v0, load(residual, part, mask[0]));
        v1 = _mm256_add_ps(v1, load(residual + 8, part, mask[1]));
    }
    if (part) {
        _mm256_maskstore_ps(y, mask[0], clamp(v0, p));
        _mm256_maskstore_ps(y + 8, mask[1], clamp(v1, p));
    } else {
        _mm256_storeu_ps(y, clamp(v0, p));
        _mm256_storeu_ps(y + 8, clamp(v1, p));
    }
}

/* One tile of exactly `rows` rows and 16 columns, or the first cols < 16 of them when `part`. */
INLINE void tile(size_t rows, int part, float *y, const float *const *a, const float *w,
                 const float *start, const float *residual, size_t cols,
                 const nnrt_k_gemm_f32_params *p)
{
    const __m256i mask[2] = {_mm256_loadu_si256((const __m256i *)(mask_bits + 16 - cols)),
                             _mm256_loadu_si256((const __m256i *)(mask_bits + 24 - cols))};
    const size_t n = p->c;
    __m256 acc[6][2];
    const float *x[6];
/* The end of a tile touches lines that may be far away: ask for them before the products. */
#define FETCH(i)                                                                                   \
    do {                                                                                           \
        _mm_prefetch((const char *)(y + (i)*p->y_row), _MM_HINT_T0);                               \
        if (residual)                                                                              \
            _mm_prefetch((const char *)(residual + (i)*p->y_row), _MM_HINT_T0);                    \
    } while (0)
    EACH_ROW(FETCH);
#define START(i) row_start(acc[i], part, start ? start + (i)*p->start_row : NULL, mask)
    EACH_ROW(START);
    for (size_t t = p->taps; t > 0; t--, a += rows) {
#define POINTER(i) x[i] = a[i]
        EACH_ROW(POINTER);
        for (size_t c = 0; c < n; c++, w += 16) {
            const __m256 b0 = _mm256_loadu_ps(w), b1 = _mm256_loadu_ps(w + 8);
#define STEP(i) row_step(acc[i], x[i] + c, b0, b1)
            EACH_ROW(STEP);
        }
    }
#define END(i)                                                                                     \
    row_end(acc[i], part, y + (i)*p->y_row, residual ? residual + (i)*p->y_row : NULL, mask, p)
    EACH_ROW(END);
}

typedef void tile_fn(float *y, const float *const *a, const float *w, const float *start,
                     const float *residual, size_t cols, const nnrt_k_gemm_f32_params *p);

#define TILE(rows, part)                                                                           \
    static void tile_##rows##_##part(float *y, const float *const *a, const float *w,              \
                                     const float *start, const float *residual, size_t cols,       \
                                     const nnrt_k_gemm_f32_params *p)                              \
    {                                                                                              \
        tile(rows, part, y, a, w, start, residual, cols, p);                                       \
    }
#define ROWS(part)                                                                                 \
    TILE(1, part)                                                                                  \
    TILE(2, part) TILE(3, part) TILE(4, part) TILE(5, part) TILE(6, part)
ROWS(0)
ROWS(1)

static tile_fn *const tiles[2][6] = {
    {tile_1_0, tile_2_0, tile_3_0, tile_4_0, tile_5_0, tile_6_0},
    {tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1},
};

/* One row of 64 columns: eight chains hide the latency that the two of a tile would wait for. */
static void row_of_64(float *y, const float *const *a, const float *w, const float *start,
                      const float *residual, const nnrt_k_gemm_f32_params *p)
{
    const size_t panel = p->w_panel, n = p->c;
    __m256 acc[4][2];
#define EACH_PANEL(call)                                                                           \
    do {                                                                                           \
        call(0);                                                                                   \
        call(1);                                                                                   \
        call(2);                                                                                   \
        call(3);                                                                                   \
    } while (0)
#define PANEL_START(j) row_start(acc[j], 0, start ? start + 16 * (j) : NULL, NULL)
    EACH_PANEL(PANEL_START);
    for (size_t t = 0; t < p->taps; t++) {
        const float *x = a[t];
        for (size_t c = 0; c < n; c++, w += 16) {
#define PANEL_STEP(j)                                                                              \
    row_step(acc[j], x + c, _mm256_loadu_ps(w + (j)*panel), _mm256_loadu_ps(w + (j)*panel + 8))
            EACH_PANEL(PANEL_STEP);
        }
    }
#define PANEL_END(j) row_end(acc[j], 0, y + 16 * (j), residual ? residual + 16 * (j) : NULL, NULL, p)
    EACH_PANEL(PANEL_END);
}

void nnrt_k_gemm_f32__avx2_6x16(float *y, const float *const *a, const float *w, const float *start,
                                const float *residual, size_t rows, size_t cols,
                                const nnrt_k_gemm_f32_params *p)
{
    while (rows == 1 && cols > 16) {
        const size_t step = cols >= 64 ? 64 : 16;
        if (step == 64)
            row_of_64(y, a, w, start, residual, p);
        else
            tile_1_0(y, a, w, start, residual, 16, p);
        y += step;
        w += step / 16 * p->w_panel;
        start = start ? start + step : NULL;
        residual = residual ? residual + step : NULL;
        cols -= step;
    }
    if (cols > 0)
        tiles[cols < 16][rows - 1](y, a, w, start, residual, cols, p);
}
