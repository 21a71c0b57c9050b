/* Quantized operators (QLinearConv and the like) as float operators between DequantizeLinear and
 * QuantizeLinear. SPDX-License-Identifier: Apache-2.0 ONNX defines QLinear* by exactly that
 * composition, up to rounding within one step of the output's grid. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/qoperator.h"
#include "onnx/reader.h"
#include "onnx/versions.h"

enum { NO_INPUT = 255, TRIPLES_MAX = 64 };

typedef struct qoperator {
    const char *domain, *op, *float_op;
    uint8_t first;   /* index of the first (x, scale, zero point); inputs before it that are no
                        output's grid go first */
    uint8_t triples; /* how many; 0: as many as there are, behind the output's pair */
    uint8_t output;  /* index of the output's scale; its zero point follows */
    uint8_t bias;    /* index of the int32 bias, NO_INPUT */
    int8_t axis;     /* of a per-channel second triple */
} qoperator;

static const qoperator qoperators[] = {
    {"", "QLinearConv", "Conv", 0, 2, 6, 8, 0},
    {"", "QLinearMatMul", "MatMul", 0, 2, 6, NO_INPUT, -1},
    {"com.microsoft", "QGemm", "Gemm", 0, 2, 7, 6, 1},
    {"com.microsoft", "QLinearAdd", "Add", 0, 2, 6, NO_INPUT, 0},
    {"com.microsoft", "QLinearAveragePool", "AveragePool", 0, 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearConcat", "Concat", 2, 0, 0, NO_INPUT, 0},
    {"com.microsoft", "QLinearGlobalAveragePool", "GlobalAveragePool", 0, 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearLeakyRelu", "LeakyRelu", 0, 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearMul", "Mul", 0, 2, 6, NO_INPUT, 0},
    {"com.microsoft", "QLinearReduceMean", "ReduceMean", 0, 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearSigmoid", "Sigmoid", 0, 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearSoftmax", "Softmax", 0, 1, 3, NO_INPUT, 0},
    {"com.microsoft", "QLinearWhere", "Where", 1, 2, 7, NO_INPUT, 0},
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

nnc_status nnc_onnx_add_dequantize(nnc_value_id *out, nnc_graph *graph, const char *base,
                                   const nnc_value_id triple[3], int64_t axis)
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

nnc_status nnc_onnx_add_op(nnc_value_id *out, nnc_graph *graph, const char *base, const char *op,
                           nnc_value_id a, nnc_value_id b)
{
    const nnc_value_id inputs[2] = {a, b};
    nnc_node_id node;
    NNC_TRY(add_temp(out, graph, base, op));
    return nnc_graph_add_node(&node, graph, "", "", op, inputs, b == NNC_ID_NONE ? 1 : 2, out, 1);
}

static bool is_const(const nnc_graph *graph, nnc_value_id id)
{
    return id != NNC_ID_NONE && nnc_graph_value_const(graph, id)->kind == NNC_VALUE_CONST;
}

/* alpha * (x_scale * w_scale) of constants. */
static nnc_status constant_bias_scale(nnc_value_id *out, nnc_graph *graph, const char *base,
                                      const nnc_tensor *x, const nnc_tensor *w, float alpha)
{
    nnc_tensor product;
    NNC_TRY(nnc_tensor_create(&product, NNC_DTYPE_FLOAT, &w->shape));
    float *to = nnc_tensor_data(&product), xs = (float)nnc_tensor_get_double(x, 0);
    for (size_t i = 0; i < nnc_tensor_count(w); i++) {
        to[i] = alpha * (xs * (float)nnc_tensor_get_double(w, i));
    }
    char name[320];
    snprintf(name, sizeof name, "%.250s_bias_scale", base);
    nnc_status status = nnc_graph_add_const(out, graph, name, &product);
    nnc_tensor_deinit(&product);
    return status;
}

/* The bias is an int32 on the grid alpha * x_scale * w_scale. */
static nnc_status dequantize_bias(nnc_value_id *out, nnc_graph *graph, const char *base,
                                  nnc_value_id bias, const nnc_value_id *inputs, float alpha)
{
    nnc_value_id scale, factor;
    const nnc_shape scalar = {.rank = 0};
    if (inputs[1] == NNC_ID_NONE || inputs[4] == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks a scale");
    }
    if (is_const(graph, inputs[1]) && is_const(graph, inputs[4])) {
        const nnc_tensor *x = &nnc_graph_value_const(graph, inputs[1])->tensor;
        const nnc_tensor *w = &nnc_graph_value_const(graph, inputs[4])->tensor;
        if (nnc_tensor_count(x) != 1) {
            NNC_FAIL(NNC_ERR_MODEL, "has %zu scales of its input, expected 1", nnc_tensor_count(x));
        }
        NNC_TRY(constant_bias_scale(&scale, graph, base, x, w, alpha));
    } else {
        NNC_TRY(nnc_onnx_add_op(&scale, graph, base, "Mul", inputs[1], inputs[4]));
        if (alpha != 1.0f) {
            NNC_TRY(nnc_graph_add_const_f32(&factor, graph, "alpha", &alpha, &scalar));
            NNC_TRY(nnc_onnx_add_op(&scale, graph, base, "Mul", factor, scale));
        }
    }
    const nnc_value_id triple[3] = {bias, scale, NNC_ID_NONE};
    return nnc_onnx_add_dequantize(out, graph, base, triple, 0);
}

/* ---- what stays a node ---- */

/* Do all weights minus their zero points fit 8 signed bits? `axis`: of the zero points. */
static bool fits_bytes(const nnc_tensor *w, const nnc_tensor *zero, uint32_t axis)
{
    size_t inner = 1, zeros = nnc_tensor_count(zero), dim = (size_t)w->shape.dims[axis];
    for (uint32_t d = axis + 1; d < w->shape.rank; d++) {
        inner *= (size_t)w->shape.dims[d];
    }
    if (zeros != 1 && zeros != dim) {
        return false;
    }
    for (size_t i = 0; i < nnc_tensor_count(w); i++) {
        int64_t z = nnc_tensor_get_int(zero, zeros == 1 ? 0 : i / inner % dim);
        int64_t q = nnc_tensor_get_int(w, i) - z;
        if (q < -128 || q > 127) {
            return false;
        }
    }
    return true;
}

static bool is_single(const nnc_graph *graph, const nnc_node *n, uint32_t i)
{
    return i < n->input_count && is_const(graph, n->inputs[i]) &&
           nnc_tensor_count(&nnc_graph_value_const(graph, n->inputs[i])->tensor) == 1;
}

/* QLinearConv and QLinearMatMul are integers in, integers out: they become float operators only
 * where those run in the same integers. */
static bool stays(const nnc_graph *graph, const nnc_node *n, const qoperator *q)
{
    if (q->domain[0] != '\0') {
        return false;
    }
    bool conv = q->bias != NO_INPUT, pair = false;
    for (uint32_t i = 1; i < n->input_count; i++) {
        if (n->inputs[i] != NNC_ID_NONE && !is_const(graph, n->inputs[i])) {
            if (conv || i != 3) {
                return true;
            }
            pair = true;
        }
    }
    if (pair) { /* two activations: integers where each has one grid */
        return !is_single(graph, n, 1) || !is_single(graph, n, 2) || !is_single(graph, n, 4) ||
               !is_single(graph, n, 5);
    }
    if (n->input_count < 8 || n->inputs[3] == NNC_ID_NONE || n->inputs[5] == NNC_ID_NONE) {
        return false; /* a broken node: the rewriting says what is wrong */
    }
    const nnc_tensor *w = &nnc_graph_value_const(graph, n->inputs[3])->tensor;
    const nnc_tensor *zero = &nnc_graph_value_const(graph, n->inputs[5])->tensor;
    uint32_t rank = w->shape.rank;
    bool known = conv ? rank == 3 || rank == 4 : rank == 2;
    bool one_zero = !conv && nnc_tensor_count(zero) == 1; /* of a matrix: any number */
    return !known || !(one_zero || fits_bytes(w, zero, conv ? 0 : 1));
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

/* Attributes and older forms of the float operator. */
static nnc_status finish_attrs(nnc_graph *graph, nnc_node_id node, const qoperator *q)
{
    nnc_node_remove_attr(graph, node, "channels_last");
    if (strcmp(q->float_op, "ReduceMean") == 0) {
        return nnc_onnx_upgrade(graph, node, 11);
    }
    if (strcmp(q->float_op, "Softmax") != 0) {
        return NNC_OK;
    }
    const nnc_node *n = nnc_graph_node_const(graph, node);
    int64_t opset = nnc_node_int(n, "opset", 13);
    NNC_TRY(nnc_node_set_int(graph, node, "axis", nnc_node_int(n, "axis", -1)));
    nnc_node_remove_attr(graph, node, "opset");
    return nnc_onnx_upgrade(graph, node, opset < 13 ? 11 : 13);
}

static nnc_status rewrite(nnc_graph *graph, nnc_node_id node, const qoperator *q)
{
    nnc_value_id in[3 * TRIPLES_MAX], made[TRIPLES_MAX + 2];
    const nnc_node *n = nnc_graph_node_const(graph, node);
    NNC_TRY(check_node(n));
    char base[256];
    snprintf(base, sizeof base, "%.250s", nnc_graph_value_const(graph, n->outputs[0])->name);
    uint32_t count = n->input_count, first = q->first, used = 0;
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
    for (uint32_t i = 0; q->triples != 0 && i < first; i++) {
        made[used++] = in[i];
    }
    for (uint32_t t = 0; t < triples; t++) {
        NNC_TRY(nnc_onnx_add_dequantize(&made[used++], graph, base, in + first + 3 * t,
                                        t == 1 ? axis : 1));
    }
    nnc_value_id bias = q->bias == NO_INPUT ? NNC_ID_NONE : input_of(in, count, q->bias);
    if (bias != NNC_ID_NONE) {
        NNC_TRY(dequantize_bias(&made[used++], graph, base, bias, in, alpha));
    }
    NNC_TRY(nnc_node_set_op(graph, node, "", q->float_op));
    NNC_TRY(nnc_node_set_inputs(graph, node, made, used));
    NNC_TRY(finish_attrs(graph, node, q));
    nnc_value_id scale = input_of(in, count, q->output),
                 zero = input_of(in, count, (uint32_t)q->output + 1);
    return scale == NNC_ID_NONE ? NNC_OK : quantize_output(graph, node, base, scale, zero);
}

/* ---- products of integers with a float result ---- */

/* y = (float)((a - za)(b - zb)) * (sa * sb) + bias; in: a, b, sa, sb, za, zb, bias. */
static nnc_status rewrite_product(nnc_graph *graph, nnc_node_id node, const nnc_value_id in[7])
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    nnc_value_id y = n->outputs[0], acc, real, scale, scaled;
    const nnc_value_id operands[4] = {in[0], in[1], in[4], in[5]};
    nnc_node_id made;
    char base[256];
    snprintf(base, sizeof base, "%.250s", nnc_graph_value_const(graph, y)->name);
    for (uint32_t i = 0; i < 4; i++) {
        if (in[i] == NNC_ID_NONE) {
            NNC_FAIL(NNC_ERR_MODEL, "lacks an operand or its scale");
        }
    }
    uint32_t used = in[5] != NNC_ID_NONE ? 4 : in[4] != NNC_ID_NONE ? 3 : 2;
    NNC_TRY(add_temp(&acc, graph, base, "MatMulInteger"));
    NNC_TRY(nnc_graph_add_node(&made, graph, "", "", "MatMulInteger", operands, used, &acc, 1));
    NNC_TRY(nnc_onnx_add_op(&real, graph, base, "Cast", acc, NNC_ID_NONE));
    nnc_node_id cast = nnc_graph_value_const(graph, real)->producer;
    NNC_TRY(nnc_node_set_int(graph, cast, "to", NNC_DTYPE_FLOAT));
    NNC_TRY(nnc_onnx_add_op(&scale, graph, base, "Mul", in[2], in[3]));
    nnc_value_id last[2] = {real, scale};
    if (in[6] != NNC_ID_NONE) {
        NNC_TRY(nnc_onnx_add_op(&scaled, graph, base, "Mul", real, scale));
        last[0] = scaled;
        last[1] = in[6];
    }
    NNC_TRY(nnc_node_set_op(graph, node, "", in[6] != NNC_ID_NONE ? "Add" : "Mul"));
    return nnc_node_set_inputs(graph, node, last, 2);
}

static nnc_status matmul_integer_to_float(nnc_graph *graph, nnc_node_id node)
{
    nnc_value_id in[7];
    const nnc_node *n = nnc_graph_node_const(graph, node);
    for (uint32_t i = 0; i < 7; i++) {
        in[i] = input_of(n->inputs, n->input_count, i);
    }
    NNC_TRY(check_node(n));
    return rewrite_product(graph, node, in);
}

/* A, B, scale and zero point of B, bias. */
static nnc_status dynamic_quantize_matmul(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    NNC_TRY(check_node(n));
    nnc_value_id x = input_of(n->inputs, n->input_count, 0), grid[3];
    nnc_value_id in[7] = {NNC_ID_NONE,
                          input_of(n->inputs, n->input_count, 1),
                          NNC_ID_NONE,
                          input_of(n->inputs, n->input_count, 2),
                          NNC_ID_NONE,
                          input_of(n->inputs, n->input_count, 3),
                          input_of(n->inputs, n->input_count, 4)};
    static const char *const names[3] = {"quantized", "scale", "zero_point"};
    char base[256];
    nnc_node_id made;
    snprintf(base, sizeof base, "%.250s", nnc_graph_value_const(graph, n->outputs[0])->name);
    if (x == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks operand A");
    }
    for (uint32_t i = 0; i < 3; i++) {
        NNC_TRY(add_temp(&grid[i], graph, base, names[i]));
    }
    NNC_TRY(nnc_graph_add_node(&made, graph, "", "", "DynamicQuantizeLinear", &x, 1, grid, 3));
    in[0] = grid[0];
    in[2] = grid[1];
    in[4] = grid[2];
    return rewrite_product(graph, node, in);
}

/* The contributed forms of these two are the standard ones of today. */
static nnc_status to_standard(nnc_graph *graph, nnc_node_id node)
{
    char op[32];
    snprintf(op, sizeof op, "%s", nnc_graph_node_const(graph, node)->op_type);
    return nnc_node_set_op(graph, node, "", op);
}

typedef struct contributed {
    const char *op;
    nnc_status (*rewrite)(nnc_graph *graph, nnc_node_id node);
} contributed;

static const contributed contributeds[] = {
    {"DequantizeLinear", to_standard},
    {"DynamicQuantizeLSTM", nnc_onnx_qlstm},
    {"DynamicQuantizeMatMul", dynamic_quantize_matmul},
    {"MatMulIntegerToFloat", matmul_integer_to_float},
    {"QAttention", nnc_onnx_qattention},
    {"QuantizeLinear", to_standard},
};

nnc_status nnc_onnx_qoperator(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    for (size_t i = 0; i < sizeof contributeds / sizeof *contributeds; i++) {
        if (strcmp(n->domain, "com.microsoft") == 0 &&
            strcmp(n->op_type, contributeds[i].op) == 0) {
            return contributeds[i].rewrite(graph, node);
        }
    }
    const qoperator *q = find(n);
    return !q || stays(graph, n, q) ? NNC_OK : rewrite(graph, node, q);
}
