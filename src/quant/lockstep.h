/* Several samples through one graph at the same time, meeting behind every tapped value. SPDX-License-Identifier: Apache-2.0
 * So that what all samples say about a layer can change what each of them feeds to the next one, in a single pass. */
#ifndef NNC_QUANT_LOCKSTEP_H
#define NNC_QUANT_LOCKSTEP_H

#include "exec/exec.h"
#include "quant/internal.h"

typedef struct nnc_lockstep_calls {
    /* One sample's numbers -> part [calls.part]; on the sample's own thread. */
    void (*measure)(void *user, size_t tap, const nnrt_view *view, double *part);
    /* parts [samples] in sample order; on one thread while the others wait. */
    void (*combine)(void *user, size_t tap, double *const *parts, size_t samples);
    /* May change the numbers of the view: the layers behind read them. On the sample's own thread. */
    void (*apply)(void *user, size_t tap, const nnrt_view *view);
    size_t part; /* doubles per sample */
    void *user;
} nnc_lockstep_calls;

/* taps: values without a grid, each produced once per run. Uses the first samples of `indices` that can be read and whose activations together
 * fit in `bytes`, at least one. The result depends on neither threads nor timing. Fails: NNC_ERR_DATA, NNC_ERR_CANCELLED, what a
 * run fails with. */
nnc_status nnc_lockstep_run(const nnc_graph *graph, const nnc_value_id *taps, size_t tap_count,
                            const nnc_dataset *data, const size_t *indices, size_t count, size_t bytes, uint32_t isa_max,
                            const nnc_lockstep_calls *calls, const nnc_log *log);

#endif
