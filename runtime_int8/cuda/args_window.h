/* Argument structs of kernels_window.def. SPDX-License-Identifier: Apache-2.0
 * Pixels are channels-last. A thread's number is divided by `groups` (of channels), then `strips` (of output columns), then
 * `rows` (of output); what remains is the image. */
#ifndef NNRT_CUDA_ARGS_WINDOW_H
#define NNRT_CUDA_ARGS_WINDOW_H

#include <stdint.h>

#include "runtime_int8/cuda/args_divide.h"
#include "runtime_int8/ops/params.h"

/* x [images][h][w][c], y [images][oh][ow][c]; kernel, stride, dilation and leading padding by height and width. */
typedef struct nnrt_cuda_window {
    uint32_t count; /* threads that have work */
    nnrt_cuda_divider groups, strips, rows;
    int32_t h, w, c, oh, ow;
    int32_t r, s, sh, sw, dh, dw;
    int32_t top, left, bottom, right;
} nnrt_cuda_window;

/* w, acc0, mult: as in the plan. Groups of 4 channels. */
typedef struct nnrt_cuda_dwconv_args {
    void *y;
    const uint8_t *x;
    const int8_t *w;
    const int32_t *acc0;
    const float *mult;
    const uint8_t *residual;
    nnrt_cuda_window window;
    nnrt_q8_epilogue epilogue;
} nnrt_cuda_dwconv_args;

/* maxpool: u8 in groups of 16 channels or 4, f32 in groups of 4 or 1. */
typedef struct nnrt_cuda_maxpool_args {
    void *y;
    const void *x;
    nnrt_cuda_window window;
} nnrt_cuda_maxpool_args;

/* avgpool: u8 in groups of 4 channels, f32 in groups of 1. The kernel avgpool_q8_block gives each output pixel and
 * 4 << group_bits channels to a block; there `groups` counts the slabs of channels. */
typedef struct nnrt_cuda_avgpool_args {
    void *y;
    const void *x;
    nnrt_cuda_window window;
    uint32_t include_pad, group_bits;
    int32_t zx, zy;
    float sx, sy, lo, hi;
} nnrt_cuda_avgpool_args;

#endif
