/* cast: conversion between all element types. SPDX-License-Identifier: Apache-2.0
 * Floats to integers truncate and saturate, NaN gives 0; integers to narrower ones wrap; anything
 * non-zero is true. */
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

#define TILE 16384u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_WIDE >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': cast to type %u", ctx->name, p->dtype);
    return nnrt_check_dtype(ctx, 0, NNRT_SET_ANY);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

static void convert_chunk(const nnrt_tensor *x, const nnrt_tensor *y, size_t at, size_t n)
{
    double real[NNRT_CHUNK];
    int64_t whole[NNRT_CHUNK];
    bool from_int = nnrt_wide_of(x->dtype) == NNRT_WIDE_INT, to_int = nnrt_wide_of(y->dtype) == NNRT_WIDE_INT;
    if (from_int && to_int) {
        nnrt_load_ints(whole, x->data, x->dtype, at, 1, n);
        nnrt_store_ints(y->data, y->dtype, at, whole, n);
        return;
    }
    nnrt_load_doubles(real, x->data, x->dtype, at, 1, n);
    if (!to_int) {
        nnrt_store_doubles(y->data, y->dtype, at, real, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        whole[i] = nnrt_double_to_int(real[i], y->dtype);
    nnrt_store_ints(y->data, y->dtype, at, whole, n);
}

static void run_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_tensor *x = &ctx->in[0], *y = &ctx->out[0];
    size_t size = nnrt_dtype_bytes(x->dtype);
    if (x->dtype == y->dtype) {
        memcpy((uint8_t *)y->data + begin * size, (const uint8_t *)x->data + begin * size,
               count * size);
        return;
    }
    for (size_t i = 0; i < count; i += NNRT_CHUNK)
        convert_chunk(x, y, begin + i, count - i < NNRT_CHUNK ? count - i : NNRT_CHUNK);
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_cast = {
    .name = "cast",
    .params_bytes = sizeof(nnrt_cast_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
