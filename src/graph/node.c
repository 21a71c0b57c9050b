/* Attributes and inputs of nodes. SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "graph/graph_internal.h"

static nnc_status copy_bytes(const void **out, nnc_arena *arena, const void *data, size_t n,
                             size_t size)
{
    void *copy = nnc_arena_alloc(arena, n, size);
    if (!copy) {
        return NNC_ERR_LIMIT;
    }
    if (n > 0) {
        memcpy(copy, data, n * size);
    }
    *out = copy;
    return NNC_OK;
}

static nnc_status copy_strings(nnc_attr *out, nnc_arena *arena, const nnc_attr *attr)
{
    const char **strings = nnc_arena_alloc(arena, attr->count, sizeof *strings);
    if (!strings) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < attr->count; i++) {
        strings[i] = nnc_arena_strdup(arena, attr->strings[i]);
        if (!strings[i]) {
            return NNC_ERR_LIMIT;
        }
    }
    out->strings = strings;
    return NNC_OK;
}

static nnc_status copy_graphs(nnc_attr *out, nnc_arena *arena, const nnc_attr *attr)
{
    size_t n = attr->type == NNC_ATTR_GRAPH ? 1 : attr->count;
    out->graphs = nnc_arena_alloc(arena, n, sizeof *out->graphs);
    if (!out->graphs) {
        return NNC_ERR_LIMIT;
    }
    out->count = n;
    for (size_t i = 0; i < n; i++) {
        nnc_status status = nnc_graph_clone(&out->graphs[i], attr->graphs[i]);
        if (status != NNC_OK) {
            nnc_attr_release(out);
            return status;
        }
    }
    return NNC_OK;
}

nnc_status nnc_attr_copy(nnc_attr *out, nnc_graph *graph, const nnc_attr *attr)
{
    nnc_arena *arena = graph->arena;
    nnc_attr copy = {.type = attr->type, .count = attr->count, .i = attr->i, .f = attr->f};
    copy.name = nnc_arena_strdup(arena, attr->name);
    if (!copy.name) {
        return NNC_ERR_LIMIT;
    }
    switch (attr->type) {
    case NNC_ATTR_INT:
    case NNC_ATTR_FLOAT:
        break;
    case NNC_ATTR_STRING:
        copy.s = nnc_arena_strndup(arena, attr->s, attr->count);
        if (!copy.s) {
            return NNC_ERR_LIMIT;
        }
        break;
    case NNC_ATTR_TENSOR:
        copy.tensor = nnc_tensor_ref(&attr->tensor);
        break;
    case NNC_ATTR_INTS:
        NNC_TRY(copy_bytes((const void **)&copy.ints, arena, attr->ints, attr->count,
                           sizeof *attr->ints));
        break;
    case NNC_ATTR_FLOATS:
        NNC_TRY(copy_bytes((const void **)&copy.floats, arena, attr->floats, attr->count,
                           sizeof *attr->floats));
        break;
    case NNC_ATTR_STRINGS:
        NNC_TRY(copy_strings(&copy, arena, attr));
        break;
    case NNC_ATTR_GRAPH:
    case NNC_ATTR_GRAPHS:
        NNC_TRY(copy_graphs(&copy, arena, attr));
        break;
    }
    *out = copy;
    return NNC_OK;
}

void nnc_attr_release(nnc_attr *attr)
{
    if (attr->type == NNC_ATTR_TENSOR) {
        nnc_tensor_deinit(&attr->tensor);
    } else if ((attr->type == NNC_ATTR_GRAPH || attr->type == NNC_ATTR_GRAPHS) && attr->graphs) {
        for (size_t i = 0; i < attr->count; i++) {
            nnc_graph_destroy(attr->graphs[i]);
        }
        attr->graphs = NULL;
    }
}

nnc_status nnc_node_set_attr(nnc_graph *graph, nnc_node_id node, const nnc_attr *attr)
{
    nnc_attr copy;
    NNC_TRY(nnc_attr_copy(&copy, graph, attr));
    nnc_node *n = nnc_graph_node(graph, node);
    for (uint32_t i = 0; i < n->attr_count; i++) {
        if (strcmp(n->attrs[i].name, attr->name) == 0) {
            nnc_attr_release(&n->attrs[i]);
            n->attrs[i] = copy;
            return NNC_OK;
        }
    }
    /* Arena arrays cannot grow in place: capacity is the next power of two of the count. */
    if ((n->attr_count & (n->attr_count - 1)) == 0) {
        size_t cap = n->attr_count == 0 ? 1 : (size_t)n->attr_count * 2;
        nnc_attr *attrs = nnc_arena_alloc(graph->arena, cap, sizeof *attrs);
        if (!attrs) {
            nnc_attr_release(&copy);
            return NNC_ERR_LIMIT;
        }
        if (n->attr_count > 0) {
            memcpy(attrs, n->attrs, n->attr_count * sizeof *attrs);
        }
        n->attrs = attrs;
    }
    n->attrs[n->attr_count++] = copy;
    return NNC_OK;
}

nnc_status nnc_node_set_int(nnc_graph *graph, nnc_node_id node, const char *name, int64_t value)
{
    nnc_attr attr = {.name = name, .type = NNC_ATTR_INT, .i = value};
    return nnc_node_set_attr(graph, node, &attr);
}

nnc_status nnc_node_set_float(nnc_graph *graph, nnc_node_id node, const char *name, float value)
{
    nnc_attr attr = {.name = name, .type = NNC_ATTR_FLOAT, .f = value};
    return nnc_node_set_attr(graph, node, &attr);
}

nnc_status nnc_node_set_ints(nnc_graph *graph, nnc_node_id node, const char *name,
                             const int64_t *values, size_t n)
{
    nnc_attr attr = {.name = name, .type = NNC_ATTR_INTS, .count = n, .ints = values};
    return nnc_node_set_attr(graph, node, &attr);
}

nnc_status nnc_node_set_string(nnc_graph *graph, nnc_node_id node, const char *name,
                               const char *value)
{
    nnc_attr attr = {.name = name, .type = NNC_ATTR_STRING, .count = strlen(value), .s = value};
    return nnc_node_set_attr(graph, node, &attr);
}

void nnc_node_remove_attr(nnc_graph *graph, nnc_node_id node, const char *name)
{
    nnc_node *n = nnc_graph_node(graph, node);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n->attr_count; i++) {
        if (strcmp(n->attrs[i].name, name) == 0) {
            nnc_attr_release(&n->attrs[i]);
        } else {
            n->attrs[kept++] = n->attrs[i];
        }
    }
    /* The capacity rule of nnc_node_set_attr derives it from the count, so a smaller array must be
     * one of its sizes: a later append at a power of two reallocates, which is correct for any
     * larger capacity. */
    n->attr_count = kept;
}

const nnc_attr *nnc_node_attr(const nnc_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (strcmp(node->attrs[i].name, name) == 0) {
            return &node->attrs[i];
        }
    }
    return NULL;
}

int64_t nnc_node_int(const nnc_node *node, const char *name, int64_t fallback)
{
    const nnc_attr *attr = nnc_node_attr(node, name);
    return attr && attr->type == NNC_ATTR_INT ? attr->i : fallback;
}

float nnc_node_float(const nnc_node *node, const char *name, float fallback)
{
    const nnc_attr *attr = nnc_node_attr(node, name);
    return attr && attr->type == NNC_ATTR_FLOAT ? attr->f : fallback;
}

const char *nnc_node_string(const nnc_node *node, const char *name, const char *fallback)
{
    const nnc_attr *attr = nnc_node_attr(node, name);
    return attr && attr->type == NNC_ATTR_STRING ? attr->s : fallback;
}

bool nnc_node_is(const nnc_node *node, const char *op_type)
{
    return node->domain[0] == '\0' && strcmp(node->op_type, op_type) == 0;
}

nnc_status nnc_node_set_inputs(nnc_graph *graph, nnc_node_id node, const nnc_value_id *inputs,
                               uint32_t count)
{
    nnc_node *n = nnc_graph_node(graph, node);
    if (count > n->input_count) {
        nnc_value_id *copy = nnc_arena_alloc(graph->arena, count, sizeof *copy);
        if (!copy) {
            return NNC_ERR_LIMIT;
        }
        memcpy(copy, inputs, count * sizeof *copy);
        n->inputs = copy;
    } else if (count > 0) {
        memmove(n->inputs, inputs, count * sizeof *inputs);
    }
    n->input_count = count;
    return NNC_OK;
}

nnc_status nnc_node_set_op(nnc_graph *graph, nnc_node_id node, const char *domain,
                           const char *op_type)
{
    char *d = nnc_arena_strdup(graph->arena, domain);
    char *t = nnc_arena_strdup(graph->arena, op_type);
    if (!d || !t) {
        return NNC_ERR_LIMIT;
    }
    nnc_node *n = nnc_graph_node(graph, node);
    n->domain = d;
    n->op_type = t;
    n->op = NULL;
    return NNC_OK;
}
