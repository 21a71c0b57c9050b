/* matmul_q8: both operands u8 at run time. b is packed into scratch as constant weights are, 128 less so that it fits s8; its
 * column sums and a's row sums carry the zero points. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/matmul_f32.h"
#include "runtime_int8/ops/product_q8.h"
#include "runtime_int8/ops/util.h"

/* Bytes packed or added up per task: about 10 us. */
#define PACK_BYTES 65536u

typedef struct matmul_q8_state {
    nnrt_matmul_plan plan;
    nnrt_product_q8 product;
    size_t panels, quads;              /* of one matrix b */
    size_t acc0_offset, rows_offset;   /* bytes of scratch behind the packed b */
    float mult[];                      /* [16 * panels] */
} matmul_q8_state;

typedef struct matmul_q8_run {
    const matmul_q8_state *state;
    const nnrt_matmul_q8_params *params;
    const uint8_t *a, *b;
    int8_t *packed;    /* [b_count][panels][quads][16][4] */
    int32_t *acc0;     /* [b_count][16 * panels] */
    int32_t *row_add;  /* [a_count][M] */
} matmul_q8_run;

/* Zero point of b less 128, as its packed form has it. */
static int32_t packed_zero(const nnrt_matmul_q8_params *p)
{
    return p->zb - 128;
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_matmul_q8_params *p = ctx->params;
    if (p->trans_b > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': transpose flag %u", ctx->name, p->trans_b);
    for (uint32_t i = 0; i < 2; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_U8)));
        if (ctx->in[i].shape.rank < (i == 1 && p->trans_b ? 2u : 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': operand %u of rank %u", ctx->name, i,
                     ctx->in[i].shape.rank);
    }
    if (p->zb < 0 || p->zb > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d, expected 0..255", ctx->name, p->zb);
    NNC_TRY(nnrt_check_scale(ctx, p->mult));
    return nnrt_product_q8_check_epilogue(ctx, &p->epilogue, 2);
}

static void select_matrices(nnrt_k_gemm_q8_args *args, const void *user, size_t image)
{
    const matmul_q8_run *run = user;
    const matmul_q8_state *s = run->state;
    size_t a, b;
    nnrt_matmul_operands(&a, &b, &s->plan, image);
    args->x += a * s->plan.m * s->plan.k;
    args->w += b * s->panels * s->quads * 64;
    args->acc0 += b * s->panels * 16;
    if (args->row_add)
        args->row_add += a * s->plan.m;
}

static nnc_status make_scratch(nnrt_node_ctx *ctx, matmul_q8_state *s)
{
    size_t packed, sums, rows;
    if (!nnc_size_mul(&packed, s->plan.b_count, s->panels * s->quads * 64) ||
        !nnc_size_mul(&sums, s->plan.b_count, s->panels * 64) ||
        !nnc_size_mul(&rows, s->plan.a_count * s->plan.m, sizeof(int32_t)) ||
        !nnc_size_add(&s->rows_offset, packed, sums) ||
        !nnc_size_add(&ctx->scratch_bytes, s->rows_offset, rows))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': operands are too large", ctx->name);
    s->acc0_offset = packed;
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_matmul_q8_params *p = ctx->params;
    nnrt_matmul_plan plan = {0};
    NNC_TRY(check(ctx));
    NNC_TRY(nnrt_matmul_plan_init(&plan, ctx, false, p->trans_b));
    if (plan.k > NNRT_MATMUL_Q8_K_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': sums of %zu products, up to %d fit 32 bits", ctx->name, plan.k,
                 NNRT_MATMUL_Q8_K_MAX);
    nnrt_matmul_set_output(ctx, NNRT_U8, &plan);
    const nnrt_shape shape = ctx->out[0].shape;
    NNC_TRY(nnrt_product_q8_output(ctx, &p->epilogue, 2, &shape));
    const size_t panels = (plan.n + 15) / 16;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(matmul_q8_state) + panels * 16 * sizeof(float)));
    matmul_q8_state *s = ctx->state;
    s->plan = plan;
    s->panels = panels;
    s->quads = (plan.k + 3) / 4;
    for (size_t n = 0; n < panels * 16; n++)
        s->mult[n] = p->mult;
    NNC_TRY(make_scratch(ctx, s));
    s->product = (nnrt_product_q8){
        .args = {.ldx = plan.k,
                 .taps = 1,
                 .quads = s->quads,
                 .ldy = plan.n,
                 .mult = s->mult,
                 .epilogue = &p->epilogue},
        .images = plan.batch,
        .groups = 1,
        .rows = plan.m,
        .cols = plan.n,
        .k_bytes = plan.k,
        .out_bytes = nnrt_dtype_bytes(ctx->out[0].dtype),
        .select = select_matrices,
    };
    ctx->macs = (uint64_t)plan.batch * plan.m * plan.k * plan.n;
    nnrt_product_q8_plan(&s->product, ctx);
    return NNC_OK;
}

/* Four rows of up to 16 columns, four bytes of a column together. Rows past K are the packed zero: 128 before the shift. */
static void pack_quad(int8_t *to, const uint8_t *b, size_t stride, size_t rows, size_t cols)
{
    static const uint8_t none[16] = {128, 128, 128, 128, 128, 128, 128, 128,
                                     128, 128, 128, 128, 128, 128, 128, 128};
    uint8_t row[4][16];
    memset(row, 128, sizeof(row));
    for (size_t i = 0; i < 4; i++)
        memcpy(row[i], i < rows ? b + i * stride : none, i < rows ? cols : 16);
    uint32_t quad[16];
    for (size_t j = 0; j < 16; j++)
        quad[j] = ((uint32_t)row[0][j] | (uint32_t)row[1][j] << 8 | (uint32_t)row[2][j] << 16 |
                   (uint32_t)row[3][j] << 24) ^ 0x80808080u;
    memcpy(to, quad, sizeof(quad));
}

/* The same from rows of b that run along K. */
static void pack_quad_transposed(int8_t *to, const uint8_t *b, size_t stride, size_t rows, size_t cols)
{
    uint32_t quad[16];
    memset(quad, 0x80, sizeof(quad));
    for (size_t j = 0; j < cols; j++)
        memcpy(&quad[j], b + j * stride, rows);
    for (size_t j = 0; j < 16; j++)
        quad[j] ^= 0x80808080u;
    memcpy(to, quad, sizeof(quad));
}

/* Packs panel i of [b_count][panels], and what every accumulator of its columns starts at: K*zx*zb - zx*sum(b). */
static void pack_panels(void *user, size_t begin, size_t count)
{
    const matmul_q8_run *run = user;
    const matmul_q8_state *s = run->state;
    const size_t k_all = s->plan.k, n_all = s->plan.n;
    const uint32_t zx = (uint32_t)run->params->epilogue.zx, zb = (uint32_t)packed_zero(run->params);
    for (size_t i = begin; i < begin + count; i++) {
        const size_t n = i % s->panels * 16, cols = n_all - n < 16 ? n_all - n : 16;
        const uint8_t *b = run->b + i / s->panels * k_all * n_all;
        int8_t *to = run->packed + i * s->quads * 64;
        int32_t sum[16] = {0};
        for (size_t q = 0; q < s->quads; q++, to += 64) {
            const size_t k = 4 * q, rows = k_all - k < 4 ? k_all - k : 4;
            if (run->params->trans_b)
                pack_quad_transposed(to, b + n * k_all + k, k_all, rows, cols);
            else
                pack_quad(to, b + k * n_all + n, n_all, rows, cols);
            for (size_t j = 0; j < 16; j++)
                sum[j] += to[4 * j] + to[4 * j + 1] + to[4 * j + 2] + to[4 * j + 3];
        }
        for (size_t j = 0; j < 16; j++)
            run->acc0[i * 16 + j] = (int32_t)((uint32_t)k_all * zx * zb - zx * (uint32_t)sum[j]);
    }
}

/* -zb * sum(a) of row i of [a_count][M]. */
static void add_rows(void *user, size_t begin, size_t count)
{
    const matmul_q8_run *run = user;
    const size_t k_all = run->state->plan.k;
    for (size_t i = begin; i < begin + count; i++) {
        const uint8_t *a = run->a + i * k_all;
        uint32_t sum = 0;
        for (size_t k = 0; k < k_all; k++)
            sum += a[k];
        run->row_add[i] = (int32_t)(0u - (uint32_t)packed_zero(run->params) * sum);
    }
}

static void run_node(const nnrt_node_ctx *ctx)
{
    const matmul_q8_state *s = ctx->state;
    const nnrt_matmul_q8_params *p = ctx->params;
    uint8_t *scratch = ctx->scratch;
    matmul_q8_run run = {.state = s,
                         .params = p,
                         .a = ctx->in[0].data,
                         .b = ctx->in[1].data,
                         .packed = (int8_t *)scratch,
                         .acc0 = (int32_t *)(void *)(scratch + s->acc0_offset),
                         .row_add = (int32_t *)(void *)(scratch + s->rows_offset)};
    const size_t k = s->plan.k ? s->plan.k : 1;
    nnrt_parallel_tiles(ctx->pool, pack_panels, &run, s->plan.b_count * s->panels,
                        PACK_BYTES / (k * 16) + 1);
    if (packed_zero(p) != 0)
        nnrt_parallel_tiles(ctx->pool, add_rows, &run, s->plan.a_count * s->plan.m, PACK_BYTES / k + 1);
    nnrt_product_q8 product = s->product;
    product.args.x = run.a;
    product.args.w = run.packed;
    product.args.acc0 = run.acc0;
    product.args.row_add = packed_zero(p) != 0 ? run.row_add : NULL;
    product.args.residual = ctx->in_count > 2 ? ctx->in[2].data : NULL;
    product.args.y = ctx->out[0].data;
    product.user = &run;
    nnrt_product_q8_run(&product, ctx->pool);
}

const nnrt_rop nnrt_rop_matmul_q8 = {
    .name = "matmul_q8",
    .params_bytes = sizeof(nnrt_matmul_q8_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run_node,
};
