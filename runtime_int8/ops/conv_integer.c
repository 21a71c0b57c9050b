/* conv_integer: convolution of 8-bit integers in the ONNX order of dims, exact in wrapping 32 bits.
 * SPDX-License-Identifier: Apache-2.0
 * The input becomes 16-bit differences from its zero point; then every tap adds a scaled row to a
 * row of outputs. */
#include "base/mem.h"
#include "runtime_int8/ops/util.h"

#define SET_BYTES (NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8))
#define SPATIAL_MAX 3
#define WINDOW_MAX 65535u
#define WIDEN_TILE 32768u

/* Sizes with missing spatial dims in front as 1. */
typedef struct conv_sizes {
    int64_t n, c, m, per_group; /* per_group: input channels of a group */
    int64_t in[SPATIAL_MAX], kernel[SPATIAL_MAX], out[SPATIAL_MAX];
    int64_t stride[SPATIAL_MAX], dilation[SPATIAL_MAX], begin[SPATIAL_MAX];
} conv_sizes;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_integer_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, SET_BYTES));
    NNC_TRY(nnrt_check_dtype(ctx, 1, SET_BYTES));
    if (p->spatial < 1 || p->spatial > SPATIAL_MAX || p->groups < 1 || p->auto_pad > 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u spatial dims, %u groups, padding form %u", ctx->name,
                 p->spatial, p->groups, p->auto_pad);
    for (uint32_t d = 0; d < p->spatial; d++) {
        if (p->stride[d] < 1 || p->stride[d] > WINDOW_MAX || p->dilation[d] < 1 ||
            p->dilation[d] > WINDOW_MAX || p->pad_begin[d] > WINDOW_MAX ||
            p->pad_end[d] > WINDOW_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': stride %u, dilation %u, padding %u and %u", ctx->name,
                     p->stride[d], p->dilation[d], p->pad_begin[d], p->pad_end[d]);
    }
    if (p->has_zx > 1 || p->has_zw > 1 || ctx->in_count != 2 + p->has_zx + p->has_zw)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with zero point flags %u and %u", ctx->name,
                 ctx->in_count, p->has_zx, p->has_zw);
    NNC_TRY(nnrt_check_rank(ctx, 0, p->spatial + 2));
    NNC_TRY(nnrt_check_rank(ctx, 1, p->spatial + 2));
    if (p->has_zx)
        NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)));
    return p->has_zw ? nnrt_check_dtype(ctx, 2 + p->has_zx, NNRT_SET(ctx->in[1].dtype)) : NNC_OK;
}

static nnc_status window_of(conv_sizes *s, const nnrt_node_ctx *ctx, uint32_t d, uint32_t at)
{
    const nnrt_conv_integer_params *p = ctx->params;
    int64_t in = ctx->in[0].shape.dims[2 + d], kernel = ctx->in[1].shape.dims[2 + d];
    int64_t reach = (kernel - 1) * p->dilation[d] + 1;
    int64_t begin = p->pad_begin[d], out = (in + begin + p->pad_end[d] - reach) / p->stride[d] + 1;
    if (kernel < 1 || kernel > WINDOW_MAX ||
        (p->auto_pad == 0 && in + begin + p->pad_end[d] < reach))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': kernel of %lld over %lld elements", ctx->name,
                 (long long)kernel, (long long)in);
    if (p->auto_pad != 0) {
        out = (in + p->stride[d] - 1) / p->stride[d];
        int64_t total = (out - 1) * p->stride[d] + reach - in;
        total = total > 0 ? total : 0;
        begin = p->auto_pad == 1 ? total / 2 : total - total / 2;
    }
    s->in[at] = in;
    s->kernel[at] = kernel;
    s->out[at] = out;
    s->stride[at] = p->stride[d];
    s->dilation[at] = p->dilation[d];
    s->begin[at] = begin;
    return NNC_OK;
}

static nnc_status sizes_of(conv_sizes *s, const nnrt_node_ctx *ctx)
{
    const nnrt_conv_integer_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *w = &ctx->in[1].shape;
    *s = (conv_sizes){.n = x->dims[0], .c = x->dims[1], .m = w->dims[0], .per_group = w->dims[1]};
    for (uint32_t i = 0; i < SPATIAL_MAX; i++)
        s->in[i] = s->kernel[i] = s->out[i] = s->stride[i] = s->dilation[i] = 1;
    if (s->per_group * (int64_t)p->groups != s->c || s->m % (int64_t)p->groups != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld channels, weight takes %lld in %u groups of %lld",
                 ctx->name, (long long)s->c, (long long)s->per_group, p->groups, (long long)s->m);
    for (uint32_t d = 0; d < p->spatial; d++)
        NNC_TRY(window_of(s, ctx, d, SPATIAL_MAX - p->spatial + d));
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_integer_params *p = ctx->params;
    conv_sizes s;
    NNC_TRY(check(ctx));
    NNC_TRY(sizes_of(&s, ctx));
    if (p->has_zx)
        NNC_TRY(nnrt_check_count(ctx, 2, 1));
    if (p->has_zw && nnrt_shape_count(&ctx->in[2 + p->has_zx].shape) != 1)
        NNC_TRY(nnrt_check_count(ctx, 2 + p->has_zx, (size_t)s.m));
    nnrt_shape y = {.rank = p->spatial + 2, .dims = {s.n, s.m}};
    for (uint32_t d = 0; d < p->spatial; d++)
        y.dims[2 + d] = s.out[SPATIAL_MAX - p->spatial + d];
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_I32));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof s));
    *(conv_sizes *)ctx->state = s;
    if (!nnc_size_mul(&ctx->scratch_bytes, nnrt_shape_count(&ctx->in[0].shape), sizeof(int16_t)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': the input is too large", ctx->name);
    ctx->macs = (uint64_t)nnrt_shape_count(&y) * (uint64_t)s.per_group *
                (uint64_t)(s.kernel[0] * s.kernel[1] * s.kernel[2]);
    nnrt_set_output(ctx, NNRT_I32, &y);
    return NNC_OK;
}

static int32_t byte_at(const nnrt_tensor *t, size_t i)
{
    return t->dtype == NNRT_U8 ? ((const uint8_t *)t->data)[i] : ((const int8_t *)t->data)[i];
}

/* First output of dim d whose tap reads inside of the input, and one past the last. */
static void tap_range(int64_t *first, int64_t *last, const conv_sizes *s, uint32_t d, int64_t tap)
{
    int64_t offset = tap * s->dilation[d] - s->begin[d], stride = s->stride[d];
    *first = offset < 0 ? (-offset + stride - 1) / stride : 0;
    *last = s->in[d] - offset <= 0 ? 0 : (s->in[d] - offset - 1) / stride + 1;
    *last = *last < s->out[d] ? *last : s->out[d];
}

/* row[i] += weight * x[i * stride] for i < n; sums wrap. */
static void add_row(int32_t *restrict row, const int16_t *restrict x, int64_t n, int64_t stride,
                    int16_t weight)
{
    if (stride == 1) {
        for (int64_t i = 0; i < n; i++)
            row[i] = (int32_t)((uint32_t)row[i] + (uint32_t)((int32_t)weight * (int32_t)x[i]));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        row[i] = (int32_t)((uint32_t)row[i] + (uint32_t)(weight * x[i * stride]));
}

/* Adds weight times one tap of one input plane to all outputs of an output plane. */
static void add_tap(int32_t *y, const int16_t *x, const conv_sizes *s,
                    const int64_t tap[SPATIAL_MAX], int16_t weight)
{
    int64_t from[SPATIAL_MAX], to[SPATIAL_MAX], at[SPATIAL_MAX];
    for (uint32_t d = 0; d < SPATIAL_MAX; d++) {
        tap_range(&from[d], &to[d], s, d, tap[d]);
        at[d] = tap[d] * s->dilation[d] - s->begin[d];
    }
    if (weight == 0 || from[2] >= to[2])
        return;
    for (int64_t od = from[0]; od < to[0]; od++)
        for (int64_t oh = from[1]; oh < to[1]; oh++) {
            int64_t id = od * s->stride[0] + at[0], ih = oh * s->stride[1] + at[1];
            int64_t iw = from[2] * s->stride[2] + at[2];
            add_row(y + (od * s->out[1] + oh) * s->out[2] + from[2],
                    x + (id * s->in[1] + ih) * s->in[2] + iw, to[2] - from[2], s->stride[2],
                    weight);
        }
}

/* Plane i of [N][M]. */
static void run_plane(void *user, size_t i)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_conv_integer_params *p = ctx->params;
    const conv_sizes *s = ctx->state;
    const nnrt_tensor *zw = p->has_zw ? &ctx->in[2 + p->has_zx] : NULL;
    size_t m = i % (size_t)s->m, image = i / (size_t)s->m;
    size_t plane = (size_t)(s->in[0] * s->in[1] * s->in[2]);
    size_t count = (size_t)(s->out[0] * s->out[1] * s->out[2]);
    size_t group = m / ((size_t)s->m / p->groups);
    int32_t *y = (int32_t *)ctx->out[0].data + i * count;
    int32_t z = zw ? byte_at(zw, nnrt_shape_count(&zw->shape) == 1 ? 0 : m) : 0;
    for (size_t k = 0; k < count; k++)
        y[k] = 0;
    size_t at = m * (size_t)(s->per_group * s->kernel[0] * s->kernel[1] * s->kernel[2]);
    for (int64_t c = 0; c < s->per_group; c++) {
        const int16_t *x =
            (const int16_t *)ctx->scratch +
            (image * (size_t)s->c + group * (size_t)s->per_group + (size_t)c) * plane;
        int64_t t[SPATIAL_MAX];
        for (t[0] = 0; t[0] < s->kernel[0]; t[0]++)
            for (t[1] = 0; t[1] < s->kernel[1]; t[1]++)
                for (t[2] = 0; t[2] < s->kernel[2]; t[2]++)
                    add_tap(y, x, s, t, (int16_t)(byte_at(&ctx->in[1], at++) - z));
    }
}

static void widen_tile(void *user, size_t begin, size_t n)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_conv_integer_params *p = ctx->params;
    int16_t *to = ctx->scratch;
    int32_t zx = p->has_zx ? byte_at(&ctx->in[2], 0) : 0;
    for (size_t i = begin; i < begin + n; i++)
        to[i] = (int16_t)(byte_at(&ctx->in[0], i) - zx);
}

static void run(const nnrt_node_ctx *ctx)
{
    const conv_sizes *s = ctx->state;
    nnrt_parallel_tiles(ctx->pool, widen_tile, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->in[0].shape), WIDEN_TILE);
    nnrt_parallel(ctx->pool, run_plane, (void *)(uintptr_t)ctx, (size_t)(s->n * s->m));
}

const nnrt_rop nnrt_rop_conv_integer = {
    .name = "conv_integer",
    .params_bytes = sizeof(nnrt_conv_integer_params),
    .min_in = 2,
    .max_in = 4,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
