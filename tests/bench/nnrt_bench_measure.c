/* Times of single runs. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "bench/clock.h"
#include "bench/nnrt_bench.h"

#define MIN_RUNS 10
#define MAX_RUNS 1000000

static nnc_status add(bench_times *times, double seconds)
{
    NNC_TRY(nnc_grow(&times->ms, &times->cap, times->count + 1, sizeof(double)));
    times->ms[times->count++] = seconds * 1e3;
    return NNC_OK;
}

static void summarize(bench_times *times)
{
    double sum = 0;
    for (size_t i = 0; i < times->count; i++)
        sum += times->ms[i];
    bench_sort(times->ms, times->count);
    times->mean = sum / (double)times->count;
    times->min = times->ms[0];
    times->p50 = bench_rank(times->ms, times->count, 0.5);
    times->p95 = bench_rank(times->ms, times->count, 0.95);
}

void bench_times_deinit(bench_times *times)
{
    nnc_free(times->ms);
    *times = (bench_times){0};
}

void bench_result_deinit(bench_result *result)
{
    bench_times_deinit(&result->rerun);
    bench_times_deinit(&result->run);
    bench_times_deinit(&result->with_copy);
}

/* Seconds of one round. */
typedef struct round_times {
    double rerun, run, with_copy;
} round_times;

static nnc_status timed_round(round_times *t, bench_case *c, nnc_str *outputs)
{
    const double start = bench_now();
    NNC_TRY(bench_case_write(c));
    const double written = bench_now();
    NNC_TRY(bench_status(nnrt_session_run(c->session)));
    const double done = bench_now();
    nnc_str_clear(outputs);
    for (uint32_t i = 0; i < nnrt_model_output_count(c->model); i++) {
        nnrt_view view;
        NNC_TRY(bench_status(nnrt_session_output(c->session, i, &view)));
        nnc_str_append_n(outputs, view.data, view.bytes);
    }
    const double read = bench_now();
    NNC_TRY(bench_status(nnrt_session_rerun(c->session)));
    *t = (round_times){bench_now() - read, done - written, read - start};
    return nnc_str_status(outputs);
}

static nnc_status measure(bench_result *out, bench_case *c, double warmup, double seconds, nnc_str *outputs)
{
    round_times t;
    double start = bench_now();
    do {
        NNC_TRY(timed_round(&t, c, outputs));
    } while (bench_now() - start < warmup);
    start = bench_now();
    for (size_t i = 0; i < MAX_RUNS && (i < MIN_RUNS || bench_now() - start < seconds); i++) {
        NNC_TRY(timed_round(&t, c, outputs));
        NNC_TRY(add(&out->rerun, t.rerun));
        NNC_TRY(add(&out->run, t.run));
        NNC_TRY(add(&out->with_copy, t.with_copy));
    }
    summarize(&out->rerun);
    summarize(&out->run);
    summarize(&out->with_copy);
    return NNC_OK;
}

nnc_status bench_measure(bench_result *out, bench_case *c, double warmup, double seconds)
{
    nnc_str outputs = {0};
    *out = (bench_result){0};
    nnc_status status = measure(out, c, warmup, seconds, &outputs);
    nnc_str_deinit(&outputs);
    if (status != NNC_OK)
        bench_result_deinit(out);
    return status;
}
