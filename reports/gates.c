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

static const struct {
    const char *unit, *name;
    double scale;
    int decimals;
} units[] = {{"share", " %", 100, 2}, {"x", "x", 1, 2}, {"ms", " ms", 1, 3}};

/* A difference of shares: in points. */
static bool in_points(const nnc_report_row *gate)
{
    const char *name = nnc_row_string(gate, "name");
    return strstr(name, "-drop") && strcmp(nnc_row_string(gate, "relation"), "at most") == 0;
}

/* Bounds never look better than they are. */
static double outward(double value, const char *key, int decimals)
{
    const double step = pow(10, decimals);
    return strcmp(key, "low") == 0    ? floor(value * step + 1e-6) / step
           : strcmp(key, "high") == 0 ? ceil(value * step - 1e-6) / step
                                      : value;
}

void nnc_gate_number(nnc_str *out, const nnc_report_row *gate, const char *key)
{
    const double value = nnc_row_double(gate, key);
    const char *unit = nnc_row_string(gate, "unit");
    if (!isfinite(value)) {
        nnc_str_append(out, "-");
        return;
    }
    if (strcmp(unit, "bytes") == 0) {
        nnc_text_bytes(out, value);
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            nnc_text_fixed(out, outward(units[i].scale * value, key, units[i].decimals), units[i].decimals);
            nnc_str_append(out, i == 0 && in_points(gate) ? " points" : units[i].name);
            return;
        }
    }
    nnc_text_short(out, value);
    nnc_str_append(out, *unit ? " " : "");
    nnc_text_terminal(out, unit, 12, false);
}

void nnc_gate_interval(nnc_str *out, const nnc_report_row *gate)
{
    if (!isfinite(nnc_row_double(gate, "low")) || !isfinite(nnc_row_double(gate, "high"))) {
        return;
    }
    nnc_str low = {0}, high = {0};
    nnc_gate_number(&low, gate, "low");
    nnc_gate_number(&high, gate, "high");
    /* The unit once. */
    const char *unit = strchr(nnc_str_get(&low), ' '), *again = strchr(nnc_str_get(&high), ' ');
    const bool same = unit && again && strcmp(unit, again) == 0;
    nnc_str_append_n(out, nnc_str_get(&low), same ? (size_t)(unit - nnc_str_get(&low)) : low.len);
    nnc_str_append(out, " to ");
    nnc_str_append(out, nnc_str_get(&high));
    nnc_str_deinit(&low);
    nnc_str_deinit(&high);
}

void nnc_gate_text(nnc_str *out, const nnc_report_row *gate)
{
    int64_t samples;
    nnc_gate_number(out, gate, "value");
    if (isfinite(nnc_row_double(gate, "low")) && isfinite(nnc_row_double(gate, "high"))) {
        nnc_str_append(out, " (95 %: ");
        nnc_gate_interval(out, gate);
        nnc_str_append(out, ")");
    }
    nnc_str_append(out, ", limit ");
    nnc_gate_number(out, gate, "limit");
    if (nnc_report_get_int(gate, "samples_needed", &samples) && samples > 0) {
        nnc_str_appendf(out, "; about %" PRId64 " more %s would decide", samples,
                        strcmp(nnc_row_string(gate, "unit"), "share") == 0 ? "samples" : "runs");
    }
}

void nnc_gate_names(nnc_str *out, const nnc_report_row *root, const char *verdict)
{
    for (size_t i = 0, n = 0; i < nnc_report_count(root, "gates"); i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        if (gate && strcmp(nnc_gate_verdict(gate), verdict) == 0) {
            nnc_str_append(out, n++ ? ", " : "");
            nnc_str_append(out, nnc_row_string(gate, "name"));
        }
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
