/* Declared types and shapes, and the shapes given by the caller. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

static nnc_status parse_override(nnc_onnx_shape_override *out, const char *text)
{
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text) {
        NNC_FAIL(NNC_ERR_USAGE, "shape '%s': expected name=1x3x224x224", text);
    }
    *out = (nnc_onnx_shape_override){.name = strndup(text, (size_t)(equals - text))};
    if (!out->name) {
        NNC_FAIL(NNC_ERR_LIMIT, "out of memory");
    }
    for (const char *p = equals + 1;; p++) {
        char part[24] = "";
        uint64_t dim;
        size_t n = strcspn(p, "x,");
        if (n > 0 && n < sizeof part) {
            memcpy(part, p, n);
        }
        if (!nnc_parse_u64(part, &dim) || dim > INT64_MAX || out->shape.rank == NNC_RANK_MAX) {
            NNC_FAIL(NNC_ERR_USAGE, "shape '%s': expected name=1x3x224x224 with at most %d dims",
                     text, NNC_RANK_MAX);
        }
        out->shape.dims[out->shape.rank++] = (int64_t)dim;
        p += n;
        if (*p == '\0') {
            return NNC_OK;
        }
    }
}

nnc_status nnc_onnx_shapes_init(nnc_onnx_reader *r)
{
    size_t n = r->options.shape_count;
    r->shapes = nnc_calloc(n, sizeof *r->shapes);
    if (!r->shapes) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        r->shape_count = i + 1;
        NNC_TRY(parse_override(&r->shapes[i], r->options.shapes[i]));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(r->shapes[k].name, r->shapes[i].name) == 0) {
                NNC_FAIL(NNC_ERR_USAGE, "shape of '%s' is given twice", r->shapes[i].name);
            }
        }
    }
    return NNC_OK;
}

void nnc_onnx_shapes_deinit(nnc_onnx_reader *r)
{
    for (size_t i = 0; i < r->shape_count; i++) {
        free(r->shapes[i].name);
    }
    nnc_free(r->shapes);
    nnc_free(r->symbols);
}

nnc_status nnc_onnx_shapes_finish(nnc_onnx_reader *r)
{
    for (size_t i = 0; i < r->shape_count; i++) {
        if (!r->shapes[i].used) {
            NNC_FAIL(NNC_ERR_USAGE, "shape for '%s': no such input or named dimension",
                     r->shapes[i].name);
        }
    }
    return NNC_OK;
}

static nnc_onnx_shape_override *find_override(nnc_onnx_reader *r, const char *name)
{
    for (size_t i = 0; i < r->shape_count; i++) {
        if (strcmp(r->shapes[i].name, name) == 0) {
            return &r->shapes[i];
        }
    }
    return NULL;
}

static nnc_status dim_in(int64_t *out, nnc_onnx_reader *r, nnc_graph *graph,
                         const Onnx__TensorShapeProto__Dimension *d, const char *name, size_t i)
{
    bool named = d->dim_param && d->dim_param[0] != '\0';
    if (d->has_dim_value && named) {
        NNC_FAIL(NNC_ERR_MODEL, "dim %zu has both the value %lld and the name '%s'", i,
                 (long long)d->dim_value, d->dim_param);
    }
    if (d->has_dim_value && d->dim_value >= 0) {
        *out = d->dim_value;
        return NNC_OK;
    }
    if (d->has_dim_value && d->dim_value != -1) {
        NNC_FAIL(NNC_ERR_MODEL, "dim %zu is %lld, expected 0 or more", i, (long long)d->dim_value);
    }
    if (d->has_dim_value) {
        nnc_onnx_warn(r, "value '%s': dim %zu is -1, taken as dynamic", name, i);
    }
    nnc_onnx_shape_override *o = named ? find_override(r, d->dim_param) : NULL;
    if (o && o->shape.rank == 1) {
        o->used = true;
        *out = o->shape.dims[0];
        return NNC_OK;
    }
    return nnc_graph_symbol(out, graph, named ? d->dim_param : NULL);
}

static nnc_status shape_in(nnc_shape *shape, nnc_onnx_reader *r, nnc_graph *graph,
                           const Onnx__TensorShapeProto *s, const char *name)
{
    size_t product = 1;
    if (s->n_dim > NNC_RANK_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "has %zu dims, at most %d are allowed", s->n_dim, NNC_RANK_MAX);
    }
    shape->rank = (uint32_t)s->n_dim;
    for (size_t i = 0; i < s->n_dim; i++) {
        NNC_TRY(dim_in(&shape->dims[i], r, graph, s->dim[i], name, i));
        if (shape->dims[i] > 0 && !nnc_size_mul(&product, product, (size_t)shape->dims[i])) {
            NNC_FAIL(NNC_ERR_MODEL, "the product of its dims overflows at dim %zu (%lld)", i,
                     (long long)shape->dims[i]);
        }
    }
    return NNC_OK;
}

static nnc_status kind_in(const Onnx__TypeProto__Tensor **tensor, const Onnx__TypeProto *type)
{
    const struct {
        const void *message;
        const char *name;
    } others[] = {{type->sequence_type, "sequence"},
                  {type->map_type, "map"},
                  {type->optional_type, "optional"},
                  {type->sparse_tensor_type, "sparse tensor"},
                  {type->opaque_type, "opaque"}};
    unsigned set = type->tensor_type ? 1 : 0;
    const char *other = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].message) {
            other = others[i].name;
            set++;
        }
    }
    if (set > 1) {
        NNC_FAIL(NNC_ERR_MODEL, "its type is of %u kinds at once", set);
    }
    if (other) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has %s type, only tensors are supported", other);
    }
    *tensor = type->tensor_type;
    return NNC_OK;
}

static nnc_status type_in(nnc_dtype *dtype, bool *has_shape, nnc_shape *shape, nnc_onnx_reader *r,
                          nnc_graph *graph, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto__Tensor *tensor = NULL;
    if (info->type) {
        NNC_TRY(kind_in(&tensor, info->type));
    }
    if (!tensor) {
        return NNC_OK;
    }
    int32_t elem = tensor->has_elem_type ? tensor->elem_type : 0;
    if (elem < 0) {
        NNC_FAIL(NNC_ERR_MODEL, "data type %d is undefined", (int)elem);
    }
    if (elem >= NNC_DTYPE_COUNT) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "data type %d is newer than this build (1 to %d)", (int)elem,
                 NNC_DTYPE_COUNT - 1);
    }
    if (elem == NNC_DTYPE_STRING) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "string tensors are not supported");
    }
    *dtype = (nnc_dtype)elem;
    if (tensor->shape) {
        *has_shape = true;
        return shape_in(shape, r, graph, tensor->shape, info->name ? info->name : "");
    }
    return NNC_OK;
}

nnc_status nnc_onnx_type_in(nnc_dtype *dtype, bool *has_shape, nnc_shape *shape, nnc_onnx_reader *r,
                            nnc_graph *graph, const Onnx__ValueInfoProto *info, const char *what)
{
    *dtype = NNC_DTYPE_UNDEFINED;
    *has_shape = false;
    *shape = (nnc_shape){0};
    nnc_status status = type_in(dtype, has_shape, shape, r, graph, info);
    return status == NNC_OK
               ? NNC_OK
               : nnc_error_prepend(status, "%s '%.120s'", what, info->name ? info->name : "");
}

/* Named dimension `dim` is `value` from now on. */
static nnc_status bind_symbol(nnc_onnx_reader *r, const nnc_graph *graph, int64_t dim,
                              int64_t value)
{
    size_t id = (size_t)(-1 - dim);
    NNC_TRY(nnc_grow(&r->symbols, &r->symbol_cap, id + 1, sizeof *r->symbols));
    while (r->symbol_count <= id) {
        r->symbols[r->symbol_count++] = -1;
    }
    if (r->symbols[id] >= 0 && r->symbols[id] != value) {
        NNC_FAIL(NNC_ERR_USAGE, "the shapes given make dimension '%s' both %lld and %lld",
                 nnc_graph_symbol_name(graph, dim), (long long)r->symbols[id], (long long)value);
    }
    r->symbols[id] = value;
    return NNC_OK;
}

void nnc_onnx_symbols_apply(const nnc_onnx_reader *r, nnc_graph *graph)
{
    for (uint32_t v = 0; r->symbol_count > 0 && v < nnc_graph_value_count(graph); v++) {
        nnc_shape *shape = &nnc_graph_value(graph, v)->shape;
        for (uint32_t i = 0; i < shape->rank; i++) {
            size_t id = shape->dims[i] < 0 ? (size_t)(-1 - shape->dims[i]) : SIZE_MAX;
            if (id < r->symbol_count && r->symbols[id] >= 0) {
                shape->dims[i] = r->symbols[id];
            }
        }
    }
}

nnc_status nnc_onnx_shape_override_apply(nnc_shape *shape, bool *has_shape, nnc_onnx_reader *r,
                                         const nnc_graph *graph, const char *input)
{
    nnc_onnx_shape_override *o = find_override(r, input);
    if (!o) {
        return NNC_OK;
    }
    char want[256], have[256];
    nnc_shape_format(want, sizeof want, &o->shape);
    o->used = true;
    if (*has_shape && shape->rank != o->shape.rank) {
        NNC_FAIL(NNC_ERR_USAGE, "shape %s for input '%s': the model declares %s", want, input,
                 nnc_shape_format(have, sizeof have, shape));
    }
    for (uint32_t i = 0; *has_shape && i < shape->rank; i++) {
        if (shape->dims[i] < 0) {
            NNC_TRY(bind_symbol(r, graph, shape->dims[i], o->shape.dims[i]));
        } else if (shape->dims[i] != o->shape.dims[i]) {
            NNC_FAIL(NNC_ERR_USAGE, "shape %s for input '%s': the model fixes dim %u to %lld", want,
                     input, (unsigned)i, (long long)shape->dims[i]);
        }
    }
    *shape = o->shape;
    *has_shape = true;
    return NNC_OK;
}
