/* From a path or bytes to a verified graph. SPDX-License-Identifier: Apache-2.0
 * Order: sniff, scan, decode within a budget, validate and convert, infer, check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "onnx/reader.h"
#include "onnx/scan.h"
#include "onnx/versions.h"
#include "ops/op.h"

static void set_default(uint64_t *value, uint64_t fallback)
{
    *value = *value ? *value : fallback;
}

static void fill_limits(nnc_onnx_limits *limits)
{
    set_default(&limits->file_bytes, NNC_ONNX_FILE_BYTES);
    set_default(&limits->external_bytes, NNC_ONNX_EXTERNAL_BYTES);
    set_default(&limits->dense_bytes, NNC_ONNX_DENSE_BYTES);
    limits->nodes = limits->nodes ? limits->nodes : NNC_ONNX_NODES_MAX;
    limits->tensors = limits->tensors ? limits->tensors : NNC_ONNX_TENSORS_MAX;
}

nnc_status nnc_onnx_note(nnc_onnx_reader *r, nnc_status status)
{
    if (status == NNC_OK || !r->report || status == NNC_ERR_LIMIT || status == NNC_ERR_CANCELLED) {
        return status;
    }
    r->first = r->errors == 0 ? status : r->first;
    nnc_str_appendf(r->report, "%s: %s\n", r->path, nnc_error_message());
    return ++r->errors >= NNC_ONNX_ERRORS_MAX ? status : NNC_OK;
}

nnc_status nnc_onnx_spend(nnc_onnx_reader *r, uint64_t bytes)
{
    r->spent += bytes;
    if (r->spent > r->budget) {
        NNC_FAIL(NNC_ERR_LIMIT, "its nodes, expanded, take more than the budget of %llu bytes",
                 (unsigned long long)r->budget);
    }
    return NNC_OK;
}

void nnc_onnx_warn(nnc_onnx_reader *r, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    /* A file of a million odd tensors is told about once for many. */
    if (++r->info->warnings <= 100) {
        nnc_log_warn(r->log, "%s: %s", r->path, line);
    }
}

static nnc_status check_ir(nnc_onnx_reader *r, size_t unknown)
{
    int64_t ir = r->model->has_ir_version ? r->model->ir_version : 0;
    r->info->ir_version = ir;
    if (ir < NNC_ONNX_IR_MIN) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "IR version is %lld, supported are %d to %d", (long long)ir,
                 NNC_ONNX_IR_MIN, NNC_ONNX_IR_MAX);
    }
    if (ir > NNC_ONNX_IR_MAX && unknown > 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "IR version %lld is newer than %d and %zu fields are unknown to this build",
                 (long long)ir, NNC_ONNX_IR_MAX, unknown);
    }
    if (ir > NNC_ONNX_IR_MAX) {
        nnc_onnx_warn(r, "IR version %lld is newer than %d; nothing unknown is used", (long long)ir,
                      NNC_ONNX_IR_MAX);
    }
    return NNC_OK;
}

static nnc_status check_model(nnc_onnx_reader *r, size_t unknown)
{
    const Onnx__ModelProto *m = r->model;
    if (!m->graph) {
        NNC_FAIL(NNC_ERR_MODEL, "has no graph: not an ONNX model?");
    }
    NNC_TRY(check_ir(r, unknown));
    NNC_TRY(nnc_onnx_imports_check(m->opset_import, m->n_opset_import, "the model"));
    if (m->graph->n_output == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "graph has no outputs");
    }
    if (m->n_training_info > 0) {
        nnc_onnx_warn(r, "training information is ignored");
    }
    return NNC_OK;
}

static const char *text_of(nnc_graph *graph, const char *text)
{
    return nnc_arena_strdup(nnc_graph_arena(graph), text ? text : "");
}

/* Operator sets of other domains: an export must name them again. */
static nnc_status fill_imports(const Onnx__ModelProto *m, nnc_graph *graph)
{
    nnc_graph_meta *meta = nnc_graph_get_meta(graph);
    const char **domains =
        nnc_arena_alloc(nnc_graph_arena(graph), m->n_opset_import, sizeof *domains);
    int64_t *versions =
        nnc_arena_alloc(nnc_graph_arena(graph), m->n_opset_import, sizeof *versions);
    if (!domains || !versions) {
        return NNC_ERR_LIMIT;
    }
    meta->import_domains = domains;
    meta->import_versions = versions;
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const char *domain = nnc_onnx_domain(m->opset_import[i]->domain);
        if (domain[0] == '\0') {
            continue;
        }
        domains[meta->import_count] = text_of(graph, domain);
        versions[meta->import_count] = m->opset_import[i]->version;
        if (!domains[meta->import_count++]) {
            return NNC_ERR_LIMIT;
        }
    }
    return NNC_OK;
}

static nnc_status fill_meta(nnc_onnx_reader *r, nnc_graph *graph, const nnc_onnx_frame *f)
{
    const Onnx__ModelProto *m = r->model;
    nnc_graph_meta *meta = nnc_graph_get_meta(graph);
    meta->name = text_of(graph, m->graph->name);
    meta->doc =
        text_of(graph, m->doc_string && m->doc_string[0] ? m->doc_string : m->graph->doc_string);
    meta->producer_name = text_of(graph, m->producer_name);
    meta->producer_version = text_of(graph, m->producer_version);
    meta->domain = text_of(graph, m->domain);
    meta->ir_version = m->ir_version;
    meta->model_version = m->has_model_version ? m->model_version : 0;
    meta->opset = nnc_onnx_opset_of(f, "");
    const char **keys = nnc_arena_alloc(nnc_graph_arena(graph), m->n_metadata_props, sizeof *keys);
    const char **values =
        nnc_arena_alloc(nnc_graph_arena(graph), m->n_metadata_props, sizeof *values);
    if (!keys || !values || !meta->name || !meta->doc || !meta->producer_name ||
        !meta->producer_version || !meta->domain) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        keys[i] = text_of(graph, m->metadata_props[i]->key);
        values[i] = text_of(graph, m->metadata_props[i]->value);
        if (!keys[i] || !values[i]) {
            return NNC_ERR_LIMIT;
        }
    }
    meta->prop_keys = keys;
    meta->prop_values = values;
    meta->prop_count = m->n_metadata_props;
    NNC_TRY(fill_imports(m, graph));
    r->info->opset = meta->opset;
    r->info->nodes = (uint32_t)m->graph->n_node;
    r->info->initializers = (uint32_t)(m->graph->n_initializer + m->graph->n_sparse_initializer);
    return NNC_OK;
}

/* Calls fn for every subgraph of a graph's live nodes, one level deep. */
static nnc_status each_subgraph(nnc_onnx_reader *r, const nnc_graph *graph,
                                nnc_status (*fn)(nnc_onnx_reader *r, nnc_graph *graph))
{
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        for (uint32_t a = 0; !n->dead && a < n->attr_count; a++) {
            const nnc_attr *attr = &n->attrs[a];
            const bool graphs = attr->type == NNC_ATTR_GRAPH || attr->type == NNC_ATTR_GRAPHS;
            for (size_t g = 0; graphs && g < attr->count; g++) {
                NNC_TRY(fn(r, attr->graphs[g]));
            }
        }
    }
    return NNC_OK;
}

static nnc_status bind_all(nnc_onnx_reader *r, nnc_graph *graph)
{
    NNC_TRY(each_subgraph(r, graph, bind_all));
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        if (!nnc_graph_node_const(graph, i)->dead && !nnc_graph_node_const(graph, i)->op) {
            NNC_TRY(nnc_onnx_note(r, nnc_node_bind(graph, i)));
        }
    }
    return NNC_OK;
}

static nnc_status find_unsupported(nnc_onnx_reader *r, nnc_graph *graph)
{
    NNC_TRY(nnc_onnx_note(r, nnc_onnx_unsupported(r, graph)));
    return each_subgraph(r, graph, find_unsupported);
}

static nnc_status infer(nnc_onnx_reader *r, nnc_graph *graph)
{
    size_t contradictions = 0;
    NNC_TRY(nnc_graph_infer(graph, &contradictions));
    if (contradictions > 0) {
        nnc_onnx_warn(
            r, "%zu declared shapes or types contradict what the nodes give; the latter count",
            contradictions);
    }
    return NNC_OK;
}

static nnc_status check_order(nnc_onnx_reader *r, nnc_graph *graph)
{
    nnc_node_id *order;
    size_t count;
    nnc_status status = nnc_graph_topo_order(&order, &count, graph);
    nnc_free(order);
    if (status == NNC_OK && r->info->unsorted) {
        nnc_onnx_warn(r, "nodes are not in topological order; sorted");
    }
    return status;
}

/* What needs all nodes. Errors so far make the rest meaningless. */
static nnc_status finish(nnc_onnx_reader *r, nnc_graph *graph)
{
    nnc_node_id *nodes = NULL;
    size_t count = 0;
    bool changed = false;
    NNC_TRY(nnc_onnx_check_produced(r, graph));
    NNC_TRY(check_order(r, graph));
    nnc_status status = nnc_onnx_take_flatten(&nodes, &count, graph);
    if (status == NNC_OK) {
        status = nnc_onnx_contrib(r, graph);
    }
    if (status == NNC_OK) {
        status = bind_all(r, graph);
    }
    if (status == NNC_OK) {
        status = find_unsupported(r, graph);
    }
    if (status == NNC_OK && r->errors == 0) {
        status = infer(r, graph);
    }
    if (status == NNC_OK && r->errors == 0) {
        status = nnc_onnx_settle_softmax(graph, nodes, count, &changed);
    }
    nnc_free(nodes);
    NNC_TRY(status);
    if (r->errors == 0 && changed) {
        NNC_TRY(bind_all(r, graph));
        NNC_TRY(infer(r, graph));
    }
    NNC_TRY(nnc_onnx_lint(r, graph));
    return r->errors == 0 ? nnc_graph_verify(graph) : NNC_OK;
}

static nnc_status convert(nnc_onnx_reader *r, nnc_graph *graph)
{
    nnc_onnx_frame f;
    nnc_status status = nnc_onnx_frame_init(&f, r, graph);
    f.imports = r->model->opset_import;
    f.import_count = r->model->n_opset_import;
    if (status == NNC_OK) {
        status = fill_meta(r, graph, &f);
    }
    if (status == NNC_OK) {
        status = nnc_onnx_graph_in(r, &f, r->model->graph);
    }
    if (f.names) {
        nnc_onnx_frame_deinit(&f);
    }
    NNC_TRY(status);
    nnc_onnx_symbols_apply(r, graph);
    NNC_TRY(nnc_onnx_shapes_finish(r));
    return r->errors == 0 ? nnc_onnx_note(r, finish(r, graph)) : NNC_OK;
}

static nnc_status load_model(nnc_graph **out, nnc_onnx_reader *r, size_t unknown)
{
    NNC_TRY(check_model(r, unknown));
    NNC_TRY(nnc_onnx_shapes_init(r));
    NNC_TRY(nnc_onnx_functions_init(r));
    NNC_TRY(nnc_graph_create(out));
    return convert(r, *out);
}

static nnc_status decode(ProtobufCMessage **message, nnc_onnx_heap *heap, nnc_onnx_scan *scan,
                         nnc_onnx_reader *r, const ProtobufCMessageDescriptor *root)
{
    const uint8_t *data = nnc_buffer_data(r->file);
    size_t bytes = nnc_buffer_bytes(r->file);
    uint8_t *trimmed = NULL;
    uint64_t budget = r->options.limits.decode_bytes;
    set_default(&budget, NNC_ONNX_DECODE_FACTOR * (uint64_t)bytes + NNC_ONNX_DECODE_BYTES);
    r->budget = budget;
    NNC_TRY(nnc_onnx_scan_run(scan, data, bytes, root));
    if (scan->big_count > 0) {
        NNC_TRY(nnc_onnx_scan_trim(&trimmed, &bytes, data, bytes, root, scan));
        data = trimmed;
    }
    nnc_status status = nnc_onnx_unpack(message, heap, budget, data, bytes, root);
    nnc_free(trimmed);
    return status;
}

static nnc_status load_bytes(nnc_graph **out, nnc_onnx_reader *r)
{
    ProtobufCMessage *message = NULL;
    nnc_onnx_heap heap;
    nnc_onnx_scan scan;
    NNC_TRY(nnc_onnx_sniff(nnc_buffer_data(r->file), nnc_buffer_bytes(r->file)));
    NNC_TRY(decode(&message, &heap, &scan, r, &onnx__model_proto__descriptor));
    r->model = (const Onnx__ModelProto *)message;
    nnc_status status = load_model(out, r, scan.unknown);
    nnc_onnx_shapes_deinit(r);
    nnc_free(r->wide);
    if (r->functions) {
        nnc_map_destroy(r->functions);
    }
    r->model = NULL;
    nnc_onnx_unpack_free(message, &heap);
    return status;
}

static void reader_init(nnc_onnx_reader *r, const char *path, const nnc_onnx_load_options *options,
                        nnc_onnx_info *info, const nnc_log *log)
{
    *r = (nnc_onnx_reader){.path = path, .info = info, .log = log};
    if (options) {
        r->options = *options;
    }
    fill_limits(&r->options.limits);
    r->external.dir = -1;
    r->external.alias_from = r->options.alias_from;
    r->external.alias_to = r->options.alias_to;
    *info = (nnc_onnx_info){0};
}

/* The whole of standard input, up to the file limit. */
static nnc_status read_stdin(nnc_buffer **out, uint64_t max)
{
    nnc_str bytes = {0};
    char chunk[65536];
    ssize_t n;
    while ((n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0 && bytes.len <= max) {
        nnc_str_append_n(&bytes, chunk, (size_t)n);
    }
    nnc_status status = nnc_str_status(&bytes);
    if (status == NNC_OK && (n < 0 || bytes.len > max)) {
        status = n < 0 ? nnc_error_set(NNC_ERR_IO, "reading standard input failed")
                       : nnc_error_set(NNC_ERR_LIMIT, "standard input has more than %llu bytes",
                                       (unsigned long long)max);
    }
    if (status == NNC_OK) {
        *out = nnc_buffer_create(bytes.len);
        status = *out ? NNC_OK : NNC_ERR_LIMIT;
    }
    if (status == NNC_OK && bytes.len > 0) {
        memcpy(nnc_buffer_data(*out), bytes.data, bytes.len);
    }
    nnc_str_deinit(&bytes);
    return status;
}

/* nnc_file_open's messages name the path already; others get it in front. */
static nnc_status open_model(nnc_onnx_reader *r, const char *path, bool *named)
{
    int fd;
    uint64_t bytes;
    *named = false;
    if (strcmp(path, "-") == 0) {
        r->path = "standard input";
        return read_stdin(&r->file, r->options.limits.file_bytes);
    }
    *named = true;
    NNC_TRY(nnc_file_open(&fd, &bytes, path));
    *named = false;
    nnc_status status = NNC_OK;
    if (bytes > r->options.limits.file_bytes) {
        status = nnc_error_set(NNC_ERR_LIMIT, "has %llu bytes, the limit is %llu",
                               (unsigned long long)bytes,
                               (unsigned long long)r->options.limits.file_bytes);
    }
    if (status == NNC_OK) {
        status = nnc_onnx_file_buffer(&r->file, fd, (size_t)bytes);
    }
    close(fd);
    r->file_stays = true;
    return status == NNC_OK ? nnc_onnx_external_init(&r->external, path, r->options.external_dir)
                            : status;
}

static nnc_status load_path(nnc_graph **out, nnc_onnx_reader *r, const char *path)
{
    bool named = false;
    nnc_status status = open_model(r, path, &named);
    if (status == NNC_OK) {
        r->info->file_bytes = nnc_buffer_bytes(r->file);
        r->info->hash = nnc_hash64(nnc_buffer_data(r->file), nnc_buffer_bytes(r->file), 0);
        status = load_bytes(out, r);
    }
    nnc_onnx_external_deinit(&r->external);
    nnc_buffer_unref(r->file);
    if (status == NNC_OK && r->errors > 0) {
        status = r->first;
    }
    if (status != NNC_OK) {
        nnc_graph_destroy(*out);
        *out = NULL;
        if (!named) {
            nnc_error_prepend(status, "%s", r->path);
        }
    }
    return status;
}

nnc_status nnc_onnx_load(nnc_graph **out, const char *path, const nnc_onnx_load_options *options,
                         nnc_onnx_info *info, const nnc_log *log)
{
    nnc_onnx_info local;
    nnc_onnx_reader r;
    *out = NULL;
    reader_init(&r, path, options, info ? info : &local, log);
    return load_path(out, &r, path);
}

nnc_status nnc_onnx_load_memory(nnc_graph **out, const void *data, size_t bytes, const char *name,
                                const nnc_onnx_load_options *options, nnc_onnx_info *info,
                                const nnc_log *log)
{
    nnc_onnx_info local;
    nnc_onnx_reader r;
    *out = NULL;
    reader_init(&r, name, options, info ? info : &local, log);
    r.file = nnc_buffer_wrap(data, bytes, NULL, NULL);
    if (!r.file) {
        return NNC_ERR_LIMIT;
    }
    r.info->file_bytes = bytes;
    r.info->hash = nnc_hash64(data, bytes, 0);
    nnc_status status = load_bytes(out, &r);
    nnc_onnx_external_deinit(&r.external);
    nnc_buffer_unref(r.file);
    if (status != NNC_OK) {
        nnc_graph_destroy(*out);
        *out = NULL;
        nnc_error_prepend(status, "%s", name);
    }
    return status;
}

nnc_status nnc_onnx_check(nnc_str *report, const char *path, const nnc_onnx_load_options *options,
                          nnc_onnx_info *info, const nnc_log *log)
{
    nnc_onnx_info local;
    nnc_onnx_reader r;
    nnc_graph *graph = NULL;
    reader_init(&r, path, options, info ? info : &local, log);
    r.report = report;
    const size_t begin = report->len;
    nnc_status status = load_path(&graph, &r, path);
    nnc_graph_destroy(graph);
    if (status != NNC_OK && r.errors == 0) {
        nnc_str_appendf(report, "%s\n", nnc_error_message());
    }
    if (r.errors > 0) {
        /* The first error is the cause, the later ones may follow from it. */
        const char *line = nnc_str_get(report) + begin;
        status = nnc_error_set(r.first, "%.*s", (int)strcspn(line, "\n"), line);
    }
    return status;
}

nnc_status nnc_onnx_recheck(const char *path, const nnc_onnx_info *info)
{
    nnc_file_map map;
    if (strcmp(path, "-") == 0) {
        return NNC_OK;
    }
    NNC_TRY(nnc_file_map_open(&map, path, 0));
    bool same = map.bytes == info->file_bytes && nnc_hash64(map.data, map.bytes, 0) == info->hash;
    nnc_file_map_close(&map);
    if (!same) {
        NNC_FAIL(NNC_ERR_IO, "'%s' was changed while it was in use", path);
    }
    return NNC_OK;
}

nnc_status nnc_onnx_read_tensor(nnc_tensor *out, nnc_str *name, const char *path)
{
    nnc_onnx_info info;
    nnc_onnx_reader r;
    nnc_onnx_heap heap;
    nnc_onnx_scan scan;
    ProtobufCMessage *message = NULL;
    bool named = false;
    *out = (nnc_tensor){0};
    reader_init(&r, path, NULL, &info, NULL);
    nnc_status status = open_model(&r, path, &named);
    if (status == NNC_OK && nnc_buffer_bytes(r.file) == 0) {
        status = nnc_error_set(NNC_ERR_DATA, "empty file");
    }
    if (status == NNC_OK) {
        status = decode(&message, &heap, &scan, &r, &onnx__tensor_proto__descriptor);
    }
    if (status == NNC_OK) {
        const Onnx__TensorProto *t = (const Onnx__TensorProto *)message;
        status = nnc_onnx_tensor_in(out, &r, t, "tensor");
        if (status == NNC_OK && name) {
            nnc_str_append(name, t->name ? t->name : "");
        }
        nnc_onnx_unpack_free(message, &heap);
    }
    nnc_onnx_external_deinit(&r.external);
    nnc_buffer_unref(r.file);
    if (status != NNC_OK && !named) {
        nnc_error_prepend(status, "%s", path);
    }
    /* A tensor file is data, not a model. */
    return status == NNC_ERR_MODEL ? NNC_ERR_DATA : status;
}
