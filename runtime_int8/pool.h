/* How a session steers its workers' spinning. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_POOL_H
#define NNRT_POOL_H

#include <stdbool.h>

#include "runtime_int8/threads.h"

/* Parallel regions started so far; tells which node of a run used the workers last. NULL pool: 0.
 */
uint64_t nnrt_pool_regions(const nnrt_pool *pool);
/* true: workers go to sleep after each following region instead of spinning for the next one. */
void nnrt_pool_set_rest(nnrt_pool *pool, bool rest);
/* Lets spinning workers sleep, by an empty region if the last one did not already. */
void nnrt_pool_settle(nnrt_pool *pool);

#endif
