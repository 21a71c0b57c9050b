/* The gates of a report against its own numbers: bounds from counts, verdicts from bounds and limits.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "eval/statistics.h"
#include "pipeline/verify_numbers.h"

typedef struct gate {
    const char *name;
    const nnc_report_row *row;
    bool at_most;
    double limit, value, low, high; /* low and high NaN: none */
} gate;

/* Where the value of a gate stands in the same report. */
static const char *const values[][2] = {{"max-drop", "accuracy.drop"},
                                        {"min-agreement", "accuracy.agreement"},
                                        {"max-size", "size.output_bytes"},
                                        {"baseline-size", "size.output_bytes"},
                                        {"max-latency", "latency.int8.p50_ms"},
                                        {"min-speedup", "latency.speedup"}};

/* A number of a gate against what it must be. Bounds are compared as they are written. */
static void number(nnc_verdicts *v, const gate *g, const char *key, double expected, double got)
{
    char what[96], a[40], b[40];
    const bool equal = fabs(expected - got) <= 1e-9 * fmax(1, fabs(got));
    snprintf(what, sizeof(what), "gates.%s.%s", g->name, key);
    snprintf(a, sizeof(a), "%.9g", expected);
    snprintf(b, sizeof(b), "%.9g", got);
    nnc_verdict_text(v, what, a, equal ? a : b);
}

#define SAMPLES_MAX 1000000 /* more take too long to count through, and are left out */
#define ONLY_MAX 100000

/* The one-sided bounds that the counts of the report give. */
static void check_bounds(nnc_verdicts *v, const nnc_report_row *report, const gate *g)
{
    int64_t n, only_a, only_b, same;
    if (isnan(g->low) || isnan(g->high) || !nnc_report_get_int(report, "accuracy.samples", &n) || n <= 0 ||
        n > SAMPLES_MAX) {
        return;
    }
    if (strcmp(g->name, "max-drop") == 0 && nnc_report_get_int(report, "accuracy.only_fp32_right", &only_a) &&
        nnc_report_get_int(report, "accuracy.only_int8_right", &only_b) && only_a >= 0 && only_b >= 0 &&
        only_a <= n && only_b <= n - only_a && only_a + only_b <= ONLY_MAX) {
        number(v, g, "low", g->low, nnc_drop_lower((uint64_t)only_a, (uint64_t)only_b, (uint64_t)n));
        number(v, g, "high", g->high, nnc_drop_upper((uint64_t)only_a, (uint64_t)only_b, (uint64_t)n));
    }
    if (strcmp(g->name, "min-agreement") == 0 && nnc_report_get_int(report, "accuracy.same_top1", &same) && same >= 0 &&
        same <= n) {
        number(v, g, "low", g->low, nnc_share_lower((uint64_t)same, (uint64_t)n));
        number(v, g, "high", g->high, nnc_share_upper((uint64_t)same, (uint64_t)n));
    }
}

/* What the numbers of a gate say. Without bounds the value is exact, or so few runs were timed that nothing is known. */
static const char *decide(const gate *g, const char *says)
{
    const bool exact = isnan(g->low) && isnan(g->high);
    if (exact && strcmp(says, "UNDECIDED") == 0) {
        const char *unit = nnc_report_get_string(g->row, "unit");
        if (!unit || strcmp(unit, "bytes") != 0) {
            return "UNDECIDED";
        }
    }
    const double low = exact ? g->value : isnan(g->low) ? -INFINITY : g->low;
    const double high = exact ? g->value : isnan(g->high) ? INFINITY : g->high;
    const bool passed = g->at_most ? high <= g->limit : low >= g->limit;
    const bool failed = g->at_most ? low > g->limit : high < g->limit;
    return passed ? "PASSED" : failed ? "FAILED" : "UNDECIDED";
}

/* One gate; returns the verdict that its numbers give. */
static const char *check_gate(nnc_verdicts *v, const nnc_report_row *report, gate *g)
{
    char what[96];
    const char *says = nnc_report_get_string(g->row, "verdict");
    const char *relation = nnc_report_get_string(g->row, "relation");
    says = says ? says : "";
    snprintf(what, sizeof(what), "gates.%s.verdict", g->name);
    if (!relation || !nnc_report_get_double(g->row, "limit", &g->limit) ||
        !nnc_report_get_double(g->row, "value", &g->value)) {
        const bool open = strcmp(says, "SKIPPED") != 0 || strncmp(g->name, "baseline-", 9) != 0;
        nnc_verdict_text(v, what, says, open ? "UNDECIDED" : says);
        return open ? "UNDECIDED" : "SKIPPED";
    }
    g->at_most = strcmp(relation, "at most") == 0;
    g->low = nnc_report_get_double(g->row, "low", &g->low) ? g->low : NAN;
    g->high = nnc_report_get_double(g->row, "high", &g->high) ? g->high : NAN;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        double measured;
        if (strcmp(g->name, values[i][0]) == 0 && nnc_report_get_double(report, values[i][1], &measured)) {
            number(v, g, "value", g->value, measured);
        }
    }
    check_bounds(v, report, g);
    const char *verdict = decide(g, says);
    nnc_verdict_text(v, what, says, verdict);
    return verdict;
}

void nnc_verify_gates(nnc_verdicts *v, const nnc_report_row *report)
{
    const size_t n = nnc_report_count(report, "gates");
    bool failed = false, open = false, published;
    for (size_t i = 0; i < n; i++) {
        gate g = {.row = nnc_report_at(report, "gates", i)};
        g.name = nnc_report_get_string(g.row, "name");
        g.name = g.name ? g.name : "";
        const char *verdict = check_gate(v, report, &g);
        failed = failed || strcmp(verdict, "FAILED") == 0;
        open = open || strcmp(verdict, "UNDECIDED") == 0;
    }
    const char *says = nnc_report_get_string(report, "verdict");
    const char *verdict = n == 0 ? "DONE" : failed ? "FAILED" : open ? "UNDECIDED" : "PASSED";
    if (says) {
        nnc_verdict_text(v, "verdict", says, verdict);
    }
    if (says && (failed || open) && nnc_report_get_bool(report, "output.published", &published)) {
        nnc_verdict_text(v, "output.published", published ? "true" : "false", "false");
    }
}
