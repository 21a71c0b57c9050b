/* nncompress convert: a quantized model for another reader. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "cli/common.h"
#include "pipeline/convert.h"

#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(nnc_convert_options, name, sh, kind, data_flags.member, meta, help, "Samples", min, max, choices),
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(nnc_convert_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(nnc_convert_options, "target", 0, STRING, target, "NAME",
            "who reads the result: ort, ort-avx2, portable, openvino, trt10 or trt11", "Converting", 0, 0, NULL),
    NNC_OPT(nnc_convert_options, "output", 'o', STRING, output, "FILE", "result, .onnx", "Converting", 0, 0, NULL),
    NNC_OPT(nnc_convert_options, "force", 'f', FLAG, force, NULL, "replace an existing output file", "Converting", 0, 0,
            NULL),
    NNC_OPT(nnc_convert_options, "data", 0, STRING, data, "PATH",
            "samples on which both files must give the same bits (any form that eval reads; default random numbers)",
            "Samples", 0, 0, NULL),
    NNC_OPT(nnc_convert_options, "samples", 'n', INT, samples, "N", "how many of them (default 4)", "Samples", 1, 1e9,
            NULL),
#include "pipeline/options.def"
    {0},
};

static nnc_status print(const nnc_report *report, const nnc_convert_options *o)
{
    static const char *const names[] = {"int8", "moved", "float", "unknown"};
    static const char *const words[] = {"in INT8", "passing integers on", "in float", "unknown"};
    const nnc_report_row *root = nnc_report_root((nnc_report *)report);
    nnc_str text = {0};
    int64_t n = 0;
    if (o->run.json) {
        return nnc_cli_print_json(report);
    }
    nnc_report_get_int(root, "opset", &n);
    nnc_str_appendf(&text, "%s: for %s, opset %lld\n  nodes:", nnc_report_get_string(root, "output"),
                    nnc_report_get_string(root, "reader"), (long long)n);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[32] = "nodes.";
        strcat(path, names[i]);
        if (nnc_report_get_int(root, path, &n) && (n || i == 0)) {
            nnc_str_appendf(&text, "%s %lld %s", i ? "," : "", (long long)n, words[i]);
        }
    }
    nnc_report_get_int(root, "samples_compared", &n);
    nnc_str_appendf(&text, "\n  reopened; gives the same bits as %s on %lld %s\n", nnc_report_get_string(root, "model"),
                    (long long)n, o->data ? "samples" : "random samples");
    nnc_status status = nnc_str_status(&text);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    nnc_convert_options o = {.data_flags = NNC_DATA_DEFAULTS};
    nnc_option_list words = {0};
    nnc_report *report = NULL;
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_convert, &o, &words, 1, 1);
    status = status == NNC_OK ? nnc_report_create(&report, "convert") : status;
    status = status == NNC_OK ? nnc_convert(report, words.items[0], &o, cli->log) : status;
    status = status == NNC_OK ? print(report, &o) : status;
    nnc_report_destroy(report);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_convert = {
    .name = "convert",
    .summary = "writes a quantized model for another reader, without data and without changing a number",
    .usage = "convert MODEL.onnx --target NAME -o OUT.onnx [options]",
    .examples = "  nncompress convert model.int8.onnx --target openvino -o model.ov.onnx\n"
                "  nncompress convert m.onnx --target ort --data test_data_set_0 -o m.ort.onnx\n",
    .options = options,
    .run = run,
};
