/* Concat: one grid for inputs and output where that costs nothing. SPDX-License-Identifier: Apache-2.0
 * An input that only the Concat reads is rounded once on a shared grid but twice on its own, so sharing never hurts it. An input with other
 * readers shares while they lose less than 0.5 dB to the wider step. A target that needs one grid in the file gets it up to a loss of
 * 6 dB (one bit); beyond, the Concat stays float. */
#include <math.h>

#include "quant/internal.h"

#define SHARE_LOSS_DB 0.5
#define FORCED_LOSS_DB 6.0

/* Finds the joined group, compressing the path. */
static uint32_t root_of(uint32_t *parent, uint32_t g)
{
    while (parent[g] != g) {
        parent[g] = parent[parent[g]];
        g = parent[g];
    }
    return g;
}

static double width_of(const nnc_value_stats *s)
{
    double lo = s->min < 0 ? (double)s->min : 0, hi = s->max > 0 ? (double)s->max : 0;
    return hi - lo > 0 ? hi - lo : 1e-30;
}

/* Loss of SQNR that the input's other readers see on the wider grid; 0 when there are none. */
static double sharing_loss(const nnc_scheme *s, const nnc_group *groups, const nnc_graph *graph, const nnc_uses *uses,
                           nnc_node_id concat, nnc_value_id input, nnc_value_id output)
{
    uint32_t group = s->group[input];
    bool others = false;
    for (nnc_value_id v = 0; v < s->value_count; v++) {
        if (s->group[v] != group) {
            continue;
        }
        others = others || nnc_graph_is_output(graph, v);
        for (uint32_t u = 0; u < nnc_uses_count(uses, v); u++) {
            nnc_node_id user = uses->node[uses->start[v] + u];
            others = others || (user != concat && s->role[user] != NNC_ROLE_MOVE);
        }
    }
    double wide = width_of(groups[s->group[output]].stats), own = width_of(groups[group].stats);
    return others && wide > own ? 20 * log10(wide / own) : 0;
}

static void join(uint32_t *parent, nnc_group *groups, uint32_t a, uint32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a != b) {
        parent[b] = a;
        nnc_value_stats_merge(groups[a].stats, groups[b].stats);
    }
}

static void share_node(nnc_scheme *s, nnc_group *groups, uint32_t *parent, const nnc_graph *graph,
                       const nnc_uses *uses, nnc_node_id id, bool forced)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_value_id y = node->outputs[0];
    for (uint32_t i = 0; forced && i < node->input_count; i++) {
        nnc_value_id x = node->inputs[i];
        if (s->group[x] == NNC_ID_NONE || sharing_loss(s, groups, graph, uses, id, x, y) > FORCED_LOSS_DB) {
            s->role[id] = NNC_ROLE_FLOAT;
            s->reason[id] = "one grid for all inputs would cost more than 6 dB";
            return;
        }
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        nnc_value_id x = node->inputs[i];
        if (s->group[x] != NNC_ID_NONE &&
            (forced || sharing_loss(s, groups, graph, uses, id, x, y) < SHARE_LOSS_DB)) {
            join(parent, groups, s->group[y], s->group[x]);
        }
    }
}

nnc_status nnc_scheme_share_concats(nnc_scheme *scheme, nnc_group *groups, const nnc_graph *graph,
                                    const nnc_target *target)
{
    uint32_t *parent = nnc_calloc(scheme->group_count + 1, sizeof(*parent));
    nnc_uses uses;
    if (!parent) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = nnc_uses_init(&uses, graph);
    if (status != NNC_OK) {
        nnc_free(parent);
        return status;
    }
    for (uint32_t g = 0; g < scheme->group_count; g++) {
        parent[g] = g;
    }
    for (nnc_node_id id = 0; id < scheme->node_count; id++) {
        if (scheme->role[id] == NNC_ROLE_CONCAT) {
            share_node(scheme, groups, parent, graph, &uses, id, target->concat_one_scale);
        }
    }
    for (nnc_value_id v = 0; v < scheme->value_count; v++) {
        if (scheme->group[v] != NNC_ID_NONE) {
            scheme->group[v] = root_of(parent, scheme->group[v]);
        }
    }
    nnc_uses_deinit(&uses);
    nnc_free(parent);
    return NNC_OK;
}
