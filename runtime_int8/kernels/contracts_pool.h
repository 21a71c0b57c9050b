/* Contracts of pooling kernels over channels-last pixels. SPDX-License-Identifier: Apache-2.0
 * The window is the rectangle of taps inside the input, in ascending order; x: channel 0 of its
 * first tap. */
#ifndef NNRT_KERNELS_CONTRACTS_POOL_H
#define NNRT_KERNELS_CONTRACTS_POOL_H

#include <stddef.h>
#include <stdint.h>

/* Strides in elements; rows and cols >= 1, but avgpool also takes empty windows. */
typedef struct nnrt_k_taps {
    size_t rows, cols, row_stride, col_stride;
} nnrt_k_taps;

/* y[c] = maximum over the taps, c < channels. f32: a NaN wins. */
typedef void nnrt_k_maxpool_u8_fn(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps,
                                  size_t channels);
typedef void nnrt_k_maxpool_f32_fn(float *y, const float *x, const nnrt_k_taps *taps,
                                   size_t channels);
/* y[c] = clamp(sum / divisor), the sum in the lane order of contracts_reduce.h. */
typedef void nnrt_k_avgpool_f32_fn(float *y, const float *x, const nnrt_k_taps *taps,
                                   size_t channels, float divisor, float lo, float hi);
/* y[c] = round_clamp((float)(sum - rows * cols * zx) * m) + zy. */
typedef struct nnrt_k_avgpool_q8_args {
    int32_t zx, zy;
    float m, lo, hi;
} nnrt_k_avgpool_q8_args;
typedef void nnrt_k_avgpool_q8_fn(uint8_t *y, const uint8_t *x, const nnrt_k_taps *taps,
                                  size_t channels, const nnrt_k_avgpool_q8_args *args);

/* A stretch of a row of windows over lines in ONNX order. */
#define NNRT_K_POOL_ROW 1024 /* most elements that a stretch spans, padding included */
#define NNRT_K_POOL_STRIDE 8 /* largest stride */
typedef struct nnrt_k_pool_row {
    size_t lines, width;             /* elements of each line that are read */
    size_t count;                    /* outputs, >= 1 */
    size_t kernel, stride, dilation; /* along the lines */
    ptrdiff_t first;                 /* element that tap 0 of output 0 reads, <= 0; only 0..width are there */
} nnrt_k_pool_row;
/* y[j] = maximum (a NaN wins; -INFINITY of nothing) or sum over the taps: elements are joined over the lines first, in
 * order, then over the taps, in order. Up to 15 elements behind each line may be read. */
typedef void nnrt_k_pool_row_f32_fn(float *y, const float *const *line, const nnrt_k_pool_row *row,
                                    int max);

#endif
