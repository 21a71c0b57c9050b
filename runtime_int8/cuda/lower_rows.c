/* Lowering of conv_q8 with few channels (weight layout ROWS). SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/cuda/lower_product.h"
#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/pack.h"

#define TILE_ROWS 128u
#define TILE_X_MIN 4u /* log2: neighbouring rows of a fragment are neighbouring pixels */
#define TILE_X_MAX 7u

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* The part of the arguments that a tile of 2^tile_x pixels decides. */
static void set_tile(nnrt_cuda_rows_args *args, const nnrt_window_dims *d, uint32_t quads,
                     uint32_t tile_x)
{
    const uint32_t high = TILE_ROWS >> tile_x, wide = 1u << tile_x;
    args->tile_x = tile_x;
    args->tiles_y = (uint32_t)ceil_div((uint64_t)d->oh, high);
    args->tiles_x = (uint32_t)ceil_div((uint64_t)d->ow, wide);
    args->patch_rows = (high - 1) * (uint32_t)d->sh + (uint32_t)((d->r - 1) * d->dh) + 1;
    args->patch_pitch = ((wide - 1) * (uint32_t)args->step_x + 4 * quads + 3) / 4 * 4;
}

/* Sets patch_at and stage_at; the bytes of a block with all its parts. */
static size_t place(nnrt_cuda_rows_args *args, uint32_t cols)
{
    const size_t weights = (size_t)(cols + 1) * args->steps * NNRT_CUDA_STEP + cols * sizeof(float);
    /* The second of the two words of a fragment may begin behind the patch. */
    const size_t patch = (size_t)args->patch_rows * args->patch_pitch + 4;
    const size_t stage = (weights + patch + 15) / 16 * 16;
    const size_t bytes = stage + (size_t)TILE_ROWS * (cols + 16);
    if (bytes > UINT32_MAX)
        return SIZE_MAX;
    args->patch_at = (uint32_t)weights;
    args->stage_at = (uint32_t)stage;
    return bytes;
}

/* The tile with the least products and patch bytes in all; false when none fits the device. */
static bool choose_tile(nnrt_cuda_rows_args *args, const nnrt_window_dims *d, uint32_t quads,
                        uint32_t cols, size_t shared)
{
    nnrt_cuda_rows_args best = *args;
    double least = 0;
    for (uint32_t x = TILE_X_MIN; x <= TILE_X_MAX; x++) {
        const uint64_t patch_rows = ((TILE_ROWS >> x) - 1) * (uint64_t)d->sh;
        const uint64_t patch_width = (1u << x) * (uint64_t)args->step_x + 4 * (uint64_t)quads;
        if (patch_rows > shared || patch_width > shared)
            continue;
        set_tile(args, d, quads, x);
        if (place(args, cols) > shared)
            continue;
        /* Loading a byte of the patch takes about as long as eight products. */
        const double work = (double)args->tiles_y * args->tiles_x *
                            ((double)TILE_ROWS * cols * args->steps * NNRT_CUDA_STEP / 128 +
                             8.0 * args->patch_rows * args->patch_pitch);
        if (least == 0 || work < least) {
            least = work;
            best = *args;
        }
    }
    *args = best;
    return least > 0;
}

/* Bytes from a pixel's patch to every word of K; words behind the end have zero weights. */
static nnc_status upload_quads(nnrt_cuda_rows_args *args, nnrt_cuda_lowering *low,
                               const nnrt_node_ctx *ctx, const nnrt_window_dims *d, uint32_t quads)
{
    const size_t count = (size_t)args->steps * NNRT_CUDA_STEP / 4;
    const void *device;
    uint32_t *table = nnc_calloc(count, sizeof *table);
    if (table == NULL)
        NNC_FAIL(NNC_ERR_LIMIT, "CUDA: '%s': a table of %zu words", ctx->name, count);
    for (size_t i = 0; i < (size_t)d->r * quads; i++)
        table[i] =
            (uint32_t)(i / quads) * (uint32_t)d->dh * args->patch_pitch + (uint32_t)(i % quads) * 4;
    const nnc_status status = nnrt_cuda_table(&device, low, table, count * sizeof *table);
    nnc_free(table);
    args->quads = device;
    return status;
}

/* Blocks that fill the device once and share the tiles evenly. */
static uint32_t block_count(uint64_t tiles, uint32_t col_tiles, const nnrt_cuda_info *device,
                            size_t shared, uint32_t blocks)
{
    const uint64_t fit = device->shared_bytes / shared;
    const uint64_t room = ceil_div(device->sm_count * (blocks < fit ? blocks : fit), col_tiles);
    return (uint32_t)ceil_div(tiles, ceil_div(tiles, room ? room : 1));
}

nnc_status nnrt_cuda_lower_rows(bool *done, nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                const nnrt_window_dims *dims)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const nnrt_window_dims *d = dims;
    const nnrt_cuda_info *device = nnrt_cuda_target(low);
    const char *force = nnrt_cuda_product_forced();
    const bool narrow = force ? strcmp(force, "rows_128x32") == 0 : p->c_out <= 32;
    const uint32_t cols = narrow ? 32 : 64, quads = (uint32_t)(d->s * d->c + 3) / 4;
    const nnrt_cuda_kernel kernel = narrow ? NNRT_CUDA_K_rows_128x32 : NNRT_CUDA_K_rows_128x64;
    const uint64_t k = (uint64_t)d->r * quads * 4;
    nnrt_cuda_weights weights;
    const void *x;
    nnrt_cuda_rows_args args = {0};
    *done = false;
    if ((force != NULL && strncmp(force, "rows_", 5) != 0) || k > device->shared_bytes)
        return NNC_OK;
    args.steps = (uint32_t)ceil_div(k, NNRT_CUDA_STEP);
    args.step_y = d->sh;
    args.step_x = d->sw * (int32_t)d->c;
    if (!choose_tile(&args, d, quads, cols, device->shared_bytes))
        return NNC_OK;
    NNC_TRY(nnrt_cuda_conv_weights(&weights, low, ctx, 1));
    NNC_TRY(nnrt_cuda_product_out_args(&args.out, low, &p->epilogue, &weights, p->c_out, p->c_out));
    NNC_TRY(nnrt_cuda_input(&x, low, 0));
    NNC_TRY(upload_quads(&args, low, ctx, d, quads));
    args.x = x;
    args.w = weights.w;
    args.x_image = (uint64_t)(d->h * d->w * d->c);
    args.row_bytes = (uint32_t)(d->w * d->c);
    args.height = (uint32_t)d->h;
    args.pixels_y = (uint32_t)d->oh;
    args.pixels_x = (uint32_t)d->ow;
    args.top = d->top;
    args.left = d->left * (int32_t)d->c;
    args.panels = args.out.channels / 16;
    args.zx = (uint32_t)p->epilogue.zx * 0x01010101u;
    const uint64_t tiles = (uint64_t)d->n * args.tiles_y * args.tiles_x;
    const uint32_t col_tiles = (p->c_out + cols - 1) / cols;
    const size_t shared = place(&args, cols);
    if (tiles > INT32_MAX || col_tiles > 65535)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': %llu tiles of %u columns", ctx->name,
                 (unsigned long long)tiles, p->c_out);
    args.tiles = (uint32_t)tiles;
    const uint32_t blocks = narrow ? NNRT_CUDA_ROWS_32_BLOCKS : NNRT_CUDA_ROWS_64_BLOCKS;
    const uint32_t grid[3] = {block_count(tiles, col_tiles, device, shared, blocks), col_tiles, 1};
    *done = true;
    ctx->kernel = nnrt_cuda_kernel_name(kernel);
    return nnrt_cuda_emit(low, kernel, grid, shared, &args, sizeof args);
}
