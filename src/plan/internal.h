/* State of one plan build, shared by the files of src/plan. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PLAN_INTERNAL_H
#define NNC_PLAN_INTERNAL_H

#include "ops/lower.h"
#include "plan/plan.h"
#include "runtime_int8/builder.h"

/* Physical forms of a value. RAW*: the float numbers before they are put on the value's grid (annotated values only). */
typedef enum nnc_slot {
    NNC_SLOT_LOGICAL,
    NNC_SLOT_NHWC,
    NNC_SLOT_Q8,
    NNC_SLOT_Q8_NHWC,
    NNC_SLOT_RAW,
    NNC_SLOT_RAW_NHWC,
    NNC_SLOT_SCALE, /* with ZERO and Q8: a value on a grid of its own run (dynamic nnc.Quant) */
    NNC_SLOT_ZERO,
    NNC_SLOT_COUNT
} nnc_slot;

/* A product or binary node with what was fused behind it. Emitted when the walk reaches `last`. */
typedef struct nnc_unit {
    nnc_node_id last;   /* last node of the unit; the anchor itself when nothing is fused */
    nnc_fusion fusion;
} nnc_unit;

typedef struct nnc_plan_state {
    const nnc_graph *graph;
    const nnc_plan_options *options;
    nnrt_builder *builder;
    bool inner;           /* a subgraph; the builder is the graph's */
    nnc_uses uses;
    nnc_node_id *order;
    size_t order_count;
    nnc_legal *legal;     /* [nodes] */
    nnc_unit *units;      /* [nodes]; valid where the node is an anchor */
    nnc_node_id *anchor;  /* [nodes]: unit that the node belongs to; itself if alone */
    uint32_t (*slots)[NNC_SLOT_COUNT]; /* [values] */
    bool *tapped;         /* [values] */
} nnc_plan_state;

struct nnc_lower_ctx {
    nnc_plan_state *state;
    nnc_node_id node;
    const nnc_fusion *fusion;
};

/* plan.c. builder: the one to add to, or NULL for a new one. */
nnc_status nnc_plan_state_init(nnc_plan_state *state, const nnc_graph *graph, const nnc_plan_options *options,
                               nnrt_builder *builder);
void nnc_plan_state_deinit(nnc_plan_state *state);
nnc_status nnc_plan_emit_nodes(nnc_plan_state *state);

/* Per-tensor 8-bit grid? */
bool nnc_grid8(const nnc_qparams *q);
/* Rank 3 and 4 values have a channels-last form of their own. */
bool nnc_has_nhwc(const nnc_value *value);

/* Units from graph and legality; optional fusions only when !unfused. */
nnc_status nnc_fuse(nnc_plan_state *state);
/* The value that node's unit produces when only bit-changing (semantic) fusion is considered; used by legalize. Walks
 * clamp and direct residual. */
typedef struct nnc_semantic {
    float lo, hi;
    nnc_node_id clamp_node, add_node, last;
    nnc_value_id residual; /* direct residual */
    nnc_value_id final;
} nnc_semantic;
void nnc_semantic_unit(nnc_semantic *out, const nnc_graph *graph, const nnc_uses *uses,
                       const bool *barrier, nnc_node_id node);

/* Runtime value of `value` in a slot, converting on demand. */
nnc_status nnc_form_get(uint32_t *out, nnc_plan_state *state, nnc_value_id value, nnc_slot slot);
/* Declares a new runtime value for a slot of a graph value. */
nnc_status nnc_form_declare(uint32_t *out, nnc_plan_state *state, nnc_value_id value, nnc_slot slot);
/* Integers, scale and zero point of a value that a dynamic nnc.Quant makes. */
nnc_status nnc_form_declare_dynamic(uint32_t out[3], nnc_plan_state *state, nnc_value_id value);
/* Constant `value` in a form, expanded with leading ones to `rank`. */
nnc_status nnc_form_const(uint32_t *out, nnc_plan_state *state, nnc_value_id value, nnc_slot slot,
                          uint32_t rank);
/* Storage zero point of an annotated value (signed grids are shifted by 128). */
int32_t nnc_storage_zero(const nnc_qparams *q);
int32_t nnc_storage_min(const nnc_qparams *q);
int32_t nnc_storage_max(const nnc_qparams *q);

#endif
