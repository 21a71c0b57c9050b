/* Functions of binary on integers. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/scalar_int.h"

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

static uint64_t wrapping_pow(uint64_t base, uint64_t exponent)
{
    uint64_t y = 1;
    for (; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            y *= base;
        base *= base;
    }
    return y;
}

static int64_t integer_pow(int64_t a, int64_t b)
{
    if (b < 0)
        return a == 1 ? 1 : (a == -1 ? (b % 2 == 0 ? 1 : -1) : 0);
    return (int64_t)wrapping_pow((uint64_t)a, (uint64_t)b);
}

/* Division by zero gives 0; the one overflowing division wraps. */
static int64_t integer_div(int64_t a, int64_t b)
{
    if (b == 0)
        return 0;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static int64_t integer_fmod(int64_t a, int64_t b)
{
    return b == 0 || b == -1 ? 0 : a % b;
}

static int64_t signed_one(uint32_t op, int64_t a, int64_t b)
{
    int64_t r;
    switch (op) {
    case NNRT_BINARY_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case NNRT_BINARY_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case NNRT_BINARY_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case NNRT_BINARY_DIV:
        return integer_div(a, b);
    case NNRT_BINARY_POW:
        return integer_pow(a, b);
    case NNRT_BINARY_MIN:
        return a < b ? a : b;
    case NNRT_BINARY_MAX:
        return a > b ? a : b;
    case NNRT_BINARY_MOD:
        r = integer_fmod(a, b);
        return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    case NNRT_BINARY_FMOD:
        return integer_fmod(a, b);
    case NNRT_BINARY_EQUAL:
        return a == b;
    case NNRT_BINARY_LESS:
        return a < b;
    case NNRT_BINARY_LESS_EQUAL:
        return a <= b;
    case NNRT_BINARY_GREATER:
        return a > b;
    case NNRT_BINARY_GREATER_EQUAL:
        return a >= b;
    case NNRT_BINARY_AND:
        return a != 0 && b != 0;
    case NNRT_BINARY_OR:
        return a != 0 || b != 0;
    case NNRT_BINARY_XOR:
        return (a != 0) != (b != 0);
    case NNRT_BINARY_BIT_AND:
        return (int64_t)((uint64_t)a & (uint64_t)b);
    case NNRT_BINARY_BIT_OR:
        return (int64_t)((uint64_t)a | (uint64_t)b);
    case NNRT_BINARY_BIT_XOR:
        return (int64_t)((uint64_t)a ^ (uint64_t)b);
    default: /* NNRT_BINARY_PRELU */
        return a >= 0 ? a : (int64_t)((uint64_t)a * (uint64_t)b);
    }
}

/* What differs on 64 bits without a sign. */
static int64_t unsigned_one(uint32_t op, uint64_t a, uint64_t b)
{
    switch (op) {
    case NNRT_BINARY_DIV:
        return (int64_t)(b == 0 ? 0 : a / b);
    case NNRT_BINARY_POW:
        return (int64_t)wrapping_pow(a, b);
    case NNRT_BINARY_MIN:
        return (int64_t)(a < b ? a : b);
    case NNRT_BINARY_MAX:
        return (int64_t)(a > b ? a : b);
    case NNRT_BINARY_MOD:
    case NNRT_BINARY_FMOD:
        return (int64_t)(b == 0 ? 0 : a % b);
    case NNRT_BINARY_LESS:
        return a < b;
    case NNRT_BINARY_LESS_EQUAL:
        return a <= b;
    case NNRT_BINARY_GREATER:
        return a > b;
    case NNRT_BINARY_GREATER_EQUAL:
        return a >= b;
    case NNRT_BINARY_PRELU:
        return (int64_t)a;
    default:
        return signed_one(op, (int64_t)a, (int64_t)b);
    }
}

/* By less than 0 or all bits: what the copies of the sign leave. */
static int64_t shift(uint32_t op, nnrt_dtype dtype, int64_t a, int64_t b)
{
    bool right = op == NNRT_BINARY_SHIFT_RIGHT, negative = dtype != NNRT_U64 && a < 0;
    if (b < 0 || b >= (int64_t)nnrt_int_bits(dtype))
        return right && negative ? -1 : 0;
    if (!right)
        return (int64_t)((uint64_t)a << b);
    return negative ? (int64_t)~(~(uint64_t)a >> b) : (int64_t)((uint64_t)a >> b);
}

int64_t nnrt_binary_int(uint32_t op, nnrt_dtype dtype, int64_t a, int64_t b)
{
    if (op == NNRT_BINARY_SHIFT_LEFT || op == NNRT_BINARY_SHIFT_RIGHT)
        return shift(op, dtype, a, b);
    return dtype == NNRT_U64 ? unsigned_one(op, (uint64_t)a, (uint64_t)b) : signed_one(op, a, b);
}
