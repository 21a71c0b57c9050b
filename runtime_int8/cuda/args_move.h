/* Argument structs of data movement. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_MOVE_H
#define NNRT_CUDA_ARGS_MOVE_H

#include <stdint.h>

#include "runtime_int8/cuda/args_divide.h"

#define NNRT_CUDA_COPY_RANK 16 /* NNRT_STRIDED_RANK */
#define NNRT_CUDA_MOVE_RANK 8

/* y[sum k_i * ys_i] = x[sum k_i * xs_i] over all index tuples k, outermost dim first; strides in units of the kernel's size. */
typedef struct nnrt_cuda_copy_args {
    void *y;
    const void *x;
    uint32_t rank, count;
    nnrt_cuda_divider dim[NNRT_CUDA_COPY_RANK];
    int64_t xs[NNRT_CUDA_COPY_RANK], ys[NNRT_CUDA_COPY_RANK];
} nnrt_cuda_copy_args;

/* A plane transposed for every tuple of the other dims: y[c * y_stride + r] = x[r * x_stride + c]. A block takes a tile of
 * 32 x 32 elements: tile number, divided by col_tiles, then row_tiles; what remains is the tuple. */
typedef struct nnrt_cuda_transpose_args {
    void *y;
    const void *x;
    uint32_t rows, cols;
    uint64_t x_stride, y_stride;
    nnrt_cuda_divider col_tiles, row_tiles;
    uint32_t rank;
    nnrt_cuda_divider dim[NNRT_CUDA_MOVE_RANK];
    int64_t xs[NNRT_CUDA_MOVE_RANK], ys[NNRT_CUDA_MOVE_RANK];
} nnrt_cuda_transpose_args;

/* y[k] = x[k - begin], or the element at `value` (NULL: bits) outside of x. mode: as nnrt_pad_params. element: its bytes. */
typedef struct nnrt_cuda_pad_args {
    void *y;
    const void *x;
    const void *value;
    uint64_t bits;
    uint32_t rank, count, mode, element;
    nnrt_cuda_divider dim[NNRT_CUDA_MOVE_RANK]; /* of y */
    int32_t begin[NNRT_CUDA_MOVE_RANK], n[NNRT_CUDA_MOVE_RANK];   /* of x */
    int64_t xs[NNRT_CUDA_MOVE_RANK];
} nnrt_cuda_pad_args;

#endif
