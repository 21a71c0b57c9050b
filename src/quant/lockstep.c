/* Several samples through one graph at the same time. SPDX-License-Identifier: Apache-2.0
 * One thread per sample, mostly asleep: they meet at every tap, and the last to come combines. A failure sets `stopped`, which
 * lets everybody run through. */
#include "quant/lockstep.h"

#include <pthread.h>
#include <stdio.h>

#include "runtime_int8/pool.h"

#define LOCKSTEP_SAMPLES 32

typedef struct lane {
    struct lockstep *all;
    nnc_sample sample;
    bool full;
    nnc_exec *exec;
    double *part;
    nnc_status status;
    char message[512];
} lane;

typedef struct lockstep {
    lane lanes[LOCKSTEP_SAMPLES];
    double *parts[LOCKSTEP_SAMPLES];
    size_t count;
    const nnc_lockstep_calls *calls;
    const nnc_log *log;
    size_t taps;
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    size_t arrived;
    uint64_t meeting; /* number of meetings so far */
    bool stopped;
} lockstep;

/* Waits for all lanes; the last one combines. False when a lane has failed. */
static bool meet(lockstep *all, size_t tap)
{
    pthread_mutex_lock(&all->mutex);
    uint64_t meeting = all->meeting;
    if (!all->stopped && ++all->arrived == all->count) {
        all->calls->combine(all->calls->user, tap, all->parts, all->count);
        all->arrived = 0;
        all->meeting++;
        pthread_cond_broadcast(&all->turn);
    }
    while (!all->stopped && all->meeting == meeting) {
        pthread_cond_wait(&all->turn, &all->mutex);
    }
    bool go_on = !all->stopped;
    pthread_mutex_unlock(&all->mutex);
    return go_on;
}

static void stop(lockstep *all)
{
    pthread_mutex_lock(&all->mutex);
    all->stopped = true;
    pthread_cond_broadcast(&all->turn);
    pthread_mutex_unlock(&all->mutex);
}

static void on_tap(void *user, size_t tap, const nnrt_view *view)
{
    lane *l = user;
    lockstep *all = l->all;
    if (all->count == 0) {
        return; /* the run that measures memory */
    }
    all->calls->measure(all->calls->user, tap, view, l->part);
    if (meet(all, tap)) {
        all->calls->apply(all->calls->user, tap, view);
    }
}

static void run_lane(void *user, size_t i)
{
    lockstep *all = user;
    lane *l = &all->lanes[i];
    l->status = nnc_exec_run(l->exec, l->sample.inputs, l->sample.input_count);
    if (l->status != NNC_OK) {
        snprintf(l->message, sizeof(l->message), "%s", nnc_error_message());
        stop(all);
    }
}

static nnc_status read_lanes(lockstep *all, const nnc_dataset *data, const size_t *indices, size_t count,
                             size_t *got)
{
    *got = 0;
    for (size_t i = 0; i < count && *got < LOCKSTEP_SAMPLES; i++) {
        NNC_TRY(nnc_log_poll(all->log));
        lane *l = &all->lanes[*got];
        nnc_status status = nnc_dataset_get(&l->sample, data, indices[i]);
        if (status == NNC_ERR_DATA || status == NNC_ERR_IO) {
            continue; /* counted and named when it was read for calibration */
        }
        NNC_TRY(status);
        l->full = true;
        (*got)++;
    }
    if (*got == 0) {
        NNC_FAIL(NNC_ERR_DATA, "bias correction: no sample can be read");
    }
    return NNC_OK;
}

/* Lane 0 owns the plan; its first run tells how much memory a lane takes. */
static nnc_status make_lanes(lockstep *all, const nnc_graph *graph, const nnc_value_id *taps, size_t got,
                             size_t bytes, uint32_t isa_max)
{
    nnc_exec_options options = {.threads = 1, .isa_max = isa_max, .taps = taps, .tap_count = all->taps,
                                .tap = on_tap};
    size_t wanted = got;
    for (size_t i = 0; i < wanted; i++) {
        lane *l = &all->lanes[i];
        l->all = all;
        options.user = l;
        l->part = nnc_calloc(all->calls->part + 1, sizeof(*l->part));
        all->parts[i] = l->part;
        if (!l->part) {
            return NNC_ERR_LIMIT;
        }
        if (i > 0) {
            NNC_TRY(nnc_exec_share(&l->exec, all->lanes[0].exec, &options));
            continue;
        }
        NNC_TRY(nnc_exec_create(&l->exec, graph, &options));
        NNC_TRY(nnc_exec_run(l->exec, l->sample.inputs, l->sample.input_count));
        size_t fit = bytes / (nnrt_session_arena_bytes(nnc_exec_session(l->exec)) + 1);
        wanted = fit < 1 ? 1 : fit < wanted ? fit : wanted;
    }
    all->count = wanted;
    return NNC_OK;
}

static nnc_status run_lanes(lockstep *all)
{
    nnrt_pool *pool;
    NNC_TRY(nnrt_pool_create(&pool, (uint32_t)all->count));
    nnrt_pool_set_rest(pool, true);
    /* Every lane needs a thread of its own. */
    all->count = nnrt_pool_threads(pool) < all->count ? nnrt_pool_threads(pool) : all->count;
    nnrt_parallel(pool, run_lane, all, all->count);
    nnrt_pool_destroy(pool);
    for (size_t i = 0; i < all->count; i++) {
        const lane *l = &all->lanes[i];
        if (l->status != NNC_OK) {
            NNC_FAIL(l->status, "sample '%s': %s", l->sample.name, l->message);
        }
    }
    return nnc_log_poll(all->log);
}

nnc_status nnc_lockstep_run(const nnc_graph *graph, const nnc_value_id *taps, size_t tap_count,
                            const nnc_dataset *data, const size_t *indices, size_t count, size_t bytes, uint32_t isa_max,
                            const nnc_lockstep_calls *calls, const nnc_log *log)
{
    lockstep *all = nnc_calloc(1, sizeof(*all));
    if (!all) {
        return NNC_ERR_LIMIT;
    }
    all->calls = calls;
    all->log = log;
    all->taps = tap_count;
    pthread_mutex_init(&all->mutex, NULL);
    pthread_cond_init(&all->turn, NULL);
    size_t got = 0;
    nnc_status status = read_lanes(all, data, indices, count, &got);
    status = status == NNC_OK ? make_lanes(all, graph, taps, got, bytes, isa_max) : status;
    status = status == NNC_OK ? run_lanes(all) : status;
    for (size_t i = LOCKSTEP_SAMPLES; i-- > 0;) { /* the owner of the plan last */
        lane *l = &all->lanes[i];
        nnc_exec_destroy(l->exec);
        nnc_free(l->part);
        if (l->full) {
            nnc_sample_deinit(&l->sample);
        }
    }
    pthread_cond_destroy(&all->turn);
    pthread_mutex_destroy(&all->mutex);
    nnc_free(all);
    return status;
}
