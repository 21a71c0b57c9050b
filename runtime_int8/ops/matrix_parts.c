/* eye, trilu, bitcast: diagonals, triangles, and the same bytes under another type. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

#define TILE_BYTES 65536u

/* The bits of 1 in a type; types of up to 8 bytes. */
static uint64_t one_bits(nnrt_dtype dtype)
{
    const double real = 1.0;
    const int64_t whole = 1;
    uint64_t bits = 0;
    if (nnrt_wide_of(dtype) == NNRT_WIDE_INT)
        nnrt_store_ints(&bits, dtype, 0, &whole, 1);
    else
        nnrt_store_doubles(&bits, dtype, 0, &real, 1);
    return bits;
}

static nnc_status eye_check(const nnrt_node_ctx *ctx)
{
    const nnrt_eye_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_WIDE >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': a diagonal of type %u", ctx->name, p->dtype);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    return nnrt_check_rank(ctx, 0, 2);
}

static nnc_status eye_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_eye_params *p = ctx->params;
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

static void eye_run(const nnrt_node_ctx *ctx)
{
    const nnrt_eye_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->out[0].shape;
    size_t size = nnrt_dtype_bytes(p->dtype);
    uint64_t one = one_bits((nnrt_dtype)p->dtype);
    memset(ctx->out[0].data, 0, nnrt_shape_count(shape) * size);
    for (int64_t row = 0; row < shape->dims[0]; row++) {
        int64_t column = row + p->k; /* both below 2^31 in size */
        if (column >= 0 && column < shape->dims[1])
            memcpy((uint8_t *)ctx->out[0].data + (size_t)(row * shape->dims[1] + column) * size, &one, size);
    }
}

const nnrt_rop nnrt_rop_eye = {
    .name = "eye",
    .params_bytes = sizeof(nnrt_eye_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = eye_check,
    .reshape = eye_reshape,
    .run = eye_run,
};

static nnc_status trilu_check(const nnrt_node_ctx *ctx)
{
    const nnrt_trilu_params *p = ctx->params;
    if (p->upper > 1 || p->reserved != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': upper %u, expected 0 or 1", ctx->name, p->upper);
    if (ctx->in[0].shape.rank < 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input 0 has rank %u, expected 2 or more", ctx->name, ctx->in[0].shape.rank);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    return ctx->in_count == 2 ? nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)) : NNC_OK;
}

static nnc_status trilu_reshape(nnrt_node_ctx *ctx)
{
    nnrt_set_output_like(ctx, 0);
    return ctx->in_count == 2 ? nnrt_check_count(ctx, 1, 1) : NNC_OK;
}

/* Rows of all matrices. */
static void trilu_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_trilu_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->out[0].shape;
    int64_t height = shape->dims[shape->rank - 2], width = shape->dims[shape->rank - 1];
    int64_t k = ctx->in_count == 2 ? ((const int64_t *)ctx->in[1].data)[0] : 0;
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype);
    k = k > INT32_MAX ? INT32_MAX : (k < -(int64_t)INT32_MAX - 1 ? -(int64_t)INT32_MAX - 1 : k);
    for (size_t r = begin; r < begin + count; r++) {
        int64_t edge = (int64_t)(r % (size_t)height) + k + (p->upper ? 0 : 1); /* first column kept, or the first cleared */
        edge = edge < 0 ? 0 : (edge > width ? width : edge);
        uint8_t *y = (uint8_t *)ctx->out[0].data + r * (size_t)width * size;
        const uint8_t *x = (const uint8_t *)ctx->in[0].data + r * (size_t)width * size;
        size_t cut = (size_t)edge * size, end = (size_t)width * size;
        if (y != x)
            memcpy(y + (p->upper ? cut : 0), x + (p->upper ? cut : 0), p->upper ? end - cut : cut);
        memset(y + (p->upper ? 0 : cut), 0, p->upper ? cut : end - cut);
    }
}

static void trilu_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *shape = &ctx->out[0].shape;
    size_t row = (size_t)shape->dims[shape->rank - 1] * nnrt_dtype_bytes(ctx->in[0].dtype);
    nnrt_parallel_tiles(ctx->pool, trilu_tile, (void *)(uintptr_t)ctx, nnrt_shape_span(shape, 0, shape->rank - 1),
                        1 + TILE_BYTES / (row + 1));
}

const nnrt_rop nnrt_rop_trilu = {
    .name = "trilu",
    .params_bytes = sizeof(nnrt_trilu_params),
    .min_in = 1,
    .max_in = 2,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE,
    .check = trilu_check,
    .reshape = trilu_reshape,
    .run = trilu_run,
};

static nnc_status bitcast_check(const nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_ANY >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': type %u", ctx->name, p->dtype);
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_ANY));
    if (nnrt_dtype_bytes(p->dtype) != nnrt_dtype_bytes(ctx->in[0].dtype))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the bits of %s as %s", ctx->name, nnrt_dtype_name(ctx->in[0].dtype),
                 nnrt_dtype_name(p->dtype));
    return NNC_OK;
}

static nnc_status bitcast_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

/* Byte by byte where a type of less than 8 bits or bool has bytes that may not occur. */
static void bitcast_run(const nnrt_node_ctx *ctx)
{
    size_t n = nnrt_shape_count(&ctx->out[0].shape);
    nnrt_dtype from = ctx->in[0].dtype, to = ctx->out[0].dtype;
    int64_t v[NNRT_CHUNK];
    if (nnrt_wide_of(to) != NNRT_WIDE_INT || nnrt_dtype_bytes(to) != 1 || nnrt_wide_of(from) != NNRT_WIDE_INT) {
        memcpy(ctx->out[0].data, ctx->in[0].data, n * nnrt_dtype_bytes(to));
        return;
    }
    for (size_t at = 0; at < n; at += NNRT_CHUNK) {
        size_t m = n - at < NNRT_CHUNK ? n - at : NNRT_CHUNK;
        nnrt_load_ints(v, ctx->in[0].data, from, at, 1, m);
        for (size_t i = 0; i < m; i++)
            v[i] = nnrt_int_wrap(v[i], to);
        nnrt_store_ints(ctx->out[0].data, to, at, v, m);
    }
}

const nnrt_rop nnrt_rop_bitcast = {
    .name = "bitcast",
    .params_bytes = sizeof(nnrt_cast_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = bitcast_check,
    .reshape = bitcast_reshape,
    .run = bitcast_run,
};
