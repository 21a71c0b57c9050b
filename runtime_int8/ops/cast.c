/* cast: conversion between all element types. SPDX-License-Identifier: Apache-2.0
 * Floats to integers truncate and saturate, NaN gives 0; integers to narrower ones wrap; anything
 * non-zero is true. */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "tensor/half.h"

#define TILE 16384u
#define CHUNK 256u

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_WIDE >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': cast to type %u", ctx->name, p->dtype);
    return nnrt_check_dtype(ctx, 0, NNRT_SET_WIDE);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

static bool is_float(nnrt_dtype dtype)
{
    return dtype == NNRT_F32 || dtype == NNRT_F64 || dtype == NNRT_F16 || dtype == NNRT_BF16;
}

static void load_floats(double *out, const void *x, nnrt_dtype dtype, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (dtype == NNRT_F32)
            out[i] = (double)((const float *)x)[at + i];
        else if (dtype == NNRT_F64)
            out[i] = ((const double *)x)[at + i];
        else if (dtype == NNRT_F16)
            out[i] = (double)nnc_f16_to_f32(((const uint16_t *)x)[at + i]);
        else
            out[i] = (double)nnc_bf16_to_f32(((const uint16_t *)x)[at + i]);
    }
}

/* u64 keeps its bits; `big` tells that they are unsigned. */
static void load_integers(int64_t *out, const void *x, nnrt_dtype dtype, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (dtype) {
        case NNRT_I8:
            out[i] = ((const int8_t *)x)[at + i];
            break;
        case NNRT_U8:
            out[i] = ((const uint8_t *)x)[at + i];
            break;
        case NNRT_BOOL:
            out[i] = ((const uint8_t *)x)[at + i] != 0;
            break;
        case NNRT_I16:
            out[i] = ((const int16_t *)x)[at + i];
            break;
        case NNRT_U16:
            out[i] = ((const uint16_t *)x)[at + i];
            break;
        case NNRT_I32:
            out[i] = ((const int32_t *)x)[at + i];
            break;
        case NNRT_U32:
            out[i] = ((const uint32_t *)x)[at + i];
            break;
        default: /* I64, U64 */
            out[i] = ((const int64_t *)x)[at + i];
            break;
        }
    }
}

static void store_integers(void *y, nnrt_dtype dtype, size_t at, const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = (uint64_t)v[i];
        switch (nnrt_dtype_bytes(dtype)) {
        case 1:
            ((uint8_t *)y)[at + i] = dtype == NNRT_BOOL ? v[i] != 0 : (uint8_t)bits;
            break;
        case 2:
            ((uint16_t *)y)[at + i] = (uint16_t)bits;
            break;
        case 4:
            ((uint32_t *)y)[at + i] = (uint32_t)bits;
            break;
        default:
            ((uint64_t *)y)[at + i] = bits;
            break;
        }
    }
}

static void store_floats(void *y, nnrt_dtype dtype, size_t at, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (dtype == NNRT_F32)
            ((float *)y)[at + i] = (float)v[i];
        else if (dtype == NNRT_F64)
            ((double *)y)[at + i] = v[i];
        else if (dtype == NNRT_F16)
            ((uint16_t *)y)[at + i] = nnc_f16_from_f32((float)v[i]);
        else
            ((uint16_t *)y)[at + i] = nnc_bf16_from_f32((float)v[i]);
    }
}

/* Truncation towards zero into the type's range, as its bits. */
static int64_t to_integer(double v, nnrt_dtype dtype)
{
    static const struct {
        double lo, hi;
    } range[] = {[NNRT_I8] = {-128, 127},
                 [NNRT_U8] = {0, 255},
                 [NNRT_I16] = {-32768, 32767},
                 [NNRT_U16] = {0, 65535},
                 [NNRT_I32] = {-2147483648.0, 2147483647.0},
                 [NNRT_U32] = {0, 4294967295.0}};
    if (dtype == NNRT_BOOL)
        return v != 0.0;
    if (v != v)
        return 0;
    if (dtype == NNRT_I64)
        return v >= 9223372036854775808.0 ? INT64_MAX
                                          : (v < -9223372036854775808.0 ? INT64_MIN : (int64_t)v);
    if (dtype == NNRT_U64)
        return v >= 18446744073709551616.0 ? (int64_t)UINT64_MAX
                                           : (v <= 0.0 ? 0 : (int64_t)(uint64_t)v);
    v = trunc(v);
    v = v < range[dtype].lo ? range[dtype].lo : v;
    return (int64_t)(v > range[dtype].hi ? range[dtype].hi : v);
}

static void convert_chunk(const nnrt_tensor *x, const nnrt_tensor *y, size_t at, size_t n)
{
    double real[CHUNK];
    int64_t whole[CHUNK];
    if (is_float(x->dtype)) {
        load_floats(real, x->data, x->dtype, at, n);
        if (is_float(y->dtype)) {
            store_floats(y->data, y->dtype, at, real, n);
            return;
        }
        for (size_t i = 0; i < n; i++)
            whole[i] = to_integer(real[i], y->dtype);
        store_integers(y->data, y->dtype, at, whole, n);
        return;
    }
    load_integers(whole, x->data, x->dtype, at, n);
    if (!is_float(y->dtype)) {
        store_integers(y->data, y->dtype, at, whole, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        real[i] = x->dtype == NNRT_U64 ? (double)(uint64_t)whole[i] : (double)whole[i];
    store_floats(y->data, y->dtype, at, real, n);
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
    for (size_t i = 0; i < count; i += CHUNK)
        convert_chunk(x, y, begin + i, count - i < CHUNK ? count - i : CHUNK);
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
