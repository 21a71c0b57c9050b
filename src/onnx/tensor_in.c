/* TensorProto -> tensor. SPDX-License-Identifier: Apache-2.0
 * One data field, exact sizes: what a scanner sees is what runs. */
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

enum { COPY_SLACK = 64 << 20 };

typedef enum data_field {
    FIELD_FLOAT,
    FIELD_INT32,
    FIELD_INT64,
    FIELD_DOUBLE,
    FIELD_UINT64
} data_field;

static const char *const field_names[] = {"float_data", "int32_data", "int64_data", "double_data",
                                          "uint64_data"};

bool nnc_onnx_is_half(int dtype)
{
    return dtype == NNC_DTYPE_FLOAT16 || dtype == NNC_DTYPE_BFLOAT16;
}

static data_field field_of_dtype(int dtype)
{
    switch (dtype) {
    case NNC_DTYPE_FLOAT:
    case NNC_DTYPE_COMPLEX64:
        return FIELD_FLOAT;
    case NNC_DTYPE_INT64:
        return FIELD_INT64;
    case NNC_DTYPE_DOUBLE:
    case NNC_DTYPE_COMPLEX128:
        return FIELD_DOUBLE;
    case NNC_DTYPE_UINT32:
    case NNC_DTYPE_UINT64:
        return FIELD_UINT64;
    default:
        return FIELD_INT32;
    }
}

nnc_status nnc_onnx_dims_in(nnc_shape *shape, size_t *count, const int64_t *dims, size_t n)
{
    if (n > NNC_RANK_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "has %zu dims, at most %d are allowed", n, NNC_RANK_MAX);
    }
    size_t product = 1;
    bool zero = false;
    for (size_t i = 0; i < n; i++) {
        if (dims[i] < 0) {
            NNC_FAIL(NNC_ERR_MODEL, "dim %zu is %lld, expected 0 or more", i, (long long)dims[i]);
        }
        zero |= dims[i] == 0;
        /* Zeros are left out so that [2^62, 2^62, 0] is refused like [2^62, 2^62]. */
        if (dims[i] > 0 && !nnc_size_mul(&product, product, (size_t)dims[i])) {
            NNC_FAIL(NNC_ERR_MODEL, "the product of its dims overflows at dim %zu (%lld)", i,
                     (long long)dims[i]);
        }
    }
    *shape = nnc_shape_make((uint32_t)n, dims);
    *count = zero ? 0 : product;
    return NNC_OK;
}

static nnc_status check_dtype(int32_t dtype)
{
    if (dtype <= NNC_DTYPE_UNDEFINED) {
        NNC_FAIL(NNC_ERR_MODEL, "data type %d is undefined", (int)dtype);
    }
    if (dtype >= NNC_DTYPE_COUNT) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "data type %d is newer than this build (1 to %d)", (int)dtype,
                 NNC_DTYPE_COUNT - 1);
    }
    return NNC_OK;
}

/* How many of the data fields are set; *field: which typed one. */
static unsigned count_fields(const Onnx__TensorProto *t, int *field)
{
    const size_t counts[] = {t->n_float_data, t->n_int32_data, t->n_int64_data, t->n_double_data,
                             t->n_uint64_data};
    unsigned set =
        (t->has_raw_data || t->has_map_bytes ? 1u : 0u) + (t->n_string_data > 0 ? 1u : 0u);
    *field = -1;
    for (unsigned i = 0; i < 5; i++) {
        if (counts[i] > 0) {
            *field = (int)i;
            set++;
        }
    }
    return set;
}

static nnc_status check_storage(const Onnx__TensorProto *t, bool external, unsigned set,
                                size_t count)
{
    if (t->segment) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "is stored in segments");
    }
    if (t->has_data_location && (t->data_location < 0 || t->data_location > 1)) {
        NNC_FAIL(NNC_ERR_MODEL, "data_location is %d, known are 0 and 1", (int)t->data_location);
    }
    if (external && set > 0) {
        NNC_FAIL(NNC_ERR_MODEL, "has external data and data of its own");
    }
    if (!external && t->n_external_data > 0) {
        NNC_FAIL(NNC_ERR_MODEL, "has external_data entries, but data_location is not EXTERNAL");
    }
    if (set > 1) {
        NNC_FAIL(NNC_ERR_MODEL, "has %u data fields set, expected one", set);
    }
    if (!external && set == 0 && count > 0) {
        NNC_FAIL(NNC_ERR_MODEL, "has no data for %zu elements", count);
    }
    return NNC_OK;
}

static nnc_status fail_bytes(size_t got, size_t need, const nnc_shape *shape, int dtype)
{
    char text[256];
    NNC_FAIL(NNC_ERR_MODEL, "has %zu bytes, shape %s %s needs %zu", got,
             nnc_shape_format(text, sizeof text, shape), nnc_dtype_name(dtype), need);
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_IS_LITTLE false
#else
#define HOST_IS_LITTLE true
#endif

static size_t swap_unit(int dtype)
{
    unsigned bits = nnc_dtype_bits(dtype);
    if (dtype == NNC_DTYPE_COMPLEX64 || dtype == NNC_DTYPE_COMPLEX128) {
        bits /= 2;
    }
    return bits >= 8 ? bits / 8 : 1;
}

/* raw_data is little-endian: turned into the host's order in place. */
static void to_host_order(uint8_t *data, size_t bytes, size_t unit)
{
    for (size_t i = 0; !HOST_IS_LITTLE && i + unit <= bytes; i += unit) {
        for (size_t a = 0, b = unit - 1; a < b; a++, b--) {
            uint8_t swap = data[i + a];
            data[i + a] = data[i + b];
            data[i + b] = swap;
        }
    }
}

/* Takes bytes in file format, sharing the buffer where alignment and byte order allow. */
static nnc_status take_raw(nnc_tensor *out, const uint8_t *data, size_t bytes, nnc_buffer *shared,
                           size_t offset)
{
    size_t unit = swap_unit(out->dtype);
    bool aligned = (uintptr_t)data % (unit < 8 ? unit : 8) == 0;
    if (shared && aligned && (HOST_IS_LITTLE || unit == 1)) {
        out->buffer = nnc_buffer_ref(shared);
        out->offset = offset;
        return NNC_OK;
    }
    out->buffer = nnc_buffer_create(bytes);
    if (!out->buffer) {
        return NNC_ERR_LIMIT;
    }
    out->offset = 0;
    if (bytes > 0) {
        memcpy(nnc_buffer_data(out->buffer), data, bytes);
    }
    to_host_order(nnc_buffer_data(out->buffer), bytes, unit);
    return NNC_OK;
}

static nnc_status raw_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__TensorProto *t,
                         size_t need)
{
    if (t->has_map_bytes) {
        if (t->map_bytes != need) {
            return fail_bytes((size_t)t->map_bytes, need, &out->shape, out->dtype);
        }
        const uint8_t *data = (const uint8_t *)nnc_buffer_data(r->file) + t->map_offset;
        NNC_TRY(take_raw(out, data, need, r->file_stays ? r->file : NULL, (size_t)t->map_offset));
        return out->buffer == r->file ? NNC_OK : nnc_onnx_spend(r, need);
    }
    if (t->raw_data.len != need) {
        return fail_bytes(t->raw_data.len, need, &out->shape, out->dtype);
    }
    return take_raw(out, t->raw_data.data, need, NULL, 0);
}

static nnc_status external_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__TensorProto *t,
                              size_t need)
{
    nnc_buffer *buffer = NULL;
    size_t offset = 0;
    NNC_TRY(nnc_onnx_external_bytes(&buffer, &offset, r, t, need));
    nnc_status status =
        take_raw(out, (const uint8_t *)nnc_buffer_data(buffer) + offset, need, buffer, offset);
    /* A million tensors on one misaligned range must not become a million copies. */
    r->external.copied += out->buffer != buffer ? need : 0;
    nnc_buffer_unref(buffer);
    if (status == NNC_OK && r->external.copied > r->external.opened + COPY_SLACK) {
        NNC_FAIL(NNC_ERR_LIMIT,
                 "misaligned tensors share external data so often that %llu bytes of copies "
                 "come from %llu bytes of files",
                 (unsigned long long)r->external.copied, (unsigned long long)r->external.opened);
    }
    return status;
}

/* One int32_data entry per element of up to 32 bits, or per byte of packed elements. */
static nnc_status int32_in(uint8_t *to, const Onnx__TensorProto *t, int dtype, size_t entries)
{
    unsigned bits = nnc_dtype_bits(dtype);
    bool is_signed = nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_SINT && bits >= 8;
    unsigned width = bits < 8 ? 8 : bits;
    int64_t lo = is_signed ? -((int64_t)1 << (width - 1)) : 0;
    int64_t hi = is_signed ? ((int64_t)1 << (width - 1)) - 1 : ((int64_t)1 << width) - 1;
    hi = dtype == NNC_DTYPE_BOOL ? 1 : hi;
    for (size_t i = 0; i < entries; i++) {
        int32_t v = t->int32_data[i];
        if (v < lo || v > hi) {
            NNC_FAIL(NNC_ERR_MODEL, "int32_data[%zu] is %d, %s holds %lld to %lld", i, (int)v,
                     nnc_dtype_name(dtype), (long long)lo, (long long)hi);
        }
        if (width == 8) {
            to[i] = (uint8_t)v;
        } else if (width == 16) {
            uint16_t half = (uint16_t)v;
            memcpy(to + 2 * i, &half, 2);
        } else {
            memcpy(to + 4 * i, &v, 4);
        }
    }
    return NNC_OK;
}

static nnc_status uint64_in(uint8_t *to, const Onnx__TensorProto *t, int dtype, size_t entries)
{
    if (dtype == NNC_DTYPE_UINT64) {
        memcpy(to, t->uint64_data, entries * 8);
        return NNC_OK;
    }
    for (size_t i = 0; i < entries; i++) {
        if (t->uint64_data[i] > UINT32_MAX) {
            NNC_FAIL(NNC_ERR_MODEL, "uint64_data[%zu] is %llu, uint32 holds at most %u", i,
                     (unsigned long long)t->uint64_data[i], UINT32_MAX);
        }
        uint32_t v = (uint32_t)t->uint64_data[i];
        memcpy(to + 4 * i, &v, 4);
    }
    return NNC_OK;
}

static nnc_status typed_in(nnc_tensor *out, const Onnx__TensorProto *t, int field, size_t count,
                           size_t bytes)
{
    data_field want = field_of_dtype(out->dtype);
    if (t->n_string_data > 0 || field != (int)want) {
        NNC_FAIL(NNC_ERR_MODEL, "%s data is in %s, expected %s or raw_data",
                 nnc_dtype_name(out->dtype),
                 t->n_string_data > 0 ? "string_data" : field_names[field], field_names[want]);
    }
    const size_t counts[] = {t->n_float_data, t->n_int32_data, t->n_int64_data, t->n_double_data,
                             t->n_uint64_data};
    size_t entries = count;
    if (out->dtype == NNC_DTYPE_COMPLEX64 || out->dtype == NNC_DTYPE_COMPLEX128) {
        entries = 2 * count;
    } else if (nnc_dtype_bits(out->dtype) < 8) {
        entries = bytes;
    }
    if (counts[want] != entries) {
        char text[256];
        NNC_FAIL(NNC_ERR_MODEL, "has %zu entries in %s, shape %s %s needs %zu", counts[want],
                 field_names[want], nnc_shape_format(text, sizeof text, &out->shape),
                 nnc_dtype_name(out->dtype), entries);
    }
    out->buffer = nnc_buffer_create(bytes);
    if (!out->buffer) {
        return NNC_ERR_LIMIT;
    }
    uint8_t *to = nnc_buffer_data(out->buffer);
    switch (want) {
    case FIELD_FLOAT:
        memcpy(to, t->float_data, bytes);
        return NNC_OK;
    case FIELD_INT64:
        memcpy(to, t->int64_data, bytes);
        return NNC_OK;
    case FIELD_DOUBLE:
        memcpy(to, t->double_data, bytes);
        return NNC_OK;
    case FIELD_UINT64:
        return uint64_in(to, t, out->dtype, entries);
    default:
        return int32_in(to, t, out->dtype, entries);
    }
}

/* Sub-byte elements: what is left of the last byte must be zero. Bool: 0 or 1. */
static nnc_status check_elements(nnc_onnx_reader *r, const nnc_tensor *x,
                                 const Onnx__TensorProto *t, size_t count, size_t bytes)
{
    unsigned bits = nnc_dtype_bits(x->dtype);
    const uint8_t *data = nnc_tensor_data(x);
    if (bits < 8 && bytes > 0) {
        unsigned used = (unsigned)((count * bits) % 8);
        if (used != 0 && data[bytes - 1] >> used != 0) {
            nnc_onnx_warn(r, "tensor '%s': unused bits of its last byte are not zero",
                          t->name ? t->name : "");
        }
    }
    for (size_t i = 0; x->dtype == NNC_DTYPE_BOOL && i < bytes; i++) {
        if (data[i] > 1) {
            NNC_FAIL(NNC_ERR_MODEL, "bool element %zu is %u, expected 0 or 1", i,
                     (unsigned)data[i]);
        }
    }
    return NNC_OK;
}

static nnc_status tensor_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__TensorProto *t)
{
    size_t count, bytes;
    int field;
    bool external = t->has_data_location && t->data_location == 1;
    NNC_TRY(nnc_onnx_dims_in(&out->shape, &count, t->dims, t->n_dims));
    NNC_TRY(check_dtype(t->has_data_type ? t->data_type : 0));
    out->dtype = (nnc_dtype)t->data_type;
    unsigned set = count_fields(t, &field);
    NNC_TRY(check_storage(t, external, set, count));
    if (out->dtype == NNC_DTYPE_STRING) {
        if (t->has_raw_data || t->has_map_bytes || external) {
            NNC_FAIL(NNC_ERR_MODEL, "strings cannot be in raw_data or external data");
        }
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "string tensors are not supported");
    }
    if (!nnc_dtype_bytes(&bytes, out->dtype, count)) {
        NNC_FAIL(NNC_ERR_MODEL, "%zu elements of %s overflow", count, nnc_dtype_name(out->dtype));
    }
    if (bytes > NNC_ONNX_TENSOR_MAX) {
        NNC_FAIL(NNC_ERR_LIMIT, "has %zu bytes, the limit is %llu", bytes,
                 (unsigned long long)NNC_ONNX_TENSOR_MAX);
    }
    /* One tensor of a function's body is read once per call. */
    NNC_TRY(external || t->has_map_bytes ? NNC_OK : nnc_onnx_spend(r, bytes));
    if (external) {
        NNC_TRY(external_in(out, r, t, bytes));
    } else if (t->has_raw_data || t->has_map_bytes) {
        NNC_TRY(raw_in(out, r, t, bytes));
    } else if (set == 0) {
        NNC_TRY(nnc_tensor_create(out, out->dtype, &out->shape));
    } else {
        NNC_TRY(typed_in(out, t, field, count, bytes));
    }
    return check_elements(r, out, t, count, bytes);
}

nnc_status nnc_onnx_tensor_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__TensorProto *t,
                              const char *what)
{
    *out = (nnc_tensor){0};
    if (++r->tensors > r->options.limits.tensors) {
        NNC_FAIL(NNC_ERR_LIMIT, "more than %u tensors", (unsigned)r->options.limits.tensors);
    }
    nnc_status status = tensor_in(out, r, t);
    if (status != NNC_OK) {
        nnc_tensor_deinit(out);
        *out = (nnc_tensor){0};
        return nnc_error_prepend(status, "%s '%.120s'", what, t->name ? t->name : "");
    }
    return NNC_OK;
}

nnc_status nnc_onnx_widen(nnc_tensor *tensor, nnc_onnx_reader *r)
{
    if (!nnc_onnx_is_half(tensor->dtype)) {
        return NNC_OK;
    }
    nnc_tensor wide;
    r->info->half = true;
    NNC_TRY(nnc_tensor_convert(&wide, tensor, NNC_DTYPE_FLOAT));
    nnc_tensor_deinit(tensor);
    *tensor = wide;
    return NNC_OK;
}
