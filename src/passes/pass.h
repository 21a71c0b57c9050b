/* Technique-free graph passes. SPDX-License-Identifier: Apache-2.0
 * A pass edits the graph in place, keeps it valid (nnc_graph_verify) and reports how much it changed. */
#ifndef NNC_PASSES_PASS_H
#define NNC_PASSES_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "graph/graph.h"
#include "graph/target.h"

typedef struct nnc_pass_ctx {
    const nnc_log *log;
    uint32_t threads;  /* 0: all cores */
    uint32_t isa_max;  /* nnrt_isa */
    bool keep_bn;      /* nnc_passes_prepare leaves BatchNormalization alone */
} nnc_pass_ctx;

typedef struct nnc_pass {
    const char *name; /* "fold-bn" */
    const char *help;
    /* *changed: number of edits. */
    nnc_status (*run)(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed);
} nnc_pass;

extern const nnc_pass nnc_pass_constant_fold;  /* nodes whose inputs are constant become constants (through src/exec); budgeted */
extern const nnc_pass nnc_pass_dead_code;      /* unreachable nodes and constants */
extern const nnc_pass nnc_pass_identity;       /* Identity, Dropout, Cast to same, x+0, x*1, no-op Reshape/Transpose/Pad/Slice/Concat of one */
extern const nnc_pass nnc_pass_cse;            /* equal nodes on equal inputs; equal constants */
extern const nnc_pass nnc_pass_transposes;     /* adjacent Transpose/Reshape pairs merge or cancel */
extern const nnc_pass nnc_pass_fold_bn;        /* Conv/ConvTranspose/Gemm + BatchNormalization (+ scalar/channel Mul, Add) -> one */
extern const nnc_pass nnc_pass_matmul_bias;    /* MatMul(x, const) + Add(const) -> Gemm where rank is 2 */
extern const nnc_pass nnc_pass_spread_grids;   /* data movement keeps annotations */
extern const nnc_pass nnc_pass_subgraphs;      /* all of this within If, Loop and Scan; an If that always goes one way becomes its branch */
extern const nnc_pass nnc_pass_qdq_fold;       /* Q/DQ pairs become annotations (docs/architecture.md, "Quantized forms") */

extern const nnc_pass nnc_pass_unquantize;    /* the inverse of quantization: no grids, constants in float; prepared again */

/* All of the above that any graph wants after import, to a fixed point: folding, dead code, identities, CSE, transposes, BN. Without
 * fold_bn when keep_bn. qdq_fold runs after constant folding. */
nnc_status nnc_passes_prepare(nnc_graph *graph, const nnc_pass_ctx *ctx);

/* What of it suits a subgraph: all but what reads or moves grids. *edits is increased. */
nnc_status nnc_passes_clean(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *edits);

/* How annotations are written for a reader of the file. */
typedef struct nnc_emit_options {
    bool bias_int32;       /* int32 bias with scale sx*sw behind a DequantizeLinear; else float bias */
    bool weights_uint8;    /* per-tensor style u8 weights for U8U8 */
} nnc_emit_options;
/* Inverse of qdq_fold: explicit QuantizeLinear/DequantizeLinear nodes; never changes a number. */
nnc_status nnc_qdq_emit(nnc_graph *graph, const nnc_emit_options *options);
/* Gives the grids of a folded graph the types that a target takes (u8 and s8 activations, s8 weights). Changes no number: fails with
 * NNC_ERR_UNSUPPORTED, naming node and reason, where it would. */
nnc_status nnc_qdq_retarget(nnc_graph *graph, const nnc_target *target);

#endif
