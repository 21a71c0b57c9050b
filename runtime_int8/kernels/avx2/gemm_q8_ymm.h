/* gemm_q8 on 16 columns in 256-bit registers, for AVX2 and AVX-VNNI. SPDX-License-Identifier: Apache-2.0
 * The including file defines GEMM_ROWS (4 or 6) and
 *   WEIGHTS(w)      declares what one quad of 16 columns needs, from 64 bytes at w
 *   PRODUCT(a, b, v)  adds the products of the broadcast quad v to the accumulators a and b. */
#include "runtime_int8/kernels/avx2/epilogue_q8.h"
#include "runtime_int8/kernels/contracts.h"

typedef void tile_fn(const nnrt_k_gemm_q8_args *a, size_t m, size_t n, size_t columns);

NNRT_INLINE __m256i broadcast4(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, sizeof(v));
    return _mm256_set1_epi32(v);
}

/* The rows of a tile are written out one by one so that every index is a constant and c and p live in registers. */
#define FOR_ROWS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define ROW_START(i)                                                                               \
    if (i < rows) {                                                                                \
        c[2 * i] = _mm256_loadu_si256((const __m256i *)(a->acc0 + n));                             \
        c[2 * i + 1] = _mm256_loadu_si256((const __m256i *)(a->acc0 + n + 8));                     \
    }
#define ROW_ADD(i)                                                                                 \
    if (i < rows) {                                                                                \
        const __m256i r = _mm256_set1_epi32(a->row_add[m + i]);                                    \
        c[2 * i] = _mm256_add_epi32(c[2 * i], r);                                                  \
        c[2 * i + 1] = _mm256_add_epi32(c[2 * i + 1], r);                                          \
    }
#define ROW_PLAIN(i)                                                                               \
    if (i < rows)                                                                                  \
        p[i] = a->x + (m + i) * a->ldx;
#define ROW_PADDED(i)                                                                              \
    if (i < rows)                                                                                  \
        padded &= offset[i];
#define ROW_OFFSET(i)                                                                              \
    if (i < rows)                                                                                  \
        p[i] = offset[i] < 0 ? a->pad : x + offset[i];
#define ROW_PRODUCT(i)                                                                             \
    if (i < rows) {                                                                                \
        const __m256i v = broadcast4(p[i] + k);                                                    \
        PRODUCT(c[2 * i], c[2 * i + 1], v);                                                        \
    }
#define ROW_STORE(i)                                                                               \
    if (i < rows)                                                                                  \
        nnrt_store16_q8(a->y, a->residual, (m + i) * a->ldy + n, columns, c[2 * i], c[2 * i + 1],  \
                        a->mult + n, mode, a->epilogue);

NNRT_INLINE void run_tile(const nnrt_k_gemm_q8_args *a, size_t m, size_t n, size_t columns,
                          const int rows, const int mode)
{
    const size_t bytes = a->quads * 4;
    const int8_t *w = a->w + n / 16 * a->taps * a->quads * 64;
    const uint8_t *p[6];
    __m256i c[12];
    FOR_ROWS(ROW_START)
    if (a->row_add) {
        FOR_ROWS(ROW_ADD)
    }
    for (size_t tap = 0; tap < a->taps; tap++) {
        if (a->offset) {
            const int32_t *offset = a->offset + tap * a->offset_stride + m;
            const uint8_t *x = a->x + tap * a->tap_step;
            int32_t padded = a->epilogue->zx == 0 ? -1 : 0;
            FOR_ROWS(ROW_PADDED)
            if (padded < 0) { /* every row reads zeros */
                w += bytes * 16;
                continue;
            }
            FOR_ROWS(ROW_OFFSET)
        } else {
            FOR_ROWS(ROW_PLAIN)
        }
        for (size_t k = 0; k < bytes; k += 4) {
            WEIGHTS(w)
            FOR_ROWS(ROW_PRODUCT)
            w += 64;
        }
    }
    FOR_ROWS(ROW_STORE)
}

#define TILE_MODE(rows, mode)                                                                      \
    static __attribute__((noinline)) void tile_##rows##_##mode(const nnrt_k_gemm_q8_args *a,       \
                                                               size_t m, size_t n, size_t columns) \
    {                                                                                              \
        run_tile(a, m, n, columns, rows, mode);                                                    \
    }
#define TILE(rows) TILE_MODE(rows, 0) TILE_MODE(rows, 1) TILE_MODE(rows, 2) TILE_MODE(rows, 3)
#define ENTRY(rows) {tile_##rows##_0, tile_##rows##_1, tile_##rows##_2, tile_##rows##_3},

TILE(1) TILE(2) TILE(3) TILE(4)
#if GEMM_ROWS == 6
TILE(5) TILE(6)
#endif

static tile_fn *const tiles[GEMM_ROWS][4] = {
    ENTRY(1) ENTRY(2) ENTRY(3) ENTRY(4)
#if GEMM_ROWS == 6
    ENTRY(5) ENTRY(6)
#endif
};

static void run_block(const nnrt_k_gemm_q8_args *a, size_t m0, size_t m1, size_t n0, size_t n1)
{
    const int mode = nnrt_mode_q8(a->epilogue);
    const size_t count = (m1 - m0 + GEMM_ROWS - 1) / GEMM_ROWS;
    for (size_t n = n0; n < n1; n += 16) {
        size_t m = m0;
        for (size_t i = 0; i < count; i++) {
            const size_t next = m0 + (i + 1) * (m1 - m0) / count;
            tiles[next - m - 1][mode](a, m, n, n1 - n < 16 ? n1 - n : 16);
            m = next;
        }
    }
}
