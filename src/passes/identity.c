/* Removes nodes that pass their input through unchanged. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "passes/pass_util.h"

/* Same dims; at most one symbol, in the same place: then equal element counts prove the rest. */
static bool same_by_count(const nnc_value *x, const nnc_value *y)
{
    uint32_t symbols = 0;
    if (!x->has_shape || !y->has_shape || x->shape.rank != y->shape.rank) {
        return false;
    }
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        bool sx = x->shape.dims[d] < 0, sy = y->shape.dims[d] < 0;
        if (sx != sy || x->shape.dims[d] == 0 || (!sx && x->shape.dims[d] != y->shape.dims[d])) {
            return false;
        }
        symbols += sx;
    }
    return symbols <= 1;
}

static bool same_static(const nnc_value *x, const nnc_value *y)
{
    return x->has_shape && y->has_shape && nnc_shape_is_static(&x->shape) &&
           nnc_shape_equal(&x->shape, &y->shape);
}

/* The constant operand leaves the other's shape alone: it has one element and no more dims, or both
 * shapes are known equal. */
static bool keeps_shape(const nnc_value *x, const nnc_value *constant, const nnc_value *y)
{
    size_t count;
    bool one = nnc_shape_count(&count, &constant->shape) && count == 1;
    return (one && x->has_shape && constant->shape.rank <= x->shape.rank) || same_static(x, y);
}

/* Slot of the operand that passes through x+0, x-0, x*1, x/1; -1: none. */
static int neutral_operand(nnc_graph *graph, const nnc_node *node)
{
    static const struct {
        const char *op;
        double neutral;
        bool both;
    } rows[] = {{"Add", 0, true}, {"Sub", 0, false}, {"Mul", 1, true}, {"Div", 1, false}};
    const nnc_value *y = nnc_pass_output(graph, node, 0);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (!nnc_node_is(node, rows[r].op)) {
            continue;
        }
        const nnc_value *a = nnc_pass_input(graph, node, 0), *b = nnc_pass_input(graph, node, 1);
        if (nnc_pass_const_is(b, rows[r].neutral) && keeps_shape(a, b, y)) {
            return 0;
        }
        return rows[r].both && nnc_pass_const_is(a, rows[r].neutral) && keeps_shape(b, a, y) ? 1
                                                                                             : -1;
    }
    return -1;
}

static bool identity_perm(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_attr *perm = nnc_node_attr(node, "perm");
    if (!perm) {
        const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
        return x->has_shape && x->shape.rank <= 1;
    }
    for (size_t i = 0; i < perm->count; i++) {
        if (perm->ints[i] != (int64_t)i) {
            return false;
        }
    }
    return true;
}

static bool passes_first(nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *x = nnc_pass_input(graph, node, 0), *y = nnc_pass_output(graph, node, 0);
    if (!x || !y) {
        return false;
    }
    if (nnc_node_is(node, "Identity")) {
        return true;
    }
    if (nnc_node_is(node, "Dropout")) {
        const nnc_value *training = nnc_pass_input(graph, node, 2);
        return !training || nnc_pass_const_is(training, 0);
    }
    if (nnc_node_is(node, "Cast")) {
        return x->dtype == y->dtype && nnc_node_int(node, "to", 0) == (int64_t)x->dtype;
    }
    if (nnc_node_is(node, "CastLike")) {
        return x->dtype == y->dtype;
    }
    if (nnc_node_is(node, "Clip")) {
        return !nnc_pass_input(graph, node, 1) && !nnc_pass_input(graph, node, 2);
    }
    if (nnc_node_is(node, "Concat") || nnc_node_is(node, "Sum") || nnc_node_is(node, "Max") ||
        nnc_node_is(node, "Min") || nnc_node_is(node, "Mean")) {
        return node->input_count == 1;
    }
    if (nnc_node_is(node, "Transpose")) {
        return identity_perm(graph, node);
    }
    if (nnc_node_is(node, "Pad")) {
        return nnc_pass_const_is(nnc_pass_input(graph, node, 1), 0);
    }
    if (nnc_node_is(node, "Tile")) {
        return nnc_pass_const_is(nnc_pass_input(graph, node, 1), 1);
    }
    if (nnc_node_is(node, "Slice")) {
        const nnc_value *steps = nnc_pass_input(graph, node, 4);
        return (!steps || nnc_pass_const_is(steps, 1)) && same_static(x, y);
    }
    if (nnc_node_is(node, "Expand")) {
        return same_static(x, y);
    }
    if (nnc_node_is(node, "Reshape") || nnc_node_is(node, "Flatten") ||
        nnc_node_is(node, "Squeeze") || nnc_node_is(node, "Unsqueeze")) {
        return same_by_count(x, y);
    }
    return false;
}

/* Slot that output 0 equals, or -1. */
static int passed_slot(nnc_graph *graph, const nnc_uses *uses, const nnc_node *node)
{
    if (!node->op) {
        return -1;
    }
    for (uint32_t i = 1; i < node->output_count; i++) {
        nnc_value_id v = node->outputs[i];
        if (v != NNC_ID_NONE && (nnc_uses_count(uses, v) > 0 || nnc_graph_is_output(graph, v))) {
            return -1;
        }
    }
    return passes_first(graph, node) ? 0 : neutral_operand(graph, node);
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    (void)ctx;
    *changed = 0;
    nnc_uses uses;
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_value_id *to = nnc_pass_replacements(graph);
    nnc_status status = to ? NNC_OK : NNC_ERR_LIMIT;
    for (nnc_node_id n = 0; status == NNC_OK && n < nnc_graph_node_count(graph); n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        int slot = node->dead ? -1 : passed_slot(graph, &uses, node);
        if (slot < 0) {
            continue;
        }
        nnc_value_id from = node->outputs[0], x = node->inputs[slot];
        const nnc_value *vx = nnc_graph_value_const(graph, x);
        const nnc_value *vy = nnc_graph_value_const(graph, from);
        /* A grid that only the output has is not the input's to take; an output of the graph stays
         * a computed value. */
        bool grid = !vy->qparams || nnc_pass_same_grid(vx, vy);
        bool output = nnc_graph_is_output(graph, from) &&
                      (vx->kind != NNC_VALUE_TEMP || nnc_graph_is_output(graph, x));
        if (grid && !output) {
            to[from] = x;
            (*changed)++;
        }
    }
    if (status == NNC_OK && *changed > 0) {
        nnc_graph_replace_all(graph, to);
        for (nnc_node_id n = 0; n < nnc_graph_node_count(graph); n++) {
            const nnc_node *node = nnc_graph_node_const(graph, n);
            if (!node->dead && node->output_count > 0 && node->outputs[0] != NNC_ID_NONE &&
                to[node->outputs[0]] != NNC_ID_NONE) {
                nnc_graph_remove_node(graph, n);
            }
        }
    }
    nnc_free(to);
    nnc_uses_deinit(&uses);
    return status;
}

const nnc_pass nnc_pass_identity = {
    .name = "identity",
    .help = "remove nodes that pass their input through unchanged",
    .run = run,
};
