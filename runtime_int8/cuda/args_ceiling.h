/* Argument structs of kernels_ceiling.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_CEILING_H
#define NNRT_CUDA_ARGS_CEILING_H

#include <stdint.h>

/* sums: [blocks * threads], so that no product is left out. */
typedef struct nnrt_cuda_ceiling_mma_args {
    int32_t *sums;
    uint32_t loops;
} nnrt_cuda_ceiling_mma_args;
#define NNRT_CUDA_CEILING_MMAS 16 /* of a warp in one loop, 16x32x8 each */

/* words4: 16-byte words of `from` and `to`, a multiple of NNRT_CUDA_CEILING_WORDS. */
typedef struct nnrt_cuda_ceiling_copy_args {
    void *to;
    const void *from;
    uint32_t words4;
    uint32_t passes;
} nnrt_cuda_ceiling_copy_args;
#define NNRT_CUDA_CEILING_WORDS 1024 /* that a block copies at a time */

#endif
