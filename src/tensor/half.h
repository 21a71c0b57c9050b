/* 16-bit floats, bit conversions (round to nearest even). SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TENSOR_HALF_H
#define NNC_TENSOR_HALF_H

#include <stdint.h>

float nnc_f16_to_f32(uint16_t bits);
uint16_t nnc_f16_from_f32(float x);
float nnc_bf16_to_f32(uint16_t bits);
uint16_t nnc_bf16_from_f32(float x);

#endif
