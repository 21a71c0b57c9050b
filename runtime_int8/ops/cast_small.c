/* cast_small: to float8, float4 and integers of 4 and 2 bits, one element per byte. SPDX-License-Identifier: Apache-2.0
 * Floats to integers truncate, out of range they give 0, as ONNX's own tests have it; integers to narrower ones keep their low
 * bits. float4 has no NaN: one becomes -0. */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"
#include "tensor/small.h"

#define TILE 8192u
#define E8M0_NAN 0xffu

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_cast_small_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_SMALL >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': cast to type %u", ctx->name, p->dtype);
    if (p->saturate > 1 || p->round_mode > 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': saturate %u, round mode %u, expected up to 1 and 2", ctx->name, p->saturate,
                 p->round_mode);
    return nnrt_check_dtype(ctx, 0, NNRT_SET_ANY);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_cast_small_params *p = ctx->params;
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

/* The power of two 2^(bits - 127); no sign, no zero. */
static uint8_t to_e8m0(double v, const nnrt_cast_small_params *p)
{
    int exponent;
    double magnitude = fabs(v);
    if (v != v)
        return E8M0_NAN;
    if (magnitude == (double)INFINITY || magnitude == 0.0)
        return magnitude == 0.0 ? (p->saturate ? 0 : E8M0_NAN) : (p->saturate ? 0xfe : E8M0_NAN);
    double fraction = frexp(magnitude, &exponent) * 2.0; /* [1, 2) */
    exponent += 126;
    if (p->round_mode == 0 ? fraction > 1.0 : p->round_mode == 2 && fraction >= 1.5)
        exponent++;
    if (exponent > 0xfe)
        return p->saturate ? 0xfe : E8M0_NAN;
    if (exponent < 0)
        return p->saturate ? 0 : E8M0_NAN;
    return (uint8_t)exponent;
}

static uint8_t from_double(double v, const nnrt_cast_small_params *p)
{
    if (p->dtype == NNRT_F8E8M0)
        return to_e8m0(v, p);
    if (p->dtype == NNRT_F4E2M1 && v != v)
        return 0x8;
    if (nnc_small_is_float((int)p->dtype))
        return nnc_small_from_float((int)p->dtype, (float)v, p->saturate != 0);
    v = trunc(v);
    bool fits = v >= (double)nnrt_int_min((nnrt_dtype)p->dtype) && v <= (double)nnrt_int_max((nnrt_dtype)p->dtype);
    return fits ? (uint8_t)(int8_t)v : 0;
}

static void run_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_cast_small_params *p = ctx->params;
    const nnrt_tensor *x = &ctx->in[0];
    uint8_t *y = (uint8_t *)ctx->out[0].data;
    double real[NNRT_CHUNK];
    int64_t whole[NNRT_CHUNK];
    bool integers = nnrt_wide_of(x->dtype) == NNRT_WIDE_INT && nnrt_wide_of((nnrt_dtype)p->dtype) == NNRT_WIDE_INT;
    for (size_t at = begin; at < begin + count; at += NNRT_CHUNK) {
        size_t n = begin + count - at < NNRT_CHUNK ? begin + count - at : NNRT_CHUNK;
        if (integers)
            nnrt_load_ints(whole, x->data, x->dtype, at, 1, n);
        else
            nnrt_load_doubles(real, x->data, x->dtype, at, 1, n);
        for (size_t i = 0; i < n; i++)
            y[at + i] = integers ? (uint8_t)nnrt_int_wrap(whole[i], (nnrt_dtype)p->dtype) : from_double(real[i], p);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, run_tile, (void *)(uintptr_t)ctx, nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_cast_small = {
    .name = "cast_small",
    .params_bytes = sizeof(nnrt_cast_small_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
