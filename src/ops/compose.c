/* Lowering as small expressions of runtime ops. SPDX-License-Identifier: Apache-2.0 */
#include "ops/compose.h"

#include <math.h>
#include <string.h>

static nnc_status target(uint32_t *out, const nnc_compose *c, nnrt_dtype dtype, uint32_t rank)
{
    return *out == NNRT_NONE ? nnc_lower_temp(out, c->ctx, dtype, rank) : NNC_OK;
}

nnc_status nnc_compose_binary(uint32_t *out, const nnc_compose *c, nnrt_binary_op op, uint32_t a,
                              uint32_t b, uint32_t rank)
{
    bool compares = op >= NNRT_BINARY_EQUAL && op <= NNRT_BINARY_GREATER_EQUAL;
    nnrt_binary_params params = {.op = (uint32_t)op, .clamp = {-INFINITY, INFINITY}};
    const uint32_t in[2] = {a, b};
    NNC_TRY(target(out, c, compares ? NNRT_BOOL : c->dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, out, 1);
}

nnc_status nnc_compose_unary(uint32_t *out, const nnc_compose *c, nnrt_unary_op op, uint32_t x,
                             uint32_t rank)
{
    nnrt_unary_params params = {.op = (uint32_t)op};
    NNC_TRY(target(out, c, c->dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_UNARY, &params, sizeof params, &x, 1, out, 1);
}

nnc_status nnc_compose_reduce(uint32_t *out, const nnc_compose *c, nnrt_reduce_op op, uint32_t x,
                              uint32_t rank, uint32_t mask)
{
    nnrt_reduce_params params = {.op = (uint32_t)op, .mask = mask, .keepdims = 1};
    NNC_TRY(target(out, c, c->dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_REDUCE, &params, sizeof params, &x, 1, out, 1);
}

nnc_status nnc_compose_scalar(uint32_t *out, const nnc_compose *c, double value)
{
    const float f = (float)value;
    int64_t none[1] = {0};
    return c->dtype == NNRT_F64
               ? nnc_lower_const(out, c->ctx, NNRT_F64, 0, none, &value, sizeof value)
               : nnc_lower_const(out, c->ctx, NNRT_F32, 0, none, &f, sizeof f);
}

nnc_status nnc_compose_spread(uint32_t *out, const nnc_compose *c, uint32_t x, uint32_t rank,
                              uint32_t axis)
{
    nnrt_axes_params params = {.mask = ((1u << rank) - 1) & ~(1u << axis)};
    if (rank == 1) {
        *out = x;
        return NNC_OK;
    }
    NNC_TRY(target(out, c, c->dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_UNSQUEEZE, &params, sizeof params, &x, 1, out, 1);
}

static nnc_status reshape_to(uint32_t *out, const nnc_compose *c, uint32_t x, uint32_t shape,
                             uint32_t rank, bool allow_zero)
{
    nnrt_reshape_params params = {.allow_zero = allow_zero};
    const uint32_t in[2] = {x, shape};
    NNC_TRY(target(out, c, c->dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_RESHAPE, &params, sizeof params, in, 2, out, 1);
}

nnc_status nnc_compose_view(uint32_t *out, const nnc_compose *c, uint32_t x, const int64_t *dims,
                            uint32_t rank)
{
    uint32_t shape;
    NNC_TRY(nnc_lower_const_i64(&shape, c->ctx, dims, rank));
    return reshape_to(out, c, x, shape, rank, false);
}

nnc_status nnc_compose_view_like(uint32_t *out, const nnc_compose *c, uint32_t x, uint32_t like,
                                 uint32_t rank)
{
    nnrt_shape_params params = {.start = 0, .end = (int32_t)rank};
    uint32_t shape;
    NNC_TRY(nnc_lower_temp(&shape, c->ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(c->ctx, NNRT_ROP_ID_SHAPE, &params, sizeof params, &like, 1, &shape, 1));
    return reshape_to(out, c, x, shape, rank, true);
}

nnc_status nnc_compose_transpose(uint32_t *out, const nnc_compose *c, uint32_t x,
                                 const uint32_t *perm, uint32_t rank)
{
    nnrt_transpose_params params = {.rank = rank};
    memcpy(params.perm, perm, rank * sizeof *perm);
    NNC_TRY(target(out, c, c->dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_TRANSPOSE, &params, sizeof params, &x, 1, out, 1);
}

nnc_status nnc_compose_cast(uint32_t *out, const nnc_compose *c, uint32_t x, nnrt_dtype dtype,
                            uint32_t rank)
{
    nnrt_cast_params params = {.dtype = (uint32_t)dtype};
    NNC_TRY(target(out, c, dtype, rank));
    return nnc_lower_emit(c->ctx, NNRT_ROP_ID_CAST, &params, sizeof params, &x, 1, out, 1);
}

nnc_status nnc_compose_moments(uint32_t *centred, uint32_t *mean, uint32_t *variance,
                               const nnc_compose *c, uint32_t x, uint32_t rank, uint32_t mask)
{
    uint32_t square = NNRT_NONE;
    NNC_TRY(nnc_compose_reduce(mean, c, NNRT_REDUCE_MEAN, x, rank, mask));
    NNC_TRY(nnc_compose_binary(centred, c, NNRT_BINARY_SUB, x, *mean, rank));
    NNC_TRY(nnc_compose_binary(&square, c, NNRT_BINARY_MUL, *centred, *centred, rank));
    return nnc_compose_reduce(variance, c, NNRT_REDUCE_MEAN, square, rank, mask);
}

nnc_status nnc_compose_rsqrt(uint32_t *out, const nnc_compose *c, uint32_t x, double epsilon,
                             uint32_t rank)
{
    uint32_t e, sum = NNRT_NONE, root = NNRT_NONE;
    NNC_TRY(nnc_compose_scalar(&e, c, epsilon));
    NNC_TRY(nnc_compose_binary(&sum, c, NNRT_BINARY_ADD, x, e, rank));
    NNC_TRY(nnc_compose_unary(&root, c, NNRT_UNARY_SQRT, sum, rank));
    return nnc_compose_unary(out, c, NNRT_UNARY_RECIPROCAL, root, rank);
}
