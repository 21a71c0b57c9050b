/* Fusion of clamps and residual adds behind a product or binary node. SPDX-License-Identifier: Apache-2.0
 * Two kinds: semantic (a clamp or residual between an integer accumulator and its grid: decides the integers) and
 * optional (preserves bits, left out of the reference plan). */
#include <math.h>

#include "plan/internal.h"

bool nnc_clamp_bounds(float *lo, float *hi, const nnc_graph *graph, const nnc_node *node)
{
    if (nnc_node_is(node, "Relu")) {
        *lo = 0.0f;
        *hi = INFINITY;
        return true;
    }
    if (!nnc_node_is(node, "Clip")) {
        return false;
    }
    float bounds[2] = {-INFINITY, INFINITY};
    for (uint32_t i = 1; i < 3 && i < node->input_count; i++) {
        if (node->inputs[i] == NNC_ID_NONE) {
            continue;
        }
        const nnc_value *v = nnc_graph_value_const(graph, node->inputs[i]);
        if (v->kind != NNC_VALUE_CONST || v->dtype != NNC_DTYPE_FLOAT ||
            v->tensor.dtype != NNC_DTYPE_FLOAT || nnc_tensor_count(&v->tensor) != 1) {
            return false;
        }
        bounds[i - 1] = (float)nnc_tensor_get_double(&v->tensor, 0);
    }
    if (!(bounds[0] <= bounds[1])) {
        return false;
    }
    *lo = bounds[0];
    *hi = bounds[1];
    return true;
}

/* The only consumer of a value that may be fused over, or NNC_ID_NONE. */
static nnc_node_id only_user(const nnc_graph *graph, const nnc_uses *uses, const bool *barrier,
                             nnc_value_id v)
{
    if (nnc_uses_count(uses, v) != 1 || nnc_graph_is_output(graph, v) || (barrier && barrier[v])) {
        return NNC_ID_NONE;
    }
    nnc_node_id user = uses->node[uses->start[v]];
    return nnc_graph_node_const(graph, user)->dead ? NNC_ID_NONE : user;
}

static bool is_product(const nnc_node *node)
{
    return nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm") || nnc_node_is(node, "MatMul");
}

/* The other operand of an Add whose shape equals the sum's, or NNC_ID_NONE. */
static nnc_value_id residual_operand(const nnc_graph *graph, const nnc_node *add, nnc_value_id own)
{
    if (!nnc_node_is(add, "Add") || add->inputs[0] == add->inputs[1]) {
        return NNC_ID_NONE;
    }
    nnc_value_id other = add->inputs[0] == own ? add->inputs[1] : add->inputs[0];
    const nnc_value *a = nnc_graph_value_const(graph, own);
    const nnc_value *b = nnc_graph_value_const(graph, other);
    if (b->kind == NNC_VALUE_CONST || !a->has_shape || !b->has_shape ||
        !nnc_shape_equal(&a->shape, &b->shape)) {
        return NNC_ID_NONE;
    }
    return other;
}

/* Extends over a following clamp: only from a value that is not on a grid itself. */
static void take_clamp(nnc_semantic *unit, const nnc_graph *graph, const nnc_uses *uses,
                       const bool *barrier)
{
    if (nnc_graph_value_const(graph, unit->final)->qparams) {
        return;
    }
    nnc_node_id user = only_user(graph, uses, barrier, unit->final);
    if (user == NNC_ID_NONE) {
        return;
    }
    const nnc_node *node = nnc_graph_node_const(graph, user);
    if (node->inputs[0] == unit->final && nnc_clamp_bounds(&unit->lo, &unit->hi, graph, node)) {
        unit->clamp_node = user;
        unit->last = user;
        unit->final = node->outputs[0];
    }
}

void nnc_semantic_unit(nnc_semantic *out, const nnc_graph *graph, const nnc_uses *uses,
                       const bool *barrier, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    *out = (nnc_semantic){.lo = -INFINITY, .hi = INFINITY, .clamp_node = NNC_ID_NONE,
                          .add_node = NNC_ID_NONE, .last = id, .residual = NNC_ID_NONE,
                          .final = node->output_count == 0 ? NNC_ID_NONE : node->outputs[0]};
    if (out->final == NNC_ID_NONE) {
        return; /* first output omitted */
    }
    /* A product on a dynamic grid gives float numbers: no residual is added to its integers. */
    if (!is_product(node) || nnc_graph_value_const(graph, out->final)->qparams ||
        nnc_is_dynamic_quant(graph, node->inputs[0])) {
        take_clamp(out, graph, uses, barrier);
        return;
    }
    nnc_node_id user = only_user(graph, uses, barrier, out->final);
    if (user != NNC_ID_NONE) {
        const nnc_node *add = nnc_graph_node_const(graph, user);
        nnc_value_id residual = residual_operand(graph, add, out->final);
        if (residual != NNC_ID_NONE && nnc_grid8(nnc_graph_value_const(graph, residual)->qparams)) {
            nnc_semantic with = *out;
            with.add_node = user;
            with.residual = residual;
            with.last = user;
            with.final = add->outputs[0];
            take_clamp(&with, graph, uses, barrier);
            if (nnc_grid8(nnc_graph_value_const(graph, with.final)->qparams)) {
                *out = with;
                return;
            }
        }
    }
    take_clamp(out, graph, uses, barrier);
}

static bool claimed(const nnc_plan_state *state, nnc_node_id id)
{
    return state->anchor[id] != id;
}

static void claim(nnc_plan_state *state, nnc_node_id anchor, nnc_node_id node)
{
    state->anchor[node] = anchor;
}

/* Adds `add` and a clamp behind it to the unit of `id`. */
static void take_add(nnc_plan_state *state, nnc_node_id id, nnc_node_id add, nnc_value_id residual,
                     nnc_value_id mid)
{
    nnc_unit *unit = &state->units[id];
    nnc_semantic tail;
    nnc_semantic_unit(&tail, state->graph, &state->uses, state->tapped, add);
    claim(state, id, add);
    unit->last = add;
    unit->fusion.residual = residual;
    unit->fusion.mid = mid;
    unit->fusion.final = nnc_graph_node_const(state->graph, add)->outputs[0];
    if (tail.clamp_node != NNC_ID_NONE && !claimed(state, tail.clamp_node)) {
        claim(state, id, tail.clamp_node);
        unit->last = tail.clamp_node;
        unit->fusion.lo = tail.lo;
        unit->fusion.hi = tail.hi;
        unit->fusion.final = tail.final;
    }
}

/* A Gemm takes a residual only in its plain form: constant matrix, no addend or one per column. */
static bool takes_residual(const nnc_graph *graph, const nnc_node *node)
{
    if (!nnc_node_is(node, "Gemm")) {
        return true;
    }
    const nnc_value *w = nnc_graph_value_const(graph, node->inputs[1]);
    bool addend = node->input_count > 2 && node->inputs[2] != NNC_ID_NONE;
    const nnc_value *c = addend ? nnc_graph_value_const(graph, node->inputs[2]) : NULL;
    return w->kind == NNC_VALUE_CONST &&
           (!c || (c->kind == NNC_VALUE_CONST && c->tensor.shape.rank <= 1));
}

/* Bit-preserving residual fusion: float product + float add, or requantize + integer add. */
static void fuse_optional_add(nnc_plan_state *state, nnc_node_id id)
{
    nnc_unit *unit = &state->units[id];
    const nnc_graph *graph = state->graph;
    nnc_value_id own = unit->fusion.final;
    const nnc_value *value = nnc_graph_value_const(graph, own);
    bool integer = state->legal[id].integer;
    if (integer ? !nnc_grid8(value->qparams) : (value->qparams != NULL || unit->last != id)) {
        return;
    }
    nnc_node_id user = only_user(graph, &state->uses, state->tapped, own);
    if (user == NNC_ID_NONE || claimed(state, user) || state->units[user].last != user ||
        state->legal[user].integer != integer) {
        return;
    }
    const nnc_node *add = nnc_graph_node_const(graph, user);
    nnc_value_id residual = residual_operand(graph, add, own);
    if (residual == NNC_ID_NONE || value->dtype != NNC_DTYPE_FLOAT ||
        !takes_residual(graph, nnc_graph_node_const(graph, id))) {
        return;
    }
    if (integer && unit->last != id) {
        return; /* a clamp before the intermediate grid stays a unit of its own */
    }
    take_add(state, id, user, residual, own);
}

/* The clamps of the runtime are those of float32. */
static bool is_real(const nnc_graph *graph, nnc_value_id v)
{
    return nnc_graph_value_const(graph, v)->dtype == NNC_DTYPE_FLOAT;
}

static void fuse_node(nnc_plan_state *state, nnc_node_id id, bool fuse_optional)
{
    const nnc_graph *graph = state->graph;
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_unit *unit = &state->units[id];
    bool product = is_product(node);
    bool binary = nnc_node_is(node, "Add") || nnc_node_is(node, "Sub") || nnc_node_is(node, "Mul");
    bool average = nnc_node_is(node, "AveragePool") || nnc_node_is(node, "GlobalAveragePool");
    bool transpose = nnc_node_is(node, "ConvTranspose");
    if (claimed(state, id) || !(product || binary || average || transpose)) {
        return;
    }
    nnc_semantic found;
    nnc_semantic_unit(&found, graph, &state->uses, state->tapped, id);
    bool semantic = state->legal[id].integer;
    bool direct = found.residual != NNC_ID_NONE && semantic && !claimed(state, found.add_node);
    if (found.residual != NNC_ID_NONE && !direct) {
        found.add_node = NNC_ID_NONE;
        found.clamp_node = NNC_ID_NONE;
    }
    if (direct) {
        take_add(state, id, found.add_node, found.residual, node->outputs[0]);
        return;
    }
    if (found.clamp_node != NNC_ID_NONE && !claimed(state, found.clamp_node) &&
        (semantic || (fuse_optional && is_real(graph, node->outputs[0])))) {
        claim(state, id, found.clamp_node);
        unit->last = found.clamp_node;
        unit->fusion.lo = found.lo;
        unit->fusion.hi = found.hi;
        unit->fusion.final = found.final;
    }
    if (product && fuse_optional) {
        fuse_optional_add(state, id);
    }
}

nnc_status nnc_fuse(nnc_plan_state *state)
{
    uint32_t n = nnc_graph_node_count(state->graph);
    for (nnc_node_id id = 0; id < n; id++) {
        const nnc_node *node = nnc_graph_node_const(state->graph, id);
        state->anchor[id] = id;
        state->units[id].last = id;
        state->units[id].fusion = (nnc_fusion){
            .lo = -INFINITY, .hi = INFINITY, .residual = NNC_ID_NONE, .mid = NNC_ID_NONE,
            .final = node->dead || node->output_count == 0 ? NNC_ID_NONE : node->outputs[0]};
    }
    bool fuse_optional = !(state->options && state->options->unfused);
    /* Products first and from the end: of two products that feed one Add, the later one takes it, so that the
     * other operand is ready; then the binaries that remain take their clamps. */
    for (size_t k = state->order_count; k-- > 0;) {
        nnc_node_id id = state->order[k];
        if (is_product(nnc_graph_node_const(state->graph, id))) {
            fuse_node(state, id, fuse_optional);
        }
    }
    for (size_t k = state->order_count; k-- > 0;) {
        nnc_node_id id = state->order[k];
        if (!is_product(nnc_graph_node_const(state->graph, id))) {
            fuse_node(state, id, fuse_optional);
        }
    }
    return NNC_OK;
}
