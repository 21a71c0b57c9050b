/* Lowering of the ops that have an integer contract; their descriptors are in <op>.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_PRODUCT_LOWER_H
#define NNC_OPS_PRODUCT_LOWER_H

#include "ops/lower.h"

nnc_status nnc_conv_lower(nnc_lower_ctx *ctx);           /* Conv */
nnc_status nnc_conv_nd_lower(nnc_lower_ctx *ctx);        /* Conv without a kernel for its rank or weights */
nnc_status nnc_conv_transpose_lower(nnc_lower_ctx *ctx); /* ConvTranspose */
nnc_status nnc_gemm_lower(nnc_lower_ctx *ctx);           /* Gemm */
nnc_status nnc_matmul_lower(nnc_lower_ctx *ctx);         /* MatMul */
nnc_status nnc_add_lower(nnc_lower_ctx *ctx);            /* Add, Sub */
nnc_status nnc_mul_lower(nnc_lower_ctx *ctx);            /* Mul */
nnc_status nnc_max_pool_lower(nnc_lower_ctx *ctx);       /* MaxPool, GlobalMaxPool */
nnc_status nnc_average_pool_lower(nnc_lower_ctx *ctx);   /* AveragePool, GlobalAveragePool */
nnc_status nnc_lp_pool_lower(nnc_lower_ctx *ctx);        /* LpPool, GlobalLpPool */
nnc_status nnc_quant_lower(nnc_lower_ctx *ctx);          /* nnc.Quant */
nnc_status nnc_quantize_linear_lower(nnc_lower_ctx *ctx);
nnc_status nnc_dequantize_linear_lower(nnc_lower_ctx *ctx);

#endif
