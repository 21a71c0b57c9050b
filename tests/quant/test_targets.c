/* The rules of targets: each broken by one small change, and kept without it; and the generated page docs/targets.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "make_graph.h"
#include "quant/target_check.h"

/* ---- a graph with everything that rules speak of ---- */

static nnc_value_id resize(nnc_graph *g, nnc_value_id x)
{
    const float scales[4] = {1, 1, 2, 2};
    const nnc_shape shape = nnc_shape_make(1, (int64_t[]){4});
    nnc_value_id ids[3] = {x, NNC_ID_NONE, NNC_ID_NONE};
    MG_OK(nnc_graph_add_const_f32(&ids[2], g, "up_scales", scales, &shape));
    nnc_value_id y = mg_node(g, "Resize", "up", ids, 3);
    MG_OK(nnc_node_set_string(g, mg_producer(g, y), "mode", "nearest"));
    MG_OK(nnc_node_set_string(g, mg_producer(g, y), "nearest_mode", "floor"));
    MG_OK(nnc_node_set_string(g, mg_producer(g, y), "coordinate_transformation_mode", "asymmetric"));
    return y;
}

static nnc_value_id max_pool(nnc_graph *g, nnc_value_id x)
{
    const int64_t two[2] = {2, 2};
    nnc_value_id y[2] = {NNC_ID_NONE, NNC_ID_NONE};
    nnc_node_id node;
    MG_OK(nnc_graph_add_value(&y[0], g, "pool", NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL));
    MG_OK(nnc_graph_add_node(&node, g, "pool", "", "MaxPool", &x, 1, y, 2));
    MG_OK(nnc_node_set_ints(g, node, "kernel_shape", two, 2));
    MG_OK(nnc_node_set_ints(g, node, "strides", two, 2));
    return y[0];
}

/* conv1 Relu, conv2 + skip Relu, conv3 Relu, up, pool, conv4 Relu, concat, conv5, average, fc1 Relu, fc2; batch 2; as --int8 leaves it. */
static nnc_graph *base(const nnc_target *target)
{
    nnc_graph *g;
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, (int64_t[]){2, 16, 8, 8});
    nnc_value_id r1 = mg_unary(g, "Relu", "r1", mg_conv(g, "conv1", x, 16, 16, 3, 1, 1, 1));
    nnc_value_id sum = mg_binary(g, "Add", "add", mg_conv(g, "conv2", r1, 16, 16, 3, 1, 1, 3), r1);
    nnc_value_id r2 = mg_unary(g, "Relu", "r2", sum);
    nnc_value_id r3 = mg_unary(g, "Relu", "r3", mg_conv(g, "conv3", r2, 16, 16, 3, 1, 1, 5));
    nnc_value_id pool = max_pool(g, resize(g, r3));
    nnc_value_id r4 = mg_unary(g, "Relu", "r4", mg_conv(g, "conv4", pool, 16, 16, 3, 1, 1, 7));
    nnc_value_id cat = mg_binary(g, "Concat", "cat", pool, r4);
    MG_OK(nnc_node_set_int(g, mg_producer(g, cat), "axis", 1));
    nnc_value_id average = mg_unary(g, "GlobalAveragePool", "average", mg_conv(g, "conv5", cat, 32, 16, 3, 1, 1, 9));
    nnc_value_id flat = mg_unary(g, "Flatten", "flat", average);
    nnc_value_id r5 = mg_unary(g, "Relu", "r5", mg_gemm(g, "fc1", flat, 16, 32, 11));
    mg_finish(g, mg_gemm(g, "fc2", r5, 32, 16, 13));
    const nnc_quant_options options = {.target = target, .method = "minmax", .per_channel = true, .threads = 1};
    MG_OK(nnc_quantize_preview(g, &options));
    MG_OK(nnc_graph_verify(g));
    return g;
}

/* ---- changes ---- */

static nnc_node_id node_of(const nnc_graph *g, const char *name)
{
    for (nnc_node_id id = 0; id < nnc_graph_node_count(g); id++) {
        const nnc_node *node = nnc_graph_node_const(g, id);
        if (!node->dead && strcmp(node->name, name) == 0) {
            return id;
        }
    }
    fail_msg("no node '%s'", name);
    return NNC_ID_NONE;
}

static nnc_value *value_of(nnc_graph *g, const char *name)
{
    nnc_value_id v = nnc_graph_find_value(g, name);
    assert_int_not_equal(v, NNC_ID_NONE);
    return nnc_graph_value(g, v);
}

static nnc_value *input_of(nnc_graph *g, const char *node, uint32_t i)
{
    return nnc_graph_value(g, nnc_graph_node_const(g, node_of(g, node))->inputs[i]);
}

static void set_grid(nnc_value *v, nnc_dtype dtype, int32_t zero)
{
    const float scale = 0.01f;
    nnc_qparams *q;
    MG_OK(nnc_qparams_create(&q, dtype, -1, 1, &scale, &zero));
    nnc_value_set_qparams(v, q);
}

/* Grid of the same dtype as the target's activations. */
static void other_grid(nnc_value *v)
{
    set_grid(v, v->qparams->dtype, v->qparams->zero_point[0]);
}

static void set_channels(nnc_value *v, nnc_dtype dtype, int32_t axis, int32_t zero)
{
    float scale[16];
    int32_t point[16];
    nnc_qparams *q;
    for (int i = 0; i < 16; i++) {
        scale[i] = 0.01f;
        point[i] = zero;
    }
    MG_OK(nnc_qparams_create(&q, dtype, axis, 16, scale, point));
    nnc_value_set_qparams(v, q);
}

static void set_op(nnc_graph *g, const char *node, const char *domain, const char *op)
{
    MG_OK(nnc_node_set_op(g, node_of(g, node), domain, op));
}

static void foreign(nnc_graph *g) { set_op(g, "average", "acme", "Frob"); }
static void opaque(nnc_graph *g) { set_op(g, "average", "com.microsoft", "Frob"); }
static void dynamic(nnc_graph *g) { set_op(g, "average", "", "MatMulInteger"); }
static void exponential(nnc_graph *g)
{
    set_op(g, "average", "", "Exp");
    MG_OK(nnc_node_bind(g, node_of(g, "average")));
}
static void no_rank(nnc_graph *g) { value_of(g, "r1")->has_shape = false; }
static void u8(nnc_graph *g) { set_grid(value_of(g, "r1"), NNC_DTYPE_UINT8, 0); }
static void asymmetric(nnc_graph *g) { set_grid(value_of(g, "r1"), NNC_DTYPE_INT8, 5); }
static void wide(nnc_graph *g) { set_grid(value_of(g, "r1"), NNC_DTYPE_UINT16, 0); }
static void per_channel(nnc_graph *g) { set_channels(value_of(g, "r1"), NNC_DTYPE_UINT8, 1, 0); }
static void weight_u8(nnc_graph *g) { set_channels(input_of(g, "conv1", 1), NNC_DTYPE_UINT8, 0, 128); }
static void weight_zero(nnc_graph *g) { set_channels(input_of(g, "conv1", 1), NNC_DTYPE_INT8, 0, 1); }
static void weight_wide(nnc_graph *g) { set_channels(input_of(g, "conv1", 1), NNC_DTYPE_INT16, 0, 0); }
static void weight_axis(nnc_graph *g) { set_channels(input_of(g, "conv1", 1), NNC_DTYPE_INT8, 1, 0); }
static void weight_blocks(nnc_graph *g) { input_of(g, "conv1", 1)->qparams->group = 16; }
static void weight_float(nnc_graph *g) { nnc_value_set_qparams(input_of(g, "conv1", 1), NULL); }
static void bias_int32(nnc_graph *g) { set_channels(input_of(g, "conv1", 2), NNC_DTYPE_INT32, 0, 0); }
static void one_row(nnc_graph *g) { input_of(g, "fc1", 0)->shape.dims[0] = 1; }
static void narrow(nnc_graph *g) { input_of(g, "fc2", 1)->shape.dims[0] = 8; }
static void no_input(nnc_graph *g) { nnc_value_set_qparams(value_of(g, "r1"), NULL); }
static void no_sum(nnc_graph *g) { nnc_value_set_qparams(value_of(g, "r2"), NULL); }
static void no_operand(nnc_graph *g) { nnc_value_set_qparams(value_of(g, "conv2"), NULL); }
static void no_operands(nnc_graph *g)
{
    no_operand(g);
    no_input(g);
}
static void no_branch(nnc_graph *g) { nnc_value_set_qparams(value_of(g, "r4"), NULL); }
static void no_tail(nnc_graph *g) { nnc_value_set_qparams(value_of(g, "fc2"), NULL); }
static void two_activations(nnc_graph *g)
{
    nnc_node *node = nnc_graph_node(g, node_of(g, "conv2"));
    node->inputs[1] = nnc_graph_find_value(g, "conv1"); /* has no grid: the Relu behind has it */
}
static void alpha(nnc_graph *g) { MG_OK(nnc_node_set_float(g, node_of(g, "fc1"), "alpha", 2)); }
static void below_zero(nnc_graph *g) { set_grid(value_of(g, "r1"), NNC_DTYPE_UINT8, 10); }
static void other_type(nnc_graph *g) { set_grid(value_of(g, "r1"), NNC_DTYPE_INT8, -128); }
static void s8_with_u8(nnc_graph *g)
{
    set_grid(value_of(g, "x"), NNC_DTYPE_INT8, 0);
    other_type(g);
    weight_u8(g);
}
static void other_scale(nnc_graph *g) { other_grid(value_of(g, "r4")); }
static void linear(nnc_graph *g) { MG_OK(nnc_node_set_string(g, node_of(g, "up"), "mode", "linear")); }
static void indices(nnc_graph *g)
{
    nnc_node *node = nnc_graph_node(g, node_of(g, "pool"));
    assert_int_equal(node->output_count, 2);
    node->outputs[1] = nnc_graph_find_value(g, "r4");
}
static void grid_between(nnc_graph *g) { set_grid(value_of(g, "conv2"), NNC_DTYPE_INT8, 0); }
static void large_weights(nnc_graph *g)
{
    nnc_value *w = input_of(g, "conv1", 1);
    memset(nnc_tensor_data(&w->tensor), 127, nnc_tensor_bytes(&w->tensor));
}

static const struct {
    const char *rule, *target, *node;
    void (*change)(nnc_graph *g); /* NULL: the file has QLinear operators */
} cases[] = {
    {"unknown-operator", "trt10", "average", foreign},
    {"unknown-operator", "trt10", "average", opaque},
    {"opaque-operator", "ort", "average", opaque},
    {"dynamic-quantization", "trt10", "average", dynamic},
    {"dynamic-quantization", "openvino", "average", dynamic},
    {"qoperator", "trt11", "conv1", NULL},
    {"qoperator", "portable", "conv1", NULL},
    {"rank", "openvino", "conv1", no_rank},
    {"activation-u8", "trt10", "conv1", u8},
    {"activation-u8", "portable", "conv2", u8},
    {"activation-zero-point", "trt10", "conv1", asymmetric},
    {"activation-wide", "ort", "conv1", wide},
    {"activation-axis", "openvino", "conv1", per_channel},
    {"weight-u8", "trt10", "conv1", weight_u8},
    {"weight-zero-point", "trt10", "conv1", weight_zero},
    {"bias-int32", "trt10", "conv1", bias_int32},
    {"no-integer-form", "openvino", "average", exponential},
    {"no-integer-form", "trt10", "average", exponential},
    {"skip-vectors", "trt10", "fc1", one_row},
    {"small-side", "trt11", "fc2", narrow},
    {"input-float", "ort", "conv2", no_input},
    {"weight-activation", "ort", "conv2", two_activations},
    {"weight-float", "openvino", "conv1", weight_float},
    {"weight-wide", "ort", "conv1", weight_wide},
    {"weight-blocks", "ort", "conv1", weight_blocks},
    {"weight-axis", "trt10", "conv1", weight_axis},
    {"gemm-form", "ort", "fc1", alpha},
    {"output-float", "ort", "conv1", no_input},
    {"output-float", "ort", "add", no_sum},
    {"clamp-cuts", "ort", "conv1", below_zero},
    {"bias-float", "portable", "fc2", no_tail},
    {"types-differ", "ort", "conv1", other_type},
    {"s8-with-u8-weight", "ort", "conv1", s8_with_u8},
    {"operand-float", "ort", "add", no_operand},
    {"operand-float", "openvino", "cat", no_branch},
    {"operand-float", "trt10", "cat", no_branch},
    {"add-uneven", "trt10", "add", no_input},
    {"add-uneven", "openvino", "add", no_operands},
    {"grids-differ", "trt10", "cat", other_scale},
    {"interpolates", "ort", "up", linear},
    {"indices", "ort", "pool", indices},
    {"grid-before-add", "trt10", "conv2", grid_between},
    {"pair-overflow", "ort-avx2", "conv1", large_weights},
};

/* Does the check find this rule at the node? Without verdict: of any node. */
static bool finds(const nnc_graph *g, const nnc_target *target, const char *node, const char *rule, bool qoperator)
{
    nnc_target_check check;
    bool found = false;
    MG_OK(nnc_target_check_run(&check, g, target, qoperator));
    for (size_t i = 0; i < check.finding_count; i++) {
        const nnc_target_finding *f = &check.finding[i];
        bool here = strcmp(nnc_graph_node_const(g, f->node)->name, node) == 0;
        found = found || (here && strcmp(f->rule->id, rule) == 0);
        if (here && strcmp(f->rule->id, rule) == 0 && f->rule->effect != NNC_EFFECT_RISK) {
            assert_true(check.verdict[f->node] >= NNC_VERDICT_FLOAT);
        }
    }
    nnc_target_check_deinit(&check);
    return found;
}

static void test_every_rule_is_broken_and_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const nnc_target *target = nnc_target_find(cases[i].target);
        nnc_graph *g = base(target);
        if (finds(g, target, cases[i].node, cases[i].rule, false)) {
            fail_msg("%s: the fixed twin breaks %s at %s", cases[i].target, cases[i].rule, cases[i].node);
        }
        if (cases[i].change) {
            cases[i].change(g);
        }
        if (!finds(g, target, cases[i].node, cases[i].rule, cases[i].change == NULL)) {
            fail_msg("%s: %s is not found at %s", cases[i].target, cases[i].rule, cases[i].node);
        }
        nnc_graph_destroy(g);
    }
}

static void test_every_rule_has_a_case(void **state)
{
    const nnc_target_rule *rule;
    (void)state;
    for (size_t i = 0; (rule = nnc_target_rule_row(i)) != NULL; i++) {
        bool has = false, used = false;
        for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
            has = has || strcmp(cases[k].rule, rule->id) == 0;
        }
        for (size_t t = 0; nnc_target_row(t); t++) {
            const char *op = strchr(rule->ops, '*') ? "Conv" : NULL;
            char first[32];
            snprintf(first, sizeof(first), "%.*s", (int)strcspn(rule->ops, " "), rule->ops);
            used = used || nnc_target_rule_applies(rule, nnc_target_row(t), op ? op : first);
        }
        if (!has || !used) {
            fail_msg("rule %s %s", rule->id, has ? "speaks of no target" : "has no case");
        }
    }
}

/* What a target's own quantization makes breaks none of the rules that refuse. */
static void test_targets_keep_their_own_rules(void **state)
{
    (void)state;
    for (size_t t = 0; nnc_target_row(t); t++) {
        nnc_target_check check;
        nnc_graph *g = base(nnc_target_row(t));
        MG_OK(nnc_target_check_run(&check, g, nnc_target_row(t), false));
        print_message("%s: %u in INT8, %u moved, %u float\n", nnc_target_row(t)->name, check.count[NNC_VERDICT_INTEGER],
                      check.count[NNC_VERDICT_MOVE], check.count[NNC_VERDICT_FLOAT]);
        assert_int_equal(check.count[NNC_VERDICT_REFUSED] + check.count[NNC_VERDICT_UNKNOWN], 0);
        for (size_t i = 0; i < check.finding_count; i++) {
            /* Symmetric grids go below what a Relu leaves; TensorRT has no known integer Resize. */
            const char *known = check.target->least_side ? "no-integer-form" : "clamp-cuts";
            assert_true(check.target->activation_symmetric);
            assert_string_equal(check.finding[i].rule->id, known);
        }
        nnc_target_check_deinit(&check);
        nnc_graph_destroy(g);
    }
}

static void test_names(void **state)
{
    const nnc_target *list[NNC_TARGETS_MAX];
    (void)state;
    assert_null(nnc_target_find("moon"));
    assert_int_equal(nnc_target_list(list, (const char *const[]){"ort", "trt10"}, 2), NNC_OK);
    assert_ptr_equal(list[1], nnc_target_find("trt10"));
    assert_int_equal(nnc_target_list(list, (const char *const[]){"ort", "ort"}, 2), NNC_ERR_USAGE);
    assert_non_null(strstr(nnc_error_message(), "twice"));
    assert_int_equal(nnc_target_list(list, (const char *const[]){"trt1"}, 1), NNC_ERR_USAGE);
    assert_non_null(strstr(nnc_error_message(), "did you mean"));
}

/* ---- docs/targets.md ---- */

static const char *yes(bool value)
{
    return value ? "yes" : "no";
}

static void make_targets(nnc_str *out)
{
    nnc_str_append(out, "## Profiles\n\n| target | reader | activations | weights | bias | Concat | grid between a product and its Add | "
                        "grid behind the last products | stay float | opset |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; nnc_target_row(i); i++) {
        const nnc_target *t = nnc_target_row(i);
        nnc_str_appendf(out, "| %s | %s | %s, %s | %s | %s | %s | %s | %s |", t->name, t->reader,
                        t->activation == NNC_DTYPE_UINT8 ? "u8" : "s8",
                        t->activation_symmetric ? "symmetric" : "asymmetric",
                        t->weight_max == 127 ? "s8" : "s8 within ±64, or u8", t->bias_int32 ? "int32" : "float",
                        t->concat_one_scale ? "one grid" : "grids of their own", yes(!t->add_in_product),
                        t->tail_grids ? "yes, up to 0.5 dB" : "no");
        if (t->least_side || t->skip_vectors) {
            nnc_str_appendf(out, " Gemm, MatMul with one row or column, or a side below %lld |", (long long)t->least_side);
        } else {
            nnc_str_append(out, " – |");
        }
        nnc_str_appendf(out, " from %d", t->opset_min);
        if (t->opset_max) {
            nnc_str_appendf(out, " to %d", t->opset_max);
        }
        nnc_str_append(out, " |\n");
    }
    nnc_str_append(out, "\nWhat is done with each file before it ships, in the words of the report:\n\n");
    for (size_t i = 0; nnc_target_row(i); i++) {
        nnc_str_appendf(out, "- %s: %s\n", nnc_target_row(i)->name, nnc_target_row(i)->proof);
    }
}

static void make_rules(nnc_str *out)
{
    static const char *const effects[] = {"float", "refused", "unknown", "risk"};
    nnc_str_append(out, "\n## Operators that run in integers\n\n| targets | computes | passes integers on |\n|---|---|---|\n");
    for (size_t i = 0; nnc_target_ops_row(i); i++) {
        const nnc_target_ops *o = nnc_target_ops_row(i);
        if (o->form == NNC_FORM_INTEGER) {
            nnc_str_appendf(out, "| %s | %s |", o->targets, o->ops);
        } else {
            nnc_str_appendf(out, " %s |\n", o->ops);
        }
    }
    nnc_str_append(out, "\n## Rules\n\nAsked of every node in this order; the first that is float, refused or unknown decides.\n\n"
                        "| rule | targets | operators | asks | effect | why | fix |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; nnc_target_rule_row(i); i++) {
        const nnc_target_rule *r = nnc_target_rule_row(i);
        nnc_str_appendf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", r->id, strcmp(r->targets, "*") == 0 ? "all" : r->targets,
                        strcmp(r->ops, "*") == 0 ? "all" : r->ops, nnc_condition_help(r->condition), effects[r->effect],
                        r->message, r->fix);
    }
}

static void make_page(nnc_str *out)
{
    nnc_str_append(
        out,
        "# Targets\n\nGenerated from `src/graph/targets.def` and `src/graph/target_rules.def` by the test `targets` (run it with "
        "`NNC_UPDATE_DOCS=1` to write this file again).\n\n"
        "`--target` names who reads the file. `--target ort,trt10` calibrates once and writes one file per target: `-o small.onnx` gives\n"
        "`small.ort.onnx` and `small.trt10.onnx`, with one report for all (with one target the name stays as given). The statistics of the\n"
        "samples are shared; ranges, biases and the choice of forms are made for each target anew, and each file is reopened, run bit by bit\n"
        "against the graph in memory, measured, and held to the rules below. Either all files appear or none. Gates judge every file.\n\n"
        "`nncompress check MODEL --target NAME[,NAME]` lists node by node what will not run in INT8 there, why, and the fix (`--json` for\n"
        "programs). A float model is judged as `--int8` would leave it, with made-up ranges: rules about the ends of grids then assume that a\n"
        "grid ends where a Relu does. Exit code 0: all arithmetic runs in INT8. 1: some does not (a Softmax at the end is enough). 4: an\n"
        "operator that the target is not known to have. Movement of floats (Reshape, Transpose, ...) is not listed.\n\n"
        "What the rules predict against what ONNX Runtime and OpenVINO execute: [reports/targets.md](../reports/targets.md). TensorRT's rules\n"
        "come from its documentation and its parser's source; no engine was built. ncnn, MNN, TNN, MACE and LiteRT read formats of their own\n"
        "or their own tables, and are no targets.\n\n");
    make_targets(out);
    make_rules(out);
}

static void test_page_is_up_to_date(void **state)
{
    const char *path = NNC_TEST_SOURCE_DIR "/docs/targets.md";
    nnc_str page = {0};
    nnc_file_map file;
    (void)state;
    make_page(&page);
    if (getenv("NNC_UPDATE_DOCS")) {
        nnc_file_out *out;
        MG_OK(nnc_file_out_create(&out, path, NNC_FILE_REPLACE));
        MG_OK(nnc_file_out_write(out, page.data, page.len));
        MG_OK(nnc_file_out_commit(out));
    }
    MG_OK(nnc_file_map_open(&file, path, 1 << 20));
    bool same = file.bytes == page.len && memcmp(file.data, page.data, page.len) == 0;
    if (!same) {
        print_error("docs/targets.md is out of date: run test_targets with NNC_UPDATE_DOCS=1\n");
    }
    assert_true(same);
    nnc_file_map_close(&file);
    nnc_str_deinit(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_is_broken_and_kept), cmocka_unit_test(test_every_rule_has_a_case),
        cmocka_unit_test(test_targets_keep_their_own_rules),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_page_is_up_to_date),
    };
    return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
