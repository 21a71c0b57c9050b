/* Quantized forms: every row of the table in docs/architecture.md, and the property that folding
 * and emitting never change a number. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "graph/print.h"
#include "ops/pass_util.h"

static void fold(nnc_graph *g)
{
    size_t changed;
    assert_ok(nnc_pass_qdq_fold.run(g, &pass_ctx, &changed));
    assert_ok(nnc_graph_verify(g));
}

static nnc_value_id start(nnc_gen *gen, uint32_t rank, const int64_t *dims)
{
    nnc_gen_init(gen, 11);
    return nnc_gen_input(gen, "x", NNC_DTYPE_FLOAT, rank, dims);
}

static const int64_t image[4] = {1, 4, 6, 6};

static nnc_value_id qdq(nnc_gen *g, nnc_value_id x, float scale, int32_t zero)
{
    return nnc_gen_dequantize(g, nnc_gen_quantize(g, x, scale, zero, NNC_DTYPE_UINT8), scale, zero,
                              NNC_DTYPE_UINT8);
}

static float scale_of(const nnc_graph *g, const char *name)
{
    nnc_value_id v = nnc_graph_find_value(g, name);
    assert_int_not_equal(v, NNC_ID_NONE);
    const nnc_value *value = nnc_graph_value_const(g, v);
    assert_false(value->dead);
    return value->qparams ? value->qparams->scale[0] : 0.0f;
}

/* x -> Q -> DQ, Q the only reader: annotation, also on inputs and in front of an output, whose name
 * stays. */
static void test_pair_becomes_annotation(void **state)
{
    nnc_gen gen;
    (void)state;
    nnc_value_id y = nnc_gen_op1(&gen, "Relu", qdq(&gen, start(&gen, 4, image), 0.5f, 3));
    nnc_value_id z = qdq(&gen, y, 0.25f, 0);
    nnc_gen_output(&gen, z, "z");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    char name[64];
    snprintf(name, sizeof name, "%s", nnc_graph_value_const(g, z)->name);
    fold(g);
    assert_int_equal(count_nodes(g, NULL), 1);
    assert_true(scale_of(g, "x") == 0.5f);
    assert_true(scale_of(g, name) == 0.25f);
    assert_string_equal(nnc_graph_value_const(g, nnc_graph_output(g, 0))->name, name);
    nnc_graph_destroy(g);
}

/* Another reader of x, or an annotation that x has already: nnc.Quant. */
static void test_other_pairs_become_quant(void **state)
{
    nnc_gen gen;
    (void)state;
    nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
    nnc_value_id a = qdq(&gen, x, 0.5f, 0);
    nnc_value_id b = qdq(&gen, nnc_gen_op1(&gen, "Tanh", a), 0.25f, 0);
    nnc_value_id c = qdq(&gen, b, 0.125f, 0);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "Add", nnc_gen_op2(&gen, "Mul", x, c), b), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    fold(g);
    /* x has two readers: Quant. b is annotated, c is a second grid on top: Quant. */
    assert_int_equal(count_nodes(g, "Quant"), 2);
    assert_int_equal(count_nodes(g, "QuantizeLinear") + count_nodes(g, "DequantizeLinear"), 0);
    assert_int_equal(count_nodes(g, NULL), 6);
    nnc_graph_destroy(g);
}

/* The same grid twice is one annotation. */
static void test_same_grid_twice(void **state)
{
    nnc_gen gen;
    (void)state;
    nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
    nnc_gen_output(&gen, nnc_gen_op1(&gen, "Tanh", qdq(&gen, qdq(&gen, x, 0.5f, 7), 0.5f, 7)), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    fold(g);
    assert_int_equal(count_nodes(g, NULL), 2);
    nnc_graph_destroy(g);
}

/* Q, movement, DQ: both sides annotated, whatever moved. */
static void test_movement(void **state)
{
    nnc_gen gen;
    const int64_t perm[4] = {0, 2, 3, 1}, shape[2] = {1, -1}, kernel[2] = {2, 2};
    (void)state;
    nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
    nnc_value_id q = nnc_gen_quantize(&gen, x, 0.5f, 7, NNC_DTYPE_UINT8);
    nnc_value_id m = nnc_gen_op1(&gen, "MaxPool", q);
    nnc_gen_set_ints(&gen, m, "kernel_shape", kernel, 2);
    nnc_value_id t = nnc_gen_op1(&gen, "Transpose", m);
    nnc_gen_set_ints(&gen, t, "perm", perm, 4);
    nnc_value_id r = nnc_gen_op2(&gen, "Reshape", t, nnc_gen_ints(&gen, "shape", shape, 2));
    nnc_value_id d = nnc_gen_dequantize(&gen, r, 0.5f, 7, NNC_DTYPE_UINT8);
    nnc_gen_output(&gen, nnc_gen_op1(&gen, "Tanh", d), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    fold(g);
    assert_int_equal(count_nodes(g, "QuantizeLinear") + count_nodes(g, "DequantizeLinear"), 0);
    assert_int_equal(count_nodes(g, NULL), 5);
    for (uint32_t n = 0; n < nnc_graph_node_count(g); n++) {
        const nnc_node *node = nnc_graph_node_const(g, n);
        const nnc_value *y = node->dead ? NULL : nnc_graph_value_const(g, node->outputs[0]);
        if (y && !nnc_node_is(node, "Tanh")) {
            assert_int_equal(y->dtype, NNC_DTYPE_FLOAT);
            assert_true(y->qparams && y->qparams->scale[0] == 0.5f &&
                        y->qparams->zero_point[0] == 7);
        }
    }
    nnc_graph_destroy(g);
}

/* Integers that leave the graph, or are read by something else, keep their Q. */
static void test_integer_output_keeps_q(void **state)
{
    nnc_gen gen;
    (void)state;
    nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
    nnc_value_id q = nnc_gen_quantize(&gen, x, 0.5f, 7, NNC_DTYPE_UINT8);
    nnc_gen_output(&gen, q, "integers");
    nnc_gen_output(&gen,
                   nnc_gen_op1(&gen, "Tanh", nnc_gen_dequantize(&gen, q, 0.5f, 7, NNC_DTYPE_UINT8)),
                   "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    fold(g);
    assert_int_equal(count_nodes(g, "QuantizeLinear"), 1);
    assert_int_equal(count_nodes(g, "DequantizeLinear"), 0);
    nnc_graph_destroy(g);
}

/* Grids that annotations of activations do not have stay nodes: 16 bits, per channel, scales that
 * are computed. */
static void test_what_stays(void **state)
{
    nnc_gen gen;
    const int64_t four[1] = {4};
    const float scales[4] = {1, 2, 3, 4};
    (void)state;
    nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
    nnc_value_id a = nnc_gen_quantize(&gen, x, 0.5f, 7, NNC_DTYPE_UINT16);
    a = nnc_gen_dequantize(&gen, a, 0.5f, 7, NNC_DTYPE_UINT16);
    nnc_value_id s = nnc_gen_floats(&gen, "scales", 1, four, scales);
    nnc_value_id b = nnc_gen_op2(&gen, "QuantizeLinear", a, s);
    nnc_gen_set_int(&gen, b, "axis", 1);
    b = nnc_gen_op2(&gen, "DequantizeLinear", b, s);
    nnc_gen_set_int(&gen, b, "axis", 1);
    nnc_gen_output(&gen, nnc_gen_op1(&gen, "Tanh", b), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    fold(g);
    assert_int_equal(count_nodes(g, NULL), 6);
    nnc_graph_destroy(g);
}

static void test_bad_scale_fails(void **state)
{
    static const float bad[] = {0.0f, -1.0f, NAN, INFINITY};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nnc_gen gen;
        size_t changed;
        nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
        nnc_gen_output(&gen, nnc_gen_op1(&gen, "Tanh", qdq(&gen, x, bad[i], 0)), "y");
        nnc_graph *g = nnc_gen_finish(&gen);
        assert_non_null(g);
        assert_int_equal(nnc_pass_qdq_fold.run(g, &pass_ctx, &changed), NNC_ERR_MODEL);
        assert_non_null(strstr(nnc_error_message(), "QuantizeLinear_1"));
        nnc_graph_destroy(g);
    }
}

/* const -> Q -> DQ -> Transpose keeps integers; the axis of the scales follows. */
static void test_constants(void **state)
{
    nnc_gen gen;
    const int64_t rows[2] = {2, 3}, w[2] = {5, 3}, five[1] = {5};
    const float scales[5] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f};
    const int8_t zeros[5] = {0};
    nnc_tensor zero = {0};
    nnc_value_id z;
    (void)state;
    nnc_value_id x = start(&gen, 2, rows);
    nnc_shape shape = nnc_shape_make(1, five);
    assert_ok(nnc_tensor_create_from(&zero, NNC_DTYPE_INT8, &shape, zeros));
    assert_ok(nnc_graph_add_const(&z, gen.graph, "zeros", &zero));
    nnc_tensor_deinit(&zero);
    nnc_value_id s = nnc_gen_floats(&gen, "scales", 1, five, scales);
    const nnc_value_id q_in[3] = {nnc_gen_weight(&gen, "w", 2, w, 1), s, z};
    nnc_value_id q = nnc_gen_op(&gen, "QuantizeLinear", q_in, 3);
    nnc_gen_set_int(&gen, q, "axis", 0);
    const nnc_value_id d_in[3] = {q, s, z};
    nnc_value_id d = nnc_gen_op(&gen, "DequantizeLinear", d_in, 3);
    nnc_gen_set_int(&gen, d, "axis", 0);
    nnc_value_id t = nnc_gen_op1(&gen, "Transpose", d);
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "MatMul", x, t), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    assert_non_null(g);
    fold(g);
    assert_int_equal(count_nodes(g, NULL), 1);
    const nnc_value *weight = nnc_graph_value_const(g, t);
    assert_int_equal(weight->kind, NNC_VALUE_CONST);
    assert_int_equal(weight->dtype, NNC_DTYPE_FLOAT);
    assert_int_equal(weight->tensor.dtype, NNC_DTYPE_INT8);
    assert_int_equal(weight->qparams->axis, 1);
    assert_int_equal(weight->shape.dims[0], 3);
    nnc_graph_destroy(g);
}

/* ---- properties ---- */

/* Puts every weight of a product on a per-channel s8 grid. */
static void annotate_weight(nnc_graph *g, nnc_value_id w, int32_t axis)
{
    nnc_value *value = nnc_graph_value(g, w);
    size_t channels = (size_t)value->shape.dims[axis], inner = 1;
    for (uint32_t d = (uint32_t)axis + 1; d < value->shape.rank; d++) {
        inner *= (size_t)value->shape.dims[d];
    }
    float *scale = nnc_calloc(channels, sizeof *scale);
    const float *data = nnc_tensor_data(&value->tensor);
    for (size_t i = 0; i < nnc_tensor_count(&value->tensor); i++) {
        size_t c = i / inner % channels;
        scale[c] = fmaxf(scale[c], fabsf(data[i]) / 127.0f);
    }
    nnc_qparams *q;
    nnc_tensor t = {0};
    assert_ok(nnc_qparams_create(&q, NNC_DTYPE_INT8, axis, channels, scale, NULL));
    assert_ok(nnc_quantize_tensor(&t, &value->tensor, q));
    nnc_value_set_tensor(value, &t);
    nnc_value_set_qparams(value, q);
    nnc_free(scale);
}

/* Annotates about `percent` of the activations with grids of their own, the rest not at all. */
static void annotate(nnc_graph *g, uint64_t seed, uint32_t percent)
{
    nnc_rng rng;
    nnc_rng_init(&rng, seed, 9);
    for (uint32_t n = 0; n < nnc_graph_node_count(g); n++) {
        const nnc_node *node = nnc_graph_node_const(g, n);
        if (node->dead) {
            continue;
        }
        bool conv = nnc_node_is(node, "Conv"), gemm = nnc_node_is(node, "Gemm");
        if ((conv || gemm) && nnc_rng_below(&rng, 100) < percent) {
            annotate_weight(g, node->inputs[1], conv || nnc_node_int(node, "transB", 0) ? 0 : 1);
        }
    }
    for (nnc_value_id v = 0; v < nnc_graph_value_count(g); v++) {
        nnc_value *value = nnc_graph_value(g, v);
        bool activation = value->kind == NNC_VALUE_TEMP || value->kind == NNC_VALUE_INPUT;
        if (value->dead || !activation || value->dtype != NNC_DTYPE_FLOAT ||
            nnc_rng_below(&rng, 100) >= percent) {
            continue;
        }
        bool is_signed = nnc_rng_below(&rng, 2) == 0;
        float scale = 0.02f + 0.03f * nnc_rng_uniform(&rng);
        int32_t zero = (int32_t)nnc_rng_below(&rng, 60) + (is_signed ? -30 : 98);
        nnc_qparams *q;
        assert_ok(nnc_qparams_create(&q, is_signed ? NNC_DTYPE_INT8 : NNC_DTYPE_UINT8, -1, 1,
                                     &scale, &zero));
        nnc_value_set_qparams(value, q);
    }
    assert_ok(nnc_graph_verify(g));
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Text of a graph with its lines sorted. */
static char *sorted_text(const nnc_graph *g)
{
    nnc_str text = {0}, out = {0};
    char *lines[2000], *save = NULL;
    size_t count = 0;
    assert_ok(nnc_graph_print(&text, g));
    for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        lines[count++] = line;
    }
    qsort(lines, count, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < count; i++) {
        nnc_str_appendf(&out, "%s\n", lines[i]);
    }
    nnc_str_deinit(&text);
    assert_ok(nnc_str_status(&out));
    return out.data;
}

static size_t annotations(const nnc_graph *g)
{
    size_t count = 0;
    for (nnc_value_id v = 0; v < nnc_graph_value_count(g); v++) {
        count += !nnc_graph_value_const(g, v)->dead && nnc_graph_value_const(g, v)->qparams;
    }
    return count;
}

typedef nnc_graph *model_fn(uint64_t seed, int64_t batch);

static void check_round_trip(model_fn *model, uint64_t seed, uint32_t percent,
                             const nnc_emit_options *options)
{
    nnc_graph *g = model(seed, 1), *emitted;
    assert_non_null(g);
    assert_ok(nnc_passes_prepare(g, &pass_ctx));
    annotate(g, seed, percent);
    assert_ok(nnc_graph_clone(&emitted, g));
    assert_ok(nnc_qdq_emit(emitted, options));
    assert_ok(nnc_graph_verify(emitted));
    assert_int_equal(annotations(emitted), 0);
    assert_int_equal(count_nodes(emitted, "Quant"), 0);
    assert_int_equal(count_nodes(emitted, "QuantizeLinear") > 0, percent > 0);
    fold(emitted);
    assert_int_equal(count_nodes(emitted, "QuantizeLinear"), 0);
    assert_int_equal(count_nodes(emitted, "DequantizeLinear"), 0);
    assert_int_equal(count_nodes(emitted, NULL), count_nodes(g, NULL));
    assert_true(outputs_differ(g, emitted, seed) == 0);
    char *once = sorted_text(emitted);
    assert_ok(nnc_qdq_emit(emitted, options));
    fold(emitted);
    char *twice = sorted_text(emitted);
    assert_string_equal(once, twice);
    nnc_free(once);
    nnc_free(twice);
    nnc_graph_destroy(emitted);
    nnc_graph_destroy(g);
}

static void test_round_trip(void **state)
{
    static model_fn *const models[] = {nnc_gen_resnet, nnc_gen_mobilenet, nnc_gen_detector};
    static const nnc_emit_options options[] = {
        {.bias_int32 = true}, {.bias_int32 = false}, {.bias_int32 = true, .weights_uint8 = true}};
    (void)state;
    for (size_t m = 0; m < 3; m++) {
        for (uint64_t seed = 1; seed <= 4; seed++) {
            check_round_trip(models[m], seed, seed == 1 ? 100 : 60, &options[seed % 3]);
        }
        check_round_trip(models[m], 5, 0, &options[0]);
    }
}

/* nnc.Quant between two grids survives the round trip. */
static void test_quant_round_trip(void **state)
{
    nnc_gen gen;
    const nnc_emit_options options = {.bias_int32 = true};
    (void)state;
    nnc_value_id x = nnc_gen_op1(&gen, "Relu", start(&gen, 4, image));
    nnc_value_id b = qdq(&gen, qdq(&gen, x, 0.25f, 3), 0.125f, 9);
    nnc_gen_output(&gen, nnc_gen_op1(&gen, "Tanh", b), "y");
    nnc_graph *g = nnc_gen_finish(&gen), *before;
    assert_non_null(g);
    fold(g);
    assert_int_equal(count_nodes(g, "Quant"), 1);
    assert_ok(nnc_graph_clone(&before, g));
    assert_ok(nnc_qdq_emit(g, &options));
    assert_int_equal(count_nodes(g, "QuantizeLinear"), 2);
    fold(g);
    assert_int_equal(count_nodes(g, "Quant"), 1);
    assert_true(outputs_differ(before, g, 4) == 0);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* Names of what is written; the float side keeps the model's names. */
static void test_emitted_names(void **state)
{
    nnc_graph *g = nnc_gen_resnet(2, 1);
    const nnc_emit_options options = {.bias_int32 = true};
    (void)state;
    assert_ok(nnc_passes_prepare(g, &pass_ctx));
    annotate(g, 2, 100);
    assert_ok(nnc_qdq_emit(g, &options));
    static const char *const names[] = {"x",
                                        "x_QuantizeLinear_Output",
                                        "x_DequantizeLinear_Output",
                                        "x_scale",
                                        "x_zero_point",
                                        "w0",
                                        "w0_quantized",
                                        "w0_scale",
                                        "w0_zero_point",
                                        "fc_b",
                                        "fc_b_quantized"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        nnc_value_id v = nnc_graph_find_value(g, names[i]);
        if (v == NNC_ID_NONE || nnc_graph_value_const(g, v)->dead) {
            fail_msg("no value '%s'", names[i]);
        }
    }
    nnc_node_id dq = nnc_graph_value_const(g, nnc_graph_find_value(g, "w0"))->producer;
    assert_int_equal(nnc_node_int(nnc_graph_node_const(g, dq), "axis", -9), 0);
    assert_int_equal(nnc_graph_value_const(g, nnc_graph_find_value(g, "fc_b_quantized"))->dtype,
                     NNC_DTYPE_INT32);
    nnc_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_becomes_annotation),
        cmocka_unit_test(test_other_pairs_become_quant),
        cmocka_unit_test(test_same_grid_twice),
        cmocka_unit_test(test_movement),
        cmocka_unit_test(test_integer_output_keeps_q),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_bad_scale_fails),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_quant_round_trip),
        cmocka_unit_test(test_emitted_names),
    };
    return cmocka_run_group_tests_name("quantized forms", tests, NULL, NULL);
}
