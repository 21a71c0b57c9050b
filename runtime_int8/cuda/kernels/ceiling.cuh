/* Rates that other kernels are measured against: products of the tensor cores out of registers, and a copy.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_KERNELS_CEILING_CUH
#define NNRT_CUDA_KERNELS_CEILING_CUH

#include "runtime_int8/cuda/args_ceiling.h"
#include "runtime_int8/cuda/kernels/memory.cuh"

/* Bits without a pattern (the finalizer of MurmurHash3): constant operands would draw less power and run faster. */
SIMT_FN uint32_t ceiling_bits(uint32_t x)
{
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    return x ^ x >> 16;
}

/* Every warp multiplies 4 fragments with 4 others into 16 accumulators: no result is waited for. */
SIMT_FN void ceiling_mma(const nnrt_cuda_ceiling_mma_args &args)
{
    const uint32_t first = grid_thread() * 24;
    uint32_t a[4][4], b[4][2];
    int32_t c[4][4][4] = {};
    for (uint32_t i = 0; i < 16; i++)
        a[i / 4][i % 4] = ceiling_bits(first + i);
    for (uint32_t i = 0; i < 8; i++)
        b[i / 2][i % 2] = ceiling_bits(first + 16 + i);
    for (uint32_t loop = 0; loop < args.loops; loop++) {
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
                simt::mma(c[i][j], a[i], b[j]);
    }
    uint32_t sum = 0;
    for (int i = 0; i < 64; i++)
        sum += (uint32_t)c[i / 16][i / 4 % 4][i % 4];
    args.sums[grid_thread()] = (int32_t)sum;
}

/* Blocks take pieces in turn, in each pass others than before, so that no piece stays in a multiprocessor's own cache. */
SIMT_FN void ceiling_copy(const nnrt_cuda_ceiling_copy_args &args)
{
    const uint32_t pieces = args.words4 / NNRT_CUDA_CEILING_WORDS;
    const uint8_t *from = static_cast<const uint8_t *>(args.from);
    uint8_t *to = static_cast<uint8_t *>(args.to);
    for (uint32_t pass = 0; pass < args.passes; pass++) {
        for (uint32_t i = (simt::block_x() + 37 * pass) % simt::grid_x(); i < pieces; i += simt::grid_x()) {
            const size_t at = ((size_t)i * NNRT_CUDA_CEILING_WORDS + simt::thread()) * sizeof(words4);
            const size_t step = simt::threads() * sizeof(words4);
            words4 w[4];
            for (uint32_t k = 0; k < 4; k++)
                w[k] = get<words4>(from + at + k * step);
            for (uint32_t k = 0; k < 4; k++)
                put(to + at + k * step, w[k]);
        }
    }
}

#endif
