/* Register-only product rates of this core: what kernels are measured against. SPDX-License-Identifier: Apache-2.0
 * The instructions are written out, so this file needs no ISA flags; registers above 15 are the compiler's in no plain x86-64
 * code. */
#ifndef NNC_TESTS_BENCH_CEILING_H
#define NNC_TESTS_BENCH_CEILING_H

#include <stdint.h>
#include <time.h>

static inline double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define BENCH_LOOPS 200000
#define BENCH_EACH_LOW(DO) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define BENCH_EACH_HIGH(DO)                                                                        \
    DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25) DO(26) DO(27)
#define BENCH_CLOBBER                                                                              \
    "xmm0", "xmm1", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",     \
        "xmm13", "xmm14", "xmm15", "cc"

#define BENCH_ZMM(i) "vpdpbusd %%zmm1, %%zmm0, %%zmm" #i "\n\t"
#define BENCH_YMM(i) "%{vex%} vpdpbusd %%ymm1, %%ymm0, %%ymm" #i "\n\t"

/* GMAC/s of VPDPBUSD on 512-bit (wide) or VEX 256-bit registers: the best of 20 short runs. The caller knows that the CPU
 * has the instruction. */
static inline double bench_ceiling_q8(int wide)
{
    double best = 0;
    for (int i = 0; i < 20; i++) {
        int64_t n = BENCH_LOOPS;
        double t = bench_seconds();
        if (wide)
            __asm__ volatile("1:\n\t" BENCH_EACH_LOW(BENCH_ZMM) BENCH_EACH_HIGH(BENCH_ZMM)
                             "dec %0\n\tjnz 1b\n\tvzeroupper\n\t"
                             : "+r"(n)
                             :
                             : BENCH_CLOBBER);
        else
            __asm__ volatile("1:\n\t" BENCH_EACH_LOW(BENCH_YMM) BENCH_EACH_LOW(BENCH_YMM)
                             "dec %0\n\tjnz 1b\n\tvzeroupper\n\t"
                             : "+r"(n)
                             :
                             : BENCH_CLOBBER);
        t = bench_seconds() - t;
        const double rate = BENCH_LOOPS * 24.0 * (wide ? 64 : 32) / t * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

#endif
