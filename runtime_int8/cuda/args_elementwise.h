/* Argument structs of kernels_elementwise.def: one output element follows from one element of each input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_ELEMENTWISE_H
#define NNRT_CUDA_ARGS_ELEMENTWISE_H

#include <stdint.h>

#include "runtime_int8/cuda/args_divide.h"
#include "runtime_int8/ops/params.h"

#define NNRT_CUDA_WALK_RANK 8

/* y = quantized x. quantize: y[i] from x[i], `pixels` elements in all. quantize_pixels: y[image][pixel][c] from
 * x[image][c][pixel], a thread for `count` = images * groups * pixels; 4 channels each. */
typedef struct nnrt_cuda_quantize_args {
    uint8_t *y;
    const float *x;
    uint32_t pixels, channels, count;
    nnrt_cuda_divider by_pixels, by_groups;
    float scale, lo, hi; /* bounds minus zero point */
    int32_t zero_point;
} nnrt_cuda_quantize_args;

/* y = (x - zero) * scale. Element i takes entry (i / inner) % channels of scale and zero. dtype: nnrt_dtype of x. */
typedef struct nnrt_cuda_dequantize_args {
    float *y;
    const void *x;
    const float *scale;
    const int32_t *zero;
    uint32_t count, dtype;
    nnrt_cuda_divider inner, channels;
} nnrt_cuda_dequantize_args;

/* y = x / scale on a grid of the type `dtype`, entries as above. */
typedef struct nnrt_cuda_quantize_axis_args {
    void *y;
    const float *x;
    const float *scale;
    const int32_t *zero;
    uint32_t count, dtype;
    nnrt_cuda_divider inner, channels;
    int32_t qmin, qmax;
} nnrt_cuda_quantize_axis_args;

/* y = table[x], 256 entries of bytes or floats. */
typedef struct nnrt_cuda_lut_args {
    void *y;
    const uint8_t *x;
    const void *table;
    uint32_t count;
} nnrt_cuda_lut_args;

/* A broadcast of a and b over groups of `wide` (4 or 1) neighbouring outputs: group i is at the offsets of its index tuple,
 * and its elements step by step_a, step_b (0 or 1). dims: outermost first, the last counts groups. */
typedef struct nnrt_cuda_walk {
    uint32_t rank, count, wide; /* count: elements */
    uint32_t step_a, step_b;
    nnrt_cuda_divider dim[NNRT_CUDA_WALK_RANK];
    uint32_t stride_a[NNRT_CUDA_WALK_RANK], stride_b[NNRT_CUDA_WALK_RANK];
} nnrt_cuda_walk;

/* add_q8, mul_q8: 16 elements of equal shapes each, or groups of 4 or 1 along a walk. */
typedef struct nnrt_cuda_add_args {
    uint8_t *y;
    const uint8_t *a, *b;
    nnrt_add_q8_params p;
    nnrt_cuda_walk walk;
} nnrt_cuda_add_args;
typedef struct nnrt_cuda_mul_args {
    uint8_t *y;
    const uint8_t *a, *b;
    nnrt_mul_q8_params p;
    nnrt_cuda_walk walk;
} nnrt_cuda_mul_args;

typedef struct nnrt_cuda_unary_args {
    float *y;
    const float *x;
    uint32_t count;
    nnrt_unary_params p;
} nnrt_cuda_unary_args;

typedef struct nnrt_cuda_binary_args {
    float *y;
    const float *a, *b;
    nnrt_binary_params p;
    nnrt_cuda_walk walk;
} nnrt_cuda_binary_args;

/* Between f16 and f32. */
typedef struct nnrt_cuda_half_args {
    void *y;
    const void *x;
    uint32_t count;
} nnrt_cuda_half_args;

#endif
