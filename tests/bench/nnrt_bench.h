/* Parts of nnrt-bench: a plan at one batch size, its seeded inputs, golden outputs, times.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_BENCH_NNRT_BENCH_H
#define NNC_TESTS_BENCH_NNRT_BENCH_H

#include "base/option.h"
#include "base/str.h"
#include "nnrt.h"
#include "tensor/tensor.h"

typedef struct bench_options {
    nnc_option_list batches;
    int64_t threads, seed, device_index;
    double seconds, warmup;
    int device, isa;
    bool profile, verify;
    const char *json, *golden, *write_golden;
} bench_options;

/* A session at one batch size with inputs that the seed alone decides. */
typedef struct bench_case {
    const nnrt_model *model;
    nnrt_session *session;
    nnc_tensor *inputs; /* [input_count], host memory apart from the session's */
    uint32_t input_count;
    uint64_t batch; /* 0: as the model says, unknown dims 1 */
} bench_case;

/* A status of nnrt.h with its message. */
nnc_status bench_status(nnrt_status status);

/* batch replaces dim 0 of every input; other unknown dims are 1. Fails as nnrt_session_create and reshape. */
nnc_status bench_case_open(bench_case *out, const nnrt_model *model,
                           const nnrt_session_options *options, uint64_t batch, uint64_t seed);
void bench_case_close(bench_case *c);
/* Copies the inputs into the session's memory. */
nnc_status bench_case_write(bench_case *c);
nnc_status bench_case_run(bench_case *c); /* write, then run */

/* Compares the outputs of the last runs of two sessions. NNC_ERR_VERIFY names the first difference; `other`: what b
 * is, "the CPU". */
nnc_status bench_compare_cases(const bench_case *a, const bench_case *b, const char *other);

/* A golden file: per batch size the hashes of the inputs and the bytes of the outputs of one plan. */
typedef struct bench_golden bench_golden;
/* plan_hash: nnc_hash64 of the plan's bytes. */
nnc_status bench_golden_create(bench_golden **out, uint64_t plan_hash, uint64_t seed);
/* Appends the outputs of the last run. */
nnc_status bench_golden_add(bench_golden *golden, const bench_case *c);
nnc_status bench_golden_save(const bench_golden *golden, const char *path);
/* Fails: IO, DATA (no golden file, of another plan, another seed). */
nnc_status bench_golden_load(bench_golden **out, const char *path, uint64_t plan_hash, uint64_t seed);
/* Compares the outputs of the last run with the record of this batch size. Fails: DATA (no such record, other
 * inputs), VERIFY (first difference). */
nnc_status bench_golden_compare(const bench_golden *golden, const bench_case *c);
void bench_golden_destroy(bench_golden *golden); /* NULL accepted */

/* First difference of one output's bytes; NNC_OK if there is none. */
nnc_status bench_compare_bytes(const char *name, const nnrt_view *view, const void *expected,
                               const char *other);

/* Milliseconds of single runs, ascending. */
typedef struct bench_times {
    double *ms;
    size_t count, cap;
    double mean, p50, p95, min;
} bench_times;
void bench_times_deinit(bench_times *times);

typedef struct bench_result {
    bench_times rerun;     /* nnrt_session_rerun: nothing is copied */
    bench_times run;       /* nnrt_session_run, inputs written before it */
    bench_times with_copy; /* writing the inputs, the run, reading the outputs */
} bench_result;
/* All from the same rounds, after a warm-up. */
nnc_status bench_measure(bench_result *out, bench_case *c, double warmup, double seconds);
void bench_result_deinit(bench_result *result);

/* What is reported of one plan at one batch size. */
typedef struct bench_report_row {
    const char *plan;
    const bench_case *measured;
    const bench_result *result;
    const nnrt_session *profiled; /* NULL: no profile */
    const nnrt_device_facts *facts; /* NULL: not on CUDA */
    bool verified, golden;        /* compared and equal */
} bench_report_row;
/* "CUDA", or the CPU's kernels and threads, and why AUTO did not take CUDA. */
void bench_print_where(nnc_str *text, const bench_case *c, const nnrt_session_options *options);
void bench_print_header(nnc_str *text, const char *plan, const bench_case *c,
                        const nnrt_session_options *options);
void bench_print_row(nnc_str *text, const bench_report_row *row);
void bench_print_nodes(nnc_str *text, const bench_report_row *row);
void bench_print_facts(nnc_str *text, const nnrt_device_facts *facts);
/* "cuda":{...} */
void bench_json_facts(nnc_str *json, const nnrt_device_facts *facts);
/* One JSON object. */
void bench_json_row(nnc_str *json, const bench_report_row *row);

#endif
