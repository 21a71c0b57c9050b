/* Element types of 8 bits and less that are no plain bytes: float8, float4 and packed integers.
 * SPDX-License-Identifier: Apache-2.0
 * Floats: P. Micikevicius et al., "FP8 Formats for Deep Learning", 2022; the FNUZ forms have one
 * NaN (0x80), no infinity and no negative zero. Float4: OCP Microscaling Formats 1.0. */
#ifndef NNC_TENSOR_SMALL_H
#define NNC_TENSOR_SMALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0 or float4e2m1? */
bool nnc_small_is_float(int dtype);
/* The number that the bits stand for; dtype as above, float4 in the low 4 bits. */
double nnc_small_to_double(int dtype, unsigned bits);
/* x rounded half to even to float8 (but not float8e8m0) or float4. Out of range, infinities included:
 * the largest magnitude with `saturate`, else infinity where the type has one and NaN where not.
 * float4 always saturates and has no NaN: it gives +6 for one. */
uint8_t nnc_small_from_float(int dtype, float x, bool saturate);

/* n packed elements of 4 or 2 bits as one byte each: integers as numbers (sign-extended), float4 by
 * its bits. And back; bits of the last byte that no element takes become 0. */
void nnc_small_unpack(uint8_t *out, int dtype, const void *packed, size_t n);
void nnc_small_pack(void *packed, int dtype, const uint8_t *bytes, size_t n);

#endif
