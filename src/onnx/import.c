/* GraphProto -> graph: names to values, nodes to nodes. SPDX-License-Identifier: Apache-2.0
 * Every name of a frame gets its value before the first node is made, so nodes may come in any
 * order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"
#include "onnx/versions.h"

enum { NODE_BYTES = 64 };

const char *nnc_onnx_domain(const char *domain)
{
    return !domain || strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

char *nnc_onnx_node_text(char *buf, size_t bytes, const Onnx__NodeProto *p, size_t index)
{
    snprintf(buf, bytes, "node #%zu '%.120s' (%.60s)", index, p->name ? p->name : "",
             p->op_type ? p->op_type : "");
    return buf;
}

nnc_status nnc_onnx_imports_check(Onnx__OperatorSetIdProto *const *imports, size_t n,
                                  const char *whose)
{
    if (n == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "%s imports no operator set", whose);
    }
    for (size_t i = 0; i < n; i++) {
        const char *domain = nnc_onnx_domain(imports[i]->domain);
        int64_t version = imports[i]->has_version ? imports[i]->version : 0;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(nnc_onnx_domain(imports[k]->domain), domain) == 0 &&
                imports[k]->version != version) {
                NNC_FAIL(NNC_ERR_MODEL, "%s imports domain '%s' in versions %lld and %lld", whose,
                         domain[0] ? domain : "ai.onnx", (long long)imports[k]->version,
                         (long long)version);
            }
        }
        if (domain[0] == '\0' && (version < NNC_ONNX_OPSET_MIN || version > NNC_ONNX_OPSET_MAX)) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s uses opset %lld, supported are %d to %d", whose,
                     (long long)version, NNC_ONNX_OPSET_MIN, NNC_ONNX_OPSET_MAX);
        }
        if (n > 1000) {
            NNC_FAIL(NNC_ERR_MODEL, "%s imports %zu operator sets", whose, n);
        }
    }
    return NNC_OK;
}

int64_t nnc_onnx_opset_of(const nnc_onnx_frame *f, const char *domain)
{
    for (size_t i = 0; i < f->import_count; i++) {
        if (strcmp(nnc_onnx_domain(f->imports[i]->domain), domain) == 0) {
            /* Version 0 of a custom domain counts as imported. */
            return f->imports[i]->version > 0 ? f->imports[i]->version : 1;
        }
    }
    return 0;
}

nnc_status nnc_onnx_frame_init(nnc_onnx_frame *f, nnc_onnx_reader *r, nnc_graph *graph)
{
    *f = (nnc_onnx_frame){.reader = r, .graph = graph, .prefix = ""};
    f->names = nnc_map_create();
    return f->names ? NNC_OK : NNC_ERR_LIMIT;
}

void nnc_onnx_frame_deinit(nnc_onnx_frame *f)
{
    nnc_map_destroy(f->names);
    if (f->half_outputs) {
        nnc_map_destroy(f->half_outputs);
    }
    nnc_free(f->captured_here);
    nnc_free(f->captured_outside);
}

nnc_status nnc_onnx_lookup(nnc_value_id *out, nnc_onnx_frame *f, const char *name)
{
    uint32_t id;
    *out = NNC_ID_NONE;
    if (nnc_map_get(f->names, name, &id)) {
        *out = id;
        return NNC_OK;
    }
    if (!f->outer) {
        return NNC_OK;
    }
    nnc_value_id outside;
    NNC_TRY(nnc_onnx_lookup(&outside, f->outer, name));
    if (outside == NNC_ID_NONE) {
        return NNC_OK;
    }
    NNC_TRY(nnc_onnx_half_widen(&outside, f->reader, f->outer->graph));
    nnc_dtype dtype = nnc_graph_value_const(f->outer->graph, outside)->dtype;
    NNC_TRY(nnc_graph_add_value(out, f->graph, name, NNC_VALUE_INPUT, dtype, NULL));
    NNC_TRY(nnc_grow(&f->captured_here, &f->capture_cap, f->capture_count + 1,
                     sizeof *f->captured_here));
    NNC_TRY(nnc_grow(&f->captured_outside, &f->capture_cap2, f->capture_count + 1,
                     sizeof *f->captured_outside));
    f->captured_here[f->capture_count] = *out;
    f->captured_outside[f->capture_count++] = outside;
    return nnc_map_put(f->names, name, *out, NULL);
}

static bool is_constant(const nnc_onnx_reader *r, const Onnx__NodeProto *p)
{
    return p->op_type && strcmp(p->op_type, "Constant") == 0 &&
           nnc_onnx_domain(p->domain)[0] == '\0' && !nnc_onnx_function_find(r, p);
}

/* Makes a value that nothing produces yet a constant. */
static nnc_status make_constant(nnc_onnx_reader *r, nnc_onnx_frame *f, nnc_value_id id,
                                const Onnx__NodeProto *p)
{
    nnc_tensor tensor = {0};
    NNC_TRY(nnc_onnx_constant_in(&tensor, r, f, p));
    nnc_status status = nnc_onnx_widen(&tensor, r);
    if (status != NNC_OK) {
        nnc_tensor_deinit(&tensor);
        return status;
    }
    nnc_value *value = nnc_graph_value(f->graph, id);
    value->kind = NNC_VALUE_CONST;
    value->dtype = tensor.dtype;
    value->has_shape = true;
    value->shape = tensor.shape;
    nnc_value_set_tensor(value, &tensor);
    return NNC_OK;
}

static nnc_status register_output(nnc_value_id *id, nnc_onnx_frame *f, const char *name,
                                  nnc_dtype made)
{
    char text[NNC_NAME_BYTES];
    uint32_t known;
    bool narrowed = nnc_onnx_half_output(f, name) != made;
    if (nnc_map_get(f->names, name, &known)) {
        *id = known; /* output of a function: the caller's value */
        return NNC_OK;
    }
    snprintf(text, sizeof text, "%s%s%s", f->prefix, name, narrowed ? "_float32" : "");
    NNC_TRY(nnc_graph_add_value(id, f->graph, text, NNC_VALUE_TEMP, made, NULL));
    return nnc_map_put(f->names, name, *id, NULL);
}

static bool is_function_output(const nnc_onnx_frame *f, const char *name)
{
    for (size_t i = 0; f->function && i < f->function->n_output; i++) {
        if (strcmp(f->function->output[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static nnc_status register_node(nnc_onnx_reader *r, nnc_onnx_frame *f, nnc_map *seen, size_t index)
{
    const Onnx__NodeProto *p = f->nodes[index];
    for (size_t k = 0; k < p->n_output; k++) {
        uint32_t other;
        nnc_value_id id;
        const char *name = p->output[k];
        if (name[0] == '\0') {
            continue;
        }
        if (nnc_map_get(seen, name, &other)) {
            NNC_FAIL(NNC_ERR_MODEL, "output '%s' is also an output of node #%u '%s'", name,
                     (unsigned)other, f->nodes[other]->name ? f->nodes[other]->name : "");
        }
        if (nnc_map_get(f->names, name, &other) && !is_function_output(f, name)) {
            NNC_FAIL(NNC_ERR_MODEL, "output '%s' is also an input or initializer", name);
        }
        for (const nnc_onnx_frame *o = f->outer; o; o = o->outer) {
            if (nnc_map_get(o->names, name, &other)) {
                NNC_FAIL(NNC_ERR_MODEL,
                         "output '%s' has the name of a value outside of its subgraph", name);
            }
        }
        NNC_TRY(nnc_map_put(seen, name, (uint32_t)index, NULL));
        NNC_TRY(register_output(&id, f, name, nnc_onnx_half_cast(f, p)));
        if (is_constant(r, p)) {
            NNC_TRY(make_constant(r, f, id, p));
        }
    }
    return NNC_OK;
}

static nnc_status note_node(nnc_onnx_reader *r, nnc_status status, const Onnx__NodeProto *p,
                            size_t index)
{
    char text[256];
    if (status == NNC_OK) {
        return NNC_OK;
    }
    nnc_error_prepend(status, "%s", nnc_onnx_node_text(text, sizeof text, p, index));
    return nnc_onnx_note(r, status);
}

nnc_status nnc_onnx_register_outputs(nnc_onnx_reader *r, nnc_onnx_frame *f)
{
    nnc_map *seen = nnc_map_create();
    if (!seen) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < f->node_count && status == NNC_OK; i++) {
        status = note_node(r, register_node(r, f, seen, i), f->nodes[i], i);
    }
    nnc_map_destroy(seen);
    return status;
}

/* The name of a value that is near to one that is not there. */
static nnc_status fail_unknown_input(const nnc_onnx_frame *f, const char *name, size_t slot)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    uint32_t n = nnc_graph_value_count(f->graph);
    for (uint32_t v = 0; v < n && v < 20000; v++) {
        const char *candidate = nnc_graph_value_const(f->graph, v)->name;
        const char *near = nnc_nearest(name, &candidate, 1);
        size_t distance = near ? nnc_edit_distance(name, near) : SIZE_MAX;
        if (distance < best_distance) {
            best = near;
            best_distance = distance;
        }
    }
    NNC_FAIL(NNC_ERR_MODEL,
             "input %zu '%.120s' is produced by no node and is no input or initializer%s%.120s%s",
             slot, name, best ? "; did you mean '" : "", best ? best : "", best ? "'?" : "");
}

static nnc_status resolve_inputs(nnc_value_id *ids, nnc_onnx_reader *r, nnc_onnx_frame *f,
                                 const Onnx__NodeProto *p)
{
    for (size_t i = 0; i < p->n_input; i++) {
        ids[i] = NNC_ID_NONE;
        if (p->input[i][0] == '\0') {
            continue;
        }
        NNC_TRY(nnc_onnx_lookup(&ids[i], f, p->input[i]));
        if (ids[i] == NNC_ID_NONE) {
            uint32_t known;
            if (nnc_map_get(f->names, p->input[i], &known)) {
                continue; /* input of a function that the call leaves out */
            }
            return fail_unknown_input(f, p->input[i], i);
        }
        if (strcmp(p->op_type, "Cast") != 0) {
            NNC_TRY(nnc_onnx_half_widen(&ids[i], r, f->graph));
        }
        const nnc_value *v = nnc_graph_value_const(f->graph, ids[i]);
        r->info->unsorted |= v->kind == NNC_VALUE_TEMP && v->producer == NNC_ID_NONE;
    }
    return NNC_OK;
}

static nnc_status make_node(nnc_node_id *node, nnc_onnx_reader *r, nnc_onnx_frame *f,
                            const Onnx__NodeProto *p, const char *domain)
{
    nnc_arena *arena = nnc_graph_arena(f->graph);
    nnc_value_id *ids = nnc_arena_alloc(arena, p->n_input + p->n_output, sizeof *ids);
    char *name = p->name && p->name[0] ? nnc_arena_printf(arena, "%s%s", f->prefix, p->name) : "";
    if (!ids || !name) {
        return NNC_ERR_LIMIT;
    }
    nnc_value_id *outputs = ids + p->n_input;
    size_t outputs_used = 0, inputs_used = p->n_input;
    NNC_TRY(resolve_inputs(ids, r, f, p));
    while (inputs_used > 0 && ids[inputs_used - 1] == NNC_ID_NONE) {
        inputs_used--;
    }
    for (size_t i = 0; i < p->n_output; i++) {
        uint32_t id = NNC_ID_NONE;
        if (p->output[i][0] != '\0' && nnc_map_get(f->names, p->output[i], &id)) {
            outputs_used = i + 1;
        }
        outputs[i] = id;
    }
    return nnc_graph_add_node(node, f->graph, name, domain, p->op_type, ids, (uint32_t)inputs_used,
                              outputs, (uint32_t)outputs_used);
}

static void note_quantized(nnc_onnx_info *info, const char *op)
{
    info->qoperator |= strncmp(op, "QLinear", 7) == 0 || strcmp(op, "QGemm") == 0;
    info->quantized |= strstr(op, "QuantizeLinear") || strstr(op, "QuantizedLinear") ||
                       strstr(op, "DequantizeLinear") || strncmp(op, "QLinear", 7) == 0 ||
                       strcmp(op, "ConvInteger") == 0 || strcmp(op, "MatMulInteger") == 0 ||
                       strcmp(op, "MatMulNBits") == 0;
}

static nnc_status node_in(nnc_onnx_frame **inner, nnc_onnx_reader *r, nnc_onnx_frame *f,
                          const Onnx__NodeProto *p)
{
    *inner = NULL;
    if (!p->op_type || p->op_type[0] == '\0') {
        NNC_FAIL(NNC_ERR_MODEL, "has no op type");
    }
    if (++r->nodes > r->options.limits.nodes) {
        NNC_FAIL(NNC_ERR_LIMIT, "more than %u nodes", (unsigned)r->options.limits.nodes);
    }
    NNC_TRY(nnc_onnx_spend(r, NODE_BYTES + 16 * (p->n_input + p->n_output) + 64 * p->n_attribute));
    const Onnx__FunctionProto *fn = nnc_onnx_function_find(r, p);
    if (fn) {
        return nnc_onnx_call_in(inner, r, f, fn, p);
    }
    const char *domain = nnc_onnx_domain(p->domain);
    int64_t opset = nnc_onnx_opset_of(f, domain);
    if (opset == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "uses domain '%s', which the model does not import",
                 domain[0] ? domain : "ai.onnx");
    }
    if (strcmp(domain, "nnc") == 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "uses domain 'nnc', which is reserved");
    }
    if (is_constant(r, p)) {
        return NNC_OK;
    }
    nnc_node_id node;
    NNC_TRY(make_node(&node, r, f, p, domain));
    NNC_TRY(nnc_onnx_attrs_in(r, f, node, p));
    nnc_dtype half = nnc_onnx_half_cast(f, p);
    if (half != NNC_DTYPE_UNDEFINED) {
        NNC_TRY(nnc_node_set_int(f->graph, node, "to", half));
    }
    if (nnc_onnx_has_subgraphs(p)) {
        NNC_TRY(nnc_onnx_subgraphs_in(r, f, node, p));
    }
    note_quantized(r->info, p->op_type);
    if (domain[0] == '\0') {
        NNC_TRY(nnc_onnx_upgrade(f->graph, node, opset));
    }
    return nnc_onnx_qoperator(f->graph, node);
}

static void frame_free(nnc_onnx_frame *f)
{
    nnc_onnx_frame_deinit(f);
    nnc_free(f);
}

nnc_status nnc_onnx_nodes_in(nnc_onnx_reader *r, nnc_onnx_frame *f)
{
    nnc_onnx_frame *at = f;
    nnc_status status = NNC_OK;
    while (status == NNC_OK && (at != f || at->next < at->node_count)) {
        if (at->next == at->node_count) {
            nnc_onnx_frame *done = at;
            at = done->caller;
            status =
                note_node(r, nnc_onnx_call_finish(r, done), at->nodes[at->next - 1], at->next - 1);
            frame_free(done);
            continue;
        }
        size_t index = at->next++;
        nnc_onnx_frame *inner;
        const Onnx__NodeProto *p = at->nodes[index];
        nnc_status made = node_in(&inner, r, at, p);
        if (made == NNC_OK && (index & 1023) == 0) {
            made = nnc_log_poll(r->log);
        }
        status = note_node(r, made, p, index);
        if (inner && made == NNC_OK) {
            at = inner;
        } else if (inner) {
            frame_free(inner);
        }
    }
    while (at != f) {
        nnc_onnx_frame *done = at;
        at = done->caller;
        frame_free(done);
    }
    return status;
}
