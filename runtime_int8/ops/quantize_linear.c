/* quantize_linear, dequantize_linear: every integer and small float type; scales per tensor, per
 * axis or in blocks, constant or not. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"
#include "tensor/dtype.h"
#include "tensor/half.h"
#include "tensor/small.h"

#define TILE 16384u

#define SET_INTEGERS                                                                               \
    (NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_U16) | NNRT_SET(NNRT_I16) |             \
     NNRT_SET(NNRT_U4) | NNRT_SET(NNRT_I4) | NNRT_SET(NNRT_U2) | NNRT_SET(NNRT_I2))
#define SET_GRIDS (SET_INTEGERS | NNRT_SET_FLOAT8 | NNRT_SET(NNRT_F4E2M1))

/* Where the scale of an element is: elements run as [outer, dim, inner]. */
typedef struct scale_map {
    size_t inner, dim, block, steps;
    bool single, blocked;
} scale_map;

static nnc_status check_scales(const nnrt_node_ctx *ctx, int32_t axis, uint32_t block)
{
    const uint32_t rank = ctx->in[0].shape.rank;
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32)));
    if (axis < 0 && (axis != -1 || block != 0))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %d with blocks of %u", ctx->name, axis, block);
    if (axis >= 0)
        NNC_TRY(nnrt_check_axis(ctx, axis, rank));
    return NNC_OK;
}

/* Sizes of scale and zero point against x. */
static nnc_status resolve(scale_map *map, const nnrt_node_ctx *ctx, int32_t axis, uint32_t block)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t want = 1;
    *map = (scale_map){.inner = 1, .dim = 1, .block = 1, .steps = 1, .single = true};
    /* One scale for all may come along an axis, too: its number is known only now. */
    if (axis >= 0 && (block > 0 || nnrt_shape_count(&ctx->in[1].shape) != 1)) {
        map->single = false;
        map->inner = nnrt_shape_span(x, (uint32_t)axis + 1, x->rank);
        map->dim = (size_t)x->dims[axis];
        map->blocked = block > 0;
        map->block = block > 0 ? block : 1;
        map->steps = (map->dim + map->block - 1) / map->block;
        want = map->steps;
        size_t outer = nnrt_shape_span(x, 0, (uint32_t)axis);
        if (map->blocked &&
            (!nnc_size_mul(&want, want, outer) || !nnc_size_mul(&want, want, map->inner)))
            NNC_FAIL(NNC_ERR_LIMIT, "'%s': too many scales", ctx->name);
    }
    NNC_TRY(nnrt_check_count(ctx, 1, want));
    return ctx->in_count > 2 ? nnrt_check_count(ctx, 2, want) : NNC_OK;
}

/* Index of element i's scale, and in *run how many elements from i on share it. */
static size_t scale_of(const scale_map *map, size_t i, size_t *run)
{
    if (map->single) {
        *run = SIZE_MAX;
        return 0;
    }
    size_t in = i % map->inner, along = i / map->inner % map->dim;
    if (!map->blocked) {
        *run = map->inner - in;
        return along;
    }
    size_t out = i / map->inner / map->dim, end = (along / map->block + 1) * map->block;
    *run = map->inner > 1 ? 1 : (end < map->dim ? end : map->dim) - along;
    return (out * map->steps + along / map->block) * map->inner + in;
}

/* Integers of all types as numbers; 4 and 2 bit ones are stored as such. */
static int32_t load_integer(const nnrt_tensor *t, size_t i)
{
    switch (t->dtype) {
    case NNRT_U8:
    case NNRT_U4:
    case NNRT_U2:
        return ((const uint8_t *)t->data)[i];
    case NNRT_I8:
    case NNRT_I4:
    case NNRT_I2:
        return ((const int8_t *)t->data)[i];
    case NNRT_U16:
        return ((const uint16_t *)t->data)[i];
    case NNRT_I16:
        return ((const int16_t *)t->data)[i];
    default:
        return ((const int32_t *)t->data)[i];
    }
}

static bool is_small_float(uint32_t dtype)
{
    return (NNRT_SET_FLOAT8 | NNRT_SET(NNRT_F4E2M1)) >> dtype & 1u;
}

/* ---- quantize_linear ---- */

typedef struct quantize_state {
    scale_map map;
    float lowest, highest;
} quantize_state;

static nnc_status quantize_check(const nnrt_node_ctx *ctx)
{
    const nnrt_quantize_linear_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(check_scales(ctx, p->axis, p->block));
    if (p->dtype > 31 || !(SET_GRIDS >> p->dtype & 1u) || p->saturate > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': quantizes to type %u, saturate %u", ctx->name, p->dtype,
                 p->saturate);
    if (p->precision != NNRT_F32 && p->precision != NNRT_F16 && p->precision != NNRT_BF16)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': divides in type %u", ctx->name, p->precision);
    return ctx->in_count > 2 ? nnrt_check_dtype(ctx, 2, NNRT_SET(p->dtype)) : NNC_OK;
}

static nnc_status quantize_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_quantize_linear_params *p = ctx->params;
    scale_map map;
    NNC_TRY(quantize_check(ctx)); /* the rank is known only now */
    NNC_TRY(resolve(&map, ctx, p->axis, p->block));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(quantize_state)));
    quantize_state *state = ctx->state;
    state->map = map;
    if (!is_small_float(p->dtype)) {
        bool is_signed = nnc_dtype_class_of((int)p->dtype) == NNC_DTYPE_CLASS_SINT;
        unsigned bits = nnc_dtype_bits((int)p->dtype);
        state->lowest = is_signed ? -ldexpf(1.0f, (int)bits - 1) : 0.0f;
        state->highest = ldexpf(1.0f, (int)bits - (is_signed ? 1 : 0)) - 1.0f;
    }
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

static float quotient(float x, float scale, uint32_t precision)
{
    float t = x / scale;
    if (precision == NNRT_F16)
        return nnc_f16_to_f32(nnc_f16_from_f32(t));
    return precision == NNRT_BF16 ? nnc_bf16_to_f32(nnc_bf16_from_f32(t)) : t;
}

/* Rounds half to even: behind the sum the integer stands in the low bits of the significand. Exact
 * for |t| up to 2^22; grids of 16 bits reach 2^17. */
static int32_t round_grid(float t)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23 */
    return (int32_t)((t + magic) - magic);
}

typedef struct grid_run {
    float scale, lo, hi; /* bounds minus zero */
    int32_t zero;
} grid_run;

static int32_t quantize_one(float t, const grid_run *g)
{
    t = t < g->hi ? t : g->hi;
    t = t > g->lo ? t : g->lo;
    return round_grid(t) + g->zero;
}

/* n elements with one scale. */
static void quantize_same(const nnrt_tensor *y, size_t at, const float *x, size_t n,
                          const grid_run *g, uint32_t precision)
{
    uint8_t *bytes = y->data;
    uint16_t *words = y->data;
    const bool wide = nnrt_dtype_bytes(y->dtype) == 2;
    if (precision != NNRT_F32) {
        for (size_t i = 0; i < n; i++) {
            int32_t q = quantize_one(quotient(x[i], g->scale, precision), g);
            if (wide)
                words[at + i] = (uint16_t)q;
            else
                bytes[at + i] = (uint8_t)q;
        }
    } else if (wide) {
        for (size_t i = 0; i < n; i++)
            words[at + i] = (uint16_t)quantize_one(x[i] / g->scale, g);
    } else {
        for (size_t i = 0; i < n; i++)
            bytes[at + i] = (uint8_t)quantize_one(x[i] / g->scale, g);
    }
}

static void quantize_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_quantize_linear_params *p = ctx->params;
    const quantize_state *state = ctx->state;
    const float *x = ctx->in[0].data, *scale = ctx->in[1].data;
    const bool small = is_small_float(p->dtype), has_zero = ctx->in_count > 2;
    for (size_t i = begin, end = begin + n, run; i < end; i += run) {
        size_t s = scale_of(&state->map, i, &run);
        run = run < end - i ? run : end - i;
        for (size_t k = i; small && k < i + run; k++)
            ((uint8_t *)ctx->out[0].data)[k] = nnc_small_from_float(
                (int)p->dtype, quotient(x[k], scale[s], p->precision), p->saturate != 0);
        int32_t zero = has_zero && !small ? load_integer(&ctx->in[2], s) : 0;
        const grid_run grid = {.scale = scale[s],
                               .lo = state->lowest - (float)zero,
                               .hi = state->highest - (float)zero,
                               .zero = zero};
        if (!small)
            quantize_same(&ctx->out[0], i, x + i, run, &grid, p->precision);
    }
}

static void quantize_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, quantize_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_quantize_linear = {
    .name = "quantize_linear",
    .params_bytes = sizeof(nnrt_quantize_linear_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = quantize_check,
    .reshape = quantize_reshape,
    .run = quantize_run,
};

/* ---- dequantize_linear ---- */

static nnc_status dequantize_check(const nnrt_node_ctx *ctx)
{
    const nnrt_dequantize_linear_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, SET_GRIDS | NNRT_SET(NNRT_I32)));
    NNC_TRY(check_scales(ctx, p->axis, p->block));
    return ctx->in_count > 2 ? nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)) : NNC_OK;
}

static nnc_status dequantize_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_dequantize_linear_params *p = ctx->params;
    scale_map map;
    NNC_TRY(dequantize_check(ctx));
    NNC_TRY(resolve(&map, ctx, p->axis, p->block));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(scale_map)));
    *(scale_map *)ctx->state = map;
    nnrt_set_output(ctx, NNRT_F32, &ctx->in[0].shape);
    return NNC_OK;
}

#define DEQUANTIZE(type)                                                                           \
    for (size_t i = 0; i < n; i++)                                                                 \
    y[i] = (float)(int32_t)((uint32_t)(int32_t)((const type *)x->data)[at + i] - zero) * scale

/* n elements with one scale and zero point; differences of 32-bit integers wrap like the kernels'
 * arithmetic. */
static void dequantize_same(float *y, const nnrt_tensor *x, size_t at, size_t n, float scale,
                            uint32_t zero)
{
    switch (x->dtype) {
    case NNRT_U16:
        DEQUANTIZE(uint16_t);
        break;
    case NNRT_I16:
        DEQUANTIZE(int16_t);
        break;
    case NNRT_I32:
        DEQUANTIZE(int32_t);
        break;
    case NNRT_I8:
    case NNRT_I4:
    case NNRT_I2:
        DEQUANTIZE(int8_t);
        break;
    default:
        DEQUANTIZE(uint8_t);
        break;
    }
}

static float small_at(const nnrt_tensor *t, size_t i)
{
    return (float)nnc_small_to_double((int)t->dtype, ((const uint8_t *)t->data)[i]);
}

static void dequantize_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const scale_map *map = ctx->state;
    const nnrt_tensor *x = &ctx->in[0], *zeros = ctx->in_count > 2 ? &ctx->in[2] : NULL;
    const float *scale = ctx->in[1].data;
    const bool small = is_small_float(x->dtype);
    float *y = ctx->out[0].data;
    for (size_t i = begin, end = begin + n, run; i < end; i += run) {
        size_t s = scale_of(map, i, &run);
        run = run < end - i ? run : end - i;
        float real_zero = small && zeros ? small_at(zeros, s) : 0.0f;
        for (size_t k = i; small && k < i + run; k++)
            y[k] = (small_at(x, k) - real_zero) * scale[s];
        if (!small)
            dequantize_same(y + i, x, i, run, scale[s],
                            zeros ? (uint32_t)load_integer(zeros, s) : 0);
    }
}

static void dequantize_run(const nnrt_node_ctx *ctx)
{
    nnrt_parallel_tiles(ctx->pool, dequantize_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape), TILE);
}

const nnrt_rop nnrt_rop_dequantize_linear = {
    .name = "dequantize_linear",
    .params_bytes = sizeof(nnrt_dequantize_linear_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = dequantize_check,
    .reshape = dequantize_reshape,
    .run = dequantize_run,
};
