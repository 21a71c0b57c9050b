/* Life of a graph, its arrays and its signature. SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"

#include <assert.h>
#include <string.h>

#include "graph/graph_internal.h"

nnc_status nnc_graph_create(nnc_graph **out)
{
    *out = NULL;
    nnc_graph *graph = nnc_calloc(1, sizeof *graph);
    if (!graph) {
        return NNC_ERR_LIMIT;
    }
    graph->arena = nnc_arena_create(0);
    graph->names = nnc_map_create();
    graph->suffixes = nnc_map_create();
    graph->symbol_ids = nnc_map_create();
    if (!graph->arena || !graph->names || !graph->suffixes || !graph->symbol_ids) {
        nnc_graph_destroy(graph);
        return NNC_ERR_LIMIT;
    }
    graph->meta.name = graph->meta.doc = "";
    graph->meta.producer_name = graph->meta.producer_version = graph->meta.domain = "";
    *out = graph;
    return NNC_OK;
}

void nnc_graph_destroy(nnc_graph *graph)
{
    if (!graph) {
        return;
    }
    for (size_t i = 0; i < graph->value_count; i++) {
        nnc_tensor_deinit(&graph->values[i].tensor);
        nnc_qparams_destroy(graph->values[i].qparams);
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        for (uint32_t a = 0; a < graph->nodes[i].attr_count; a++) {
            nnc_attr_release(&graph->nodes[i].attrs[a]);
        }
    }
    nnc_map_destroy(graph->names);
    nnc_map_destroy(graph->suffixes);
    nnc_map_destroy(graph->symbol_ids);
    nnc_free(graph->values);
    nnc_free(graph->output_refs);
    nnc_free(graph->nodes);
    nnc_free(graph->inputs);
    nnc_free(graph->outputs);
    nnc_free(graph->output_names);
    nnc_free(graph->symbols);
    nnc_arena_destroy(graph->arena);
    nnc_free(graph);
}

nnc_arena *nnc_graph_arena(nnc_graph *graph)
{
    return graph->arena;
}

nnc_graph_meta *nnc_graph_get_meta(nnc_graph *graph)
{
    return &graph->meta;
}

uint32_t nnc_graph_value_count(const nnc_graph *graph)
{
    return (uint32_t)graph->value_count;
}

uint32_t nnc_graph_node_count(const nnc_graph *graph)
{
    return (uint32_t)graph->node_count;
}

nnc_value *nnc_graph_value(nnc_graph *graph, nnc_value_id id)
{
    assert(id < graph->value_count);
    return &graph->values[id];
}

const nnc_value *nnc_graph_value_const(const nnc_graph *graph, nnc_value_id id)
{
    assert(id < graph->value_count);
    return &graph->values[id];
}

nnc_node *nnc_graph_node(nnc_graph *graph, nnc_node_id id)
{
    assert(id < graph->node_count);
    return &graph->nodes[id];
}

const nnc_node *nnc_graph_node_const(const nnc_graph *graph, nnc_node_id id)
{
    assert(id < graph->node_count);
    return &graph->nodes[id];
}

size_t nnc_graph_input_count(const nnc_graph *graph)
{
    return graph->input_count;
}

size_t nnc_graph_output_count(const nnc_graph *graph)
{
    return graph->output_count;
}

nnc_value_id nnc_graph_input(const nnc_graph *graph, size_t i)
{
    assert(i < graph->input_count);
    return graph->inputs[i];
}

nnc_value_id nnc_graph_output(const nnc_graph *graph, size_t i)
{
    assert(i < graph->output_count);
    return graph->outputs[i];
}

const char *nnc_graph_output_name(const nnc_graph *graph, size_t i)
{
    assert(i < graph->output_count);
    return graph->output_names[i];
}

nnc_status nnc_graph_add_input(nnc_graph *graph, nnc_value_id value)
{
    assert(value < graph->value_count);
    NNC_TRY(
        nnc_grow(&graph->inputs, &graph->input_cap, graph->input_count + 1, sizeof *graph->inputs));
    graph->inputs[graph->input_count++] = value;
    return NNC_OK;
}

void nnc_graph_remove_input(nnc_graph *graph, size_t i)
{
    assert(i < graph->input_count);
    memmove(graph->inputs + i, graph->inputs + i + 1,
            (graph->input_count - i - 1) * sizeof *graph->inputs);
    graph->input_count--;
}

nnc_status nnc_graph_add_output(nnc_graph *graph, nnc_value_id value, const char *name)
{
    assert(value < graph->value_count);
    const char *copy = nnc_arena_strdup(graph->arena, name ? name : graph->values[value].name);
    if (!copy) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_grow(&graph->outputs, &graph->output_cap, graph->output_count + 1,
                     sizeof *graph->outputs));
    NNC_TRY(nnc_grow(&graph->output_names, &graph->output_name_cap, graph->output_count + 1,
                     sizeof *graph->output_names));
    graph->outputs[graph->output_count] = value;
    graph->output_names[graph->output_count++] = copy;
    graph->output_refs[value]++;
    return NNC_OK;
}

bool nnc_graph_is_output(const nnc_graph *graph, nnc_value_id value)
{
    return value < graph->value_count && graph->output_refs[value] > 0;
}

nnc_status nnc_graph_add_value(nnc_value_id *out, nnc_graph *graph, const char *name,
                               nnc_value_kind kind, nnc_dtype dtype, const nnc_shape *shape)
{
    *out = NNC_ID_NONE;
    size_t n = graph->value_count;
    if (n >= NNC_ID_NONE - 1) {
        NNC_FAIL(NNC_ERR_LIMIT, "graph has %zu values, at most %u fit", n, NNC_ID_NONE - 1);
    }
    NNC_TRY(nnc_grow(&graph->values, &graph->value_cap, n + 1, sizeof *graph->values));
    NNC_TRY(nnc_grow(&graph->output_refs, &graph->refs_cap, n + 1, sizeof *graph->output_refs));
    nnc_value *value = &graph->values[n];
    memset(value, 0, sizeof *value);
    NNC_TRY(nnc_graph_take_name(&value->name, graph, name, (nnc_value_id)n));
    value->kind = kind;
    value->dtype = dtype;
    value->producer = NNC_ID_NONE;
    if (shape) {
        value->has_shape = true;
        value->shape = *shape;
    }
    graph->output_refs[n] = 0;
    graph->value_count = n + 1;
    *out = (nnc_value_id)n;
    return NNC_OK;
}

nnc_status nnc_graph_add_const(nnc_value_id *out, nnc_graph *graph, const char *name,
                               const nnc_tensor *tensor)
{
    assert(tensor->buffer);
    NNC_TRY(nnc_graph_add_value(out, graph, name, NNC_VALUE_CONST, tensor->dtype, &tensor->shape));
    graph->values[*out].tensor = nnc_tensor_ref(tensor);
    return NNC_OK;
}

static nnc_status add_const_from(nnc_value_id *out, nnc_graph *graph, const char *name,
                                 nnc_dtype dtype, const nnc_shape *shape, const void *data)
{
    nnc_tensor tensor = {0};
    NNC_TRY(nnc_tensor_create_from(&tensor, dtype, shape, data));
    nnc_status status = nnc_graph_add_const(out, graph, name, &tensor);
    nnc_tensor_deinit(&tensor);
    return status;
}

nnc_status nnc_graph_add_const_i64(nnc_value_id *out, nnc_graph *graph, const char *name,
                                   const int64_t *data, size_t n, bool scalar)
{
    assert(!scalar || n == 1);
    nnc_shape shape = {.rank = scalar ? 0 : 1, .dims = {(int64_t)n}};
    return add_const_from(out, graph, name, NNC_DTYPE_INT64, &shape, data);
}

nnc_status nnc_graph_add_const_f32(nnc_value_id *out, nnc_graph *graph, const char *name,
                                   const float *data, const nnc_shape *shape)
{
    return add_const_from(out, graph, name, NNC_DTYPE_FLOAT, shape, data);
}

nnc_status nnc_graph_add_node(nnc_node_id *out, nnc_graph *graph, const char *name,
                              const char *domain, const char *op_type, const nnc_value_id *inputs,
                              uint32_t input_count, const nnc_value_id *outputs,
                              uint32_t output_count)
{
    *out = NNC_ID_NONE;
    size_t n = graph->node_count;
    if (n >= NNC_ID_NONE - 1) {
        NNC_FAIL(NNC_ERR_LIMIT, "graph has %zu nodes, at most %u fit", n, NNC_ID_NONE - 1);
    }
    for (uint32_t i = 0; i < output_count; i++) {
        const nnc_value *value = outputs[i] == NNC_ID_NONE ? NULL : &graph->values[outputs[i]];
        if (value && (value->kind != NNC_VALUE_TEMP || value->producer != NNC_ID_NONE)) {
            NNC_FAIL(NNC_ERR_MODEL, "%s '%s': output '%s' is produced twice", op_type,
                     name ? name : "", value->name);
        }
    }
    NNC_TRY(nnc_grow(&graph->nodes, &graph->node_cap, n + 1, sizeof *graph->nodes));
    nnc_node *node = &graph->nodes[n];
    memset(node, 0, sizeof *node);
    node->name = nnc_arena_strdup(graph->arena, name ? name : "");
    node->domain = nnc_arena_strdup(graph->arena, domain ? domain : "");
    node->op_type = nnc_arena_strdup(graph->arena, op_type);
    node->inputs = nnc_arena_alloc(graph->arena, input_count, sizeof *inputs);
    node->outputs = nnc_arena_alloc(graph->arena, output_count, sizeof *outputs);
    if (!node->name || !node->domain || !node->op_type || !node->inputs || !node->outputs) {
        return NNC_ERR_LIMIT;
    }
    for (uint32_t i = 0; i < input_count; i++) {
        assert(inputs[i] == NNC_ID_NONE || inputs[i] < graph->value_count);
        node->inputs[i] = inputs[i];
    }
    for (uint32_t i = 0; i < output_count; i++) {
        node->outputs[i] = outputs[i];
        if (outputs[i] != NNC_ID_NONE) {
            graph->values[outputs[i]].producer = (nnc_node_id)n;
        }
    }
    node->input_count = input_count;
    node->output_count = output_count;
    graph->node_count = n + 1;
    *out = (nnc_node_id)n;
    return NNC_OK;
}
