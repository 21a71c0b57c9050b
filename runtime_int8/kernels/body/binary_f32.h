/* binary_f32: float arithmetic of two arguments, clamped. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/pointwise_f32.h"

/* Three loops, because a stride known to be 0 or 1 vectorizes and a variable one does not. */
#define CASE(OP)                                                                                   \
    case OP:                                                                                       \
        if (sa == 0 && n != 0) {                                                                   \
            const float a0 = a[0];                                                                 \
            NNRT_IVDEP                                                                             \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = nnrt_bound(nnrt_binary_one(OP, a0, b[i * sb]), lo, hi);                     \
        } else if (sb == 0 && n != 0) {                                                            \
            const float b0 = b[0];                                                                 \
            NNRT_IVDEP                                                                             \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = nnrt_bound(nnrt_binary_one(OP, a[i], b0), lo, hi);                          \
        } else {                                                                                   \
            NNRT_IVDEP                                                                             \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = nnrt_bound(nnrt_binary_one(OP, a[i], b[i]), lo, hi);                        \
        }                                                                                          \
        break;

void NNRT_BODY(binary_f32)(float *y, const float *a, size_t sa, const float *b, size_t sb, size_t n,
                           const nnrt_binary_params *p)
{
    const float lo = p->clamp.lo, hi = p->clamp.hi;
    switch (p->op) {
        CASE(NNRT_BINARY_ADD)
        CASE(NNRT_BINARY_SUB)
        CASE(NNRT_BINARY_MUL)
        CASE(NNRT_BINARY_DIV)
        CASE(NNRT_BINARY_POW)
        CASE(NNRT_BINARY_MIN)
        CASE(NNRT_BINARY_MAX)
        CASE(NNRT_BINARY_MOD)
        CASE(NNRT_BINARY_FMOD)
        CASE(NNRT_BINARY_PRELU)
    default:
        break;
    }
}
