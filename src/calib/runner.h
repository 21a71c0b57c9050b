/* Runs graphs over samples, several samples at a time. SPDX-License-Identifier: Apache-2.0
 * Each slot has a session of its own with one thread; results are handed over in sample order, so they do not depend on the
 * number of slots. Large models get fewer slots and more threads per session. */
#ifndef NNC_CALIB_RUNNER_H
#define NNC_CALIB_RUNNER_H

#include "base/log.h"
#include "datasets/dataset.h"
#include "exec/exec.h"

typedef struct nnc_runner nnc_runner;

typedef struct nnc_runner_model {
    const nnc_graph *graph;     /* only read by create */
    const nnc_value_id *taps;
    size_t tap_count;
} nnc_runner_model;

typedef struct nnc_runner_calls {
    /* A tapped value of a run in `slot`; called on any thread, for one slot at a time by one thread. May be NULL. */
    void (*tap)(void *user, size_t slot, size_t model, size_t tap, const nnrt_view *view);
    /* The slot's sample has run through all models; called on the caller's thread, in sample order. */
    nnc_status (*done)(void *user, size_t slot, const nnc_sample *sample);
    void *user;
} nnc_runner_calls;

/* Most slots of any runner. */
#define NNC_RUNNER_SLOTS 32

/* threads 0: all usable cores. All models take the same inputs. */
nnc_status nnc_runner_create(nnc_runner **out, const nnc_runner_model *models, size_t model_count,
                             uint32_t threads, uint32_t isa_max);
void nnc_runner_destroy(nnc_runner *runner); /* NULL accepted */
/* Runs every sample of `indices` through every model. stage: name for progress. Unreadable samples are left out
 * (datasets/dataset.h). Fails: NNC_ERR_DATA (no samples), NNC_ERR_CANCELLED, what `done` returns. */
nnc_status nnc_runner_run(nnc_runner *runner, const nnc_dataset *data, const size_t *indices,
                          size_t count, const nnc_runner_calls *calls, const char *stage,
                          const nnc_log *log);
/* Slots in use; known after the first run. */
size_t nnc_runner_slots(const nnc_runner *runner);
/* Output i of a model in a slot; to be called from `done`. */
nnc_status nnc_runner_output(nnrt_view *out, nnc_runner *runner, size_t slot, size_t model, size_t i);

#endif
