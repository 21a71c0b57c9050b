/* Elementary functions whose bits do not depend on tier, vector width or library.
 * SPDX-License-Identifier: Apache-2.0 Straight-line float32 code of + - * / fma sqrt, comparisons
 * and bit moves, so scalar and vectorized forms agree. Polynomials are minimax fits (iteratively
 * reweighted least squares on Chebyshev nodes, double precision); ranges stand at each one. Errors
 * against double libm: see tests/unit/test_runtime_float_math.c. Needs -ffp-contract=off. */
#ifndef NNRT_KERNELS_FLOAT_MATH_H
#define NNRT_KERNELS_FLOAT_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Includable from C11, C++ and device code. */
#ifdef __CUDACC__
#define NNRT_MATH static __host__ __device__ inline
#define NNRT_MATH_INLINE static __host__ __device__ __forceinline__
#define NNRT_FMA(a, b, c) fmaf((a), (b), (c))
#else
#define NNRT_MATH static inline
#define NNRT_MATH_INLINE static inline __attribute__((always_inline))
#define NNRT_FMA(a, b, c) __builtin_fmaf((a), (b), (c))
#endif

NNRT_MATH int32_t nnrt_float_bits(float x)
{
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

NNRT_MATH float nnrt_bits_float(int32_t i)
{
    float x;
    memcpy(&x, &i, sizeof x);
    return x;
}

/* 1.5 * 2^23: adding it to |t| < 2^22 rounds t half to even and leaves the integer in the low bits.
 */
#define NNRT_ROUND_MAGIC 12582912.0f
#define NNRT_ROUND_MAGIC_BITS 0x4b400000

/* As nnc_round_clamp for bounds within +-2^21, by bit moves that vectorize everywhere. */
NNRT_MATH int32_t nnrt_round_clamp(float t, float lo, float hi, int32_t zero_point)
{
    t = t < hi ? t : hi;
    t = t > lo ? t : lo;
    return nnrt_float_bits(t + NNRT_ROUND_MAGIC) - (NNRT_ROUND_MAGIC_BITS - zero_point);
}

/* x with the sign of s; x >= 0. */
NNRT_MATH float nnrt_with_sign(float x, float s)
{
    return nnrt_bits_float(nnrt_float_bits(x) | (nnrt_float_bits(s) & INT32_MIN));
}

NNRT_MATH float nnrt_abs(float x)
{
    return nnrt_bits_float(nnrt_float_bits(x) & INT32_MAX);
}

/* 2^n, -126 <= n <= 127. */
NNRT_MATH float nnrt_exp2i(int32_t n)
{
    return nnrt_bits_float((int32_t)((uint32_t)(n + 127) << 23));
}

/* x = n ln 2 + r, |r| <= 0.35; returns exp r - 1 = r + r^2 P(r) and n. x within +-2^20 or NaN (then
 * any n in -160..130). */
NNRT_MATH float nnrt_exp_reduced(float x, int32_t *n)
{
    float t = x * 1.44269504f + NNRT_ROUND_MAGIC;
    float f = t - NNRT_ROUND_MAGIC;
    float r = NNRT_FMA(f, -0.693145752f, x);
    r = NNRT_FMA(f, -1.42860677e-6f, r);
    float p = 1.99170929e-4f;
    p = NNRT_FMA(p, r, 1.39472575e-3f);
    p = NNRT_FMA(p, r, 8.33326671e-3f);
    p = NNRT_FMA(p, r, 4.16662544e-2f);
    p = NNRT_FMA(p, r, 1.66666672e-1f);
    p = NNRT_FMA(p, r, 0.5f);
    int32_t k = (int32_t)((uint32_t)nnrt_float_bits(t) - (uint32_t)NNRT_ROUND_MAGIC_BITS);
    k = k < -160 ? -160 : k;
    *n = k > 130 ? 130 : k;
    return NNRT_FMA(p, r * r, r);
}

/* Two scalings give subnormals and infinity their right values. */
NNRT_MATH float nnrt_exp(float x)
{
    float c = x > 89.0f ? 89.0f : x;
    c = c < -104.0f ? -104.0f : c;
    int32_t k;
    float y = nnrt_exp_reduced(c, &k) + 1.0f;
    int32_t half = k >> 1;
    return y * nnrt_exp2i(half) * nnrt_exp2i(k - half);
}

/* exp(x) - 1 for x <= 0 (and up to 80), precise near 0. */
NNRT_MATH float nnrt_expm1(float x)
{
    float c = x > 80.0f ? 80.0f : x;
    c = c < -80.0f ? -80.0f : c;
    int32_t k;
    float e = nnrt_exp_reduced(c, &k);
    k = k < -126 ? -126 : k;
    float s = nnrt_exp2i(k);
    return NNRT_FMA(e, s, s - 1.0f);
}

/* m in [sqrt(1/2), sqrt(2)), x = m 2^e; log(1+f) = f - f^2/2 + f^3 Q(f). */
NNRT_MATH float nnrt_log(float x)
{
    float big = x < 1.17549435e-38f ? x * 8388608.0f : x;
    int32_t shift = x < 1.17549435e-38f ? 23 : 0;
    int32_t i = (int32_t)((uint32_t)nnrt_float_bits(big) - 0x3f3504f3u);
    int32_t e = i >> 23;
    float f = nnrt_bits_float((i & 0x7fffff) + 0x3f3504f3) - 1.0f;
    float q = 6.74648955e-2f;
    q = NNRT_FMA(q, f, -1.16756156e-1f);
    q = NNRT_FMA(q, f, 1.18882120e-1f);
    q = NNRT_FMA(q, f, -1.24055982e-1f);
    q = NNRT_FMA(q, f, 1.42195463e-1f);
    q = NNRT_FMA(q, f, -1.66679949e-1f);
    q = NNRT_FMA(q, f, 2.00021192e-1f);
    q = NNRT_FMA(q, f, -2.50000089e-1f);
    q = NNRT_FMA(q, f, 3.33333135e-1f);
    float n = (float)(e - shift);
    float s = f * f;
    float y = s * f * q;
    y = NNRT_FMA(n, 1.42860677e-6f, y);
    y = NNRT_FMA(-0.5f, s, y);
    y = y + f;
    y = NNRT_FMA(n, 0.693145752f, y);
    y = x == INFINITY ? INFINITY : y;
    y = x == 0.0f ? -INFINITY : y;
    return x >= 0.0f ? y : NAN;
}

/* Odd polynomial up to 0.625, 1 - 2/(exp(2|x|)+1) above. */
NNRT_MATH float nnrt_tanh(float x)
{
    float a = nnrt_abs(x), s = x * x;
    float p = 2.09282851e-3f;
    p = NNRT_FMA(p, s, -8.12308397e-3f);
    p = NNRT_FMA(p, s, 2.16789804e-2f);
    p = NNRT_FMA(p, s, -5.39428554e-2f);
    p = NNRT_FMA(p, s, 1.33331761e-1f);
    p = NNRT_FMA(p, s, -3.33333313e-1f);
    float small = NNRT_FMA(p * s, x, x);
    float big = nnrt_with_sign(1.0f - 2.0f / (nnrt_exp(a + a) + 1.0f), x);
    return a < 0.625f ? small : big;
}

NNRT_MATH float nnrt_sigmoid(float x)
{
    float e = nnrt_exp(-nnrt_abs(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* Odd polynomial up to 0.92, 1 - exp(t R(t)) up to 4.1, 1 above. */
NNRT_MATH float nnrt_erf(float x)
{
    float t = nnrt_abs(x), s = x * x;
    float p = 8.31676443e-5f;
    p = NNRT_FMA(p, s, -8.13001010e-4f);
    p = NNRT_FMA(p, s, 5.19990642e-3f);
    p = NNRT_FMA(p, s, -2.68589407e-2f);
    p = NNRT_FMA(p, s, 1.12836875e-1f);
    p = NNRT_FMA(p, s, -3.76126319e-1f);
    p = NNRT_FMA(p, s, 1.28379166e-1f);
    float small = NNRT_FMA(p, x, x);
    float u = t > 4.1f ? 4.1f : t;
    float r = -4.93809239e-6f;
    r = NNRT_FMA(r, u, 4.55797017e-5f);
    r = NNRT_FMA(r, u, 4.95942513e-5f);
    r = NNRT_FMA(r, u, -2.93017807e-3f);
    r = NNRT_FMA(r, u, 2.26741713e-2f);
    r = NNRT_FMA(r, u, -1.05262727e-1f);
    r = NNRT_FMA(r, u, -6.35625243e-1f);
    r = NNRT_FMA(r, u, -1.12855172f);
    float big = 1.0f - nnrt_exp(r * u);
    big = nnrt_with_sign(t > 4.0f ? 1.0f : big, x);
    float y = t < 0.92f ? small : big;
    return x == x ? y : x;
}

/* log(1 + exp(x)) without overflow. */
NNRT_MATH float nnrt_softplus(float x)
{
    float e = nnrt_exp(-nnrt_abs(x));
    /* log1p(e): log(u) e / (u - 1) removes the rounding of u = 1 + e. */
    float u = 1.0f + e, d = u - 1.0f;
    float l = d == 0.0f ? e : nnrt_log(u) * (e / d);
    return (x > 0.0f ? x : 0.0f) + l;
}

/* x = n pi/2 + r in double; n up to 2^31 keeps r to 1e-7 or better. */
NNRT_MATH float nnrt_sin_quadrant(float x, int32_t quarter)
{
    double d = (double)x;
    d = d > 3.0e9 ? 3.0e9 : d;
    d = d < -3.0e9 ? -3.0e9 : d;
    double t = d * 0.63661977236758134308;
    double n = t + 6755399441055744.0;
    int64_t bits;
    memcpy(&bits, &n, sizeof bits);
    int32_t q = (int32_t)(uint32_t)(uint64_t)bits + quarter;
    n -= 6755399441055744.0;
    double r = d - n * 1.57079632679489655800;
    r -= n * 6.12323399573676603587e-17;
    double s = r * r;
    double ps =
        r + r * s *
                (-1.0 / 6 +
                 s * (1.0 / 120 + s * (-1.0 / 5040 + s * (1.0 / 362880 + s * (-1.0 / 39916800)))));
    double pc =
        1.0 + s * (-0.5 + s * (1.0 / 24 +
                               s * (-1.0 / 720 + s * (1.0 / 40320 + s * (-1.0 / 3628800 +
                                                                         s * (1.0 / 479001600))))));
    double y = (q & 1) ? pc : ps;
    y = (q & 2) ? -y : y;
    return x - x == 0.0f ? (float)y : NAN;
}

NNRT_MATH float nnrt_sin(float x)
{
    return nnrt_sin_quadrant(x, 0);
}

NNRT_MATH float nnrt_cos(float x)
{
    return nnrt_sin_quadrant(x, 1);
}

/* log2 and exp2 in double by series: 1e-14 relative, far inside a float's half ulp but for exact
 * ties. */
NNRT_MATH double nnrt_log2_double(double x)
{
    int64_t i;
    memcpy(&i, &x, sizeof i);
    i -= 0x3fe6a09e667f3bcd;
    int64_t e = i >> 52;
    i = (i & 0xfffffffffffff) + 0x3fe6a09e667f3bcd;
    double m;
    memcpy(&m, &i, sizeof m);
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 1.0 / 19;
    p = p * z + 1.0 / 17;
    p = p * z + 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    p = p * z + 1.0;
    return (double)e + 2.0 * s * p * 1.44269504088896340736;
}

NNRT_MATH double nnrt_exp2_double(double x)
{
    x = x > 1000.0 ? 1000.0 : x;
    x = x < -1000.0 ? -1000.0 : x;
    double n = x + 6755399441055744.0;
    int64_t bits;
    memcpy(&bits, &n, sizeof bits);
    n -= 6755399441055744.0;
    double r = (x - n) * 0.69314718055994530942;
    double p = 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    int64_t scale = (int64_t)((uint64_t)(bits + 1023) << 52);
    double y;
    memcpy(&y, &scale, sizeof y);
    return p * y;
}

/* pow as C's powf defines the special cases. */
NNRT_MATH float nnrt_pow(float x, float y)
{
    if (y == 0.0f || x == 1.0f)
        return 1.0f;
    if (y == 1.0f)
        return x;
    if (y == 2.0f)
        return x * x;
    if (y == 0.5f && x > 0.0f)
        return sqrtf(x);
    if (y == -1.0f)
        return 1.0f / x;
    if (x != x || y != y)
        return NAN;
    float a = nnrt_abs(x), b = nnrt_abs(y);
    int integer = b >= 8388608.0f || b + 8388608.0f - 8388608.0f == b;
    int odd = integer && b < 16777216.0f && ((int32_t)b & 1);
    float sign = odd && (nnrt_float_bits(x) < 0) ? -1.0f : 1.0f;
    if (a == 0.0f || a == INFINITY)
        return (a == 0.0f) == (y > 0.0f) ? sign * 0.0f : sign * INFINITY;
    if (b == INFINITY)
        return a == 1.0f ? 1.0f : ((a > 1.0f) == (y > 0.0f) ? INFINITY : 0.0f);
    if (x < 0.0f && !integer)
        return NAN;
    return sign * (float)nnrt_exp2_double((double)y * nnrt_log2_double((double)a));
}

#endif
