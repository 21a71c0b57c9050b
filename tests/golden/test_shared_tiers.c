/* Kernel tiers x threads x fusion: the same bytes on real models, float and quantized. SPDX-License-Identifier: Apache-2.0 */
#include "golden/shared.h"

#include "base/hash.h"
#include "base/rng.h"

#include "cmocka_all.h"

/* Seeded noise for every input, unknown dims as 1. */
static size_t noise(nnc_tensor inputs[8], const nnc_graph *graph)
{
    size_t n = nnc_graph_input_count(graph);
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++) {
        const nnc_value *v = nnc_graph_value_const(graph, nnc_graph_input(graph, i));
        nnc_shape shape = v->shape;
        nnc_rng rng;
        for (uint32_t d = 0; d < shape.rank; d++) {
            shape.dims[d] = shape.dims[d] < 0 ? 1 : shape.dims[d];
        }
        assert_int_equal(v->dtype, NNC_DTYPE_FLOAT);
        assert_int_equal(nnc_tensor_create(&inputs[i], v->dtype, &shape), NNC_OK);
        nnc_rng_init(&rng, 7, i);
        float *x = nnc_tensor_data(&inputs[i]);
        for (size_t k = 0; k < nnc_tensor_count(&inputs[i]); k++) {
            x[k] = nnc_rng_normal(&rng);
        }
    }
    return n;
}

static uint64_t hash_of(const nnc_graph *graph, uint32_t isa, uint32_t threads, bool unfused)
{
    nnc_exec *exec = NULL;
    nnc_tensor inputs[8] = {{0}};
    uint64_t hash = 0;
    nnc_exec_options options = {.threads = threads, .isa_max = isa, .unfused = unfused};
    size_t n = noise(inputs, graph);
    assert_int_equal(nnc_exec_create(&exec, graph, &options), NNC_OK);
    assert_int_equal(nnc_exec_run(exec, inputs, n), NNC_OK);
    for (size_t i = 0; i < nnc_graph_output_count(graph); i++) {
        nnc_tensor y = {0};
        assert_int_equal(nnc_exec_output(&y, exec, i), NNC_OK);
        hash = nnc_hash64(nnc_tensor_data(&y), nnc_tensor_bytes(&y), hash);
        nnc_tensor_deinit(&y);
    }
    for (size_t i = 0; i < n; i++) {
        nnc_tensor_deinit(&inputs[i]);
    }
    nnc_exec_destroy(exec);
    return hash;
}

/* The specification is the unfused plan on the reference kernels with one thread. */
static void check_model(const char *name)
{
    nnc_graph *graph = load_shared(name);
    assert_non_null(graph);
    uint64_t want = hash_of(graph, NNRT_ISA_REF, 1, true);
    size_t combinations = 1;
    for (uint32_t isa = NNRT_ISA_REF; isa <= NNRT_ISA_AVX512VNNI; isa++) {
        for (uint32_t threads = 1; threads <= 3; threads += isa == NNRT_ISA_REF ? 2 : 1) {
            for (int unfused = 0; unfused < 2; unfused++) {
                uint64_t got = hash_of(graph, isa, threads, unfused);
                if (got != want) {
                    print_error("%s: %s, %u threads, %s differs\n", name, nnrt_isa_name(isa), threads,
                                unfused ? "unfused" : "fused");
                }
                assert_true(got == want);
                combinations++;
            }
        }
    }
    printf("  %-20s equal bytes in %zu combinations\n", name, combinations);
    nnc_graph_destroy(graph);
}

static void test_float(void **state)
{
    (void)state;
    check_model("resnet20-cifar10");
    check_model("mobilenetv1-vww");
    check_model("dscnn-kws");
}

static void test_quantized(void **state)
{
    (void)state;
    check_model("shufflenetv2-int8");
}

int main(void)
{
    need_shared();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_float), cmocka_unit_test(test_quantized)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
