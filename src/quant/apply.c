/* Writes a quantization into the graph. SPDX-License-Identifier: Apache-2.0 */

#include "quant/internal.h"

static nnc_status annotate(nnc_graph *graph, const nnc_scheme *scheme, const nnc_choice *choice,
                           const nnc_target *target)
{
    for (nnc_value_id v = 0; v < scheme->value_count; v++) {
        if (!scheme->grid[v] || (scheme->tail[v] && !choice->tails)) {
            continue;
        }
        const nnc_range *range = &choice->range[scheme->group[v]];
        nnc_qparams *q;
        NNC_TRY(nnc_qparams_from_range(&q, range->lo, range->hi, target->activation,
                                       target->activation_symmetric));
        nnc_value_set_qparams(nnc_graph_value(graph, v), q);
    }
    return NNC_OK;
}

/* Makes input i of the node a constant that nobody else reads. */
static nnc_status own_const(nnc_graph *graph, const nnc_uses *uses, nnc_node_id id, uint32_t i)
{
    nnc_value_id v = nnc_graph_node_const(graph, id)->inputs[i];
    if (nnc_uses_count(uses, v) <= 1 && !nnc_graph_is_output(graph, v)) {
        return NNC_OK;
    }
    const nnc_value *value = nnc_graph_value_const(graph, v);
    nnc_tensor tensor = value->tensor;
    nnc_value_id copy;
    NNC_TRY(nnc_graph_add_const(&copy, graph, value->name, &tensor));
    nnc_graph_node(graph, id)->inputs[i] = copy;
    return NNC_OK;
}

static nnc_status set_weight(nnc_graph *graph, nnc_node_id id, const nnc_choice *choice, bool per_channel)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_qparams *qx = nnc_graph_value_const(graph, node->inputs[0])->qparams;
    nnc_weight_options options = {choice->weight, choice->weight_max, per_channel};
    nnc_tensor q = {0};
    nnc_qparams *params;
    NNC_TRY(nnc_weight_quantize(&q, &params, graph, id, qx, &options));
    nnc_value *w = nnc_graph_value(graph, node->inputs[1]);
    nnc_value_set_tensor(w, &q);
    nnc_value_set_qparams(w, params);
    return NNC_OK;
}

/* A constant operand gets a grid of its own range and stores integers. */
static nnc_status set_operand(nnc_graph *graph, nnc_value_id v, const nnc_target *target)
{
    nnc_value *value = nnc_graph_value(graph, v);
    const float *x = nnc_tensor_data(&value->tensor);
    float lo = 0, hi = 0;
    for (size_t i = 0; i < nnc_tensor_count(&value->tensor); i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    nnc_qparams *q;
    nnc_tensor integers = {0};
    NNC_TRY(nnc_qparams_from_range(&q, lo, hi, target->activation, target->activation_symmetric));
    nnc_status status = nnc_quantize_tensor(&integers, &value->tensor, q);
    if (status != NNC_OK) {
        nnc_qparams_destroy(q);
        return status;
    }
    nnc_value_set_tensor(value, &integers);
    nnc_value_set_qparams(value, q);
    return NNC_OK;
}

static nnc_status apply_node(nnc_graph *graph, const nnc_uses *uses, const nnc_scheme *scheme, nnc_node_id id,
                             const nnc_choice *choice, const nnc_quant_options *options)
{
    if (scheme->role[id] == NNC_ROLE_PRODUCT) {
        NNC_TRY(own_const(graph, uses, id, 1));
        return set_weight(graph, id, choice, options->per_channel);
    }
    if (scheme->role[id] != NNC_ROLE_ELEMENTWISE && scheme->role[id] != NNC_ROLE_CONCAT) {
        return NNC_OK;
    }
    for (uint32_t i = 0; i < nnc_graph_node_const(graph, id)->input_count; i++) {
        nnc_value_id v = nnc_graph_node_const(graph, id)->inputs[i];
        if (nnc_graph_value_const(graph, v)->kind == NNC_VALUE_CONST) {
            NNC_TRY(own_const(graph, uses, id, i));
            NNC_TRY(set_operand(graph, nnc_graph_node_const(graph, id)->inputs[i], options->target));
        }
    }
    return NNC_OK;
}

nnc_status nnc_scheme_apply(nnc_graph *graph, const nnc_scheme *scheme, const nnc_choice *choice,
                            const nnc_quant_options *options)
{
    NNC_TRY(annotate(graph, scheme, choice, options->target));
    nnc_uses uses;
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_status status = NNC_OK;
    for (nnc_node_id id = 0; id < scheme->node_count && status == NNC_OK; id++) {
        status = apply_node(graph, &uses, scheme, id, choice, options);
    }
    nnc_uses_deinit(&uses);
    return status;
}
