/* Argument structs of kernels_elementwise.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_ELEMENTWISE_H
#define NNRT_CUDA_ARGS_ELEMENTWISE_H

#include <stdint.h>

/* y[image][pixel][c] = quantized x[image][c][pixel] (channels 1: any layout). Grid x: blocks of pixels; grid y: images. */
typedef struct nnrt_cuda_quantize_args {
    uint8_t *y;
    const float *x;
    uint32_t pixels, channels;
    float scale, lo, hi; /* bounds minus zero point */
    int32_t zero_point;
} nnrt_cuda_quantize_args;

#endif
