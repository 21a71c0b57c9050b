/* binary_f32: float arithmetic of two arguments, clamped. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/float_math.h"

static inline float floor_mod(float a, float b)
{
    float r = fmodf(a, b);
    return r != 0.0f && (r < 0.0f) != (b < 0.0f) ? r + b : r;
}

/* op is a constant at every call, so one case remains. */
static inline __attribute__((always_inline)) float binary_one(uint32_t op, float a, float b)
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
        return floor_mod(a, b);
    case NNRT_BINARY_FMOD:
        return fmodf(a, b);
    default: /* NNRT_BINARY_PRELU */
        return a >= 0.0f ? a : a * b;
    }
}

static inline float bound(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
}

/* Three loops, because a stride known to be 0 or 1 vectorizes and a variable one does not. */
#define CASE(OP)                                                                                   \
    case OP:                                                                                       \
        if (sa == 0 && n != 0) {                                                                   \
            const float a0 = a[0];                                                                 \
            NNRT_IVDEP                                                                             \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = bound(binary_one(OP, a0, b[i * sb]), lo, hi);                               \
        } else if (sb == 0 && n != 0) {                                                            \
            const float b0 = b[0];                                                                 \
            NNRT_IVDEP                                                                             \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = bound(binary_one(OP, a[i], b0), lo, hi);                                    \
        } else {                                                                                   \
            NNRT_IVDEP                                                                             \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = bound(binary_one(OP, a[i], b[i]), lo, hi);                                  \
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
