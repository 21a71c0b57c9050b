/* What the product kernels share: tiles in registers and their way out. SPDX-License-Identifier:
 * Apache-2.0
 *
 * A block makes a tile of sums; its warps own rectangles of it, in the accumulator fragments of
 * simt::mma. Weights lie in fragment order (lower_product.h): the 16 bytes of a lane are its part
 * of 16 columns and 32 bytes of K. */
#ifndef NNRT_CUDA_KERNELS_PRODUCT_TILE_CUH
#define NNRT_CUDA_KERNELS_PRODUCT_TILE_CUH

#include "runtime_int8/cuda/args_product.h"
#include "runtime_int8/cuda/kernels/requant.cuh"
#include "runtime_int8/cuda/simt.cuh"

#ifdef __CUDACC__
#define PRODUCT_UNROLL _Pragma("unroll")
#else
#define PRODUCT_UNROLL
#endif

#define PRODUCT_STEP 64u /* bytes of K that a stage holds of every row and column */

struct alignas(16) product_quad {
    uint32_t v[2][2];
};
template <class T> struct alignas(8) product_pair {
    T v[2];
};
/* What moves P bytes at once. */
template <uint32_t P> struct product_piece;
template <> struct product_piece<16> {
    typedef product_quad type;
};
template <> struct product_piece<8> {
    typedef product_pair<uint32_t> type;
};
template <> struct product_piece<4> {
    typedef uint32_t type;
};
template <> struct product_piece<1> {
    typedef uint8_t type;
};

template <uint32_t BM, uint32_t BN, uint32_t WARPS_M, uint32_t WARPS_N, uint32_t STAGES>
struct product_tile {
    static constexpr uint32_t rows = BM, cols = BN, stages = STAGES;
    static constexpr uint32_t warps_n = WARPS_N, threads = 32 * WARPS_M * WARPS_N;
    static constexpr uint32_t warp_rows = BM / WARPS_M, warp_cols = BN / WARPS_N;
    static constexpr uint32_t mi = warp_rows / 16, nj = warp_cols / 8, panels = warp_cols / 16;
    static constexpr uint32_t a_bytes = BM * PRODUCT_STEP, b_bytes = BN * PRODUCT_STEP;
    static constexpr uint32_t stage_bytes = a_bytes + b_bytes;
    static constexpr uint32_t pitch =
        BN + 16; /* of the output tile in shared memory: no bank is hit twice */
    static constexpr uint32_t out_bytes = BM * pitch;
};

/* Sums of a warp: [i][j] is rows 16 i .., columns 8 j ... */
template <class T> struct product_sums {
    int32_t v[T::mi][T::nj][4];
};

/* Where a warp's rectangle starts in the tile, and the lane's element in a fragment. */
template <class T> struct product_place {
    uint32_t row, col, lane;
};

template <class T> SIMT_FN product_place<T> product_here()
{
    const uint32_t warp = simt::thread() / 32;
    return {warp / T::warps_n * T::warp_rows, warp % T::warps_n * T::warp_cols,
            simt::thread() % 32};
}

/* One 16-row fragment against the weights of all the warp's columns. */
template <class T>
SIMT_FN void product_mma(int32_t (&acc)[T::nj][4], const uint32_t (&a)[4],
                         const product_quad (&b)[T::panels])
{
    PRODUCT_UNROLL
    for (uint32_t p = 0; p < T::panels; p++) {
        simt::mma(acc[2 * p], a, b[p].v[0]);
        simt::mma(acc[2 * p + 1], a, b[p].v[1]);
    }
}

/* n / d for n below 2^31. */
SIMT_FN uint32_t product_divide(uint32_t n, const nnrt_cuda_divisor &d)
{
    return d.multiplier ? (uint32_t)((uint64_t)n * d.multiplier >> 32) >> d.shift : n;
}

/* Bytes x .. x + 3 of a line of `width` bytes, at any address; zx (four times) where it ends. */
SIMT_FN uint32_t product_word(const uint8_t *line, int32_t x, uint32_t width, uint32_t zx)
{
    const uint8_t *const from = line + x;
    if (x >= 0 && (uint32_t)x + 3 < width) {
        const uint32_t phase = (uint32_t)((uintptr_t)from % 4);
        const uint32_t *const words = reinterpret_cast<const uint32_t *>(from - phase);
        return simt::perm(simt::load(words), simt::load(words + 1), 0x3210 + 0x1111 * phase);
    }
    uint32_t v = 0;
    for (int32_t b = 0; b < 4; b++)
        v |= ((uint32_t)(x + b) < width ? simt::load(from + b) : zx & 255) << 8 * b;
    return v;
}

/* Rows of the tile that are neighbouring output pixels. */
struct product_lines {
    uint32_t first, end;
};

/* The output pixel of a row of the tile; false when there is none. */
SIMT_FN bool product_find(size_t &m, const product_lines &lines, uint32_t row)
{
    m = (size_t)lines.first + row;
    return m < lines.end;
}

/* One of the warp's columns of the lane: columns are 8 j and the next. */
template <class T> SIMT_FN uint32_t product_column(uint32_t n0, uint32_t j)
{
    const product_place<T> here = product_here<T>();
    return n0 + here.col + 8 * j + 2 * (here.lane % 4);
}

/* Of two neighbouring columns of [groups][channels]; 0 where there are none. */
template <class V>
SIMT_FN product_pair<V> product_channels(const nnrt_cuda_product_out &o, const V *from,
                                         uint32_t group, uint32_t n)
{
    if (n >= o.channels)
        return {{0, 0}};
    return *reinterpret_cast<const product_pair<V> *>(from + (size_t)group * o.channels + n);
}

/* Sums begin at acc0, those of all but one split of K at 0. */
template <class T>
SIMT_FN void product_begin(product_sums<T> &acc, const nnrt_cuda_product_out &o, uint32_t group,
                           uint32_t n0, bool zero)
{
    PRODUCT_UNROLL
    for (uint32_t j = 0; j < T::nj; j++) {
        product_pair<int32_t> c = {{0, 0}};
        if (!zero)
            c = product_channels(o, o.acc0, group, product_column<T>(n0, j));
        PRODUCT_UNROLL
        for (uint32_t i = 0; i < T::mi; i++) {
            PRODUCT_UNROLL
            for (uint32_t e = 0; e < 4; e++)
                acc.v[i][j][e] = c.v[e % 2];
        }
    }
}

/* Starts copying the multipliers of the tile's columns to shared memory; those of columns that do
 * not exist stay undefined. */
template <class T>
SIMT_FN void product_fetch_mults(const nnrt_cuda_product_out &o, uint8_t *to, uint32_t group,
                                 uint32_t n0)
{
    const uint32_t n = 4 * simt::thread();
    if (n < T::cols && n0 + n < o.channels)
        simt::copy16(to + 4 * n, o.mult + (size_t)group * o.channels + n0 + n);
}

/* Of the lane's columns. */
template <class T> struct product_mults {
    product_pair<float> v[T::nj];
};

template <class T> SIMT_FN void product_load_mults(product_mults<T> &mult, const uint8_t *from)
{
    PRODUCT_UNROLL
    for (uint32_t j = 0; j < T::nj; j++)
        mult.v[j] =
            *reinterpret_cast<const product_pair<float> *>(from + 4 * product_column<T>(0, j));
}

template <class T, class LINES>
SIMT_FN void product_store_f32(const nnrt_cuda_product_out &o, const product_sums<T> &acc,
                               const uint8_t *mults, const LINES &lines, uint32_t group,
                               uint32_t n0)
{
    const product_place<T> here = product_here<T>();
    product_mults<T> mult;
    product_load_mults<T>(mult, mults);
    PRODUCT_UNROLL
    for (uint32_t r = 0; r < 2 * T::mi; r++) {
        size_t m;
        if (!product_find(m, lines, here.row + 8 * r + here.lane / 4))
            continue;
        float *const y = static_cast<float *>(o.y) + m * o.ldy + (size_t)group * o.cols;
        PRODUCT_UNROLL
        for (uint32_t j = 0; j < T::nj; j++) {
            const uint32_t n = product_column<T>(n0, j);
            const int32_t *const sums = &acc.v[r / 2][j][2 * (r % 2)];
            const product_pair<float> t = {{epilogue_f32(o.epilogue, sums[0], mult.v[j].v[0]),
                                            epilogue_f32(o.epilogue, sums[1], mult.v[j].v[1])}};
            if (o.piece == 2 && n < o.cols)
                *reinterpret_cast<product_pair<float> *>(y + n) = t;
            if (o.piece == 1 && n < o.cols)
                y[n] = t.v[0];
            if (o.piece == 1 && n + 1 < o.cols)
                y[n + 1] = t.v[1];
        }
    }
}

/* Requantizes into the tile of bytes at `stage`, which holds the residual before when there is one.
 */
template <class T, uint32_t RESIDUAL>
SIMT_FN void product_requant(const nnrt_cuda_product_out &o, const product_sums<T> &acc,
                             uint8_t *stage, const uint8_t *mults)
{
    const product_place<T> here = product_here<T>();
    uint8_t *const mine =
        stage + (here.row + here.lane / 4) * T::pitch + here.col + 2 * (here.lane % 4);
    product_mults<T> mult;
    product_load_mults<T>(mult, mults);
    PRODUCT_UNROLL
    for (uint32_t r = 0; r < 2 * T::mi; r++) {
        PRODUCT_UNROLL
        for (uint32_t j = 0; j < T::nj; j++) {
            uint16_t *const to = reinterpret_cast<uint16_t *>(mine + 8 * r * T::pitch + 8 * j);
            const uint32_t residual = RESIDUAL ? *to : 0;
            const int32_t *const sums = &acc.v[r / 2][j][2 * (r % 2)];
            const int32_t lo = epilogue_u8_of<RESIDUAL>(o.epilogue, sums[0], mult.v[j].v[0],
                                                        (int32_t)(residual & 255));
            const int32_t hi = epilogue_u8_of<RESIDUAL>(o.epilogue, sums[1], mult.v[j].v[1],
                                                        (int32_t)(residual >> 8));
            *to = (uint16_t)simt::perm((uint32_t)lo, (uint32_t)hi, 0x5540);
        }
    }
}

/* The tile of bytes, `P` at a time, between shared memory and y (or the residual). */
template <class T, uint32_t P, bool OUT, class LINES>
SIMT_FN void product_move(const nnrt_cuda_product_out &o, uint8_t *stage, const LINES &lines,
                          uint32_t group, uint32_t n0)
{
    for (uint32_t i = simt::thread(); i < T::rows * (T::cols / P); i += T::threads) {
        const uint32_t row = i / (T::cols / P), col = i % (T::cols / P) * P;
        size_t m;
        if (!product_find(m, lines, row) || n0 + col >= o.cols)
            continue;
        uint8_t *const near = stage + row * T::pitch + col;
        const size_t at = m * o.ldy + (size_t)group * o.cols + n0 + col;
        if (OUT) {
            typedef typename product_piece<P>::type piece;
            *reinterpret_cast<piece *>(static_cast<uint8_t *>(o.y) + at) =
                *reinterpret_cast<const piece *>(near);
        } else if (P == 16) {
            simt::copy16(near, o.residual + at);
        } else if (P == 8) {
            simt::copy8(near, o.residual + at);
        } else if (P == 4) {
            simt::copy4(near, o.residual + at);
        } else {
            *near = simt::load(o.residual + at);
        }
    }
}

template <class T, bool OUT, class LINES>
SIMT_FN void product_move_tile(const nnrt_cuda_product_out &o, uint8_t *stage, const LINES &lines,
                               uint32_t group, uint32_t n0)
{
    if (o.piece == 16)
        product_move<T, 16, OUT>(o, stage, lines, group, n0);
    else if (o.piece == 8)
        product_move<T, 8, OUT>(o, stage, lines, group, n0);
    else if (o.piece == 4)
        product_move<T, 4, OUT>(o, stage, lines, group, n0);
    else
        product_move<T, 1, OUT>(o, stage, lines, group, n0);
}

/* Starts reading the residual's tile; it is there after the next wait for all copies and a barrier.
 */
template <class T, class LINES>
SIMT_FN void product_fetch_residual(const nnrt_cuda_product_out &o, uint8_t *stage,
                                    const LINES &lines, uint32_t group, uint32_t n0)
{
    if (o.epilogue.residual != NNRT_Q8_RES_NONE)
        product_move_tile<T, false>(o, stage, lines, group, n0);
}

/* From sums to y. All threads; `stage` is free, or holds the fetched residual, since a barrier, and
 * `mults` the multipliers. */
template <class T, class LINES>
SIMT_FN void product_store(const nnrt_cuda_product_out &o, const product_sums<T> &acc,
                           uint8_t *stage, const uint8_t *mults, const LINES &lines, uint32_t group,
                           uint32_t n0)
{
    if (o.epilogue.out == NNRT_Q8_OUT_F32) {
        product_store_f32<T>(o, acc, mults, lines, group, n0);
        return;
    }
    if (o.epilogue.residual == NNRT_Q8_RES_NONE)
        product_requant<T, NNRT_Q8_RES_NONE>(o, acc, stage, mults);
    else if (o.epilogue.residual == NNRT_Q8_RES_DIRECT)
        product_requant<T, NNRT_Q8_RES_DIRECT>(o, acc, stage, mults);
    else
        product_requant<T, NNRT_Q8_RES_TWICE>(o, acc, stage, mults);
    simt::sync();
    product_move_tile<T, true>(o, stage, lines, group, n0);
}

#endif
