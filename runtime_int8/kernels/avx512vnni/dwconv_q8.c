/* dwconv_q8 with AVX512-VNNI: 64 channels of 4 neighbouring pixels become quads. SPDX-License-Identifier: Apache-2.0
 * Unpacking within 128-bit lanes leaves channel 16*l + 4*j + i in lane l, element i of vector j. Weights, acc0 and mult are
 * brought into that order once per call, and packing the results undoes it for free. With stride 1 one quad of pixels serves
 * neighbouring outputs: their weights are the same, moved up by a byte. */
#include "runtime_int8/kernels/avx512vnni/epilogue_q8.h"
#include "runtime_int8/kernels/contracts.h"

#define WEIGHTS_MAX 64 /* times 64 channels x 4 bytes: 16 KB on the stack */

/* Four vectors that hold 64 channels. A struct of scalars, not an array, so that it stays in registers. */
typedef struct vec4 {
    __m512i v0, v1, v2, v3;
} vec4;

typedef struct dw_block {
    const nnrt_k_dwconv_q8_args *a;
    size_t c0, channels; /* first one, and how many of 64 are valid */
    size_t quads;
    size_t w_row; /* elements of w from one kernel row to the next */
    __mmask64 mask;
    nnrt_q8_vectors v;
    vec4 acc0, mult;
    vec4 w[WEIGHTS_MAX];
} dw_block;

/* Input row: pixel i is at base + i*step; step is 0 in the padding. */
typedef struct dw_row {
    const uint8_t *base;
    size_t step;
} dw_row;

/* Lane l of vector j of the result is lane j of vector l. */
NNRT_INLINE vec4 transpose_lanes(vec4 x)
{
    const __m512i a = _mm512_shuffle_i32x4(x.v0, x.v1, 0x44);
    const __m512i b = _mm512_shuffle_i32x4(x.v0, x.v1, 0xee);
    const __m512i c = _mm512_shuffle_i32x4(x.v2, x.v3, 0x44);
    const __m512i d = _mm512_shuffle_i32x4(x.v2, x.v3, 0xee);
    return (vec4){_mm512_shuffle_i32x4(a, c, 0x88), _mm512_shuffle_i32x4(a, c, 0xdd),
                  _mm512_shuffle_i32x4(b, d, 0x88), _mm512_shuffle_i32x4(b, d, 0xdd)};
}

/* 64 channels of a per-channel array of 4-byte elements; `stride` bytes from one 16 to the next. */
static vec4 load_channels(const void *p, size_t stride, size_t channels)
{
    const char *at = p;
    const __m512i none = _mm512_setzero_si512();
    vec4 x = {_mm512_loadu_si512(at), none, none, none};
    if (channels > 16)
        x.v1 = _mm512_loadu_si512(at + stride);
    if (channels > 32)
        x.v2 = _mm512_loadu_si512(at + 2 * stride);
    if (channels > 48)
        x.v3 = _mm512_loadu_si512(at + 3 * stride);
    return transpose_lanes(x);
}

static vec4 load_weights(const dw_block *b, size_t r, size_t q)
{
    const size_t panel = b->a->r * b->quads * 64;
    return load_channels(b->a->weight + b->c0 / 16 * panel + (r * b->quads + q) * 64, panel,
                         b->channels);
}

/* Bytes of 64 channels of four pixels as quads in lane order. */
NNRT_INLINE vec4 make_quads(__m512i p0, __m512i p1, __m512i p2, __m512i p3)
{
    const __m512i lo01 = _mm512_unpacklo_epi8(p0, p1), hi01 = _mm512_unpackhi_epi8(p0, p1);
    const __m512i lo23 = _mm512_unpacklo_epi8(p2, p3), hi23 = _mm512_unpackhi_epi8(p2, p3);
    return (vec4){_mm512_unpacklo_epi16(lo01, lo23), _mm512_unpackhi_epi16(lo01, lo23),
                  _mm512_unpacklo_epi16(hi01, hi23), _mm512_unpackhi_epi16(hi01, hi23)};
}

#define MULTIPLY(acc, x, w)                                                                        \
    do {                                                                                           \
        NNRT_DPBUSD_M((acc).v0, (x).v0, (w).v0);                                                    \
        NNRT_DPBUSD_M((acc).v1, (x).v1, (w).v1);                                                    \
        NNRT_DPBUSD_M((acc).v2, (x).v2, (w).v2);                                                    \
        NNRT_DPBUSD_M((acc).v3, (x).v3, (w).v3);                                                    \
    } while (0)

/* What the epilogue of neighbouring pixels needs, read before y is written: bytes may alias anything. */
typedef struct dw_out {
    uint8_t *y;
    size_t step, channels;
    __mmask64 mask;
    vec4 mult;
    nnrt_q8_vectors v;
} dw_out;

NNRT_INLINE dw_out make_out(const dw_block *b, size_t pixel)
{
    const size_t step = b->a->channels;
    return (dw_out){(uint8_t *)b->a->y + pixel * step + b->c0, step, b->channels, b->mask, b->mult,
                    b->v};
}

/* Pixel i after the one that `out` was made for, u8 without a residual. */
NNRT_INLINE void store_plain(const dw_out *out, size_t i, vec4 acc)
{
    const vec4 *m = &out->mult;
    const nnrt_q8_vectors *v = &out->v;
    const __m512i y = nnrt_pack_q8(
        nnrt_requant_q8(acc.v0, _mm512_castsi512_ps(m->v0), acc.v0, NNRT_Q8_RES_NONE, NULL, v),
        nnrt_requant_q8(acc.v1, _mm512_castsi512_ps(m->v1), acc.v1, NNRT_Q8_RES_NONE, NULL, v),
        nnrt_requant_q8(acc.v2, _mm512_castsi512_ps(m->v2), acc.v2, NNRT_Q8_RES_NONE, NULL, v),
        nnrt_requant_q8(acc.v3, _mm512_castsi512_ps(m->v3), acc.v3, NNRT_Q8_RES_NONE, NULL, v), v);
    if (out->channels == 64)
        _mm512_storeu_si512(out->y + i * out->step, y);
    else
        _mm512_mask_storeu_epi8(out->y + i * out->step, out->mask, y);
}

NNRT_INLINE void store_u8(const dw_block *b, size_t pixel, vec4 acc, int mode)
{
    const nnrt_q8_epilogue *e = b->a->epilogue;
    const size_t at = pixel * b->a->channels + b->c0;
    const __m512i none = _mm512_setzero_si512();
    vec4 r = {none, none, none, none};
    if (mode != NNRT_Q8_RES_NONE)
        r = make_quads(_mm512_loadu_si512(b->a->residual + at), none, none, none);
    const __m512i y = nnrt_pack_q8(
        nnrt_requant_q8(acc.v0, _mm512_castsi512_ps(b->mult.v0), r.v0, mode, e, &b->v),
        nnrt_requant_q8(acc.v1, _mm512_castsi512_ps(b->mult.v1), r.v1, mode, e, &b->v),
        nnrt_requant_q8(acc.v2, _mm512_castsi512_ps(b->mult.v2), r.v2, mode, e, &b->v),
        nnrt_requant_q8(acc.v3, _mm512_castsi512_ps(b->mult.v3), r.v3, mode, e, &b->v), &b->v);
    uint8_t *out = (uint8_t *)b->a->y + at;
    if (b->channels == 64)
        _mm512_storeu_si512(out, y);
    else
        _mm512_mask_storeu_epi8(out, b->mask, y);
}

NNRT_INLINE __m512i to_float(__m512i acc, __m512i mult, const nnrt_q8_epilogue *e)
{
    __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_castsi512_ps(mult));
    t = _mm512_min_ps(t, _mm512_set1_ps(e->hi));
    return _mm512_castps_si512(_mm512_max_ps(t, _mm512_set1_ps(e->lo)));
}

static void store_f32(const dw_block *b, size_t pixel, vec4 acc)
{
    const nnrt_q8_epilogue *e = b->a->epilogue;
    const vec4 y = transpose_lanes(
        (vec4){to_float(acc.v0, b->mult.v0, e), to_float(acc.v1, b->mult.v1, e),
               to_float(acc.v2, b->mult.v2, e), to_float(acc.v3, b->mult.v3, e)});
    const __mmask64 mask = b->mask;
    float *out = (float *)b->a->y + pixel * b->a->channels + b->c0;
    _mm512_mask_storeu_epi32(out, (__mmask16)mask, y.v0);
    _mm512_mask_storeu_epi32(out + 16, (__mmask16)(mask >> 16), y.v1);
    _mm512_mask_storeu_epi32(out + 32, (__mmask16)(mask >> 32), y.v2);
    _mm512_mask_storeu_epi32(out + 48, (__mmask16)(mask >> 48), y.v3);
}

static __attribute__((noinline)) void store_other(const dw_block *b, size_t pixel, const vec4 *acc)
{
    if (b->a->epilogue->out == NNRT_Q8_OUT_F32)
        store_f32(b, pixel, *acc);
    else if (b->a->epilogue->residual == NNRT_Q8_RES_DIRECT)
        store_u8(b, pixel, *acc, NNRT_Q8_RES_DIRECT);
    else
        store_u8(b, pixel, *acc, NNRT_Q8_RES_TWICE);
}

NNRT_INLINE void store(const dw_block *b, size_t pixel, vec4 acc, int plain)
{
    if (plain) {
        store_u8(b, pixel, acc, NNRT_Q8_RES_NONE);
    } else {
        const vec4 copy = acc;
        store_other(b, pixel, &copy);
    }
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
NNRT_INLINE __m512i input_pixel(const dw_block *b, dw_row row, size_t ix)
{
    return _mm512_loadu_si512(ix < b->a->width ? row.base + ix * row.step : b->a->pad + b->c0);
}

/* Quads of four pixels `step` apart from column ix on, all inside the image unless `edge`. */
NNRT_INLINE vec4 load_quads(const dw_block *b, dw_row row, size_t ix, size_t step, int edge)
{
    if (edge)
        return make_quads(input_pixel(b, row, ix), input_pixel(b, row, ix + step),
                          input_pixel(b, row, ix + 2 * step), input_pixel(b, row, ix + 3 * step));
    const uint8_t *p = row.base + ix * row.step;
    const size_t d = step * row.step;
    return make_quads(_mm512_loadu_si512(p), _mm512_loadu_si512(p + d),
                      _mm512_loadu_si512(p + 2 * d), _mm512_loadu_si512(p + 3 * d));
}

/* Any window, one output. Columns past S meet zero weights, so any byte will do there. */
NNRT_INLINE void run_pixel(const dw_block *b, const dw_row *rows, size_t oy, size_t ox, int edge,
                           int plain)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    vec4 acc = b->acc0;
    for (size_t r = 0; r < a->r; r++) {
        size_t ix = ox * a->stride_w - a->pad_left;
        const vec4 *w = b->w + r * b->w_row;
        for (size_t q = 0; q < b->quads; q++, ix += 4 * a->dilation_w) {
            const vec4 x = load_quads(b, rows[r], ix, a->dilation_w, edge);
            MULTIPLY(acc, x, w[q]);
        }
    }
    if (plain) {
        const dw_out out = make_out(b, oy * a->out_width + ox);
        store_plain(&out, 0, acc);
    } else {
        store(b, oy * a->out_width + ox, acc, 0);
    }
}

static __attribute__((noinline)) void run_pixel_edge(const dw_block *b, const dw_row *rows,
                                                     size_t oy, size_t ox, int plain)
{
    if (plain)
        run_pixel(b, rows, oy, ox, 1, 1);
    else
        run_pixel(b, rows, oy, ox, 1, 0);
}

/* The same for a kernel whose weights are too many to keep. */
static __attribute__((noinline)) void run_pixel_large(const dw_block *b, size_t oy, size_t ox)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    vec4 acc = b->acc0;
    for (size_t r = 0; r < a->r; r++) {
        const dw_row row = input_row(b, oy, r);
        size_t ix = ox * a->stride_w - a->pad_left;
        for (size_t q = 0; q < b->quads; q++, ix += 4 * a->dilation_w) {
            const vec4 x = load_quads(b, row, ix, a->dilation_w, 1);
            const vec4 w = load_weights(b, r, q);
            MULTIPLY(acc, x, w);
        }
    }
    const nnrt_q8_epilogue *e = a->epilogue;
    store(b, oy * a->out_width + ox, acc,
          e->out == NNRT_Q8_OUT_U8 && e->residual == NNRT_Q8_RES_NONE);
}

/* S = 3, stride and dilation 1 along W: outputs ox, ox + 1 of `high` rows from four pixels. The weights of kernel row r are
 * b->w[2*r], moved by a byte b->w[2*r + 1]. Two rows need stride and dilation 1 along H too. */
NNRT_INLINE void run_pair(const dw_block *b, const dw_row *rows, size_t oy, size_t ox, int high,
                          int edge, int plain)
{
    const size_t ix = ox - b->a->pad_left, count = b->a->r;
    vec4 a00 = b->acc0, a01 = a00, a10 = a00, a11 = a00;
    const vec4 *w = b->w;
    vec4 x = load_quads(b, rows[0], ix, 1, edge);
    MULTIPLY(a00, x, w[0]);
    MULTIPLY(a01, x, w[1]);
    for (size_t r = 1; r < count; r++, w += 2) {
        x = load_quads(b, rows[r], ix, 1, edge);
        MULTIPLY(a00, x, w[2]);
        MULTIPLY(a01, x, w[3]);
        if (high == 2) {
            MULTIPLY(a10, x, w[0]);
            MULTIPLY(a11, x, w[1]);
        }
    }
    if (high == 2) {
        x = load_quads(b, rows[count], ix, 1, edge);
        MULTIPLY(a10, x, w[0]);
        MULTIPLY(a11, x, w[1]);
    }
    const size_t at = oy * b->a->out_width + ox, below = b->a->out_width;
    if (plain) {
        const dw_out out = make_out(b, at);
        store_plain(&out, 0, a00);
        store_plain(&out, 1, a01);
        if (high == 2) {
            store_plain(&out, below, a10);
            store_plain(&out, below + 1, a11);
        }
    } else {
        store(b, at, a00, 0);
        store(b, at + 1, a01, 0);
    }
}

/* S = 5, stride and dilation 1 along W: outputs ox .. ox + 3 from eight pixels. b->w[8*r + 2*i + q] is quad q of kernel row r
 * moved by i bytes. */
NNRT_INLINE void run_four(const dw_block *b, const dw_row *rows, size_t oy, size_t ox, int edge,
                          int plain)
{
    const size_t ix = ox - b->a->pad_left;
    vec4 a0 = b->acc0, a1 = a0, a2 = a0, a3 = a0;
    const vec4 *w = b->w;
    for (size_t r = 0; r < b->a->r; r++, w += 8) {
        vec4 x = load_quads(b, rows[r], ix, 1, edge);
        MULTIPLY(a0, x, w[0]);
        MULTIPLY(a1, x, w[2]);
        MULTIPLY(a2, x, w[4]);
        MULTIPLY(a3, x, w[6]);
        x = load_quads(b, rows[r], ix + 4, 1, edge);
        MULTIPLY(a0, x, w[1]);
        MULTIPLY(a1, x, w[3]);
        MULTIPLY(a2, x, w[5]);
        MULTIPLY(a3, x, w[7]);
    }
    const size_t at = oy * b->a->out_width + ox;
    if (plain) {
        const dw_out out = make_out(b, at);
        store_plain(&out, 0, a0);
        store_plain(&out, 1, a1);
        store_plain(&out, 2, a2);
        store_plain(&out, 3, a3);
    } else {
        store(b, at, a0, 0);
        store(b, at + 1, a1, 0);
        store(b, at + 2, a2, 0);
        store(b, at + 3, a3, 0);
    }
}

/* One or two output rows by pairs (S = 3) or fours (S = 5); what is left over goes pixel by pixel. */
NNRT_INLINE void run_rows(const dw_block *b, size_t oy, int high, int wide, int plain)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t step = wide == 3 ? 2 : 4, pixels = wide == 3 ? 4 : 8;
    dw_row rows[WEIGHTS_MAX];
    for (size_t r = 0; r < a->r + (size_t)high - 1; r++)
        rows[r] = input_row(b, oy, r);
    size_t ox = 0;
    for (; ox + step <= a->out_width; ox += step) {
        const int edge = ox < a->pad_left || ox - a->pad_left + pixels > a->width;
        if (wide == 3 && edge)
            run_pair(b, rows, oy, ox, high, 1, plain);
        else if (wide == 3)
            run_pair(b, rows, oy, ox, high, 0, plain);
        else if (edge)
            run_four(b, rows, oy, ox, 1, plain);
        else
            run_four(b, rows, oy, ox, 0, plain);
    }
    for (; ox < a->out_width; ox++)
        for (int i = 0; i < high; i++)
            run_pixel_edge(b, rows + i, oy + (size_t)i, ox, plain);
}

static __attribute__((noinline)) void run_s3(const dw_block *b, size_t oy0, size_t oy1, int plain)
{
    const int two = b->a->stride_h == 1 && b->a->dilation_h == 1;
    size_t oy = oy0;
    if (plain) {
        for (; two && oy + 2 <= oy1; oy += 2)
            run_rows(b, oy, 2, 3, 1);
        for (; oy < oy1; oy++)
            run_rows(b, oy, 1, 3, 1);
    } else {
        for (; oy < oy1; oy++)
            run_rows(b, oy, 1, 3, 0);
    }
}

static __attribute__((noinline)) void run_s5(const dw_block *b, size_t oy0, size_t oy1, int plain)
{
    for (size_t oy = oy0; oy < oy1; oy++) {
        if (plain)
            run_rows(b, oy, 1, 5, 1);
        else
            run_rows(b, oy, 1, 5, 0);
    }
}

NNRT_INLINE __m512i move_up(__m512i low, __m512i x, unsigned bytes)
{
    return _mm512_or_si512(_mm512_slli_epi32(x, 8 * bytes), _mm512_srli_epi32(low, 32 - 8 * bytes));
}

/* The quads of each kernel row, moved up by 0 .. moves - 1 bytes; shifts by 32 give zero. */
static void fill_moved(dw_block *b, unsigned moves)
{
    const __m512i none = _mm512_setzero_si512();
    vec4 *out = b->w;
    b->w_row = moves * b->quads;
    for (size_t r = 0; r < b->a->r; r++)
        for (unsigned i = 0; i < moves; i++) {
            vec4 low = {none, none, none, none};
            for (size_t q = 0; q < b->quads; q++) {
                const vec4 w = load_weights(b, r, q);
                *out++ = (vec4){move_up(low.v0, w.v0, i), move_up(low.v1, w.v1, i),
                                move_up(low.v2, w.v2, i), move_up(low.v3, w.v3, i)};
                low = w;
            }
        }
}

static __attribute__((noinline)) void run_any(dw_block *b, size_t oy0, size_t oy1, int plain)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t count = a->r * b->quads, reach = (4 * b->quads - 1) * a->dilation_w;
    dw_row rows[WEIGHTS_MAX];
    b->w_row = b->quads;
    for (size_t i = 0; i < count; i++)
        b->w[i] = load_weights(b, i / b->quads, i % b->quads);
    for (size_t oy = oy0; oy < oy1; oy++) {
        for (size_t r = 0; r < a->r; r++)
            rows[r] = input_row(b, oy, r);
        for (size_t ox = 0; ox < a->out_width; ox++) {
            const size_t ix = ox * a->stride_w;
            if (ix < a->pad_left || ix - a->pad_left + reach >= a->width || !plain)
                run_pixel_edge(b, rows, oy, ox, plain);
            else
                run_pixel(b, rows, oy, ox, 0, 1);
        }
    }
}

static __attribute__((noinline)) void run_large(const dw_block *b, size_t oy0, size_t oy1)
{
    for (size_t oy = oy0; oy < oy1; oy++)
        for (size_t ox = 0; ox < b->a->out_width; ox++)
            run_pixel_large(b, oy, ox);
}

void nnrt_k_dwconv_q8__avx512vnni_2x64(const nnrt_k_dwconv_q8_args *a, size_t oy0, size_t oy1,
                                       size_t c0, size_t c1)
{
    const int plain = a->epilogue->out == NNRT_Q8_OUT_U8 &&
                      a->epilogue->residual == NNRT_Q8_RES_NONE;
    const int dense = a->stride_w == 1 && a->dilation_w == 1;
    dw_block b;
    b.a = a;
    b.quads = (a->s + 3) / 4;
    b.v = nnrt_q8_spread(a->epilogue);
    for (size_t c = c0; c < c1; c += 64) {
        b.c0 = c;
        b.channels = c1 - c < 64 ? c1 - c : 64;
        b.mask = nnrt_byte_mask(b.channels);
        b.acc0 = load_channels(a->acc0 + c, 64, b.channels);
        b.mult = load_channels(a->mult + c, 64, b.channels);
        if (dense && a->s == 3 && a->r * 2 < WEIGHTS_MAX) {
            fill_moved(&b, 2);
            run_s3(&b, oy0, oy1, plain);
        } else if (dense && a->s == 5 && a->r * 8 <= WEIGHTS_MAX) {
            fill_moved(&b, 4);
            run_s5(&b, oy0, oy1, plain);
        } else if (a->r * b.quads <= WEIGHTS_MAX) {
            run_any(&b, oy0, oy1, plain);
        } else {
            run_large(&b, oy0, oy1);
        }
    }
}
