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

static nnc_status fail_unmatched(const nnc_graph *graph, const char *pattern)
{
    uint32_t n = nnc_graph_node_count(graph);
    bool op = strncmp(pattern, "op:", 3) == 0;
    const char **names = nnc_calloc((size_t)n + 1, sizeof(*names));
    size_t count = 0;
    for (nnc_node_id id = 0; names && id < n; id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (!node->dead && (op || node->name[0])) {
            names[count++] = op ? node->op_type : node->name;
        }
    }
    const char *near = names ? nnc_nearest(op ? pattern + 3 : pattern, names, count) : NULL;
    nnc_error_set(NNC_ERR_USAGE, "exclusion '%s' matches none of the %u nodes%s%s%s%s", pattern, n,
                  near ? "; did you mean '" : " (a name with *, op:Type, or #index)", near && op ? "op:" : "",
                  near ? near : "", near ? "'?" : "");
    nnc_free(names);
    return NNC_ERR_USAGE;
}

/* Marks the nodes that a pattern matches; excluded may be NULL. */
static nnc_status exclude_one(bool *excluded, const nnc_graph *graph, const char *pattern)
{
    size_t hits = 0;
    for (nnc_node_id id = 0; id < nnc_graph_node_count(graph); id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        bool hit = false;
        if (!node->dead) {
            NNC_TRY(matches(&hit, node, id, pattern));
        }
        if (hit && excluded) {
            excluded[id] = true;
        }
        hits += hit;
    }
    return hits ? NNC_OK : fail_unmatched(graph, pattern);
}

nnc_status nnc_exclude_check(const nnc_graph *graph, const char *pattern)
{
    return exclude_one(NULL, graph, pattern);
}

nnc_status nnc_scheme_exclude(bool *excluded, const nnc_graph *graph, const char *const *patterns,
                              size_t count)
{
    for (size_t p = 0; p < count; p++) {
        NNC_TRY(exclude_one(excluded, graph, patterns[p]));
    }
    return NNC_OK;
}
