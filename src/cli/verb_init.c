/* nncompress init: a commented recipe for a model and its data. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/common.h"
#include "pipeline/outputs.h"
#include "pipeline/recipe_init.h"

typedef struct init_options {
    const char *recipe;
    bool force;
    nnc_compress_options job; /* what the recipe will say */
} init_options;

#define ROW(name, sh, kind, member, meta, help, group, min, max, choices)                          \
    NNC_OPT(init_options, name, sh, kind, member, meta, help, group, min, max, choices)
#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    ROW(name, sh, kind, job.data.member, meta, help, "Samples", min, max, choices),
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    ROW(name, sh, kind, job.run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    ROW("output", 'o', STRING, recipe, "FILE", "recipe to write (default MODEL.yaml in the working folder)", "Files", 0, 0,
        NULL),
    ROW("force", 'f', FLAG, force, NULL, "replace an existing file", "Files", 0, 0, NULL),
    ROW("calib", 0, STRING, job.calib, "PATH", "calibration samples, which are looked at", "Samples", 0, 0, NULL),
    ROW("samples", 'n', INT, job.samples, "N", "calibration samples to use (default 300)", "Samples", 1, 1e9, NULL),
    ROW("eval", 0, STRING, job.eval, "PATH", "labelled samples to measure the accuracy on", "Samples", 0, 0, NULL),
#include "pipeline/options.def"
    {0},
};

/* "dir/model.onnx" -> "model.yaml". */
static void default_name(nnc_str *out, const char *model)
{
    const char *base = strrchr(model, '/');
    base = base ? base + 1 : model;
    const char *dot = strrchr(base, '.');
    nnc_str_append_n(out, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
    nnc_str_append(out, ".yaml");
}

static nnc_status write_recipe(const nnc_cli *cli, const init_options *o, nnc_config *config)
{
    nnc_str name = {0}, text = {0};
    if (o->recipe) {
        nnc_str_append(&name, o->recipe);
    } else {
        default_name(&name, config->model);
    }
    const char *path = nnc_str_get(&name);
    nnc_status status = nnc_str_status(&name);
    if (status == NNC_OK && (nnc_file_same_target(path, config->model) || (o->job.calib && nnc_file_same_target(path, o->job.calib)))) {
        status = nnc_error_set(NNC_ERR_USAGE, "%s: the recipe is the input", path);
    }
    status = status == NNC_OK ? nnc_file_check_output(path, o->force) : status;
    status = status == NNC_OK ? nnc_recipe_init(&text, config, path, cli->log) : status;
    status = status == NNC_OK ? nnc_output_write_text(path, &text, o->force) : status;
    if (status == NNC_OK) {
        nnc_str_clear(&text);
        nnc_str_append(&text, "wrote ");
        nnc_str_append_printable(&text, path, 0);
        nnc_str_append(&text, "; next: nncompress --recipe ");
        nnc_str_append_printable(&text, path, 0);
        nnc_str_append(&text, o->job.calib ? "\n" : " --calib DATA\n");
        status = nnc_out(nnc_str_get(&text));
    }
    nnc_str_deinit(&text);
    nnc_str_deinit(&name);
    return status;
}

/* The options as those of compress: what was given stands in the recipe as a line. */
static void take_options(nnc_config *config, const init_options *o, const bool *seen)
{
    config->options = o->job;
    for (size_t i = 0; options[i].name; i++) {
        const nnc_option *row = nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), options[i].name);
        if (row && seen[i] && strcmp(row->name, "output") != 0) {
            config->origins[row - nnc_compress_table].layer = NNC_LAYER_FLAG;
        }
    }
}

static nnc_status run(const nnc_cli *cli)
{
    init_options o = {.job = nnc_compress_defaults()};
    nnc_option_list words = {0};
    bool seen[sizeof(options) / sizeof(options[0])] = {false};
    nnc_config config;
    nnc_status status = nnc_config_defaults(&config);
    status = status == NNC_OK ? nnc_option_parse(options, nnc_option_count(options), &o, cli->argc, cli->argv, &words, seen)
                              : status;
    if (status == NNC_OK && words.count != 1) {
        status = nnc_error_set(NNC_ERR_USAGE, "%zu files given, expected 1. Usage: nncompress %s", words.count,
                               nnc_verb_init.usage);
    }
    take_options(&config, &o, seen);
    config.model = words.count ? words.items[0] : NULL;
    status = status == NNC_OK ? write_recipe(cli, &o, &config) : status;
    nnc_option_list_deinit(&words);
    nnc_config_deinit(&config);
    return status;
}

const nnc_verb nnc_verb_init = {
    .name = "init",
    .summary = "looks at a model and its data, and writes a commented recipe",
    .usage = "init MODEL.onnx [--calib PATH] [-o RECIPE.yaml] [options]",
    .examples = "  nncompress init model.onnx --calib images/ --preprocess imagenet-torch\n"
                "  nncompress init model.onnx -o recipes/model.yaml\n",
    .options = options,
    .run = run,
};
