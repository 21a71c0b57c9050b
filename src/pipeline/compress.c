/* The main job with its options. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compress.h"

#include <string.h>

#include "base/str.h"
#include "pipeline/config.h"
#include "pipeline/outputs.h"
#include "pipeline/targets.h"

#define ROW(name, sh, kind, member, meta, help, group, min, max, choices)                          \
    NNC_OPT(nnc_compress_options, name, sh, kind, member, meta, help, group, min, max, choices)
#define OPT_INT8(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, step_int8.member, meta, help, "INT8", min, max, choices),
#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, data.member, meta, help, "Samples", min, max, choices),
#define OPT_TASK OPT_DATA
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    ROW(name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_DEVICE(name, sh, kind, member, meta, help, min, max, choices)                          \
    ROW(name, sh, kind, run.member, meta, help, "Running", min, max, choices),
#define OPT_GATE(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, gates.member, meta, help, "Gates", min, max, choices),
#define OPT_GATE_PAIR OPT_GATE
const nnc_option nnc_compress_table[] = {
    ROW("int8", 0, FLAG, int8, NULL, "quantize weights and activations to 8 bits", "Steps", 0, 0, NULL),
    ROW("output", 'o', STRING, output, "FILE",
        "result, .onnx or .nncp (default MODEL.int8.onnx in the working folder)", "Files", 0, 0, NULL),
    ROW("force", 'f', FLAG, force, NULL, "replace existing output files", "Files", 0, 0, NULL),
    ROW("write-recipe", 0, FLAG, write_recipe, NULL,
        "write the resolved recipe and a lock file beside the output (default; --no-write-recipe for none)", "Files", 0, 0,
        NULL),
#define NNC_RENDERER(name)
#define NNC_OUTPUT(name, flag, report, help)                                                       \
    ROW(flag, 0, STRING, files.path[NNC_OUTPUT_##name], "FILE", help, "Reports", 0, 0, NULL),
#include "reports/renderers.def"
    ROW("reports", 0, STRING, reports, "WHERE", "every format: all (beside the output) or a folder", "Reports", 0,
        0, NULL),
    ROW("write-report", 0, FLAG, write_report, NULL,
        "HTML and JSON beside the output (default; --no-write-report: only what is named)", "Reports", 0, 0, NULL),
    ROW("recipe", 0, STRING, recipe, "FILE", "options from a YAML recipe; flags and NNCOMPRESS_<OPTION> variables override it",
        "Recipe", 0, 0, NULL),
    ROW("print-config", 0, FLAG, print_config, NULL, "print every option with its value and origin, and stop", "Recipe", 0, 0,
        NULL),
    ROW("dry-run", 0, FLAG, dry_run, NULL, "load model and data, predict the result, write nothing", "Recipe", 0, 0, NULL),
    ROW("resume", 0, FLAG, resume, NULL, "keep finished work beside the output, and go on from it when it is there", "Recipe",
        0, 0, NULL),
    ROW("locked", 0, STRING, locked, "FILE", "refuse to run unless model, data and settings are those of this lock file",
        "Recipe", 0, 0, NULL),
#include "pipeline/step_int8.def"
    ROW("calib", 0, STRING, calib, "PATH",
        "calibration samples: image folder, file.h5#images, .npy, .npz, IDX, test_data_set_N, or random:N",
        "Samples", 0, 0, NULL),
    ROW("samples", 'n', INT, samples, "N", "calibration samples to use (default 300; 20 % of them judge)",
        "Samples", 1, 1e9, NULL),
    ROW("eval", 0, STRING, eval, "PATH", "labelled samples to measure the accuracy on", "Samples", 0, 0, NULL),
    ROW("seed", 0, INT, seed, "N", "seed of the choice of samples (default 0)", "Samples", 0, 1e15, NULL),
#include "pipeline/options.def"
    ROW("bench-seconds", 0, DOUBLE, bench_seconds, "S", "latency measurement per model (default 1; 0 for none)",
        "Running", 0, 3600, NULL),
#include "pipeline/gates.def"
    {0},
};

/* "dir/model.onnx" -> "model" + suffix, in the working folder. */
static void default_name(nnc_str *out, const char *path, const char *suffix)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    const char *dot = strrchr(base, '.');
    nnc_str_append_n(out, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
    nnc_str_append(out, suffix);
}

/* "x.int8.onnx" -> "x.int8.lock.json". */
static void beside(nnc_str *out, const char *output, const char *extension)
{
    const char *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - output) : strlen(output);
    nnc_str_append_n(out, output, n);
    nnc_str_append(out, extension);
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && strcmp(s + n - m, suffix) == 0;
}

static nnc_status check_options(const nnc_compress_options *o, const char *model, const char *output)
{
    if (!o->int8) {
        NNC_FAIL(NNC_ERR_USAGE, "nothing to do: add --int8, for example: nncompress %s --int8 --calib images/",
                 model);
    }
    if (!o->calib) {
        NNC_FAIL(NNC_ERR_USAGE, "--int8 needs samples to find the value ranges: nncompress %s --int8 --calib "
                 "images/ --preprocess imagenet-torch (random numbers only on request: --calib random:64)", model);
    }
    if (!has_suffix(output, ".onnx") && !has_suffix(output, ".nncp")) {
        NNC_FAIL(NNC_ERR_USAGE, "output '%s' must end in .onnx or .nncp", output);
    }
    return NNC_OK;
}

nnc_compress_options nnc_compress_defaults(void)
{
    return (nnc_compress_options){.write_report = true, .write_recipe = true, .samples = 300, .bench_seconds = 1,
                                  .data = NNC_DATA_DEFAULTS,
                                  .step_int8 = nnc_int8_defaults()};
}

void nnc_compress_options_deinit(nnc_compress_options *options)
{
    nnc_option_list_deinit(&options->run.shapes);
    nnc_option_list_deinit(&options->step_int8.exclude);
    nnc_option_list_deinit(&options->step_int8.target);
}

static const nnc_option *row_of(const char *name)
{
    return nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), name);
}

static bool is_on(const nnc_compress_options *options, const nnc_step *step)
{
    return *(const bool *)(const void *)((const char *)options + row_of(step->name)->offset);
}

/* The step's options inside of the job's: both tables have the same rows. */
static const void *options_of(const nnc_compress_options *options, const nnc_step *step)
{
    return (const char *)options + row_of(step->options[0].name)->offset - step->options[0].offset;
}

size_t nnc_compress_steps(const nnc_step *steps[NNC_STEPS_MAX], const nnc_compress_options *options)
{
    size_t n = 0;
    for (size_t i = 0; i < options->order_count; i++) {
        if (is_on(options, options->order[i])) {
            steps[n++] = options->order[i];
        }
    }
    for (size_t i = 0; nnc_step_row(i) && n < NNC_STEPS_MAX; i++) {
        bool listed = false;
        for (size_t k = 0; k < options->order_count; k++) {
            listed = listed || options->order[k] == nnc_step_row(i);
        }
        if (!listed && is_on(options, nnc_step_row(i))) {
            steps[n++] = nnc_step_row(i);
        }
    }
    return n;
}

/* File names that follow from the output's. */
typedef struct names {
    nnc_str output, file, recipe, lock; /* file: of the first target */
    nnc_output_names reports;
} names;

static void names_init(names *n, const nnc_compress_options *o, const char *model)
{
    *n = (names){0};
    if (o->output) {
        nnc_str_append(&n->output, o->output);
    } else {
        default_name(&n->output, model, ".int8.onnx");
    }
    beside(&n->recipe, nnc_str_get(&n->output), ".recipe.yaml");
    beside(&n->lock, nnc_str_get(&n->output), ".lock.json");
}

static void names_deinit(names *n)
{
    nnc_str_deinit(&n->output);
    nnc_str_deinit(&n->file);
    nnc_output_names_deinit(&n->reports);
    nnc_str_deinit(&n->recipe);
    nnc_str_deinit(&n->lock);
}

nnc_status nnc_compress_run(nnc_report **report, const nnc_config *config, const char *command, const nnc_log *log)
{
    const nnc_compress_options *o = &config->options;
    const nnc_step *order[NNC_STEPS_MAX];
    nnc_recipe_step steps[NNC_STEPS_MAX];
    names n;
    *report = NULL;
    names_init(&n, o, config->model);
    nnc_recipe recipe = {.config = config, .model = config->model, .output = nnc_str_get(&n.output),
                         .named_output = nnc_str_get(&n.output), .force = o->force,
                         .steps = steps, .step_count = nnc_compress_steps(order, o), .calib = o->calib, .eval = o->eval,
                         .samples = o->samples, .seed = o->seed, .bench_seconds = o->bench_seconds, .command = command,
                         .data = o->data, .run = o->run, .cache = o->step_int8.cache};
    for (size_t i = 0; i < recipe.step_count; i++) {
        steps[i] = (nnc_recipe_step){order[i], options_of(o, order[i])};
    }
    if (o->write_recipe) {
        recipe.recipe_out = nnc_str_get(&n.recipe);
        recipe.lock_out = nnc_str_get(&n.lock);
    }
    nnc_gates gates = {0};
    nnc_status status = check_options(o, config->model, recipe.output);
    status = status == NNC_OK ? nnc_output_names_init(&n.reports, &o->files, o->reports, o->write_report, recipe.output)
                              : status;
    status = status == NNC_OK ? nnc_targets_output(&n.file, recipe.output, &o->step_int8.target) : status;
    recipe.output = nnc_str_get(&n.file);
    recipe.reports = n.reports.files;
    status = status == NNC_OK ? nnc_gates_init(&gates, &o->gates, "compress") : status;
    status = status == NNC_OK ? nnc_gates_check(&gates, o->eval != NULL, o->bench_seconds) : status;
    recipe.gates = &gates;
    status = status == NNC_OK ? nnc_pipeline_run(report, &recipe, log) : status;
    nnc_gates_deinit(&gates);
    names_deinit(&n);
    return status;
}
