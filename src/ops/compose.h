/* Lowering as small expressions of runtime ops on values of one type. SPDX-License-Identifier:
 * Apache-2.0 Every function makes a temporary, unless *out already names a runtime value (then that
 * is written). */
#ifndef NNC_OPS_COMPOSE_H
#define NNC_OPS_COMPOSE_H

#include "ops/lower.h"

typedef struct nnc_compose {
    nnc_lower_ctx *ctx;
    nnrt_dtype dtype;
} nnc_compose;

/* op(a, b), numpy broadcasting; rank: of the result. Comparisons give bool. */
nnc_status nnc_compose_binary(uint32_t *out, const nnc_compose *c, nnrt_binary_op op, uint32_t a,
                              uint32_t b, uint32_t rank);
nnc_status nnc_compose_unary(uint32_t *out, const nnc_compose *c, nnrt_unary_op op, uint32_t x,
                             uint32_t rank);
/* Over the axes in mask, which stay as dims of 1. */
nnc_status nnc_compose_reduce(uint32_t *out, const nnc_compose *c, nnrt_reduce_op op, uint32_t x,
                              uint32_t rank, uint32_t mask);
/* A constant of one element and rank 0. */
nnc_status nnc_compose_scalar(uint32_t *out, const nnc_compose *c, double value);
/* x [d0] as [1,..,d0,..,1] of `rank` dims with d0 at `axis`. */
nnc_status nnc_compose_spread(uint32_t *out, const nnc_compose *c, uint32_t x, uint32_t rank,
                              uint32_t axis);
/* The bytes of x in the shape of a constant list: 0 keeps a dim, -1 is what remains. */
nnc_status nnc_compose_view(uint32_t *out, const nnc_compose *c, uint32_t x, const int64_t *dims,
                            uint32_t rank);
/* The bytes of x in the shape that `like` (of rank `rank`) has at run time. */
nnc_status nnc_compose_view_like(uint32_t *out, const nnc_compose *c, uint32_t x, uint32_t like,
                                 uint32_t rank);
nnc_status nnc_compose_transpose(uint32_t *out, const nnc_compose *c, uint32_t x,
                                 const uint32_t *perm, uint32_t rank);
/* x as another type. */
nnc_status nnc_compose_cast(uint32_t *out, const nnc_compose *c, uint32_t x, nnrt_dtype dtype,
                            uint32_t rank);
/* x minus its mean over mask, and the mean of the squares of that. */
nnc_status nnc_compose_moments(uint32_t *centred, uint32_t *mean, uint32_t *variance,
                               const nnc_compose *c, uint32_t x, uint32_t rank, uint32_t mask);
/* 1 / sqrt(x + epsilon). */
nnc_status nnc_compose_rsqrt(uint32_t *out, const nnc_compose *c, uint32_t x, double epsilon,
                             uint32_t rank);

#endif
