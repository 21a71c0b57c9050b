/* Cross-layer equalization: the function stays the same to the bit, and integers lose less. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "exec/exec.h"
#include "passes/pass.h"
#include "quant/equalize.h"
#include "quant/make_graph.h"
#include "quant/quant_data.h"

/* Output channel c of a Conv times 2^(c * step), and of its bias. */
static void stretch(nnc_graph *g, nnc_value_id y, float step)
{
    const nnc_node *node = nnc_graph_node_const(g, mg_producer(g, y));
    nnc_tensor *w = &nnc_graph_value(g, node->inputs[1])->tensor, *b = &nnc_graph_value(g, node->inputs[2])->tensor;
    size_t out = (size_t)w->shape.dims[0], inner = nnc_tensor_count(w) / out;
    for (size_t i = 0; i < nnc_tensor_count(w); i++) {
        ((float *)nnc_tensor_data(w))[i] *= exp2f((float)(i / inner) * step);
    }
    for (size_t c = 0; c < out; c++) {
        ((float *)nnc_tensor_data(b))[c] *= exp2f((float)c * step);
    }
}

/* x -> conv a (channels from 1 to 3800) -> Relu -+-> depthwise b (weights the other way round) -> conv d -> pool -> fc
 *                                               \-> GlobalAveragePool -> conv e -> Sigmoid -> Mul with b's result */
static nnc_graph *gated(void)
{
    nnc_graph *g;
    const int64_t dims[4] = {1, 3, 12, 12};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, dims);
    nnc_value_id a = mg_conv(g, "a", x, 3, 8, 3, 1, 1, 1);
    stretch(g, a, 1.7f);
    nnc_value_id r = mg_unary(g, "Relu", "r", a);
    nnc_value_id b = mg_conv(g, "b", r, 8, 8, 3, 1, 8, 3);
    stretch(g, b, -1.7f);
    nnc_value_id e = mg_unary(g, "Sigmoid", "s", mg_conv(g, "e", mg_unary(g, "GlobalAveragePool", "p", r), 8, 8, 1, 1, 1, 5));
    nnc_value_id m = mg_binary(g, "Mul", "m", b, e);
    nnc_value_id d = mg_unary(g, "Relu", "q", mg_conv(g, "d", m, 8, 6, 1, 1, 1, 7));
    nnc_value_id f = mg_unary(g, "Flatten", "f", mg_unary(g, "GlobalAveragePool", "gap", d));
    mg_finish(g, mg_gemm(g, "fc", f, 6, 5, 9));
    return g;
}

static nnc_quant_options defaults(void)
{
    return (nnc_quant_options){.target = nnc_target_find("ort"), .method = "auto", .percentile = 99.999, .per_channel = true,
                               .bias_correction = true, .calib_indices = qd_indices, .calib_count = 20,
                               .held_indices = qd_indices + 20, .held_count = 8, .threads = 1, .isa_max = NNRT_ISA_BEST};
}

/* Outputs of both graphs on a sample have the same bits. */
static void expect_same(const nnc_graph *a, const nnc_graph *b, const nnc_dataset *data)
{
    const nnc_graph *graphs[2] = {a, b};
    nnc_tensor y[2] = {{0}};
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, data, 3), NNC_OK);
    for (size_t i = 0; i < 2; i++) {
        nnc_exec *exec;
        nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
        assert_int_equal(nnc_exec_create(&exec, graphs[i], &options), NNC_OK);
        assert_int_equal(nnc_exec_run(exec, s.inputs, s.input_count), NNC_OK);
        assert_int_equal(nnc_exec_output(&y[i], exec, 0), NNC_OK);
        nnc_exec_destroy(exec);
    }
    assert_int_equal(nnc_tensor_bytes(&y[0]), nnc_tensor_bytes(&y[1]));
    assert_memory_equal(nnc_tensor_data(&y[0]), nnc_tensor_data(&y[1]), nnc_tensor_bytes(&y[0]));
    nnc_tensor_deinit(&y[0]);
    nnc_tensor_deinit(&y[1]);
    nnc_sample_deinit(&s);
}

/* x -> conv a (channels from 1 to 1000) -> Relu -> depthwise b (weights the other way round) -> conv d */
static nnc_graph *chain(void)
{
    nnc_graph *g;
    const int64_t dims[4] = {1, 3, 12, 12};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id a = mg_conv(g, "a", mg_input(g, "x", 4, dims), 3, 8, 3, 1, 1, 1);
    stretch(g, a, 1.4f);
    nnc_value_id b = mg_conv(g, "b", mg_unary(g, "Relu", "r", a), 8, 8, 3, 1, 8, 3);
    stretch(g, b, -1.4f);
    mg_finish(g, mg_conv(g, "d", b, 8, 6, 1, 1, 1, 7));
    return g;
}

static void same_function(void **state)
{
    (void)state;
    nnc_graph *g = gated(), *before;
    assert_int_equal(nnc_graph_clone(&before, g), NNC_OK);
    nnc_dataset *data = qd_random(g, 32);
    nnc_quant_options options = defaults();
    size_t groups;
    assert_int_equal(nnc_equalize(&groups, g, data, &options, NULL), NNC_OK);
    assert_true(groups >= 3); /* a with its Relu, b through the gate, d */
    expect_same(before, g, data);
    assert_int_not_equal(nnc_graph_find_value(g, "r_equalized"), NNC_ID_NONE);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

static void smaller_error(void **state)
{
    (void)state;
    nnc_graph *g = chain(), *before;
    assert_int_equal(nnc_graph_clone(&before, g), NNC_OK);
    nnc_dataset *data = qd_random(g, 32);
    nnc_quant_options options = defaults();
    nnc_equalization e;
    assert_int_equal(nnc_equalize_if_better(&e, &g, data, &options, NULL), NNC_OK);
    assert_true(e.groups >= 2 && e.kept);
    if (!(e.sqnr_after > e.sqnr_before + 10)) {
        fail_msg("%.2f dB before, %.2f dB after", e.sqnr_before, e.sqnr_after);
    }
    expect_same(before, g, data);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* Values that something else reads keep their numbers: an output, an Add, a Sigmoid. */
static void what_is_left_alone(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        nnc_graph *g;
        const int64_t dims[4] = {1, 3, 8, 8};
        MG_OK(nnc_graph_create(&g));
        nnc_value_id x = mg_input(g, "x", 4, dims);
        nnc_value_id a = mg_conv(g, "a", x, 3, 8, 3, 1, 1, 1);
        stretch(g, a, 1);
        nnc_value_id between = kind == 1 ? mg_binary(g, "Add", "i", a, mg_conv(g, "a2", x, 3, 8, 3, 1, 1, 2))
                               : kind == 2 ? mg_unary(g, "Sigmoid", "i", a)
                                           : mg_unary(g, "Relu", "i", a);
        nnc_value_id y = mg_conv(g, "b", between, 8, 4, 3, 1, 1, 3);
        if (kind == 0) {
            MG_OK(nnc_graph_add_output(g, a, "a"));
        }
        mg_finish(g, y);
        nnc_dataset *data = qd_random(g, 32);
        nnc_quant_options options = defaults();
        size_t groups;
        assert_int_equal(nnc_equalize(&groups, g, data, &options, NULL), NNC_OK);
        assert_int_equal(groups, 0);
        nnc_dataset_destroy(data);
        nnc_graph_destroy(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_function), cmocka_unit_test(smaller_error),
                                       cmocka_unit_test(what_is_left_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
