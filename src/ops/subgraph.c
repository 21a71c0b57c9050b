/* Shapes into and out of subgraphs. SPDX-License-Identifier: Apache-2.0 */
#include "ops/subgraph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

nnc_type nnc_type_of(const nnc_value *value)
{
    nnc_type type = {.dtype = NNC_DTYPE_UNDEFINED};
    if (value) {
        type = (nnc_type){value->dtype, value->has_shape, value->shape};
    }
    return type;
}

static nnc_status dim_in(int64_t *dim, nnc_graph *sub, const nnc_graph *outer)
{
    if (*dim >= 0) {
        return NNC_OK;
    }
    const char *name = nnc_graph_symbol_name(outer, *dim);
    char made[32];
    snprintf(made, sizeof made, "^%" PRId64, -1 - *dim);
    return nnc_graph_symbol(dim, sub, name[0] ? name : made);
}

nnc_status nnc_type_in(nnc_type *out, nnc_graph *sub, const nnc_graph *outer, const nnc_type *type)
{
    *out = *type;
    for (uint32_t d = 0; out->has_shape && d < out->shape.rank; d++) {
        NNC_TRY(dim_in(&out->shape.dims[d], sub, outer));
    }
    return NNC_OK;
}

static nnc_status dim_out(int64_t *dim, nnc_graph *outer, const nnc_graph *sub)
{
    if (*dim >= 0) {
        return NNC_OK;
    }
    const char *name = nnc_graph_symbol_name(sub, *dim);
    char *end = NULL;
    if (name[0] == '^') {
        const int64_t number = strtoll(name + 1, &end, 10);
        if (end != name + 1 && *end == '\0' && number >= 0 &&
            nnc_graph_symbol_exists(outer, -1 - number)) {
            *dim = -1 - number;
            return NNC_OK;
        }
    }
    return nnc_graph_symbol(dim, outer, name[0] && name[0] != '^' ? name : NULL);
}

nnc_status nnc_type_out(nnc_type *out, nnc_graph *outer, const nnc_graph *sub,
                        const nnc_type *type)
{
    *out = *type;
    for (uint32_t d = 0; out->has_shape && d < out->shape.rank; d++) {
        NNC_TRY(dim_out(&out->shape.dims[d], outer, sub));
    }
    return NNC_OK;
}

void nnc_subgraph_set_input(nnc_graph *sub, size_t i, const nnc_type *type)
{
    nnc_value *v = nnc_graph_value(sub, nnc_graph_input(sub, i));
    v->dtype = type->dtype != NNC_DTYPE_UNDEFINED ? type->dtype : v->dtype;
    v->has_shape = type->has_shape;
    v->shape = type->has_shape ? type->shape : (nnc_shape){0};
}

nnc_status nnc_subgraph_captures(const nnc_infer_ctx *ctx, nnc_graph *sub)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const size_t captures = (size_t)nnc_node_int(node, NNC_CAPTURES, 0);
    const size_t first = nnc_graph_input_count(sub) - captures;
    for (size_t k = 0; k < captures; k++) {
        const nnc_type type =
            nnc_type_of(nnc_infer_input(ctx, node->input_count - (uint32_t)(captures - k)));
        nnc_type inside;
        NNC_TRY(nnc_type_in(&inside, sub, ctx->graph, &type));
        nnc_subgraph_set_input(sub, first + k, &inside);
    }
    return NNC_OK;
}

nnc_status nnc_subgraph_of(nnc_graph **out, const nnc_infer_ctx *ctx, const char *attr,
                           int64_t inputs, int64_t outputs)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_attr *a = nnc_node_attr(node, attr);
    const int64_t captures = nnc_node_int(node, NNC_CAPTURES, 0);
    if (!a || a->type != NNC_ATTR_GRAPH || captures < 0 || captures > node->input_count) {
        return nnc_infer_fail(ctx, "attribute '%s' is no subgraph", attr);
    }
    *out = a->graphs[0];
    const int64_t have_in = (int64_t)nnc_graph_input_count(*out) - captures,
                  have_out = (int64_t)nnc_graph_output_count(*out);
    if (have_in != inputs || (outputs >= 0 && have_out < outputs)) {
        return nnc_infer_fail(ctx,
                              "subgraph '%s' has %" PRId64 " inputs and %" PRId64
                              " outputs, expected %" PRId64 " and %" PRId64,
                              attr, have_in, have_out, inputs, outputs);
    }
    return NNC_OK;
}

nnc_status nnc_type_set_output(nnc_infer_ctx *ctx, uint32_t i, const nnc_type *type)
{
    return type->has_shape ? nnc_infer_output(ctx, i, type->dtype, &type->shape)
                           : nnc_infer_output_unknown(ctx, i, type->dtype, -1);
}
