/* Latency of a runtime plan: p50 and minimum per thread count, the thread counts interleaved, then
 * the time of every node. Uses the public API alone; inputs hold a fixed pattern. Usage: bench_plan
 * plan.nncp [runs] [threads ...] SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "nnrt.h"

#define MAX_SETTINGS 8

typedef struct setting {
    uint32_t threads;
    nnrt_session *session;
    double *times;
} setting;

static void die(const char *what)
{
    fprintf(stderr, "bench_plan: %s: %s\n", what, nnrt_error_message());
    exit(1);
}

/* A pattern that is valid for every type: small integers, fractions for f32, zeros and ones for
 * bool. */
static void fill(const nnrt_view *view)
{
    if (view->dtype == NNRT_F32) {
        float *x = view->data;
        for (size_t i = 0; i < view->bytes / sizeof(float); i++)
            x[i] = (float)(i * 7 % 31) / 16.0f - 0.9f;
    } else if (view->dtype == NNRT_U8 || view->dtype == NNRT_I8) {
        uint8_t *x = view->data;
        for (size_t i = 0; i < view->bytes; i++)
            x[i] = (uint8_t)(i * 37 % 120);
    } else {
        memset(view->data, 0, view->bytes);
    }
}

static nnrt_session *open_session(const nnrt_model *model, uint32_t threads, uint32_t profile)
{
    const nnrt_session_options options = {
        .size = sizeof(options), .threads = threads, .isa_max = NNRT_ISA_BEST, .profile = profile};
    nnrt_session *session = NULL;
    if (nnrt_session_create(&session, model, &options) != NNRT_OK)
        die("session");
    for (uint32_t i = 0; i < nnrt_model_input_count(model); i++) {
        nnrt_view view;
        if (nnrt_session_input(session, i, &view) != NNRT_OK)
            die("input");
        fill(&view);
    }
    for (int i = 0; i < 3; i++)
        if (nnrt_session_run(session) != NNRT_OK)
            die("run");
    return session;
}

static void print_profile(nnrt_session *session, uint32_t threads, uint32_t runs)
{
    uint64_t total = 0;
    const uint32_t n = nnrt_session_node_count(session);
    nnrt_node_info info;
    nnrt_session_profile_reset(session);
    for (uint32_t i = 0; i < runs; i++)
        if (nnrt_session_run(session) != NNRT_OK)
            die("run");
    for (uint32_t i = 0; i < n; i++)
        if (nnrt_session_node(session, i, &info) == NNRT_OK)
            total += info.ns;
    printf("\nnodes with %u threads (mean of %u runs, sum %.3f ms)\n", threads, runs,
           (double)total / runs * 1e-6);
    printf("%9s %6s %8s %8s  %-14s %-30s %s\n", "us", "%", "GMAC/s", "GB/s", "op", "kernel",
           "node");
    for (uint32_t i = 0; i < n; i++) {
        if (nnrt_session_node(session, i, &info) != NNRT_OK || info.runs == 0)
            continue;
        const double ns = (double)info.ns / (double)info.runs, floor = ns > 1 ? ns : 1;
        printf("%9.1f %6.2f %8.1f %8.1f  %-14s %-30s %s\n", ns * 1e-3,
               (double)info.ns / (double)(total ? total : 1) * 100.0, (double)info.macs / floor,
               (double)info.bytes / floor, info.rop, info.kernel, info.name);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_plan plan.nncp [runs] [threads ...]\n");
        return 2;
    }
    const uint32_t runs = argc > 2 && atoi(argv[2]) > 0 ? (uint32_t)atoi(argv[2]) : 50;
    setting settings[MAX_SETTINGS];
    uint32_t count = 0;
    for (int i = 3; i < argc && count < MAX_SETTINGS; i++)
        settings[count++].threads = (uint32_t)atoi(argv[i]);
    if (count == 0) {
        settings[count++].threads = 1;
        settings[count++].threads = 2;
    }
    nnrt_model *model = NULL;
    if (nnrt_model_load(&model, argv[1], NNRT_VERIFY) != NNRT_OK)
        die(argv[1]);
    for (uint32_t s = 0; s < count; s++) {
        settings[s].session = open_session(model, settings[s].threads, 0);
        settings[s].times = calloc(runs, sizeof(double));
        if (!settings[s].times)
            die("memory");
    }
    for (uint32_t i = 0; i < runs; i++)
        for (uint32_t s = 0; s < count; s++) {
            const double t = bench_now();
            if (nnrt_session_run(settings[s].session) != NNRT_OK)
                die("run");
            settings[s].times[i] = bench_now() - t;
        }
    printf("%s: %s, %u runs, %.2f MB of constants, arena %.2f MB\n", argv[1],
           nnrt_isa_name(nnrt_isa_best()), runs, (double)nnrt_model_constant_bytes(model) * 1e-6,
           (double)nnrt_session_arena_bytes(settings[0].session) * 1e-6);
    for (uint32_t s = 0; s < count; s++) {
        bench_sort(settings[s].times, runs);
        printf("threads %2u: p50 %9.3f ms, min %9.3f ms\n", settings[s].threads,
               settings[s].times[runs / 2] * 1e3, settings[s].times[0] * 1e3);
    }
    for (uint32_t s = 0; s < count; s++) {
        nnrt_session *session = open_session(model, settings[s].threads, 1);
        print_profile(session, settings[s].threads, runs);
        nnrt_session_destroy(session);
        nnrt_session_destroy(settings[s].session);
        free(settings[s].times);
    }
    nnrt_model_destroy(model);
    return 0;
}
