/* Writes protobuf wire format and small ONNX models by hand, valid or not, for tests.
 * SPDX-License-Identifier: Apache-2.0 Field numbers are spelled at the call, so that a test can
 * also write wrong ones. */
#ifndef NNC_TESTS_ONNX_WIRE_H
#define NNC_TESTS_ONNX_WIRE_H

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct wire {
    uint8_t *data;
    size_t len, cap;
} wire;

static inline void wire_put(wire *w, const void *data, size_t n)
{
    if (w->len + n > w->cap) {
        w->cap = (w->len + n) * 2 + 64;
        w->data = realloc(w->data, w->cap);
        if (!w->data) {
            abort();
        }
    }
    if (n > 0) {
        memcpy(w->data + w->len, data, n);
    }
    w->len += n;
}

static inline void wire_free(wire *w)
{
    free(w->data);
    *w = (wire){0};
}

static inline void wire_number(wire *w, uint64_t v)
{
    do {
        uint8_t byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        wire_put(w, &byte, 1);
        v >>= 7;
    } while (v > 0);
}

static inline void wire_tag(wire *w, uint32_t field, uint32_t type)
{
    wire_number(w, (uint64_t)field << 3 | type);
}

static inline void wire_int(wire *w, uint32_t field, int64_t v)
{
    wire_tag(w, field, 0);
    wire_number(w, (uint64_t)v);
}

static inline void wire_float(wire *w, uint32_t field, float v)
{
    wire_tag(w, field, 5);
    wire_put(w, &v, 4);
}

static inline void wire_bytes(wire *w, uint32_t field, const void *data, size_t n)
{
    wire_tag(w, field, 2);
    wire_number(w, n);
    wire_put(w, data, n);
}

static inline void wire_str(wire *w, uint32_t field, const char *text)
{
    wire_bytes(w, field, text, strlen(text));
}

/* Appends a message and releases it. */
static inline void wire_msg(wire *w, uint32_t field, wire m)
{
    wire_bytes(w, field, m.data, m.len);
    wire_free(&m);
}

/* ---- ONNX messages ---- */
enum {
    W_FLOAT = 1,
    W_UINT8 = 2,
    W_INT8 = 3,
    W_INT32 = 6,
    W_INT64 = 7,
    W_STRING = 8,
    W_BOOL = 9,
    W_FLOAT16 = 10
};

/* TensorProto without data. dims: "2,3" or "" for a scalar. */
static inline wire w_tensor_head(const char *name, int dtype, const char *dims)
{
    wire t = {0};
    for (const char *p = dims; *p;) {
        char *end;
        wire_int(&t, 1, strtoll(p, &end, 10));
        p = *end == ',' ? end + 1 : end;
    }
    wire_int(&t, 2, dtype);
    if (name) {
        wire_str(&t, 8, name);
    }
    return t;
}

static inline wire w_tensor(const char *name, int dtype, const char *dims, const void *raw,
                            size_t bytes)
{
    wire t = w_tensor_head(name, dtype, dims);
    wire_bytes(&t, 9, raw, bytes);
    return t;
}

/* float32 tensor of n values 0.5, 1.0, 1.5, ... */
static inline wire w_floats(const char *name, const char *dims, size_t n)
{
    float *x = calloc(n + 1, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        x[i] = 0.5f * (float)(i % 64 + 1);
    }
    wire t = w_tensor(name, W_FLOAT, dims, x, n * sizeof *x);
    free(x);
    return t;
}

static inline wire w_int64s(const char *name, const char *dims, size_t n, const int64_t *values)
{
    return w_tensor(name, W_INT64, dims, values, n * sizeof *values);
}

/* ValueInfoProto. dims: "N,3,8" where a word is a named dimension and "?" an unknown one; NULL: no
 * shape. */
static inline wire w_value(const char *name, int dtype, const char *dims)
{
    wire info = {0}, type = {0}, tensor = {0}, shape = {0};
    wire_int(&tensor, 1, dtype);
    for (const char *p = dims; p && *p;) {
        wire dim = {0};
        size_t n = strcspn(p, ",");
        if (*p == '-' || (*p >= '0' && *p <= '9')) {
            wire_int(&dim, 1, strtoll(p, NULL, 10));
        } else if (*p != '?') {
            wire_bytes(&dim, 2, p, n);
        }
        wire_msg(&shape, 1, dim);
        p += n + (p[n] == ',');
    }
    if (dims) {
        wire_msg(&tensor, 2, shape);
    }
    wire_msg(&type, 1, tensor);
    wire_str(&info, 1, name);
    wire_msg(&info, 2, type);
    return info;
}

static inline void w_names(wire *w, uint32_t field, const char *names)
{
    for (const char *p = names; p;) {
        size_t n = strcspn(p, ",");
        wire_bytes(w, field, p, n);
        p = p[n] == ',' ? p + n + 1 : NULL;
    }
}

/* NodeProto. inputs and outputs: "a,b"; NULL: none. */
static inline wire w_node(const char *op, const char *name, const char *inputs, const char *outputs)
{
    wire n = {0};
    w_names(&n, 1, inputs);
    w_names(&n, 2, outputs);
    if (name) {
        wire_str(&n, 3, name);
    }
    wire_str(&n, 4, op);
    return n;
}

static inline void w_attr_int(wire *node, const char *name, int64_t v)
{
    wire a = {0};
    wire_str(&a, 1, name);
    wire_int(&a, 3, v);
    wire_int(&a, 20, 2);
    wire_msg(node, 5, a);
}

static inline void w_attr_float(wire *node, const char *name, float v)
{
    wire a = {0};
    wire_str(&a, 1, name);
    wire_float(&a, 2, v);
    wire_int(&a, 20, 1);
    wire_msg(node, 5, a);
}

static inline void w_attr_str(wire *node, const char *name, const char *v)
{
    wire a = {0};
    wire_str(&a, 1, name);
    wire_str(&a, 4, v);
    wire_int(&a, 20, 3);
    wire_msg(node, 5, a);
}

/* values: "1,2,-3". */
static inline void w_attr_ints(wire *node, const char *name, const char *values)
{
    wire a = {0};
    wire_str(&a, 1, name);
    for (const char *p = values; *p;) {
        char *end;
        wire_int(&a, 8, strtoll(p, &end, 10));
        p = *end == ',' ? end + 1 : end;
    }
    wire_int(&a, 20, 7);
    wire_msg(node, 5, a);
}

static inline void w_attr_tensor(wire *node, const char *name, wire tensor)
{
    wire a = {0};
    wire_str(&a, 1, name);
    wire_msg(&a, 5, tensor);
    wire_int(&a, 20, 4);
    wire_msg(node, 5, a);
}

static inline void w_attr_graph(wire *node, const char *name, wire graph)
{
    wire a = {0};
    wire_str(&a, 1, name);
    wire_msg(&a, 6, graph);
    wire_int(&a, 20, 5);
    wire_msg(node, 5, a);
}

static inline wire w_opset(const char *domain, int64_t version)
{
    wire o = {0};
    if (domain[0]) {
        wire_str(&o, 1, domain);
    }
    wire_int(&o, 2, version);
    return o;
}

/* ModelProto of a graph. ir or opset 0: left out. */
static inline wire w_model(wire graph, int64_t ir, int64_t opset)
{
    wire m = {0};
    if (ir) {
        wire_int(&m, 1, ir);
    }
    wire_str(&m, 2, "wire");
    wire_msg(&m, 7, graph);
    if (opset) {
        wire_msg(&m, 8, w_opset("", opset));
    }
    return m;
}

/* Graph fields. */
static inline void g_node(wire *g, wire node)
{
    wire_msg(g, 1, node);
}
static inline void g_init(wire *g, wire tensor)
{
    wire_msg(g, 5, tensor);
}
static inline void g_input(wire *g, wire value)
{
    wire_msg(g, 11, value);
}
static inline void g_output(wire *g, wire value)
{
    wire_msg(g, 12, value);
}
static inline void g_info(wire *g, wire value)
{
    wire_msg(g, 13, value);
}

/* Graph with input x [1,4] and output y [1,4], both float32, and the name "g"; nodes are the
 * caller's. */
static inline wire w_graph(void)
{
    wire g = {0};
    wire_str(&g, 2, "g");
    g_input(&g, w_value("x", W_FLOAT, "1,4"));
    g_output(&g, w_value("y", W_FLOAT, "1,4"));
    return g;
}

/* y = Relu(x). */
static inline wire w_relu_model(void)
{
    wire g = w_graph();
    g_node(&g, w_node("Relu", "relu", "x", "y"));
    return w_model(g, 8, 13);
}

#endif
