/* Contracts of kernels that move data. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_KERNELS_CONTRACTS_MOVE_H
#define NNRT_KERNELS_CONTRACTS_MOVE_H

#include <stddef.h>
#include <stdint.h>

/* y[c * y_stride + r] = x[r * x_stride + c] for r < rows, c < cols; strides in elements of `size`
 * bytes (1, 2, 4, 8). No overlap. */
typedef void nnrt_k_transpose_fn(void *y, const void *x, size_t rows, size_t cols, size_t x_stride,
                                 size_t y_stride, size_t size);

#endif
