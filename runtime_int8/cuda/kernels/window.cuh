/* Window kernels: depthwise convolution. SPDX-License-Identifier: Apache-2.0
 * A thread takes 4 neighbouring channels of a strip of P output columns: one word is a pixel. Four words are turned into four
 * words of one channel each, which slide along the row below the taps of dot4. */
#ifndef NNRT_CUDA_KERNELS_WINDOW_CUH
#define NNRT_CUDA_KERNELS_WINDOW_CUH

#include "runtime_int8/cuda/args_window.h"
#include "runtime_int8/cuda/kernels/memory.cuh"
#include "runtime_int8/cuda/kernels/requant.cuh"
#include "runtime_int8/cuda/simt.cuh"

/* Where a thread works. */
struct window_place {
    uint32_t group;
    int32_t strip, oy;
    uint32_t image;
};

SIMT_FN window_place window_place_of(const nnrt_cuda_window &w, uint32_t thread)
{
    const uint32_t strip = divide(thread, w.groups), row = divide(strip, w.strips);
    window_place p;
    p.group = thread - strip * w.groups.d;
    p.strip = (int32_t)(strip - row * w.strips.d);
    p.image = divide(row, w.rows);
    p.oy = (int32_t)(row - p.image * w.rows.d);
    return p;
}

/* Element of channel 0 of an output pixel. */
SIMT_FN size_t output_at(const nnrt_cuda_window &w, const window_place &p, int32_t ox)
{
    return (((size_t)p.image * (uint32_t)w.oh + (uint32_t)p.oy) * (uint32_t)w.ow + (uint32_t)ox) * (uint32_t)w.c;
}

/* Bytes k of four words, as word k. */
SIMT_FN void transpose_bytes(uint32_t (&out)[4], uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t ab = simt::perm(a, b, 0x5140), cd = simt::perm(c, d, 0x5140);
    const uint32_t ab2 = simt::perm(a, b, 0x7362), cd2 = simt::perm(c, d, 0x7362);
    out[0] = simt::perm(ab, cd, 0x5410);
    out[1] = simt::perm(ab, cd, 0x7632);
    out[2] = simt::perm(ab2, cd2, 0x5410);
    out[3] = simt::perm(ab2, cd2, 0x7632);
}

/* Four channels of one output pixel; `at`: element of the first, n: how many exist. OUT and RESIDUAL: those of the epilogue,
 * known here so that a thread decides once. */
template <bool WORDS, uint32_t OUT, uint32_t RESIDUAL>
SIMT_FN void dwconv_store(const nnrt_cuda_dwconv_args &a, size_t at, uint32_t n, const int32_t (&acc)[4],
                          const floats4 &mult)
{
    const nnrt_q8_epilogue &e = a.epilogue;
    if (OUT == NNRT_Q8_OUT_F32) {
        float *y = static_cast<float *>(a.y) + at;
        floats4 v;
        for (uint32_t k = 0; k < 4; k++)
            v.v[k] = epilogue_f32(e, acc[k], mult.v[k]);
        if (WORDS)
            put<floats4>(y, v);
        for (uint32_t k = 0; k < 4 && !WORDS; k++) {
            if (k < n)
                y[k] = v.v[k];
        }
        return;
    }
    const uint32_t r = RESIDUAL != NNRT_Q8_RES_NONE ? get_four<WORDS>(a.residual + at) : 0;
    int32_t q[4];
    for (uint32_t k = 0; k < 4; k++)
        q[k] = epilogue_u8_of<RESIDUAL>(e, acc[k], mult.v[k], (int32_t)byte_of(r, k));
    put_four<WORDS>(static_cast<uint8_t *>(a.y) + at, bytes_word(q), n);
}

/* P neighbouring output pixels from column ox on, channels from c on. */
template <bool WORDS, uint32_t OUT, uint32_t RESIDUAL, int32_t P>
SIMT_FN void dwconv_store_as(const nnrt_cuda_dwconv_args &a, const window_place &at, int32_t ox, uint32_t c,
                             const int32_t (&acc)[P][4])
{
    const nnrt_cuda_window &w = a.window;
    const floats4 mult = get<floats4>(a.mult + c);
    const size_t out = output_at(w, at, ox) + c;
#pragma unroll
    for (int32_t p = 0; p < P; p++) {
        if (ox + p < w.ow)
            dwconv_store<WORDS, OUT, RESIDUAL>(a, out + (size_t)p * (uint32_t)w.c, (uint32_t)w.c - c, acc[p], mult);
    }
}

template <bool WORDS, int32_t P>
SIMT_FN void dwconv_store_all(const nnrt_cuda_dwconv_args &a, const window_place &at, int32_t ox, uint32_t c,
                              const int32_t (&acc)[P][4])
{
    if (a.epilogue.out == NNRT_Q8_OUT_F32)
        dwconv_store_as<WORDS, NNRT_Q8_OUT_F32, NNRT_Q8_RES_NONE, P>(a, at, ox, c, acc);
    else if (a.epilogue.residual == NNRT_Q8_RES_NONE)
        dwconv_store_as<WORDS, NNRT_Q8_OUT_U8, NNRT_Q8_RES_NONE, P>(a, at, ox, c, acc);
    else if (a.epilogue.residual == NNRT_Q8_RES_DIRECT)
        dwconv_store_as<WORDS, NNRT_Q8_OUT_U8, NNRT_Q8_RES_DIRECT, P>(a, at, ox, c, acc);
    else
        dwconv_store_as<WORDS, NNRT_Q8_OUT_U8, NNRT_Q8_RES_TWICE, P>(a, at, ox, c, acc);
}

/* Columns of 4 channels, by channel: a whole block of 4 columns is four words of one channel each. Of the last block's 1 or
 * 2 columns no such words are made; a window picks their bytes where they are. */
template <int32_t COLS> struct dwconv_line {
    enum { WHOLE = (COLS + 1) / 4, REST = COLS - 4 * WHOLE }; /* REST: -1 (three columns, made whole) to 2 */
    uint32_t word[WHOLE + 1][4];
};

template <int32_t COLS> SIMT_FN void dwconv_line_set(dwconv_line<COLS> &line, const uint32_t (&pixel)[COLS + 3])
{
    typedef dwconv_line<COLS> L;
#pragma unroll
    for (int32_t b = 0; b < L::WHOLE; b++)
        transpose_bytes(line.word[b], pixel[4 * b], pixel[4 * b + 1], pixel[4 * b + 2], pixel[4 * b + 3]);
    const uint32_t first = pixel[4 * L::WHOLE], second = pixel[4 * L::WHOLE + 1];
#pragma unroll
    for (uint32_t k = 0; k < 4; k++)
        line.word[L::WHOLE][k] = L::REST == 2 ? simt::perm(first, second, k < 2 ? 0x5140 : 0x7362) : first;
}

/* Four bytes of channel k from column `first` on; those behind the last column are any. */
template <int32_t COLS> SIMT_FN uint32_t dwconv_window(const dwconv_line<COLS> &line, int32_t first, int32_t k)
{
    typedef dwconv_line<COLS> L;
    const int32_t b = first / 4;
    uint32_t pick = 0;
    if (first % 4 == 0 && b < L::WHOLE)
        return line.word[b][k];
#pragma unroll
    for (int32_t j = 0; j < 4; j++) {
        const int32_t column = first + j, in_rest = column - 4 * L::WHOLE;
        uint32_t at = 0; /* of the 8 bytes of words b and b + 1 */
        if (in_rest < 0)
            at = (uint32_t)(column - 4 * b);
        else if (in_rest < L::REST)
            at = (b < L::WHOLE ? 4u : 0u) + (uint32_t)(L::REST == 1 ? k : 2 * (k % 2) + in_rest);
        pick |= at << 4 * j;
    }
    return simt::perm(line.word[b][k], line.word[b < L::WHOLE ? b + 1 : b][k], pick);
}

/* R x S taps, column stride STRIDE, dilation 1 along the row. WORDS: the channels are a multiple of 4. */
template <int32_t R, int32_t S, int32_t STRIDE, int32_t P, bool WORDS>
SIMT_FN void dwconv_strip(const nnrt_cuda_dwconv_args &a)
{
    constexpr int32_t cols = (P - 1) * STRIDE + S, quads = (S + 3) / 4;
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const uint32_t c = 4 * at.group, zeros = (uint32_t)a.epilogue.zx * 0x01010101u;
    const int32_t ix = at.strip * (P * STRIDE) - w.left, iy = at.oy * w.sh - w.top;
    const words4 start = get<words4>(a.acc0 + c);
    int32_t acc[P][4];
    for (int32_t p = 0; p < P; p++)
        for (int32_t k = 0; k < 4; k++)
            acc[p][k] = (int32_t)start.w[k];
    const int8_t *weight = a.w + (size_t)(c / 16) * (R * quads * 64) + c % 16 * 4;
    const uint8_t *image = a.x + (size_t)at.image * (uint32_t)w.h * (uint32_t)w.w * (uint32_t)w.c + c;
#pragma unroll
    for (int32_t r = 0; r < R; r++) {
        const int32_t row = iy + r * w.dh;
        const bool inside = (uint32_t)row < (uint32_t)w.h;
        const uint8_t *x = image + ((int64_t)row * w.w + ix) * w.c;
        uint32_t pixel[cols + 3];
        dwconv_line<cols> line;
#pragma unroll
        for (int32_t j = 0; j < cols + 3; j++) {
            pixel[j] = zeros;
            if (j < cols && inside && (uint32_t)(ix + j) < (uint32_t)w.w)
                pixel[j] = get_four<WORDS>(x + (int64_t)j * w.c);
        }
        dwconv_line_set<cols>(line, pixel);
#pragma unroll
        for (int32_t q = 0; q < quads; q++) {
            const words4 taps = get<words4>(weight + (r * quads + q) * 64);
#pragma unroll
            for (int32_t p = 0; p < P; p++) {
#pragma unroll
                for (int32_t k = 0; k < 4; k++)
                    acc[p][k] =
                        simt::dot4(dwconv_window<cols>(line, p * STRIDE + 4 * q, k), taps.w[k], acc[p][k]);
            }
        }
    }
    dwconv_store_all<WORDS, P>(a, at, at.strip * P, c, acc);
}

/* Any taps, strides, dilations and channels; a thread takes one output pixel. */
SIMT_FN void dwconv_any(const nnrt_cuda_dwconv_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const uint32_t c = 4 * at.group, zeros = (uint32_t)a.epilogue.zx * 0x01010101u;
    const int32_t ix = at.strip * w.sw - w.left, iy = at.oy * w.sh - w.top, quads = (w.s + 3) / 4;
    const words4 start = get<words4>(a.acc0 + c);
    int32_t acc[1][4];
    for (uint32_t k = 0; k < 4; k++)
        acc[0][k] = (int32_t)start.w[k];
    const int8_t *weight = a.w + (size_t)(c / 16) * (uint32_t)w.r * (uint32_t)quads * 64 + c % 16 * 4;
    const uint8_t *image = a.x + (size_t)at.image * (uint32_t)w.h * (uint32_t)w.w * (uint32_t)w.c + c;
    for (int32_t r = 0; r < w.r; r++) {
        const int32_t row = iy + r * w.dh;
        const bool inside = (uint32_t)row < (uint32_t)w.h;
        const uint8_t *x = image + (int64_t)row * w.w * w.c;
        for (int32_t q = 0; q < quads; q++, weight += 64) {
            uint32_t pixel[4], line[4];
#pragma unroll
            for (int32_t k = 0; k < 4; k++) {
                const int32_t s = 4 * q + k, column = ix + s * w.dw;
                pixel[k] = zeros;
                if (s < w.s && inside && (uint32_t)column < (uint32_t)w.w)
                    pixel[k] = get_bytes(x + (int64_t)column * w.c);
            }
            transpose_bytes(line, pixel[0], pixel[1], pixel[2], pixel[3]);
            const words4 taps = get<words4>(weight);
            for (uint32_t k = 0; k < 4; k++)
                acc[0][k] = simt::dot4(line[k], taps.w[k], acc[0][k]);
        }
    }
    dwconv_store_all<false, 1>(a, at, at.strip, c, acc);
}

SIMT_FN void dwconv_3x3_s1(const nnrt_cuda_dwconv_args &a) { dwconv_strip<3, 3, 1, 4, true>(a); }
SIMT_FN void dwconv_3x3_s1_short(const nnrt_cuda_dwconv_args &a) { dwconv_strip<3, 3, 1, 2, true>(a); }
SIMT_FN void dwconv_3x3_s1_bytes(const nnrt_cuda_dwconv_args &a) { dwconv_strip<3, 3, 1, 4, false>(a); }
SIMT_FN void dwconv_3x3_s2(const nnrt_cuda_dwconv_args &a) { dwconv_strip<3, 3, 2, 4, true>(a); }
SIMT_FN void dwconv_3x3_s2_short(const nnrt_cuda_dwconv_args &a) { dwconv_strip<3, 3, 2, 2, true>(a); }
SIMT_FN void dwconv_3x3_s2_bytes(const nnrt_cuda_dwconv_args &a) { dwconv_strip<3, 3, 2, 4, false>(a); }
SIMT_FN void dwconv_5x5_s1(const nnrt_cuda_dwconv_args &a) { dwconv_strip<5, 5, 1, 4, true>(a); }
SIMT_FN void dwconv_5x5_s2(const nnrt_cuda_dwconv_args &a) { dwconv_strip<5, 5, 2, 2, true>(a); }

#endif
