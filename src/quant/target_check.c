/* What a target runs in integers of a graph. SPDX-License-Identifier: Apache-2.0 */
#include "quant/target_check.h"

#include <string.h>

#include "quant/target_conditions.h"

static bool is_float(const nnc_graph *graph, const nnc_value_id *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        nnc_dtype t = ids[i] == NNC_ID_NONE ? NNC_DTYPE_INT64 : nnc_graph_value_const(graph, ids[i])->dtype;
        if (t == NNC_DTYPE_FLOAT || t == NNC_DTYPE_UNDEFINED) {
            return true;
        }
    }
    return false;
}

/* Nodes that no rule is asked about: conversions, arithmetic on shapes, and clamps that belong to the node before them. */
static bool is_silent(const nnc_graph *graph, const nnc_uses *uses, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    if (strcmp(node->domain, "nnc") == 0 || nnc_node_is(node, "QuantizeLinear") || nnc_node_is(node, "DequantizeLinear") ||
        nnc_node_is(node, "Cast") || nnc_node_is(node, "Identity") || nnc_node_is(node, "Dropout")) {
        return true;
    }
    if (node->op && !is_float(graph, node->outputs, node->output_count)) {
        return true;
    }
    nnc_node_id maker = node->input_count && node->inputs[0] != NNC_ID_NONE
                            ? nnc_graph_value_const(graph, node->inputs[0])->producer
                            : NNC_ID_NONE;
    return maker != NNC_ID_NONE && nnc_clamp_of(graph, uses, nnc_graph_node_const(graph, maker)) == id;
}

static nnc_status add_finding(nnc_target_check *check, nnc_node_id id, const nnc_target_rule *rule)
{
    NNC_TRY(nnc_grow((void **)&check->finding, &check->finding_cap, check->finding_count + 1, sizeof(*check->finding)));
    check->finding[check->finding_count++] = (nnc_target_finding){id, rule};
    return NNC_OK;
}

/* Movement on one grid passes integers on; any other movement is not worth a word. */
static nnc_verdict move_verdict(const nnc_asked *a)
{
    const nnc_qparams *x = a->node->inputs[0] == NNC_ID_NONE ? NULL
                                                             : nnc_graph_value_const(a->graph, a->node->inputs[0])->qparams;
    const nnc_qparams *y = nnc_graph_value_const(a->graph, a->final)->qparams;
    return x && y && nnc_qparams_equal(x, y) ? NNC_VERDICT_MOVE : NNC_VERDICT_SILENT;
}

static nnc_verdict verdict_of(nnc_target_effect effect)
{
    switch (effect) {
    case NNC_EFFECT_FLOAT:
        return NNC_VERDICT_FLOAT;
    case NNC_EFFECT_REFUSED:
        return NNC_VERDICT_REFUSED;
    case NNC_EFFECT_UNKNOWN:
        return NNC_VERDICT_UNKNOWN;
    case NNC_EFFECT_RISK:
        break;
    }
    return NNC_VERDICT_SILENT;
}

static nnc_status check_node(nnc_target_check *check, const nnc_asked *asked)
{
    nnc_target_form form = nnc_target_form_of(check->target, asked->node->op_type);
    nnc_verdict verdict = NNC_VERDICT_SILENT;
    const nnc_target_rule *rule;
    for (size_t i = 0; (rule = nnc_target_rule_row(i)) != NULL; i++) {
        bool decides = rule->effect != NNC_EFFECT_RISK;
        bool open = verdict == NNC_VERDICT_SILENT;
        /* A float that is only moved breaks no rule about integers. */
        bool idle = form == NNC_FORM_MOVE && rule->effect == NNC_EFFECT_FLOAT && move_verdict(asked) == NNC_VERDICT_SILENT &&
                    rule->condition != NNC_CONDITION_INTERPOLATES;
        if ((open || !decides) && !idle && nnc_target_rule_applies(rule, check->target, asked->node->op_type) &&
            nnc_condition_holds(rule->condition, asked)) {
            verdict = decides ? verdict_of(rule->effect) : verdict;
            NNC_TRY(add_finding(check, asked->id, rule));
        }
    }
    if (verdict == NNC_VERDICT_SILENT && form != NNC_FORM_NONE) {
        verdict = form == NNC_FORM_MOVE ? move_verdict(asked) : NNC_VERDICT_INTEGER;
    }
    check->verdict[asked->id] = verdict;
    check->count[verdict]++;
    return NNC_OK;
}

static nnc_status check_graph(nnc_target_check *check, const nnc_graph *graph, const nnc_uses *uses, bool qoperator)
{
    for (nnc_node_id id = 0; id < check->node_count; id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (node->dead || node->output_count == 0 || node->outputs[0] == NNC_ID_NONE || is_silent(graph, uses, id)) {
            continue;
        }
        nnc_asked asked = {.graph = graph, .uses = uses, .target = check->target, .qoperator = qoperator, .id = id, .node = node};
        asked.clamp = nnc_clamp_of(graph, uses, node);
        asked.final = asked.clamp == NNC_ID_NONE ? node->outputs[0] : nnc_graph_node_const(graph, asked.clamp)->outputs[0];
        NNC_TRY(check_node(check, &asked));
    }
    return NNC_OK;
}

nnc_status nnc_target_check_run(nnc_target_check *out, const nnc_graph *graph, const nnc_target *target, bool qoperator)
{
    uint32_t n = nnc_graph_node_count(graph);
    *out = (nnc_target_check){.target = target, .node_count = n, .verdict = nnc_calloc(n + 1, sizeof(*out->verdict))};
    if (!out->verdict) {
        return NNC_ERR_LIMIT;
    }
    nnc_uses uses;
    nnc_status status = nnc_uses_init(&uses, graph);
    if (status == NNC_OK) {
        status = check_graph(out, graph, &uses, qoperator);
        nnc_uses_deinit(&uses);
    }
    if (status != NNC_OK) {
        nnc_target_check_deinit(out);
    }
    return status;
}

void nnc_target_check_deinit(nnc_target_check *check)
{
    nnc_free(check->verdict);
    nnc_free(check->finding);
    *check = (nnc_target_check){0};
}
