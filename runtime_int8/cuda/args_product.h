/* Argument structs of kernels_product.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_PRODUCT_H
#define NNRT_CUDA_ARGS_PRODUCT_H

#include <stdint.h>

#include "runtime_int8/ops/params.h"

/* Division of numbers below 2^31 by a number made known on the host: the high word of n *
 * multiplier, shifted; n itself when multiplier is 0. */
typedef struct nnrt_cuda_divisor {
    uint32_t by, multiplier, shift;
} nnrt_cuda_divisor;

/* Where the sums of a product go: y[row][group * cols + col], row by row ldy elements apart. */
typedef struct nnrt_cuda_product_out {
    void *y;                 /* u8, or f32 by epilogue.out */
    const uint8_t *residual; /* like y; unused without one */
    const int32_t *acc0;     /* [groups][channels] */
    const float *mult;       /* likewise */
    uint32_t cols;           /* of a group */
    uint32_t channels;       /* of a group in acc0 and mult: cols rounded up to 16 */
    uint32_t ldy;
    uint32_t piece; /* neighbouring elements that move at once: u8 16, 8, 4 or 1, f32 2 or 1;
                       divides cols and ldy */
    nnrt_q8_epilogue epilogue;
} nnrt_cuda_product_out;

/* Where some bytes of K lie, seen from the first byte of a row's window: `offset` grains on, in the
 * tap dy rows down and dx columns to the right. */
typedef struct nnrt_cuda_tap {
    int32_t offset, dy, dx, reserved;
} nnrt_cuda_tap;

/* An implicit product: row m is output pixel m, its K bytes are the taps of its window. Blocks:
 * grid x is tiles, columns fastest, then rows, then groups; grid y cuts K, and the last block of a
 * tile to finish adds up what the others left in `partial`. Offsets in the input count grains of 16
 * or 4 bytes or single bytes, so that 32 bits are enough. Columns of the input are pixels, or
 * single bytes where pixels are not made of whole grains. */
typedef struct nnrt_cuda_product_args {
    nnrt_cuda_product_out out;
    const uint8_t *x;
    const uint8_t *w;          /* fragments, lower_product.h: [groups][panels][steps][1024] */
    const nnrt_cuda_tap *taps; /* [steps * 64 / bytes of a piece] */
    const uint8_t *pad;        /* 16 bytes of zx, 16-byte aligned */
    int32_t *partial;          /* [tiles][grid y][sums of a tile]; unused when grid y is 1 */
    uint32_t *counters;        /* [tiles] */
    uint32_t image, group, line, column; /* grains from one to the next */
    uint32_t height, width;              /* of the input */
    nnrt_cuda_divisor pixels, pixels_x;  /* output pixels of an image, of one of its rows */
    int32_t step_y, step_x, top, left;   /* stride and padding */
    uint32_t rows;
    nnrt_cuda_divisor row_tiles, col_tiles;
    uint32_t panels;      /* of 16 columns, of a group */
    uint32_t steps;       /* of 64 bytes of K */
    uint32_t split_steps; /* of a block: ceil(steps / grid y) */
    uint32_t piece; /* bytes of K that a tap stands for: 16, 8 or 4; 4 of any alignment when gather
                       is set */
    uint32_t gather;
} nnrt_cuda_product_args;

/* Blocks of a multiprocessor that the registers of the ROWS kernels leave room for. */
#define NNRT_CUDA_ROWS_64_BLOCKS 3
#define NNRT_CUDA_ROWS_32_BLOCKS 6

/* A convolution of few channels: neighbouring pixels of a kernel row are one run of bytes. A block
 * makes tiles of 2^tile_x output pixels side by side and the rest of its rows below each other from
 * a patch of the input in shared memory. */
typedef struct nnrt_cuda_rows_args {
    nnrt_cuda_product_out out;
    const uint8_t *x;
    const uint8_t *w;      /* fragments: [panels][steps][1024] */
    const uint32_t *quads; /* [steps * 16]: bytes from a pixel's patch to each 4 bytes of K */
    uint64_t x_image;
    uint32_t row_bytes; /* of the input */
    uint32_t height;    /* of the input */
    uint32_t pixels_y, pixels_x;
    int32_t step_y, step_x;           /* rows, bytes */
    int32_t top, left;                /* rows, bytes */
    uint32_t tile_x;                  /* log2 */
    uint32_t tiles_y, tiles_x, tiles; /* tiles: of all images */
    uint32_t patch_rows, patch_pitch; /* pitch: bytes, a multiple of 4 */
    uint32_t panels, steps;
    uint32_t patch_at, stage_at; /* in shared memory, behind weights, quads and multipliers */
    uint32_t zx;                 /* four times in a word */
} nnrt_cuda_rows_args;

#endif
