/* deform_conv: convolution whose taps are moved by offsets and read by linear interpolation.
 * SPDX-License-Identifier: Apache-2.0 Channels-last. The taps of an image are sampled into scratch,
 * [pixels][taps][C]; then it is a matrix product. Points outside the image are 0. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window_nd.h"

#define TASK_WORK 65536.0

typedef struct deform_state {
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    int64_t out[NNRT_SPATIAL_MAX], kernel[NNRT_SPATIAL_MAX];
    uint32_t spatial;
    const nnrt_kernel *kernel_row;
    size_t n, pixels, image, taps, c, k; /* c, k: channels per group */
    size_t weights;                      /* floats of the packed weights, in front in scratch */
} deform_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_deform_conv_params *p = ctx->params;
    NNC_TRY(nnrt_window_nd_check(ctx, &p->window));
    if (p->groups < 1 || p->offset_groups < 1 || p->c_in < 1 || p->c_out < 1 ||
        p->c_in > INT32_MAX || p->c_out > INT32_MAX || p->c_in % p->groups ||
        p->c_out % p->groups || p->c_in % p->offset_groups)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u to %u channels in %u groups and %u offset groups",
                 ctx->name, p->c_in, p->c_out, p->groups, p->offset_groups);
    if (p->has_bias > 1 || p->has_mask > 1 || ctx->in_count != 3 + p->has_bias + p->has_mask)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with bias %u and mask %u", ctx->name,
                 ctx->in_count, p->has_bias, p->has_mask);
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
        if (i != 3 || !p->has_bias)
            NNC_TRY(nnrt_check_rank(ctx, i, p->window.spatial + 2));
    }
    return NNC_OK;
}

/* Input i is [n, channels, out...]. */
static nnc_status check_map(const nnrt_node_ctx *ctx, uint32_t i, size_t channels)
{
    const deform_state *s = ctx->state;
    nnrt_shape want = {.rank = s->spatial + 2, .dims = {(int64_t)s->n, (int64_t)channels}};
    for (uint32_t d = 0; d < s->spatial; d++)
        want.dims[d + 2] = s->out[d];
    if (!nnrt_shape_same(&ctx->in[i].shape, &want)) {
        char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is %s, expected %s", ctx->name, i,
                 nnrt_shape_text(a, &ctx->in[i].shape), nnrt_shape_text(b, &want));
    }
    return NNC_OK;
}

static nnc_status plan_scratch(nnrt_node_ctx *ctx)
{
    const nnrt_deform_conv_params *p = ctx->params;
    deform_state *s = ctx->state;
    size_t columns;
    s->weights = (s->k + 15) / 16 * 16 * p->groups;
    if (!nnc_size_mul(&s->weights, s->weights, s->taps) ||
        !nnc_size_mul(&s->weights, s->weights, s->c) ||
        !nnc_size_mul(&columns, s->pixels, s->taps) || !nnc_size_mul(&columns, columns, p->c_in) ||
        !nnc_size_add(&columns, columns, s->weights) ||
        !nnc_size_mul(&ctx->scratch_bytes, columns, sizeof(float)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': sampled taps are too large", ctx->name);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_deform_conv_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *w = &ctx->in[1].shape;
    nnrt_window_nd window = p->window;
    char tx[NNRT_SHAPE_TEXT], tw[NNRT_SHAPE_TEXT];
    if (x->dims[x->rank - 1] != p->c_in || w->dims[0] != p->c_out ||
        w->dims[1] != p->c_in / p->groups)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %s and weight %s for %u to %u channels in %u groups",
                 ctx->name, nnrt_shape_text(tx, x), nnrt_shape_text(tw, w), p->c_in, p->c_out,
                 p->groups);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(deform_state)));
    deform_state *s = ctx->state;
    *s = (deform_state){.spatial = window.spatial,
                        .n = (size_t)x->dims[0],
                        .pixels = 1,
                        .taps = 1,
                        .c = p->c_in / p->groups,
                        .k = p->c_out / p->groups};
    for (uint32_t d = 0; d < s->spatial; d++)
        window.kernel[d] = w->dims[d + 2] > UINT16_MAX ? UINT32_MAX : (uint32_t)w->dims[d + 2];
    NNC_TRY(nnrt_window_nd_check(ctx, &window));
    NNC_TRY(nnrt_window_nd_resolve(s->axis, ctx, &window, x->dims + 1));
    nnrt_shape y = {.rank = x->rank, .dims = {x->dims[0]}};
    for (uint32_t d = 0; d < s->spatial; d++) {
        s->out[d] = y.dims[d + 1] = s->axis[d].out;
        s->kernel[d] = s->axis[d].kernel;
        s->taps *= (size_t)s->axis[d].kernel;
        s->pixels *= (size_t)s->axis[d].out;
    }
    y.dims[y.rank - 1] = p->c_out;
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    NNC_TRY(check_map(ctx, 2, p->offset_groups * s->taps * s->spatial));
    if (p->has_mask)
        NNC_TRY(check_map(ctx, 3 + p->has_bias, p->offset_groups * s->taps));
    if (p->has_bias)
        NNC_TRY(nnrt_check_count(ctx, 3, p->c_out));
    nnrt_set_output(ctx, NNRT_F32, &y);
    s->image = nnrt_shape_span(x, 1, x->rank);
    s->kernel_row = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    ctx->kernel = s->kernel_row->name;
    ctx->macs = (uint64_t)s->n * s->pixels * s->taps * s->c * p->c_out;
    return plan_scratch(ctx);
}

typedef struct deform_run {
    const nnrt_node_ctx *ctx;
    size_t image;
    float *packed, *columns;
} deform_run;

/* Adds the c channels at the point `at`, times `scale`, to y: 2^spatial neighbours, the last dim's
 * fastest. */
static void sample(const nnrt_node_ctx *ctx, float *y, const float *x, const float *at, float scale,
                   size_t c)
{
    const nnrt_deform_conv_params *p = ctx->params;
    const deform_state *s = ctx->state;
    for (uint32_t corner = 0; corner < 1u << s->spatial; corner++) {
        const float *from = x;
        float weight = scale;
        ptrdiff_t step = p->c_in;
        bool inside = true;
        for (uint32_t d = s->spatial; d-- > 0;) {
            const float low = floorf(at[d]), part = at[d] - low;
            const bool high = corner >> (s->spatial - 1 - d) & 1u;
            /* Far outside, and NaN, are outside before anything becomes an integer. */
            inside = inside && low >= -1.0f && low < (float)s->axis[d].in;
            const int64_t place = inside ? (int64_t)low + high : -1;
            inside = inside && place >= 0 && place < s->axis[d].in;
            weight *= high ? part : 1.0f - part;
            from += inside ? (ptrdiff_t)place * step : 0;
            step *= (ptrdiff_t)s->axis[d].in;
        }
        for (size_t i = 0; inside && i < c; i++)
            y[i] += weight * from[i];
    }
}

/* All taps of one output pixel. */
static void sample_pixel(const deform_run *run, size_t pixel)
{
    const nnrt_node_ctx *ctx = run->ctx;
    const nnrt_deform_conv_params *p = ctx->params;
    const deform_state *s = ctx->state;
    const size_t c = p->c_in / p->offset_groups;
    const size_t maps = p->offset_groups * s->taps;
    const float *x = (const float *)ctx->in[0].data + run->image * s->image;
    const float *offset =
        (const float *)ctx->in[2].data + run->image * maps * s->spatial * s->pixels;
    const float *mask =
        p->has_mask ? (const float *)ctx->in[3 + p->has_bias].data + run->image * maps * s->pixels
                    : NULL;
    int64_t at[NNRT_SPATIAL_MAX], tap[NNRT_SPATIAL_MAX];
    nnrt_index_init(at, pixel, s->out, s->spatial);
    float *to = run->columns + pixel * s->taps * p->c_in;
    memset(to, 0, s->taps * p->c_in * sizeof *to);
    for (size_t t = 0; t < s->taps; t++) {
        nnrt_index_init(tap, t, s->kernel, s->spatial);
        for (uint32_t g = 0; g < p->offset_groups; g++) {
            const size_t map = g * s->taps + t;
            float point[NNRT_SPATIAL_MAX];
            for (uint32_t d = 0; d < s->spatial; d++) {
                const nnrt_axis_window *a = &s->axis[d];
                point[d] = (float)(at[d] * a->stride - a->begin + tap[d] * a->dilation) +
                           offset[(map * s->spatial + d) * s->pixels + pixel];
            }
            sample(ctx, to + t * p->c_in + g * c, x + g * c, point,
                   mask ? mask[map * s->pixels + pixel] : 1.0f, c);
        }
    }
}

static void sample_tile(void *user, size_t begin, size_t count)
{
    for (size_t pixel = begin; pixel < begin + count; pixel++)
        sample_pixel(user, pixel);
}

/* Panels of all groups from [c_out][C][taps]. */
static void pack_panels(void *user, size_t begin, size_t count)
{
    const deform_run *run = user;
    const deform_state *s = run->ctx->state;
    const size_t panels = (s->k + 15) / 16;
    for (size_t i = begin; i < begin + count; i++) {
        const size_t first = i % panels * 16;
        const float *w =
            (const float *)run->ctx->in[1].data + (i / panels * s->k + first) * s->c * s->taps;
        float *to = run->packed + i * s->taps * s->c * 16;
        for (size_t t = 0; t < s->taps; t++) {
            for (size_t c = 0; c < s->c; c++, to += 16) {
                for (size_t j = 0; j < 16; j++)
                    to[j] = first + j < s->k ? w[(j * s->c + c) * s->taps + t] : 0.0f;
            }
        }
    }
}

static void tap_rows(const nnrt_product_f32 *p, const float **a, size_t row, size_t rows,
                     size_t tap, size_t taps)
{
    for (size_t t = 0; t < taps; t++) {
        for (size_t i = 0; i < rows; i++)
            a[t * rows + i] = p->x + ((row + i) * p->taps + tap + t) * p->x_row;
    }
}

static void select_group(nnrt_product_f32 *one, size_t b)
{
    one->x += b * one->c;
    one->w += b * ((one->n + 15) / 16) * 16 * one->taps * one->c;
    one->bias = one->bias ? one->bias + b * one->n : NULL;
    one->y += b * one->n;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_deform_conv_params *p = ctx->params;
    const deform_state *s = ctx->state;
    deform_run job = {.ctx = ctx, .packed = ctx->scratch};
    const double work = (double)s->taps * p->c_in * (double)(2u << s->spatial);
    if (s->pixels == 0)
        return;
    job.columns = job.packed + s->weights;
    nnrt_parallel_tiles(ctx->pool, pack_panels, &job, p->groups * ((s->k + 15) / 16), 1);
    for (; job.image < s->n; job.image++) {
        nnrt_parallel_tiles(ctx->pool, sample_tile, &job, s->pixels,
                            work >= TASK_WORK ? 1 : (size_t)(TASK_WORK / work));
        const nnrt_product_f32 product = {
            .kernel = s->kernel_row,
            .m = s->pixels,
            .n = s->k,
            .taps = s->taps,
            .c = s->c,
            .batch = p->groups,
            .select = p->groups > 1 ? select_group : NULL,
            .rows = tap_rows,
            .x = job.columns,
            .x_row = p->c_in,
            .w = job.packed,
            .bias = p->has_bias ? ctx->in[3].data : NULL,
            .y = (float *)ctx->out[0].data + job.image * s->pixels * p->c_out,
            .y_row = p->c_out,
            .alpha = 1.0f,
            .lo = -INFINITY,
            .hi = INFINITY,
        };
        nnrt_product_f32_run(&product, ctx->pool);
    }
}

const nnrt_rop nnrt_rop_deform_conv = {
    .name = "deform_conv",
    .params_bytes = sizeof(nnrt_deform_conv_params),
    .min_in = 3,
    .max_in = 5,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
