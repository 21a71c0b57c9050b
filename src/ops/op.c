/* The op table and the binding of nodes to it. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

#define OP(id) extern const nnc_op nnc_op_##id;
#include "ops/ops.def"
#undef OP

/* Sorted by domain, then name (a test holds it), so a lookup is a binary search. */
static const nnc_op *const op_rows[] = {
#define OP(id) &nnc_op_##id,
#include "ops/ops.def"
#undef OP
};
#define OP_ROWS (sizeof op_rows / sizeof op_rows[0])

const nnc_op *nnc_op_row(size_t i)
{
    return i < OP_ROWS ? op_rows[i] : NULL;
}

const nnc_op *nnc_op_find(const char *domain, const char *name)
{
    size_t lo = 0, hi = OP_ROWS;
    if (strcmp(domain, "ai.onnx") == 0) {
        domain = "";
    }
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(domain, op_rows[mid]->domain);
        order = order != 0 ? order : strcmp(name, op_rows[mid]->name);
        if (order == 0) {
            return op_rows[mid];
        }
        if (order < 0) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

static const char *attr_type_name(nnc_attr_type type)
{
    static const char *const names[] = {"int",    "float",   "string", "tensor", "ints",
                                        "floats", "strings", "graph",  "graphs"};
    return names[type];
}

static nnc_status check_arity(const char *label, const nnc_op *op, const nnc_node *node)
{
    if (node->input_count < op->min_in || node->input_count > op->max_in) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: has %u inputs, expected %s%u", label,
                 (unsigned)node->input_count,
                 op->min_in == op->max_in         ? ""
                 : node->input_count < op->min_in ? "at least "
                                                  : "at most ",
                 (unsigned)(node->input_count < op->min_in ? op->min_in : op->max_in));
    }
    if (node->output_count < op->min_out || node->output_count > op->max_out) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: has %u outputs, expected %s%u", label,
                 (unsigned)node->output_count,
                 op->min_out == op->max_out         ? ""
                 : node->output_count < op->min_out ? "at least "
                                                    : "at most ",
                 (unsigned)(node->output_count < op->min_out ? op->min_out : op->max_out));
    }
    for (uint32_t i = 0; i < op->min_in; i++) {
        if (node->inputs[i] == NNC_ID_NONE) {
            NNC_FAIL(NNC_ERR_MODEL, "%s: required input %u is missing", label, (unsigned)i);
        }
    }
    for (uint32_t i = 0; i < op->min_out; i++) {
        if (node->outputs[i] == NNC_ID_NONE) {
            NNC_FAIL(NNC_ERR_MODEL, "%s: required output %u is missing", label, (unsigned)i);
        }
    }
    return NNC_OK;
}

static nnc_status check_number(const char *label, const nnc_attr_schema *row, double value)
{
    if (row->min <= row->max && !(value >= row->min && value <= row->max)) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: attribute '%s' is %.10g, expected %.10g to %.10g", label,
                 row->name, value, row->min, row->max);
    }
    return NNC_OK;
}

static nnc_status check_choice(const char *label, const nnc_attr_schema *row, const nnc_attr *attr)
{
    if (strlen(attr->s) == attr->count) {
        for (const char *const *choice = row->choices; *choice; choice++) {
            if (strcmp(*choice, attr->s) == 0) {
                return NNC_OK;
            }
        }
    }
    NNC_FAIL(NNC_ERR_MODEL, "%s: attribute '%s' is \"%.60s\", which is no known choice", label,
             row->name, attr->s);
}

static nnc_status check_attr(const char *label, const nnc_attr_schema *row, const nnc_attr *attr)
{
    if (attr->type != row->type) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: attribute '%s' is of type %s, expected %s", label, row->name,
                 attr_type_name(attr->type), attr_type_name(row->type));
    }
    switch (attr->type) {
    case NNC_ATTR_INT:
        return check_number(label, row, (double)attr->i);
    case NNC_ATTR_FLOAT:
        return check_number(label, row, (double)attr->f);
    case NNC_ATTR_INTS:
        for (size_t i = 0; i < attr->count; i++) {
            NNC_TRY(check_number(label, row, (double)attr->ints[i]));
        }
        return NNC_OK;
    case NNC_ATTR_FLOATS:
        for (size_t i = 0; i < attr->count; i++) {
            NNC_TRY(check_number(label, row, (double)attr->floats[i]));
        }
        return NNC_OK;
    case NNC_ATTR_STRING:
        return row->choices ? check_choice(label, row, attr) : NNC_OK;
    default:
        return NNC_OK;
    }
}

static nnc_status check_attrs(const char *label, const nnc_op *op, const nnc_node *node)
{
    for (uint32_t a = 0; a < node->attr_count; a++) {
        const nnc_attr *attr = &node->attrs[a];
        const nnc_attr_schema *row = NULL;
        for (size_t r = 0; r < op->attr_count && !row; r++) {
            row = strcmp(op->attrs[r].name, attr->name) == 0 ? &op->attrs[r] : NULL;
        }
        if (!row) {
            NNC_FAIL(NNC_ERR_MODEL, "%s: unknown attribute '%.60s'", label, attr->name);
        }
        for (uint32_t b = 0; b < a; b++) {
            if (strcmp(node->attrs[b].name, attr->name) == 0) {
                NNC_FAIL(NNC_ERR_MODEL, "%s: attribute '%s' is given twice", label, attr->name);
            }
        }
        NNC_TRY(check_attr(label, row, attr));
    }
    for (size_t r = 0; r < op->attr_count; r++) {
        if (op->attrs[r].required && !nnc_node_attr(node, op->attrs[r].name)) {
            NNC_FAIL(NNC_ERR_MODEL, "%s: attribute '%s' is missing", label, op->attrs[r].name);
        }
    }
    return NNC_OK;
}

nnc_status nnc_node_bind(nnc_graph *graph, nnc_node_id id)
{
    nnc_node *node = nnc_graph_node(graph, id);
    char label[200];
    node->op = nnc_op_find(node->domain, node->op_type);
    if (!node->op) {
        return NNC_OK;
    }
    nnc_node_label(label, sizeof label, graph, id);
    NNC_TRY(check_arity(label, node->op, node));
    return check_attrs(label, node->op, node);
}

nnc_cost nnc_node_cost(const nnc_graph *graph, nnc_node_id id)
{
    nnc_cost cost = {0};
    const nnc_op *op = nnc_graph_node_const(graph, id)->op;
    if (op && op->cost) {
        op->cost(&cost, graph, id);
    }
    return cost;
}

nnc_status nnc_dim_links_add(nnc_dim_links *links, nnc_dim_link link)
{
    NNC_TRY(nnc_grow(&links->items, &links->cap, links->count + 1, sizeof *links->items));
    links->items[links->count++] = link;
    return NNC_OK;
}
