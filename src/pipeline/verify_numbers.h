/* Results of single checks, and the checks that need the report alone. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_VERIFY_NUMBERS_H
#define NNC_PIPELINE_VERIFY_NUMBERS_H

#include "reports/report.h"

/* Rows go to "verify": what, result ("equal", "differs", "not checked"), expected, got or note. */
typedef struct nnc_verdicts {
    nnc_report *report;
    nnc_report_row *root;
    size_t equal, different, skipped;
} nnc_verdicts;

void nnc_verdict_text(nnc_verdicts *v, const char *what, const char *expected, const char *got);
void nnc_verdict_skipped(nnc_verdicts *v, const char *what, const char *why);
/* An nnc_counts_fn; user: nnc_verdicts. has: false where the report lacks the count. */
void nnc_verdict_count(void *user, const char *what, bool has, int64_t expected, int64_t got);

/* Numbers that follow from other numbers of the same report: shares from counts, sums over classes, ratios, and those
 * of nnc_verify_gates. */
void nnc_verify_numbers(nnc_verdicts *v, const nnc_report_row *report);

/* The gates: values and bounds from the measured numbers, verdicts from values, bounds and limits, the verdict of the whole from those of the
 * gates, and that nothing refused is called published. */
void nnc_verify_gates(nnc_verdicts *v, const nnc_report_row *report);

#endif
