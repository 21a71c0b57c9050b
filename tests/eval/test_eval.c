/* Accuracy, agreement and layer errors on models with known answers. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "eval/outputs.h"
#include "eval/statistics.h"
#include "eval_case.h"

static const float zero[4] = {0, 0, 0, 0};
/* Model b adds 0.5 to class 3. */
static const float shifted[4] = {0, 0, 0, 0.5f};

/* a right: 0 1 2 4; b right: 0 1 3 5 (rows 2 and 4 flip to class 3, which is the label of 3 and 5).
 */
static const float rows[7][4] = {{9, 1, 2, 3},     {1, 9, 2, 3},     {1, 2, 3, 2.75f},
                                 {3, 1, 2, 2.75f}, {2, 3, 1, 2.75f}, {3, 2, 1, 2.6f},
                                 {4, 3, 2, 1}};
static const int labels[7] = {0, 1, 2, 3, 1, 3, 2};

typedef struct pair {
    nnc_graph *graph_a, *graph_b;
    nnc_exec *a, *b;
    case_data data;
} pair;

static void pair_create(pair *p, const int *given_labels)
{
    p->graph_a = case_graph(zero);
    p->graph_b = case_graph(shifted);
    p->a = case_exec(p->graph_a);
    p->b = case_exec(p->graph_b);
    case_data_create(&p->data, &rows[0][0], 7, given_labels);
}

static void pair_destroy(pair *p)
{
    case_data_destroy(&p->data);
    nnc_exec_destroy(p->a);
    nnc_exec_destroy(p->b);
    nnc_graph_destroy(p->graph_a);
    nnc_graph_destroy(p->graph_b);
}

static void test_two_models(void **state)
{
    (void)state;
    pair p;
    pair_create(&p, labels);
    nnc_accuracy r;
    ok(nnc_eval_accuracy(&r, p.a, p.b, p.data.set, NULL, NULL));
    assert_int_equal(r.samples, 7);
    assert_int_equal(r.bad, 0);
    assert_true(r.labelled);
    assert_int_equal(r.classes, 4);
    assert_int_equal(r.top1_a, 4);
    assert_int_equal(r.top1_b, 4);
    assert_int_equal(r.only_a, 2);
    assert_int_equal(r.only_b, 2);
    assert_int_equal(r.top5_a, 7); /* four classes */
    assert_int_equal(r.agree, 3);
    assert_true(r.drop == 0);
    double lo, hi;
    nnc_paired_difference(&lo, &hi, 2, 2, 2, 1);
    assert_true(r.drop_lo == lo && r.drop_hi == hi);
    nnc_wilson(&lo, &hi, 3, 7);
    assert_true(r.agree_lo == lo && r.agree_hi == hi);
    assert_int_equal(r.flip_count, 4);
    assert_int_equal(r.flips[0].index, 2);
    assert_int_equal(r.flips[0].label, 2);
    assert_int_equal(r.flips[0].top1_a, 2);
    assert_int_equal(r.flips[0].top1_b, 3);
    assert_non_null(strstr(r.flips[0].name, "2"));
    assert_int_equal(r.class_total[3], 2);
    assert_int_equal(r.class_right_a[3], 0);
    assert_int_equal(r.class_right_b[3], 2);
    assert_int_equal(r.class_total[2], 2);
    assert_int_equal(r.class_right_a[2], 1);
    assert_int_equal(r.class_right_b[2], 0);
    assert_int_equal(r.output.count, 28);
    assert_true(fabs(r.output.ee - 7 * 0.25) < 1e-9 && r.output.max_abs == 0.5);
    assert_int_equal(r.output_count, 1);
    assert_memory_equal(&r.outputs[0], &r.output, sizeof(r.output));
    nnc_accuracy_deinit(&r);
    pair_destroy(&p);
}

static void test_some_samples_and_one_model(void **state)
{
    (void)state;
    pair p;
    pair_create(&p, labels);
    nnc_accuracy r;
    const size_t some[2] = {3, 0};
    const nnc_eval_options options = {.indices = some, .index_count = 2};
    ok(nnc_eval_accuracy(&r, p.a, p.b, p.data.set, &options, NULL));
    assert_int_equal(r.samples, 2);
    assert_int_equal(r.top1_a, 1);
    assert_int_equal(r.top1_b, 2);
    assert_int_equal(r.flips[0].index, 3);
    nnc_accuracy_deinit(&r);
    /* One model. */
    ok(nnc_eval_accuracy(&r, p.b, NULL, p.data.set, NULL, NULL));
    assert_int_equal(r.top1_a, 4);
    assert_int_equal(r.top1_b, 4);
    assert_int_equal(r.agree, 7);
    assert_int_equal(r.flip_count, 0);
    assert_int_equal(r.output.count, 0);
    nnc_accuracy_deinit(&r);
    pair_destroy(&p);
}

static void test_without_labels(void **state)
{
    (void)state;
    pair p;
    pair_create(&p, NULL);
    nnc_accuracy r;
    ok(nnc_eval_accuracy(&r, p.a, p.b, p.data.set, NULL, NULL));
    assert_false(r.labelled);
    assert_int_equal(r.classes, 4);
    assert_int_equal(r.agree, 3);
    assert_int_equal(r.top1_a, 0);
    assert_null(r.class_total);
    assert_int_equal(r.flips[0].label, -1);
    nnc_accuracy_deinit(&r);
    pair_destroy(&p);
}

static void expect_failure(nnc_exec *a, nnc_exec *b, const nnc_dataset *data,
                           const nnc_eval_options *options, nnc_status expected, const char *text)
{
    nnc_accuracy r;
    assert_int_equal(nnc_eval_accuracy(&r, a, b, data, options, NULL), expected);
    if (!strstr(nnc_error_message(), text)) {
        fail_msg("'%s' lacks '%s'", nnc_error_message(), text);
    }
    assert_null(r.outputs);
}

static void test_failures(void **state)
{
    (void)state;
    nnc_graph *graph = case_graph(zero);
    nnc_exec *a = case_exec(graph), *b = case_exec(graph);
    case_data data;
    const int beyond[7] = {0, 1, 2, 3, 4, 0, 0};
    case_data_create(&data, &rows[0][0], 7, beyond);
    expect_failure(a, b, data.set, NULL, NNC_ERR_DATA, "label 4");
    const nnc_eval_options second = {.output = 1};
    expect_failure(a, b, data.set, &second, NNC_ERR_USAGE, "output 1");
    case_data_destroy(&data);
    /* The original model's NaN is not a compression problem. */
    const float not_a_number[4] = {0, 0, NAN, 0};
    nnc_graph *broken = case_graph(not_a_number);
    nnc_exec *c = case_exec(broken);
    case_data_create(&data, &rows[0][0], 7, NULL);
    expect_failure(c, b, data.set, NULL, NNC_ERR_DATA, "not a compression problem");
    /* The compressed model's NaN is an error that is counted. */
    nnc_accuracy r;
    ok(nnc_eval_accuracy(&r, a, c, data.set, NULL, NULL));
    assert_int_equal(r.output.nonfinite, 7);
    nnc_accuracy_deinit(&r);
    case_data_destroy(&data);
    nnc_exec_destroy(c);
    nnc_graph_destroy(broken);
    nnc_exec_destroy(a);
    nnc_exec_destroy(b);
    nnc_graph_destroy(graph);
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void test_cancel(void **state)
{
    (void)state;
    nnc_graph *graph = case_graph(zero);
    nnc_exec *a = case_exec(graph);
    case_data data;
    case_data_create(&data, &rows[0][0], 7, labels);
    const nnc_log log = {.cancelled = always};
    nnc_accuracy r;
    assert_int_equal(nnc_eval_accuracy(&r, a, NULL, data.set, NULL, &log), NNC_ERR_CANCELLED);
    nnc_value_id id = nnc_graph_find_value(graph, "y");
    nnc_layer_error error;
    assert_int_equal(nnc_eval_layers(&error, &id, 1, graph, graph, data.set, NULL, &log),
                     NNC_ERR_CANCELLED);
    case_data_destroy(&data);
    nnc_exec_destroy(a);
    nnc_graph_destroy(graph);
}

/* Layer errors: each value once or several times, unknown ones stay empty. */
static void test_layers(void **state)
{
    (void)state;
    nnc_graph *ga = case_graph(zero), *gb = case_graph(shifted);
    case_data data;
    case_data_create(&data, &rows[0][0], 7, NULL);
    nnc_value_id lonely;
    const nnc_shape shape = nnc_shape_make(2, (const int64_t[]){1, 4});
    nnc_value_id x = nnc_graph_find_value(ga, "x");
    nnc_node_id node;
    ok(nnc_graph_add_value(&lonely, ga, "only_a", NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, &shape));
    ok(nnc_graph_add_node(&node, ga, "extra", "", "Relu", &x, 1, &lonely, 1));
    ok(nnc_node_bind(ga, node));
    const nnc_value_id sum = nnc_graph_find_value(ga, "sum"), y = nnc_graph_find_value(ga, "y");
    const nnc_value_id values[4] = {y, lonely, sum, y};
    nnc_layer_error errors[4];
    ok(nnc_eval_layers(errors, values, 4, ga, gb, data.set, NULL, NULL));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(errors[i].value, values[i]);
        assert_int_equal(errors[i].sums.count, i == 1 ? 0 : 28);
        assert_true(i == 1 || errors[i].sums.max_abs == 0.5);
    }
    assert_memory_equal(&errors[0].sums, &errors[3].sums, sizeof(errors[0].sums));
    case_data_destroy(&data);
    nnc_graph_destroy(ga);
    nnc_graph_destroy(gb);
}

static void test_ranking(void **state)
{
    (void)state;
    const float tie[5] = {1, 3, 3, NAN, 2}, none[3] = {NAN, NAN, NAN};
    assert_int_equal(nnc_top1(tie, 5), 1);
    assert_int_equal(nnc_rank_of(tie, 5, 1), 0);
    assert_int_equal(nnc_rank_of(tie, 5, 2), 1);
    assert_int_equal(nnc_rank_of(tie, 5, 4), 2);
    assert_int_equal(nnc_rank_of(tie, 5, 3), 4);
    assert_int_equal(nnc_top1(none, 3), 0);
    assert_int_equal(nnc_rank_of(none, 3, 2), 2);
    nnc_eval_output o = {.count = 10, .real = true, .shape = {4, {1, 10, 1, 1}}};
    assert_int_equal(nnc_eval_output_classes(&o), 10);
    o.shape = (nnrt_shape){2, {5, 2}};
    assert_int_equal(nnc_eval_output_classes(&o), 0);
    o.shape = (nnrt_shape){1, {10}};
    o.real = false;
    assert_int_equal(nnc_eval_output_classes(&o), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_models),     cmocka_unit_test(test_some_samples_and_one_model),
        cmocka_unit_test(test_without_labels), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_cancel),         cmocka_unit_test(test_layers),
        cmocka_unit_test(test_ranking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
