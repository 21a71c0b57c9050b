/* Gates, checks and classes in the words of all renderers. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/render.h"

const char *nnc_gate_verdict(const nnc_report_row *gate)
{
    const char *verdict = nnc_row_string(gate, "verdict");
    return strcmp(verdict, "PASSED") == 0   ? "PASSED"
           : strcmp(verdict, "FAILED") == 0 ? "FAILED"
           : strcmp(verdict, "SKIPPED") == 0 ? "SKIPPED"
                                             : "UNDECIDED";
}

void nnc_gate_number(nnc_str *out, const nnc_report_row *gate, const char *key)
{
    const double value = nnc_row_double(gate, key);
    const char *unit = nnc_row_string(gate, "unit");
    if (strcmp(unit, "share") == 0) {
        nnc_text_percent(out, value, 2);
    } else if (strcmp(unit, "bytes") == 0) {
        nnc_text_bytes(out, value);
    } else if (isfinite(value)) {
        nnc_text_short(out, value);
        nnc_str_append(out, *unit && strcmp(unit, "x") != 0 ? " " : "");
        nnc_text_terminal(out, unit, 12, false);
    } else {
        nnc_str_append(out, "-");
    }
}

void nnc_gate_text(nnc_str *out, const nnc_report_row *gate)
{
    int64_t samples;
    nnc_gate_number(out, gate, "value");
    if (isfinite(nnc_row_double(gate, "low")) && isfinite(nnc_row_double(gate, "high"))) {
        nnc_str_append(out, " (95 %: ");
        nnc_gate_number(out, gate, "low");
        nnc_str_append(out, " to ");
        nnc_gate_number(out, gate, "high");
        nnc_str_append(out, ")");
    }
    nnc_str_append(out, ", limit ");
    nnc_gate_number(out, gate, "limit");
    if (nnc_report_get_int(gate, "samples_needed", &samples) && samples > 0) {
        nnc_str_appendf(out, "; about %" PRId64 " more %s would decide", samples,
                        strcmp(nnc_row_string(gate, "unit"), "share") == 0 ? "samples" : "runs");
    }
}

double nnc_class_drop(const nnc_report_row *row)
{
    const double samples = nnc_row_double(row, "samples");
    return samples > 0
               ? (nnc_row_double(row, "right_fp32") - nnc_row_double(row, "right_int8")) / samples
               : NAN;
}

size_t nnc_worst_classes(const nnc_report_row **out, size_t max, const nnc_report_row *root)
{
    size_t n = 0;
    for (size_t i = 0; i < nnc_report_count(root, "accuracy.classes"); i++) {
        const nnc_report_row *row = nnc_report_at(root, "accuracy.classes", i);
        const double drop = nnc_class_drop(row);
        if (!(drop > 0)) {
            continue;
        }
        size_t at = n < max ? n++ : max;
        for (; at > 0 && nnc_class_drop(out[at - 1]) < drop; at--) {
            if (at < max) {
                out[at] = out[at - 1];
            }
        }
        if (at < max) {
            out[at] = row;
        }
    }
    return n;
}

void nnc_class_name(nnc_str *out, const nnc_report_row *row)
{
    nnc_text_fixed(out, nnc_row_double(row, "class"), 0);
    const char *name = nnc_row_string(row, "name");
    if (*name) {
        nnc_str_append(out, " ");
        nnc_str_append(out, name);
    }
}

static void interval(nnc_str *out, double lo, double hi, int decimals)
{
    if (isfinite(lo) && isfinite(hi)) {
        nnc_str_append(out, " (95 %: ");
        nnc_text_fixed(out, lo, decimals);
        nnc_str_append(out, " to ");
        nnc_text_fixed(out, hi, decimals);
        nnc_str_append(out, ")");
    }
}

void nnc_text_accuracy(nnc_str *out, const nnc_report_row *root)
{
    const double agreement = nnc_row_double(root, "accuracy.agreement");
    if (isfinite(nnc_row_double(root, "accuracy.drop"))) {
        nnc_str_append(out, "top-1 ");
        nnc_text_percent(out, nnc_row_double(root, "accuracy.top1_fp32"), 2);
        nnc_str_append(out, " to ");
        nnc_text_percent(out, nnc_row_double(root, "accuracy.top1_int8"), 2);
        nnc_str_append(out, ", drop ");
        nnc_text_fixed(out, 100 * nnc_row_double(root, "accuracy.drop"), 2);
        nnc_str_append(out, " points");
        interval(out, 100 * nnc_row_double(root, "accuracy.drop_low"),
                 100 * nnc_row_double(root, "accuracy.drop_high"), 2);
    } else if (isfinite(agreement)) {
        nnc_str_append(out, "accuracy not measured; same top-1 answer for ");
        nnc_text_percent(out, agreement, 2);
        interval(out, 100 * nnc_row_double(root, "accuracy.agreement_low"),
                 100 * nnc_row_double(root, "accuracy.agreement_high"), 2);
    } else {
        nnc_str_append(out, "accuracy not measured; outputs differ by ");
        nnc_text_fixed(out, nnc_row_double(root, "accuracy.output_sqnr_db"), 1);
        nnc_str_append(out, " dB SQNR");
    }
    if (isfinite(nnc_row_double(root, "accuracy.samples"))) {
        nnc_str_append(out, " on ");
        nnc_text_fixed(out, nnc_row_double(root, "accuracy.samples"), 0);
        nnc_str_append(out, " samples");
    }
}
