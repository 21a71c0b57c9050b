/* Elements of any runtime type in a wide form. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/elements.h"

#include <math.h>
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "tensor/half.h"
#include "tensor/small.h"

nnrt_wide nnrt_wide_of(nnrt_dtype dtype)
{
    if (dtype == NNRT_F64)
        return NNRT_WIDE_F64;
    return NNRT_SET(dtype) & (NNRT_SET_INTEGER | NNRT_SET_NARROW | NNRT_SET(NNRT_BOOL)) ? NNRT_WIDE_INT
                                                                                         : NNRT_WIDE_F32;
}

#define EACH(TYPE, VALUE)                                                                          \
    do {                                                                                           \
        const TYPE *p = (const TYPE *)x + at;                                                      \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = VALUE;                                                                        \
    } while (0)

void nnrt_load_ints(int64_t *out, const void *x, nnrt_dtype dtype, size_t at, size_t step, size_t n)
{
    switch (dtype) {
    case NNRT_I8:
    case NNRT_I4:
    case NNRT_I2:
        EACH(int8_t, p[i * step]);
        break;
    case NNRT_U8:
    case NNRT_U4:
    case NNRT_U2:
        EACH(uint8_t, p[i * step]);
        break;
    case NNRT_BOOL:
        EACH(uint8_t, p[i * step] != 0);
        break;
    case NNRT_I16:
        EACH(int16_t, p[i * step]);
        break;
    case NNRT_U16:
        EACH(uint16_t, p[i * step]);
        break;
    case NNRT_I32:
        EACH(int32_t, p[i * step]);
        break;
    case NNRT_U32:
        EACH(uint32_t, p[i * step]);
        break;
    default: /* I64, U64 */
        EACH(int64_t, p[i * step]);
        break;
    }
}

void nnrt_load_doubles(double *out, const void *x, nnrt_dtype dtype, size_t at, size_t step, size_t n)
{
    int64_t whole[NNRT_CHUNK];
    if (dtype == NNRT_F32) {
        EACH(float, (double)p[i * step]);
    } else if (dtype == NNRT_F64) {
        EACH(double, p[i * step]);
    } else if (dtype == NNRT_F16) {
        EACH(uint16_t, (double)nnc_f16_to_f32(p[i * step]));
    } else if (dtype == NNRT_BF16) {
        EACH(uint16_t, (double)nnc_bf16_to_f32(p[i * step]));
    } else if (nnc_small_is_float((int)dtype)) {
        EACH(uint8_t, nnc_small_to_double((int)dtype, p[i * step]));
    } else {
        for (size_t done = 0; done < n; done += NNRT_CHUNK) {
            size_t m = n - done < NNRT_CHUNK ? n - done : NNRT_CHUNK;
            nnrt_load_ints(whole, x, dtype, at + done * step, step, m);
            for (size_t i = 0; i < m; i++)
                out[done + i] = dtype == NNRT_U64 ? (double)(uint64_t)whole[i] : (double)whole[i];
        }
    }
}

void nnrt_load_floats(float *out, const void *x, nnrt_dtype dtype, size_t at, size_t step, size_t n)
{
    double wide[NNRT_CHUNK];
    if (dtype == NNRT_F32) {
        EACH(float, p[i * step]);
    } else if (dtype == NNRT_F16) {
        EACH(uint16_t, nnc_f16_to_f32(p[i * step]));
    } else if (dtype == NNRT_BF16) {
        EACH(uint16_t, nnc_bf16_to_f32(p[i * step]));
    } else {
        for (size_t done = 0; done < n; done += NNRT_CHUNK) {
            size_t m = n - done < NNRT_CHUNK ? n - done : NNRT_CHUNK;
            nnrt_load_doubles(wide, x, dtype, at + done * step, step, m);
            for (size_t i = 0; i < m; i++)
                out[done + i] = (float)wide[i];
        }
    }
}

void nnrt_store_ints(void *y, nnrt_dtype dtype, size_t at, const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = (uint64_t)v[i];
        switch (nnrt_dtype_bytes(dtype)) {
        case 1:
            ((uint8_t *)y)[at + i] = dtype == NNRT_BOOL ? v[i] != 0 : (uint8_t)bits;
            break;
        case 2:
            ((uint16_t *)y)[at + i] = (uint16_t)bits;
            break;
        case 4:
            ((uint32_t *)y)[at + i] = (uint32_t)bits;
            break;
        default:
            ((uint64_t *)y)[at + i] = bits;
            break;
        }
    }
}

void nnrt_store_floats(void *y, nnrt_dtype dtype, size_t at, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (dtype == NNRT_F32)
            ((float *)y)[at + i] = v[i];
        else if (dtype == NNRT_F64)
            ((double *)y)[at + i] = (double)v[i];
        else if (dtype == NNRT_F16)
            ((uint16_t *)y)[at + i] = nnc_f16_from_f32(v[i]);
        else
            ((uint16_t *)y)[at + i] = nnc_bf16_from_f32(v[i]);
    }
}

/* The nearest float, or of two neighbours the one with an odd last bit: rounding that to fewer bits is rounding once. */
static float round_to_odd(double v)
{
    float f = (float)v;
    uint32_t bits;
    if (v != v || (double)f == v)
        return f;
    memcpy(&bits, &f, sizeof bits);
    if (fabs((double)f) > fabs(v))
        bits--; /* towards zero */
    bits |= 1;
    memcpy(&f, &bits, sizeof f);
    return f;
}

void nnrt_store_doubles(void *y, nnrt_dtype dtype, size_t at, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float narrow = dtype == NNRT_F32 ? (float)v[i] : round_to_odd(v[i]);
        if (dtype == NNRT_F64)
            ((double *)y)[at + i] = v[i];
        else
            nnrt_store_floats(y, dtype, at + i, &narrow, 1);
    }
}

unsigned nnrt_int_bits(nnrt_dtype dtype)
{
    if (dtype == NNRT_BOOL)
        return 1;
    if (dtype == NNRT_U4 || dtype == NNRT_I4)
        return 4;
    return dtype == NNRT_U2 || dtype == NNRT_I2 ? 2 : 8 * (unsigned)nnrt_dtype_bytes(dtype);
}

static bool is_signed(nnrt_dtype dtype)
{
    return (NNRT_SET(dtype) & (NNRT_SET_SIGNED | NNRT_SET(NNRT_I4) | NNRT_SET(NNRT_I2))) != 0;
}

int64_t nnrt_int_min(nnrt_dtype dtype)
{
    return is_signed(dtype) ? (int64_t)(0 - (UINT64_C(1) << (nnrt_int_bits(dtype) - 1))) : 0;
}

int64_t nnrt_int_max(nnrt_dtype dtype)
{
    return (int64_t)(UINT64_MAX >> (64 - nnrt_int_bits(dtype) + (is_signed(dtype) ? 1 : 0)));
}

int64_t nnrt_int_wrap(int64_t v, nnrt_dtype dtype)
{
    unsigned bits = nnrt_int_bits(dtype);
    uint64_t mask = UINT64_MAX >> (64 - bits), sign = is_signed(dtype) ? UINT64_C(1) << (bits - 1) : 0;
    return (int64_t)((((uint64_t)v & mask) ^ sign) - sign);
}

int64_t nnrt_double_to_int(double v, nnrt_dtype dtype)
{
    if (dtype == NNRT_BOOL)
        return v != 0.0;
    if (v != v)
        return 0;
    if (dtype == NNRT_U64)
        return v >= 0x1p64 ? (int64_t)UINT64_MAX : (v <= 0.0 ? 0 : (int64_t)(uint64_t)v);
    int64_t lo = nnrt_int_min(dtype), hi = nnrt_int_max(dtype);
    if (v >= (double)hi)
        return hi;
    return v <= (double)lo ? lo : (int64_t)v;
}
