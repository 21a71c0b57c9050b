/* unary_f32: float functions of one argument. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/pointwise_f32.h"

#define CASE(OP)                                                                                   \
    case OP:                                                                                       \
        NNRT_IVDEP                                                                                 \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = nnrt_unary_one(OP, x[i], a, b);                                                 \
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
        CASE(NNRT_UNARY_ACOS)
        CASE(NNRT_UNARY_ACOSH)
        CASE(NNRT_UNARY_ASIN)
        CASE(NNRT_UNARY_ASINH)
        CASE(NNRT_UNARY_ATAN)
        CASE(NNRT_UNARY_ATANH)
        CASE(NNRT_UNARY_COSH)
        CASE(NNRT_UNARY_SINH)
        CASE(NNRT_UNARY_TAN)
        CASE(NNRT_UNARY_SHRINK)
        CASE(NNRT_UNARY_SWISH)
    default:
        break;
    }
}
