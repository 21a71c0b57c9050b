/* matmul_integer: products of 8-bit integers, both at run time, exact in wrapping 32 bits.
 * SPDX-License-Identifier: Apache-2.0
 * Both operands become 16-bit differences from their zero points, b transposed, so that a product
 * is one dot product of two runs. */
#include "runtime_int8/ops/matmul_f32.h"

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

#define SET_BYTES (NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8))
/* Elements converted, and products made per task: about 10 us. */
#define COPY_ELEMENTS 32768u
#define TASK_MACS 100000u

typedef struct integer_run {
    const nnrt_matmul_plan *plan;
    const nnrt_tensor *a, *b, *za, *zb; /* za, zb may be NULL */
    int16_t *a_copy, *b_copy;           /* [a_count][M][K], [b_count][N][K] */
    int32_t *y;
} integer_run;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_matmul_integer_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, SET_BYTES));
    NNC_TRY(nnrt_check_dtype(ctx, 1, SET_BYTES));
    if (p->has_za > 1 || p->has_zb > 1 || ctx->in_count != 2 + p->has_za + p->has_zb)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with zero point flags %u and %u", ctx->name,
                 ctx->in_count, p->has_za, p->has_zb);
    for (uint32_t i = 0; i < 2; i++) {
        if (ctx->in[i].shape.rank < 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': operand %u of rank 0", ctx->name, i);
    }
    if (p->has_za)
        NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)));
    return p->has_zb ? nnrt_check_dtype(ctx, 2 + p->has_za, NNRT_SET(ctx->in[1].dtype)) : NNC_OK;
}

static nnc_status check_zeros(const nnrt_node_ctx *ctx, uint32_t i, size_t per, size_t matrices)
{
    size_t count = nnrt_shape_count(&ctx->in[i].shape);
    if (count != 1 && count != per && count != per * matrices)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu zero points, expected 1, %zu or %zu", ctx->name, count,
                 per, per * matrices);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_matmul_integer_params *p = ctx->params;
    nnrt_matmul_plan plan = {0};
    size_t a, b;
    NNC_TRY(check(ctx));
    NNC_TRY(nnrt_matmul_plan_init(&plan, ctx, false, false));
    if (p->has_za)
        NNC_TRY(check_zeros(ctx, 2, plan.m, plan.a_count));
    if (p->has_zb)
        NNC_TRY(check_zeros(ctx, 2 + p->has_za, plan.n, plan.b_count));
    nnrt_matmul_set_output(ctx, NNRT_I32, &plan);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof plan));
    *(nnrt_matmul_plan *)ctx->state = plan;
    if (!nnc_size_mul(&a, plan.a_count, plan.m * plan.k) ||
        !nnc_size_mul(&b, plan.b_count, plan.n * plan.k) || !nnc_size_add(&a, a, b) ||
        !nnc_size_mul(&ctx->scratch_bytes, a, sizeof(int16_t)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': operands are too large", ctx->name);
    ctx->macs = (uint64_t)plan.batch * plan.m * plan.n * plan.k;
    return NNC_OK;
}

static int32_t byte_at(const nnrt_tensor *t, size_t i)
{
    return t->dtype == NNRT_U8 ? ((const uint8_t *)t->data)[i] : ((const int8_t *)t->data)[i];
}

/* Zero point of row or column `at` of matrix i; `per` rows or columns a matrix. */
static int32_t zero_of(const nnrt_tensor *zeros, size_t i, size_t at, size_t per)
{
    if (!zeros)
        return 0;
    size_t count = nnrt_shape_count(&zeros->shape);
    return byte_at(zeros, count == 1 ? 0 : count == per ? at : i * per + at);
}

/* Rows [begin, begin + count) of [a_count][M]. */
static void copy_a(void *user, size_t begin, size_t count)
{
    const integer_run *run = user;
    const nnrt_matmul_plan *g = run->plan;
    for (size_t r = begin; r < begin + count; r++) {
        int32_t zero = zero_of(run->za, r / g->m, r % g->m, g->m);
        for (size_t k = 0; k < g->k; k++)
            run->a_copy[r * g->k + k] = (int16_t)(byte_at(run->a, r * g->k + k) - zero);
    }
}

/* Columns [begin, begin + count) of [b_count][N]. */
static void copy_b(void *user, size_t begin, size_t count)
{
    const integer_run *run = user;
    const nnrt_matmul_plan *g = run->plan;
    for (size_t c = begin; c < begin + count; c++) {
        size_t matrix = c / g->n, column = c % g->n;
        int32_t zero = zero_of(run->zb, matrix, column, g->n);
        for (size_t k = 0; k < g->k; k++)
            run->b_copy[c * g->k + k] =
                (int16_t)(byte_at(run->b, (matrix * g->k + k) * g->n + column) - zero);
    }
}

/* Differences reach 255: this many products stay within int32. */
#define CHUNK 33024u

/* Wraps like the kernels' arithmetic. */
static int32_t dot(const int16_t *a, const int16_t *b, size_t n)
{
    uint32_t total = 0;
    for (size_t k = 0; k < n; k += CHUNK) {
        size_t end = n - k < CHUNK ? n : k + CHUNK;
        int32_t sum = 0;
        for (size_t i = k; i < end; i++)
            sum += (int32_t)a[i] * (int32_t)b[i];
        total += (uint32_t)sum;
    }
    return (int32_t)total;
}

/* Output rows [begin, begin + count) of [batch][M]. */
static void multiply(void *user, size_t begin, size_t count)
{
    const integer_run *run = user;
    const nnrt_matmul_plan *g = run->plan;
    for (size_t r = begin; r < begin + count; r++) {
        size_t a, b;
        nnrt_matmul_operands(&a, &b, g, r / g->m);
        const int16_t *row = run->a_copy + (a * g->m + r % g->m) * g->k;
        for (size_t n = 0; n < g->n; n++)
            run->y[r * g->n + n] = dot(row, run->b_copy + (b * g->n + n) * g->k, g->k);
    }
}

static size_t rows_per(size_t elements, size_t row)
{
    return elements / (row ? row : 1) + 1;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_matmul_integer_params *p = ctx->params;
    const nnrt_matmul_plan *g = ctx->state;
    integer_run run = {.plan = g, .a = &ctx->in[0], .b = &ctx->in[1], .y = ctx->out[0].data};
    run.za = p->has_za ? &ctx->in[2] : NULL;
    run.zb = p->has_zb ? &ctx->in[2 + p->has_za] : NULL;
    run.a_copy = ctx->scratch;
    run.b_copy = run.a_copy + g->a_count * g->m * g->k;
    if (g->batch * g->m * g->n == 0)
        return;
    nnrt_parallel_tiles(ctx->pool, copy_a, &run, g->a_count * g->m, rows_per(COPY_ELEMENTS, g->k));
    nnrt_parallel_tiles(ctx->pool, copy_b, &run, g->b_count * g->n, rows_per(COPY_ELEMENTS, g->k));
    nnrt_parallel_tiles(ctx->pool, multiply, &run, g->batch * g->m,
                        rows_per(TASK_MACS, g->k * g->n));
}

const nnrt_rop nnrt_rop_matmul_integer = {
    .name = "matmul_integer",
    .params_bytes = sizeof(nnrt_matmul_integer_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
