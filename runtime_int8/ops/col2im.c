/* col2im: sums columns of blocks into an image. SPDX-License-Identifier: Apache-2.0
 * A plane (sample, channel) is summed by one task: block elements in order, then places in order.
 */
#include <string.h>

#include "runtime_int8/ops/scatter_op.h"
#include "runtime_int8/ops/util.h"

#define MAX_DIMS 6u

typedef struct col_state {
    size_t image[MAX_DIMS], block[MAX_DIMS], places[MAX_DIMS];
    size_t plane, block_count, place_count;
    nnrt_scatter_fn *add;
} col_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_col2im_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_WIDE));
    NNC_TRY(nnrt_check_rank(ctx, 0, 3));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I64)));
    if (p->spatial == 0 || p->spatial > MAX_DIMS)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u spatial dims, expected 1 to %u", ctx->name, p->spatial,
                 MAX_DIMS);
    for (uint32_t d = 0; d < p->spatial; d++) {
        if (p->stride[d] < 1 || p->dilation[d] < 1 || p->pad_begin[d] < 0 || p->pad_end[d] < 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': stride %d, dilation %d, pads %d and %d of dim %u",
                     ctx->name, p->stride[d], p->dilation[d], p->pad_begin[d], p->pad_end[d], d);
    }
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_col2im_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const int64_t *image, *block;
    size_t n, m;
    NNC_TRY(nnrt_host_i64(&image, &n, ctx, 1));
    NNC_TRY(nnrt_host_i64(&block, &m, ctx, 2));
    if (n != p->spatial || m != p->spatial)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': image of %zu dims and block of %zu, expected %u", ctx->name,
                 n, m, p->spatial);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(col_state)));
    col_state *s = ctx->state;
    s->block_count = s->place_count = 1;
    nnrt_shape y = {.rank = 2 + p->spatial, .dims = {x->dims[0]}};
    for (uint32_t d = 0; d < p->spatial; d++) {
        int64_t room =
            image[d] < 0 || image[d] > INT32_MAX || block[d] < 1 || block[d] > INT32_MAX
                ? -1
                : image[d] + p->pad_begin[d] + p->pad_end[d] - p->dilation[d] * (block[d] - 1) - 1;
        if (room < 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': a block of %lld does not fit an image of %lld",
                     ctx->name, (long long)block[d], (long long)image[d]);
        s->image[d] = (size_t)image[d];
        s->block[d] = (size_t)block[d];
        s->places[d] = (size_t)(room / p->stride[d] + 1);
        s->block_count = s->block_count <= INT32_MAX ? s->block_count * s->block[d] : SIZE_MAX;
        s->place_count = s->place_count <= INT32_MAX ? s->place_count * s->places[d] : SIZE_MAX;
        y.dims[2 + d] = image[d];
    }
    if ((size_t)x->dims[2] != s->place_count || (size_t)x->dims[1] % s->block_count != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': columns [%lld,%lld], expected a multiple of %zu, and %zu",
                 ctx->name, (long long)x->dims[1], (long long)x->dims[2], s->block_count,
                 s->place_count);
    y.dims[1] = x->dims[1] / (int64_t)s->block_count;
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    s->plane = nnrt_shape_span(&y, 2, y.rank);
    s->add = nnrt_scatter_find(ctx->in[0].dtype, NNRT_SCATTER_ADD);
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return NNC_OK;
}

/* Pixel that block element `b` has at place `at`; false in the padding. */
static bool pixel_of(size_t *pixel, const nnrt_node_ctx *ctx, size_t b, size_t at)
{
    const nnrt_col2im_params *p = ctx->params;
    const col_state *s = ctx->state;
    size_t step = 1;
    *pixel = 0;
    for (uint32_t d = p->spatial; d-- > 0;) {
        int64_t k = (int64_t)(at % s->places[d]) * p->stride[d] +
                    (int64_t)(b % s->block[d]) * p->dilation[d] - p->pad_begin[d];
        if (k < 0 || k >= (int64_t)s->image[d])
            return false;
        *pixel += (size_t)k * step;
        step *= s->image[d];
        at /= s->places[d];
        b /= s->block[d];
    }
    return true;
}

static void run_plane(void *user, size_t plane)
{
    const nnrt_node_ctx *ctx = user;
    const col_state *s = ctx->state;
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), pixel;
    uint8_t *y = (uint8_t *)ctx->out[0].data + plane * s->plane * size;
    const uint8_t *x =
        (const uint8_t *)ctx->in[0].data + plane * s->block_count * s->place_count * size;
    memset(y, 0, s->plane * size);
    for (size_t b = 0; b < s->block_count; b++) {
        for (size_t at = 0; at < s->place_count; at++, x += size) {
            if (pixel_of(&pixel, ctx, b, at))
                s->add(y + pixel * size, x, 1);
        }
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    if (ctx->out[0].bytes != 0)
        nnrt_parallel(ctx->pool, run_plane, (void *)(uintptr_t)ctx,
                      nnrt_shape_span(&ctx->out[0].shape, 0, 2));
}

const nnrt_rop nnrt_rop_col2im = {
    .name = "col2im",
    .params_bytes = sizeof(nnrt_col2im_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x6,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
