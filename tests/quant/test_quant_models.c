/* Accuracy of trained models in INT8 against FP32. SPDX-License-Identifier: Apache-2.0
 * Without arguments a short test. `test_quant_models CALIB EVAL [METHOD,METHOD...] [TARGET] MODEL...` prints a table from so many samples;
 * NNC_TEST_DUMP=folder also writes these samples there. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "eval/eval.h"
#include "onnx/onnx.h"
#include "passes/pass.h"
#include "quant/model_cases.h"
#include "quant/quant.h"

static bool verbose;

static void say(void *user, nnc_log_level level, const char *text)
{
    (void)user;
    (void)level;
    if (verbose) {
        printf("  %s\n", text);
    }
}

static void must(nnc_status status, const char *what)
{
    if (status != NNC_OK) {
        printf("%s: %s\n", what, nnc_error_message());
        fflush(stdout);
        exit(1);
    }
}

static nnc_dataset *open_data(const model_case *c, const nnc_graph *graph, const char *spec, size_t max,
                              const nnc_log *log)
{
    const nnc_value *x = nnc_graph_value_const(graph, nnc_graph_input(graph, 0));
    nnc_dataset_input input = {x->name, x->dtype, x->shape};
    nnc_dataset_options options = {.inputs = &input, .input_count = 1, .preset = c->preset, .mean = c->mean, .std = c->std,
                                   .color = c->color, .scale = c->scale, .crop = c->preset ? NULL : c->mean ? "224" : NULL,
                                   .label_offset = c->label_offset, .max_samples = max, .seed = 1};
    char path[512];
    snprintf(path, sizeof(path), NNC_TEST_SHARED_DIR "/data/%s", spec);
    nnc_dataset *data = NULL;
    must(nnc_dataset_open(&data, path, &options, log), path);
    return data;
}

typedef struct loaded_case {
    nnc_graph *graph;
    nnc_dataset *calib, *eval;
    size_t *calib_indices, *held_indices, *eval_indices;
    size_t calib_count, held_count, eval_count;
} loaded_case;

/* A fifth of the calibration samples is held back; with one set for both, odd samples judge. */
static void load_case(loaded_case *l, const model_case *c, size_t calib, size_t eval, const nnc_log *log)
{
    char path[512];
    snprintf(path, sizeof(path), NNC_TEST_SHARED_DIR "/models/%s/model.onnx", c->model);
    *l = (loaded_case){0};
    nnc_onnx_load_options load = {.keep_unsupported = true};
    nnc_onnx_info info = {0};
    nnc_pass_ctx passes = {.log = log, .isa_max = NNRT_ISA_BEST};
    must(nnc_onnx_load(&l->graph, path, &load, &info, log), path);
    must(nnc_passes_prepare(l->graph, &passes), path);
    bool same = strcmp(c->calib, c->eval) == 0;
    l->calib = open_data(c, l->graph, c->calib, same ? 0 : calib, log);
    l->eval = open_data(c, l->graph, c->eval, same ? 0 : eval, log);
    size_t n = nnc_dataset_count(l->calib), m = nnc_dataset_count(l->eval);
    l->calib_indices = calloc(n + 1, sizeof(size_t));
    l->held_indices = calloc(n + 1, sizeof(size_t));
    l->eval_indices = calloc(m + 1, sizeof(size_t));
    for (size_t i = 0; i < n; i += same ? 2 : 1) {
        size_t seen = l->calib_count + l->held_count;
        if (seen < calib) {
            if (seen % 5 == 4) {
                l->held_indices[l->held_count++] = i;
            } else {
                l->calib_indices[l->calib_count++] = i;
            }
        }
    }
    for (size_t i = same ? 1 : 0; i < m && l->eval_count < eval; i += same ? 2 : 1) {
        l->eval_indices[l->eval_count++] = i;
    }
}

static void unload_case(loaded_case *l)
{
    nnc_graph_destroy(l->graph);
    nnc_dataset_destroy(l->calib);
    nnc_dataset_destroy(l->eval);
    free(l->calib_indices);
    free(l->held_indices);
    free(l->eval_indices);
}

typedef struct outcome {
    nnc_accuracy accuracy;
    double seconds, sqnr, macs_integer;
    nnc_quant_result result;
} outcome;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_method(outcome *out, loaded_case *l, const char *method, const char *target, const nnc_log *log)
{
    nnc_graph *graph;
    nnc_exec *fp32, *int8;
    *out = (outcome){0};
    must(nnc_graph_clone(&graph, l->graph), "clone");
    nnc_quant_options options = {.target = nnc_target_find(target), .method = method, .percentile = 99.999,
                                 .per_channel = true, .bias_correction = getenv("NNC_TEST_NO_BIAS") == NULL,
                                 .calib_indices = l->calib_indices, .calib_count = l->calib_count,
                                 .held_indices = l->held_indices, .held_count = l->held_count,
                                 .isa_max = NNRT_ISA_BEST};
    double start = now();
    must(nnc_quantize_graph(&out->result, graph, l->calib, &options, log), method);
    out->seconds = now() - start;
    uint64_t all = 0, integer = 0;
    for (size_t i = 0; i < out->result.node_count; i++) {
        all += out->result.nodes[i].macs;
        integer += out->result.nodes[i].integer ? out->result.nodes[i].macs : 0;
    }
    out->macs_integer = all ? (double)integer / (double)all : 0;
    nnc_exec_options exec = {.isa_max = NNRT_ISA_BEST};
    must(nnc_exec_create(&fp32, l->graph, &exec), "fp32");
    must(nnc_exec_create(&int8, graph, &exec), "int8");
    nnc_eval_options eval = {.isa_max = NNRT_ISA_BEST, .indices = l->eval_indices, .index_count = l->eval_count};
    must(nnc_eval_accuracy(&out->accuracy, fp32, int8, l->eval, &eval, log), "eval");
    out->sqnr = nnc_error_sqnr_db(&out->accuracy.output);
    nnc_exec_destroy(fp32);
    nnc_exec_destroy(int8);
    nnc_graph_destroy(graph);
}

static void free_outcome(outcome *o)
{
    nnc_accuracy_deinit(&o->accuracy);
    nnc_quant_result_deinit(&o->result);
}

static void print_nodes(const outcome *o, const nnc_graph *graph)
{
    for (size_t i = 0; i < o->result.node_count; i++) {
        const nnc_quant_node_info *info = &o->result.nodes[i];
        char label[160];
        if (!info->integer) {
            printf("    float: %s: %s\n", nnc_node_label(label, sizeof(label), graph, info->node), info->reason);
        }
    }
}

/* Raw float32 inputs and int64 labels of some samples, for other tools. */
static void dump(const char *prefix, const nnc_dataset *data, const size_t *indices, size_t count)
{
    char path[600];
    snprintf(path, sizeof(path), "%s.x", prefix);
    FILE *x = fopen(path, "wb");
    snprintf(path, sizeof(path), "%s.y", prefix);
    FILE *y = fopen(path, "wb");
    for (size_t i = 0; x && y && i < count; i++) {
        nnc_sample s;
        must(nnc_dataset_get(&s, data, indices[i]), "sample");
        fwrite(nnc_tensor_data(&s.inputs[0]), 1, nnc_tensor_bytes(&s.inputs[0]), x);
        fwrite(&s.label, sizeof(s.label), 1, y);
        nnc_sample_deinit(&s);
    }
    must(x && y && fclose(x) == 0 && fclose(y) == 0 ? NNC_OK : NNC_ERR_IO, path);
}

static int table(int argc, char **argv)
{
    size_t calib = (size_t)atol(argv[1]), eval = (size_t)atol(argv[2]);
    const char *target = argc > 4 ? argv[4] : "ort";
    const nnc_log log = {.message = say};
    verbose = getenv("NNC_TEST_VERBOSE") != NULL;
    for (size_t k = 0; k < sizeof(model_cases) / sizeof(model_cases[0]); k++) {
        const model_case *c = &model_cases[k];
        bool wanted = argc <= 5;
        for (int a = 5; a < argc; a++) {
            wanted = wanted || strcmp(argv[a], c->model) == 0;
        }
        if (!wanted) {
            continue;
        }
        loaded_case l;
        load_case(&l, c, calib, eval, &log);
        if (getenv("NNC_TEST_DUMP")) {
            char prefix[512];
            snprintf(prefix, sizeof(prefix), "%s/%s.calib", getenv("NNC_TEST_DUMP"), c->model);
            dump(prefix, l.calib, l.calib_indices, l.calib_count);
            snprintf(prefix, sizeof(prefix), "%s/%s.eval", getenv("NNC_TEST_DUMP"), c->model);
            dump(prefix, l.eval, l.eval_indices, l.eval_count);
        }
        char methods[256];
        snprintf(methods, sizeof(methods), "%s", argc > 3 ? argv[3] : "minmax,auto");
        for (char *m = strtok(methods, ","); m; m = strtok(NULL, ",")) {
            outcome o;
            run_method(&o, &l, m, target, &log);
            double n = (double)o.accuracy.samples;
            printf("%-26s %-10s fp32 %6.2f int8 %6.2f drop %+5.2f agree %6.2f sqnr %6.2f macs %6.2f%% %5.1fs | %s auto %.2f/%.3f minmax "
                   "%.2f/%.3f\n",
                   c->model, m, 100 * (double)o.accuracy.top1_a / n, 100 * (double)o.accuracy.top1_b / n,
                   100 * o.accuracy.drop, 100 * (double)o.accuracy.agree / n, o.sqnr, 100 * o.macs_integer, o.seconds,
                   o.result.method, o.result.sqnr_auto, o.result.agree_auto, o.result.sqnr_minmax, o.result.agree_minmax);
            fflush(stdout);
            if (verbose) {
                print_nodes(&o, l.graph);
            }
            free_outcome(&o);
        }
        unload_case(&l);
    }
    return 0;
}

static void quick(void **state)
{
    const model_case *c = *state;
    loaded_case l;
    load_case(&l, c, c->quick_calib, c->quick_eval, NULL);
    outcome o;
    run_method(&o, &l, "auto", "ort", NULL);
    printf("%s: fp32 %zu int8 %zu of %zu right, SQNR %.2f dB\n", c->model, o.accuracy.top1_a, o.accuracy.top1_b,
           o.accuracy.samples, o.sqnr);
    assert_true(o.accuracy.labelled && o.accuracy.samples == c->quick_eval);
    assert_true((double)o.accuracy.top1_a / (double)o.accuracy.samples > 0.5);
    assert_true(o.accuracy.drop <= c->quick_drop);
    assert_true(o.macs_integer >= 0.99);
    assert_true(o.result.sqnr_auto > 10);
    free_outcome(&o);
    unload_case(&l);
}

int main(int argc, char **argv)
{
    if (!nnc_file_is_dir(NNC_TEST_SHARED_DIR "/models")) {
        printf("skipped: no shared models at %s\n", NNC_TEST_SHARED_DIR);
        return 77;
    }
    if (argc > 2) {
        return table(argc, argv);
    }
    struct CMUnitTest tests[16];
    size_t count = 0;
    for (size_t k = 0; k < sizeof(model_cases) / sizeof(model_cases[0]); k++) {
        if (model_cases[k].quick_calib) {
            tests[count++] = (struct CMUnitTest){model_cases[k].model, quick, NULL, NULL, (void *)&model_cases[k]};
        }
    }
    return _cmocka_run_group_tests("models", tests, count, NULL, NULL);
}
