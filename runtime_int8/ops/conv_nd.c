/* conv_nd: convolution over 1 to 6 spatial dims, channels-last, with weights of any value.
 * SPDX-License-Identifier: Apache-2.0 Rows of the product read their taps through pointers, padding
 * through a row of zeros; depthwise convolutions are one sum of taps per pixel. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/check_f32.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window_nd.h"
#include "runtime_int8/pack.h"

#define TAP_CHUNK 64u     /* taps summed by one kernel call */
#define TASK_WORK 65536.0 /* multiply-adds of one depthwise task */
#define ZERO_FLOATS(c) (((c) + 15) / 16 * 16)

typedef struct conv_nd_plan {
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    int64_t out[NNRT_SPATIAL_MAX];
    ptrdiff_t step[NNRT_SPATIAL_MAX];                       /* floats between neighbours of a dim */
    int64_t first[NNRT_SPATIAL_MAX], end[NNRT_SPATIAL_MAX]; /* outputs whose window lies inside */
    uint32_t spatial;
    bool dense, depthwise;
    const nnrt_kernel *kernel;
    size_t rows, taps, c;
    size_t image;    /* floats of one input image */
    size_t packed;   /* floats of the packed weights in scratch; 0: packed already */
    size_t row_tile; /* depthwise: pixels per task */
    ptrdiff_t
        offset[]; /* [taps] floats from the window's first element; then [taps][spatial] int64 */
} conv_nd_plan;

typedef struct conv_nd_run {
    const nnrt_node_ctx *ctx;
    const conv_nd_plan *plan;
    const float *zero; /* [c], depthwise [C] */
    float *packed;
} conv_nd_run;

static const int64_t *tap_places(const conv_nd_plan *g)
{
    return (const int64_t *)(const void *)(g->offset + g->taps);
}

/* ---- where a row reads ---- */

/* First element of the window at `at` relative to its image, and whether all of it lies inside. */
static ptrdiff_t window_start(const conv_nd_plan *g, const int64_t *at, bool *inside)
{
    ptrdiff_t start = 0;
    *inside = true;
    for (uint32_t i = 0; i < g->spatial; i++) {
        start += (ptrdiff_t)(at[i] * g->axis[i].stride - g->axis[i].begin) * g->step[i];
        *inside = *inside && at[i] >= g->first[i] && at[i] < g->end[i];
    }
    return start;
}

static bool tap_inside(const conv_nd_plan *g, const int64_t *at, size_t tap)
{
    const int64_t *place = tap_places(g) + tap * g->spatial;
    for (uint32_t i = 0; i < g->spatial; i++) {
        int64_t x = at[i] * g->axis[i].stride - g->axis[i].begin + place[i];
        if (x < 0 || x >= g->axis[i].in)
            return false;
    }
    return true;
}

static void window_rows(const nnrt_product_f32 *p, const float **a, size_t row, size_t rows,
                        size_t tap, size_t taps)
{
    const conv_nd_run *run = p->user;
    const conv_nd_plan *g = run->plan;
    int64_t at[NNRT_SPATIAL_MAX];
    size_t n = nnrt_index_init(at, row, g->out, g->spatial);
    for (size_t i = 0; i < rows; i++) {
        bool inside;
        const ptrdiff_t first = (ptrdiff_t)(n * g->image) + window_start(g, at, &inside);
        for (size_t t = 0; t < taps; t++)
            a[t * rows + i] = inside || tap_inside(g, at, tap + t)
                                  ? p->x + (first + g->offset[tap + t])
                                  : run->zero;
        n += nnrt_index_next(at, g->out, g->spatial);
    }
}

static void select_group(nnrt_product_f32 *one, size_t b)
{
    one->x += b * one->c;
    one->w += b * ((one->n + 15) / 16) * 16 * one->taps * one->c;
    one->bias = one->bias ? one->bias + b * one->n : NULL;
    one->residual = one->residual ? one->residual + b * one->n : NULL;
    one->y += b * one->n;
}

/* ---- depthwise ---- */

static void depthwise_pixel(const conv_nd_run *run, const float *w, size_t row, const int64_t *at,
                            size_t n)
{
    const nnrt_conv_nd_params *p = run->ctx->params;
    const conv_nd_plan *g = run->plan;
    const size_t channels = p->c_out;
    const float *xs[TAP_CHUNK], *ws[TAP_CHUNK];
    bool inside;
    const float *x = (const float *)run->ctx->in[0].data + n * g->image;
    const ptrdiff_t first = window_start(g, at, &inside);
    float *y = (float *)run->ctx->out[0].data + row * channels;
    const float *start = p->has_bias ? run->ctx->in[2].data : NULL;
    const float *residual =
        p->has_residual ? (const float *)run->ctx->in[2 + p->has_bias].data + row * channels : NULL;
    for (size_t t = 0; t < g->taps; t += TAP_CHUNK, start = y) {
        const size_t count = g->taps - t < TAP_CHUNK ? g->taps - t : TAP_CHUNK;
        const bool last = t + count == g->taps;
        for (size_t k = 0; k < count; k++) {
            xs[k] = inside || tap_inside(g, at, t + k) ? x + (first + g->offset[t + k]) : run->zero;
            ws[k] = w + (t + k) * channels;
        }
        ((nnrt_k_tapsum_f32_fn *)g->kernel->fn)(y, xs, ws, start, last ? residual : NULL, count,
                                                channels, last ? p->clamp.lo : -INFINITY,
                                                last ? p->clamp.hi : INFINITY);
    }
}

static void depthwise_tile(void *user, size_t begin, size_t count)
{
    const conv_nd_run *run = user;
    const conv_nd_plan *g = run->plan;
    const float *w = g->packed ? run->packed : run->ctx->in[1].data;
    int64_t at[NNRT_SPATIAL_MAX];
    size_t n = nnrt_index_init(at, begin, g->out, g->spatial);
    for (size_t row = begin; row < begin + count; row++) {
        depthwise_pixel(run, w, row, at, n);
        n += nnrt_index_next(at, g->out, g->spatial);
    }
}

/* ---- weights of any value ---- */

/* Panels [begin, begin + count) of all groups from [c_out][C][taps]. */
static void pack_panels(void *user, size_t begin, size_t count)
{
    const conv_nd_run *run = user;
    const nnrt_conv_nd_params *p = run->ctx->params;
    const conv_nd_plan *g = run->plan;
    const size_t n = p->c_out / p->groups, panels = (n + 15) / 16, k = g->taps * g->c;
    for (size_t i = begin; i < begin + count; i++) {
        const size_t first = i % panels * 16, cols = n - first < 16 ? n - first : 16;
        const float *w = (const float *)run->ctx->in[1].data + (i / panels * n + first) * k;
        float *to = run->packed + i * k * 16;
        if (cols < 16)
            memset(to, 0, k * 16 * sizeof *to);
        for (size_t j = 0; j < cols; j++) {
            for (size_t c = 0; c < g->c; c++) {
                for (size_t t = 0; t < g->taps; t++)
                    to[(t * g->c + c) * 16 + j] = w[(j * g->c + c) * g->taps + t];
            }
        }
    }
}

/* ---- the op ---- */

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_nd_params *p = ctx->params;
    NNC_TRY(nnrt_window_nd_check(ctx, &p->window));
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    if (p->groups == 0 || p->c_in == 0 || p->c_out == 0 || p->c_in > INT32_MAX ||
        p->c_out > INT32_MAX || p->c_in % p->groups != 0 || p->c_out % p->groups != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u input and %u output channels in %u groups", ctx->name,
                 p->c_in, p->c_out, p->groups);
    if (p->packed > 1 || p->has_bias > 1 || p->has_residual > 1 ||
        ctx->in_count != 2 + p->has_bias + p->has_residual)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with packed %u, bias %u and residual %u",
                 ctx->name, ctx->in_count, p->packed, p->has_bias, p->has_residual);
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
    return nnrt_check_rank(ctx, 0, p->window.spatial + 2);
}

/* The kernel of plain weights is their shape. */
static nnc_status take_kernel(const nnrt_node_ctx *ctx, nnrt_window_nd *w)
{
    const nnrt_conv_nd_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[1].shape;
    if (p->packed)
        return NNC_OK;
    if (shape->rank != w->spatial + 2 || shape->dims[0] != p->c_out ||
        shape->dims[1] != p->c_in / p->groups) {
        char text[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': weight %s for %u to %u channels in %u groups over %u dims",
                 ctx->name, nnrt_shape_text(text, shape), p->c_in, p->c_out, p->groups, w->spatial);
    }
    for (uint32_t i = 0; i < w->spatial; i++)
        w->kernel[i] = shape->dims[i + 2] > UINT16_MAX ? UINT32_MAX : (uint32_t)shape->dims[i + 2];
    return nnrt_window_nd_check(ctx, w);
}

/* Sizes that must agree with the parameters; *taps: taps of the kernel, *floats: of the packed
 * weights. */
static nnc_status check_sizes(const nnrt_node_ctx *ctx, const nnrt_window_nd *w, size_t *taps,
                              size_t *floats)
{
    const nnrt_conv_nd_params *p = ctx->params;
    const bool depthwise = p->groups == p->c_in && p->c_in == p->c_out;
    const size_t n = p->c_out / p->groups;
    bool fits = true;
    *taps = 1;
    for (uint32_t i = 0; i < w->spatial; i++)
        fits = fits && nnc_size_mul(taps, *taps, w->kernel[i]);
    *floats = depthwise ? p->c_out : (n + 15) / 16 * 16 * (size_t)p->groups;
    fits = fits && nnc_size_mul(floats, *floats, *taps) &&
           nnc_size_mul(floats, *floats, p->c_in / p->groups);
    if (!fits || *floats > PTRDIFF_MAX / 8)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': weights are too large", ctx->name);
    if (p->packed)
        NNC_TRY(nnrt_check_count(ctx, 1, *floats));
    if (ctx->in[0].shape.dims[ctx->in[0].shape.rank - 1] != p->c_in)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)ctx->in[0].shape.dims[ctx->in[0].shape.rank - 1], p->c_in);
    return p->has_bias ? nnrt_check_count(ctx, 2, p->c_out) : NNC_OK;
}

/* Everything of the plan that follows from its axes. */
static void fill_plan(conv_nd_plan *g, const nnrt_node_ctx *ctx)
{
    const nnrt_conv_nd_params *p = ctx->params;
    ptrdiff_t step = p->c_in;
    g->dense = true;
    g->depthwise = p->groups == p->c_in && p->c_in == p->c_out;
    g->kernel = nnrt_kernel_find(g->depthwise ? NNRT_K_tapsum_f32 : NNRT_K_gemm_f32, ctx->isa);
    g->c = p->c_in / p->groups;
    g->rows = (size_t)ctx->in[0].shape.dims[0];
    for (uint32_t i = g->spatial; i-- > 0;) {
        const nnrt_axis_window *a = &g->axis[i];
        const int64_t span = (a->kernel - 1) * a->dilation + 1;
        g->out[i] = a->out;
        g->step[i] = step;
        step *= (ptrdiff_t)a->in;
        g->rows *= (size_t)a->out;
        g->first[i] = (a->begin + a->stride - 1) / a->stride;
        g->end[i] = a->in + a->begin >= span ? (a->in + a->begin - span) / a->stride + 1 : 0;
        g->dense = g->dense && a->kernel == 1 && a->stride == 1 && a->begin == 0 && a->end == 0;
    }
    g->image = (size_t)step;
    int64_t *place = (int64_t *)(void *)(g->offset + g->taps);
    for (size_t t = 0; t < g->taps; t++) {
        size_t rest = t;
        g->offset[t] = 0;
        for (uint32_t i = g->spatial; i-- > 0; rest /= (size_t)g->axis[i].kernel) {
            int64_t k = (int64_t)(rest % (size_t)g->axis[i].kernel) * g->axis[i].dilation;
            place[t * g->spatial + i] = k;
            g->offset[t] += (ptrdiff_t)k * g->step[i];
        }
    }
    const double pixel = (double)g->taps * p->c_out;
    g->row_tile = pixel >= TASK_WORK ? 1 : (size_t)(TASK_WORK / pixel);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_nd_params *p = ctx->params;
    nnrt_window_nd w = p->window;
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    size_t taps, floats, zero = ZERO_FLOATS((size_t)p->c_in), state;
    NNC_TRY(take_kernel(ctx, &w));
    NNC_TRY(check_sizes(ctx, &w, &taps, &floats));
    NNC_TRY(nnrt_window_nd_resolve(axis, ctx, &w, ctx->in[0].shape.dims + 1));
    nnrt_shape y = ctx->in[0].shape;
    for (uint32_t i = 0; i < w.spatial; i++)
        y.dims[i + 1] = axis[i].out;
    y.dims[y.rank - 1] = p->c_out;
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    nnrt_set_output(ctx, NNRT_F32, &y);
    NNC_TRY(nnrt_check_residual_f32(ctx, p->has_bias, p->has_residual));
    if (!nnc_size_mul(&state, taps, sizeof(ptrdiff_t) + w.spatial * sizeof(int64_t)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu taps are too many", ctx->name, taps);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(conv_nd_plan) + state));
    conv_nd_plan *g = ctx->state;
    memcpy(g->axis, axis, sizeof axis);
    g->spatial = w.spatial;
    g->taps = taps;
    g->packed = p->packed ? 0 : floats;
    fill_plan(g, ctx);
    ctx->scratch_bytes = (zero + g->packed) * sizeof(float);
    ctx->kernel = g->kernel->name;
    ctx->macs = (uint64_t)g->rows * p->c_out * taps * g->c;
    return NNC_OK;
}

static void run_product(const conv_nd_run *run)
{
    const nnrt_node_ctx *ctx = run->ctx;
    const nnrt_conv_nd_params *p = ctx->params;
    const conv_nd_plan *g = run->plan;
    const nnrt_product_f32 product = {
        .kernel = g->kernel,
        .m = g->rows,
        .n = p->c_out / p->groups,
        .taps = g->taps,
        .c = g->c,
        .batch = p->groups,
        .select = p->groups > 1 ? select_group : NULL,
        .rows = g->dense ? nnrt_product_rows_dense : window_rows,
        .x = ctx->in[0].data,
        .x_row = p->c_in,
        .w = g->packed ? run->packed : ctx->in[1].data,
        .bias = p->has_bias ? ctx->in[2].data : NULL,
        .residual = p->has_residual ? ctx->in[2 + p->has_bias].data : NULL,
        .y = ctx->out[0].data,
        .y_row = p->c_out,
        .alpha = 1.0f,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
        .user = run,
    };
    nnrt_product_f32_run(&product, ctx->pool);
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_nd_params *p = ctx->params;
    const conv_nd_plan *g = ctx->state;
    const size_t zero = ZERO_FLOATS((size_t)p->c_in);
    conv_nd_run run = {.ctx = ctx, .plan = g, .zero = ctx->scratch};
    if (g->rows == 0)
        return;
    memset(ctx->scratch, 0, zero * sizeof(float));
    run.packed = (float *)ctx->scratch + zero;
    if (g->packed && g->depthwise)
        nnrt_pack_taps_first(run.packed, ctx->in[1].data, p->c_out, g->taps);
    else if (g->packed)
        nnrt_parallel_tiles(ctx->pool, pack_panels, &run,
                            p->groups * (size_t)((p->c_out / p->groups + 15) / 16), 1);
    if (g->depthwise)
        nnrt_parallel_tiles(ctx->pool, depthwise_tile, &run, g->rows, g->row_tile);
    else
        run_product(&run);
}

const nnrt_rop nnrt_rop_conv_nd = {
    .name = "conv_nd",
    .params_bytes = sizeof(nnrt_conv_nd_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
