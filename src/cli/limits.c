/* All documented limits, and the verb that lists them. SPDX-License-Identifier: Apache-2.0 */
#include "cli/limits.h"

#include "calib/calib.h"
#include "cli/common.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/plan.h"

static const nnc_limit other_limits[] = {
    {"calibration cache", "size", NNC_CALIB_CACHE_MAX, NNC_LIMIT_BYTES, NULL},
    {"runtime plan", "dimensions of a tensor", NNRT_RANK_MAX, NNC_LIMIT_COUNT, NULL},
    {"runtime plan", "one dimension", NNRT_DIM_MAX, NNC_LIMIT_COUNT, NULL},
    {"runtime plan", "depth of blocks", NNRT_BLOCK_DEPTH_MAX, NNC_LIMIT_COUNT, NULL},
    {"runtime plan", "iterations of loops in a run", NNRT_ITERATIONS_MAX, NNC_LIMIT_COUNT, NULL},
    {NULL, NULL, 0, NNC_LIMIT_COUNT, NULL},
};

const nnc_limit *nnc_limit_row(size_t i)
{
    const nnc_limit *const tables[] = {nnc_onnx_limit_table, nnc_dataset_limit_table, other_limits};
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        size_t n = 0;
        while (tables[t][n].what) {
            n++;
        }
        if (i < n) {
            return &tables[t][i];
        }
        i -= n;
    }
    return NULL;
}

typedef struct limits_options {
    nnc_run_flags run;
} limits_options;

#define OPT_TALK(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(limits_options, name, sh, kind, run.member, meta, help, "Messages", min, max, choices),
static const nnc_option options[] = {
#include "pipeline/options.def"
    {0},
};

static nnc_status print_json(void)
{
    nnc_report *report = NULL;
    NNC_TRY(nnc_report_create(&report, "limits"));
    for (size_t i = 0; nnc_limit_row(i); i++) {
        static const char *const units[] = {"count", "bytes", "percent"};
        const nnc_limit *limit = nnc_limit_row(i);
        nnc_report_row *row = nnc_report_append(nnc_report_root(report), "limits");
        nnc_report_string(row, "subject", limit->subject);
        nnc_report_string(row, "what", limit->what);
        nnc_report_int(row, "value", (int64_t)limit->value);
        nnc_report_string(row, "unit", units[limit->unit]);
        nnc_report_string(row, "option", limit->option);
    }
    nnc_status status = nnc_cli_print_json(report);
    nnc_report_destroy(report);
    return status;
}

static nnc_status print_text(void)
{
    for (size_t i = 0; nnc_limit_row(i); i++) {
        const nnc_limit *limit = nnc_limit_row(i);
        char value[32];
        NNC_TRY(nnc_outf("%-18s %-42s %14s%s%s\n", limit->subject, limit->what, nnc_limit_format(value, limit),
                         limit->option ? "  --" : "", limit->option ? limit->option : ""));
    }
    return NNC_OK;
}

static nnc_status run(const nnc_cli *cli)
{
    limits_options o = {0};
    nnc_option_list words = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_limits, &o, &words, 0, 0);
    if (status == NNC_OK) {
        status = o.run.json ? print_json() : print_text();
    }
    nnc_option_list_deinit(&words);
    return status;
}

const nnc_verb nnc_verb_limits = {
    .name = "limits",
    .summary = "lists the limits of files and models, and the options that raise them",
    .usage = "limits [--json]",
    .options = options,
    .run = run,
};
