/* Graphs to bytes and back. SPDX-License-Identifier: Apache-2.0 */
#include "graph/archive.h"

#include <string.h>

#include "graph/graph_internal.h"

#define DEPTH_MAX 32

static nnc_status graph_io(nnc_graph **graph, nnc_archive *a, unsigned depth);

static nnc_status fail_content(const char *what)
{
    NNC_FAIL(NNC_ERR_DATA, "holds an impossible %s", what);
}

static void shape_io(nnc_shape *shape, nnc_archive *a)
{
    NNC_ARCHIVE(a, shape->rank);
    a->failed = a->failed || shape->rank > NNC_RANK_MAX;
    for (uint32_t i = 0; i < shape->rank && !a->failed; i++) {
        NNC_ARCHIVE(a, shape->dims[i]);
    }
}

static nnc_status tensor_io(nnc_tensor *tensor, nnc_archive *a)
{
    bool present = tensor->buffer != NULL;
    int32_t dtype = (int32_t)tensor->dtype;
    nnc_shape shape = tensor->shape;
    nnc_archive_bool(a, &present);
    if (!present) {
        return nnc_archive_status(a);
    }
    NNC_ARCHIVE(a, dtype);
    shape_io(&shape, a);
    size_t bytes = nnc_archive_count(a, a->out ? nnc_tensor_bytes(tensor) : 0, 1);
    NNC_TRY(nnc_archive_status(a));
    if (a->out) {
        nnc_archive_bytes(a, nnc_tensor_data(tensor), bytes);
        return nnc_archive_status(a);
    }
    size_t count, want; /* before memory is taken for what a damaged shape says */
    if (nnc_dtype_bits((nnc_dtype)dtype) == 0 || !nnc_shape_count(&count, &shape) ||
        !nnc_dtype_bytes(&want, (nnc_dtype)dtype, count) || want != bytes) {
        return fail_content("tensor");
    }
    NNC_TRY(nnc_tensor_create(tensor, (nnc_dtype)dtype, &shape));
    nnc_archive_bytes(a, nnc_tensor_data(tensor), bytes);
    return nnc_archive_status(a);
}

static nnc_status qparams_io(nnc_qparams **q, nnc_archive *a)
{
    bool present = *q != NULL;
    nnc_qparams p = present ? **q : (nnc_qparams){0};
    const void *scale = p.scale, *zero = p.zero_point;
    int32_t dtype = (int32_t)p.dtype;
    nnc_archive_bool(a, &present);
    if (!present) {
        return nnc_archive_status(a);
    }
    NNC_ARCHIVE(a, dtype);
    NNC_ARCHIVE(a, p.qmin);
    NNC_ARCHIVE(a, p.qmax);
    NNC_ARCHIVE(a, p.axis);
    NNC_ARCHIVE(a, p.group);
    size_t n = nnc_archive_count(a, p.count, 8);
    nnc_archive_array(a, &scale, n, sizeof(float));
    nnc_archive_array(a, &zero, n, sizeof(int32_t));
    NNC_TRY(nnc_archive_status(a));
    if (!a->out) {
        NNC_TRY(nnc_qparams_create(q, (nnc_dtype)dtype, p.axis, n, scale, zero));
        (*q)->qmin = p.qmin;
        (*q)->qmax = p.qmax;
        (*q)->group = p.group;
    }
    return NNC_OK;
}

static void texts_io(const char *const **texts, size_t n, nnc_archive *a)
{
    const char **items = a->out ? (const char **)(uintptr_t)*texts : nnc_arena_alloc(a->arena, n + 1, sizeof(*items));
    a->failed = a->failed || !items;
    for (size_t i = 0; i < n && !a->failed; i++) {
        nnc_archive_text(a, &items[i]);
        a->failed = a->failed || !items[i];
    }
    *texts = items;
}

static void meta_io(nnc_graph_meta *meta, nnc_archive *a)
{
    const void *versions = meta->import_versions;
    nnc_archive_text(a, &meta->name);
    nnc_archive_text(a, &meta->doc);
    nnc_archive_text(a, &meta->producer_name);
    nnc_archive_text(a, &meta->producer_version);
    nnc_archive_text(a, &meta->domain);
    NNC_ARCHIVE(a, meta->ir_version);
    NNC_ARCHIVE(a, meta->model_version);
    NNC_ARCHIVE(a, meta->opset);
    meta->prop_count = nnc_archive_count(a, meta->prop_count, 2);
    texts_io(&meta->prop_keys, meta->prop_count, a);
    texts_io(&meta->prop_values, meta->prop_count, a);
    meta->import_count = nnc_archive_count(a, meta->import_count, 9);
    texts_io(&meta->import_domains, meta->import_count, a);
    nnc_archive_array(a, &versions, meta->import_count, sizeof(int64_t));
    meta->import_versions = versions;
}

static nnc_status symbols_io(nnc_graph *graph, nnc_archive *a)
{
    size_t n = nnc_archive_count(a, graph->symbol_count, 1);
    for (size_t i = 0; i < n; i++) {
        const char *name = a->out ? graph->symbols[i] : NULL;
        int64_t dim;
        nnc_archive_text(a, &name);
        NNC_TRY(nnc_archive_status(a));
        if (!a->out) {
            NNC_TRY(nnc_graph_symbol(&dim, graph, name && *name ? name : NULL));
        }
    }
    return nnc_archive_status(a);
}

/* The value with its name as it is, registered or not: renamed and dead values keep theirs. */
static nnc_status value_io(nnc_graph *graph, size_t i, nnc_archive *a)
{
    nnc_value v = a->out ? graph->values[i] : (nnc_value){0};
    uint32_t id = NNC_ID_NONE;
    bool named = a->out && !v.dead && nnc_map_get(graph->names, v.name, &id) && id == i;
    int32_t kind = (int32_t)v.kind, dtype = (int32_t)v.dtype;
    nnc_archive_text(a, &v.name);
    nnc_archive_bool(a, &named);
    NNC_ARCHIVE(a, kind);
    NNC_ARCHIVE(a, dtype);
    nnc_archive_bool(a, &v.has_shape);
    shape_io(&v.shape, a);
    NNC_ARCHIVE(a, v.producer);
    nnc_archive_bool(a, &v.dead);
    NNC_TRY(nnc_archive_status(a));
    if (a->out) {
        NNC_TRY(tensor_io(&graph->values[i].tensor, a));
        return qparams_io(&graph->values[i].qparams, a);
    }
    if (!v.name || kind < NNC_VALUE_INPUT || kind > NNC_VALUE_TEMP) {
        return fail_content("value");
    }
    NNC_TRY(nnc_graph_add_value(&id, graph, v.name, (nnc_value_kind)kind, (nnc_dtype)dtype,
                                v.has_shape ? &v.shape : NULL));
    nnc_value *value = &graph->values[id];
    value->producer = v.producer;
    value->dead = v.dead;
    NNC_TRY(tensor_io(&value->tensor, a));
    NNC_TRY(qparams_io(&value->qparams, a));
    if (strcmp(value->name, v.name) != 0) {
        value->name = nnc_arena_strdup(graph->arena, v.name);
        NNC_TRY(value->name ? NNC_OK : NNC_ERR_LIMIT);
    }
    return named ? nnc_map_put(graph->names, v.name, id, NULL) : NNC_OK;
}

static nnc_status attr_io(nnc_attr *attr, nnc_archive *a, unsigned depth)
{
    int32_t type = (int32_t)attr->type;
    nnc_archive_text(a, &attr->name);
    NNC_ARCHIVE(a, type);
    NNC_ARCHIVE(a, attr->i);
    NNC_ARCHIVE(a, attr->f);
    attr->count = nnc_archive_count(a, attr->count, 1);
    attr->type = (nnc_attr_type)type;
    switch (attr->type) {
    case NNC_ATTR_INT:
    case NNC_ATTR_FLOAT:
        break;
    case NNC_ATTR_STRING:
        nnc_archive_array(a, (const void **)&attr->s, attr->count, 1);
        break;
    case NNC_ATTR_INTS:
        nnc_archive_array(a, (const void **)&attr->ints, attr->count, sizeof(*attr->ints));
        break;
    case NNC_ATTR_FLOATS:
        nnc_archive_array(a, (const void **)&attr->floats, attr->count, sizeof(*attr->floats));
        break;
    case NNC_ATTR_STRINGS:
        texts_io(&attr->strings, attr->count, a);
        break;
    case NNC_ATTR_TENSOR:
        return tensor_io(&attr->tensor, a);
    case NNC_ATTR_GRAPH:
    case NNC_ATTR_GRAPHS:
        if (!a->out) {
            attr->graphs = nnc_arena_alloc(a->arena, attr->count + 1, sizeof(*attr->graphs));
            NNC_TRY(attr->graphs ? NNC_OK : NNC_ERR_LIMIT);
        }
        for (size_t i = 0; i < (type == NNC_ATTR_GRAPH ? 1 : attr->count); i++) {
            NNC_TRY(graph_io(&attr->graphs[i], a, depth + 1));
        }
        break;
    default:
        return fail_content("attribute");
    }
    NNC_TRY(nnc_archive_status(a));
    return attr->name ? NNC_OK : fail_content("attribute");
}

/* What reading made of an attribute; the graph has its own copy. */
static void attr_drop(nnc_attr *attr)
{
    nnc_tensor_deinit(&attr->tensor);
    bool graphs = attr->graphs && (attr->type == NNC_ATTR_GRAPH || attr->type == NNC_ATTR_GRAPHS);
    for (size_t i = 0; graphs && i < (attr->type == NNC_ATTR_GRAPH ? 1 : attr->count); i++) {
        nnc_graph_destroy(attr->graphs[i]);
    }
}

static nnc_status attrs_io(nnc_graph *graph, size_t node, nnc_archive *a, unsigned depth)
{
    size_t n = nnc_archive_count(a, a->out ? graph->nodes[node].attr_count : 0, 10);
    for (size_t i = 0; i < n; i++) {
        if (a->out) {
            NNC_TRY(attr_io(&graph->nodes[node].attrs[i], a, depth));
            continue;
        }
        nnc_attr attr = {0};
        nnc_status status = attr_io(&attr, a, depth);
        status = status == NNC_OK ? nnc_node_set_attr(graph, (nnc_node_id)node, &attr) : status;
        attr_drop(&attr);
        NNC_TRY(status);
    }
    return nnc_archive_status(a);
}

static bool ids_fit(const nnc_graph *graph, const nnc_value_id *ids, size_t n, bool may_miss)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] >= graph->value_count && !(may_miss && ids[i] == NNC_ID_NONE)) {
            return false;
        }
    }
    return true;
}

static nnc_status node_io(nnc_graph *graph, size_t i, nnc_archive *a, unsigned depth)
{
    nnc_node n = a->out ? graph->nodes[i] : (nnc_node){0};
    const void *inputs = n.inputs, *outputs = n.outputs;
    nnc_archive_text(a, &n.name);
    nnc_archive_text(a, &n.domain);
    nnc_archive_text(a, &n.op_type);
    nnc_archive_bool(a, &n.dead);
    n.input_count = (uint32_t)nnc_archive_count(a, n.input_count, 4);
    nnc_archive_array(a, &inputs, n.input_count, sizeof(nnc_value_id));
    n.output_count = (uint32_t)nnc_archive_count(a, n.output_count, 4);
    nnc_archive_array(a, &outputs, n.output_count, sizeof(nnc_value_id));
    NNC_TRY(nnc_archive_status(a));
    if (!a->out) {
        nnc_node_id id;
        if (!n.name || !n.domain || !n.op_type || !ids_fit(graph, inputs, n.input_count, true) ||
            !ids_fit(graph, outputs, n.output_count, true)) {
            return fail_content("node");
        }
        NNC_TRY(nnc_graph_add_node(&id, graph, n.name, n.domain, n.op_type, inputs, n.input_count, NULL, 0));
        nnc_node *node = &graph->nodes[id];
        node->dead = n.dead;
        node->outputs = nnc_arena_alloc(graph->arena, n.output_count, sizeof(*node->outputs));
        NNC_TRY(node->outputs ? NNC_OK : NNC_ERR_LIMIT);
        memcpy(node->outputs, outputs, n.output_count * sizeof(*node->outputs));
        node->output_count = n.output_count;
    }
    return attrs_io(graph, i, a, depth);
}

static nnc_status signature_io(nnc_graph *graph, nnc_archive *a)
{
    size_t n = nnc_archive_count(a, graph->input_count, 4);
    for (size_t i = 0; i < n; i++) {
        nnc_value_id id = a->out ? graph->inputs[i] : 0;
        NNC_ARCHIVE(a, id);
        NNC_TRY(nnc_archive_status(a));
        if (!a->out) {
            NNC_TRY(ids_fit(graph, &id, 1, false) ? nnc_graph_add_input(graph, id) : fail_content("input"));
        }
    }
    n = nnc_archive_count(a, graph->output_count, 4);
    for (size_t i = 0; i < n; i++) {
        nnc_value_id id = a->out ? graph->outputs[i] : 0;
        const char *name = a->out ? graph->output_names[i] : NULL;
        NNC_ARCHIVE(a, id);
        nnc_archive_text(a, &name);
        NNC_TRY(nnc_archive_status(a));
        if (!a->out) {
            NNC_TRY(name && ids_fit(graph, &id, 1, false) ? nnc_graph_add_output(graph, id, name) : fail_content("output"));
        }
    }
    return nnc_archive_status(a);
}

static nnc_status content_io(nnc_graph *graph, nnc_archive *a, unsigned depth)
{
    nnc_graph_meta meta = graph->meta;
    meta_io(&meta, a);
    NNC_TRY(nnc_archive_status(a));
    graph->meta = meta;
    NNC_TRY(symbols_io(graph, a));
    size_t n = nnc_archive_count(a, graph->value_count, 8);
    for (size_t i = 0; i < n; i++) {
        NNC_TRY(value_io(graph, i, a));
    }
    n = nnc_archive_count(a, graph->node_count, 8);
    for (size_t i = 0; i < n; i++) {
        NNC_TRY(node_io(graph, i, a, depth));
    }
    return signature_io(graph, a);
}

static nnc_status graph_io(nnc_graph **graph, nnc_archive *a, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        return fail_content("nesting of graphs");
    }
    if (a->out) {
        return content_io(*graph, a, depth);
    }
    NNC_TRY(nnc_graph_create(graph));
    /* Texts are read into the new graph's own arena. */
    nnc_archive inner = *a;
    inner.arena = (*graph)->arena;
    nnc_status status = content_io(*graph, &inner, depth);
    a->at = inner.at;
    a->failed = inner.failed;
    if (status != NNC_OK) {
        nnc_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

nnc_status nnc_graph_archive(nnc_graph **graph, nnc_archive *a)
{
    return graph_io(graph, a, 0);
}
