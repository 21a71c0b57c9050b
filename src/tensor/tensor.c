/* Shapes, buffers, tensors. SPDX-License-Identifier: Apache-2.0 */
#include "tensor/tensor.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

bool nnc_shape_count(size_t *out, const nnc_shape *shape)
{
    size_t count = 1;
    bool zero = false;
    bool fits = true;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0) {
            return false;
        }
        zero = zero || shape->dims[i] == 0;
        fits = fits && (uint64_t)shape->dims[i] <= SIZE_MAX &&
               nnc_size_mul(&count, count, (size_t)shape->dims[i]);
    }
    if (zero) {
        *out = 0;
        return true;
    }
    if (fits) {
        *out = count;
    }
    return fits;
}

bool nnc_shape_equal(const nnc_shape *a, const nnc_shape *b)
{
    if (a->rank != b->rank) {
        return false;
    }
    for (uint32_t i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i]) {
            return false;
        }
    }
    return true;
}

bool nnc_shape_is_static(const nnc_shape *shape)
{
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0) {
            return false;
        }
    }
    return true;
}

char *nnc_shape_format(char *buf, size_t bytes, const nnc_shape *shape)
{
    size_t used = 0;
    assert(bytes > 0);
    buf[0] = '\0';
    for (uint32_t i = 0; i <= shape->rank && used < bytes; i++) {
        const char *before = i == 0 ? "[" : i < shape->rank ? "," : "";
        int n;
        if (i == shape->rank) {
            n = snprintf(buf + used, bytes - used, "%s]", before);
        } else if (shape->dims[i] < 0) {
            n = snprintf(buf + used, bytes - used, "%s?", before);
        } else {
            n = snprintf(buf + used, bytes - used, "%s%lld", before, (long long)shape->dims[i]);
        }
        used += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

nnc_shape nnc_shape_make(uint32_t rank, const int64_t *dims)
{
    assert(rank <= NNC_RANK_MAX);
    nnc_shape shape = {0};
    shape.rank = rank;
    if (rank > 0) {
        memcpy(shape.dims, dims, rank * sizeof *dims);
    }
    return shape;
}

struct nnc_buffer {
    void *data;
    size_t bytes;
    atomic_size_t owners;
    void (*release)(void *owner); /* views only */
    void *owner;
};

/* Own bytes follow the header in the same allocation, at the next cache line. */
enum { HEADER_BYTES = 64 };
_Static_assert(sizeof(struct nnc_buffer) <= HEADER_BYTES, "header fits before the data");

nnc_buffer *nnc_buffer_create(size_t bytes)
{
    size_t total;
    if (!nnc_size_add(&total, bytes, HEADER_BYTES)) {
        nnc_error_set(NNC_ERR_LIMIT, "a buffer of %zu bytes does not fit into memory", bytes);
        return NULL;
    }
    nnc_buffer *buffer = nnc_alloc_aligned(total);
    if (buffer == NULL) {
        return NULL;
    }
    buffer->data = (uint8_t *)buffer + HEADER_BYTES;
    buffer->bytes = bytes;
    atomic_init(&buffer->owners, 1);
    return buffer;
}

nnc_buffer *nnc_buffer_wrap(const void *data, size_t bytes, void (*release)(void *owner),
                            void *owner)
{
    nnc_buffer *buffer = nnc_calloc(1, sizeof *buffer);
    if (buffer == NULL) {
        return NULL;
    }
    buffer->data = (void *)(uintptr_t)data;
    buffer->bytes = bytes;
    buffer->release = release;
    buffer->owner = owner;
    atomic_init(&buffer->owners, 1);
    return buffer;
}

nnc_buffer *nnc_buffer_ref(nnc_buffer *buffer)
{
    if (buffer != NULL) {
        atomic_fetch_add_explicit(&buffer->owners, 1, memory_order_relaxed);
    }
    return buffer;
}

void nnc_buffer_unref(nnc_buffer *buffer)
{
    if (buffer == NULL ||
        atomic_fetch_sub_explicit(&buffer->owners, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (buffer->release != NULL) {
        buffer->release(buffer->owner);
    }
    nnc_free(buffer);
}

void *nnc_buffer_data(nnc_buffer *buffer)
{
    return buffer->data;
}

size_t nnc_buffer_bytes(const nnc_buffer *buffer)
{
    return buffer->bytes;
}

nnc_status nnc_tensor_create(nnc_tensor *out, nnc_dtype dtype, const nnc_shape *shape)
{
    char text[512];
    size_t count, bytes;
    const nnc_shape own = *shape; /* which may be out's */
    shape = &own;
    *out = (nnc_tensor){0};
    if (nnc_dtype_bits(dtype) == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "tensor of type %s has no fixed element size",
                 nnc_dtype_name(dtype));
    }
    if (!nnc_shape_count(&count, shape) || !nnc_dtype_bytes(&bytes, dtype, count)) {
        NNC_FAIL(NNC_ERR_LIMIT, "%s tensor of shape %s %s", nnc_dtype_name(dtype),
                 nnc_shape_format(text, sizeof text, shape),
                 nnc_shape_is_static(shape) ? "does not fit into memory"
                                            : "has unknown dimensions");
    }
    nnc_buffer *buffer = nnc_buffer_create(bytes);
    if (buffer == NULL) {
        return nnc_error_prepend(NNC_ERR_LIMIT, "%s tensor of shape %s", nnc_dtype_name(dtype),
                                 nnc_shape_format(text, sizeof text, shape));
    }
    *out = (nnc_tensor){dtype, *shape, buffer, 0};
    return NNC_OK;
}

nnc_status nnc_tensor_create_from(nnc_tensor *out, nnc_dtype dtype, const nnc_shape *shape,
                                  const void *data)
{
    NNC_TRY(nnc_tensor_create(out, dtype, shape));
    size_t bytes = nnc_tensor_bytes(out);
    if (bytes > 0) {
        memcpy(nnc_tensor_data(out), data, bytes);
    }
    return NNC_OK;
}

void nnc_tensor_deinit(nnc_tensor *tensor)
{
    nnc_buffer_unref(tensor->buffer);
    *tensor = (nnc_tensor){0};
}

nnc_tensor nnc_tensor_ref(const nnc_tensor *tensor)
{
    nnc_tensor copy = *tensor;
    nnc_buffer_ref(copy.buffer);
    return copy;
}

void *nnc_tensor_data(const nnc_tensor *tensor)
{
    return tensor->buffer != NULL ? (uint8_t *)tensor->buffer->data + tensor->offset : NULL;
}

size_t nnc_tensor_count(const nnc_tensor *tensor)
{
    size_t count = 0;
    bool ok = nnc_shape_count(&count, &tensor->shape);
    assert(ok);
    return ok && tensor->buffer != NULL ? count : 0;
}

size_t nnc_tensor_bytes(const nnc_tensor *tensor)
{
    size_t bytes = 0;
    return nnc_dtype_bytes(&bytes, tensor->dtype, nnc_tensor_count(tensor)) ? bytes : 0;
}

bool nnc_tensor_equal(const nnc_tensor *a, const nnc_tensor *b)
{
    if (a->dtype != b->dtype || !nnc_shape_equal(&a->shape, &b->shape) ||
        (a->buffer == NULL) != (b->buffer == NULL)) {
        return false;
    }
    size_t count = nnc_tensor_count(a);
    unsigned bits = nnc_dtype_bits(a->dtype);
    const uint8_t *pa = nnc_tensor_data(a), *pb = nnc_tensor_data(b);
    /* The unused bits behind the last sub-byte element have no meaning. */
    size_t tail = bits < 8 && bits > 0 ? count % (8 / bits) : 0;
    size_t whole = nnc_tensor_bytes(a) - (tail != 0);
    if (whole > 0 && memcmp(pa, pb, whole) != 0) {
        return false;
    }
    return tail == 0 || ((pa[whole] ^ pb[whole]) & ((1u << (tail * bits)) - 1)) == 0;
}
