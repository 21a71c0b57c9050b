/* Reductions and softmax in the fixed order of contracts_reduce.h. SPDX-License-Identifier: Apache-2.0
 * Element j belongs to lane j % 16. In a row, thread t of a warp reads elements t, t + 32, ...: threads t and t + 16 exchange
 * theirs, so that both add lane t % 16 in ascending order. Down columns, thread (l, column) adds lanes l and l + 8. */
#ifndef NNRT_CUDA_KERNELS_REDUCE_CUH
#define NNRT_CUDA_KERNELS_REDUCE_CUH

#include "runtime_int8/cuda/args_reduce.h"
#include "runtime_int8/cuda/kernels/memory.cuh"
#include "runtime_int8/cuda/simt.cuh"
#include "runtime_int8/kernels/pointwise_f32.h"

enum reduce_kind { JOIN_SUM, JOIN_MAX, JOIN_MIN, JOIN_PROD };
enum reduce_map { MAP_NONE, MAP_ABS, MAP_SQUARE, MAP_EXP };

SIMT_FN float join(reduce_kind kind, float a, float b)
{
    if (kind == JOIN_MAX)
        return a > b || a != a ? a : b;
    if (kind == JOIN_MIN)
        return a < b || a != a ? a : b;
    return kind == JOIN_PROD ? a * b : a + b;
}

SIMT_FN float neutral(reduce_kind kind)
{
    if (kind == JOIN_MAX)
        return -INFINITY;
    if (kind == JOIN_MIN)
        return INFINITY;
    return kind == JOIN_PROD ? 1.0f : 0.0f;
}

SIMT_FN float map_one(reduce_map map, float x, float sub)
{
    if (map == MAP_ABS)
        return nnrt_abs(x);
    if (map == MAP_SQUARE)
        return x * x;
    return map == MAP_EXP ? nnrt_exp(x - sub) : x;
}

/* Lanes 0..15 of either half of a warp; the lower lane stays left of the upper one. */
SIMT_FN float warp_tree(reduce_kind kind, float v)
{
    const uint32_t lane = simt::thread() % 32;
#pragma unroll
    for (uint32_t step = 8; step > 0; step /= 2) {
        const float other = simt::shfl_xor(v, step);
        v = lane & step ? join(kind, other, v) : join(kind, v, other);
    }
    return v;
}

/* Over a row by a whole warp; every thread gets the result. n may be 0. */
SIMT_FN float warp_row(reduce_kind kind, reduce_map map, const float *x, uint32_t n, float sub)
{
    const uint32_t lane = simt::thread() % 32;
    float acc = neutral(kind);
    for (uint32_t j = 0; j < n; j += 32) {
        const bool mine_is = j + lane < n;
        const float mine = mine_is ? map_one(map, x[j + lane], sub) : 0.0f;
        const float other = simt::shfl_xor(mine, 16u);
        const float first = lane < 16 ? mine : other, second = lane < 16 ? other : mine;
        if (j + lane % 16 < n)
            acc = join(kind, acc, first);
        if (j + lane % 16 + 16 < n)
            acc = join(kind, acc, second);
    }
    return warp_tree(kind, acc);
}

/* A warp per row. */
SIMT_FN void softmax_warp(const nnrt_cuda_softmax_args &a)
{
    const uint32_t row = grid_thread() / 32, lane = simt::thread() % 32;
    const uint32_t n = row < a.outer ? a.n : 0;
    const size_t at = (size_t)(row < a.outer ? row : 0) * a.n;
    const float *x = a.x + at;
    float *y = a.y + at;
    const float most = warp_row(JOIN_MAX, MAP_NONE, x, n, 0.0f);
    const float sum = warp_row(JOIN_SUM, MAP_EXP, x, n, most);
    const float shift = a.log ? nnrt_log(sum) : 0.0f;
    for (uint32_t i = lane; i < n; i += 32)
        y[i] = a.log ? (x[i] - most) - shift : nnrt_exp(x[i] - most) / sum;
}

/* A block per row: all threads compute exponentials, 32 of them add. The order of a maximum does not matter here: what it
 * leaves open, the sign of a zero, no exponential sees. */
SIMT_FN void softmax_block(const nnrt_cuda_softmax_args &a)
{
    float *share = reinterpret_cast<float *>(simt::shared()), *chunk = share + NNRT_CUDA_SOFTMAX_SHARE;
    const uint32_t thread = simt::thread(), threads = simt::threads(), n = a.n;
    const size_t at = (size_t)simt::block_x() * n;
    const float *x = a.x + at;
    float *y = a.y + at;
    float most = -INFINITY;
    for (uint32_t i = thread; i < n; i += threads)
        most = join(JOIN_MAX, most, x[i]);
#pragma unroll
    for (uint32_t step = 16; step > 0; step /= 2)
        most = join(JOIN_MAX, most, simt::shfl_xor(most, step));
    if (thread % 32 == 0)
        share[thread / 32] = most;
    simt::sync();
    most = share[0];
    for (uint32_t i = 1; i < threads / 32; i++)
        most = join(JOIN_MAX, most, share[i]);
    float acc = 0.0f; /* of lane thread % 16, in the first warp */
    for (uint32_t begin = 0; begin < n; begin += NNRT_CUDA_SOFTMAX_CHUNK) {
        const uint32_t count = least(n - begin, NNRT_CUDA_SOFTMAX_CHUNK);
        simt::sync();
        for (uint32_t i = thread; i < count; i += threads)
            chunk[i] = nnrt_exp(x[begin + i] - most);
        simt::sync();
        if (thread < 32) {
#pragma unroll 8
            for (uint32_t i = thread % 16; i < count; i += 16)
                acc = acc + chunk[i];
        }
    }
    if (thread < 32) {
        acc = warp_tree(JOIN_SUM, acc);
        if (thread == 0)
            share[32] = acc;
    }
    simt::sync();
    const float sum = share[32], shift = a.log ? nnrt_log(sum) : 0.0f;
    for (uint32_t i = thread; i < n; i += threads)
        y[i] = a.log ? (x[i] - most) - shift : nnrt_exp(x[i] - most) / sum;
}

/* Down a column by the 8 threads of a column; all of them get the result. share: floats of shared memory for each thread. */
SIMT_FN float block_column(reduce_kind kind, reduce_map map, const float *x, uint32_t n, size_t stride, float sub,
                           float *share)
{
    const uint32_t column = simt::thread() % NNRT_CUDA_COLUMNS, lane = simt::thread() / NNRT_CUDA_COLUMNS;
    float low = neutral(kind), high = low;
    for (uint32_t j = lane; j < n; j += 16) {
        low = join(kind, low, map_one(map, x[(size_t)j * stride], sub));
        if (j + 8 < n)
            high = join(kind, high, map_one(map, x[(size_t)(j + 8) * stride], sub));
    }
    simt::sync();
    share[simt::thread()] = join(kind, low, high);
    simt::sync();
    float v[8];
#pragma unroll
    for (uint32_t l = 0; l < 8; l++)
        v[l] = share[l * NNRT_CUDA_COLUMNS + column];
#pragma unroll
    for (uint32_t step = 4; step > 0; step /= 2) {
#pragma unroll
        for (uint32_t l = 0; l < step; l++)
            v[l] = join(kind, v[l], v[l + step]);
    }
    return v[0];
}

struct column_place {
    uint32_t outer, column;
    bool real;
};

SIMT_FN column_place column_place_of(const nnrt_cuda_divider &tiles, uint32_t inner)
{
    column_place p;
    p.outer = divide(simt::block_x(), tiles);
    p.column = (simt::block_x() - p.outer * tiles.d) * NNRT_CUDA_COLUMNS + simt::thread() % NNRT_CUDA_COLUMNS;
    p.real = p.column < inner;
    return p;
}

SIMT_FN void softmax_columns(const nnrt_cuda_softmax_args &a)
{
    float *share = reinterpret_cast<float *>(simt::shared());
    const column_place p = column_place_of(a.tiles, a.inner);
    const size_t at = (size_t)p.outer * a.n * a.inner + (p.real ? p.column : 0);
    const float *x = a.x + at;
    float *y = a.y + at;
    const uint32_t n = p.real ? a.n : 0;
    const float most = block_column(JOIN_MAX, MAP_NONE, x, n, a.inner, 0.0f, share);
    const float sum = block_column(JOIN_SUM, MAP_EXP, x, n, a.inner, most, share);
    const float shift = a.log ? nnrt_log(sum) : 0.0f;
    for (uint32_t j = simt::thread() / NNRT_CUDA_COLUMNS; j < n; j += simt::threads() / NNRT_CUDA_COLUMNS) {
        const float v = x[(size_t)j * a.inner];
        y[(size_t)j * a.inner] = a.log ? (v - most) - shift : nnrt_exp(v - most) / sum;
    }
}

/* Rows and columns differ in who adds what. */
struct by_row {
    const float *x;
    uint32_t n;
};
struct by_column {
    const float *x;
    uint32_t n;
    size_t stride;
    float *share;
};

SIMT_FN float over(const by_row &w, reduce_kind kind, reduce_map map, float sub)
{
    return warp_row(kind, map, w.x, w.n, sub);
}

SIMT_FN float over(const by_column &w, reduce_kind kind, reduce_map map, float sub)
{
    return block_column(kind, map, w.x, w.n, w.stride, sub, w.share);
}

template <class W> SIMT_FN float reduce_with(const nnrt_cuda_reduce_args &a, const W &walk)
{
    float most, sum;
    switch (a.op) {
    case NNRT_REDUCE_MAX:
        return over(walk, JOIN_MAX, MAP_NONE, 0.0f);
    case NNRT_REDUCE_MIN:
        return over(walk, JOIN_MIN, MAP_NONE, 0.0f);
    case NNRT_REDUCE_PROD:
        return over(walk, JOIN_PROD, MAP_NONE, 0.0f);
    case NNRT_REDUCE_L1:
        return over(walk, JOIN_SUM, MAP_ABS, 0.0f);
    case NNRT_REDUCE_L2:
        return sqrtf(over(walk, JOIN_SUM, MAP_SQUARE, 0.0f));
    case NNRT_REDUCE_SUM_SQUARE:
        return over(walk, JOIN_SUM, MAP_SQUARE, 0.0f);
    case NNRT_REDUCE_LOG_SUM_EXP:
        most = over(walk, JOIN_MAX, MAP_NONE, 0.0f);
        sum = over(walk, JOIN_SUM, MAP_EXP, most);
        return nnrt_abs(most) == INFINITY ? most : most + nnrt_log(sum);
    default: /* SUM, MEAN, LOG_SUM */
        sum = over(walk, JOIN_SUM, MAP_NONE, 0.0f);
        if (a.op == NNRT_REDUCE_MEAN)
            return sum / a.divisor;
        return a.op == NNRT_REDUCE_LOG_SUM ? nnrt_log(sum) : sum;
    }
}

/* A warp per output. */
SIMT_FN void reduce_rows(const nnrt_cuda_reduce_args &a)
{
    const uint32_t row = grid_thread() / 32;
    const by_row walk = {a.x + (size_t)(row < a.outer ? row : 0) * a.n, row < a.outer ? a.n : 0};
    const float v = reduce_with(a, walk);
    if (row < a.outer && simt::thread() % 32 == 0)
        a.y[row] = nnrt_bound(v, a.lo, a.hi);
}

SIMT_FN void reduce_columns(const nnrt_cuda_reduce_args &a)
{
    const column_place p = column_place_of(a.tiles, a.inner);
    const by_column walk = {a.x + (size_t)p.outer * a.n * a.inner + (p.real ? p.column : 0), p.real ? a.n : 0, a.inner,
                            reinterpret_cast<float *>(simt::shared())};
    const float v = reduce_with(a, walk);
    if (p.real && simt::thread() < NNRT_CUDA_COLUMNS)
        a.y[(size_t)p.outer * a.inner + p.column] = nnrt_bound(v, a.lo, a.hi);
}

#endif
