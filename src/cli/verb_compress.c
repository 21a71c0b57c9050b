/* nncompress compress: the main job. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "cli/common.h"
#include "cli/dry_run.h"
#include "pipeline/config.h"

extern char **environ;

static nnc_status print_result(const nnc_cli *cli, const nnc_config *config, const nnc_report *report)
{
    if (config->options.run.json) {
        return nnc_cli_print_json(report);
    }
    if (config->options.dry_run) {
        return nnc_cli_print_dry_run(report);
    }
    nnc_str text = {0};
    nnc_render_options render = {.color = cli->color, .unicode = cli->unicode, .width = cli->columns};
    nnc_status status = nnc_renderer_find("terminal")->render(&text, report, &render);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status print_config(const nnc_config *config)
{
    nnc_str text = {0};
    nnc_status status = nnc_config_print(&text, config);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status compress(const nnc_cli *cli, nnc_config *config)
{
    char *found = NULL;
    nnc_report *report = NULL;
    nnc_status status = NNC_OK;
    if (config->options.print_config) {
        return print_config(config);
    }
    if (!config->model) {
        status = nnc_source_find(&found, config->options.calib);
        config->model = found;
        if (status == NNC_OK) {
            nnc_log_info(cli->log, "no model named: taking %s, the only .onnx here", found);
        }
    }
    status = status == NNC_OK ? nnc_compress_run(&report, config, cli->command, cli->log) : status;
    if (report) { /* a refused result has one too */
        nnc_status printed = print_result(cli, config, report);
        status = printed == NNC_OK ? status : printed;
    }
    nnc_report_destroy(report);
    nnc_free(found);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    nnc_config config;
    nnc_status status = nnc_config_init(&config, cli->argc, cli->argv, environ, cli->log);
    status = status == NNC_OK ? compress(cli, &config) : status;
    nnc_config_deinit(&config);
    return status;
}

const nnc_verb nnc_verb_compress = {
    .name = "compress",
    .summary = "makes a model smaller and faster, and proves the cost (the default verb)",
    .usage = "[compress] MODEL.onnx --int8 --calib PATH [--eval PATH [--labels FILE]] [-o OUT] [options]",
    .examples = "  nncompress model.onnx --int8 --calib images/ --preprocess imagenet-torch\n"
                "  nncompress model.onnx --int8 --calib train.h5#images --eval test.h5#images\n"
                "  nncompress model.onnx --int8 --calib images/ --target portable -o small.onnx\n"
                "  nncompress --recipe recipe.yaml --samples 500\n",
    .options = nnc_compress_table,
    .run = run,
};
