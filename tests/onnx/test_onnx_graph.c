/* Graphs: items 26 to 55 of docs/reliability.md. SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <time.h>

#include "onnx/harness.h"

static wire model(wire g)
{
    return w_model(g, 8, 13);
}

static void item_26_cycle(void **state)
{
    (void)state;
    wire g = w_graph();
    g_node(&g, w_node("Add", "a", "x,q", "p"));
    g_node(&g, w_node("Relu", "b", "p", "q"));
    g_node(&g, w_node("Relu", "c", "q", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "cycle: ");
    assert_non_null(strstr(nnc_error_message(), " -> "));
    assert_non_null(strstr(nnc_error_message(), "'a'"));
    assert_non_null(strstr(nnc_error_message(), "'b'"));
}

static void item_27_unsorted(void **state)
{
    (void)state;
    nnc_graph *graph;
    nnc_onnx_info info;
    heard h = {0};
    wire g = w_graph();
    g_node(&g, w_node("Relu", "b", "p", "y"));
    g_node(&g, w_node("Relu", "a", "x", "p"));
    ACCEPT(graph, model(g), &info, &h);
    assert_true(info.unsorted);
    assert_non_null(strstr(h.last, "not in topological order"));
    nnc_node_id *order;
    size_t count;
    assert_int_equal(nnc_graph_topo_order(&order, &count, graph), NNC_OK);
    assert_string_equal(nnc_graph_node_const(graph, order[0])->name, "a");
    nnc_free(order);
    nnc_graph_destroy(graph);
}

static void item_28_29_unknown_input(void **state)
{
    (void)state;
    wire g = w_graph();
    g_init(&g, w_floats("weight1", "1,4", 4));
    g_node(&g, w_node("Add", "add", "x,wieght1", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "did you mean 'weight1'?");
    assert_non_null(strstr(nnc_error_message(), "m.onnx: node #0 'add' (Add): input 1 'wieght1'"));
}

static void item_30_ssa(void **state)
{
    (void)state;
    wire g = w_graph();
    g_node(&g, w_node("Relu", "first", "x", "y"));
    g_node(&g, w_node("Relu", "second", "x", "y"));
    REFUSE(model(g), NNC_ERR_MODEL,
           "node #1 'second' (Relu): output 'y' is also an output of node #0 'first'");
}

static void item_31_initializers(void **state)
{
    (void)state;
    wire g = w_graph();
    g_init(&g, w_floats("w", "1,4", 4));
    g_init(&g, w_floats("w", "1,4", 4));
    g_node(&g, w_node("Add", NULL, "x,w", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "initializer 'w' is there twice");
    int64_t index = 1;
    wire s = {0};
    g = w_graph();
    g_init(&g, w_floats("w", "1,4", 4));
    wire_msg(&s, 1, w_floats("w", "1", 1));
    wire_msg(&s, 2, w_int64s(NULL, "1", 1, &index));
    wire_int(&s, 3, 4);
    wire_msg(&g, 15, s);
    g_node(&g, w_node("Add", NULL, "x,w", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "initializer 'w' is there twice");
}

static void item_32_inputs(void **state)
{
    (void)state;
    wire g = w_graph();
    g_input(&g, w_value("x", W_FLOAT, "1,4"));
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "input 'x' is there twice");
    nnc_graph *graph;
    g = w_graph();
    g_input(&g, w_value("w", W_FLOAT, "1,4"));
    g_init(&g, w_floats("w", "1,4", 4));
    g_node(&g, w_node("Add", NULL, "x,w", "y"));
    ACCEPT(graph, w_model(g, 3, 7), NULL, NULL);
    assert_int_equal(nnc_graph_input_count(graph), 1);
    assert_int_equal(nnc_graph_value_const(graph, nnc_graph_find_value(graph, "w"))->kind,
                     NNC_VALUE_CONST);
    nnc_graph_destroy(graph);
}

static void item_33_node_names(void **state)
{
    (void)state;
    wire g = w_graph();
    g_node(&g, w_node("Relu", "same", "x", "a"));
    g_node(&g, w_node("Relu", "same", "a", "b"));
    g_node(&g, w_node("Relu", NULL, "b", "y"));
    TAKE(model(g));
}

static void item_34_outputs(void **state)
{
    (void)state;
    wire g = w_graph();
    g_node(&g, w_node("Relu", NULL, "x", "z"));
    REFUSE(model(g), NNC_ERR_MODEL, "output 'y' is produced by no node");
    g = w_graph();
    g_init(&g, w_floats("w", "1,4", 4));
    g_output(&g, w_value("w", W_FLOAT, "1,4"));
    g_output(&g, w_value("x", W_FLOAT, "1,4"));
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    TAKE(model(g));
}

static void item_35_unused(void **state)
{
    (void)state;
    nnc_graph *graph;
    nnc_onnx_info info;
    wire g = w_graph();
    g_init(&g, w_floats("w", "1,4", 4));
    g_input(&g, w_value("u", W_FLOAT, "1,4"));
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    g_node(&g, w_node("Relu", NULL, "x", "dead"));
    ACCEPT(graph, model(g), &info, NULL);
    assert_int_equal(info.dead_nodes, 1);
    assert_int_equal(info.unused_inputs, 1);
    assert_int_equal(info.unused_initializers, 1);
    nnc_graph_destroy(graph);
}

static wire unknown_ops(void)
{
    wire g = w_graph();
    g_node(&g, w_node("Frob", "f1", "x", "a"));
    g_node(&g, w_node("Frob", "f2", "a", "b"));
    g_node(&g, w_node("Grok", "g1", "b", "y"));
    return model(g);
}

static void item_36_unknown_ops(void **state)
{
    (void)state;
    REFUSE(unknown_ops(), NNC_ERR_UNSUPPORTED,
           "2 ops are not supported: Frob (2, first Frob 'f1'), Grok (1");
}

static void item_37_custom_domain(void **state)
{
    (void)state;
    nnc_graph *graph;
    nnc_onnx_info info;
    const nnc_onnx_load_options keep = {.keep_unsupported = true};
    for (int i = 0; i < 2; i++) {
        wire g = w_graph(), n = w_node("Frob", "f", "x", "y");
        wire_str(&n, 7, "com.example");
        g_node(&g, n);
        wire m = model(g);
        wire_msg(&m, 8, w_opset("com.example", 1));
        if (i == 0) {
            REFUSE(m, NNC_ERR_UNSUPPORTED, "1 op is not supported: com.example.Frob (1");
        } else {
            expect_status(load_wire(&graph, m, &keep, &info, NULL), NNC_OK, NULL, __FILE__,
                          __LINE__);
            assert_int_equal(info.unsupported_nodes, 1);
            nnc_graph_destroy(graph);
        }
    }
    /* The toolchain's own domain never comes from a file. */
    wire g = w_graph(), n = w_node("Quant", "q", "x", "y");
    wire_str(&n, 7, "nnc");
    g_node(&g, n);
    wire m = model(g);
    wire_msg(&m, 8, w_opset("nnc", 1));
    REFUSE(m, NNC_ERR_UNSUPPORTED, "domain 'nnc', which is reserved");
}

static void item_38_domain_not_imported(void **state)
{
    (void)state;
    wire g = w_graph(), n = w_node("Gelu", "gelu", "x", "y");
    wire_str(&n, 7, "com.microsoft");
    g_node(&g, n);
    REFUSE(model(g), NNC_ERR_MODEL, "uses domain 'com.microsoft', which the model does not import");
}

static wire conv_with(void (*edit)(wire *node))
{
    wire g = {0};
    g_input(&g, w_value("x", W_FLOAT, "1,2,8,8"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_floats("w", "4,2,3,3", 72));
    wire n = w_node("Conv", "conv1", "x,w", "y");
    edit(&n);
    g_node(&g, n);
    return model(g);
}

static void twice(wire *n)
{
    w_attr_int(n, "group", 1);
    w_attr_int(n, "group", 1);
}
static void wrong_type(wire *n)
{
    w_attr_str(n, "group", "one");
}
static void two_values(wire *n)
{
    wire a = {0};
    wire_str(&a, 1, "group");
    wire_int(&a, 3, 1);
    wire_float(&a, 2, 1.0f);
    wire_int(&a, 20, 2);
    wire_msg(n, 5, a);
}
static void odd_type(wire *n)
{
    wire a = {0};
    wire_str(&a, 1, "group");
    wire_int(&a, 3, 1);
    wire_int(&a, 20, 77);
    wire_msg(n, 5, a);
}
static void type_and_value_differ(wire *n)
{
    wire a = {0};
    wire_str(&a, 1, "group");
    wire_float(&a, 2, 1.0f);
    wire_int(&a, 20, 2);
    wire_msg(n, 5, a);
}
static void unknown_attribute(wire *n)
{
    w_attr_int(n, "frobnicate", 1);
}
static void reference(wire *n)
{
    wire a = {0};
    wire_str(&a, 1, "group");
    wire_str(&a, 21, "g");
    wire_int(&a, 20, 2);
    wire_msg(n, 5, a);
}

static void item_39_attributes(void **state)
{
    (void)state;
    REFUSE(conv_with(twice), NNC_ERR_MODEL, "attribute 'group' is there twice");
    REFUSE(conv_with(wrong_type), NNC_ERR_MODEL, "attribute 'group' is of type string");
    REFUSE(conv_with(two_values), NNC_ERR_MODEL, "attribute 'group' has 2 values, expected one");
    REFUSE(conv_with(odd_type), NNC_ERR_MODEL, "attribute 'group' has type 77, known are 1 to 14");
    REFUSE(conv_with(type_and_value_differ), NNC_ERR_MODEL,
           "attribute 'group': its value is not of its type 2");
    REFUSE(conv_with(unknown_attribute), NNC_ERR_MODEL, "frobnicate");
    REFUSE(conv_with(reference), NNC_ERR_MODEL, "refers to 'g' outside of a function");
    wire g = w_graph();
    g_node(&g, w_node("Add", "add", "x", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "Add 'add': has 1 inputs, expected 2");
    g = w_graph();
    g_node(&g, w_node("Concat", "cat", "x,x", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "attribute 'axis' is missing");
}

static void group_0(wire *n)
{
    w_attr_int(n, "group", 0);
}
static void stride_0(wire *n)
{
    w_attr_ints(n, "strides", "0,1");
}
static void stride_negative(wire *n)
{
    w_attr_ints(n, "strides", "-1,1");
}
static void dilation_huge(wire *n)
{
    w_attr_ints(n, "dilations", "1099511627776,1");
}
static void pads_lowest(wire *n)
{
    w_attr_ints(n, "pads", "-9223372036854775808,0,0,0");
}
static void kernel_differs(wire *n)
{
    w_attr_ints(n, "kernel_shape", "5,5");
}
static void strides_short(wire *n)
{
    w_attr_ints(n, "strides", "1");
}

static wire one_op(const char *op, const char *dims, const char *attr, int64_t value)
{
    wire g = {0}, n = w_node(op, "node", "x", "y");
    g_input(&g, w_value("x", W_FLOAT, dims));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    w_attr_int(&n, attr, value);
    g_node(&g, n);
    return model(g);
}

static void item_40_extremes(void **state)
{
    (void)state;
    REFUSE(conv_with(group_0), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(conv_with(stride_0), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(conv_with(stride_negative), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(conv_with(dilation_huge), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(conv_with(pads_lowest), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(conv_with(kernel_differs), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(conv_with(strides_short), NNC_ERR_MODEL, "Conv 'conv1'");
    REFUSE(one_op("DepthToSpace", "1,4,2,2", "blocksize", (int64_t)1 << 32), NNC_ERR_MODEL,
           "DepthToSpace 'node'");
    REFUSE(one_op("DepthToSpace", "1,4,2,2", "blocksize", 0), NNC_ERR_MODEL, "DepthToSpace 'node'");
    REFUSE(one_op("Softmax", "1,4", "axis", 7), NNC_ERR_MODEL, "Softmax 'node'");
    wire g = w_graph(), n = w_node("Transpose", "t", "x", "y");
    w_attr_ints(&n, "perm", "0,0");
    g_node(&g, n);
    REFUSE(model(g), NNC_ERR_MODEL, "Transpose 't'");
}

static void item_41_shapes_do_not_fit(void **state)
{
    (void)state;
    wire g = {0};
    g_input(&g, w_value("x", W_FLOAT, "1,3,8,8"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_floats("w", "4,2,3,3", 72));
    g_node(&g, w_node("Conv", "conv1", "x,w", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "Conv 'conv1'");
    g = w_graph();
    g_init(&g, w_floats("w", "3,5", 15));
    g_node(&g, w_node("MatMul", "mm", "x,w", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "MatMul 'mm'");
    g = w_graph();
    g_init(&g, w_floats("w", "3", 3));
    g_node(&g, w_node("Add", "add", "x,w", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "Add 'add'");
}

static void item_42_value_info(void **state)
{
    (void)state;
    nnc_graph *graph;
    heard h = {0};
    wire g = w_graph();
    g_info(&g, w_value("p", W_FLOAT, "7,7,7"));
    g_node(&g, w_node("Relu", NULL, "x", "p"));
    g_node(&g, w_node("Relu", NULL, "p", "y"));
    ACCEPT(graph, model(g), NULL, &h);
    assert_non_null(strstr(h.last, "contradict"));
    assert_int_equal(nnc_graph_value_const(graph, nnc_graph_find_value(graph, "p"))->shape.rank, 2);
    nnc_graph_destroy(graph);
}

static wire dims_of(const char *x, const char *z)
{
    wire g = {0};
    g_input(&g, w_value("x", W_FLOAT, x));
    g_input(&g, w_value("z", W_FLOAT, z));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_node(&g, w_node("Add", "add", "x,z", "y"));
    return model(g);
}

static void item_43_shapes_given(void **state)
{
    (void)state;
    nnc_graph *graph;
    const char *shapes[] = {"x=2x4"};
    nnc_onnx_load_options options = {.shapes = shapes, .shape_count = 1};
    expect_status(load_wire(&graph, dims_of("N,4", "N,4"), &options, NULL, NULL), NNC_OK, NULL,
                  __FILE__, __LINE__);
    const nnc_value *z = nnc_graph_value_const(graph, nnc_graph_input(graph, 1));
    assert_int_equal(z->shape.dims[0], 2); /* one name, one number */
    nnc_graph_destroy(graph);
    shapes[0] = "N=3";
    expect_status(load_wire(&graph, dims_of("N,4", "N,4"), &options, NULL, NULL), NNC_OK, NULL,
                  __FILE__, __LINE__);
    assert_int_equal(nnc_graph_value_const(graph, nnc_graph_input(graph, 0))->shape.dims[0], 3);
    nnc_graph_destroy(graph);
    const char *const bad[] = {"q=1x4", "x=1x4x4", "x=2x5", "x", "x=", "x=1xq", "x=-1x4", "=1x4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shapes[0] = bad[i];
        expect_status(load_wire(&graph, dims_of("N,4", "N,4"), &options, NULL, NULL), NNC_ERR_USAGE,
                      "hape", __FILE__, __LINE__);
    }
}

static void item_44_dims(void **state)
{
    (void)state;
    nnc_graph *graph;
    heard h = {0};
    const char *shapes[] = {"x=2x4", "z=3x4"};
    nnc_onnx_load_options options = {.shapes = shapes, .shape_count = 2};
    expect_status(load_wire(&graph, dims_of("N,4", "N,4"), &options, NULL, NULL), NNC_ERR_USAGE,
                  "dimension 'N' both 2 and 3", __FILE__, __LINE__);
    ACCEPT(graph, dims_of("-1,4", "1,4"), NULL, &h);
    assert_non_null(strstr(h.last, "dim 0 is -1, taken as dynamic"));
    nnc_graph_destroy(graph);
    REFUSE(dims_of("-2,4", "1,4"), NNC_ERR_MODEL, "input 'x': dim 0 is -2");
    TAKE(dims_of("0,4", "1,4"));
    /* A dimension with a value and a name. */
    wire g = {0}, info = {0}, type = {0}, tensor = {0}, shape = {0}, dim = {0};
    wire_int(&dim, 1, 4);
    wire_str(&dim, 2, "N");
    wire_msg(&shape, 1, dim);
    wire_int(&tensor, 1, W_FLOAT);
    wire_msg(&tensor, 2, shape);
    wire_msg(&type, 1, tensor);
    wire_str(&info, 1, "x");
    wire_msg(&info, 2, type);
    g_input(&g, info);
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "has both the value 4 and the name 'N'");
}

/* If(cond) with then: out = Relu(<inner>) and else: out = Neg(x). */
static wire if_model(const char *inner, const char *then_output, const char *node_outputs)
{
    wire g = w_graph(), yes = {0}, no = {0};
    g_input(&g, w_value("cond", W_BOOL, ""));
    wire_str(&yes, 2, "yes");
    g_node(&yes, w_node("Relu", "inner", inner, then_output));
    g_output(&yes, w_value(then_output, W_FLOAT, NULL));
    wire_str(&no, 2, "no");
    g_node(&no, w_node("Neg", "other", "x", "no_out"));
    g_output(&no, w_value("no_out", W_FLOAT, NULL));
    wire n = w_node("If", "branch", "cond", node_outputs);
    w_attr_graph(&n, "then_branch", yes);
    w_attr_graph(&n, "else_branch", no);
    g_node(&g, n);
    return model(g);
}

static void item_45_subgraphs(void **state)
{
    (void)state;
    nnc_graph *graph;
    ACCEPT(graph, if_model("x", "yes_out", "y"), NULL, NULL);
    const nnc_node *n = nnc_graph_node_const(graph, 0);
    assert_int_equal(nnc_node_int(n, "nnc_captures", -1), 1);
    assert_int_equal(n->input_count, 2); /* cond and x */
    const nnc_attr *a = nnc_node_attr(n, "then_branch");
    assert_non_null(a);
    assert_int_equal(nnc_graph_input_count(a->graphs[0]), 1);
    nnc_graph_destroy(graph);
    REFUSE(if_model("nowhere", "yes_out", "y"), NNC_ERR_MODEL, "'nowhere' is produced by no node");
    REFUSE(if_model("x", "cond", "y"), NNC_ERR_MODEL,
           "has the name of a value outside of its subgraph");
    REFUSE(if_model("x", "yes_out", "y,y2"), NNC_ERR_MODEL, "1 outputs, expected 0 and 2");
    /* Loop body without the condition output. */
    wire g = w_graph(), body = {0};
    int64_t trips = 3;
    g_init(&g, w_int64s("m", "", 1, &trips));
    g_input(&body, w_value("i", W_INT64, ""));
    g_input(&body, w_value("c", W_BOOL, ""));
    g_input(&body, w_value("v", W_FLOAT, NULL));
    g_node(&body, w_node("Relu", NULL, "v", "v2"));
    g_output(&body, w_value("v2", W_FLOAT, NULL));
    wire loop = w_node("Loop", "loop", "m,,x", "y");
    w_attr_graph(&loop, "body", body);
    g_node(&g, loop);
    REFUSE(model(g), NNC_ERR_MODEL, "subgraph 'body' has 3 inputs and 1 outputs, expected 3 and 2");
    /* Deeper than 16 subgraphs, within the nesting limit of messages. */
    wire inner = {0};
    g_node(&inner, w_node("Relu", NULL, "x", "o"));
    g_output(&inner, w_value("o", W_FLOAT, NULL));
    for (int i = 0; i < 17; i++) {
        wire outer = {0};
        char name[8];
        snprintf(name, sizeof name, "o%d", i);
        wire node = w_node("If", NULL, "cond", name);
        w_attr_graph(&node, "then_branch", inner);
        g_node(&outer, node);
        g_output(&outer, w_value(name, W_FLOAT, NULL));
        inner = outer;
    }
    g = (wire){0};
    wire_put(&g, inner.data, inner.len);
    wire_free(&inner);
    g_input(&g, w_value("cond", W_BOOL, ""));
    g_input(&g, w_value("x", W_FLOAT, "1,4"));
    REFUSE(model(g), NNC_ERR_MODEL, "subgraphs are nested deeper than 16");
}

static wire function(const char *name, const char *inputs, const char *outputs, wire node)
{
    wire f = {0};
    wire_str(&f, 1, name);
    w_names(&f, 4, inputs);
    w_names(&f, 5, outputs);
    wire_msg(&f, 7, node);
    wire_str(&f, 10, "fn");
    wire_msg(&f, 9, w_opset("", 13));
    wire_msg(&f, 9, w_opset("fn", 1));
    return f;
}

static wire fn_node(const char *op, const char *name, const char *in, const char *out)
{
    wire n = w_node(op, name, in, out);
    wire_str(&n, 7, "fn");
    return n;
}

static wire call_model(wire fn)
{
    wire g = w_graph();
    g_node(&g, fn_node("F", "call", "x", "y"));
    wire m = model(g);
    wire_msg(&m, 8, w_opset("fn", 1));
    wire_msg(&m, 25, fn);
    return m;
}

static void item_47_functions(void **state)
{
    (void)state;
    nnc_graph *graph;
    nnc_onnx_info info;
    ACCEPT(graph, call_model(function("F", "a", "b", w_node("Relu", "r", "a", "b"))), &info, NULL);
    assert_int_equal(info.functions_inlined, 1);
    assert_int_equal(nnc_graph_node_count(graph), 1);
    assert_string_equal(nnc_graph_node_const(graph, 0)->op_type, "Relu");
    assert_string_equal(nnc_graph_node_const(graph, 0)->name, "call/r");
    nnc_graph_destroy(graph);
    REFUSE(call_model(function("F", "a", "b", fn_node("F", "again", "a", "b"))), NNC_ERR_MODEL,
           "function 'F' calls itself");
    REFUSE(call_model(function("F", "a", "b", w_node("Relu", NULL, "a", "c"))), NNC_ERR_MODEL,
           "nothing produces its output 'b'");
    REFUSE(call_model(function("F", "a,a", "b", w_node("Relu", NULL, "a", "b"))), NNC_ERR_MODEL,
           "input 'a' is there twice");
    wire m = call_model(function("F", "a", "b", w_node("Relu", NULL, "a", "b")));
    wire_msg(&m, 25, function("F", "a", "b", w_node("Relu", NULL, "a", "b")));
    REFUSE(m, NNC_ERR_MODEL, "function 'fn.F': is defined twice");
    wire leaky = w_node("LeakyRelu", NULL, "a", "b"), ref = {0};
    wire_str(&ref, 1, "alpha");
    wire_str(&ref, 21, "slope");
    wire_int(&ref, 20, 1);
    wire_msg(&leaky, 5, ref);
    REFUSE(call_model(function("F", "a", "b", leaky)), NNC_ERR_MODEL,
           "refers to 'slope', which its function does not have");
}

/* A default of the function's attribute, and one given by the call. */
static void item_47_function_attributes(void **state)
{
    (void)state;
    for (int given = 0; given < 2; given++) {
        nnc_graph *graph;
        wire leaky = w_node("LeakyRelu", NULL, "a", "b"), ref = {0}, fallback = {0};
        wire_str(&ref, 1, "alpha");
        wire_str(&ref, 21, "slope");
        wire_int(&ref, 20, 1);
        wire_msg(&leaky, 5, ref);
        wire f = function("F", "a", "b", leaky);
        wire_str(&fallback, 1, "slope");
        wire_float(&fallback, 2, 0.25f);
        wire_int(&fallback, 20, 1);
        wire_msg(&f, 11, fallback);
        wire g = w_graph(), call = fn_node("F", "call", "x", "y");
        if (given) {
            w_attr_float(&call, "slope", 0.75f);
        }
        g_node(&g, call);
        wire m = model(g);
        wire_msg(&m, 8, w_opset("fn", 1));
        wire_msg(&m, 25, f);
        ACCEPT(graph, m, NULL, NULL);
        assert_true(nnc_node_float(nnc_graph_node_const(graph, 0), "alpha", 0) ==
                    (given ? 0.75f : 0.25f));
        nnc_graph_destroy(graph);
    }
}

/* f0 calls f1 twice, which calls f2 twice, ...: 2^40 nodes. */
static void item_47_function_bomb(void **state)
{
    (void)state;
    wire g = w_graph();
    g_node(&g, fn_node("F0", "call", "x", "y"));
    wire m = model(g);
    wire_msg(&m, 8, w_opset("fn", 1));
    for (int i = 0; i < 40; i++) {
        char name[8], next[8];
        snprintf(name, sizeof name, "F%d", i);
        snprintf(next, sizeof next, "F%d", i + 1);
        wire f = function(name, "a", "b", fn_node(next, NULL, "a", "m"));
        wire_msg(&f, 7, fn_node(next, NULL, "m", "b"));
        wire_msg(&m, 25, f);
    }
    wire_msg(&m, 25, function("F40", "a", "b", w_node("Relu", NULL, "a", "b")));
    REFUSE(m, NNC_ERR_LIMIT, NULL);
    /* 101 calls deep. */
    g = w_graph();
    g_node(&g, fn_node("F0", "call", "x", "y"));
    m = model(g);
    wire_msg(&m, 8, w_opset("fn", 1));
    for (int i = 0; i < 101; i++) {
        char name[8], next[8];
        snprintf(name, sizeof name, "F%d", i);
        snprintf(next, sizeof next, "F%d", i + 1);
        wire_msg(&m, 25, function(name, "a", "b", fn_node(next, NULL, "a", "b")));
    }
    wire_msg(&m, 25, function("F101", "a", "b", w_node("Relu", NULL, "a", "b")));
    REFUSE(m, NNC_ERR_MODEL, "deeper than 100");
}

/* A constant shape that asks for far more than memory: known as a shape, never made. */
static void item_48_49_bombs(void **state)
{
    (void)state;
    nnc_graph *graph;
    const int64_t shape[3] = {1 << 20, 1 << 20, 1 << 10};
    wire g = {0};
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_int64s("s", "3", 3, shape));
    g_node(&g, w_node("ConstantOfShape", "huge", "s", "y"));
    nnc_status status = load_wire(&graph, model(g), NULL, NULL, NULL);
    assert_true(status == NNC_OK || status == NNC_ERR_LIMIT || status == NNC_ERR_MODEL);
    nnc_graph_destroy(graph);
    int64_t ones[40];
    for (int i = 0; i < 40; i++) {
        ones[i] = 1;
    }
    g = w_graph();
    g_init(&g, w_int64s("s", "40", 40, ones));
    g_node(&g, w_node("Reshape", "r", "x,s", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "Reshape 'r'");
    g = w_graph();
    g_init(&g, w_tensor_head("s", W_INT64, "2147483648"));
    g_node(&g, w_node("Reshape", "r", "x,s", "y"));
    REFUSE(model(g), NNC_ERR_MODEL, "initializer 's': has no data for 2147483648 elements");
}

static wire typed_input(uint32_t kind)
{
    wire g = {0}, info = {0}, type = {0}, inner = {0}, elem = {0}, t = {0};
    wire_int(&t, 1, W_FLOAT);
    wire_msg(&elem, 1, t);
    wire_msg(&inner, kind == 5 ? 2 : 1, elem);
    wire_msg(&type, kind, inner);
    wire_str(&info, 1, "x");
    wire_msg(&info, 2, type);
    g_input(&g, info);
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    return model(g);
}

static void item_50_types(void **state)
{
    (void)state;
    REFUSE(typed_input(4), NNC_ERR_UNSUPPORTED, "input 'x': has sequence type");
    REFUSE(typed_input(5), NNC_ERR_UNSUPPORTED, "input 'x': has map type");
    REFUSE(typed_input(9), NNC_ERR_UNSUPPORTED, "input 'x': has optional type");
    wire g = {0};
    g_input(&g, w_value("x", W_STRING, "1"));
    g_output(&g, w_value("x", W_STRING, "1"));
    REFUSE(model(g), NNC_ERR_UNSUPPORTED, "input 'x': string tensors are not supported");
}

static void item_51_quantized(void **state)
{
    (void)state;
    nnc_graph *graph;
    nnc_onnx_info info;
    float scale = 0.5f;
    wire g = w_graph();
    g_init(&g, w_tensor("s", W_FLOAT, "", &scale, 4));
    g_init(&g, w_tensor("z", W_INT8, "", "\0", 1));
    g_node(&g, w_node("QuantizeLinear", NULL, "x,s,z", "q"));
    g_node(&g, w_node("DequantizeLinear", NULL, "q,s,z", "y"));
    ACCEPT(graph, model(g), &info, NULL);
    assert_true(info.quantized);
    nnc_graph_destroy(graph);
}

static void item_52_training(void **state)
{
    (void)state;
    nnc_graph *graph;
    /* Before opset 14 BatchNormalization had outputs for training. */
    for (int used = 0; used < 2; used++) {
        wire g = {0};
        g_input(&g, w_value("x", W_FLOAT, "1,2,4,4"));
        g_output(&g, w_value("y", W_FLOAT, NULL));
        g_init(&g, w_floats("s", "2", 2));
        g_init(&g, w_floats("b", "2", 2));
        g_init(&g, w_floats("m", "2", 2));
        g_init(&g, w_floats("v", "2", 2));
        g_node(&g, w_node("BatchNormalization", "bn", "x,s,b,m,v", "y,mean,var"));
        if (used) {
            g_node(&g, w_node("Relu", NULL, "mean", "z"));
            g_output(&g, w_value("z", W_FLOAT, NULL));
            REFUSE(w_model(g, 4, 9), NNC_ERR_UNSUPPORTED,
                   "reads 'mean', an output that only training has");
        } else {
            ACCEPT(graph, w_model(g, 4, 9), NULL, NULL);
            assert_int_equal(nnc_graph_node_const(graph, 0)->output_count, 1);
            nnc_graph_destroy(graph);
        }
    }
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 200 000 nodes and a Concat of 10 000: time grows with the file alone. */
static void item_55_large(void **state)
{
    (void)state;
    enum { CHAIN = 200000, WIDE = 10000 };
    wire g = {0}, cat = {0};
    g_input(&g, w_value("x", W_FLOAT, "1,4"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    char in[24] = "x", out[24];
    for (int i = 0; i < CHAIN; i++) {
        snprintf(out, sizeof out, "v%d", i);
        g_node(&g, w_node("Relu", out, in, out));
        memcpy(in, out, sizeof in);
    }
    for (int i = 0; i < WIDE; i++) {
        snprintf(in, sizeof in, "v%d", i);
        wire_str(&cat, 1, in);
    }
    wire_str(&cat, 2, "y");
    wire_str(&cat, 4, "Concat");
    w_attr_int(&cat, "axis", 1);
    g_node(&g, cat);
    double start = seconds();
    TAKE(model(g));
    assert_true(seconds() - start < 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(item_26_cycle),
        cmocka_unit_test(item_27_unsorted),
        cmocka_unit_test(item_28_29_unknown_input),
        cmocka_unit_test(item_30_ssa),
        cmocka_unit_test(item_31_initializers),
        cmocka_unit_test(item_32_inputs),
        cmocka_unit_test(item_33_node_names),
        cmocka_unit_test(item_34_outputs),
        cmocka_unit_test(item_35_unused),
        cmocka_unit_test(item_36_unknown_ops),
        cmocka_unit_test(item_37_custom_domain),
        cmocka_unit_test(item_38_domain_not_imported),
        cmocka_unit_test(item_39_attributes),
        cmocka_unit_test(item_40_extremes),
        cmocka_unit_test(item_41_shapes_do_not_fit),
        cmocka_unit_test(item_42_value_info),
        cmocka_unit_test(item_43_shapes_given),
        cmocka_unit_test(item_44_dims),
        cmocka_unit_test(item_45_subgraphs),
        cmocka_unit_test(item_47_functions),
        cmocka_unit_test(item_47_function_attributes),
        cmocka_unit_test(item_47_function_bomb),
        cmocka_unit_test(item_48_49_bombs),
        cmocka_unit_test(item_50_types),
        cmocka_unit_test(item_51_quantized),
        cmocka_unit_test(item_52_training),
        cmocka_unit_test(item_55_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
