/* Semantics of an ONNX op: one const descriptor per op, every field explicit. SPDX-License-Identifier: Apache-2.0
 * One file src/ops/<op>.c (close relatives may share one) ending in `const nnc_op nnc_op_<Name>`, one line in ops.def. */
#ifndef NNC_OPS_OP_H
#define NNC_OPS_OP_H

#include "graph/graph.h"

/* ---- schema ---- */
typedef struct nnc_attr_schema {
    const char *name;
    nnc_attr_type type;
    bool required;
    double min, max;        /* numbers, each element; min > max: unchecked */
    const char *const *choices; /* STRING enums, NULL-terminated, or NULL */
} nnc_attr_schema;

/* ---- inference: dtype and symbolic shape of outputs ---- */
typedef struct nnc_infer_ctx {
    nnc_graph *graph;
    nnc_node_id node;
    /* Small integer values known at compile time (constants and folded shape arithmetic): data propagation for Reshape etc. */
    void *known;
} nnc_infer_ctx;
const nnc_value *nnc_infer_input(const nnc_infer_ctx *ctx, uint32_t i); /* NULL if omitted */
/* Known int64 contents of input i, element < 0 allowed; false if unknown. Symbolic elements (from Shape) come as dim codes with
 * symbolic[k] true. */
bool nnc_infer_ints(const nnc_infer_ctx *ctx, uint32_t i, int64_t *data, bool *symbolic, size_t max,
                    size_t *count);
nnc_status nnc_infer_output(nnc_infer_ctx *ctx, uint32_t i, nnc_dtype dtype, const nnc_shape *shape);
nnc_status nnc_infer_output_unknown(nnc_infer_ctx *ctx, uint32_t i, nnc_dtype dtype, int rank); /* rank < 0: unknown */
nnc_status nnc_infer_output_ints(nnc_infer_ctx *ctx, uint32_t i, const int64_t *data, const bool *symbolic,
                                 size_t count, bool scalar); /* records known contents too */
/* Fails with "<Op> '<name>': <message>". */
nnc_status nnc_infer_fail(const nnc_infer_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int64_t nnc_infer_fresh_dim(nnc_infer_ctx *ctx); /* a new anonymous symbol */

/* ---- cost ---- */
typedef struct nnc_cost {
    uint64_t macs;   /* multiply-accumulates with symbolic dims as 1 */
    uint64_t params; /* constant elements read */
} nnc_cost;

/* ---- layout ---- */
typedef enum nnc_op_layout {
    NNC_LAYOUT_AGNOSTIC,   /* element by element, broadcasting included: any layout */
    NNC_LAYOUT_CHANNELS,   /* convolution-like: wants channels-last */
    NNC_LAYOUT_AXIS,       /* has axes to remap: any layout */
    NNC_LAYOUT_LOGICAL     /* needs the ONNX order */
} nnc_op_layout;

/* ---- quantization behaviour ---- */
typedef enum nnc_op_quant {
    NNC_QUANT_CONTRACT, /* has an integer contract: Conv, Gemm, MatMul, Add, Mul, averages */
    NNC_QUANT_PRESERVE, /* moves or selects data, output on the input's grid: MaxPool, Reshape, Slice, ... */
    NNC_QUANT_TABLE,    /* unary on <= 8 bits: a table */
    NNC_QUANT_FLOAT     /* always float */
} nnc_op_quant;

/* ---- coupling of dims, for structured pruning: for each (input dim, output dim) pair that must be cut together ---- */
typedef enum nnc_dim_link_kind { NNC_DIM_LINK_SAME, NNC_DIM_LINK_OFFSET, NNC_DIM_LINK_GROUPED, NNC_DIM_LINK_BLOCK } nnc_dim_link_kind;
typedef struct nnc_dim_link {
    uint32_t in_index, in_dim;   /* input slot, its dim */
    int32_t out_index, out_dim;  /* output slot and dim; -1: the input dim is summed over (contraction) with ... */
    int32_t with_index, with_dim; /* ... this dim of another input; -1: none */
    nnc_dim_link_kind kind;
    int64_t arg;                 /* OFFSET: start in the output; GROUPED: groups; BLOCK: elements per index */
} nnc_dim_link;
typedef struct nnc_dim_links {
    nnc_dim_link *items; /* grown with nnc_grow, caller frees with nnc_free */
    size_t count, cap;
} nnc_dim_links;
nnc_status nnc_dim_links_add(nnc_dim_links *links, nnc_dim_link link);

struct nnc_lower_ctx; /* ops/lower.h */
struct nnc_grad_ctx;  /* made by src/train */

struct nnc_op {
    const char *domain, *name;
    uint32_t min_in, max_in, min_out, max_out; /* max UINT32_MAX: variadic */
    const nnc_attr_schema *attrs;
    size_t attr_count;
    nnc_status (*infer)(nnc_infer_ctx *ctx);
    nnc_status (*lower)(struct nnc_lower_ctx *ctx);
    nnc_status (*grad)(struct nnc_grad_ctx *ctx); /* NULL: no gradient flows through this op (NNC_NO_GRAD) */
    void (*cost)(nnc_cost *out, const nnc_graph *graph, nnc_node_id node); /* NULL: no MACs (NNC_NO_COST) */
    nnc_status (*dims)(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node); /* NULL: every dim independent (NNC_NO_DIMS) */
    nnc_op_layout layout;
    nnc_op_quant quant;
};
#define NNC_NO_GRAD NULL
#define NNC_NO_COST NULL
#define NNC_NO_DIMS NULL

/* Row of ops.def; NULL if this build has none. */
const nnc_op *nnc_op_find(const char *domain, const char *name);
/* All rows, for documentation and tests. NULL past the end. */
const nnc_op *nnc_op_row(size_t i);
/* Binds node->op and validates arity and attributes against the schema (NNC_ERR_MODEL); unknown op: node->op = NULL, NNC_OK. */
nnc_status nnc_node_bind(nnc_graph *graph, nnc_node_id node);
/* Draws random numbers: two equal nodes are not one, and a constant input makes no constant. */
bool nnc_node_is_random(const nnc_node *node);
/* Infers dtypes and shapes of the whole graph in topological order. A recorded shape that contradicts is replaced with a warning
 * counted in *contradictions (may be NULL). Unknown ops leave their outputs unknown. */
nnc_status nnc_graph_infer(nnc_graph *graph, size_t *contradictions);
nnc_cost nnc_node_cost(const nnc_graph *graph, nnc_node_id node);
/* Is the value made by an nnc.Quant whose grid is found at every run (dynamic=1)? */
bool nnc_is_dynamic_quant(const nnc_graph *graph, nnc_value_id value);

#endif
