/* Export: names, opsets, external weights, verification, fix-point. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdbool.h>

#include "base/file.h"
#include "onnx/harness.h"
#include "onnx/versions.h"

static const nnc_onnx_save_options replace = {.mode = NNC_FILE_REPLACE};

static nnc_graph *loaded(wire model)
{
    nnc_graph *g;
    ACCEPT(g, model, NULL, NULL);
    return g;
}

#define SAVE(graph, path, options, info)                                                           \
    expect_status(nnc_onnx_save(graph, path, options, info, NULL), NNC_OK, NULL, __FILE__, __LINE__)

static void same_bytes(const char *a, const char *b)
{
    nnc_file_map x, y;
    assert_int_equal(nnc_file_map_open(&x, a, 0), NNC_OK);
    assert_int_equal(nnc_file_map_open(&y, b, 0), NNC_OK);
    assert_int_equal(x.bytes, y.bytes);
    assert_memory_equal(x.data, y.data, x.bytes);
    nnc_file_map_close(&x);
    nnc_file_map_close(&y);
}

/* Saves, loads and saves again: the bytes must not change. Gives the second graph. */
static nnc_graph *round_trip(nnc_graph *g, nnc_onnx_save_info *info)
{
    nnc_graph *again;
    const nnc_onnx_load_options keep = {.keep_unsupported = true};
    SAVE(g, in_folder("a.onnx"), &replace, info);
    ACCEPT_FILE(again, in_folder("a.onnx"), &keep, NULL);
    SAVE(again, in_folder("b.onnx"), &replace, NULL);
    same_bytes(in_folder("a.onnx"), in_folder("b.onnx"));
    nnc_graph_destroy(g);
    return again;
}

static wire with_metadata(void)
{
    wire g = w_graph(), e = {0};
    g_node(&g, w_node("Relu", "my relu", "x", "y"));
    wire m = w_model(g, 8, 13);
    wire_str(&e, 1, "author");
    wire_str(&e, 2, "somebody");
    wire_msg(&m, 14, e);
    wire_str(&m, 6, "about this model");
    wire_str(&m, 4, "org.example");
    wire_int(&m, 5, 42);
    return m;
}

static void keeps_what_it_is_told(void **state)
{
    (void)state;
    const char *keys[] = {"nncompress.recipe", "author"}, *values[] = {"int8", "another"};
    nnc_onnx_save_options options = {
        .mode = NNC_FILE_REPLACE, .prop_keys = keys, .prop_values = values, .prop_count = 1};
    nnc_graph *g = loaded(with_metadata()), *again;
    SAVE(g, in_folder("m.onnx"), &options, NULL);
    ACCEPT_FILE(again, in_folder("m.onnx"), NULL, NULL);
    const nnc_graph_meta *meta = nnc_graph_get_meta(again);
    assert_string_equal(meta->name, "g");
    assert_string_equal(meta->doc, "about this model");
    assert_string_equal(meta->domain, "org.example");
    assert_string_equal(meta->producer_name, "nncompress");
    assert_int_equal(meta->model_version, 42);
    assert_int_equal(meta->prop_count, 2);
    assert_string_equal(meta->prop_keys[0], "author");
    assert_string_equal(meta->prop_values[0], "somebody");
    assert_string_equal(meta->prop_keys[1], "nncompress.recipe");
    assert_string_equal(nnc_graph_node_const(again, 0)->name, "my relu");
    assert_string_equal(nnc_graph_value_const(again, nnc_graph_input(again, 0))->name, "x");
    assert_string_equal(nnc_graph_output_name(again, 0), "y");
    nnc_graph_destroy(again);
    options.prop_count = 2; /* an equal key is replaced */
    SAVE(g, in_folder("m.onnx"), &options, NULL);
    ACCEPT_FILE(again, in_folder("m.onnx"), NULL, NULL);
    assert_int_equal(nnc_graph_get_meta(again)->prop_count, 2);
    assert_string_equal(nnc_graph_get_meta(again)->prop_values[1], "another");
    nnc_graph_destroy(again);
    options.strip_metadata = true;
    options.prop_count = 0;
    SAVE(g, in_folder("m.onnx"), &options, NULL);
    ACCEPT_FILE(again, in_folder("m.onnx"), NULL, NULL);
    assert_int_equal(nnc_graph_get_meta(again)->prop_count, 0);
    assert_string_equal(nnc_graph_get_meta(again)->doc, "");
    nnc_graph_destroy(again);
    nnc_graph_destroy(g);
}

static void never_over_a_file(void **state)
{
    (void)state;
    nnc_graph *g = loaded(w_relu_model());
    write_file("there.onnx", "old", 3);
    assert_int_equal(nnc_onnx_save(g, in_folder("there.onnx"), NULL, NULL, NULL), NNC_ERR_IO);
    nnc_file_map map;
    assert_int_equal(nnc_file_map_open(&map, in_folder("there.onnx"), 0), NNC_OK);
    assert_int_equal(map.bytes, 3);
    nnc_file_map_close(&map);
    assert_int_equal(nnc_onnx_save(g, in_folder("no/such.onnx"), NULL, NULL, NULL), NNC_ERR_IO);
    nnc_graph_destroy(g);
}

static nnc_status refuse(void *user, const char *temp_path, const nnc_onnx_load_options *load)
{
    nnc_graph *g;
    bool *seen = user;
    *seen = nnc_onnx_load(&g, temp_path, load, NULL, NULL) == NNC_OK;
    nnc_graph_destroy(g);
    NNC_FAIL(NNC_ERR_VERIFY, "not good enough");
}

static void verification_decides(void **state)
{
    (void)state;
    bool seen = false;
    nnc_onnx_save_options options = {.mode = NNC_FILE_REPLACE, .verify = refuse, .user = &seen};
    nnc_graph *g = loaded(w_relu_model());
    write_file("kept.onnx", "old", 3);
    assert_int_equal(nnc_onnx_save(g, in_folder("kept.onnx"), &options, NULL, NULL),
                     NNC_ERR_VERIFY);
    assert_true(seen);
    assert_non_null(strstr(nnc_error_message(), "not good enough"));
    struct stat st;
    assert_int_equal(stat(in_folder("kept.onnx"), &st), 0);
    assert_int_equal(st.st_size, 3);
    nnc_graph_destroy(g);
}

/* MatMul with 4x300 and 300x4 weights: large enough to move out. */
static wire heavy(void)
{
    wire g = w_graph();
    g_init(&g, w_floats("w1", "4,300", 1200));
    g_init(&g, w_floats("w2", "300,4", 1200));
    g_init(&g, w_floats("small", "4", 4));
    g_node(&g, w_node("MatMul", "m1", "x,w1", "p"));
    g_node(&g, w_node("MatMul", "m2", "p,w2", "q"));
    g_node(&g, w_node("Add", "add", "q,small", "y"));
    return w_model(g, 8, 13);
}

static void external_weights(void **state)
{
    (void)state;
    bool seen = false;
    nnc_onnx_save_options options = {.mode = NNC_FILE_REPLACE, .external_threshold = 1000};
    nnc_onnx_save_info info;
    nnc_onnx_info loaded_info;
    nnc_graph *g = loaded(heavy()), *again;
    SAVE(g, in_folder("e.onnx"), &options, &info);
    assert_true(info.external_bytes >= 9600 && info.bytes < 1500);
    ACCEPT_FILE(again, in_folder("e.onnx"), NULL, &loaded_info);
    assert_int_equal(loaded_info.external_bytes, 9600);
    const nnc_value *v = nnc_graph_value_const(again, nnc_graph_find_value(again, "w2"));
    assert_true(((const float *)nnc_tensor_data(&v->tensor))[63] == 32.0f);
    assert_int_equal((uintptr_t)nnc_tensor_data(&v->tensor) % 64, 0);
    SAVE(again, in_folder("f.onnx"), &options, &info);
    same_bytes(in_folder("e.onnx.data"), in_folder("f.onnx.data"));
    nnc_graph_destroy(again);
    /* Refused: neither file changes, and the check saw the weights. */
    options.verify = refuse;
    options.user = &seen;
    assert_int_equal(nnc_onnx_save(g, in_folder("n.onnx"), &options, NULL, NULL), NNC_ERR_VERIFY);
    assert_true(seen);
    assert_false(nnc_file_exists(in_folder("n.onnx")));
    assert_false(nnc_file_exists(in_folder("n.onnx.data")));
    nnc_graph_destroy(g);
}

static void int8_weights(void **state)
{
    (void)state;
    nnc_onnx_save_info info;
    float s[4] = {0.5f, 0.25f, 0.125f, 1.0f};
    wire g = w_graph();
    g_init(&g, w_tensor("w", W_INT8, "4,4", "\1\2\3\4\5\6\7\x7f\x81\xff\1\1\1\1\1\1", 16));
    g_init(&g, w_tensor("s", W_FLOAT, "4", s, 16));
    wire dq = w_node("DequantizeLinear", "dq", "w,s", "wf");
    w_attr_int(&dq, "axis", 1);
    g_node(&g, dq);
    g_node(&g, w_node("MatMul", "mm", "x,wf", "y"));
    nnc_graph *again = round_trip(loaded(w_model(g, 7, 13)), &info);
    assert_int_equal(info.opset, 13);
    assert_int_equal(info.ir_version, 7);
    const nnc_value *v = nnc_graph_value_const(again, nnc_graph_find_value(again, "w"));
    assert_int_equal(v->tensor.dtype, NNC_DTYPE_INT8);
    nnc_graph_destroy(again);
}

/* What a step adds may need a newer opset than the source has. */
static void raises_the_opset(void **state)
{
    (void)state;
    nnc_onnx_save_info info;
    wire m = w_graph();
    g_node(&m, w_node("Relu", "relu", "x", "y"));
    nnc_graph *g = loaded(w_model(m, 4, 9));
    nnc_value_id y = nnc_graph_output(g, 0), z;
    nnc_node_id node;
    assert_int_equal(nnc_graph_add_value(&z, g, "z", NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL),
                     NNC_OK);
    assert_int_equal(nnc_graph_add_node(&node, g, "swish", "", "HardSwish", &y, 1, &z, 1), NNC_OK);
    assert_int_equal(nnc_graph_add_output(g, z, "z"), NNC_OK);
    SAVE(g, in_folder("m.onnx"), &replace, &info);
    assert_int_equal(info.opset, 14);
    assert_int_equal(info.ir_version, 7);
    assert_true(info.raised);
    assert_non_null(strstr(info.why, "HardSwish 'swish'"));
    nnc_graph_destroy(g);
    /* Blocked 4-bit weights: opset 21, IR 10. */
    float scale = 0.5f;
    m = w_graph();
    g_init(&m, w_tensor("w", 22, "4", "\x21\x43", 2));
    g_init(&m, w_tensor("s", W_FLOAT, "", &scale, 4));
    g_node(&m, w_node("DequantizeLinear", "dq", "w,s", "wf"));
    g_node(&m, w_node("Add", "add", "x,wf", "y"));
    g = loaded(w_model(m, 10, 21));
    nnc_graph_get_meta(g)->opset = 13;
    nnc_graph_get_meta(g)->ir_version = 7;
    SAVE(g, in_folder("m.onnx"), &replace, &info);
    assert_int_equal(info.opset, 21);
    assert_int_equal(info.ir_version, 10);
    nnc_graph_destroy(g);
}

/* Old forms survive the way through the internal form: opset 9 in, opset 9 out, and every attribute
 * where it was. */
static void old_forms(void **state)
{
    (void)state;
    nnc_onnx_save_info info;
    wire g = {0}, n;
    g_input(&g, w_value("x", W_FLOAT, "1,4,6,6"));
    n = w_node("Clip", "clip", "x", "a");
    w_attr_float(&n, "min", 0.0f);
    w_attr_float(&n, "max", 6.0f);
    g_node(&g, n);
    n = w_node("Pad", "pad", "a", "b");
    w_attr_ints(&n, "pads", "0,0,1,1,0,0,1,1");
    g_node(&g, n);
    n = w_node("Slice", "slice", "b", "c");
    w_attr_ints(&n, "starts", "0,1");
    w_attr_ints(&n, "ends", "2,3");
    w_attr_ints(&n, "axes", "2,3");
    g_node(&g, n);
    n = w_node("ReduceMean", "mean", "c", "d");
    w_attr_ints(&n, "axes", "2,3");
    g_node(&g, n);
    n = w_node("Squeeze", "squeeze", "d", "e");
    w_attr_ints(&n, "axes", "2,3");
    g_node(&g, n);
    n = w_node("Split", "split", "e", "f,h");
    w_attr_int(&n, "axis", 1);
    g_node(&g, n);
    n = w_node("Softmax", "soft", "f", "y");
    g_node(&g, n);
    n = w_node("Dropout", "drop", "h", "z");
    w_attr_float(&n, "ratio", 0.25f);
    g_node(&g, n);
    g_output(&g, w_value("y", W_FLOAT, "1,2"));
    g_output(&g, w_value("z", W_FLOAT, "1,2"));
    nnc_graph *again = round_trip(loaded(w_model(g, 4, 9)), &info);
    assert_int_equal(info.opset, 9);
    assert_int_equal(nnc_graph_node_count(again), 8);
    nnc_graph_destroy(again);
    assert_true(info.bytes < 1200);
}

/* Before opset 13 Softmax takes all dims from its axis on together. */
static void old_softmax(void **state)
{
    (void)state;
    for (int flat = 0; flat < 2; flat++) {
        nnc_onnx_save_info info;
        wire g = {0}, n = w_node("Softmax", "soft", "x", "y");
        g_input(&g, w_value("x", W_FLOAT, flat ? "2,3,4" : "2,3,1"));
        g_output(&g, w_value("y", W_FLOAT, NULL));
        w_attr_int(&n, "axis", 1);
        g_node(&g, n);
        nnc_graph *graph = loaded(w_model(g, 4, 9));
        assert_int_equal(nnc_graph_node_count(graph), flat ? 4 : 1);
        const nnc_value *y = nnc_graph_value_const(graph, nnc_graph_output(graph, 0));
        assert_int_equal(y->shape.rank, 3);
        nnc_graph_destroy(round_trip(graph, &info));
        assert_int_equal(info.opset, 9);
    }
}

/* Outputs that share a value, an input as output, and an output whose value was replaced. */
static void output_names(void **state)
{
    (void)state;
    wire m = w_graph();
    g_node(&m, w_node("Relu", "relu", "x", "y"));
    g_node(&m, w_node("Neg", "neg", "y", "z"));
    g_output(&m, w_value("z", W_FLOAT, "1,4"));
    g_output(&m, w_value("x", W_FLOAT, "1,4"));
    nnc_graph *g = loaded(w_model(m, 8, 13)), *again;
    nnc_graph_set_output(g, 1, nnc_graph_output(g, 0)); /* z is y now, and x stays x */
    again = round_trip(g, NULL);
    assert_int_equal(nnc_graph_output_count(again), 3);
    assert_string_equal(nnc_graph_output_name(again, 0), "y");
    assert_string_equal(nnc_graph_output_name(again, 1), "z");
    assert_string_equal(nnc_graph_output_name(again, 2), "x");
    nnc_graph_destroy(again);
    m = w_graph();
    g_node(&m, w_node("Relu", "relu", "x", "a"));
    g_node(&m, w_node("Neg", "neg", "a", "y"));
    g = loaded(w_model(m, 8, 13));
    nnc_graph_set_output(g, 0,
                         nnc_graph_find_value(g, "a")); /* y is a now; the old y is not read */
    again = round_trip(g, NULL);
    assert_string_equal(nnc_graph_output_name(again, 0), "y");
    const nnc_value *y = nnc_graph_value_const(again, nnc_graph_output(again, 0));
    assert_string_equal(nnc_graph_node_const(again, y->producer)->op_type, "Relu");
    nnc_graph_destroy(again);
}

/* A value captured by a subgraph is renamed outside: the subgraph follows. */
static void subgraph_captures(void **state)
{
    (void)state;
    wire g = w_graph(), yes = {0}, no = {0};
    g_input(&g, w_value("cond", W_BOOL, ""));
    g_node(&g, w_node("Relu", "relu", "x", "mid"));
    g_node(&yes, w_node("Neg", "inner", "mid", "yes_out"));
    g_output(&yes, w_value("yes_out", W_FLOAT, NULL));
    g_init(&no, w_floats("c", "1,4", 4));
    g_node(&no, w_node("Add", "other", "x,c", "no_out"));
    g_output(&no, w_value("no_out", W_FLOAT, NULL));
    wire n = w_node("If", "branch", "cond", "y");
    w_attr_graph(&n, "then_branch", yes);
    w_attr_graph(&n, "else_branch", no);
    g_node(&g, n);
    nnc_graph *graph = loaded(w_model(g, 8, 13));
    assert_int_equal(nnc_graph_rename_value(graph, nnc_graph_find_value(graph, "mid"), "renamed"),
                     NNC_OK);
    nnc_graph *again = round_trip(graph, NULL);
    assert_int_not_equal(nnc_graph_find_value(again, "renamed"), NNC_ID_NONE);
    const nnc_node *node = nnc_graph_node_const(again, 1);
    assert_int_equal(nnc_node_int(node, "nnc_captures", 0), 2);
    nnc_graph_destroy(again);
}

static void refuses_what_onnx_lacks(void **state)
{
    (void)state;
    nnc_graph *g = loaded(w_relu_model());
    nnc_qparams *q;
    float scale = 0.5f;
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, -1, 1, &scale, NULL), NNC_OK);
    nnc_value_set_qparams(nnc_graph_value(g, nnc_graph_input(g, 0)), q);
    assert_int_equal(nnc_onnx_save(g, in_folder("m.onnx"), &replace, NULL, NULL), NNC_ERR_INTERNAL);
    assert_non_null(strstr(nnc_error_message(), "quantization annotation"));
    nnc_value_set_qparams(nnc_graph_value(g, nnc_graph_input(g, 0)), NULL);
    assert_int_equal(nnc_node_set_op(g, 0, "nnc", "Quant"), NNC_OK);
    assert_int_equal(nnc_onnx_save(g, in_folder("m.onnx"), &replace, NULL, NULL),
                     NNC_ERR_UNSUPPORTED);
    assert_non_null(strstr(nnc_error_message(), "has no ONNX form"));
    nnc_graph_destroy(g);
}

static void custom_domains(void **state)
{
    (void)state;
    const nnc_onnx_load_options keep = {.keep_unsupported = true};
    nnc_graph *graph;
    wire g = w_graph(), n = w_node("Frob", "f", "x", "y");
    wire_str(&n, 7, "com.example");
    g_node(&g, n);
    wire m = w_model(g, 8, 13);
    wire_msg(&m, 8, w_opset("com.example", 3));
    wire_msg(&m, 8, w_opset("com.unused", 1));
    expect_status(load_wire(&graph, m, &keep, NULL, NULL), NNC_OK, NULL, __FILE__, __LINE__);
    graph = round_trip(graph, NULL);
    const nnc_graph_meta *meta = nnc_graph_get_meta(graph);
    assert_int_equal(meta->import_count, 1);
    assert_string_equal(meta->import_domains[0], "com.example");
    assert_int_equal(meta->import_versions[0], 3);
    nnc_graph_destroy(graph);
}

static void version_table(void **state)
{
    (void)state;
    const nnc_onnx_version *previous = NULL, *row;
    for (size_t i = 0; (row = nnc_onnx_version_row(i)) != NULL; i++) {
        assert_true(row->since > NNC_ONNX_OPSET_MIN && row->since <= NNC_ONNX_OPSET_MAX);
        if (previous) {
            int order = strcmp(previous->op, row->op);
            assert_true(order < 0 || (order == 0 && previous->since < row->since));
        }
        assert_false(row->fixed && row->down);
        previous = row;
    }
    /* An op from the future of its file. */
    wire g = w_graph();
    g_node(&g, w_node("HardSwish", "h", "x", "y"));
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL,
           "HardSwish exists from opset 14 on, the model uses opset 13");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(keeps_what_it_is_told),
        TEST(never_over_a_file),
        TEST(verification_decides),
        TEST(external_weights),
        TEST(int8_weights),
        TEST(raises_the_opset),
        TEST(old_forms),
        TEST(old_softmax),
        TEST(output_names),
        TEST(subgraph_captures),
        TEST(refuses_what_onnx_lacks),
        TEST(custom_domains),
        TEST(version_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
