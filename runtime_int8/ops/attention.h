/* attention: what reshape finds out. SPDX-License-Identifier: Apache-2.0
 * Keys and values are packed as the weights of products are; a task then takes a block of queries
 * of one head through scores, softmax and the product with the values. */
#ifndef NNRT_OPS_ATTENTION_H
#define NNRT_OPS_ATTENTION_H

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/rop.h"

/* Queries of a task, and tasks that run together (each has its own scores in scratch). */
#define NNRT_ATTENTION_ROWS 24u
#define NNRT_ATTENTION_SLOTS 64u

/* Steps in floats between batches, heads and positions; elements of a head are neighbours. */
typedef struct nnrt_heads {
    size_t batch, head, row;
} nnrt_heads;

typedef struct nnrt_attention {
    const nnrt_kernel *gemm;
    nnrt_k_softmax_f32_fn *softmax;
    nnrt_k_unary_f32_fn *unary;
    size_t b, hq, hk, l, s, p, t, d,
        dv; /* batch, heads, queries, keys: new, past, all; elements of a head */
    nnrt_heads q, k, v, y;
    int mask, past, lengths; /* indices of inputs, -1 for none */
    bool cached;             /* keys are placed by length */
    size_t mask_cols,
        mask_step[3]; /* columns of the mask; its steps in elements for batch, head, query */
    float scale;
    size_t blocks, slots, t_pad, dv_pad;
    size_t k_pack, v_pack, scores; /* in floats of scratch: [B*Hk][T/16][D][16],
                                      [B*Hk][Dv/16][T][16], [slots][ROWS][t_pad] */
} nnrt_attention;

/* Place of the first new key of sequence b. */
size_t nnrt_attention_place(const nnrt_node_ctx *ctx, size_t b);
void nnrt_attention_run(const nnrt_node_ctx *ctx);

#endif
