/* Passes on generated networks and on small graphs made for one rule. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cmocka_all.h"

#include "ops/pass_util.h"

typedef nnc_graph *model_fn(uint64_t seed, int64_t batch);
static model_fn *const models[] = {nnc_gen_resnet, nnc_gen_mobilenet, nnc_gen_detector};

static void apply(const nnc_pass *pass, nnc_graph *g, size_t want)
{
    size_t changed = 0, again = 0;
    assert_ok(pass->run(g, &pass_ctx, &changed));
    assert_ok(nnc_graph_infer(g, NULL));
    assert_ok(nnc_graph_verify(g));
    assert_int_equal(changed, want);
    assert_ok(pass->run(g, &pass_ctx, &again));
    assert_int_equal(again, 0);
}

/* Preparation folds every BatchNormalization, keeps names of the signature, and moves numbers by
 * rounding alone. */
static void test_prepare_models(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        for (int64_t batch = -1; batch <= 1; batch += 2) {
            nnc_graph *g = models[m](17 + m, batch), *before;
            assert_non_null(g);
            assert_ok(nnc_graph_clone(&before, g));
            assert_ok(nnc_passes_prepare(g, &pass_ctx));
            assert_int_equal(count_nodes(g, "BatchNormalization"), 0);
            double differs = outputs_differ(before, g, 5);
            print_message("model %zu batch %d: %zu -> %zu nodes, difference %.2g\n", m, (int)batch,
                          count_nodes(before, NULL), count_nodes(g, NULL), differs);
            assert_true(differs >= 0 && differs < 2e-5);
            size_t nodes = count_nodes(g, NULL);
            assert_ok(nnc_passes_prepare(g, &pass_ctx));
            assert_int_equal(count_nodes(g, NULL), nodes);
            nnc_graph_destroy(before);
            nnc_graph_destroy(g);
        }
    }
}

static void test_keep_bn(void **state)
{
    nnc_graph *g = nnc_gen_resnet(3, 1);
    nnc_pass_ctx ctx = pass_ctx;
    (void)state;
    ctx.keep_bn = true;
    assert_ok(nnc_passes_prepare(g, &ctx));
    assert_int_equal(count_nodes(g, "BatchNormalization"), 6);
    nnc_graph_destroy(g);
}

/* Conv -> BatchNormalization -> Mul(scalar) -> Add([C,1,1]) goes into one Conv; weight and bias
 * keep their names. */
static void test_fold_chain(void **state)
{
    nnc_gen gen;
    const int64_t dims[4] = {1, 4, 6, 6}, c11[3] = {8, 1, 1};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 4, dims);
    nnc_value_id y = nnc_gen_batchnorm(&gen, nnc_gen_conv(&gen, x, 4, 8, 3, 1, 2, true), 8);
    y = nnc_gen_op2(&gen, "Mul", nnc_gen_scalar(&gen, "gain", 1.5f), y);
    y = nnc_gen_op2(&gen, "Add", y, nnc_gen_weight(&gen, "shift", 3, c11, 1.0f));
    nnc_gen_output(&gen, y, "y");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    assert_ok(nnc_graph_clone(&before, g));
    apply(&nnc_pass_fold_bn, g, 3);
    assert_int_equal(count_nodes(g, NULL), 1);
    const nnc_node *conv = nnc_graph_node_const(g, 0);
    assert_string_equal(nnc_graph_value_const(g, conv->inputs[1])->name, "w0");
    assert_string_equal(nnc_graph_value_const(g, conv->inputs[2])->name, "b0");
    assert_true(outputs_differ(before, g, 2) < 1e-5);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* ConvTranspose has its output channels in dim 1, per group; Gemm in rows or columns, with beta. */
static void test_fold_other_products(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        nnc_gen gen;
        const int64_t image[4] = {1, 4, 5, 5}, w[4] = {4, 3, 2, 2}, rows[2] = {2, 6};
        const int64_t w_t[2] = {5, 6}, w_n[2] = {6, 5}, b[2] = {1, 5}, strides[2] = {2, 2};
        nnc_gen_init(&gen, 7);
        nnc_value_id y;
        if (kind == 0) {
            nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 4, image);
            y = nnc_gen_op2(&gen, "ConvTranspose", x, nnc_gen_weight(&gen, "w", 4, w, 0.5f));
            nnc_gen_set_int(&gen, y, "group", 2);
            nnc_gen_set_ints(&gen, y, "strides", strides, 2);
            y = nnc_gen_batchnorm(&gen, y, 6);
        } else {
            nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 2, rows);
            nnc_value_id in[3] = {x, nnc_gen_weight(&gen, "w", 2, kind == 1 ? w_t : w_n, 0.5f),
                                  nnc_gen_weight(&gen, "b", 2, b, 0.5f)};
            y = nnc_gen_op(&gen, "Gemm", in, 3);
            nnc_gen_set_int(&gen, y, "transB", kind == 1);
            nnc_gen_set_float(&gen, y, "alpha", 0.5f);
            nnc_gen_set_float(&gen, y, "beta", 2.0f);
            y = nnc_gen_batchnorm(&gen, y, 5);
        }
        nnc_gen_output(&gen, y, "y");
        nnc_graph *g = nnc_gen_finish(&gen), *before;
        assert_non_null(g);
        assert_ok(nnc_graph_clone(&before, g));
        apply(&nnc_pass_fold_bn, g, 1);
        assert_int_equal(count_nodes(g, NULL), 1);
        assert_true(outputs_differ(before, g, 2) < 1e-5);
        nnc_graph_destroy(before);
        nnc_graph_destroy(g);
    }
}

/* BatchNormalization before a Conv, a Conv with two readers, and a per-row constant stay. */
static void test_fold_bn_leaves(void **state)
{
    nnc_gen gen;
    const int64_t dims[4] = {1, 4, 6, 6}, row[4] = {1, 1, 1, 6};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 4, dims);
    nnc_value_id conv = nnc_gen_conv(&gen, nnc_gen_batchnorm(&gen, x, 4), 4, 4, 3, 1, 1, true);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Add", conv, nnc_gen_batchnorm(&gen, conv, 4)), "both");
    nnc_value_id other = nnc_gen_conv(&gen, x, 4, 4, 1, 1, 1, false);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Mul", other, nnc_gen_weight(&gen, "row", 4, row, 1)),
                   "row");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    apply(&nnc_pass_fold_bn, g, 0);
    nnc_graph_destroy(g);
}

static void test_matmul_bias(void **state)
{
    nnc_gen gen;
    const int64_t dims[2] = {-1, 6}, w[2] = {6, 5}, b[1] = {5};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 2, dims);
    nnc_value_id y = nnc_gen_op2(&gen, "MatMul", x, nnc_gen_weight(&gen, "w", 2, w, 1));
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Add", nnc_gen_weight(&gen, "b", 1, b, 1), y), "y");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    assert_ok(nnc_graph_clone(&before, g));
    apply(&nnc_pass_matmul_bias, g, 1);
    assert_int_equal(count_nodes(g, "Gemm"), 1);
    assert_true(outputs_differ(before, g, 2) < 1e-6);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* Identity, Dropout, x+0, 1*x, x/1, no-op Reshape, Transpose, Pad, Slice, Concat of one; the output
 * keeps its name. */
static void test_identity(void **state)
{
    nnc_gen gen;
    const int64_t dims[4] = {-1, 4, 6, 6}, same[4] = {0, 4, 6, 6}, perm[4] = {0, 1, 2, 3};
    const int64_t zeros[8] = {0}, one[1] = {1}, big[1] = {100}, start[1] = {0};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id y = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 4, dims);
    y = nnc_gen_op1(&gen, "Relu", y);
    y = nnc_gen_op1(&gen, "Dropout", nnc_gen_op1(&gen, "Identity", y));
    y = nnc_gen_op2(&gen, "Add", y, nnc_gen_scalar(&gen, "zero", 0));
    y = nnc_gen_op2(&gen, "Mul", nnc_gen_scalar(&gen, "one", 1), y);
    y = nnc_gen_op2(&gen, "Div", y, nnc_gen_scalar(&gen, "one", 1));
    y = nnc_gen_op2(&gen, "Reshape", y, nnc_gen_ints(&gen, "same", same, 4));
    y = nnc_gen_op1(&gen, "Transpose", y);
    nnc_gen_set_ints(&gen, y, "perm", perm, 4);
    y = nnc_gen_op2(&gen, "Pad", y, nnc_gen_ints(&gen, "pads", zeros, 8));
    y = nnc_gen_op1(&gen, "Concat", y);
    nnc_gen_set_int(&gen, y, "axis", 1);
    nnc_gen_output(&gen, y, "y");
    /* These change something: the shape, a sign, elements. */
    nnc_value_id z = nnc_gen_op2(&gen, "Sub", nnc_gen_scalar(&gen, "zero", 0), y);
    const nnc_value_id in[4] = {z, nnc_gen_ints(&gen, "s", one, 1), nnc_gen_ints(&gen, "e", big, 1),
                                nnc_gen_ints(&gen, "a", one, 1)};
    z = nnc_gen_op(&gen, "Slice", in, 4);
    z = nnc_gen_op2(&gen, "Unsqueeze", z, nnc_gen_ints(&gen, "u", start, 1));
    nnc_gen_output(&gen, z, "z");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    assert_ok(nnc_graph_clone(&before, g));
    apply(&nnc_pass_identity, g, 9);
    assert_int_equal(count_nodes(g, NULL), 4);
    assert_true(outputs_differ(before, g, 2) == 0);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* An output that is an input of the graph stays a computed value. */
static void test_identity_at_the_border(void **state)
{
    nnc_gen gen;
    const int64_t dims[1] = {3};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 1, dims);
    nnc_gen_output(&gen, nnc_gen_op1(&gen, "Identity", x), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    apply(&nnc_pass_identity, g, 0);
    nnc_graph_destroy(g);
}

static void test_transposes_cancel(void **state)
{
    nnc_gen gen;
    const int64_t dims[4] = {2, 4, 6, 5}, to[4] = {0, 2, 3, 1}, back[4] = {0, 3, 1, 2};
    const int64_t flat[2] = {0, -1}, last[3] = {2, 60, 2};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id y = nnc_gen_op1(&gen, "Relu", nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 4, dims));
    y = nnc_gen_op1(&gen, "Transpose", y);
    nnc_gen_set_ints(&gen, y, "perm", to, 4);
    y = nnc_gen_op1(&gen, "Transpose", y);
    nnc_gen_set_ints(&gen, y, "perm", back, 4);
    y = nnc_gen_op2(&gen, "Reshape", y, nnc_gen_ints(&gen, "flat", flat, 2));
    y = nnc_gen_op2(&gen, "Reshape", y, nnc_gen_ints(&gen, "last", last, 3));
    nnc_gen_output(&gen, y, "y");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    assert_ok(nnc_graph_clone(&before, g));
    assert_ok(nnc_passes_prepare(g, &pass_ctx));
    assert_int_equal(count_nodes(g, NULL), 2);
    assert_true(outputs_differ(before, g, 2) == 0);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

static void test_cse(void **state)
{
    nnc_gen gen;
    const int64_t dims[2] = {2, 4}, four[1] = {4};
    const float same[4] = {1, 2, 3, 4};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 2, dims), y[2], z[2];
    for (int i = 0; i < 2; i++) {
        y[i] = nnc_gen_op2(&gen, "Mul", x, nnc_gen_scalar(&gen, "two", 2));
        y[i] = nnc_gen_op1(&gen, "LeakyRelu", y[i]);
        nnc_gen_set_float(&gen, y[i], "alpha", 0.25f);
        z[i] = nnc_gen_op2(&gen, "Add", y[i], nnc_gen_floats(&gen, "bias", 1, four, same));
    }
    nnc_value_id other = nnc_gen_op1(&gen, "LeakyRelu", y[0]);
    nnc_gen_set_float(&gen, other, "alpha", 0.5f);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Sub", nnc_gen_op2(&gen, "Mul", z[0], z[1]), other),
                   "y");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    assert_ok(nnc_graph_clone(&before, g));
    /* The scalar and two nodes; the float lists stay two, so their Adds do too. */
    apply(&nnc_pass_cse, g, 3);
    assert_int_equal(count_nodes(g, NULL), 7);
    assert_true(outputs_differ(before, g, 2) == 0);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

static void test_dead_code(void **state)
{
    nnc_gen gen;
    const int64_t dims[2] = {2, 4};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 2, dims);
    nnc_gen_op2(&gen, "Add", nnc_gen_op1(&gen, "Relu", x), nnc_gen_scalar(&gen, "c", 1));
    nnc_gen_output(&gen, nnc_gen_op1(&gen, "Tanh", x), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    apply(&nnc_pass_dead_code, g, 3);
    assert_int_equal(count_nodes(g, NULL), 1);
    nnc_graph_destroy(g);
}

/* Shape arithmetic over a fixed shape, and arithmetic on constants, through the runtime. */
static void test_constant_fold(void **state)
{
    nnc_gen gen;
    const int64_t dims[4] = {2, 4, 3, 3}, zero[1] = {0}, rest[1] = {-1}, w[2] = {3, 3};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 4, dims);
    nnc_value_id n = nnc_gen_op2(&gen, "Gather", nnc_gen_op1(&gen, "Shape", x),
                                 nnc_gen_ints(&gen, "i", zero, 1));
    nnc_value_id shape = nnc_gen_op2(&gen, "Concat", n, nnc_gen_ints(&gen, "rest", rest, 1));
    nnc_gen_set_int(&gen, shape, "axis", 0);
    nnc_value_id t = nnc_gen_op1(&gen, "Transpose", nnc_gen_weight(&gen, "w", 2, w, 1));
    t = nnc_gen_op2(&gen, "Mul", t, nnc_gen_scalar(&gen, "s", 0.5f));
    nnc_value_id y = nnc_gen_op2(&gen, "MatMul", x, t);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Reshape", y, shape), "y");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    assert_ok(nnc_graph_clone(&before, g));
    apply(&nnc_pass_constant_fold, g, 5);
    assert_int_equal(count_nodes(g, NULL), 2);
    assert_true(outputs_differ(before, g, 2) == 0);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* A bomb is not folded: 4 GiB from 16 bytes. */
static void test_constant_fold_budget(void **state)
{
    nnc_gen gen;
    const int64_t big[2] = {32768, 32768}, one[1] = {1};
    (void)state;
    nnc_gen_init(&gen, 1);
    nnc_value_id y = nnc_gen_op1(&gen, "ConstantOfShape", nnc_gen_ints(&gen, "big", big, 2));
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 1, one);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Add", x, y), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    apply(&nnc_pass_constant_fold, g, 0);
    nnc_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepare_models),
        cmocka_unit_test(test_keep_bn),
        cmocka_unit_test(test_fold_chain),
        cmocka_unit_test(test_fold_other_products),
        cmocka_unit_test(test_fold_bn_leaves),
        cmocka_unit_test(test_matmul_bias),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_identity_at_the_border),
        cmocka_unit_test(test_transposes_cancel),
        cmocka_unit_test(test_cse),
        cmocka_unit_test(test_dead_code),
        cmocka_unit_test(test_constant_fold),
        cmocka_unit_test(test_constant_fold_budget),
    };
    return cmocka_run_group_tests_name("passes", tests, NULL, NULL);
}
