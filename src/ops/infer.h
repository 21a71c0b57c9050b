/* Inference that also reports integer contents found on the way. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef NNC_OPS_INFER_H
#define NNC_OPS_INFER_H

#include "ops/op.h"

/* A computed integer value (rank 0 or 1) whose contents are all numbers. */
typedef nnc_status nnc_known_fn(void *user, nnc_value_id value, const int64_t *data, size_t count,
                                bool scalar);
/* As nnc_graph_infer; afterwards calls fn for every known value in id order. fn must not add
 * values. */
nnc_status nnc_graph_infer_known(nnc_graph *graph, size_t *contradictions, nnc_known_fn *fn,
                                 void *user);

#endif
