/* Products whose input is quantized at every run: DynamicQuantizeLinear, MatMulInteger, Cast and
 * Mul become MatMul of a dynamic nnc.Quant and an annotated weight, and back.
 * SPDX-License-Identifier: Apache-2.0 The runtime computes that MatMul as the nodes do, bit for
 * bit; what does not match stays as it is. */
#include "passes/qdq.h"

/* 255 * 255 * K stays below 2^31. */
#define DEPTH_MAX 33025

typedef struct match {
    nnc_node_id quantize, product, cast, scale,
        last;       /* last: the Mul whose result is the product's */
    nnc_qparams *q; /* of the weight */
} match;

static nnc_node_id producer_of(const nnc_graph *graph, nnc_value_id v, const char *op)
{
    nnc_node_id p = v == NNC_ID_NONE ? NNC_ID_NONE : nnc_graph_value_const(graph, v)->producer;
    return p != NNC_ID_NONE && nnc_node_is(nnc_graph_node_const(graph, p), op) ? p : NNC_ID_NONE;
}

/* Output i of DynamicQuantizeLinear. */
static bool is_part(const nnc_graph *graph, nnc_node_id quantize, uint32_t i, nnc_value_id v)
{
    const nnc_node *node = nnc_graph_node_const(graph, quantize);
    return v != NNC_ID_NONE && i < node->output_count && node->outputs[i] == v;
}

/* One zero point for all weights, or differences from several that fit 8 signed bits: what products
 * take. */
static bool fits_bytes(const nnc_tensor *w, const nnc_qparams *q)
{
    bool one = true;
    for (size_t c = 1; c < q->count; c++) {
        one &= q->zero_point[c] == q->zero_point[0];
    }
    if (one) {
        return true;
    }
    size_t n = (size_t)w->shape.dims[1], count = nnc_tensor_count(w);
    for (size_t i = 0; i < count; i++) {
        int64_t v = nnc_tensor_get_int(w, i) - q->zero_point[q->count == 1 ? 0 : i % n];
        if (v < -128 || v > 127) {
            return false;
        }
    }
    return true;
}

/* Parameters of a weight [K,N] from its scale and zero point, one or N of each; *out NULL if they
 * have another form. */
static nnc_status weight_grid(nnc_qparams **out, const nnc_tensor *w, const nnc_value *scale,
                              const nnc_value *zero)
{
    size_t n = (size_t)w->shape.dims[1];
    size_t scales = nnc_tensor_count(&scale->tensor),
           zeros = zero ? nnc_tensor_count(&zero->tensor) : 1;
    const nnc_shape *s = &scale->tensor.shape;
    *out = NULL;
    if (scale->dtype != NNC_DTYPE_FLOAT || (scales != 1 && scales != n) ||
        (zeros != 1 && zeros != n) || s->rank > 2 ||
        (scales > 1 && s->dims[s->rank - 1] != (int64_t)n)) {
        return NNC_OK;
    }
    size_t count = scales > zeros ? scales : zeros;
    float *values = nnc_calloc(count, sizeof *values);
    int32_t *points = nnc_calloc(count, sizeof *points);
    nnc_status status = values && points ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        values[i] = (float)nnc_tensor_get_double(&scale->tensor, scales == 1 ? 0 : i);
        points[i] = zero ? (int32_t)nnc_tensor_get_int(&zero->tensor, zeros == 1 ? 0 : i) : 0;
    }
    if (status == NNC_OK) {
        status = nnc_qparams_create(out, w->dtype, count > 1 ? 1 : -1, count, values, points);
        /* A scale that is no normal positive number: the nodes stay. */
        status = status == NNC_ERR_MODEL ? NNC_OK : status;
    }
    nnc_free(values);
    nnc_free(points);
    return status;
}

static const nnc_value *plain(const nnc_graph *graph, const nnc_node *node, uint32_t i)
{
    const nnc_value *v = i < node->input_count && node->inputs[i] != NNC_ID_NONE
                             ? nnc_graph_value_const(graph, node->inputs[i])
                             : NULL;
    return nnc_pass_is_plain_const(v) ? v : NULL;
}

/* The Mul behind the Cast, and the product of both scales that it takes. */
static bool find_tail(match *m, const nnc_value **scale, nnc_graph *graph, const nnc_uses *uses)
{
    const nnc_node *product = nnc_graph_node_const(graph, m->product);
    m->cast = nnc_pass_only_user(graph, uses, product->outputs[0]);
    const nnc_node *cast = m->cast == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, m->cast);
    if (!cast || !nnc_node_is(cast, "Cast") || nnc_node_int(cast, "to", 0) != NNC_DTYPE_FLOAT) {
        return false;
    }
    m->last = nnc_pass_only_user(graph, uses, cast->outputs[0]);
    const nnc_node *last = m->last == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, m->last);
    if (!last || !nnc_node_is(last, "Mul")) {
        return false;
    }
    m->scale = producer_of(graph, last->inputs[last->inputs[0] == cast->outputs[0]], "Mul");
    if (m->scale == NNC_ID_NONE || m->scale == m->last) {
        return false;
    }
    const nnc_node *mul = nnc_graph_node_const(graph, m->scale);
    uint32_t own = is_part(graph, m->quantize, 1, mul->inputs[0]) ? 0 : 1;
    *scale = plain(graph, mul, 1 - own);
    return is_part(graph, m->quantize, 1, mul->inputs[own]) && *scale;
}

static nnc_status find_match(match *m, bool *found, nnc_graph *graph, const nnc_uses *uses,
                             nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *scale, *w;
    *found = false;
    *m = (match){.product = id};
    m->quantize = producer_of(graph, node->inputs[0], "DynamicQuantizeLinear");
    bool grid = node->input_count > 2 && m->quantize != NNC_ID_NONE &&
                is_part(graph, m->quantize, 0, node->inputs[0]) &&
                is_part(graph, m->quantize, 2, node->inputs[2]);
    w = grid ? plain(graph, node, 1) : NULL;
    bool zero = node->input_count > 3 && node->inputs[3] != NNC_ID_NONE;
    if (!w || w->shape.rank != 2 || w->shape.dims[0] > DEPTH_MAX || w->shape.dims[0] < 1 ||
        w->shape.dims[1] < 1 || (zero && !plain(graph, node, 3)) ||
        !find_tail(m, &scale, graph, uses)) {
        return NNC_OK;
    }
    NNC_TRY(weight_grid(&m->q, &w->tensor, scale, plain(graph, node, 3)));
    *found = m->q && fits_bytes(&w->tensor, m->q);
    if (!*found) {
        nnc_qparams_destroy(m->q);
    }
    return NNC_OK;
}

/* One dynamic nnc.Quant per DynamicQuantizeLinear; quants: [nodes]. */
static nnc_status quant_of(nnc_value_id *out, nnc_graph *graph, nnc_node_id quantize,
                           nnc_value_id *quants)
{
    nnc_node_id made;
    if (quants[quantize] != NNC_ID_NONE) {
        *out = quants[quantize];
        return NNC_OK;
    }
    nnc_value_id x = nnc_graph_node_const(graph, quantize)->inputs[0];
    NNC_TRY(nnc_pass_add_temp(out, graph, x, NNC_DTYPE_FLOAT, "_quantized"));
    NNC_TRY(nnc_graph_add_node(&made, graph, "", "nnc", "Quant", &x, 1, out, 1));
    NNC_TRY(nnc_node_set_int(graph, made, "dynamic", 1));
    quants[quantize] = *out;
    return nnc_node_bind(graph, made);
}

static nnc_status fold_match(nnc_graph *graph, const match *m, nnc_value_id *quants)
{
    const nnc_node *product = nnc_graph_node_const(graph, m->product);
    const nnc_value *w = nnc_graph_value_const(graph, product->inputs[1]);
    nnc_value_id in[2], y = nnc_graph_node_const(graph, m->last)->outputs[0];
    nnc_qparams *q;
    nnc_status status = nnc_qparams_copy(&q, m->q);
    if (status == NNC_OK) {
        status = nnc_graph_add_const(&in[1], graph, w->name, &w->tensor);
    }
    if (status != NNC_OK) {
        return status;
    }
    nnc_graph_value(graph, in[1])->dtype = NNC_DTYPE_FLOAT;
    nnc_value_set_qparams(nnc_graph_value(graph, in[1]), q);
    NNC_TRY(quant_of(&in[0], graph, m->quantize, quants));
    NNC_TRY(nnc_node_set_op(graph, m->product, "", "MatMul"));
    NNC_TRY(nnc_node_set_inputs(graph, m->product, in, 2));
    nnc_graph_remove_node(graph, m->last);
    nnc_graph_remove_node(graph, m->cast);
    nnc_pass_steal_output(graph, m->product, 0, y);
    return nnc_node_bind(graph, m->product);
}

nnc_status nnc_qdq_fold_dynamic(nnc_graph *graph, size_t *changed)
{
    nnc_uses uses;
    uint32_t nodes = nnc_graph_node_count(graph);
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_value_id *quants = nnc_calloc(nodes ? nodes : 1, sizeof *quants);
    nnc_status status = quants ? NNC_OK : NNC_ERR_LIMIT;
    for (nnc_node_id n = 0; status == NNC_OK && n < nodes; n++) {
        quants[n] = NNC_ID_NONE;
    }
    for (nnc_node_id n = 0; status == NNC_OK && n < nodes; n++) {
        match m;
        bool found = false;
        const nnc_node *node = nnc_graph_node_const(graph, n);
        if (node->dead || !nnc_node_is(node, "MatMulInteger")) {
            continue;
        }
        status = find_match(&m, &found, graph, &uses, n);
        if (status == NNC_OK && found) {
            status = fold_match(graph, &m, quants);
            nnc_qparams_destroy(m.q);
            (*changed)++;
        }
    }
    nnc_free(quants);
    nnc_uses_deinit(&uses);
    return status;
}

/* ---- and back ---- */

/* Integers, scale and zero point of a DynamicQuantizeLinear in place of an nnc.Quant. */
static nnc_status emit_quantize(nnc_value_id grid[3], nnc_graph *graph, nnc_node_id quant)
{
    const nnc_node *node = nnc_graph_node_const(graph, quant);
    nnc_value_id x = node->inputs[0], v = node->outputs[0];
    const nnc_shape scalar = {.rank = 0};
    nnc_node_id made;
    const char *name = nnc_graph_value_const(graph, v)->name;
    NNC_TRY(nnc_pass_add_temp(&grid[0], graph, v, NNC_DTYPE_UINT8, "_integers"));
    for (int i = 1; i < 3; i++) {
        const char *full = nnc_arena_printf(nnc_graph_arena(graph), "%s_%s", name,
                                            i == 1 ? "scale" : "zero_point");
        if (!full) {
            return NNC_ERR_LIMIT;
        }
        NNC_TRY(nnc_graph_add_value(&grid[i], graph, full, NNC_VALUE_TEMP,
                                    i == 1 ? NNC_DTYPE_FLOAT : NNC_DTYPE_UINT8, &scalar));
    }
    NNC_TRY(nnc_graph_add_node(&made, graph, "", "", "DynamicQuantizeLinear", &x, 1, grid, 3));
    return nnc_node_bind(graph, made);
}

/* <base><suffix>: scales or zero points of a weight. */
static nnc_status grid_const(nnc_value_id *out, nnc_graph *graph, const nnc_value *w, bool zero)
{
    const nnc_qparams *q = w->qparams;
    const nnc_shape shape = {.rank = q->axis < 0 ? 0 : 1, .dims = {(int64_t)q->count}};
    const char *name =
        nnc_arena_printf(nnc_graph_arena(graph), "%s_%s", w->name, zero ? "zero_point" : "scale");
    nnc_tensor wide = {0}, t = {0};
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    if (!zero) {
        return nnc_graph_add_const_f32(out, graph, name, q->scale, &shape);
    }
    NNC_TRY(nnc_tensor_create_from(&wide, NNC_DTYPE_INT32, &shape, q->zero_point));
    nnc_status status = nnc_tensor_convert(&t, &wide, q->dtype);
    nnc_tensor_deinit(&wide);
    NNC_TRY(status);
    status = nnc_graph_add_const(out, graph, name, &t);
    nnc_tensor_deinit(&t);
    return status;
}

/* A MatMul, or a Gemm that is one with a bias, on a dynamic grid, as the nodes that it came from.
 */
static nnc_status emit_product(nnc_graph *graph, nnc_node_id id, const nnc_value_id grid[3])
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_value_id y = node->outputs[0], weight = node->inputs[1];
    nnc_value_id bias = node->input_count > 2 ? node->inputs[2] : NNC_ID_NONE;
    nnc_value_id in[4] = {grid[0], NNC_ID_NONE, grid[2], NNC_ID_NONE}, acc, real, pair[2],
                 scales[2];
    const nnc_value *w = nnc_graph_value_const(graph, weight);
    nnc_node_id made;
    const char *name = nnc_arena_printf(nnc_graph_arena(graph), "%s_quantized", w->name);
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_graph_add_const(&in[1], graph, name, &w->tensor));
    NNC_TRY(grid_const(&in[3], graph, nnc_graph_value_const(graph, weight), true));
    NNC_TRY(grid_const(&scales[1], graph, nnc_graph_value_const(graph, weight), false));
    scales[0] = grid[1];
    NNC_TRY(nnc_pass_add_temp(&acc, graph, y, NNC_DTYPE_INT32, "_accumulator"));
    NNC_TRY(nnc_pass_add_temp(&real, graph, y, NNC_DTYPE_FLOAT, "_Cast"));
    NNC_TRY(nnc_pass_add_temp(&pair[1], graph, scales[1], NNC_DTYPE_FLOAT, "_product"));
    NNC_TRY(nnc_pass_add_node(&made, graph, "", "MatMulInteger", in, 4, acc));
    NNC_TRY(nnc_graph_add_node(&made, graph, "", "", "Cast", &acc, 1, &real, 1));
    NNC_TRY(nnc_node_set_int(graph, made, "to", NNC_DTYPE_FLOAT));
    NNC_TRY(nnc_node_bind(graph, made));
    NNC_TRY(nnc_pass_add_node(&made, graph, "", "Mul", scales, 2, pair[1]));
    pair[0] = real;
    const char *op = "Mul";
    if (bias != NNC_ID_NONE) {
        nnc_value_id scaled;
        NNC_TRY(nnc_pass_add_temp(&scaled, graph, y, NNC_DTYPE_FLOAT, "_Mul"));
        NNC_TRY(nnc_pass_add_node(&made, graph, "", "Mul", pair, 2, scaled));
        pair[0] = scaled;
        pair[1] = bias;
        op = "Add";
    }
    while (nnc_graph_node_const(graph, id)->attr_count > 0) {
        nnc_node_remove_attr(graph, id, nnc_graph_node_const(graph, id)->attrs[0].name);
    }
    NNC_TRY(nnc_node_set_op(graph, id, "", op));
    NNC_TRY(nnc_node_set_inputs(graph, id, pair, 2));
    return nnc_node_bind(graph, id);
}

/* Does the node read the grid's integers? Its weight is [K,N] then. */
static bool is_product(const nnc_graph *graph, const nnc_node *node, nnc_value_id v)
{
    bool plain_gemm = nnc_node_is(node, "Gemm") && nnc_node_int(node, "transA", 0) == 0 &&
                      nnc_node_int(node, "transB", 0) == 0 &&
                      nnc_node_float(node, "alpha", 1) == 1.0f &&
                      nnc_node_float(node, "beta", 1) == 1.0f;
    if ((!nnc_node_is(node, "MatMul") && !plain_gemm) || node->inputs[0] != v) {
        return false;
    }
    const nnc_value *w = nnc_graph_value_const(graph, node->inputs[1]);
    return w->kind == NNC_VALUE_CONST && w->qparams && w->shape.rank == 2 &&
           w->qparams->group == 0 && w->tensor.dtype == w->qparams->dtype &&
           nnc_dtype_bits((int)w->tensor.dtype) == 8 &&
           (w->qparams->axis < 0 || w->qparams->axis == 1);
}

static nnc_status emit_quant(nnc_graph *graph, const nnc_uses *uses, nnc_node_id quant)
{
    nnc_value_id v = nnc_graph_node_const(graph, quant)->outputs[0], grid[3];
    bool others = nnc_graph_is_output(graph, v);
    nnc_node_id made;
    NNC_TRY(emit_quantize(grid, graph, quant));
    for (uint32_t k = uses->start[v]; k < uses->start[v + 1]; k++) {
        if (is_product(graph, nnc_graph_node_const(graph, uses->node[k]), v)) {
            NNC_TRY(emit_product(graph, uses->node[k], grid));
        } else {
            others = true;
        }
    }
    nnc_graph_node(graph, quant)->dead = true;
    nnc_graph_value(graph, v)->producer = NNC_ID_NONE;
    nnc_graph_value(graph, v)->dead = !others;
    return others ? nnc_pass_add_node(&made, graph, "", "DequantizeLinear", grid, 3, v) : NNC_OK;
}

nnc_status nnc_qdq_emit_dynamic(nnc_graph *graph)
{
    nnc_uses uses;
    uint32_t nodes = nnc_graph_node_count(graph);
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_status status = NNC_OK;
    for (nnc_node_id n = 0; status == NNC_OK && n < nodes; n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        if (!node->dead && nnc_is_dynamic_quant(graph, node->outputs[0])) {
            status = emit_quant(graph, &uses, n);
        }
    }
    nnc_uses_deinit(&uses);
    return status;
}
