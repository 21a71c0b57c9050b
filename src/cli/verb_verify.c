/* nncompress verify: a report against the files and data that it names. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/common.h"
#include "pipeline/report_file.h"
#include "pipeline/verify.h"

#define ROW(name, sh, kind, member, meta, help, group)                                             \
    NNC_OPT(nnc_verify_options, name, sh, kind, member, meta, help, group, 0, 0, NULL),
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(nnc_verify_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    ROW("source", 0, STRING, source, "FILE", "the model before (default: the path in the report)", "Checking")
    ROW("recipe", 0, STRING, recipe, "FILE", "the recipe (default: the path in the report)", "Checking")
    ROW("data", 0, STRING, data, "PATH",
        "evaluation data, or calibration data where the report has no other (default: as in the report)",
        "Checking")
    ROW("calib", 0, STRING, calib, "PATH", "calibration data (default: as in the report)", "Checking")
    ROW("labels", 0, STRING, labels, "FILE", "labels of the evaluation data (default: as in the report)",
        "Checking")
    ROW("classes", 0, STRING, classes, "FILE", "class names (default: as in the report)", "Checking")
    ROW("rerun", 0, FLAG, rerun, NULL, "measure accuracy and agreement again; every count must be equal",
        "Checking")
    ROW("strict", 0, FLAG, strict, NULL, "what cannot be checked is a mismatch", "Checking")
#include "pipeline/options.def"
    {0},
};

static const char *text(const nnc_report_row *row, const char *key)
{
    const char *value = nnc_report_get_string(row, key);
    return value ? value : "";
}

/* Mismatches and gaps are one line each; what is equal is counted, and listed with -v. */
static nnc_status print_text(const nnc_report *result, bool verbose)
{
    const nnc_report_row *root = nnc_report_root((nnc_report *)(uintptr_t)result);
    size_t equal = 0;
    for (size_t i = 0; i < nnc_report_count(root, "verify"); i++) {
        const nnc_report_row *row = nnc_report_at(root, "verify", i);
        nnc_str line = {0};
        if (strcmp(text(row, "result"), "differs") == 0) {
            nnc_str_appendf(&line, "differs: %s: expected %s, got %s\n", text(row, "what"), text(row, "expected"),
                            text(row, "got"));
        } else if (strcmp(text(row, "result"), "equal") != 0) {
            nnc_str_appendf(&line, "not checked: %s: %s\n", text(row, "what"), text(row, "note"));
        } else {
            equal++;
            if (verbose) {
                nnc_str_appendf(&line, "equal: %s: %s\n", text(row, "what"), text(row, "expected"));
            }
        }
        nnc_status status = nnc_str_status(&line) == NNC_OK ? nnc_out(nnc_str_get(&line)) : NNC_ERR_LIMIT;
        nnc_str_deinit(&line);
        NNC_TRY(status);
    }
    return nnc_outf("%zu equal; %s\n", equal, text(root, "verdict"));
}

static nnc_status verify(const nnc_cli *cli, const nnc_verify_options *o, const nnc_option_list *words)
{
    nnc_report *report = NULL, *result = NULL;
    NNC_TRY(nnc_report_load(&report, words->items[0]));
    nnc_status found = nnc_verify(&result, report, words->items[1], o, cli->log);
    nnc_status status = NNC_OK;
    if (result) {
        status = o->run.json ? nnc_cli_print_json(result) : print_text(result, o->run.verbose);
    }
    if (status == NNC_OK && found == NNC_ERR_VERIFY) {
        found = nnc_error_prepend(found, "%s", words->items[0]);
    }
    nnc_report_destroy(report);
    nnc_report_destroy(result);
    return status == NNC_OK ? found : status;
}

static nnc_status run(const nnc_cli *cli)
{
    nnc_verify_options o = {0};
    nnc_option_list words = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_verify, &o, &words, 2, 2);
    status = status == NNC_OK ? verify(cli, &o, &words) : status;
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_verify = {
    .name = "verify",
    .summary = "recomputes what a report says of its model, source and data; exit 9 if it differs",
    .usage = "verify REPORT.json MODEL [--source FILE] [--data PATH] [--rerun]",
    .examples = "  nncompress verify model.int8.json model.int8.onnx --strict\n"
                "  nncompress verify model.int8.json model.int8.onnx --data val/ --rerun\n",
    .options = options,
    .run = run,
};
