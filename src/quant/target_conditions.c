/* Conditions of target rules: one function per row NNC_CONDITION of target_rules.def. SPDX-License-Identifier: Apache-2.0 */
#include "quant/target_conditions.h"

#include <math.h>
#include <string.h>

#include "plan/plan.h"

static const nnc_value *operand(const nnc_asked *a, uint32_t i)
{
    if (i >= a->node->input_count || a->node->inputs[i] == NNC_ID_NONE) {
        return NULL;
    }
    return nnc_graph_value_const(a->graph, a->node->inputs[i]);
}

static const nnc_value *result(const nnc_asked *a)
{
    return a->final == NNC_ID_NONE ? NULL : nnc_graph_value_const(a->graph, a->final);
}

static bool is_product(const nnc_node *node)
{
    return nnc_is_product(node) || nnc_node_is(node, "ConvTranspose");
}

nnc_node_id nnc_clamp_of(const nnc_graph *graph, const nnc_uses *uses, const nnc_node *node)
{
    bool takes = is_product(node) || nnc_node_is(node, "Add") || nnc_node_is(node, "Mul") || nnc_node_is(node, "Sub") ||
                 nnc_node_is(node, "AveragePool") || nnc_node_is(node, "GlobalAveragePool");
    if (!takes || node->output_count == 0) {
        return NNC_ID_NONE;
    }
    nnc_value_id y = node->outputs[0];
    if (y == NNC_ID_NONE || nnc_uses_count(uses, y) != 1 || nnc_graph_is_output(graph, y) ||
        nnc_graph_value_const(graph, y)->qparams) {
        return NNC_ID_NONE;
    }
    nnc_node_id user = uses->node[uses->start[y]];
    float lo, hi;
    return nnc_clamp_bounds(&lo, &hi, graph, nnc_graph_node_const(graph, user)) ? user : NNC_ID_NONE;
}

/* Activation i: operands that are not constant, then the result; NULL past the end. Products read theirs from the first two operands. */
static const nnc_value *activation(const nnc_asked *a, uint32_t *i)
{
    uint32_t n = a->node->input_count;
    if (is_product(a->node) && n > 2) {
        n = 2;
    }
    for (; *i < n; (*i)++) {
        const nnc_value *v = operand(a, *i);
        if (v && v->kind != NNC_VALUE_CONST) {
            (*i)++;
            return v;
        }
    }
    return (*i)++ == n ? result(a) : NULL;
}

/* Grid of a constant product weight; NULL if it has none. */
static const nnc_qparams *weight_grid(const nnc_asked *a)
{
    const nnc_value *w = operand(a, 1);
    return w && w->kind == NNC_VALUE_CONST ? w->qparams : NULL;
}

static bool has_zero_point(const nnc_qparams *q)
{
    for (size_t i = 0; q && i < q->count; i++) {
        if (q->zero_point[i] != 0) {
            return true;
        }
    }
    return false;
}

static bool is_8_bit(const nnc_qparams *q)
{
    return q->dtype == NNC_DTYPE_INT8 || q->dtype == NNC_DTYPE_UINT8;
}

static bool ask_ALWAYS(const nnc_asked *a)
{
    return a != NULL;
}

static bool ask_UNKNOWN_OPERATOR(const nnc_asked *a)
{
    return !a->node->op && (a->target->domain[0] == 0 || strcmp(a->node->domain, a->target->domain) != 0);
}

static bool ask_OPAQUE_OPERATOR(const nnc_asked *a)
{
    return !a->node->op && a->target->domain[0] && strcmp(a->node->domain, a->target->domain) == 0;
}

static bool ask_QOPERATOR_FILE(const nnc_asked *a)
{
    const nnc_value *v;
    for (uint32_t i = 0; a->qoperator && (v = activation(a, &i)) != NULL;) {
        if (v->qparams) {
            return true;
        }
    }
    return false;
}

static bool ask_NO_FORM(const nnc_asked *a)
{
    return nnc_target_form_of(a->target, a->node->op_type) == NNC_FORM_NONE;
}

static bool ask_RANK_UNKNOWN(const nnc_asked *a)
{
    const nnc_value *v;
    for (uint32_t i = 0; (v = activation(a, &i)) != NULL;) {
        if (v->qparams && !v->has_shape) {
            return true;
        }
    }
    return false;
}

static bool ask_INPUT_FLOAT(const nnc_asked *a)
{
    const nnc_value *x = operand(a, 0);
    return x && x->kind != NNC_VALUE_CONST && !x->qparams;
}

static bool ask_OPERAND_FLOAT(const nnc_asked *a)
{
    for (uint32_t i = 0; i < a->node->input_count; i++) {
        const nnc_value *v = operand(a, i);
        if (v && v->dtype == NNC_DTYPE_FLOAT && !v->qparams) {
            return true;
        }
    }
    return false;
}

static bool ask_OUTPUT_FLOAT(const nnc_asked *a)
{
    return result(a) && !result(a)->qparams;
}

static bool ask_WEIGHT_FLOAT(const nnc_asked *a)
{
    const nnc_value *w = operand(a, 1);
    return w && w->kind == NNC_VALUE_CONST && !w->qparams;
}

static bool ask_WEIGHT_ACTIVATION(const nnc_asked *a)
{
    const nnc_value *w = operand(a, 1);
    return w && w->kind != NNC_VALUE_CONST && !w->qparams;
}

static bool ask_WEIGHT_WIDE(const nnc_asked *a)
{
    return weight_grid(a) && !is_8_bit(weight_grid(a));
}

static bool ask_WEIGHT_BLOCKS(const nnc_asked *a)
{
    return weight_grid(a) && weight_grid(a)->group != 0;
}

static bool ask_WEIGHT_U8(const nnc_asked *a)
{
    return weight_grid(a) && weight_grid(a)->dtype == NNC_DTYPE_UINT8;
}

static bool ask_WEIGHT_ZERO_POINT(const nnc_asked *a)
{
    return has_zero_point(weight_grid(a));
}

static bool ask_WEIGHT_AXIS(const nnc_asked *a)
{
    const nnc_qparams *q = weight_grid(a);
    int32_t axis = nnc_node_is(a->node, "ConvTranspose") ? 1 : nnc_weight_axis(a->node);
    return q && q->group == 0 && q->count > 1 && q->axis != axis;
}

static bool ask_ACTIVATION_WIDE(const nnc_asked *a)
{
    const nnc_value *v;
    for (uint32_t i = 0; (v = activation(a, &i)) != NULL;) {
        if (v->qparams && !is_8_bit(v->qparams)) {
            return true;
        }
    }
    return false;
}

static bool ask_ACTIVATION_AXIS(const nnc_asked *a)
{
    const nnc_value *v;
    for (uint32_t i = 0; (v = activation(a, &i)) != NULL;) {
        if (v->qparams && !nnc_qparams_per_tensor(v->qparams)) {
            return true;
        }
    }
    return false;
}

static bool ask_ACTIVATION_U8(const nnc_asked *a)
{
    const nnc_value *v;
    for (uint32_t i = 0; (v = activation(a, &i)) != NULL;) {
        if (v->qparams && v->qparams->dtype == NNC_DTYPE_UINT8) {
            return true;
        }
    }
    return false;
}

static bool ask_ACTIVATION_ZERO_POINT(const nnc_asked *a)
{
    const nnc_value *v;
    for (uint32_t i = 0; (v = activation(a, &i)) != NULL;) {
        if (has_zero_point(v->qparams)) {
            return true;
        }
    }
    return false;
}

static bool ask_TYPES_DIFFER(const nnc_asked *a)
{
    const nnc_value *v;
    nnc_dtype first = NNC_DTYPE_UNDEFINED;
    for (uint32_t i = 0; (v = activation(a, &i)) != NULL;) {
        if (v->qparams) {
            first = first == NNC_DTYPE_UNDEFINED ? v->qparams->dtype : first;
            if (v->qparams->dtype != first) {
                return true;
            }
        }
    }
    return false;
}

static bool ask_S8_WITH_U8_WEIGHT(const nnc_asked *a)
{
    const nnc_value *x = operand(a, 0);
    return x && x->qparams && x->qparams->dtype == NNC_DTYPE_INT8 && ask_WEIGHT_U8(a);
}

static bool ask_GRIDS_DIFFER(const nnc_asked *a)
{
    const nnc_value *y = result(a);
    for (uint32_t i = 0; y && y->qparams && i < a->node->input_count; i++) {
        const nnc_value *v = operand(a, i);
        if (v && v->qparams && !nnc_qparams_equal(v->qparams, y->qparams)) {
            return true;
        }
    }
    return false;
}

static bool ask_BIAS_INT32(const nnc_asked *a)
{
    const nnc_value *b = operand(a, 2);
    return b && b->kind == NNC_VALUE_CONST && b->qparams && b->qparams->dtype == NNC_DTYPE_INT32;
}

static bool ask_BIAS_FLOAT_BRANCH(const nnc_asked *a)
{
    return operand(a, 2) && !ask_BIAS_INT32(a) && ask_OUTPUT_FLOAT(a);
}

static bool ask_CLAMP_CUTS(const nnc_asked *a)
{
    const nnc_value *y = result(a);
    float lo, hi;
    if (a->clamp == NNC_ID_NONE || !y->qparams || !nnc_qparams_per_tensor(y->qparams) ||
        !nnc_clamp_bounds(&lo, &hi, a->graph, nnc_graph_node_const(a->graph, a->clamp))) {
        return false;
    }
    const nnc_qparams *q = y->qparams;
    return lo > q->scale[0] * (float)(q->qmin - q->zero_point[0]) ||
           hi < q->scale[0] * (float)(q->qmax - q->zero_point[0]);
}

static bool ask_GEMM_FORM(const nnc_asked *a)
{
    return nnc_node_int(a->node, "transA", 0) || nnc_node_float(a->node, "alpha", 1) != 1.0f ||
           (operand(a, 2) && nnc_node_float(a->node, "beta", 1) != 1.0f);
}

static bool ask_VECTOR(const nnc_asked *a)
{
    return nnc_product_is_vector(a->graph, a->node);
}

static bool ask_SMALL_SIDE(const nnc_asked *a)
{
    return nnc_product_is_small(a->graph, a->node, a->target->least_side);
}

static bool ask_GRID_BEFORE_ADD(const nnc_asked *a)
{
    nnc_value_id y = a->node->outputs[0];
    if (!nnc_graph_value_const(a->graph, y)->qparams || !nnc_adds_into(a->graph, a->uses, y)) {
        return false;
    }
    const nnc_node *user = nnc_graph_node_const(a->graph, a->uses->node[a->uses->start[y]]);
    if (!nnc_node_is(user, "Add")) {
        return false;
    }
    /* Where the other operand is a product without a grid, the Add is part of that one. */
    nnc_value_id other = user->inputs[0] == y ? user->inputs[1] : user->inputs[0];
    const nnc_value *v = nnc_graph_value_const(a->graph, other);
    return v->kind != NNC_VALUE_CONST && (v->qparams || !nnc_adds_into(a->graph, a->uses, other));
}

/* A product in integers whose result only the Add reads. */
static bool is_added_into(const nnc_asked *a, nnc_value_id v)
{
    if (!nnc_adds_into(a->graph, a->uses, v)) {
        return false;
    }
    const nnc_node *product = nnc_graph_node_const(a->graph, nnc_graph_value_const(a->graph, v)->producer);
    return nnc_graph_value_const(a->graph, product->inputs[0])->qparams &&
           nnc_graph_value_const(a->graph, product->inputs[1])->qparams;
}

static bool ask_ADD_UNEVEN(const nnc_asked *a)
{
    for (uint32_t i = 0; i < 2; i++) {
        const nnc_value *v = operand(a, i), *other = operand(a, 1 - i);
        if (!v || (!v->qparams && !(other && other->qparams && is_added_into(a, a->node->inputs[i])))) {
            return true;
        }
    }
    return false;
}

static bool ask_PAIR_OVERFLOW(const nnc_asked *a)
{
    const nnc_qparams *q = weight_grid(a);
    const nnc_value *x = operand(a, 0), *w = operand(a, 1);
    return q && q->dtype == NNC_DTYPE_INT8 && w->tensor.dtype == NNC_DTYPE_INT8 && x->qparams &&
           x->qparams->dtype == NNC_DTYPE_UINT8 && nnc_is_product(a->node) &&
           nnc_weight_pair_overflow(a->graph, a->id) > 0;
}

static bool ask_INTERPOLATES(const nnc_asked *a)
{
    return strcmp(nnc_node_string(a->node, "mode", "nearest"), "nearest") != 0;
}

static bool ask_INDICES(const nnc_asked *a)
{
    return a->node->output_count > 1 && a->node->outputs[1] != NNC_ID_NONE;
}

bool nnc_condition_holds(nnc_target_condition condition, const nnc_asked *asked)
{
    static bool (*const ask[])(const nnc_asked *) = {
#define NNC_CONDITION(id, help) [NNC_CONDITION_##id] = ask_##id,
#include "graph/target_rules.def"
    };
    return ask[condition](asked);
}
