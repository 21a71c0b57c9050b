/* Subgraphs as blocks of the plan. SPDX-License-Identifier: Apache-2.0 */
#include "plan/internal.h"

#include <math.h>

#include "ops/op_util.h"

/* A value of the block that stands for a scanned input as a whole, and the element that the body takes from it:
 * x[iteration] along the axis, or x[-1 - iteration]. */
static nnc_status scan_element(nnc_plan_state *state, nnc_value_id id, int64_t axis, uint32_t index,
                               uint32_t *whole)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    nnrt_builder *b = state->builder;
    nnrt_shape full = {.rank = value->shape.rank + 1}, one = {.rank = value->shape.rank};
    if (!value->has_shape || full.rank > NNRT_RANK_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s' is scanned and has an unknown or too large rank",
                 value->name);
    }
    for (uint32_t d = 0; d < full.rank; d++) {
        full.dims[d] = NNRT_DIM_UNKNOWN;
        one.dims[d] = NNRT_DIM_UNKNOWN;
    }
    const nnrt_dtype dtype = nnc_lower_dtype(value);
    *whole = nnrt_builder_value(b, NNRT_VALUE_INPUT, value->name, dtype, &full, 0, NULL);
    const uint32_t element = nnrt_builder_value(b, NNRT_VALUE_TEMP, value->name, dtype, &one, 0, NULL);
    const nnrt_axis_params params = {.axis = (int32_t)axis};
    const uint32_t in[2] = {*whole, index};
    nnrt_builder_node(b, NNRT_ROP_ID_GATHER, value->name, &params, sizeof(params), in, 2, &element, 1);
    state->slots[id][NNC_SLOT_LOGICAL] = element;
    return nnrt_builder_status(b);
}

/* -1 - iteration. */
static uint32_t from_the_end(nnrt_builder *b, uint32_t iteration)
{
    const nnrt_shape none = {.rank = 0};
    const int64_t minus = -1;
    const nnrt_binary_params params = {NNRT_BINARY_SUB, {-INFINITY, INFINITY}};
    const uint32_t in[2] = {nnrt_builder_const(b, "", NNRT_I64, &none, &minus, sizeof(minus)), iteration};
    const uint32_t out = nnrt_builder_value(b, NNRT_VALUE_TEMP, "", NNRT_I64, &none, 0, NULL);
    nnrt_builder_node(b, NNRT_ROP_ID_BINARY, "from the end", &params, sizeof(params), in, 2, &out, 1);
    return out;
}

/* Iteration, condition, states, scanned inputs, captures. */
static nnc_status scan_inputs(nnc_plan_state *state, const nnc_block_scan *scan)
{
    nnrt_builder *b = state->builder;
    const nnrt_shape none = {.rank = 0};
    const uint32_t iteration = nnrt_builder_value(b, NNRT_VALUE_INPUT, "iteration", NNRT_I64, &none, 0, NULL);
    const uint32_t cond = nnrt_builder_value(b, NNRT_VALUE_INPUT, "condition", NNRT_BOOL, &none, 0, NULL);
    uint32_t back = NNRT_NONE;
    nnrt_builder_input(b, iteration);
    nnrt_builder_input(b, cond);
    for (size_t i = 0; i < nnc_graph_input_count(state->graph); i++) {
        const nnc_value_id id = nnc_graph_input(state->graph, i);
        const size_t j = i - scan->states;
        uint32_t rv;
        if (i < scan->states || j >= scan->inputs) {
            NNC_TRY(nnc_form_declare(&rv, state, id, NNC_SLOT_LOGICAL));
        } else {
            if (scan->reverse[j] && back == NNRT_NONE) {
                back = from_the_end(b, iteration);
            }
            NNC_TRY(scan_element(state, id, scan->axes[j], scan->reverse[j] ? back : iteration, &rv));
        }
        nnrt_builder_input(b, rv);
    }
    return nnrt_builder_status(b);
}

static nnc_status plain_inputs(nnc_plan_state *state)
{
    for (size_t i = 0; i < nnc_graph_input_count(state->graph); i++) {
        uint32_t rv;
        NNC_TRY(nnc_form_declare(&rv, state, nnc_graph_input(state->graph, i), NNC_SLOT_LOGICAL));
        nnrt_builder_input(state->builder, rv);
    }
    return NNC_OK;
}

/* The results are copied out of the block, so any value may be one. */
static nnc_status block_outputs(nnc_plan_state *state, size_t outputs)
{
    for (size_t i = 0; i < outputs; i++) {
        uint32_t rv;
        NNC_TRY(nnc_form_get(&rv, state, nnc_graph_output(state->graph, i), NNC_SLOT_LOGICAL));
        nnrt_builder_output(state->builder, rv, NULL);
    }
    return nnrt_builder_status(state->builder);
}

static nnc_status fill(nnc_plan_state *state, size_t outputs, const nnc_block_scan *scan)
{
    NNC_TRY(scan ? scan_inputs(state, scan) : plain_inputs(state));
    NNC_TRY(nnc_plan_emit_nodes(state));
    return block_outputs(state, outputs);
}

nnc_status nnc_lower_block(uint32_t *block, nnc_lower_ctx *ctx, const nnc_graph *graph, size_t outputs,
                           const nnc_block_scan *scan)
{
    const nnc_plan_options options = {.unfused = ctx->state->options && ctx->state->options->unfused};
    nnc_plan_state state;
    nnc_status status = nnc_plan_state_init(&state, graph, &options, ctx->state->builder);
    if (status == NNC_OK) {
        const nnc_graph_meta *meta = nnc_graph_get_meta((nnc_graph *)(uintptr_t)graph);
        *block = nnrt_builder_block_begin(state.builder, meta->name);
        status = fill(&state, outputs, scan);
        nnrt_builder_block_end(state.builder);
    }
    nnc_plan_state_deinit(&state);
    char label[160];
    return status == NNC_OK ? NNC_OK
                            : nnc_error_prepend(status, "%s", nnc_node_label(label, sizeof(label), ctx->state->graph,
                                                                             ctx->node));
}
