/* Shapes into and out of subgraphs. SPDX-License-Identifier: Apache-2.0
 * A symbol of the outer graph has the same name inside; one without a name is called "^" and its number there. */
#ifndef NNC_OPS_SUBGRAPH_H
#define NNC_OPS_SUBGRAPH_H

#include "ops/op_util.h"

/* A type as inference carries it over the border. */
typedef struct nnc_type {
    nnc_dtype dtype;
    bool has_shape;
    nnc_shape shape;
} nnc_type;

nnc_type nnc_type_of(const nnc_value *value); /* undefined without a value */
/* The same type in terms of `sub`'s symbols, and back. */
nnc_status nnc_type_in(nnc_type *out, nnc_graph *sub, const nnc_graph *outer, const nnc_type *type);
nnc_status nnc_type_out(nnc_type *out, nnc_graph *outer, const nnc_graph *sub,
                        const nnc_type *type);
/* Gives input i of a subgraph a type of its own symbols. An undefined dtype leaves the declared one. */
void nnc_subgraph_set_input(nnc_graph *sub, size_t i, const nnc_type *type);
/* Types of the node's last inputs for the subgraph's last inputs. */
nnc_status nnc_subgraph_captures(const nnc_infer_ctx *ctx, nnc_graph *sub);
/* The subgraph of an attribute, whose inputs and outputs (-1: any number) are as the op demands. */
nnc_status nnc_subgraph_of(nnc_graph **out, const nnc_infer_ctx *ctx, const char *attr,
                           int64_t inputs, int64_t outputs);
/* Output i of the node. */
nnc_status nnc_type_set_output(nnc_infer_ctx *ctx, uint32_t i, const nnc_type *type);

#endif
