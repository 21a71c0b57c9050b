/* Threads of a session, over pthreadpool. SPDX-License-Identifier: Apache-2.0
 * Work is cut by shape, never by thread count, so results do not depend on it. */
#ifndef NNRT_THREADS_H
#define NNRT_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct nnrt_pool nnrt_pool;

/* threads: 0 = usable cores (affinity mask and cgroup quota honoured); failure to start some threads gives a
 * smaller pool, never an error. */
nnc_status nnrt_pool_create(nnrt_pool **out, uint32_t threads);
void nnrt_pool_destroy(nnrt_pool *pool);
uint32_t nnrt_pool_threads(const nnrt_pool *pool); /* NULL pool: 1 */

/* Calls fn(ctx, i) for each i in [0, n), in any order, on all threads; returns when all are done. pool NULL or one
 * thread: a plain loop. */
typedef void nnrt_task_fn(void *ctx, size_t i);
void nnrt_parallel(nnrt_pool *pool, nnrt_task_fn *fn, void *ctx, size_t n);
/* Same over tiles: fn(ctx, begin, count) with count <= tile, cutting [0, n). */
typedef void nnrt_tile_fn(void *ctx, size_t begin, size_t count);
void nnrt_parallel_tiles(nnrt_pool *pool, nnrt_tile_fn *fn, void *ctx, size_t n, size_t tile);
/* Usable cores. */
uint32_t nnrt_core_count(void);

#endif
