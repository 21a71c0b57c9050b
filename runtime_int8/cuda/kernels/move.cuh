/* Data movement: strided copies, transposes, padding. SPDX-License-Identifier: Apache-2.0
 * T is the unit: the largest power of two up to 16 bytes that all runs and strides are multiples of. */
#ifndef NNRT_CUDA_KERNELS_MOVE_CUH
#define NNRT_CUDA_KERNELS_MOVE_CUH

#include "runtime_int8/cuda/args_move.h"
#include "runtime_int8/cuda/kernels/memory.cuh"
#include "runtime_int8/cuda/simt.cuh"

struct alignas(8) words2 {
    uint32_t w[2];
};

template <class T> SIMT_FN void copy_units(const nnrt_cuda_copy_args &a)
{
    const uint32_t thread = grid_thread();
    if (thread >= a.count)
        return;
    uint32_t rest = thread;
    int64_t x = 0, y = 0;
    for (uint32_t i = a.rank; i-- > 1;) {
        const uint32_t outer = divide(rest, a.dim[i]);
        const int64_t k = (int64_t)(rest - outer * a.dim[i].d);
        x += k * a.xs[i];
        y += k * a.ys[i];
        rest = outer;
    }
    x += (int64_t)rest * a.xs[0];
    y += (int64_t)rest * a.ys[0];
    put<T>(static_cast<T *>(a.y) + y, get<T>(static_cast<const T *>(a.x) + x));
}

SIMT_FN void copy_1(const nnrt_cuda_copy_args &a) { copy_units<uint8_t>(a); }
SIMT_FN void copy_2(const nnrt_cuda_copy_args &a) { copy_units<uint16_t>(a); }
SIMT_FN void copy_4(const nnrt_cuda_copy_args &a) { copy_units<uint32_t>(a); }
SIMT_FN void copy_8(const nnrt_cuda_copy_args &a) { copy_units<words2>(a); }
SIMT_FN void copy_16(const nnrt_cuda_copy_args &a) { copy_units<words4>(a); }

/* 256 threads as 8 rows of 32; the tile has one column more, so that its columns lie in different banks. */
template <class T> SIMT_FN void transpose_units(const nnrt_cuda_transpose_args &a)
{
    T *tile = reinterpret_cast<T *>(simt::shared());
    const uint32_t lane = simt::thread() % 32, line = simt::thread() / 32;
    const uint32_t row_tile = divide(simt::block_x(), a.col_tiles);
    const uint32_t c0 = (simt::block_x() - row_tile * a.col_tiles.d) * 32;
    uint32_t rest = divide(row_tile, a.row_tiles);
    const uint32_t r0 = (row_tile - rest * a.row_tiles.d) * 32;
    const T *x = static_cast<const T *>(a.x);
    T *y = static_cast<T *>(a.y);
    for (uint32_t i = a.rank; i-- > 0;) {
        const uint32_t outer = divide(rest, a.dim[i]);
        const int64_t k = (int64_t)(rest - outer * a.dim[i].d);
        x += k * a.xs[i];
        y += k * a.ys[i];
        rest = outer;
    }
#pragma unroll
    for (uint32_t i = 0; i < 32; i += 8) {
        const uint32_t r = r0 + line + i, c = c0 + lane;
        if (r < a.rows && c < a.cols)
            put<T>(tile + (line + i) * 33 + lane, get<T>(x + (size_t)r * a.x_stride + c));
    }
    simt::sync();
#pragma unroll
    for (uint32_t i = 0; i < 32; i += 8) {
        const uint32_t r = r0 + lane, c = c0 + line + i;
        if (r < a.rows && c < a.cols)
            put<T>(y + (size_t)c * a.y_stride + r, get<T>(tile + lane * 33 + line + i));
    }
}

SIMT_FN void transpose_1(const nnrt_cuda_transpose_args &a) { transpose_units<uint8_t>(a); }
SIMT_FN void transpose_2(const nnrt_cuda_transpose_args &a) { transpose_units<uint16_t>(a); }
SIMT_FN void transpose_4(const nnrt_cuda_transpose_args &a) { transpose_units<uint32_t>(a); }
SIMT_FN void transpose_8(const nnrt_cuda_transpose_args &a) { transpose_units<words2>(a); }

/* Source of index i (already less the leading padding) in a dim of n elements; -1: the constant. */
SIMT_FN int32_t pad_source(uint32_t mode, int64_t i, int32_t n)
{
    if (i >= 0 && i < n)
        return (int32_t)i;
    if (mode == 0)
        return -1;
    if (mode == 2)
        return i < 0 ? 0 : n - 1;
    const int64_t period = mode == 3 ? n : 2 * ((int64_t)n - 1);
    if (period == 0)
        return 0;
    int64_t k = i % period;
    if (k < 0)
        k += period;
    return (int32_t)(k < n ? k : period - k);
}

SIMT_FN void set_unit(uint8_t &u, uint64_t v) { u = (uint8_t)v; }
SIMT_FN void set_unit(uint16_t &u, uint64_t v) { u = (uint16_t)v; }
SIMT_FN void set_unit(uint32_t &u, uint64_t v) { u = (uint32_t)v; }
SIMT_FN void set_unit(words2 &u, uint64_t v)
{
    u.w[0] = (uint32_t)v;
    u.w[1] = (uint32_t)(v >> 32);
}
SIMT_FN void set_unit(words4 &u, uint64_t v)
{
    u.w[0] = u.w[2] = (uint32_t)v;
    u.w[1] = u.w[3] = (uint32_t)(v >> 32);
}

/* The padding element, repeated to fill 8 bytes. */
SIMT_FN uint64_t pad_bits(const nnrt_cuda_pad_args &a)
{
    uint64_t v = a.bits;
    if (a.value != 0) {
        const uint8_t *at = static_cast<const uint8_t *>(a.value);
        v = 0;
        for (uint32_t i = 0; i < a.element; i++)
            v |= (uint64_t)at[i] << 8 * i;
    }
    if (a.element == 1)
        return (v & 0xffu) * UINT64_C(0x0101010101010101);
    if (a.element == 2)
        return (v & 0xffffu) * UINT64_C(0x0001000100010001);
    return a.element == 4 ? (v & 0xffffffffu) | v << 32 : v;
}

template <class T> SIMT_FN void pad_units(const nnrt_cuda_pad_args &a)
{
    const uint32_t thread = grid_thread();
    if (thread >= a.count)
        return;
    uint32_t rest = thread;
    int64_t x = 0;
    bool outside = false;
    for (uint32_t i = a.rank; i-- > 0;) {
        const uint32_t outer = divide(rest, a.dim[i]);
        const int32_t k = pad_source(a.mode, (int64_t)(rest - outer * a.dim[i].d) - a.begin[i], a.n[i]);
        outside = outside || k < 0;
        x += (int64_t)k * a.xs[i];
        rest = outer;
    }
    T unit;
    if (outside)
        set_unit(unit, pad_bits(a));
    else
        unit = get<T>(static_cast<const T *>(a.x) + x);
    put<T>(static_cast<T *>(a.y) + thread, unit);
}

SIMT_FN void pad_1(const nnrt_cuda_pad_args &a) { pad_units<uint8_t>(a); }
SIMT_FN void pad_2(const nnrt_cuda_pad_args &a) { pad_units<uint16_t>(a); }
SIMT_FN void pad_4(const nnrt_cuda_pad_args &a) { pad_units<uint32_t>(a); }
SIMT_FN void pad_8(const nnrt_cuda_pad_args &a) { pad_units<words2>(a); }
SIMT_FN void pad_16(const nnrt_cuda_pad_args &a) { pad_units<words4>(a); }

#endif
