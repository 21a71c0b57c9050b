/* Subgraphs of If, Loop and Scan: constants from outside become their own, what they do not use is not taken, they get the
 * same passes as the graph, and an If whose condition is constant becomes its branch. SPDX-License-Identifier:
 * Apache-2.0 */
#include <string.h>

#include "passes/pass_util.h"

typedef struct subgraphs {
    nnc_graph *graph[2];
    size_t count;
} subgraphs;

static bool find_subgraphs(subgraphs *out, const nnc_node *node)
{
    *out = (subgraphs){.count = 0};
    for (uint32_t a = 0; a < node->attr_count; a++) {
        if (node->attrs[a].type == NNC_ATTR_GRAPHS || (node->attrs[a].type == NNC_ATTR_GRAPH && out->count == 2)) {
            return false; /* no operator that is known has those */
        }
        if (node->attrs[a].type == NNC_ATTR_GRAPH) {
            out->graph[out->count++] = node->attrs[a].graphs[0];
        }
    }
    return out->count > 0 && node->op;
}

static bool is_used(const nnc_graph *graph, const nnc_uses *uses, nnc_value_id v)
{
    return nnc_uses_count(uses, v) > 0 || nnc_graph_is_output(graph, v);
}

/* *used: some subgraph reads its input that stands for capture k of n. */
static nnc_status capture_is_used(bool *used, const subgraphs *subs, size_t k, size_t n)
{
    *used = false;
    for (size_t g = 0; g < subs->count && !*used; g++) {
        nnc_uses uses;
        NNC_TRY(nnc_uses_init(&uses, subs->graph[g]));
        const size_t at = nnc_graph_input_count(subs->graph[g]) - n + k;
        *used = is_used(subs->graph[g], &uses, nnc_graph_input(subs->graph[g], at));
        nnc_uses_deinit(&uses);
    }
    return NNC_OK;
}

/* Capture k of n leaves the signature: as a constant, or for good when tensor is NULL. */
static void drop_capture(const subgraphs *subs, size_t k, size_t n, const nnc_value *constant)
{
    for (size_t g = 0; g < subs->count; g++) {
        nnc_graph *sub = subs->graph[g];
        const size_t at = nnc_graph_input_count(sub) - n + k;
        nnc_value *v = nnc_graph_value(sub, nnc_graph_input(sub, at));
        nnc_graph_remove_input(sub, at);
        if (constant) {
            nnc_tensor tensor = nnc_tensor_ref(&constant->tensor);
            v->dtype = constant->dtype;
            nnc_pass_make_const(sub, (nnc_value_id)(v - nnc_graph_value(sub, 0)), &tensor);
        } else {
            v->kind = NNC_VALUE_TEMP;
            v->dead = true;
        }
    }
}

static nnc_status drop_node_input(nnc_graph *graph, nnc_node_id id, uint32_t i, size_t captures)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const uint32_t count = node->input_count;
    nnc_value_id *inputs = nnc_calloc(count, sizeof *inputs);
    if (!inputs) {
        return NNC_ERR_LIMIT;
    }
    memcpy(inputs, node->inputs, i * sizeof *inputs);
    memcpy(inputs + i, node->inputs + i + 1, (count - i - 1) * sizeof *inputs);
    nnc_status status = nnc_node_set_inputs(graph, id, inputs, count - 1);
    nnc_free(inputs);
    NNC_TRY(status);
    return nnc_node_set_int(graph, id, NNC_CAPTURES, (int64_t)captures);
}

static nnc_status settle_captures(nnc_graph *graph, nnc_node_id id, const subgraphs *subs, size_t *changed)
{
    size_t n = (size_t)nnc_node_int(nnc_graph_node_const(graph, id), NNC_CAPTURES, 0);
    for (size_t k = n; k-- > 0;) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        const uint32_t i = node->input_count - (uint32_t)(n - k);
        const nnc_value *v =
            node->inputs[i] != NNC_ID_NONE ? nnc_graph_value_const(graph, node->inputs[i]) : NULL;
        const bool constant = v && v->kind == NNC_VALUE_CONST && !v->qparams;
        bool used = true;
        if (!constant) {
            NNC_TRY(capture_is_used(&used, subs, k, n));
        }
        if (used && !constant) {
            continue;
        }
        drop_capture(subs, k, n, constant ? v : NULL);
        NNC_TRY(drop_node_input(graph, id, i, --n));
        ++*changed;
    }
    return NNC_OK;
}

/* ---- If with a constant condition ---- */

/* The value of `graph` that stands for value v of the branch, made when it is asked for first. */
static nnc_status inline_value(nnc_value_id *out, nnc_graph *graph, const nnc_graph *sub, nnc_value_id v,
                               nnc_value_id *map)
{
    const nnc_value *value = nnc_graph_value_const(sub, v);
    if (map[v] == NNC_ID_NONE && value->kind == NNC_VALUE_CONST) {
        NNC_TRY(nnc_graph_add_const(&map[v], graph, value->name, &value->tensor));
    } else if (map[v] == NNC_ID_NONE) {
        NNC_TRY(nnc_graph_add_value(&map[v], graph, value->name, NNC_VALUE_TEMP, value->dtype, NULL));
    }
    *out = map[v];
    return NNC_OK;
}

static nnc_status inline_node(nnc_graph *graph, const nnc_graph *sub, const nnc_node *node, nnc_value_id *map)
{
    const uint32_t count = node->input_count + node->output_count;
    nnc_value_id *ids = nnc_calloc((size_t)count + 1, sizeof *ids);
    nnc_status status = ids ? NNC_OK : NNC_ERR_LIMIT;
    for (uint32_t i = 0; i < count && status == NNC_OK; i++) {
        const nnc_value_id v = i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
        ids[i] = NNC_ID_NONE;
        status = v != NNC_ID_NONE ? inline_value(&ids[i], graph, sub, v, map) : NNC_OK;
    }
    nnc_node_id copy = NNC_ID_NONE;
    if (status == NNC_OK) {
        status = nnc_graph_add_node(&copy, graph, node->name, node->domain, node->op_type, ids, node->input_count,
                                    ids + node->input_count, node->output_count);
    }
    for (uint32_t a = 0; a < node->attr_count && status == NNC_OK; a++) {
        status = nnc_node_set_attr(graph, copy, &node->attrs[a]);
    }
    nnc_free(ids);
    return status == NNC_OK ? nnc_node_bind(graph, copy) : status;
}

static nnc_status inline_branch(nnc_graph *graph, nnc_node_id id, const nnc_graph *sub, nnc_value_id *map)
{
    nnc_node_id *order;
    size_t count;
    const uint32_t first = nnc_graph_node_const(graph, id)->input_count - (uint32_t)nnc_graph_input_count(sub);
    for (size_t i = 0; i < nnc_graph_input_count(sub); i++) {
        map[nnc_graph_input(sub, i)] = nnc_graph_node_const(graph, id)->inputs[first + i];
    }
    NNC_TRY(nnc_graph_topo_order(&order, &count, sub));
    nnc_status status = NNC_OK;
    for (size_t k = 0; k < count && status == NNC_OK; k++) {
        status = inline_node(graph, sub, nnc_graph_node_const(sub, order[k]), map);
    }
    nnc_free(order);
    for (uint32_t i = 0; status == NNC_OK && i < nnc_graph_node_const(graph, id)->output_count; i++) {
        const nnc_value_id y = nnc_graph_node_const(graph, id)->outputs[i];
        nnc_value_id from;
        status = inline_value(&from, graph, sub, nnc_graph_output(sub, i), map);
        if (status == NNC_OK && y != NNC_ID_NONE) {
            status = nnc_graph_replace_uses(graph, y, from);
        }
    }
    return status;
}

static nnc_status inline_if(nnc_graph *graph, nnc_node_id id, size_t *changed)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *cond = nnc_pass_input(graph, node, 0);
    if (!nnc_node_is(node, "If") || !nnc_pass_is_plain_const(cond) || nnc_tensor_count(&cond->tensor) != 1) {
        return NNC_OK;
    }
    const bool yes = nnc_tensor_get_int(&cond->tensor, 0) != 0;
    const nnc_graph *sub = nnc_node_attr(node, yes ? "then_branch" : "else_branch")->graphs[0];
    nnc_value_id *map = nnc_pass_replacements(sub);
    nnc_status status = map ? inline_branch(graph, id, sub, map) : NNC_ERR_LIMIT;
    nnc_free(map);
    NNC_TRY(status);
    nnc_graph_remove_node(graph, id);
    ++*changed;
    return NNC_OK;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    *changed = 0;
    const uint32_t count = nnc_graph_node_count(graph);
    for (nnc_node_id id = 0; id < count; id++) {
        subgraphs subs;
        if (nnc_graph_node_const(graph, id)->dead || !find_subgraphs(&subs, nnc_graph_node_const(graph, id))) {
            continue;
        }
        NNC_TRY(settle_captures(graph, id, &subs, changed));
        for (size_t g = 0; g < subs.count; g++) {
            size_t edits = 0;
            NNC_TRY(nnc_passes_clean(subs.graph[g], ctx, &edits));
            *changed += edits;
        }
        NNC_TRY(inline_if(graph, id, changed));
    }
    return NNC_OK;
}

const nnc_pass nnc_pass_subgraphs = {
    .name = "subgraphs",
    .help = "passes within the branches of If and the bodies of Loop and Scan; branches that are always taken",
    .run = run,
};
