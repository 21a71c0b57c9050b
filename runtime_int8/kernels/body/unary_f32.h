/* unary_f32: float functions of one argument. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

static inline float gelu_tanh(float x)
{
    float u = 0.797884561f * (x + 0.044715f * (x * x * x));
    return 0.5f * x * (1.0f + nnrt_tanh(u));
}

static inline float clip(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

/* op is a constant at every call, so one case remains. */
static inline __attribute__((always_inline)) float unary_one(uint32_t op, float x, float a, float b)
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
        return clip(x, a, b);
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
        return clip(a * x + b, 0.0f, 1.0f);
    case NNRT_UNARY_HARD_SWISH:
        return x * clip(x * 0.166666672f + 0.5f, 0.0f, 1.0f);
    case NNRT_UNARY_GELU:
        return 0.5f * x * (1.0f + nnrt_erf(x * 0.707106769f));
    case NNRT_UNARY_GELU_TANH:
        return gelu_tanh(x);
    case NNRT_UNARY_SILU:
        return x * nnrt_sigmoid(x);
    case NNRT_UNARY_MISH:
        return x * nnrt_tanh(nnrt_softplus(x));
    default: /* NNRT_UNARY_THRESHOLDED_RELU */
        return x > a ? x : 0.0f;
    }
}

#define CASE(OP)                                                                                   \
    case OP:                                                                                       \
        NNRT_IVDEP                                                                                 \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = unary_one(OP, x[i], a, b);                                                      \
        break;

void NNRT_BODY(unary_f32)(float *y, const float *x, size_t n, const nnrt_unary_params *p)
{
    const float a = p->a, b = p->b;
    switch (p->op) {
        CASE(NNRT_UNARY_ABS)
        CASE(NNRT_UNARY_NEG)
        CASE(NNRT_UNARY_FLOOR)
        CASE(NNRT_UNARY_CEIL)
        CASE(NNRT_UNARY_ROUND)
        CASE(NNRT_UNARY_SIGN)
        CASE(NNRT_UNARY_SQRT)
        CASE(NNRT_UNARY_RECIPROCAL)
        CASE(NNRT_UNARY_EXP)
        CASE(NNRT_UNARY_LOG)
        CASE(NNRT_UNARY_SIN)
        CASE(NNRT_UNARY_COS)
        CASE(NNRT_UNARY_TANH)
        CASE(NNRT_UNARY_SIGMOID)
        CASE(NNRT_UNARY_ERF)
        CASE(NNRT_UNARY_RELU)
        CASE(NNRT_UNARY_CLIP)
        CASE(NNRT_UNARY_LEAKY_RELU)
        CASE(NNRT_UNARY_ELU)
        CASE(NNRT_UNARY_SELU)
        CASE(NNRT_UNARY_CELU)
        CASE(NNRT_UNARY_SOFTPLUS)
        CASE(NNRT_UNARY_SOFTSIGN)
        CASE(NNRT_UNARY_HARD_SIGMOID)
        CASE(NNRT_UNARY_HARD_SWISH)
        CASE(NNRT_UNARY_GELU)
        CASE(NNRT_UNARY_GELU_TANH)
        CASE(NNRT_UNARY_SILU)
        CASE(NNRT_UNARY_MISH)
        CASE(NNRT_UNARY_THRESHOLDED_RELU)
    default:
        break;
    }
}
