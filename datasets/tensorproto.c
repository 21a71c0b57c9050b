/* TensorProto reading: one pass that checks the wire data and notes the value fields, then one that
 * decodes. No recursion: sub-messages are refused or skipped whole. SPDX-License-Identifier:
 * Apache-2.0 */
#include "datasets/tensorproto.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "datasets/bytes.h"
#include "datasets/limits.h"


enum {
    FIELD_DIMS = 1,
    FIELD_DATA_TYPE = 2,
    FIELD_SEGMENT = 3,
    FIELD_FLOAT = 4,
    FIELD_INT32 = 5,
    FIELD_STRING = 6,
    FIELD_INT64 = 7,
    FIELD_NAME = 8,
    FIELD_RAW = 9,
    FIELD_DOUBLE = 10,
    FIELD_UINT64 = 11,
    FIELD_EXTERNAL = 13,
    FIELD_LOCATION = 14
};

typedef struct wire {
    const uint8_t *at, *end;
} wire;

/* One field: a number (varint, fixed) or bytes. */
typedef struct field {
    uint32_t number, type;
    uint64_t value;
    wire bytes; /* type 2 */
} field;

static nnc_status read_varint(uint64_t *out, wire *w)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (w->at >= w->end)
            NNC_FAIL(NNC_ERR_DATA, "protobuf: truncated number");
        const uint8_t byte = *w->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return NNC_OK;
        }
    }
    NNC_FAIL(NNC_ERR_DATA, "protobuf: number longer than 10 bytes");
}

static nnc_status read_field(field *out, wire *w)
{
    uint64_t tag;
    NNC_TRY(read_varint(&tag, w));
    out->number = (uint32_t)(tag >> 3);
    out->type = (uint32_t)(tag & 7);
    if (tag >> 3 == 0 || tag >> 3 >= UINT64_C(1) << 29)
        NNC_FAIL(NNC_ERR_DATA, "protobuf: field number %llu", (unsigned long long)(tag >> 3));
    const size_t left = (size_t)(w->end - w->at);
    switch (out->type) {
    case 0:
        return read_varint(&out->value, w);
    case 1:
    case 5: {
        const size_t size = out->type == 1 ? 8 : 4;
        if (left < size)
            NNC_FAIL(NNC_ERR_DATA, "protobuf: field %u is truncated", out->number);
        out->bytes = (wire){w->at, w->at + size};
        w->at += size;
        return NNC_OK;
    }
    case 2: {
        uint64_t length;
        NNC_TRY(read_varint(&length, w));
        if (length > (uint64_t)(w->end - w->at))
            NNC_FAIL(NNC_ERR_DATA, "protobuf: field %u needs %llu bytes, %zu remain", out->number,
                     (unsigned long long)length, (size_t)(w->end - w->at));
        out->bytes = (wire){w->at, w->at + length};
        w->at += length;
        return NNC_OK;
    }
    default:
        NNC_FAIL(NNC_ERR_DATA, "protobuf: field %u has wire type %u", out->number, out->type);
    }
}

/* What the first pass finds. */
typedef struct outline {
    nnc_shape shape;
    int64_t dtype;
    uint32_t value_field; /* FIELD_RAW, FIELD_FLOAT, ...; 0 = none */
    wire raw;
    char *name;
} outline;

static nnc_status add_dim(outline *o, uint64_t value)
{
    if (o->shape.rank == NNC_RANK_MAX)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: more than %d dims", NNC_RANK_MAX);
    if ((int64_t)value < 0)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: dim %u is negative", o->shape.rank);
    o->shape.dims[o->shape.rank++] = (int64_t)value;
    return NNC_OK;
}

static nnc_status add_dims(outline *o, const field *f)
{
    if (f->type == 0)
        return add_dim(o, f->value);
    wire packed = f->bytes;
    while (f->type == 2 && packed.at < packed.end) {
        uint64_t value;
        NNC_TRY(read_varint(&value, &packed));
        NNC_TRY(add_dim(o, value));
    }
    return NNC_OK;
}

static nnc_status note_value(outline *o, const field *f)
{
    if (o->value_field && (o->value_field != f->number || f->number == FIELD_RAW))
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: values in two fields (%u and %u)", o->value_field,
                 f->number);
    o->value_field = f->number;
    if (f->number == FIELD_RAW) {
        if (f->type != 2)
            NNC_FAIL(NNC_ERR_DATA, "TensorProto: raw_data has wire type %u", f->type);
        o->raw = f->bytes;
    }
    return NNC_OK;
}

static nnc_status note_field(outline *o, const field *f)
{
    switch (f->number) {
    case FIELD_DIMS:
        return add_dims(o, f);
    case FIELD_DATA_TYPE:
        if (f->type != 0 || f->value >= NNC_DTYPE_COUNT)
            NNC_FAIL(NNC_ERR_DATA, "TensorProto: unknown data type");
        o->dtype = (int64_t)f->value;
        return NNC_OK;
    case FIELD_NAME: {
        const size_t n = (size_t)(f->bytes.end - f->bytes.at);
        if (f->type != 2 || n >= NNC_TENSORPROTO_NAME_MAX || memchr(f->bytes.at, 0, n))
            NNC_FAIL(NNC_ERR_DATA, "TensorProto: name is longer than %d bytes or damaged",
                     NNC_TENSORPROTO_NAME_MAX - 1);
        memcpy(o->name, f->bytes.at, n);
        o->name[n] = '\0';
        return NNC_OK;
    }
    case FIELD_SEGMENT:
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: segments are not read");
    case FIELD_EXTERNAL:
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: external data, expected the values in the file");
    case FIELD_LOCATION:
        if (f->type != 0 || f->value != 0)
            NNC_FAIL(NNC_ERR_DATA, "TensorProto: external data, expected the values in the file");
        return NNC_OK;
    case FIELD_STRING:
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "TensorProto: strings are no model data here");
    case FIELD_FLOAT:
    case FIELD_INT32:
    case FIELD_INT64:
    case FIELD_DOUBLE:
    case FIELD_UINT64:
    case FIELD_RAW:
        return note_value(o, f);
    default:
        return NNC_OK;
    }
}

/* The typed field that the specification gives a data type; 0: only raw_data. */
static uint32_t typed_field(nnc_dtype dtype)
{
    switch (dtype) {
    case NNC_DTYPE_FLOAT:
        return FIELD_FLOAT;
    case NNC_DTYPE_DOUBLE:
        return FIELD_DOUBLE;
    case NNC_DTYPE_INT64:
        return FIELD_INT64;
    case NNC_DTYPE_UINT32:
    case NNC_DTYPE_UINT64:
        return FIELD_UINT64;
    case NNC_DTYPE_INT32:
    case NNC_DTYPE_INT16:
    case NNC_DTYPE_INT8:
    case NNC_DTYPE_UINT16:
    case NNC_DTYPE_UINT8:
    case NNC_DTYPE_BOOL:
    case NNC_DTYPE_FLOAT16:
    case NNC_DTYPE_BFLOAT16:
        return FIELD_INT32;
    default: /* float8, float4 and packed integers: their bytes */
        return nnc_dtype_bits((int)dtype) <= 8 ? FIELD_INT32 : 0;
    }
}

/* Low `size` bytes of a number, in native order. */
static void store(uint8_t *to, uint64_t value, size_t size)
{
    const uint8_t v8 = (uint8_t)value;
    const uint16_t v16 = (uint16_t)value;
    const uint32_t v32 = (uint32_t)value;
    memcpy(to,
           size == 1   ? (const void *)&v8
           : size == 2 ? (const void *)&v16
           : size == 4 ? (const void *)&v32
                       : (const void *)&value,
           size);
}

/* Appends the values of one occurrence of a typed field (packed or not) at *at. */
static nnc_status add_values(uint8_t *to, size_t *at, size_t count, size_t size, const field *f)
{
    const bool fixed = f->number == FIELD_FLOAT || f->number == FIELD_DOUBLE;
    wire w = f->bytes;
    if (fixed) {
        const size_t bytes = (size_t)(w.end - w.at);
        if (f->type == 0 || (f->type != 2 && bytes != size) || bytes % size != 0 ||
            bytes / size > count - *at)
            NNC_FAIL(NNC_ERR_DATA, "TensorProto: wrong number of values");
        nnc_bytes_to_native(to + *at * size, w.at, bytes / size, size, false);
        *at += bytes / size;
        return NNC_OK;
    }
    if (f->type != 0 && f->type != 2)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: values of wire type %u", f->type);
    while (f->type == 0 || w.at < w.end) {
        uint64_t value = f->value;
        if (f->type == 2)
            NNC_TRY(read_varint(&value, &w));
        if (*at == count)
            NNC_FAIL(NNC_ERR_DATA, "TensorProto: more values than the %zu of its shape", count);
        store(to + (*at)++ * size, value, size);
        if (f->type == 0)
            break;
    }
    return NNC_OK;
}

/* Entries of a typed field: elements, or bytes where several elements share one. */
static size_t entries_of(const nnc_tensor *t)
{
    return nnc_dtype_bits((int)t->dtype) < 8 ? nnc_tensor_bytes(t) : nnc_tensor_count(t);
}

static nnc_status decode_typed(nnc_tensor *out, const outline *o, wire w)
{
    const size_t bits = nnc_dtype_bits((int)out->dtype), count = entries_of(out);
    const size_t size = bits < 8 ? 1 : bits / 8;
    uint8_t *to = nnc_tensor_data(out);
    size_t at = 0;
    while (w.at < w.end) {
        field f = {0};
        NNC_TRY(read_field(&f, &w));
        if (f.number == o->value_field)
            NNC_TRY(add_values(to, &at, count, size, &f));
    }
    if (at != count)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: %zu values, its shape has %zu", at, count);
    return NNC_OK;
}

static nnc_status check_sizes(const outline *o)
{
    const nnc_dtype dtype = (nnc_dtype)o->dtype;
    char text[256];
    size_t count, bytes;
    nnc_shape_format(text, sizeof(text), &o->shape);
    if (dtype == NNC_DTYPE_UNDEFINED)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: no data type");
    if (nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_OTHER)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "TensorProto: %s is no model data here",
                 nnc_dtype_name(dtype));
    if (!nnc_shape_count(&count, &o->shape) || !nnc_dtype_bytes(&bytes, dtype, count))
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: shape %s is too large", text);
    if (o->value_field == FIELD_RAW && (size_t)(o->raw.end - o->raw.at) != bytes)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: shape %s %s needs %zu bytes, raw_data has %zu", text,
                 nnc_dtype_name(dtype), bytes, (size_t)(o->raw.end - o->raw.at));
    if (o->value_field == 0 && count > 0)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: shape %s, but no values", text);
    if (o->value_field && o->value_field != FIELD_RAW && o->value_field != typed_field(dtype))
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: %s values in field %u", nnc_dtype_name(dtype),
                 o->value_field);
    return NNC_OK;
}

nnc_status nnc_tensorproto_parse(nnc_tensor *out, char name[NNC_TENSORPROTO_NAME_MAX],
                                 const uint8_t *bytes, size_t n)
{
    memset(out, 0, sizeof(*out));
    name[0] = '\0';
    outline o = {.name = name};
    wire w = {bytes, bytes + n};
    if (n == 0)
        NNC_FAIL(NNC_ERR_DATA, "empty file");
    while (w.at < w.end) {
        field f = {0};
        NNC_TRY(read_field(&f, &w));
        NNC_TRY(note_field(&o, &f));
    }
    NNC_TRY(check_sizes(&o));
    /* Typed values need at least a byte each: a short file cannot claim a large shape. */
    size_t count = 0;
    nnc_shape_count(&count, &o.shape);
    if (o.value_field && o.value_field != FIELD_RAW && count > n)
        NNC_FAIL(NNC_ERR_DATA, "TensorProto: %zu values cannot stand in %zu bytes", count, n);
    NNC_TRY(nnc_tensor_create(out, (nnc_dtype)o.dtype, &o.shape));
    nnc_status status = NNC_OK;
    const unsigned bits = nnc_dtype_bits(out->dtype);
    if (o.value_field == FIELD_RAW && bits >= 8)
        nnc_bytes_to_native(nnc_tensor_data(out), o.raw.at, count, bits / 8, false);
    else if (o.value_field == FIELD_RAW)
        memcpy(nnc_tensor_data(out), o.raw.at, nnc_tensor_bytes(out));
    else if (o.value_field)
        status = decode_typed(out, &o, (wire){bytes, bytes + n});
    if (status != NNC_OK)
        nnc_tensor_deinit(out);
    return status;
}

nnc_status nnc_tensorproto_load(nnc_tensor *out, char name[NNC_TENSORPROTO_NAME_MAX],
                                const char *path)
{
    nnc_file_map map;
    memset(out, 0, sizeof(*out));
    NNC_TRY(nnc_file_map_open(&map, path, NNC_PROTO_FILE_MAX));
    const nnc_status status = nnc_tensorproto_parse(out, name, map.data, map.bytes);
    nnc_file_map_close(&map);
    return status == NNC_OK ? status : nnc_error_prepend(status, "%s", path);
}
