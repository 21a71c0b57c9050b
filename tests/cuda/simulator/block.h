/* Runs one thread block: every thread a coroutine. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_CUDA_BLOCK_H
#define NNC_TESTS_CUDA_BLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef void simulator_body(const void *args);

struct simulator_grid {
    const char *name; /* of the kernel, for messages */
    simulator_body *body;
    const void *args;
    uint32_t grid[3];
    uint32_t threads;
    size_t shared_bytes;
    uint32_t order; /* permutes the order of blocks and threads */
};

/* Runs all blocks. What a GPU leaves undefined (barriers that some threads miss, misaligned asynchronous copies, a
 * warp operation with lanes missing) ends the process with one line on standard error. */
void simulator_run(const simulator_grid &grid);

#endif
