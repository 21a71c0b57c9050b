/* FP32 product contracts: function types of the kernel rows gemm_f32 and dwconv_f32.
 * Every output is one chain of correctly rounded fmaf, k ascending, so all rows agree to the bit
 * (NaN payloads apart). Because a chain's state is a float, K may be cut anywhere: store the
 * partial chain and start the next call from it. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_KERNELS_CONTRACTS_F32_H
#define NNRT_KERNELS_CONTRACTS_F32_H

#include <stddef.h>
#include <stdint.h>

/* The fused activation of all float contracts: min(max(v, lo), hi) that lets NaN through and keeps
 * v's zero sign unless a bound is strictly passed. -+INFINITY are no bounds. */
static inline float nnrt_clamp_f32(float v, float lo, float hi)
{
    v = lo > v ? lo : v;
    return hi < v ? hi : v;
}

typedef struct nnrt_k_gemm_f32_params {
    size_t taps;      /* T >= 1: row pointers per row */
    size_t c;         /* C >= 1: neighbouring k values behind each pointer; K = T*C */
    size_t w_panel;   /* floats from one 16-column panel of w to the next */
    size_t y_row;     /* floats from one row of y (and of residual) to the next */
    size_t start_row; /* floats from one row of start to the next; 0 for a bias */
    float alpha;      /* 1 for none */
    float lo, hi;
} nnrt_k_gemm_f32_params;

/* y[i][j] = clamp(alpha * chain(i, j) + residual[i][j]), the product and the sum rounded one by
 * one. chain(i, j): v = start[i][j] (0 if start is NULL); for t, for c: v = fmaf(a[t*rows + i][c],
 * w[j/16][t*C + c][j%16], v). a         [T][rows] pointers to C floats each w [ceil(cols/16)]
 * panels of [T*C][16], w_panel apart residual  like y, or NULL; start may be y itself rows,
 * cols: 1..tile[0], 1..tile[1]; when cols <= 16, rows may go up to tile[2]; of one row, cols may go up to tile[3]. Nothing outside
 * y[rows][cols] is written; only the named elements and whole panels of w are read. tile: {rows,
 * cols, rows when cols <= 16, cols of one row}. */
typedef void nnrt_k_gemm_f32_fn(float *y, const float *const *a, const float *w, const float *start,
                                const float *residual, size_t rows, size_t cols,
                                const nnrt_k_gemm_f32_params *params);

/* What one kernel row of a run of outputs reads: column j is x + offset + j*x_step if first <= j <
 * end, else +0. */
typedef struct nnrt_k_dwconv_f32_row {
    ptrdiff_t offset; /* floats; may be negative where first > 0 */
    size_t first, end;
} nnrt_k_dwconv_f32_row;

typedef struct nnrt_k_dwconv_f32_params {
    size_t r, s;             /* kernel R x S */
    size_t stride, dilation; /* along a row: output i, tap s reads column i*stride + s*dilation */
    size_t channels;         /* C >= 1 */
    size_t x_step;           /* floats between neighbouring columns */
    size_t y_step;           /* floats between neighbouring outputs, and residuals */
    float lo, hi;
} nnrt_k_dwconv_f32_params;

/* y[i][c] = clamp(chain + residual[i][c]), 0 <= i < count;
 * chain: v = bias[c] (0 if NULL); for r, for s: v = fmaf(its input, w[c/16][r*S + s][c%16], v).
 * row [R]; w [ceil(C/16)][R*S][16]; bias [C]; x: channel 0 of what the rows' offsets are relative
 * to. tile: {most outputs per step, channels per step}; any count and C are allowed. */
typedef void nnrt_k_dwconv_f32_fn(float *y, const float *x, const nnrt_k_dwconv_f32_row *row,
                                  const float *w, const float *bias, const float *residual,
                                  size_t count, const nnrt_k_dwconv_f32_params *params);

/* y[c] = clamp(chain(c) + residual[c]), c < channels; chain(c): v = start[c] (0 if NULL); for t < taps:
 * v = fmaf(x[t][c], w[t][c], v). start may be y itself, so that taps can be cut; residual may be NULL. */
typedef void nnrt_k_tapsum_f32_fn(float *y, const float *const *x, const float *const *w,
                                  const float *start, const float *residual, size_t taps,
                                  size_t channels, float lo, float hi);

#endif
