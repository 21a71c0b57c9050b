/* Small helpers of the runtime ops: sizes, checks, broadcasting. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/ops/util.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tensor/dtype.h"

size_t nnrt_dtype_bytes(uint32_t dtype)
{
    if (dtype > 31 || !(NNRT_SET_ANY >> dtype & 1u))
        return 0;
    return nnc_dtype_bits((int)dtype) < 8 ? 1 : nnc_dtype_bits((int)dtype) / 8;
}

const char *nnrt_dtype_name(uint32_t dtype)
{
    return nnc_dtype_name((int)dtype);
}

size_t nnrt_shape_span(const nnrt_shape *shape, uint32_t from, uint32_t to)
{
    size_t n = 1;
    for (uint32_t i = from; i < to; i++)
        n *= (size_t)shape->dims[i];
    return n;
}

size_t nnrt_shape_count(const nnrt_shape *shape)
{
    return nnrt_shape_span(shape, 0, shape->rank);
}

bool nnrt_shape_same(const nnrt_shape *a, const nnrt_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (uint32_t i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i])
            return false;
    }
    return true;
}

nnc_status nnrt_check_dtype(const nnrt_node_ctx *ctx, uint32_t i, uint32_t set)
{
    uint32_t dtype = ctx->in[i].dtype;
    if (dtype > 31 || !(set >> dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is %s, which this operator does not take",
                 ctx->name, i, nnrt_dtype_name(dtype));
    return NNC_OK;
}

nnc_status nnrt_check_rank(const nnrt_node_ctx *ctx, uint32_t i, uint32_t rank)
{
    if (ctx->in[i].shape.rank != rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u has rank %u, expected %u", ctx->name, i,
                 ctx->in[i].shape.rank, rank);
    return NNC_OK;
}

nnc_status nnrt_check_axis(const nnrt_node_ctx *ctx, int32_t axis, uint32_t rank)
{
    if (axis < 0 || (uint32_t)axis >= rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %d outside rank %u", ctx->name, axis, rank);
    return NNC_OK;
}

nnc_status nnrt_check_count(const nnrt_node_ctx *ctx, uint32_t i, size_t count)
{
    const nnrt_shape *shape = &ctx->in[i].shape;
    size_t n = 1;
    for (uint32_t d = 0; d < shape->rank; d++) {
        if (shape->dims[d] < 0)
            return NNC_OK;
        n *= (size_t)shape->dims[d];
    }
    if (n != count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u has %zu elements, expected %zu", ctx->name, i, n,
                 count);
    return NNC_OK;
}

nnc_status nnrt_check_clamp(const nnrt_node_ctx *ctx, float lo, float hi)
{
    if (!(lo <= hi))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': clamp from %g to %g", ctx->name, (double)lo, (double)hi);
    return NNC_OK;
}

nnc_status nnrt_check_grid(const nnrt_node_ctx *ctx, float lo, float hi, int32_t zero_point)
{
    if (zero_point < 0 || zero_point > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d, expected 0..255", ctx->name, zero_point);
    if (!(lo <= hi) || !(lo >= (float)-zero_point) || !(hi <= (float)(255 - zero_point)))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': bounds %g..%g with zero point %d leave 0..255", ctx->name,
                 (double)lo, (double)hi, zero_point);
    return NNC_OK;
}

nnc_status nnrt_check_scale(const nnrt_node_ctx *ctx, float scale)
{
    if (!isfinite(scale) || scale == 0.0f)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': scale %g, expected finite and not zero", ctx->name,
                 (double)scale);
    return NNC_OK;
}

nnc_status nnrt_check_shape(const nnrt_node_ctx *ctx, const nnrt_shape *shape, nnrt_dtype dtype)
{
    size_t bytes = nnrt_dtype_bytes(dtype);
    for (uint32_t i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dims[i];
        /* A zero dim does not excuse the others: strides are products of them. */
        if (dim < 0 || dim > INT32_MAX ||
            !nnc_size_mul(&bytes, bytes, dim == 0 ? 1 : (size_t)dim) || bytes > PTRDIFF_MAX / 4) {
            char text[NNRT_SHAPE_TEXT];
            NNC_FAIL(NNC_ERR_LIMIT, "'%s': tensor %s is too large", ctx->name,
                     nnrt_shape_text(text, shape));
        }
    }
    return NNC_OK;
}

void nnrt_set_output(nnrt_node_ctx *ctx, nnrt_dtype dtype, const nnrt_shape *shape)
{
    ctx->out[0].dtype = dtype;
    ctx->out[0].shape = *shape;
}

void nnrt_set_output_like(nnrt_node_ctx *ctx, uint32_t i)
{
    nnrt_set_output(ctx, ctx->in[i].dtype, &ctx->in[i].shape);
}

char *nnrt_shape_text(char *buf, const nnrt_shape *shape)
{
    size_t at = 0;
    buf[at++] = '[';
    for (uint32_t i = 0; i < shape->rank && i < NNRT_RANK_MAX; i++)
        at += (size_t)snprintf(buf + at, NNRT_SHAPE_TEXT - at, i ? ",%lld" : "%lld",
                               (long long)shape->dims[i]);
    buf[at++] = ']';
    buf[at] = '\0';
    return buf;
}

nnc_status nnrt_broadcast(nnrt_shape *out, const nnrt_node_ctx *ctx, const nnrt_shape *a,
                          const nnrt_shape *b)
{
    nnrt_shape y = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (uint32_t i = 0; i < y.rank; i++) {
        int64_t da = i + a->rank >= y.rank ? a->dims[i + a->rank - y.rank] : 1;
        int64_t db = i + b->rank >= y.rank ? b->dims[i + b->rank - y.rank] : 1;
        if (da != db && da != 1 && db != 1) {
            char ta[NNRT_SHAPE_TEXT], tb[NNRT_SHAPE_TEXT];
            NNC_FAIL(NNC_ERR_MODEL, "'%s': shapes %s and %s do not broadcast", ctx->name,
                     nnrt_shape_text(ta, a), nnrt_shape_text(tb, b));
        }
        y.dims[i] = da == 1 ? db : da;
    }
    *out = y;
    return NNC_OK;
}

uint64_t nnrt_value_bits(nnrt_dtype dtype, float value)
{
    uint64_t bits = 0;
    if (dtype == NNRT_F32) {
        memcpy(&bits, &value, sizeof value);
        return bits;
    }
    float lo = dtype == NNRT_U8 || dtype == NNRT_BOOL
                   ? 0.0f
                   : (dtype == NNRT_I8 ? -128.0f : -2147483648.0f);
    float hi = dtype == NNRT_U8
                   ? 255.0f
                   : (dtype == NNRT_BOOL ? 1.0f : (dtype == NNRT_I8 ? 127.0f : 2147483520.0f));
    float v = value > lo ? value : lo;
    v = v < hi ? v : hi;
    return (uint64_t)(int64_t)lrintf(v);
}

nnc_status nnrt_host_i64(const int64_t **data, size_t *count, const nnrt_node_ctx *ctx, uint32_t i)
{
    if (ctx->in[i].dtype != NNRT_I64 || ctx->in[i].data == NULL)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is %s, expected known int64", ctx->name, i,
                 nnrt_dtype_name(ctx->in[i].dtype));
    *data = ctx->in[i].data;
    *count = nnrt_shape_count(&ctx->in[i].shape);
    return NNC_OK;
}

nnc_status nnrt_host_shape(nnrt_shape *out, const nnrt_node_ctx *ctx, uint32_t i)
{
    const int64_t *dims;
    size_t rank;
    NNC_TRY(nnrt_host_i64(&dims, &rank, ctx, i));
    if (rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %zu, at most %d", ctx->name, rank, NNRT_RANK_MAX);
    *out = (nnrt_shape){.rank = (uint32_t)rank};
    for (uint32_t d = 0; d < out->rank; d++) {
        out->dims[d] = dims[d];
        if (dims[d] < 0 || dims[d] > INT32_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u is %lld", ctx->name, d, (long long)dims[d]);
    }
    return NNC_OK;
}

/* Element strides of an operand against the output's dims: 0 where it is broadcast. */
static void operand_strides(size_t *stride, const nnrt_shape *out, const nnrt_shape *x)
{
    size_t step = 1;
    for (uint32_t k = 0; k < out->rank; k++) {
        uint32_t i = out->rank - 1 - k;
        int64_t dim = k < x->rank ? x->dims[x->rank - 1 - k] : 1;
        stride[i] = dim == 1 ? 0 : step;
        step *= (size_t)dim;
    }
}

void nnrt_walk_init(nnrt_walk *walk, const nnrt_shape *out, const nnrt_tensor *in,
                    uint32_t operands)
{
    size_t stride[3][NNRT_RANK_MAX] = {{0}};
    for (uint32_t k = 0; k < operands; k++)
        operand_strides(stride[k], out, &in[k].shape);
    *walk = (nnrt_walk){.operands = operands, .count = nnrt_shape_count(out)};
    for (uint32_t i = 0; i < out->rank; i++) {
        size_t dim = (size_t)out->dims[i];
        if (dim == 1)
            continue;
        uint32_t r = walk->rank;
        bool merge = r > 0;
        for (uint32_t k = 0; k < operands && merge; k++)
            merge = walk->stride[k][r - 1] == stride[k][i] * dim;
        if (merge) {
            walk->dims[r - 1] *= dim;
        } else {
            walk->dims[r] = dim;
            walk->rank = ++r;
        }
        for (uint32_t k = 0; k < operands; k++)
            walk->stride[k][r - 1] = stride[k][i];
    }
    if (walk->rank == 0) {
        walk->rank = 1;
        walk->dims[0] = 1;
    }
}

void nnrt_walk_range(const nnrt_walk *walk, size_t begin, size_t count, nnrt_walk_fn *fn,
                     void *user)
{
    if (count == 0)
        return;
    uint32_t last = walk->rank - 1;
    size_t index[NNRT_RANK_MAX];
    size_t rest = begin;
    for (uint32_t i = walk->rank; i-- > 0;) {
        index[i] = rest % walk->dims[i];
        rest /= walk->dims[i];
    }
    size_t step[3] = {walk->stride[0][last], walk->stride[1][last], walk->stride[2][last]};
    size_t y = begin, end = begin + count;
    while (y < end) {
        size_t n = walk->dims[last] - index[last];
        if (n > end - y)
            n = end - y;
        size_t offset[3] = {0, 0, 0};
        for (uint32_t k = 0; k < walk->operands; k++) {
            for (uint32_t i = 0; i < walk->rank; i++)
                offset[k] += index[i] * walk->stride[k][i];
        }
        fn(user, y, n, offset, step);
        y += n;
        index[last] = 0;
        for (uint32_t i = last; i-- > 0;) {
            if (++index[i] < walk->dims[i])
                break;
            index[i] = 0;
        }
    }
}
