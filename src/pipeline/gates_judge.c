/* Gates: three-way decisions and their words. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "eval/statistics.h"
#include "pipeline/gates.h"
#include "reports/render.h"

nnc_estimate nnc_estimate_exact(double value)
{
    return (nnc_estimate){.value = value, .low = value, .high = value};
}

nnc_estimate nnc_estimate_drop(const nnc_accuracy *a, double limit)
{
    return (nnc_estimate){.value = a->drop,
                          .low = nnc_drop_lower(a->only_a, a->only_b, a->samples),
                          .high = nnc_drop_upper(a->only_a, a->only_b, a->samples),
                          .cases = a->samples,
                          .needed = nnc_drop_cases(a->only_a, a->only_b, a->samples, limit),
                          .case_name = "samples"};
}

nnc_estimate nnc_estimate_share(size_t right, size_t n, double limit)
{
    return (nnc_estimate){.value = (double)right / (double)n,
                          .low = nnc_share_lower(right, n),
                          .high = nnc_share_upper(right, n),
                          .cases = n,
                          .needed = nnc_share_cases(right, n, limit),
                          .case_name = "samples"};
}

/* The interval of a median shrinks with the root of the number of runs; where there is none yet, twice as many may give one. */
static uint64_t runs_needed(double value, double low, double high, double limit, size_t n)
{
    if (!isfinite(low) || !isfinite(high)) {
        return 2 * (uint64_t)n;
    }
    const double half = limit > value ? high - value : value - low, distance = fabs(limit - value);
    const double ratio = distance > 0 ? (1.96 + 0.84) / 1.96 * half / distance : INFINITY;
    const double runs = ceil(ratio * ratio * (double)n);
    return runs < 1e12 ? (uint64_t)fmax(runs, (double)n + 1) : 0;
}

/* Bounds of a time or of a ratio of times, no narrower than a process can tell, and the runs that would decide. */
static void finish_timed(nnc_estimate *e, double limit)
{
    e->needed = runs_needed(e->value, e->low, e->high, limit, (size_t)e->cases);
    e->low *= 1 - NNC_GATE_RESOLUTION;
    e->high *= 1 + NNC_GATE_RESOLUTION;
    if (fabs(limit - e->value) <= NNC_GATE_RESOLUTION * e->value) {
        e->needed = 0;
    }
}

nnc_status nnc_estimate_median(nnc_estimate *out, const double *values, size_t n, double limit)
{
    *out = (nnc_estimate){.cases = n, .case_name = "timed runs"};
    NNC_TRY(nnc_series_interval(&out->value, &out->low, &out->high, values, n));
    finish_timed(out, limit);
    return NNC_OK;
}

void nnc_unit_number(nnc_str *out, nnc_unit unit, double x, int round, bool bare)
{
    static const struct {
        double scale;
        int decimals;
        const char *name;
    } units[] = {[NNC_UNIT_POINTS] = {100, 2, " points"},
                 [NNC_UNIT_SHARE] = {100, 2, " %"},
                 [NNC_UNIT_TIMES] = {1, 2, "x"},
                 [NNC_UNIT_MS] = {1, 3, " ms"},
                 [NNC_UNIT_BYTES] = {1, 0, " bytes"}};
    const double step = pow(10, units[unit].decimals);
    double y = x * units[unit].scale * step;
    y = round > 0 ? ceil(y - 1e-6) : round < 0 ? floor(y + 1e-6) : y;
    nnc_text_fixed(out, y / step, units[unit].decimals);
    nnc_str_append(out, bare ? "" : units[unit].name);
}

static void explain(nnc_str *out, nnc_unit unit, bool at_most, double limit, const nnc_estimate *e,
                    const char *verdict, const char *note)
{
    nnc_unit_number(out, unit, e->value, 0, false);
    if (e->case_name && isfinite(e->low) && isfinite(e->high)) {
        const bool upper = (strcmp(verdict, "PASSED") == 0) == at_most;
        if (strcmp(verdict, "UNDECIDED") == 0) {
            nnc_str_append(out, ", between ");
            nnc_unit_number(out, unit, e->low, -1, true);
            nnc_str_append(out, " and ");
            nnc_unit_number(out, unit, e->high, 1, true);
        } else {
            nnc_str_append(out, upper ? ", at most " : ", at least ");
            nnc_unit_number(out, unit, upper ? e->high : e->low, upper ? 1 : -1, true);
        }
        nnc_str_append(out, " with 95 % confidence");
    }
    nnc_str_append(out, "; limit ");
    nnc_unit_number(out, unit, limit, 0, false);
    if (strcmp(verdict, "UNDECIDED") == 0 && e->needed) {
        nnc_str_appendf(out, "; about %llu more %s would decide",
                        (unsigned long long)(e->needed > e->cases ? e->needed - e->cases : 1), e->case_name);
    } else if (strcmp(verdict, "UNDECIDED") == 0) {
        nnc_str_appendf(out, "; no number of %s decides this: it is too near to the limit", e->case_name);
    }
    if (note) {
        nnc_str_appendf(out, " (%s)", note);
    }
}

static nnc_report_row *add_gate(nnc_report_row *root, const char *name, const char *verdict, const char *reason)
{
    nnc_report_row *row = nnc_report_append(root, "gates");
    nnc_report_string(row, "name", name);
    nnc_report_string(row, "verdict", verdict);
    nnc_report_string(row, "reason", reason);
    return row;
}

void nnc_gate_decide(nnc_report_row *root, const char *name, nnc_unit unit, bool at_most, double limit,
                     const nnc_estimate *e, const char *note)
{
    static const char *const units[] = {[NNC_UNIT_POINTS] = "share", [NNC_UNIT_SHARE] = "share",
                                        [NNC_UNIT_TIMES] = "x",      [NNC_UNIT_MS] = "ms",
                                        [NNC_UNIT_BYTES] = "bytes"};
    const bool passed = at_most ? e->high <= limit : e->low >= limit;
    const bool failed = at_most ? e->low > limit : e->high < limit;
    const char *verdict = passed ? "PASSED" : failed ? "FAILED" : "UNDECIDED";
    nnc_str reason = {0};
    explain(&reason, unit, at_most, limit, e, verdict, note);
    nnc_report_row *row = add_gate(root, name, verdict, nnc_str_get(&reason));
    nnc_str_deinit(&reason);
    nnc_report_string(row, "unit", units[unit]);
    nnc_report_string(row, "relation", at_most ? "at most" : "at least");
    nnc_report_double(row, "limit", limit);
    nnc_report_double(row, "value", e->value);
    nnc_report_double(row, "low", e->case_name ? e->low : NAN);
    nnc_report_double(row, "high", e->case_name ? e->high : NAN);
    if (!passed && !failed && e->needed) {
        nnc_report_int(row, "samples_needed", e->needed > e->cases ? (int64_t)(e->needed - e->cases) : 1);
    } else {
        nnc_report_string(row, "samples_needed", NULL);
    }
}

void nnc_gate_without(nnc_report_row *root, const char *name, const char *verdict, const char *reason)
{
    nnc_report_row *row = add_gate(root, name, verdict, reason);
    for (const char *const *key = (const char *const[]){"unit", "relation", "limit", "value", "low", "high",
                                                        "samples_needed", NULL};
         *key; key++) {
        nnc_report_string(row, *key, NULL);
    }
}

static void judge_accuracy(nnc_report_row *root, const nnc_gates *g, const nnc_measured *m)
{
    const nnc_accuracy *a = m->accuracy;
    const double fp32 = (double)a->top1_a / (double)a->samples;
    if (g->max_drop.given && a->labelled) {
        const double limit = g->max_drop.relative ? g->max_drop.value * fp32 : g->max_drop.value;
        const nnc_estimate e = nnc_estimate_drop(a, limit);
        nnc_str note = {0};
        nnc_unit_number(&note, NNC_UNIT_SHARE, g->max_drop.value, 0, false);
        nnc_str_append(&note, " of the original's ");
        nnc_unit_number(&note, NNC_UNIT_SHARE, fp32, 0, false);
        nnc_gate_decide(root, "max-drop", NNC_UNIT_POINTS, true, limit, &e,
                        g->max_drop.relative ? nnc_str_get(&note) : NULL);
        nnc_str_deinit(&note);
    } else if (g->max_drop.given) {
        nnc_gate_without(root, "max-drop", "UNDECIDED", "not measured: no labels, or outputs that are no class scores");
    }
    if (g->min_accuracy.given && a->labelled) {
        const nnc_estimate e =
            nnc_estimate_share(m->pair ? a->top1_b : a->top1_a, a->samples, g->min_accuracy.value);
        nnc_gate_decide(root, "min-accuracy", NNC_UNIT_SHARE, false, g->min_accuracy.value, &e, NULL);
    } else if (g->min_accuracy.given) {
        nnc_gate_without(root, "min-accuracy", "UNDECIDED",
                         "not measured: no labels, or outputs that are no class scores");
    }
    if (g->min_agreement.given && a->classes) {
        const nnc_estimate e = nnc_estimate_share(a->agree, a->samples, g->min_agreement.value);
        nnc_gate_decide(root, "min-agreement", NNC_UNIT_SHARE, false, g->min_agreement.value, &e, NULL);
    } else if (g->min_agreement.given) {
        nnc_gate_without(root, "min-agreement", "UNDECIDED", "not measured: the outputs are no class scores");
    }
}

static nnc_status judge_latency(nnc_report_row *root, const nnc_gates *g, const nnc_measured *m)
{
    if (g->min_speedup.given && m->latency && m->original_latency) {
        nnc_estimate e = {.case_name = "timed runs", .cases = m->latency->runs};
        nnc_bench_ratio(&e.value, &e.low, &e.high, m->original_latency, m->latency);
        finish_timed(&e, g->min_speedup.value);
        nnc_gate_decide(root, "min-speedup", NNC_UNIT_TIMES, false, g->min_speedup.value, &e, NULL);
    } else if (g->min_speedup.given) {
        nnc_gate_without(root, "min-speedup", "UNDECIDED", "not measured");
    }
    if (g->max_latency.given && m->latency) {
        nnc_estimate e;
        NNC_TRY(nnc_estimate_median(&e, m->latency->samples_ms, m->latency->runs, g->max_latency.value));
        nnc_gate_decide(root, "max-latency", NNC_UNIT_MS, true, g->max_latency.value, &e, NULL);
    } else if (g->max_latency.given) {
        nnc_gate_without(root, "max-latency", "UNDECIDED", "not measured");
    }
    return NNC_OK;
}

static void judge_sizes(nnc_report_row *root, const nnc_gates *g, const nnc_measured *m)
{
    if (g->max_size.given) {
        const double original = (double)m->original_bytes;
        const double limit = g->max_size.relative ? floor(g->max_size.value * original) : g->max_size.value;
        const nnc_estimate e = nnc_estimate_exact((double)m->bytes);
        nnc_str note = {0};
        nnc_unit_number(&note, NNC_UNIT_SHARE, (double)m->bytes / original, 1, false);
        nnc_str_append(&note, " of the original's ");
        nnc_unit_number(&note, NNC_UNIT_BYTES, original, 0, false);
        nnc_gate_decide(root, "max-size", NNC_UNIT_BYTES, true, limit, &e,
                        g->max_size.relative ? nnc_str_get(&note) : NULL);
        nnc_str_deinit(&note);
    }
    if (g->max_memory.given) {
        const nnc_estimate e = nnc_estimate_exact((double)m->memory_bytes);
        nnc_gate_decide(root, "max-memory", NNC_UNIT_BYTES, true, g->max_memory.value, &e,
                        "constants of the plan and arena of one session");
    }
}

static const nnc_report_row *first_with(const nnc_report_row *root, const char *verdict)
{
    for (size_t i = 0; i < nnc_report_count(root, "gates"); i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        const char *text = nnc_report_get_string(gate, "verdict");
        if (text && strcmp(text, verdict) == 0) {
            return gate;
        }
    }
    return NULL;
}

nnc_status nnc_gates_judge(nnc_report *report, const nnc_gates *g, const nnc_measured *m)
{
    nnc_report_row *root = nnc_report_root(report);
    if (!g || !nnc_gates_any(g)) {
        nnc_report_string(root, "verdict", "DONE");
        return nnc_report_status(report);
    }
    judge_accuracy(root, g, m);
    NNC_TRY(judge_latency(root, g, m));
    judge_sizes(root, g, m);
    NNC_TRY(nnc_baseline_judge(report, g, m));
    nnc_report_string(root, "verdict",
                      first_with(root, "FAILED")      ? "FAILED"
                      : first_with(root, "UNDECIDED") ? "UNDECIDED"
                                                      : "PASSED");
    return nnc_report_status(report);
}

nnc_status nnc_gates_status(nnc_report *report)
{
    const nnc_report_row *root = nnc_report_root(report);
    const nnc_report_row *gate = first_with(root, "FAILED");
    gate = gate ? gate : first_with(root, "UNDECIDED");
    if (gate) {
        const char *name = nnc_report_get_string(gate, "name"), *verdict = nnc_report_get_string(gate, "verdict");
        const char *reason = nnc_report_get_string(gate, "reason");
        NNC_FAIL(NNC_ERR_GATE, "%s %s: %s", name, verdict, reason ? reason : "");
    }
    return NNC_OK;
}
