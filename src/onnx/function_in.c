/* Functions of the model: found by domain, name and overload, expanded where they are called.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

enum { CALL_BYTES = 512, PREFIX_MAX = 200 };

static void function_key(nnc_str *key, const char *domain, const char *name, const char *overload)
{
    nnc_str_clear(key);
    nnc_str_appendf(key, "%s\x1f%s\x1f%s", nnc_onnx_domain(domain), name ? name : "",
                    overload ? overload : "");
}

static nnc_status check_names(char *const *names, size_t n, const char *what)
{
    nnc_map *seen = nnc_map_create();
    if (!seen) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < n && status == NNC_OK; i++) {
        bool existed = false;
        status = names[i][0] == '\0' ? nnc_error_set(NNC_ERR_MODEL, "%s %zu has no name", what, i)
                                     : nnc_map_put(seen, names[i], (uint32_t)i, &existed);
        if (status == NNC_OK && existed) {
            status = nnc_error_set(NNC_ERR_MODEL, "%s '%s' is there twice", what, names[i]);
        }
    }
    nnc_map_destroy(seen);
    return status;
}

static nnc_status check_function(const Onnx__FunctionProto *fn)
{
    if (!fn->name || fn->name[0] == '\0') {
        NNC_FAIL(NNC_ERR_MODEL, "function without a name");
    }
    NNC_TRY(nnc_onnx_imports_check(fn->opset_import, fn->n_opset_import, "function"));
    NNC_TRY(check_names(fn->input, fn->n_input, "input"));
    NNC_TRY(check_names(fn->output, fn->n_output, "output"));
    NNC_TRY(check_names(fn->attribute, fn->n_attribute, "attribute"));
    for (size_t i = 0; i < fn->n_attribute_proto; i++) {
        NNC_TRY(nnc_onnx_attr_check(fn->attribute_proto[i]));
        if (fn->attribute_proto[i]->ref_attr_name && fn->attribute_proto[i]->ref_attr_name[0]) {
            NNC_FAIL(NNC_ERR_MODEL, "default of attribute '%s' is a reference",
                     fn->attribute_proto[i]->name);
        }
    }
    return NNC_OK;
}

nnc_status nnc_onnx_functions_init(nnc_onnx_reader *r)
{
    const Onnx__ModelProto *m = r->model;
    if (m->n_functions > NNC_ONNX_FUNCTIONS_MAX) {
        NNC_FAIL(NNC_ERR_LIMIT, "has %zu functions, the limit is %d", m->n_functions,
                 NNC_ONNX_FUNCTIONS_MAX);
    }
    r->functions = nnc_map_create();
    if (!r->functions) {
        return NNC_ERR_LIMIT;
    }
    nnc_str key = {0};
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < m->n_functions && status == NNC_OK; i++) {
        const Onnx__FunctionProto *fn = m->functions[i];
        bool existed = false;
        function_key(&key, fn->domain, fn->name, fn->overload);
        status = check_function(fn);
        if (status == NNC_OK) {
            status = nnc_map_put(r->functions, nnc_str_get(&key), (uint32_t)i, &existed);
        }
        if (status == NNC_OK && existed) {
            status = nnc_error_set(NNC_ERR_MODEL, "is defined twice");
        }
        if (status != NNC_OK) {
            nnc_error_prepend(status, "function '%s.%s'", nnc_onnx_domain(fn->domain),
                              fn->name ? fn->name : "");
            status = nnc_onnx_note(r, status);
        }
    }
    nnc_str_deinit(&key);
    return status;
}

const Onnx__FunctionProto *nnc_onnx_function_find(const nnc_onnx_reader *r,
                                                  const Onnx__NodeProto *p)
{
    if (r->model->n_functions == 0) {
        return NULL;
    }
    nnc_str key = {0};
    uint32_t i;
    function_key(&key, p->domain, p->op_type, p->overload);
    bool found = nnc_str_status(&key) == NNC_OK && nnc_map_get(r->functions, nnc_str_get(&key), &i);
    nnc_str_deinit(&key);
    return found ? r->model->functions[i] : NULL;
}

/* Values of the function's attributes: given by the call, or their default, or NULL. */
static nnc_status bind_attributes(nnc_onnx_frame *inner, const nnc_onnx_frame *f,
                                  const Onnx__FunctionProto *fn, const Onnx__NodeProto *p)
{
    nnc_arena *arena = nnc_graph_arena(f->graph);
    size_t n = fn->n_attribute + fn->n_attribute_proto;
    if (n > NNC_ONNX_ATTRIBUTES_MAX || p->n_attribute > NNC_ONNX_ATTRIBUTES_MAX) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "function '%s' has %zu attributes, its call %zu; at most %d are allowed", fn->name,
                 n, p->n_attribute, NNC_ONNX_ATTRIBUTES_MAX);
    }
    inner->bound = nnc_arena_alloc(arena, n, sizeof *inner->bound);
    inner->bound_names = nnc_arena_alloc(arena, n, sizeof *inner->bound_names);
    if (!inner->bound || !inner->bound_names) {
        return NNC_ERR_LIMIT;
    }
    inner->bound_count = n;
    for (size_t i = 0; i < n; i++) {
        bool has_default = i >= fn->n_attribute;
        const Onnx__AttributeProto *fallback =
            has_default ? fn->attribute_proto[i - fn->n_attribute] : NULL;
        inner->bound_names[i] = has_default ? fallback->name : fn->attribute[i];
        inner->bound[i] = fallback;
    }
    for (size_t k = 0; k < p->n_attribute; k++) {
        const Onnx__AttributeProto *a = p->attribute[k], *value;
        NNC_TRY(nnc_onnx_attr_resolve(&value, f, a));
        size_t i = 0;
        while (a->name && i < n && strcmp(inner->bound_names[i], a->name) != 0) {
            i++;
        }
        if (!a->name || i == n) {
            NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' is none of function '%s'",
                     a->name ? a->name : "", fn->name);
        }
        if (value) {
            NNC_TRY(nnc_onnx_attr_check(value));
            if (value->g || value->n_graphs > 0) {
                NNC_FAIL(NNC_ERR_UNSUPPORTED, "attribute '%s' gives a graph to a function",
                         a->name);
            }
            inner->bound[i] = value;
        }
    }
    return NNC_OK;
}

static nnc_status check_call(const nnc_onnx_frame *f, const Onnx__FunctionProto *fn,
                             const Onnx__NodeProto *p)
{
    if (p->n_input > fn->n_input || p->n_output > fn->n_output) {
        NNC_FAIL(NNC_ERR_MODEL, "has %zu inputs and %zu outputs, function '%s' has %zu and %zu",
                 p->n_input, p->n_output, fn->name, fn->n_input, fn->n_output);
    }
    if (f->call_depth + 1 > NNC_ONNX_CALLS_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "functions call each other deeper than %d", NNC_ONNX_CALLS_MAX);
    }
    for (const nnc_onnx_frame *c = f; c; c = c->caller ? c->caller : c->outer) {
        if (c->function == fn) {
            NNC_FAIL(NNC_ERR_MODEL, "function '%s' calls itself", fn->name);
        }
    }
    return NNC_OK;
}

static nnc_status bind_values(nnc_onnx_frame *inner, nnc_onnx_frame *f,
                              const Onnx__FunctionProto *fn, const Onnx__NodeProto *p)
{
    for (size_t i = 0; i < fn->n_input; i++) {
        nnc_value_id v = NNC_ID_NONE;
        if (i < p->n_input && p->input[i][0] != '\0') {
            NNC_TRY(nnc_onnx_lookup(&v, f, p->input[i]));
            if (v == NNC_ID_NONE) {
                NNC_FAIL(NNC_ERR_MODEL, "input %zu '%s' is produced by no node", i, p->input[i]);
            }
        }
        NNC_TRY(nnc_map_put(inner->names, fn->input[i], v, NULL));
    }
    for (size_t i = 0; i < fn->n_output && i < p->n_output; i++) {
        uint32_t v;
        if (p->output[i][0] == '\0' || !nnc_map_get(f->names, p->output[i], &v)) {
            continue;
        }
        bool existed;
        uint32_t input;
        if (nnc_map_get(inner->names, fn->output[i], &input)) {
            /* An input handed through: the output needs a node of its own. */
            nnc_node_id node;
            if (input == NNC_ID_NONE) {
                NNC_FAIL(NNC_ERR_MODEL, "output '%s' of function '%s' is an input left out",
                         fn->output[i], fn->name);
            }
            NNC_TRY(nnc_graph_add_node(&node, f->graph, "", "", "Identity", &input, 1, &v, 1));
            continue;
        }
        NNC_TRY(nnc_map_put(inner->names, fn->output[i], v, &existed));
    }
    return NNC_OK;
}

nnc_status nnc_onnx_call_in(nnc_onnx_frame **out, nnc_onnx_reader *r, nnc_onnx_frame *f,
                            const Onnx__FunctionProto *fn, const Onnx__NodeProto *p)
{
    NNC_TRY(check_call(f, fn, p));
    NNC_TRY(nnc_onnx_spend(r, CALL_BYTES + 16 * (fn->n_input + fn->n_output + fn->n_node)));
    nnc_onnx_frame *inner = nnc_calloc(1, sizeof *inner);
    if (!inner) {
        return NNC_ERR_LIMIT;
    }
    *out = inner;
    NNC_TRY(nnc_onnx_frame_init(inner, r, f->graph));
    inner->caller = f;
    inner->function = fn;
    inner->nodes = fn->node;
    inner->node_count = fn->n_node;
    inner->imports = fn->opset_import;
    inner->import_count = fn->n_opset_import;
    inner->subgraph_depth = f->subgraph_depth;
    inner->call_depth = f->call_depth + 1;
    const char *base = p->name && p->name[0] ? p->name : fn->name;
    /* Deep calls must not make names longer and longer. */
    inner->prefix = strlen(f->prefix) > PREFIX_MAX
                        ? nnc_arena_printf(nnc_graph_arena(f->graph), "call_%u/",
                                           (unsigned)r->info->functions_inlined)
                        : nnc_arena_printf(nnc_graph_arena(f->graph), "%s%.60s/", f->prefix, base);
    if (!inner->prefix) {
        return NNC_ERR_LIMIT;
    }
    r->info->functions_inlined++;
    NNC_TRY(bind_attributes(inner, f, fn, p));
    NNC_TRY(bind_values(inner, f, fn, p));
    return nnc_onnx_register_outputs(r, inner);
}

nnc_status nnc_onnx_call_finish(nnc_onnx_reader *r, nnc_onnx_frame *inner)
{
    (void)r;
    for (size_t i = 0; i < inner->function->n_output; i++) {
        uint32_t v;
        const char *name = inner->function->output[i];
        if (!nnc_map_get(inner->names, name, &v)) {
            NNC_FAIL(NNC_ERR_MODEL, "function '%s': nothing produces its output '%s'",
                     inner->function->name, name);
        }
        const nnc_value *value = v == NNC_ID_NONE ? NULL : nnc_graph_value_const(inner->graph, v);
        if (value && value->kind == NNC_VALUE_TEMP && value->producer == NNC_ID_NONE) {
            NNC_FAIL(NNC_ERR_MODEL, "function '%s': nothing produces its output '%s'",
                     inner->function->name, name);
        }
    }
    return NNC_OK;
}
