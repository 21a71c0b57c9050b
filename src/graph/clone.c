/* Deep copy of a graph; tensors share their bytes. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "graph/graph_internal.h"

static nnc_status clone_string(const char **out, nnc_graph *to, const char *s)
{
    *out = s ? nnc_arena_strdup(to->arena, s) : NULL;
    return s && !*out ? NNC_ERR_LIMIT : NNC_OK;
}

static nnc_status clone_meta(nnc_graph *to, const nnc_graph_meta *from)
{
    nnc_graph_meta *meta = &to->meta;
    meta->ir_version = from->ir_version;
    meta->model_version = from->model_version;
    meta->opset = from->opset;
    NNC_TRY(clone_string(&meta->name, to, from->name));
    NNC_TRY(clone_string(&meta->doc, to, from->doc));
    NNC_TRY(clone_string(&meta->producer_name, to, from->producer_name));
    NNC_TRY(clone_string(&meta->producer_version, to, from->producer_version));
    NNC_TRY(clone_string(&meta->domain, to, from->domain));
    const char **keys = nnc_arena_alloc(to->arena, from->prop_count, sizeof *keys);
    const char **values = nnc_arena_alloc(to->arena, from->prop_count, sizeof *values);
    if (!keys || !values) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < from->prop_count; i++) {
        NNC_TRY(clone_string(&keys[i], to, from->prop_keys[i]));
        NNC_TRY(clone_string(&values[i], to, from->prop_values[i]));
    }
    meta->prop_keys = keys;
    meta->prop_values = values;
    meta->prop_count = from->prop_count;
    const char **domains = nnc_arena_alloc(to->arena, from->import_count, sizeof *domains);
    int64_t *versions = nnc_arena_alloc(to->arena, from->import_count, sizeof *versions);
    if (!domains || !versions) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < from->import_count; i++) {
        NNC_TRY(clone_string(&domains[i], to, from->import_domains[i]));
        versions[i] = from->import_versions[i];
    }
    meta->import_domains = domains;
    meta->import_versions = versions;
    meta->import_count = from->import_count;
    return NNC_OK;
}

static nnc_status clone_value(nnc_graph *to, const nnc_value *from)
{
    nnc_value_id id;
    NNC_TRY(nnc_graph_add_value(&id, to, from->name, from->kind, from->dtype,
                                from->has_shape ? &from->shape : NULL));
    nnc_value *value = &to->values[id];
    /* Renaming can leave a dead value with a name another one has now: keep the text whatever it
     * is. */
    NNC_TRY(clone_string(&value->name, to, from->name));
    value->dead = from->dead;
    if (from->tensor.buffer) {
        value->tensor = nnc_tensor_ref(&from->tensor);
    }
    return from->qparams ? nnc_qparams_copy(&value->qparams, from->qparams) : NNC_OK;
}

static nnc_status clone_node(nnc_graph *to, const nnc_node *from)
{
    nnc_node_id id;
    NNC_TRY(nnc_graph_add_node(&id, to, from->name, from->domain, from->op_type, from->inputs,
                               from->input_count, NULL, 0));
    nnc_node *node = &to->nodes[id];
    node->op = from->op;
    node->dead = from->dead;
    node->outputs = nnc_arena_alloc(to->arena, from->output_count, sizeof *node->outputs);
    if (!node->outputs) {
        return NNC_ERR_LIMIT;
    }
    if (from->output_count > 0) {
        memcpy(node->outputs, from->outputs, from->output_count * sizeof *node->outputs);
    }
    node->output_count = from->output_count;
    for (uint32_t i = 0; i < from->attr_count; i++) {
        NNC_TRY(nnc_node_set_attr(to, id, &from->attrs[i]));
    }
    return NNC_OK;
}

static nnc_status clone_into(nnc_graph *to, const nnc_graph *from)
{
    NNC_TRY(clone_meta(to, &from->meta));
    for (size_t i = 0; i < from->symbol_count; i++) {
        int64_t dim;
        NNC_TRY(nnc_graph_symbol(&dim, to, from->symbols[i]));
    }
    for (size_t i = 0; i < from->value_count; i++) {
        NNC_TRY(clone_value(to, &from->values[i]));
    }
    for (size_t i = 0; i < from->node_count; i++) {
        NNC_TRY(clone_node(to, &from->nodes[i]));
    }
    for (size_t i = 0; i < from->value_count; i++) {
        uint32_t id = NNC_ID_NONE;
        to->values[i].producer = from->values[i].producer;
        if (!from->values[i].dead && nnc_map_get(from->names, from->values[i].name, &id) &&
            id == i) {
            NNC_TRY(nnc_map_put(to->names, from->values[i].name, id, NULL));
        }
    }
    for (size_t i = 0; i < from->input_count; i++) {
        NNC_TRY(nnc_graph_add_input(to, from->inputs[i]));
    }
    for (size_t i = 0; i < from->output_count; i++) {
        NNC_TRY(nnc_graph_add_output(to, from->outputs[i], from->output_names[i]));
    }
    return NNC_OK;
}

nnc_status nnc_graph_clone(nnc_graph **out, const nnc_graph *graph)
{
    NNC_TRY(nnc_graph_create(out));
    nnc_status status = clone_into(*out, graph);
    if (status != NNC_OK) {
        nnc_graph_destroy(*out);
        *out = NULL;
    }
    return status;
}
