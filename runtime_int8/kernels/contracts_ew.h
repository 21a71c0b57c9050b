/* Contracts of elementwise kernels. SPDX-License-Identifier: Apache-2.0
 * Arrays of n elements; y may be an input's own memory. body/<contract>.h is the one source of all
 * tiers: every operation in it is rounded on its own or an explicit fma, so compilers may vectorize
 * it but not change a bit (of numbers: sign and payload of a NaN are not specified). */
#ifndef NNRT_KERNELS_CONTRACTS_EW_H
#define NNRT_KERNELS_CONTRACTS_EW_H

#include <stddef.h>
#include <stdint.h>

#include "runtime_int8/ops/params.h"

/* y = op(x); op: nnrt_unary_op, the float results only. */
typedef void nnrt_k_unary_f32_fn(float *y, const float *x, size_t n, const nnrt_unary_params *p);

/* y[i] = clamp(op(a[i * sa], b[i * sb])); sa, sb 0 or 1; op: arithmetic ones of nnrt_binary_op. */
typedef void nnrt_k_binary_f32_fn(float *y, const float *a, size_t sa, const float *b, size_t sb,
                                  size_t n, const nnrt_binary_params *p);

/* y = round_clamp(x / scale) as docs/arithmetic.md; lo, hi: u8 bounds minus zero_point. */
typedef void nnrt_k_quantize_u8_fn(uint8_t *y, const float *x, size_t n, float scale, float lo,
                                   float hi, int32_t zero_point);

/* y = (x - zero_point) * scale; the difference wraps. */
typedef void nnrt_k_dequantize_u8_fn(float *y, const uint8_t *x, size_t n, float scale,
                                     int32_t zero_point);

/* y = table[x]; table of 256. */
typedef void nnrt_k_lut_u8_fn(uint8_t *y, const uint8_t *x, size_t n, const uint8_t *table);

/* y[i] = requantized sum / product of a[i * sa] and b[i * sb]; sa, sb 0 or 1. */
typedef void nnrt_k_add_q8_fn(uint8_t *y, const uint8_t *a, size_t sa, const uint8_t *b, size_t sb,
                              size_t n, const nnrt_add_q8_params *p);
typedef void nnrt_k_mul_q8_fn(uint8_t *y, const uint8_t *a, size_t sa, const uint8_t *b, size_t sb,
                              size_t n, const nnrt_mul_q8_params *p);

#endif
