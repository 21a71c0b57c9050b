/* conv_q8: NHWC convolution as an indirect product. SPDX-License-Identifier: Apache-2.0
 * A table of offsets, made at reshape, says where each output pixel's bytes for each tap start; taps in the padding read a
 * row of zx. With few input channels (ROWS) one tap is a whole kernel row of a copy padded with zx. */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/product_q8.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"
#include "runtime_int8/pack.h"

#define CHANNELS_MAX (1u << 20)
#define SLACK 64u /* readable bytes behind a buffer */

typedef struct conv_state {
    nnrt_product_q8 product;
    nnrt_window_dims dims;
    size_t padded_height, padded_row; /* ROWS: rows and bytes per row of the padded copy; 0 when x is read in place */
    const uint8_t *pad;
    int32_t offset[];
} conv_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    NNC_TRY(nnrt_window_check(ctx, &p->window));
    if (p->groups < 1 || p->c_in < 1 || p->c_out < 1 || p->c_in > CHANNELS_MAX ||
        p->c_out > CHANNELS_MAX || p->c_in % p->groups || p->c_out % p->groups)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u channels to %u in %u groups", ctx->name, p->c_in,
                 p->c_out, p->groups);
    if (p->pack > NNRT_CONV_PACK_ROWS ||
        (p->pack == NNRT_CONV_PACK_ROWS && (p->groups != 1 || p->window.dilation[1] != 1)))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': weight layout %u with %u groups and dilation %u", ctx->name,
                 p->pack, p->groups, p->window.dilation[1]);
    const size_t channels =
        p->groups * (((size_t)p->c_out / p->groups + 15) / 16 * 16);
    const size_t bytes =
        nnrt_pack_conv_q8_bytes((nnrt_conv_pack)p->pack, p->groups, p->c_in, p->c_out,
                                p->window.kernel[0], p->window.kernel[1]);
    return nnrt_product_q8_check(ctx, &p->epilogue, bytes, channels);
}

/* A 1x1 window that visits every pixel: rows follow each other in memory. */
static int is_plain(const nnrt_window_dims *d)
{
    return d->r == 1 && d->s == 1 && d->sh == 1 && d->sw == 1 && d->oh == d->h && d->ow == d->w &&
           d->top == 0 && d->left == 0;
}

static void fill_tap_offsets(int32_t *offset, const nnrt_window_dims *d)
{
    for (int64_t r = 0; r < d->r; r++)
        for (int64_t s = 0; s < d->s; s++)
            for (int64_t oy = 0; oy < d->oh; oy++)
                for (int64_t ox = 0; ox < d->ow; ox++) {
                    const int64_t iy = oy * d->sh + r * d->dh - d->top;
                    const int64_t ix = ox * d->sw + s * d->dw - d->left;
                    const int inside = iy >= 0 && iy < d->h && ix >= 0 && ix < d->w;
                    *offset++ = inside ? (int32_t)((iy * d->w + ix) * d->c) : -1;
                }
}

static void fill_row_offsets(int32_t *offset, const nnrt_window_dims *d, size_t row_bytes)
{
    for (int64_t oy = 0; oy < d->oh; oy++)
        for (int64_t ox = 0; ox < d->ow; ox++)
            *offset++ = (int32_t)(oy * d->sh * (int64_t)row_bytes + ox * d->sw * d->c);
}

/* State: the struct, the offsets, the padding row. */
static nnc_status make_state(nnrt_node_ctx *ctx, size_t taps, size_t pixels, size_t pad_bytes)
{
    size_t bytes, total;
    if (!nnc_size_mul(&bytes, taps, pixels) || !nnc_size_mul(&bytes, bytes, sizeof(int32_t)) ||
        !nnc_size_add(&total, bytes, sizeof(conv_state) + pad_bytes))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': offset table of %zu taps for %zu pixels", ctx->name, taps,
                 pixels);
    NNC_TRY(nnrt_ctx_state(ctx, total));
    conv_state *state = ctx->state;
    uint8_t *pad = (uint8_t *)state->offset + bytes;
    const nnrt_conv_q8_params *p = ctx->params;
    memset(pad, p->epilogue.zx, pad_bytes);
    state->pad = pad;
    return NNC_OK;
}

static nnc_status reshape_rows(nnrt_node_ctx *ctx, const nnrt_window_dims *d)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const size_t pixels = (size_t)(d->oh * d->ow);
    const size_t row = (size_t)((d->w + d->left + d->right) * d->c);
    const size_t high = (size_t)(d->h + d->top + d->bottom);
    if (row > INT32_MAX / high)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': an image of %zu rows of %zu bytes, the limit is 2^31",
                 ctx->name, high, row);
    NNC_TRY(make_state(ctx, 1, pixels, 0));
    conv_state *state = ctx->state;
    fill_row_offsets(state->offset, d, row);
    if (d->top || d->left || d->bottom || d->right) {
        state->padded_height = high;
        state->padded_row = row;
        ctx->scratch_bytes = high * row + SLACK;
    }
    state->product.args = (nnrt_k_gemm_q8_args){
        .offset = state->offset,
        .tap_step = (size_t)d->dh * row,
        .taps = (size_t)d->r,
        .quads = ((size_t)(d->s * d->c) + 3) / 4,
        .ldy = p->c_out,
        .epilogue = &p->epilogue,
    };
    return NNC_OK;
}

static nnc_status reshape_taps(nnrt_node_ctx *ctx, const nnrt_window_dims *d)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const size_t taps = (size_t)d->r * (size_t)d->s, pixels = (size_t)(d->oh * d->ow);
    const size_t quads = ((size_t)p->c_in / p->groups + 3) / 4;
    const int plain = is_plain(d);
    if (d->h * d->w > INT32_MAX / d->c)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': an image of %lldx%lldx%lld bytes, the limit is 2^31",
                 ctx->name, (long long)d->h, (long long)d->w, (long long)d->c);
    NNC_TRY(make_state(ctx, plain ? 0 : taps, pixels, quads * 4 + SLACK));
    conv_state *state = ctx->state;
    if (!plain)
        fill_tap_offsets(state->offset, d);
    state->product.args = (nnrt_k_gemm_q8_args){
        .ldx = p->c_in,
        .offset = plain ? NULL : state->offset,
        .offset_stride = pixels,
        .pad = state->pad,
        .taps = taps,
        .quads = quads,
        .ldy = p->c_out,
        .epilogue = &p->epilogue,
    };
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    nnrt_window_dims d;
    NNC_TRY(check(ctx)); /* inputs that are no constants have sizes only now */
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (d.c != (int64_t)p->c_in)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)d.c, p->c_in);
    const nnrt_shape shape = nnrt_window_shape(&d, &p->window, p->c_out);
    NNC_TRY(nnrt_product_q8_output(ctx, &p->epilogue, 4, &shape));
    if (p->pack == NNRT_CONV_PACK_ROWS)
        NNC_TRY(reshape_rows(ctx, &d));
    else
        NNC_TRY(reshape_taps(ctx, &d));
    conv_state *state = ctx->state;
    nnrt_product_q8 *product = &state->product;
    const int plain = product->args.offset == NULL;
    const size_t image = (size_t)(d.h * d.w * d.c), pixels = (size_t)(d.oh * d.ow);
    state->dims = d;
    /* Every image of a padded copy has a run of its own. */
    product->images = plain || state->padded_row ? 1 : (size_t)d.n;
    product->rows = plain ? pixels * (size_t)d.n : pixels;
    product->groups = p->groups;
    product->cols = p->c_out / p->groups;
    product->k_bytes = pixels ? image / pixels + 1 : 1;
    product->x_image = image;
    product->x_group = p->c_in / p->groups;
    product->out_bytes = nnrt_dtype_bytes(ctx->out[0].dtype);
    ctx->macs = (uint64_t)d.n * pixels * p->c_out * (p->c_in / p->groups) * (uint64_t)d.r *
                (uint64_t)d.s;
    nnrt_product_q8_plan(product, ctx);
    return NNC_OK;
}

typedef struct pad_task {
    const conv_state *state;
    const uint8_t *x;
    uint8_t *out;
    uint8_t zx;
} pad_task;

static void pad_rows(void *user, size_t begin, size_t count)
{
    const pad_task *task = user;
    const nnrt_window_dims *d = &task->state->dims;
    const size_t row = task->state->padded_row;
    const size_t left = (size_t)(d->left * d->c), middle = (size_t)(d->w * d->c);
    for (size_t y = begin; y < begin + count; y++) {
        uint8_t *out = task->out + y * row;
        const int64_t iy = (int64_t)y - d->top;
        if (iy < 0 || iy >= d->h) {
            memset(out, task->zx, row);
            continue;
        }
        memset(out, task->zx, left);
        memcpy(out + left, task->x + (size_t)iy * middle, middle);
        memset(out + left + middle, task->zx, row - left - middle);
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const conv_state *state = ctx->state;
    nnrt_product_q8 product = state->product;
    product.args.x = ctx->in[0].data;
    product.args.w = ctx->in[1].data;
    product.args.acc0 = ctx->in[2].data;
    product.args.mult = ctx->in[3].data;
    product.args.residual = ctx->in_count > 4 ? ctx->in[4].data : NULL;
    product.args.y = ctx->out[0].data;
    if (state->padded_row == 0) {
        nnrt_product_q8_run(&product, ctx->pool);
        return;
    }
    const size_t elements = product.rows * product.args.ldy;
    pad_task task = {state, ctx->in[0].data, ctx->scratch, (uint8_t)p->epilogue.zx};
    for (int64_t n = 0; n < state->dims.n; n++) {
        /* Tiles of 64 KB: a small image is one. */
        nnrt_parallel_tiles(ctx->pool, pad_rows, &task, state->padded_height,
                            65536 / state->padded_row + 1);
        product.args.x = ctx->scratch;
        nnrt_product_q8_run(&product, ctx->pool);
        task.x += product.x_image;
        product.args.y = (uint8_t *)product.args.y + elements * product.out_bytes;
        if (product.args.residual)
            product.args.residual += elements;
    }
}

const nnrt_rop nnrt_rop_conv_q8 = {
    .name = "conv_q8",
    .params_bytes = sizeof(nnrt_conv_q8_params),
    .min_in = 4,
    .max_in = 5,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
