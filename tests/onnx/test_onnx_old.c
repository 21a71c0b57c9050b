/* Files of opsets 1 to 6: their forms become the newest ones. SPDX-License-Identifier: Apache-2.0 */
#include "onnx/harness.h"
#include "onnx/wire.h"

static nnc_graph *loaded(wire g, int64_t opset)
{
    nnc_graph *graph = NULL;
    expect_status(load_wire(&graph, w_model(g, 3, opset), NULL, NULL, NULL), NNC_OK, NULL, __FILE__, __LINE__);
    return graph;
}

static const nnc_node *find_node(const nnc_graph *graph, const char *op)
{
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        if (nnc_node_is(nnc_graph_node_const(graph, i), op)) {
            return nnc_graph_node_const(graph, i);
        }
    }
    fail_msg("no %s", op);
    return NULL;
}

static wire image_graph(void)
{
    wire g = {0};
    wire_str(&g, 2, "g");
    g_input(&g, w_value("x", W_FLOAT, "1,3,4,4"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    return g;
}

/* The ranks are not declared behind Conv and Relu: they are followed through the nodes. */
static void broadcast_from_an_axis(void **state)
{
    (void)state;
    wire g = image_graph(), n = w_node("Conv", "c", "x,w", "a");
    g_init(&g, w_floats("w", "2,3,1,1", 6));
    g_init(&g, w_floats("b", "2", 2));
    g_node(&g, n);
    g_node(&g, w_node("Relu", "r", "a", "t"));
    n = w_node("Add", "add", "t,b", "y");
    w_attr_int(&n, "broadcast", 1);
    w_attr_int(&n, "axis", 1);
    g_node(&g, n);
    nnc_graph *graph = loaded(g, 6);
    const nnc_node *add = find_node(graph, "Add");
    const nnc_value *b = nnc_graph_value_const(graph, add->inputs[1]);
    assert_int_equal(add->attr_count, 0);
    assert_int_equal(b->shape.rank, 3);
    assert_int_equal(b->shape.dims[0], 2);
    assert_int_equal(b->shape.dims[2], 1);
    nnc_graph_destroy(graph);
}

static void broadcast_needs_ranks(void **state)
{
    (void)state;
    wire g = {0}, n = w_node("Mul", "mul", "x,b", "y");
    wire_str(&g, 2, "g");
    g_input(&g, w_value("x", W_FLOAT, NULL));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_floats("b", "2", 2));
    w_attr_int(&n, "broadcast", 1);
    w_attr_int(&n, "axis", 1);
    g_node(&g, n);
    REFUSE(w_model(g, 3, 6), NNC_ERR_UNSUPPORTED, "Mul with broadcasting from axis 1 on needs operands of known rank");
    g = image_graph();
    n = w_node("Mul", "mul", "x,b", "y");
    g_init(&g, w_floats("b", "3,4", 12));
    w_attr_int(&n, "broadcast", 1);
    w_attr_int(&n, "axis", 3);
    g_node(&g, n);
    REFUSE(w_model(g, 3, 6), NNC_ERR_MODEL, "Mul broadcasts 2 dims from axis 3 on, the first operand has 4");
}

static void slopes_by_channel(void **state)
{
    (void)state;
    wire g = image_graph();
    g_init(&g, w_floats("slope", "3", 3));
    g_node(&g, w_node("PRelu", "p", "x,slope", "y"));
    nnc_graph *graph = loaded(g, 6);
    const nnc_value *slope = nnc_graph_value_const(graph, find_node(graph, "PRelu")->inputs[1]);
    assert_int_equal(slope->shape.rank, 3);
    assert_int_equal(slope->shape.dims[0], 3);
    nnc_graph_destroy(graph);
}

static void attributes_of_opset_1(void **state)
{
    (void)state;
    wire g = image_graph(), n = w_node("Pad", "pad", "x", "a");
    w_attr_ints(&n, "paddings", "0,0,1,1,0,0,1,1");
    g_node(&g, n);
    n = w_node("Reshape", "shape", "a", "b");
    w_attr_ints(&n, "shape", "3,36");
    w_attr_ints(&n, "consumed_inputs", "0");
    g_node(&g, n);
    n = w_node("Cast", "cast", "b", "c");
    w_attr_str(&n, "to", "INT32");
    g_node(&g, n);
    g_node(&g, w_node("Concat", "cat", "c,c", "y"));
    wire old = g;
    nnc_graph *graph = loaded(old, 1);
    assert_int_equal(nnc_node_int(find_node(graph, "Concat"), "axis", -1), 1);
    assert_int_equal(nnc_node_int(find_node(graph, "Cast"), "to", -1), NNC_DTYPE_INT32);
    const nnc_value *y = nnc_graph_value_const(graph, nnc_graph_output(graph, 0));
    assert_int_equal(y->shape.rank, 2);
    assert_int_equal(y->shape.dims[1], 72);
    assert_int_equal(y->dtype, NNC_DTYPE_INT32);
    nnc_graph_destroy(graph);
}

static void a_type_that_is_none(void **state)
{
    (void)state;
    wire g = image_graph(), n = w_node("Cast", "cast", "x", "y");
    w_attr_str(&n, "to", "FLOTE");
    g_node(&g, n);
    REFUSE(w_model(g, 3, 1), NNC_ERR_MODEL, "Cast to 'FLOTE', which is no type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broadcast_from_an_axis), cmocka_unit_test(broadcast_needs_ranks),
        cmocka_unit_test(slopes_by_channel),      cmocka_unit_test(attributes_of_opset_1),
        cmocka_unit_test(a_type_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
