/* One-node models of com.microsoft from lines of text, run and compared with a float64 oracle.
 * SPDX-License-Identifier: Apache-2.0 inputs: "f:2,3 c:3 - m:2,5 n:2 i:1 t": float input, float
 * constant, omitted, int32 flags, int32 lengths 2..6, int64 numbers 0..3, the int32 number 7.
 * attrs: "num_heads=4 scale~0.5 activation=Relu pads=[1,1]". */
#ifndef NNC_TESTS_ONNX_CONTRIB_CASE_H
#define NNC_TESTS_ONNX_CONTRIB_CASE_H

#include <math.h>

#include "exec/exec.h"
#include "harness.h"

#include "base/rng.h"

enum { CASE_INPUTS = 12 };

typedef struct case_input {
    char kind; /* '-' omitted */
    size_t rank, count;
    int64_t dims[6];
    float *f;
    int32_t *n;
    int64_t *i;
} case_input;

typedef struct contrib_case contrib_case;
/* Fills y, of the number of elements that output 0 (or the case's `out`) has. */
typedef void oracle_fn(const contrib_case *c, const case_input *in, double *y, size_t count);
struct contrib_case {
    const char *domain, *op, *inputs, *attrs, *outputs;
    size_t out; /* index among the outputs that are there */
    oracle_fn *oracle;
};

static nnc_rng rng;

static inline void case_data(case_input *x)
{
    x->f = calloc(x->count + 1, sizeof *x->f);
    x->n = calloc(x->count + 1, sizeof *x->n);
    x->i = calloc(x->count + 1, sizeof *x->i);
    for (size_t k = 0; k < x->count; k++) {
        x->f[k] = nnc_rng_normal(&rng) * 0.7f;
        x->n[k] = x->kind == 'm' ? (k % 4 != 2) : (x->kind == 't' ? 7 : (int32_t)(k * 2 % 5 + 2));
        x->i[k] = (int64_t)(k * 3 % 4);
    }
}

static inline const char *case_read(case_input *x, const char *text)
{
    *x = (case_input){.kind = *text, .count = 1};
    if (*text == '-') {
        return text + 1 + (text[1] == ' ');
    }
    for (text++; *text == ':' || *text == ',';) {
        char *end;
        x->dims[x->rank] = strtoll(text + 1, &end, 10);
        x->count *= (size_t)x->dims[x->rank++];
        text = end;
    }
    case_data(x);
    return text + (*text == ' ');
}

static inline void case_attr(wire *node, const char *name, const char *value, bool is_float)
{
    wire a = {0};
    wire_str(&a, 1, name);
    if (is_float) {
        wire_float(&a, 2, strtof(value, NULL));
        wire_int(&a, 20, 1);
    } else if (value[0] == '[' || value[0] == '(') { /* ints, floats */
        const bool ints = value[0] == '[';
        for (char *at = (char *)(uintptr_t)value + 1; *at && *at != ']' && *at != ')';) {
            if (ints) {
                wire_int(&a, 8, strtoll(at, &at, 10));
            } else {
                wire_float(&a, 7, strtof(at, &at));
            }
            at += *at == ',';
        }
        wire_int(&a, 20, ints ? 7 : 6);
    } else if (strchr("-0123456789", value[0])) {
        wire_int(&a, 3, strtoll(value, NULL, 10));
        wire_int(&a, 20, 2);
    } else {
        wire_str(&a, 4, value);
        wire_int(&a, 20, 3);
    }
    wire_msg(node, 5, a);
}

static inline void case_attrs(wire *node, const char *attrs)
{
    char copy[256], *save = NULL;
    snprintf(copy, sizeof copy, "%s", attrs);
    for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save)) {
        char *value = t + strcspn(t, "=~");
        const bool is_float = *value == '~';
        *value++ = '\0';
        case_attr(node, t, value, is_float);
    }
}

static inline wire case_model(const contrib_case *c, case_input *in)
{
    wire g = {0};
    char names[128] = "", dims[64];
    size_t n = 0;
    wire_str(&g, 2, "g");
    for (const char *text = c->inputs; *text; n++) {
        char name[32] = "";
        text = case_read(&in[n], text);
        const case_input *x = &in[n];
        dims[0] = '\0';
        for (size_t d = 0; d < x->rank; d++) {
            snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%d", d > 0 ? "," : "",
                     (int)x->dims[d]);
        }
        const bool ints = strchr("mnt", x->kind) != NULL;
        if (x->kind != '-') {
            snprintf(name, sizeof name, "i%zu", n);
        }
        if (x->kind == 'c') {
            g_init(&g, w_tensor(name, W_FLOAT, dims, x->f, x->count * sizeof *x->f));
        } else if (x->kind != '-') {
            g_input(&g, w_value(name, ints ? W_INT32 : (x->kind == 'i' ? W_INT64 : W_FLOAT), dims));
        }
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", n > 0 ? "," : "",
                 name);
    }
    wire node = w_node(c->op, "n", names, c->outputs);
    if (c->domain[0]) {
        wire_str(&node, 7, c->domain);
    }
    case_attrs(&node, c->attrs);
    g_node(&g, node);
    for (const char *p = c->outputs; *p;) {
        const size_t len = strcspn(p, ",");
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)len, p);
        if (len > 0) {
            g_output(&g, w_value(name, W_FLOAT, NULL));
        }
        p += len + (p[len] == ',');
    }
    wire m = w_model(g, 9, 17);
    wire_msg(&m, 8, w_opset("com.microsoft", 1));
    wire_msg(&m, 8, w_opset("com.microsoft.nchwc", 1));
    return m;
}

static inline void case_tensor(nnc_tensor *t, const case_input *x)
{
    nnc_shape shape = {.rank = (uint32_t)x->rank};
    memcpy(shape.dims, x->dims, x->rank * sizeof x->dims[0]);
    const bool ints = strchr("mnt", x->kind) != NULL;
    const nnc_dtype dtype =
        ints ? NNC_DTYPE_INT32 : (x->kind == 'i' ? NNC_DTYPE_INT64 : NNC_DTYPE_FLOAT);
    assert_int_equal(nnc_tensor_create(t, dtype, &shape), NNC_OK);
    memcpy(nnc_tensor_data(t), ints ? (void *)x->n : (x->kind == 'i' ? (void *)x->i : (void *)x->f),
           x->count * (x->kind == 'i' ? 8 : 4));
}

static inline void case_compare(const contrib_case *c, const case_input *in, nnc_exec *exec)
{
    nnc_tensor out;
    assert_int_equal(nnc_exec_output(&out, exec, c->out), NNC_OK);
    assert_int_equal(out.dtype, NNC_DTYPE_FLOAT);
    const size_t count = nnc_tensor_count(&out);
    const float *y = nnc_tensor_data(&out);
    double *want = calloc(count + 1, sizeof *want);
    assert_non_null(want);
    c->oracle(c, in, want, count);
    for (size_t k = 0; k < count; k++) {
        if (!(fabs((double)y[k] - want[k]) <= 2e-5 + 1e-4 * fabs(want[k]))) {
            fail_msg("%s(%s) {%s}: element %zu is %.9g, expected %.9g", c->op, c->inputs, c->attrs,
                     k, (double)y[k], want[k]);
        }
    }
    free(want);
    nnc_tensor_deinit(&out);
}

static inline void case_run(const contrib_case *c)
{
    case_input in[CASE_INPUTS] = {{0}};
    nnc_tensor tensors[CASE_INPUTS];
    size_t count = 0;
    nnc_graph *g;
    nnc_exec *exec;
    const nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    if (load_wire(&g, case_model(c, in), NULL, NULL, NULL) != NNC_OK ||
        nnc_exec_create(&exec, g, &options) != NNC_OK) {
        fail_msg("%s(%s) {%s}: %s", c->op, c->inputs, c->attrs, nnc_error_message());
    }
    for (size_t k = 0; k < CASE_INPUTS; k++) {
        if (in[k].kind && in[k].kind != '-' && in[k].kind != 'c') {
            case_tensor(&tensors[count++], &in[k]);
        }
    }
    if (nnc_exec_run(exec, tensors, count) != NNC_OK) {
        fail_msg("%s(%s) {%s}: %s", c->op, c->inputs, c->attrs, nnc_error_message());
    }
    case_compare(c, in, exec);
    while (count > 0) {
        nnc_tensor_deinit(&tensors[--count]);
    }
    nnc_exec_destroy(exec);
    nnc_graph_destroy(g);
    for (size_t k = 0; k < CASE_INPUTS; k++) {
        free(in[k].f);
        free(in[k].n);
        free(in[k].i);
    }
}

static inline double case_number(const contrib_case *c, const char *attr, double fallback)
{
    char key[64];
    snprintf(key, sizeof key, " %s", attr);
    char text[280];
    snprintf(text, sizeof text, " %s", c->attrs);
    const char *at = strstr(text, key);
    return at ? strtod(at + strlen(key) + 1, NULL) : fallback;
}

static inline bool case_has(const contrib_case *c, const char *text)
{
    return strstr(c->attrs, text) != NULL;
}

#endif
