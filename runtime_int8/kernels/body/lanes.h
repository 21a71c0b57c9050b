/* Sums in the fixed order of contracts_reduce.h, shared by the bodies that reduce.
 * SPDX-License-Identifier: Apache-2.0 v16 is the compiler's vector type: one, two or four
 * registers, the same arithmetic. */
#ifndef NNRT_KERNELS_BODY_LANES_H
#define NNRT_KERNELS_BODY_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime_int8/kernels/float_math.h"

#define LANES 16u
#define LANES_INLINE static inline __attribute__((always_inline))

typedef float v16 __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));

typedef enum lanes_kind {
    LANES_SUM,
    LANES_ABS,
    LANES_SQUARE,
    LANES_DEVIATION, /* (x - sub)^2 */
    LANES_EXP,       /* exp(x - sub) */
    LANES_MAX,
    LANES_MIN,
    LANES_PROD
} lanes_kind;

LANES_INLINE v16 v16_load(const float *x)
{
    v16 v;
    memcpy(&v, x, sizeof v);
    return v;
}

LANES_INLINE v16 v16_all(float x)
{
    v16 v = {0};
    return v + x;
}

/* First n lanes of x, the others from rest. */
LANES_INLINE v16 v16_part(const float *x, size_t n, v16 rest)
{
    float lane[LANES];
    memcpy(lane, &rest, sizeof lane);
    memcpy(lane, x, n * sizeof *x);
    return v16_load(lane);
}

LANES_INLINE v16 v16_choose(v16i mask, v16 a, v16 b)
{
    return (v16)((mask & (v16i)a) | (~mask & (v16i)b));
}

/* kind is a constant at every call. */
LANES_INLINE v16 lanes_map(lanes_kind kind, v16 x, v16 sub)
{
    if (kind == LANES_ABS)
        return (v16)((v16i)x & INT32_MAX);
    if (kind == LANES_SQUARE)
        return x * x;
    if (kind == LANES_DEVIATION) {
        v16 d = x - sub;
        return d * d;
    }
    if (kind == LANES_EXP) {
        float lane[LANES];
        v16 d = x - sub;
        memcpy(lane, &d, sizeof lane);
        for (size_t i = 0; i < LANES; i++)
            lane[i] = nnrt_exp(lane[i]);
        return v16_load(lane);
    }
    return x;
}

LANES_INLINE v16 lanes_join(lanes_kind kind, v16 a, v16 b)
{
    if (kind == LANES_MAX)
        return v16_choose((v16i)(a > b) | (v16i)(a != a), a, b);
    if (kind == LANES_MIN)
        return v16_choose((v16i)(a < b) | (v16i)(a != a), a, b);
    if (kind == LANES_PROD)
        return a * b;
    return a + b;
}

LANES_INLINE float lanes_neutral(lanes_kind kind)
{
    if (kind == LANES_MAX)
        return -INFINITY;
    if (kind == LANES_MIN)
        return INFINITY;
    return kind == LANES_PROD ? 1.0f : 0.0f;
}

/* The tree over the lanes of one vector. */
LANES_INLINE float lanes_fold(lanes_kind kind, v16 acc)
{
    for (size_t step = LANES / 2; step > 0; step /= 2) {
        float lane[2 * LANES] = {0};
        memcpy(lane, &acc, sizeof acc);
        acc = lanes_join(kind, acc, v16_load(lane + step));
    }
    return acc[0];
}

/* Over n adjacent elements. */
LANES_INLINE float lanes_row(lanes_kind kind, const float *x, size_t n, float sub)
{
    v16 neutral = v16_all(lanes_neutral(kind)), s = v16_all(sub);
    v16 acc = neutral;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        acc = lanes_join(kind, acc, lanes_map(kind, v16_load(x + i), s));
    if (i < n) {
        float lane[LANES], old[LANES];
        v16 next = lanes_join(kind, acc, lanes_map(kind, v16_part(x + i, n - i, s), s));
        memcpy(lane, &next, sizeof lane);
        memcpy(old, &acc, sizeof old);
        memcpy(lane + (n - i), old + (n - i), (LANES - (n - i)) * sizeof *lane);
        acc = v16_load(lane);
    }
    return lanes_fold(kind, acc);
}

/* Over n rows of `cols` <= 16 adjacent columns, each column on its own. */
LANES_INLINE v16 lanes_columns(lanes_kind kind, const float *x, size_t n, size_t cols,
                               size_t stride, v16 sub)
{
    v16 acc[LANES];
    for (size_t l = 0; l < LANES; l++)
        acc[l] = v16_all(lanes_neutral(kind));
    if (cols == LANES) {
        for (size_t j = 0; j < n; j++)
            acc[j % LANES] =
                lanes_join(kind, acc[j % LANES], lanes_map(kind, v16_load(x + j * stride), sub));
    } else {
        for (size_t j = 0; j < n; j++)
            acc[j % LANES] = lanes_join(kind, acc[j % LANES],
                                        lanes_map(kind, v16_part(x + j * stride, cols, sub), sub));
    }
    for (size_t step = LANES / 2; step > 0; step /= 2) {
        for (size_t l = 0; l < step; l++)
            acc[l] = lanes_join(kind, acc[l], acc[l + step]);
    }
    return acc[0];
}

#endif
