/* float16 and bfloat16 at the signature. SPDX-License-Identifier: Apache-2.0
 * The graph computes in float32; inputs and outputs keep their type behind a Cast. A model that
 * already is of this form gets no further Cast, so that exporting and importing again changes
 * nothing. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

/* Element type that a Cast node asks for; 0 for any other node. */
static int64_t cast_to(const Onnx__NodeProto *p)
{
    if (!p->op_type || strcmp(p->op_type, "Cast") != 0 || nnc_onnx_domain(p->domain)[0] != '\0') {
        return 0;
    }
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__AttributeProto *a = p->attribute[i];
        if (a->name && strcmp(a->name, "to") == 0 && a->has_i) {
            return a->i;
        }
    }
    return 0;
}

nnc_status nnc_onnx_half_outputs(nnc_onnx_frame *f, const Onnx__GraphProto *g)
{
    for (size_t i = 0; f->subgraph_depth == 0 && i < g->n_output; i++) {
        const Onnx__ValueInfoProto *o = g->output[i];
        const Onnx__TypeProto__Tensor *t = o->type ? o->type->tensor_type : NULL;
        if (!t || !nnc_onnx_is_half(t->elem_type) || !o->name) {
            continue;
        }
        f->half_outputs = f->half_outputs ? f->half_outputs : nnc_map_create();
        if (!f->half_outputs) {
            return NNC_ERR_LIMIT;
        }
        f->reader->info->half = true;
        NNC_TRY(nnc_map_put(f->half_outputs, o->name, (uint32_t)t->elem_type, NULL));
    }
    return NNC_OK;
}

nnc_dtype nnc_onnx_half_output(const nnc_onnx_frame *f, const char *name)
{
    uint32_t dtype;
    return f->half_outputs && nnc_map_get(f->half_outputs, name, &dtype) ? (nnc_dtype)dtype
                                                                         : NNC_DTYPE_UNDEFINED;
}

nnc_dtype nnc_onnx_half_cast(const nnc_onnx_frame *f, const Onnx__NodeProto *p)
{
    nnc_dtype dtype = f->half_outputs && p->n_output == 1 ? nnc_onnx_half_output(f, p->output[0])
                                                          : NNC_DTYPE_UNDEFINED;
    return (int64_t)dtype == cast_to(p) ? dtype : NNC_DTYPE_UNDEFINED;
}

static nnc_status add_cast(nnc_value_id *out, nnc_graph *graph, const char *name, nnc_value_id from,
                           nnc_dtype dtype)
{
    nnc_node_id node;
    const nnc_value *value = nnc_graph_value_const(graph, from);
    nnc_shape shape = value->shape;
    bool has_shape = value->has_shape;
    NNC_TRY(
        nnc_graph_add_value(out, graph, name, NNC_VALUE_TEMP, dtype, has_shape ? &shape : NULL));
    NNC_TRY(nnc_graph_add_node(&node, graph, name, "", "Cast", &from, 1, out, 1));
    return nnc_node_set_int(graph, node, "to", dtype);
}

nnc_status nnc_onnx_half_widen(nnc_value_id *id, nnc_onnx_reader *r, nnc_graph *graph)
{
    const nnc_value *value = nnc_graph_value_const(graph, *id);
    if (!nnc_onnx_is_half(value->dtype)) {
        return NNC_OK;
    }
    size_t need = (size_t)*id + 1;
    NNC_TRY(nnc_grow(&r->wide, &r->wide_cap, need, sizeof *r->wide));
    while (r->wide_count < need) {
        r->wide[r->wide_count++] = NNC_ID_NONE;
    }
    if (r->wide[*id] == NNC_ID_NONE) {
        char name[NNC_NAME_BYTES];
        snprintf(name, sizeof name, "%s_float32", value->name);
        r->info->half = true;
        NNC_TRY(add_cast(&r->wide[*id], graph, name, *id, NNC_DTYPE_FLOAT));
    }
    *id = r->wide[*id];
    return NNC_OK;
}

nnc_status nnc_onnx_half_narrow(nnc_value_id *id, nnc_onnx_frame *f, const char *name,
                                nnc_dtype dtype)
{
    return add_cast(id, f->graph, name, *id, dtype);
}
