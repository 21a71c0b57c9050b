/* The signature, the initializers and the declared types of a GraphProto. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

static bool is_main(const nnc_onnx_frame *f)
{
    return f->subgraph_depth == 0;
}

/* Names of all initializers; none may be there twice. */
static nnc_status collect_initializers(nnc_map *names, nnc_onnx_reader *r,
                                       const Onnx__GraphProto *g)
{
    size_t n = g->n_initializer + g->n_sparse_initializer;
    for (size_t i = 0; i < n; i++) {
        bool existed = false;
        const Onnx__TensorProto *t = i < g->n_initializer
                                         ? g->initializer[i]
                                         : g->sparse_initializer[i - g->n_initializer]->values;
        const char *name = t && t->name ? t->name : "";
        nnc_status status = NNC_OK;
        if (name[0] == '\0') {
            status = nnc_error_set(NNC_ERR_MODEL, "initializer %zu has no name", i);
        } else {
            NNC_TRY(nnc_map_put(names, name, (uint32_t)i, &existed));
        }
        if (existed) {
            status = nnc_error_set(NNC_ERR_MODEL, "initializer '%s' is there twice", name);
        }
        NNC_TRY(nnc_onnx_note(r, status));
    }
    return NNC_OK;
}

static nnc_status check_free_name(const nnc_onnx_frame *f, const char *what, const char *name)
{
    uint32_t other;
    if (nnc_map_get(f->names, name, &other)) {
        NNC_FAIL(NNC_ERR_MODEL, "%s '%s' is there twice", what, name);
    }
    for (const nnc_onnx_frame *o = f->outer; o; o = o->outer) {
        if (nnc_map_get(o->names, name, &other)) {
            NNC_FAIL(NNC_ERR_MODEL, "%s '%s' has the name of a value outside of its subgraph", what,
                     name);
        }
    }
    return NNC_OK;
}

static nnc_status input_in(nnc_onnx_reader *r, nnc_onnx_frame *f, const Onnx__ValueInfoProto *info,
                           const nnc_map *initializers, nnc_map *seen)
{
    nnc_dtype dtype;
    nnc_shape shape;
    bool has_shape, existed;
    uint32_t index;
    const char *name = info->name ? info->name : "";
    if (name[0] == '\0') {
        NNC_FAIL(NNC_ERR_MODEL, "input without a name");
    }
    NNC_TRY(nnc_map_put(seen, name, 0, &existed));
    if (existed) {
        NNC_FAIL(NNC_ERR_MODEL, "input '%s' is there twice", name);
    }
    NNC_TRY(nnc_onnx_type_in(&dtype, &has_shape, &shape, r, f->graph, info, "input"));
    if (nnc_map_get(initializers, name, &index)) {
        return NNC_OK; /* IR 3 lists initializers as inputs: the constant is what counts */
    }
    NNC_TRY(check_free_name(f, "input", name));
    if (is_main(f) && dtype == NNC_DTYPE_UNDEFINED) {
        NNC_FAIL(NNC_ERR_MODEL, "input '%s' has no element type", name);
    }
    bool half = nnc_onnx_is_half(dtype);
    if (is_main(f)) {
        NNC_TRY(nnc_onnx_shape_override_apply(&shape, &has_shape, r, f->graph, name));
    } else if (half) {
        dtype = NNC_DTYPE_FLOAT;
    }
    nnc_value_id id;
    NNC_TRY(nnc_graph_add_value(&id, f->graph, name, NNC_VALUE_INPUT, dtype,
                                has_shape ? &shape : NULL));
    NNC_TRY(nnc_graph_add_input(f->graph, id));
    return nnc_map_put(f->names, name, id, NULL);
}

static nnc_status inputs_in(nnc_onnx_reader *r, nnc_onnx_frame *f, const Onnx__GraphProto *g,
                            const nnc_map *initializers)
{
    nnc_map *seen = nnc_map_create();
    if (!seen) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < g->n_input && status == NNC_OK; i++) {
        status = nnc_onnx_note(r, input_in(r, f, g->input[i], initializers, seen));
    }
    nnc_map_destroy(seen);
    return status;
}

static nnc_status initializer_in(nnc_onnx_reader *r, nnc_onnx_frame *f, const Onnx__GraphProto *g,
                                 size_t i)
{
    nnc_tensor tensor;
    const char *name;
    if (i < g->n_initializer) {
        name = g->initializer[i]->name;
        NNC_TRY(nnc_onnx_tensor_in(&tensor, r, g->initializer[i], "initializer"));
    } else {
        const Onnx__SparseTensorProto *s = g->sparse_initializer[i - g->n_initializer];
        name = s->values ? s->values->name : NULL;
        NNC_TRY(nnc_onnx_sparse_in(&tensor, r, s, "initializer"));
    }
    nnc_value_id id = NNC_ID_NONE;
    nnc_status status = nnc_onnx_widen(&tensor, r);
    if (status == NNC_OK) {
        status = check_free_name(f, "initializer", name ? name : "");
    }
    if (status == NNC_OK) {
        status = nnc_graph_add_const(&id, f->graph, name, &tensor);
    }
    if (status == NNC_OK) {
        status = nnc_map_put(f->names, name, id, NULL);
    }
    nnc_tensor_deinit(&tensor);
    return status;
}

/* Types of values that nodes produce. Wrong ones are common after graph surgery: inference has the
 * last word. */
static nnc_status apply_types(nnc_onnx_reader *r, nnc_onnx_frame *f,
                              Onnx__ValueInfoProto *const *infos, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        nnc_dtype dtype;
        nnc_shape shape;
        bool has_shape;
        uint32_t id;
        nnc_status status =
            nnc_onnx_type_in(&dtype, &has_shape, &shape, r, f->graph, infos[i], what);
        NNC_TRY(nnc_onnx_note(r, status));
        if (status != NNC_OK || !infos[i]->name || !nnc_map_get(f->names, infos[i]->name, &id)) {
            continue;
        }
        nnc_value *value = nnc_graph_value(f->graph, id);
        if (value->kind != NNC_VALUE_TEMP) {
            continue;
        }
        if (!nnc_onnx_is_half(value->dtype)) {
            value->dtype = nnc_onnx_is_half(dtype) ? NNC_DTYPE_FLOAT : dtype;
        }
        if (has_shape) {
            value->has_shape = true;
            value->shape = shape;
        }
    }
    return NNC_OK;
}

static nnc_status output_in(nnc_onnx_frame *f, const Onnx__ValueInfoProto *info)
{
    nnc_value_id id;
    const char *name = info->name ? info->name : "";
    if (name[0] == '\0') {
        NNC_FAIL(NNC_ERR_MODEL, "output without a name");
    }
    NNC_TRY(nnc_onnx_lookup(&id, f, name));
    if (id == NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_MODEL, "output '%s' is produced by no node and is no input or initializer",
                 name);
    }
    for (size_t i = 0; i < nnc_graph_output_count(f->graph); i++) {
        if (strcmp(nnc_graph_output_name(f->graph, i), name) == 0) {
            NNC_FAIL(NNC_ERR_MODEL, "output '%s' is there twice", name);
        }
        if (i + 1 >= NNC_ONNX_OUTPUTS_MAX) {
            NNC_FAIL(NNC_ERR_LIMIT, "more than %d outputs", NNC_ONNX_OUTPUTS_MAX);
        }
    }
    nnc_dtype half = nnc_onnx_half_output(f, name);
    if (half != NNC_DTYPE_UNDEFINED && nnc_graph_value_const(f->graph, id)->dtype != half) {
        NNC_TRY(nnc_onnx_half_narrow(&id, f, name, half));
    }
    return nnc_graph_add_output(f->graph, id, name);
}

static nnc_status values_in(nnc_onnx_reader *r, nnc_onnx_frame *f, const Onnx__GraphProto *g,
                            nnc_map *initializers)
{
    NNC_TRY(collect_initializers(initializers, r, g));
    NNC_TRY(inputs_in(r, f, g, initializers));
    for (size_t i = 0; i < g->n_initializer + g->n_sparse_initializer; i++) {
        NNC_TRY(nnc_onnx_note(r, initializer_in(r, f, g, i)));
    }
    return nnc_onnx_half_outputs(f, g);
}

static nnc_status check_annotations(nnc_onnx_reader *r, nnc_onnx_frame *f,
                                    const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_quantization_annotation; i++) {
        const Onnx__TensorAnnotation *a = g->quantization_annotation[i];
        uint32_t id;
        if (!a->tensor_name || !nnc_map_get(f->names, a->tensor_name, &id)) {
            nnc_onnx_warn(r, "quantization annotation names the unknown tensor '%s'",
                          a->tensor_name ? a->tensor_name : "");
        }
        for (size_t k = 0; k < a->n_quant_parameter_tensor_names; k++) {
            const char *name = a->quant_parameter_tensor_names[k]->value;
            if (!name || !nnc_map_get(f->names, name, &id)) {
                nnc_onnx_warn(r, "quantization annotation of '%s' names the unknown tensor '%s'",
                              a->tensor_name ? a->tensor_name : "", name ? name : "");
            }
        }
    }
    return NNC_OK;
}

nnc_status nnc_onnx_graph_in(nnc_onnx_reader *r, nnc_onnx_frame *f, const Onnx__GraphProto *g)
{
    nnc_map *initializers = nnc_map_create();
    if (!initializers) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = values_in(r, f, g, initializers);
    nnc_map_destroy(initializers);
    NNC_TRY(status);
    f->nodes = g->node;
    f->node_count = g->n_node;
    NNC_TRY(nnc_onnx_register_outputs(r, f));
    NNC_TRY(apply_types(r, f, g->value_info, g->n_value_info, "value"));
    NNC_TRY(apply_types(r, f, g->output, g->n_output, "output"));
    NNC_TRY(nnc_onnx_nodes_in(r, f));
    NNC_TRY(check_annotations(r, f, g));
    for (size_t i = 0; i < g->n_output; i++) {
        NNC_TRY(nnc_onnx_note(r, output_in(f, g->output[i])));
    }
    return NNC_OK;
}
