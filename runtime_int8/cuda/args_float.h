/* Argument structs of kernels_float.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_FLOAT_H
#define NNRT_CUDA_ARGS_FLOAT_H

#include <stdint.h>

#include "runtime_int8/cuda/args_divide.h"

/* Where a window reads: x [images][h][w][..], output positions [images][oh][ow]. */
typedef struct nnrt_cuda_float_window {
    nnrt_cuda_divider oh, ow, s; /* s: kernel columns */
    int32_t h, w;
    int32_t sh, sw, dh, dw, top, left;
} nnrt_cuda_float_window;

/* y[m][n] = clamp(chain + residual[m][n]), chain: bias[n], then fmaf over k = (tap, channel) ascending; padding reads +0.
 * w [groups][ceil(cols/16)][k][16]. Grid: tiles of rows, tiles of columns, groups. */
typedef struct nnrt_cuda_product_f32_args {
    float *y;
    const float *x, *w, *bias, *residual; /* bias, residual: or NULL */
    nnrt_cuda_float_window window;
    nnrt_cuda_divider c;          /* channels of a group */
    uint32_t rows, cols, k;       /* of a group */
    uint32_t x_pixel, y_pixel;    /* floats from one pixel to the next */
    float lo, hi;
} nnrt_cuda_product_f32_args;

/* y[i][m][n] = clamp(alpha * chain), chain as above from 0, over matrices a[at[i][0]] and b[at[i][1]] of any strides. Grid: tiles of
 * rows, tiles of columns, products. */
typedef struct nnrt_cuda_matmul_f32_args {
    float *y;
    const float *a, *b;
    const uint32_t *at; /* [products][2] */
    uint32_t m, n, k;
    uint32_t a_m, a_k, b_k, b_n; /* floats from one index to the next */
    float alpha, lo, hi;
} nnrt_cuda_matmul_f32_args;

/* Depthwise: y[pixel][c], w [ceil(C/16)][r * s][16]; a thread per output. */
typedef struct nnrt_cuda_dwconv_f32_args {
    float *y;
    const float *x, *w, *bias, *residual;
    nnrt_cuda_float_window window;
    nnrt_cuda_divider c;
    uint32_t count, r; /* outputs, kernel rows */
    float lo, hi;
} nnrt_cuda_dwconv_f32_args;

#endif
