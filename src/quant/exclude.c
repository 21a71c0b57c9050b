/* Nodes that the user wants to keep in float. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "quant/internal.h"

static nnc_status matches(bool *out, const nnc_node *node, nnc_node_id id, const char *pattern)
{
    if (pattern[0] == '#') {
        uint64_t index;
        if (!nnc_parse_u64(pattern + 1, &index)) {
            NNC_FAIL(NNC_ERR_USAGE, "exclusion '%s': a number is expected behind #", pattern);
        }
        *out = index == id;
    } else if (strncmp(pattern, "op:", 3) == 0) {
        *out = nnc_glob_match(pattern + 3, node->op_type);
    } else {
        *out = node->name[0] && nnc_glob_match(pattern, node->name);
    }
    return NNC_OK;
}

nnc_status nnc_scheme_exclude(bool *excluded, const nnc_graph *graph, const char *const *patterns,
                              size_t count)
{
    for (size_t p = 0; p < count; p++) {
        size_t hits = 0;
        for (nnc_node_id id = 0; id < nnc_graph_node_count(graph); id++) {
            const nnc_node *node = nnc_graph_node_const(graph, id);
            bool hit = false;
            if (!node->dead) {
                NNC_TRY(matches(&hit, node, id, patterns[p]));
            }
            excluded[id] = excluded[id] || hit;
            hits += hit;
        }
        if (hits == 0) {
            NNC_FAIL(NNC_ERR_USAGE, "exclusion '%s' matches none of the %u nodes (a name with *, op:Type, or #index)",
                     patterns[p], nnc_graph_node_count(graph));
        }
    }
    return NNC_OK;
}
