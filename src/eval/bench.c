/* Latency of several models that take turns, so that drifts of the machine hit all of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "eval/eval.h"
#include "eval/statistics.h"

#define PROGRESS_S 0.1
#define PARTS 12 /* of a measurement, each with new sessions */
#define P99_RUNS 100 /* below, the 99th percentile is the maximum under another name */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* State of one entry while it is measured. */
typedef struct lane {
    double *samples; /* milliseconds */
    size_t runs, cap;
} lane;

/* Inputs share memory with later values, so they are written before every run, outside of the
 * measured time. */
static nnc_status timed_run(double *seconds, const nnc_bench_entry *entry, nnrt_session *session)
{
    for (uint32_t i = 0; i < entry->input_count; i++) {
        nnrt_view view;
        NNC_TRY(nnrt_session_input(session, i, &view));
        nnc_exec_fill(&view, &entry->inputs[i]);
    }
    double start = now_s();
    nnc_status status = (nnc_status)nnrt_session_run(session);
    *seconds = now_s() - start;
    return status;
}

static nnc_status warm_up(const nnc_bench_entry *entry, double seconds, const nnc_log *log)
{
    double start = now_s(), last;
    /* The first run also fits the session to the inputs' shapes. */
    NNC_TRY(nnc_exec_run(entry->exec, entry->inputs, entry->input_count));
    while (now_s() - start < seconds) {
        NNC_TRY(nnc_log_poll(log));
        NNC_TRY(timed_run(&last, entry, nnc_exec_session(entry->exec)));
    }
    return NNC_OK;
}

/* New sessions: where their memory lies and which cores their threads wake up on makes a few percent of the
 * time and stays as it is while a session lives, so that one session each would compare luck. */
static nnc_status renew(const nnc_bench_entry *entries, size_t count, bool backwards)
{
    for (size_t k = 0; k < count; k++) {
        const size_t i = backwards ? count - 1 - k : k;
        if (nnrt_session_device_of(nnc_exec_session(entries[i].exec)) == NNRT_DEVICE_CPU) {
            NNC_TRY(nnc_exec_renew(entries[i].exec));
            NNC_TRY(nnc_exec_run(entries[i].exec, entries[i].inputs, entries[i].input_count));
        }
    }
    return NNC_OK;
}

/* One run of each entry; every second round backwards, because who runs after whom matters too. */
static nnc_status measure_round(lane *lanes, const nnc_bench_entry *entries, size_t count, size_t round,
                                const nnc_log *log)
{
    for (size_t k = 0; k < count; k++) {
        const size_t i = round % 2 ? count - 1 - k : k;
        double seconds;
        NNC_TRY(nnc_log_poll(log));
        NNC_TRY(nnc_grow(&lanes[i].samples, &lanes[i].cap, lanes[i].runs + 1, sizeof(double)));
        NNC_TRY(timed_run(&seconds, &entries[i], nnc_exec_session(entries[i].exec)));
        lanes[i].samples[lanes[i].runs++] = seconds * 1e3;
    }
    return NNC_OK;
}

static nnc_status measure(lane *lanes, const nnc_bench_entry *entries, size_t count,
                          const nnc_bench_options *options, const nnc_log *log)
{
    const double start = now_s(), budget = options->seconds * (double)count;
    const uint64_t total = (uint64_t)(budget * 1000);
    const size_t min_runs = options->min_runs ? options->min_runs : 1;
    const double part_s = budget / PARTS;
    const size_t part_runs = (min_runs + PARTS - 1) / PARTS;
    double shown = start, part = start;
    size_t first = 0, parts = 0; /* round of this part; parts that ended */
    for (size_t round = 0; options->max_runs == 0 || round < options->max_runs; round++) {
        const double now = now_s();
        if (now - start >= budget && round >= min_runs) {
            break;
        }
        if (now - shown >= PROGRESS_S) {
            shown = now;
            uint64_t done = (uint64_t)((now - start) * 1000);
            nnc_log_progress(log, "measure", done < total ? done : total, total, "ms");
        }
        if (now - part >= part_s && round - first >= part_runs) {
            NNC_TRY(renew(entries, count, ++parts % 2));
            part = now;
            first = round;
        }
        NNC_TRY(measure_round(lanes, entries, count, round, log));
    }
    nnc_log_progress(log, "measure", total, total, "ms");
    return NNC_OK;
}

/* Takes the samples. */
static nnc_status summarize(nnc_latency *out, lane *from)
{
    const size_t n = from->runs;
    double *sorted = nnc_calloc(n, sizeof(*sorted));
    if (!sorted) {
        return NNC_ERR_LIMIT;
    }
    memcpy(sorted, from->samples, n * sizeof(*sorted));
    nnc_sort_doubles(sorted, n);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += sorted[i];
    }
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        squares += (sorted[i] - mean) * (sorted[i] - mean);
    }
    const double deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    *out = (nnc_latency){.p50_ms = nnc_sorted_median(sorted, n),
                         .p90_ms = nnc_sorted_percentile(sorted, n, 0.9),
                         .p99_ms = n < P99_RUNS ? NAN : nnc_sorted_percentile(sorted, n, 0.99),
                         .min_ms = sorted[0],
                         .mean_ms = mean,
                         .cv = mean > 0 ? deviation / mean : 0,
                         .throughput = mean > 0 ? 1000 / mean : 0,
                         .runs = n,
                         .samples_ms = from->samples};
    from->samples = NULL;
    nnc_free(sorted);
    return NNC_OK;
}

nnc_status nnc_bench_run(nnc_bench_entry *entries, size_t count, const nnc_bench_options *options,
                         const nnc_log *log)
{
    lane *lanes = nnc_calloc(count, sizeof(*lanes));
    nnc_status status = lanes ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        entries[i].latency = (nnc_latency){0};
    }
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        status = warm_up(&entries[i], options->warmup_s, log);
    }
    if (status == NNC_OK) {
        status = measure(lanes, entries, count, options, log);
    }
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        status = summarize(&entries[i].latency, &lanes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (status != NNC_OK) {
            nnc_latency_deinit(&entries[i].latency);
        }
        if (lanes) {
            nnc_free(lanes[i].samples);
        }
    }
    nnc_free(lanes);
    return status;
}

void nnc_latency_deinit(nnc_latency *latency)
{
    nnc_free(latency->samples_ms);
    *latency = (nnc_latency){0};
}

void nnc_bench_ratio(double *median, double *lo, double *hi, const nnc_latency *a,
                     const nnc_latency *b)
{
    const size_t n = a->runs < b->runs ? a->runs : b->runs;
    double *ratios = n ? nnc_calloc(n, sizeof(*ratios)) : NULL;
    *median = *lo = *hi = NAN;
    if (!ratios) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        ratios[i] = a->samples_ms[i] / b->samples_ms[i];
    }
    if (nnc_series_interval(median, lo, hi, ratios, n) != NNC_OK) {
        *median = *lo = *hi = NAN;
    }
    nnc_free(ratios);
}
