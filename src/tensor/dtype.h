/* Element types: ONNX's, same numbers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TENSOR_DTYPE_H
#define NNC_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nnc_dtype {
#define X(id, number, name, bits, cls) NNC_DTYPE_##id = number,
#include "tensor/dtypes.def"
#undef X
    NNC_DTYPE_COUNT
} nnc_dtype;

typedef enum nnc_dtype_class {
    NNC_DTYPE_CLASS_FLOAT,
    NNC_DTYPE_CLASS_SINT,
    NNC_DTYPE_CLASS_UINT,
    NNC_DTYPE_CLASS_BOOL,
    NNC_DTYPE_CLASS_OTHER
} nnc_dtype_class;

/* All accept any int; out of range behaves as UNDEFINED. */
const char *nnc_dtype_name(int dtype);
unsigned nnc_dtype_bits(int dtype);
nnc_dtype_class nnc_dtype_class_of(int dtype);
/* Bytes of `count` elements, sub-byte types rounded up; false on overflow or variable size. */
bool nnc_dtype_bytes(size_t *out, int dtype, size_t count);

#endif
