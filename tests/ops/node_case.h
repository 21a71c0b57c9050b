/* One-node graphs from a line of text. SPDX-License-Identifier: Apache-2.0
 * inputs: "f[N,3,8,8] f[4] - i{1,2} c{0.5,2} i(3)": float32 / i int64 / h int32 / b bool / u uint8
 * / s int8 values, omitted, constant lists (i: int64, c: float32) and constant scalars; "?": rank
 * unknown. attributes: "axis=1 pads=[1,1] mode=linear alpha~0.5". A dim is a number, a name, or "_"
 * for an anonymous symbol. "body=@3:1,2": a subgraph, see case_subgraph. */
#ifndef NNC_TESTS_OPS_NODE_CASE_H
#define NNC_TESTS_OPS_NODE_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ops/op.h"

static inline nnc_dtype case_dtype(char c)
{
    switch (c) {
    case 'i':
        return NNC_DTYPE_INT64;
    case 'h':
        return NNC_DTYPE_INT32;
    case 'b':
        return NNC_DTYPE_BOOL;
    case 'u':
        return NNC_DTYPE_UINT8;
    case 's':
        return NNC_DTYPE_INT8;
    default:
        return NNC_DTYPE_FLOAT;
    }
}

static inline nnc_value_id case_const(nnc_graph *g, const char *text)
{
    nnc_value_id v = NNC_ID_NONE;
    float floats[16];
    int64_t ints[16];
    size_t n = 0;
    bool scalar = text[1] == '(';
    char *end = (char *)(uintptr_t)text + 2;
    while (*end != '}' && *end != ')') {
        floats[n] = strtof(end, NULL);
        ints[n++] = strtoll(end, &end, 10);
        end += strcspn(end, ",})");
        end += *end == ',';
    }
    nnc_shape shape = {.rank = scalar ? 0 : 1, .dims = {(int64_t)n}};
    if (text[0] == 'c') {
        assert_int_equal(nnc_graph_add_const_f32(&v, g, "c", floats, &shape), NNC_OK);
    } else {
        assert_int_equal(nnc_graph_add_const_i64(&v, g, "i", ints, n, scalar), NNC_OK);
    }
    return v;
}

static inline nnc_shape case_shape(nnc_graph *g, const char *text)
{
    nnc_shape shape = {.rank = 0};
    char copy[128];
    snprintf(copy, sizeof copy, "%s", text + 2);
    copy[strcspn(copy, "]")] = '\0';
    char *save = NULL;
    for (char *dim = strtok_r(copy, ",", &save); dim; dim = strtok_r(NULL, ",", &save)) {
        int64_t *d = &shape.dims[shape.rank++];
        if (strchr("-0123456789", dim[0])) {
            *d = strtoll(dim, NULL, 10);
        } else {
            assert_int_equal(nnc_graph_symbol(d, g, dim[0] == '_' ? NULL : dim), NNC_OK);
        }
    }
    return shape;
}

static inline nnc_value_id case_input(nnc_graph *g, const char *text)
{
    nnc_value_id v = NNC_ID_NONE;
    if (text[0] == '-') {
        return v;
    }
    if (text[1] == '{' || text[1] == '(') {
        return case_const(g, text);
    }
    bool known = text[0] != '?';
    nnc_shape shape = known ? case_shape(g, text) : (nnc_shape){0};
    assert_int_equal(nnc_graph_add_value(&v, g, "x", NNC_VALUE_INPUT, case_dtype(text[0]),
                                         known ? &shape : NULL),
                     NNC_OK);
    assert_int_equal(nnc_graph_add_input(g, v), NNC_OK);
    return v;
}

/* "@3:1,2": a subgraph of 3 inputs, whose outputs are the inputs 1 and 2. */
static inline void case_subgraph(nnc_graph *g, nnc_node_id node, const char *name, char *text)
{
    nnc_graph *sub;
    nnc_value_id v;
    assert_int_equal(nnc_graph_create(&sub), NNC_OK);
    for (long n = strtol(text + 1, &text, 10); n > 0; n--) {
        assert_int_equal(
            nnc_graph_add_value(&v, sub, "a", NNC_VALUE_INPUT, NNC_DTYPE_UNDEFINED, NULL), NNC_OK);
        assert_int_equal(nnc_graph_add_input(sub, v), NNC_OK);
    }
    while (*text == ':' || *text == ',') {
        v = (nnc_value_id)strtol(text + 1, &text, 10);
        assert_int_equal(nnc_graph_add_output(sub, v, NULL), NNC_OK);
    }
    nnc_attr attr = {.name = name, .type = NNC_ATTR_GRAPH, .count = 1, .graphs = &sub};
    assert_int_equal(nnc_node_set_attr(g, node, &attr), NNC_OK);
    nnc_graph_destroy(sub);
}

static inline void case_attr(nnc_graph *g, nnc_node_id node, char *text)
{
    char *value = text + strcspn(text, "=~");
    bool is_float = *value == '~';
    *value++ = '\0';
    if (is_float) {
        assert_int_equal(nnc_node_set_float(g, node, text, strtof(value, NULL)), NNC_OK);
    } else if (value[0] == '@') {
        case_subgraph(g, node, text, value);
    } else if (value[0] == '[') {
        int64_t list[16];
        size_t n = 0;
        for (char *at = value + 1; *at != ']' && *at != '\0'; at += *at == ',') {
            list[n++] = strtoll(at, &at, 10);
        }
        assert_int_equal(nnc_node_set_ints(g, node, text, list, n), NNC_OK);
    } else if (strchr("-0123456789", value[0])) {
        assert_int_equal(nnc_node_set_int(g, node, text, strtoll(value, NULL, 10)), NNC_OK);
    } else {
        assert_int_equal(nnc_node_set_string(g, node, text, value), NNC_OK);
    }
}

/* Graph with the node "n" (id 0); domain before a '.', as in "nnc.Quant". */
static inline nnc_graph *case_graph(const char *op, const char *inputs, const char *attrs,
                                    uint32_t outputs)
{
    nnc_graph *g;
    nnc_value_id in[16], out[16];
    uint32_t count = 0;
    char copy[512], *save = NULL, domain[16] = "";
    nnc_node_id node;
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    snprintf(copy, sizeof copy, "%s", inputs);
    for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
        in[count++] = case_input(g, t);
    }
    for (uint32_t i = 0; i < outputs; i++) {
        assert_int_equal(
            nnc_graph_add_value(&out[i], g, "y", NNC_VALUE_TEMP, NNC_DTYPE_UNDEFINED, NULL),
            NNC_OK);
        assert_int_equal(nnc_graph_add_output(g, out[i], NULL), NNC_OK);
    }
    const char *dot = strrchr(op, '.');
    if (dot) {
        snprintf(domain, sizeof domain, "%.*s", (int)(dot - op), op);
    }
    assert_int_equal(
        nnc_graph_add_node(&node, g, "n", domain, dot ? dot + 1 : op, in, count, out, outputs),
        NNC_OK);
    snprintf(copy, sizeof copy, "%s", attrs);
    save = NULL;
    for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
        case_attr(g, node, t);
    }
    return g;
}

/* "f[N,4,_]" of a value. */
static inline void case_describe(nnc_str *out, const nnc_graph *g, nnc_value_id v)
{
    const nnc_value *value = nnc_graph_value_const(g, v);
    const char *letters = "?fus??hi?b";
    nnc_str_appendf(out, "%c", value->dtype < 10 ? letters[value->dtype] : '?');
    if (!value->has_shape) {
        nnc_str_append(out, "?");
        return;
    }
    nnc_str_append(out, "[");
    for (uint32_t d = 0; d < value->shape.rank; d++) {
        nnc_str_append(out, d > 0 ? "," : "");
        if (value->shape.dims[d] >= 0) {
            nnc_str_appendf(out, "%lld", (long long)value->shape.dims[d]);
        } else {
            const char *name = nnc_graph_symbol_name(g, value->shape.dims[d]);
            nnc_str_append(out, name[0] ? name : "_");
        }
    }
    nnc_str_append(out, "]");
}

#endif
