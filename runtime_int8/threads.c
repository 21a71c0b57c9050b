/* Threads of a session, over pthreadpool. SPDX-License-Identifier: Apache-2.0
 * Workers spin between regions (a wake-up through the kernel costs more than a small layer); the
 * last region of a run lets them sleep. */
#include "runtime_int8/threads.h"

#include <pthread.h>
#include <pthreadpool.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime_int8/pool.h"

struct nnrt_pool {
    pthreadpool_t pool;
    uint32_t threads;
    uint64_t regions; /* parallel regions so far */
    bool rest;        /* let workers sleep after the next region */
    bool awake;       /* workers may be spinning */
};

/* Quota in CPUs (rounded up) of "quota period" numbers; 0 = no limit. */
static uint32_t quota_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = (quota + period - 1) / period;
    return cpus > 0 && cpus < 65536 ? (uint32_t)cpus : 0;
}

static bool read_number(const char *path, long long *out)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    bool ok = fscanf(f, "%lld", out) == 1;
    fclose(f);
    return ok;
}

/* cgroup v2, then v1, as seen at the usual mount points. */
static uint32_t cgroup_cpus(void)
{
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f != NULL) {
        long long quota = 0, period = 0;
        int got = fscanf(f, "%lld %lld", &quota, &period);
        fclose(f);
        return got == 2 ? quota_cpus(quota, period) : 0;
    }
    long long quota = 0, period = 0;
    if (read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota) &&
        read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period))
        return quota_cpus(quota, period);
    return 0;
}

uint32_t nnrt_core_count(void)
{
    long n = 0;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    if (n <= 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t cores = n > 0 ? (uint32_t)n : 1;
    uint32_t quota = cgroup_cpus();
    return quota != 0 && quota < cores ? quota : cores;
}

static void *probe_main(void *barrier)
{
    pthread_mutex_lock(barrier);
    pthread_mutex_unlock(barrier);
    return NULL;
}

/* pthreadpool waits forever for workers that could not be started, so find out first how many can.
 */
static uint32_t startable(uint32_t threads)
{
    pthread_t *probe = nnc_calloc(threads, sizeof *probe);
    if (probe == NULL)
        return 1;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    uint32_t n = 0;
    while (n + 1 < threads && pthread_create(&probe[n], NULL, probe_main, &gate) == 0)
        n++;
    pthread_mutex_unlock(&gate);
    for (uint32_t i = 0; i < n; i++)
        pthread_join(probe[i], NULL);
    nnc_free(probe);
    return n + 1;
}

nnc_status nnrt_pool_create(nnrt_pool **out, uint32_t threads)
{
    *out = NULL;
    if (threads == 0)
        threads = nnrt_core_count();
    if (threads > 1024)
        threads = 1024;
    nnrt_pool *pool = nnc_calloc(1, sizeof *pool);
    if (pool == NULL)
        return NNC_ERR_LIMIT;
    pool->threads = 1;
    if (threads > 1)
        threads = startable(threads);
    if (threads > 1) {
        pool->pool = pthreadpool_create(threads);
        if (pool->pool != NULL)
            pool->threads = (uint32_t)pthreadpool_get_threads_count(pool->pool);
    }
    *out = pool;
    return NNC_OK;
}

void nnrt_pool_destroy(nnrt_pool *pool)
{
    if (pool == NULL)
        return;
    if (pool->pool != NULL)
        pthreadpool_destroy(pool->pool);
    nnc_free(pool);
}

uint32_t nnrt_pool_threads(const nnrt_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

void nnrt_parallel(nnrt_pool *pool, nnrt_task_fn *fn, void *ctx, size_t n)
{
    if (pool == NULL || pool->threads <= 1 || n <= 1) {
        for (size_t i = 0; i < n; i++)
            fn(ctx, i);
        return;
    }
    pool->regions++;
    pool->awake = !pool->rest;
    pthreadpool_parallelize_1d(pool->pool, fn, ctx, n,
                               pool->rest ? PTHREADPOOL_FLAG_YIELD_WORKERS : 0);
}

struct tiles {
    nnrt_tile_fn *fn;
    void *ctx;
    size_t n, tile;
};

static void run_tile(void *user, size_t i)
{
    const struct tiles *t = user;
    size_t begin = i * t->tile;
    size_t count = t->n - begin < t->tile ? t->n - begin : t->tile;
    t->fn(t->ctx, begin, count);
}

void nnrt_parallel_tiles(nnrt_pool *pool, nnrt_tile_fn *fn, void *ctx, size_t n, size_t tile)
{
    if (n == 0)
        return;
    if (tile == 0)
        tile = 1;
    struct tiles t = {fn, ctx, n, tile};
    nnrt_parallel(pool, run_tile, &t, (n - 1) / tile + 1);
}

uint64_t nnrt_pool_regions(const nnrt_pool *pool)
{
    return pool == NULL ? 0 : pool->regions;
}

void nnrt_pool_set_rest(nnrt_pool *pool, bool rest)
{
    if (pool != NULL)
        pool->rest = rest;
}

static void nothing(void *ctx, size_t i)
{
    (void)ctx;
    (void)i;
}

void nnrt_pool_settle(nnrt_pool *pool)
{
    if (pool == NULL || !pool->awake)
        return;
    pool->rest = true;
    nnrt_parallel(pool, nothing, NULL, pool->threads);
    pool->rest = false;
    pool->awake = false;
}
