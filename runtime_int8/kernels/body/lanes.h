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

/* The widest vector of the tier, and 16 lanes made of it. */
#if defined(__AVX512F__)
#define LANES_VECTOR 64
#elif defined(__AVX2__)
#define LANES_VECTOR 32
#else
#define LANES_VECTOR 16
#endif
#define LANES_PARTS (64 / LANES_VECTOR)
typedef float lanes_vec __attribute__((vector_size(LANES_VECTOR)));
typedef int32_t lanes_int __attribute__((vector_size(LANES_VECTOR)));
typedef struct v16 {
    lanes_vec part[LANES_PARTS];
} v16;

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
    for (unsigned k = 0; k < LANES_PARTS; k++)
        memcpy(&v.part[k], x + k * (LANES / LANES_PARTS), sizeof v.part[k]);
    return v;
}

LANES_INLINE void v16_store(float *y, v16 v)
{
    for (unsigned k = 0; k < LANES_PARTS; k++)
        memcpy(y + k * (LANES / LANES_PARTS), &v.part[k], sizeof v.part[k]);
}

LANES_INLINE v16 v16_all(float x)
{
    v16 v;
    const lanes_vec zero = {0};
    for (unsigned k = 0; k < LANES_PARTS; k++)
        v.part[k] = zero + x;
    return v;
}

/* First n lanes of x, the others from rest. */
LANES_INLINE v16 v16_part(const float *x, size_t n, v16 rest)
{
    float lane[LANES];
    v16_store(lane, rest);
    for (size_t i = 0; i < n; i++)
        lane[i] = x[i];
    return v16_load(lane);
}

LANES_INLINE lanes_vec vec_choose(lanes_int mask, lanes_vec a, lanes_vec b)
{
    return (lanes_vec)((mask & (lanes_int)a) | (~mask & (lanes_int)b));
}

LANES_INLINE v16 v16_exp(v16 x)
{
    float lane[LANES];
    v16_store(lane, x);
    for (size_t i = 0; i < LANES; i++)
        lane[i] = nnrt_exp(lane[i]);
    return v16_load(lane);
}

LANES_INLINE lanes_vec vec_map(lanes_kind kind, lanes_vec x, lanes_vec sub)
{
    if (kind == LANES_ABS)
        return (lanes_vec)((lanes_int)x & INT32_MAX);
    if (kind == LANES_SQUARE)
        return x * x;
    if (kind == LANES_DEVIATION)
        return (x - sub) * (x - sub);
    return kind == LANES_EXP ? x - sub : x;
}

LANES_INLINE lanes_vec vec_join(lanes_kind kind, lanes_vec a, lanes_vec b)
{
    if (kind == LANES_MAX)
        return vec_choose((lanes_int)(a > b) | (lanes_int)(a != a), a, b);
    if (kind == LANES_MIN)
        return vec_choose((lanes_int)(a < b) | (lanes_int)(a != a), a, b);
    return kind == LANES_PROD ? a * b : a + b;
}

/* kind is a constant at every call. */
LANES_INLINE v16 lanes_map(lanes_kind kind, v16 x, v16 sub)
{
    for (unsigned k = 0; k < LANES_PARTS; k++)
        x.part[k] = vec_map(kind, x.part[k], sub.part[k]);
    return kind == LANES_EXP ? v16_exp(x) : x;
}

LANES_INLINE v16 lanes_join(lanes_kind kind, v16 a, v16 b)
{
    for (unsigned k = 0; k < LANES_PARTS; k++)
        a.part[k] = vec_join(kind, a.part[k], b.part[k]);
    return a;
}

LANES_INLINE float lanes_neutral(lanes_kind kind)
{
    if (kind == LANES_MAX)
        return -INFINITY;
    if (kind == LANES_MIN)
        return INFINITY;
    return kind == LANES_PROD ? 1.0f : 0.0f;
}

LANES_INLINE float join_one(lanes_kind kind, float a, float b)
{
    if (kind == LANES_MAX)
        return a > b || a != a ? a : b;
    if (kind == LANES_MIN)
        return a < b || a != a ? a : b;
    return kind == LANES_PROD ? a * b : a + b;
}

/* The tree over the lanes. */
LANES_INLINE float lanes_fold(lanes_kind kind, v16 acc)
{
    float lane[LANES];
    v16_store(lane, acc);
    for (size_t step = LANES / 2; step > 0; step /= 2) {
        for (size_t l = 0; l < step; l++)
            lane[l] = join_one(kind, lane[l], lane[l + step]);
    }
    return lane[0];
}

/* Over n adjacent elements. */
LANES_INLINE float lanes_row(lanes_kind kind, const float *x, size_t n, float sub)
{
    v16 s = v16_all(sub), acc = v16_all(lanes_neutral(kind));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        acc = lanes_join(kind, acc, lanes_map(kind, v16_load(x + i), s));
    if (i < n) {
        float lane[LANES];
        v16 next = lanes_join(kind, acc, lanes_map(kind, v16_part(x + i, n - i, s), s));
        v16_store(lane, next);
        acc = v16_part(lane, n - i, acc);
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
