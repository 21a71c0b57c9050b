/* Decides which nodes run in integers and which values need grids. SPDX-License-Identifier: Apache-2.0
 * Products always; what lies between products (adds, pools, tables, movement) where an integer node reads the result and an integer node made
 * an operand; everything else stays float. docs/quantization.md states the rules. */
#include <math.h>
#include <string.h>

#include "plan/plan.h"
#include "quant/internal.h"
#include "runtime_int8/ops/params.h" /* NNRT_MATMUL_Q8_K_MAX */

bool nnc_is_product(const nnc_node *node)
{
    return nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm") || nnc_node_is(node, "MatMul");
}

int32_t nnc_weight_axis(const nnc_node *node)
{
    if (nnc_node_is(node, "Conv")) {
        return 0;
    }
    return nnc_node_is(node, "Gemm") && nnc_node_int(node, "transB", 0) ? 0 : 1;
}

static const nnc_value *input_of(const nnc_graph *graph, const nnc_node *node, uint32_t i)
{
    if (i >= node->input_count || node->inputs[i] == NNC_ID_NONE) {
        return NULL;
    }
    return nnc_graph_value_const(graph, node->inputs[i]);
}

static bool is_any(const nnc_node *node, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (nnc_node_is(node, names[i])) {
            return true;
        }
    }
    return false;
}

static bool is_float_const(const nnc_value *v)
{
    return v->kind == NNC_VALUE_CONST && v->tensor.dtype == NNC_DTYPE_FLOAT && !v->qparams;
}

static const char *product_problem(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *x = input_of(graph, node, 0), *w = input_of(graph, node, 1);
    const nnc_value *bias = input_of(graph, node, 2);
    if (x->kind == NNC_VALUE_CONST) {
        return "input is constant";
    }
    if (w->kind != NNC_VALUE_CONST) {
        return "weight is not constant";
    }
    if (!is_float_const(w)) {
        return "weight is not float32";
    }
    uint32_t rank = w->tensor.shape.rank;
    if (nnc_node_is(node, "Conv") ? rank != 3 && rank != 4 : rank != 2) {
        return nnc_node_is(node, "Conv") ? "convolution over more than 2 spatial dims"
                                         : "weight is not a matrix";
    }
    if (nnc_node_is(node, "Gemm") &&
        (nnc_node_int(node, "transA", 0) || nnc_node_float(node, "alpha", 1) != 1.0f ||
         (bias && nnc_node_float(node, "beta", 1) != 1.0f))) {
        return "Gemm with transA, alpha or beta";
    }
    if (bias) {
        size_t channels = (size_t)w->tensor.shape.dims[nnc_weight_axis(node)];
        if (!is_float_const(bias)) {
            return "bias is not a float32 constant";
        }
        size_t n = nnc_tensor_count(&bias->tensor);
        if (n != channels && n != 1) {
            return "bias is not per channel";
        }
    }
    return NULL;
}

/* MatMul of two activations, as in attention. */
static bool is_pair(const nnc_graph *graph, const nnc_node *node)
{
    return nnc_node_is(node, "MatMul") && input_of(graph, node, 0)->kind != NNC_VALUE_CONST &&
           input_of(graph, node, 1)->kind != NNC_VALUE_CONST;
}

static const char *pair_problem(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *a = input_of(graph, node, 0), *b = input_of(graph, node, 1);
    if (b->dtype != NNC_DTYPE_FLOAT) {
        return "operand is not float32";
    }
    if (!a->has_shape || !b->has_shape) {
        return "rank of an operand is not known";
    }
    return a->shape.rank > 0 && a->shape.dims[a->shape.rank - 1] > NNRT_MATMUL_Q8_K_MAX
               ? "sums may leave 32 bits"
               : NULL;
}

/* Rows of the product's input, the batch included; 0 where they are not known. */
static int64_t rows_of(const nnc_value *x)
{
    int64_t rows = 1;
    for (uint32_t d = 0; x->has_shape && d + 1 < x->shape.rank; d++) {
        if (x->shape.dims[d] < 1 || rows > INT32_MAX) {
            return 0;
        }
        rows *= x->shape.dims[d];
    }
    return x->has_shape ? rows : 0;
}

static bool is_matrix_product(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *w = input_of(graph, node, 1);
    return (nnc_node_is(node, "Gemm") || nnc_node_is(node, "MatMul")) && w && w->has_shape && w->shape.rank >= 2;
}

bool nnc_product_is_vector(const nnc_graph *graph, const nnc_node *node)
{
    if (!is_matrix_product(graph, node)) {
        return false;
    }
    const nnc_shape *w = &input_of(graph, node, 1)->shape;
    return rows_of(input_of(graph, node, 0)) == 1 || w->dims[w->rank - 1] == 1 || w->dims[w->rank - 2] == 1;
}

bool nnc_product_is_small(const nnc_graph *graph, const nnc_node *node, int64_t least_side)
{
    if (!is_matrix_product(graph, node)) {
        return false;
    }
    const nnc_shape *w = &input_of(graph, node, 1)->shape;
    int64_t k = w->dims[w->rank - 2], n = w->dims[w->rank - 1];
    return (k > 0 && k < least_side) || (n > 0 && n < least_side);
}

/* Why the target wants this product in float, or NULL. */
static const char *target_declines(const nnc_graph *graph, const nnc_node *node, const nnc_target *target)
{
    if (target->skip_vectors && nnc_product_is_vector(graph, node)) {
        return "the target runs products with one row or column in float";
    }
    return nnc_product_is_small(graph, node, target->least_side) ? "too small for the target's integers" : NULL;
}

static bool all_finite(const nnc_tensor *t)
{
    const float *x = nnc_tensor_data(t);
    for (size_t i = 0; i < nnc_tensor_count(t); i++) {
        if (!isfinite(x[i])) {
            return false;
        }
    }
    return true;
}

static const char *elementwise_problem(const nnc_graph *graph, const nnc_node *node)
{
    bool any = false;
    for (uint32_t i = 0; i < 2; i++) {
        const nnc_value *v = input_of(graph, node, i);
        if (v->dtype != NNC_DTYPE_FLOAT) {
            return "operand is not float32";
        }
        if (v->kind != NNC_VALUE_CONST) {
            any = true;
            continue;
        }
        if (!is_float_const(v) || !all_finite(&v->tensor)) {
            return "constant operand is not finite float32";
        }
        if (!nnc_node_is(node, "Mul") && nnc_tensor_count(&v->tensor) != 1) {
            return "adds a constant array"; /* a bias on an 8-bit grid of its own loses more than it saves */
        }
    }
    return any ? NULL : "input is constant";
}

static const char *move_problem(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *x = input_of(graph, node, 0);
    if (nnc_node_is(node, "Pad")) {
        const nnc_value *fill = input_of(graph, node, 2);
        bool zero = !fill || (fill->kind == NNC_VALUE_CONST && nnc_tensor_count(&fill->tensor) == 1 &&
                              nnc_tensor_get_double(&fill->tensor, 0) == 0);
        if (!zero && strcmp(nnc_node_string(node, "mode", "constant"), "constant") == 0) {
            return "pads with a number other than 0";
        }
    }
    if (nnc_node_is(node, "Resize") && strcmp(nnc_node_string(node, "mode", "nearest"), "nearest") != 0) {
        return "interpolates";
    }
    bool pool = nnc_node_is(node, "MaxPool") || nnc_node_is(node, "GlobalMaxPool");
    if (pool && (!x->has_shape || (x->shape.rank != 3 && x->shape.rank != 4))) {
        return "pool over more than 2 spatial dims";
    }
    if (nnc_node_is(node, "MaxPool") && node->output_count > 1 && node->outputs[1] != NNC_ID_NONE) {
        return "pool with indices";
    }
    return NULL;
}

/* Functions whose results lie in a range that 256 steps can hold; the rest (Exp, Log, Reciprocal, ...) spans decades. */
static const char *const tables[] = {"Celu", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu",
                                     "Mish", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Swish",
                                     "Tanh", "ThresholdedRelu"};

/* Role that a node could take by itself. */
static nnc_role possible_role(const char **reason, const nnc_graph *graph, const nnc_node *node,
                              const nnc_target *target)
{
    *reason = NULL;
    if (!node->op) {
        *reason = "unknown operator";
        return NNC_ROLE_FLOAT;
    }
    if (node->op->quant == NNC_QUANT_FLOAT || node->input_count == 0 || strcmp(node->domain, "nnc") == 0) {
        *reason = "no integer form";
        return NNC_ROLE_FLOAT;
    }
    const nnc_value *x = input_of(graph, node, 0);
    if (!x || x->dtype != NNC_DTYPE_FLOAT) {
        *reason = "input is not float32";
        return NNC_ROLE_FLOAT;
    }
    if (is_pair(graph, node)) {
        *reason = pair_problem(graph, node);
        *reason = *reason ? *reason : target_declines(graph, node, target);
        return *reason ? NNC_ROLE_FLOAT : NNC_ROLE_PAIR;
    }
    if (nnc_is_product(node)) {
        *reason = product_problem(graph, node);
        *reason = *reason ? *reason : target_declines(graph, node, target);
        return *reason ? NNC_ROLE_FLOAT : NNC_ROLE_PRODUCT;
    }
    if (nnc_node_is(node, "Add") || nnc_node_is(node, "Sub") || nnc_node_is(node, "Mul")) {
        *reason = elementwise_problem(graph, node);
        return *reason ? NNC_ROLE_FLOAT : NNC_ROLE_ELEMENTWISE;
    }
    if (nnc_node_is(node, "Concat")) {
        return NNC_ROLE_CONCAT;
    }
    if (x->kind == NNC_VALUE_CONST) {
        *reason = "input is constant";
        return NNC_ROLE_FLOAT;
    }
    if (nnc_node_is(node, "AveragePool") || nnc_node_is(node, "GlobalAveragePool")) {
        bool ranks = x->has_shape && (x->shape.rank == 3 || x->shape.rank == 4);
        *reason = ranks ? NULL : "pool over more than 2 spatial dims";
        return ranks ? NNC_ROLE_AVERAGE : NNC_ROLE_FLOAT;
    }
    if (node->op->quant == NNC_QUANT_PRESERVE) {
        *reason = move_problem(graph, node);
        return *reason ? NNC_ROLE_FLOAT : NNC_ROLE_MOVE;
    }
    float lo, hi;
    bool table = node->op->quant == NNC_QUANT_TABLE && is_any(node, tables, sizeof(tables) / sizeof(tables[0])) &&
                 (!nnc_node_is(node, "Clip") || nnc_clamp_bounds(&lo, &hi, graph, node));
    *reason = table ? NULL : "no integer form";
    return table ? NNC_ROLE_TABLE : NNC_ROLE_FLOAT;
}

/* Clamp that the plan fuses behind `id` (src/plan/fuse.c): the only reader of its result. */
static nnc_node_id clamp_behind(const nnc_graph *graph, const nnc_uses *uses, const nnc_node *node,
                                const bool *excluded)
{
    nnc_value_id y = node->outputs[0];
    if (nnc_uses_count(uses, y) != 1 || nnc_graph_is_output(graph, y)) {
        return NNC_ID_NONE;
    }
    nnc_node_id user = uses->node[uses->start[y]];
    const nnc_node *clamp = nnc_graph_node_const(graph, user);
    float lo, hi;
    bool fits = !clamp->dead && !excluded[user] && clamp->inputs[0] == y &&
                nnc_clamp_bounds(&lo, &hi, graph, clamp);
    return fits ? user : NNC_ID_NONE;
}

nnc_value_id nnc_scheme_final(const nnc_scheme *scheme, const nnc_graph *graph, nnc_node_id node)
{
    nnc_node_id last = scheme->clamp[node] != NNC_ID_NONE ? scheme->clamp[node] : node;
    return nnc_graph_node_const(graph, last)->outputs[0];
}

static bool is_any_product(nnc_role role)
{
    return role == NNC_ROLE_PRODUCT || role == NNC_ROLE_PAIR;
}

static bool takes_clamp(nnc_role role)
{
    return is_any_product(role) || role == NNC_ROLE_ELEMENTWISE || role == NNC_ROLE_AVERAGE;
}

static void assign_roles(nnc_scheme *s, const nnc_graph *graph, const nnc_uses *uses, const bool *excluded,
                         const nnc_target *target)
{
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        s->clamp[id] = NNC_ID_NONE;
        if (node->dead) {
            continue;
        }
        s->role[id] = possible_role(&s->reason[id], graph, node, target);
        if (excluded[id] && s->role[id] != NNC_ROLE_FLOAT) {
            s->role[id] = NNC_ROLE_FLOAT;
            s->reason[id] = "excluded";
        }
    }
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        if (takes_clamp(s->role[id])) {
            s->clamp[id] = clamp_behind(graph, uses, nnc_graph_node_const(graph, id), excluded);
            if (s->clamp[id] != NNC_ID_NONE) {
                s->role[s->clamp[id]] = NNC_ROLE_CLAMP;
                s->reason[s->clamp[id]] = NULL;
            }
        }
    }
}

static void go_float(nnc_scheme *s, nnc_node_id id, const char *reason)
{
    s->role[id] = NNC_ROLE_FLOAT;
    s->reason[id] = reason;
    if (s->clamp[id] != NNC_ID_NONE) {
        s->role[s->clamp[id]] = NNC_ROLE_FLOAT;
        s->reason[s->clamp[id]] = reason;
        s->clamp[id] = NNC_ID_NONE;
    }
}

/* Results of a moving node that hold its operand's numbers. */
static uint32_t moved_count(const nnc_scheme *s, const nnc_node *node, nnc_node_id id)
{
    if (s->role[id] != NNC_ROLE_MOVE) {
        return 0;
    }
    return nnc_node_is(node, "Split") ? node->output_count : 1;
}

/* A result of the node is read by an integer node. */
static bool is_wanted(const nnc_scheme *s, const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    bool wanted = s->grid[nnc_scheme_final(s, graph, id)];
    for (uint32_t i = 0; i < moved_count(s, node, id); i++) {
        wanted = wanted || (node->outputs[i] != NNC_ID_NONE && s->grid[node->outputs[i]]);
    }
    return wanted;
}

/* Operands that have to be on grids: all of a Concat, two of an elementwise node or a pair, else the first. */
static uint32_t operand_count(const nnc_scheme *s, const nnc_node *node, nnc_node_id id)
{
    if (s->role[id] == NNC_ROLE_CONCAT) {
        return node->input_count;
    }
    return s->role[id] == NNC_ROLE_ELEMENTWISE || s->role[id] == NNC_ROLE_PAIR ? 2 : 1;
}

static void want_operands(nnc_scheme *s, const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    for (uint32_t i = 0; i < operand_count(s, node, id); i++) {
        if (nnc_graph_value_const(graph, node->inputs[i])->kind != NNC_VALUE_CONST) {
            s->grid[node->inputs[i]] = true;
        }
    }
}

/* Backwards: grids that integer nodes want to read. Forwards: in-between nodes none of whose operands comes from an integer
 * node go float, which may take away other nodes' readers; *changed asks for another round. */
static void settle_round(bool *changed, nnc_scheme *s, bool *made, const nnc_graph *graph,
                         const nnc_node_id *order, size_t count)
{
    *changed = false;
    memset(s->grid, 0, s->value_count * sizeof(*s->grid));
    memset(made, 0, s->value_count * sizeof(*made));
    for (size_t k = count; k-- > 0;) {
        nnc_node_id id = order[k];
        if (s->role[id] == NNC_ROLE_FLOAT || s->role[id] == NNC_ROLE_CLAMP) {
            continue;
        }
        if (is_any_product(s->role[id]) || is_wanted(s, graph, id)) {
            want_operands(s, graph, id);
        } else {
            go_float(s, id, "no integer node reads it");
            *changed = true;
        }
    }
    for (size_t k = 0; k < count; k++) {
        nnc_node_id id = order[k];
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (s->role[id] == NNC_ROLE_FLOAT || s->role[id] == NNC_ROLE_CLAMP) {
            continue;
        }
        bool fed = is_any_product(s->role[id]);
        for (uint32_t i = 0; i < operand_count(s, node, id); i++) {
            fed = fed || made[node->inputs[i]];
        }
        if (!fed) {
            go_float(s, id, "no integer node feeds it");
            *changed = true;
            continue;
        }
        made[nnc_scheme_final(s, graph, id)] = true;
        for (uint32_t i = 0; i < moved_count(s, node, id); i++) {
            if (node->outputs[i] != NNC_ID_NONE) {
                made[node->outputs[i]] = true;
            }
        }
    }
}

bool nnc_adds_into(const nnc_graph *graph, const nnc_uses *uses, nnc_value_id v)
{
    const nnc_value *value = nnc_graph_value_const(graph, v);
    return value->producer != NNC_ID_NONE && nnc_is_product(nnc_graph_node_const(graph, value->producer)) &&
           nnc_uses_count(uses, v) == 1 && !nnc_graph_is_output(graph, v);
}

/* Adds that the reader makes part of a product: the product's result keeps its full precision, the other operand has the grid. Of two
 * products the later one takes the Add. */
static nnc_status add_in_products(nnc_scheme *s, const nnc_graph *graph, const nnc_uses *uses, const nnc_node_id *order,
                                  size_t count)
{
    size_t *position = nnc_calloc(s->node_count + 1, sizeof(*position)); /* counted from 1 */
    if (!position) {
        return NNC_ERR_LIMIT;
    }
    for (size_t k = 0; k < count; k++) {
        nnc_node_id id = order[k];
        const nnc_node *node = nnc_graph_node_const(graph, id);
        nnc_value_id taken = NNC_ID_NONE;
        size_t at = 0;
        position[id] = k + 1;
        for (uint32_t i = 0; s->role[id] == NNC_ROLE_ELEMENTWISE && nnc_node_is(node, "Add") && i < 2; i++) {
            nnc_node_id maker = nnc_graph_value_const(graph, node->inputs[i])->producer;
            bool other = nnc_graph_value_const(graph, node->inputs[1 - i])->kind != NNC_VALUE_CONST;
            if (other && nnc_adds_into(graph, uses, node->inputs[i]) && s->role[maker] == NNC_ROLE_PRODUCT &&
                position[maker] > at) {
                at = position[maker];
                taken = node->inputs[i];
            }
        }
        if (taken != NNC_ID_NONE) {
            s->grid[taken] = false;
            go_float(s, id, "added inside the product by the target");
        }
    }
    nnc_free(position);
    return NNC_OK;
}

/* Results of products that no integer node reads: readers of the file may want a grid there to run the product in integers. */
static void add_tails(nnc_scheme *s, const nnc_graph *graph)
{
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (s->role[id] != NNC_ROLE_PRODUCT || nnc_node_is(node, "MatMul")) {
            continue;
        }
        nnc_value_id y = nnc_scheme_final(s, graph, id);
        if (!s->grid[y]) {
            s->grid[y] = s->tail[y] = true;
        }
    }
}

/* One group per value that numbers come from; movement passes the group on. */
static nnc_status form_groups(nnc_scheme *s, const nnc_graph *graph, const nnc_node_id *order, size_t count)
{
    memset(s->group, 0xff, s->value_count * sizeof(*s->group));
    for (size_t k = 0; k < count; k++) {
        const nnc_node *node = nnc_graph_node_const(graph, order[k]);
        for (uint32_t i = 0; i < moved_count(s, node, order[k]); i++) {
            nnc_value_id y = node->outputs[i];
            if (y != NNC_ID_NONE) {
                s->grid[y] = true;
                s->group[y] = node->inputs[0];
            }
        }
    }
    /* group[] holds the value one step up; follow it and number the tops. */
    s->source = nnc_calloc(s->value_count + 1, sizeof(*s->source));
    uint32_t *number = nnc_calloc(s->value_count + 1, sizeof(*number));
    if (!s->source || !number) {
        nnc_free(number);
        return NNC_ERR_LIMIT;
    }
    for (nnc_value_id v = 0; v < s->value_count; v++) {
        if (s->grid[v] && s->group[v] == NNC_ID_NONE) {
            number[v] = s->group_count;
            s->source[s->group_count++] = v;
        }
    }
    uint32_t *group = nnc_calloc(s->value_count + 1, sizeof(*group));
    for (nnc_value_id v = 0; group && v < s->value_count; v++) {
        nnc_value_id top = v;
        while (s->grid[v] && s->group[top] != NNC_ID_NONE) {
            top = s->group[top];
        }
        group[v] = s->grid[v] ? number[top] : NNC_ID_NONE;
        s->origin[v] = top;
    }
    nnc_free(number);
    nnc_free(s->group);
    s->group = group;
    return group ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status settle(nnc_scheme *s, const nnc_graph *graph, const nnc_uses *uses, const nnc_target *target)
{
    nnc_node_id *order;
    size_t count;
    NNC_TRY(nnc_graph_topo_order(&order, &count, graph));
    bool *made = nnc_calloc(s->value_count + 1, sizeof(*made));
    nnc_status status = made ? NNC_OK : NNC_ERR_LIMIT;
    bool changed = status == NNC_OK;
    while (changed) {
        settle_round(&changed, s, made, graph, order, count);
    }
    if (status == NNC_OK && target->add_in_product) {
        status = add_in_products(s, graph, uses, order, count);
    }
    if (status == NNC_OK) {
        if (target->tail_grids) {
            add_tails(s, graph);
        }
        status = form_groups(s, graph, order, count);
    }
    nnc_free(made);
    nnc_free(order);
    return status;
}

nnc_status nnc_scheme_decide(nnc_scheme *out, const nnc_graph *graph, const nnc_quant_options *options)
{
    uint32_t nodes = nnc_graph_node_count(graph), values = nnc_graph_value_count(graph);
    *out = (nnc_scheme){.node_count = nodes, .value_count = values};
    out->role = nnc_calloc(nodes + 1, sizeof(*out->role));
    out->reason = nnc_calloc(nodes + 1, sizeof(*out->reason));
    out->clamp = nnc_calloc(nodes + 1, sizeof(*out->clamp));
    out->grid = nnc_calloc(values + 1, sizeof(*out->grid));
    out->tail = nnc_calloc(values + 1, sizeof(*out->tail));
    out->origin = nnc_calloc(values + 1, sizeof(*out->origin));
    out->group = nnc_calloc(values + 1, sizeof(*out->group));
    bool *excluded = nnc_calloc(nodes + 1, sizeof(*excluded));
    nnc_uses uses = {0};
    nnc_status status = out->role && out->reason && out->clamp && out->grid && out->tail && out->group && out->origin &&
                                excluded
                            ? nnc_uses_init(&uses, graph)
                            : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = nnc_scheme_exclude(excluded, graph, options->exclude, options->exclude_count);
    }
    if (status == NNC_OK) {
        assign_roles(out, graph, &uses, excluded, options->target);
        status = settle(out, graph, &uses, options->target);
    }
    nnc_uses_deinit(&uses);
    nnc_free(excluded);
    return status;
}

void nnc_scheme_deinit(nnc_scheme *scheme)
{
    nnc_free(scheme->role);
    nnc_free(scheme->reason);
    nnc_free(scheme->clamp);
    nnc_free(scheme->grid);
    nnc_free(scheme->tail);
    nnc_free(scheme->group);
    nnc_free(scheme->origin);
    nnc_free(scheme->source);
}
