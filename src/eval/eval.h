/* Evaluation: accuracy, agreement, errors per layer, latency - two graphs through one runtime. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_EVAL_EVAL_H
#define NNC_EVAL_EVAL_H

#include "base/log.h"
#include "datasets/dataset.h"
#include "eval/task.h"
#include "exec/exec.h"
#include "graph/graph.h"
#include "tensor/metrics.h"

/* ---- accuracy of one or two models on one data set ---- */
typedef struct nnc_flip {     /* a sample whose top-1 changed */
    size_t index;
    char *name;
    int64_t label, top1_a, top1_b;
} nnc_flip;
typedef struct nnc_accuracy {
    size_t samples, bad;
    uint64_t content;       /* over content and labels of the samples, in any order */
    bool labelled;          /* labels present: top-1 / top-5 mean something */
    size_t classes;         /* of output 0; 0: not a classifier output */
    size_t top1_a, top5_a, top1_b, top5_b; /* right answers; b: compressed, equal to a when there is one model */
    size_t agree;           /* same top-1 */
    size_t only_a, only_b;  /* right in one of them alone: the discordant pairs */
    double drop;            /* (top1_a - top1_b) / samples, fraction */
    double drop_lo, drop_hi;/* two-sided 95 % interval of the paired difference (Newcombe 1998 method 10 / score interval for paired proportions) */
    double agree_lo, agree_hi; /* Wilson 95 % */
    nnc_error_sums output;  /* over all outputs and samples, float a against b */
    nnc_error_sums *outputs; size_t output_count; /* the same per output */
    nnc_flip *flips; size_t flip_count; /* first 200 */
    nnc_task_result task;   /* figures of options.task */
    uint64_t *class_total, *class_right_a, *class_right_b; /* [classes] when labelled, classes <= 100000 */
} nnc_accuracy;
void nnc_accuracy_deinit(nnc_accuracy *accuracy);

typedef struct nnc_eval_options {
    uint32_t threads, isa_max;
    const size_t *indices; /* NULL: all samples */
    size_t index_count;
    size_t output;         /* which output holds the class scores; default 0 */
    nnc_task_options task; /* what else to measure; labels and classes then mean nothing */
} nnc_eval_options;
/* b may be NULL (one model). Execs are created by the caller. Ties in top-k: lower index wins; NaN never wins. Fails: NNC_ERR_USAGE
 * (the models' outputs do not match), NNC_ERR_DATA (no good sample; a label beyond the classes; NaN from a; one model, labels, but no
 * class scores), NNC_ERR_CANCELLED. */
nnc_status nnc_eval_accuracy(nnc_accuracy *out, nnc_exec *a, nnc_exec *b, const nnc_dataset *data,
                             const nnc_eval_options *options, const nnc_log *log);

/* Wilson score interval (95 %) of a share: right of n. */
void nnc_wilson(double *lo, double *hi, uint64_t right, uint64_t n);

/* ---- error per layer: values of the same name in both graphs ---- */
typedef struct nnc_layer_error {
    nnc_value_id value;  /* in graph a */
    nnc_error_sums sums;
} nnc_layer_error;
/* Compares `values` (ids in a; matched by name in b, missing ones are skipped with count 0) over the first n samples of indices. */
nnc_status nnc_eval_layers(nnc_layer_error *out, const nnc_value_id *values, size_t value_count,
                           const nnc_graph *a, const nnc_graph *b, const nnc_dataset *data,
                           const nnc_eval_options *options, const nnc_log *log);

/* ---- latency, interleaved A B B A ---- */
typedef struct nnc_latency {
    double p50_ms, p90_ms, p99_ms, min_ms, mean_ms, cv; /* p99: NAN below 100 runs; cv: standard deviation / mean */
    double throughput;        /* runs per second, 1000 / mean */
    size_t runs;
    double *samples_ms;       /* [runs], in order */
} nnc_latency;
typedef struct nnc_bench_entry {
    nnc_exec *exec;
    const nnc_tensor *inputs;
    size_t input_count;
    nnc_latency latency;      /* result */
} nnc_bench_entry;
typedef struct nnc_bench_options {
    double warmup_s, seconds; /* per entry */
    size_t min_runs, max_runs;
} nnc_bench_options;
/* Entries (different execs) take turns run by run, every second round in reverse order, and get new sessions several times
 * (nnc_exec_renew): pointers to the old ones are stale. CLOCK_MONOTONIC_RAW around the run alone: inputs are written before it. */
nnc_status nnc_bench_run(nnc_bench_entry *entries, size_t count, const nnc_bench_options *options,
                         const nnc_log *log);
void nnc_latency_deinit(nnc_latency *latency);
/* Median of pairwise ratios a/b with a 95 % interval (nnc_series_interval of the pairs; NAN where they are too few). */
void nnc_bench_ratio(double *median, double *lo, double *hi, const nnc_latency *a, const nnc_latency *b);

/* Peak INT8 or FP32 multiply-accumulates per second of this CPU and tier on one core, measured now (register-only loop), in GMAC/s;
 * 0 where it is not known how (no x86-64). */
double nnc_bench_ceiling(uint32_t isa_max, bool int8);

/* ---- facts ---- */
typedef struct nnc_environment {
    char cpu[128], isa[32], compiler[96], os[128], governor[32];
    uint32_t cores, threads;
} nnc_environment;
void nnc_environment_get(nnc_environment *out, uint32_t threads, uint32_t isa_max);
/* Peak resident memory of this process so far, bytes. */
uint64_t nnc_peak_memory(void);

#endif
