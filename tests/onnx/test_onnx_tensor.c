/* Tensors and existing quantization: items 56 to 67 and 76 to 79 of docs/reliability.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>

#include "onnx/harness.h"

/* y = Identity(w): takes any element type. */
static wire of_type(wire tensor, int dtype)
{
    wire g = {0};
    wire_str(&g, 2, "g");
    g_init(&g, tensor);
    g_node(&g, w_node("Identity", "id", "w", "y"));
    g_output(&g, w_value("y", dtype, NULL));
    return w_model(g, 13, 25);
}

static wire with(wire tensor)
{
    return of_type(tensor, W_FLOAT);
}

/* Bytes of the constant 'w' of a model that must load. */
static void expect_bytes(wire model, nnc_dtype dtype, const void *bytes, size_t n)
{
    nnc_graph *g;
    ACCEPT(g, model, NULL, NULL);
    const nnc_value *v = nnc_graph_value_const(g, nnc_graph_find_value(g, "w"));
    assert_int_equal(v->tensor.dtype, dtype);
    assert_int_equal(nnc_tensor_bytes(&v->tensor), n);
    assert_memory_equal(nnc_tensor_data(&v->tensor), bytes, n);
    nnc_graph_destroy(g);
}

static void item_56_dims(void **state)
{
    (void)state;
    REFUSE(with(w_tensor_head("w", W_FLOAT, "4294967296,4294967296")), NNC_ERR_MODEL,
           "initializer 'w': the product of its dims overflows");
    REFUSE(with(w_tensor_head("w", W_FLOAT, "4294967296,4294967296,0")), NNC_ERR_MODEL,
           "overflows");
    REFUSE(with(w_tensor_head("w", W_FLOAT, "-1,4")), NNC_ERR_MODEL,
           "dim 0 is -1, expected 0 or more");
    REFUSE(with(w_tensor_head("w", W_FLOAT, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1")), NNC_ERR_MODEL,
           "has 17 dims, at most 16");
    REFUSE(with(w_tensor_head("w", W_FLOAT, "2305843009213693952")), NNC_ERR_MODEL, "no data");
    REFUSE(with(w_tensor_head("w", 11, "1152921504606846976,4")), NNC_ERR_MODEL, NULL);
}

static void item_57_raw_size(void **state)
{
    (void)state;
    char data[64] = {0};
    REFUSE(with(w_tensor("w", W_FLOAT, "2,2", data, 15)), NNC_ERR_MODEL,
           "initializer 'w': has 15 bytes, shape [2,2] float32 needs 16");
    REFUSE(with(w_tensor("w", W_FLOAT, "2,2", data, 20)), NNC_ERR_MODEL, "has 20 bytes");
    char *large = calloc(1, 8192);
    REFUSE(with(w_tensor("w", W_FLOAT, "1024", large, 4100)), NNC_ERR_MODEL, "has 4100 bytes");
    REFUSE(with(w_tensor("w", W_FLOAT, "1024", large, 4092)), NNC_ERR_MODEL, "has 4092 bytes");
    TAKE(with(w_tensor("w", W_FLOAT, "1024", large, 4096)));
    free(large);
}

static wire int32s(int dtype, const char *dims, size_t n, const int32_t *values)
{
    wire t = w_tensor_head("w", dtype, dims);
    for (size_t i = 0; i < n; i++) {
        wire_int(&t, 5, values[i]);
    }
    return t;
}

static void item_58_typed_fields(void **state)
{
    (void)state;
    const int32_t v[4] = {1, 2, 3, 4};
    REFUSE(with(int32s(W_FLOAT, "4", 4, v)), NNC_ERR_MODEL,
           "float32 data is in int32_data, expected float_data");
    REFUSE(with(int32s(W_INT32, "5", 4, v)), NNC_ERR_MODEL,
           "has 4 entries in int32_data, shape [5] int32 needs 5");
    REFUSE(with(int32s(W_INT32, "3", 4, v)), NNC_ERR_MODEL, "has 4 entries");
    const int32_t garbage[1] = {0x13c00};
    REFUSE(with(int32s(W_FLOAT16, "1", 1, garbage)), NNC_ERR_MODEL,
           "int32_data[0] is 80896, float16 holds 0 to 65535");
    const int32_t wide[1] = {300}, low[1] = {-129}, two[1] = {2};
    REFUSE(with(int32s(W_UINT8, "1", 1, wide)), NNC_ERR_MODEL, "uint8 holds 0 to 255");
    REFUSE(with(int32s(W_INT8, "1", 1, low)), NNC_ERR_MODEL, "int8 holds -128 to 127");
    REFUSE(with(int32s(W_BOOL, "1", 1, two)), NNC_ERR_MODEL, "bool holds 0 to 1");
    wire t = w_tensor_head("w", 12, "1");
    wire_int(&t, 11, (int64_t)1 << 40);
    REFUSE(with(t), NNC_ERR_MODEL, "uint32 holds at most 4294967295");
    REFUSE(with(w_tensor("w", W_BOOL, "1", "\2", 1)), NNC_ERR_MODEL, "bool element 0 is 2");
}

/* Every element type, in each of its fields. */
static void item_58_all_types(void **state)
{
    (void)state;
    const int32_t small[3] = {1, 0, 1}, neg[2] = {-1, 127};
    expect_bytes(of_type(int32s(W_BOOL, "3", 3, small), W_BOOL), NNC_DTYPE_BOOL, "\1\0\1", 3);
    expect_bytes(of_type(int32s(W_INT8, "2", 2, neg), W_INT8), NNC_DTYPE_INT8, "\xff\x7f", 2);
    expect_bytes(of_type(int32s(5, "2", 2, neg), 5), NNC_DTYPE_INT16, "\xff\xff\x7f\0", 4);
    expect_bytes(of_type(int32s(W_INT32, "2", 2, neg), W_INT32), NNC_DTYPE_INT32,
                 "\xff\xff\xff\xff\x7f\0\0\0", 8);
    const int32_t half[2] = {0x3c00, 0xc000};
    expect_bytes(of_type(int32s(W_FLOAT16, "2", 2, half), W_FLOAT16), NNC_DTYPE_FLOAT,
                 "\0\0\x80\x3f\0\0\0\xc0", 8);
    expect_bytes(of_type(int32s(4, "2", 2, half), 4), NNC_DTYPE_UINT16, "\0\x3c\0\xc0", 4);
    wire t = w_tensor_head("w", 13, "1");
    wire_int(&t, 11, -1);
    expect_bytes(of_type(t, 13), NNC_DTYPE_UINT64, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    t = w_tensor_head("w", 12, "1");
    wire_int(&t, 11, 0x80000001);
    expect_bytes(of_type(t, 12), NNC_DTYPE_UINT32, "\1\0\0\x80", 4);
    t = w_tensor_head("w", W_INT64, "1");
    wire_int(&t, 7, -2);
    expect_bytes(of_type(t, W_INT64), NNC_DTYPE_INT64, "\xfe\xff\xff\xff\xff\xff\xff\xff", 8);
    t = w_tensor_head("w", 11, "1");
    wire_tag(&t, 10, 1);
    wire_put(&t, "\0\0\0\0\0\0\xf0\x3f", 8);
    expect_bytes(of_type(t, 11), NNC_DTYPE_DOUBLE, "\0\0\0\0\0\0\xf0\x3f", 8);
    t = w_tensor_head("w", 14, "1");
    wire_float(&t, 4, 1.0f);
    wire_float(&t, 4, 2.0f);
    expect_bytes(of_type(t, 14), NNC_DTYPE_COMPLEX64, "\0\0\x80\x3f\0\0\0\x40", 8);
    static const int raw_types[] = {17, 18, 19, 20, 24};
    for (size_t i = 0; i < sizeof raw_types / sizeof *raw_types; i++) {
        expect_bytes(of_type(w_tensor("w", raw_types[i], "2", "\x38\x40", 2), raw_types[i]),
                     (nnc_dtype)raw_types[i], "\x38\x40", 2);
    }
}

static void item_59_two_fields(void **state)
{
    (void)state;
    wire t = w_tensor("w", W_FLOAT, "1", "\0\0\0\0", 4);
    wire_float(&t, 4, 1.0f);
    REFUSE(with(t), NNC_ERR_MODEL, "has 2 data fields set, expected one");
    /* The same in a Constant, in an attribute, in a sparse tensor, and as a default of a function.
     */
    for (int place = 0; place < 4; place++) {
        t = w_tensor("w", W_FLOAT, "1", "\0\0\0\0", 4);
        wire_float(&t, 4, 1.0f);
        wire g = {0}, m;
        g_output(&g, w_value("y", W_FLOAT, NULL));
        if (place == 0) {
            wire n = w_node("Constant", "c", NULL, "y");
            w_attr_tensor(&n, "value", t);
            g_node(&g, n);
            m = w_model(g, 8, 13);
        } else if (place == 1) {
            int64_t four = 4;
            wire n = w_node("ConstantOfShape", "c", "s", "y");
            w_attr_tensor(&n, "value", t);
            g_init(&g, w_int64s("s", "1", 1, &four));
            g_node(&g, n);
            m = w_model(g, 8, 13);
        } else if (place == 2) {
            int64_t zero = 0;
            wire s = {0};
            wire_msg(&s, 1, t);
            wire_msg(&s, 2, w_int64s(NULL, "1", 1, &zero));
            wire_int(&s, 3, 4);
            wire_msg(&g, 15, s);
            g_node(&g, w_node("Relu", NULL, "w", "y"));
            m = w_model(g, 8, 13);
        } else {
            wire fn = {0}, a = {0}, ref = {0}, c = w_node("Constant", NULL, NULL, "b");
            wire_str(&fn, 1, "F");
            wire_str(&fn, 5, "b");
            wire_str(&fn, 10, "fn");
            wire_msg(&fn, 9, w_opset("", 13));
            wire_str(&ref, 1, "value");
            wire_str(&ref, 21, "v");
            wire_int(&ref, 20, 4);
            wire_msg(&c, 5, ref);
            wire_msg(&fn, 7, c);
            wire_str(&a, 1, "v");
            wire_msg(&a, 5, t);
            wire_int(&a, 20, 4);
            wire_msg(&fn, 11, a);
            wire n = w_node("F", NULL, NULL, "y");
            wire_str(&n, 7, "fn");
            g_node(&g, n);
            m = w_model(g, 9, 13);
            wire_msg(&m, 8, w_opset("fn", 1));
            wire_msg(&m, 25, fn);
        }
        REFUSE(m, NNC_ERR_MODEL, "has 2 data fields set, expected one");
    }
}

static void item_60_empty_and_scalar(void **state)
{
    (void)state;
    REFUSE(with(w_tensor("w", W_FLOAT, "0", "\0\0\0\0", 4)), NNC_ERR_MODEL,
           "has 4 bytes, shape [0] float32 needs 0");
    nnc_graph *graph;
    ACCEPT(graph, with(w_tensor_head("w", W_FLOAT, "0,3")), NULL, NULL);
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        if (strcmp(nnc_graph_value_const(graph, v)->name, "w") == 0) {
            assert_int_equal(nnc_graph_value_const(graph, v)->tensor.shape.rank, 2);
        }
    }
    nnc_graph_destroy(graph);
    expect_bytes(with(w_tensor("w", W_FLOAT, "", "\0\0\x80\x3f", 4)), NNC_DTYPE_FLOAT,
                 "\0\0\x80\x3f", 4);
    REFUSE(with(w_tensor_head("w", W_FLOAT, "3")), NNC_ERR_MODEL, "has no data for 3 elements");
}

static void item_61_types(void **state)
{
    (void)state;
    REFUSE(with(w_tensor("w", 0, "1", "\0\0\0\0", 4)), NNC_ERR_MODEL, "data type 0 is undefined");
    REFUSE(with(w_tensor("w", -5, "1", "\0\0\0\0", 4)), NNC_ERR_MODEL, "data type -5 is undefined");
    REFUSE(with(w_tensor("w", 27, "1", "\0\0\0\0", 4)), NNC_ERR_UNSUPPORTED,
           "data type 27 is newer than this build");
    REFUSE(of_type(w_tensor("w", W_FLOAT, "1", "\0\0\0\0", 4), 99), NNC_ERR_UNSUPPORTED,
           "data type 99 is newer");
}

static void item_62_strings(void **state)
{
    (void)state;
    REFUSE(with(w_tensor("w", W_STRING, "1", "abc", 3)), NNC_ERR_MODEL,
           "strings cannot be in raw_data");
    wire t = w_tensor_head("w", W_STRING, "1");
    wire_str(&t, 6, "abc");
    REFUSE(with(t), NNC_ERR_UNSUPPORTED, "string tensors are not supported");
}

static void item_63_sub_byte(void **state)
{
    (void)state;
    nnc_graph *g;
    heard h = {0};
    expect_bytes(of_type(w_tensor("w", 22, "3", "\x21\x03", 2), 22), NNC_DTYPE_INT4, "\x21\x03", 2);
    expect_bytes(of_type(w_tensor("w", 21, "4", "\x21\x43", 2), 21), NNC_DTYPE_UINT4, "\x21\x43",
                 2);
    expect_bytes(of_type(w_tensor("w", 26, "5", "\xe4\x01", 2), 26), NNC_DTYPE_INT2, "\xe4\x01", 2);
    expect_bytes(of_type(w_tensor("w", 25, "4", "\xe4", 1), 25), NNC_DTYPE_UINT2, "\xe4", 1);
    expect_bytes(of_type(w_tensor("w", 23, "2", "\x21", 1), 23), NNC_DTYPE_FLOAT4E2M1, "\x21", 1);
    const int32_t packed[2] = {0x21, 0x03};
    expect_bytes(of_type(int32s(22, "3", 2, packed), 22), NNC_DTYPE_INT4, "\x21\x03", 2);
    REFUSE(of_type(w_tensor("w", 22, "3", "\x21\x03\x00", 3), 22), NNC_ERR_MODEL,
           "has 3 bytes, shape [3] int4 needs 2");
    REFUSE(of_type(w_tensor("w", 22, "3", "\x21", 1), 22), NNC_ERR_MODEL, "has 1 bytes");
    ACCEPT(g, of_type(w_tensor("w", 22, "3", "\x21\xf3", 2), 22), NULL, &h);
    assert_non_null(strstr(h.last, "unused bits of its last byte are not zero"));
    nnc_graph_destroy(g);
}

static void item_64_half_weights(void **state)
{
    (void)state;
    expect_bytes(of_type(w_tensor("w", 16, "2", "\x80\x3f\x00\xc0", 4), 16), NNC_DTYPE_FLOAT,
                 "\0\0\x80\x3f\0\0\0\xc0", 8);
    expect_bytes(of_type(w_tensor("w", 10, "2", "\x00\x3c\x00\xc0", 4), 10), NNC_DTYPE_FLOAT,
                 "\0\0\x80\x3f\0\0\0\xc0", 8);
}

/* Half inputs and outputs keep their type; the graph between computes in float32. */
static void item_64_half_signature(void **state)
{
    (void)state;
    nnc_graph *graph;
    nnc_onnx_info info;
    wire g = {0};
    g_input(&g, w_value("x", W_FLOAT16, "1,4"));
    g_output(&g, w_value("y", W_FLOAT16, "1,4"));
    g_node(&g, w_node("Relu", "relu", "x", "y"));
    ACCEPT(graph, w_model(g, 8, 13), &info, NULL);
    assert_true(info.half);
    assert_int_equal(nnc_graph_value_const(graph, nnc_graph_input(graph, 0))->dtype,
                     NNC_DTYPE_FLOAT16);
    assert_int_equal(nnc_graph_value_const(graph, nnc_graph_output(graph, 0))->dtype,
                     NNC_DTYPE_FLOAT16);
    assert_string_equal(nnc_graph_output_name(graph, 0), "y");
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        if (nnc_node_is(n, "Relu")) {
            assert_int_equal(nnc_graph_value_const(graph, n->inputs[0])->dtype, NNC_DTYPE_FLOAT);
            assert_int_equal(nnc_graph_value_const(graph, n->outputs[0])->dtype, NNC_DTYPE_FLOAT);
        }
    }
    nnc_graph_destroy(graph);
}

static wire matmul_with(const float *w)
{
    wire g = w_graph();
    g_init(&g, w_tensor("w", W_FLOAT, "4,4", w, 64));
    g_node(&g, w_node("MatMul", "mm", "x,w", "y"));
    return w_model(g, 8, 13);
}

static void item_65_nan_weights(void **state)
{
    (void)state;
    nnc_graph *g;
    heard h = {0};
    float w[16] = {0};
    nnc_onnx_load_options options = {.nan_weights = NNC_ONNX_NAN_ZERO};
    TAKE(matmul_with(w)); /* all zero is a model */
    w[5] = NAN;
    w[9] = INFINITY;
    REFUSE(matmul_with(w), NNC_ERR_MODEL,
           "weight 'w' has 2 NaN or infinite values of 16, the first at 5");
    expect_status(load_wire(&g, matmul_with(w), &options, NULL, &h), NNC_OK, NULL, __FILE__,
                  __LINE__);
    const float *have =
        nnc_tensor_data(&nnc_graph_value_const(g, nnc_graph_find_value(g, "w"))->tensor);
    assert_true(have[5] == 0 && have[9] == 0);
    assert_non_null(strstr(h.last, "taken as 0"));
    nnc_graph_destroy(g);
    options.nan_weights = NNC_ONNX_NAN_KEEP;
    expect_status(load_wire(&g, matmul_with(w), &options, NULL, &h), NNC_OK, NULL, __FILE__,
                  __LINE__);
    assert_non_null(strstr(h.last, "kept"));
    nnc_graph_destroy(g);
    w[5] = 0;
    w[9] = 2e30f;
    ACCEPT(g, matmul_with(w), NULL, &h);
    assert_non_null(strstr(h.last, "1 of 16 values are above 1e30"));
    nnc_graph_destroy(g);
    /* Minus infinity in a mask is no weight. */
    float mask[4] = {0, -INFINITY, 0, 0};
    wire graph = w_graph();
    g_init(&graph, w_tensor("mask", W_FLOAT, "4", mask, 16));
    g_node(&graph, w_node("Add", NULL, "x,mask", "y"));
    TAKE(w_model(graph, 8, 13));
}

static wire sparse(size_t nnz, const int64_t *indices, const char *dims, const char *index_dims)
{
    wire s = {0}, g = {0};
    char n[24];
    snprintf(n, sizeof n, "%zu", nnz);
    wire_msg(&s, 1, w_floats("w", n, nnz));
    size_t total = 1;
    for (const char *p = index_dims; *p;) {
        char *end;
        total *= strtoull(p, &end, 10);
        p = *end == ',' ? end + 1 : end;
    }
    wire_msg(&s, 2, w_int64s(NULL, index_dims, total, indices));
    for (const char *p = dims; *p;) {
        char *end;
        wire_int(&s, 3, strtoll(p, &end, 10));
        p = *end == ',' ? end + 1 : end;
    }
    wire_msg(&g, 15, s);
    g_node(&g, w_node("Relu", NULL, "w", "y"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    return w_model(g, 8, 13);
}

static void item_67_sparse(void **state)
{
    (void)state;
    const int64_t linear[2] = {1, 3}, pairs[4] = {0, 1, 1, 1}, back[2] = {3, 1}, same[2] = {1, 1},
                  out[2] = {1, 4}, minus[2] = {-1, 1};
    const float dense[4] = {0, 0.5f, 0, 1.0f};
    expect_bytes(sparse(2, linear, "4", "2"), NNC_DTYPE_FLOAT, dense, 16);
    expect_bytes(sparse(2, pairs, "2,2", "2,2"), NNC_DTYPE_FLOAT, dense, 16);
    REFUSE(sparse(2, back, "4", "2"), NNC_ERR_MODEL, "indices are not in ascending order");
    REFUSE(sparse(2, same, "4", "2"), NNC_ERR_MODEL, "indices are not in ascending order");
    REFUSE(sparse(2, out, "4", "2"), NNC_ERR_MODEL,
           "index 1 is 4, the dense tensor has 4 elements");
    REFUSE(sparse(2, minus, "4", "2"), NNC_ERR_MODEL, "index 0 is -1");
    REFUSE(sparse(1, linear, "4", "2"), NNC_ERR_MODEL, "indices are [2] for 1 values");
    REFUSE(sparse(2, pairs, "2,2,2", "2,2"), NNC_ERR_MODEL,
           "indices are [2,2] for 2 values of rank 3");
    REFUSE(sparse(2, linear, "4294967296,4294967296", "2"), NNC_ERR_MODEL, "overflows");
    REFUSE(sparse(2, linear, "1099511627776", "2"), NNC_ERR_LIMIT, "made dense are over the limit");
}

static wire quantize(float scale, int zero_type, const char *scale_dims, size_t scales)
{
    float s[8];
    for (size_t i = 0; i < 8; i++) {
        s[i] = scale;
    }
    wire g = w_graph();
    g_init(&g, w_tensor("s", W_FLOAT, scale_dims, s, scales * 4));
    g_init(&g, w_tensor("z", zero_type, scale_dims, "\0\0\0\0\0\0\0\0", scales));
    g_node(&g, w_node("QuantizeLinear", "q", "x,s,z", "q"));
    g_node(&g, w_node("DequantizeLinear", "dq", "q,s,z", "y"));
    return w_model(g, 8, 13);
}

static void item_76_77_scales(void **state)
{
    (void)state;
    TAKE(quantize(0.5f, W_INT8, "", 1));
    TAKE(quantize(0.5f, W_INT8, "4", 4));
    TAKE(quantize(0.5f, W_INT8, "1", 1));
    REFUSE(quantize(0.0f, W_INT8, "", 1), NNC_ERR_MODEL,
           "scale 's'[0] is 0, expected a positive finite number");
    REFUSE(quantize(-1.0f, W_INT8, "", 1), NNC_ERR_MODEL, "scale 's'[0] is -1");
    REFUSE(quantize(NAN, W_INT8, "", 1), NNC_ERR_MODEL, "QuantizeLinear 'q': scale 's'[0] is");
    REFUSE(quantize(INFINITY, W_INT8, "", 1), NNC_ERR_MODEL, "scale 's'[0] is inf");
    REFUSE(quantize(0.5f, W_INT8, "3", 3), NNC_ERR_MODEL, "QuantizeLinear 'q': 3 scales for 4");
    /* Zero point of another type than the input. */
    wire g = {0};
    float s = 0.5f;
    g_init(&g, w_tensor("s", W_FLOAT, "", &s, 4));
    g_init(&g, w_tensor("z", W_UINT8, "", "\0", 1));
    g_init(&g, w_tensor("w", W_INT8, "4", "\1\2\3\4", 4));
    g_node(&g, w_node("DequantizeLinear", "dq", "w,s,z", "y"));
    g_output(&g, w_value("y", W_FLOAT, "4"));
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL,
           "DequantizeLinear 'dq': input is int8, the zero point is uint8");
}

static void item_79_mixed_scales(void **state)
{
    (void)state;
    for (int equal = 0; equal < 2; equal++) {
        nnc_graph *graph;
        heard h = {0};
        float one = 0.5f, two = equal ? 0.5f : 0.25f;
        wire g = {0}, pool = w_node("MaxPool", "pool", "xf", "p");
        g_input(&g, w_value("x", W_INT8, "1,2,4,4"));
        g_output(&g, w_value("y", W_INT8, NULL));
        g_init(&g, w_tensor("s1", W_FLOAT, "", &one, 4));
        g_init(&g, w_tensor("s2", W_FLOAT, "", &two, 4));
        g_init(&g, w_tensor("z", W_INT8, "", "\0", 1));
        g_node(&g, w_node("DequantizeLinear", "dq", "x,s1,z", "xf"));
        w_attr_ints(&pool, "kernel_shape", "2,2");
        g_node(&g, pool);
        g_node(&g, w_node("QuantizeLinear", "q", "p,s2,z", "y"));
        ACCEPT(graph, w_model(g, 8, 13), NULL, &h);
        assert_int_equal(h.warnings, equal ? 0 : 1);
        assert_true(equal ||
                    strstr(h.last, "MaxPool 'pool': input 0 has scale 0.5, its output 0.25"));
        nnc_graph_destroy(graph);
    }
}

/* QLinearConv and QGemm become float operators between DequantizeLinear and QuantizeLinear; the
 * bias gets the product of the scales. */
static void qoperators(void **state)
{
    (void)state;
    nnc_graph *graph;
    float xs = 0.5f, ws[2] = {0.25f, 0.125f}, ys = 1.0f;
    const int32_t bias[2] = {10, 20};
    wire g = {0}, n = w_node("QLinearConv", "conv", "x,xs,z,w,ws,wz,ys,z,b", "y");
    g_input(&g, w_value("x", W_INT8, "1,1,4,4"));
    g_output(&g, w_value("y", W_INT8, NULL));
    g_init(&g, w_tensor("xs", W_FLOAT, "1", &xs, 4));
    g_init(&g, w_tensor("ws", W_FLOAT, "2", ws, 8));
    g_init(&g, w_tensor("ys", W_FLOAT, "", &ys, 4));
    g_init(&g, w_tensor("z", W_INT8, "", "\0", 1));
    g_init(&g, w_tensor("wz", W_INT8, "2", "\0\0", 2));
    g_init(&g, w_tensor("w", W_INT8, "2,1,1,1", "\1\2", 2));
    g_init(&g, w_tensor("b", W_INT32, "2", bias, 8));
    g_node(&g, n);
    ACCEPT(graph, w_model(g, 8, 13), NULL, NULL);
    assert_int_equal(nnc_graph_node_count(graph), 5);
    const nnc_value *y = nnc_graph_value_const(graph, nnc_graph_output(graph, 0));
    assert_int_equal(y->dtype, NNC_DTYPE_INT8);
    const nnc_node *q = nnc_graph_node_const(graph, y->producer);
    assert_string_equal(q->op_type, "QuantizeLinear");
    const nnc_node *conv =
        nnc_graph_node_const(graph, nnc_graph_value_const(graph, q->inputs[0])->producer);
    assert_string_equal(conv->op_type, "Conv");
    assert_string_equal(conv->name, "conv");
    assert_int_equal(conv->input_count, 3);
    const nnc_node *dq =
        nnc_graph_node_const(graph, nnc_graph_value_const(graph, conv->inputs[2])->producer);
    const float *scale = nnc_tensor_data(&nnc_graph_value_const(graph, dq->inputs[1])->tensor);
    assert_true(scale[0] == 0.125f && scale[1] == 0.0625f);
    nnc_graph_destroy(graph);
    g = (wire){0};
    n = w_node("QGemm", "gemm", "x,xs,z,w,xs,z,,xs,z", "y");
    wire_str(&n, 7, "com.microsoft");
    g_input(&g, w_value("x", W_INT8, "1,2"));
    g_output(&g, w_value("y", W_INT8, NULL));
    g_init(&g, w_tensor("xs", W_FLOAT, "", &xs, 4));
    g_init(&g, w_tensor("z", W_INT8, "", "\0", 1));
    g_init(&g, w_tensor("w", W_INT8, "2,1", "\1\2", 2));
    g_node(&g, n);
    wire m = w_model(g, 8, 13);
    wire_msg(&m, 8, w_opset("com.microsoft", 1));
    ACCEPT(graph, m, NULL, NULL);
    y = nnc_graph_value_const(graph, nnc_graph_output(graph, 0));
    q = nnc_graph_node_const(graph, y->producer);
    const nnc_node *gemm =
        nnc_graph_node_const(graph, nnc_graph_value_const(graph, q->inputs[0])->producer);
    assert_string_equal(gemm->op_type, "Gemm");
    assert_string_equal(gemm->domain, "");
    nnc_graph_destroy(graph);
    g = (wire){0};
    g_input(&g, w_value("x", W_INT8, "1,1,4,4"));
    g_output(&g, w_value("y", W_INT8, NULL));
    g_node(&g, w_node("QLinearConv", "conv", "x,x,x,x,x", "y"));
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL, NULL);
}

static void item_78_annotation(void **state)
{
    (void)state;
    nnc_graph *graph;
    heard h = {0};
    wire g = w_graph(), a = {0}, e = {0};
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    wire_str(&a, 1, "ghost");
    wire_str(&e, 1, "SCALE_TENSOR");
    wire_str(&e, 2, "phantom");
    wire_msg(&a, 2, e);
    wire_msg(&g, 14, a);
    ACCEPT(graph, w_model(g, 8, 13), NULL, &h);
    assert_int_equal(h.warnings, 2);
    assert_non_null(strstr(h.last, "phantom"));
    nnc_graph_destroy(graph);
}

/* All forms of Constant become constants. */
static void constants(void **state)
{
    (void)state;
    for (int form = 0; form < 6; form++) {
        nnc_graph *graph;
        int64_t zero = 1;
        wire g = {0}, n = w_node("Constant", "c", NULL, "w"), a = {0}, s = {0};
        static const char *const names[] = {"value_int",    "value_ints", "value_float",
                                            "value_floats", "value",      "sparse_value"};
        wire_str(&a, 1, names[form]);
        switch (form) {
        case 0:
            wire_int(&a, 3, 7);
            wire_int(&a, 20, 2);
            break;
        case 1:
            wire_int(&a, 8, 7);
            wire_int(&a, 8, 9);
            wire_int(&a, 20, 7);
            break;
        case 2:
            wire_float(&a, 2, 7.0f);
            wire_int(&a, 20, 1);
            break;
        case 3:
            wire_float(&a, 7, 7.0f);
            wire_int(&a, 20, 6);
            break;
        case 4:
            wire_msg(&a, 5, w_floats(NULL, "2", 2));
            wire_int(&a, 20, 4);
            break;
        default:
            wire_msg(&s, 1, w_floats(NULL, "1", 1));
            wire_msg(&s, 2, w_int64s(NULL, "1", 1, &zero));
            wire_int(&s, 3, 2);
            wire_msg(&a, 22, s);
            wire_int(&a, 20, 11);
            break;
        }
        wire_msg(&n, 5, a);
        g_node(&g, n);
        g_node(&g, w_node("Identity", NULL, "w", "y"));
        g_output(&g, w_value("y", form < 2 ? W_INT64 : W_FLOAT, NULL));
        ACCEPT(graph, w_model(g, 8, 13), NULL, NULL);
        const nnc_value *v = nnc_graph_value_const(graph, nnc_graph_find_value(graph, "w"));
        assert_int_equal(v->kind, NNC_VALUE_CONST);
        assert_int_equal(v->shape.rank, form == 0 || form == 2 ? 0 : 1);
        assert_int_equal(nnc_tensor_count(&v->tensor), form == 1 || form > 3 ? 2 : 1);
        nnc_graph_destroy(graph);
    }
    wire g = {0}, n = w_node("Constant", "c", NULL, "y");
    g_node(&g, n);
    g_output(&g, w_value("y", W_FLOAT, NULL));
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL,
           "has 0 attributes, 0 inputs and 1 outputs, expected 1, 0 and 1");
}

static void tensor_files(void **state)
{
    (void)state;
    nnc_tensor t;
    nnc_str name = {0};
    const char *path = write_wire("input_0.pb", w_floats("data", "2,3", 6));
    assert_int_equal(nnc_onnx_read_tensor(&t, &name, path), NNC_OK);
    assert_string_equal(nnc_str_get(&name), "data");
    assert_int_equal(t.shape.rank, 2);
    assert_true(((const float *)nnc_tensor_data(&t))[5] == 3.0f);
    nnc_tensor_deinit(&t);
    nnc_str_deinit(&name);
    path = write_wire("large.pb", w_floats("data", "2048", 2048));
    assert_int_equal(nnc_onnx_read_tensor(&t, NULL, path), NNC_OK);
    assert_true(((const float *)nnc_tensor_data(&t))[64] == 0.5f);
    nnc_tensor_deinit(&t);
    path = write_wire("short.pb", w_tensor("d", W_FLOAT, "4", "123", 3));
    assert_int_equal(nnc_onnx_read_tensor(&t, NULL, path), NNC_ERR_DATA);
    assert_int_equal(nnc_onnx_read_tensor(&t, NULL, write_file("none.pb", "", 0)), NNC_ERR_DATA);
    assert_int_equal(nnc_onnx_read_tensor(&t, NULL, in_folder("missing.pb")), NNC_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(item_56_dims),
        cmocka_unit_test(item_57_raw_size),
        cmocka_unit_test(item_58_typed_fields),
        cmocka_unit_test(item_58_all_types),
        cmocka_unit_test(item_59_two_fields),
        cmocka_unit_test(item_60_empty_and_scalar),
        cmocka_unit_test(item_61_types),
        cmocka_unit_test(item_62_strings),
        cmocka_unit_test(item_63_sub_byte),
        cmocka_unit_test(item_64_half_weights),
        cmocka_unit_test(item_64_half_signature),
        cmocka_unit_test(item_65_nan_weights),
        cmocka_unit_test(item_67_sparse),
        cmocka_unit_test(item_76_77_scales),
        cmocka_unit_test(item_78_annotation),
        cmocka_unit_test(item_79_mixed_scales),
        cmocka_unit_test(qoperators),
        cmocka_unit_test(constants),
        cmocka_unit_test(tensor_files),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
