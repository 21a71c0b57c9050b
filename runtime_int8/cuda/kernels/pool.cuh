/* Window kernels: pooling. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_KERNELS_POOL_CUH
#define NNRT_CUDA_KERNELS_POOL_CUH

#include "runtime_int8/cuda/args_window.h"
#include "runtime_int8/cuda/kernels/memory.cuh"
#include "runtime_int8/cuda/kernels/window.cuh"
#include "runtime_int8/cuda/simt.cuh"
#include "tensor/requant.h"

SIMT_FN int32_t divide_up(int32_t n, int32_t by)
{
    return by == 1 ? n : (n + by - 1) / by;
}

/* Taps [first, end) of one dim that fall inside [0, in). */
struct pool_span {
    int32_t first, end;
};

SIMT_FN pool_span pool_span_of(int32_t start, int32_t taps, int32_t dilation, int32_t in)
{
    pool_span p;
    p.first = start < 0 ? divide_up(-start, dilation) : 0;
    p.end = in > start ? divide_up(in - start, dilation) : 0;
    p.end = p.end > taps ? taps : p.end;
    p.first = p.first > p.end ? p.end : p.first;
    return p;
}

/* The taps inside the input of one output pixel. */
struct pool_taps {
    int32_t rows, cols;
    size_t x; /* element of channel 0 at the first of them */
    size_t row_step, col_step;
    int32_t padded; /* taps inside the padded input */
};

SIMT_FN pool_taps pool_taps_of(const nnrt_cuda_window &w, const window_place &at)
{
    const int32_t h0 = at.oy * w.sh - w.top, w0 = at.strip * w.sw - w.left;
    const pool_span r = pool_span_of(h0, w.r, w.dh, w.h), s = pool_span_of(w0, w.s, w.dw, w.w);
    const pool_span rp = pool_span_of(h0 + w.top, w.r, w.dh, w.h + w.top + w.bottom);
    const pool_span sp = pool_span_of(w0 + w.left, w.s, w.dw, w.w + w.left + w.right);
    pool_taps t;
    t.rows = r.end - r.first;
    t.cols = s.end - s.first;
    t.row_step = (size_t)w.dh * (uint32_t)w.w * (uint32_t)w.c;
    t.col_step = (size_t)w.dw * (uint32_t)w.c;
    t.x = 0;
    if (t.rows > 0 && t.cols > 0)
        t.x = (((size_t)at.image * (uint32_t)w.h + (uint32_t)(h0 + r.first * w.dh)) * (uint32_t)w.w +
               (uint32_t)(w0 + s.first * w.dw)) *
              (uint32_t)w.c;
    t.padded = (rp.end - rp.first) * (sp.end - sp.first);
    return t;
}

SIMT_FN void maxpool_u8_16(const nnrt_cuda_maxpool_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const pool_taps t = pool_taps_of(w, at);
    const uint8_t *x = static_cast<const uint8_t *>(a.x) + t.x + 16 * at.group;
    words4 best = {{0, 0, 0, 0}};
    for (int32_t r = 0; r < t.rows; r++, x += t.row_step) {
        const uint8_t *v = x;
#pragma unroll 3
        for (int32_t s = 0; s < t.cols; s++, v += t.col_step) {
            const words4 tap = get<words4>(v);
            for (uint32_t k = 0; k < 4; k++)
                best.w[k] = simt::max4(best.w[k], tap.w[k]);
        }
    }
    put<words4>(static_cast<uint8_t *>(a.y) + output_at(w, at, at.strip) + 16 * at.group, best);
}

template <bool WORDS> SIMT_FN void maxpool_u8_4(const nnrt_cuda_maxpool_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const pool_taps t = pool_taps_of(w, at);
    const uint32_t c = 4 * at.group;
    const uint8_t *x = static_cast<const uint8_t *>(a.x) + t.x + c;
    uint32_t best = 0;
    for (int32_t r = 0; r < t.rows; r++, x += t.row_step) {
        const uint8_t *v = x;
#pragma unroll 3
        for (int32_t s = 0; s < t.cols; s++, v += t.col_step)
            best = simt::max4(best, get_four<WORDS>(v));
    }
    put_four<WORDS>(static_cast<uint8_t *>(a.y) + output_at(w, at, at.strip) + c, best, (uint32_t)w.c - c);
}

/* NaN wins. */
SIMT_FN float max_float(float a, float b)
{
    return a > b || a != a ? a : b;
}

/* T: floats4, or float where the channels are no multiple of 4. */
template <class T, uint32_t N> SIMT_FN void maxpool_f32_of(const nnrt_cuda_maxpool_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const pool_taps t = pool_taps_of(w, at);
    const float *x = static_cast<const float *>(a.x) + t.x + N * at.group;
    T best;
    for (uint32_t k = 0; k < N; k++)
        best.v[k] = -INFINITY;
    for (int32_t r = 0; r < t.rows; r++, x += t.row_step) {
        const float *v = x;
        for (int32_t s = 0; s < t.cols; s++, v += t.col_step) {
            const T tap = get<T>(v);
            for (uint32_t k = 0; k < N; k++)
                best.v[k] = max_float(best.v[k], tap.v[k]);
        }
    }
    put<T>(static_cast<float *>(a.y) + output_at(w, at, at.strip) + N * at.group, best);
}

struct floats1 {
    float v[1];
};

SIMT_FN int32_t avgpool_divisor(const nnrt_cuda_avgpool_args &a, const pool_taps &t)
{
    const int32_t n = a.include_pad ? t.padded : t.rows * t.cols;
    return n == 0 ? 1 : n;
}

/* Four channels of sums of `rows * cols` bytes. */
SIMT_FN uint32_t avgpool_word(const nnrt_cuda_avgpool_args &a, const pool_taps &t, const int32_t (&sum)[4])
{
    const float m = a.sx / (a.sy * (float)avgpool_divisor(a, t));
    const int32_t zeros = t.rows * t.cols * a.zx;
    int32_t q[4];
    for (uint32_t k = 0; k < 4; k++)
        q[k] = nnc_requant(sum[k] - zeros, m, a.lo, a.hi, a.zy);
    return bytes_word(q);
}

SIMT_FN void add_bytes(int32_t (&sum)[4], uint32_t word)
{
    for (uint32_t k = 0; k < 4; k++)
        sum[k] = simt::dot4(word, 1u << 8 * k, sum[k]);
}

template <bool WORDS> SIMT_FN void avgpool_q8_4(const nnrt_cuda_avgpool_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const pool_taps t = pool_taps_of(w, at);
    const uint32_t c = 4 * at.group;
    const uint8_t *x = static_cast<const uint8_t *>(a.x) + t.x + c;
    int32_t sum[4] = {0, 0, 0, 0};
    for (int32_t r = 0; r < t.rows; r++, x += t.row_step) {
        const uint8_t *v = x;
        for (int32_t s = 0; s < t.cols; s++, v += t.col_step)
            add_bytes(sum, get_four<WORDS>(v));
    }
    put_four<WORDS>(static_cast<uint8_t *>(a.y) + output_at(w, at, at.strip) + c, avgpool_word(a, t, sum),
                    (uint32_t)w.c - c);
}

/* A block takes one output pixel and 4 << group_bits channels; the threads of a group share its taps. */
template <bool WORDS> SIMT_FN void avgpool_q8_block_of(const nnrt_cuda_avgpool_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const window_place at = window_place_of(w, simt::block_x());
    const pool_taps t = pool_taps_of(w, at);
    const uint32_t group = simt::thread() & ((1u << a.group_bits) - 1), lane = simt::thread() >> a.group_bits;
    const uint32_t c = 4 * ((at.group << a.group_bits) + group), lanes = simt::threads() >> a.group_bits;
    const uint8_t *x = static_cast<const uint8_t *>(a.x) + t.x + c;
    int32_t sum[4] = {0, 0, 0, 0};
    if (c < (uint32_t)w.c && t.rows > 0 && t.cols > 0) {
        const uint32_t cols = (uint32_t)t.cols, taps = cols * (uint32_t)t.rows;
        for (uint32_t i = lane; i < taps; i += lanes) {
            const uint32_t r = i / cols;
            add_bytes(sum, get_four<WORDS>(x + r * t.row_step + (i - r * cols) * t.col_step));
        }
    }
    words4 *partial = reinterpret_cast<words4 *>(simt::shared());
    for (uint32_t step = lanes / 2; step > 0; step /= 2) {
        words4 mine;
        for (uint32_t k = 0; k < 4; k++)
            mine.w[k] = (uint32_t)sum[k];
        put<words4>(partial + simt::thread(), mine);
        simt::sync();
        if (lane < step) {
            const words4 other = get<words4>(partial + simt::thread() + (step << a.group_bits));
            for (uint32_t k = 0; k < 4; k++)
                sum[k] += (int32_t)other.w[k];
        }
        simt::sync();
    }
    if (lane == 0 && c < (uint32_t)w.c)
        put_four<WORDS>(static_cast<uint8_t *>(a.y) + output_at(w, at, at.strip) + c, avgpool_word(a, t, sum),
                        (uint32_t)w.c - c);
}

/* One channel; tap i is added to lane i % 16, as contracts_reduce.h says. */
SIMT_FN void avgpool_f32(const nnrt_cuda_avgpool_args &a)
{
    const nnrt_cuda_window &w = a.window;
    const uint32_t thread = grid_thread();
    if (thread >= w.count)
        return;
    const window_place at = window_place_of(w, thread);
    const pool_taps t = pool_taps_of(w, at);
    const float *x = static_cast<const float *>(a.x) + t.x + at.group;
    float sum[16];
#pragma unroll
    for (int32_t l = 0; l < 16; l++)
        sum[l] = 0.0f;
    int32_t r = t.cols > 0 ? 0 : t.rows, s = 0;
    while (r < t.rows) {
#pragma unroll
        for (int32_t l = 0; l < 16; l++) {
            if (r < t.rows) {
                sum[l] = sum[l] + x[(size_t)r * t.row_step + (size_t)s * t.col_step];
                s++;
                if (s == t.cols) {
                    s = 0;
                    r++;
                }
            }
        }
    }
#pragma unroll
    for (int32_t step = 8; step > 0; step /= 2) {
#pragma unroll
        for (int32_t l = 0; l < step; l++)
            sum[l] = sum[l] + sum[l + step];
    }
    float v = sum[0] / (float)avgpool_divisor(a, t);
    v = v < a.lo ? a.lo : v;
    static_cast<float *>(a.y)[output_at(w, at, at.strip) + at.group] = v > a.hi ? a.hi : v;
}

SIMT_FN void maxpool_u8_words(const nnrt_cuda_maxpool_args &a) { maxpool_u8_4<true>(a); }
SIMT_FN void maxpool_u8_bytes(const nnrt_cuda_maxpool_args &a) { maxpool_u8_4<false>(a); }
SIMT_FN void maxpool_f32_4(const nnrt_cuda_maxpool_args &a) { maxpool_f32_of<floats4, 4>(a); }
SIMT_FN void maxpool_f32_1(const nnrt_cuda_maxpool_args &a) { maxpool_f32_of<floats1, 1>(a); }
SIMT_FN void avgpool_q8_words(const nnrt_cuda_avgpool_args &a) { avgpool_q8_4<true>(a); }
SIMT_FN void avgpool_q8_bytes(const nnrt_cuda_avgpool_args &a) { avgpool_q8_4<false>(a); }
SIMT_FN void avgpool_q8_block(const nnrt_cuda_avgpool_args &a) { avgpool_q8_block_of<true>(a); }
SIMT_FN void avgpool_q8_block_bytes(const nnrt_cuda_avgpool_args &a) { avgpool_q8_block_of<false>(a); }

#endif
