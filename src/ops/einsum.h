/* Equations of Einsum, and contractions by labels. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_EINSUM_H
#define NNC_OPS_EINSUM_H

#include "ops/op_util.h"

#define NNC_EINSUM_OPERANDS 16
#define NNC_EINSUM_LETTERS 52                                  /* a..z, A..Z */
#define NNC_EINSUM_LABELS (NNC_EINSUM_LETTERS + NNRT_RANK_MAX) /* and the dims of the ellipsis */

typedef struct nnc_labels {
    uint32_t rank;
    uint8_t at[NNC_RANK_MAX];
} nnc_labels;

typedef struct nnc_einsum {
    uint32_t operands;
    nnc_labels in[NNC_EINSUM_OPERANDS];
    nnc_labels out;
} nnc_einsum;

/* Returns NULL, or what is wrong with the equation for operands of these ranks (static text). */
const char *nnc_einsum_parse(nnc_einsum *e, const char *equation, const uint32_t *ranks,
                             uint32_t operands);

/* Emits y[out] = sum of a[la] * b[lb]; b NNRT_NONE: of a alone. *y: NNRT_NONE makes a temporary. */
nnc_status nnc_lower_contract(uint32_t *y, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t a,
                              const nnc_labels *la, uint32_t b, const nnc_labels *lb,
                              const nnc_labels *out);

#endif
