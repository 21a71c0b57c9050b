/* matmul_f32: both operands at run time. b is packed into scratch as weights are, a is transposed
 * there if needed. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/matmul_f32.h"

#include "runtime_int8/ops/check_f32.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/util.h"

#include "base/mem.h"

#include <string.h>

/* Elements packed or transposed per task: about 10 us. */
#define PACK_ELEMENTS 32768u

typedef struct matmul_run {
    const nnrt_matmul_plan *plan;
    const nnrt_matmul_f32_params *params;
    const float *a, *b;     /* as given */
    float *a_copy, *b_pack; /* [a_count][M][K], [b_count][ceil(N/16)][K][16] */
} matmul_run;

/* Dims i of the batch (from the left of the output's batch dims) of an operand: 1 where it has
 * none. */
static int64_t batch_dim(const nnrt_shape *s, uint32_t own, uint32_t rank, uint32_t i)
{
    return i + own < rank ? 1 : s->dims[i + own - rank];
}

static nnc_status make_batch(nnrt_matmul_plan *g, const nnrt_node_ctx *ctx, const nnrt_shape *a,
                             const nnrt_shape *b)
{
    char at[NNRT_SHAPE_TEXT], bt[NNRT_SHAPE_TEXT];
    const uint32_t ra = a->rank - 2, rb = b->rank - 2;
    g->batch_rank = ra > rb ? ra : rb;
    g->batch = g->a_count = g->b_count = 1;
    for (uint32_t i = g->batch_rank; i-- > 0;) {
        const int64_t da = batch_dim(a, ra, g->batch_rank, i);
        const int64_t db = batch_dim(b, rb, g->batch_rank, i);
        if (da != db && da != 1 && db != 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': cannot broadcast %s with %s", ctx->name,
                     nnrt_shape_text(at, &ctx->in[0].shape),
                     nnrt_shape_text(bt, &ctx->in[1].shape));
        g->dims[i] = (size_t)(da == 1 ? db : da);
        g->a_step[i] = da == 1 ? 0 : g->a_count;
        g->b_step[i] = db == 1 ? 0 : g->b_count;
        g->a_count *= (size_t)da;
        g->b_count *= (size_t)db;
        g->batch *= g->dims[i];
    }
    return NNC_OK;
}

void nnrt_matmul_set_output(nnrt_node_ctx *ctx, nnrt_dtype dtype, const nnrt_matmul_plan *plan)
{
    const nnrt_matmul_plan *g = plan;
    nnrt_shape y = {.rank = g->batch_rank};
    for (uint32_t i = 0; i < g->batch_rank; i++)
        y.dims[i] = (int64_t)g->dims[i];
    if (ctx->in[0].shape.rank > 1)
        y.dims[y.rank++] = (int64_t)g->m;
    if (ctx->in[1].shape.rank > 1)
        y.dims[y.rank++] = (int64_t)g->n;
    nnrt_set_output(ctx, dtype, &y);
}

static nnc_status matmul_check(const nnrt_node_ctx *ctx)
{
    const nnrt_matmul_f32_params *p = ctx->params;
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_F32)));
    if (p->trans_a > 1 || p->trans_b > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': transpose flags %u and %u", ctx->name, p->trans_a,
                 p->trans_b);
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t rank = ctx->in[i].shape.rank;
        if (rank < ((i == 0 ? p->trans_a : p->trans_b) ? 2u : 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': operand %u of rank %u", ctx->name, i, rank);
    }
    return NNC_OK;
}

nnc_status nnrt_matmul_plan_init(nnrt_matmul_plan *plan, const nnrt_node_ctx *ctx, bool trans_a,
                                 bool trans_b)
{
    nnrt_matmul_plan *g = plan;
    nnrt_shape a = ctx->in[0].shape, b = ctx->in[1].shape;
    char at[NNRT_SHAPE_TEXT], bt[NNRT_SHAPE_TEXT];
    if (a.rank == 1)
        a = (nnrt_shape){.rank = 2, .dims = {1, a.dims[0]}};
    if (b.rank == 1)
        b = (nnrt_shape){.rank = 2, .dims = {b.dims[0], 1}};
    const int64_t *da = a.dims + a.rank - 2, *db = b.dims + b.rank - 2;
    if (da[!trans_a] != db[trans_b])
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %s times %s: %lld columns, %lld rows", ctx->name,
                 nnrt_shape_text(at, &ctx->in[0].shape), nnrt_shape_text(bt, &ctx->in[1].shape),
                 (long long)da[!trans_a], (long long)db[trans_b]);
    g->m = (size_t)da[trans_a];
    g->k = (size_t)da[!trans_a];
    g->n = (size_t)db[!trans_b];
    return make_batch(g, ctx, &a, &b);
}

static nnc_status matmul_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_matmul_f32_params *p = ctx->params;
    nnrt_matmul_plan plan = {0};
    size_t total;
    NNC_TRY(matmul_check(ctx));
    NNC_TRY(nnrt_matmul_plan_init(&plan, ctx, p->trans_a, p->trans_b));
    plan.kernel = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    nnrt_matmul_set_output(ctx, NNRT_F32, &plan);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(plan)));
    nnrt_matmul_plan *g = ctx->state;
    *g = plan;
    g->a_floats = p->trans_a ? (g->a_count * g->m * g->k + 15) / 16 * 16 : 0;
    if (!nnc_size_mul(&total, g->b_count * ((g->n + 15) / 16 * 16), g->k) ||
        !nnc_size_add(&total, total, g->a_floats) ||
        !nnc_size_mul(&ctx->scratch_bytes, total, sizeof(float)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': operands are too large", ctx->name);
    ctx->kernel = g->kernel->name;
    ctx->macs = (uint64_t)g->batch * g->m * g->n * g->k;
    return NNC_OK;
}

/* Transposes row i of [a_count][M] of the copy. */
static void copy_a(void *ctx, size_t begin, size_t count)
{
    const matmul_run *run = ctx;
    const nnrt_matmul_plan *g = run->plan;
    for (size_t i = begin; i < begin + count; i++) {
        const float *from = run->a + i / g->m * g->m * g->k + i % g->m;
        float *to = run->a_copy + i * g->k;
        for (size_t k = 0; k < g->k; k++)
            to[k] = from[k * g->m];
    }
}

/* Packs panel i of [b_count][ceil(N/16)]. */
static void pack_b(void *ctx, size_t begin, size_t count)
{
    const matmul_run *run = ctx;
    const nnrt_matmul_plan *g = run->plan;
    const size_t panels = (g->n + 15) / 16;
    for (size_t i = begin; i < begin + count; i++) {
        const size_t n = i % panels * 16, cols = g->n - n < 16 ? g->n - n : 16;
        const float *b = run->b + i / panels * g->k * g->n;
        float *to = run->b_pack + i * g->k * 16;
        if (run->params->trans_b) {
            if (cols < 16)
                memset(to, 0, g->k * 16 * sizeof(float));
            for (size_t j = 0; j < cols; j++)
                for (size_t k = 0; k < g->k; k++)
                    to[k * 16 + j] = b[(n + j) * g->k + k];
            continue;
        }
        for (size_t k = 0; k < g->k; k++) {
            memcpy(to + k * 16, b + k * g->n + n, cols * sizeof(float));
            memset(to + k * 16 + cols, 0, (16 - cols) * sizeof(float));
        }
    }
}

void nnrt_matmul_operands(size_t *a, size_t *b, const nnrt_matmul_plan *g, size_t i)
{
    *a = *b = 0;
    for (uint32_t d = g->batch_rank; d-- > 0; i /= g->dims[d]) {
        *a += i % g->dims[d] * g->a_step[d];
        *b += i % g->dims[d] * g->b_step[d];
    }
}

static void select_matrix(nnrt_product_f32 *one, size_t i)
{
    const matmul_run *run = one->user;
    const nnrt_matmul_plan *g = run->plan;
    size_t a, b;
    one->y += i * one->m * one->n;
    nnrt_matmul_operands(&a, &b, g, i);
    one->x += a * g->m * g->k;
    one->w += b * ((g->n + 15) / 16) * 16 * g->k;
}

/* K == 0: the empty sum. */
static void fill_empty(const matmul_run *run, float *y)
{
    const nnrt_matmul_f32_params *p = run->params;
    const nnrt_matmul_plan *g = run->plan;
    for (size_t i = 0; i < g->batch * g->m * g->n; i++)
        y[i] = nnrt_clamp_f32(p->alpha * 0.0f, p->clamp.lo, p->clamp.hi);
}

static void matmul_run_node(const nnrt_node_ctx *ctx)
{
    const nnrt_matmul_plan *g = ctx->state;
    matmul_run run = {.plan = g, .params = ctx->params, .a = ctx->in[0].data, .b = ctx->in[1].data};
    run.a_copy = ctx->scratch;
    run.b_pack = (float *)ctx->scratch + g->a_floats;
    if (g->k == 0 || g->batch * g->m * g->n == 0) {
        fill_empty(&run, ctx->out[0].data);
        return;
    }
    if (run.params->trans_a)
        nnrt_parallel_tiles(ctx->pool, copy_a, &run, g->a_count * g->m, PACK_ELEMENTS / g->k + 1);
    nnrt_parallel_tiles(ctx->pool, pack_b, &run, g->b_count * ((g->n + 15) / 16),
                        PACK_ELEMENTS / (g->k * 16) + 1);
    const nnrt_product_f32 product = {
        .kernel = g->kernel,
        .m = g->m,
        .n = g->n,
        .taps = 1,
        .c = g->k,
        .batch = g->batch,
        .select = select_matrix,
        .rows = nnrt_product_rows_dense,
        .x = run.params->trans_a ? run.a_copy : run.a,
        .x_row = g->k,
        .w = run.b_pack,
        .y = ctx->out[0].data,
        .y_row = g->n,
        .alpha = run.params->alpha,
        .lo = run.params->clamp.lo,
        .hi = run.params->clamp.hi,
        .user = &run,
    };
    nnrt_product_f32_run(&product, ctx->pool);
}

const nnrt_rop nnrt_rop_matmul_f32 = {
    .name = "matmul_f32",
    .params_bytes = sizeof(nnrt_matmul_f32_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .check = matmul_check,
    .reshape = matmul_reshape,
    .run = matmul_run_node,
};
