/* Checks and task cutting of the INT8 products. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/product_q8.h"

#include "runtime_int8/ops/util.h"

#define TASK_MACS 2500000u     /* about 5 us of one core: less is not worth handing over */
#define TASKS_MAX 16u          /* enough that a descheduled worker does not hold up the others */
#define BLOCK_BYTES (384u << 10) /* input rows kept in L2 */

nnc_status nnrt_product_q8_check(const nnrt_node_ctx *ctx, const nnrt_q8_epilogue *epilogue,
                                 size_t w_bytes, size_t channels)
{
    NNC_TRY(nnrt_product_q8_check_epilogue(ctx, epilogue, 4));
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I8)));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I32)));
    NNC_TRY(nnrt_check_dtype(ctx, 3, NNRT_SET(NNRT_F32)));
    NNC_TRY(nnrt_check_count(ctx, 1, w_bytes));
    NNC_TRY(nnrt_check_count(ctx, 2, channels));
    return nnrt_check_count(ctx, 3, channels);
}

nnc_status nnrt_product_q8_check_epilogue(const nnrt_node_ctx *ctx, const nnrt_q8_epilogue *epilogue,
                                          uint32_t operands)
{
    const nnrt_q8_epilogue *e = epilogue;
    if (e->out > NNRT_Q8_OUT_F32 || e->residual > NNRT_Q8_RES_TWICE ||
        (e->out == NNRT_Q8_OUT_F32 && e->residual != NNRT_Q8_RES_NONE))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': output form %u with residual form %u", ctx->name, e->out,
                 e->residual);
    const uint32_t want = operands + (e->residual != NNRT_Q8_RES_NONE);
    if (ctx->in_count != want)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs, expected %u", ctx->name, ctx->in_count, want);
    if (e->zx < 0 || e->zx > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d, expected 0..255", ctx->name, e->zx);
    if (e->out == NNRT_Q8_OUT_F32)
        return nnrt_check_clamp(ctx, e->lo, e->hi);
    NNC_TRY(nnrt_check_grid(ctx, e->lo, e->hi, e->zy));
    if (e->residual == NNRT_Q8_RES_NONE)
        return NNC_OK;
    NNC_TRY(nnrt_check_dtype(ctx, operands, NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_scale(ctx, e->mult_r));
    if (e->zr < 0 || e->zr > 255)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': zero point %d, expected 0..255", ctx->name, e->zr);
    if (e->residual == NNRT_Q8_RES_DIRECT)
        return NNC_OK;
    NNC_TRY(nnrt_check_scale(ctx, e->mult_a));
    if (!(e->lo_mid >= -255.0f && e->lo_mid <= e->hi_mid && e->hi_mid <= 255.0f))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': inner bounds %g..%g, expected within -255..255", ctx->name,
                 (double)e->lo_mid, (double)e->hi_mid);
    return NNC_OK;
}

nnc_status nnrt_product_q8_output(nnrt_node_ctx *ctx, const nnrt_q8_epilogue *epilogue,
                                  uint32_t operands, const nnrt_shape *shape)
{
    nnrt_set_output(ctx, epilogue->out == NNRT_Q8_OUT_F32 ? NNRT_F32 : NNRT_U8, shape);
    if (epilogue->residual != NNRT_Q8_RES_NONE &&
        !nnrt_shape_same(&ctx->in[operands].shape, shape)) {
        char have[NNRT_SHAPE_TEXT], want[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': residual is %s, expected %s", ctx->name,
                 nnrt_shape_text(have, &ctx->in[operands].shape), nnrt_shape_text(want, shape));
    }
    return NNC_OK;
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

void nnrt_product_q8_plan(nnrt_product_q8 *product, nnrt_node_ctx *ctx)
{
    nnrt_product_q8 *p = product;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_gemm_q8, ctx->isa);
    p->fn = (nnrt_k_gemm_q8_fn *)kernel->fn;
    p->tile_cols = kernel->tile[1];
    p->row_tiles = ceil_div(p->rows, kernel->tile[0]);
    p->col_tiles = ceil_div(p->cols, p->tile_cols);
    p->block_tiles = BLOCK_BYTES / (kernel->tile[0] * (p->k_bytes ? p->k_bytes : 1));
    if (p->block_tiles < 1)
        p->block_tiles = 1;
    const size_t tiles = p->images * p->groups * p->row_tiles * p->col_tiles;
    const uint64_t macs = (uint64_t)p->images * p->groups * p->rows * p->cols * p->args.taps *
                          p->args.quads * 4;
    const uint64_t tasks = macs / TASK_MACS < TASKS_MAX ? macs / TASK_MACS : TASKS_MAX;
    p->tasks = tasks > tiles ? tiles : tasks ? (size_t)tasks : 1;
    ctx->kernel = kernel->name;
    ctx->impl = kernel;
}

/* Tiles [begin, end) of one image and group: row blocks, in them column tiles, in them row tiles. */
static void run_tiles(const nnrt_product_q8 *p, const nnrt_k_gemm_q8_args *args, size_t begin,
                      size_t end)
{
    while (begin < end) {
        const size_t block = begin / (p->block_tiles * p->col_tiles);
        const size_t first = block * p->block_tiles;
        const size_t left = p->row_tiles - first;
        const size_t high = left < p->block_tiles ? left : p->block_tiles;
        const size_t in_block = begin - first * p->col_tiles;
        const size_t col = in_block / high, row = in_block % high;
        const size_t run = high - row < end - begin ? high - row : end - begin;
        const size_t n0 = col * p->tile_cols;
        const size_t n1 = n0 + p->tile_cols < p->cols ? n0 + p->tile_cols : p->cols;
        /* Row tiles differ by one row at most, so none is much shorter than the kernel's own. */
        p->fn(args, (first + row) * p->rows / p->row_tiles,
              (first + row + run) * p->rows / p->row_tiles, n0, n1);
        begin += run;
    }
}

static void run_task(void *user, size_t i)
{
    const nnrt_product_q8 *p = user;
    const size_t per_group = p->row_tiles * p->col_tiles;
    const size_t tiles = p->images * p->groups * per_group;
    const size_t channels = ceil_div(p->cols, 16) * 16;
    size_t begin = i * tiles / p->tasks;
    const size_t end = (i + 1) * tiles / p->tasks;
    while (begin < end) {
        const size_t image = begin / (p->groups * per_group), group = begin / per_group % p->groups;
        const size_t tile = begin % per_group;
        const size_t run = per_group - tile < end - begin ? per_group - tile : end - begin;
        const size_t y = image * p->rows * p->args.ldy + group * p->cols;
        nnrt_k_gemm_q8_args args = p->args;
        if (p->select)
            p->select(&args, p->user, image);
        else
            args.x += image * p->x_image + group * p->x_group;
        args.w += group * channels * args.taps * args.quads * 4;
        args.acc0 += group * channels;
        args.mult += group * channels;
        args.y = (uint8_t *)args.y + y * p->out_bytes;
        if (args.residual)
            args.residual += y;
        run_tiles(p, &args, tile, tile + run);
        begin += run;
    }
}

void nnrt_product_q8_run(const nnrt_product_q8 *product, nnrt_pool *pool)
{
    nnrt_product_q8 p = *product;
    if (p.images * p.groups * p.row_tiles * p.col_tiles > 0)
        nnrt_parallel(pool, run_task, &p, p.tasks);
}
