/* Implicit products: NHWC convolution and GEMM, u8 x s8. SPDX-License-Identifier: Apache-2.0
 *
 * A block passes K in steps of 64 bytes through a ring of stages in shared memory, filled by asynchronous copies. A row of
 * a stage is four chunks of 16 bytes, chunk c at place c ^ (row / 2) % 4, so that the eight rows that ldmatrix reads at
 * once lie in different banks. Host-made taps say where K comes from: the device divides only to find its rows. */
#ifndef NNRT_CUDA_KERNELS_PRODUCT_CUH
#define NNRT_CUDA_KERNELS_PRODUCT_CUH

#include "runtime_int8/cuda/kernels/product_tile.cuh"

/* What a thread copies: chunk thread % 4 of every row_step-th row, and chunks of the weights. */
template <class T> struct product_source {
    static constexpr uint32_t row_step = T::threads / 4;
    static constexpr uint32_t rows = (T::rows + row_step - 1) / row_step;
    static constexpr uint32_t chunks = T::b_bytes / 16 / T::threads;
    int64_t at[rows];           /* first byte of the row's window, from x */
    int32_t y[rows], x[rows];   /* its place in the input */
    uint32_t w[chunks];         /* from the group's weights */
    const uint8_t *group_w;
    uint32_t to_a, to_b;        /* in a stage */
};

#define PRODUCT_NOWHERE (-(1 << 30)) /* no tap is so long that it reaches the input from there */

template <class T>
SIMT_FN void product_find_rows(product_source<T> &s, const nnrt_cuda_product_args &a, uint32_t m0,
                               uint32_t group)
{
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.rows; i++) {
        const uint32_t m = m0 + simt::thread() / 4 + i * s.row_step;
        s.at[i] = 0;
        s.y[i] = s.x[i] = PRODUCT_NOWHERE;
        if (m < a.rows) {
            const uint32_t image = m / a.pixels, pixel = m % a.pixels;
            const int32_t oy = (int32_t)(pixel / a.pixels_x), ox = (int32_t)(pixel % a.pixels_x);
            s.y[i] = oy * a.step_y - a.top;
            s.x[i] = ox * a.step_x - a.left;
            s.at[i] = (int64_t)(image * a.x_image + (uint64_t)group * a.x_group) +
                      (int64_t)s.y[i] * a.row_bytes + (int64_t)s.x[i] * a.unit;
        }
    }
    /* row_step is a multiple of 8: all rows of a thread have the same swizzle. */
    const uint32_t row = simt::thread() / 4, chunk = simt::thread() % 4;
    s.to_a = row * PRODUCT_STEP + ((chunk ^ (row / 2 % 4)) * 16);
}

template <class T>
SIMT_FN void product_find_weights(product_source<T> &s, const nnrt_cuda_product_args &a,
                                  uint32_t n0, uint32_t group)
{
    const uint32_t panel_bytes = a.steps * 1024;
    s.group_w = a.w + (size_t)group * a.panels * panel_bytes;
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.chunks; i++) {
        const uint32_t chunk = simt::thread() + i * T::threads;
        uint32_t panel = n0 / 16 + chunk / 64;
        /* Columns that do not exist are computed from others and not stored. */
        panel = panel < a.panels ? panel : a.panels - 1;
        s.w[i] = panel * panel_bytes + chunk % 64 * 16;
    }
    s.to_b = T::a_bytes + simt::thread() * 16;
}

template <class T>
SIMT_FN bool product_inside(const product_source<T> &s, const nnrt_cuda_product_args &a, uint32_t i,
                            const nnrt_cuda_tap &tap)
{
    return (uint32_t)(s.y[i] + tap.dy) < a.height && (uint32_t)(s.x[i] + tap.dx) < a.width;
}

template <class T>
SIMT_FN const uint8_t *product_address(const product_source<T> &s, const nnrt_cuda_product_args &a,
                                       uint32_t i, const nnrt_cuda_tap &tap)
{
    return product_inside<T>(s, a, i, tap) ? a.x + (s.at[i] + tap.offset) : a.pad;
}

SIMT_FN nnrt_cuda_tap product_tap(const nnrt_cuda_product_args &a, uint32_t i)
{
    const product_pair<uint64_t> *const from =
        reinterpret_cast<const product_pair<uint64_t> *>(a.taps + i);
    const uint64_t lo = simt::load(&from->v[0]), hi = simt::load(&from->v[1]);
    return {(int32_t)(uint32_t)lo, (int32_t)(uint32_t)(lo >> 32), (int32_t)(uint32_t)hi, 0};
}

template <class T>
SIMT_FN uint32_t product_gather(const product_source<T> &s, const nnrt_cuda_product_args &a,
                                uint32_t i, const nnrt_cuda_tap &tap)
{
    const uint32_t zx = *reinterpret_cast<const uint32_t *>(a.pad);
    if ((uint32_t)(s.y[i] + tap.dy) >= a.height)
        return zx;
    const int32_t x = s.x[i] + tap.dx;
    return product_word(a.x + (s.at[i] + tap.offset - x), x, a.width, zx);
}

/* A chunk in pieces. */
template <class T>
SIMT_FN void product_copy_fine(const product_source<T> &s, const nnrt_cuda_product_args &a,
                               uint8_t *to, uint32_t i, uint32_t chunk)
{
    if (a.piece == 8) {
        for (uint32_t p = 0; p < 2; p++)
            simt::copy8(to + 8 * p,
                        product_address<T>(s, a, i, product_tap(a, chunk * 2 + p)));
        return;
    }
    for (uint32_t p = 0; p < 4; p++) {
        const nnrt_cuda_tap tap = product_tap(a, chunk * 4 + p);
        if (a.gather)
            *reinterpret_cast<uint32_t *>(to + 4 * p) = product_gather<T>(s, a, i, tap);
        else
            simt::copy4(to + 4 * p, product_address<T>(s, a, i, tap));
    }
}

/* Starts the copies of a step. */
template <class T, bool FINE>
SIMT_FN void product_fetch(const product_source<T> &s, const nnrt_cuda_product_args &a,
                           uint8_t *stage, uint32_t step)
{
    const uint32_t chunk = step * 4 + simt::thread() % 4;
    const nnrt_cuda_tap tap = FINE ? nnrt_cuda_tap() : product_tap(a, chunk);
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.rows; i++) {
        uint8_t *const to = stage + s.to_a + i * s.row_step * PRODUCT_STEP;
        if (s.rows * s.row_step != T::rows && simt::thread() / 4 + i * s.row_step >= T::rows)
            continue;
        if (FINE)
            product_copy_fine<T>(s, a, to, i, chunk);
        else
            simt::copy16(to, product_address<T>(s, a, i, tap));
    }
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.chunks; i++)
        simt::copy16(stage + s.to_b + i * T::threads * 16, s.group_w + s.w[i] + step * 1024);
}

/* The lane's addresses in a stage, for the first 32 bytes of K; the others are at ^ 32 (rows) and + 512 (weights). */
template <class T> SIMT_FN uint32_t product_lane_a()
{
    const product_place<T> here = product_here<T>();
    const uint32_t row = here.lane % 16;
    return (here.row + row) * PRODUCT_STEP + ((here.lane / 16 ^ (row / 2 % 4)) * 16);
}

template <class T> SIMT_FN uint32_t product_lane_b()
{
    const product_place<T> here = product_here<T>();
    return T::a_bytes + here.col / 16 * 1024 + here.lane * 16;
}

template <class T>
SIMT_FN void product_read(uint32_t (&fa)[T::mi][4], product_quad (&fb)[T::panels],
                          const uint8_t *stage, uint32_t lane_a, uint32_t lane_b, uint32_t half)
{
    PRODUCT_UNROLL
    for (uint32_t p = 0; p < T::panels; p++)
        fb[p] = *reinterpret_cast<const product_quad *>(stage + lane_b + p * 1024 + half * 512);
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < T::mi; i++)
        simt::ldmatrix4(fa[i], stage + (lane_a ^ half * 32) + i * 16 * PRODUCT_STEP);
}

/* Adds up what the blocks of a tile found. True in the one that has the result. */
template <class T>
SIMT_FN bool product_join(const nnrt_cuda_product_args &a, product_sums<T> &acc, uint32_t tile)
{
    constexpr uint32_t quads = T::mi * T::nj;
    const uint32_t splits = simt::grid_y(), split = simt::block_y();
    product_quad *const all = reinterpret_cast<product_quad *>(a.partial) +
                              (size_t)tile * splits * quads * T::threads + simt::thread();
    product_quad *const mine = all + (size_t)split * quads * T::threads;
    PRODUCT_UNROLL
    for (uint32_t q = 0; q < quads; q++) {
        const int32_t(&v)[4] = acc.v[q / T::nj][q % T::nj];
        mine[q * T::threads] = {
            {{(uint32_t)v[0], (uint32_t)v[1]}, {(uint32_t)v[2], (uint32_t)v[3]}}};
    }
    simt::fence();
    simt::sync();
    uint32_t *const ticket = reinterpret_cast<uint32_t *>(simt::shared());
    if (simt::thread() == 0)
        *ticket = simt::atomic_add(a.counters + tile, 1);
    simt::sync();
    const bool last = *ticket == splits - 1;
    simt::sync();
    if (!last)
        return false;
    simt::fence();
    for (uint32_t s = 0; s < splits; s++) {
        if (s == split)
            continue;
        PRODUCT_UNROLL
        for (uint32_t q = 0; q < quads; q++) {
            const product_quad other = all[((size_t)s * quads + q) * T::threads];
            PRODUCT_UNROLL
            for (uint32_t e = 0; e < 4; e++) {
                int32_t &sum = acc.v[q / T::nj][q % T::nj][e];
                sum = product_sum(sum, (int32_t)other.v[e / 2][e % 2]);
            }
        }
    }
    if (simt::thread() == 0)
        a.counters[tile] = 0;
    return true;
}

/* All steps of the block; `residual` and `lines` for what the last copies bring along. */
template <class T, bool FINE>
SIMT_FN void product_run(const nnrt_cuda_product_args &a, product_sums<T> &acc,
                         const product_lines &lines, uint32_t group, uint32_t n0)
{
    uint8_t *const shared = simt::shared();
    product_source<T> source;
    product_find_rows<T>(source, a, lines.first, group);
    product_find_weights<T>(source, a, n0, group);
    uint32_t step = simt::block_y() * a.split_steps, next = step;
    const uint32_t end = step + a.split_steps < a.steps ? step + a.split_steps : a.steps;
    PRODUCT_UNROLL
    for (uint32_t s = 0; s + 1 < T::stages; s++, next++) {
        if (next < end)
            product_fetch<T, FINE>(source, a, shared + s * T::stage_bytes, next);
        simt::copy_commit();
    }
    /* Travels with the next stage. Blocks that only leave partial sums do not know yet that they do not need it. */
    product_fetch_residual<T>(a.out, shared + T::stages * T::stage_bytes, lines, group, n0);
    const uint32_t lane_a = product_lane_a<T>(), lane_b = product_lane_b<T>();
    uint32_t from = 0, to = (T::stages - 1) * T::stage_bytes;
    for (; step < end; step++, next++) {
        uint32_t fa[2][T::mi][4];
        product_quad fb[2][T::panels];
        simt::copy_wait<T::stages - 2>();
        simt::sync();
        product_read<T>(fa[0], fb[0], shared + from, lane_a, lane_b, 0);
        if (next < end)
            product_fetch<T, FINE>(source, a, shared + to, next);
        simt::copy_commit();
        product_read<T>(fa[1], fb[1], shared + from, lane_a, lane_b, 1);
        PRODUCT_UNROLL
        for (uint32_t half = 0; half < 2; half++) {
            PRODUCT_UNROLL
            for (uint32_t i = 0; i < T::mi; i++)
                product_mma<T>(acc.v[i], fa[half][i], fb[half]);
        }
        to = from;
        from = from + T::stage_bytes < T::stages * T::stage_bytes ? from + T::stage_bytes : 0;
    }
    simt::copy_wait<0>();
    simt::sync();
}

template <class T, bool FINE> SIMT_FN void product_block(const nnrt_cuda_product_args &a)
{
    const uint32_t tile = simt::block_x(), m_tile = tile / a.col_tiles;
    const uint32_t n0 = tile % a.col_tiles * T::cols, group = m_tile / a.row_tiles;
    const product_lines lines = {m_tile % a.row_tiles * T::rows, a.rows};
    product_sums<T> acc;
    product_clear<T>(acc);
    product_run<T, FINE>(a, acc, lines, group, n0);
    if (simt::grid_y() > 1 && !product_join<T>(a, acc, tile))
        return;
    /* The residual has a place of its own; without one the stages are free. */
    const bool residual = a.out.epilogue.residual != NNRT_Q8_RES_NONE;
    product_store<T>(a.out, acc, simt::shared() + (residual ? T::stages * T::stage_bytes : 0),
                     lines, group, n0);
}

#define NNRT_CUDA_PRODUCT(name, rows, cols, warps_m, warps_n, stages, blocks, fine)                \
    SIMT_FN void name##_block(const nnrt_cuda_product_args &a)                                     \
    {                                                                                              \
        product_block<product_tile<rows, cols, warps_m, warps_n, stages>, fine>(a);                \
    }
#include "runtime_int8/cuda/product_tiles.def"
#undef NNRT_CUDA_PRODUCT

#endif
