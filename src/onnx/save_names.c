/* Names of values in the file. SPDX-License-Identifier: Apache-2.0
 * Inputs and outputs keep theirs whatever happened between; other values give way. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/writer.h"

static bool is_used(const nnc_onnx_scope *scope, const char *name)
{
    uint32_t ignored;
    for (const nnc_onnx_scope *s = scope; s; s = s->outer) {
        if (nnc_map_get(s->used, name, &ignored)) {
            return true;
        }
    }
    return false;
}

static nnc_status take(nnc_onnx_scope *scope, nnc_value_id v, const char *name)
{
    scope->names[v] = name;
    return nnc_map_put(scope->used, name, v, NULL);
}

static nnc_status take_unique(nnc_onnx_scope *scope, nnc_onnx_writer *w, nnc_value_id v,
                              const char *base)
{
    const char *name = base;
    for (unsigned i = 2; is_used(scope, name); i++) {
        name = nnc_arena_printf(w->arena, "%s_%u", base, i);
        if (!name) {
            return NNC_ERR_LIMIT;
        }
    }
    return take(scope, v, name);
}

/* An output that cannot name its value (an input, or a value that is an output already) gets a node
 * of its own. */
static nnc_status separate_output(nnc_graph *graph, size_t i)
{
    nnc_value_id from = nnc_graph_output(graph, i), to;
    const nnc_value *value = nnc_graph_value_const(graph, from);
    nnc_shape shape = value->shape;
    nnc_node_id node;
    NNC_TRY(nnc_graph_add_value(&to, graph, NULL, NNC_VALUE_TEMP, value->dtype,
                                value->has_shape ? &shape : NULL));
    NNC_TRY(nnc_graph_add_node(&node, graph, "", "", "Identity", &from, 1, &to, 1));
    nnc_graph_set_output(graph, i, to);
    return NNC_OK;
}

/* True if output i is the first output of its value, or that value already has the output's name.
 */
static nnc_status prepare_outputs(nnc_graph *graph)
{
    size_t n = nnc_graph_output_count(graph);
    uint8_t *claimed = nnc_calloc((size_t)nnc_graph_value_count(graph) + n, 1);
    if (!claimed) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < n && status == NNC_OK; i++) {
        nnc_value_id v = nnc_graph_output(graph, i);
        const nnc_value *value = nnc_graph_value_const(graph, v);
        bool named = strcmp(value->name, nnc_graph_output_name(graph, i)) == 0;
        bool fixed = value->kind == NNC_VALUE_INPUT && !named;
        if (fixed || claimed[v]) {
            status = separate_output(graph, i);
            v = nnc_graph_output(graph, i);
        }
        claimed[v] = 1;
    }
    nnc_free(claimed);
    return status;
}

static nnc_status name_signature(nnc_onnx_scope *scope, nnc_onnx_writer *w, const nnc_graph *graph,
                                 const char *const *capture_names, size_t captures)
{
    size_t inputs = nnc_graph_input_count(graph) - captures;
    for (size_t i = 0; i < captures; i++) {
        /* In use outside by definition: not entered here. */
        scope->names[nnc_graph_input(graph, inputs + i)] = capture_names[i];
    }
    for (size_t i = 0; i < inputs; i++) {
        nnc_value_id v = nnc_graph_input(graph, i);
        const char *name = nnc_graph_value_const(graph, v)->name;
        NNC_TRY(scope->outer ? take_unique(scope, w, v, name) : take(scope, v, name));
    }
    for (size_t i = 0; i < nnc_graph_output_count(graph); i++) {
        nnc_value_id v = nnc_graph_output(graph, i);
        const char *name = nnc_graph_output_name(graph, i);
        if (scope->names[v]) {
            continue;
        }
        if (scope->outer) {
            NNC_TRY(take_unique(scope, w, v, name));
            continue;
        }
        if (is_used(scope, name)) {
            NNC_FAIL(NNC_ERR_INTERNAL, "output '%s' has the name of another input or output", name);
        }
        NNC_TRY(take(scope, v, name));
    }
    return NNC_OK;
}

nnc_status nnc_onnx_scope_init(nnc_onnx_scope *scope, nnc_onnx_writer *w, nnc_graph *graph,
                               const nnc_onnx_scope *outer, const char *const *capture_names,
                               size_t captures)
{
    *scope = (nnc_onnx_scope){.outer = outer};
    NNC_TRY(prepare_outputs(graph));
    uint32_t n = nnc_graph_value_count(graph);
    scope->names = nnc_arena_alloc(w->arena, n, sizeof *scope->names);
    scope->used = nnc_map_create();
    if (!scope->names || !scope->used) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(name_signature(scope, w, graph, capture_names, captures));
    for (nnc_value_id v = 0; v < n; v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        if (!value->dead && !scope->names[v]) {
            NNC_TRY(take_unique(scope, w, v, value->name));
        }
    }
    return NNC_OK;
}

void nnc_onnx_scope_deinit(nnc_onnx_scope *scope)
{
    if (scope->used) {
        nnc_map_destroy(scope->used);
    }
}
