/* Runs graphs over samples, several samples at a time. SPDX-License-Identifier: Apache-2.0 */
#include "calib/runner.h"

#include <stdio.h>

#include "runtime_int8/pool.h"

/* Activation memory that all slots together may take. */
#define RUNNER_ARENA_BYTES ((size_t)1 << 30)

typedef struct tap_user {
    nnc_runner *runner;
    size_t slot, model;
} tap_user;

typedef struct runner_slot {
    nnc_exec **execs; /* [models] */
    tap_user *users;  /* [models] */
    nnc_sample sample;
    bool full;        /* sample is set */
    nnc_status status;
    char message[512];
} runner_slot;

struct nnc_runner {
    size_t models, slots;
    nnc_exec **owners; /* [models]: hold the plans */
    tap_user *users;   /* [models]: of the owners, which run no taps */
    runner_slot slot[NNC_RUNNER_SLOTS];
    uint32_t threads, isa_max;
    bool tapped;
    nnrt_pool *pool;
    const nnc_runner_calls *calls;
};

static void on_tap(void *opaque, size_t tap, const nnrt_view *view)
{
    const tap_user *user = opaque;
    const nnc_runner_calls *calls = user->runner->calls;
    if (calls && calls->tap) {
        calls->tap(calls->user, user->slot, user->model, tap, view);
    }
}

nnc_status nnc_runner_create(nnc_runner **out, const nnc_runner_model *models, size_t model_count,
                             uint32_t threads, uint32_t isa_max)
{
    nnc_runner *runner = nnc_calloc(1, sizeof(*runner));
    if (!runner) {
        return NNC_ERR_LIMIT;
    }
    runner->models = model_count;
    runner->threads = threads ? threads : nnrt_core_count();
    runner->isa_max = isa_max;
    runner->owners = nnc_calloc(model_count, sizeof(nnc_exec *));
    runner->users = nnc_calloc(model_count, sizeof(*runner->users));
    nnc_status status = runner->owners && runner->users ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t m = 0; m < model_count && status == NNC_OK; m++) {
        runner->users[m] = (tap_user){.runner = runner, .slot = 0, .model = m};
        nnc_exec_options options = {.threads = 1, .isa_max = isa_max, .taps = models[m].taps,
                                    .tap_count = models[m].tap_count, .tap = on_tap,
                                    .user = &runner->users[m]};
        status = nnc_exec_create(&runner->owners[m], models[m].graph, &options);
    }
    if (status != NNC_OK) {
        nnc_runner_destroy(runner);
        return status;
    }
    *out = runner;
    return NNC_OK;
}

void nnc_runner_destroy(nnc_runner *runner)
{
    if (!runner) {
        return;
    }
    for (size_t s = 0; s < NNC_RUNNER_SLOTS; s++) {
        runner_slot *slot = &runner->slot[s];
        for (size_t m = 0; slot->execs && m < runner->models; m++) {
            nnc_exec_destroy(slot->execs[m]);
        }
        nnc_free(slot->execs);
        nnc_free(slot->users);
        if (slot->full) {
            nnc_sample_deinit(&slot->sample);
        }
    }
    for (size_t m = 0; runner->owners && m < runner->models; m++) {
        nnc_exec_destroy(runner->owners[m]);
    }
    nnc_free(runner->owners);
    nnc_free(runner->users);
    nnrt_pool_destroy(runner->pool);
    nnc_free(runner);
}

static nnc_status add_slot(nnc_runner *runner, size_t s, uint32_t threads)
{
    runner_slot *slot = &runner->slot[s];
    slot->execs = nnc_calloc(runner->models, sizeof(nnc_exec *));
    slot->users = nnc_calloc(runner->models, sizeof(*slot->users));
    if (!slot->execs || !slot->users) {
        return NNC_ERR_LIMIT;
    }
    for (size_t m = 0; m < runner->models; m++) {
        slot->users[m] = (tap_user){.runner = runner, .slot = s, .model = m};
        nnc_exec_options options = {.threads = threads, .isa_max = runner->isa_max, .tap = on_tap,
                                    .user = &slot->users[m]};
        NNC_TRY(nnc_exec_share(&slot->execs[m], runner->owners[m], &options));
    }
    return NNC_OK;
}

/* Runs one sample to learn how much memory a slot takes, then makes as many slots as threads and memory allow. */
static nnc_status make_slots(nnc_runner *runner, const nnc_sample *sample)
{
    size_t bytes = 1;
    for (size_t m = 0; m < runner->models; m++) {
        NNC_TRY(nnc_exec_run(runner->owners[m], sample->inputs, sample->input_count));
        bytes += nnrt_session_arena_bytes(nnc_exec_session(runner->owners[m]));
    }
    size_t slots = RUNNER_ARENA_BYTES / bytes;
    slots = slots < runner->threads ? slots : runner->threads;
    slots = slots < NNC_RUNNER_SLOTS ? slots : NNC_RUNNER_SLOTS;
    slots = slots > 0 ? slots : 1;
    for (size_t s = 0; s < slots; s++) {
        NNC_TRY(add_slot(runner, s, runner->threads / (uint32_t)slots));
    }
    if (slots > 1) {
        NNC_TRY(nnrt_pool_create(&runner->pool, (uint32_t)slots));
        nnrt_pool_set_rest(runner->pool, true);
    }
    runner->slots = slots;
    return NNC_OK;
}

static void run_slot(void *opaque, size_t s)
{
    nnc_runner *runner = opaque;
    runner_slot *slot = &runner->slot[s];
    slot->status = NNC_OK;
    for (size_t m = 0; m < runner->models && slot->status == NNC_OK; m++) {
        slot->status = nnc_exec_run(slot->execs[m], slot->sample.inputs, slot->sample.input_count);
    }
    if (slot->status != NNC_OK) {
        snprintf(slot->message, sizeof(slot->message), "%s", nnc_error_message());
    }
}

/* Fills slots from the reader; *filled < slots only at the end. */
static nnc_status fill(nnc_runner *runner, nnc_dataset_reader *reader, size_t *filled)
{
    size_t want = runner->slots ? runner->slots : 1;
    for (*filled = 0; *filled < want; (*filled)++) {
        runner_slot *slot = &runner->slot[*filled];
        bool more = false;
        NNC_TRY(nnc_dataset_reader_next(&slot->sample, &more, reader));
        if (!more) {
            break;
        }
        slot->full = true;
    }
    return NNC_OK;
}

static nnc_status drain(nnc_runner *runner, size_t filled)
{
    for (size_t s = 0; s < filled; s++) {
        runner_slot *slot = &runner->slot[s];
        if (slot->status != NNC_OK) {
            NNC_FAIL(slot->status, "sample '%s': %s", slot->sample.name, slot->message);
        }
        NNC_TRY(runner->calls->done(runner->calls->user, s, &slot->sample));
        nnc_sample_deinit(&slot->sample);
        slot->full = false;
    }
    return NNC_OK;
}

static nnc_status run_all(nnc_runner *runner, nnc_dataset_reader *reader, size_t count,
                          const char *stage, const nnc_log *log)
{
    size_t done = 0, filled;
    do {
        NNC_TRY(nnc_log_poll(log));
        NNC_TRY(fill(runner, reader, &filled));
        if (runner->slots == 0 && filled) {
            const nnc_runner_calls *calls = runner->calls;
            runner->calls = NULL;
            nnc_status status = make_slots(runner, &runner->slot[0].sample);
            runner->calls = calls;
            NNC_TRY(status);
        }
        nnrt_parallel(runner->pool, run_slot, runner, filled);
        NNC_TRY(drain(runner, filled));
        done += filled;
        nnc_log_progress(log, stage, done, count, "samples");
    } while (filled);
    if (done == 0) {
        NNC_FAIL(NNC_ERR_DATA, "%s: no samples", stage);
    }
    return NNC_OK;
}

nnc_status nnc_runner_run(nnc_runner *runner, const nnc_dataset *data, const size_t *indices,
                          size_t count, const nnc_runner_calls *calls, const char *stage,
                          const nnc_log *log)
{
    if (count == 0) {
        NNC_FAIL(NNC_ERR_DATA, "%s: no samples", stage);
    }
    nnc_dataset_reader *reader;
    NNC_TRY(nnc_dataset_reader_create(&reader, data, indices, count, log));
    runner->calls = calls;
    nnc_status status = run_all(runner, reader, count, stage, log);
    runner->calls = NULL;
    for (size_t s = 0; s < NNC_RUNNER_SLOTS; s++) {
        if (runner->slot[s].full) {
            nnc_sample_deinit(&runner->slot[s].sample);
            runner->slot[s].full = false;
        }
    }
    nnc_dataset_reader_destroy(reader);
    return status;
}

size_t nnc_runner_slots(const nnc_runner *runner)
{
    return runner->slots;
}

nnc_status nnc_runner_output(nnrt_view *out, nnc_runner *runner, size_t slot, size_t model, size_t i)
{
    nnrt_session *session = nnc_exec_session(runner->slot[slot].execs[model]);
    return (nnc_status)nnrt_session_output(session, (uint32_t)i, out);
}
