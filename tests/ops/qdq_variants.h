/* Two quantized blocks, convolution + Relu + Add and matrix product + Add, in the forms in which exporters write them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_OPS_QDQ_VARIANTS_H
#define NNC_TESTS_OPS_QDQ_VARIANTS_H

#include "graph/graph.h"

typedef enum qdq_bias { QDQ_BIAS_INT32, QDQ_BIAS_OTHER_SCALE, QDQ_BIAS_FLOAT } qdq_bias;

typedef enum qdq_weight {
    QDQ_WEIGHT_CHANNEL,    /* one scale per output channel */
    QDQ_WEIGHT_TENSOR,
    QDQ_WEIGHT_U8,         /* one scale, u8 around 128 */
    QDQ_WEIGHT_FLOAT,      /* float, QuantizeLinear and DequantizeLinear in the graph */
    QDQ_WEIGHT_TRANSPOSED, /* products: stored [N,K], Transpose behind the DequantizeLinear */
    QDQ_WEIGHT_MOVED       /* products: stored [N,K], Transpose in front of it */
} qdq_weight;

typedef enum qdq_moved { QDQ_MOVED_NONE, QDQ_MOVED_RESHAPE, QDQ_MOVED_TRANSPOSE, QDQ_MOVED_MAXPOOL, QDQ_MOVED_CONCAT } qdq_moved;

typedef struct qdq_variant {
    const char *name, *like; /* like: the variant that it must not be slower than */
    nnc_dtype activation;    /* 0: uint8 */
    qdq_bias bias;
    qdq_weight weight;
    qdq_moved moved;         /* an op in front of the block */
    bool grid_behind_moved;  /* with a Q/DQ pair of its own */
    bool no_output_grid;     /* no pair behind the last Add */
    bool no_inner_grid;      /* none between the second product and the Add */
    bool per_user;           /* every reader has a Q/DQ pair of its own */
    bool relu_behind_grid;   /* Q/DQ before and behind the Relu */
    bool clip;               /* Clip 0..6 instead of Relu */
    bool trans_b;            /* products: Gemm with transB */
    bool matmul_add;         /* products: MatMul and Add instead of Gemm */
    const char *more;        /* runtime ops that it needs beyond those of `like`, with spaces; NULL: none */
} qdq_variant;

/* Rows of both blocks; name NULL past the end. The first is the canonical form. */
extern const qdq_variant qdq_conv_variants[], qdq_matmul_variants[];
/* The block with input "x", prepared (folded). `size`: spatial size or rows. NULL on failure, with the message set. */
nnc_graph *qdq_conv_block(const qdq_variant *variant, int64_t size);
nnc_graph *qdq_matmul_block(const qdq_variant *variant, int64_t size);

#endif
