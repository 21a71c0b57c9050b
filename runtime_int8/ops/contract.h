/* What contract and its loops over single types share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_CONTRACT_H
#define NNRT_OPS_CONTRACT_H

#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/rop.h"

typedef struct nnrt_label_list {
    uint32_t count;
    uint8_t label[NNRT_CONTRACT_LABELS];
} nnrt_label_list;

/* Labels of y: in both operands (batch), in a or none (m), in b alone (n); the others are summed
 * (k). */
typedef struct nnrt_contract_state {
    size_t dim[NNRT_CONTRACT_LABELS];
    size_t stride[2][NNRT_CONTRACT_LABELS]; /* 0: not there, or broadcast */
    nnrt_label_list batch_labels, m_labels, n_labels, k_labels;
    size_t batch, m, n, k;
    uint32_t y_rank;
    uint8_t y_label[NNRT_CONTRACT_LABELS];
    size_t y_dims[NNRT_RANK_MAX];
    size_t outputs, row;       /* elements of y; of its last dim */
    const nnrt_kernel *kernel; /* NULL: row by row */
    bool copy_a, copy_y;
    size_t b_at, y_at; /* floats into scratch */
} nnrt_contract_state;

/* Rows [begin, begin + count) along y's last label. */
void nnrt_contract_rows(const nnrt_node_ctx *ctx, size_t begin, size_t count);

#endif
