/* Lowering of conv_q8 and gemm_q8. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/lower_product.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/pack.h"

#define PAD_BYTES 16u /* the longest piece of K */

/* Neighbouring outputs that move at once. */
static uint32_t out_piece(uint32_t out, uint32_t cols)
{
    if (out == NNRT_Q8_OUT_F32)
        return cols % 2 == 0 ? 2 : 1;
    return cols % 16 == 0 ? 16 : cols % 8 == 0 ? 8 : cols % 4 == 0 ? 4 : 1;
}

nnc_status nnrt_cuda_product_out_args(nnrt_cuda_product_out *out, nnrt_cuda_lowering *low,
                                      const nnrt_q8_epilogue *epilogue,
                                      const nnrt_cuda_weights *weights, uint32_t cols, uint32_t ldy)
{
    const void *residual = NULL;
    if (epilogue->residual != NNRT_Q8_RES_NONE)
        NNC_TRY(nnrt_cuda_input(&residual, low, 4));
    *out = (nnrt_cuda_product_out){
        .y = nnrt_cuda_output(low, 0),
        .residual = residual,
        .acc0 = weights->acc0,
        .mult = weights->mult,
        .cols = cols,
        .channels = (cols + 15) / 16 * 16,
        .ldy = ldy,
        .piece = out_piece(epilogue->out, cols),
        .epilogue = *epilogue,
    };
    return NNC_OK;
}

/* Taps, and behind them the row of zx. */
static nnc_status upload_taps(nnrt_cuda_product_args *args, nnrt_cuda_lowering *low,
                              const nnrt_node_ctx *ctx, const nnrt_cuda_k *k)
{
    const size_t count = (size_t)args->steps * NNRT_CUDA_STEP / k->piece;
    const size_t bytes = count * sizeof(nnrt_cuda_tap) + PAD_BYTES;
    const void *device;
    nnrt_cuda_tap *taps = nnc_calloc(bytes, 1);
    if (taps == NULL)
        NNC_FAIL(NNC_ERR_LIMIT, "CUDA: '%s': a table of %zu taps", ctx->name, count);
    nnrt_cuda_k_taps(taps, k);
    memset(taps + count, args->out.epilogue.zx, PAD_BYTES);
    const nnc_status status = nnrt_cuda_table(&device, low, taps, bytes);
    nnc_free(taps);
    NNC_TRY(status);
    args->taps = device;
    args->pad = (const uint8_t *)device + count * sizeof(nnrt_cuda_tap);
    return NNC_OK;
}

/* The rest of the arguments, for `groups` groups, and the launch. */
static nnc_status emit_product(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                               nnrt_cuda_product_args *args, const nnrt_cuda_k *k, uint32_t groups)
{
    const void *x;
    nnrt_cuda_choice choice;
    if (ctx->in[0].bytes / k->grain > INT32_MAX)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': input of %zu bytes, the limit is %u times 2^31",
                 ctx->name, ctx->in[0].bytes, k->grain);
    args->gather = k->grain == 1;
    args->piece = k->piece;
    args->line = k->row_bytes / k->grain;
    args->column = k->unit / k->grain;
    args->steps = nnrt_cuda_k_steps(k);
    args->panels = args->out.channels / 16;
    const nnrt_cuda_problem problem = {
        .rows = args->rows,
        .cols = args->out.cols,
        .groups = groups,
        .steps = args->steps,
        .piece = args->piece,
        .gather = args->gather,
        .residual = args->out.epilogue.residual != NNRT_Q8_RES_NONE,
    };
    NNC_TRY(nnrt_cuda_product_choose(&choice, &problem, nnrt_cuda_target(low),
                                     nnrt_cuda_product_forced(), ctx->name));
    NNC_TRY(nnrt_cuda_input(&x, low, 0));
    NNC_TRY(upload_taps(args, low, ctx, k));
    const nnrt_cuda_tile *tile = choice.tile;
    args->x = x;
    args->counters = nnrt_cuda_counters(low);
    args->row_tiles = nnrt_cuda_divide_by((args->rows + tile->rows - 1) / tile->rows);
    args->col_tiles = nnrt_cuda_divide_by((args->out.cols + tile->cols - 1) / tile->cols);
    args->split_steps = choice.split_steps;
    const uint32_t tiles = (uint32_t)nnrt_cuda_tile_count(tile, &problem);
    const uint32_t grid[3] = {tiles, choice.splits, 1};
    const size_t shared = nnrt_cuda_tile_shared(tile, problem.residual);
    ctx->kernel = nnrt_cuda_kernel_name(tile->kernel);
    if (choice.splits == 1)
        return nnrt_cuda_emit(low, tile->kernel, grid, shared, args, sizeof *args);
    return nnrt_cuda_emit_scratch(low, tile->kernel, grid, shared, args, sizeof *args,
                                  offsetof(nnrt_cuda_product_args, partial),
                                  (size_t)tiles * choice.splits * tile->rows * tile->cols *
                                      sizeof(int32_t));
}

nnc_status nnrt_cuda_lower_gemm_q8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[0].shape;
    const size_t rows = nnrt_shape_span(shape, 0, shape->rank - 1);
    nnrt_cuda_weights weights;
    nnrt_cuda_product_args args = {0};
    if (rows == 0)
        return NNC_OK;
    if (rows > INT32_MAX)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': %zu rows, the limit is 2^31", ctx->name, rows);
    NNC_TRY(nnrt_cuda_gemm_weights(&weights, low, ctx));
    NNC_TRY(nnrt_cuda_product_out_args(&args.out, low, &p->epilogue, &weights, p->n, p->n));
    nnrt_cuda_k k = {
        .r = 1,
        .s = 1,
        .run = (p->k + 3) / 4 * 4,
        .row_bytes = p->k,
        .pixel_bytes = p->k,
    };
    nnrt_cuda_k_pieces(&k, p->k, false);
    /* Every row is an image of one pixel. */
    args.w = weights.w;
    args.image = p->k / k.grain;
    args.height = 1;
    args.width = p->k / k.unit;
    args.pixels = args.pixels_x = nnrt_cuda_divide_by(1);
    args.rows = (uint32_t)rows;
    return emit_product(low, ctx, &args, &k, 1);
}

/* All coordinates and offsets in the padded image fit int32. */
static nnc_status check_dims(const nnrt_node_ctx *ctx, const nnrt_window_dims *d)
{
    const int64_t high = d->h + d->top + d->bottom, wide = d->w + d->left + d->right;
    if (high > INT32_MAX / wide || high * wide > INT32_MAX / d->c ||
        (d->oh * d->ow > 0 && d->n > INT32_MAX / (d->oh * d->ow)))
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': %lld images of %lldx%lldx%lld with padding",
                 ctx->name, (long long)d->n, (long long)high, (long long)wide, (long long)d->c);
    return NNC_OK;
}

static nnrt_cuda_k conv_k(const nnrt_conv_q8_params *p, const nnrt_window_dims *d, uint32_t merge)
{
    const uint32_t channels = p->c_in / p->groups * merge;
    const bool whole_rows = p->pack == NNRT_CONV_PACK_ROWS;
    const uint32_t bytes = whole_rows ? p->window.kernel[1] * channels : channels;
    nnrt_cuda_k k = {
        .r = p->window.kernel[0],
        .s = whole_rows ? 1 : p->window.kernel[1],
        .run = (bytes + 3) / 4 * 4,
        .down = d->dh,
        .right = d->dw,
        .row_bytes = (uint32_t)(d->w * d->c),
        .pixel_bytes = (uint32_t)d->c,
    };
    nnrt_cuda_k_pieces(&k, channels, whole_rows);
    return k;
}

nnc_status nnrt_cuda_lower_conv_q8(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    nnrt_window_dims d;
    nnrt_cuda_weights weights;
    nnrt_cuda_product_args args = {0};
    bool done = false;
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    NNC_TRY(check_dims(ctx, &d));
    if (d.n * d.oh * d.ow == 0)
        return NNC_OK;
    if (p->pack == NNRT_CONV_PACK_ROWS)
        NNC_TRY(nnrt_cuda_lower_rows(&done, low, ctx, &d));
    if (done)
        return NNC_OK;
    const uint32_t merge = nnrt_cuda_conv_merge(p), groups = p->groups / merge;
    const nnrt_cuda_k k = conv_k(p, &d, merge);
    const uint32_t per_column = (uint32_t)d.c / k.unit; /* units of a pixel */
    NNC_TRY(nnrt_cuda_conv_weights(&weights, low, ctx, merge));
    NNC_TRY(nnrt_cuda_product_out_args(&args.out, low, &p->epilogue, &weights, p->c_out / groups,
                                       p->c_out));
    args.w = weights.w;
    args.image = (uint32_t)(d.h * d.w * d.c) / k.grain;
    args.group = p->c_in / groups / k.grain;
    args.height = (uint32_t)d.h;
    args.width = (uint32_t)d.w * per_column;
    args.pixels = nnrt_cuda_divide_by((uint32_t)(d.oh * d.ow));
    args.pixels_x = nnrt_cuda_divide_by((uint32_t)d.ow);
    args.step_y = d.sh;
    args.step_x = d.sw * (int32_t)per_column;
    args.top = d.top;
    args.left = d.left * (int32_t)per_column;
    args.rows = (uint32_t)(d.n * d.oh * d.ow);
    return emit_product(low, ctx, &args, &k, groups);
}
