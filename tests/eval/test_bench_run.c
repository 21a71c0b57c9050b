/* Latency measurement, ceilings and facts about the machine. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "eval_case.h"

static void test_turns(void **state)
{
    (void)state;
    const float c[4] = {0, 0, 0, 0}, numbers[4] = {1, 2, 3, 4};
    nnc_graph *graph = case_graph(c);
    nnc_tensor x = {0};
    const nnc_shape shape = nnc_shape_make(2, (const int64_t[]){1, 4});
    ok(nnc_tensor_create_from(&x, NNC_DTYPE_FLOAT, &shape, numbers));
    nnc_bench_entry entries[2] = {{.exec = case_exec(graph), .inputs = &x, .input_count = 1},
                                  {.exec = case_exec(graph), .inputs = &x, .input_count = 1}};
    /* Time for none: the smallest number of runs is kept. */
    nnc_bench_options options = {.seconds = 0, .min_runs = 25, .max_runs = 1000};
    ok(nnc_bench_run(entries, 2, &options, NULL));
    for (int i = 0; i < 2; i++) {
        nnc_latency *l = &entries[i].latency;
        assert_int_equal(l->runs, 25);
        assert_true(isnan(l->p99_ms)); /* not from 25 runs */
        assert_true(l->min_ms > 0 && l->min_ms <= l->p50_ms && l->p50_ms <= l->p90_ms);
        double sum = 0;
        for (size_t k = 0; k < l->runs; k++) {
            assert_true(l->samples_ms[k] >= l->min_ms);
            sum += l->samples_ms[k];
        }
        assert_true(fabs(sum / 25 - l->mean_ms) < 1e-9 &&
                    fabs(l->throughput * l->mean_ms - 1000) < 1e-6);
        nnc_tensor y;
        ok(nnc_exec_output(&y, entries[i].exec, 0));
        assert_memory_equal(nnc_tensor_data(&y), numbers,
                            sizeof(numbers)); /* the last run saw its input */
        nnc_tensor_deinit(&y);
        nnc_latency_deinit(l);
        assert_null(l->samples_ms);
    }
    options = (nnc_bench_options){.seconds = 60, .min_runs = 1, .max_runs = 150};
    ok(nnc_bench_run(entries, 2, &options, NULL));
    assert_int_equal(entries[1].latency.runs, 150);
    assert_true(entries[1].latency.p99_ms >= entries[1].latency.p90_ms);
    for (int i = 0; i < 2; i++) {
        nnc_latency_deinit(&entries[i].latency);
        nnc_exec_destroy(entries[i].exec);
    }
    nnc_tensor_deinit(&x);
    nnc_graph_destroy(graph);
}

static bool third_time(void *user)
{
    return ++*(int *)user > 3;
}

static void test_cancel(void **state)
{
    (void)state;
    const float c[4] = {0, 0, 0, 0};
    nnc_graph *graph = case_graph(c);
    nnc_tensor x = {0};
    const nnc_shape shape = nnc_shape_make(2, (const int64_t[]){1, 4});
    ok(nnc_tensor_create(&x, NNC_DTYPE_FLOAT, &shape));
    nnc_bench_entry entry = {.exec = case_exec(graph), .inputs = &x, .input_count = 1};
    const nnc_bench_options options = {.seconds = 3600};
    int polls = 0;
    const nnc_log log = {.cancelled = third_time, .user = &polls};
    assert_int_equal(nnc_bench_run(&entry, 1, &options, &log), NNC_ERR_CANCELLED);
    assert_null(entry.latency.samples_ms);
    nnc_exec_destroy(entry.exec);
    nnc_tensor_deinit(&x);
    nnc_graph_destroy(graph);
}

/* Pairs: a drift that hits both models leaves the ratio alone. */
static void test_ratio(void **state)
{
    (void)state;
    enum { N = 101 };
    double a[N], b[N], median, lo, hi;
    for (int i = 0; i < N; i++) {
        b[i] = 1 + i;
        a[i] = b[i] * (3 + (i * 30 % N - 50) * 0.001); /* in no order */
    }
    const nnc_latency la = {.runs = N, .samples_ms = a}, lb = {.runs = N, .samples_ms = b};
    nnc_bench_ratio(&median, &lo, &hi, &la, &lb);
    assert_true(fabs(median - 3) < 1e-12);
    assert_true(fabs(lo - 2.99) < 1e-9 && fabs(hi - 3.01) < 1e-9); /* ranks 41 and 61 of 101 */
    const nnc_latency few = {.runs = 5, .samples_ms = a};
    nnc_bench_ratio(&median, &lo, &hi, &few, &lb);
    assert_true(isfinite(median) && isnan(lo) && isnan(hi));
    const nnc_latency none = {0};
    nnc_bench_ratio(&median, &lo, &hi, &none, &lb);
    assert_true(isnan(median) && isnan(lo) && isnan(hi));
}

static void test_ceiling(void **state)
{
    (void)state;
    for (uint32_t isa = NNRT_ISA_REF; isa <= NNRT_ISA_AVX512VNNI; isa++) {
        const double int8 = nnc_bench_ceiling(isa, true), fp32 = nnc_bench_ceiling(isa, false);
#if defined(__x86_64__)
        /* Any x86-64 core does more than a product per nanosecond; integers have twice the lanes at
         * least. */
        assert_true(fp32 > 0.5 && int8 > fp32 && int8 < 1e5);
#else
        assert_true(int8 == 0 && fp32 == 0);
#endif
    }
}

static void test_environment(void **state)
{
    (void)state;
    nnc_environment e;
    nnc_environment_get(&e, 0, NNRT_ISA_BEST);
    assert_true(e.cpu[0] && e.compiler[0] && e.os[0] && e.governor[0]);
    assert_string_equal(e.isa, nnrt_isa_name(nnrt_isa_best()));
    assert_true(e.cores >= 1 && e.threads == e.cores);
    nnc_environment_get(&e, 3, NNRT_ISA_REF);
    assert_string_equal(e.isa, "ref");
    assert_int_equal(e.threads, 3);
    const uint64_t before = nnc_peak_memory(), bytes = 64u << 20;
    char *block = malloc(bytes);
    assert_non_null(block);
    memset(block, 1, bytes);
    assert_true(before > (1u << 20) && nnc_peak_memory() >= before + bytes / 2);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns), cmocka_unit_test(test_cancel),
                                       cmocka_unit_test(test_ratio), cmocka_unit_test(test_ceiling),
                                       cmocka_unit_test(test_environment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
