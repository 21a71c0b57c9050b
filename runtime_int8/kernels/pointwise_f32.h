/* Float functions of one and two arguments, one element at a time: what unary_f32 and binary_f32 compute, on CPU and device.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_KERNELS_POINTWISE_F32_H
#define NNRT_KERNELS_POINTWISE_F32_H

#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/kernels/float_math_arc.h"
#include "runtime_int8/ops/params.h"

/* Within [lo, hi]; a NaN stays. */
NNRT_MATH float nnrt_bound(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

NNRT_MATH float nnrt_gelu_tanh(float x)
{
    float u = 0.797884561f * (x + 0.044715f * (x * x * x));
    return 0.5f * x * (1.0f + nnrt_tanh(u));
}

/* op is a constant at every call, so one case remains. */
NNRT_MATH_INLINE float nnrt_unary_one(uint32_t op, float x, float a, float b)
{
    switch (op) {
    case NNRT_UNARY_ABS:
        return nnrt_abs(x);
    case NNRT_UNARY_NEG:
        return -x;
    case NNRT_UNARY_FLOOR:
        return floorf(x);
    case NNRT_UNARY_CEIL:
        return ceilf(x);
    case NNRT_UNARY_ROUND:
        return rintf(x);
    case NNRT_UNARY_SIGN:
        return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : x);
    case NNRT_UNARY_SQRT:
        return sqrtf(x);
    case NNRT_UNARY_RECIPROCAL:
        return 1.0f / x;
    case NNRT_UNARY_EXP:
        return nnrt_exp(x);
    case NNRT_UNARY_LOG:
        return nnrt_log(x);
    case NNRT_UNARY_SIN:
        return nnrt_sin(x);
    case NNRT_UNARY_COS:
        return nnrt_cos(x);
    case NNRT_UNARY_TANH:
        return nnrt_tanh(x);
    case NNRT_UNARY_SIGMOID:
        return nnrt_sigmoid(x);
    case NNRT_UNARY_ERF:
        return nnrt_erf(x);
    case NNRT_UNARY_RELU:
        return x < 0.0f ? 0.0f : x;
    case NNRT_UNARY_CLIP:
        return nnrt_bound(x, a, b);
    case NNRT_UNARY_LEAKY_RELU:
        return x < 0.0f ? a * x : x;
    case NNRT_UNARY_ELU:
        return x < 0.0f ? a * nnrt_expm1(x) : x;
    case NNRT_UNARY_SELU:
        return x > 0.0f ? b * x : b * (a * nnrt_expm1(x));
    case NNRT_UNARY_CELU:
        return x < 0.0f ? a * nnrt_expm1(x / a) : x;
    case NNRT_UNARY_SOFTPLUS:
        return nnrt_softplus(x);
    case NNRT_UNARY_SOFTSIGN:
        return x / (1.0f + nnrt_abs(x));
    case NNRT_UNARY_HARD_SIGMOID:
        return nnrt_bound(a * x + b, 0.0f, 1.0f);
    case NNRT_UNARY_HARD_SWISH:
        return x * nnrt_bound(x * 0.166666672f + 0.5f, 0.0f, 1.0f);
    case NNRT_UNARY_GELU:
        return 0.5f * x * (1.0f + nnrt_erf(x * 0.707106769f));
    case NNRT_UNARY_GELU_TANH:
        return nnrt_gelu_tanh(x);
    case NNRT_UNARY_SILU:
        return x * nnrt_sigmoid(x);
    case NNRT_UNARY_MISH:
        return x * nnrt_tanh(nnrt_softplus(x));
    case NNRT_UNARY_ACOS:
        return nnrt_acos(x);
    case NNRT_UNARY_ACOSH:
        return nnrt_acosh(x);
    case NNRT_UNARY_ASIN:
        return nnrt_asin(x);
    case NNRT_UNARY_ASINH:
        return nnrt_asinh(x);
    case NNRT_UNARY_ATAN:
        return nnrt_atan(x);
    case NNRT_UNARY_ATANH:
        return nnrt_atanh(x);
    case NNRT_UNARY_COSH:
        return nnrt_cosh(x);
    case NNRT_UNARY_SINH:
        return nnrt_sinh(x);
    case NNRT_UNARY_TAN:
        return nnrt_tan(x);
    case NNRT_UNARY_SHRINK:
        return x < -a ? x + b : (x > a ? x - b : 0.0f);
    case NNRT_UNARY_SWISH:
        return x * nnrt_sigmoid(a * x);
    default: /* NNRT_UNARY_THRESHOLDED_RELU */
        return x > a ? x : 0.0f;
    }
}

NNRT_MATH float nnrt_floor_mod(float a, float b)
{
    float r = fmodf(a, b);
    return r != 0.0f && (r < 0.0f) != (b < 0.0f) ? r + b : r;
}

/* op is a constant at every call, so one case remains. */
NNRT_MATH_INLINE float nnrt_binary_one(uint32_t op, float a, float b)
{
    switch (op) {
    case NNRT_BINARY_ADD:
        return a + b;
    case NNRT_BINARY_SUB:
        return a - b;
    case NNRT_BINARY_MUL:
        return a * b;
    case NNRT_BINARY_DIV:
        return a / b;
    case NNRT_BINARY_POW:
        return nnrt_pow(a, b);
    case NNRT_BINARY_MIN:
        return a < b || a != a ? a : b;
    case NNRT_BINARY_MAX:
        return a > b || a != a ? a : b;
    case NNRT_BINARY_MOD:
        return nnrt_floor_mod(a, b);
    case NNRT_BINARY_FMOD:
        return fmodf(a, b);
    default: /* NNRT_BINARY_PRELU */
        return a >= 0.0f ? a : a * b;
    }
}

#endif
