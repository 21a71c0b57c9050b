/* nncompress report: renders a report again, or shows what changed between two. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/common.h"
#include "pipeline/outputs.h"
#include "pipeline/report_file.h"

typedef struct report_options {
    nnc_output_files files;
    const char *reports;
    bool diff, force, quiet, verbose;
    const char *log_file;
} report_options;

static const nnc_option options[] = {
#define NNC_RENDERER(name)
#define NNC_OUTPUT(name, compress, flag, help)                                                     \
    NNC_OPT(report_options, flag, 0, STRING, files.path[NNC_OUTPUT_##name], "FILE", help, "Formats", 0, 0, NULL),
#include "reports/renderers.def"
    NNC_OPT(report_options, "reports", 0, STRING, reports, "WHERE",
            "every format: all (beside the report) or a folder", "Formats", 0, 0, NULL),
    NNC_OPT(report_options, "diff", 0, FLAG, diff, NULL,
            "what changed from the first report to the second (--json, --md, or text)", "Running", 0, 0, NULL),
    NNC_OPT(report_options, "force", 'f', FLAG, force, NULL, "replace existing files", "Running", 0, 0, NULL),
    NNC_OPT(report_options, "quiet", 'q', FLAG, quiet, NULL, "warnings and results only", "Running", 0, 0, NULL),
    NNC_OPT(report_options, "verbose", 'v', FLAG, verbose, NULL, "say more", "Running", 0, 0, NULL),
    NNC_OPT(report_options, "log-file", 0, STRING, log_file, "FILE",
            "append all messages there, with times, whatever -q and -v say", "Running", 0, 0, NULL),
    {0},
};

/* Text to a file, or to standard output where the path is "-". */
static nnc_status put(const char *path, const nnc_str *text, bool force)
{
    NNC_TRY(nnc_str_status(text));
    return strcmp(path, "-") == 0 ? nnc_out(nnc_str_get(text)) : nnc_output_write_text(path, text, force);
}

/* Nothing is written when one of the files could not be. */
static nnc_status check_files(const report_options *o, const nnc_option_list *words)
{
    size_t to_stdout = 0;
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        const char *path = o->files.path[i];
        const bool dash = path && strcmp(path, "-") == 0;
        to_stdout += dash;
        if (!path || dash) {
            continue;
        }
        for (size_t k = 0; k < words->count; k++) {
            if (nnc_file_same_target(path, words->items[k])) {
                NNC_FAIL(NNC_ERR_USAGE, "%s: the output is the report that is read", path);
            }
        }
        for (size_t k = 0; k < i; k++) {
            if (o->files.path[k] && nnc_file_same_target(path, o->files.path[k])) {
                NNC_FAIL(NNC_ERR_USAGE, "%s: two formats in one file", path);
            }
        }
        NNC_TRY(nnc_file_check_output(path, o->force));
    }
    if (to_stdout > 1) {
        NNC_FAIL(NNC_ERR_USAGE, "%zu formats for standard output, expected one", to_stdout);
    }
    return NNC_OK;
}

static nnc_status render(const nnc_cli *cli, const report_options *o, const nnc_report *report)
{
    bool written = false;
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        const char *path = o->files.path[i];
        if (!path) {
            continue;
        }
        nnc_str text = {0};
        const nnc_render_options plain = {0};
        nnc_status status = nnc_output_renderer((nnc_output)i)->render(&text, report, &plain);
        status = status == NNC_OK ? put(path, &text, o->force) : status;
        nnc_str_deinit(&text);
        NNC_TRY(status);
        written = true;
    }
    if (written) {
        return NNC_OK;
    }
    nnc_str text = {0};
    const nnc_render_options screen = {.color = cli->color, .unicode = cli->unicode, .width = cli->columns};
    nnc_status status = nnc_renderer_find("terminal")->render(&text, report, &screen);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status;
}

static nnc_status print_diff(const nnc_cli *cli, const report_options *o, const nnc_report *diff)
{
    const char *json = o->files.path[NNC_OUTPUT_json], *md = o->files.path[NNC_OUTPUT_md];
    nnc_str text = {0};
    nnc_status status = json ? nnc_report_json(&text, diff) : NNC_OK;
    status = status == NNC_OK && json ? put(json, &text, o->force) : status;
    nnc_str_clear(&text);
    status = status == NNC_OK && md ? nnc_report_diff_text(&text, diff, true, true) : status;
    status = status == NNC_OK && md ? put(md, &text, o->force) : status;
    if (status == NNC_OK && !json && !md) {
        status = nnc_report_diff_text(&text, diff, false, cli->unicode);
        status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    }
    nnc_str_deinit(&text);
    return status;
}

static nnc_status compare(const nnc_cli *cli, const report_options *o, const nnc_option_list *words)
{
    nnc_report *before = NULL, *after = NULL, *diff = NULL;
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        if (o->files.path[i] && i != NNC_OUTPUT_json && i != NNC_OUTPUT_md) {
            NNC_FAIL(NNC_ERR_USAGE, "--diff is written as --json, --md or text; no other format holds it");
        }
    }
    nnc_status status = nnc_report_load(&before, words->items[0]);
    status = status == NNC_OK ? nnc_report_load(&after, words->items[1]) : status;
    status = status == NNC_OK ? nnc_report_diff(&diff, before, after) : status;
    status = status == NNC_OK ? print_diff(cli, o, diff) : status;
    nnc_report_destroy(before);
    nnc_report_destroy(after);
    nnc_report_destroy(diff);
    return status;
}

static nnc_status run_with(const nnc_cli *cli, report_options *o, const nnc_option_list *words)
{
    const size_t want = o->diff ? 2 : 1;
    nnc_output_names names = {0};
    nnc_report *report = NULL;
    if (words->count != want) {
        NNC_FAIL(NNC_ERR_USAGE, "%zu reports given, expected %zu", words->count, want);
    }
    if (o->diff && o->reports) {
        NNC_FAIL(NNC_ERR_USAGE, "--diff is written as --json, --md or text; no other format holds it");
    }
    nnc_status status = nnc_output_names_init(&names, &o->files, o->reports, false, words->items[0]);
    if (o->reports && strcmp(o->reports, "all") == 0 && !o->files.path[NNC_OUTPUT_json]) {
        names.files.path[NNC_OUTPUT_json] = NULL; /* that is the report which is read */
    }
    o->files = names.files;
    status = status == NNC_OK ? check_files(o, words) : status;
    if (status == NNC_OK && o->diff) {
        status = compare(cli, o, words);
    } else if (status == NNC_OK) {
        status = nnc_report_load(&report, words->items[0]);
        status = status == NNC_OK ? render(cli, o, report) : status;
    }
    nnc_report_destroy(report);
    nnc_output_names_deinit(&names);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    report_options o = {0};
    nnc_option_list words = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_report, &o, &words, 1, 2);
    status = status == NNC_OK ? run_with(cli, &o, &words) : status;
    nnc_option_list_deinit(&words);
    return status;
}

const nnc_verb nnc_verb_report = {
    .name = "report",
    .summary = "renders a JSON report in any format, or shows what changed between two",
    .usage = "report REPORT.json [--html FILE] [--md -] ... | report --diff OLD.json NEW.json",
    .examples = "  nncompress report model.int8.json --html review.html --junit gates.xml\n"
                "  nncompress report model.int8.json --md - | gh pr comment --body-file -\n"
                "  nncompress report --diff main.json branch.json --md -\n",
    .options = options,
    .run = run,
};
