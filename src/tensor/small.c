/* float8, float4 and packed integers. SPDX-License-Identifier: Apache-2.0 */
#include "tensor/small.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "tensor/dtype.h"

typedef struct small_float {
    int dtype, exponent_bits, mantissa_bits, bias;
    enum { SMALL_FN, SMALL_FNUZ, SMALL_IEEE, SMALL_FINITE } specials;
    double max;
} small_float;

static const small_float formats[] = {
    {NNC_DTYPE_FLOAT8E4M3FN, 4, 3, 7, SMALL_FN, 448.0},
    {NNC_DTYPE_FLOAT8E4M3FNUZ, 4, 3, 8, SMALL_FNUZ, 240.0},
    {NNC_DTYPE_FLOAT8E5M2, 5, 2, 15, SMALL_IEEE, 57344.0},
    {NNC_DTYPE_FLOAT8E5M2FNUZ, 5, 2, 16, SMALL_FNUZ, 57344.0},
    {NNC_DTYPE_FLOAT4E2M1, 2, 1, 1, SMALL_FINITE, 6.0},
};

static const small_float *find(int dtype)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].dtype == dtype) {
            return &formats[i];
        }
    }
    return NULL;
}

bool nnc_small_is_float(int dtype)
{
    return dtype == NNC_DTYPE_FLOAT8E8M0 || find(dtype) != NULL;
}

double nnc_small_to_double(int dtype, unsigned bits)
{
    if (dtype == NNC_DTYPE_FLOAT8E8M0) {
        return (bits & 0xff) == 0xff ? (double)NAN : ldexp(1.0, (int)(bits & 0xff) - 127);
    }
    const small_float *f = find(dtype);
    assert(f);
    unsigned mantissa_mask = (1u << f->mantissa_bits) - 1;
    unsigned exponent_mask = (1u << f->exponent_bits) - 1;
    unsigned mantissa = bits & mantissa_mask;
    unsigned exponent = bits >> f->mantissa_bits & exponent_mask;
    bool negative = (bits >> (f->mantissa_bits + f->exponent_bits) & 1) != 0;
    if (f->specials == SMALL_FNUZ && bits == 0x80) {
        return (double)NAN;
    }
    if (exponent == exponent_mask) {
        if (f->specials == SMALL_FN && mantissa == mantissa_mask) {
            return (double)NAN;
        }
        if (f->specials == SMALL_IEEE) {
            return mantissa != 0 ? (double)NAN : negative ? -(double)INFINITY : (double)INFINITY;
        }
    }
    double magnitude = exponent == 0 ? ldexp(mantissa, 1 - f->bias - f->mantissa_bits)
                                     : ldexp(mantissa + mantissa_mask + 1,
                                             (int)exponent - f->bias - f->mantissa_bits);
    return negative ? -magnitude : magnitude;
}

/* Bits of a number that the format holds exactly, without its sign. */
static unsigned magnitude_bits(const small_float *f, double magnitude)
{
    int exponent;
    if (magnitude == 0) {
        return 0;
    }
    (void)frexp(magnitude, &exponent);
    exponent -= 1; /* magnitude = 1.x * 2^exponent */
    int lowest = 1 - f->bias;
    if (exponent < lowest) {
        return (unsigned)ldexp(magnitude, f->mantissa_bits - lowest);
    }
    unsigned mantissa = (unsigned)ldexp(magnitude, f->mantissa_bits - exponent);
    return ((unsigned)(exponent + f->bias) << f->mantissa_bits) +
           (mantissa - (1u << f->mantissa_bits));
}

/* The magnitude rounded to the format's steps, as if its exponents had no upper end. */
static double round_magnitude(const small_float *f, double magnitude)
{
    int exponent;
    if (magnitude == 0 || isinf(magnitude)) {
        return magnitude;
    }
    (void)frexp(magnitude, &exponent);
    exponent = exponent - 1 < 1 - f->bias ? 1 - f->bias : exponent - 1;
    int step = exponent - f->mantissa_bits;
    return ldexp(rint(ldexp(magnitude, -step)), step);
}

static unsigned nan_bits(const small_float *f, unsigned sign)
{
    switch (f->specials) {
    case SMALL_FN:
        return sign | 0x7f;
    case SMALL_FNUZ:
        return 0x80;
    case SMALL_IEEE:
        return sign | 0x7e;
    default:
        return magnitude_bits(f, f->max);
    }
}

uint8_t nnc_small_from_float(int dtype, float x, bool saturate)
{
    const small_float *f = find(dtype);
    assert(f);
    unsigned sign = (signbit(x) ? 1u : 0u) << (f->exponent_bits + f->mantissa_bits);
    if (isnan(x)) {
        return (uint8_t)nan_bits(f, sign);
    }
    double magnitude = round_magnitude(f, fabs((double)x));
    if (magnitude > f->max) {
        if (!saturate && f->specials != SMALL_FINITE) {
            return (uint8_t)(f->specials == SMALL_IEEE ? sign | 0x7c : nan_bits(f, sign));
        }
        magnitude = f->max;
    }
    unsigned bits = magnitude_bits(f, magnitude);
    return (uint8_t)(bits == 0 && f->specials == SMALL_FNUZ ? 0 : sign | bits);
}

void nnc_small_unpack(uint8_t *out, int dtype, const void *packed, size_t n)
{
    unsigned bits = nnc_dtype_bits(dtype), mask = (1u << bits) - 1;
    unsigned sign = nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_SINT ? 1u << (bits - 1) : 0;
    size_t per_byte = 8 / bits;
    for (size_t i = 0; i < n; i++) {
        unsigned v = (unsigned)((const uint8_t *)packed)[i / per_byte];
        v = v >> (i % per_byte * bits) & mask;
        out[i] = (uint8_t)((v ^ sign) - sign);
    }
}

void nnc_small_pack(void *packed, int dtype, const uint8_t *bytes, size_t n)
{
    unsigned bits = nnc_dtype_bits(dtype), mask = (1u << bits) - 1;
    size_t per_byte = 8 / bits;
    memset(packed, 0, (n + per_byte - 1) / per_byte);
    for (size_t i = 0; i < n; i++) {
        uint8_t *to = &((uint8_t *)packed)[i / per_byte];
        *to = (uint8_t)(*to | ((bytes[i] & mask) << (i % per_byte * bits)));
    }
}
