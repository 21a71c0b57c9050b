/* Reader: worker threads decode ahead into a ring of slots, the consumer takes them in order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "datasets/source.h"

#define THREADS_MAX 64u
#define QUEUE_BYTES ((size_t)512 << 20)
#define POLL_MS 100
#define STALL_POLLS 100 /* 10 s */
#define LEAVE_POLLS 20  /* 2 s */
#define BAD_NAMED 10

typedef struct slot {
    bool done;
    nnc_status status;
    nnc_sample sample;
    char message[512];
} slot;

/* Shared by consumer and workers; the last one frees it, so that a worker stuck in a dead mount can
 * be left behind. */
typedef struct core {
    pthread_mutex_t lock;
    pthread_cond_t ready; /* a slot was filled, or a worker ended */
    pthread_cond_t space; /* a slot was emptied, or stop */
    unsigned owners;
    unsigned alive; /* workers */
    bool stop;
    nnc_dataset *dataset;
    size_t *indices; /* [count] or NULL */
    size_t count;
    size_t taken; /* next position for a worker */
    size_t given; /* next position for the consumer */
    size_t depth;
    slot *slots; /* [depth], position k in slot k % depth */
} core;

struct nnc_dataset_reader {
    core *core;
    const nnc_log *log;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;
    size_t good, bad;
};

static void core_free(core *c)
{
    for (size_t i = 0; c->slots && i < c->depth; i++)
        if (c->slots[i].done && c->slots[i].status == NNC_OK)
            nnc_sample_deinit(&c->slots[i].sample);
    nnc_free(c->slots);
    nnc_free(c->indices);
    nnc_dataset_destroy(c->dataset);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->ready);
    pthread_cond_destroy(&c->space);
    nnc_free(c);
}

/* Called with the lock held; releases it. */
static void core_unref(core *c)
{
    const bool last = --c->owners == 0;
    pthread_mutex_unlock(&c->lock);
    if (last)
        core_free(c);
}

static size_t index_at(const core *c, size_t position)
{
    return c->indices ? c->indices[position] : position;
}

static void fill_slot(slot *s, const core *c, size_t position)
{
    s->status = nnc_dataset_get(&s->sample, c->dataset, index_at(c, position));
    s->message[0] = '\0';
    if (s->status != NNC_OK) {
        strncpy(s->message, nnc_error_message(), sizeof(s->message) - 1);
        s->message[sizeof(s->message) - 1] = '\0';
    }
}

static void *work(void *user)
{
    core *c = user;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (!c->stop && c->taken < c->count && c->taken - c->given >= c->depth)
            pthread_cond_wait(&c->space, &c->lock);
        if (c->stop || c->taken >= c->count)
            break;
        const size_t position = c->taken++;
        slot *s = &c->slots[position % c->depth];
        pthread_mutex_unlock(&c->lock);
        fill_slot(s, c, position);
        pthread_mutex_lock(&c->lock);
        s->done = true;
        pthread_cond_signal(&c->ready);
    }
    c->alive--;
    pthread_cond_signal(&c->ready);
    core_unref(c);
    return NULL;
}

static unsigned usable_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    const int n = CPU_COUNT(&set);
    return n < 1 ? 1 : (unsigned)n;
}

/* Workers take no signals: those are the affair of the program's own threads. A machine that gives
 * fewer threads than asked, or none, is served all the same. */
static void start_threads(nnc_dataset_reader *r, unsigned want)
{
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGBUS); /* faults of the thread itself: blocked, they kill without a word */
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    core *c = r->core;
    for (unsigned i = 0; i < want; i++) {
        pthread_mutex_lock(&c->lock);
        c->owners++;
        c->alive++;
        pthread_mutex_unlock(&c->lock);
        if (pthread_create(&r->threads[r->thread_count], NULL, work, c) != 0) {
            pthread_mutex_lock(&c->lock);
            c->alive--;
            core_unref(c);
            break;
        }
        r->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static nnc_status core_create(core **out, const nnc_dataset *d, const size_t *indices, size_t count,
                              size_t depth)
{
    core *c = nnc_calloc(1, sizeof(*c));
    *out = c;
    if (!c)
        return NNC_ERR_LIMIT;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->ready, &attr);
    pthread_cond_init(&c->space, NULL);
    pthread_condattr_destroy(&attr);
    c->owners = 1;
    c->dataset = nnc_dataset_ref(d);
    c->count = indices ? count : d->count;
    c->depth = depth;
    c->slots = nnc_calloc(depth, sizeof(*c->slots));
    if (!c->slots)
        return NNC_ERR_LIMIT;
    if (!indices)
        return NNC_OK;
    c->indices = nnc_calloc(count, sizeof(*indices));
    if (!c->indices)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= d->count)
            NNC_FAIL(NNC_ERR_USAGE, "%s: sample %zu of %zu", d->path, indices[i], d->count);
        c->indices[i] = indices[i];
    }
    return NNC_OK;
}

nnc_status nnc_dataset_reader_create(nnc_dataset_reader **out, const nnc_dataset *dataset,
                                     const size_t *indices, size_t count, const nnc_log *log)
{
    *out = NULL;
    unsigned threads = dataset->options.threads ? dataset->options.threads : usable_cpus();
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    size_t depth = 2 * (size_t)threads + 2;
    const size_t fits = dataset->sample_bytes ? QUEUE_BYTES / dataset->sample_bytes : depth;
    if (depth > fits)
        depth = fits < 2 ? 2 : fits;
    if (threads > depth)
        threads = (unsigned)depth;
    nnc_dataset_reader *r = nnc_calloc(1, sizeof(*r));
    if (!r)
        return NNC_ERR_LIMIT;
    r->log = log;
    const nnc_status status = core_create(&r->core, dataset, indices, count, depth);
    if (status != NNC_OK) {
        nnc_dataset_reader_destroy(r);
        return status;
    }
    start_threads(r, threads);
    *out = r;
    return NNC_OK;
}

static void deadline(struct timespec *at)
{
    clock_gettime(CLOCK_MONOTONIC, at);
    at->tv_nsec += POLL_MS * 1000000L;
    if (at->tv_nsec >= 1000000000L) {
        at->tv_sec++;
        at->tv_nsec -= 1000000000L;
    }
}

/* Waits for the slot of the next position, polling for cancellation. */
static nnc_status wait_slot(nnc_dataset_reader *r, slot *s)
{
    core *c = r->core;
    unsigned polls = 0;
    pthread_mutex_lock(&c->lock);
    while (!s->done) {
        struct timespec at;
        deadline(&at);
        if (pthread_cond_timedwait(&c->ready, &c->lock, &at) != ETIMEDOUT || s->done)
            continue;
        pthread_mutex_unlock(&c->lock);
        NNC_TRY(nnc_log_poll(r->log));
        if (++polls == STALL_POLLS)
            nnc_log_warn(r->log, "%s: waiting for sample %zu for %d s", c->dataset->path,
                         index_at(c, c->given), POLL_MS * STALL_POLLS / 1000);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NNC_OK;
}

static nnc_status take(slot *out, nnc_dataset_reader *r)
{
    core *c = r->core;
    slot *s = &c->slots[c->given % c->depth];
    if (r->thread_count == 0)
        fill_slot(s, c, c->given);
    else
        NNC_TRY(wait_slot(r, s));
    pthread_mutex_lock(&c->lock);
    *out = *s;
    s->done = false;
    c->given++;
    pthread_cond_broadcast(&c->space);
    pthread_mutex_unlock(&c->lock);
    return NNC_OK;
}

/* A bad sample: skipped while few enough are bad. */
static nnc_status skip(nnc_dataset_reader *r, const slot *s)
{
    const core *c = r->core;
    if (s->status != NNC_ERR_DATA && s->status != NNC_ERR_IO)
        return nnc_error_set(s->status, "%s", s->message);
    r->bad++;
    const double allowed = c->dataset->options.max_bad * (double)c->count;
    if ((double)r->bad > allowed)
        NNC_FAIL(NNC_ERR_DATA,
                 "%s: %zu of %zu samples cannot be read, --max-bad allows %.0f; the "
                 "last: %s",
                 c->dataset->path, r->bad, c->count, allowed < 1 ? 0.0 : allowed, s->message);
    if (r->bad <= BAD_NAMED)
        nnc_log_warn(r->log, "skipped %s", s->message);
    return NNC_OK;
}

nnc_status nnc_dataset_reader_next(nnc_sample *out, bool *more, nnc_dataset_reader *r)
{
    const core *c = r->core;
    memset(out, 0, sizeof(*out));
    *more = false;
    while (c->given < c->count) {
        NNC_TRY(nnc_log_poll(r->log));
        slot s;
        NNC_TRY(take(&s, r));
        if (s.status == NNC_OK) {
            *out = s.sample;
            *more = true;
            r->good++;
            return NNC_OK;
        }
        NNC_TRY(skip(r, &s));
    }
    if (r->good == 0)
        NNC_FAIL(NNC_ERR_DATA, "%s: none of %zu samples can be read", c->dataset->path, c->count);
    return NNC_OK;
}

size_t nnc_dataset_reader_bad(const nnc_dataset_reader *r)
{
    return r->bad;
}

void nnc_dataset_reader_destroy(nnc_dataset_reader *r)
{
    if (!r)
        return;
    core *c = r->core;
    if (c) {
        pthread_mutex_lock(&c->lock);
        c->stop = true;
        pthread_cond_broadcast(&c->space);
        for (unsigned polls = 0; c->alive > 0 && polls < LEAVE_POLLS;) {
            struct timespec at;
            deadline(&at);
            if (pthread_cond_timedwait(&c->ready, &c->lock, &at) == ETIMEDOUT)
                polls++;
        }
        const bool ended = c->alive == 0;
        pthread_mutex_unlock(&c->lock);
        for (unsigned i = 0; i < r->thread_count; i++) {
            if (ended)
                pthread_join(r->threads[i], NULL);
            else
                pthread_detach(r->threads[i]);
        }
        pthread_mutex_lock(&c->lock);
        core_unref(c);
    }
    nnc_free(r);
}
