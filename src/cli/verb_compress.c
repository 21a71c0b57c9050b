/* nncompress compress: the main job. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "cli/common.h"
#include "pipeline/compress.h"

static nnc_status print_result(const nnc_cli *cli, const nnc_compress_options *o, const nnc_report *report)
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

static nnc_status compress(const nnc_cli *cli, const nnc_compress_options *o, const char *model)
{
    nnc_report *report = NULL;
    nnc_status status = nnc_compress_run(&report, o, model, cli->command, cli->log);
    if (report) { /* a refused result has one too */
        nnc_status printed = print_result(cli, o, report);
        status = printed == NNC_OK ? status : printed;
    }
    nnc_report_destroy(report);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    nnc_compress_options o = nnc_compress_defaults();
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
    nnc_compress_options_deinit(&o);
    return status;
}

const nnc_verb nnc_verb_compress = {
    .name = "compress",
    .summary = "makes a model smaller and faster, and proves the cost (the default verb)",
    .usage = "[compress] MODEL.onnx --int8 --calib PATH [--eval PATH [--labels FILE]] [-o OUT] [options]",
    .examples = "  nncompress model.onnx --int8 --calib images/ --preprocess imagenet-torch\n"
                "  nncompress model.onnx --int8 --calib train.h5#images --eval test.h5#images\n"
                "  nncompress model.onnx --int8 --calib images/ --target portable -o small.onnx\n",
    .options = nnc_compress_table,
    .run = run,
};
