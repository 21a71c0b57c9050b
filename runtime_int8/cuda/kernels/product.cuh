/* Implicit products: NHWC convolution and GEMM, u8 x s8. SPDX-License-Identifier: Apache-2.0
 *
 * A block passes K in steps of 64 bytes through a ring of stages in shared memory, filled by
 * asynchronous copies. A row of a stage is four chunks of 16 bytes, chunk c at place c ^ (row / 2)
 * % 4, so that the eight rows that ldmatrix reads at once lie in different banks. Host-made taps
 * say where K comes from: the device divides only to find its rows. */
#ifndef NNRT_CUDA_KERNELS_PRODUCT_CUH
#define NNRT_CUDA_KERNELS_PRODUCT_CUH

#include "runtime_int8/cuda/kernels/product_tile.cuh"

/* What a thread copies: chunk thread % 4 of every row_step-th row, and chunks of the weights. */
template <class T, bool FINE> struct product_source {
    static constexpr uint32_t row_step = T::threads / 4;
    static constexpr uint32_t rows = (T::rows + row_step - 1) / row_step;
    static constexpr uint32_t chunks = T::b_bytes / 16 / T::threads;
    int32_t at[rows];         /* grains from x to the first byte of the row's window */
    int32_t y[rows], x[rows]; /* its place in the input */
    uint32_t w[chunks];       /* 16 bytes each, from the weights */
    uint32_t to_a, to_b;      /* in a stage */
};

#define PRODUCT_NOWHERE (-(1 << 30)) /* no tap is so long that it reaches the input from there */

template <class T, bool FINE>
SIMT_FN void product_find_rows(product_source<T, FINE> &s, const nnrt_cuda_product_args &a,
                               uint32_t m0, uint32_t group)
{
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.rows; i++) {
        const uint32_t m = m0 + simt::thread() / 4 + i * s.row_step;
        s.at[i] = 0;
        s.y[i] = s.x[i] = PRODUCT_NOWHERE;
        if (m < a.rows) {
            const uint32_t image = product_divide(m, a.pixels), pixel = m - image * a.pixels.by;
            const uint32_t oy = product_divide(pixel, a.pixels_x), ox = pixel - oy * a.pixels_x.by;
            s.y[i] = (int32_t)oy * a.step_y - a.top;
            s.x[i] = (int32_t)ox * a.step_x - a.left;
            s.at[i] = (int32_t)(image * a.image + group * a.group + (uint32_t)s.y[i] * a.line +
                                (uint32_t)s.x[i] * a.column);
        }
    }
    /* row_step is a multiple of 8: all rows of a thread have the same swizzle. */
    const uint32_t row = simt::thread() / 4, chunk = simt::thread() % 4;
    s.to_a = row * PRODUCT_STEP + ((chunk ^ (row / 2 % 4)) * 16);
}

template <class T, bool FINE>
SIMT_FN void product_find_weights(product_source<T, FINE> &s, const nnrt_cuda_product_args &a,
                                  uint32_t n0, uint32_t group)
{
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.chunks; i++) {
        const uint32_t chunk = simt::thread() + i * T::threads;
        uint32_t panel = n0 / 16 + chunk / 64;
        /* Columns that do not exist are computed from others and not stored. */
        panel = panel < a.panels ? panel : a.panels - 1;
        s.w[i] = (group * a.panels + panel) * a.steps * 64 + chunk % 64;
    }
    s.to_b = T::a_bytes + simt::thread() * 16;
}

/* The bytes of a tap of row i, or of the padding. */
template <class T, bool FINE>
SIMT_FN const uint8_t *product_address(const product_source<T, FINE> &s,
                                       const nnrt_cuda_product_args &a, uint32_t i,
                                       const nnrt_cuda_tap &tap)
{
    constexpr int32_t grain = FINE ? 4 : 16;
    const bool inside =
        (uint32_t)(s.y[i] + tap.dy) < a.height && (uint32_t)(s.x[i] + tap.dx) < a.width;
    return inside ? a.x + (int64_t)(s.at[i] + tap.offset) * grain : a.pad;
}

SIMT_FN nnrt_cuda_tap product_tap(const nnrt_cuda_product_args &a, uint32_t i)
{
    const product_pair<uint64_t> *const from =
        reinterpret_cast<const product_pair<uint64_t> *>(a.taps + i);
    const uint64_t lo = simt::load(&from->v[0]), hi = simt::load(&from->v[1]);
    return {(int32_t)(uint32_t)lo, (int32_t)(uint32_t)(lo >> 32), (int32_t)(uint32_t)hi, 0};
}

/* Four bytes at any address. */
template <class T, bool FINE>
SIMT_FN uint32_t product_gather(const product_source<T, FINE> &s, const nnrt_cuda_product_args &a,
                                uint32_t i, const nnrt_cuda_tap &tap)
{
    const uint32_t zx = *reinterpret_cast<const uint32_t *>(a.pad);
    if ((uint32_t)(s.y[i] + tap.dy) >= a.height)
        return zx;
    const int32_t x = s.x[i] + tap.dx;
    return product_word(a.x + (s.at[i] + tap.offset - x), x, a.width, zx);
}

/* A chunk in pieces. */
template <class T, bool FINE>
SIMT_FN void product_copy_fine(const product_source<T, FINE> &s, const nnrt_cuda_product_args &a,
                               uint8_t *to, uint32_t i, uint32_t chunk)
{
    if (a.piece == 8) {
        for (uint32_t p = 0; p < 2; p++)
            simt::copy8(to + 8 * p,
                        product_address<T, FINE>(s, a, i, product_tap(a, chunk * 2 + p)));
        return;
    }
    for (uint32_t p = 0; p < 4; p++) {
        const nnrt_cuda_tap tap = product_tap(a, chunk * 4 + p);
        if (a.gather)
            *reinterpret_cast<uint32_t *>(to + 4 * p) = product_gather<T, FINE>(s, a, i, tap);
        else
            simt::copy4(to + 4 * p, product_address<T, FINE>(s, a, i, tap));
    }
}

/* Starts the copies of a step; `tap` is that of the thread's chunk, unused by fine kernels. */
template <class T, bool FINE>
SIMT_FN void product_fetch(const product_source<T, FINE> &s, const nnrt_cuda_product_args &a,
                           uint8_t *stage, uint32_t step, const nnrt_cuda_tap &tap)
{
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.rows; i++) {
        uint8_t *const to = stage + s.to_a + i * s.row_step * PRODUCT_STEP;
        if (s.rows * s.row_step != T::rows && simt::thread() / 4 + i * s.row_step >= T::rows)
            continue;
        if (FINE)
            product_copy_fine<T, FINE>(s, a, to, i, step * 4 + simt::thread() % 4);
        else
            simt::copy16(to, product_address<T, FINE>(s, a, i, tap));
    }
    PRODUCT_UNROLL
    for (uint32_t i = 0; i < s.chunks; i++)
        simt::copy16(stage + s.to_b + i * T::threads * 16,
                     a.w + (uint64_t)(s.w[i] + step * 64) * 16);
}

/* Of the thread's chunk in a step. */
template <bool FINE>
SIMT_FN nnrt_cuda_tap product_step_tap(const nnrt_cuda_product_args &a, uint32_t step, uint32_t end)
{
    if (FINE || step >= end)
        return nnrt_cuda_tap();
    return product_tap(a, step * 4 + simt::thread() % 4);
}

/* The lane's addresses in a stage, for the first 32 bytes of K; the others are at ^ 32 (rows) and +
 * 512 (weights). */
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
                sum = (int32_t)((uint32_t)sum + other.v[e / 2][e % 2]);
            }
        }
    }
    if (simt::thread() == 0)
        a.counters[tile] = 0;
    return true;
}

/* The output tile in shared memory: behind the stages where it begins with the residual, else in
 * their place. */
template <class T> SIMT_FN uint32_t product_out_at(const nnrt_cuda_product_args &a)
{
    static_assert(T::out_bytes <= T::stages * T::stage_bytes, "fits in place of the stages");
    return a.out.epilogue.residual != NNRT_Q8_RES_NONE ? T::stages * T::stage_bytes : 0;
}

template <class T> SIMT_FN uint32_t product_mults_at(const nnrt_cuda_product_args &a)
{
    return T::stages * T::stage_bytes + (product_out_at<T>(a) ? T::out_bytes : 0);
}

/* All steps of the block; `lines` for the residual, which the copies bring along. */
template <class T, bool FINE>
SIMT_FN void product_run(const nnrt_cuda_product_args &a, product_sums<T> &acc,
                         const product_lines &lines, uint32_t group, uint32_t n0)
{
    uint8_t *const shared = simt::shared();
    product_source<T, FINE> source;
    product_find_rows<T>(source, a, lines.first, group);
    product_find_weights<T>(source, a, n0, group);
    uint32_t step = simt::block_y() * a.split_steps, next = step;
    const uint32_t end = step + a.split_steps < a.steps ? step + a.split_steps : a.steps;
    PRODUCT_UNROLL
    for (uint32_t s = 0; s + 1 < T::stages; s++, next++) {
        if (next < end)
            product_fetch<T, FINE>(source, a, shared + s * T::stage_bytes, next,
                                   product_step_tap<FINE>(a, next, end));
        simt::copy_commit();
    }
    /* Travels with the next stage. Blocks that only leave partial sums do not know yet that they do
     * not need it. */
    product_fetch_residual<T>(a.out, shared + product_out_at<T>(a), lines, group, n0);
    product_fetch_mults<T>(a.out, shared + product_mults_at<T>(a), group, n0);
    product_begin<T>(acc, a.out, group, n0, simt::block_y() != 0);
    const uint32_t lane_a = product_lane_a<T>(), lane_b = product_lane_b<T>();
    uint32_t from = 0, to = (T::stages - 1) * T::stage_bytes;
    nnrt_cuda_tap tap = product_step_tap<FINE>(a, next, end);
    for (; step < end; step++, next++) {
        uint32_t fa[2][T::mi][4];
        product_quad fb[2][T::panels];
        simt::copy_wait<T::stages - 2>();
        simt::sync();
        product_read<T>(fa[0], fb[0], shared + from, lane_a, lane_b, 0);
        if (next < end)
            product_fetch<T, FINE>(source, a, shared + to, next, tap);
        simt::copy_commit();
        tap = product_step_tap<FINE>(a, next + 1, end);
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
    const uint32_t tile = simt::block_x(), m_tile = product_divide(tile, a.col_tiles);
    const uint32_t group = product_divide(m_tile, a.row_tiles);
    const uint32_t n0 = (tile - m_tile * a.col_tiles.by) * T::cols;
    const product_lines lines = {(m_tile - group * a.row_tiles.by) * T::rows, a.rows};
    product_sums<T> acc;
    product_run<T, FINE>(a, acc, lines, group, n0);
    if (simt::grid_y() > 1 && !product_join<T>(a, acc, tile))
        return;
    uint8_t *const shared = simt::shared();
    product_store<T>(a.out, acc, shared + product_out_at<T>(a), shared + product_mults_at<T>(a),
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
