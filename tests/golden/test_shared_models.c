/* Every covered model of the collection against its reference outputs. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "golden/shared.h"
#include "tensor/metrics.h"

#include "cmocka_all.h"

typedef struct model_case {
    const char *name;
    double limit; /* relative L2 error */
} model_case;

/* 1e-5 everywhere but where the reference itself is coarser: squeezenet1.0-fp16 stores its output as float16, whose rounding alone is
 * up to 2^-11 of each number; shufflenetv2-int8 computes integers: equal to the bit. */
static const model_case cases[] = {
    {"squeezenet1.1", 1e-5},      {"squeezenet1.0-fp16", 4.9e-4}, {"mobilenetv2-1.0", 1e-5},
    {"mobilenetv1-0.25", 1e-5},   {"resnet20-cifar10", 1e-5},     {"resnet56-cifar10", 1e-5},
    {"resnet8-cifar10", 1e-5},    {"cnn-cifar10", 1e-5},          {"mobilenetv1-vww", 1e-5},
    {"dscnn-kws", 1e-5},          {"mnist-cnn", 1e-5},            {"resnet18-pq", 1e-5},
    {"resnet56-groupsl-cifar10", 1e-5}, {"ppocrv2-cls", 1e-5},    {"shufflenetv2-int8", 0},
    {"cct4-cifar10", 1e-5},       {"superres-3x", 1e-5},
};

static nnc_status read_numbered(nnc_tensor *out, const char *model, const char *kind, size_t i)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s/test_data_set_0/%s_%zu.pb", SHARED_MODELS, model, kind, i);
    return nnc_onnx_read_tensor(out, NULL, path);
}

static void check_output(const model_case *c, nnc_exec *exec, size_t i)
{
    nnc_tensor got = {0}, want = {0}, x = {0}, y = {0};
    nnc_error_sums sums = {0};
    assert_int_equal(nnc_exec_output(&got, exec, i), NNC_OK);
    assert_int_equal(read_numbered(&want, c->name, "output", i), NNC_OK);
    assert_true(nnc_shape_equal(&got.shape, &want.shape));
    assert_int_equal(got.dtype, want.dtype);
    assert_int_equal(nnc_tensor_convert(&x, &got, NNC_DTYPE_FLOAT), NNC_OK);
    assert_int_equal(nnc_tensor_convert(&y, &want, NNC_DTYPE_FLOAT), NNC_OK);
    nnc_error_sums_add(&sums, nnc_tensor_data(&y), nnc_tensor_data(&x), nnc_tensor_count(&x));
    double rel = nnc_error_rel_l2(&sums);
    printf("  %-26s output %zu: relative L2 %.3g\n", c->name, i, rel);
    assert_int_equal(sums.nonfinite, 0);
    assert_true(sums.count > 0);
    assert_true(rel <= c->limit);
    nnc_tensor_deinit(&got);
    nnc_tensor_deinit(&want);
    nnc_tensor_deinit(&x);
    nnc_tensor_deinit(&y);
}

static void check_model(const model_case *c)
{
    nnc_graph *graph = load_shared(c->name);
    assert_non_null(graph);
    nnc_exec *exec = NULL;
    nnc_tensor inputs[8] = {{0}};
    nnc_exec_options options = {.isa_max = NNRT_ISA_BEST};
    size_t n = nnc_graph_input_count(graph);
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(read_numbered(&inputs[i], c->name, "input", i), NNC_OK);
    }
    assert_int_equal(nnc_exec_create(&exec, graph, &options), NNC_OK);
    assert_int_equal(nnc_exec_run(exec, inputs, n), NNC_OK);
    for (size_t i = 0; i < nnc_graph_output_count(graph); i++) {
        check_output(c, exec, i);
    }
    for (size_t i = 0; i < n; i++) {
        nnc_tensor_deinit(&inputs[i]);
    }
    nnc_exec_destroy(exec);
    nnc_graph_destroy(graph);
}

static void test_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_model(&cases[i]);
    }
}

int main(void)
{
    need_shared();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
