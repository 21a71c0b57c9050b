/* Conditions of target rules. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_TARGET_CONDITIONS_H
#define NNC_QUANT_TARGET_CONDITIONS_H

#include "quant/internal.h"

/* A node that rules are asked about. */
typedef struct nnc_asked {
    const nnc_graph *graph;
    const nnc_uses *uses;
    const nnc_target *target;
    bool qoperator;        /* nnc_target_check_run */
    nnc_node_id id;
    const nnc_node *node;
    nnc_node_id clamp;     /* Relu or Clip that belongs to the node; NNC_ID_NONE */
    nnc_value_id final;    /* its result, behind the clamp; NNC_ID_NONE without outputs */
} nnc_asked;

bool nnc_condition_holds(nnc_target_condition condition, const nnc_asked *asked);
/* Relu or Clip directly behind an operator that takes one, or NNC_ID_NONE. */
nnc_node_id nnc_clamp_of(const nnc_graph *graph, const nnc_uses *uses, const nnc_node *node);

#endif
