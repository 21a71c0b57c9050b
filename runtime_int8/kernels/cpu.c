/* CPU tiers by cpuid and XCR0, and the NNRT_MAX_ISA cap. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/cpu.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runtime_int8/kernels/kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define BIT(reg, i) (((reg) >> (i)) & 1u)

/* Register state the operating system saves: bits of XCR0. */
static unsigned read_xcr0(void)
{
    unsigned eax, edx;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

static bool cpu_has(nnrt_isa isa)
{
    unsigned a, b, c, d, a1 = 0, b1, c1, d1, leaf1c;
    if (!__get_cpuid(1, &a, &b, &leaf1c, &d) || !BIT(leaf1c, 27) || !BIT(leaf1c, 28))
        return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
    if (a >= 1)
        __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1);
    unsigned xcr0 = read_xcr0();
    /* AVX2, FMA, F16C; the system saves xmm and ymm. */
    bool avx2 = (xcr0 & 0x6) == 0x6 && BIT(b, 5) && BIT(leaf1c, 12) && BIT(leaf1c, 29);
    if (isa == NNRT_ISA_AVX2 || !avx2)
        return avx2;
    if (isa == NNRT_ISA_AVXVNNI)
        return BIT(a1, 4);
    /* AVX512 F, DQ, BW, VL, VBMI, VNNI; the system saves opmask and zmm. */
    return (xcr0 & 0xe6) == 0xe6 && BIT(b, 16) && BIT(b, 17) && BIT(b, 30) && BIT(b, 31) &&
           BIT(c, 1) && BIT(c, 11);
}
#else
static bool cpu_has(nnrt_isa isa)
{
    (void)isa;
    return false;
}
#endif

int nnrt_isa_supported(nnrt_isa isa)
{
    if (isa == NNRT_ISA_REF)
        return 1;
    return isa <= NNRT_ISA_AVX512VNNI && cpu_has(isa);
}

const char *nnrt_isa_name(uint32_t isa)
{
    static const char *const names[] = {[NNRT_ISA_REF] = "ref",
                                        [NNRT_ISA_AVX2] = "avx2",
                                        [NNRT_ISA_AVXVNNI] = "avxvnni",
                                        [NNRT_ISA_AVX512VNNI] = "avx512vnni"};
    return isa < sizeof(names) / sizeof(names[0]) ? names[isa] : NULL;
}

nnc_status nnrt_isa_detect(nnrt_isa *out)
{
    const char *cap_name = getenv("NNRT_MAX_ISA");
    uint32_t cap = NNRT_ISA_AVX512VNNI;
    if (cap_name && *cap_name) {
        for (cap = 0; nnrt_isa_name(cap) && strcmp(nnrt_isa_name(cap), cap_name) != 0;)
            cap++;
        if (!nnrt_isa_name(cap))
            NNC_FAIL(NNC_ERR_USAGE,
                     "NNRT_MAX_ISA is '%s', expected ref, avx2, avxvnni or avx512vnni", cap_name);
    }
    while (!nnrt_isa_supported((nnrt_isa)cap))
        cap--;
    *out = (nnrt_isa)cap;
    return NNC_OK;
}

nnrt_isa nnrt_isa_best(void)
{
    nnrt_isa isa = NNRT_ISA_AVX512VNNI;
    if (nnrt_isa_detect(&isa) != NNC_OK) {
        nnc_error_clear();
        while (!nnrt_isa_supported(isa))
            isa--;
    }
    return isa;
}
