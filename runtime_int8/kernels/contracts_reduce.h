/* Contracts of kernels that reduce, normalize or pool float32. SPDX-License-Identifier: Apache-2.0
 * Order of every sum (docs/arithmetic.md): element j goes to lane j % 16, lanes start at the
 * neutral element and take their elements in ascending order; then lane l takes lane l + 8, l + 4,
 * l + 2, l + 1. */
#ifndef NNRT_KERNELS_CONTRACTS_REDUCE_H
#define NNRT_KERNELS_CONTRACTS_REDUCE_H

#include <stddef.h>
#include <stdint.h>

/* y[c] = op over j < n of x[j * stride + c], c < cols; op: nnrt_reduce_op. */
typedef void nnrt_k_reduce_f32_fn(float *y, const float *x, size_t n, size_t cols, size_t stride,
                                  uint32_t op);

/* Softmax (log: its logarithm) over j < n of x[j * stride + c] for each c < cols, written to the
 * same places of y, which may be x. */
typedef void nnrt_k_softmax_f32_fn(float *y, const float *x, size_t n, size_t cols, size_t stride,
                                   int log);

/* y = (x - mean) / sqrt(var + epsilon) * scale + bias over n elements; scale, bias [n] or NULL;
 * rms: mean is 0. */
typedef void nnrt_k_layernorm_f32_fn(float *y, const float *x, size_t n, const float *scale,
                                     const float *bias, float epsilon, int rms);

/* dev[c] = sum over j of (x[j * stride + c] - mean[c])^2. */
typedef void nnrt_k_deviation_f32_fn(float *dev, const float *x, const float *mean, size_t n,
                                     size_t cols, size_t stride);

/* y[r * cols + c] = clamp(x[r * cols + c] * a[c] + b[c]), a product and a sum; y may be x. */
typedef void nnrt_k_affine_f32_fn(float *y, const float *x, size_t rows, size_t cols,
                                  const float *a, const float *b, float lo, float hi);

#endif
