/* Shape, shared bytes, tensor, and conversions. SPDX-License-Identifier: Apache-2.0
 * A tensor is a small struct passed by value; its bytes are in a reference-counted buffer. */
#ifndef NNC_TENSOR_TENSOR_H
#define NNC_TENSOR_TENSOR_H

#include "base/error.h"
#include "tensor/dtype.h"

#define NNC_RANK_MAX 16

/* dims[i] >= 0 is a number. dims[i] < 0 is symbolic: symbol -1-dims[i] of the graph's symbol table
 * (only on graph values; a tensor with data has numbers alone). */
typedef struct nnc_shape {
    uint32_t rank;
    int64_t dims[NNC_RANK_MAX];
} nnc_shape;

/* Product of the dims; false on overflow or a symbolic dim. A scalar has 1 element. */
bool nnc_shape_count(size_t *out, const nnc_shape *shape);
bool nnc_shape_equal(const nnc_shape *a, const nnc_shape *b);
bool nnc_shape_is_static(const nnc_shape *shape);
/* "[64,3,7,7]"; symbolic dims print as "?". buf >= 256 bytes; returns buf. */
char *nnc_shape_format(char *buf, size_t bytes, const nnc_shape *shape);
nnc_shape nnc_shape_make(uint32_t rank, const int64_t *dims);

/* Reference-counted bytes, 64-byte aligned when allocated, or a view of memory another owner keeps. The
 * count is atomic; the bytes of a buffer with more than one owner are read-only by convention. */
typedef struct nnc_buffer nnc_buffer;
nnc_buffer *nnc_buffer_create(size_t bytes); /* zeroed; NULL with the message set */
/* View; release(owner) runs when the last reference goes. */
nnc_buffer *nnc_buffer_wrap(const void *data, size_t bytes, void (*release)(void *owner),
                            void *owner);
nnc_buffer *nnc_buffer_ref(nnc_buffer *buffer); /* returns its argument; NULL accepted */
void nnc_buffer_unref(nnc_buffer *buffer);      /* NULL accepted */
void *nnc_buffer_data(nnc_buffer *buffer);
size_t nnc_buffer_bytes(const nnc_buffer *buffer);

typedef struct nnc_tensor {
    nnc_dtype dtype;
    nnc_shape shape;
    nnc_buffer *buffer; /* NULL: no tensor */
    size_t offset;      /* bytes into the buffer */
} nnc_tensor;

/* Allocates zeroed elements. Fails: NNC_ERR_LIMIT (overflow, memory), NNC_ERR_UNSUPPORTED (string). */
nnc_status nnc_tensor_create(nnc_tensor *out, nnc_dtype dtype, const nnc_shape *shape);
/* Copies count elements from `data`. */
nnc_status nnc_tensor_create_from(nnc_tensor *out, nnc_dtype dtype, const nnc_shape *shape,
                                  const void *data);
void nnc_tensor_deinit(nnc_tensor *tensor);
nnc_tensor nnc_tensor_ref(const nnc_tensor *tensor); /* one more owner of the same bytes */
void *nnc_tensor_data(const nnc_tensor *tensor);
size_t nnc_tensor_count(const nnc_tensor *tensor);
size_t nnc_tensor_bytes(const nnc_tensor *tensor);
bool nnc_tensor_equal(const nnc_tensor *a, const nnc_tensor *b); /* dtype, shape, bytes */

/* Converts element by element (ONNX Cast semantics: floats to integers truncate towards zero, saturating, NaN
 * gives 0; integers to narrower integers keep the low bits; half types round to nearest even). Any numeric or bool type to any other, incl. float16/bfloat16 and 4/2-bit
 * integers and float8 as source. Fails: NNC_ERR_UNSUPPORTED for strings and complex, and
 * for float8/float4 as result. */
nnc_status nnc_tensor_convert(nnc_tensor *out, const nnc_tensor *x, nnc_dtype dtype);
/* Element i as double / int64 (any numeric type). */
double nnc_tensor_get_double(const nnc_tensor *tensor, size_t i);
int64_t nnc_tensor_get_int(const nnc_tensor *tensor, size_t i);

#endif
