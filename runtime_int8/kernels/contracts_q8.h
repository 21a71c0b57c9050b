/* INT8 product contracts: function types of the kernel rows gemm_q8 and dwconv_q8. SPDX-License-Identifier: Apache-2.0
 * acc = acc0[n] + sum x*w in wrapping int32 (acc0 holds bias - zx*sum(w)), then the epilogue of docs/arithmetic.md. Where w has
 * a zero point as well, row_add[m] holds -zw*sum(x).
 * Rows may read up to 63 bytes past the named elements of x, w, pad and residual; they write y's elements alone. */
#ifndef NNRT_KERNELS_CONTRACTS_Q8_H
#define NNRT_KERNELS_CONTRACTS_Q8_H

#include <stddef.h>
#include <stdint.h>

#include "runtime_int8/ops/params.h"

/* y[m][n] for a block of rows m and columns n.
 * Row m's bytes for tap t start at
 *   x + m*ldx                                              if offset is NULL (taps is 1), else
 *   x + offset[t*offset_stride + m] + t*tap_step           or pad, where that offset is negative;
 * 4*quads bytes are multiplied there. w is [N/16][taps][quads][16][4]. */
typedef struct nnrt_k_gemm_q8_args {
    const uint8_t *x;
    size_t ldx;
    const int32_t *offset;
    size_t offset_stride, tap_step;
    const uint8_t *pad;      /* 4*quads bytes of zx */
    const int8_t *w;
    size_t taps, quads;
    const int32_t *acc0;     /* [N rounded up to 16] */
    const int32_t *row_add;  /* [M], added to every accumulator of the row; NULL: none */
    const float *mult;       /* [N rounded up to 16] */
    void *y;                 /* u8 or f32 [M][ldy] */
    size_t ldy;              /* elements */
    const uint8_t *residual; /* like y (u8), or NULL */
    const nnrt_q8_epilogue *epilogue;
} nnrt_k_gemm_q8_args;

/* Computes rows [m0, m1) and columns [n0, n1); n0 is a multiple of 16. tile: {rows, columns}; any block is allowed. */
typedef void nnrt_k_gemm_q8_fn(const nnrt_k_gemm_q8_args *args, size_t m0, size_t m1, size_t n0,
                               size_t n1);

/* Depthwise convolution of one NHWC image. w is [ceil(C/16)][R][ceil(S/4)][16][4]; padding reads zx. */
typedef struct nnrt_k_dwconv_q8_args {
    const uint8_t *x;        /* [h][w][channels] */
    size_t height, width, channels;
    size_t out_height, out_width;
    size_t r, s, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    const uint8_t *pad;      /* `channels` bytes of zx */
    const int8_t *weight;
    const int32_t *acc0;     /* [channels rounded up to 16] */
    const float *mult;       /* likewise */
    void *y;                 /* u8 or f32 [out_height][out_width][channels] */
    const uint8_t *residual; /* like y (u8), or NULL */
    const nnrt_q8_epilogue *epilogue;
} nnrt_k_dwconv_q8_args;

/* Computes output rows [oy0, oy1) and channels [c0, c1); c0 is a multiple of 64. tile: {output columns, channels}. */
typedef void nnrt_k_dwconv_q8_fn(const nnrt_k_dwconv_q8_args *args, size_t oy0, size_t oy1,
                                 size_t c0, size_t c1);

#endif
