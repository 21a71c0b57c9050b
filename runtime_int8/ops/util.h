/* Small helpers of the runtime ops: sizes, checks, broadcasting. SPDX-License-Identifier:
 * Apache-2.0 Dims are at most INT32_MAX and byte sizes fit size_t: the session holds that before
 * any run. */
#ifndef NNRT_OPS_UTIL_H
#define NNRT_OPS_UTIL_H

#include <stdbool.h>

#include "runtime_int8/ops/rop.h"

/* Bytes per element; 0 for numbers that are no runtime type. */
size_t nnrt_dtype_bytes(uint32_t dtype);
const char *nnrt_dtype_name(uint32_t dtype);
/* Product of dims[from..to); shapes of checked tensors only. */
size_t nnrt_shape_span(const nnrt_shape *shape, uint32_t from, uint32_t to);
size_t nnrt_shape_count(const nnrt_shape *shape);
bool nnrt_shape_same(const nnrt_shape *a, const nnrt_shape *b);

/* dtype sets for nnrt_check_dtype: WIDE are the types that arithmetic and conversions know, SMALL the
 * floats and integers below them (one byte each), ANY what data movement takes. */
#define NNRT_SET(dtype) (1u << (dtype))
#define NNRT_SET_WIDE                                                                              \
    (NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_U16) |             \
     NNRT_SET(NNRT_I16) | NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64) | NNRT_SET(NNRT_BOOL) |          \
     NNRT_SET(NNRT_F16) | NNRT_SET(NNRT_F64) | NNRT_SET(NNRT_U32) | NNRT_SET(NNRT_U64) |           \
     NNRT_SET(NNRT_BF16))
#define NNRT_SET_FLOAT8                                                                            \
    (NNRT_SET(NNRT_F8E4M3FN) | NNRT_SET(NNRT_F8E4M3FNUZ) | NNRT_SET(NNRT_F8E5M2) |                 \
     NNRT_SET(NNRT_F8E5M2FNUZ))
#define NNRT_SET_SMALL                                                                             \
    (NNRT_SET_FLOAT8 | NNRT_SET(NNRT_U4) | NNRT_SET(NNRT_I4) | NNRT_SET(NNRT_F4E2M1) |             \
     NNRT_SET(NNRT_F8E8M0) | NNRT_SET(NNRT_U2) | NNRT_SET(NNRT_I2))
#define NNRT_SET_ANY (NNRT_SET_WIDE | NNRT_SET_SMALL)
/* Input i has a type of the set; NNC_ERR_MODEL. */
nnc_status nnrt_check_dtype(const nnrt_node_ctx *ctx, uint32_t i, uint32_t set);
/* Input i is a constant or temp of exactly this rank; NNC_ERR_MODEL. */
nnc_status nnrt_check_rank(const nnrt_node_ctx *ctx, uint32_t i, uint32_t rank);
nnc_status nnrt_check_axis(const nnrt_node_ctx *ctx, int32_t axis, uint32_t rank);
/* Input i has a known element count in check (a constant) of exactly `count`; unknown dims pass. */
nnc_status nnrt_check_count(const nnrt_node_ctx *ctx, uint32_t i, size_t count);
/* lo <= hi, neither NaN. */
nnc_status nnrt_check_clamp(const nnrt_node_ctx *ctx, float lo, float hi);
/* Bounds of the u8 grid: integers minus a zero point, so within +-255, and zero point within
 * 0..255. */
nnc_status nnrt_check_grid(const nnrt_node_ctx *ctx, float lo, float hi, int32_t zero_point);
/* Finite and non-zero. */
nnc_status nnrt_check_scale(const nnrt_node_ctx *ctx, float scale);

/* A computed shape is small enough for its dims and bytes to be calculated with; NNC_ERR_LIMIT. */
nnc_status nnrt_check_shape(const nnrt_node_ctx *ctx, const nnrt_shape *shape, nnrt_dtype dtype);

/* Sets output 0. */
void nnrt_set_output(nnrt_node_ctx *ctx, nnrt_dtype dtype, const nnrt_shape *shape);
/* Same dtype and shape as input i. */
void nnrt_set_output_like(nnrt_node_ctx *ctx, uint32_t i);
/* numpy broadcasting of a and b; NNC_ERR_MODEL with both shapes. */
nnc_status nnrt_broadcast(nnrt_shape *out, const nnrt_node_ctx *ctx, const nnrt_shape *a,
                          const nnrt_shape *b);
/* "[1,3,224,224]"; buf of NNRT_SHAPE_TEXT bytes; returns buf. */
#define NNRT_SHAPE_TEXT 192
char *nnrt_shape_text(char *buf, const nnrt_shape *shape);
/* The bits of a number in a type of f32, u8, i8, i32, i64 or bool; integers round half to even and
 * saturate. */
uint64_t nnrt_value_bits(nnrt_dtype dtype, float value);
/* Host-known i64 input i: data and count; NNC_ERR_MODEL if it is another type. */
nnc_status nnrt_host_i64(const int64_t **data, size_t *count, const nnrt_node_ctx *ctx, uint32_t i);
/* The same as dims of a shape, each from 0 to INT32_MAX; NNC_ERR_MODEL. */
nnc_status nnrt_host_shape(nnrt_shape *out, const nnrt_node_ctx *ctx, uint32_t i);

/* Elementwise walk over a dense output with up to three broadcast inputs, dims merged where all
 * operands allow it. After merging, the innermost stride of an operand is 0 or 1. */
typedef struct nnrt_walk {
    uint32_t rank, operands;
    size_t dims[NNRT_RANK_MAX];
    size_t stride[3][NNRT_RANK_MAX]; /* in elements */
    size_t count;                    /* output elements */
} nnrt_walk;
void nnrt_walk_init(nnrt_walk *walk, const nnrt_shape *out, const nnrt_tensor *in,
                    uint32_t operands);
/* Calls fn for runs of n outputs from flat index y on; offset[k], step[k] (0 or 1): where operand k
 * reads. */
typedef void nnrt_walk_fn(void *user, size_t y, size_t n, const size_t offset[3],
                          const size_t step[3]);
void nnrt_walk_range(const nnrt_walk *walk, size_t begin, size_t count, nnrt_walk_fn *fn,
                     void *user);

#endif
