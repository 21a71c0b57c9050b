/* Random INT8 layers for the kernel tests: epilogues, operands, guarded outputs. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_Q8_CASE_H
#define NNC_TESTS_Q8_CASE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "runtime_int8/ops/params.h"

#define Q8_GUARD 64u
#define Q8_GUARD_BYTE 0xa5

/* How operands are drawn: RANDOM anything, HIGH and LOW drive every sum to its extremes; TYPICAL, for benchmarks, is RANDOM
 * with the multipliers of real models. */
typedef enum q8_fill { Q8_RANDOM, Q8_HIGH, Q8_LOW, Q8_FILL_COUNT, Q8_TYPICAL } q8_fill;

/* All forms of the epilogue, and multipliers that overflow int32. */
#define Q8_EPILOGUES 10
static inline nnrt_q8_epilogue q8_epilogue(unsigned i, int32_t zx)
{
    static const nnrt_q8_epilogue table[Q8_EPILOGUES] = {
        {.zy = 128, .lo = -128, .hi = 127},
        {.zy = 0, .lo = 0, .hi = 255},
        {.zy = 7, .lo = 1, .hi = 40.5f},
        {.zy = 3, .lo = -3, .hi = 252, .residual = NNRT_Q8_RES_DIRECT, .zr = 100, .mult_r = 0.37f},
        {.zy = 255, .lo = -255, .hi = 0, .residual = NNRT_Q8_RES_DIRECT, .zr = 0, .mult_r = 1.5f},
        {.zy = 120, .lo = -120, .hi = 100, .residual = NNRT_Q8_RES_TWICE, .zr = 31, .mult_r = 0.81f,
         .lo_mid = -100, .hi_mid = 155, .mult_a = 0.63f},
        {.zy = 0, .lo = 0, .hi = 255, .residual = NNRT_Q8_RES_TWICE, .zr = 128, .mult_r = 1.25f,
         .lo_mid = -128, .hi_mid = 127, .mult_a = 2.5f},
        {.zy = 0, .lo = 3, .hi = 99.5f},
        {.out = NNRT_Q8_OUT_F32, .lo = -INFINITY, .hi = INFINITY},
        {.out = NNRT_Q8_OUT_F32, .lo = 0, .hi = 6},
    };
    nnrt_q8_epilogue e = table[i];
    e.zx = zx;
    return e;
}

static inline void q8_fill_u8(uint8_t *out, size_t n, q8_fill fill, nnc_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fill == Q8_HIGH || fill == Q8_LOW ? 255 : (uint8_t)nnc_rng_u32(rng);
}

static inline void q8_fill_s8(int8_t *out, size_t n, q8_fill fill, nnc_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fill == Q8_HIGH ? 127 : fill == Q8_LOW ? -128 : (int8_t)nnc_rng_u32(rng);
}

/* Multipliers that spread sums of k random products over about the u8 range; in every other case some channels are far
 * outside. */
static inline void q8_fill_mult(float *mult, size_t n, size_t k, q8_fill fill, nnc_rng *rng)
{
    const int wild = fill != Q8_TYPICAL && nnc_rng_below(rng, 2) == 0;
    for (size_t i = 0; i < n; i++) {
        mult[i] = (0.2f + nnc_rng_uniform(rng)) / (sqrtf((float)k) * 64.0f);
        if (wild && nnc_rng_below(rng, 16) == 0)
            mult[i] *= 1e7f;
    }
}

static inline void q8_fill_acc0(int32_t *acc0, size_t n, q8_fill fill, nnc_rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        acc0[i] = (int32_t)nnc_rng_below(rng, 20001) - 10000;
        if (fill != Q8_RANDOM)
            acc0[i] = fill == Q8_HIGH ? INT32_MAX : INT32_MIN; /* sums wrap */
    }
}

/* `bytes` between two guards, all of the guard's value; q8_guarded_free takes the same pointer. */
static inline uint8_t *q8_guarded(size_t bytes)
{
    uint8_t *p = nnc_alloc_aligned(bytes + 2 * Q8_GUARD);
    if (!p)
        return NULL;
    memset(p, Q8_GUARD_BYTE, bytes + 2 * Q8_GUARD);
    return p + Q8_GUARD;
}

static inline void q8_guarded_free(uint8_t *p)
{
    nnc_free(p - Q8_GUARD);
}

/* Equal including both guards. */
static inline int q8_guarded_equal(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    return memcmp(a - Q8_GUARD, b - Q8_GUARD, bytes + 2 * Q8_GUARD) == 0;
}

#endif
