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

#endif
