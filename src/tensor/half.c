/* 16-bit floats. SPDX-License-Identifier: Apache-2.0 */
#include "tensor/half.h"

#include <string.h>

#include <fp16.h>

float nnc_f16_to_f32(uint16_t bits)
{
    return fp16_ieee_to_fp32_value(bits);
}

uint16_t nnc_f16_from_f32(float x)
{
    return fp16_ieee_from_fp32_value(x);
}

float nnc_bf16_to_f32(uint16_t bits)
{
    uint32_t word = (uint32_t)bits << 16;
    float x;
    memcpy(&x, &word, sizeof x);
    return x;
}

uint16_t nnc_bf16_from_f32(float x)
{
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    if ((word & 0x7FFFFFFF) > 0x7F800000) {
        /* NaN stays NaN: rounding could carry its payload away. */
        return (uint16_t)(word >> 16 | 0x0040);
    }
    word += 0x7FFF + (word >> 16 & 1);
    return (uint16_t)(word >> 16);
}
