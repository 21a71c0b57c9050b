/* dwconv_q8 with AVX512-VNNI: 64 channels of 4 neighbouring pixels become quads. SPDX-License-Identifier: Apache-2.0
 * Unpacking within 128-bit lanes leaves channel 16*l + 4*j + i in lane l, element i of vector j. Weights, acc0 and mult are
 * brought into that order once per call, and packing the results undoes it for free. With stride 1 one quad of pixels serves
 * neighbouring outputs: their weights are the same, moved up by a byte. */
#include <string.h>

#include "runtime_int8/kernels/avx512vnni/epilogue_q8.h"
#include "runtime_int8/kernels/contracts.h"

#define WEIGHT_VECTORS 256 /* 16 KB on the stack */

typedef struct dw_block {
    const nnrt_k_dwconv_q8_args *a;
    size_t c0, channels; /* first one, and how many of 64 are valid */
    size_t quads;
    size_t w_row; /* vectors of w from one kernel row to the next; 0: w is not filled */
    __m512i acc0[4];
    __m512 mult[4];
    __m512i w[WEIGHT_VECTORS];
} dw_block;

/* Input row: pixel i is at base + i*step; step is 0 in the padding. */
typedef struct dw_row {
    const uint8_t *base;
    size_t step;
} dw_row;

/* Lane l of out[j] is lane j of in[l]. */
NNRT_INLINE void transpose_lanes(__m512i out[4], const __m512i in[4])
{
    const __m512i a = _mm512_shuffle_i32x4(in[0], in[1], 0x44);
    const __m512i b = _mm512_shuffle_i32x4(in[0], in[1], 0xee);
    const __m512i c = _mm512_shuffle_i32x4(in[2], in[3], 0x44);
    const __m512i d = _mm512_shuffle_i32x4(in[2], in[3], 0xee);
    out[0] = _mm512_shuffle_i32x4(a, c, 0x88);
    out[1] = _mm512_shuffle_i32x4(a, c, 0xdd);
    out[2] = _mm512_shuffle_i32x4(b, d, 0x88);
    out[3] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

/* 64 channels of a per-channel array of 4-byte elements; `stride` bytes from one 16 to the next. */
static void load_channels(__m512i out[4], const void *p, size_t stride, size_t channels)
{
    __m512i v[4];
    for (size_t i = 0; i < 4; i++)
        v[i] = 16 * i < channels ? _mm512_loadu_si512((const char *)p + i * stride)
                                 : _mm512_setzero_si512();
    transpose_lanes(out, v);
}

static void load_weights(__m512i out[4], const dw_block *b, size_t r, size_t q)
{
    const size_t panel = b->a->r * b->quads * 64;
    load_channels(out, b->a->weight + b->c0 / 16 * panel + (r * b->quads + q) * 64, panel,
                  b->channels);
}

/* Bytes of 64 channels of four pixels as quads in lane order. */
NNRT_INLINE void make_quads(__m512i out[4], __m512i p0, __m512i p1, __m512i p2, __m512i p3)
{
    const __m512i lo01 = _mm512_unpacklo_epi8(p0, p1), hi01 = _mm512_unpackhi_epi8(p0, p1);
    const __m512i lo23 = _mm512_unpacklo_epi8(p2, p3), hi23 = _mm512_unpackhi_epi8(p2, p3);
    out[0] = _mm512_unpacklo_epi16(lo01, lo23);
    out[1] = _mm512_unpackhi_epi16(lo01, lo23);
    out[2] = _mm512_unpacklo_epi16(hi01, hi23);
    out[3] = _mm512_unpackhi_epi16(hi01, hi23);
}

NNRT_INLINE void multiply(__m512i acc[4], const __m512i x[4], const __m512i *w)
{
    NNRT_DPBUSD(acc[0], x[0], w[0]);
    NNRT_DPBUSD(acc[1], x[1], w[1]);
    NNRT_DPBUSD(acc[2], x[2], w[2]);
    NNRT_DPBUSD(acc[3], x[3], w[3]);
}

NNRT_INLINE void store_u8(const dw_block *b, size_t pixel, const __m512i acc[4], int mode)
{
    const nnrt_q8_epilogue *e = b->a->epilogue;
    const size_t at = pixel * b->a->channels + b->c0;
    const __m512i none = _mm512_setzero_si512();
    __m512i r[4] = {none, none, none, none};
    if (mode != NNRT_Q8_RES_NONE)
        make_quads(r, _mm512_loadu_si512(b->a->residual + at), none, none, none);
    const __m512i y = nnrt_pack_q8(nnrt_requant_q8(acc[0], b->mult[0], r[0], mode, e),
                                   nnrt_requant_q8(acc[1], b->mult[1], r[1], mode, e),
                                   nnrt_requant_q8(acc[2], b->mult[2], r[2], mode, e),
                                   nnrt_requant_q8(acc[3], b->mult[3], r[3], mode, e), e);
    uint8_t *out = (uint8_t *)b->a->y + at;
    if (b->channels == 64)
        _mm512_storeu_si512(out, y);
    else
        _mm512_mask_storeu_epi8(out, nnrt_byte_mask(b->channels), y);
}

static void store_f32(const dw_block *b, size_t pixel, const __m512i acc[4])
{
    const nnrt_q8_epilogue *e = b->a->epilogue;
    __m512i t[4], y[4];
    for (int j = 0; j < 4; j++) {
        __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[j]), b->mult[j]);
        v = _mm512_min_ps(v, _mm512_set1_ps(e->hi));
        t[j] = _mm512_castps_si512(_mm512_max_ps(v, _mm512_set1_ps(e->lo)));
    }
    transpose_lanes(y, t);
    float *out = (float *)b->a->y + pixel * b->a->channels + b->c0;
    for (size_t j = 0; 16 * j < b->channels; j++)
        _mm512_mask_storeu_epi32(out + 16 * j, (__mmask16)nnrt_byte_mask(b->channels - 16 * j < 16
                                                                             ? b->channels - 16 * j
                                                                             : 16),
                                 y[j]);
}

static __attribute__((noinline)) void store_other(const dw_block *b, size_t pixel,
                                                  const __m512i acc[4])
{
    if (b->a->epilogue->out == NNRT_Q8_OUT_F32)
        store_f32(b, pixel, acc);
    else if (b->a->epilogue->residual == NNRT_Q8_RES_DIRECT)
        store_u8(b, pixel, acc, NNRT_Q8_RES_DIRECT);
    else
        store_u8(b, pixel, acc, NNRT_Q8_RES_TWICE);
}

NNRT_INLINE void store(const dw_block *b, size_t pixel, const __m512i acc[4], int plain)
{
    if (plain)
        store_u8(b, pixel, acc, NNRT_Q8_RES_NONE);
    else
        store_other(b, pixel, acc);
}

static dw_row input_row(const dw_block *b, size_t oy, size_t r)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t iy = oy * a->stride_h + r * a->dilation_h - a->pad_top; /* wraps above the image */
    if (iy >= a->height)
        return (dw_row){a->pad + b->c0, 0};
    return (dw_row){a->x + iy * a->width * a->channels + b->c0, a->channels};
}

NNRT_INLINE __m512i inner_pixel(dw_row row, size_t ix)
{
    return _mm512_loadu_si512(row.base + ix * row.step);
}

/* Pixel of column ix, which wraps when negative. */
NNRT_INLINE __m512i input_pixel(const dw_block *b, dw_row row, size_t ix)
{
    const uint8_t *p = ix < b->a->width ? row.base + ix * row.step : b->a->pad + b->c0;
    return _mm512_loadu_si512(p);
}

/* Any window, one output. */
static __attribute__((noinline)) void run_pixel(const dw_block *b, size_t oy, size_t ox)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    __m512i acc[4];
    memcpy(acc, b->acc0, sizeof(acc));
    for (size_t r = 0; r < a->r; r++) {
        const dw_row row = input_row(b, oy, r);
        size_t ix = ox * a->stride_w - a->pad_left;
        for (size_t q = 0; q < b->quads; q++) {
            __m512i x[4], w[4];
            const __m512i *wq = b->w + r * b->w_row + q * 4;
            if (b->w_row == 0) {
                load_weights(w, b, r, q);
                wq = w;
            }
            /* Columns past S meet zero weights; any byte will do. */
            make_quads(x, input_pixel(b, row, ix), input_pixel(b, row, ix + a->dilation_w),
                       input_pixel(b, row, ix + 2 * a->dilation_w),
                       input_pixel(b, row, ix + 3 * a->dilation_w));
            multiply(acc, x, wq);
            ix += 4 * a->dilation_w;
        }
    }
    const nnrt_q8_epilogue *e = a->epilogue;
    store(b, oy * a->out_width + ox, acc, e->out == 0 && e->residual == NNRT_Q8_RES_NONE);
}

/* Quads of the pixels ix .. ix + 3, all inside the image unless `edge`. */
NNRT_INLINE void load_quads(__m512i out[4], const dw_block *b, dw_row row, size_t ix, int edge)
{
    if (edge)
        make_quads(out, input_pixel(b, row, ix), input_pixel(b, row, ix + 1),
                   input_pixel(b, row, ix + 2), input_pixel(b, row, ix + 3));
    else
        make_quads(out, inner_pixel(row, ix), inner_pixel(row, ix + 1), inner_pixel(row, ix + 2),
                   inner_pixel(row, ix + 3));
}

/* S = 3, stride and dilation 1 along W: outputs ox, ox + 1 of `high` rows from four pixels. The weights of kernel
 * row r are b->w[8*r], moved by a byte b->w[8*r + 4]. Two rows need stride and dilation 1 along H too. */
NNRT_INLINE void run_pair(const dw_block *b, size_t oy, size_t ox, int high, int edge,
                          int plain)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    __m512i acc[2][2][4];
    for (int j = 0; j < 4; j++)
        acc[0][0][j] = acc[0][1][j] = acc[1][0][j] = acc[1][1][j] = b->acc0[j];
    const __m512i *w = b->w;
    for (size_t r = 0; r < a->r + (size_t)high - 1; r++, w += 8) {
        const dw_row row = input_row(b, oy, r);
        __m512i x[4];
        load_quads(x, b, row, ox - a->pad_left, edge);
        if (high == 1 || r < a->r) {
            multiply(acc[0][0], x, w);
            multiply(acc[0][1], x, w + 4);
        }
        if (high == 2 && r > 0) {
            multiply(acc[1][0], x, w - 8);
            multiply(acc[1][1], x, w - 4);
        }
    }
    const size_t at = oy * a->out_width + ox;
    store(b, at, acc[0][0], plain);
    store(b, at + 1, acc[0][1], plain);
    if (high == 2) {
        store(b, at + a->out_width, acc[1][0], plain);
        store(b, at + a->out_width + 1, acc[1][1], plain);
    }
}

/* S = 5, stride and dilation 1 along W: outputs ox .. ox + 3 from eight pixels. b->w[32*r + 8*i + 4*q] is quad q of
 * kernel row r moved by i bytes. */
NNRT_INLINE void run_four(const dw_block *b, size_t oy, size_t ox, int edge, int plain)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    __m512i acc[4][4];
    for (int j = 0; j < 4; j++)
        acc[0][j] = acc[1][j] = acc[2][j] = acc[3][j] = b->acc0[j];
    const __m512i *w = b->w;
    for (size_t r = 0; r < a->r; r++, w += 32) {
        const dw_row row = input_row(b, oy, r);
        __m512i x[4];
        for (size_t q = 0; q < 2; q++) {
            load_quads(x, b, row, ox - a->pad_left + 4 * q, edge);
            multiply(acc[0], x, w + 4 * q);
            multiply(acc[1], x, w + 4 * q + 8);
            multiply(acc[2], x, w + 4 * q + 16);
            multiply(acc[3], x, w + 4 * q + 24);
        }
    }
    for (size_t i = 0; i < 4; i++)
        store(b, oy * a->out_width + ox + i, acc[i], plain);
}

/* One or two output rows with the pair (S = 3) or four (S = 5) kernel; what is left over goes pixel by pixel. */
NNRT_INLINE void run_rows(const dw_block *b, size_t oy, int high, int wide, int plain)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t step = wide == 3 ? 2 : 4, pixels = wide == 3 ? 4 : 8;
    size_t ox = 0;
    for (; ox + step <= a->out_width; ox += step) {
        const int edge = ox < a->pad_left || ox - a->pad_left + pixels > a->width;
        if (wide == 3 && edge)
            run_pair(b, oy, ox, high, 1, plain);
        else if (wide == 3)
            run_pair(b, oy, ox, high, 0, plain);
        else if (edge)
            run_four(b, oy, ox, 1, plain);
        else
            run_four(b, oy, ox, 0, plain);
    }
    for (; ox < a->out_width; ox++)
        for (int i = 0; i < high; i++)
            run_pixel(b, oy + (size_t)i, ox);
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

/* Both quads of a kernel row, moved up by 0 .. moves - 1 bytes. */
static void move_weights(dw_block *b, size_t moves)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    __m512i *out = b->w;
    b->w_row = moves * b->quads * 4;
    for (size_t r = 0; r < a->r; r++) {
        __m512i w[2][4] = {{_mm512_setzero_si512()}};
        for (size_t q = 0; q < b->quads; q++)
            load_weights(w[q], b, r, q);
        for (size_t i = 0; i < moves; i++)
            for (size_t q = 0; q < b->quads; q++)
                for (size_t j = 0; j < 4; j++) {
                    __m512i v = _mm512_slli_epi32(w[q][j], (unsigned)(8 * i));
                    if (q == 1 && i > 0)
                        v = _mm512_or_si512(v, _mm512_srli_epi32(w[0][j], (unsigned)(32 - 8 * i)));
                    *out++ = v;
                }
    }
}

static void run_any(dw_block *b, size_t oy0, size_t oy1)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    b->w_row = a->r * b->quads * 4 <= WEIGHT_VECTORS ? b->quads * 4 : 0;
    for (size_t i = 0; b->w_row && i < a->r * b->quads; i++)
        load_weights(b->w + 4 * i, b, i / b->quads, i % b->quads);
    for (size_t oy = oy0; oy < oy1; oy++)
        for (size_t ox = 0; ox < a->out_width; ox++)
            run_pixel(b, oy, ox);
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
    for (size_t c = c0; c < c1; c += 64) {
        __m512i mult[4];
        b.c0 = c;
        b.channels = c1 - c < 64 ? c1 - c : 64;
        load_channels(b.acc0, a->acc0 + c, 64, b.channels);
        load_channels(mult, a->mult + c, 64, b.channels);
        memcpy(b.mult, mult, sizeof(mult));
        if (dense && a->s == 3 && a->r * 8 <= WEIGHT_VECTORS) {
            move_weights(&b, 2);
            run_s3(&b, oy0, oy1, plain);
        } else if (dense && a->s == 5 && a->r * 32 <= WEIGHT_VECTORS) {
            move_weights(&b, 4);
            run_s5(&b, oy0, oy1, plain);
        } else {
            run_any(&b, oy0, oy1);
        }
    }
}
