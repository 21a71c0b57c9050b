/* What reduce and its functions of single types share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_REDUCE_H
#define NNRT_OPS_REDUCE_H

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/ops/util.h"

/* Types that every reduction takes. */
#define NNRT_REDUCE_NUMBERS                                                                        \
    (NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64) | NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_U8) |             \
     NNRT_SET(NNRT_I16) | NNRT_SET(NNRT_U16) | NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_U32) |           \
     NNRT_SET(NNRT_I64) | NNRT_SET(NNRT_U64))

typedef struct nnrt_reduce_state {
    uint32_t op;
    nnrt_k_reduce_f32_fn *fn; /* float32 */
    nnrt_tile_fn *scalar;     /* other types: outputs [begin, begin + count) of the node ctx */
    uint32_t kept, reduced;   /* dims in each list, outermost first */
    size_t kept_dims[NNRT_RANK_MAX], kept_stride[NNRT_RANK_MAX];
    size_t red_dims[NNRT_RANK_MAX], red_stride[NNRT_RANK_MAX];
    size_t outputs, n;
    bool direct; /* [outer][n][inner] */
    size_t outer, inner;
    size_t col_tiles, outer_tile;
    size_t gather_tile; /* outputs per task where elements are gathered first */
} nnrt_reduce_state;

/* Place of flat index `index` of the dims; the sizes are not 0. */
static inline size_t nnrt_reduce_offset(size_t index, const size_t *dims, const size_t *stride,
                                        uint32_t rank)
{
    size_t at = 0;
    for (uint32_t i = rank; i-- > 0;) {
        at += index % dims[i] * stride[i];
        index /= dims[i];
    }
    return at;
}

/* The function of a type other than float32 that check let through. Integers: sums and products
 * wrap, a mean is truncated, roots and logarithms are taken in double and truncated; float64: one
 * ascending chain. */
nnrt_tile_fn *nnrt_reduce_scalar(nnrt_dtype dtype);

#endif
