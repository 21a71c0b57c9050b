/* Arena planning: offsets for blocks with lifetimes. SPDX-License-Identifier: Apache-2.0
 * Greedy by size with best fit, after Pisarchyk and Lee, "Efficient Memory Management for Deep
 * Neural Net Inference" (arXiv 2001.03288). */
#ifndef NNRT_MEMORY_H
#define NNRT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define NNRT_MEMORY_ALIGN 64u

/* A block is alive in steps first..last, both included. bytes 0 needs no room and gets offset 0. */
typedef struct nnrt_memory_block {
    size_t bytes;
    uint32_t first, last;
    size_t offset; /* out, multiple of NNRT_MEMORY_ALIGN */
} nnrt_memory_block;

/* Gives every block an offset so that blocks alive at the same step do not overlap; *total: bytes
 * needed. The same blocks always get the same offsets. Fails: NNC_ERR_LIMIT (overflow, memory). */
nnc_status nnrt_memory_plan(nnrt_memory_block *blocks, size_t count, size_t *total);
/* The same where the first `fixed` blocks have their offsets already: they keep them. The others begin at `step` or
 * later, and what of the fixed ones is dead by then does not count. work: NNRT_MEMORY_WORK bytes for each block. */
#define NNRT_MEMORY_WORK (3 * sizeof(size_t))
nnc_status nnrt_memory_plan_more(nnrt_memory_block *blocks, size_t fixed, size_t count,
                                 uint32_t step, void *work, size_t *total);

#endif
