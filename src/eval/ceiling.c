/* Register-only product rates of this core: what kernels are measured against.
 * SPDX-License-Identifier: Apache-2.0 The instructions are written out, so this file needs no ISA
 * flags; registers above 15 are the compiler's in no plain x86-64 code. */
#include <time.h>

#include "eval/eval.h"
#include "runtime_int8/kernels/kernel.h"

#if defined(__x86_64__)

#define LOOPS 200000
#define TRIALS 20
#define EACH_LOW(DO) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define EACH_HIGH(DO)                                                                              \
    DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25) DO(26) DO(27)
#define CLOBBER                                                                                    \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",       \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc"

/* One loop: 24 independent products, enough for the latency of two units. Inputs 0 and 1 are zero:
 * data does not change the rate, and denormal numbers do not come up. */
#define PRODUCTS(name, zero, body, end)                                                            \
    static void name(void)                                                                         \
    {                                                                                              \
        int64_t n = LOOPS;                                                                         \
        __asm__ volatile(zero "1:\n\t" body "dec %0\n\tjnz 1b\n\t" end : "+r"(n) : : CLOBBER);     \
    }

#define ZMM_Q8(i) "vpdpbusd %%zmm1, %%zmm0, %%zmm" #i "\n\t"
#define YMM_Q8(i) "%{vex%} vpdpbusd %%ymm1, %%ymm0, %%ymm" #i "\n\t"
#define YMM_I16(i) "vpmaddwd %%ymm1, %%ymm0, %%ymm2\n\tvpaddd %%ymm2, %%ymm" #i ", %%ymm" #i "\n\t"
#define XMM_I16(i)                                                                                 \
    "movdqa %%xmm0, %%xmm2\n\tpmaddwd %%xmm1, %%xmm2\n\tpaddd %%xmm2, %%xmm" #i "\n\t"
#define ZMM_F32(i) "vfmadd231ps %%zmm1, %%zmm0, %%zmm" #i "\n\t"
#define YMM_F32(i) "vfmadd231ps %%ymm1, %%ymm0, %%ymm" #i "\n\t"
#define XMM_F32(i) "movaps %%xmm0, %%xmm2\n\tmulps %%xmm1, %%xmm2\n\taddps %%xmm2, %%xmm" #i "\n\t"

#define ZERO_OF(i) "vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"
#define ZERO_HIGH_OF(i) "vpxord %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"
#define SSE_ZERO_OF(i) "pxor %%xmm" #i ", %%xmm" #i "\n\t"
#define ZERO ZERO_OF(0) ZERO_OF(1) EACH_LOW(ZERO_OF)
#define ZERO_ALL ZERO EACH_HIGH(ZERO_HIGH_OF)
#define SSE_ZERO SSE_ZERO_OF(0) SSE_ZERO_OF(1) EACH_LOW(SSE_ZERO_OF)

PRODUCTS(zmm_q8, ZERO_ALL, EACH_LOW(ZMM_Q8) EACH_HIGH(ZMM_Q8), "vzeroupper\n\t")
PRODUCTS(ymm_q8, ZERO, EACH_LOW(YMM_Q8) EACH_LOW(YMM_Q8), "vzeroupper\n\t")
PRODUCTS(ymm_i16, ZERO, EACH_LOW(YMM_I16) EACH_LOW(YMM_I16), "vzeroupper\n\t")
PRODUCTS(xmm_i16, SSE_ZERO, EACH_LOW(XMM_I16) EACH_LOW(XMM_I16), "")
PRODUCTS(zmm_f32, ZERO_ALL, EACH_LOW(ZMM_F32) EACH_HIGH(ZMM_F32), "vzeroupper\n\t")
PRODUCTS(ymm_f32, ZERO, EACH_LOW(YMM_F32) EACH_LOW(YMM_F32), "vzeroupper\n\t")
PRODUCTS(xmm_f32, SSE_ZERO, EACH_LOW(XMM_F32) EACH_LOW(XMM_F32), "")

/* lanes: multiply-accumulates of one product. */
static const struct {
    void (*run)(void);
    double lanes;
} products[][2] = {
    [NNRT_ISA_REF] = {{xmm_f32, 4}, {xmm_i16, 8}},
    [NNRT_ISA_AVX2] = {{ymm_f32, 8}, {ymm_i16, 16}},
    [NNRT_ISA_AVXVNNI] = {{ymm_f32, 8}, {ymm_q8, 32}},
    [NNRT_ISA_AVX512VNNI] = {{zmm_f32, 16}, {zmm_q8, 64}},
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double nnc_bench_ceiling(uint32_t isa_max, bool int8)
{
    uint32_t isa = nnrt_isa_best();
    isa = isa_max < isa ? isa_max : isa;
    while (!nnrt_isa_supported((nnrt_isa)isa)) {
        isa--; /* a tier below the best one may still be missing: AVX-VNNI on an AVX-512 CPU */
    }
    double best = 0;
    for (int i = 0; i < TRIALS; i++) {
        const double start = now_s();
        products[isa][int8].run();
        const double rate = LOOPS * 24.0 * products[isa][int8].lanes / (now_s() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

#else

double nnc_bench_ceiling(uint32_t isa_max, bool int8)
{
    (void)isa_max;
    (void)int8;
    return 0;
}

#endif
