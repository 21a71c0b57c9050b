/* com.microsoft.QAttention as standard operators. SPDX-License-Identifier: Apache-2.0
 * input [B,S,K] and weight [K,3*H] are 8-bit integers with their grids, bias [3*H] is float: the
 * product gives queries, keys and values of all heads side by side. */
#include <math.h>
#include <stdio.h>

#include "onnx/qoperator.h"

enum {
    INPUT,
    WEIGHT,
    BIAS,
    INPUT_SCALE,
    WEIGHT_SCALE,
    MASK,
    INPUT_ZERO,
    WEIGHT_ZERO,
    PAST,
    INPUTS
};

typedef struct attention {
    nnc_graph *graph;
    const char *base;
    nnc_value_id in[INPUTS];
    int64_t heads, size; /* of one head */
    float scale, filter; /* of the scores; added to masked ones */
    bool causal;
} attention;

static nnc_status op(nnc_value_id *out, const attention *t, const char *name, nnc_value_id a,
                     nnc_value_id b)
{
    return nnc_onnx_add_op(out, t->graph, t->base, name, a, b);
}

static nnc_node_id producer(const attention *t, nnc_value_id v)
{
    return nnc_graph_value_const(t->graph, v)->producer;
}

static nnc_status ints(nnc_value_id *out, const attention *t, const int64_t *data, size_t n)
{
    return nnc_graph_add_const_i64(out, t->graph, "attention", data, n, false);
}

static nnc_status number(nnc_value_id *out, const attention *t, float x)
{
    const nnc_shape scalar = {.rank = 0};
    return nnc_graph_add_const_f32(out, t->graph, "attention", &x, &scalar);
}

static nnc_status transpose(nnc_value_id *out, const attention *t, nnc_value_id x,
                            const int64_t *perm, size_t rank)
{
    NNC_TRY(op(out, t, "Transpose", x, NNC_ID_NONE));
    return nnc_node_set_ints(t->graph, producer(t, *out), "perm", perm, rank);
}

static nnc_status reshape(nnc_value_id *out, const attention *t, nnc_value_id x,
                          const int64_t *dims, size_t rank)
{
    nnc_value_id shape;
    NNC_TRY(ints(&shape, t, dims, rank));
    return op(out, t, "Reshape", x, shape);
}

/* Queries, keys and values, [B,heads,S,size] each. */
static nnc_status project(nnc_value_id parts[3], const attention *t)
{
    static const int64_t order[5] = {2, 0, 3, 1, 4};
    const int64_t split[5] = {0, 0, 3, t->heads, t->size};
    const nnc_value_id x[3] = {t->in[INPUT], t->in[INPUT_SCALE], t->in[INPUT_ZERO]};
    const nnc_value_id w[3] = {t->in[WEIGHT], t->in[WEIGHT_SCALE], t->in[WEIGHT_ZERO]};
    nnc_value_id a, b, y;
    NNC_TRY(nnc_onnx_add_dequantize(&a, t->graph, t->base, x, 1));
    NNC_TRY(nnc_onnx_add_dequantize(&b, t->graph, t->base, w, 1));
    NNC_TRY(op(&y, t, "MatMul", a, b));
    NNC_TRY(op(&y, t, "Add", y, t->in[BIAS]));
    NNC_TRY(reshape(&y, t, y, split, 5));
    NNC_TRY(transpose(&y, t, y, order, 5));
    for (int64_t i = 0; i < 3; i++) {
        nnc_value_id index;
        NNC_TRY(nnc_graph_add_const_i64(&index, t->graph, "attention", &i, 1, true));
        NNC_TRY(op(&parts[i], t, "Gather", y, index));
        NNC_TRY(nnc_node_set_int(t->graph, producer(t, parts[i]), "axis", 0));
    }
    return NNC_OK;
}

/* Adds `filter` where the mask is 0. The mask is [B,S] or [B,S,S]. */
static nnc_status add_mask(nnc_value_id *scores, const attention *t)
{
    static const int64_t axes[2] = {1, 2};
    const nnc_value *mask = nnc_graph_value_const(t->graph, t->in[MASK]);
    nnc_value_id m, one, filter, list;
    if (!mask->has_shape || mask->shape.rank < 2 || mask->shape.rank > 3) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "has a mask of %s, known are [batch, length] and [batch, length, length]",
                 mask->has_shape ? "another rank" : "unknown rank");
    }
    NNC_TRY(op(&m, t, "Cast", t->in[MASK], NNC_ID_NONE));
    NNC_TRY(nnc_node_set_int(t->graph, producer(t, m), "to", NNC_DTYPE_FLOAT));
    NNC_TRY(number(&one, t, 1.0f));
    NNC_TRY(number(&filter, t, t->filter));
    NNC_TRY(op(&m, t, "Sub", one, m));
    NNC_TRY(op(&m, t, "Mul", m, filter));
    NNC_TRY(ints(&list, t, axes, mask->shape.rank == 2 ? 2 : 1));
    NNC_TRY(op(&m, t, "Unsqueeze", m, list));
    return op(scores, t, "Add", *scores, m);
}

/* Adds `filter` where a key stands behind its query. */
static nnc_status add_causal(nnc_value_id *scores, const attention *t)
{
    const int64_t numbers[2] = {0, 1}, last[1] = {1};
    nnc_value_id shape, length, range, column, later, parts[3];
    nnc_node_id node;
    NNC_TRY(op(&shape, t, "Shape", t->in[INPUT], NNC_ID_NONE));
    for (int i = 0; i < 2; i++) {
        NNC_TRY(nnc_graph_add_const_i64(&parts[i], t->graph, "attention", &numbers[i], 1, true));
    }
    NNC_TRY(op(&length, t, "Gather", shape, parts[1]));
    NNC_TRY(op(&range, t, "Range", parts[0], length));
    const nnc_value_id limits[3] = {parts[0], length, parts[1]};
    NNC_TRY(nnc_node_set_inputs(t->graph, producer(t, range), limits, 3));
    NNC_TRY(ints(&parts[2], t, last, 1));
    NNC_TRY(op(&column, t, "Unsqueeze", range, parts[2]));
    NNC_TRY(op(&later, t, "Less", column, range));
    NNC_TRY(number(&parts[0], t, t->filter));
    NNC_TRY(number(&parts[1], t, 0.0f));
    const nnc_value_id choice[3] = {later, parts[0], parts[1]};
    NNC_TRY(op(&parts[2], t, "Where", later, parts[0]));
    node = producer(t, parts[2]);
    NNC_TRY(nnc_node_set_inputs(t->graph, node, choice, 3));
    return op(scores, t, "Add", *scores, parts[2]);
}

static nnc_status build(const attention *t, nnc_node_id node)
{
    static const int64_t swap[4] = {0, 1, 3, 2}, join[4] = {0, 2, 1, 3};
    const int64_t merged[3] = {0, 0, t->heads * t->size};
    nnc_value_id parts[3], y, scale, shape;
    NNC_TRY(project(parts, t));
    NNC_TRY(transpose(&y, t, parts[1], swap, 4));
    NNC_TRY(op(&y, t, "MatMul", parts[0], y));
    NNC_TRY(number(&scale, t, t->scale));
    NNC_TRY(op(&y, t, "Mul", y, scale));
    NNC_TRY(t->in[MASK] != NNC_ID_NONE ? add_mask(&y, t) : NNC_OK);
    NNC_TRY(t->causal ? add_causal(&y, t) : NNC_OK);
    NNC_TRY(op(&y, t, "Softmax", y, NNC_ID_NONE));
    NNC_TRY(nnc_node_set_int(t->graph, producer(t, y), "axis", -1));
    NNC_TRY(op(&y, t, "MatMul", y, parts[2]));
    NNC_TRY(transpose(&y, t, y, join, 4));
    NNC_TRY(ints(&shape, t, merged, 3));
    const nnc_value_id last[2] = {y, shape};
    while (nnc_graph_node_const(t->graph, node)->attr_count > 0) {
        nnc_node_remove_attr(t->graph, node, nnc_graph_node_const(t->graph, node)->attrs[0].name);
    }
    NNC_TRY(nnc_node_set_op(t->graph, node, "", "Reshape"));
    return nnc_node_set_inputs(t->graph, node, last, 2);
}

nnc_status nnc_onnx_qattention(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    attention t = {.graph = graph, .heads = nnc_node_int(n, "num_heads", 0)};
    char base[256];
    for (uint32_t i = 0; i < INPUTS; i++) {
        t.in[i] = i < n->input_count ? n->inputs[i] : NNC_ID_NONE;
    }
    for (uint32_t i = 0; i <= WEIGHT_SCALE; i++) {
        if (t.in[i] == NNC_ID_NONE) {
            NNC_FAIL(NNC_ERR_MODEL, "lacks input %u", (unsigned)i);
        }
    }
    if (n->output_count == 0 || n->outputs[0] == NNC_ID_NONE || t.in[PAST] != NNC_ID_NONE ||
        (n->output_count > 1 && n->outputs[1] != NNC_ID_NONE) ||
        nnc_node_int(n, "do_rotary", 0) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has a past, a present or rotary positions");
    }
    const nnc_value *w = nnc_graph_value_const(graph, t.in[WEIGHT]);
    int64_t columns = w->has_shape && w->shape.rank == 2 ? w->shape.dims[1] : -1;
    if (t.heads < 1 || t.heads > 65536 || columns < 0 || columns % (3 * t.heads) != 0) {
        NNC_FAIL(NNC_ERR_MODEL, "has %lld heads and a weight of %lld columns", (long long)t.heads,
                 (long long)columns);
    }
    t.size = columns / (3 * t.heads);
    float scale = nnc_node_float(n, "scale", 0.0f);
    t.scale = scale != 0.0f ? scale : 1.0f / sqrtf((float)t.size);
    t.filter = nnc_node_float(n, "mask_filter_value", -10000.0f);
    t.causal = nnc_node_int(n, "unidirectional", 0) != 0;
    snprintf(base, sizeof base, "%.250s", nnc_graph_value_const(graph, n->outputs[0])->name);
    t.base = base;
    return build(&t, node);
}
