/* Results of single checks, and the checks that need the report alone. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/verify_numbers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static nnc_report_row *add(nnc_verdicts *v, const char *what, const char *result)
{
    nnc_report_row *row = nnc_report_append(v->root, "verify");
    nnc_report_string(row, "what", what);
    nnc_report_string(row, "result", result);
    return row;
}

void nnc_verdict_text(nnc_verdicts *v, const char *what, const char *expected, const char *got)
{
    const bool equal = expected && strcmp(expected, got) == 0;
    v->equal += equal;
    v->different += !equal;
    nnc_report_row *row = add(v, what, equal ? "equal" : "differs");
    nnc_report_string(row, "expected", expected ? expected : "nothing");
    nnc_report_string(row, "got", got);
}

void nnc_verdict_skipped(nnc_verdicts *v, const char *what, const char *why)
{
    v->skipped++;
    nnc_report_row *row = add(v, what, "not checked");
    nnc_report_string(row, "note", why);
}

void nnc_verdict_count(void *user, const char *what, bool has, int64_t expected, int64_t got)
{
    char a[32], b[32];
    snprintf(a, sizeof(a), "%" PRId64, expected);
    snprintf(b, sizeof(b), "%" PRId64, got);
    if (has) {
        nnc_verdict_text(user, what, a, b);
    } else {
        nnc_verdict_skipped(user, what, "the report has none");
    }
}

/* A number of the report against what follows from others. */
static void follows(nnc_verdicts *v, const nnc_report_row *report, const char *path, double got)
{
    double expected;
    if (!nnc_report_get_double(report, path, &expected) || !isfinite(got)) {
        return;
    }
    const bool equal = fabs(expected - got) <= 1e-9 * fmax(1, fabs(got));
    char a[40], b[40];
    snprintf(a, sizeof(a), "%.9g", expected);
    snprintf(b, sizeof(b), "%.9g", got);
    nnc_verdict_text(v, path, a, equal ? a : b);
}

static double share(const nnc_report_row *report, const char *part, const char *whole)
{
    int64_t a, b;
    return nnc_report_get_int(report, part, &a) && nnc_report_get_int(report, whole, &b) && b > 0
               ? (double)a / (double)b
               : NAN;
}

static void sum_classes(nnc_verdicts *v, const nnc_report_row *report)
{
    static const char *const keys[][2] = {{"samples", "accuracy.samples"},
                                          {"right_fp32", "accuracy.right_fp32"},
                                          {"right_int8", "accuracy.right_int8"}};
    const size_t n = nnc_report_count(report, "accuracy.classes");
    for (size_t k = 0; n && k < 3; k++) {
        int64_t whole, sum = 0, part;
        if (!nnc_report_get_int(report, keys[k][1], &whole)) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            nnc_report_get_int(nnc_report_at(report, "accuracy.classes", i), keys[k][0], &part);
            /* Wraps in a hostile report; then it differs. */
            sum = (int64_t)((uint64_t)sum + (uint64_t)part);
        }
        char what[96];
        snprintf(what, sizeof(what), "%s (sum over classes)", keys[k][1]);
        nnc_verdict_count(v, what, true, whole, sum);
    }
}

void nnc_verify_numbers(nnc_verdicts *v, const nnc_report_row *report)
{
    double a, b;
    follows(v, report, "accuracy.top1_fp32", share(report, "accuracy.right_fp32", "accuracy.samples"));
    follows(v, report, "accuracy.top1_int8", share(report, "accuracy.right_int8", "accuracy.samples"));
    follows(v, report, "accuracy.top5_fp32", share(report, "accuracy.right5_fp32", "accuracy.samples"));
    follows(v, report, "accuracy.top5_int8", share(report, "accuracy.right5_int8", "accuracy.samples"));
    follows(v, report, "accuracy.agreement", share(report, "accuracy.same_top1", "accuracy.samples"));
    if (nnc_report_get_double(report, "accuracy.top1_fp32", &a) &&
        nnc_report_get_double(report, "accuracy.top1_int8", &b)) {
        follows(v, report, "accuracy.drop", a - b);
    }
    follows(v, report, "size.ratio", share(report, "size.source_bytes", "size.output_bytes"));
    sum_classes(v, report);
    nnc_verify_gates(v, report);
}
