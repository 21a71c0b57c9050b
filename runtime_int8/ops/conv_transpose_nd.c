/* conv_transpose_nd: transposed convolution over 1 to 6 spatial dims, channels-last.
 * SPDX-License-Identifier: Apache-2.0 Each phase (transpose_geometry.h) is a matrix product whose
 * rows read the input through pointers; it is made in scratch and spread over the output, or made
 * in place where there is one phase. Depthwise: one sum of taps per pixel. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/transpose_geometry.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/pack.h"

#define TAP_CHUNK 64u     /* taps summed by one kernel call */
#define TASK_WORK 65536.0 /* multiply-adds of one depthwise task, floats of one copying task */

typedef struct transpose_plan {
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    int64_t out[NNRT_SPATIAL_MAX];
    int64_t classes[NNRT_SPATIAL_MAX];
    ptrdiff_t step[NNRT_SPATIAL_MAX]; /* floats between neighbours of the input */
    uint32_t spatial;
    bool depthwise, covered; /* every output belongs to a phase */
    bool direct;             /* one phase that is the output */
    const nnrt_kernel *kernel;
    size_t n, c, k, taps; /* images; channels per group, in and out */
    size_t image, pixels; /* floats of an input image, outputs of one */
    size_t packed;        /* floats of the packed weights in scratch; 0: packed already */
    size_t zero;          /* floats in front of them */
    size_t offsets;       /* bytes in front of a phase's offsets */
} transpose_plan;

/* One phase of a run. */
typedef struct transpose_phase {
    const nnrt_node_ctx *ctx;
    const transpose_plan *plan;
    nnrt_tap_class classes[NNRT_SPATIAL_MAX];
    int64_t outs[NNRT_SPATIAL_MAX], taps[NNRT_SPATIAL_MAX];
    size_t rows, tap_count;
    const float *w;
    float *y;          /* [rows][c_out] */
    ptrdiff_t *offset; /* [tap_count] floats from the input that tap 0 reads */
} transpose_phase;

/* ---- product ---- */

/* The input that tap number `tap` of output `at` of the phase reads; NULL outside. */
static const float *tap_source(const transpose_phase *f, const float *x, const int64_t *at,
                               size_t tap)
{
    const transpose_plan *g = f->plan;
    for (uint32_t i = g->spatial; i-- > 0; tap /= (size_t)f->taps[i]) {
        const int64_t j = (int64_t)(tap % (size_t)f->taps[i]);
        const int64_t place = f->classes[i].in0 + at[i] - j * f->classes[i].back;
        if (place < 0 || place >= g->axis[i].in)
            return NULL;
        x += (ptrdiff_t)place * g->step[i];
    }
    return x;
}

static void phase_rows(const nnrt_product_f32 *p, const float **a, size_t row, size_t rows,
                       size_t tap, size_t taps)
{
    const transpose_phase *f = p->user;
    const transpose_plan *g = f->plan;
    int64_t at[NNRT_SPATIAL_MAX];
    size_t n = nnrt_index_init(at, row, f->outs, g->spatial);
    for (size_t i = 0; i < rows; i++) {
        const float *image = p->x + n * g->image, *first = image;
        bool inside = true;
        for (uint32_t d = 0; d < g->spatial; d++) {
            const int64_t place = f->classes[d].in0 + at[d];
            inside =
                inside && place < g->axis[d].in && place >= (f->taps[d] - 1) * f->classes[d].back;
            first += inside ? (ptrdiff_t)place * g->step[d] : 0;
        }
        for (size_t t = 0; t < taps; t++) {
            const float *x =
                inside ? first + f->offset[tap + t] : tap_source(f, image, at, tap + t);
            a[t * rows + i] = x ? x : f->ctx->scratch;
        }
        n += nnrt_index_next(at, f->outs, g->spatial);
    }
}

static void select_group(nnrt_product_f32 *one, size_t b)
{
    one->x += b * one->c;
    one->w += b * ((one->n + 15) / 16) * 16 * one->taps * one->c;
    one->bias = one->bias ? one->bias + b * one->n : NULL;
    one->y += b * one->n;
}

static void fill_offsets(const transpose_phase *f)
{
    const transpose_plan *g = f->plan;
    for (size_t t = 0; t < f->tap_count; t++) {
        size_t rest = t;
        f->offset[t] = 0;
        for (uint32_t i = g->spatial; i-- > 0; rest /= (size_t)f->taps[i])
            f->offset[t] -=
                (ptrdiff_t)((int64_t)(rest % (size_t)f->taps[i]) * f->classes[i].back) * g->step[i];
    }
}

static void run_phase(const transpose_phase *f)
{
    const nnrt_node_ctx *ctx = f->ctx;
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const transpose_plan *g = f->plan;
    const nnrt_product_f32 product = {
        .kernel = g->kernel,
        .m = f->rows,
        .n = g->k,
        .taps = f->tap_count,
        .c = g->c,
        .batch = p->groups,
        .select = p->groups > 1 ? select_group : NULL,
        .rows = phase_rows,
        .x = ctx->in[0].data,
        .x_row = p->c_in,
        .w = f->w,
        .bias = p->has_bias ? ctx->in[2].data : NULL,
        .y = f->y,
        .y_row = p->c_out,
        .alpha = 1.0f,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
        .user = f,
    };
    nnrt_product_f32_run(&product, ctx->pool);
}

/* Rows [begin, begin + count) of the phase into the output. */
static void spread_rows(void *user, size_t begin, size_t count)
{
    const transpose_phase *f = user;
    const transpose_plan *g = f->plan;
    const nnrt_conv_transpose_nd_params *p = f->ctx->params;
    int64_t at[NNRT_SPATIAL_MAX];
    size_t n = nnrt_index_init(at, begin, f->outs, g->spatial);
    for (size_t row = begin; row < begin + count; row++) {
        size_t pixel = n;
        for (uint32_t i = 0; i < g->spatial; i++)
            pixel = pixel * (size_t)g->out[i] +
                    (size_t)(f->classes[i].out0 + at[i] * g->axis[i].stride);
        memcpy((float *)f->ctx->out[0].data + pixel * p->c_out, f->y + row * p->c_out,
               p->c_out * sizeof(float));
        n += nnrt_index_next(at, f->outs, g->spatial);
    }
}

/* Outputs that no tap reaches. */
static void fill_bias(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const float *bias = p->has_bias ? ctx->in[2].data : NULL;
    float *y = (float *)ctx->out[0].data + begin * p->c_out;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < p->c_out; k++)
            *y++ = nnrt_clamp_f32(bias ? bias[k] : 0.0f, p->clamp.lo, p->clamp.hi);
    }
}

static size_t tile_of(double work)
{
    return work >= TASK_WORK ? 1 : (size_t)(TASK_WORK / (work + 1.0)) + 1;
}

static void run_phases(const nnrt_node_ctx *ctx, const float *w, float *y)
{
    const transpose_plan *g = ctx->state;
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    transpose_phase f = {.ctx = ctx, .plan = g, .w = w};
    f.offset = (ptrdiff_t *)(void *)((char *)ctx->scratch + g->offsets);
    const size_t columns = (g->k + 15) / 16 * 16 * p->groups;
    int64_t at[NNRT_SPATIAL_MAX];
    nnrt_index_init(at, 0, g->classes, g->spatial);
    do {
        f.rows = g->n;
        f.tap_count = 1;
        for (uint32_t i = 0; i < g->spatial; i++) {
            f.classes[i] = nnrt_transpose_class(&g->axis[i], at[i]);
            f.outs[i] = f.classes[i].outs;
            f.taps[i] = f.classes[i].taps;
            f.rows *= (size_t)f.outs[i];
            f.tap_count *= (size_t)f.taps[i];
        }
        f.y = g->direct ? ctx->out[0].data : y;
        if (f.rows != 0) {
            fill_offsets(&f);
            run_phase(&f);
            if (!g->direct)
                nnrt_parallel_tiles(ctx->pool, spread_rows, &f, f.rows, tile_of(p->c_out));
        }
        f.w += columns * f.tap_count * g->c;
    } while (!nnrt_index_next(at, g->classes, g->spatial));
}

/* ---- depthwise ---- */

typedef struct depthwise_run {
    const nnrt_node_ctx *ctx;
    const float *w; /* [taps][C] */
} depthwise_run;

/* Ascending taps that reach the output at `at`, from kernel position `tap` on; stops when the lists
 * are full. */
static size_t collect_taps(const depthwise_run *run, const float *x, const int64_t *at, size_t *tap,
                           const float **xs, const float **ws)
{
    const transpose_plan *g = run->ctx->state;
    size_t count = 0;
    for (; *tap < g->taps && count < TAP_CHUNK; ++*tap) {
        size_t rest = *tap;
        const float *from = x;
        for (uint32_t i = g->spatial; from && i-- > 0; rest /= (size_t)g->axis[i].kernel) {
            const nnrt_axis_window *a = &g->axis[i];
            const int64_t t = (int64_t)(rest % (size_t)a->kernel);
            const int64_t place = at[i] + a->begin - t * a->dilation;
            from = place < 0 || place % a->stride != 0 || place / a->stride >= a->in
                       ? NULL
                       : from + (ptrdiff_t)(place / a->stride) * g->step[i];
        }
        if (from) {
            xs[count] = from;
            ws[count++] = run->w + *tap * (size_t)g->step[g->spatial - 1];
        }
    }
    return count;
}

static void depthwise_tile(void *user, size_t begin, size_t count)
{
    const depthwise_run *run = user;
    const nnrt_node_ctx *ctx = run->ctx;
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const transpose_plan *g = ctx->state;
    int64_t at[NNRT_SPATIAL_MAX];
    size_t n = nnrt_index_init(at, begin, g->out, g->spatial);
    for (size_t row = begin; row < begin + count; row++) {
        const float *xs[TAP_CHUNK], *ws[TAP_CHUNK];
        const float *start = p->has_bias ? ctx->in[2].data : NULL;
        float *y = (float *)ctx->out[0].data + row * p->c_out;
        size_t tap = 0;
        while (tap < g->taps) {
            size_t taps =
                collect_taps(run, (const float *)ctx->in[0].data + n * g->image, at, &tap, xs, ws);
            const bool last = tap == g->taps;
            ((nnrt_k_tapsum_f32_fn *)g->kernel->fn)(y, xs, ws, start, NULL, taps, p->c_out,
                                                    last ? p->clamp.lo : -INFINITY,
                                                    last ? p->clamp.hi : INFINITY);
            start = y;
        }
        n += nnrt_index_next(at, g->out, g->spatial);
    }
}

/* ---- the op ---- */

static nnc_status check(const nnrt_node_ctx *ctx)
{
    return nnrt_transpose_check(ctx, NNRT_F32);
}

static nnc_status check_sizes(const nnrt_node_ctx *ctx, const nnrt_window_nd *w, transpose_plan *g)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t floats;
    bool fits = true;
    g->depthwise = p->groups == p->c_in && p->c_in == p->c_out;
    g->c = p->c_in / p->groups;
    g->k = p->c_out / p->groups;
    g->taps = 1;
    for (uint32_t i = 0; i < w->spatial; i++)
        fits = fits && nnc_size_mul(&g->taps, g->taps, w->kernel[i]);
    floats = g->depthwise ? p->c_out : (g->k + 15) / 16 * 16 * (size_t)p->groups;
    fits = fits && nnc_size_mul(&floats, floats, g->taps) && nnc_size_mul(&floats, floats, g->c);
    if (!fits || floats > PTRDIFF_MAX / 8)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': weights are too large", ctx->name);
    if (x->dims[x->rank - 1] != p->c_in)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)x->dims[x->rank - 1], p->c_in);
    g->packed = p->packed ? 0 : floats;
    if (p->packed)
        NNC_TRY(nnrt_check_count(ctx, 1, floats));
    return p->has_bias ? nnrt_check_count(ctx, 2, p->c_out) : NNC_OK;
}

/* Rows of the largest phase. */
static size_t fill_plan(transpose_plan *g, const nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    ptrdiff_t step = p->c_in;
    size_t rows;
    g->n = (size_t)ctx->in[0].shape.dims[0];
    g->kernel = nnrt_kernel_find(g->depthwise ? NNRT_K_tapsum_f32 : NNRT_K_gemm_f32, ctx->isa);
    g->covered = g->direct = true;
    g->pixels = 1;
    rows = g->n;
    for (uint32_t i = g->spatial; i-- > 0;) {
        const nnrt_axis_window *a = &g->axis[i];
        g->out[i] = a->out;
        g->classes[i] = nnrt_transpose_classes(a);
        g->step[i] = step;
        step *= (ptrdiff_t)a->in;
        g->pixels *= (size_t)a->out;
        g->covered = g->covered && g->classes[i] == a->stride;
        g->direct = g->direct && a->stride == 1;
        rows *= (size_t)((a->out + a->stride - 1) / a->stride);
    }
    g->image = (size_t)step;
    g->zero = (g->c + 15) / 16 * 16;
    return g->direct || g->depthwise ? 0 : rows;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    nnrt_window_nd w;
    transpose_plan plan = {0};
    size_t floats;
    NNC_TRY(nnrt_transpose_kernel(&w, ctx));
    NNC_TRY(check_sizes(ctx, &w, &plan));
    NNC_TRY(nnrt_transpose_resolve(plan.axis, ctx, p, &w, ctx->in[0].shape.dims + 1));
    plan.spatial = w.spatial;
    nnrt_shape y = ctx->in[0].shape;
    for (uint32_t i = 0; i < w.spatial; i++)
        y.dims[i + 1] = plan.axis[i].out;
    y.dims[y.rank - 1] = p->c_out;
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    nnrt_set_output(ctx, NNRT_F32, &y);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof plan));
    if (!nnc_size_mul(&floats, fill_plan(&plan, ctx), p->c_out) ||
        !nnc_size_add(&floats, floats, plan.packed) || !nnc_size_add(&floats, floats, plan.zero) ||
        !nnc_size_mul(&floats, floats, sizeof(float)) ||
        !nnc_size_mul(&ctx->scratch_bytes, plan.taps, sizeof(ptrdiff_t)) ||
        !nnc_size_add(&ctx->scratch_bytes, ctx->scratch_bytes, floats + 8))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': a phase is too large", ctx->name);
    plan.offsets = (floats + 7) / 8 * 8;
    *(transpose_plan *)ctx->state = plan;
    ctx->kernel = plan.kernel->name;
    ctx->macs = (uint64_t)nnrt_shape_span(&ctx->in[0].shape, 0, w.spatial + 1) * plan.taps *
                p->c_in * plan.k;
    return NNC_OK;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const transpose_plan *g = ctx->state;
    float *packed = (float *)ctx->scratch + g->zero;
    const float *w = g->packed ? packed : ctx->in[1].data;
    const size_t pixels = g->n * g->pixels;
    if (pixels == 0)
        return;
    memset(ctx->scratch, 0, g->zero * sizeof(float));
    if (g->packed && g->depthwise) {
        nnrt_pack_taps_first(packed, ctx->in[1].data, p->c_out, g->taps);
    } else if (g->packed) {
        nnrt_window_nd window = p->window;
        for (uint32_t i = 0; i < g->spatial; i++)
            window.kernel[i] = (uint32_t)g->axis[i].kernel;
        nnrt_pack_conv_transpose(packed, ctx->in[1].data, &window, p->groups, p->c_in, p->c_out);
    }
    if (g->depthwise) {
        depthwise_run job = {ctx, w};
        nnrt_parallel_tiles(ctx->pool, depthwise_tile, &job, pixels,
                            tile_of((double)g->taps * p->c_out));
        return;
    }
    if (!g->covered)
        nnrt_parallel_tiles(ctx->pool, fill_bias, (void *)(uintptr_t)ctx, pixels,
                            tile_of(p->c_out));
    run_phases(ctx, w, packed + g->packed);
}

const nnrt_rop nnrt_rop_conv_transpose_nd = {
    .name = "conv_transpose_nd",
    .params_bytes = sizeof(nnrt_conv_transpose_nd_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
