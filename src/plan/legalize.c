/* Legalization: which nodes run in integers. SPDX-License-Identifier: Apache-2.0
 * Decided once, from graph and annotations only - never from ISA, device, shape or tuner (docs/arithmetic.md). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "plan/internal.h"

bool nnc_grid8(const nnc_qparams *q)
{
    return q && q->count == 1 && q->axis < 0 && q->group == 0 &&
           (q->dtype == NNC_DTYPE_UINT8 || q->dtype == NNC_DTYPE_INT8);
}

static const nnc_value *input_value(const nnc_graph *graph, const nnc_node *node, uint32_t i)
{
    if (i >= node->input_count || node->inputs[i] == NNC_ID_NONE) {
        return NULL;
    }
    return nnc_graph_value_const(graph, node->inputs[i]);
}

/* Axis of the output channels of a product's weight, or -2 when the layout has no integer form. */
static int32_t weight_channel_axis(const nnc_node *node)
{
    if (nnc_node_is(node, "Conv")) {
        return 0;
    }
    if (nnc_node_is(node, "Gemm")) {
        return nnc_node_int(node, "transB", 0) ? 0 : 1;
    }
    return 1; /* MatMul */
}

/* Matrix products take one zero point of all weights, whatever it is; others only what differences of 8 bits can say. */
static bool has_one_zero(const nnc_node *node, const nnc_qparams *qw)
{
    for (size_t c = 1; c < qw->count; c++) {
        if (qw->zero_point[c] != qw->zero_point[0]) {
            return false;
        }
    }
    return !nnc_node_is(node, "Conv");
}

/* Largest |b| + max|qx - zx| * sum|qw - zw| over the output channels; INFINITY if the weight has no 8-bit integer form. */
static double worst_accumulator(const nnc_graph *graph, const nnc_node *node, const nnc_value *x,
                                const nnc_value *w, const nnc_value *bias)
{
    const nnc_qparams *qx = x->qparams, *qw = w->qparams;
    int32_t axis = weight_channel_axis(node);
    (void)graph;
    const nnc_shape *shape = &w->tensor.shape;
    size_t channels = (size_t)shape->dims[axis], inner = 1, outer = 1;
    for (uint32_t d = (uint32_t)axis + 1; d < shape->rank; d++) {
        inner *= (size_t)shape->dims[d];
    }
    for (uint32_t d = 0; d < (uint32_t)axis; d++) {
        outer *= (size_t)shape->dims[d];
    }
    const int8_t *s8 = nnc_tensor_data(&w->tensor);
    const uint8_t *u8 = nnc_tensor_data(&w->tensor);
    int32_t reach = qx ? qx->qmax - qx->zero_point[0] : 255;
    if (qx && qx->zero_point[0] - qx->qmin > reach) {
        reach = qx->zero_point[0] - qx->qmin;
    }
    bool one_zero = has_one_zero(node, qw);
    double worst = 0;
    for (size_t c = 0; c < channels; c++) {
        size_t s = qw->count == 1 ? 0 : c;
        double sum = 0;
        for (size_t o = 0; o < outer; o++) {
            for (size_t i = 0; i < inner; i++) {
                size_t at = (o * channels + c) * inner + i;
                int32_t q = w->tensor.dtype == NNC_DTYPE_INT8 ? s8[at] : u8[at];
                q -= qw->zero_point[s];
                if (!one_zero && (q < -128 || q > 127)) {
                    return (double)INFINITY;
                }
                sum += fabs((double)q);
            }
        }
        double b = 0;
        if (bias && qx) { /* on a grid of its own run the bias is added to the float result */
            size_t n = nnc_tensor_count(&bias->tensor);
            double real = nnc_tensor_get_double(&bias->tensor, n == 1 ? 0 : c);
            if (bias->qparams) {
                real *= (double)bias->qparams->scale[bias->qparams->count == 1 ? 0 : c];
            }
            b = fabs(real / ((double)qx->scale[0] * (double)qw->scale[s]));
        }
        double total = b + (double)reach * sum;
        worst = total > worst ? total : worst;
    }
    return worst;
}

static const char *bias_problem(const nnc_value *bias, size_t channels)
{
    if (!bias) {
        return NULL;
    }
    if (bias->kind != NNC_VALUE_CONST) {
        return "bias is not constant";
    }
    size_t n = nnc_tensor_count(&bias->tensor);
    if (n != channels && n != 1) {
        return "bias is not per channel";
    }
    return NULL;
}

/* Products of two activations: both on grids, and sums that stay within int32 whatever the numbers are. */
static const char *pair_problem(const nnc_value *a, const nnc_value *b)
{
    if (!a->qparams || !b->qparams) {
        return "both operands are activations and one has no grid";
    }
    if (!nnc_grid8(a->qparams) || !nnc_grid8(b->qparams)) {
        return "input grid is not per-tensor 8 bit";
    }
    if (!a->has_shape || !b->has_shape) {
        return "rank of an operand is not known";
    }
    return a->shape.rank > 0 && a->shape.dims[a->shape.rank - 1] > NNRT_MATMUL_Q8_K_MAX
               ? "accumulator may overflow"
               : NULL;
}

/* Why a value has no 8-bit grid. */
static const char *grid_missing(const nnc_graph *graph, const nnc_value *v)
{
    const nnc_node *p = v->producer == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, v->producer);
    if (p && nnc_node_is(p, "DequantizeLinear") && p->input_count > 0 && p->inputs[0] != NNC_ID_NONE) {
        nnc_dtype dtype = nnc_graph_value_const(graph, p->inputs[0])->dtype;
        return dtype == NNC_DTYPE_UINT16 || dtype == NNC_DTYPE_INT16 ? "input grid has 16 bits"
                                                                     : "input grid is found at run time or per channel";
    }
    return "input not quantized";
}

static const char *product_problem(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *x = input_value(graph, node, 0);
    const nnc_value *w = input_value(graph, node, 1);
    const nnc_value *bias = input_value(graph, node, 2);
    if (nnc_node_is(node, "MatMul") && w->kind != NNC_VALUE_CONST) {
        return pair_problem(x, w);
    }
    bool dynamic = !nnc_node_is(node, "Conv") && nnc_is_dynamic_quant(graph, node->inputs[0]);
    if (!x->qparams && !dynamic) {
        return grid_missing(graph, x);
    }
    if (x->qparams && !nnc_grid8(x->qparams)) {
        return "input grid is not per-tensor 8 bit";
    }
    if (x->kind == NNC_VALUE_CONST) {
        return "input is constant";
    }
    if (w->kind != NNC_VALUE_CONST) {
        return "both operands are activations";
    }
    if (!w->qparams || (w->tensor.dtype != NNC_DTYPE_INT8 && w->tensor.dtype != NNC_DTYPE_UINT8)) {
        return "weight not quantized to 8 bit";
    }
    if (nnc_node_is(node, "Conv")) {
        if (w->tensor.shape.rank != 3 && w->tensor.shape.rank != 4) {
            return "convolution over more than 2 spatial dims";
        }
    } else if (w->tensor.shape.rank != 2) {
        return "weight is not a matrix";
    }
    if (nnc_node_is(node, "Gemm") &&
        (nnc_node_int(node, "transA", 0) || nnc_node_float(node, "alpha", 1) != 1.0f ||
         (bias && nnc_node_float(node, "beta", 1) != 1.0f))) {
        return "Gemm with transA, alpha or beta";
    }
    int32_t axis = weight_channel_axis(node);
    if (w->qparams->count != 1 && w->qparams->axis != axis) {
        return "weight scales are not per output channel";
    }
    if (w->qparams->group != 0) {
        return "weight scales are per block";
    }
    const char *why = bias_problem(bias, (size_t)w->tensor.shape.dims[axis]);
    if (why) {
        return why;
    }
    double worst = worst_accumulator(graph, node, x, w, bias);
    if (isinf(worst)) {
        return "weight minus zero point exceeds 8 bit";
    }
    return worst < 2147483648.0 ? NULL : "accumulator may overflow";
}

/* Elementwise and averaging contracts: every operand and the (clamped) result on 8-bit grids. */
static const char *grid_problem(const nnc_graph *graph, const nnc_node *node, uint32_t operands,
                                nnc_value_id final)
{
    for (uint32_t i = 0; i < operands; i++) {
        const nnc_value *v = input_value(graph, node, i);
        if (!v || !nnc_grid8(v->qparams)) {
            return v && !v->qparams ? grid_missing(graph, v) : "input not quantized";
        }
    }
    if (!nnc_grid8(nnc_graph_value_const(graph, final)->qparams)) {
        return "output not quantized";
    }
    return NULL;
}

static const char *node_problem(const nnc_graph *graph, const nnc_uses *uses, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    if (nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm") || nnc_node_is(node, "MatMul")) {
        return product_problem(graph, node);
    }
    nnc_semantic unit;
    nnc_semantic_unit(&unit, graph, uses, NULL, id);
    if (nnc_node_is(node, "Add") || nnc_node_is(node, "Sub") || nnc_node_is(node, "Mul")) {
        return grid_problem(graph, node, 2, unit.final);
    }
    if (nnc_node_is(node, "AveragePool") || nnc_node_is(node, "GlobalAveragePool")) {
        const nnc_value *x = input_value(graph, node, 0);
        if (!x || !x->has_shape || x->shape.rank > 4) {
            return "average over more than 2 spatial dims";
        }
        return grid_problem(graph, node, 1, unit.final);
    }
    if (node->op->quant == NNC_QUANT_TABLE) {
        return grid_problem(graph, node, 1, node->outputs[0]);
    }
    if (node->op->quant == NNC_QUANT_PRESERVE) {
        const nnc_value *x = input_value(graph, node, 0);
        const nnc_value *y = nnc_graph_value_const(graph, node->outputs[0]);
        if (!x || !nnc_grid8(x->qparams) || !nnc_grid8(y->qparams)) {
            return "not quantized";
        }
        if (!nnc_node_is(node, "Concat") && !nnc_qparams_equal(x->qparams, y->qparams)) {
            return "input and output grids differ";
        }
        return NULL;
    }
    return "no integer contract";
}

nnc_status nnc_legalize(nnc_legal **out, const nnc_graph *graph)
{
    uint32_t n = nnc_graph_node_count(graph);
    nnc_legal *legal = nnc_calloc(n ? n : 1, sizeof(*legal));
    if (!legal) {
        return NNC_ERR_LIMIT;
    }
    nnc_uses uses;
    nnc_status status = nnc_uses_init(&uses, graph);
    if (status != NNC_OK) {
        nnc_free(legal);
        return status;
    }
    for (nnc_node_id id = 0; id < n; id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (node->dead) {
            continue;
        }
        legal[id].reason = node->op ? node_problem(graph, &uses, id) : "unknown operator";
        legal[id].integer = legal[id].reason == NULL;
    }
    nnc_uses_deinit(&uses);
    *out = legal;
    return NNC_OK;
}
