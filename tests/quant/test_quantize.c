/* Quantization of generated models: accuracy, determinism, exclusions, targets, refusals. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exec/exec.h"
#include "ops/gen_graphs.h"
#include "passes/pass.h"
#include "plan/plan.h"
#include "quant/make_graph.h"
#include "quant/quant.h"
#include "quant/quant_data.h"
#include "tensor/metrics.h"

typedef nnc_graph *generator(uint64_t seed, int64_t batch);
static generator *const generators[] = {nnc_gen_resnet, nnc_gen_mobilenet, nnc_gen_detector};

static nnc_graph *prepared(generator *make, uint64_t seed)
{
    nnc_graph *g = make(seed, 1);
    assert_non_null(g);
    nnc_pass_ctx ctx = {.isa_max = NNRT_ISA_BEST};
    assert_int_equal(nnc_passes_prepare(g, &ctx), NNC_OK);
    return g;
}

static nnc_quant_options defaults(void)
{
    return (nnc_quant_options){.target = nnc_target_find("ort"), .method = "auto", .percentile = 99.999, .per_channel = true,
                               .bias_correction = true, .calib_indices = qd_indices, .calib_count = 20,
                               .held_indices = qd_indices + 20, .held_count = 8, .threads = 2, .isa_max = NNRT_ISA_BEST};
}

/* Output SQNR in dB over samples 28..31, worst output. */
static double output_sqnr(const nnc_graph *a, const nnc_graph *b, const nnc_dataset *data)
{
    nnc_exec *execs[2];
    nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    assert_int_equal(nnc_exec_create(&execs[0], a, &options), NNC_OK);
    assert_int_equal(nnc_exec_create(&execs[1], b, &options), NNC_OK);
    nnc_error_sums sums[4] = {{0}};
    size_t outputs = nnc_graph_output_count(a);
    for (size_t i = 28; i < 32; i++) {
        nnc_sample s;
        assert_int_equal(nnc_dataset_get(&s, data, i), NNC_OK);
        for (size_t m = 0; m < 2; m++) {
            assert_int_equal(nnc_exec_run(execs[m], s.inputs, s.input_count), NNC_OK);
        }
        for (size_t o = 0; o < outputs; o++) {
            nnc_tensor x, y;
            assert_int_equal(nnc_exec_output(&x, execs[0], o), NNC_OK);
            assert_int_equal(nnc_exec_output(&y, execs[1], o), NNC_OK);
            nnc_error_sums_add(&sums[o], nnc_tensor_data(&x), nnc_tensor_data(&y), nnc_tensor_count(&x));
            nnc_tensor_deinit(&x);
            nnc_tensor_deinit(&y);
        }
        nnc_sample_deinit(&s);
    }
    nnc_exec_destroy(execs[0]);
    nnc_exec_destroy(execs[1]);
    double worst = INFINITY;
    for (size_t o = 0; o < outputs; o++) {
        worst = nnc_error_sqnr_db(&sums[o]) < worst ? nnc_error_sqnr_db(&sums[o]) : worst;
    }
    return worst;
}

static double integer_macs(const nnc_quant_result *r)
{
    double all = 0, integer = 0;
    for (size_t i = 0; i < r->node_count; i++) {
        all += (double)r->nodes[i].macs;
        integer += r->nodes[i].integer ? (double)r->nodes[i].macs : 0;
        assert_true(r->nodes[i].integer == (r->nodes[i].reason == NULL));
    }
    return integer / all;
}

/* The one form that was kept. */
static const nnc_quant_form_info *kept_form(const nnc_quant_result *r)
{
    const nnc_quant_form_info *kept = NULL;
    for (size_t i = 0; i < r->form_count; i++) {
        if (r->forms[i].kept) {
            assert_null(kept);
            kept = &r->forms[i];
        }
    }
    assert_true(kept && strcmp(kept->range, r->method) == 0 && r->bias_corrected == (strcmp(kept->bias, "own") != 0));
    assert_string_equal(r->forms[0].range, "minmax");
    assert_true(kept->sqnr == (strcmp(r->method, "auto") == 0 ? r->sqnr_auto : r->sqnr_minmax));
    return kept;
}

static void generated_models(void **state)
{
    (void)state;
    for (size_t m = 0; m < 3; m++) {
        nnc_graph *g = prepared(generators[m], 11), *q;
        nnc_dataset *data = qd_random(g, 32);
        for (size_t t = 0; nnc_target_row(t); t++) {
            nnc_quant_options options = defaults();
            options.target = nnc_target_row(t);
            nnc_quant_result r;
            assert_int_equal(nnc_graph_clone(&q, g), NNC_OK);
            assert_int_equal(nnc_quantize_graph(&r, q, data, &options, NULL), NNC_OK);
            assert_int_equal(nnc_graph_verify(q), NNC_OK);
            double sqnr = output_sqnr(g, q, data);
            print_message("model %zu target %s: SQNR %.2f dB, auto %.2f minmax %.2f, %s\n", m, options.target->name, sqnr,
                          r.sqnr_auto, r.sqnr_minmax, r.method);
            assert_true(sqnr > (options.target->activation_symmetric ? 14 : 18));
            assert_true(kept_form(&r)->sqnr >= r.forms[0].sqnr); /* never worse than plain minmax */
            assert_true(integer_macs(&r) >= 0.99);
            for (size_t i = 0; i < r.value_count; i++) {
                const nnc_quant_value_info *v = &r.values[i];
                assert_true(v->lo <= v->hi && v->min <= v->max && v->clipped >= 0 && v->clipped < 0.05);
                assert_non_null(v->method);
                const nnc_qparams *p = nnc_graph_value_const(q, v->value)->qparams;
                assert_true(p->dtype == options.target->activation && (!options.target->activation_symmetric || p->zero_point[0] == 0));
            }
            nnc_quant_result_deinit(&r);
            nnc_graph_destroy(q);
        }
        nnc_dataset_destroy(data);
        nnc_graph_destroy(g);
    }
}

/* The plan of a quantized model, as bytes. */
static void plan_of(void **image, size_t *bytes, const nnc_graph *g, const nnc_dataset *data, uint32_t threads,
                    uint32_t isa)
{
    nnc_graph *q;
    nnc_quant_result r;
    nnc_quant_options options = defaults();
    options.threads = threads;
    options.isa_max = isa;
    assert_int_equal(nnc_graph_clone(&q, g), NNC_OK);
    assert_int_equal(nnc_quantize_graph(&r, q, data, &options, NULL), NNC_OK);
    assert_int_equal(nnc_plan_build(image, bytes, q, NULL), NNC_OK);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(q);
}

static void same_bytes_for_threads_and_tiers(void **state)
{
    (void)state;
    const uint32_t threads[] = {2, 3, 2}, tiers[] = {NNRT_ISA_BEST, NNRT_ISA_AVX2, NNRT_ISA_REF};
    for (size_t m = 0; m < 3; m++) {
        nnc_graph *g = prepared(generators[m], 5);
        nnc_dataset *data = qd_random(g, 32);
        void *first, *other;
        size_t n, k;
        plan_of(&first, &n, g, data, 1, NNRT_ISA_BEST);
        for (size_t i = 0; i < 3; i++) {
            plan_of(&other, &k, g, data, threads[i], tiers[i]);
            assert_int_equal(n, k);
            assert_memory_equal(first, other, n);
            nnc_free(other);
        }
        nnc_free(first);
        nnc_dataset_destroy(data);
        nnc_graph_destroy(g);
    }
}

static nnc_status quantize_small(nnc_graph *g, nnc_quant_result *r, const nnc_quant_options *options)
{
    nnc_dataset *data = qd_random(g, 32);
    nnc_status status = nnc_quantize_graph(r, g, data, options, NULL);
    nnc_dataset_destroy(data);
    return status;
}

/* x -> conv a -> Relu -> conv b -+-> Add -> Relu -> GlobalAveragePool -> Flatten -> fc
 *                        \-------/ */
static nnc_graph *residual(void)
{
    nnc_graph *g;
    const int64_t dims[4] = {1, 3, 12, 12};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, dims);
    nnc_value_id a = mg_unary(g, "Relu", "relu_a", mg_conv(g, "a", x, 3, 8, 3, 1, 1, 1));
    nnc_value_id b = mg_conv(g, "b", a, 8, 8, 3, 1, 1, 3);
    nnc_value_id s = mg_unary(g, "Relu", "relu_s", mg_binary(g, "Add", "add", b, a));
    nnc_value_id p = mg_unary(g, "Flatten", "flat", mg_unary(g, "GlobalAveragePool", "gap", s));
    mg_finish(g, mg_gemm(g, "fc", p, 8, 5, 7));
    return g;
}

static bool on_grid(const nnc_graph *g, const char *name)
{
    nnc_value_id v = nnc_graph_find_value(g, name);
    assert_int_not_equal(v, NNC_ID_NONE);
    return nnc_graph_value_const(g, v)->qparams != NULL;
}

static const nnc_quant_node_info *info_of(const nnc_quant_result *r, const nnc_graph *g, const char *name)
{
    for (size_t i = 0; i < r->node_count; i++) {
        if (strcmp(nnc_graph_node_const(g, r->nodes[i].node)->name, name) == 0) {
            return &r->nodes[i];
        }
    }
    fail();
    return NULL;
}

static void where_grids_go(void **state)
{
    (void)state;
    nnc_graph *g = residual();
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    assert_true(on_grid(g, "x") && on_grid(g, "relu_a") && on_grid(g, "b") && on_grid(g, "relu_s") && on_grid(g, "gap"));
    assert_true(!on_grid(g, "a") && !on_grid(g, "add")); /* their clamp's result is */
    const nnc_value *gap = nnc_graph_value_const(g, nnc_graph_find_value(g, "gap"));
    const nnc_value *flat = nnc_graph_value_const(g, nnc_graph_find_value(g, "flat"));
    assert_true(nnc_qparams_equal(gap->qparams, flat->qparams));
    const char *const names[] = {"a", "relu_a", "b", "add", "relu_s", "gap", "flat", "fc"};
    for (size_t i = 0; i < 8; i++) {
        assert_true(info_of(&r, g, names[i])->integer);
    }
    assert_int_equal(info_of(&r, g, "a")->weight_bytes_before, 3 * 8 * 9 * 4);
    assert_int_equal(info_of(&r, g, "a")->weight_bytes_after, 3 * 8 * 9 + 8 * 4);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(g);
}

/* x -+-> q -----------> scores -> Softmax -> mixed -> out
 *    +-> k -> Transpose --/                   /
 *    \-> v -------------------------------- /  */
static nnc_graph *attention(void)
{
    nnc_graph *g;
    const int64_t dims[3] = {1, 20, 32}, wd[2] = {32, 32}, perm[3] = {0, 2, 1};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 3, dims), qkv[3];
    for (uint64_t i = 0; i < 3; i++) {
        static const char *const names[] = {"q", "k", "v"};
        qkv[i] = mg_binary(g, "MatMul", names[i], x, mg_weight(g, NULL, 2, wd, 0.17f, 30 + i));
    }
    nnc_value_id t = mg_unary(g, "Transpose", "kt", qkv[1]);
    MG_OK(nnc_node_set_ints(g, mg_producer(g, t), "perm", perm, 3));
    nnc_value_id p = mg_unary(g, "Softmax", "softmax", mg_binary(g, "MatMul", "scores", qkv[0], t));
    nnc_value_id m = mg_binary(g, "MatMul", "mixed", p, qkv[2]);
    mg_finish(g, mg_binary(g, "MatMul", "out", m, mg_weight(g, NULL, 2, wd, 0.17f, 33)));
    return g;
}

static void products_of_activations(void **state)
{
    (void)state;
    nnc_graph *g = attention(), *before;
    assert_int_equal(nnc_graph_clone(&before, g), NNC_OK);
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    assert_true(integer_macs(&r) == 1.0);
    assert_null(info_of(&r, g, "scores")->reason);
    assert_string_equal(info_of(&r, g, "softmax")->reason, "no integer form");
    assert_true(on_grid(g, "kt") && on_grid(g, "softmax") && on_grid(g, "mixed"));
    assert_false(on_grid(g, "scores"));
    nnc_dataset *data = qd_random(before, 32);
    assert_true(output_sqnr(before, g, data) > 25);
    nnc_dataset_destroy(data);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(before);
    nnc_graph_destroy(g);
}

/* The last dim of a MatMul's 4-D operand is summed over, so the scoring of ranges must not crop it as it crops images. */
static void wide_matmul_of_four_dims(void **state)
{
    (void)state;
    nnc_graph *g;
    const int64_t dims[4] = {1, 2, 3, 96}, wd[2] = {96, 16};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, dims);
    mg_finish(g, mg_binary(g, "MatMul", "out", x, mg_weight(g, NULL, 2, wd, 0.1f, 40)));
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    assert_null(info_of(&r, g, "out")->reason);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(g);
}

static void exclusions(void **state)
{
    (void)state;
    const char *by_name[] = {"b*"}, *by_type[] = {"op:Add"}, *by_index[] = {"#0"}, *nothing[] = {"nosuch"}, *bad[] = {"#x"};
    const struct {
        const char *const *patterns;
        const char *node;
    } rows[] = {{by_name, "b"}, {by_type, "add"}, {by_index, "a"}};
    for (size_t i = 0; i < 3; i++) {
        nnc_graph *g = residual();
        nnc_quant_options options = defaults();
        nnc_quant_result r;
        options.exclude = rows[i].patterns;
        options.exclude_count = 1;
        assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
        assert_false(info_of(&r, g, rows[i].node)->integer);
        assert_string_equal(info_of(&r, g, rows[i].node)->reason, "excluded");
        assert_true(info_of(&r, g, "fc")->integer);
        nnc_quant_result_deinit(&r);
        nnc_graph_destroy(g);
    }
    const char *const *wrong[] = {nothing, bad};
    for (size_t i = 0; i < 2; i++) {
        nnc_graph *g = residual();
        nnc_quant_options options = defaults();
        nnc_quant_result r;
        options.exclude = wrong[i];
        options.exclude_count = 1;
        assert_int_equal(quantize_small(g, &r, &options), NNC_ERR_USAGE);
        nnc_graph_destroy(g);
    }
}

static void nothing_eligible(void **state)
{
    (void)state;
    nnc_graph *g;
    const int64_t dims[2] = {1, 16};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 2, dims);
    mg_finish(g, mg_unary(g, "Sigmoid", "s", mg_unary(g, "Softmax", "soft", x)));
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_ERR_GATE);
    assert_string_equal(nnc_error_message(),
                        "nothing to compress: 0 of 2 nodes eligible (1 x no integer form, 1 x no integer node reads it)");
    nnc_graph_destroy(g);
}

static void nan_weight(void **state)
{
    (void)state;
    nnc_graph *g = residual();
    nnc_node_id b = mg_producer(g, nnc_graph_find_value(g, "b"));
    float *w = nnc_tensor_data(&nnc_graph_value_const(g, nnc_graph_node_const(g, b)->inputs[1])->tensor);
    w[17] = NAN;
    w[40] = INFINITY;
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_ERR_MODEL);
    assert_non_null(strstr(nnc_error_message(), "Conv 'b': weight"));
    assert_non_null(strstr(nnc_error_message(), "2 NaN or infinite numbers, the first at index 17"));
    nnc_graph_destroy(g);
}

/* A channel of zeros, and a bias that does not fit int32 at the weight's own scale. */
static void dead_channel_and_wide_bias(void **state)
{
    (void)state;
    nnc_graph *g = residual();
    const nnc_node *a = nnc_graph_node_const(g, mg_producer(g, nnc_graph_find_value(g, "a")));
    nnc_value_id weight = a->inputs[1];
    float *w = nnc_tensor_data(&nnc_graph_value_const(g, weight)->tensor);
    float *bias = nnc_tensor_data(&nnc_graph_value_const(g, a->inputs[2])->tensor);
    for (size_t i = 0; i < 27; i++) {
        w[2 * 27 + i] = 0;
        w[5 * 27 + i] *= 1e-9f;
    }
    bias[5] = 3;
    nnc_quant_options options = defaults();
    options.bias_correction = false;
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    assert_int_equal(info_of(&r, g, "a")->dead_channels, 1);
    assert_true(info_of(&r, g, "a")->integer);
    const nnc_qparams *q = nnc_graph_value_const(g, weight)->qparams;
    assert_true(q->scale[2] == 1.0f);
    const nnc_qparams *qx = nnc_graph_value_const(g, nnc_graph_input(g, 0))->qparams;
    assert_true(3.0 / ((double)q->scale[5] * (double)qx->scale[0]) < 2147483648.0);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(g);
}

/* Convolution whose neighbouring weights along the channels are 127, 127, 127, -127, 1, 2, 127, 1: overflowing pairs are counted as ONNX
 * Runtime sums them, (0,1), (2,3), ... */
static void pair_overflow_count(void **state)
{
    (void)state;
    nnc_graph *g;
    const int64_t dims[4] = {1, 8, 4, 4};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, dims);
    nnc_value_id y = mg_conv(g, "c", x, 8, 1, 1, 1, 1, 1);
    const float w[8] = {127, 127, 127, -127, 1, 2, 127, 1};
    memcpy(nnc_tensor_data(&nnc_graph_value_const(g, nnc_graph_node_const(g, mg_producer(g, y))->inputs[1])->tensor), w,
           sizeof(w));
    mg_finish(g, y);
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    nnc_graph *avx2;
    assert_int_equal(nnc_graph_clone(&avx2, g), NNC_OK);
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    assert_int_equal(info_of(&r, g, "c")->pair_overflow, 1); /* 127 + 1 = 128 fits: 255 * 128 = 32640 */
    nnc_quant_result_deinit(&r);
    options.target = nnc_target_find("ort-avx2");
    assert_int_equal(quantize_small(avx2, &r, &options), NNC_OK);
    assert_int_equal(info_of(&r, avx2, "c")->pair_overflow, 0);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(avx2);
    nnc_graph_destroy(g);
}

/* Two branches, one hundred times wider, both read by the Concat alone: one grid. With another reader: its own. */
static void concat_grids(void **state)
{
    (void)state;
    for (int other_reader = 0; other_reader < 2; other_reader++) {
        nnc_graph *g;
        const int64_t dims[4] = {1, 4, 8, 8};
        MG_OK(nnc_graph_create(&g));
        nnc_value_id x = mg_input(g, "x", 4, dims), parts[2];
        parts[0] = mg_conv(g, "wide", x, 4, 4, 1, 1, 1, 1);
        parts[1] = mg_conv(g, "narrow", x, 4, 4, 1, 1, 1, 5);
        float *w = nnc_tensor_data(
            &nnc_graph_value_const(g, nnc_graph_node_const(g, mg_producer(g, parts[0]))->inputs[1])->tensor);
        for (size_t i = 0; i < 16; i++) {
            w[i] *= 100;
        }
        nnc_value_id joined = mg_node(g, "Concat", "joined", parts, 2);
        MG_OK(nnc_node_set_int(g, mg_producer(g, joined), "axis", 1));
        nnc_value_id y = mg_conv(g, "after", joined, 8, 4, 1, 1, 1, 9);
        if (other_reader) {
            y = mg_binary(g, "Add", "sum", y, mg_conv(g, "side", parts[1], 4, 4, 1, 1, 1, 11));
        }
        mg_finish(g, y);
        nnc_quant_options options = defaults();
        nnc_quant_result r;
        assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
        const nnc_qparams *narrow = nnc_graph_value_const(g, parts[1])->qparams;
        const nnc_qparams *wide = nnc_graph_value_const(g, parts[0])->qparams;
        const nnc_qparams *both = nnc_graph_value_const(g, joined)->qparams;
        assert_true(nnc_qparams_equal(wide, both));
        assert_true(nnc_qparams_equal(narrow, both) == !other_reader);
        assert_true(!other_reader || narrow->scale[0] < both->scale[0] / 20);
        assert_true(info_of(&r, g, "joined")->integer);
        nnc_quant_result_deinit(&r);
        nnc_graph_destroy(g);
    }
}

/* A constant weight of two layers, one of which stays float: the float one keeps its numbers. */
static void shared_weight(void **state)
{
    (void)state;
    nnc_graph *g;
    const int64_t dims[2] = {1, 16}, wd[2] = {16, 16};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 2, dims), w = mg_weight(g, "w", 2, wd, 0.25f, 3);
    nnc_value_id a = mg_binary(g, "MatMul", "first", x, w);
    mg_finish(g, mg_binary(g, "MatMul", "second", mg_unary(g, "Relu", "relu", a), w));
    nnc_quant_options options = defaults();
    const char *exclude[] = {"second"};
    options.exclude = exclude;
    options.exclude_count = 1;
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    const nnc_node *first = nnc_graph_node_const(g, mg_producer(g, a));
    const nnc_node *second = nnc_graph_node_const(g, mg_producer(g, nnc_graph_find_value(g, "second")));
    assert_int_equal(nnc_graph_value_const(g, first->inputs[1])->tensor.dtype, NNC_DTYPE_INT8);
    assert_int_equal(nnc_graph_value_const(g, second->inputs[1])->tensor.dtype, NNC_DTYPE_FLOAT);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(g);
}

/* Quantizing twice starts from float again: the same ranges give the same grids. */
static void quantized_again(void **state)
{
    (void)state;
    nnc_graph *g = residual();
    nnc_quant_options options = defaults();
    options.bias_correction = false;
    options.method = "minmax";
    nnc_quant_result r;
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    nnc_quant_result_deinit(&r);
    assert_int_equal(quantize_small(g, &r, &options), NNC_OK);
    assert_true(integer_macs(&r) >= 0.99);
    assert_int_equal(nnc_graph_verify(g), NNC_OK);
    nnc_quant_result_deinit(&r);
    nnc_graph_destroy(g);
}

static bool cancel_later(void *user)
{
    return ++*(int *)user > 12;
}

static void cancelled(void **state)
{
    (void)state;
    nnc_graph *g = residual();
    nnc_dataset *data = qd_random(g, 32);
    nnc_quant_options options = defaults();
    nnc_quant_result r;
    int polls = 0;
    const nnc_log log = {.cancelled = cancel_later, .user = &polls};
    assert_int_equal(nnc_quantize_graph(&r, g, data, &options, &log), NNC_ERR_CANCELLED);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_models),           cmocka_unit_test(same_bytes_for_threads_and_tiers),
        cmocka_unit_test(products_of_activations), cmocka_unit_test(wide_matmul_of_four_dims), cmocka_unit_test(where_grids_go),             cmocka_unit_test(exclusions),
        cmocka_unit_test(nothing_eligible),           cmocka_unit_test(nan_weight),
        cmocka_unit_test(dead_channel_and_wide_bias), cmocka_unit_test(pair_overflow_count),
        cmocka_unit_test(concat_grids),               cmocka_unit_test(shared_weight),
        cmocka_unit_test(quantized_again),            cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
