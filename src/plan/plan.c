/* Builds a plan: order, legality, fusion, then each unit's lowering in turn. SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "plan/internal.h"

/* Counts what this build cannot run by kind, subgraphs included: "Det", "com.example::Op". */
static nnc_status count_unsupported(nnc_map *counts, nnc_str *kinds, size_t *kind_count, const nnc_graph *graph)
{
    nnc_status status = NNC_OK;
    nnc_str key = {0};
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph) && status == NNC_OK; i++) {
        const nnc_node *node = nnc_graph_node_const(graph, i);
        for (uint32_t a = 0; !node->dead && a < node->attr_count && status == NNC_OK; a++) {
            for (size_t g = 0; node->attrs[a].graphs && g < node->attrs[a].count && status == NNC_OK; g++) {
                status = count_unsupported(counts, kinds, kind_count, node->attrs[a].graphs[g]);
            }
        }
        if (node->dead || (node->op && node->op->lower) || status != NNC_OK) {
            continue;
        }
        nnc_str_clear(&key);
        nnc_str_appendf(&key, "%s%s%s", node->domain, node->domain[0] ? "::" : "", node->op_type);
        uint32_t count = 0;
        if (!nnc_map_get(counts, nnc_str_get(&key), &count)) {
            nnc_str_appendf(kinds, "%s\n", nnc_str_get(&key));
            ++*kind_count;
        }
        status = nnc_map_put(counts, nnc_str_get(&key), count + 1, NULL);
    }
    nnc_str_deinit(&key);
    return status;
}

/* Lists every operator this build cannot run, with counts. */
static nnc_status check_supported(const nnc_graph *graph)
{
    nnc_str kinds = {0}, list = {0};
    size_t count = 0;
    nnc_map *counts = nnc_map_create();
    if (!counts) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = count_unsupported(counts, &kinds, &count, graph);
    for (char *at = (char *)(uintptr_t)nnc_str_get(&kinds), *end; status == NNC_OK && (end = strchr(at, '\n'));
         at = end + 1) {
        uint32_t n = 0;
        *end = '\0';
        nnc_map_get(counts, at, &n);
        nnc_str_appendf(&list, "%s%s x%u", at == nnc_str_get(&kinds) ? "" : ", ", at, n);
    }
    if (status == NNC_OK && count) {
        status = nnc_error_set(NNC_ERR_UNSUPPORTED, "%zu unsupported operator%s: %s", count,
                               count == 1 ? "" : "s", nnc_str_get(&list));
    }
    nnc_map_destroy(counts);
    nnc_str_deinit(&kinds);
    nnc_str_deinit(&list);
    return status;
}

void nnc_plan_state_deinit(nnc_plan_state *state)
{
    if (!state->inner) {
        nnrt_builder_destroy(state->builder);
    }
    nnc_uses_deinit(&state->uses);
    nnc_free(state->order);
    nnc_free(state->legal);
    nnc_free(state->units);
    nnc_free(state->anchor);
    nnc_free(state->slots);
    nnc_free(state->tapped);
}

nnc_status nnc_plan_state_init(nnc_plan_state *state, const nnc_graph *graph, const nnc_plan_options *options,
                               nnrt_builder *builder)
{
    uint32_t nodes = nnc_graph_node_count(graph), values = nnc_graph_value_count(graph);
    *state = (nnc_plan_state){.graph = graph, .options = options};
    state->inner = builder != NULL;
    state->builder = builder ? builder : nnrt_builder_create();
    state->units = nnc_calloc(nodes + 1, sizeof(*state->units));
    state->anchor = nnc_calloc(nodes + 1, sizeof(*state->anchor));
    state->slots = nnc_calloc(values + 1, sizeof(*state->slots));
    state->tapped = nnc_calloc(values + 1, sizeof(*state->tapped));
    if (!state->builder || !state->units || !state->anchor || !state->slots || !state->tapped) {
        return NNC_ERR_LIMIT;
    }
    memset(state->slots, 0xff, (values + 1) * sizeof(*state->slots));
    for (size_t i = 0; options && i < options->tap_count; i++) {
        state->tapped[options->taps[i]] = true;
    }
    NNC_TRY(nnc_uses_init(&state->uses, graph));
    NNC_TRY(nnc_graph_topo_order(&state->order, &state->order_count, graph));
    NNC_TRY(nnc_legalize(&state->legal, graph));
    return nnc_fuse(state);
}

/* A callback node behind every tap of this value, in whatever float form exists or is cheapest. */
static nnc_status emit_taps(nnc_plan_state *state, nnc_value_id id)
{
    const nnc_plan_options *options = state->options;
    if (id == NNC_ID_NONE || !state->tapped[id]) {
        return NNC_OK;
    }
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    const uint32_t *slots = state->slots[id];
    bool nhwc = slots[NNC_SLOT_NHWC] != NNRT_NONE || slots[NNC_SLOT_Q8_NHWC] != NNRT_NONE ||
                slots[NNC_SLOT_RAW_NHWC] != NNRT_NONE;
    uint32_t in;
    NNC_TRY(nnc_form_get(&in, state, id, nhwc ? NNC_SLOT_NHWC : NNC_SLOT_LOGICAL));
    for (size_t t = 0; t < options->tap_count; t++) {
        if (options->taps[t] == id) {
            nnrt_callback_params params = {.tag = (uint32_t)t};
            nnrt_builder_node(state->builder, NNRT_ROP_ID_CALLBACK, value->name, &params,
                              sizeof(params), &in, 1, NULL, 0);
        }
    }
    return NNC_OK;
}

static nnc_status emit_inputs(nnc_plan_state *state)
{
    for (size_t i = 0; i < nnc_graph_input_count(state->graph); i++) {
        uint32_t rv;
        nnc_value_id id = nnc_graph_input(state->graph, i);
        NNC_TRY(nnc_form_declare(&rv, state, id, NNC_SLOT_LOGICAL));
        nnrt_builder_input(state->builder, rv);
        NNC_TRY(emit_taps(state, id));
    }
    return NNC_OK;
}

static nnc_status lower_unit(nnc_plan_state *state, nnc_node_id anchor)
{
    const nnc_node *node = nnc_graph_node_const(state->graph, anchor);
    nnc_lower_ctx ctx = {.state = state, .node = anchor, .fusion = &state->units[anchor].fusion};
    nnc_status status = node->op->lower(&ctx);
    if (status != NNC_OK) {
        return status;
    }
    NNC_TRY(emit_taps(state, ctx.fusion->final));
    for (uint32_t i = 1; i < node->output_count; i++) {
        if (node->outputs[i] != NNC_ID_NONE && state->tapped[node->outputs[i]]) {
            NNC_TRY(emit_taps(state, node->outputs[i]));
        }
    }
    return NNC_OK;
}

nnc_status nnc_plan_emit_nodes(nnc_plan_state *state)
{
    for (size_t k = 0; k < state->order_count; k++) {
        nnc_node_id id = state->order[k];
        nnc_node_id anchor = state->anchor[id];
        if (state->units[anchor].last == id) {
            NNC_TRY(lower_unit(state, anchor));
        }
    }
    return NNC_OK;
}

/* An output that is an input, a constant or already given out gets bytes of its own. */
static nnc_status emit_outputs(nnc_plan_state *state)
{
    const nnc_graph *graph = state->graph;
    for (size_t i = 0; i < nnc_graph_output_count(graph); i++) {
        nnc_value_id id = nnc_graph_output(graph, i);
        const nnc_value *value = nnc_graph_value_const(graph, id);
        uint32_t rv;
        NNC_TRY(nnc_form_get(&rv, state, id, NNC_SLOT_LOGICAL));
        bool copy = value->kind != NNC_VALUE_TEMP && !value->qparams && value->has_shape;
        for (size_t j = 0; j < i; j++) {
            copy = copy || nnc_graph_output(graph, j) == id;
        }
        if (copy) {
            nnrt_transpose_params params = {.rank = value->has_shape ? value->shape.rank : 0};
            for (uint32_t d = 0; d < params.rank; d++) {
                params.perm[d] = d;
            }
            uint32_t in = rv;
            nnrt_shape unknown = {.rank = params.rank};
            for (uint32_t d = 0; d < params.rank; d++) {
                unknown.dims[d] = value->shape.dims[d] >= 0 ? value->shape.dims[d] : NNRT_DIM_UNKNOWN;
            }
            rv = nnrt_builder_value(state->builder, NNRT_VALUE_TEMP, value->name,
                                    (nnrt_dtype)value->dtype, &unknown, 0, NULL);
            nnrt_builder_node(state->builder, NNRT_ROP_ID_TRANSPOSE, value->name, &params,
                              sizeof(params), &in, 1, &rv, 1);
        }
        nnrt_builder_output(state->builder, rv, nnc_graph_output_name(graph, i));
    }
    return NNC_OK;
}

static nnc_status build(nnc_plan_state *state, void **image, size_t *bytes)
{
    NNC_TRY(emit_inputs(state));
    NNC_TRY(nnc_plan_emit_nodes(state));
    NNC_TRY(emit_outputs(state));
    const nnc_plan_options *options = state->options;
    for (size_t i = 0; options && i < options->metadata_count; i++) {
        nnrt_builder_metadata(state->builder, "PROV", options->keys[i], options->values[i]);
    }
    const nnc_graph_meta *meta = nnc_graph_get_meta((nnc_graph *)state->graph);
    for (size_t i = 0; meta && i < meta->prop_count; i++) {
        nnrt_builder_metadata(state->builder, "SIGN", meta->prop_keys[i], meta->prop_values[i]);
    }
    return nnrt_builder_finish(state->builder, image, bytes);
}

nnc_status nnc_plan_build(void **image, size_t *bytes, const nnc_graph *graph,
                          const nnc_plan_options *options)
{
    NNC_TRY(check_supported(graph));
    nnc_plan_state state;
    nnc_status status = nnc_plan_state_init(&state, graph, options, NULL);
    if (status == NNC_OK) {
        status = build(&state, image, bytes);
    }
    nnc_plan_state_deinit(&state);
    return status;
}
