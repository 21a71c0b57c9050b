/* nncompress check: validates a model file and lists its errors. SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"

typedef struct check_options {
    bool keep_unsupported;
    nnc_run_flags run;
} check_options;

#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(check_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(check_options, "keep-unsupported", 0, FLAG, keep_unsupported, NULL,
            "operators this build does not know are listed, not errors", "Checking", 0, 0, NULL),
#include "pipeline/options.def"
    {0},
};

static nnc_status check_file(const nnc_cli *cli, const check_options *o, const char *path)
{
    nnc_onnx_load_options load = {.shapes = o->run.shapes.items, .shape_count = o->run.shapes.count,
                                  .keep_unsupported = o->keep_unsupported};
    nnc_onnx_info info = {0};
    nnc_str errors = {0};
    nnc_status found = nnc_onnx_check(&errors, path, &load, &info, cli->log);
    nnc_report *report = NULL;
    nnc_status status = NNC_OK;
    if (o->run.json) {
        status = nnc_report_create(&report, "check");
        if (status == NNC_OK) {
            nnc_report_row *root = nnc_report_root(report);
            nnc_report_string(root, "model", path);
            nnc_report_bool(root, "valid", found == NNC_OK);
            nnc_report_int(root, "exit", (int64_t)found);
            nnc_report_string(root, "errors", nnc_str_get(&errors));
            nnc_report_int(root, "nodes", info.nodes);
            nnc_report_int(root, "opset", info.opset);
            nnc_report_int(root, "ir_version", info.ir_version);
            nnc_report_int(root, "warnings", info.warnings);
            status = nnc_cli_print_json(report);
        }
        nnc_report_destroy(report);
    } else if (found == NNC_OK) {
        status = nnc_outf("%s: valid (opset %lld, IR %lld, %u nodes, %u warnings)\n", path,
                          (long long)info.opset, (long long)info.ir_version, info.nodes, info.warnings);
    } else {
        status = nnc_out(nnc_str_get(&errors));
    }
    nnc_str_deinit(&errors);
    return status == NNC_OK ? found : status;
}

static nnc_status run(const nnc_cli *cli)
{
    check_options o = {0};
    nnc_option_list words = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_check, &o, &words, 1, 1);
    if (status == NNC_OK) {
        status = check_file(cli, &o, words.items[0]);
    }
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_check = {
    .name = "check",
    .summary = "validates a model file, lists up to ten errors",
    .usage = "check MODEL.onnx [options]",
    .examples = "  nncompress check model.onnx\n",
    .options = options,
    .run = run,
};
