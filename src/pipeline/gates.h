/* Release gates: limits a result must prove to keep, decided PASSED, FAILED or UNDECIDED. SPDX-License-Identifier: Apache-2.0
 * docs/gates.md says what each gate measures and how it decides. */
#ifndef NNC_PIPELINE_GATES_H
#define NNC_PIPELINE_GATES_H

#include "eval/eval.h"
#include "pipeline/options.h"
#include "reports/report.h"

/* Timed runs that a gate on latency asks for at least, each after the other model's: with fewer the interval of a median tells little. */
#define NNC_GATE_RUNS 30
/* What one process cannot tell apart: a model compared with itself, single-threaded on a quiet core, differs by up to 0.6 % depending on
 * where its weights happen to lie. The bounds of gates on latency are wider by this. */
#define NNC_GATE_RESOLUTION 0.01

/* Members of gates.def rows: text as given, NULL without. */
typedef struct nnc_gate_flags {
    const char *max_drop, *min_agreement, *min_speedup, *min_fp32, *min_accuracy, *max_latency, *max_size, *max_memory;
    const char *baseline, *baseline_drop, *baseline_size, *baseline_latency;
} nnc_gate_flags;

/* A limit that was read: shares as fractions, latency in milliseconds, sizes in bytes. */
typedef struct nnc_gate_limit {
    bool given, relative; /* relative: a fraction of the original's value */
    double value;
} nnc_gate_limit;

typedef struct nnc_gates {
    nnc_gate_limit max_drop, min_agreement, min_speedup, min_fp32, min_accuracy, max_latency, max_size, max_memory;
    const char *baseline_path; /* NULL without */
    nnc_report *baseline;
    double baseline_drop, baseline_size, baseline_latency;
} nnc_gates;

/* Reads the flags and the baseline, which must be a report of `kind` ("compress", "compare", "eval"). The paths stay the caller's; release
 * with nnc_gates_deinit, also after a failure. Fails: NNC_ERR_USAGE (value), NNC_ERR_IO, NNC_ERR_DATA (baseline). */
nnc_status nnc_gates_init(nnc_gates *out, const nnc_gate_flags *flags, const char *kind);
void nnc_gates_deinit(nnc_gates *gates);
/* True if a verdict is asked for. */
bool nnc_gates_any(const nnc_gates *gates);
/* True if a gate needs labels. */
bool nnc_gates_need_labels(const nnc_gates *gates);
/* True if a gate or the baseline looks at the latency. */
bool nnc_gates_need_latency(const nnc_gates *gates);
/* Fails with NNC_ERR_USAGE if a gate can never be decided: no evaluation data (has_eval), no latency measurement (bench_seconds). */
nnc_status nnc_gates_check(const nnc_gates *gates, bool has_eval, double bench_seconds);
/* Fails with NNC_ERR_DATA if the baseline was made from another original than this one. */
nnc_status nnc_gates_check_source(const nnc_gates *gates, const char *source_sha256);
/* --min-fp32 on right of n samples of the original. certain: only when the 95 % bound is below too (n are a part). Fails: NNC_ERR_DATA. */
nnc_status nnc_gates_check_fp32(const nnc_gates *gates, size_t right, size_t n, bool certain);

/* What was measured of the model that is judged. */
typedef struct nnc_measured {
    const nnc_accuracy *accuracy;
    bool pair;                  /* accuracy has two models: the second is judged */
    uint64_t original_bytes, bytes; /* files with external data; original 0: none */
    uint64_t memory_bytes;      /* nnc_gates_memory of the judged model */
    const nnc_latency *original_latency, *latency; /* taken in turns; NULL: not measured */
} nnc_measured;
/* Constants of the plan and arena of the session: what a deployed model holds beside the code. */
uint64_t nnc_gates_memory(nnc_exec *exec);
/* Decides every gate and writes gates[] and verdict: PASSED, FAILED, UNDECIDED, or DONE without gates. The report has its environment. */
nnc_status nnc_gates_judge(nnc_report *report, const nnc_gates *gates, const nnc_measured *measured);
/* NNC_ERR_GATE with the first gate that failed, or was not decided, as message; else NNC_OK. */
nnc_status nnc_gates_status(nnc_report *report);

/* ---- between the files of this part ---- */
typedef enum nnc_unit { NNC_UNIT_POINTS, NNC_UNIT_SHARE, NNC_UNIT_TIMES, NNC_UNIT_MS, NNC_UNIT_BYTES } nnc_unit;
/* A measured value with its one-sided 95 % bounds (equal to it where nothing is estimated). */
typedef struct nnc_estimate {
    double value, low, high;
    uint64_t cases, needed; /* behind it; in all for a decision, 0: no number would do */
    const char *case_name;  /* "samples", "timed runs" */
} nnc_estimate;
/* Appends a gate that compares; at_most: the limit is an upper one. note: more words for the reason, may be NULL. */
void nnc_gate_decide(nnc_report_row *root, const char *name, nnc_unit unit, bool at_most, double limit,
                     const nnc_estimate *estimate, const char *note);
/* Appends a gate without numbers: verdict UNDECIDED or SKIPPED. */
void nnc_gate_without(nnc_report_row *root, const char *name, const char *verdict, const char *reason);
/* A number in its unit; round: 1 up, -1 down, so that a bound never looks better than it is. */
void nnc_unit_number(nnc_str *out, nnc_unit unit, double x, int round, bool bare); /* bare: without the unit */
nnc_estimate nnc_estimate_exact(double value);
nnc_estimate nnc_estimate_drop(const nnc_accuracy *accuracy, double limit);
nnc_estimate nnc_estimate_share(size_t right, size_t n, double limit);
/* Median of values in the order of measurement with its 95 % interval (nnc_series_interval). Fails: NNC_ERR_LIMIT. */
nnc_status nnc_estimate_median(nnc_estimate *out, const double *values, size_t n, double limit);
/* baseline.c: loads, checks kind; judges. */
nnc_status nnc_baseline_load(nnc_report **out, const char *path, const char *kind);
nnc_status nnc_baseline_judge(nnc_report *report, const nnc_gates *gates, const nnc_measured *measured);

#endif
