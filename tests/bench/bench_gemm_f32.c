/* Speed of the FP32 products on the layers of ResNet-50 v1.5 and MobileNetV2, each layer a plan of
 * one node, run hot. Prints percent of the register-only FMA ceiling measured before and after in
 * the same run. Usage: bench_gemm_f32 [isa: ref avx2 avx512vnni] [rounds] [threads] [net]
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "bench/clock.h"
#include "eval/eval.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/pack.h"

typedef struct layer {
    const char *net;
    uint32_t size, c_in, c_out, kernel, stride, depthwise, residual;
    uint32_t count; /* layers of this shape in the net */
} layer;

static const layer layers[] = {
    {"resnet50", 224, 3, 64, 7, 2, 0, 0, 1},      {"resnet50", 56, 64, 64, 1, 1, 0, 0, 1},
    {"resnet50", 56, 256, 64, 1, 1, 0, 0, 2},     {"resnet50", 56, 64, 64, 3, 1, 0, 0, 3},
    {"resnet50", 56, 64, 256, 1, 1, 0, 0, 1},     {"resnet50", 56, 64, 256, 1, 1, 0, 1, 3},
    {"resnet50", 56, 256, 128, 1, 1, 0, 0, 1},    {"resnet50", 56, 128, 128, 3, 2, 0, 0, 1},
    {"resnet50", 28, 128, 128, 3, 1, 0, 0, 3},    {"resnet50", 28, 512, 128, 1, 1, 0, 0, 3},
    {"resnet50", 28, 128, 512, 1, 1, 0, 1, 4},    {"resnet50", 56, 256, 512, 1, 2, 0, 0, 1},
    {"resnet50", 28, 512, 256, 1, 1, 0, 0, 1},    {"resnet50", 28, 256, 256, 3, 2, 0, 0, 1},
    {"resnet50", 14, 256, 256, 3, 1, 0, 0, 5},    {"resnet50", 14, 1024, 256, 1, 1, 0, 0, 5},
    {"resnet50", 14, 256, 1024, 1, 1, 0, 1, 6},   {"resnet50", 28, 512, 1024, 1, 2, 0, 0, 1},
    {"resnet50", 14, 1024, 512, 1, 1, 0, 0, 1},   {"resnet50", 14, 512, 512, 3, 2, 0, 0, 1},
    {"resnet50", 7, 512, 512, 3, 1, 0, 0, 2},     {"resnet50", 7, 2048, 512, 1, 1, 0, 0, 2},
    {"resnet50", 7, 512, 2048, 1, 1, 0, 1, 3},    {"resnet50", 14, 1024, 2048, 1, 2, 0, 0, 1},
    {"resnet50", 1, 2048, 1000, 1, 1, 0, 0, 1},   {"mobilenetv2", 224, 3, 32, 3, 2, 0, 0, 1},
    {"mobilenetv2", 112, 32, 32, 3, 1, 1, 0, 1},  {"mobilenetv2", 112, 32, 16, 1, 1, 0, 0, 1},
    {"mobilenetv2", 112, 16, 96, 1, 1, 0, 0, 1},  {"mobilenetv2", 112, 96, 96, 3, 2, 1, 0, 1},
    {"mobilenetv2", 56, 96, 24, 1, 1, 0, 0, 1},   {"mobilenetv2", 56, 24, 144, 1, 1, 0, 0, 2},
    {"mobilenetv2", 56, 144, 144, 3, 1, 1, 0, 1}, {"mobilenetv2", 56, 144, 24, 1, 1, 0, 1, 1},
    {"mobilenetv2", 56, 144, 144, 3, 2, 1, 0, 1}, {"mobilenetv2", 28, 144, 32, 1, 1, 0, 0, 1},
    {"mobilenetv2", 28, 32, 192, 1, 1, 0, 0, 3},  {"mobilenetv2", 28, 192, 192, 3, 1, 1, 0, 2},
    {"mobilenetv2", 28, 192, 32, 1, 1, 0, 1, 2},  {"mobilenetv2", 28, 192, 192, 3, 2, 1, 0, 1},
    {"mobilenetv2", 14, 192, 64, 1, 1, 0, 0, 1},  {"mobilenetv2", 14, 64, 384, 1, 1, 0, 0, 4},
    {"mobilenetv2", 14, 384, 384, 3, 1, 1, 0, 4}, {"mobilenetv2", 14, 384, 64, 1, 1, 0, 1, 3},
    {"mobilenetv2", 14, 384, 96, 1, 1, 0, 0, 1},  {"mobilenetv2", 14, 96, 576, 1, 1, 0, 0, 3},
    {"mobilenetv2", 14, 576, 576, 3, 1, 1, 0, 2}, {"mobilenetv2", 14, 576, 96, 1, 1, 0, 1, 2},
    {"mobilenetv2", 14, 576, 576, 3, 2, 1, 0, 1}, {"mobilenetv2", 7, 576, 160, 1, 1, 0, 0, 1},
    {"mobilenetv2", 7, 160, 960, 1, 1, 0, 0, 3},  {"mobilenetv2", 7, 960, 960, 3, 1, 1, 0, 3},
    {"mobilenetv2", 7, 960, 160, 1, 1, 0, 1, 2},  {"mobilenetv2", 7, 960, 320, 1, 1, 0, 0, 1},
    {"mobilenetv2", 7, 320, 1280, 1, 1, 0, 0, 1}, {"mobilenetv2", 1, 1280, 1000, 1, 1, 0, 0, 1},
};

static void die(const char *what)
{
    fprintf(stderr, "bench_gemm_f32: %s: %s\n", what, nnrt_error_message());
    exit(1);
}

static float *random_floats(size_t n, uint64_t seed)
{
    nnc_rng rng;
    float *p = nnc_calloc(n, sizeof(float));
    if (!p)
        die("memory");
    nnc_rng_init(&rng, seed, 0);
    for (size_t i = 0; i < n; i++)
        p[i] = nnc_rng_uniform(&rng) - 0.5f;
    return p;
}

/* The layer as a plan: conv_f32, dwconv_f32 or, for size 1, gemm_f32. */
static void *build(const layer *l, size_t *bytes)
{
    const uint32_t k = l->kernel, groups = l->depthwise ? l->c_in : 1, pad = k / 2;
    const uint32_t out = (l->size + 2 * pad - k) / l->stride + 1, np = (l->c_out + 15) / 16 * 16;
    const nnrt_conv_f32_params conv = {
        .window = {2, {k, k}, {l->stride, l->stride}, {1, 1}, {pad, pad, pad, pad}, 0, 0},
        .groups = groups,
        .c_in = l->c_in,
        .c_out = l->c_out,
        .has_bias = 1,
        .has_residual = l->residual,
        .clamp = {0.0f, INFINITY}};
    const nnrt_gemm_f32_params gemm = {l->c_in, l->c_out, 1, 0, {-INFINITY, INFINITY}};
    const size_t w_bytes = l->depthwise ? nnrt_pack_dwconv_f32_bytes(l->c_in, k, k)
                                        : nnrt_pack_conv_f32_bytes(1, l->c_in, l->c_out, k, k);
    float *w = random_floats(w_bytes / sizeof(float), 1), *bias = random_floats(np, 2);
    const nnrt_shape x = {4, {1, l->size, l->size, l->c_in}}, y = {4, {1, out, out, l->c_out}};
    const nnrt_shape w_shape = {1, {(int64_t)(w_bytes / sizeof(float))}}, b_shape = {1, {np}};
    nnrt_builder *b = nnrt_builder_create();
    uint32_t in[4], count = 3, yv;
    void *image = NULL;
    if (!b)
        die("builder");
    in[0] = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &x, 0, NULL);
    nnrt_builder_input(b, in[0]);
    in[1] = nnrt_builder_const(b, "w", NNRT_F32, &w_shape, w, w_bytes);
    in[2] = nnrt_builder_const(b, "b", NNRT_F32, &b_shape, bias, np * sizeof(float));
    if (l->residual) {
        in[count++] = nnrt_builder_value(b, NNRT_VALUE_INPUT, "r", NNRT_F32, &y, 0, NULL);
        nnrt_builder_input(b, in[3]);
    }
    yv = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_F32, &y, 0, NULL);
    if (l->size == 1)
        nnrt_builder_node(b, NNRT_ROP_ID_GEMM_F32, "gemm", &gemm, sizeof(gemm), in, count, &yv, 1);
    else
        nnrt_builder_node(b, l->depthwise ? NNRT_ROP_ID_DWCONV_F32 : NNRT_ROP_ID_CONV_F32, "conv",
                          &conv, sizeof(conv), in, count, &yv, 1);
    nnrt_builder_output(b, yv, "y");
    if (nnrt_builder_finish(b, &image, bytes) != NNC_OK)
        die("plan");
    nnrt_builder_destroy(b);
    nnc_free(w);
    nnc_free(bias);
    return image;
}

/* Best and median seconds of one layer. */
static void measure(const layer *l, uint32_t isa, uint32_t threads, uint32_t rounds, double *best,
                    double *p50, uint64_t *macs)
{
    const nnrt_session_options options = {
        .size = sizeof(options), .threads = threads, .isa_max = isa};
    size_t bytes = 0;
    void *image = build(l, &bytes);
    nnrt_model *model = NULL;
    nnrt_session *session = NULL;
    nnrt_view view;
    nnrt_node_info info;
    double *times = nnc_calloc(rounds, sizeof(double));
    if (!times || nnrt_model_load_memory(&model, image, bytes, 0) != NNRT_OK ||
        nnrt_session_create(&session, model, &options) != NNRT_OK)
        die("session");
    for (uint32_t i = 0; i < nnrt_model_input_count(model); i++) {
        if (nnrt_session_input(session, i, &view) != NNRT_OK)
            die("input");
        for (size_t j = 0; j < view.bytes / sizeof(float); j++)
            ((float *)view.data)[j] = (float)(j % 19) * 0.05f;
    }
    for (uint32_t i = 0; i < 3; i++)
        if (nnrt_session_run(session) != NNRT_OK)
            die("run");
    for (uint32_t i = 0; i < rounds; i++) {
        const double t = bench_now();
        nnrt_session_run(session);
        times[i] = bench_now() - t;
    }
    bench_sort(times, rounds);
    *best = times[0];
    *p50 = times[rounds / 2];
    *macs = nnrt_session_node(session, 0, &info) == NNRT_OK ? info.macs : 0;
    nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    nnc_free(image);
    nnc_free(times);
}

static void run_nets(uint32_t isa, uint32_t threads, uint32_t rounds, const char *only)
{
    const double before = nnc_bench_ceiling(isa, false) * 1e9;
    printf("%s, %u thread%s, FMA ceiling %.1f GMAC/s per core\n", nnrt_isa_name(isa), threads,
           threads == 1 ? "" : "s", before * 1e-9);
    printf("%-12s %-32s %3s %9s %9s %8s %6s\n", "net", "layer", "n", "min us", "p50 us", "GMAC/s",
           "% max");
    double sum_best = 0, sum_p50 = 0, sum_macs = 0;
    const size_t n = sizeof(layers) / sizeof(layers[0]);
    for (size_t i = 0; i < n; i++) {
        const layer *l = &layers[i];
        double best, p50;
        uint64_t macs;
        char text[64];
        if (only && strcmp(only, l->net) != 0)
            continue;
        measure(l, isa, threads, rounds, &best, &p50, &macs);
        snprintf(text, sizeof(text), "%ux%u %s%u->%u %ux%u s%u%s", l->size, l->size,
                 l->depthwise ? "dw " : "", l->c_in, l->c_out, l->kernel, l->kernel, l->stride,
                 l->residual ? " +res" : "");
        printf("%-12s %-32s %3u %9.1f %9.1f %8.1f %6.1f\n", l->net, text, l->count, best * 1e6,
               p50 * 1e6, (double)macs / best * 1e-9,
               (double)macs / best / before / threads * 100.0);
        sum_best += best * l->count;
        sum_p50 += p50 * l->count;
        sum_macs += (double)macs * l->count;
        if (i + 1 == n || strcmp(layers[i + 1].net, l->net) != 0) {
            printf("%-12s %-32s     %9.1f %9.1f %8.1f %6.1f\n", l->net, "all layers",
                   sum_best * 1e6, sum_p50 * 1e6, sum_macs / sum_best * 1e-9,
                   sum_macs / sum_best / before / threads * 100.0);
            sum_best = sum_p50 = sum_macs = 0;
        }
    }
    printf("FMA ceiling after: %.1f GMAC/s\n\n", nnc_bench_ceiling(isa, false));
}

int main(int argc, char **argv)
{
    const uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 20;
    const uint32_t threads = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
    uint32_t isa = nnrt_isa_best();
    for (uint32_t i = 0; argc > 1 && nnrt_isa_name(i); i++)
        if (strcmp(argv[1], nnrt_isa_name(i)) == 0)
            isa = i;
    for (uint32_t t = 1; t <= 2; t++)
        if (threads == 0 || threads == t)
            run_nets(isa, t, rounds ? rounds : 1, argc > 4 ? argv[4] : NULL);
    return 0;
}
