/* What reshape finds out about a matmul_f32: the node's state. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_MATMUL_F32_H
#define NNRT_OPS_MATMUL_F32_H

#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/rop.h"

/* Resolved sizes; strides of an operand's batch dims are 0 where it is broadcast. */
typedef struct nnrt_matmul_plan {
    const nnrt_kernel *kernel;
    size_t m, n, k;
    uint32_t batch_rank;
    size_t batch, dims[NNRT_RANK_MAX];
    size_t a_step[NNRT_RANK_MAX], b_step[NNRT_RANK_MAX]; /* in matrices */
    size_t a_count, b_count;                             /* matrices of each operand */
    size_t a_floats; /* of the transposed copy of a, 0 for none; b's packed copy follows */
} nnrt_matmul_plan;

/* Numbers of the matrices that product i of the batch multiplies. */
void nnrt_matmul_operands(size_t *a, size_t *b, const nnrt_matmul_plan *plan, size_t i);

#endif
