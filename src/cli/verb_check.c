/* nncompress check: validates a model file; with --target, what a reader of it runs in INT8. SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"

#include <string.h>

#include "graph/target.h"
#include "pipeline/target_report.h"

typedef struct check_options {
    bool keep_unsupported;
    nnc_option_list targets;
    nnc_run_flags run;
} check_options;

#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(check_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(check_options, "keep-unsupported", 0, FLAG, keep_unsupported, NULL,
            "operators this build does not know are listed, not errors", "Checking", 0, 0, NULL),
    NNC_OPT(check_options, "target", 0, LIST, targets, "NAME[,NAME]",
            "list the nodes that will not run in INT8 there, why, and the fix (ort, trt10, ...)", "Checking", 0, 0, NULL),
#include "pipeline/options.def"
    {0},
};

/* "  float    conv1 (Conv): why"; the fix follows where it is new. */
static void print_finding(nnc_str *out, const nnc_report_row *target, size_t i)
{
    const nnc_report_row *f = nnc_report_at(target, "findings", i);
    nnc_str_appendf(out, "  %-8s ", nnc_report_get_string(f, "effect"));
    nnc_str_append_printable(out, nnc_report_get_string(f, "node"), 120);
    nnc_str_append(out, " (");
    nnc_str_append_printable(out, nnc_report_get_string(f, "op"), 60);
    nnc_str_appendf(out, "): %s [%s]\n", nnc_report_get_string(f, "why"), nnc_report_get_string(f, "rule"));
    for (size_t k = 0; k < i; k++) {
        const nnc_report_row *before = nnc_report_at(target, "findings", k);
        if (strcmp(nnc_report_get_string(before, "rule"), nnc_report_get_string(f, "rule")) == 0) {
            return;
        }
    }
    nnc_str_appendf(out, "           fix: %s\n", nnc_report_get_string(f, "fix"));
}

static void print_target(nnc_str *out, const nnc_report_row *target)
{
    static const char *const names[] = {"int8", "moved", "float", "refused", "unknown"};
    static const char *const words[] = {"in INT8", "passing integers on", "in float", "refused", "unknown"};
    int64_t n;
    nnc_str_appendf(out, "%s (%s), %s:", nnc_report_get_string(target, "name"), nnc_report_get_string(target, "reader"),
                    nnc_report_get_string(target, "judged"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[32] = "nodes.";
        strcat(path, names[i]);
        if (nnc_report_get_int(target, path, &n) && (n || i == 0)) {
            nnc_str_appendf(out, "%s %lld %s", i ? "," : "", (long long)n, words[i]);
        }
    }
    nnc_str_append(out, "\n");
    for (size_t i = 0; i < nnc_report_count(target, "findings"); i++) {
        print_finding(out, target, i);
    }
}

static nnc_status check_targets(nnc_report_row *root, const nnc_cli *cli, const check_options *o, const char *path,
                                const nnc_target *const *targets)
{
    nnc_source source;
    nnc_log quiet = *cli->log;
    quiet.message = NULL; /* the check before told what the import has to tell */
    NNC_TRY(nnc_source_load(&source, path, &o->run, false, &quiet));
    nnc_status status = nnc_check_targets(root, &source, targets, o->targets.count, &o->run);
    nnc_source_deinit(&source);
    return status;
}

static nnc_status print(const nnc_report *report, const check_options *o, const char *path, nnc_status valid,
                        const nnc_onnx_info *info, const char *errors)
{
    if (o->run.json) {
        return nnc_cli_print_json(report);
    }
    if (valid != NNC_OK) {
        return nnc_out(errors);
    }
    nnc_str text = {0};
    const nnc_report_row *root = nnc_report_root((nnc_report *)report);
    nnc_str_appendf(&text, "%s: valid (opset %lld, IR %lld, %u nodes, %u warnings)\n", path, (long long)info->opset,
                    (long long)info->ir_version, info->nodes, info->warnings);
    for (size_t i = 0; i < nnc_report_count(root, "targets"); i++) {
        print_target(&text, nnc_report_at(root, "targets", i));
    }
    nnc_status status = nnc_str_status(&text);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status check_file(const nnc_cli *cli, const check_options *o, const char *path, const nnc_target *const *targets)
{
    /* A target may have an operator that this build lacks: then it is a finding. */
    nnc_onnx_load_options load = {.shapes = o->run.shapes.items, .shape_count = o->run.shapes.count,
                                  .keep_unsupported = o->keep_unsupported || o->targets.count > 0};
    nnc_onnx_info info = {0};
    nnc_str errors = {0};
    nnc_report *report = NULL;
    nnc_status valid = nnc_onnx_check(&errors, path, &load, &info, cli->log), found = valid;
    nnc_status status = nnc_report_create(&report, "check");
    if (status == NNC_OK && valid == NNC_OK && o->targets.count) {
        found = check_targets(nnc_report_root(report), cli, o, path, targets);
    }
    if (status == NNC_OK) {
        nnc_report_row *root = nnc_report_root(report);
        nnc_report_string(root, "model", path);
        nnc_report_bool(root, "valid", valid == NNC_OK);
        nnc_report_int(root, "exit", (int64_t)found);
        nnc_report_string(root, "errors", nnc_str_get(&errors));
        nnc_report_int(root, "nodes", info.nodes);
        nnc_report_int(root, "opset", info.opset);
        nnc_report_int(root, "ir_version", info.ir_version);
        nnc_report_int(root, "warnings", info.warnings);
        status = print(report, o, path, valid, &info, nnc_str_get(&errors));
    }
    nnc_report_destroy(report);
    nnc_str_deinit(&errors);
    return status == NNC_OK ? found : status;
}

static nnc_status run(const nnc_cli *cli)
{
    check_options o = {0};
    nnc_option_list words = {0};
    const nnc_target *targets[NNC_TARGETS_MAX];
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_check, &o, &words, 1, 1);
    if (status == NNC_OK) {
        status = nnc_target_list(targets, o.targets.items, o.targets.count);
    }
    if (status == NNC_OK) {
        status = check_file(cli, &o, words.items[0], targets);
    }
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.targets);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_check = {
    .name = "check",
    .summary = "validates a model file; with --target, lists what will not run in INT8 there",
    .usage = "check MODEL.onnx [--target NAME[,NAME]] [options]",
    .examples = "  nncompress check model.onnx\n"
                "  nncompress check model.int8.onnx --target ort,trt10\n",
    .options = options,
    .run = run,
};
