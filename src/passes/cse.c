/* Common subexpressions: equal nodes on equal inputs are computed once. SPDX-License-Identifier:
 * Apache-2.0 Equal constants are shared when they are integers (shapes, axes) or one float (scales,
 * bounds). Float arrays are not: a later step may quantize each consumer's bias or weight on its
 * own grid. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "passes/pass_util.h"

static void key_tensor(nnc_str *key, const nnc_tensor *t)
{
    nnc_str_appendf(key, "t%d,", (int)t->dtype);
    for (uint32_t d = 0; d < t->shape.rank; d++) {
        nnc_str_appendf(key, "%" PRId64 "x", t->shape.dims[d]);
    }
    const void *data = nnc_tensor_data(t);
    size_t bytes = nnc_tensor_bytes(t);
    nnc_str_appendf(key, ":%016" PRIx64 "%016" PRIx64, nnc_hash64(data, bytes, 1),
                    nnc_hash64(data, bytes, 2));
}

static void key_qparams(nnc_str *key, const nnc_qparams *q)
{
    if (!q) {
        nnc_str_append(key, "q-");
        return;
    }
    nnc_str_appendf(key, "q%d,%d,%d,%d,%" PRId64 ",%zu:", (int)q->dtype, (int)q->qmin, (int)q->qmax,
                    (int)q->axis, q->group, q->count);
    nnc_str_appendf(key, "%016" PRIx64 "%016" PRIx64,
                    nnc_hash64(q->scale, q->count * sizeof *q->scale, 3),
                    nnc_hash64(q->zero_point, q->count * sizeof *q->zero_point, 3));
}

static void key_text(nnc_str *key, const char *s, size_t n)
{
    nnc_str_appendf(key, "%zu.%016" PRIx64 "%016" PRIx64, n, nnc_hash64(s, n, 4),
                    nnc_hash64(s, n, 5));
}

/* False for attributes that are not compared (graphs). */
static bool key_attr(nnc_str *key, const nnc_attr *a)
{
    uint32_t bits;
    nnc_str_appendf(key, "|%s=%d:", a->name, (int)a->type);
    switch (a->type) {
    case NNC_ATTR_INT:
        nnc_str_appendf(key, "%" PRId64, a->i);
        return true;
    case NNC_ATTR_FLOAT:
        memcpy(&bits, &a->f, sizeof bits);
        nnc_str_appendf(key, "%08" PRIx32, bits);
        return true;
    case NNC_ATTR_STRING:
        key_text(key, a->s, a->count);
        return true;
    case NNC_ATTR_TENSOR:
        key_tensor(key, &a->tensor);
        return true;
    case NNC_ATTR_INTS:
        for (size_t i = 0; i < a->count; i++) {
            nnc_str_appendf(key, "%" PRId64 ",", a->ints[i]);
        }
        return true;
    case NNC_ATTR_FLOATS:
        key_text(key, (const char *)a->floats, a->count * sizeof *a->floats);
        return true;
    default:
        return false;
    }
}

static bool key_node(nnc_str *key, const nnc_graph *graph, const nnc_node *node,
                     const nnc_value_id *to)
{
    if (!node->op || node->output_count == 0 || nnc_node_is_random(node)) {
        return false;
    }
    nnc_str_appendf(key, "%s.%s/%u(", node->domain, node->op_type, (unsigned)node->output_count);
    for (uint32_t i = 0; i < node->input_count; i++) {
        nnc_value_id v = node->inputs[i];
        while (v != NNC_ID_NONE && to[v] != NNC_ID_NONE) {
            v = to[v];
        }
        nnc_str_appendf(key, "%" PRIu32 ",", v);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        key_qparams(key, node->outputs[i] == NNC_ID_NONE
                             ? NULL
                             : nnc_graph_value_const(graph, node->outputs[i])->qparams);
    }
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (!key_attr(key, &node->attrs[i])) {
            return false;
        }
    }
    return true;
}

static bool shared_constant(const nnc_value *v)
{
    if (v->dead || v->kind != NNC_VALUE_CONST || v->qparams || v->dtype != v->tensor.dtype) {
        return false;
    }
    size_t count = nnc_tensor_count(&v->tensor);
    return nnc_dtype_class_of((int)v->dtype) == NNC_DTYPE_CLASS_FLOAT ? count == 1 : count <= 4096;
}

static nnc_status merge_constants(nnc_graph *graph, nnc_map *map, nnc_value_id *to, size_t *changed)
{
    nnc_str key = {0};
    nnc_status status = NNC_OK;
    for (nnc_value_id v = 0; status == NNC_OK && v < nnc_graph_value_count(graph); v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        uint32_t first;
        if (!shared_constant(value) || nnc_graph_is_output(graph, v)) {
            continue;
        }
        nnc_str_clear(&key);
        key_tensor(&key, &value->tensor);
        if (nnc_map_get(map, nnc_str_get(&key), &first)) {
            if (nnc_tensor_equal(&nnc_graph_value_const(graph, first)->tensor, &value->tensor)) {
                to[v] = first;
                (*changed)++;
            }
        } else {
            status = nnc_map_put(map, nnc_str_get(&key), v, NULL);
        }
        status = status == NNC_OK ? nnc_str_status(&key) : status;
    }
    nnc_str_deinit(&key);
    return status;
}

/* Maps the outputs of `node` to those of `first`, if no output of the graph would be lost. */
static bool merge_node(nnc_graph *graph, const nnc_node *node, const nnc_node *first,
                       nnc_value_id *to)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        bool have = node->outputs[i] != NNC_ID_NONE, other = first->outputs[i] != NNC_ID_NONE;
        if (have && (!other || nnc_graph_is_output(graph, node->outputs[i]))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != NNC_ID_NONE) {
            to[node->outputs[i]] = first->outputs[i];
        }
    }
    return true;
}

static nnc_status merge_nodes(nnc_graph *graph, nnc_map *map, nnc_value_id *to, size_t *changed)
{
    nnc_node_id *order;
    size_t count;
    nnc_str key = {0};
    NNC_TRY(nnc_graph_topo_order(&order, &count, graph));
    nnc_status status = NNC_OK;
    for (size_t k = 0; status == NNC_OK && k < count; k++) {
        const nnc_node *node = nnc_graph_node_const(graph, order[k]);
        uint32_t first;
        nnc_str_clear(&key);
        if (!key_node(&key, graph, node, to)) {
            continue;
        }
        if (!nnc_map_get(map, nnc_str_get(&key), &first)) {
            status = nnc_map_put(map, nnc_str_get(&key), order[k], NULL);
        } else if (merge_node(graph, node, nnc_graph_node_const(graph, first), to)) {
            (*changed)++;
        }
        status = status == NNC_OK ? nnc_str_status(&key) : status;
    }
    nnc_str_deinit(&key);
    nnc_free(order);
    return status;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    (void)ctx;
    *changed = 0;
    nnc_map *constants = nnc_map_create(), *nodes = nnc_map_create();
    nnc_value_id *to = nnc_pass_replacements(graph);
    nnc_status status = constants && nodes && to ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = merge_constants(graph, constants, to, changed);
    }
    if (status == NNC_OK) {
        status = merge_nodes(graph, nodes, to, changed);
    }
    if (status == NNC_OK && *changed > 0) {
        nnc_graph_replace_all(graph, to);
        size_t swept;
        status = nnc_pass_dead_code.run(graph, ctx, &swept);
    }
    nnc_free(to);
    nnc_map_destroy(constants);
    nnc_map_destroy(nodes);
    return status;
}

const nnc_pass nnc_pass_cse = {
    .name = "cse",
    .help = "compute equal nodes once, share equal small constants",
    .run = run,
};
