/* What a target runs in integers of a graph: the rules of src/graph/target_rules.def asked of every node. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_TARGET_CHECK_H
#define NNC_QUANT_TARGET_CHECK_H

#include "quant/quant.h"

typedef enum nnc_verdict {
    NNC_VERDICT_SILENT,  /* no arithmetic on floats, movement of floats, or part of the node before it */
    NNC_VERDICT_INTEGER, /* computes in integers */
    NNC_VERDICT_MOVE,    /* passes integers on */
    NNC_VERDICT_FLOAT,
    NNC_VERDICT_REFUSED,
    NNC_VERDICT_UNKNOWN,
    NNC_VERDICT_COUNT
} nnc_verdict;

typedef struct nnc_target_finding {
    nnc_node_id node;
    const nnc_target_rule *rule;
} nnc_target_finding;

typedef struct nnc_target_check {
    const nnc_target *target;
    nnc_verdict *verdict;        /* [nodes] */
    uint32_t node_count;
    uint32_t count[NNC_VERDICT_COUNT];
    nnc_target_finding *finding; /* in the order of the nodes: what decided, and every risk */
    size_t finding_count, finding_cap;
} nnc_target_check;

/* graph: as loaded and prepared, quantized or not. qoperator: its file spells its quantization as QLinear or Integer operators. */
nnc_status nnc_target_check_run(nnc_target_check *out, const nnc_graph *graph, const nnc_target *target, bool qoperator);
void nnc_target_check_deinit(nnc_target_check *check);

/* What --int8 with these options would make of a float graph, with made-up ranges: grids and integer weights where they would be. In place;
 * the graph is as a written file would load. No node eligible: left in float. */
nnc_status nnc_quantize_preview(nnc_graph *graph, const nnc_quant_options *options);

#endif
