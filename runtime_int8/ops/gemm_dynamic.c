/* gemm_dynamic: u8 rows on a grid known at run time, times constant s8 weights, to float.
 * SPDX-License-Identifier: Apache-2.0 The gemm_q8 kernels do the products; start values and
 * multipliers are made per run from the grid. */
#include <math.h>

#include "base/mem.h"
#include "runtime_int8/ops/product_q8.h"
#include "runtime_int8/ops/util.h"

#define GEMM_MAX (1u << 24)
#define TILE_ELEMENTS 32768u

enum { X, SX, ZX, W, SUM, SW, BIAS };

typedef struct gemm_state {
    nnrt_product_q8 product;
    nnrt_q8_epilogue epilogue;
    size_t channels; /* rounded up to 16 */
} gemm_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_dynamic_params *p = ctx->params;
    if (p->k < 1 || p->k > GEMM_MAX || p->n < 1 || p->n > GEMM_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': K %u and N %u, expected 1..%u", ctx->name, p->k, p->n,
                 GEMM_MAX);
    const size_t channels = ((size_t)p->n + 15) / 16 * 16;
    if (p->has_bias > 1 || ctx->in_count != 6 + p->has_bias)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with bias flag %u", ctx->name, ctx->in_count,
                 p->has_bias);
    if (p->zw < -255 || p->zw > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d of the weight, expected -255..255", ctx->name,
                 p->zw);
    NNC_TRY(nnrt_check_dtype(ctx, X, NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_dtype(ctx, SX, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, ZX, NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_dtype(ctx, W, NNRT_SET(NNRT_I8)));
    NNC_TRY(nnrt_check_dtype(ctx, SUM, NNRT_SET(NNRT_I32)));
    NNC_TRY(nnrt_check_dtype(ctx, SW, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_count(ctx, SX, 1));
    NNC_TRY(nnrt_check_count(ctx, ZX, 1));
    NNC_TRY(nnrt_check_count(ctx, W, channels * (((size_t)p->k + 3) / 4 * 4)));
    NNC_TRY(nnrt_check_count(ctx, SUM, channels));
    NNC_TRY(nnrt_check_count(ctx, SW, channels));
    if (p->has_bias) {
        NNC_TRY(nnrt_check_dtype(ctx, BIAS, NNRT_SET(NNRT_F32)));
        NNC_TRY(nnrt_check_count(ctx, BIAS, channels));
    }
    return nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_gemm_dynamic_params *p = ctx->params;
    nnrt_shape shape = ctx->in[X].shape;
    NNC_TRY(check(ctx)); /* inputs that are no constants have sizes only now */
    if (shape.rank < 1 || shape.dims[shape.rank - 1] != (int64_t)p->k) {
        char text[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input is %s, expected a last dim of %u", ctx->name,
                 nnrt_shape_text(text, &shape), p->k);
    }
    shape.dims[shape.rank - 1] = p->n;
    nnrt_set_output(ctx, NNRT_F32, &shape);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(gemm_state)));
    gemm_state *state = ctx->state;
    state->channels = ((size_t)p->n + 15) / 16 * 16;
    ctx->scratch_bytes = state->channels * (sizeof(int32_t) + sizeof(float));
    /* A bias comes behind the multiplier, so the clamp must wait for it. */
    state->epilogue = (nnrt_q8_epilogue){.out = NNRT_Q8_OUT_F32,
                                         .lo = p->has_bias ? -INFINITY : p->clamp.lo,
                                         .hi = p->has_bias ? INFINITY : p->clamp.hi};
    state->product = (nnrt_product_q8){
        .args = {.ldx = p->k,
                 .taps = 1,
                 .quads = ((size_t)p->k + 3) / 4,
                 .ldy = p->n,
                 .epilogue = &state->epilogue},
        .images = 1,
        .groups = 1,
        .rows = nnrt_shape_span(&shape, 0, shape.rank - 1),
        .cols = p->n,
        .k_bytes = p->k,
        .out_bytes = sizeof(float),
    };
    ctx->macs = (uint64_t)state->product.rows * p->k * p->n;
    nnrt_product_q8_plan(&state->product, ctx);
    size_t rows = 0;
    if (p->zw != 0 && !nnc_size_mul(&rows, state->product.rows, sizeof(int32_t)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': too many rows", ctx->name);
    ctx->scratch_bytes += rows;
    return NNC_OK;
}

/* Rows [begin, begin + count): y = clamp(y + bias). */
static void add_bias(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_gemm_dynamic_params *p = ctx->params;
    const float *bias = ctx->in[BIAS].data;
    for (size_t r = begin; r < begin + count; r++) {
        float *y = (float *)ctx->out[0].data + r * p->n;
        for (size_t n = 0; n < p->n; n++) {
            float t = y[n] + bias[n];
            t = t > p->clamp.lo ? t : p->clamp.lo;
            y[n] = t < p->clamp.hi ? t : p->clamp.hi;
        }
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_dynamic_params *p = ctx->params;
    const gemm_state *state = ctx->state;
    const float sx = *(const float *)ctx->in[SX].data, *sw = ctx->in[SW].data;
    const int32_t *sum = ctx->in[SUM].data;
    const uint32_t zx = *(const uint8_t *)ctx->in[ZX].data;
    int32_t *acc0 = ctx->scratch;
    float *mult = (float *)(acc0 + state->channels);
    int32_t *row_add = p->zw != 0 ? (int32_t *)(mult + state->channels) : NULL;
    const uint32_t constant = p->k * zx * (uint32_t)p->zw;
    for (size_t n = 0; n < state->channels; n++) {
        acc0[n] = (int32_t)(constant - zx * (uint32_t)sum[n]);
        mult[n] = sx * sw[n];
    }
    nnrt_product_q8 product = state->product;
    nnrt_q8_epilogue epilogue = state->epilogue;
    epilogue.zx = (int32_t)zx;
    product.args.epilogue = &epilogue;
    product.args.x = ctx->in[X].data;
    product.args.w = ctx->in[W].data;
    product.args.acc0 = acc0;
    product.args.row_add = row_add;
    product.args.mult = mult;
    product.args.y = ctx->out[0].data;
    if (row_add)
        nnrt_row_zeros(row_add, ctx->in[X].data, product.rows, p->k, p->zw, ctx->pool);
    nnrt_product_q8_run(&product, ctx->pool);
    if (p->has_bias)
        nnrt_parallel_tiles(ctx->pool, add_bias, (void *)(uintptr_t)ctx, product.rows,
                            TILE_ELEMENTS / p->n + 1);
}

const nnrt_rop nnrt_rop_gemm_dynamic = {
    .name = "gemm_dynamic",
    .params_bytes = sizeof(nnrt_gemm_dynamic_params),
    .min_in = 6,
    .max_in = 7,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
