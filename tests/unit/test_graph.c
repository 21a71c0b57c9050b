/* The graph: names, rewriting, order, verifier, clone, text, and linear time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "graph/graph.h"
#include "graph/print.h"

static const nnc_shape shape24 = {.rank = 2, .dims = {2, 4}};

static nnc_value_id add(nnc_graph *g, const char *name, nnc_value_kind kind)
{
    nnc_value_id v;
    assert_int_equal(nnc_graph_add_value(&v, g, name, kind, NNC_DTYPE_FLOAT, &shape24), NNC_OK);
    return v;
}

static nnc_node_id op(nnc_graph *g, const char *name, nnc_value_id x, nnc_value_id y)
{
    nnc_node_id n;
    assert_int_equal(nnc_graph_add_node(&n, g, name, "", "Relu", &x, 1, &y, 1), NNC_OK);
    return n;
}

/* x -> a -> b -> y */
static nnc_graph *chain(nnc_value_id *x, nnc_value_id *a, nnc_value_id *b)
{
    nnc_graph *g;
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    *x = add(g, "x", NNC_VALUE_INPUT);
    *a = add(g, "a", NNC_VALUE_TEMP);
    *b = add(g, "b", NNC_VALUE_TEMP);
    assert_int_equal(nnc_graph_add_input(g, *x), NNC_OK);
    op(g, "first", *x, *a);
    op(g, "second", *a, *b);
    assert_int_equal(nnc_graph_add_output(g, *b, "y"), NNC_OK);
    assert_int_equal(nnc_graph_verify(g), NNC_OK);
    return g;
}

static void test_names(void **state)
{
    nnc_graph *g;
    (void)state;
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    nnc_value_id a = add(g, "conv", NNC_VALUE_INPUT), b = add(g, "conv", NNC_VALUE_INPUT);
    nnc_value_id c = add(g, "conv", NNC_VALUE_INPUT), d = add(g, NULL, NNC_VALUE_INPUT);
    assert_string_equal(nnc_graph_value(g, a)->name, "conv");
    assert_string_equal(nnc_graph_value(g, b)->name, "conv_2");
    assert_string_equal(nnc_graph_value(g, c)->name, "conv_3");
    assert_string_equal(nnc_graph_value(g, d)->name, "value_1");
    assert_int_equal(nnc_graph_find_value(g, "conv_3"), c);
    assert_int_equal(nnc_graph_find_value(g, "nobody"), NNC_ID_NONE);
    assert_int_equal(nnc_graph_rename_value(g, d, "conv_2"), NNC_OK);
    assert_string_equal(nnc_graph_value(g, d)->name, "conv_2_2");
    nnc_graph_destroy(g);
}

static void test_symbols(void **state)
{
    nnc_graph *g;
    int64_t n, again, anonymous;
    (void)state;
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    assert_int_equal(nnc_graph_symbol(&n, g, "N"), NNC_OK);
    assert_int_equal(nnc_graph_symbol(&anonymous, g, NULL), NNC_OK);
    assert_int_equal(nnc_graph_symbol(&again, g, "N"), NNC_OK);
    assert_true(n < 0 && n == again && n != anonymous);
    assert_string_equal(nnc_graph_symbol_name(g, n), "N");
    assert_string_equal(nnc_graph_symbol_name(g, anonymous), "");
    assert_string_equal(nnc_graph_symbol_name(g, 5), "");
    nnc_graph_destroy(g);
}

static void test_attributes(void **state)
{
    nnc_value_id x, a, b;
    nnc_graph *g = chain(&x, &a, &b);
    const int64_t pads[3] = {1, 2, 3};
    (void)state;
    assert_int_equal(nnc_node_set_int(g, 0, "group", 4), NNC_OK);
    assert_int_equal(nnc_node_set_ints(g, 0, "pads", pads, 3), NNC_OK);
    assert_int_equal(nnc_node_set_float(g, 0, "alpha", 0.5f), NNC_OK);
    assert_int_equal(nnc_node_set_string(g, 0, "mode", "linear"), NNC_OK);
    assert_int_equal(nnc_node_set_int(g, 0, "group", 8), NNC_OK);
    const nnc_node *node = nnc_graph_node_const(g, 0);
    assert_int_equal(node->attr_count, 4);
    assert_int_equal(nnc_node_int(node, "group", 1), 8);
    assert_int_equal(nnc_node_int(node, "pads", -7), -7);
    assert_int_equal(nnc_node_attr(node, "pads")->ints[2], 3);
    assert_string_equal(nnc_node_string(node, "mode", ""), "linear");
    nnc_node_remove_attr(g, 0, "pads");
    nnc_node_remove_attr(g, 0, "absent");
    node = nnc_graph_node_const(g, 0);
    assert_int_equal(node->attr_count, 3);
    assert_null(nnc_node_attr(node, "pads"));
    for (int i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "i%d", i);
        assert_int_equal(nnc_node_set_int(g, 0, name, i), NNC_OK);
    }
    node = nnc_graph_node_const(g, 0);
    assert_int_equal(nnc_node_int(node, "i9", -1), 9);
    assert_true(nnc_node_float(node, "alpha", 0) == 0.5f);
    nnc_graph_destroy(g);
}

static void test_rewriting(void **state)
{
    nnc_value_id x, a, b;
    nnc_graph *g = chain(&x, &a, &b);
    nnc_uses uses;
    (void)state;
    assert_int_equal(nnc_uses_init(&uses, g), NNC_OK);
    assert_int_equal(nnc_uses_count(&uses, x), 1);
    assert_int_equal(nnc_uses_count(&uses, a), 1);
    assert_int_equal(nnc_uses_count(&uses, b), 0);
    assert_int_equal(uses.node[uses.start[a]], 1);
    nnc_uses_deinit(&uses);
    /* y = second(x); first is gone. */
    assert_int_equal(nnc_graph_replace_uses(g, a, x), NNC_OK);
    nnc_graph_remove_node(g, 0);
    assert_true(nnc_graph_value(g, a)->dead);
    assert_int_equal(nnc_graph_verify(g), NNC_OK);
    /* The output keeps its name when the value behind it changes. */
    nnc_value_id to[3] = {NNC_ID_NONE, NNC_ID_NONE, x};
    nnc_graph_replace_all(g, to);
    assert_int_equal(nnc_graph_output(g, 0), x);
    assert_string_equal(nnc_graph_output_name(g, 0), "y");
    assert_true(nnc_graph_is_output(g, x) && !nnc_graph_is_output(g, b));
    nnc_graph_destroy(g);
}

static void test_replace_all_follows_chains(void **state)
{
    nnc_value_id x, a, b;
    nnc_graph *g = chain(&x, &a, &b);
    nnc_value_id to[3] = {NNC_ID_NONE, x, a};
    (void)state;
    nnc_graph_replace_all(g, to);
    assert_int_equal(nnc_graph_output(g, 0), x);
    assert_int_equal(nnc_graph_node(g, 1)->inputs[0], x);
    assert_int_equal(to[b], x);
    nnc_graph_destroy(g);
}

static void test_order_is_stable_and_finds_cycles(void **state)
{
    nnc_graph *g;
    nnc_node_id *order;
    size_t count;
    (void)state;
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    nnc_value_id x = add(g, "x", NNC_VALUE_INPUT), a = add(g, "a", NNC_VALUE_TEMP);
    nnc_value_id b = add(g, "b", NNC_VALUE_TEMP), c = add(g, "c", NNC_VALUE_TEMP);
    op(g, "late", b, c);
    op(g, "early", x, a);
    op(g, "middle", a, b);
    assert_int_equal(nnc_graph_topo_order(&order, &count, g), NNC_OK);
    assert_int_equal(count, 3);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 0);
    nnc_free(order);
    nnc_graph_node(g, 1)->inputs[0] = c;
    assert_int_equal(nnc_graph_topo_order(&order, &count, g), NNC_ERR_MODEL);
    assert_string_equal(
        nnc_error_message(),
        "nodes form a cycle: Relu 'late' -> Relu 'early' -> Relu 'middle' -> Relu 'late'");
    assert_null(order);
    nnc_graph_destroy(g);
}

static void test_producing_twice_fails(void **state)
{
    nnc_value_id x, a, b;
    nnc_graph *g = chain(&x, &a, &b);
    nnc_node_id n;
    (void)state;
    assert_int_equal(nnc_graph_add_node(&n, g, "again", "", "Relu", &x, 1, &a, 1), NNC_ERR_MODEL);
    assert_string_equal(nnc_error_message(), "Relu 'again': output 'a' is produced twice");
    assert_int_equal(nnc_graph_verify(g), NNC_OK);
    nnc_graph_destroy(g);
}

static void test_verifier(void **state)
{
    nnc_value_id x, a, b;
    nnc_graph *g = chain(&x, &a, &b);
    const float scale[2] = {1, 2};
    nnc_qparams *q;
    (void)state;
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_UINT8, 1, 2, scale, NULL), NNC_OK);
    nnc_value_set_qparams(nnc_graph_value(g, a), q);
    assert_int_equal(nnc_graph_verify(g), NNC_ERR_INTERNAL);
    assert_string_equal(nnc_error_message(), "value 'a': 2 scales for 4 channels");
    nnc_value_set_qparams(nnc_graph_value(g, a), NULL);
    nnc_graph_value(g, a)->kind = NNC_VALUE_CONST;
    assert_int_equal(nnc_graph_verify(g), NNC_ERR_INTERNAL);
    assert_string_equal(nnc_error_message(), "value 'a': a constant without a tensor");
    nnc_graph_value(g, a)->kind = NNC_VALUE_TEMP;
    nnc_graph_value(g, a)->producer = NNC_ID_NONE;
    assert_int_equal(nnc_graph_verify(g), NNC_ERR_INTERNAL);
    nnc_graph_destroy(g);
}

static void test_clone_shares_bytes_and_nothing_else(void **state)
{
    nnc_value_id x, a, b, w;
    nnc_graph *g = chain(&x, &a, &b), *copy;
    const float data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, scale = 0.5f;
    nnc_qparams *q;
    nnc_str one = {0}, two = {0};
    (void)state;
    assert_int_equal(nnc_graph_add_const_f32(&w, g, "w", data, &shape24), NNC_OK);
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, -1, 1, &scale, NULL), NNC_OK);
    nnc_value_set_qparams(nnc_graph_value(g, a), q);
    assert_int_equal(nnc_node_set_int(g, 1, "axis", 3), NNC_OK);
    nnc_graph_get_meta(g)->opset = 17;
    assert_int_equal(nnc_graph_clone(&copy, g), NNC_OK);
    assert_int_equal(nnc_graph_verify(copy), NNC_OK);
    assert_int_equal(nnc_graph_print(&one, g), NNC_OK);
    assert_int_equal(nnc_graph_print(&two, copy), NNC_OK);
    assert_string_equal(nnc_str_get(&one), nnc_str_get(&two));
    assert_int_equal(nnc_graph_get_meta(copy)->opset, 17);
    assert_ptr_equal(nnc_tensor_data(&nnc_graph_value(copy, w)->tensor),
                     nnc_tensor_data(&nnc_graph_value(g, w)->tensor));
    assert_ptr_not_equal(nnc_graph_value(copy, a)->qparams, nnc_graph_value(g, a)->qparams);
    nnc_graph_destroy(g);
    assert_true(*(float *)nnc_tensor_data(&nnc_graph_value(copy, w)->tensor) == 1.0f);
    nnc_value_id v = add(copy, "w", NNC_VALUE_TEMP);
    assert_string_equal(nnc_graph_value(copy, v)->name, "w_2");
    nnc_graph_destroy(copy);
    nnc_str_deinit(&one);
    nnc_str_deinit(&two);
}

static void test_print_escapes(void **state)
{
    nnc_graph *g;
    nnc_str text = {0};
    (void)state;
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    nnc_value_id x = add(g, "in\x1b[31m", NNC_VALUE_INPUT), y = add(g, "y", NNC_VALUE_TEMP);
    op(g, "", x, y);
    assert_int_equal(nnc_graph_print(&text, g), NNC_OK);
    assert_string_equal(nnc_str_get(&text), "%y: float32[2,4] = Relu(%in\\x1b[31m)\n");
    nnc_str_deinit(&text);
    nnc_graph_destroy(g);
}

static void test_label(void **state)
{
    char long_name[600], label[160];
    nnc_value_id x, a, b;
    nnc_graph *g = chain(&x, &a, &b);
    nnc_node_id n;
    nnc_value_id c = add(g, "c", NNC_VALUE_TEMP), d = add(g, "d", NNC_VALUE_TEMP);
    (void)state;
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_string_equal(nnc_node_label(label, sizeof label, g, 0), "Relu 'first'");
    assert_int_equal(nnc_graph_add_node(&n, g, "", "nnc", "Quant", &x, 1, &c, 1), NNC_OK);
    assert_string_equal(nnc_node_label(label, sizeof label, g, n), "nnc.Quant #2");
    assert_int_equal(nnc_graph_add_node(&n, g, long_name, "", "Relu", &x, 1, &d, 1), NNC_OK);
    assert_true(strlen(nnc_node_label(label, sizeof label, g, n)) < sizeof label);
    assert_string_equal(label + strlen(label) - 4, "...'");
    nnc_graph_destroy(g);
}

/* Twice the nodes take about twice the time: names, order, uses and replacement are linear. */
static double time_chain(uint32_t n)
{
    struct timespec start, end;
    nnc_graph *g;
    nnc_node_id *order;
    size_t count;
    nnc_uses uses;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(nnc_graph_create(&g), NNC_OK);
    nnc_value_id last = add(g, "x", NNC_VALUE_INPUT);
    for (uint32_t i = 0; i < n; i++) {
        nnc_value_id y = add(g, "same_name", NNC_VALUE_TEMP);
        op(g, "", last, y);
        last = y;
    }
    assert_int_equal(nnc_graph_add_output(g, last, NULL), NNC_OK);
    assert_int_equal(nnc_graph_topo_order(&order, &count, g), NNC_OK);
    assert_int_equal(count, n);
    assert_int_equal(nnc_uses_init(&uses, g), NNC_OK);
    nnc_value_id *to = nnc_calloc(n + 1, sizeof *to);
    for (uint32_t v = 0; v <= n; v++) {
        to[v] = v > 0 && v < n ? v - 1 : NNC_ID_NONE;
    }
    nnc_graph_replace_all(g, to);
    assert_int_equal(nnc_graph_node(g, n - 1)->inputs[0], 0);
    nnc_free(to);
    nnc_free(order);
    nnc_uses_deinit(&uses);
    nnc_graph_destroy(g);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

static void test_linear_time(void **state)
{
    (void)state;
    time_chain(1000);
    double small = time_chain(100000), large = time_chain(1000000);
    print_message("100000 nodes %.3f s, 1000000 nodes %.3f s\n", small, large);
    /* A quadratic step would make it 100 times as long; 40 leaves room for caches and a busy
     * machine. */
    assert_true(large < 40 * small + 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_rewriting),
        cmocka_unit_test(test_replace_all_follows_chains),
        cmocka_unit_test(test_order_is_stable_and_finds_cycles),
        cmocka_unit_test(test_producing_twice_fails),
        cmocka_unit_test(test_verifier),
        cmocka_unit_test(test_clone_shares_bytes_and_nothing_else),
        cmocka_unit_test(test_print_escapes),
        cmocka_unit_test(test_label),
        cmocka_unit_test(test_linear_time),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
