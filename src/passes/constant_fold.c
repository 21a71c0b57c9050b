/* Nodes whose inputs are constant become constants. SPDX-License-Identifier: Apache-2.0
 * Shape arithmetic that inference follows is written down directly; the rest runs once, as a graph
 * of its own, through src/exec. Budgets keep a small file from growing: an output may take 4 times
 * its inputs, 64 MiB at most, all together 256 MiB. */
#include <string.h>

#include "exec/exec.h"
#include "ops/infer.h"
#include "passes/pass_util.h"

#define SMALL_BYTES 4096u /* always folded: shapes, scalars */
#define OUTPUT_BYTES (64u * 1024 * 1024)
#define TOTAL_BYTES (256u * 1024 * 1024)

/* ---- known integers ---- */

typedef struct known_fold {
    nnc_graph *graph;
    size_t changed;
} known_fold;

static nnc_status take_known(void *user, nnc_value_id value, const int64_t *data, size_t count,
                             bool scalar)
{
    known_fold *fold = user;
    nnc_value *v = nnc_graph_value(fold->graph, value);
    const nnc_shape shape = {.rank = scalar ? 0 : 1, .dims = {(int64_t)count}};
    nnc_tensor wide = {0}, t = {0};
    if (v->kind != NNC_VALUE_TEMP || v->producer == NNC_ID_NONE || v->qparams ||
        nnc_graph_node_const(fold->graph, v->producer)->output_count != 1) {
        return NNC_OK;
    }
    NNC_TRY(nnc_tensor_create_from(&wide, NNC_DTYPE_INT64, &shape, data));
    nnc_status status = nnc_tensor_convert(&t, &wide, v->dtype);
    nnc_tensor_deinit(&wide);
    NNC_TRY(status);
    nnc_node_id producer = v->producer;
    nnc_pass_make_const(fold->graph, value, &t);
    nnc_graph_remove_node(fold->graph, producer);
    fold->changed++;
    return NNC_OK;
}

/* ---- the rest ---- */

typedef struct fold_state {
    nnc_graph *graph;
    bool *foldable; /* [nodes] */
    size_t *bytes;  /* [values]: of constants and foldable results */
    nnc_node_id *order;
    size_t order_count, total;
} fold_state;

static bool value_bytes(size_t *out, const nnc_value *v)
{
    size_t count;
    return v->has_shape && nnc_shape_count(&count, &v->shape) &&
           nnc_dtype_bytes(out, (int)v->dtype, count) && nnc_dtype_bits((int)v->dtype) >= 8;
}

static bool constant_input(const fold_state *s, nnc_value_id id)
{
    const nnc_value *v = nnc_graph_value_const(s->graph, id);
    if (v->kind == NNC_VALUE_CONST) {
        return !v->qparams && v->shape.rank <= NNRT_RANK_MAX;
    }
    return v->producer != NNC_ID_NONE && s->foldable[v->producer];
}

/* QuantizeLinear and DequantizeLinear are the quantization passes' to read; an unknown op has no `op`. */
static bool node_is_foldable(fold_state *s, const nnc_node *node)
{
    size_t in = 0, out = 0;
    if (!node->op || !node->op->lower || node->input_count == 0 || nnc_node_is_random(node) ||
        nnc_node_is(node, "QuantizeLinear") || nnc_node_is(node, "DequantizeLinear") ||
        strcmp(node->domain, "nnc") == 0) {
        return false;
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] == NNC_ID_NONE) {
            continue;
        }
        if (!constant_input(s, node->inputs[i])) {
            return false;
        }
        const nnc_value *v = nnc_graph_value_const(s->graph, node->inputs[i]);
        in += v->kind == NNC_VALUE_CONST ? nnc_tensor_bytes(&v->tensor) : s->bytes[node->inputs[i]];
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        size_t one;
        if (node->outputs[i] == NNC_ID_NONE) {
            continue;
        }
        const nnc_value *v = nnc_graph_value_const(s->graph, node->outputs[i]);
        if (v->qparams || !value_bytes(&one, v) || v->shape.rank > NNRT_RANK_MAX) {
            return false;
        }
        s->bytes[node->outputs[i]] = one;
        out += one;
    }
    if (out > SMALL_BYTES && (out > OUTPUT_BYTES || out / 4 > in)) {
        return false;
    }
    if (s->total + out > TOTAL_BYTES) {
        return false;
    }
    s->total += out;
    return true;
}

/* A foldable value that something outside of the folded part reads. */
static bool is_frontier(const fold_state *s, const nnc_uses *uses, nnc_value_id v)
{
    if (nnc_graph_is_output(s->graph, v)) {
        return true;
    }
    for (uint32_t k = uses->start[v]; k < uses->start[v + 1]; k++) {
        if (!s->foldable[uses->node[k]]) {
            return true;
        }
    }
    return false;
}

static nnc_status copy_value(nnc_graph *to, const nnc_graph *from, nnc_value_id id,
                             nnc_value_id *map)
{
    const nnc_value *v = nnc_graph_value_const(from, id);
    if (map[id] != NNC_ID_NONE) {
        return NNC_OK;
    }
    if (v->kind == NNC_VALUE_CONST) {
        return nnc_graph_add_const(&map[id], to, v->name, &v->tensor);
    }
    return nnc_graph_add_value(&map[id], to, v->name, NNC_VALUE_TEMP, v->dtype, &v->shape);
}

static nnc_status copy_node(nnc_graph *to, const nnc_graph *from, nnc_node_id id, nnc_value_id *map)
{
    const nnc_node *node = nnc_graph_node_const(from, id);
    nnc_value_id *ids = nnc_calloc((size_t)node->input_count + node->output_count, sizeof *ids);
    nnc_status status = ids ? NNC_OK : NNC_ERR_LIMIT;
    for (uint32_t i = 0; status == NNC_OK && i < node->input_count + node->output_count; i++) {
        nnc_value_id v =
            i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
        status = v == NNC_ID_NONE ? NNC_OK : copy_value(to, from, v, map);
        if (status == NNC_OK) {
            ids[i] = v == NNC_ID_NONE ? NNC_ID_NONE : map[v];
        }
    }
    nnc_node_id copy;
    if (status == NNC_OK) {
        status = nnc_graph_add_node(&copy, to, node->name, node->domain, node->op_type, ids,
                                    node->input_count, ids + node->input_count, node->output_count);
    }
    for (uint32_t a = 0; status == NNC_OK && a < node->attr_count; a++) {
        status = nnc_node_set_attr(to, copy, &node->attrs[a]);
    }
    nnc_free(ids);
    return status == NNC_OK ? nnc_node_bind(to, copy) : status;
}

/* Runs `part`, a graph without inputs, and makes its outputs constants of the graph. */
static nnc_status run_part(fold_state *s, const nnc_graph *part, const nnc_value_id *frontier,
                           const nnc_pass_ctx *ctx)
{
    nnc_exec_options options = {.threads = ctx ? ctx->threads : 1,
                                .isa_max = ctx ? ctx->isa_max : NNRT_ISA_BEST};
    nnc_exec *exec = NULL;
    NNC_TRY(nnc_exec_create(&exec, part, &options));
    nnc_status status = nnc_exec_run(exec, NULL, 0);
    for (size_t i = 0; status == NNC_OK && i < nnc_graph_output_count(part); i++) {
        nnc_tensor t = {0};
        status = nnc_exec_output(&t, exec, i);
        if (status == NNC_OK) {
            const nnc_value *v = nnc_graph_value_const(s->graph, frontier[i]);
            if (t.dtype != v->dtype || !nnc_shape_equal(&t.shape, &v->shape)) {
                char a[256], b[256];
                status = nnc_error_set(
                    NNC_ERR_INTERNAL, "folded '%s' is %s %s, inferred %s %s", v->name,
                    nnc_dtype_name((int)t.dtype), nnc_shape_format(a, sizeof a, &t.shape),
                    nnc_dtype_name((int)v->dtype), nnc_shape_format(b, sizeof b, &v->shape));
            } else {
                nnc_pass_make_const(s->graph, frontier[i], &t);
            }
        }
        nnc_tensor_deinit(&t);
    }
    nnc_exec_destroy(exec);
    return status;
}

/* Removes folded nodes; their frontier outputs are constants already and stay. */
static size_t remove_folded(fold_state *s)
{
    size_t changed = 0;
    for (size_t k = 0; k < s->order_count; k++) {
        if (s->foldable[s->order[k]]) {
            nnc_graph_remove_node(s->graph, s->order[k]);
            changed++;
        }
    }
    return changed;
}

/* The folded part as a graph; *frontier lists the values of the source graph that its outputs stand
 * for. */
static nnc_status build_part(const fold_state *s, const nnc_uses *uses, nnc_graph *part,
                             nnc_value_id *map, nnc_value_id *frontier)
{
    size_t count = 0;
    for (size_t k = 0; k < s->order_count; k++) {
        const nnc_node *node = nnc_graph_node_const(s->graph, s->order[k]);
        if (!s->foldable[s->order[k]]) {
            continue;
        }
        NNC_TRY(copy_node(part, s->graph, s->order[k], map));
        for (uint32_t i = 0; i < node->output_count; i++) {
            nnc_value_id v = node->outputs[i];
            if (v != NNC_ID_NONE && is_frontier(s, uses, v)) {
                frontier[count++] = v;
                NNC_TRY(nnc_graph_add_output(part, map[v], NULL));
            }
        }
    }
    return NNC_OK;
}

static nnc_status fold_all(fold_state *s, const nnc_uses *uses, const nnc_pass_ctx *ctx)
{
    size_t values = nnc_graph_value_count(s->graph);
    nnc_value_id *map = nnc_pass_replacements(s->graph);
    nnc_value_id *frontier = nnc_calloc(values, sizeof *frontier);
    nnc_graph *part = NULL;
    nnc_status status = map && frontier ? nnc_graph_create(&part) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = build_part(s, uses, part, map, frontier);
    }
    if (status == NNC_OK) {
        status = nnc_graph_infer(part, NULL);
    }
    if (status == NNC_OK) {
        status = run_part(s, part, frontier, ctx);
    }
    nnc_graph_destroy(part);
    nnc_free(map);
    nnc_free(frontier);
    return status;
}

/* One node at a time, leaving those that the runtime cannot compute (a type it lacks, a mode it
 * refuses). */
static nnc_status fold_each(fold_state *s, const nnc_uses *uses, const nnc_pass_ctx *ctx)
{
    bool *all = s->foldable;
    size_t nodes = nnc_graph_node_count(s->graph);
    bool *one = nnc_calloc(nodes, sizeof *one);
    nnc_status status = one ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t k = 0; status == NNC_OK && k < s->order_count; k++) {
        nnc_node_id n = s->order[k];
        const nnc_node *node = nnc_graph_node_const(s->graph, n);
        bool ready = all[n];
        for (uint32_t i = 0; ready && i < node->input_count; i++) {
            ready = node->inputs[i] == NNC_ID_NONE ||
                    nnc_graph_value_const(s->graph, node->inputs[i])->kind == NNC_VALUE_CONST;
        }
        all[n] = false;
        if (!ready) {
            continue;
        }
        one[n] = true;
        s->foldable = one;
        status = fold_all(s, uses, ctx);
        s->foldable = all;
        one[n] = false;
        all[n] = status == NNC_OK;
        if (status == NNC_ERR_UNSUPPORTED) {
            nnc_log_debug(ctx ? ctx->log : NULL, "not folded: %s", nnc_error_message());
            status = NNC_OK;
        }
    }
    nnc_free(one);
    return status;
}

static nnc_status fold_nodes(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    fold_state s = {.graph = graph};
    nnc_uses uses;
    size_t found = 0;
    NNC_TRY(nnc_uses_init(&uses, graph));
    s.foldable = nnc_calloc(nnc_graph_node_count(graph), sizeof *s.foldable);
    s.bytes = nnc_calloc(nnc_graph_value_count(graph), sizeof *s.bytes);
    nnc_status status = s.foldable && s.bytes ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = nnc_graph_topo_order(&s.order, &s.order_count, graph);
    }
    for (size_t k = 0; status == NNC_OK && k < s.order_count; k++) {
        s.foldable[s.order[k]] = node_is_foldable(&s, nnc_graph_node_const(graph, s.order[k]));
        found += s.foldable[s.order[k]];
    }
    if (status == NNC_OK && found > 0) {
        status = fold_all(&s, &uses, ctx);
        if (status == NNC_ERR_UNSUPPORTED) {
            status = fold_each(&s, &uses, ctx);
        }
        *changed += status == NNC_OK ? remove_folded(&s) : 0;
    }
    nnc_free(s.foldable);
    nnc_free(s.bytes);
    nnc_free(s.order);
    nnc_uses_deinit(&uses);
    return status;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    known_fold known = {.graph = graph};
    *changed = 0;
    NNC_TRY(nnc_graph_infer_known(graph, NULL, take_known, &known));
    *changed = known.changed;
    return fold_nodes(graph, ctx, changed);
}

const nnc_pass nnc_pass_constant_fold = {
    .name = "constant-fold",
    .help = "compute nodes whose inputs are constant",
    .run = run,
};
