/* gemm_q8_zero: gemm_q8 for weights with a zero point of their own. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/mem.h"
#include "runtime_int8/ops/product_q8.h"
#include "runtime_int8/ops/util.h"

#define TILE_BYTES 65536u

typedef struct row_sums {
    int32_t *row_add;
    const uint8_t *x;
    size_t k;
    int32_t zw;
} row_sums;

static void sum_rows(void *user, size_t begin, size_t count)
{
    const row_sums *r = user;
    for (size_t m = begin; m < begin + count; m++) {
        const uint8_t *x = r->x + m * r->k;
        uint32_t sum = 0;
        for (size_t k = 0; k < r->k; k++)
            sum += x[k];
        r->row_add[m] = (int32_t)(0u - (uint32_t)r->zw * sum);
    }
}

void nnrt_row_zeros(int32_t *row_add, const uint8_t *x, size_t rows, size_t k, int32_t zw,
                    nnrt_pool *pool)
{
    row_sums r = {row_add, x, k, zw};
    nnrt_parallel_tiles(pool, sum_rows, &r, rows, TILE_BYTES / (k ? k : 1) + 1);
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_zero_params *p = ctx->params;
    if (p->zw < -255 || p->zw > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d of the weight, expected -255..255", ctx->name,
                 p->zw);
    return nnrt_gemm_q8_check(ctx, p->k, p->n, &p->epilogue);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_zero_params *p = ctx->params;
    NNC_TRY(check(ctx));
    NNC_TRY(nnrt_gemm_q8_reshape(ctx, p->k, p->n, &p->epilogue));
    if (!nnc_size_mul(&ctx->scratch_bytes, ((const nnrt_product_q8 *)ctx->state)->rows,
                      sizeof(int32_t)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': too many rows", ctx->name);
    return NNC_OK;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_zero_params *p = ctx->params;
    nnrt_row_zeros(ctx->scratch, ctx->in[0].data, ((const nnrt_product_q8 *)ctx->state)->rows, p->k,
                   p->zw, ctx->pool);
    nnrt_gemm_q8_run(ctx, ctx->scratch);
}

const nnrt_rop nnrt_rop_gemm_q8_zero = {
    .name = "gemm_q8_zero",
    .params_bytes = sizeof(nnrt_gemm_q8_zero_params),
    .min_in = 4,
    .max_in = 5,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
