/* Quantized operators (QLinearConv and the like) as float operators between DequantizeLinear and
 * QuantizeLinear. SPDX-License-Identifier: Apache-2.0 ONNX defines QLinear* by exactly that
 * composition, up to rounding within one step of the output's grid. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

enum { NO_INPUT = 255, TRIPLES_MAX = 64 };

typedef struct qoperator {
    const char *domain, *op, *float_op;
    uint8_t triples; /* leading (x, scale, zero point); 0: as many as there are, behind the output's
                        pair */
    uint8_t output;  /* index of the output's scale; its zero point follows */
    uint8_t bias;    /* index of the int32 bias, NO_INPUT */
    int8_t axis;     /* of a per-channel second triple */
} qoperator;

static const qoperator qoperators[] = {
    {"", "QLinearConv", "Conv", 2, 6, 8, 0},
    {"", "QLinearMatMul", "MatMul", 2, 6, NO_INPUT, -1},
    {"com.microsoft", "QGemm", "Gemm", 2, 7, 6, 1},
    {"com.microsoft", "QLinearAdd", "Add", 2, 6, NO_INPUT, 0},
    {"com.microsoft", "QLinearMul", "Mul", 2, 6, NO_INPUT, 0},
    {"com.microsoft", "QLinearSigmoid", "Sigmoid", 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearLeakyRelu", "LeakyRelu", 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearGlobalAveragePool", "GlobalAveragePool", 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearAveragePool", "AveragePool", 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearConcat", "Concat", 0, 0, NO_INPUT, 0},
};

static const qoperator *find(const nnc_node *n)
{
    for (size_t i = 0; i < sizeof qoperators / sizeof *qoperators; i++) {
        if (strcmp(n->op_type, qoperators[i].op) == 0 &&
            strcmp(n->domain, qoperators[i].domain) == 0) {
            return &qoperators[i];
        }
    }
    return NULL;
}

static nnc_value_id input_of(const nnc_value_id *inputs, uint32_t count, uint32_t i)
{
    return i < count ? inputs[i] : NNC_ID_NONE;
}

/* A constant of one element as a scalar: a length of 1 would read as one channel. */
static nnc_status as_scalar(nnc_value_id *id, nnc_graph *graph)
{
    if (*id == NNC_ID_NONE) {
        return NNC_OK;
    }
    const nnc_value *v = nnc_graph_value_const(graph, *id);
    if (v->kind != NNC_VALUE_CONST || v->shape.rank == 0 || nnc_tensor_count(&v->tensor) != 1) {
        return NNC_OK;
    }
    nnc_tensor scalar = nnc_tensor_ref(&v->tensor);
    scalar.shape.rank = 0;
    nnc_status status = nnc_graph_add_const(id, graph, v->name, &scalar);
    nnc_tensor_deinit(&scalar);
    return status;
}

static nnc_status add_temp(nnc_value_id *out, nnc_graph *graph, const char *base, const char *what)
{
    char name[320];
    snprintf(name, sizeof name, "%.250s_%s", base, what);
    return nnc_graph_add_value(out, graph, name, NNC_VALUE_TEMP, NNC_DTYPE_UNDEFINED, NULL);
}

static nnc_status dequantize(nnc_value_id *out, nnc_graph *graph, const char *base,
                             const nnc_value_id *triple, int64_t axis)
{
    nnc_node_id node;
    nnc_value_id inputs[3] = {triple[0], triple[1], triple[2]};
    if (inputs[0] == NNC_ID_NONE || inputs[1] == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks an input or its scale");
    }
    NNC_TRY(as_scalar(&inputs[1], graph));
    NNC_TRY(as_scalar(&inputs[2], graph));
    NNC_TRY(add_temp(out, graph, base, "float"));
    NNC_TRY(nnc_graph_add_node(&node, graph, "", "", "DequantizeLinear", inputs,
                               inputs[2] == NNC_ID_NONE ? 2 : 3, out, 1));
    return nnc_node_set_int(graph, node, "axis", axis);
}

static const nnc_tensor *const_floats(const nnc_graph *graph, nnc_value_id id)
{
    const nnc_value *v = id == NNC_ID_NONE ? NULL : nnc_graph_value_const(graph, id);
    return v && v->kind == NNC_VALUE_CONST && v->tensor.dtype == NNC_DTYPE_FLOAT ? &v->tensor
                                                                                 : NULL;
}

/* The bias is an int32 on the grid alpha * x_scale * w_scale. */
static nnc_status dequantize_bias(nnc_value_id *out, nnc_graph *graph, const char *base,
                                  nnc_value_id bias, const nnc_value_id *inputs, float alpha)
{
    const nnc_tensor *x = const_floats(graph, inputs[1]), *w = const_floats(graph, inputs[4]);
    nnc_tensor product;
    if (!x || !w || nnc_tensor_count(x) != 1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has a bias and scales that are not constant");
    }
    NNC_TRY(nnc_tensor_create(&product, NNC_DTYPE_FLOAT, &w->shape));
    const float *ws = nnc_tensor_data(w), xs = *(const float *)nnc_tensor_data(x);
    float *to = nnc_tensor_data(&product);
    for (size_t i = 0; i < nnc_tensor_count(w); i++) {
        to[i] = alpha * (xs * ws[i]);
    }
    char name[320];
    nnc_value_id scale;
    snprintf(name, sizeof name, "%.250s_bias_scale", base);
    nnc_status status = nnc_graph_add_const(&scale, graph, name, &product);
    nnc_tensor_deinit(&product);
    NNC_TRY(status);
    const nnc_value_id triple[3] = {bias, scale, NNC_ID_NONE};
    return dequantize(out, graph, base, triple, 0);
}

/* The node computes a float value; a QuantizeLinear behind it gives the old output. */
static nnc_status quantize_output(nnc_graph *graph, nnc_node_id node, const char *base,
                                  nnc_value_id scale, nnc_value_id zero)
{
    nnc_value_id inputs[3] = {NNC_ID_NONE, scale, zero};
    nnc_node_id made;
    NNC_TRY(as_scalar(&inputs[1], graph));
    NNC_TRY(as_scalar(&inputs[2], graph));
    NNC_TRY(add_temp(&inputs[0], graph, base, "float"));
    nnc_node *n = nnc_graph_node(graph, node);
    nnc_value_id y = n->outputs[0];
    n->outputs[0] = inputs[0];
    nnc_graph_value(graph, inputs[0])->producer = node;
    nnc_graph_value(graph, y)->producer = NNC_ID_NONE;
    return nnc_graph_add_node(&made, graph, "", "", "QuantizeLinear", inputs,
                              zero == NNC_ID_NONE ? 2 : 3, &y, 1);
}

static nnc_status check_node(const nnc_node *n)
{
    if (n->output_count != 1 || n->outputs[0] == NNC_ID_NONE || n->input_count > 3 * TRIPLES_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "has %u inputs and %u outputs", (unsigned)n->input_count,
                 (unsigned)n->output_count);
    }
    if (nnc_node_int(n, "channels_last", 0) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has channels_last=1");
    }
    return NNC_OK;
}

static nnc_status rewrite(nnc_graph *graph, nnc_node_id node, const qoperator *q)
{
    nnc_value_id in[3 * TRIPLES_MAX], made[TRIPLES_MAX];
    const nnc_node *n = nnc_graph_node_const(graph, node);
    NNC_TRY(check_node(n));
    char base[256];
    snprintf(base, sizeof base, "%.250s", nnc_graph_value_const(graph, n->outputs[0])->name);
    uint32_t count = n->input_count, first = q->triples ? 0 : 2;
    uint32_t triples = q->triples ? q->triples : count > 2 ? (count - 2) / 3 : 0;
    for (uint32_t i = 0; i < count; i++) {
        in[i] = n->inputs[i];
    }
    bool is_gemm = strcmp(q->op, "QGemm") == 0;
    int64_t axis = is_gemm && nnc_node_int(n, "transB", 0) != 0 ? 0 : q->axis;
    float alpha = is_gemm ? nnc_node_float(n, "alpha", 1.0f) : 1.0f;
    if (triples == 0 || first + 3 * triples > count) {
        NNC_FAIL(NNC_ERR_MODEL, "has %u inputs", (unsigned)count);
    }
    for (uint32_t t = 0; t < triples; t++) {
        NNC_TRY(dequantize(&made[t], graph, base, in + first + 3 * t, t == 1 ? axis : 1));
    }
    nnc_value_id bias = q->bias == NO_INPUT ? NNC_ID_NONE : input_of(in, count, q->bias);
    if (bias != NNC_ID_NONE) {
        NNC_TRY(dequantize_bias(&made[triples++], graph, base, bias, in, alpha));
    }
    NNC_TRY(nnc_node_set_op(graph, node, "", q->float_op));
    NNC_TRY(nnc_node_set_inputs(graph, node, made, triples));
    nnc_node_remove_attr(graph, node, "channels_last");
    nnc_value_id scale = input_of(in, count, q->output),
                 zero = input_of(in, count, (uint32_t)q->output + 1);
    return scale == NNC_ID_NONE ? NNC_OK : quantize_output(graph, node, base, scale, zero);
}

nnc_status nnc_onnx_qoperator(nnc_graph *graph, nnc_node_id node)
{
    const qoperator *q = find(nnc_graph_node_const(graph, node));
    return q ? rewrite(graph, node, q) : NNC_OK;
}
