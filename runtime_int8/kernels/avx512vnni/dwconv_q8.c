/* dwconv_q8 with AVX512-VNNI: 64 channels of 4 neighbouring pixels become quads. SPDX-License-Identifier: Apache-2.0
 * Unpacking within 128-bit lanes leaves channel 16*l + 4*j + i in lane l, element i of vector j. Weights, acc0 and mult are
 * brought into that order once per call, and packing the results undoes it for free. Input rows pass through a small ring of
 * padded, aligned rows of 64 channels, so that no window meets a border. With stride 1 one quad of pixels serves neighbouring
 * outputs: their weights are the same, moved up by a byte. */
#include "runtime_int8/kernels/avx512vnni/epilogue_q8.h"
#include "runtime_int8/kernels/contracts.h"

#define WEIGHTS_MAX 64 /* times 64 channels x 4 bytes: 16 KB on the stack */
#define RING_MAX 512   /* pixels of 64 channels: 32 KB on the stack */
#define CHANNELS 64

/* Four vectors that hold 64 channels. A struct of scalars, not an array, so that it stays in registers. */
typedef struct vec4 {
    __m512i v0, v1, v2, v3;
} vec4;

typedef struct dw_block {
    const nnrt_k_dwconv_q8_args *a;
    size_t c0, channels; /* first one, and how many of 64 are valid */
    size_t quads;
    size_t w_row; /* elements of w from one kernel row to the next */
    int light; /* see nnrt_q8_may_be_light */
    __mmask64 mask;
    nnrt_q8_vectors v;
    vec4 acc0, mult;
    vec4 w[WEIGHTS_MAX];
    size_t span;  /* input rows that one step of output rows reads */
    size_t pitch; /* bytes of a ring row */
    uint8_t ring[RING_MAX * CHANNELS] __attribute__((aligned(64)));
} dw_block;

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

/* What the epilogue needs, read before y is written: bytes may alias anything. */
typedef struct dw_out {
    size_t channels;
    __mmask64 mask;
    vec4 mult;
    nnrt_q8_vectors v;
} dw_out;

/* How results are stored: any epilogue, u8 without a residual, and that under the conditions of nnrt_q8_may_be_light. */
typedef enum dw_store { DW_STORE_OTHER, DW_STORE_PLAIN, DW_STORE_LIGHT } dw_store;

NNRT_INLINE void store_plain(const dw_out *out, uint8_t *p, vec4 acc, dw_store how)
{
    const nnrt_q8_vectors *v = &out->v;
    const __m512 m0 = _mm512_castsi512_ps(out->mult.v0), m1 = _mm512_castsi512_ps(out->mult.v1);
    const __m512 m2 = _mm512_castsi512_ps(out->mult.v2), m3 = _mm512_castsi512_ps(out->mult.v3);
    __m512i y;
    if (how == DW_STORE_LIGHT)
        y = nnrt_pack_light(nnrt_requant_light(acc.v0, m0), nnrt_requant_light(acc.v1, m1),
                            nnrt_requant_light(acc.v2, m2), nnrt_requant_light(acc.v3, m3), v);
    else
        y = nnrt_pack_q8(nnrt_requant_q8(acc.v0, m0, acc.v0, NNRT_Q8_RES_NONE, NULL, v),
                         nnrt_requant_q8(acc.v1, m1, acc.v1, NNRT_Q8_RES_NONE, NULL, v),
                         nnrt_requant_q8(acc.v2, m2, acc.v2, NNRT_Q8_RES_NONE, NULL, v),
                         nnrt_requant_q8(acc.v3, m3, acc.v3, NNRT_Q8_RES_NONE, NULL, v), v);
    if (out->channels == CHANNELS)
        _mm512_storeu_si512(p, y);
    else
        _mm512_mask_storeu_epi8(p, out->mask, y);
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
    if (b->channels == CHANNELS)
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

/* `high` output rows from oy on, columns [ox0, ox0 + count). rows[r]: ring row of kernel row r, at the first column. */
typedef struct dw_strip {
    const uint8_t *const *rows;
    size_t oy, ox0, count;
} dw_strip;

NNRT_INLINE void store(const dw_block *b, const dw_out *out, size_t pixel, vec4 acc, dw_store how)
{
    if (how != DW_STORE_OTHER) {
        store_plain(out, (uint8_t *)b->a->y + pixel * b->a->channels + b->c0, acc, how);
    } else {
        const vec4 copy = acc;
        store_other(b, pixel, &copy);
    }
}

NNRT_INLINE vec4 load_quads(const uint8_t *p, size_t step)
{
    return make_quads(_mm512_load_si512(p), _mm512_load_si512(p + step),
                      _mm512_load_si512(p + 2 * step), _mm512_load_si512(p + 3 * step));
}

/* Any window, columns [i, count) one by one. Columns past S meet zero weights, so any byte will do there. */
NNRT_INLINE void run_single(const dw_block *b, const dw_strip *s, size_t i, size_t quads, dw_store how)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const dw_out out = {b->channels, b->mask, b->mult, b->v};
    const size_t step = a->dilation_w * CHANNELS, count = a->r, w_row = b->w_row;
    size_t pixel = s->oy * a->out_width + s->ox0 + i;
    for (; i < s->count; i++, pixel++) {
        const size_t at = i * a->stride_w * CHANNELS;
        vec4 acc = b->acc0;
        const vec4 *w = b->w;
        for (size_t r = 0; r < count; r++, w += w_row) {
            const uint8_t *p = s->rows[r] + at;
            for (size_t q = 0; q < quads; q++, p += 4 * step) {
                const vec4 x = load_quads(p, step);
                MULTIPLY(acc, x, w[q]);
            }
        }
        store(b, &out, pixel, acc, how);
    }
}

/* S = 3, stride and dilation 1 along W: pairs of columns of one or two rows; returns the columns done. The weights of kernel
 * row r are b->w[2*r], moved by a byte b->w[2*r + 1]. Two rows need stride and dilation 1 along H too. */
NNRT_INLINE size_t run_pairs(const dw_block *b, const dw_strip *s, int high, dw_store how)
{
    const dw_out out = {b->channels, b->mask, b->mult, b->v};
    const size_t count = b->a->r, below = b->a->out_width;
    size_t i = 0, pixel = s->oy * below + s->ox0;
    for (; i + 2 <= s->count; i += 2, pixel += 2) {
        const size_t at = i * CHANNELS;
        vec4 a00 = b->acc0, a01 = a00, a10 = a00, a11 = a00;
        const vec4 *w = b->w;
        vec4 x = load_quads(s->rows[0] + at, CHANNELS);
        MULTIPLY(a00, x, w[0]);
        MULTIPLY(a01, x, w[1]);
        for (size_t r = 1; r < count; r++, w += 2) {
            x = load_quads(s->rows[r] + at, CHANNELS);
            MULTIPLY(a00, x, w[2]);
            MULTIPLY(a01, x, w[3]);
            if (high == 2) {
                MULTIPLY(a10, x, w[0]);
                MULTIPLY(a11, x, w[1]);
            }
        }
        if (high == 2) {
            x = load_quads(s->rows[count] + at, CHANNELS);
            MULTIPLY(a10, x, w[0]);
            MULTIPLY(a11, x, w[1]);
        }
        store(b, &out, pixel, a00, how);
        store(b, &out, pixel + 1, a01, how);
        if (high == 2) {
            store(b, &out, pixel + below, a10, how);
            store(b, &out, pixel + below + 1, a11, how);
        }
    }
    return i;
}

/* S = 5, stride and dilation 1 along W: four columns at a time; returns the columns done. b->w[8*r + 2*i + q] is quad q of
 * kernel row r moved by i bytes. */
NNRT_INLINE size_t run_fours(const dw_block *b, const dw_strip *s, dw_store how)
{
    const dw_out out = {b->channels, b->mask, b->mult, b->v};
    const size_t count = b->a->r;
    size_t i = 0, pixel = s->oy * b->a->out_width + s->ox0;
    for (; i + 4 <= s->count; i += 4, pixel += 4) {
        vec4 a0 = b->acc0, a1 = a0, a2 = a0, a3 = a0;
        const vec4 *w = b->w;
        for (size_t r = 0; r < count; r++, w += 8) {
            const uint8_t *p = s->rows[r] + i * CHANNELS;
            vec4 x = load_quads(p, CHANNELS);
            MULTIPLY(a0, x, w[0]);
            MULTIPLY(a1, x, w[2]);
            MULTIPLY(a2, x, w[4]);
            MULTIPLY(a3, x, w[6]);
            x = load_quads(p + 4 * CHANNELS, CHANNELS);
            MULTIPLY(a0, x, w[1]);
            MULTIPLY(a1, x, w[3]);
            MULTIPLY(a2, x, w[5]);
            MULTIPLY(a3, x, w[7]);
        }
        store(b, &out, pixel, a0, how);
        store(b, &out, pixel + 1, a1, how);
        store(b, &out, pixel + 2, a2, how);
        store(b, &out, pixel + 3, a3, how);
    }
    return i;
}

typedef enum dw_way { DW_ANY, DW_QUAD, DW_PAIRS, DW_FOURS } dw_way;

NNRT_INLINE void run_strip(const dw_block *b, const dw_strip *s, dw_way way, int high, dw_store how)
{
    size_t done = 0;
    if (way == DW_PAIRS && high == 2)
        done = run_pairs(b, s, 2, how);
    else if (way == DW_PAIRS)
        done = run_pairs(b, s, 1, how);
    else if (way == DW_FOURS)
        done = run_fours(b, s, how);
    for (int i = 0; i < high; i++) {
        const dw_strip row = {s->rows + i, s->oy + (size_t)i, s->ox0, s->count};
        if (way == DW_QUAD || way == DW_PAIRS)
            run_single(b, &row, done, 1, how);
        else
            run_single(b, &row, done, b->quads, how);
    }
}

static __attribute__((noinline)) void run_plain(const dw_block *b, const dw_strip *s, dw_way way,
                                                int high)
{
    run_strip(b, s, way, high, DW_STORE_PLAIN);
}

static __attribute__((noinline)) void run_light(const dw_block *b, const dw_strip *s, dw_way way,
                                                int high)
{
    run_strip(b, s, way, high, DW_STORE_LIGHT);
}

static __attribute__((noinline)) void run_other(const dw_block *b, const dw_strip *s, dw_way way,
                                                int high)
{
    run_strip(b, s, way, high, DW_STORE_OTHER);
}

/* Ring row of padded input row `y`, columns from `ix` (which wraps when negative) on: pixels or zx. */
static void fill_row(dw_block *b, size_t y, size_t ix, size_t columns)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t iy = y - a->pad_top, step = a->channels;
    const __m512i zx = _mm512_loadu_si512(a->pad + b->c0);
    uint8_t *out = b->ring + y % b->span * b->pitch;
    const uint8_t *end = out + columns * CHANNELS;
    if (iy < a->height) {
        for (; ix >= a->width && out < end && (ptrdiff_t)ix < 0; ix++, out += CHANNELS)
            _mm512_store_si512(out, zx);
        const uint8_t *p = a->x + (iy * a->width + ix) * step + b->c0;
        for (; ix < a->width && out < end; ix++, out += CHANNELS, p += step)
            _mm512_store_si512(out, _mm512_loadu_si512(p));
    }
    for (; out < end; out += CHANNELS)
        _mm512_store_si512(out, zx);
}

/* Output rows [oy0, oy1) in strips of at most `wide` columns. */
static void run_rows(dw_block *b, size_t oy0, size_t oy1, size_t wide, dw_way way, dw_store how)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const size_t reach = (4 * b->quads - 1) * a->dilation_w + 1;
    const size_t most = way == DW_PAIRS && a->stride_h == 1 && a->dilation_h == 1 ? 2 : 1;
    const uint8_t *rows[WEIGHTS_MAX + 1];
    for (size_t ox = 0; ox < a->out_width; ox += wide) {
        const size_t count = a->out_width - ox < wide ? a->out_width - ox : wide;
        const size_t columns = (count - 1) * a->stride_w + reach;
        size_t filled = oy0 * a->stride_h; /* padded rows before this one are in the ring, or not needed */
        for (size_t oy = oy0; oy < oy1;) {
            const size_t high = oy1 - oy < most ? oy1 - oy : most, first = oy * a->stride_h;
            const size_t last = first + (a->r - 1) * a->dilation_h + high - 1;
            for (filled = filled < first ? first : filled; filled <= last; filled++)
                fill_row(b, filled, ox * a->stride_w - a->pad_left, columns);
            for (size_t r = 0; r < a->r + high - 1; r++)
                rows[r] = b->ring + (first + r * a->dilation_h) % b->span * b->pitch;
            const dw_strip strip = {rows, oy, ox, count};
            if (how == DW_STORE_LIGHT)
                run_light(b, &strip, way, (int)high);
            else if (how == DW_STORE_PLAIN)
                run_plain(b, &strip, way, (int)high);
            else
                run_other(b, &strip, way, (int)high);
            oy += high;
        }
    }
}

/* A kernel whose weights or rows are too many to keep: everything is looked up for every output. */
static __attribute__((noinline)) void run_large(const dw_block *b, size_t oy0, size_t oy1, dw_store how)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const dw_out out = {b->channels, b->mask, b->mult, b->v};
    const uint8_t *pad = a->pad + b->c0;
    for (size_t pixel = oy0 * a->out_width; pixel < oy1 * a->out_width; pixel++) {
        vec4 acc = b->acc0;
        for (size_t i = 0; i < a->r * b->quads; i++) {
            const size_t r = i / b->quads, q = i % b->quads;
            const size_t iy = pixel / a->out_width * a->stride_h + r * a->dilation_h - a->pad_top;
            __m512i x[4];
            for (size_t k = 0; k < 4; k++) {
                const size_t ix = pixel % a->out_width * a->stride_w + (4 * q + k) * a->dilation_w -
                                  a->pad_left;
                const int inside = iy < a->height && ix < a->width;
                x[k] = _mm512_loadu_si512(
                    inside ? a->x + (iy * a->width + ix) * a->channels + b->c0 : pad);
            }
            const vec4 quads = make_quads(x[0], x[1], x[2], x[3]), w = load_weights(b, r, q);
            MULTIPLY(acc, quads, w);
        }
        store(b, &out, pixel, acc, how);
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

/* One block of channels. */
static void run_block(dw_block *b, size_t oy0, size_t oy1)
{
    const nnrt_k_dwconv_q8_args *a = b->a;
    const int plain =
        a->epilogue->out == NNRT_Q8_OUT_U8 && a->epilogue->residual == NNRT_Q8_RES_NONE;
    const dw_store how = b->light ? DW_STORE_LIGHT : plain ? DW_STORE_PLAIN : DW_STORE_OTHER;
    const int dense = a->stride_w == 1 && a->dilation_w == 1;
    dw_way way = b->quads == 1 ? DW_QUAD : DW_ANY;
    unsigned moves = 1;
    if (dense && a->s == 3 && a->r * 2 <= WEIGHTS_MAX) {
        way = DW_PAIRS;
        moves = 2;
    } else if (dense && a->s == 5 && a->r * 8 <= WEIGHTS_MAX) {
        way = DW_FOURS;
        moves = 4;
    }
    const size_t high = way == DW_PAIRS && a->stride_h == 1 && a->dilation_h == 1 ? 2 : 1;
    const size_t reach = (4 * b->quads - 1) * a->dilation_w + 1;
    b->span = (a->r - 1) * a->dilation_h + high;
    const size_t columns = RING_MAX / b->span;
    if (a->r * b->quads * moves > WEIGHTS_MAX || columns < reach + 3 * a->stride_w) {
        run_large(b, oy0, oy1, how);
        return;
    }
    const size_t most = (columns - reach) / a->stride_w + 1;
    const size_t wide = a->out_width < most ? a->out_width : most;
    b->pitch = ((wide - 1) * a->stride_w + reach) * CHANNELS;
    fill_moved(b, moves);
    run_rows(b, oy0, oy1, wide, way, how);
}

void nnrt_k_dwconv_q8__avx512vnni_2x64(const nnrt_k_dwconv_q8_args *a, size_t oy0, size_t oy1,
                                       size_t c0, size_t c1)
{
    dw_block b;
    b.a = a;
    b.quads = (a->s + 3) / 4;
    b.v = nnrt_q8_spread(a->epilogue);
    for (size_t c = c0; c < c1; c += CHANNELS) {
        b.c0 = c;
        b.channels = c1 - c < CHANNELS ? c1 - c : CHANNELS;
        b.mask = nnrt_byte_mask(b.channels);
        b.acc0 = load_channels(a->acc0 + c, 64, b.channels);
        b.mult = load_channels(a->mult + c, 64, b.channels);
        b.light = nnrt_q8_may_be_light(a->epilogue) &&
                  nnrt_q8_below_one(_mm512_castsi512_ps(b.mult.v0)) &&
                  nnrt_q8_below_one(_mm512_castsi512_ps(b.mult.v1)) &&
                  nnrt_q8_below_one(_mm512_castsi512_ps(b.mult.v2)) &&
                  nnrt_q8_below_one(_mm512_castsi512_ps(b.mult.v3));
        run_block(&b, oy0, oy1);
    }
}
