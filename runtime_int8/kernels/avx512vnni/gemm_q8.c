/* gemm_q8 with AVX512-VNNI: 6x64, 8x48, 12x32 and 12x16 tiles held in registers. SPDX-License-Identifier: Apache-2.0
 * At most 24 accumulators, 4 weight vectors and one broadcast input are alive; more would spill. */
#include <string.h>

#include "runtime_int8/kernels/avx512vnni/epilogue_q8.h"
#include "runtime_int8/kernels/contracts.h"

#define MODE_BUFFER 8 /* leave the accumulators in memory for store_buffer */
#define MODE_LIGHT 9  /* NNRT_Q8_RES_NONE under the conditions of nnrt_q8_may_be_light */

typedef struct tile_args {
    const nnrt_k_gemm_q8_args *a;
    size_t m, n;
    size_t columns; /* valid ones of the tile */
    __m512i *buffer;
    nnrt_q8_vectors v;
    int light;
} tile_args;

typedef void tile_fn(const tile_args *t);

NNRT_INLINE __m512i broadcast4(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, sizeof(v));
    return _mm512_set1_epi32(v);
}

/* What the epilogue needs, read before y is written: bytes may alias anything. */
typedef struct tile_out {
    uint8_t *y;
    const uint8_t *r;
    size_t ldy, columns;
    __mmask64 mask;
    __m512 mult0, mult1, mult2, mult3;
    nnrt_q8_vectors v;
} tile_out;

NNRT_INLINE tile_out make_out(const tile_args *t, int panels, int mode)
{
    const nnrt_k_gemm_q8_args *a = t->a;
    const float *mult = a->mult + t->n;
    const size_t at = t->m * a->ldy + t->n;
    const __m512 mult0 = _mm512_loadu_ps(mult);
    return (tile_out){(uint8_t *)a->y + at,
                      mode == NNRT_Q8_RES_NONE || mode == MODE_LIGHT ? NULL : a->residual + at,
                      a->ldy,
                      t->columns,
                      nnrt_byte_mask(t->columns),
                      mult0,
                      panels > 1 ? _mm512_loadu_ps(mult + 16) : mult0,
                      panels > 2 ? _mm512_loadu_ps(mult + 32) : mult0,
                      panels > 3 ? _mm512_loadu_ps(mult + 48) : mult0,
                      t->v};
}

/* One output row of panels x 16 columns; moves on to the next. c is indexed by constants to stay in registers. */
NNRT_INLINE void store_row(tile_out *out, const __m512i *c, int panels, int mode,
                           const nnrt_q8_epilogue *e)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const int residual = mode == NNRT_Q8_RES_DIRECT || mode == NNRT_Q8_RES_TWICE;
#define REQUANT(j)                                                                                 \
    (mode == MODE_LIGHT ? nnrt_requant_light(c[j], out->mult##j)                                   \
                        : nnrt_requant_q8(c[j], out->mult##j,                                      \
                                          residual ? nnrt_residual16(out->r + 16 * j) : c[0], mode, \
                                          e, &out->v))
    const __m512i q0 = REQUANT(0);
    const __m512i q1 = panels > 1 ? REQUANT(1) : q0;
    const __m512i q2 = panels > 2 ? REQUANT(2) : q0;
    const __m512i q3 = panels > 3 ? REQUANT(3) : q0;
    __m512i y = mode == MODE_LIGHT ? nnrt_pack_light(q0, q1, q2, q3, &out->v)
                                   : nnrt_pack_q8(q0, q1, q2, q3, &out->v);
    y = _mm512_permutexvar_epi32(order, y);
    if (panels == 4 && out->columns == 64)
        _mm512_storeu_si512(out->y, y);
    else
        _mm512_mask_storeu_epi8(out->y, out->mask, y);
    out->y += out->ldy;
    if (residual)
        out->r += out->ldy;
}

/* The rows of a tile are written out one by one so that every index is a constant and c and p live in registers. */
#define FOR_ROWS(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

#define ROW_START(i)                                                                               \
    if (i < rows) {                                                                                \
        c[i * panels] = b0;                                                                        \
        if (panels > 1)                                                                            \
            c[i * panels + 1] = b1;                                                                \
        if (panels > 2)                                                                            \
            c[i * panels + 2] = b2;                                                                \
        if (panels > 3)                                                                            \
            c[i * panels + 3] = b3;                                                                \
    }
#define ROW_ADD(i)                                                                                 \
    if (i < rows) {                                                                                \
        const __m512i r = _mm512_set1_epi32(a->row_add[t->m + i]);                                 \
        c[i * panels] = _mm512_add_epi32(c[i * panels], r);                                        \
        if (panels > 1)                                                                            \
            c[i * panels + 1] = _mm512_add_epi32(c[i * panels + 1], r);                            \
        if (panels > 2)                                                                            \
            c[i * panels + 2] = _mm512_add_epi32(c[i * panels + 2], r);                            \
        if (panels > 3)                                                                            \
            c[i * panels + 3] = _mm512_add_epi32(c[i * panels + 3], r);                            \
    }
#define ROW_PLAIN(i)                                                                               \
    if (i < rows)                                                                                  \
        p[i] = a->x + (t->m + i) * a->ldx;
#define ROW_PADDED(i)                                                                              \
    if (i < rows)                                                                                  \
        padded &= offset[i];
#define ROW_OFFSET(i)                                                                              \
    if (i < rows)                                                                                  \
        p[i] = offset[i] < 0 ? a->pad : x + offset[i];
#define ROW_PRODUCT(i)                                                                             \
    if (i < rows) {                                                                                \
        const __m512i v = broadcast4(p[i] + k);                                                    \
        NNRT_DPBUSD(c[i * panels], v, w0);                                                         \
        if (panels > 1)                                                                            \
            NNRT_DPBUSD(c[i * panels + 1], v, w1);                                                 \
        if (panels > 2)                                                                            \
            NNRT_DPBUSD(c[i * panels + 2], v, w2);                                                 \
        if (panels > 3)                                                                            \
            NNRT_DPBUSD(c[i * panels + 3], v, w3);                                                 \
    }
#define ROW_BUFFER(i)                                                                              \
    if (i < rows) {                                                                                \
        t->buffer[i * panels] = c[i * panels];                                                     \
        if (panels > 1)                                                                            \
            t->buffer[i * panels + 1] = c[i * panels + 1];                                         \
        if (panels > 2)                                                                            \
            t->buffer[i * panels + 2] = c[i * panels + 2];                                         \
        if (panels > 3)                                                                            \
            t->buffer[i * panels + 3] = c[i * panels + 3];                                         \
    }
#define ROW_STORE_LIGHT(i)                                                                         \
    if (i < rows)                                                                                  \
        store_row(&out, c + i * panels, panels, MODE_LIGHT, NULL);
#define ROW_STORE(i)                                                                               \
    if (i < rows)                                                                                  \
        store_row(&out, c + i * panels, panels, mode, &e);

NNRT_INLINE void run_tile(const tile_args *t, const int rows, const int panels, const int mode)
{
    const nnrt_k_gemm_q8_args *a = t->a;
    const size_t panel_bytes = a->taps * a->quads * 64, bytes = a->quads * 4;
    const int8_t *w = a->w + t->n / 16 * panel_bytes;
    const uint8_t *p[12];
    __m512i c[24];
    {
        const int32_t *acc0 = a->acc0 + t->n;
        const __m512i b0 = _mm512_loadu_si512(acc0);
        const __m512i b1 = panels > 1 ? _mm512_loadu_si512(acc0 + 16) : b0;
        const __m512i b2 = panels > 2 ? _mm512_loadu_si512(acc0 + 32) : b0;
        const __m512i b3 = panels > 3 ? _mm512_loadu_si512(acc0 + 48) : b0;
        FOR_ROWS(ROW_START)
    }
    if (a->row_add) {
        FOR_ROWS(ROW_ADD)
    }
    for (size_t tap = 0; tap < a->taps; tap++) {
        if (a->offset) {
            const int32_t *offset = a->offset + tap * a->offset_stride + t->m;
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
            const __m512i w0 = _mm512_loadu_si512(w);
            const __m512i w1 = panels > 1 ? _mm512_loadu_si512(w + panel_bytes) : w0;
            const __m512i w2 = panels > 2 ? _mm512_loadu_si512(w + 2 * panel_bytes) : w0;
            const __m512i w3 = panels > 3 ? _mm512_loadu_si512(w + 3 * panel_bytes) : w0;
            FOR_ROWS(ROW_PRODUCT)
            w += 64;
        }
    }
    if (mode == MODE_BUFFER) {
        FOR_ROWS(ROW_BUFFER)
    } else if (mode == NNRT_Q8_RES_NONE && t->light) {
        tile_out out = make_out(t, panels, MODE_LIGHT);
        FOR_ROWS(ROW_STORE_LIGHT)
    } else {
        const nnrt_q8_epilogue e = *a->epilogue;
        tile_out out = make_out(t, panels, mode);
        FOR_ROWS(ROW_STORE)
    }
}

/* The epilogues that are not worth a copy of every tile. */
static void store_floats(const tile_args *t, size_t rows, size_t panels)
{
    const nnrt_k_gemm_q8_args *a = t->a;
    const __m512 lo = _mm512_set1_ps(a->epilogue->lo), hi = t->v.hi;
    const __mmask64 mask = nnrt_byte_mask(t->columns);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < panels; j++) {
            const __m512i c = t->buffer[i * panels + j];
            const __m512 mult = _mm512_loadu_ps(a->mult + t->n + 16 * j);
            const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(c), mult);
            _mm512_mask_storeu_ps((float *)a->y + (t->m + i) * a->ldy + t->n + 16 * j,
                                  (__mmask16)(mask >> (16 * j)),
                                  _mm512_max_ps(_mm512_min_ps(v, hi), lo));
        }
}

NNRT_INLINE void store_residual(const tile_args *t, size_t rows, const int panels, const int mode)
{
    const nnrt_q8_epilogue e = *t->a->epilogue;
    tile_out out = make_out(t, panels, mode);
    for (size_t i = 0; i < rows; i++)
        store_row(&out, t->buffer + i * (size_t)panels, panels, mode, &e);
}

static void store_buffer(const tile_args *t, size_t rows, size_t panels)
{
    const nnrt_q8_epilogue *e = t->a->epilogue;
    const int twice = e->residual == NNRT_Q8_RES_TWICE;
    if (e->out == NNRT_Q8_OUT_F32)
        store_floats(t, rows, panels);
    else if (panels == 1 && twice)
        store_residual(t, rows, 1, NNRT_Q8_RES_TWICE);
    else if (panels == 1)
        store_residual(t, rows, 1, NNRT_Q8_RES_DIRECT);
    else if (panels == 2 && twice)
        store_residual(t, rows, 2, NNRT_Q8_RES_TWICE);
    else if (panels == 2)
        store_residual(t, rows, 2, NNRT_Q8_RES_DIRECT);
    else if (panels == 3 && twice)
        store_residual(t, rows, 3, NNRT_Q8_RES_TWICE);
    else if (panels == 3)
        store_residual(t, rows, 3, NNRT_Q8_RES_DIRECT);
    else if (twice)
        store_residual(t, rows, 4, NNRT_Q8_RES_TWICE);
    else
        store_residual(t, rows, 4, NNRT_Q8_RES_DIRECT);
}

#define TILE(rows, panels)                                                                         \
    static __attribute__((noinline)) void tile_##rows##x##panels(const tile_args *t)               \
    {                                                                                              \
        run_tile(t, rows, panels, NNRT_Q8_RES_NONE);                                               \
    }                                                                                              \
    static __attribute__((noinline)) void tile_##rows##x##panels##_buffer(const tile_args *t)      \
    {                                                                                              \
        run_tile(t, rows, panels, MODE_BUFFER);                                                    \
        store_buffer(t, rows, panels);                                                             \
    }
#define TILE_RESIDUAL(rows, panels)                                                                \
    static __attribute__((noinline)) void tile_##rows##x##panels##_direct(const tile_args *t)      \
    {                                                                                              \
        run_tile(t, rows, panels, NNRT_Q8_RES_DIRECT);                                             \
    }                                                                                              \
    static __attribute__((noinline)) void tile_##rows##x##panels##_twice(const tile_args *t)       \
    {                                                                                              \
        run_tile(t, rows, panels, NNRT_Q8_RES_TWICE);                                              \
    }

#define TILES_6(DO, panels)                                                                        \
    DO(1, panels) DO(2, panels) DO(3, panels) DO(4, panels) DO(5, panels) DO(6, panels)
#define TILES_8(DO, panels) TILES_6(DO, panels) DO(7, panels) DO(8, panels)
#define TILES_12(DO, panels)                                                                       \
    TILES_8(DO, panels) DO(9, panels) DO(10, panels) DO(11, panels) DO(12, panels)

TILES_12(TILE, 1)
TILES_12(TILE, 2)
TILES_8(TILE, 3)
TILES_6(TILE, 4)
TILE_RESIDUAL(5, 4)
TILE_RESIDUAL(6, 4)

#define PLAIN(rows, panels) tile_##rows##x##panels,
#define BUFFER(rows, panels) tile_##rows##x##panels##_buffer,

static tile_fn *const plain_tiles[4][12] = {{TILES_12(PLAIN, 1)},
                                            {TILES_12(PLAIN, 2)},
                                            {TILES_8(PLAIN, 3)},
                                            {TILES_6(PLAIN, 4)}};
static tile_fn *const buffer_tiles[4][12] = {{TILES_12(BUFFER, 1)},
                                             {TILES_12(BUFFER, 2)},
                                             {TILES_8(BUFFER, 3)},
                                             {TILES_6(BUFFER, 4)}};

static tile_fn *choose_tile(const nnrt_q8_epilogue *e, size_t rows, size_t panels)
{
    if (e->out == NNRT_Q8_OUT_U8 && e->residual == NNRT_Q8_RES_NONE)
        return plain_tiles[panels - 1][rows - 1];
    if (e->out == NNRT_Q8_OUT_U8 && panels == 4 && rows >= 5) {
        if (e->residual == NNRT_Q8_RES_DIRECT)
            return rows == 5 ? tile_5x4_direct : tile_6x4_direct;
        return rows == 5 ? tile_5x4_twice : tile_6x4_twice;
    }
    return buffer_tiles[panels - 1][rows - 1];
}

void nnrt_k_gemm_q8__avx512vnni_6x64(const nnrt_k_gemm_q8_args *a, size_t m0, size_t m1, size_t n0,
                                     size_t n1)
{
    static const size_t max_rows[4] = {12, 12, 8, 6};
    __m512i buffer[24];
    const nnrt_q8_vectors v = nnrt_q8_spread(a->epilogue);
    for (size_t n = n0; n < n1;) {
        const size_t columns = n1 - n < 64 ? n1 - n : 64, panels = (columns + 15) / 16;
        const size_t rows = m1 - m0, tiles = (rows + max_rows[panels - 1] - 1) / max_rows[panels - 1];
        tile_args t = {a, m0, n, columns, buffer, v, nnrt_q8_may_be_light(a->epilogue)};
        for (size_t i = 0; i < panels && t.light; i++)
            t.light = nnrt_q8_below_one(_mm512_loadu_ps(a->mult + n + 16 * i));
        for (size_t i = 0; i < tiles; i++) {
            const size_t next = m0 + (i + 1) * rows / tiles;
            choose_tile(a->epilogue, next - t.m, panels)(&t);
            t.m = next;
        }
        n += columns;
    }
}
