/* Names: unique value names, dimension symbols, labels for messages. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "graph/graph_internal.h"

nnc_status nnc_graph_take_name(const char **out, nnc_graph *graph, const char *wanted,
                               nnc_value_id id)
{
    bool given = wanted && wanted[0] != '\0';
    const char *base = given ? wanted : "value";
    uint32_t other;
    const char *name = NULL;
    if (given && !nnc_map_get(graph->names, base, &other)) {
        name = nnc_arena_strdup(graph->arena, base);
    } else {
        uint32_t number = given ? 1 : 0;
        (void)nnc_map_get(graph->suffixes, base, &number);
        do {
            number++;
            name = nnc_arena_printf(graph->arena, "%s_%u", base, (unsigned)number);
        } while (name && nnc_map_get(graph->names, name, &other));
        NNC_TRY(nnc_map_put(graph->suffixes, base, number, NULL));
    }
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_map_put(graph->names, name, id, NULL));
    *out = name;
    return NNC_OK;
}

nnc_value_id nnc_graph_find_value(const nnc_graph *graph, const char *name)
{
    uint32_t id = NNC_ID_NONE;
    return name && nnc_map_get(graph->names, name, &id) ? id : NNC_ID_NONE;
}

nnc_status nnc_graph_rename_value(nnc_graph *graph, nnc_value_id value, const char *name)
{
    return nnc_graph_take_name(&graph->values[value].name, graph, name, value);
}

nnc_status nnc_graph_symbol(int64_t *dim, nnc_graph *graph, const char *name)
{
    uint32_t index;
    if (name && name[0] != '\0' && nnc_map_get(graph->symbol_ids, name, &index)) {
        *dim = -1 - (int64_t)index;
        return NNC_OK;
    }
    const char *copy = "";
    if (name && name[0] != '\0') {
        copy = nnc_arena_strdup(graph->arena, name);
        if (!copy) {
            return NNC_ERR_LIMIT;
        }
        NNC_TRY(nnc_map_put(graph->symbol_ids, copy, (uint32_t)graph->symbol_count, NULL));
    }
    NNC_TRY(nnc_grow(&graph->symbols, &graph->symbol_cap, graph->symbol_count + 1,
                     sizeof *graph->symbols));
    graph->symbols[graph->symbol_count] = copy;
    *dim = -1 - (int64_t)graph->symbol_count;
    graph->symbol_count++;
    return NNC_OK;
}

bool nnc_graph_symbol_exists(const nnc_graph *graph, int64_t dim)
{
    return dim < 0 && (uint64_t)(-1 - dim) < graph->symbol_count;
}

const char *nnc_graph_symbol_name(const nnc_graph *graph, int64_t dim)
{
    size_t index = dim < 0 ? (size_t)(-1 - dim) : SIZE_MAX;
    return index < graph->symbol_count ? graph->symbols[index] : "";
}

char *nnc_node_label(char *buf, size_t bytes, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = &graph->nodes[node];
    const char *sep = n->domain[0] != '\0' ? "." : "";
    if (n->name[0] == '\0') {
        snprintf(buf, bytes, "%.40s%s%.60s #%u", n->domain, sep, n->op_type, (unsigned)node);
        return buf;
    }
    snprintf(buf, bytes, "%.40s%s%.60s '", n->domain, sep, n->op_type);
    size_t used = strlen(buf);
    size_t room = bytes - used - 2;
    if (strlen(n->name) <= room) {
        snprintf(buf + used, bytes - used, "%s'", n->name);
    } else {
        snprintf(buf + used, bytes - used, "%.*s...'", (int)(room - 3), n->name);
    }
    return buf;
}
