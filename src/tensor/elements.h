/* Runs of elements in a common type, for conversion and quantization. Sub-byte elements are packed
 * low bits first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TENSOR_ELEMENTS_H
#define NNC_TENSOR_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/dtype.h"

/* Elements first..first+n of float type `dtype` at data, as double: exact. False for another class.
 */
bool nnc_elements_load_double(double *out, int dtype, const void *data, size_t first, size_t n);
/* Elements of an integer or bool type as two's complement 64 bits (uint64 by its bits; bool as 0 or
 * 1). False for another class. */
bool nnc_elements_load_int(int64_t *out, int dtype, const void *data, size_t first, size_t n);
/* Stores the low bits of each value into an integer type; bool gets value != 0. False for another
 * class. The run is written alone: neighbours in a shared byte are kept. */
bool nnc_elements_store_int(int dtype, void *data, size_t first, size_t n, const int64_t *values);

#endif
