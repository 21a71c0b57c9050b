/* Helpers of the passes. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PASSES_PASS_UTIL_H
#define NNC_PASSES_PASS_UTIL_H

#include "ops/op.h"
#include "passes/pass.h"

/* Value in a slot, or NULL when the slot is omitted. */
nnc_value *nnc_pass_input(nnc_graph *graph, const nnc_node *node, uint32_t i);
nnc_value *nnc_pass_output(nnc_graph *graph, const nnc_node *node, uint32_t i);
/* A constant with plain (not quantized) numbers. */
bool nnc_pass_is_plain_const(const nnc_value *value);
/* All elements of a plain constant equal `number`. */
bool nnc_pass_const_is(const nnc_value *value, double number);
/* Integers of a plain constant list of at most max elements; false otherwise. */
bool nnc_pass_const_ints(const nnc_value *value, int64_t *data, size_t max, size_t *count);
/* A bound node with one output. `output` NNC_ID_NONE: a new value named after `base`, of dtype and
 * shape. */
nnc_status nnc_pass_add_node(nnc_node_id *out, nnc_graph *graph, const char *domain,
                             const char *op_type, const nnc_value_id *inputs, uint32_t input_count,
                             nnc_value_id output);
/* New temporary like `like` (dtype and shape), with a printf-like name. */
nnc_status nnc_pass_add_temp(nnc_value_id *out, nnc_graph *graph, nnc_value_id like,
                             nnc_dtype dtype, const char *suffix);
/* Turns the output of a removed or replaced node into a constant; the tensor reference is taken
 * over. */
void nnc_pass_make_const(nnc_graph *graph, nnc_value_id value, nnc_tensor *tensor);
/* Makes `node` the producer of `value` in place of its present output i, which dies. */
void nnc_pass_steal_output(nnc_graph *graph, nnc_node_id node, uint32_t i, nnc_value_id value);
/* NULL-initialised replacement map for nnc_graph_replace_all; NULL with the message set when memory
 * is short. */
nnc_value_id *nnc_pass_replacements(const nnc_graph *graph);
/* The one consumer of a value that nothing else (node or graph output) reads, or NNC_ID_NONE. */
nnc_node_id nnc_pass_only_user(const nnc_graph *graph, const nnc_uses *uses, nnc_value_id value);
/* Both annotations absent, or equal. */
bool nnc_pass_same_grid(const nnc_value *a, const nnc_value *b);

#endif
