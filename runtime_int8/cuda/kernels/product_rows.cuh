/* Convolution of few channels: a kernel row of neighbouring pixels is one run of K.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Weights stay in shared memory while a block goes from tile to tile. Of each tile's input it makes
 * a patch, padded with zx, and every lane takes its fragments of the rows straight from there: four
 * bytes at any address are two words and a permutation, whose selector depends on the pixel alone
 * because all else is a multiple of four. */
#ifndef NNRT_CUDA_KERNELS_PRODUCT_ROWS_CUH
#define NNRT_CUDA_KERNELS_PRODUCT_ROWS_CUH

#include "runtime_int8/cuda/kernels/product_tile.cuh"

/* The tile's output pixels. */
struct product_patch {
    uint32_t image, y, x; /* of the first */
    uint32_t pixels_y, pixels_x, tile_x;
};

SIMT_FN bool product_find(size_t &m, const product_patch &p, uint32_t row)
{
    const uint32_t y = p.y + (row >> p.tile_x), x = p.x + (row & ((1u << p.tile_x) - 1));
    m = ((size_t)p.image * p.pixels_y + y) * p.pixels_x + x;
    return y < p.pixels_y && x < p.pixels_x;
}

/* Behind the weights and the table of quads. */
template <class T> SIMT_FN uint32_t rows_mults_at(const nnrt_cuda_rows_args &a)
{
    return (T::cols + 1) * a.steps * PRODUCT_STEP;
}

template <class T> SIMT_FN void rows_fetch_weights(const nnrt_cuda_rows_args &a, uint32_t n0)
{
    uint8_t *const shared = simt::shared();
    const uint32_t panel = a.steps * 64, bytes = T::cols * a.steps * PRODUCT_STEP;
    for (uint32_t i = simt::thread(); i < bytes / 16; i += T::threads) {
        /* Columns that do not exist are computed from others and not stored. */
        uint32_t p = n0 / 16 + i / panel;
        p = p < a.panels ? p : a.panels - 1;
        simt::copy16(shared + (size_t)i * 16, a.w + ((size_t)p * panel + i % panel) * 16);
    }
    for (uint32_t i = simt::thread(); i < a.steps * 4; i += T::threads)
        simt::copy16(shared + bytes + i * 16, a.quads + i * 4);
    product_fetch_mults<T>(a.out, shared + rows_mults_at<T>(a), 0, n0);
}

/* A warp takes a line of the patch. */
template <class T>
SIMT_FN void rows_load_patch(const nnrt_cuda_rows_args &a, const product_patch &p)
{
    const uint8_t *const x = a.x + (size_t)p.image * a.x_image;
    const int32_t y0 = (int32_t)p.y * a.step_y - a.top, x0 = (int32_t)p.x * a.step_x - a.left;
    for (uint32_t row = simt::thread() / 32; row < a.patch_rows; row += T::threads / 32) {
        uint32_t *const to =
            reinterpret_cast<uint32_t *>(simt::shared() + a.patch_at + row * a.patch_pitch);
        const uint32_t y = (uint32_t)(y0 + (int32_t)row);
        for (uint32_t i = simt::thread() % 32; i < a.patch_pitch / 4; i += 32)
            to[i] = y < a.height ? product_word(x + (size_t)y * a.row_bytes, x0 + 4 * (int32_t)i,
                                                a.row_bytes, a.zx)
                                 : a.zx;
    }
}

SIMT_FN uint32_t rows_word(const uint8_t *at, uint32_t selector)
{
    const uint32_t *const words = reinterpret_cast<const uint32_t *>(at);
    return simt::perm(words[0], words[1], selector);
}

template <class T> SIMT_FN void rows_run(const nnrt_cuda_rows_args &a, product_sums<T> &acc)
{
    const uint8_t *const shared = simt::shared(), *const patch = shared + a.patch_at;
    const product_place<T> here = product_here<T>();
    const uint32_t *const quads =
        reinterpret_cast<const uint32_t *>(shared + T::cols * a.steps * PRODUCT_STEP) +
        here.lane % 4;
    const uint8_t *const w = shared + here.col / 16 * a.steps * 1024 + here.lane * 16;
    uint32_t base[2 * T::mi], selector[2 * T::mi];
    PRODUCT_UNROLL
    for (uint32_t r = 0; r < 2 * T::mi; r++) {
        const uint32_t row = here.row + 8 * r + here.lane / 4;
        const uint32_t at = (row >> a.tile_x) * (uint32_t)a.step_y * a.patch_pitch +
                            (row & ((1u << a.tile_x) - 1)) * (uint32_t)a.step_x;
        base[r] = at / 4 * 4;
        selector[r] = 0x3210 + 0x1111 * (at % 4);
    }
    for (uint32_t k = 0; k < 2 * a.steps; k++) {
        const uint8_t *const lo = patch + quads[8 * k], *const hi = patch + quads[8 * k + 4];
        product_quad fb[T::panels];
        PRODUCT_UNROLL
        for (uint32_t p = 0; p < T::panels; p++)
            fb[p] = *reinterpret_cast<const product_quad *>(w + p * a.steps * 1024 + k * 512);
        PRODUCT_UNROLL
        for (uint32_t i = 0; i < T::mi; i++) {
            const uint32_t fa[4] = {rows_word(lo + base[2 * i], selector[2 * i]),
                                    rows_word(lo + base[2 * i + 1], selector[2 * i + 1]),
                                    rows_word(hi + base[2 * i], selector[2 * i]),
                                    rows_word(hi + base[2 * i + 1], selector[2 * i + 1])};
            product_mma<T>(acc.v[i], fa, fb);
        }
    }
}

template <class T> SIMT_FN void rows_block(const nnrt_cuda_rows_args &a)
{
    const uint32_t n0 = simt::block_y() * T::cols;
    uint8_t *const stage = simt::shared() + a.stage_at;
    rows_fetch_weights<T>(a, n0);
    for (uint32_t tile = simt::block_x(); tile < a.tiles; tile += simt::grid_x()) {
        const uint32_t line = tile / a.tiles_x;
        const product_patch patch = {line / a.tiles_y,
                                     line % a.tiles_y * (T::rows >> a.tile_x),
                                     tile % a.tiles_x << a.tile_x,
                                     a.pixels_y,
                                     a.pixels_x,
                                     a.tile_x};
        product_fetch_residual<T>(a.out, stage, patch, 0, n0);
        simt::copy_commit();
        rows_load_patch<T>(a, patch);
        simt::copy_wait<0>();
        simt::sync();
        product_sums<T> acc;
        product_begin<T>(acc, a.out, 0, n0, false);
        rows_run<T>(a, acc);
        product_store<T>(a.out, acc, stage, simt::shared() + rows_mults_at<T>(a), patch, 0, n0);
        /* The next tile writes where slower threads may still read. */
        simt::sync();
    }
}

SIMT_FN void rows_128x64_block(const nnrt_cuda_rows_args &a)
{
    rows_block<product_tile<128, 64, 4, 1, 1>>(a);
}

SIMT_FN void rows_128x32_block(const nnrt_cuda_rows_args &a)
{
    rows_block<product_tile<128, 32, 4, 1, 1>>(a);
}

#endif
