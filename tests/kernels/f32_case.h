/* Random FP32 operands and guarded outputs for the kernel tests. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef NNC_TESTS_F32_CASE_H
#define NNC_TESTS_F32_CASE_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define F32_GUARD 16u
#define F32_GUARD_BYTE 0xa5

/* Exactly n floats from malloc (so that sanitizers see reads past the end): values of mixed sign
 * and size, some zeros. */
static inline float *f32_random(size_t n, nnc_rng *rng)
{
    float *p = malloc(n ? n * sizeof(float) : 1);
    if (!p)
        abort();
    for (size_t i = 0; i < n; i++) {
        p[i] = nnc_rng_normal(rng);
        if (nnc_rng_below(rng, 16) == 0)
            p[i] = nnc_rng_below(rng, 2) ? 0.0f : -0.0f;
        if (nnc_rng_below(rng, 16) == 0)
            p[i] *= 16.0f;
    }
    return p;
}

/* n floats between two guards, all of the guard's value; f32_guarded_free takes the same pointer.
 */
static inline float *f32_guarded(size_t n)
{
    float *p = malloc((n + 2 * F32_GUARD) * sizeof(float));
    if (!p)
        abort();
    memset(p, F32_GUARD_BYTE, (n + 2 * F32_GUARD) * sizeof(float));
    return p + F32_GUARD;
}

static inline void f32_guarded_free(float *p)
{
    free(p - F32_GUARD);
}

/* Equal including both guards. */
static inline int f32_guarded_equal(const float *a, const float *b, size_t n)
{
    return memcmp(a - F32_GUARD, b - F32_GUARD, (n + 2 * F32_GUARD) * sizeof(float)) == 0;
}

#endif
