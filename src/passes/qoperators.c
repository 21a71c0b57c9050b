/* QOperator forms become the float op between DequantizeLinear and QuantizeLinear nodes, which then
 * fold as usual. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "passes/qdq.h"

#define OPERANDS_MAX 2

/* Where a fused operator keeps its parts: input slots of (tensor, scale, zero point), of the
 * output's (scale, zero point), and of an int32 addend; -1: none. */
typedef struct qoperator {
    const char *domain, *name, *becomes;
    int operands;
    int tensor[OPERANDS_MAX], scale[OPERANDS_MAX], zero[OPERANDS_MAX];
    int out_scale, out_zero;
    int addend;
    bool variadic;    /* (tensor, scale, zero) triples from slot 2 on */
    const char *drop; /* attribute without meaning in the float op */
} qoperator;

#define MS "com.microsoft"
static const qoperator qoperators[] = {
    {"", "QLinearConv", "Conv", 2, {0, 3}, {1, 4}, {2, 5}, 6, 7, 8, false, NULL},
    {"", "QLinearMatMul", "MatMul", 2, {0, 3}, {1, 4}, {2, 5}, 6, 7, -1, false, NULL},
    {MS, "QGemm", "Gemm", 2, {0, 3}, {1, 4}, {2, 5}, 7, 8, 6, false, NULL},
    {MS, "QLinearAdd", "Add", 2, {0, 3}, {1, 4}, {2, 5}, 6, 7, -1, false, NULL},
    {MS, "QLinearMul", "Mul", 2, {0, 3}, {1, 4}, {2, 5}, 6, 7, -1, false, NULL},
    {MS, "QLinearAveragePool", "AveragePool", 1, {0}, {1}, {2}, 3, 4, -1, false, "channels_last"},
    {MS,
     "QLinearGlobalAveragePool",
     "GlobalAveragePool",
     1,
     {0},
     {1},
     {2},
     3,
     4,
     -1,
     false,
     "channels_last"},
    {MS, "QLinearSigmoid", "Sigmoid", 1, {0}, {1}, {2}, 3, 4, -1, false, NULL},
    {MS, "QLinearLeakyRelu", "LeakyRelu", 1, {0}, {1}, {2}, 3, 4, -1, false, NULL},
    {MS, "QLinearSoftmax", "Softmax", 1, {0}, {1}, {2}, 3, 4, -1, false, "opset"},
    {MS, "QLinearConcat", "Concat", 0, {0}, {0}, {0}, 0, 1, -1, true, NULL},
};

static const qoperator *find_row(const nnc_node *node)
{
    for (size_t i = 0; i < sizeof qoperators / sizeof qoperators[0]; i++) {
        if (strcmp(node->domain, qoperators[i].domain) == 0 &&
            strcmp(node->op_type, qoperators[i].name) == 0) {
            return &qoperators[i];
        }
    }
    return NULL;
}

/* Input in a slot, or NNC_ID_NONE. */
static nnc_value_id slot_of(const nnc_node *node, int slot)
{
    return slot >= 0 && (uint32_t)slot < node->input_count ? node->inputs[slot] : NNC_ID_NONE;
}

static bool has_many(const nnc_graph *graph, nnc_value_id scale)
{
    const nnc_value *v = nnc_graph_value_const(graph, scale);
    return v->kind == NNC_VALUE_CONST && nnc_tensor_count(&v->tensor) > 1;
}

/* Axis of a weight's scales: output channels of Conv, columns of a matrix. */
static int64_t scale_axis(const qoperator *row, const nnc_node *node)
{
    if (strcmp(row->becomes, "Conv") == 0) {
        return 0;
    }
    return strcmp(row->becomes, "Gemm") == 0 && nnc_node_int(node, "transB", 0) ? 0 : -1;
}

static nnc_status dequantized(nnc_value_id *out, nnc_graph *graph, nnc_value_id x,
                              nnc_value_id scale, nnc_value_id zero, int64_t axis)
{
    const nnc_value_id in[3] = {x, scale, zero};
    nnc_node_id dq;
    NNC_TRY(nnc_pass_add_temp(out, graph, x, NNC_DTYPE_FLOAT, "_DequantizeLinear_Output"));
    NNC_TRY(nnc_pass_add_node(&dq, graph, "", "DequantizeLinear", in, zero == NNC_ID_NONE ? 2 : 3,
                              *out));
    return has_many(graph, scale) ? nnc_node_set_int(graph, dq, "axis", axis) : NNC_OK;
}

/* Scale of the int32 addend: alpha * sx * sw[c] in float32, the order that requantization uses. */
static nnc_status addend_scale(nnc_value_id *out, nnc_graph *graph, nnc_value_id sx,
                               nnc_value_id sw, float alpha)
{
    const nnc_value *x = nnc_graph_value_const(graph, sx), *w = nnc_graph_value_const(graph, sw);
    size_t count = nnc_tensor_count(&w->tensor);
    const nnc_shape shape = {.rank = count > 1 ? 1 : 0, .dims = {(int64_t)count}};
    nnc_tensor t = {0};
    NNC_TRY(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &shape));
    float *s = nnc_tensor_data(&t);
    for (size_t i = 0; i < count; i++) {
        s[i] = (float)nnc_tensor_get_double(&x->tensor, 0) *
               (float)nnc_tensor_get_double(&w->tensor, i);
        s[i] *= alpha;
    }
    nnc_status status = nnc_graph_add_const(out, graph, "bias_scale", &t);
    nnc_tensor_deinit(&t);
    return status;
}

static nnc_status add_addend(nnc_value_id *out, nnc_graph *graph, const qoperator *row,
                             nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_value_id bias = slot_of(node, row->addend), scale;
    nnc_value_id sx = slot_of(node, row->scale[0]), sw = slot_of(node, row->scale[1]);
    if (nnc_graph_value_const(graph, sx)->kind != NNC_VALUE_CONST ||
        nnc_graph_value_const(graph, sw)->kind != NNC_VALUE_CONST) {
        char label[200];
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: a bias with scales that are not constant",
                 nnc_node_label(label, sizeof label, graph, id));
    }
    float alpha = strcmp(row->becomes, "Gemm") == 0 ? nnc_node_float(node, "alpha", 1.0f) : 1.0f;
    NNC_TRY(addend_scale(&scale, graph, sx, sw, alpha));
    return dequantized(out, graph, bias, scale, NNC_ID_NONE, 0);
}

/* The float result: the source model's name for it, if it only appended "_quantized". */
static nnc_status float_output(nnc_value_id *out, nnc_graph *graph, nnc_value_id y)
{
    const nnc_value *v = nnc_graph_value_const(graph, y);
    static const char tail[] = "_quantized";
    size_t n = strlen(v->name), t = sizeof tail - 1;
    nnc_shape shape = v->shape;
    bool has_shape = v->has_shape;
    char *name = n > t && strcmp(v->name + n - t, tail) == 0
                     ? nnc_arena_strndup(nnc_graph_arena(graph), v->name, n - t)
                     : nnc_arena_printf(nnc_graph_arena(graph), "%s_QuantizeLinear_Input", v->name);
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    return nnc_graph_add_value(out, graph, name, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT,
                               has_shape ? &shape : NULL);
}

/* The float op's inputs; *count of them. */
static nnc_status float_inputs(nnc_value_id *in, uint32_t *count, nnc_graph *graph,
                               const qoperator *row, nnc_node_id id)
{
    uint32_t n = 0, triples = (nnc_graph_node_const(graph, id)->input_count - 2) / 3;
    for (uint32_t i = 0; row->variadic && i < triples; i++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        int at = 2 + 3 * (int)i;
        NNC_TRY(dequantized(&in[n++], graph, slot_of(node, at), slot_of(node, at + 1),
                            slot_of(node, at + 2), -1));
    }
    for (int i = 0; i < row->operands; i++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        NNC_TRY(dequantized(&in[n++], graph, slot_of(node, row->tensor[i]),
                            slot_of(node, row->scale[i]), slot_of(node, row->zero[i]),
                            scale_axis(row, node)));
    }
    if (slot_of(nnc_graph_node_const(graph, id), row->addend) != NNC_ID_NONE) {
        NNC_TRY(add_addend(&in[n++], graph, row, id));
    }
    *count = n;
    return NNC_OK;
}

static nnc_status check_parts(const nnc_graph *graph, const qoperator *row, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    char label[200];
    nnc_node_label(label, sizeof label, graph, id);
    bool complete = node->output_count == 1 && node->outputs[0] != NNC_ID_NONE;
    for (int i = 0; i < row->operands; i++) {
        complete &= slot_of(node, row->tensor[i]) != NNC_ID_NONE &&
                    slot_of(node, row->scale[i]) != NNC_ID_NONE;
    }
    if (row->variadic) {
        complete &= node->input_count >= 5 && (node->input_count - 2) % 3 == 0;
        for (uint32_t i = 2; complete && i < node->input_count; i++) {
            complete = node->inputs[i] != NNC_ID_NONE || i % 3 == 1;
        }
    }
    if (!complete) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: has %u inputs and %u outputs, some required ones are missing",
                 label, (unsigned)node->input_count, (unsigned)node->output_count);
    }
    if (row->drop && strcmp(row->drop, "channels_last") == 0 && nnc_node_int(node, row->drop, 0)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: channels_last = 1 is not read", label);
    }
    return NNC_OK;
}

static nnc_status expand(nnc_graph *graph, const qoperator *row, nnc_node_id id, nnc_value_id *in)
{
    uint32_t count;
    NNC_TRY(check_parts(graph, row, id));
    nnc_value_id y = nnc_graph_node_const(graph, id)->outputs[0], raw;
    nnc_value_id q[3] = {NNC_ID_NONE, slot_of(nnc_graph_node_const(graph, id), row->out_scale),
                         slot_of(nnc_graph_node_const(graph, id), row->out_zero)};
    NNC_TRY(float_inputs(in, &count, graph, row, id));
    NNC_TRY(nnc_node_set_op(graph, id, "", row->becomes));
    NNC_TRY(nnc_node_set_inputs(graph, id, in, count));
    if (row->drop) {
        nnc_node_remove_attr(graph, id, row->drop);
    }
    if (q[1] == NNC_ID_NONE) {
        return nnc_node_bind(graph, id); /* QGemm without an output scale gives float */
    }
    NNC_TRY(float_output(&raw, graph, y));
    nnc_node *node = nnc_graph_node(graph, id);
    node->outputs[0] = raw;
    nnc_graph_value(graph, raw)->producer = id;
    nnc_graph_value(graph, y)->producer = NNC_ID_NONE;
    NNC_TRY(nnc_node_bind(graph, id));
    q[0] = raw;
    nnc_node_id quantize;
    return nnc_pass_add_node(&quantize, graph, "", "QuantizeLinear", q, q[2] == NNC_ID_NONE ? 2 : 3,
                             y);
}

nnc_status nnc_qdq_expand_qoperators(nnc_graph *graph, size_t *changed)
{
    uint32_t nodes = nnc_graph_node_count(graph);
    for (nnc_node_id n = 0; n < nodes; n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        const qoperator *row = node->dead ? NULL : find_row(node);
        if (!row) {
            continue;
        }
        nnc_value_id *in = nnc_calloc((size_t)node->input_count + 3, sizeof *in);
        nnc_status status = in ? expand(graph, row, n, in) : NNC_ERR_LIMIT;
        nnc_free(in);
        NNC_TRY(status);
        (*changed)++;
    }
    return NNC_OK;
}
