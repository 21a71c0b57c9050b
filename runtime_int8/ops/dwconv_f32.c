/* dwconv_f32: per task some output rows, in groups whose input stays in L2; in a group channel
 * blocks outside and rows inside, so that what neighbouring rows share stays in L1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/check_f32.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"

#include "base/mem.h"

/* Multiply-accumulates per task, and below which one task does all. Depthwise is bound by memory:
 * smaller than a product's. */
#define TASK_MACS 500000u
#define ONE_TASK_MACS 1000000u
/* Input of a group of output rows: half of a small (512 KB) L2 cache. */
#define GROUP_FLOATS 65536

typedef struct dw_plan {
    nnrt_window_dims d;
    const nnrt_kernel *kernel;
    size_t taps;
    size_t rows_per_task, tasks; /* over N*OH output rows */
    size_t rows_per_group;
} dw_plan;

static nnc_status dw_check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    NNC_TRY(nnrt_window_check(ctx, &p->window));
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    if (p->groups == 0 || p->c_in != p->groups || p->c_out != p->groups)
        NNC_FAIL(NNC_ERR_MODEL,
                 "'%s': %u input and %u output channels in %u groups, expected equal", ctx->name,
                 p->c_in, p->c_out, p->groups);
    const uint64_t taps = (uint64_t)p->window.kernel[0] * p->window.kernel[1];
    return nnrt_check_product_f32(ctx, 1, taps, p->c_out, p->has_bias, p->has_residual);
}

static nnc_status dw_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    nnrt_window_dims d;
    NNC_TRY(dw_check(ctx));
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (d.c != p->c_in)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)d.c, p->c_in);
    const nnrt_shape shape = nnrt_window_shape(&d, &p->window, p->c_out);
    nnrt_set_output(ctx, NNRT_F32, &shape);
    NNC_TRY(nnrt_check_residual_f32(ctx, p->has_bias, p->has_residual));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(dw_plan)));
    dw_plan *g = ctx->state;
    *g = (dw_plan){.d = d, .taps = (size_t)d.r * (size_t)d.s};
    g->kernel = nnrt_kernel_find(NNRT_K_dwconv_f32, ctx->isa);
    const size_t rows = (size_t)(d.n * d.oh), row_macs = (size_t)d.ow * p->c_out * g->taps;
    ctx->kernel = g->kernel->name;
    ctx->macs = (uint64_t)rows * row_macs;
    g->rows_per_task = ctx->macs <= ONE_TASK_MACS ? rows : TASK_MACS / (row_macs + 1) + 1;
    if (g->rows_per_task == 0 || g->rows_per_task > (size_t)d.oh)
        g->rows_per_task = (size_t)d.oh + (d.oh == 0);
    const int64_t fit = GROUP_FLOATS / (d.w * d.c + 1), span = (int64_t)(d.r - 1) * d.dh + 1;
    g->rows_per_group = fit > span ? (size_t)((fit - span) / d.sh + 1) : 1;
    g->tasks = (rows + g->rows_per_task - 1) / g->rows_per_task;
    if (!nnc_size_mul(&ctx->scratch_bytes, g->tasks * g->rows_per_task,
                      (size_t)d.r * sizeof(nnrt_k_dwconv_f32_row)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu output rows of %d kernel rows are too many", ctx->name,
                 rows, d.r);
    return NNC_OK;
}

/* What the kernel rows of output row `out` of [N*OH] read. */
static void input_rows(nnrt_k_dwconv_f32_row *row, const dw_plan *g, int64_t out)
{
    const nnrt_window_dims *d = &g->d;
    const int64_t n = out / d->oh, y0 = out % d->oh * d->sh - d->top;
    for (int64_t r = 0; r < d->r; r++, row++) {
        const int64_t iy = y0 + r * d->dh;
        const int inside = iy >= 0 && iy < d->h;
        row->offset = (ptrdiff_t)(((n * d->h + iy) * d->w - d->left) * d->c);
        row->first = (size_t)d->left;
        row->end = (size_t)(d->left + (inside ? d->w : 0));
    }
}

/* Output rows [begin, end). */
static void run_rows(const nnrt_node_ctx *ctx, size_t begin, size_t end)
{
    const nnrt_conv_f32_params *p = ctx->params;
    const dw_plan *g = ctx->state;
    nnrt_k_dwconv_f32_fn *const fn = (nnrt_k_dwconv_f32_fn *)g->kernel->fn;
    const size_t r = (size_t)g->d.r, c_all = p->c_out;
    nnrt_k_dwconv_f32_row *in = (nnrt_k_dwconv_f32_row *)ctx->scratch + begin * r;
    const float *x = ctx->in[0].data, *w = ctx->in[1].data;
    const float *bias = p->has_bias ? ctx->in[2].data : NULL;
    const float *residual = p->has_residual ? ctx->in[2 + p->has_bias].data : NULL;
    nnrt_k_dwconv_f32_params params = {
        .r = r,
        .s = (size_t)g->d.s,
        .stride = (size_t)g->d.sw,
        .dilation = (size_t)g->d.dw,
        .x_step = c_all,
        .y_step = c_all,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
    };
    for (size_t row = begin; row < end; row++)
        input_rows(in + (row - begin) * r, g, (int64_t)row);
    for (size_t c = 0; c < c_all; c += 16) {
        params.channels = c_all - c < 16 ? c_all - c : 16;
        for (size_t row = begin; row < end; row++) {
            const size_t at = row * (size_t)g->d.ow * c_all + c;
            fn((float *)ctx->out[0].data + at, x + c, in + (row - begin) * r, w + c * g->taps,
               bias ? bias + c : NULL, residual ? residual + at : NULL, (size_t)g->d.ow, &params);
        }
    }
}

static void dw_task(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const dw_plan *g = ctx->state;
    const size_t rows = (size_t)(g->d.n * g->d.oh), begin = task * g->rows_per_task;
    const size_t end = begin + g->rows_per_task < rows ? begin + g->rows_per_task : rows;
    for (size_t row = begin; row < end; row += g->rows_per_group)
        run_rows(ctx, row, row + g->rows_per_group < end ? row + g->rows_per_group : end);
}

static void dw_run(const nnrt_node_ctx *ctx)
{
    const dw_plan *g = ctx->state;
    nnrt_node_ctx copy = *ctx;
    nnrt_parallel(ctx->macs <= ONE_TASK_MACS ? NULL : ctx->pool, dw_task, &copy, g->tasks);
}

const nnrt_rop nnrt_rop_dwconv_f32 = {
    .name = "dwconv_f32",
    .params_bytes = sizeof(nnrt_conv_f32_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 1,
    .check = dw_check,
    .reshape = dw_reshape,
    .run = dw_run,
};
