/* resize_nd: state shared by its files. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_RESIZE_ND_H
#define NNRT_OPS_RESIZE_ND_H

#include "runtime_int8/ops/resize_taps.h"
#include "runtime_int8/ops/rop.h"

/* One axis: output i is the sum over k of weight[i*taps+k] * x[at[i*taps+k]]. */
typedef struct nnrt_resize_table {
    size_t in, out;
    uint32_t taps;
    bool identity; /* the axis stays as it is */
    bool any_outside;
    int32_t *at;
    double *weight;
    uint8_t *outside; /* the output takes the extrapolation value */
} nnrt_resize_table;

typedef struct nnrt_resize_nd_state {
    uint32_t rank; /* 0: empty output */
    nnrt_resize_table table[NNRT_RANK_MAX];
    bool wide;     /* numbers are double, else float */
    size_t buffer; /* bytes of one of the three buffers in scratch */
} nnrt_resize_nd_state;

/* Scratch of the passes. */
nnc_status nnrt_resize_nd_plan(nnrt_node_ctx *ctx);
/* Nearest: copies elements. */
void nnrt_resize_nd_copy(const nnrt_node_ctx *ctx);
/* Linear and cubic: one pass per axis. */
void nnrt_resize_nd_blend(const nnrt_node_ctx *ctx);
/* Puts the extrapolation value where a table says so. */
void nnrt_resize_nd_extrapolate(const nnrt_node_ctx *ctx);

#endif
