/* Driver of all FP32 matrix products: cuts M x N x K into tiles of a gemm_f32 kernel row.
 * SPDX-License-Identifier: Apache-2.0 Tasks are cut by shape alone. K is cut at cache size; the
 * partial chain waits in y, so bits do not depend on the cut. */
#ifndef NNRT_OPS_PRODUCT_F32_H
#define NNRT_OPS_PRODUCT_F32_H

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/threads.h"

typedef struct nnrt_product_f32 nnrt_product_f32;

/* Writes the pointers of taps [tap, tap + taps) of rows [row, row + rows): a[(t - tap) * rows + i]
 * -> C floats. */
typedef void nnrt_product_rows_fn(const nnrt_product_f32 *p, const float **a, size_t row,
                                  size_t rows, size_t tap, size_t taps);
/* Points x, w, bias, residual and y of *one (a copy of the whole) at product b of a batch. */
typedef void nnrt_product_select_fn(nnrt_product_f32 *one, size_t b);

/* batch x (y[M][N] = clamp(alpha * chain + residual)), K = taps * c. */
struct nnrt_product_f32 {
    const nnrt_kernel *kernel; /* a gemm_f32 row */
    size_t m, n, taps, c;
    size_t batch;
    nnrt_product_select_fn *select; /* NULL when batch is 1 */
    nnrt_product_rows_fn *rows;
    const float *x;
    size_t x_row;          /* nnrt_product_rows_dense: floats between rows of x */
    const float *w;        /* [ceil(N/16)][K][16] */
    const float *bias;     /* [N] or NULL */
    const float *residual; /* like y, or NULL */
    float *y;
    size_t y_row;
    float alpha, lo, hi;
    const void *user; /* for rows and select */
};

/* Rows of a plain matrix: x + row * x_row, one tap. */
nnrt_product_rows_fn nnrt_product_rows_dense;

/* Computes everything on the pool. */
void nnrt_product_f32_run(const nnrt_product_f32 *p, nnrt_pool *pool);

#endif
