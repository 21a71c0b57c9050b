/* dwconv_q8 on 32 channels in 256-bit registers, for AVX2 and AVX-VNNI. SPDX-License-Identifier: Apache-2.0
 * Unpacking four pixels' bytes within 128-bit lanes makes quads: channel 16*l + 4*j + i is in lane l, element i of vector j.
 * Weights, acc0 and mult are brought into that order, and packing the results undoes it for free.
 * The including file defines
 *   DW_WEIGHT            type of one vector of quads of weights
 *   MAKE_WEIGHT(w)       such a value from a vector
 *   PRODUCT(acc, x, w)   adds the products of quads x and weights w to acc. */
#include "runtime_int8/kernels/avx2/epilogue_q8.h"
#include "runtime_int8/kernels/contracts.h"

#define WEIGHTS_MAX 64

/* Four vectors that hold 32 channels. Structs of scalars, not arrays, so that they stay in registers. */
typedef struct vec4 {
    __m256i v0, v1, v2, v3;
} vec4;

typedef struct weight4 {
    DW_WEIGHT v0, v1, v2, v3;
} weight4;

typedef struct dw_block {
    const nnrt_k_dwconv_q8_args *a;
    size_t c0, channels; /* first one, and how many of 32 are valid */
    size_t quads;
    int cached; /* w is filled */
    vec4 acc0, mult;
    weight4 w[WEIGHTS_MAX];
} dw_block;

/* Input row: pixel i is at base + i*step; step is 0 in the padding. */
typedef struct dw_row {
    const uint8_t *base;
    size_t step;
} dw_row;

/* 32 channels of a per-channel array of 4-byte elements in lane order; the second 16 are `stride` bytes on, and need not
 * exist when `channels` <= 16. */
NNRT_INLINE vec4 load_channels(const void *p, size_t stride, size_t channels)
{
    const __m128i *low = p;
    const __m128i *high = (const __m128i *)((const char *)p + (channels > 16 ? stride : 0));
    return (vec4){_mm256_set_m128i(_mm_loadu_si128(high), _mm_loadu_si128(low)),
                  _mm256_set_m128i(_mm_loadu_si128(high + 1), _mm_loadu_si128(low + 1)),
                  _mm256_set_m128i(_mm_loadu_si128(high + 2), _mm_loadu_si128(low + 2)),
                  _mm256_set_m128i(_mm_loadu_si128(high + 3), _mm_loadu_si128(low + 3))};
}

static weight4 load_weights(const dw_block *b, size_t r, size_t q)
{
    const size_t panel = b->a->r * b->quads * 64;
    const vec4 w = load_channels(b->a->weight + b->c0 / 16 * panel + (r * b->quads + q) * 64, panel,
                                 b->channels);
    return (weight4){MAKE_WEIGHT(w.v0), MAKE_WEIGHT(w.v1), MAKE_WEIGHT(w.v2), MAKE_WEIGHT(w.v3)};
}

NNRT_INLINE vec4 make_quads(__m256i p0, __m256i p1, __m256i p2, __m256i p3)
{
    const __m256i lo01 = _mm256_unpacklo_epi8(p0, p1), hi01 = _mm256_unpackhi_epi8(p0, p1);
    const __m256i lo23 = _mm256_unpacklo_epi8(p2, p3), hi23 = _mm256_unpackhi_epi8(p2, p3);
    return (vec4){_mm256_unpacklo_epi16(lo01, lo23), _mm256_unpackhi_epi16(lo01, lo23),
                  _mm256_unpacklo_epi16(hi01, hi23), _mm256_unpackhi_epi16(hi01, hi23)};
}

NNRT_INLINE dw_row input_row(const dw_block *b, size_t oy, size_t r)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t iy = oy * a->stride_h + r * a->dilation_h - a->pad_top; /* wraps above the image */
    if (iy >= a->height)
        return (dw_row){a->pad + b->c0, 0};
    return (dw_row){a->x + iy * a->width * a->channels + b->c0, a->channels};
}

/* Pixel of column ix, which wraps when negative. */
NNRT_INLINE __m256i load_pixel(const dw_block *b, dw_row row, size_t ix)
{
    const uint8_t *p = ix < b->a->width ? row.base + ix * row.step : b->a->pad + b->c0;
    return _mm256_loadu_si256((const __m256i *)p);
}

NNRT_INLINE void store_bytes(uint8_t *out, __m256i y, size_t channels)
{
    if (channels >= 32) {
        _mm256_storeu_si256((__m256i *)out, y);
        return;
    }
    uint8_t part[32];
    _mm256_storeu_si256((__m256i *)part, y);
    memcpy(out, part, channels);
}

NNRT_INLINE void store_u8(const dw_block *b, size_t pixel, vec4 acc, int mode)
{
    const nnrt_q8_epilogue *e = b->a->epilogue;
    const size_t at = pixel * b->a->channels + b->c0;
    const vec4 m = b->mult;
    /* nnrt_requant_q8 reads 8 residual bytes: those of lane l, vector j are 4 bytes at 16*l + 4*j. */
    uint8_t r[4][8] = {{0}};
    if (mode != NNRT_Q8_RES_NONE)
        for (size_t j = 0; j < 4; j++) {
            memcpy(r[j], b->a->residual + at + 4 * j, 4);
            memcpy(r[j] + 4, b->a->residual + at + 16 + 4 * j, 4);
        }
    const __m256i y = nnrt_pack_q8(
        nnrt_requant_q8(acc.v0, _mm256_castsi256_ps(m.v0), r[0], mode, e),
        nnrt_requant_q8(acc.v1, _mm256_castsi256_ps(m.v1), r[1], mode, e),
        nnrt_requant_q8(acc.v2, _mm256_castsi256_ps(m.v2), r[2], mode, e),
        nnrt_requant_q8(acc.v3, _mm256_castsi256_ps(m.v3), r[3], mode, e), e);
    store_bytes((uint8_t *)b->a->y + at, y, b->channels);
}

static void store_f32(const dw_block *b, size_t pixel, vec4 acc)
{
    const nnrt_q8_epilogue *e = b->a->epilogue;
    const __m256i x[4] = {acc.v0, acc.v1, acc.v2, acc.v3};
    const __m256i m[4] = {b->mult.v0, b->mult.v1, b->mult.v2, b->mult.v3};
    float part[32];
    for (size_t j = 0; j < 4; j++) {
        const __m256 t = nnrt_float_q8(x[j], _mm256_castsi256_ps(m[j]), e);
        _mm_storeu_ps(part + 4 * j, _mm256_castps256_ps128(t));
        _mm_storeu_ps(part + 16 + 4 * j, _mm256_extractf128_ps(t, 1));
    }
    memcpy((float *)b->a->y + pixel * b->a->channels + b->c0, part, b->channels * sizeof(float));
}

NNRT_INLINE vec4 load_quads(const dw_block *b, dw_row row, size_t ix, int edge)
{
    const size_t d = b->a->dilation_w;
    if (edge)
        return make_quads(load_pixel(b, row, ix), load_pixel(b, row, ix + d),
                          load_pixel(b, row, ix + 2 * d), load_pixel(b, row, ix + 3 * d));
    const uint8_t *p = row.base + ix * row.step;
    const size_t step = d * row.step;
    return make_quads(_mm256_loadu_si256((const __m256i *)p),
                      _mm256_loadu_si256((const __m256i *)(p + step)),
                      _mm256_loadu_si256((const __m256i *)(p + 2 * step)),
                      _mm256_loadu_si256((const __m256i *)(p + 3 * step)));
}

/* One output; columns past S meet zero weights, so any byte will do there. rows: NULL if there are too many to keep, like
 * the weights. */
NNRT_INLINE void run_pixel(const dw_block *b, const dw_row *rows, size_t oy, size_t ox, int edge,
                           int mode)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    vec4 acc = b->acc0;
    for (size_t r = 0; r < a->r; r++) {
        const dw_row row = rows ? rows[r] : input_row(b, oy, r);
        size_t ix = ox * a->stride_w - a->pad_left;
        for (size_t q = 0; q < b->quads; q++, ix += 4 * a->dilation_w) {
            const vec4 x = load_quads(b, row, ix, edge);
            if (rows) {
                const weight4 *w = &b->w[r * b->quads + q];
                PRODUCT(acc.v0, x.v0, w->v0);
                PRODUCT(acc.v1, x.v1, w->v1);
                PRODUCT(acc.v2, x.v2, w->v2);
                PRODUCT(acc.v3, x.v3, w->v3);
            } else {
                const weight4 w = load_weights(b, r, q);
                PRODUCT(acc.v0, x.v0, w.v0);
                PRODUCT(acc.v1, x.v1, w.v1);
                PRODUCT(acc.v2, x.v2, w.v2);
                PRODUCT(acc.v3, x.v3, w.v3);
            }
        }
    }
    const size_t pixel = oy * a->out_width + ox;
    if (mode == NNRT_MODE_F32)
        store_f32(b, pixel, acc);
    else
        store_u8(b, pixel, acc, mode);
}

NNRT_INLINE void run_rows(const dw_block *b, size_t oy0, size_t oy1, int mode)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t reach = (4 * b->quads - 1) * a->dilation_w;
    dw_row rows[WEIGHTS_MAX];
    for (size_t oy = oy0; oy < oy1; oy++) {
        for (size_t r = 0; b->cached && r < a->r; r++)
            rows[r] = input_row(b, oy, r);
        for (size_t ox = 0; ox < a->out_width; ox++) {
            const size_t ix = ox * a->stride_w;
            if (!b->cached)
                run_pixel(b, NULL, oy, ox, 1, mode);
            else if (ix < a->pad_left || ix - a->pad_left + reach >= a->width)
                run_pixel(b, rows, oy, ox, 1, mode);
            else
                run_pixel(b, rows, oy, ox, 0, mode);
        }
    }
}

#define RUN_ROWS(mode)                                                                             \
    static __attribute__((noinline)) void run_rows_##mode(const dw_block *b, size_t oy0, size_t oy1) \
    {                                                                                              \
        run_rows(b, oy0, oy1, mode);                                                               \
    }
RUN_ROWS(0)
RUN_ROWS(1)
RUN_ROWS(2)
RUN_ROWS(3)

static void run_block(const nnrt_k_dwconv_q8_args *a, size_t oy0, size_t oy1, size_t c0, size_t c1)
{
    typedef void rows_fn(const dw_block *b, size_t oy0, size_t oy1);
    static rows_fn *const rows[4] = {run_rows_0, run_rows_1, run_rows_2, run_rows_3};
    dw_block b;
    b.a = a;
    b.quads = (a->s + 3) / 4;
    b.cached = a->r * b.quads <= WEIGHTS_MAX;
    for (size_t c = c0; c < c1; c += 32) {
        b.c0 = c;
        b.channels = c1 - c < 32 ? c1 - c : 32;
        b.acc0 = load_channels(a->acc0 + c, 64, b.channels);
        b.mult = load_channels(a->mult + c, 64, b.channels);
        for (size_t i = 0; b.cached && i < a->r * b.quads; i++)
            b.w[i] = load_weights(&b, i / b.quads, i % b.quads);
        rows[nnrt_mode_q8(a->epilogue)](&b, oy0, oy1);
    }
}
