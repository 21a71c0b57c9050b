/* AttributeProto -> attribute: type and value must agree, and there must be one value.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"


/* AttributeProto.AttributeType. */
enum {
    TYPE_FLOAT = 1,
    TYPE_INT,
    TYPE_STRING,
    TYPE_TENSOR,
    TYPE_GRAPH,
    TYPE_FLOATS,
    TYPE_INTS,
    TYPE_STRINGS,
    TYPE_TENSORS,
    TYPE_GRAPHS,
    TYPE_SPARSE_TENSOR,
    TYPE_SPARSE_TENSORS,
    TYPE_TYPE_PROTO,
    TYPE_TYPE_PROTOS,
    TYPE_COUNT
};

/* Bit t: a value field of type t is set. */
static uint32_t value_bits(const Onnx__AttributeProto *a)
{
    uint32_t bits = 0;
    bits |= (uint32_t)(a->has_f != 0) << TYPE_FLOAT;
    bits |= (uint32_t)(a->has_i != 0) << TYPE_INT;
    bits |= (uint32_t)(a->has_s != 0) << TYPE_STRING;
    bits |= (uint32_t)(a->t != NULL) << TYPE_TENSOR;
    bits |= (uint32_t)(a->g != NULL) << TYPE_GRAPH;
    bits |= (uint32_t)(a->n_floats > 0) << TYPE_FLOATS;
    bits |= (uint32_t)(a->n_ints > 0) << TYPE_INTS;
    bits |= (uint32_t)(a->n_strings > 0) << TYPE_STRINGS;
    bits |= (uint32_t)(a->n_tensors > 0) << TYPE_TENSORS;
    bits |= (uint32_t)(a->n_graphs > 0) << TYPE_GRAPHS;
    bits |= (uint32_t)(a->sparse_tensor != NULL) << TYPE_SPARSE_TENSOR;
    bits |= (uint32_t)(a->n_sparse_tensors > 0) << TYPE_SPARSE_TENSORS;
    bits |= (uint32_t)(a->tp != NULL) << TYPE_TYPE_PROTO;
    bits |= (uint32_t)(a->n_type_protos > 0) << TYPE_TYPE_PROTOS;
    return bits;
}

static int type_of(const Onnx__AttributeProto *a)
{
    if (a->has_type) {
        return a->type;
    }
    /* Files before IR 2 leave the type to the value. */
    uint32_t bits = value_bits(a);
    return bits == 0 ? 0 : __builtin_ctz(bits);
}

nnc_status nnc_onnx_attr_check(const Onnx__AttributeProto *a)
{
    if (!a->name || a->name[0] == '\0') {
        NNC_FAIL(NNC_ERR_MODEL, "has an attribute without a name");
    }
    uint32_t bits = value_bits(a);
    int type = type_of(a);
    if (type <= 0 || type >= TYPE_COUNT) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' has type %d, known are 1 to %d", a->name, type,
                 TYPE_COUNT - 1);
    }
    if (bits & (bits - 1)) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' has %d values, expected one", a->name,
                 __builtin_popcount(bits));
    }
    /* An empty list, an empty string and a zero leave no trace with writers that drop defaults. */
    bool may_lack = type != TYPE_TENSOR && type != TYPE_GRAPH && type != TYPE_SPARSE_TENSOR &&
                    type != TYPE_TYPE_PROTO;
    if (bits != (uint32_t)1 << type && !(bits == 0 && may_lack)) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s': its value is not of its type %d", a->name, type);
    }
    return NNC_OK;
}

nnc_status nnc_onnx_attr_resolve(const Onnx__AttributeProto **out, const nnc_onnx_frame *f,
                                 const Onnx__AttributeProto *a)
{
    *out = a;
    if (!a->ref_attr_name || a->ref_attr_name[0] == '\0') {
        return NNC_OK;
    }
    while (f && !f->function) {
        f = f->outer;
    }
    if (!f) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' refers to '%s' outside of a function",
                 a->name ? a->name : "", a->ref_attr_name);
    }
    if (value_bits(a) != 0) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' has both a value and a reference",
                 a->name ? a->name : "");
    }
    for (size_t i = 0; i < f->bound_count; i++) {
        if (strcmp(f->bound_names[i], a->ref_attr_name) == 0) {
            *out = f->bound[i];
            return NNC_OK;
        }
    }
    NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' refers to '%s', which its function does not have",
             a->name ? a->name : "", a->ref_attr_name);
}

/* Attributes that name an element type: half types are widened as the values are. */
static bool names_dtype(const char *name)
{
    static const char *const names[] = {"to", "dtype", "output_dtype", "output_datatype",
                                        "stash_type"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static nnc_status set_string(nnc_graph *graph, nnc_node_id node, nnc_attr *out,
                             const Onnx__AttributeProto *a)
{
    char *copy =
        nnc_arena_strndup(nnc_graph_arena(graph), (const char *)(a->has_s ? a->s.data : NULL),
                          a->has_s ? a->s.len : 0);
    if (!copy) {
        return NNC_ERR_LIMIT;
    }
    out->s = copy;
    out->count = a->has_s ? a->s.len : 0;
    if (strlen(copy) != out->count) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' holds a NUL byte", a->name);
    }
    if (!nnc_utf8_valid(copy, out->count)) {
        NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' is not valid UTF-8", a->name);
    }
    return nnc_node_set_attr(graph, node, out);
}

static nnc_status set_strings(nnc_graph *graph, nnc_node_id node, nnc_attr *out,
                              const Onnx__AttributeProto *a)
{
    nnc_arena *arena = nnc_graph_arena(graph);
    const char **strings = nnc_arena_alloc(arena, a->n_strings, sizeof *strings);
    if (!strings) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < a->n_strings; i++) {
        strings[i] = nnc_arena_strndup(arena, (const char *)a->strings[i].data, a->strings[i].len);
        if (!strings[i]) {
            return NNC_ERR_LIMIT;
        }
        if (strlen(strings[i]) != a->strings[i].len ||
            !nnc_utf8_valid(strings[i], a->strings[i].len)) {
            NNC_FAIL(NNC_ERR_MODEL, "attribute '%s': string %zu is not text", a->name, i);
        }
    }
    out->strings = strings;
    out->count = a->n_strings;
    return nnc_node_set_attr(graph, node, out);
}

static nnc_status set_tensor(nnc_onnx_reader *r, nnc_graph *graph, nnc_node_id node, nnc_attr *out,
                             const Onnx__AttributeProto *a)
{
    NNC_TRY(nnc_onnx_tensor_in(&out->tensor, r, a->t, "tensor of an attribute"));
    nnc_status status = nnc_onnx_widen(&out->tensor, r);
    if (status == NNC_OK) {
        status = nnc_node_set_attr(graph, node, out);
    }
    nnc_tensor_deinit(&out->tensor);
    return status;
}

static uint64_t attr_bytes(const Onnx__AttributeProto *a)
{
    uint64_t bytes =
        8 * (uint64_t)a->n_ints + 4 * (uint64_t)a->n_floats + (a->has_s ? a->s.len : 0);
    for (size_t i = 0; i < a->n_strings; i++) {
        bytes += a->strings[i].len + sizeof(char *);
    }
    return bytes;
}

static nnc_status set_attr(nnc_onnx_reader *r, nnc_graph *graph, nnc_node_id node, const char *name,
                           const Onnx__AttributeProto *a)
{
    nnc_attr out = {.name = name};
    NNC_TRY(nnc_onnx_spend(r, attr_bytes(a)));
    switch (type_of(a)) {
    case TYPE_FLOAT:
        return nnc_node_set_float(graph, node, name, a->has_f ? a->f : 0);
    case TYPE_INT: {
        int64_t i = a->has_i ? a->i : 0;
        if (nnc_onnx_is_half((int)(i & 0xff)) && i < 32 && names_dtype(name)) {
            r->info->half = true;
            i = NNC_DTYPE_FLOAT;
        }
        return nnc_node_set_int(graph, node, name, i);
    }
    case TYPE_STRING:
        out.type = NNC_ATTR_STRING;
        return set_string(graph, node, &out, a);
    case TYPE_TENSOR:
        out.type = NNC_ATTR_TENSOR;
        return set_tensor(r, graph, node, &out, a);
    case TYPE_INTS:
        return nnc_node_set_ints(graph, node, name, a->ints, a->n_ints);
    case TYPE_FLOATS:
        out.type = NNC_ATTR_FLOATS;
        out.floats = a->floats;
        out.count = a->n_floats;
        return nnc_node_set_attr(graph, node, &out);
    case TYPE_STRINGS:
        out.type = NNC_ATTR_STRINGS;
        return set_strings(graph, node, &out, a);
    case TYPE_GRAPH:
    case TYPE_GRAPHS:
        return NNC_OK;
    default:
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "attribute '%s' has type %d (sparse tensors, lists of tensors, types), "
                 "which is not supported",
                 name, type_of(a));
    }
}

nnc_status nnc_onnx_attrs_in(nnc_onnx_reader *r, nnc_onnx_frame *f, nnc_node_id node,
                             const Onnx__NodeProto *p)
{
    if (p->n_attribute > NNC_ONNX_ATTRIBUTES_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "has %zu attributes, at most %d are allowed", p->n_attribute,
                 NNC_ONNX_ATTRIBUTES_MAX);
    }
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__AttributeProto *a = p->attribute[i], *value;
        NNC_TRY(nnc_onnx_attr_resolve(&value, f, a));
        if (!value) {
            continue;
        }
        NNC_TRY(nnc_onnx_attr_check(value));
        if (!a->name || a->name[0] == '\0' || strcmp(a->name, NNC_ONNX_CAPTURES) == 0) {
            NNC_FAIL(NNC_ERR_MODEL, "has an attribute %s",
                     a->name && a->name[0] ? "of a reserved name" : "without a name");
        }
        if (value != a && a->has_type && a->type != type_of(value)) {
            NNC_FAIL(NNC_ERR_MODEL,
                     "attribute '%s' has type %d, the call of the function gives type %d", a->name,
                     (int)a->type, type_of(value));
        }
        for (size_t k = 0; k < i; k++) {
            if (p->attribute[k]->name && strcmp(p->attribute[k]->name, a->name) == 0) {
                NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' is there twice", a->name);
            }
        }
        NNC_TRY(set_attr(r, f->graph, node, a->name, value));
    }
    return NNC_OK;
}

static nnc_status vector_tensor(nnc_tensor *out, nnc_dtype dtype, const void *data, size_t n,
                                bool scalar)
{
    nnc_shape shape = {.rank = scalar ? 0 : 1};
    shape.dims[0] = (int64_t)n;
    if (n == 0) {
        return nnc_tensor_create(out, dtype, &shape);
    }
    return nnc_tensor_create_from(out, dtype, &shape, data);
}

nnc_status nnc_onnx_constant_in(nnc_tensor *out, nnc_onnx_reader *r, const nnc_onnx_frame *f,
                                const Onnx__NodeProto *p)
{
    const Onnx__AttributeProto *a;
    if (p->n_attribute != 1 || p->n_input != 0 || p->n_output != 1) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "has %zu attributes, %zu inputs and %zu outputs, expected 1, 0 and 1",
                 p->n_attribute, p->n_input, p->n_output);
    }
    NNC_TRY(nnc_onnx_attr_resolve(&a, f, p->attribute[0]));
    if (!a) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "its value refers to an attribute that the call of the function does not give");
    }
    NNC_TRY(nnc_onnx_attr_check(a));
    const char *name = p->attribute[0]->name ? p->attribute[0]->name : "";
    int type = type_of(a);
    int64_t i = a->has_i ? a->i : 0;
    float x = a->has_f ? a->f : 0;
    if (strcmp(name, "value") == 0 && type == TYPE_TENSOR) {
        return nnc_onnx_tensor_in(out, r, a->t, "value");
    }
    if (strcmp(name, "sparse_value") == 0 && type == TYPE_SPARSE_TENSOR) {
        return nnc_onnx_sparse_in(out, r, a->sparse_tensor, "value");
    }
    if (strcmp(name, "value_int") == 0 && type == TYPE_INT) {
        return vector_tensor(out, NNC_DTYPE_INT64, &i, 1, true);
    }
    if (strcmp(name, "value_float") == 0 && type == TYPE_FLOAT) {
        return vector_tensor(out, NNC_DTYPE_FLOAT, &x, 1, true);
    }
    if (strcmp(name, "value_ints") == 0 && type == TYPE_INTS) {
        return vector_tensor(out, NNC_DTYPE_INT64, a->ints, a->n_ints, false);
    }
    if (strcmp(name, "value_floats") == 0 && type == TYPE_FLOATS) {
        return vector_tensor(out, NNC_DTYPE_FLOAT, a->floats, a->n_floats, false);
    }
    if (strncmp(name, "value_string", 12) == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "string constants are not supported");
    }
    NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' of type %d is no value of a Constant", name, type);
}
