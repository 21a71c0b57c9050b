/* QuantizeLinear/DequantizeLinear pairs become annotations (docs/architecture.md, "Quantized
 * forms"). SPDX-License-Identifier: Apache-2.0 Never changes a number: what does not fit an
 * annotation stays a node. */
#include <string.h>

#include "passes/qdq.h"

typedef struct fold {
    nnc_graph *graph;
    nnc_uses uses;
    nnc_node_id *order;
    size_t count;
    nnc_qparams **grid; /* [nodes]: of Q and DQ nodes, and of data movement that is lifted out of
                           integers; NULL: none */
    uint32_t nodes;     /* length of grid */
    size_t *changed;
} fold;

static nnc_status fold_init(fold *f, nnc_graph *graph, size_t *changed)
{
    *f = (fold){.graph = graph, .changed = changed, .nodes = nnc_graph_node_count(graph)};
    NNC_TRY(nnc_uses_init(&f->uses, graph));
    f->grid = nnc_calloc(f->nodes, sizeof *f->grid);
    return f->grid ? nnc_graph_topo_order(&f->order, &f->count, graph) : NNC_ERR_LIMIT;
}

static void fold_deinit(fold *f)
{
    for (uint32_t n = 0; f->grid && n < f->nodes; n++) {
        nnc_qparams_destroy(f->grid[n]);
    }
    nnc_free(f->grid);
    nnc_free(f->order);
    nnc_uses_deinit(&f->uses);
}

static const nnc_node *node_of(const fold *f, nnc_node_id n)
{
    return nnc_graph_node_const(f->graph, n);
}

/* Grids of all Q and DQ nodes that activations can have. */
static nnc_status read_grids(fold *f)
{
    for (size_t k = 0; k < f->count; k++) {
        nnc_node_id n = f->order[k];
        const nnc_node *node = node_of(f, n);
        if (!nnc_node_is(node, "QuantizeLinear") && !nnc_node_is(node, "DequantizeLinear")) {
            continue;
        }
        NNC_TRY(nnc_qdq_read(&f->grid[n], f->graph, n));
        if (f->grid[n] && !nnc_qdq_is_activation_grid(f->grid[n])) {
            nnc_qparams_destroy(f->grid[n]);
            f->grid[n] = NULL;
        }
    }
    return NNC_OK;
}

/* ---- Q, data movement, DQ: the DQ moves up ---- */

/* Does the op copy or select elements of input 0 (Concat: of every input) without looking at their
 * values, so that it works on integers and on their numbers alike? */
static bool moves_data(const nnc_node *node)
{
    static const char *const ops[] = {
        "Concat",   "DepthToSpace", "Expand",    "Flatten",   "Gather",       "GatherElements",
        "Identity", "MaxPool",      "Reshape",   "Slice",     "SpaceToDepth", "Split",
        "Squeeze",  "Tile",         "Transpose", "Unsqueeze", "GlobalMaxPool"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (nnc_node_is(node, ops[i])) {
            return true;
        }
    }
    if (nnc_node_is(node, "Resize")) {
        return strcmp(nnc_node_string(node, "mode", "nearest"), "nearest") == 0;
    }
    if (nnc_node_is(node, "Pad")) {
        return strcmp(nnc_node_string(node, "mode", "constant"), "constant") != 0;
    }
    return false;
}

static bool is_data_slot(const nnc_node *node, uint32_t slot)
{
    return slot == 0 || nnc_node_is(node, "Concat");
}

/* The grid on which everybody who reads v takes it: all readers are DQ nodes, or lifted movement,
 * of one grid. NULL if not, or if nobody reads it. */
static const nnc_qparams *readers_grid(const fold *f, nnc_value_id v)
{
    const nnc_qparams *grid = NULL;
    if (nnc_graph_is_output(f->graph, v)) {
        return NULL;
    }
    for (uint32_t k = f->uses.start[v]; k < f->uses.start[v + 1]; k++) {
        nnc_node_id n = f->uses.node[k];
        const nnc_node *node = node_of(f, n);
        bool reads = nnc_node_is(node, "DequantizeLinear") ? f->uses.slot[k] == 0
                                                           : is_data_slot(node, f->uses.slot[k]);
        const nnc_qparams *g = nnc_node_is(node, "QuantizeLinear") || !reads ? NULL : f->grid[n];
        if (!g || (grid && !nnc_qparams_equal(g, grid))) {
            return NULL;
        }
        grid = g;
    }
    return grid;
}

static nnc_status mark_movement(fold *f)
{
    for (size_t k = f->count; k-- > 0;) {
        nnc_node_id n = f->order[k];
        const nnc_node *node = node_of(f, n);
        const nnc_qparams *grid = NULL;
        bool same = moves_data(node);
        for (uint32_t i = 0; same && i < node->output_count; i++) {
            nnc_value_id v = node->outputs[i];
            if (v == NNC_ID_NONE ||
                (nnc_uses_count(&f->uses, v) == 0 && !nnc_graph_is_output(f->graph, v))) {
                continue;
            }
            const nnc_qparams *g = readers_grid(f, v);
            same = g && (!grid || nnc_qparams_equal(g, grid)) &&
                   nnc_graph_value_const(f->graph, v)->dtype == g->dtype;
            grid = g;
        }
        if (same && grid) {
            NNC_TRY(nnc_qparams_copy(&f->grid[n], grid));
        }
    }
    return NNC_OK;
}

static bool is_lifted(const fold *f, nnc_node_id n)
{
    return n != NNC_ID_NONE && n < f->nodes && f->grid[n] && moves_data(node_of(f, n));
}

/* A constant of a grid's scale or zero point. */
static nnc_status grid_const(nnc_value_id *out, nnc_graph *graph, const nnc_qparams *q, bool zero)
{
    const nnc_shape scalar = {.rank = 0};
    nnc_tensor wide = {0}, t = {0};
    if (!zero) {
        return nnc_graph_add_const_f32(out, graph, "scale", q->scale, &scalar);
    }
    NNC_TRY(nnc_tensor_create_from(&wide, NNC_DTYPE_INT32, &scalar, q->zero_point));
    nnc_status status = nnc_tensor_convert(&t, &wide, q->dtype);
    nnc_tensor_deinit(&wide);
    NNC_TRY(status);
    status = nnc_graph_add_const(out, graph, "zero_point", &t);
    nnc_tensor_deinit(&t);
    return status;
}

/* Data inputs of a lifted node come dequantized. */
static nnc_status dequantize_inputs(fold *f, nnc_node_id n)
{
    const nnc_qparams *grid = f->grid[n];
    for (uint32_t i = 0; i < node_of(f, n)->input_count; i++) {
        nnc_value_id in[3] = {node_of(f, n)->inputs[i], NNC_ID_NONE, NNC_ID_NONE}, y;
        if (in[0] == NNC_ID_NONE || !is_data_slot(node_of(f, n), i) ||
            is_lifted(f, nnc_graph_value_const(f->graph, in[0])->producer)) {
            continue;
        }
        nnc_node_id dq;
        NNC_TRY(grid_const(&in[1], f->graph, grid, false));
        NNC_TRY(grid_const(&in[2], f->graph, grid, true));
        NNC_TRY(
            nnc_pass_add_temp(&y, f->graph, in[0], NNC_DTYPE_FLOAT, "_DequantizeLinear_Output"));
        NNC_TRY(nnc_pass_add_node(&dq, f->graph, "", "DequantizeLinear", in, 3, y));
        nnc_graph_node(f->graph, n)->inputs[i] = y;
    }
    return NNC_OK;
}

/* Outputs of a lifted node hold numbers on the grid; the DQ nodes behind them go. */
static nnc_status lift_outputs(fold *f, nnc_node_id n, nnc_value_id *to)
{
    const nnc_node *node = node_of(f, n);
    for (uint32_t i = 0; i < node->output_count; i++) {
        nnc_value_id v = node->outputs[i];
        nnc_qparams *copy;
        if (v == NNC_ID_NONE) {
            continue;
        }
        for (uint32_t k = f->uses.start[v]; k < f->uses.start[v + 1]; k++) {
            nnc_node_id dq = f->uses.node[k];
            if (nnc_node_is(node_of(f, dq), "DequantizeLinear")) {
                to[node_of(f, dq)->outputs[0]] = v;
            }
        }
        NNC_TRY(nnc_qparams_copy(&copy, f->grid[n]));
        nnc_graph_value(f->graph, v)->dtype = NNC_DTYPE_FLOAT;
        nnc_value_set_qparams(nnc_graph_value(f->graph, v), copy);
    }
    return NNC_OK;
}

static nnc_status lift_movement(fold *f)
{
    nnc_value_id *to = nnc_pass_replacements(f->graph);
    nnc_status status = to ? NNC_OK : NNC_ERR_LIMIT;
    size_t lifted = 0;
    for (size_t k = 0; status == NNC_OK && k < f->count; k++) {
        if (is_lifted(f, f->order[k])) {
            status = lift_outputs(f, f->order[k], to);
            lifted++;
        }
    }
    if (status == NNC_OK && lifted > 0) {
        nnc_graph_replace_all(f->graph, to);
        for (uint32_t n = 0; n < f->nodes; n++) {
            const nnc_node *node = node_of(f, n);
            if (!node->dead && nnc_node_is(node, "DequantizeLinear") &&
                to[node->outputs[0]] != NNC_ID_NONE) {
                nnc_graph_remove_node(f->graph, n);
            }
        }
    }
    for (size_t k = 0; status == NNC_OK && k < f->count; k++) {
        if (is_lifted(f, f->order[k])) {
            status = dequantize_inputs(f, f->order[k]);
        }
    }
    *f->changed += lifted;
    nnc_free(to);
    return status;
}

static nnc_status move_dequantize_up(nnc_graph *graph, size_t *changed)
{
    fold f;
    nnc_status status = fold_init(&f, graph, changed);
    if (status == NNC_OK) {
        status = read_grids(&f);
    }
    if (status == NNC_OK) {
        status = mark_movement(&f);
    }
    if (status == NNC_OK) {
        status = lift_movement(&f);
    }
    fold_deinit(&f);
    return status;
}

/* ---- pairs ---- */

static nnc_value_id current(const nnc_value_id *to, nnc_value_id v)
{
    while (to[v] != NNC_ID_NONE) {
        v = to[v];
    }
    return v;
}

static nnc_status annotate(nnc_graph *graph, nnc_value_id v, const nnc_qparams *grid)
{
    nnc_qparams *copy;
    NNC_TRY(nnc_qparams_copy(&copy, grid));
    nnc_value_set_qparams(nnc_graph_value(graph, v), copy);
    return NNC_OK;
}

/* True if reader k of the quantized value is a DequantizeLinear back from the same grid. */
static bool is_partner(const fold *f, uint32_t k, const nnc_qparams *grid)
{
    nnc_node_id n = f->uses.node[k];
    return !node_of(f, n)->dead && f->uses.slot[k] == 0 &&
           nnc_node_is(node_of(f, n), "DequantizeLinear") && f->grid[n] &&
           nnc_qparams_equal(f->grid[n], grid);
}

/* The value that stands for what the DQ nodes gave: x itself, a DQ output that is an output of the
 * graph (its name stays), or the result of an nnc.Quant. */
static nnc_status pair_result(nnc_value_id *out, fold *f, nnc_value_id *to, nnc_node_id q,
                              nnc_value_id x, nnc_value_id y)
{
    nnc_graph *graph = f->graph;
    const nnc_qparams *grid = f->grid[q];
    const nnc_value *vx = nnc_graph_value_const(graph, x);
    bool on_grid = vx->qparams && nnc_qparams_equal(vx->qparams, grid);
    bool alone = !vx->qparams && nnc_uses_count(&f->uses, x) == 1 && vx->kind != NNC_VALUE_CONST &&
                 !nnc_graph_is_output(graph, x);
    bool named = nnc_graph_is_output(graph, y);
    bool can_take = vx->kind == NNC_VALUE_TEMP && !nnc_graph_is_output(graph, x);
    if ((on_grid || alone) && (!named || can_take)) {
        NNC_TRY(alone ? annotate(graph, x, grid) : NNC_OK);
        *out = x;
        if (named) {
            nnc_node_id producer = vx->producer;
            uint32_t i = 0;
            while (node_of(f, producer)->outputs[i] != x) {
                i++;
            }
            NNC_TRY(annotate(graph, y, grid));
            nnc_graph_node(graph, nnc_graph_value_const(graph, y)->producer)->dead = true;
            nnc_pass_steal_output(graph, producer, i, y);
            to[x] = y;
            *out = y;
        }
        return NNC_OK;
    }
    nnc_node_id quant;
    nnc_graph_remove_node(graph, nnc_graph_value_const(graph, y)->producer);
    nnc_graph_value(graph, y)->dead = false;
    NNC_TRY(nnc_graph_add_node(&quant, graph, "", "nnc", "Quant", &x, 1, &y, 1));
    NNC_TRY(annotate(graph, y, grid));
    *out = y;
    return nnc_node_bind(graph, quant);
}

static nnc_status fold_pair(fold *f, nnc_node_id q, nnc_value_id *to)
{
    nnc_graph *graph = f->graph;
    const nnc_qparams *grid = f->grid[q];
    nnc_value_id x = current(to, node_of(f, q)->inputs[0]), v = node_of(f, q)->outputs[0];
    nnc_value_id chosen = NNC_ID_NONE, result;
    uint32_t others = nnc_graph_is_output(graph, v);
    for (uint32_t k = f->uses.start[v]; k < f->uses.start[v + 1]; k++) {
        if (!is_partner(f, k, grid)) {
            others++;
            continue;
        }
        nnc_value_id y = node_of(f, f->uses.node[k])->outputs[0];
        if (chosen == NNC_ID_NONE ||
            (!nnc_graph_is_output(graph, chosen) && nnc_graph_is_output(graph, y))) {
            chosen = y;
        }
    }
    if (chosen == NNC_ID_NONE) {
        return NNC_OK;
    }
    NNC_TRY(pair_result(&result, f, to, q, x, chosen));
    for (uint32_t k = f->uses.start[v]; k < f->uses.start[v + 1]; k++) {
        nnc_node_id n = f->uses.node[k];
        if (nnc_node_is(node_of(f, n), "DequantizeLinear") && f->grid[n] &&
            nnc_qparams_equal(f->grid[n], grid) && node_of(f, n)->outputs[0] != result) {
            to[node_of(f, n)->outputs[0]] = result;
        }
    }
    if (others == 0) {
        nnc_graph_node(graph, q)->dead = true;
        nnc_graph_value(graph, v)->producer = NNC_ID_NONE;
        nnc_graph_value(graph, v)->dead = true;
    }
    (*f->changed)++;
    return NNC_OK;
}

/* A DequantizeLinear that stays gives numbers on its grid. */
static nnc_status annotate_dequantized(fold *f, nnc_node_id n, const nnc_value_id *to)
{
    nnc_value_id y = node_of(f, n)->outputs[0];
    if (node_of(f, n)->dead || to[y] != NNC_ID_NONE ||
        nnc_graph_value_const(f->graph, y)->qparams ||
        nnc_graph_value_const(f->graph, y)->dtype != NNC_DTYPE_FLOAT) {
        return NNC_OK;
    }
    (*f->changed)++;
    return annotate(f->graph, y, f->grid[n]);
}

static nnc_status fold_pairs_of(fold *f)
{
    nnc_value_id *to = nnc_pass_replacements(f->graph);
    nnc_status status = to ? read_grids(f) : NNC_ERR_LIMIT;
    for (size_t k = 0; status == NNC_OK && k < f->count; k++) {
        nnc_node_id n = f->order[k];
        if (!f->grid[n]) {
            continue;
        }
        status = nnc_node_is(node_of(f, n), "QuantizeLinear") ? fold_pair(f, n, to)
                                                              : annotate_dequantized(f, n, to);
    }
    if (status == NNC_OK) {
        nnc_graph_replace_all(f->graph, to);
    }
    for (uint32_t n = 0; status == NNC_OK && n < f->nodes; n++) {
        const nnc_node *node = node_of(f, n);
        if (!node->dead && nnc_node_is(node, "DequantizeLinear") &&
            to[node->outputs[0]] != NNC_ID_NONE) {
            nnc_graph_remove_node(f->graph, n);
        }
    }
    nnc_free(to);
    return status;
}

static nnc_status fold_pairs(nnc_graph *graph, size_t *changed)
{
    fold f;
    nnc_status status = fold_init(&f, graph, changed);
    if (status == NNC_OK) {
        status = fold_pairs_of(&f);
    }
    fold_deinit(&f);
    return status;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    size_t swept;
    *changed = 0;
    NNC_TRY(nnc_qdq_fold_dynamic(graph, changed));
    NNC_TRY(nnc_qdq_fold_constants(graph, changed));
    NNC_TRY(move_dequantize_up(graph, changed));
    NNC_TRY(nnc_qdq_fold_constants(graph, changed));
    NNC_TRY(fold_pairs(graph, changed));
    NNC_TRY(nnc_pass_dead_code.run(graph, ctx, &swept));
    return nnc_graph_infer(graph, NULL);
}

const nnc_pass nnc_pass_qdq_fold = {
    .name = "qdq-fold",
    .help = "turn QuantizeLinear and DequantizeLinear pairs into annotations of values",
    .run = run,
};
