/* What reshape finds out about a product of two run-time operands: the state of matmul_f32, part of matmul_q8's. SPDX-License-Identifier: Apache-2.0 */
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

/* Sizes of in[0] times in[1] (numpy; trans_*: the last two dims swapped first), all but kernel and a_floats. NNC_ERR_MODEL. */
nnc_status nnrt_matmul_plan_init(nnrt_matmul_plan *plan, const nnrt_node_ctx *ctx, bool trans_a,
                                 bool trans_b);
/* Sets output 0: batch dims, M unless a is 1-D, N unless b is 1-D. */
void nnrt_matmul_set_output(nnrt_node_ctx *ctx, nnrt_dtype dtype, const nnrt_matmul_plan *plan);

/* Numbers of the matrices that product i of the batch multiplies. */
void nnrt_matmul_operands(size_t *a, size_t *b, const nnrt_matmul_plan *plan, size_t i);

#endif
