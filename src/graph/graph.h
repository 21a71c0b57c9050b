/* The toolchain's graph: values and nodes in arrays, ids instead of pointers. SPDX-License-Identifier: Apache-2.0
 *
 * One opset (the internal form, newest semantics), float logical types; quantization is an annotation on a value
 * (docs/architecture.md, decision 3). Everything lives in the graph's arena except tensors and qparams, which are
 * reference-counted / owned and released with the graph. Names are unique non-empty for values; nodes' names may be "". */
#ifndef NNC_GRAPH_GRAPH_H
#define NNC_GRAPH_GRAPH_H

#include "base/mem.h"
#include "tensor/qparams.h"
#include "tensor/tensor.h"

typedef uint32_t nnc_node_id;
typedef uint32_t nnc_value_id;
#define NNC_ID_NONE UINT32_MAX

typedef struct nnc_graph nnc_graph;
typedef struct nnc_op nnc_op; /* src/ops/op.h */

typedef enum nnc_value_kind {
    NNC_VALUE_INPUT,    /* fed by the caller */
    NNC_VALUE_CONST,    /* has a tensor */
    NNC_VALUE_VARIABLE, /* has a tensor; written by nnc.Assign */
    NNC_VALUE_TEMP      /* produced by a node */
} nnc_value_kind;

typedef struct nnc_value {
    const char *name;
    nnc_value_kind kind;
    nnc_dtype dtype;       /* logical type; float32 for a constant that stores integers with qparams */
    bool has_shape;        /* false: rank unknown */
    nnc_shape shape;       /* dims < 0: symbol -1-dim */
    nnc_tensor tensor;     /* CONST, VARIABLE; integers when qparams is set and tensor.dtype is an integer type */
    nnc_qparams *qparams;  /* NULL: not on a grid; owned by the value */
    nnc_node_id producer;  /* TEMP; else NNC_ID_NONE */
    bool dead;
} nnc_value;

typedef enum nnc_attr_type {
    NNC_ATTR_INT,
    NNC_ATTR_FLOAT,
    NNC_ATTR_STRING,
    NNC_ATTR_TENSOR,
    NNC_ATTR_INTS,
    NNC_ATTR_FLOATS,
    NNC_ATTR_STRINGS,
    NNC_ATTR_GRAPH,
    NNC_ATTR_GRAPHS
} nnc_attr_type;

/* Attribute of a node with subgraphs: how many of its last inputs are the last inputs of every subgraph. */
#define NNC_CAPTURES "nnc_captures"

typedef struct nnc_attr {
    const char *name;
    nnc_attr_type type;
    size_t count;           /* INTS, FLOATS, STRINGS, GRAPHS; length of STRING */
    int64_t i;
    float f;
    const char *s;          /* NUL-terminated; may hold NULs within count */
    const int64_t *ints;
    const float *floats;
    const char *const *strings;
    nnc_tensor tensor;
    nnc_graph **graphs;     /* GRAPH: one */
} nnc_attr;

typedef struct nnc_node {
    const char *name;      /* "" if none */
    const char *op_type;   /* ONNX name in the internal form */
    const char *domain;    /* "" = ai.onnx; "nnc" = ours */
    const nnc_op *op;      /* NULL: unknown to this build */
    nnc_value_id *inputs;  /* NNC_ID_NONE = omitted */
    nnc_value_id *outputs;
    uint32_t input_count, output_count;
    nnc_attr *attrs;
    uint32_t attr_count;
    bool dead;
} nnc_node;

/* Text that travels from the source file to the output unchanged. */
typedef struct nnc_graph_meta {
    const char *name, *doc;
    const char *producer_name, *producer_version, *domain;
    int64_t ir_version, model_version, opset; /* opset: of the source file */
    const char *const *prop_keys;
    const char *const *prop_values;
    size_t prop_count;
    const char *const *import_domains; /* operator sets of other domains than ai.onnx, and their versions */
    const int64_t *import_versions;
    size_t import_count;
} nnc_graph_meta;

nnc_status nnc_graph_create(nnc_graph **out);
void nnc_graph_destroy(nnc_graph *graph); /* NULL accepted */
/* Deep copy: tensors share bytes, everything else is new. Ids are kept. */
nnc_status nnc_graph_clone(nnc_graph **out, const nnc_graph *graph);
nnc_arena *nnc_graph_arena(nnc_graph *graph);
nnc_graph_meta *nnc_graph_get_meta(nnc_graph *graph);

/* Arrays: ids are 0..count-1, dead entries included. Pointers are valid until the next add. */
uint32_t nnc_graph_value_count(const nnc_graph *graph);
uint32_t nnc_graph_node_count(const nnc_graph *graph);
nnc_value *nnc_graph_value(nnc_graph *graph, nnc_value_id id);
const nnc_value *nnc_graph_value_const(const nnc_graph *graph, nnc_value_id id);
nnc_node *nnc_graph_node(nnc_graph *graph, nnc_node_id id);
const nnc_node *nnc_graph_node_const(const nnc_graph *graph, nnc_node_id id);

/* Signature, in order. Outputs may be any value. */
size_t nnc_graph_input_count(const nnc_graph *graph);
size_t nnc_graph_output_count(const nnc_graph *graph);
nnc_value_id nnc_graph_input(const nnc_graph *graph, size_t i);
nnc_value_id nnc_graph_output(const nnc_graph *graph, size_t i);
/* Name of output i in the signature (kept even if the value behind it is replaced). */
const char *nnc_graph_output_name(const nnc_graph *graph, size_t i);
nnc_status nnc_graph_add_input(nnc_graph *graph, nnc_value_id value);
/* Input i leaves the signature; its value stays, and the caller makes it something else. */
void nnc_graph_remove_input(nnc_graph *graph, size_t i);
nnc_status nnc_graph_add_output(nnc_graph *graph, nnc_value_id value, const char *name);
bool nnc_graph_is_output(const nnc_graph *graph, nnc_value_id value);

/* Adds a value. A NULL name or one in use gets a unique derived name ("conv1_out_2"). */
nnc_status nnc_graph_add_value(nnc_value_id *out, nnc_graph *graph, const char *name,
                               nnc_value_kind kind, nnc_dtype dtype, const nnc_shape *shape);
/* Adds a constant; takes one reference of the tensor's buffer for itself. */
nnc_status nnc_graph_add_const(nnc_value_id *out, nnc_graph *graph, const char *name,
                               const nnc_tensor *tensor);
/* Convenience constants. */
nnc_status nnc_graph_add_const_i64(nnc_value_id *out, nnc_graph *graph, const char *name,
                                   const int64_t *data, size_t n, bool scalar);
nnc_status nnc_graph_add_const_f32(nnc_value_id *out, nnc_graph *graph, const char *name,
                                   const float *data, const nnc_shape *shape);
/* Adds a node and makes it the producer of its outputs (TEMP values). Strings and arrays are copied. node->op is looked up
 * by the caller (src/ops: nnc_node_bind). Returns the node's id. */
nnc_status nnc_graph_add_node(nnc_node_id *out, nnc_graph *graph, const char *name,
                              const char *domain, const char *op_type, const nnc_value_id *inputs,
                              uint32_t input_count, const nnc_value_id *outputs,
                              uint32_t output_count);
/* Copies the attribute into the graph; replaces one of the same name. */
nnc_status nnc_node_set_attr(nnc_graph *graph, nnc_node_id node, const nnc_attr *attr);
nnc_status nnc_node_set_int(nnc_graph *graph, nnc_node_id node, const char *name, int64_t value);
nnc_status nnc_node_set_float(nnc_graph *graph, nnc_node_id node, const char *name, float value);
nnc_status nnc_node_set_ints(nnc_graph *graph, nnc_node_id node, const char *name,
                             const int64_t *values, size_t n);
nnc_status nnc_node_set_string(nnc_graph *graph, nnc_node_id node, const char *name,
                               const char *value);
void nnc_node_remove_attr(nnc_graph *graph, nnc_node_id node, const char *name);
const nnc_attr *nnc_node_attr(const nnc_node *node, const char *name); /* NULL if absent */
int64_t nnc_node_int(const nnc_node *node, const char *name, int64_t fallback);
float nnc_node_float(const nnc_node *node, const char *name, float fallback);
const char *nnc_node_string(const nnc_node *node, const char *name, const char *fallback);
/* New input list, new op (node->op becomes NULL until bound again). `inputs` may be part of the node's own. */
nnc_status nnc_node_set_inputs(nnc_graph *graph, nnc_node_id node, const nnc_value_id *inputs,
                               uint32_t count);
nnc_status nnc_node_set_op(nnc_graph *graph, nnc_node_id node, const char *domain,
                           const char *op_type);
/* True if the op is `op_type` of the default domain. */
bool nnc_node_is(const nnc_node *node, const char *op_type);

/* The value of this name; NNC_ID_NONE if there is none. */
nnc_value_id nnc_graph_find_value(const nnc_graph *graph, const char *name);
/* Gives a value another name (a unique derived one if in use). The old name is not free again. */
nnc_status nnc_graph_rename_value(nnc_graph *graph, nnc_value_id value, const char *name);

/* A dimension symbol by name; equal names give equal symbols. NULL makes a fresh anonymous one. Returns the dim code (< 0). */
nnc_status nnc_graph_symbol(int64_t *dim, nnc_graph *graph, const char *name);
bool nnc_graph_symbol_exists(const nnc_graph *graph, int64_t dim);
const char *nnc_graph_symbol_name(const nnc_graph *graph, int64_t dim); /* "" for anonymous */

/* Rewriting. Replaces every use of `from` (node inputs and outputs of the graph) by `to`. */
nnc_status nnc_graph_replace_uses(nnc_graph *graph, nnc_value_id from, nnc_value_id to);
/* Many replacements at once, in linear time: uses of v become to[v] where that is not NNC_ID_NONE, chains included (no cycles; the
 * array [values] is compressed in place). */
void nnc_graph_replace_all(nnc_graph *graph, nnc_value_id *to);
void nnc_graph_set_output(nnc_graph *graph, size_t i, nnc_value_id value); /* keeps the name */
void nnc_graph_remove_node(nnc_graph *graph, nnc_node_id node);  /* outputs become producerless and dead if unused */
void nnc_value_set_qparams(nnc_value *value, nnc_qparams *q);    /* takes ownership, frees the old one */
void nnc_value_set_tensor(nnc_value *value, nnc_tensor *tensor); /* takes the reference, releases the old one */

/* Consumers of every value at the time of the call: consumer k of value v is node[start[v] + k], input slot slot[...]. */
typedef struct nnc_uses {
    uint32_t *start; /* [values + 1] */
    nnc_node_id *node;
    uint32_t *slot;
    uint32_t value_count; /* values at the time of the call */
} nnc_uses;
nnc_status nnc_uses_init(nnc_uses *uses, const nnc_graph *graph);
void nnc_uses_deinit(nnc_uses *uses);
static inline uint32_t nnc_uses_count(const nnc_uses *uses, nnc_value_id v)
{
    return uses->start[v + 1] - uses->start[v];
}

/* Live nodes in an order where producers come first; stable: ties keep the file's order. Linear time. order: caller frees with
 * nnc_free. Fails: NNC_ERR_MODEL with the cycle "a -> b -> a". */
nnc_status nnc_graph_topo_order(nnc_node_id **order, size_t *count, const nnc_graph *graph);

/* Invariants: ids in range, producers and outputs agree, no cycle, constants have tensors of their shape, qparams fit their value.
 * NNC_ERR_INTERNAL naming the first violation. */
nnc_status nnc_graph_verify(const nnc_graph *graph);
/* "Conv 'conv1'" or "Conv #12" for messages; buf >= 160 bytes; returns buf. */
char *nnc_node_label(char *buf, size_t bytes, const nnc_graph *graph, nnc_node_id node);

#endif
