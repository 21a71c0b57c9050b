/* What conv_q8, dwconv_q8 and gemm_q8 share: checks, and the cut of a product into tasks. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_PRODUCT_Q8_H
#define NNRT_OPS_PRODUCT_Q8_H

#include "runtime_int8/kernels/contracts_q8.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/rop.h"

/* Inputs x u8, w i8 [w_bytes], acc0 i32 and mult f32 [channels], [residual u8], and the epilogue. NNC_ERR_MODEL. */
nnc_status nnrt_product_q8_check(const nnrt_node_ctx *ctx, const nnrt_q8_epilogue *epilogue,
                                 size_t w_bytes, size_t channels);
/* The epilogue alone, and the residual, which is the input behind `operands` others. NNC_ERR_MODEL. */
nnc_status nnrt_product_q8_check_epilogue(const nnrt_node_ctx *ctx, const nnrt_q8_epilogue *epilogue,
                                          uint32_t operands);
/* Sets output 0 to `shape`, and checks that the residual, input `operands`, has that shape. NNC_ERR_MODEL. */
nnc_status nnrt_product_q8_output(nnrt_node_ctx *ctx, const nnrt_q8_epilogue *epilogue,
                                  uint32_t operands, const nnrt_shape *shape);

/* A product y[image][row][group][col], cut into tiles by shape alone. Reshape fills the first part, plan the second,
 * run the pointers of args. */
typedef struct nnrt_product_q8 {
    nnrt_k_gemm_q8_args args; /* of image 0 and group 0 */
    size_t images, groups;
    size_t rows, cols;        /* per image, per group */
    size_t k_bytes;           /* input bytes that one more row brings into the cache */
    size_t x_image, x_group;  /* bytes from one to the next */
    size_t out_bytes;         /* of one element of y */
    /* Points args at the operands of an image; NULL: x_image bytes from one to the next. */
    void (*select)(nnrt_k_gemm_q8_args *args, const void *user, size_t image);
    const void *user;

    nnrt_k_gemm_q8_fn *fn;
    size_t tile_cols, row_tiles, col_tiles;
    size_t block_tiles; /* row tiles whose input stays in the L2 cache while all columns pass */
    size_t tasks;
} nnrt_product_q8;

/* Chooses kernel and cut; sets ctx->kernel, ctx->impl and ctx->macs. */
void nnrt_product_q8_plan(nnrt_product_q8 *product, nnrt_node_ctx *ctx);
void nnrt_product_q8_run(const nnrt_product_q8 *product, nnrt_pool *pool);

/* What the gemm_q8 family shares: x u8 [..., K], w packed, acc0, mult, [residual]; the node's state is the product. */
nnc_status nnrt_gemm_q8_check(const nnrt_node_ctx *ctx, uint32_t k, uint32_t n, const nnrt_q8_epilogue *epilogue);
nnc_status nnrt_gemm_q8_reshape(nnrt_node_ctx *ctx, uint32_t k, uint32_t n, const nnrt_q8_epilogue *epilogue);
/* row_add: [rows], or NULL. */
void nnrt_gemm_q8_run(const nnrt_node_ctx *ctx, const int32_t *row_add);
/* row_add[m] = -zw * sum over k of x[m][k], for `rows` rows of k bytes: what a weight's zero point takes from every accumulator. */
void nnrt_row_zeros(int32_t *row_add, const uint8_t *x, size_t rows, size_t k, int32_t zw, nnrt_pool *pool);

#endif
