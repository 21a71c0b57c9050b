/* Figures of a task as lines of text. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "cli/judge.h"
#include "pipeline/counts.h"
#include "reports/render.h"

nnc_status nnc_cli_figures(nnc_report_row *root, bool json, const nnc_accuracy *accuracy)
{
    nnc_task_report(root, &accuracy->task);
    if (json || !accuracy->task.task) {
        return NNC_OK;
    }
    NNC_TRY(nnc_outf("%s on %zu samples: %s\n", accuracy->task.task->name, accuracy->samples, accuracy->task.how));
    for (size_t i = 0; i < nnc_report_count(root, "accuracy.figures"); i++) {
        const nnc_report_row *row = nnc_report_at(root, "accuracy.figures", i);
        nnc_str text = {0};
        nnc_text_figure(&text, row, " -> ");
        nnc_status status = nnc_outf("  %-28s %s\n", nnc_row_string(row, "label"), nnc_str_get(&text));
        nnc_str_deinit(&text);
        NNC_TRY(status);
    }
    return NNC_OK;
}
