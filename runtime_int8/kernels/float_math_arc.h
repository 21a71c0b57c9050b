/* Inverse and hyperbolic functions whose bits do not depend on tier, vector width or library. SPDX-License-Identifier: Apache-2.0
 * Straight-line double precision code (+ - * / sqrt, comparisons), rounded to float once: within 0.501 ulp of the true
 * values, but for arguments of tan beyond 1e5. See float_math.h. */
#ifndef NNRT_KERNELS_FLOAT_MATH_ARC_H
#define NNRT_KERNELS_FLOAT_MATH_ARC_H

#include "runtime_int8/kernels/float_math.h"

#ifdef __CUDACC__
#define NNRT_SQRT64(x) sqrt(x)
#else
#define NNRT_SQRT64(x) __builtin_sqrt(x)
#endif

NNRT_MATH double nnrt_abs64(double x)
{
    int64_t i;
    memcpy(&i, &x, sizeof i);
    i &= INT64_MAX;
    memcpy(&x, &i, sizeof x);
    return x;
}

/* Series of atan on |t| <= tan(pi/8), of atanh (sign -1 -> +1 in every term) on |t| <= 0.45. */
NNRT_MATH double nnrt_odd_series(double t, double sign)
{
    double s = t * t * sign;
    double p = 1.0 / 33;
    p = p * s + 1.0 / 31;
    p = p * s + 1.0 / 29;
    p = p * s + 1.0 / 27;
    p = p * s + 1.0 / 25;
    p = p * s + 1.0 / 23;
    p = p * s + 1.0 / 21;
    p = p * s + 1.0 / 19;
    p = p * s + 1.0 / 17;
    p = p * s + 1.0 / 15;
    p = p * s + 1.0 / 13;
    p = p * s + 1.0 / 11;
    p = p * s + 1.0 / 9;
    p = p * s + 1.0 / 7;
    p = p * s + 1.0 / 5;
    p = p * s + 1.0 / 3;
    return t + t * s * p;
}

/* atan x for x >= 0, infinity included. */
NNRT_MATH double nnrt_atan_positive(double x)
{
    double inverted = 1.0 / x;
    double t = x > 1.0 ? inverted : x;
    double turned = (t - 1.0) / (t + 1.0);
    double u = t > 0.41421356237309504880 ? turned : t;
    double y = nnrt_odd_series(u, -1.0);
    y = t > 0.41421356237309504880 ? y + 0.78539816339744830962 : y;
    return x > 1.0 ? 1.57079632679489661923 - y : y;
}

NNRT_MATH float nnrt_atan(float x)
{
    float y = nnrt_with_sign((float)nnrt_atan_positive((double)nnrt_abs(x)), x);
    return x == x ? y : x;
}

NNRT_MATH float nnrt_asin(float x)
{
    double a = (double)nnrt_abs(x);
    double inside = a > 1.0 ? 1.0 : a;
    double y = nnrt_atan_positive(inside / NNRT_SQRT64((1.0 - inside) * (1.0 + inside)));
    float r = nnrt_with_sign((float)y, x);
    return a <= 1.0 ? r : NAN;
}

NNRT_MATH float nnrt_acos(float x)
{
    double d = (double)x;
    d = d > 1.0 ? 1.0 : d;
    d = d < -1.0 ? -1.0 : d;
    double y = 2.0 * nnrt_atan_positive(NNRT_SQRT64((1.0 - d) / (1.0 + d)));
    return x >= -1.0f && x <= 1.0f ? (float)y : NAN;
}

/* log x of a normal x > 0. */
NNRT_MATH double nnrt_log64(double x)
{
    return nnrt_log2_double(x) * 0.69314718055994530942;
}

/* atanh t for 0 <= t < 1. */
NNRT_MATH double nnrt_atanh_positive(double t)
{
    double small = nnrt_odd_series(t > 0.45 ? 0.45 : t, 1.0);
    double large = 0.5 * nnrt_log64((1.0 + t) / (1.0 - t));
    return t > 0.45 ? large : small;
}

NNRT_MATH float nnrt_atanh(float x)
{
    double a = (double)nnrt_abs(x);
    float y = (float)nnrt_atanh_positive(a < 1.0 ? a : 0.0);
    y = a == 1.0 ? INFINITY : y;
    return a <= 1.0 ? nnrt_with_sign(y, x) : NAN;
}

NNRT_MATH float nnrt_asinh(float x)
{
    double a = (double)nnrt_abs(x);
    double b = a < 1.0e30 ? a : 1.0e30; /* twice as large is one more log 2, below a float's digits */
    double root = NNRT_SQRT64(b * b + 1.0);
    double small = nnrt_atanh_positive(b < 0.5 ? b / root : 0.0);
    double large = nnrt_log64(a < 1.0e30 ? b + root : 2.0 * (a < 3.5e38 ? a : 3.5e38));
    float y = (float)(a < 0.5 ? small : large);
    y = a > 3.5e38 ? INFINITY : y;
    return x == x ? nnrt_with_sign(y, x) : x;
}

NNRT_MATH float nnrt_acosh(float x)
{
    double d = (double)x;
    double c = d > 1.0 ? d : 1.0;
    c = c < 1.0e30 ? c : 1.0e30;
    /* Near 1 by atanh of sqrt((x - 1) / (x + 1)), which is half of it. */
    double half = NNRT_SQRT64((c - 1.0) / (c + 1.0));
    double small = 2.0 * nnrt_atanh_positive(half < 0.45 ? half : 0.45);
    double root = NNRT_SQRT64((c - 1.0) * (c + 1.0));
    double large = nnrt_log64(d < 1.0e30 ? c + root : 2.0 * (d < 3.5e38 ? d : 3.5e38));
    float y = (float)(half < 0.45 ? small : large);
    y = x == INFINITY ? INFINITY : y;
    return x >= 1.0f ? y : NAN;
}

/* exp x; 0 and 1e300 where a float's are 0 and infinity. */
NNRT_MATH double nnrt_exp64(double x)
{
    return nnrt_exp2_double(x * 1.44269504088896340736);
}

NNRT_MATH float nnrt_cosh(float x)
{
    double a = (double)nnrt_abs(x);
    a = a > 200.0 ? 200.0 : a;
    double e = nnrt_exp64(a);
    float y = (float)(0.5 * (e + 1.0 / e));
    return x == x ? y : x;
}

NNRT_MATH float nnrt_sinh(float x)
{
    double a = (double)nnrt_abs(x);
    a = a > 200.0 ? 200.0 : a;
    double e = nnrt_exp64(a), s = a * a;
    double p = 1.0 / 6227020800.0;
    p = p * s + 1.0 / 39916800;
    p = p * s + 1.0 / 362880;
    p = p * s + 1.0 / 5040;
    p = p * s + 1.0 / 120;
    p = p * s + 1.0 / 6;
    double y = a < 1.0 ? a + a * s * p : 0.5 * (e - 1.0 / e);
    float r = nnrt_with_sign((float)y, x);
    return x == x ? r : x;
}

/* sin / cos in double, both by nnrt_sin_quadrant's reduction. */
NNRT_MATH float nnrt_tan(float x)
{
    double d = (double)x;
    d = d > 3.0e9 ? 3.0e9 : d;
    d = d < -3.0e9 ? -3.0e9 : d;
    double n = d * 0.63661977236758134308 + 6755399441055744.0;
    int64_t bits;
    memcpy(&bits, &n, sizeof bits);
    n -= 6755399441055744.0;
    double r = d - n * 1.57079632679489655800;
    r -= n * 6.12323399573676603587e-17;
    double s = r * r;
    double ps = r + r * s * (-1.0 / 6 + s * (1.0 / 120 + s * (-1.0 / 5040 + s * (1.0 / 362880 + s * (-1.0 / 39916800)))));
    double pc = 1.0 + s * (-0.5 + s * (1.0 / 24 + s * (-1.0 / 720 + s * (1.0 / 40320 + s * (-1.0 / 3628800 + s * (1.0 / 479001600))))));
    double y = (bits & 1) ? -pc / ps : ps / pc;
    return x - x == 0.0f ? (float)y : NAN;
}

#endif
