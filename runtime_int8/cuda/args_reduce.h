/* Argument structs of softmax and reductions. SPDX-License-Identifier: Apache-2.0
 * x is [outer][n][inner]; y has its shape (softmax) or is [outer][inner]. Sums go by 16 lanes and a tree, as
 * contracts_reduce.h says. */
#ifndef NNRT_CUDA_ARGS_REDUCE_H
#define NNRT_CUDA_ARGS_REDUCE_H

#include <stdint.h>

#include "runtime_int8/cuda/args_divide.h"

/* Columns of a block of the *_columns kernels, and elements of a row that softmax_block keeps at once. */
#define NNRT_CUDA_COLUMNS 32
#define NNRT_CUDA_SOFTMAX_CHUNK 4096
#define NNRT_CUDA_SOFTMAX_SHARE 64 /* floats in front of them */

/* softmax_warp: a warp per row; softmax_block: a block per row (inner 1); softmax_columns: a block per 32 columns. */
typedef struct nnrt_cuda_softmax_args {
    float *y;
    const float *x;
    uint32_t outer, n, inner, log;
    nnrt_cuda_divider tiles; /* blocks of columns of one outer index */
} nnrt_cuda_softmax_args;

/* op: nnrt_reduce_op. divisor: of the sum, for MEAN. y = bound(result). */
typedef struct nnrt_cuda_reduce_args {
    float *y;
    const float *x;
    uint32_t outer, n, inner, op;
    nnrt_cuda_divider tiles;
    float divisor, lo, hi;
} nnrt_cuda_reduce_args;

#endif
