/* Tensors and types -> messages. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/writer.h"

enum { INLINE_MAX = 1024, PAGE = 4096, LINE = 64 };

/* IR version that first knew an element type. */
static int64_t ir_of_dtype(nnc_dtype dtype)
{
    switch (dtype) {
    case NNC_DTYPE_FLOAT8E4M3FN:
    case NNC_DTYPE_FLOAT8E4M3FNUZ:
    case NNC_DTYPE_FLOAT8E5M2:
    case NNC_DTYPE_FLOAT8E5M2FNUZ:
        return 9;
    case NNC_DTYPE_INT4:
    case NNC_DTYPE_UINT4:
        return 10;
    case NNC_DTYPE_FLOAT4E2M1:
        return 11;
    case NNC_DTYPE_FLOAT8E8M0:
        return 12;
    case NNC_DTYPE_INT2:
    case NNC_DTYPE_UINT2:
        return 13;
    default:
        return 4;
    }
}

/* Bytes in file order: little-endian. */
static const uint8_t *file_bytes(nnc_onnx_writer *w, const nnc_tensor *tensor, size_t bytes)
{
    uint8_t *data = nnc_tensor_data(tensor);
    size_t unit = nnc_dtype_bits(tensor->dtype) / 8;
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ || unit < 2) {
        return data;
    }
    uint8_t *swapped = nnc_arena_alloc(w->arena, bytes, 1);
    for (size_t i = 0; swapped && i < bytes; i++) {
        swapped[i] = data[i - i % unit + (unit - 1 - i % unit)];
    }
    return swapped;
}

static nnc_status add_entry(Onnx__StringStringEntryProto **out, nnc_onnx_writer *w, char *key,
                            char *value)
{
    *out = nnc_arena_alloc(w->arena, 1, sizeof **out);
    if (!*out || !value) {
        return NNC_ERR_LIMIT;
    }
    onnx__string_string_entry_proto__init(*out);
    (*out)->key = key;
    (*out)->value = value;
    return NNC_OK;
}

static nnc_status external_out(Onnx__TensorProto *t, nnc_onnx_writer *w, const uint8_t *data,
                               size_t bytes)
{
    uint64_t align = bytes >= PAGE ? PAGE : LINE;
    uint64_t offset = (w->blob_bytes + align - 1) / align * align;
    t->external_data = nnc_arena_alloc(w->arena, 3, sizeof(Onnx__StringStringEntryProto *));
    if (!t->external_data) {
        return NNC_ERR_LIMIT;
    }
    t->n_external_data = 3;
    t->has_data_location = 1;
    t->data_location = 1;
    NNC_TRY(add_entry(&t->external_data[0], w, (char *)"location", (char *)(uintptr_t)w->location));
    NNC_TRY(add_entry(&t->external_data[1], w, (char *)"offset",
                      nnc_arena_printf(w->arena, "%llu", (unsigned long long)offset)));
    NNC_TRY(add_entry(&t->external_data[2], w, (char *)"length",
                      nnc_arena_printf(w->arena, "%zu", bytes)));
    NNC_TRY(nnc_grow(&w->blobs, &w->blob_cap, w->blob_count + 1, sizeof *w->blobs));
    w->blobs[w->blob_count++] = (nnc_onnx_blob){data, bytes, offset};
    w->blob_bytes = offset + bytes;
    return NNC_OK;
}

nnc_status nnc_onnx_tensor_out(Onnx__TensorProto **out, nnc_onnx_writer *w, const char *name,
                               const nnc_tensor *tensor)
{
    Onnx__TensorProto *t = nnc_arena_alloc(w->arena, 1, sizeof *t);
    int64_t *dims = nnc_arena_alloc(w->arena, tensor->shape.rank, sizeof *dims);
    size_t bytes = nnc_tensor_bytes(tensor);
    if (!t || !dims) {
        return NNC_ERR_LIMIT;
    }
    onnx__tensor_proto__init(t);
    *out = t;
    memcpy(dims, tensor->shape.dims, tensor->shape.rank * sizeof *dims);
    t->dims = dims;
    t->n_dims = tensor->shape.rank;
    t->has_data_type = 1;
    t->data_type = tensor->dtype;
    t->name = name ? (char *)(uintptr_t)name : NULL;
    int64_t ir = ir_of_dtype(tensor->dtype);
    w->ir_needed = ir > w->ir_needed ? ir : w->ir_needed;
    const uint8_t *data = bytes > 0 ? file_bytes(w, tensor, bytes) : (const uint8_t *)"";
    if (!data) {
        return NNC_ERR_LIMIT;
    }
    if (w->external && bytes >= INLINE_MAX) {
        return external_out(t, w, data, bytes);
    }
    t->has_raw_data = 1;
    t->raw_data.data = (uint8_t *)(uintptr_t)data;
    t->raw_data.len = bytes;
    return NNC_OK;
}

static nnc_status shape_out(Onnx__TensorShapeProto **out, nnc_onnx_writer *w,
                            const nnc_graph *graph, const nnc_shape *shape)
{
    Onnx__TensorShapeProto *s = nnc_arena_alloc(w->arena, 1, sizeof *s);
    if (!s) {
        return NNC_ERR_LIMIT;
    }
    onnx__tensor_shape_proto__init(s);
    *out = s;
    s->dim = nnc_arena_alloc(w->arena, shape->rank, sizeof *s->dim);
    if (!s->dim) {
        return NNC_ERR_LIMIT;
    }
    s->n_dim = shape->rank;
    for (uint32_t i = 0; i < shape->rank; i++) {
        Onnx__TensorShapeProto__Dimension *d = nnc_arena_alloc(w->arena, 1, sizeof *d);
        if (!d) {
            return NNC_ERR_LIMIT;
        }
        onnx__tensor_shape_proto__dimension__init(d);
        if (shape->dims[i] >= 0) {
            d->has_dim_value = 1;
            d->dim_value = shape->dims[i];
        } else {
            const char *name = nnc_graph_symbol_name(graph, shape->dims[i]);
            /* "^3" numbers a dimension of the outer graph that has no name (ops/subgraph.h). */
            d->dim_param = name[0] && name[0] != '^' ? (char *)(uintptr_t)name : NULL;
        }
        s->dim[i] = d;
    }
    return NNC_OK;
}

nnc_status nnc_onnx_type_out(Onnx__ValueInfoProto **out, nnc_onnx_writer *w, const nnc_graph *graph,
                             const nnc_value *value, const char *name)
{
    Onnx__ValueInfoProto *info = nnc_arena_alloc(w->arena, 1, sizeof *info);
    Onnx__TypeProto *type = nnc_arena_alloc(w->arena, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = nnc_arena_alloc(w->arena, 1, sizeof *tensor);
    if (!info || !type || !tensor) {
        return NNC_ERR_LIMIT;
    }
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    *out = info;
    info->name = (char *)(uintptr_t)name;
    if (value->dtype == NNC_DTYPE_UNDEFINED) {
        return NNC_OK;
    }
    info->type = type;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = value->dtype;
    return value->has_shape ? shape_out(&tensor->shape, w, graph, &value->shape) : NNC_OK;
}
