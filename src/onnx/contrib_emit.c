/* Helpers of the contrib functions: nodes, constants, small shape arithmetic.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/contrib.h"

#include <stdio.h>
#include <string.h>

bool nnc_contrib_has(const nnc_contrib *c, uint32_t input)
{
    return input < NNC_CONTRIB_INPUTS && c->in[input] != NNC_ID_NONE;
}

const nnc_shape *nnc_contrib_shape(const nnc_contrib *c, nnc_value_id value)
{
    const nnc_value *v = value == NNC_ID_NONE ? NULL : nnc_graph_value_const(c->graph, value);
    return v && v->has_shape ? &v->shape : NULL;
}

int nnc_contrib_rank(const nnc_contrib *c, nnc_value_id value)
{
    const nnc_shape *shape = nnc_contrib_shape(c, value);
    return shape ? (int)shape->rank : -1;
}

nnc_status nnc_contrib_emit_many(nnc_value_id *out, nnc_contrib *c, const uint32_t *to,
                                 uint32_t outs, const char *op, const nnc_value_id *in,
                                 uint32_t count)
{
    char name[320];
    bool named = false;
    for (uint32_t i = 0; i < outs; i++) {
        out[i] = to[i] < NNC_CONTRIB_OUTPUTS ? c->out[to[i]] : NNC_ID_NONE;
        named |= out[i] != NNC_ID_NONE && to[i] == 0;
        if (out[i] == NNC_ID_NONE) {
            snprintf(name, sizeof name, "%s_%s", c->base, op);
            NNC_TRY(nnc_graph_add_value(&out[i], c->graph, name, NNC_VALUE_TEMP,
                                        NNC_DTYPE_UNDEFINED, NULL));
        }
    }
    while (count > 0 && in[count - 1] == NNC_ID_NONE) {
        count--;
    }
    return nnc_graph_add_node(&c->last, c->graph, named ? c->old.name : "", "", op, in, count, out,
                              outs);
}

nnc_status nnc_contrib_emit(nnc_value_id *out, nnc_contrib *c, uint32_t to, const char *op,
                            const nnc_value_id *in, uint32_t count)
{
    return nnc_contrib_emit_many(out, c, &to, 1, op, in, count);
}

nnc_status nnc_contrib_emit1(nnc_value_id *out, nnc_contrib *c, uint32_t to, const char *op,
                             nnc_value_id x)
{
    return nnc_contrib_emit(out, c, to, op, &x, 1);
}

nnc_status nnc_contrib_emit2(nnc_value_id *out, nnc_contrib *c, uint32_t to, const char *op,
                             nnc_value_id a, nnc_value_id b)
{
    const nnc_value_id in[2] = {a, b};
    return nnc_contrib_emit(out, c, to, op, in, 2);
}

nnc_status nnc_contrib_ints(nnc_value_id *out, nnc_contrib *c, const int64_t *data, size_t n)
{
    return nnc_graph_add_const_i64(out, c->graph, c->base, data, n, false);
}

nnc_status nnc_contrib_scalar_int(nnc_value_id *out, nnc_contrib *c, int64_t value)
{
    return nnc_graph_add_const_i64(out, c->graph, c->base, &value, 1, true);
}

nnc_status nnc_contrib_scalar(nnc_value_id *out, nnc_contrib *c, float value)
{
    const nnc_shape shape = {.rank = 0};
    return nnc_graph_add_const_f32(out, c->graph, c->base, &value, &shape);
}

nnc_status nnc_contrib_add_input(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, uint32_t i)
{
    if (!nnc_contrib_has(c, i)) {
        *out = x;
        return NNC_OK;
    }
    return nnc_contrib_emit2(out, c, NNC_CONTRIB_TEMP, "Add", x, c->in[i]);
}

nnc_status nnc_contrib_copy(nnc_contrib *c, const char *const *names)
{
    for (; *names; names++) {
        const nnc_attr *attr = nnc_node_attr(&c->old, *names);
        if (attr) {
            NNC_TRY(nnc_node_set_attr(c->graph, c->last, attr));
        }
    }
    return NNC_OK;
}

nnc_status nnc_contrib_reshape(nnc_value_id *out, nnc_contrib *c, uint32_t to, nnc_value_id x,
                               const int64_t *dims, size_t n)
{
    nnc_value_id shape;
    NNC_TRY(nnc_contrib_ints(&shape, c, dims, n));
    return nnc_contrib_emit2(out, c, to, "Reshape", x, shape);
}

nnc_status nnc_contrib_transpose(nnc_value_id *out, nnc_contrib *c, uint32_t to, nnc_value_id x,
                                 const int64_t *perm, size_t n)
{
    NNC_TRY(nnc_contrib_emit1(out, c, to, "Transpose", x));
    return nnc_node_set_ints(c->graph, c->last, "perm", perm, n);
}

nnc_status nnc_contrib_unsqueeze(nnc_value_id *out, nnc_contrib *c, nnc_value_id x,
                                 const int64_t *axes, size_t n)
{
    nnc_value_id list;
    NNC_TRY(nnc_contrib_ints(&list, c, axes, n));
    return nnc_contrib_emit2(out, c, NNC_CONTRIB_TEMP, "Unsqueeze", x, list);
}

nnc_status nnc_contrib_cast(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, nnc_dtype dtype)
{
    NNC_TRY(nnc_contrib_emit1(out, c, NNC_CONTRIB_TEMP, "Cast", x));
    return nnc_node_set_int(c->graph, c->last, "to", (int64_t)dtype);
}

nnc_status nnc_contrib_split(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, int64_t axis,
                             const int64_t *sizes, uint32_t n)
{
    static const uint32_t temps[] = {NNC_CONTRIB_TEMP, NNC_CONTRIB_TEMP, NNC_CONTRIB_TEMP};
    nnc_value_id in[2] = {x, NNC_ID_NONE};
    if (sizes) {
        NNC_TRY(nnc_contrib_ints(&in[1], c, sizes, n));
    }
    NNC_TRY(nnc_contrib_emit_many(out, c, temps, n, "Split", in, 2));
    if (!sizes) {
        NNC_TRY(nnc_node_set_int(c->graph, c->last, "num_outputs", n));
    }
    return nnc_node_set_int(c->graph, c->last, "axis", axis);
}

nnc_status nnc_contrib_dim(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, int64_t axis)
{
    nnc_value_id shape, index;
    NNC_TRY(nnc_contrib_emit1(&shape, c, NNC_CONTRIB_TEMP, "Shape", x));
    NNC_TRY(nnc_contrib_scalar_int(&index, c, axis));
    return nnc_contrib_emit2(out, c, NNC_CONTRIB_TEMP, "Gather", shape, index);
}

nnc_status nnc_contrib_range(nnc_value_id *out, nnc_contrib *c, nnc_value_id n)
{
    nnc_value_id in[3] = {NNC_ID_NONE, n, NNC_ID_NONE};
    NNC_TRY(nnc_contrib_scalar_int(&in[0], c, 0));
    NNC_TRY(nnc_contrib_scalar_int(&in[2], c, 1));
    return nnc_contrib_emit(out, c, NNC_CONTRIB_TEMP, "Range", in, 3);
}

nnc_status nnc_contrib_refuse_output(const nnc_contrib *c, uint32_t i)
{
    if (c->out[i] != NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "output %u '%.120s' cannot be computed", (unsigned)i,
                 nnc_graph_value_const(c->graph, c->out[i])->name);
    }
    return NNC_OK;
}

/* ---- activations of fused operators ---- */

typedef struct activation {
    const char *name;
    const char
        *attrs[2]; /* attributes of the operator of that name, in the order of the parameters */
} activation;

static const activation activations[] = {
    {"Relu", {NULL, NULL}},
    {"Tanh", {NULL, NULL}},
    {"Sigmoid", {NULL, NULL}},
    {"LeakyRelu", {"alpha", NULL}},
    {"HardSigmoid", {"alpha", "beta"}},
    {"Elu", {"alpha", NULL}},
    {"Selu", {"alpha", "gamma"}},
    {"Celu", {"alpha", NULL}},
    {"ThresholdedRelu", {"alpha", NULL}},
    {"Softplus", {NULL, NULL}},
    {"Softsign", {NULL, NULL}},
    {"HardSwish", {NULL, NULL}},
    {"Softmax", {NULL, NULL}},
    {"Gelu", {NULL, NULL}},
};

/* Number k of an activation; false if the node does not give it. */
static bool activation_number(float *out, const nnc_contrib *c, const char *attr,
                              const char *params, const char *suffix, uint32_t k)
{
    char name[64];
    const nnc_attr *list = params ? nnc_node_attr(&c->old, params) : NULL;
    if (list && list->type == NNC_ATTR_FLOATS && k < list->count) {
        *out = list->floats[k];
        return true;
    }
    snprintf(name, sizeof name, "%s_%s", attr, suffix);
    const nnc_attr *one = nnc_node_attr(&c->old, name);
    if (one && one->type == NNC_ATTR_FLOAT) {
        *out = one->f;
        return true;
    }
    return false;
}

nnc_status nnc_contrib_activation(nnc_contrib *c, uint32_t to, nnc_value_id x, const char *attr,
                                  const char *params)
{
    const char *name = nnc_node_string(&c->old, attr, "");
    nnc_value_id y;
    float v;
    if (strcmp(name, "Clip") == 0) {
        nnc_value_id in[3] = {x, NNC_ID_NONE, NNC_ID_NONE};
        for (uint32_t k = 0; k < 2; k++) {
            if (activation_number(&v, c, attr, params, k == 0 ? "alpha" : "beta", k)) {
                NNC_TRY(nnc_contrib_scalar(&in[k + 1], c, v));
            }
        }
        return nnc_contrib_emit(&y, c, to, "Clip", in, 3);
    }
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        const activation *a = &activations[i];
        if (strcmp(a->name, name) != 0) {
            continue;
        }
        NNC_TRY(nnc_contrib_emit1(&y, c, to, name, x));
        for (uint32_t k = 0; k < 2 && a->attrs[k]; k++) {
            if (activation_number(&v, c, attr, params, a->attrs[k], k)) {
                NNC_TRY(nnc_node_set_float(c->graph, c->last, a->attrs[k], v));
            }
        }
        const nnc_attr *axis = nnc_node_attr(&c->old, "activation_axis");
        return axis && strcmp(name, "Softmax") == 0
                   ? nnc_node_set_int(c->graph, c->last, "axis", axis->i)
                   : NNC_OK;
    }
    NNC_FAIL(NNC_ERR_UNSUPPORTED, "has the activation '%.60s'", name);
}
