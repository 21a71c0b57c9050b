/* What --dry-run prints. SPDX-License-Identifier: Apache-2.0 */
#include "cli/dry_run.h"

#include <stdio.h>

#include "base/str.h"

static void put_data(nnc_str *out, const nnc_report_row *root, const char *key, const char *title)
{
    char path[64];
    int64_t samples = 0;
    snprintf(path, sizeof(path), "data.%s.spec", key);
    const char *spec = nnc_report_get_string(root, path);
    if (spec) {
        snprintf(path, sizeof(path), "data.%s.samples", key);
        (void)nnc_report_get_int(root, path, &samples);
        nnc_str_appendf(out, "  %-8s ", title);
        nnc_str_append_printable(out, spec, 0);
        snprintf(path, sizeof(path), "data.%s.format", key);
        const char *format = nnc_report_get_string(root, path);
        nnc_str_appendf(out, ": %lld samples (%s)\n", (long long)samples, format ? format : "");
    }
}

nnc_status nnc_cli_print_dry_run(const nnc_report *report)
{
    const nnc_report_row *root = nnc_report_root((nnc_report *)(uintptr_t)report);
    int64_t before = 0, after = 0, layers = 0, integer = 0;
    double share = 0;
    char a[32], b[32];
    nnc_str out = {0};
    (void)nnc_report_get_int(root, "prediction.source_bytes", &before);
    (void)nnc_report_get_int(root, "prediction.output_bytes", &after);
    (void)nnc_report_get_int(root, "prediction.layers", &layers);
    (void)nnc_report_get_int(root, "prediction.int8_layers", &integer);
    (void)nnc_report_get_double(root, "prediction.int8_share", &share);
    nnc_str_append(&out, "  model    ");
    nnc_str_append_printable(&out, nnc_report_get_string(root, "source.path"), 0);
    nnc_str_append(&out, "\n");
    put_data(&out, root, "calibration", "calib");
    put_data(&out, root, "evaluation", "eval");
    nnc_str_append(&out, "  steps    ");
    for (size_t i = 0; i < nnc_report_count(root, "options.steps"); i++) {
        nnc_str_appendf(&out, "%s%s", i ? ", " : "", nnc_report_string_at(root, "options.steps", i));
    }
    nnc_str_appendf(&out, "\n  size     %s -> about %s, %.2fx smaller\n", nnc_format_size(a, (uint64_t)before),
                    nnc_format_size(b, (uint64_t)after), after > 0 ? (double)before / (double)after : 0);
    nnc_str_appendf(&out, "  integer  %lld of %lld layers, %.1f %% of multiply-accumulates\n", (long long)integer,
                    (long long)layers, 100 * share);
    for (size_t i = 0; i < nnc_report_count(root, "prediction.files"); i++) {
        nnc_str_append(&out, i ? "           " : "  writes   ");
        nnc_str_append_printable(&out, nnc_report_string_at(root, "prediction.files", i), 0);
        nnc_str_append(&out, "\n");
    }
    nnc_str_append(&out, "\nnncompress: DRY RUN, nothing was written\n");
    nnc_status status = nnc_str_status(&out);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&out)) : status;
    nnc_str_deinit(&out);
    return status;
}
