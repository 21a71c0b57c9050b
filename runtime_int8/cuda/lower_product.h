/* Host side of the product kernels: layouts, taps, choice of a tile. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Weights go to the device in the fragments of simt::mma: [groups][panels of 16 columns][steps of
 * 64 bytes of K][2][32 lanes] [4 words]. Of the 32 bytes of K that a fragment covers, lane l has
 * words l % 4 and l % 4 + 4, first of column l / 4 of the panel, then of column l / 4 + 8. So a
 * panel's step is 1024 bytes in a row, and a lane reads 16 of them at once. */
#ifndef NNRT_CUDA_LOWER_PRODUCT_H
#define NNRT_CUDA_LOWER_PRODUCT_H

#include <stdbool.h>

#include "runtime_int8/cuda/lower.h"
#include "runtime_int8/ops/window.h"

#define NNRT_CUDA_STEP 64u    /* bytes of K of a step */
#define NNRT_CUDA_PANEL 1024u /* bytes of a step of 16 columns */

/* One row of product_tiles.def. */
typedef struct nnrt_cuda_tile {
    nnrt_cuda_kernel kernel;
    const char *name;
    uint32_t rows, cols, warps_m, warps_n, stages, blocks;
    bool fine;
} nnrt_cuda_tile;

#define NNRT_CUDA_PRODUCT(name, ...) NNRT_CUDA_TILE_##name,
enum {
#include "runtime_int8/cuda/product_tiles.def"
    NNRT_CUDA_TILE_COUNT
};
#undef NNRT_CUDA_PRODUCT
extern const nnrt_cuda_tile nnrt_cuda_tiles[NNRT_CUDA_TILE_COUNT];

/* by: 1 .. 2^31. */
nnrt_cuda_divisor nnrt_cuda_divide_by(uint32_t by);

/* What the choice of a tile depends on. */
typedef struct nnrt_cuda_problem {
    uint32_t rows, cols, groups; /* rows of all images, columns of a group */
    uint32_t steps;
    uint32_t piece; /* 16, 8 or 4 bytes of K move at once */
    bool gather;    /* 4 bytes of any alignment */
    bool residual;
} nnrt_cuda_problem;

typedef struct nnrt_cuda_choice {
    const nnrt_cuda_tile *tile;
    uint32_t splits, split_steps; /* of K; no split is empty */
} nnrt_cuda_choice;

/* Dynamic shared memory of a tile's block. */
size_t nnrt_cuda_tile_shared(const nnrt_cuda_tile *tile, bool residual);
/* Blocks without splits. */
uint64_t nnrt_cuda_tile_count(const nnrt_cuda_tile *tile, const nnrt_cuda_problem *problem);
/* The tile and cut of K that a simple model of the device finds fastest. `force` (may be NULL) is
 * "tile" or "tile/splits" and decides instead. UNSUPPORTED when no tile, or not the forced one, can
 * run the problem; `name` is the node's. */
nnc_status nnrt_cuda_product_choose(nnrt_cuda_choice *out, const nnrt_cuda_problem *problem,
                                    const nnrt_cuda_info *device, const char *force,
                                    const char *name);
/* What NNRT_CUDA_PRODUCT in the environment forces, for tests and measurements; NULL if nothing. */
const char *nnrt_cuda_product_forced(void);

/* Where the bytes of K are: `r` x `s` taps of `run` bytes each, a multiple of 4. */
typedef struct nnrt_cuda_k {
    uint32_t r, s, run;
    int32_t down, right; /* rows, pixels from tap to tap */
    uint32_t row_bytes, pixel_bytes;
    uint32_t unit;  /* bytes of a column: pixel_bytes, or 1 */
    uint32_t piece; /* bytes of a tap */
    uint32_t grain; /* offsets count this many bytes: 16, 4 or 1 */
} nnrt_cuda_k;
/* Sets unit, piece and grain for taps that begin at multiples of `channels` bytes; `bytes` taps may
 * begin anywhere. */
void nnrt_cuda_k_pieces(nnrt_cuda_k *k, uint32_t channels, bool bytes);

/* Steps of K, rounded up. */
uint32_t nnrt_cuda_k_steps(const nnrt_cuda_k *k);
/* taps: [steps * 64 / piece]; what is behind the end of K repeats its start. */
void nnrt_cuda_k_taps(nnrt_cuda_tap *taps, const nnrt_cuda_k *k);

/* Groups that are computed as one, with zero weights between them: 1 for wide groups, more where
 * one group alone would leave most of a tile empty. Depends on the parameters alone. */
uint32_t nnrt_cuda_conv_merge(const nnrt_conv_q8_params *params);

/* Fragments of `panels` panels of `quads` words of K from the plan's layout [panels][quads][16][4].
 */
void nnrt_cuda_fragments(uint8_t *out, const uint8_t *w, size_t panels, size_t quads);
/* Uploads weights, initial values and multipliers (inputs 1 to 3). `merge` as above, 1 for GEMM and
 * the ROWS layout. */
typedef struct nnrt_cuda_weights {
    const void *w, *acc0, *mult;
} nnrt_cuda_weights;
nnc_status nnrt_cuda_conv_weights(nnrt_cuda_weights *out, nnrt_cuda_lowering *low,
                                  const nnrt_node_ctx *ctx, uint32_t merge);
nnc_status nnrt_cuda_gemm_weights(nnrt_cuda_weights *out, nnrt_cuda_lowering *low,
                                  const nnrt_node_ctx *ctx);

/* The common part of the arguments, `cols` columns per group; addresses of inputs and output. */
nnc_status nnrt_cuda_product_out_args(nnrt_cuda_product_out *out, nnrt_cuda_lowering *low,
                                      const nnrt_q8_epilogue *epilogue,
                                      const nnrt_cuda_weights *weights, uint32_t cols,
                                      uint32_t ldy);

/* ROWS layout by a patch in shared memory. *done is false when the window is too large for it. */
nnc_status nnrt_cuda_lower_rows(bool *done, nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                const nnrt_window_dims *dims);

#endif
