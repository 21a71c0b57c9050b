/* FP32 products: every output one ascending fmaf chain, so the bits are the CPU's. SPDX-License-Identifier: Apache-2.0
 * For the float rest of integer models and for float models; a tile of 64 x 64 in shared memory, 4 x 4 outputs a thread. */
#ifndef NNRT_CUDA_KERNELS_FLOAT_CUH
#define NNRT_CUDA_KERNELS_FLOAT_CUH

#include <math.h>

#include "runtime_int8/cuda/args_float.h"
#include "runtime_int8/cuda/kernels/memory.cuh"
#include "runtime_int8/cuda/simt.cuh"

#define FLOAT_TILE 64u
#define FLOAT_STEP 16u  /* k of one pass through shared memory, and rows between those that a thread loads */
#define FLOAT_PITCH 65u /* odd: neighbouring k of one row lie in different banks */
#define FLOAT_EACH 4u

/* NaN passes, as in contracts_f32.h. */
SIMT_FN float float_clamp(float v, float lo, float hi)
{
    v = lo > v ? lo : v;
    return hi < v ? hi : v;
}

/* The first tap of an output position, and its image's first pixel. */
struct float_place {
    int32_t y, x;
    size_t image;
    bool valid;
};

SIMT_FN float_place float_place_of(const nnrt_cuda_float_window &w, uint32_t row, uint32_t rows)
{
    const uint32_t line = divide(row, w.ow), image = divide(line, w.oh);
    float_place p;
    p.x = (int32_t)(row - line * w.ow.d) * w.sw - w.left;
    p.y = (int32_t)(line - image * w.oh.d) * w.sh - w.top;
    p.image = (size_t)image * (uint32_t)w.h * (uint32_t)w.w;
    p.valid = row < rows;
    return p;
}

/* Pixel that tap (r, s) reads; false in the padding. */
SIMT_FN bool float_pixel(size_t &pixel, const nnrt_cuda_float_window &w, const float_place &p, uint32_t tap)
{
    const uint32_t r = divide(tap, w.s), s = tap - r * w.s.d;
    const int32_t y = p.y + (int32_t)r * w.dh, x = p.x + (int32_t)s * w.dw;
    pixel = p.image + (size_t)y * (uint32_t)w.w + (size_t)x;
    return p.valid && y >= 0 && y < w.h && x >= 0 && x < w.w;
}

/* k columns k0 .. of the tile's rows, and of its weight columns. */
SIMT_FN void float_load(const nnrt_cuda_product_f32_args &a, float *xs, float *ws,
                        const float_place (&rows)[FLOAT_EACH], uint32_t k0, uint32_t n0, uint32_t group)
{
    const uint32_t thread = simt::thread(), k = k0 + thread % FLOAT_STEP;
    const uint32_t tap = divide(k, a.c), c = k - tap * a.c.d;
    for (uint32_t i = 0; i < FLOAT_EACH; i++) {
        size_t pixel;
        const bool inside = k < a.k && float_pixel(pixel, a.window, rows[i], tap);
        xs[thread % FLOAT_STEP * FLOAT_PITCH + thread / FLOAT_STEP + i * FLOAT_STEP] =
            inside ? simt::load(a.x + pixel * a.x_pixel + group * a.c.d + c) : 0.0f;
    }
    const uint32_t panels = (a.cols + 15) / 16;
    for (uint32_t i = 0; i < FLOAT_EACH; i++) {
        const uint32_t at = thread + 256 * i, kk = k0 + at / FLOAT_TILE, n = n0 + at % FLOAT_TILE;
        const bool inside = kk < a.k && n < 16 * panels;
        ws[at] = inside ? simt::load(a.w + (((size_t)group * panels + n / 16) * a.k + kk) * 16 + n % 16) : 0.0f;
    }
}

SIMT_FN void float_store(const nnrt_cuda_product_f32_args &a, const float (&acc)[FLOAT_EACH][FLOAT_EACH],
                         uint32_t m0, uint32_t n0, uint32_t group)
{
    for (uint32_t i = 0; i < FLOAT_EACH; i++) {
        for (uint32_t j = 0; j < FLOAT_EACH; j++) {
            const uint32_t m = m0 + i * FLOAT_STEP, n = n0 + j * FLOAT_STEP;
            if (m >= a.rows || n >= a.cols)
                continue;
            const size_t at = (size_t)m * a.y_pixel + group * a.cols + n;
            float v = acc[i][j];
            if (a.residual != nullptr)
                v = v + a.residual[at];
            a.y[at] = float_clamp(v, a.lo, a.hi);
        }
    }
}

/* Not past k: adding a product of zeros would lose the sign of a zero. */
SIMT_FN void float_step(float (&acc)[FLOAT_EACH][FLOAT_EACH], const float *xs, const float *ws, uint32_t left)
{
    const uint32_t count = left < FLOAT_STEP ? left : FLOAT_STEP;
    for (uint32_t q = 0; q < count; q++)
        for (uint32_t i = 0; i < FLOAT_EACH; i++)
            for (uint32_t j = 0; j < FLOAT_EACH; j++)
                acc[i][j] = fmaf(xs[q * FLOAT_PITCH + i * FLOAT_STEP], ws[q * FLOAT_TILE + j * FLOAT_STEP],
                                 acc[i][j]);
}

SIMT_FN void product_f32(const nnrt_cuda_product_f32_args &a)
{
    float *const xs = reinterpret_cast<float *>(simt::shared()), *const ws = xs + FLOAT_STEP * FLOAT_PITCH;
    const uint32_t thread = simt::thread(), tx = thread % FLOAT_STEP, ty = thread / FLOAT_STEP;
    const uint32_t m0 = simt::block_x() * FLOAT_TILE, n0 = simt::block_y() * FLOAT_TILE, group = simt::block_z();
    float_place rows[FLOAT_EACH];
    float acc[FLOAT_EACH][FLOAT_EACH];
    for (uint32_t i = 0; i < FLOAT_EACH; i++) {
        rows[i] = float_place_of(a.window, m0 + ty + i * FLOAT_STEP, a.rows);
        for (uint32_t j = 0; j < FLOAT_EACH; j++) {
            const uint32_t n = n0 + tx + j * FLOAT_STEP;
            acc[i][j] = a.bias != nullptr && n < a.cols ? a.bias[group * ((a.cols + 15) / 16 * 16) + n] : 0.0f;
        }
    }
    for (uint32_t k0 = 0; k0 < a.k; k0 += FLOAT_STEP) {
        float_load(a, xs, ws, rows, k0, n0, group);
        simt::sync();
        float_step(acc, xs + ty, ws + tx, a.k - k0);
        simt::sync();
    }
    float_store(a, acc, m0 + ty, n0 + tx, group);
}

SIMT_FN void matmul_load(const nnrt_cuda_matmul_f32_args &g, float *xs, float *ws, const float *a, const float *b,
                         uint32_t k0, uint32_t m0, uint32_t n0)
{
    for (uint32_t i = 0; i < FLOAT_EACH; i++) {
        /* Neighbouring threads read along the dim that is dense in memory. */
        const uint32_t at = simt::thread() + 256 * i;
        const uint32_t ak = g.a_k == 1 ? at % FLOAT_STEP : at / FLOAT_TILE;
        const uint32_t am = g.a_k == 1 ? at / FLOAT_STEP : at % FLOAT_TILE;
        const uint32_t bk = g.b_k == 1 ? at % FLOAT_STEP : at / FLOAT_TILE;
        const uint32_t bn = g.b_k == 1 ? at / FLOAT_STEP : at % FLOAT_TILE;
        xs[ak * FLOAT_PITCH + am] = k0 + ak < g.k && m0 + am < g.m
                                        ? a[(size_t)(m0 + am) * g.a_m + (size_t)(k0 + ak) * g.a_k]
                                        : 0.0f;
        ws[bk * FLOAT_TILE + bn] = k0 + bk < g.k && n0 + bn < g.n
                                       ? b[(size_t)(k0 + bk) * g.b_k + (size_t)(n0 + bn) * g.b_n]
                                       : 0.0f;
    }
}

SIMT_FN void matmul_f32(const nnrt_cuda_matmul_f32_args &g)
{
    float *const xs = reinterpret_cast<float *>(simt::shared()), *const ws = xs + FLOAT_STEP * FLOAT_PITCH;
    const uint32_t tx = simt::thread() % FLOAT_STEP, ty = simt::thread() / FLOAT_STEP;
    const uint32_t m0 = simt::block_x() * FLOAT_TILE, n0 = simt::block_y() * FLOAT_TILE, i0 = simt::block_z();
    const float *const a = g.a + (size_t)g.at[2 * i0] * g.m * g.k, *const b = g.b + (size_t)g.at[2 * i0 + 1] * g.k * g.n;
    float acc[FLOAT_EACH][FLOAT_EACH];
    for (uint32_t i = 0; i < FLOAT_EACH; i++)
        for (uint32_t j = 0; j < FLOAT_EACH; j++)
            acc[i][j] = 0.0f;
    for (uint32_t k0 = 0; k0 < g.k; k0 += FLOAT_STEP) {
        matmul_load(g, xs, ws, a, b, k0, m0, n0);
        simt::sync();
        float_step(acc, xs + ty, ws + tx, g.k - k0);
        simt::sync();
    }
    for (uint32_t i = 0; i < FLOAT_EACH; i++) {
        for (uint32_t j = 0; j < FLOAT_EACH; j++) {
            const uint32_t m = m0 + ty + i * FLOAT_STEP, n = n0 + tx + j * FLOAT_STEP;
            if (m < g.m && n < g.n)
                g.y[((size_t)i0 * g.m + m) * g.n + n] = float_clamp(acc[i][j] * g.alpha, g.lo, g.hi);
        }
    }
}

SIMT_FN void dwconv_f32(const nnrt_cuda_dwconv_f32_args &a)
{
    const uint32_t at = simt::block_x() * simt::threads() + simt::thread();
    if (at >= a.count)
        return;
    const uint32_t row = divide(at, a.c), c = at - row * a.c.d, taps = a.r * a.window.s.d;
    const float_place place = float_place_of(a.window, row, row + 1);
    float v = a.bias != nullptr ? a.bias[c] : 0.0f;
    for (uint32_t tap = 0; tap < taps; tap++) {
        size_t pixel;
        const bool inside = float_pixel(pixel, a.window, place, tap);
        v = fmaf(inside ? simt::load(a.x + pixel * a.c.d + c) : 0.0f,
                 simt::load(a.w + ((size_t)(c / 16) * taps + tap) * 16 + c % 16), v);
    }
    if (a.residual != nullptr)
        v = v + a.residual[at];
    a.y[at] = float_clamp(v, a.lo, a.hi);
}

#endif
