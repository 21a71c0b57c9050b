/* Graph -> GraphProto. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"
#include "onnx/writer.h"

static char *text(const char *s)
{
    return s && s[0] ? (char *)(uintptr_t)s : NULL; /* protobuf-c never writes through it */
}

static nnc_status set_text(Onnx__AttributeProto *a, nnc_onnx_writer *w, const nnc_attr *attr)
{
    if (attr->type == NNC_ATTR_STRING) {
        a->type = 3;
        a->has_s = 1;
        a->s.data = (uint8_t *)(uintptr_t)attr->s;
        a->s.len = attr->count;
        return NNC_OK;
    }
    a->type = 8;
    a->strings = nnc_arena_alloc(w->arena, attr->count, sizeof *a->strings);
    if (!a->strings) {
        return NNC_ERR_LIMIT;
    }
    a->n_strings = attr->count;
    for (size_t i = 0; i < attr->count; i++) {
        a->strings[i].data = (uint8_t *)(uintptr_t)attr->strings[i];
        a->strings[i].len = strlen(attr->strings[i]);
    }
    return NNC_OK;
}

static nnc_status set_graphs(Onnx__AttributeProto *a, nnc_onnx_writer *w, const nnc_attr *attr,
                             const nnc_onnx_scope *scope, const char *const *names, size_t captures)
{
    if (attr->type == NNC_ATTR_GRAPH) {
        a->type = 5;
        return nnc_onnx_graph_out(&a->g, w, attr->graphs[0], scope, names, captures);
    }
    a->type = 10;
    a->graphs = nnc_arena_alloc(w->arena, attr->count, sizeof *a->graphs);
    if (!a->graphs) {
        return NNC_ERR_LIMIT;
    }
    a->n_graphs = attr->count;
    for (size_t i = 0; i < attr->count; i++) {
        NNC_TRY(nnc_onnx_graph_out(&a->graphs[i], w, attr->graphs[i], scope, names, captures));
    }
    return NNC_OK;
}

static nnc_status attr_out(Onnx__AttributeProto **out, nnc_onnx_writer *w, const nnc_attr *attr,
                           const nnc_onnx_scope *scope, const char *const *names, size_t captures)
{
    Onnx__AttributeProto *a = nnc_arena_alloc(w->arena, 1, sizeof *a);
    if (!a) {
        return NNC_ERR_LIMIT;
    }
    onnx__attribute_proto__init(a);
    *out = a;
    a->name = text(attr->name);
    a->has_type = 1;
    switch (attr->type) {
    case NNC_ATTR_INT:
        a->type = 2;
        a->has_i = 1;
        a->i = attr->i;
        return NNC_OK;
    case NNC_ATTR_FLOAT:
        a->type = 1;
        a->has_f = 1;
        a->f = attr->f;
        return NNC_OK;
    case NNC_ATTR_STRING:
    case NNC_ATTR_STRINGS:
        return set_text(a, w, attr);
    case NNC_ATTR_TENSOR:
        a->type = 4;
        return nnc_onnx_tensor_out(&a->t, w, NULL, &attr->tensor);
    case NNC_ATTR_INTS:
        a->type = 7;
        a->ints = (int64_t *)(uintptr_t)attr->ints;
        a->n_ints = attr->count;
        return NNC_OK;
    case NNC_ATTR_FLOATS:
        a->type = 6;
        a->floats = (float *)(uintptr_t)attr->floats;
        a->n_floats = attr->count;
        return NNC_OK;
    case NNC_ATTR_GRAPH:
    case NNC_ATTR_GRAPHS:
        return set_graphs(a, w, attr, scope, names, captures);
    }
    NNC_FAIL(NNC_ERR_INTERNAL, "attribute '%s' has type %d", attr->name, (int)attr->type);
}

/* Names of a list of values without the omitted ones at its end. */
static nnc_status names_out(char ***out, size_t *count, nnc_onnx_writer *w,
                            const nnc_onnx_scope *scope, const nnc_value_id *ids, size_t n)
{
    while (n > 0 && ids[n - 1] == NNC_ID_NONE) {
        n--;
    }
    *out = nnc_arena_alloc(w->arena, n, sizeof **out);
    if (!*out) {
        return NNC_ERR_LIMIT;
    }
    *count = n;
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = ids[i] == NNC_ID_NONE ? (char *)"" : (char *)(uintptr_t)scope->names[ids[i]];
    }
    return NNC_OK;
}

static nnc_status node_out(Onnx__NodeProto **out, nnc_onnx_writer *w, const nnc_node *n,
                           const nnc_onnx_scope *scope)
{
    Onnx__NodeProto *p = nnc_arena_alloc(w->arena, 1, sizeof *p);
    char **captured;
    size_t captures, ignored;
    if (!p) {
        return NNC_ERR_LIMIT;
    }
    onnx__node_proto__init(p);
    *out = p;
    captures = (size_t)nnc_node_int(n, NNC_ONNX_CAPTURES, 0);
    if (captures > n->input_count) {
        NNC_FAIL(NNC_ERR_INTERNAL, "node '%s' has fewer inputs than captures", n->name);
    }
    NNC_TRY(
        names_out(&captured, &ignored, w, scope, n->inputs + n->input_count - captures, captures));
    NNC_TRY(names_out(&p->input, &p->n_input, w, scope, n->inputs, n->input_count - captures));
    NNC_TRY(names_out(&p->output, &p->n_output, w, scope, n->outputs, n->output_count));
    p->name = text(n->name);
    p->op_type = text(n->op_type);
    p->domain = text(n->domain);
    if (n->domain[0]) {
        NNC_TRY(nnc_map_put(w->domains, n->domain, 0, NULL));
    }
    p->attribute = nnc_arena_alloc(w->arena, n->attr_count, sizeof *p->attribute);
    if (!p->attribute) {
        return NNC_ERR_LIMIT;
    }
    for (uint32_t i = 0; i < n->attr_count; i++) {
        if (strcmp(n->attrs[i].name, NNC_ONNX_CAPTURES) != 0) {
            NNC_TRY(attr_out(&p->attribute[p->n_attribute++], w, &n->attrs[i], scope,
                             (const char *const *)captured, captures));
        }
    }
    return NNC_OK;
}

static nnc_status check_plain(const nnc_graph *graph, nnc_value_id v)
{
    const nnc_value *value = nnc_graph_value_const(graph, v);
    if (value->qparams) {
        NNC_FAIL(NNC_ERR_INTERNAL,
                 "value '%s' has a quantization annotation; write it out before saving",
                 value->name);
    }
    if (value->kind == NNC_VALUE_VARIABLE) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s' is a variable, which ONNX lacks", value->name);
    }
    return NNC_OK;
}

/* Constants that something reads. */
static nnc_status initializers_out(Onnx__GraphProto *g, nnc_onnx_writer *w, const nnc_graph *graph,
                                   const nnc_onnx_scope *scope)
{
    nnc_uses uses;
    uint32_t n = nnc_graph_value_count(graph);
    nnc_status status = NNC_OK;
    g->initializer = nnc_arena_alloc(w->arena, n, sizeof *g->initializer);
    if (!g->initializer) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_uses_init(&uses, graph));
    for (nnc_value_id v = 0; v < n && status == NNC_OK; v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        bool used = !value->dead && (nnc_uses_count(&uses, v) > 0 || nnc_graph_is_output(graph, v));
        if (!used) {
            continue;
        }
        status = check_plain(graph, v);
        if (status == NNC_OK && value->kind == NNC_VALUE_CONST) {
            status = nnc_onnx_tensor_out(&g->initializer[g->n_initializer++], w, scope->names[v],
                                         &value->tensor);
        }
    }
    nnc_uses_deinit(&uses);
    return status;
}

static nnc_status nodes_out(Onnx__GraphProto *g, nnc_onnx_writer *w, const nnc_graph *graph,
                            const nnc_onnx_scope *scope)
{
    nnc_node_id *order = NULL;
    size_t count;
    nnc_status status = nnc_graph_topo_order(&order, &count, graph);
    g->node = status == NNC_OK ? nnc_arena_alloc(w->arena, count, sizeof *g->node) : NULL;
    if (status == NNC_OK && !g->node) {
        status = NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < count && status == NNC_OK; i++) {
        const nnc_node *n = nnc_graph_node_const(graph, order[i]);
        char label[200];
        if (strcmp(n->domain, "nnc") == 0) {
            status = nnc_error_set(NNC_ERR_UNSUPPORTED, "%s has no ONNX form",
                                   nnc_node_label(label, sizeof label, graph, order[i]));
        } else {
            status = node_out(&g->node[g->n_node++], w, n, scope);
        }
    }
    nnc_free(order);
    return status;
}

static nnc_status signature_out(Onnx__GraphProto *g, nnc_onnx_writer *w, const nnc_graph *graph,
                                const nnc_onnx_scope *scope, size_t captures)
{
    size_t inputs = nnc_graph_input_count(graph) - captures,
           outputs = nnc_graph_output_count(graph);
    g->input = nnc_arena_alloc(w->arena, inputs, sizeof *g->input);
    g->output = nnc_arena_alloc(w->arena, outputs, sizeof *g->output);
    if (!g->input || !g->output) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < inputs; i++) {
        nnc_value_id v = nnc_graph_input(graph, i);
        NNC_TRY(nnc_onnx_type_out(&g->input[i], w, graph, nnc_graph_value_const(graph, v),
                                  scope->names[v]));
        g->n_input = i + 1;
    }
    for (size_t i = 0; i < outputs; i++) {
        nnc_value_id v = nnc_graph_output(graph, i);
        NNC_TRY(nnc_onnx_type_out(&g->output[i], w, graph, nnc_graph_value_const(graph, v),
                                  scope->names[v]));
        g->n_output = i + 1;
    }
    return NNC_OK;
}

nnc_status nnc_onnx_graph_out(Onnx__GraphProto **out, nnc_onnx_writer *w, nnc_graph *graph,
                              const nnc_onnx_scope *outer, const char *const *capture_names,
                              size_t captures)
{
    Onnx__GraphProto *g = nnc_arena_alloc(w->arena, 1, sizeof *g);
    const nnc_graph_meta *meta = nnc_graph_get_meta(graph);
    nnc_onnx_scope scope;
    if (!g) {
        return NNC_ERR_LIMIT;
    }
    onnx__graph_proto__init(g);
    *out = g;
    g->name = text(meta->name) ? text(meta->name) : (char *)"graph";
    nnc_status status = nnc_onnx_scope_init(&scope, w, graph, outer, capture_names, captures);
    if (status == NNC_OK) {
        status = signature_out(g, w, graph, &scope, captures);
    }
    if (status == NNC_OK) {
        status = initializers_out(g, w, graph, &scope);
    }
    if (status == NNC_OK) {
        status = nodes_out(g, w, graph, &scope);
    }
    nnc_onnx_scope_deinit(&scope);
    return status;
}
