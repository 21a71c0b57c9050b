/* conv_f32: 1x1 stride 1 is a plain matrix product; everything else reads pixels through row
 * pointers, padding through a row of zeros. A few input channels: the S taps of a kernel row are
 * neighbours in a padded copy and become one tap. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/check_f32.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"

#include "base/mem.h"

#include <string.h>

/* Up to this many channels the copy costs less than the pointers of R*S short taps. */
#define MERGE_CHANNELS 15u
/* Copied pixel rows per task. */
#define COPY_ROWS 32u

/* How the convolution reads its input (made by reshape, kept in the node's state). */
typedef struct conv_plan {
    nnrt_window_dims d;
    const nnrt_kernel *kernel;
    int merge;    /* S taps of a row are one tap */
    int copy;     /* merge, from a padded copy in scratch */
    int dense;    /* 1x1, stride 1, no padding */
    int64_t h, w; /* size of what is read: the input, or the padded copy */
    int64_t top, left;
    int64_t oh0, oh1, ow0, ow1; /* outputs whose window lies inside */
    size_t taps, c;
    ptrdiff_t offset[]; /* [taps] in floats from the window's first pixel */
} conv_plan;

typedef struct conv_run {
    const conv_plan *plan;
    const nnrt_conv_f32_params *params;
    const float *x;
    float *copy;
    const float *zero; /* [c] */
} conv_run;

/* Outputs 0 <= o < out with 0 <= o*stride - begin and o*stride - begin + span <= in. */
static void interior(int64_t *first, int64_t *end, int64_t out, int64_t in, int64_t begin,
                     int64_t span, int64_t stride)
{
    *first = (begin + stride - 1) / stride;
    *end = in + begin >= span ? (in + begin - span) / stride + 1 : 0;
    *end = *end < out ? *end : out;
}

/* Pointers of a row whose window leaves the input. */
static void border_row(const nnrt_product_f32 *p, const float **a, size_t rows, size_t tap,
                       size_t taps, ptrdiff_t offset, int64_t y0, int64_t x0)
{
    const conv_run *run = p->user;
    const conv_plan *g = run->plan;
    const size_t s_taps = g->merge ? 1 : (size_t)g->d.s;
    for (size_t t = 0; t < taps; t++) {
        const int64_t r = (int64_t)((tap + t) / s_taps), s = (int64_t)((tap + t) % s_taps);
        const int64_t iy = y0 + r * g->d.dh, ix = x0 + s * g->d.dw;
        const int inside = iy >= 0 && iy < g->h && ix >= 0 && ix < g->w;
        a[t * rows] = inside ? p->x + (offset + g->offset[tap + t]) : run->zero;
    }
}

static void window_rows(const nnrt_product_f32 *p, const float **a, size_t row, size_t rows,
                        size_t tap, size_t taps)
{
    const conv_run *run = p->user;
    const conv_plan *g = run->plan;
    const ptrdiff_t *offset = g->offset + tap;
    int64_t ox = (int64_t)row % g->d.ow, oy = (int64_t)row / g->d.ow % g->d.oh;
    int64_t n = (int64_t)row / g->d.ow / g->d.oh;
    for (size_t i = 0; i < rows; i++) {
        const int64_t y0 = oy * g->d.sh - g->top, x0 = ox * g->d.sw - g->left;
        const ptrdiff_t first = (ptrdiff_t)(((n * g->h + y0) * g->w + x0) * g->d.c);
        if (oy >= g->oh0 && oy < g->oh1 && ox >= g->ow0 && ox < g->ow1) {
            for (size_t t = 0; t < taps; t++)
                a[t * rows + i] = p->x + (first + offset[t]);
        } else {
            border_row(p, a + i, rows, tap, taps, first, y0, x0);
        }
        if (++ox == g->d.ow) {
            ox = 0;
            if (++oy == g->d.oh) {
                oy = 0;
                n++;
            }
        }
    }
}

static void select_group(nnrt_product_f32 *one, size_t b)
{
    const conv_run *run = one->user;
    const size_t c = run->params->c_in / run->params->groups, panels = (one->n + 15) / 16;
    one->x += b * c;
    one->w += b * panels * 16 * one->taps * one->c;
    one->bias = one->bias ? one->bias + b * panels * 16 : NULL;
    one->residual = one->residual ? one->residual + b * one->n : NULL;
    one->y += b * one->n;
}

/* Rows [begin, begin + count) of the padded copy [N][h][w][C]. */
static void copy_rows(void *ctx, size_t begin, size_t count)
{
    const conv_run *run = ctx;
    const conv_plan *g = run->plan;
    const size_t c = (size_t)g->d.c, pitch = (size_t)g->w * c;
    const int64_t fit = g->w - g->d.left < g->d.w ? g->w - g->d.left : g->d.w;
    const size_t left = (size_t)(g->d.left < g->w ? g->d.left : g->w) * c;
    const size_t body = fit > 0 ? (size_t)fit * c : 0;
    for (size_t i = begin; i < begin + count; i++) {
        const int64_t iy = (int64_t)i % g->h - g->d.top, n = (int64_t)i / g->h;
        float *to = run->copy + i * pitch;
        if (iy < 0 || iy >= g->d.h || body == 0) {
            memset(to, 0, pitch * sizeof(float));
            continue;
        }
        memset(to, 0, left * sizeof(float));
        memcpy(to + left, run->x + (n * g->d.h + iy) * g->d.w * g->d.c, body * sizeof(float));
        memset(to + left + body, 0, (pitch - left - body) * sizeof(float));
    }
}

static nnc_status conv_check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    NNC_TRY(nnrt_window_check(ctx, &p->window));
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    if (p->groups == 0 || p->c_in == 0 || p->c_out == 0 || p->c_in % p->groups != 0 ||
        p->c_out % p->groups != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u input and %u output channels in %u groups", ctx->name,
                 p->c_in, p->c_out, p->groups);
    const uint64_t taps = (uint64_t)p->window.kernel[0] * p->window.kernel[1];
    return nnrt_check_product_f32(ctx, p->groups, taps * (p->c_in / p->groups),
                                  p->c_out / p->groups, p->has_bias, p->has_residual);
}

/* Fills everything of the plan but the offsets. */
static void make_plan(conv_plan *g, const nnrt_node_ctx *ctx, const nnrt_window_dims *d)
{
    const nnrt_conv_f32_params *p = ctx->params;
    const int padded = d->top > 0 || d->left > 0 || d->bottom > 0 || d->right > 0;
    const int64_t span_h = (int64_t)(d->r - 1) * d->dh + 1,
                  span_w = (int64_t)(d->s - 1) * d->dw + 1;
    *g = (conv_plan){.d = *d, .h = d->h, .w = d->w, .top = d->top, .left = d->left};
    g->kernel = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    g->dense = d->r == 1 && d->s == 1 && d->sh == 1 && d->sw == 1 && !padded;
    g->merge = p->groups == 1 && d->dw == 1 && d->s > 1 && p->c_in <= MERGE_CHANNELS;
    g->copy = g->merge && padded;
    if (g->copy) {
        g->h = (d->oh - 1) * d->sh + span_h;
        g->w = (d->ow - 1) * d->sw + span_w;
        g->top = g->left = 0;
    }
    g->taps = g->merge ? (size_t)d->r : (size_t)d->r * (size_t)d->s;
    g->c = (size_t)(p->c_in / p->groups) * (g->merge ? (size_t)d->s : 1);
    interior(&g->oh0, &g->oh1, d->oh, g->h, g->top, span_h, d->sh);
    interior(&g->ow0, &g->ow1, d->ow, g->w, g->left, span_w, d->sw);
}

static nnc_status conv_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    nnrt_window_dims d;
    conv_plan plan;
    NNC_TRY(conv_check(ctx));
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (d.c != p->c_in)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)d.c, p->c_in);
    const nnrt_shape shape = nnrt_window_shape(&d, &p->window, p->c_out);
    nnrt_set_output(ctx, NNRT_F32, &shape);
    NNC_TRY(nnrt_check_residual_f32(ctx, p->has_bias, p->has_residual));
    make_plan(&plan, ctx, &d);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(plan) + plan.taps * sizeof(ptrdiff_t)));
    conv_plan *g = ctx->state;
    *g = plan;
    for (size_t t = 0; t < g->taps; t++) {
        const int64_t r = (int64_t)t / (g->merge ? 1 : d.s), s = (int64_t)t % (g->merge ? 1 : d.s);
        g->offset[t] = (ptrdiff_t)((r * d.dh * g->w + s * d.dw) * d.c);
    }
    size_t floats = g->c;
    if (g->copy && (!nnc_size_mul(&floats, (size_t)g->h * (size_t)g->w, (size_t)d.c) ||
                    !nnc_size_mul(&floats, floats, (size_t)d.n)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': padded input is too large", ctx->name);
    if (!nnc_size_mul(&ctx->scratch_bytes, floats, sizeof(float)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': padded input is too large", ctx->name);
    ctx->kernel = g->kernel->name;
    ctx->macs = (uint64_t)(d.n * d.oh * d.ow) * p->c_out * g->taps * g->c;
    return NNC_OK;
}

static void conv_run_node(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    const conv_plan *g = ctx->state;
    conv_run run = {.plan = g, .params = p, .x = ctx->in[0].data, .zero = ctx->scratch};
    nnrt_product_f32 product = {
        .kernel = g->kernel,
        .m = (size_t)(g->d.n * g->d.oh * g->d.ow),
        .n = p->c_out / p->groups,
        .taps = g->taps,
        .c = g->c,
        .batch = p->groups,
        .select = p->groups > 1 ? select_group : NULL,
        .rows = g->dense ? nnrt_product_rows_dense : window_rows,
        .x = run.x,
        .x_row = p->c_in,
        .w = ctx->in[1].data,
        .bias = p->has_bias ? ctx->in[2].data : NULL,
        .residual = p->has_residual ? ctx->in[2 + p->has_bias].data : NULL,
        .y = ctx->out[0].data,
        .y_row = p->c_out,
        .alpha = 1.0f,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
        .user = &run,
    };
    if (g->copy) {
        run.copy = ctx->scratch;
        product.x = run.copy;
        nnrt_parallel_tiles(ctx->pool, copy_rows, &run, (size_t)(g->d.n * g->h), COPY_ROWS);
    } else if (!g->dense) {
        memset(ctx->scratch, 0, g->c * sizeof(float));
    }
    nnrt_product_f32_run(&product, ctx->pool);
}

const nnrt_rop nnrt_rop_conv_f32 = {
    .name = "conv_f32",
    .params_bytes = sizeof(nnrt_conv_f32_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 1,
    .check = conv_check,
    .reshape = conv_reshape,
    .run = conv_run_node,
};
