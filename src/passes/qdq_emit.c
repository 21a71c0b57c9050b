/* Annotations become explicit QuantizeLinear/DequantizeLinear nodes: the inverse of qdq_fold.
 * SPDX-License-Identifier: Apache-2.0 A value of the source model keeps its name on the float side;
 * integers are called <value>_QuantizeLinear_Output, stored ones <value>_quantized. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "passes/qdq.h"
#include "plan/plan.h"

/* ---- constants of a grid ---- */

static const char *suffixed(nnc_graph *graph, nnc_value_id v, const char *suffix)
{
    return nnc_arena_printf(nnc_graph_arena(graph), "%s%s", nnc_graph_value_const(graph, v)->name,
                            suffix);
}

static nnc_status add_named_const(nnc_value_id *out, nnc_graph *graph, nnc_value_id base,
                                  const char *suffix, nnc_tensor *t)
{
    const char *name = suffixed(graph, base, suffix);
    nnc_status status = name ? nnc_graph_add_const(out, graph, name, t) : NNC_ERR_LIMIT;
    nnc_tensor_deinit(t);
    return status;
}

/* <base>_scale and <base>_zero_point, scalars for one grid, lists for an axis, else of blocks. `shift` moves the zero
 * points (s8 stored as u8). */
static nnc_status grid_consts(nnc_value_id *scale, nnc_value_id *zero, nnc_graph *graph,
                              nnc_value_id base, const nnc_qparams *q, nnc_dtype dtype,
                              int32_t shift)
{
    nnc_shape shape = {.rank = q->axis < 0 ? 0 : 1, .dims = {(int64_t)q->count}};
    if (q->group > 0) { /* the value's own shape, its axis cut into blocks */
        shape = nnc_graph_value_const(graph, base)->shape;
        int64_t *dim = &shape.dims[q->axis];
        *dim = *dim > 0 ? (*dim - 1) / q->group + 1 : 0;
    }
    nnc_tensor s = {0}, wide = {0}, z = {0};
    NNC_TRY(nnc_tensor_create_from(&s, NNC_DTYPE_FLOAT, &shape, q->scale));
    NNC_TRY(add_named_const(scale, graph, base, "_scale", &s));
    NNC_TRY(nnc_tensor_create_from(&wide, NNC_DTYPE_INT32, &shape, q->zero_point));
    int32_t *points = nnc_tensor_data(&wide);
    for (size_t i = 0; i < q->count; i++) {
        points[i] += shift;
    }
    nnc_status status = nnc_tensor_convert(&z, &wide, dtype);
    nnc_tensor_deinit(&wide);
    NNC_TRY(status);
    return add_named_const(zero, graph, base, "_zero_point", &z);
}

/* ---- int32 biases ---- */

/* Integers of a float (or otherwise scaled) bias on the grid sx * sw[c]; *fits false when one
 * leaves int32. */
static nnc_status bias_integers(nnc_tensor *out, nnc_qparams **grid, bool *fits, const nnc_value *x,
                                const nnc_value *w, const nnc_tensor *bias)
{
    const nnc_qparams *qx = x->qparams, *qw = w->qparams;
    size_t channels = nnc_tensor_count(bias), count = qw->count;
    float *scale = nnc_calloc(count, sizeof *scale);
    nnc_status status =
        scale ? nnc_tensor_create(out, NNC_DTYPE_INT32, &bias->shape) : NNC_ERR_LIMIT;
    *fits = true;
    for (size_t c = 0; status == NNC_OK && c < count; c++) {
        scale[c] = qx->scale[0] * qw->scale[c];
        *fits &= scale[c] >= 1.17549435e-38f && scale[c] <= 3.4e38f;
    }
    for (size_t c = 0; status == NNC_OK && *fits && c < channels; c++) {
        double unit = (double)qx->scale[0] * (double)qw->scale[count == 1 ? 0 : c];
        double q = rint(nnc_tensor_get_double(bias, c) / unit);
        *fits = fabs(q) < 2147483648.0;
        ((int32_t *)nnc_tensor_data(out))[c] = *fits ? (int32_t)q : 0;
    }
    if (status == NNC_OK && *fits) {
        status = nnc_qparams_create(grid, NNC_DTYPE_INT32, count > 1 ? 0 : -1, count, scale, NULL);
    }
    nnc_free(scale);
    return status;
}

/* Is the annotated bias on this very grid already? Then its integers are the right ones. */
static bool bias_is_on_grid(const nnc_value *b, const nnc_value *x, const nnc_value *w)
{
    const nnc_qparams *q = b->qparams;
    if (!q || b->tensor.dtype != NNC_DTYPE_INT32 || q->count != w->qparams->count) {
        return false;
    }
    for (size_t c = 0; c < q->count; c++) {
        if (q->scale[c] != x->qparams->scale[0] * w->qparams->scale[c] || q->zero_point[c] != 0) {
            return false;
        }
    }
    return true;
}

/* Real numbers of a bias. */
static nnc_status bias_numbers(nnc_tensor *out, const nnc_value *b)
{
    if (b->qparams && b->tensor.dtype != NNC_DTYPE_FLOAT) {
        return nnc_dequantize_tensor(out, &b->tensor, b->qparams);
    }
    *out = nnc_tensor_ref(&b->tensor);
    return NNC_OK;
}

/* Gives the node a bias of its own: integers on its grid. */
static nnc_status emit_bias(nnc_graph *graph, const nnc_uses *uses, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_value_id bias = node->inputs[2];
    const nnc_value *x = nnc_graph_value_const(graph, node->inputs[0]);
    const nnc_value *w = nnc_graph_value_const(graph, node->inputs[1]);
    const nnc_value *b = nnc_graph_value_const(graph, bias);
    nnc_tensor numbers = {0}, integers = {0};
    nnc_qparams *grid = NULL;
    bool fits;
    if (b->dtype != NNC_DTYPE_FLOAT || b->shape.rank != 1 || bias_is_on_grid(b, x, w) ||
        (w->qparams->count > 1 && nnc_tensor_count(&b->tensor) != w->qparams->count)) {
        return NNC_OK;
    }
    NNC_TRY(bias_numbers(&numbers, b));
    nnc_status status = bias_integers(&integers, &grid, &fits, x, w, &numbers);
    nnc_tensor_deinit(&numbers);
    bool alone = nnc_uses_count(uses, bias) == 1 && !nnc_graph_is_output(graph, bias);
    if (status == NNC_OK && fits) {
        nnc_value_id own = bias;
        status = alone ? NNC_OK : nnc_graph_add_const(&own, graph, b->name, &integers);
        if (status == NNC_OK) {
            nnc_value *value = nnc_graph_value(graph, own);
            nnc_value_set_tensor(value, &integers);
            value->dtype = NNC_DTYPE_FLOAT;
            nnc_value_set_qparams(value, grid);
            grid = NULL;
            nnc_graph_node(graph, id)->inputs[2] = own;
        }
    }
    nnc_qparams_destroy(grid);
    nnc_tensor_deinit(&integers);
    return status;
}

/* Products that run in integers round their bias to the accumulator's grid; the file says so. */
static nnc_status emit_biases(nnc_graph *graph)
{
    nnc_legal *legal;
    nnc_uses uses = {0};
    NNC_TRY(nnc_legalize(&legal, graph));
    nnc_status status = nnc_uses_init(&uses, graph);
    for (nnc_node_id n = 0; status == NNC_OK && n < nnc_graph_node_count(graph); n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        bool product = nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm");
        if (!node->dead && product && legal[n].integer && node->input_count > 2 &&
            node->inputs[2] != NNC_ID_NONE) {
            status = emit_bias(graph, &uses, n);
        }
    }
    nnc_uses_deinit(&uses);
    nnc_free(legal);
    return status;
}

/* int32 constants as the floats that they stand for. */
static nnc_status float_biases(nnc_graph *graph)
{
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        nnc_tensor t = {0};
        if (value->dead || value->kind != NNC_VALUE_CONST || !value->qparams ||
            value->qparams->dtype != NNC_DTYPE_INT32 || value->tensor.dtype != NNC_DTYPE_INT32) {
            continue;
        }
        NNC_TRY(nnc_dequantize_tensor(&t, &value->tensor, value->qparams));
        nnc_value_set_tensor(value, &t);
        nnc_value_set_qparams(value, NULL);
    }
    return NNC_OK;
}

/* ---- annotated constants ---- */

/* Integers of an annotated constant; with `as_u8`, s8 moved up by 128. */
static nnc_status const_integers(nnc_tensor *out, const nnc_value *v, bool as_u8)
{
    if (v->tensor.dtype == NNC_DTYPE_FLOAT) {
        NNC_TRY(nnc_quantize_tensor(out, &v->tensor, v->qparams));
    } else {
        *out = nnc_tensor_ref(&v->tensor);
    }
    if (!as_u8) {
        return NNC_OK;
    }
    nnc_tensor moved = {0};
    nnc_status status = nnc_tensor_create(&moved, NNC_DTYPE_UINT8, &out->shape);
    size_t n = status == NNC_OK ? nnc_tensor_count(out) : 0;
    const uint8_t *from = nnc_tensor_data(out);
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)nnc_tensor_data(&moved))[i] = from[i] ^ 0x80u;
    }
    nnc_tensor_deinit(out);
    *out = moved;
    return status;
}

static nnc_status emit_const(nnc_graph *graph, nnc_value_id v, const nnc_emit_options *options)
{
    const nnc_value *value = nnc_graph_value_const(graph, v);
    nnc_qparams *q;
    nnc_tensor t = {0}, none = {0};
    nnc_value_id in[3];
    nnc_node_id dq;
    bool as_u8 = options->weights_uint8 && value->qparams->dtype == NNC_DTYPE_INT8;
    NNC_TRY(nnc_qparams_copy(&q, value->qparams));
    nnc_status status = const_integers(&t, value, as_u8);
    nnc_dtype dtype = t.dtype;
    if (status == NNC_OK) {
        status = add_named_const(&in[0], graph, v, "_quantized", &t);
    }
    if (status == NNC_OK) {
        status = grid_consts(&in[1], &in[2], graph, v, q, dtype, as_u8 ? 128 : 0);
    }
    if (status == NNC_OK) {
        nnc_value *y = nnc_graph_value(graph, v);
        y->kind = NNC_VALUE_TEMP;
        nnc_value_set_tensor(y, &none);
        nnc_value_set_qparams(y, NULL);
        status = nnc_pass_add_node(&dq, graph, "", "DequantizeLinear", in, 3, v);
    }
    if (status == NNC_OK && q->axis >= 0) {
        status = nnc_node_set_int(graph, dq, "axis", q->axis);
    }
    if (status == NNC_OK && q->group > 0) {
        status = nnc_node_set_int(graph, dq, "block_size", q->group);
    }
    nnc_qparams_destroy(q);
    return status;
}

/* ---- activations ---- */

static nnc_status check_activation(const nnc_value *v)
{
    const nnc_qparams *q = v->qparams;
    nnc_qparams *full;
    if (v->dtype != NNC_DTYPE_FLOAT || q->group != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s': %s with this grid cannot be written", v->name,
                 nnc_dtype_name((int)v->dtype));
    }
    NNC_TRY(nnc_qparams_create(&full, q->dtype, q->axis, q->count, q->scale, q->zero_point));
    bool narrow = full->qmin != q->qmin || full->qmax != q->qmax;
    nnc_qparams_destroy(full);
    if (narrow) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s': a grid of %d to %d is narrower than %s", v->name,
                 (int)q->qmin, (int)q->qmax, nnc_dtype_name((int)q->dtype));
    }
    return NNC_OK;
}

/* raw -> Q -> DQ -> result; names after `base`. Node and axis attributes of a per-channel grid are
 * always written. */
static nnc_status emit_pair(nnc_graph *graph, nnc_value_id base, nnc_value_id raw,
                            nnc_value_id result, const nnc_qparams *q)
{
    nnc_value_id quantize[3] = {raw, NNC_ID_NONE, NNC_ID_NONE}, integers;
    nnc_node_id nodes[2];
    NNC_TRY(nnc_pass_add_temp(&integers, graph, base, q->dtype, "_QuantizeLinear_Output"));
    NNC_TRY(grid_consts(&quantize[1], &quantize[2], graph, base, q, q->dtype, 0));
    const nnc_value_id dequantize[3] = {integers, quantize[1], quantize[2]};
    NNC_TRY(nnc_pass_add_node(&nodes[0], graph, "", "QuantizeLinear", quantize, 3, integers));
    NNC_TRY(nnc_pass_add_node(&nodes[1], graph, "", "DequantizeLinear", dequantize, 3, result));
    for (int i = 0; i < 2 && q->axis >= 0; i++) {
        NNC_TRY(nnc_node_set_int(graph, nodes[i], "axis", q->axis));
    }
    return NNC_OK;
}

/* An annotated value whose numbers a node puts on the grid already: nnc.Quant, or a
 * DequantizeLinear that stayed. */
static bool produced_on_grid(const nnc_graph *graph, const nnc_value *v, const char *op,
                             const char *domain)
{
    const nnc_node *p =
        v->producer == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, v->producer);
    return p && strcmp(p->op_type, op) == 0 && strcmp(p->domain, domain) == 0;
}

/* Consumers are redirected through *to; pairs that need it are added after the redirection, so that
 * Q itself reads v. */
static nnc_status emit_value(nnc_graph *graph, nnc_value_id v, nnc_qparams *q, nnc_value_id *raw,
                             nnc_value_id *result)
{
    const nnc_value *value = nnc_graph_value_const(graph, v);
    *raw = *result = NNC_ID_NONE;
    if (produced_on_grid(graph, value, "DequantizeLinear", "")) {
        nnc_qparams *own = NULL;
        NNC_TRY(nnc_qdq_read(&own, graph, value->producer));
        bool same = own && nnc_qparams_equal(own, q);
        nnc_qparams_destroy(own);
        if (same) {
            return NNC_OK;
        }
    }
    if (produced_on_grid(graph, value, "Quant", "nnc")) {
        *raw = nnc_graph_node_const(graph, value->producer)->inputs[0];
        *result = v;
        nnc_graph_remove_node(graph, value->producer);
        nnc_graph_value(graph, v)->dead = false;
        return NNC_OK;
    }
    if (nnc_graph_is_output(graph, v) && value->producer != NNC_ID_NONE) {
        nnc_node_id p = value->producer;
        NNC_TRY(nnc_pass_add_temp(raw, graph, v, NNC_DTYPE_FLOAT, "_QuantizeLinear_Input"));
        nnc_node *node = nnc_graph_node(graph, p);
        for (uint32_t i = 0; i < node->output_count; i++) {
            node->outputs[i] = node->outputs[i] == v ? *raw : node->outputs[i];
        }
        nnc_graph_value(graph, *raw)->producer = p;
        nnc_graph_value(graph, v)->producer = NNC_ID_NONE;
        *result = v;
        return NNC_OK;
    }
    *raw = v;
    return nnc_pass_add_temp(result, graph, v, NNC_DTYPE_FLOAT, "_DequantizeLinear_Output");
}

typedef struct pair {
    nnc_value_id base, raw, result;
    nnc_qparams *q;
} pair;

static nnc_status collect_pairs(nnc_graph *graph, pair *pairs, size_t *count, uint32_t values)
{
    for (nnc_value_id v = 0; v < values; v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        if (value->dead || !value->qparams || value->kind == NNC_VALUE_CONST) {
            continue;
        }
        NNC_TRY(check_activation(value));
        pair *p = &pairs[(*count)++];
        p->base = v;
        NNC_TRY(nnc_qparams_copy(&p->q, value->qparams));
        NNC_TRY(emit_value(graph, v, p->q, &p->raw, &p->result));
        nnc_value_set_qparams(nnc_graph_value(graph, v), NULL);
    }
    return NNC_OK;
}

static nnc_status add_pairs(nnc_graph *graph, pair *pairs, size_t count)
{
    nnc_value_id *to = nnc_pass_replacements(graph);
    if (!to) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].raw == pairs[i].base) {
            to[pairs[i].base] = pairs[i].result;
        }
    }
    nnc_graph_replace_all(graph, to);
    nnc_status status = NNC_OK;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        if (pairs[i].result == NNC_ID_NONE) {
            continue;
        }
        /* The source of an nnc.Quant may have been redirected itself. */
        nnc_value_id raw = pairs[i].raw;
        if (raw != pairs[i].base && to[raw] != NNC_ID_NONE) {
            raw = to[raw];
        }
        status = emit_pair(graph, pairs[i].base, raw, pairs[i].result, pairs[i].q);
    }
    nnc_free(to);
    return status;
}

static nnc_status emit_activations(nnc_graph *graph)
{
    uint32_t values = nnc_graph_value_count(graph);
    pair *pairs = nnc_calloc(values, sizeof *pairs);
    size_t count = 0;
    nnc_status status = pairs ? collect_pairs(graph, pairs, &count, values) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = add_pairs(graph, pairs, count);
    }
    for (size_t i = 0; i < count; i++) {
        nnc_qparams_destroy(pairs[i].q);
    }
    nnc_free(pairs);
    return status;
}

nnc_status nnc_qdq_emit(nnc_graph *graph, const nnc_emit_options *options)
{
    size_t swept;
    NNC_TRY(nnc_qdq_emit_dynamic(graph));
    NNC_TRY(nnc_pass_dead_code.run(graph, NULL, &swept));
    NNC_TRY(options->bias_int32 ? emit_biases(graph) : float_biases(graph));
    NNC_TRY(nnc_pass_dead_code.run(graph, NULL, &swept));
    uint32_t values = nnc_graph_value_count(graph);
    for (nnc_value_id v = 0; v < values; v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        if (!value->dead && value->kind == NNC_VALUE_CONST && value->qparams) {
            NNC_TRY(emit_const(graph, v, options));
        }
    }
    NNC_TRY(emit_activations(graph));
    return nnc_graph_infer(graph, NULL);
}
