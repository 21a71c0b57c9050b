/* The files of a run, one per target. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "reports/html.h"

/* "drop 0.55 points" or "same top-1 for 99.3 %" or "29.4 dB SQNR". */
static void cost(nnc_str *out, const nnc_report_row *target)
{
    if (isfinite(nnc_row_double(target, "top1_int8"))) {
        nnc_str_append(out, "top-1 ");
        nnc_text_percent(out, nnc_row_double(target, "top1_int8"), 2);
        nnc_str_append(out, ", drop ");
        nnc_text_fixed(out, 100 * nnc_row_double(target, "drop"), 2);
    } else if (isfinite(nnc_row_double(target, "agreement"))) {
        nnc_str_append(out, "same top-1 for ");
        nnc_text_percent(out, nnc_row_double(target, "agreement"), 2);
    } else {
        nnc_text_fixed(out, nnc_row_double(target, "output_sqnr_db"), 1);
        nnc_str_append(out, " dB SQNR");
    }
}

void nnc_target_sentence(nnc_str *out, const nnc_report_row *target)
{
    nnc_str_appendf(out, "%s: %s, ", nnc_row_string(target, "name"),
                    nnc_text_basename(nnc_row_string(target, "path")));
    nnc_text_bytes(out, nnc_row_double(target, "bytes"));
    nnc_str_append(out, "; ");
    cost(out, target);
    nnc_str_append(out, "; by the rules ");
    nnc_text_fixed(out, nnc_row_double(target, "nodes.int8"), 0);
    nnc_str_append(out, " nodes in INT8, ");
    nnc_text_fixed(out, nnc_row_double(target, "nodes.float"), 0);
    nnc_str_appendf(out, " in float; %s", nnc_row_string(target, "proof"));
}

void nnc_html_targets(nnc_str *out, const nnc_report_row *root)
{
    const size_t n = nnc_report_count(root, "targets");
    if (n == 0) {
        return;
    }
    nnc_str_append(out, "<div class=\"boxes\"><div class=\"box\"><h2>Targets</h2><ul>");
    for (size_t i = 0; i < n; i++) {
        nnc_str text = {0};
        nnc_target_sentence(&text, nnc_report_at(root, "targets", i));
        nnc_str_append(out, "<li>");
        nnc_html_text(out, nnc_str_get(&text));
        nnc_str_append(out, "</li>");
        nnc_str_deinit(&text);
    }
    nnc_str_append(out, "</ul></div></div>\n");
}
