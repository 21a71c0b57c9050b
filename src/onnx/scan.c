/* Scan of the protobuf wire format. SPDX-License-Identifier: Apache-2.0
 * Format: protobuf.dev "Encoding". The field tables are those of the generated code, so scan and
 * decoder agree. */
#include "onnx/scan.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "onnx.pb-c.h"

enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_GROUP, WIRE_GROUP_END, WIRE_32 };
enum { MAP_OFFSET_FIELD = 536870900, MAP_BYTES_FIELD = 536870901, RAW_DATA_FIELD = 9 };
enum {
    LENGTH_BYTES = 5
}; /* a padded varint, so that a length can be patched when its message ends */

typedef struct scan_frame {
    const ProtobufCMessageDescriptor *type;
    size_t end;
    uint64_t seen;    /* singular fields met, by index */
    size_t length_at; /* trimming: where the length goes in the output */
} scan_frame;

typedef struct scan_state {
    const uint8_t *data;
    size_t pos;
    uint32_t depth;
    scan_frame stack[NNC_ONNX_DEPTH_MAX];
    nnc_onnx_scan counts;
    uint8_t *trimmed; /* NULL: only checking */
    size_t trimmed_bytes;
} scan_state;

typedef struct scan_field {
    const ProtobufCFieldDescriptor *field; /* NULL: unknown */
    uint32_t number, wire;
    size_t start;  /* of the tag */
    size_t length; /* WIRE_BYTES */
} scan_field;

static const char *short_type(const ProtobufCMessageDescriptor *type)
{
    return type->short_name;
}

static nnc_status read_varint(uint64_t *value, scan_state *s, size_t end, size_t start)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 10; i++) {
        if (s->pos >= end) {
            NNC_FAIL(NNC_ERR_MODEL,
                     "truncated: number in the field at offset %zu needs more bytes, 0 remain",
                     start);
        }
        uint8_t byte = s->data[s->pos++];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (i == 9 && byte > 1) {
                break;
            }
            *value = v;
            return NNC_OK;
        }
    }
    NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: number is longer than 64 bits", start);
}

static nnc_status skip_fixed(scan_state *s, size_t n, size_t end, size_t start)
{
    if (end - s->pos < n) {
        NNC_FAIL(NNC_ERR_MODEL, "truncated: field at offset %zu needs %zu bytes, %zu remain", start,
                 n, end - s->pos);
    }
    s->pos += n;
    return NNC_OK;
}

static uint32_t wire_of_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

static nnc_status read_tag(scan_field *out, scan_state *s)
{
    const scan_frame *frame = &s->stack[s->depth - 1];
    uint64_t tag;
    memset(out, 0, sizeof *out);
    out->start = s->pos;
    NNC_TRY(read_varint(&tag, s, frame->end, out->start));
    if (tag >> 3 == 0 || tag >> 3 > 536870911u || s->pos - out->start > 5) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu has number %llu, allowed are 1 to 536870911",
                 out->start, (unsigned long long)(tag >> 3));
    }
    out->number = (uint32_t)(tag >> 3);
    out->wire = (uint32_t)(tag & 7);
    if (out->wire == WIRE_GROUP || out->wire == WIRE_GROUP_END || out->wire > WIRE_32) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu has wire type %u, which ONNX does not use",
                 out->start, (unsigned)out->wire);
    }
    out->field = protobuf_c_message_descriptor_get_field(frame->type, out->number);
    if (out->number == MAP_OFFSET_FIELD || out->number == MAP_BYTES_FIELD) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu has the reserved number %u", out->start,
                 (unsigned)out->number);
    }
    return NNC_OK;
}

/* A second graph or tensor would be merged by some readers and replace the first in others; types
 * merge everywhere. */
static bool may_repeat(const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return true;
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    const ProtobufCMessageDescriptor *type = field->descriptor;
    return type != &onnx__graph_proto__descriptor && type != &onnx__tensor_proto__descriptor &&
           type != &onnx__sparse_tensor_proto__descriptor;
}

static nnc_status check_field(scan_state *s, const scan_field *f)
{
    scan_frame *frame = &s->stack[s->depth - 1];
    if (!f->field) {
        if (++s->counts.unknown > NNC_ONNX_UNKNOWN_MAX) {
            NNC_FAIL(NNC_ERR_MODEL, "more than %d unknown fields: not an ONNX model",
                     NNC_ONNX_UNKNOWN_MAX);
        }
        return NNC_OK;
    }
    uint32_t wire = wire_of_type(f->field->type);
    bool packed = f->wire == WIRE_BYTES && f->field->label == PROTOBUF_C_LABEL_REPEATED;
    if (f->wire != wire && !packed) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: %s.%s has wire type %u, expected %u",
                 f->start, short_type(frame->type), f->field->name, (unsigned)f->wire,
                 (unsigned)wire);
    }
    size_t index = (size_t)(f->field - frame->type->fields);
    assert(index < 64);
    if (!may_repeat(f->field) && (frame->seen >> index & 1)) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: %s.%s is there twice", f->start,
                 short_type(frame->type), f->field->name);
    }
    frame->seen |= (uint64_t)1 << index;
    return NNC_OK;
}

static nnc_status check_packed(scan_state *s, const scan_field *f, size_t end)
{
    uint32_t wire = wire_of_type(f->field->type);
    size_t unit = wire == WIRE_32 ? 4 : 8;
    if (wire != WIRE_VARINT) {
        if (f->length % unit != 0) {
            NNC_FAIL(NNC_ERR_MODEL,
                     "field at offset %zu: packed %s has %zu bytes, not a multiple of %zu",
                     f->start, f->field->name, f->length, unit);
        }
        s->pos = end;
        return NNC_OK;
    }
    while (s->pos < end) {
        uint64_t ignored;
        NNC_TRY(read_varint(&ignored, s, end, f->start));
    }
    return NNC_OK;
}

/* Documentation and metadata may be long; everything else is a name. */
static bool is_long_text(const ProtobufCFieldDescriptor *field)
{
    return strcmp(field->name, "doc_string") == 0 || strcmp(field->name, "value") == 0;
}

static nnc_status check_string(const scan_state *s, const scan_field *f)
{
    size_t max = is_long_text(f->field) ? NNC_ONNX_TEXT_MAX : NNC_ONNX_NAME_MAX;
    const char *text = (const char *)s->data + s->pos;
    const char *type = short_type(s->stack[s->depth - 1].type);
    if (f->length > max) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: %s.%s has %zu bytes, at most %zu are allowed",
                 f->start, type, f->field->name, f->length, max);
    }
    if (memchr(text, 0, f->length)) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: %s.%s holds a NUL byte", f->start, type,
                 f->field->name);
    }
    if (!nnc_utf8_valid(text, f->length)) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: %s.%s is not valid UTF-8", f->start, type,
                 f->field->name);
    }
    return NNC_OK;
}

static void emit(scan_state *s, const uint8_t *bytes, size_t n)
{
    if (s->trimmed) {
        memcpy(s->trimmed + s->trimmed_bytes, bytes, n);
        s->trimmed_bytes += n;
    }
}

static void emit_fixed64(scan_state *s, uint32_t number, uint64_t value)
{
    uint8_t bytes[5 + 8];
    uint32_t tag = number << 3 | WIRE_64;
    for (unsigned i = 0; i < 5; i++) {
        bytes[i] = (uint8_t)((tag >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    }
    for (unsigned i = 0; i < 8; i++) {
        bytes[5 + i] = (uint8_t)(value >> (8 * i));
    }
    emit(s, bytes, sizeof bytes);
}

static nnc_status push(scan_state *s, const scan_field *f, size_t payload)
{
    if (++s->counts.messages > NNC_ONNX_MESSAGES_MAX) {
        NNC_FAIL(NNC_ERR_LIMIT, "more than %d messages", NNC_ONNX_MESSAGES_MAX);
    }
    if (s->depth == NNC_ONNX_DEPTH_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "field at offset %zu: nesting deeper than %d", f->start,
                 NNC_ONNX_DEPTH_MAX);
    }
    scan_frame *frame = &s->stack[s->depth++];
    *frame = (scan_frame){f->field->descriptor, payload + f->length, 0, 0};
    return NNC_OK;
}

/* A length-delimited field; s->pos is after its length. */
static nnc_status scan_bytes(scan_state *s, scan_field *f, size_t after_tag)
{
    const scan_frame *frame = &s->stack[s->depth - 1];
    size_t payload = s->pos;
    if (!f->field || f->field->type == PROTOBUF_C_TYPE_BYTES) {
        bool big = f->field && frame->type == &onnx__tensor_proto__descriptor &&
                   f->number == RAW_DATA_FIELD && f->length >= NNC_ONNX_BIG_RAW;
        s->pos += f->length;
        if (big) {
            s->counts.big_count++;
            s->counts.big_bytes += f->length;
            emit_fixed64(s, MAP_OFFSET_FIELD, payload);
            emit_fixed64(s, MAP_BYTES_FIELD, f->length);
            return NNC_OK;
        }
    } else if (f->field->type == PROTOBUF_C_TYPE_STRING) {
        NNC_TRY(check_string(s, f));
        s->pos += f->length;
    } else if (f->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        emit(s, s->data + f->start, after_tag - f->start);
        NNC_TRY(push(s, f, payload));
        s->stack[s->depth - 1].length_at = s->trimmed_bytes;
        s->trimmed_bytes += s->trimmed ? LENGTH_BYTES : 0;
        return NNC_OK;
    } else {
        NNC_TRY(check_packed(s, f, payload + f->length));
    }
    emit(s, s->data + f->start, s->pos - f->start);
    return NNC_OK;
}

static nnc_status scan_one(scan_state *s)
{
    scan_field f;
    NNC_TRY(read_tag(&f, s));
    NNC_TRY(check_field(s, &f));
    size_t end = s->stack[s->depth - 1].end;
    size_t after_tag = s->pos;
    uint64_t value;
    switch (f.wire) {
    case WIRE_VARINT:
        NNC_TRY(read_varint(&value, s, end, f.start));
        break;
    case WIRE_64:
        NNC_TRY(skip_fixed(s, 8, end, f.start));
        break;
    case WIRE_32:
        NNC_TRY(skip_fixed(s, 4, end, f.start));
        break;
    default:
        NNC_TRY(read_varint(&value, s, end, f.start));
        if (value > end - s->pos || value > INT32_MAX || s->pos - after_tag > LENGTH_BYTES) {
            NNC_FAIL(NNC_ERR_MODEL, "truncated: field at offset %zu needs %llu bytes, %zu remain",
                     f.start, (unsigned long long)value, end - s->pos);
        }
        f.length = (size_t)value;
        return scan_bytes(s, &f, after_tag);
    }
    emit(s, s->data + f.start, s->pos - f.start);
    return NNC_OK;
}

static void pop(scan_state *s)
{
    const scan_frame *frame = &s->stack[--s->depth];
    if (s->trimmed && s->depth > 0) {
        uint64_t length = s->trimmed_bytes - frame->length_at - LENGTH_BYTES;
        for (unsigned i = 0; i < LENGTH_BYTES; i++) {
            s->trimmed[frame->length_at + i] =
                (uint8_t)((length >> (7 * i) & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
        }
    }
}

static nnc_status walk(scan_state *s, const uint8_t *data, size_t bytes,
                       const ProtobufCMessageDescriptor *root)
{
    s->data = data;
    s->depth = 1;
    s->stack[0] = (scan_frame){root, bytes, 0, 0};
    while (s->depth > 0) {
        if (s->pos == s->stack[s->depth - 1].end) {
            pop(s);
        } else {
            NNC_TRY(scan_one(s));
        }
    }
    return NNC_OK;
}

nnc_status nnc_onnx_scan_run(nnc_onnx_scan *out, const uint8_t *data, size_t bytes,
                             const ProtobufCMessageDescriptor *root)
{
    scan_state s = {0};
    nnc_status status = walk(&s, data, bytes, root);
    *out = s.counts;
    return status;
}

nnc_status nnc_onnx_scan_trim(uint8_t **trimmed, size_t *trimmed_bytes, const uint8_t *data,
                              size_t bytes, const ProtobufCMessageDescriptor *root,
                              const nnc_onnx_scan *scan)
{
    scan_state s = {0};
    /* Lengths grow to 5 bytes each, and a place takes 26 instead of the data's bytes: never more
     * than this. */
    size_t bound = bytes - scan->big_bytes + LENGTH_BYTES * scan->messages + 26 * scan->big_count;
    *trimmed = NULL;
    s.trimmed = nnc_calloc(bound, 1);
    if (!s.trimmed) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = walk(&s, data, bytes, root);
    if (status != NNC_OK) {
        nnc_free(s.trimmed);
        return status;
    }
    assert(s.trimmed_bytes <= bound);
    *trimmed = s.trimmed;
    *trimmed_bytes = s.trimmed_bytes;
    return NNC_OK;
}
