/* Text form of a graph. SPDX-License-Identifier: Apache-2.0 */
#include "graph/print.h"

#include <inttypes.h>

#include "graph/graph_internal.h"

#define LIST_MAX 8 /* elements of a list attribute that are shown */

static void print_name(nnc_str *out, const nnc_graph *graph, nnc_value_id id)
{
    if (id == NNC_ID_NONE) {
        nnc_str_append(out, "-");
        return;
    }
    nnc_str_append(out, "%");
    nnc_str_append_printable(out, graph->values[id].name, 200);
}

static void print_shape(nnc_str *out, const nnc_graph *graph, const nnc_value *v)
{
    if (!v->has_shape) {
        nnc_str_append(out, "[...]");
        return;
    }
    nnc_str_append(out, "[");
    for (uint32_t d = 0; d < v->shape.rank; d++) {
        nnc_str_append(out, d > 0 ? "," : "");
        if (v->shape.dims[d] >= 0) {
            nnc_str_appendf(out, "%" PRId64, v->shape.dims[d]);
        } else {
            const char *symbol = nnc_graph_symbol_name(graph, v->shape.dims[d]);
            nnc_str_append_printable(out, symbol[0] != '\0' ? symbol : "?", 60);
        }
    }
    nnc_str_append(out, "]");
}

static void print_value(nnc_str *out, const nnc_graph *graph, nnc_value_id id)
{
    print_name(out, graph, id);
    if (id == NNC_ID_NONE) {
        return;
    }
    const nnc_value *v = &graph->values[id];
    nnc_str_appendf(out, ": %s", nnc_dtype_name(v->dtype));
    print_shape(out, graph, v);
    if (v->qparams) {
        const nnc_qparams *q = v->qparams;
        nnc_str_appendf(out, " q(%s s=%g z=%d", nnc_dtype_name(q->dtype), (double)q->scale[0],
                        (int)q->zero_point[0]);
        if (q->axis >= 0) {
            nnc_str_appendf(out, " axis=%d n=%zu", (int)q->axis, q->count);
        }
        if (q->group > 0) {
            nnc_str_appendf(out, " group=%" PRId64, q->group);
        }
        nnc_str_append(out, ")");
    }
}

static void print_list_end(nnc_str *out, size_t count)
{
    if (count > LIST_MAX) {
        nnc_str_appendf(out, ",... %zu", count);
    }
    nnc_str_append(out, "]");
}

static void print_attr(nnc_str *out, const nnc_attr *a)
{
    size_t shown = a->count < LIST_MAX ? a->count : LIST_MAX;
    nnc_str_append_printable(out, a->name, 60);
    nnc_str_append(out, "=");
    switch (a->type) {
    case NNC_ATTR_INT:
        nnc_str_appendf(out, "%" PRId64, a->i);
        break;
    case NNC_ATTR_FLOAT:
        nnc_str_appendf(out, "%g", (double)a->f);
        break;
    case NNC_ATTR_STRING:
        nnc_str_append(out, "\"");
        nnc_str_append_printable(out, a->s, 80);
        nnc_str_append(out, "\"");
        break;
    case NNC_ATTR_TENSOR:
        nnc_str_append(out, "<tensor>");
        break;
    case NNC_ATTR_INTS:
        nnc_str_append(out, "[");
        for (size_t i = 0; i < shown; i++) {
            nnc_str_appendf(out, "%s%" PRId64, i > 0 ? "," : "", a->ints[i]);
        }
        print_list_end(out, a->count);
        break;
    case NNC_ATTR_FLOATS:
        nnc_str_append(out, "[");
        for (size_t i = 0; i < shown; i++) {
            nnc_str_appendf(out, "%s%g", i > 0 ? "," : "", (double)a->floats[i]);
        }
        print_list_end(out, a->count);
        break;
    case NNC_ATTR_STRINGS:
        nnc_str_appendf(out, "<%zu strings>", a->count);
        break;
    case NNC_ATTR_GRAPH:
    case NNC_ATTR_GRAPHS:
        nnc_str_append(out, "<graph>");
        break;
    }
}

static void print_node(nnc_str *out, const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *n = &graph->nodes[id];
    for (uint32_t i = 0; i < n->output_count; i++) {
        nnc_str_append(out, i > 0 ? ", " : "");
        print_value(out, graph, n->outputs[i]);
    }
    nnc_str_append(out, " = ");
    if (n->domain[0] != '\0') {
        nnc_str_append_printable(out, n->domain, 60);
        nnc_str_append(out, ".");
    }
    nnc_str_append_printable(out, n->op_type, 60);
    nnc_str_append(out, "(");
    for (uint32_t i = 0; i < n->input_count; i++) {
        nnc_str_append(out, i > 0 ? ", " : "");
        print_name(out, graph, n->inputs[i]);
    }
    nnc_str_append(out, ")");
    for (uint32_t i = 0; i < n->attr_count; i++) {
        nnc_str_append(out, i > 0 ? ", " : " {");
        print_attr(out, &n->attrs[i]);
    }
    nnc_str_append(out, n->attr_count > 0 ? "}" : "");
    if (n->name[0] != '\0') {
        nnc_str_append(out, "  # ");
        nnc_str_append_printable(out, n->name, 200);
    }
    nnc_str_append(out, "\n");
}

nnc_status nnc_graph_print(nnc_str *out, const nnc_graph *graph)
{
    for (size_t i = 0; i < graph->input_count; i++) {
        nnc_str_append(out, "input ");
        print_value(out, graph, graph->inputs[i]);
        nnc_str_append(out, "\n");
    }
    for (size_t i = 0; i < graph->value_count; i++) {
        if (!graph->values[i].dead && graph->values[i].kind == NNC_VALUE_CONST) {
            nnc_str_append(out, "const ");
            print_value(out, graph, (nnc_value_id)i);
            nnc_str_append(out, "\n");
        }
    }
    nnc_node_id *order;
    size_t count;
    NNC_TRY(nnc_graph_topo_order(&order, &count, graph));
    for (size_t i = 0; i < count; i++) {
        print_node(out, graph, order[i]);
    }
    nnc_free(order);
    for (size_t i = 0; i < graph->output_count; i++) {
        nnc_str_append(out, "output ");
        print_name(out, graph, graph->outputs[i]);
        nnc_str_append(out, " as ");
        nnc_str_append_printable(out, graph->output_names[i], 200);
        nnc_str_append(out, "\n");
    }
    return nnc_str_status(out);
}
