/* nncompress compress: the main job. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/common.h"
#include "pipeline/pipeline.h"

typedef struct compress_options {
    const char *output, *report, *report_json;
    bool force, int8, write_report;
    const char *calib, *eval;
    int64_t samples, seed;
    double bench_seconds;
    nnc_int8_options step_int8;
    nnc_data_flags data;
    nnc_run_flags run;
} compress_options;

#define ROW(name, sh, kind, member, meta, help, group, min, max, choices)                          \
    NNC_OPT(compress_options, name, sh, kind, member, meta, help, group, min, max, choices)
#define OPT_INT8(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, step_int8.member, meta, help, "INT8", min, max, choices),
#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, data.member, meta, help, "Samples", min, max, choices),
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    ROW(name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    ROW("int8", 0, FLAG, int8, NULL, "quantize weights and activations to 8 bits", "Steps", 0, 0, NULL),
    ROW("output", 'o', STRING, output, "FILE",
        "result, .onnx or .nncp (default MODEL.int8.onnx in the working folder)", "Files", 0, 0, NULL),
    ROW("force", 'f', FLAG, force, NULL, "replace existing output files", "Files", 0, 0, NULL),
    ROW("report", 0, STRING, report, "FILE", "HTML report (default beside the output)", "Files", 0, 0, NULL),
    ROW("report-json", 0, STRING, report_json, "FILE", "JSON report (default beside the output)", "Files", 0, 0,
        NULL),
    ROW("write-report", 0, FLAG, write_report, NULL, "write both reports (default; --no-write-report for none)",
        "Files", 0, 0, NULL),
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

/* "x.int8.onnx" -> "x.int8.html". */
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

static nnc_status check_options(const compress_options *o, const char *model, const char *output)
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

static nnc_status print_result(const nnc_cli *cli, const compress_options *o, const nnc_report *report)
{
    if (o->run.json) {
        return nnc_cli_print_json(report);
    }
    nnc_str text = {0};
    nnc_render_options render = {.color = cli->color, .unicode = cli->unicode};
    nnc_status status = nnc_renderer_find("terminal")->render(&text, report, &render);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status compress(const nnc_cli *cli, const compress_options *o, const char *model)
{
    nnc_str output = {0}, html = {0}, json = {0};
    if (o->output) {
        nnc_str_append(&output, o->output);
    } else {
        default_name(&output, model, ".int8.onnx");
    }
    beside(&html, nnc_str_get(&output), ".html");
    beside(&json, nnc_str_get(&output), ".json");
    nnc_recipe_step steps[] = {{nnc_step_find("int8"), &o->step_int8}};
    nnc_recipe recipe = {.model = model, .output = nnc_str_get(&output), .force = o->force, .steps = steps,
                         .step_count = 1, .calib = o->calib, .eval = o->eval, .samples = o->samples,
                         .seed = o->seed, .bench_seconds = o->bench_seconds, .command = cli->command,
                         .data = o->data, .run = o->run};
    if (o->write_report) {
        recipe.report_html = o->report ? o->report : nnc_str_get(&html);
        recipe.report_json = o->report_json ? o->report_json : nnc_str_get(&json);
    }
    nnc_report *report = NULL;
    nnc_status status = check_options(o, model, recipe.output);
    status = status == NNC_OK ? nnc_pipeline_run(&report, &recipe, cli->log) : status;
    if (report) {
        nnc_status printed = status == NNC_OK ? print_result(cli, o, report) : NNC_OK;
        status = status == NNC_OK ? printed : status;
    }
    nnc_report_destroy(report);
    nnc_str_deinit(&output);
    nnc_str_deinit(&html);
    nnc_str_deinit(&json);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    compress_options o = {.write_report = true, .bench_seconds = 1, .step_int8 = nnc_int8_defaults()};
    nnc_option_list words = {0};
    char *found = NULL;
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_compress, &o, &words, 0, 1);
    if (status == NNC_OK && words.count == 0) {
        status = nnc_source_find(&found, o.calib);
        if (status == NNC_OK) {
            nnc_log_info(cli->log, "no model named: taking %s, the only .onnx here", found);
        }
    }
    if (status == NNC_OK) {
        status = compress(cli, &o, found ? found : words.items[0]);
    }
    nnc_free(found);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    nnc_option_list_deinit(&o.step_int8.exclude);
    return status;
}

const nnc_verb nnc_verb_compress = {
    .name = "compress",
    .summary = "makes a model smaller and faster, and proves the cost (the default verb)",
    .usage = "[compress] MODEL.onnx --int8 --calib PATH [--eval PATH [--labels FILE]] [-o OUT] [options]",
    .examples = "  nncompress model.onnx --int8 --calib images/ --preprocess imagenet-torch\n"
                "  nncompress model.onnx --int8 --calib train.h5#images --eval test.h5#images -o small.onnx\n"
                "  nncompress model.onnx --int8 --calib images/ --preprocess keras-tf --target portable\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
