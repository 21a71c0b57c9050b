/* Functions of unary and binary in double precision. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/scalar_f64.h"

#include <math.h>

static double bound(double x, double lo, double hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

static double softplus(double x)
{
    return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x)));
}

static double sigmoid(double x)
{
    double e = exp(-fabs(x));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/* Activations: made of several functions. */
static double activation(const nnrt_unary_params *p, double x)
{
    double a = (double)p->a, b = (double)p->b;
    switch (p->op) {
    case NNRT_UNARY_RELU:
        return x < 0.0 ? 0.0 : x;
    case NNRT_UNARY_CLIP:
        return bound(x, a, b);
    case NNRT_UNARY_LEAKY_RELU:
        return x < 0.0 ? a * x : x;
    case NNRT_UNARY_ELU:
        return x < 0.0 ? a * expm1(x) : x;
    case NNRT_UNARY_SELU:
        return x > 0.0 ? b * x : b * (a * expm1(x));
    case NNRT_UNARY_CELU:
        return x < 0.0 ? a * expm1(x / a) : x;
    case NNRT_UNARY_SOFTPLUS:
        return softplus(x);
    case NNRT_UNARY_SOFTSIGN:
        return x / (1.0 + fabs(x));
    case NNRT_UNARY_HARD_SIGMOID:
        return bound(a * x + b, 0.0, 1.0);
    case NNRT_UNARY_HARD_SWISH:
        return x * bound(x / 6.0 + 0.5, 0.0, 1.0);
    case NNRT_UNARY_GELU:
        return 0.5 * x * (1.0 + erf(x * 0.70710678118654752440));
    case NNRT_UNARY_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(0.79788456080286535588 * (x + 0.044715 * (x * x * x))));
    case NNRT_UNARY_SILU:
        return x * sigmoid(x);
    case NNRT_UNARY_SWISH:
        return x * sigmoid(a * x);
    case NNRT_UNARY_MISH:
        return x * tanh(softplus(x));
    case NNRT_UNARY_SHRINK:
        return x < -a ? x + b : (x > a ? x - b : 0.0);
    default: /* NNRT_UNARY_THRESHOLDED_RELU */
        return x > a ? x : 0.0;
    }
}

static double trigonometric(const nnrt_unary_params *p, double x)
{
    switch (p->op) {
    case NNRT_UNARY_ACOS:
        return acos(x);
    case NNRT_UNARY_ACOSH:
        return acosh(x);
    case NNRT_UNARY_ASIN:
        return asin(x);
    case NNRT_UNARY_ASINH:
        return asinh(x);
    case NNRT_UNARY_ATAN:
        return atan(x);
    case NNRT_UNARY_ATANH:
        return atanh(x);
    case NNRT_UNARY_COSH:
        return cosh(x);
    case NNRT_UNARY_SINH:
        return sinh(x);
    case NNRT_UNARY_TAN:
        return tan(x);
    default:
        return activation(p, x);
    }
}

double nnrt_unary_f64(const nnrt_unary_params *p, double x)
{
    switch (p->op) {
    case NNRT_UNARY_ABS:
        return fabs(x);
    case NNRT_UNARY_NEG:
        return -x;
    case NNRT_UNARY_FLOOR:
        return floor(x);
    case NNRT_UNARY_CEIL:
        return ceil(x);
    case NNRT_UNARY_ROUND:
        return rint(x);
    case NNRT_UNARY_SIGN:
        return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : x);
    case NNRT_UNARY_SQRT:
        return sqrt(x);
    case NNRT_UNARY_RECIPROCAL:
        return 1.0 / x;
    case NNRT_UNARY_EXP:
        return exp(x);
    case NNRT_UNARY_LOG:
        return log(x);
    case NNRT_UNARY_SIN:
        return sin(x);
    case NNRT_UNARY_COS:
        return cos(x);
    case NNRT_UNARY_TANH:
        return tanh(x);
    case NNRT_UNARY_SIGMOID:
        return sigmoid(x);
    case NNRT_UNARY_ERF:
        return erf(x);
    default:
        return trigonometric(p, x);
    }
}

static double floor_mod(double a, double b)
{
    double r = fmod(a, b);
    return r != 0.0 && (r < 0.0) != (b < 0.0) ? r + b : r;
}

static double arithmetic(uint32_t op, double a, double b)
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
        return pow(a, b);
    case NNRT_BINARY_MIN:
        return a < b || a != a ? a : b;
    case NNRT_BINARY_MAX:
        return a > b || a != a ? a : b;
    case NNRT_BINARY_MOD:
        return floor_mod(a, b);
    case NNRT_BINARY_FMOD:
        return fmod(a, b);
    default: /* NNRT_BINARY_PRELU */
        return a >= 0.0 ? a : a * b;
    }
}

double nnrt_binary_f64(const nnrt_binary_params *p, double a, double b)
{
    return bound(arithmetic(p->op, a, b), (double)p->clamp.lo, (double)p->clamp.hi);
}
