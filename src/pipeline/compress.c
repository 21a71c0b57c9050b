/* The main job with its options. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/compress.h"

#include <string.h>

#include "base/str.h"
#include "pipeline/outputs.h"

#define ROW(name, sh, kind, member, meta, help, group, min, max, choices)                          \
    NNC_OPT(nnc_compress_options, name, sh, kind, member, meta, help, group, min, max, choices)
#define OPT_INT8(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, step_int8.member, meta, help, "INT8", min, max, choices),
#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, data.member, meta, help, "Samples", min, max, choices),
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
#define NNC_RENDERER(name)
#define NNC_OUTPUT(name, flag, report, help)                                                       \
    ROW(flag, 0, STRING, files.path[NNC_OUTPUT_##name], "FILE", help, "Reports", 0, 0, NULL),
#include "reports/renderers.def"
    ROW("reports", 0, STRING, reports, "WHERE", "every format: all (beside the output) or a folder", "Reports", 0,
        0, NULL),
    ROW("write-report", 0, FLAG, write_report, NULL,
        "HTML and JSON beside the output (default; --no-write-report: only what is named)", "Reports", 0, 0, NULL),
#include "pipeline/step_int8.def"
    ROW("calib", 0, STRING, calib, "PATH",
        "calibration samples: image folder, file.h5#images, .npy, .npz, IDX, test_data_set_N, or random:N",
        "Samples", 0, 0, NULL),
    ROW("samples", 'n', INT, samples, "N", "calibration samples to use (default 300; 20 % of them judge)",
        "Samples", 1, 1e9, NULL),
    ROW("eval", 0, STRING, eval, "PATH", "labelled samples to measure the accuracy on", "Samples", 0, 0, NULL),
    ROW("seed", 0, INT, seed, "N", "seed of the choice of samples (default 0)", "Samples", 0, 1e15, NULL),
#include "pipeline/gates.def"
#include "pipeline/options.def"
    ROW("bench-seconds", 0, DOUBLE, bench_seconds, "S", "latency measurement per model (default 1; 0 for none)",
        "Running", 0, 3600, NULL),
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
    return (nnc_compress_options){.write_report = true, .bench_seconds = 1,
                                  .step_int8 = nnc_int8_defaults()};
}

void nnc_compress_options_deinit(nnc_compress_options *options)
{
    nnc_option_list_deinit(&options->run.shapes);
    nnc_option_list_deinit(&options->step_int8.exclude);
}

nnc_status nnc_compress_run(nnc_report **report, const nnc_compress_options *o, const char *model,
                            const char *command, const nnc_log *log)
{
    nnc_str output = {0};
    nnc_output_names names = {0};
    *report = NULL;
    if (o->output) {
        nnc_str_append(&output, o->output);
    } else {
        default_name(&output, model, ".int8.onnx");
    }
    nnc_recipe_step steps[] = {{nnc_step_find("int8"), &o->step_int8}};
    nnc_recipe recipe = {.model = model, .output = nnc_str_get(&output), .force = o->force, .steps = steps,
                         .step_count = 1, .calib = o->calib, .eval = o->eval, .samples = o->samples,
                         .seed = o->seed, .bench_seconds = o->bench_seconds, .command = command,
                         .data = o->data, .run = o->run, .cache = o->step_int8.cache};
    nnc_gates gates = {0};
    nnc_status status = check_options(o, model, recipe.output);
    status = status == NNC_OK ? nnc_output_names_init(&names, &o->files, o->reports, o->write_report, recipe.output)
                              : status;
    recipe.reports = names.files;
    status = status == NNC_OK ? nnc_gates_init(&gates, &o->gates, "compress") : status;
    status = status == NNC_OK ? nnc_gates_check(&gates, o->eval != NULL, o->bench_seconds) : status;
    recipe.gates = &gates;
    status = status == NNC_OK ? nnc_pipeline_run(report, &recipe, log) : status;
    nnc_gates_deinit(&gates);
    nnc_str_deinit(&output);
    nnc_output_names_deinit(&names);
    return status;
}
