/* The graph's own structure, seen by this folder only. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_GRAPH_INTERNAL_H
#define NNC_GRAPH_INTERNAL_H

#include "base/map.h"
#include "graph/graph.h"

struct nnc_graph {
    nnc_arena *arena;
    nnc_value *values;
    uint32_t *output_refs; /* [values]: how often a value is an output of the graph */
    size_t value_count, value_cap, refs_cap;
    nnc_node *nodes;
    size_t node_count, node_cap;
    nnc_value_id *inputs;
    size_t input_count, input_cap;
    nnc_value_id *outputs;
    const char **output_names;
    size_t output_count, output_cap, output_name_cap;
    nnc_map *names;    /* value name -> id */
    nnc_map *suffixes; /* base name -> last number used for a derived name */
    const char **symbols;
    size_t symbol_count, symbol_cap;
    nnc_map *symbol_ids;
    nnc_graph_meta meta;
};

/* Puts a name that no other value has into *out (arena memory) and registers it for `id`. */
nnc_status nnc_graph_take_name(const char **out, nnc_graph *graph, const char *wanted,
                               nnc_value_id id);
/* Deep copy of an attribute into the graph's arena. */
nnc_status nnc_attr_copy(nnc_attr *out, nnc_graph *graph, const nnc_attr *attr);
void nnc_attr_release(nnc_attr *attr);

#endif
