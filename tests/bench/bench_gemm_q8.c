/* Speed of the INT8 products: GEMM 1024^3 and every convolution of ResNet-50 and MobileNetV2 at batch 1, as GMAC/s and as a
 * share of the register-only ceiling of the same run. SPDX-License-Identifier: Apache-2.0
 * bench_gemm_q8 [isa [threads]]; other load on the machine shows as a low ceiling. */
#include <stdlib.h>

#include "bench/clock.h"
#include "eval/eval.h"
#include "kernels/q8_model.h"
#include "runtime_int8/kernels/kernel.h"

typedef struct bench_layer {
    const char *name;
    uint32_t count; /* how often the net has it */
    uint32_t size, c_in, c_out, groups, kernel, stride;
    uint32_t residual;
} bench_layer;

/* kernel 0: a GEMM of size rows. */
static const bench_layer gemms[] = {
    {"gemm 1024x1024x1024", 1, 1024, 1024, 1024, 1, 0, 1, 0},
    {"gemm 128x768x768", 1, 128, 768, 768, 1, 0, 1, 0},
    {"gemm 128x768x3072", 1, 128, 768, 3072, 1, 0, 1, 0},
    {"gemm 128x3072x768", 1, 128, 3072, 768, 1, 0, 1, 0},
    {0},
};
static const bench_layer resnet50[] = {
    {"conv1 7x7 s2", 1, 224, 3, 64, 1, 7, 2, 0},
    {"56 1x1 64-64", 1, 56, 64, 64, 1, 1, 1, 0},
    {"56 3x3 64-64", 3, 56, 64, 64, 1, 3, 1, 0},
    {"56 1x1 64-256", 1, 56, 64, 256, 1, 1, 1, 0},
    {"56 1x1 64-256 +", 3, 56, 64, 256, 1, 1, 1, 2},
    {"56 1x1 256-64", 2, 56, 256, 64, 1, 1, 1, 0},
    {"56 1x1 256-128", 1, 56, 256, 128, 1, 1, 1, 0},
    {"56 3x3 128-128 s2", 1, 56, 128, 128, 1, 3, 2, 0},
    {"56 1x1 256-512 s2", 1, 56, 256, 512, 1, 1, 2, 0},
    {"28 1x1 128-512 +", 4, 28, 128, 512, 1, 1, 1, 2},
    {"28 1x1 512-128", 3, 28, 512, 128, 1, 1, 1, 0},
    {"28 3x3 128-128", 3, 28, 128, 128, 1, 3, 1, 0},
    {"28 1x1 512-256", 1, 28, 512, 256, 1, 1, 1, 0},
    {"28 3x3 256-256 s2", 1, 28, 256, 256, 1, 3, 2, 0},
    {"28 1x1 512-1024 s2", 1, 28, 512, 1024, 1, 1, 2, 0},
    {"14 1x1 256-1024 +", 6, 14, 256, 1024, 1, 1, 1, 2},
    {"14 1x1 1024-256", 5, 14, 1024, 256, 1, 1, 1, 0},
    {"14 3x3 256-256", 5, 14, 256, 256, 1, 3, 1, 0},
    {"14 1x1 1024-512", 1, 14, 1024, 512, 1, 1, 1, 0},
    {"14 3x3 512-512 s2", 1, 14, 512, 512, 1, 3, 2, 0},
    {"14 1x1 1024-2048 s2", 1, 14, 1024, 2048, 1, 1, 2, 0},
    {"7 1x1 512-2048 +", 3, 7, 512, 2048, 1, 1, 1, 2},
    {"7 1x1 2048-512", 2, 7, 2048, 512, 1, 1, 1, 0},
    {"7 3x3 512-512", 2, 7, 512, 512, 1, 3, 1, 0},
    {"fc 2048-1000", 1, 1, 2048, 1000, 1, 0, 1, 0},
    {0},
};
static const bench_layer mobilenet_v2[] = {
    {"conv1 3x3 s2", 1, 224, 3, 32, 1, 3, 2, 0},
    {"112 dw 32", 1, 112, 32, 32, 32, 3, 1, 0},
    {"112 1x1 32-16", 1, 112, 32, 16, 1, 1, 1, 0},
    {"112 1x1 16-96", 1, 112, 16, 96, 1, 1, 1, 0},
    {"112 dw 96 s2", 1, 112, 96, 96, 96, 3, 2, 0},
    {"56 1x1 96-24", 1, 56, 96, 24, 1, 1, 1, 0},
    {"56 1x1 24-144", 2, 56, 24, 144, 1, 1, 1, 0},
    {"56 dw 144", 1, 56, 144, 144, 144, 3, 1, 0},
    {"56 1x1 144-24 +", 1, 56, 144, 24, 1, 1, 1, 2},
    {"56 dw 144 s2", 1, 56, 144, 144, 144, 3, 2, 0},
    {"28 1x1 144-32", 1, 28, 144, 32, 1, 1, 1, 0},
    {"28 1x1 32-192", 3, 28, 32, 192, 1, 1, 1, 0},
    {"28 dw 192", 2, 28, 192, 192, 192, 3, 1, 0},
    {"28 1x1 192-32 +", 2, 28, 192, 32, 1, 1, 1, 2},
    {"28 dw 192 s2", 1, 28, 192, 192, 192, 3, 2, 0},
    {"14 1x1 192-64", 1, 14, 192, 64, 1, 1, 1, 0},
    {"14 1x1 64-384", 4, 14, 64, 384, 1, 1, 1, 0},
    {"14 dw 384", 4, 14, 384, 384, 384, 3, 1, 0},
    {"14 1x1 384-64 +", 3, 14, 384, 64, 1, 1, 1, 2},
    {"14 1x1 384-96", 1, 14, 384, 96, 1, 1, 1, 0},
    {"14 1x1 96-576", 3, 14, 96, 576, 1, 1, 1, 0},
    {"14 dw 576", 2, 14, 576, 576, 576, 3, 1, 0},
    {"14 1x1 576-96 +", 2, 14, 576, 96, 1, 1, 1, 2},
    {"14 dw 576 s2", 1, 14, 576, 576, 576, 3, 2, 0},
    {"7 1x1 576-160", 1, 7, 576, 160, 1, 1, 1, 0},
    {"7 1x1 160-960", 3, 7, 160, 960, 1, 1, 1, 0},
    {"7 dw 960", 3, 7, 960, 960, 960, 3, 1, 0},
    {"7 1x1 960-160 +", 2, 7, 960, 160, 1, 1, 1, 2},
    {"7 1x1 960-320", 1, 7, 960, 320, 1, 1, 1, 0},
    {"7 1x1 320-1280", 1, 7, 320, 1280, 1, 1, 1, 0},
    {"fc 1280-1000", 1, 1, 1280, 1000, 1, 0, 1, 0},
    {0},
};

typedef struct bench_result {
    double us;
    double macs;
    const char *kernel;
} bench_result;

static bench_result run_layer(const bench_layer *l, uint32_t isa, uint32_t threads)
{
    const uint32_t k = l->kernel, pad = k / 2;
    const q8_layer layer = {
        .n = 1, .h = k ? l->size : 1, .w = l->size, .c_in = l->c_in, .c_out = l->c_out,
        .groups = l->groups, .r = k, .s = k, .sh = l->stride, .sw = l->stride, .dh = 1, .dw = 1,
        .pad = {pad, pad, pad, pad}};
    const nnrt_q8_epilogue e = {.hi = 255, .residual = l->residual, .mult_r = 0.4f, .mult_a = 0.7f,
                                .lo_mid = -128, .hi_mid = 127, .zr = l->residual ? 120 : 0};
    bench_result result = {1e9, 0, ""};
    q8_model m;
    q8_model_create(&m, &layer, e, Q8_TYPICAL, 7);
    nnrt_session *session = m.model ? q8_session(&m, isa, threads) : NULL;
    if (!session) {
        fprintf(stderr, "%s: %s\n", l->name, nnrt_error_message());
        exit(1);
    }
    const double until = bench_now() + 0.06;
    for (int i = 0; i < 5 || bench_now() < until; i++) {
        nnrt_node_info info;
        nnrt_session_profile_reset(session);
        if (nnrt_session_run(session) != NNRT_OK || nnrt_session_node(session, 0, &info) != NNRT_OK)
            exit(1);
        const double us = (double)info.ns * 1e-3;
        if (us < result.us)
            result = (bench_result){us, (double)info.macs, info.kernel};
    }
    nnrt_session_destroy(session);
    q8_model_destroy(&m);
    return result;
}

static void run_net(const char *title, const bench_layer *layers, uint32_t isa, uint32_t threads,
                    double ceiling)
{
    double us = 0, macs = 0;
    printf("%s, %u thread%s, ceiling %.0f GMAC/s\n", title, threads, threads > 1 ? "s" : "",
           ceiling * threads);
    for (const bench_layer *l = layers; l->name; l++) {
        const bench_result r = run_layer(l, isa, threads);
        const double rate = r.macs / r.us * 1e-3;
        printf("  %-22s x%u %9.1f us %7.1f GMAC/s %5.1f %%  %s\n", l->name, l->count, r.us, rate,
               100 * rate / (ceiling * threads), r.kernel);
        us += r.us * l->count;
        macs += r.macs * l->count;
    }
    printf("  %-22s    %9.1f us %7.1f GMAC/s %5.1f %%\n", "sum", us, macs / us * 1e-3,
           macs / us * 1e-1 / (ceiling * threads));
}

int main(int argc, char **argv)
{
    uint32_t isa = nnrt_isa_best();
    if (argc > 1)
        for (isa = 0; nnrt_isa_name(isa) && strcmp(nnrt_isa_name(isa), argv[1]) != 0;)
            isa++;
    if (!nnrt_isa_name(isa) || !nnrt_isa_supported((nnrt_isa)isa)) {
        fprintf(stderr, "usage: bench_gemm_q8 [ref|avx2|avxvnni|avx512vnni [threads]]\n");
        return 2;
    }
    const uint32_t first = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
    const uint32_t last = argc > 2 ? first : 2;
    for (uint32_t threads = first; threads <= last; threads++) {
        const double ceiling = nnc_bench_ceiling(isa, true);
        run_net("GEMM", gemms, isa, threads, ceiling);
        run_net("ResNet-50", resnet50, isa, threads, ceiling);
        run_net("MobileNetV2", mobilenet_v2, isa, threads, ceiling);
    }
    return 0;
}
