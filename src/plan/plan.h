/* Graph -> runtime plan: legalize, fuse, choose layouts, emit, pack. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PLAN_PLAN_H
#define NNC_PLAN_PLAN_H

#include "base/log.h"
#include "graph/graph.h"
#include "ops/op.h"

typedef struct nnc_plan_options {
    bool unfused;               /* reference form: no fusion behind products */
    const nnc_value_id *taps;   /* values reported through callbacks, tag = index; each is a fusion barrier */
    size_t tap_count;
    const char *const *keys;    /* metadata written to PROV: keys[i], values[i] */
    const char *const *values;
    size_t metadata_count;
} nnc_plan_options;

/* Builds the plan image (64-byte aligned, caller frees with nnc_free). The graph needs inferred shapes and is not changed.
 * Fails: NNC_ERR_UNSUPPORTED listing all unsupported ops with counts; NNC_ERR_MODEL. options may be NULL. */
nnc_status nnc_plan_build(void **image, size_t *bytes, const nnc_graph *graph,
                          const nnc_plan_options *options);

/* Why a node of contract kind does not run in integers, or NULL if it does / would. */
typedef struct nnc_legal {
    bool integer;
    const char *reason; /* static text: "input not quantized", "accumulator may overflow", ... ; NULL when integer */
} nnc_legal;
/* Decision for every node (array of node_count, caller frees with nnc_free), from graph and annotations only. */
nnc_status nnc_legalize(nnc_legal **out, const nnc_graph *graph);

/* Is this a Relu, or a Clip with constant bounds, that a plan fuses behind a product? Gives the bounds. */
bool nnc_clamp_bounds(float *lo, float *hi, const nnc_graph *graph, const nnc_node *node);

#endif
