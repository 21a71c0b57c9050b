/* From annotations to the constants of an integer epilogue (docs/arithmetic.md). SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_EPILOGUE_H
#define NNC_OPS_EPILOGUE_H

#include "ops/lower.h"

/* Storage (u8) view of a per-tensor 8-bit grid: signed grids are shifted by +128. */
typedef struct nnc_grid {
    float scale;
    int32_t zero;     /* storage zero point */
    int32_t min, max; /* storage bounds */
} nnc_grid;
nnc_grid nnc_grid_of(const nnc_qparams *q);

/* Integer bounds minus the zero point, with a real clamp [lo, hi] folded in. */
void nnc_grid_bounds(float *lo, float *hi, const nnc_grid *grid, float real_lo, float real_hi);

/* Integers, multipliers and start values of a product with constant weights, per output channel. Arrays are [channels]. */
typedef struct nnc_product {
    size_t channels;
    size_t depth;      /* weight elements per output channel */
    int8_t *w;         /* [channels][depth] qw - zw */
    int32_t zw;        /* zero point of w: 0 where qw - zw fits 8 bits, else w is the stored integer (u8: less 128) */
    int32_t *acc0;     /* bias - zx * sum(w), with a zero point + depth * zx * zw */
    float *mult;       /* sx*sw/sy, or sx*sw for float output */
} nnc_product;
void nnc_product_deinit(nnc_product *product);

/* Fills `product` from node inputs x (0), w (1), bias (2). channel_axis: output channel axis of w; for 2-D weights with axis 1 the matrix
 * is transposed to [channels][depth]. y: grid of the accumulator's rounding, NULL for float output. */
nnc_status nnc_product_init(nnc_product *product, nnc_lower_ctx *ctx, uint32_t channel_axis,
                            const nnc_qparams *y);

/* The weights alone: acc0 holds their sums per channel, mult their scales. */
nnc_status nnc_product_init_weights(nnc_product *product, const nnc_value *w, uint32_t channel_axis);

/* Epilogue for this unit (clamp, residual, output form) and the runtime value of the residual, NNRT_NONE if none. layout: NHWC or
 * LOGICAL-like forms of final and residual. *mid: grid the accumulator is rounded to (for nnc_product_init), NULL for float. */
nnc_status nnc_epilogue_init(nnrt_q8_epilogue *epilogue, uint32_t *residual, const nnc_qparams **mid,
                             nnc_lower_ctx *ctx, bool nhwc);

/* acc0 and mult as padded constants [groups][channels per group rounded up to 16]. */
nnc_status nnc_product_constants(uint32_t *acc0, uint32_t *mult, nnc_lower_ctx *ctx,
                                 const nnc_product *product, uint32_t groups);
/* Float bias padded the same way; *out = NNRT_NONE when there is none. scale multiplies it (Gemm's beta). */
nnc_status nnc_bias_constant(uint32_t *out, nnc_lower_ctx *ctx, const nnc_value *bias, float scale,
                             size_t channels, uint32_t groups);
/* Float elements of a constant (dequantized when it holds integers). */
nnc_status nnc_const_float(nnc_tensor *out, const nnc_value *value);

#endif
