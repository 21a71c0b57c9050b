/* From a graph to a published file. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"
#include "onnx/writer.h"

/* IR version of the first ONNX release with an opset. */
static int64_t ir_of_opset(int64_t opset)
{
    static const uint8_t ir[NNC_ONNX_OPSET_MAX + 1] = {
        [7] = 4,   [8] = 4,   [9] = 4,   [10] = 5,  [11] = 6,  [12] = 7,  [13] = 7,
        [14] = 7,  [15] = 8,  [16] = 8,  [17] = 8,  [18] = 8,  [19] = 9,  [20] = 9,
        [21] = 10, [22] = 10, [23] = 11, [24] = 12, [25] = 13, [26] = 13, [27] = 13, [28] = 14};
    return ir[opset];
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static nnc_status entry_out(Onnx__StringStringEntryProto **out, nnc_onnx_writer *w, const char *key,
                            const char *value)
{
    *out = nnc_arena_alloc(w->arena, 1, sizeof **out);
    if (!*out) {
        return NNC_ERR_LIMIT;
    }
    onnx__string_string_entry_proto__init(*out);
    (*out)->key = (char *)(uintptr_t)key;
    (*out)->value = (char *)(uintptr_t)value;
    return NNC_OK;
}

static const char *new_value(const nnc_onnx_save_options *options, const char *key)
{
    for (size_t i = 0; i < options->prop_count; i++) {
        if (strcmp(options->prop_keys[i], key) == 0) {
            return options->prop_values[i];
        }
    }
    return NULL;
}

static nnc_status props_out(Onnx__ModelProto *m, nnc_onnx_writer *w, const nnc_graph_meta *meta,
                            const nnc_onnx_save_options *options)
{
    size_t kept = options->strip_metadata ? 0 : meta->prop_count;
    m->metadata_props =
        nnc_arena_alloc(w->arena, kept + options->prop_count, sizeof *m->metadata_props);
    if (!m->metadata_props) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < kept; i++) {
        if (!new_value(options, meta->prop_keys[i])) {
            NNC_TRY(entry_out(&m->metadata_props[m->n_metadata_props++], w, meta->prop_keys[i],
                              meta->prop_values[i]));
        }
    }
    for (size_t i = 0; i < options->prop_count; i++) {
        NNC_TRY(entry_out(&m->metadata_props[m->n_metadata_props++], w, options->prop_keys[i],
                          options->prop_values[i]));
    }
    return NNC_OK;
}

static nnc_status import_out(Onnx__ModelProto *m, nnc_onnx_writer *w, const char *domain,
                             int64_t version)
{
    Onnx__OperatorSetIdProto *import = nnc_arena_alloc(w->arena, 1, sizeof *import);
    if (!import) {
        return NNC_ERR_LIMIT;
    }
    onnx__operator_set_id_proto__init(import);
    import->domain = (char *)(uintptr_t)domain;
    import->has_version = 1;
    import->version = version;
    m->opset_import[m->n_opset_import++] = import;
    return NNC_OK;
}

static nnc_status imports_out(Onnx__ModelProto *m, nnc_onnx_writer *w, const nnc_graph_meta *meta,
                              int64_t opset)
{
    uint32_t used;
    m->opset_import = nnc_arena_alloc(w->arena, 1 + meta->import_count, sizeof *m->opset_import);
    if (!m->opset_import) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(import_out(m, w, "", opset));
    for (size_t i = 0; i < meta->import_count; i++) {
        if (nnc_map_get(w->domains, meta->import_domains[i], &used)) {
            NNC_TRY(import_out(m, w, meta->import_domains[i], meta->import_versions[i]));
        }
    }
    if (m->n_opset_import != 1 + nnc_map_count(w->domains)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "the graph uses %zu other operator domains, the versions of %zu are known",
                 nnc_map_count(w->domains), m->n_opset_import - 1);
    }
    return NNC_OK;
}

static nnc_status model_out(Onnx__ModelProto *m, nnc_onnx_writer *w, nnc_graph *graph,
                            int64_t opset, const nnc_onnx_save_options *options)
{
    const nnc_graph_meta *meta = nnc_graph_get_meta(graph);
    onnx__model_proto__init(m);
    NNC_TRY(nnc_onnx_graph_out(&m->graph, w, graph, NULL, NULL, 0));
    m->has_ir_version = 1;
    m->ir_version = larger(larger(ir_of_opset(opset), w->ir_needed), meta->ir_version);
    m->ir_version = m->ir_version > NNC_ONNX_IR_MAX ? NNC_ONNX_IR_MAX : m->ir_version;
    m->producer_name = (char *)"nncompress";
    m->producer_version = (char *)NNC_VERSION;
    m->domain = meta->domain[0] ? (char *)(uintptr_t)meta->domain : NULL;
    m->has_model_version = meta->model_version != 0;
    m->model_version = meta->model_version;
    m->doc_string = meta->doc[0] && !options->strip_metadata ? (char *)(uintptr_t)meta->doc : NULL;
    NNC_TRY(imports_out(m, w, meta, opset));
    return props_out(m, w, meta, options);
}

/* protobuf-c writes in small pieces: gathered here. */
typedef struct file_sink {
    ProtobufCBuffer base;
    nnc_file_out *file;
    nnc_status status;
    size_t filled;
    uint8_t bytes[65536];
} file_sink;

static void sink_flush(file_sink *sink)
{
    if (sink->status == NNC_OK && sink->filled > 0) {
        sink->status = nnc_file_out_write(sink->file, sink->bytes, sink->filled);
    }
    sink->filled = 0;
}

static void sink_append(ProtobufCBuffer *buffer, size_t bytes, const uint8_t *data)
{
    file_sink *sink = (file_sink *)buffer;
    if (bytes > sizeof sink->bytes - sink->filled) {
        sink_flush(sink);
    }
    if (bytes >= sizeof sink->bytes) {
        if (sink->status == NNC_OK) {
            sink->status = nnc_file_out_write(sink->file, data, bytes);
        }
    } else if (bytes > 0) {
        memcpy(sink->bytes + sink->filled, data, bytes);
        sink->filled += bytes;
    }
}

static nnc_status write_model(nnc_file_out *file, const Onnx__ModelProto *m, size_t bytes)
{
    file_sink *sink = nnc_calloc(1, sizeof *sink);
    if (!sink) {
        return NNC_ERR_LIMIT;
    }
    sink->base.append = sink_append;
    sink->file = file;
    sink->status = nnc_file_out_reserve(file, bytes);
    if (sink->status == NNC_OK) {
        protobuf_c_message_pack_to_buffer(&m->base, &sink->base);
        sink_flush(sink);
    }
    nnc_status status = sink->status;
    nnc_free(sink);
    return status;
}

static nnc_status write_blobs(nnc_file_out *file, const nnc_onnx_writer *w)
{
    static const uint8_t zeros[4096];
    uint64_t at = 0;
    NNC_TRY(nnc_file_out_reserve(file, w->blob_bytes));
    for (size_t i = 0; i < w->blob_count; i++) {
        NNC_TRY(nnc_file_out_write(file, zeros, (size_t)(w->blobs[i].offset - at)));
        NNC_TRY(nnc_file_out_write(file, w->blobs[i].data, w->blobs[i].bytes));
        at = w->blobs[i].offset + w->blobs[i].bytes;
    }
    return NNC_OK;
}

/* The written file must load, and with as many nodes as were written. */
static nnc_status read_back(const char *temp, const nnc_onnx_load_options *load, size_t nodes,
                            const nnc_log *log)
{
    nnc_graph *graph;
    nnc_onnx_info info;
    nnc_status status = nnc_onnx_load(&graph, temp, load, &info, log);
    nnc_graph_destroy(graph);
    if (status == NNC_ERR_CANCELLED || status == NNC_ERR_LIMIT) {
        return status;
    }
    if (status != NNC_OK) {
        return nnc_error_prepend(NNC_ERR_VERIFY, "the written file does not load");
    }
    if (info.nodes != nodes) {
        NNC_FAIL(NNC_ERR_VERIFY, "the written file has %u nodes, expected %zu",
                 (unsigned)info.nodes, nodes);
    }
    return NNC_OK;
}

static nnc_status verify_and_publish(nnc_file_out **model, nnc_file_out **data,
                                     const Onnx__ModelProto *m, const nnc_onnx_writer *w,
                                     const nnc_onnx_save_options *options, const nnc_log *log)
{
    nnc_onnx_load_options load = {.keep_unsupported = true, .nan_weights = NNC_ONNX_NAN_KEEP};
    const char *temp, *data_temp = NULL;
    if (*data) {
        NNC_TRY(nnc_file_out_sync(*data, &data_temp));
        load.alias_from = w->location;
        load.alias_to = data_temp;
    }
    NNC_TRY(nnc_file_out_sync(*model, &temp));
    NNC_TRY(read_back(temp, &load, m->graph->n_node, NULL));
    if (options->verify) {
        NNC_TRY(options->verify(options->user, temp, &load));
    }
    NNC_TRY(nnc_log_poll(log));
    nnc_status status = NNC_OK;
    /* The model is the root of the two files: it comes last. */
    if (*data) {
        status = nnc_file_out_commit(*data);
        *data = NULL;
    }
    if (status == NNC_OK) {
        status = nnc_file_out_commit(*model);
        *model = NULL;
    }
    return status;
}

static nnc_status write_files(const char *path, const Onnx__ModelProto *m, const nnc_onnx_writer *w,
                              const nnc_onnx_save_options *options, nnc_onnx_save_info *info,
                              const nnc_log *log)
{
    nnc_file_out *model = NULL, *data = NULL;
    info->bytes = onnx__model_proto__get_packed_size(m);
    info->external_bytes = w->blob_bytes;
    if (info->bytes > INT32_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "the model takes %llu bytes without its weights, at most %d fit",
                 (unsigned long long)info->bytes, INT32_MAX);
    }
    nnc_status status = nnc_file_out_create(&model, path, options->mode);
    if (status == NNC_OK && w->external) {
        nnc_str name = {0};
        nnc_str_appendf(&name, "%s.data", path);
        status = nnc_str_status(&name);
        if (status == NNC_OK) {
            status = nnc_file_out_create(&data, nnc_str_get(&name), options->mode);
        }
        nnc_str_deinit(&name);
        if (status == NNC_OK) {
            status = write_blobs(data, w);
        }
    }
    if (status == NNC_OK) {
        status = write_model(model, m, (size_t)info->bytes);
    }
    if (status == NNC_OK) {
        status = verify_and_publish(&model, &data, m, w, options, log);
    }
    nnc_file_out_abort(data);
    nnc_file_out_abort(model);
    return status;
}

static void writer_deinit(nnc_onnx_writer *w)
{
    nnc_arena_destroy(w->arena);
    nnc_free(w->blobs);
    if (w->domains) {
        nnc_map_destroy(w->domains);
    }
    *w = (nnc_onnx_writer){0};
}

static nnc_status writer_init(nnc_onnx_writer *w, const char *path, bool external)
{
    const char *slash = strrchr(path, '/');
    *w = (nnc_onnx_writer){
        .external = external, .arena = nnc_arena_create(0), .domains = nnc_map_create()};
    if (!w->arena || !w->domains) {
        return NNC_ERR_LIMIT;
    }
    w->location = nnc_arena_printf(w->arena, "%s.data", slash ? slash + 1 : path);
    return w->location ? NNC_OK : NNC_ERR_LIMIT;
}

/* Inline first; with external weights when that gets too large. */
static nnc_status save_lowered(nnc_graph *graph, const char *path,
                               const nnc_onnx_save_options *options, nnc_onnx_save_info *info,
                               const nnc_log *log)
{
    const uint64_t most = ((uint64_t)2 << 30) - ((uint64_t)64 << 20);
    uint64_t threshold = options->external_threshold ? options->external_threshold : most;
    threshold = threshold > most ? most : threshold;
    nnc_onnx_writer w = {0};
    Onnx__ModelProto m;
    nnc_status status = NNC_OK;
    for (int external = 0; external < 2; external++) {
        writer_deinit(&w);
        status = writer_init(&w, path, external != 0);
        if (status == NNC_OK) {
            status = model_out(&m, &w, graph, info->opset, options);
        }
        if (status != NNC_OK || onnx__model_proto__get_packed_size(&m) < threshold) {
            break;
        }
    }
    /* Weights too small to move leave nothing for the second file. */
    w.external = w.external && w.blob_count > 0;
    if (status == NNC_OK) {
        info->ir_version = m.ir_version;
        status = write_files(path, &m, &w, options, info, log);
    }
    writer_deinit(&w);
    return status;
}

nnc_status nnc_onnx_save(const nnc_graph *graph, const char *path,
                         const nnc_onnx_save_options *options, nnc_onnx_save_info *info,
                         const nnc_log *log)
{
    static const nnc_onnx_save_options defaults;
    nnc_onnx_save_info local;
    nnc_graph *lowered = NULL;
    options = options ? options : &defaults;
    info = info ? info : &local;
    *info = (nnc_onnx_save_info){0};
    NNC_TRY(nnc_file_check_output(path, options->mode == NNC_FILE_REPLACE));
    int64_t source = nnc_graph_get_meta((nnc_graph *)(uintptr_t)graph)->opset;
    int64_t from = larger(larger(source, options->opset), NNC_ONNX_OPSET_WRITE_MIN);
    if (from > NNC_ONNX_OPSET_MAX) {
        NNC_FAIL(NNC_ERR_USAGE, "opset %lld is above %d", (long long)from, NNC_ONNX_OPSET_MAX);
    }
    nnc_status status = nnc_onnx_lower_all(&lowered, &info->opset, info->why, graph, from);
    if (status == NNC_OK) {
        info->raised = info->opset > from;
        if (info->raised) {
            nnc_log_info(log, "%s: opset %lld instead of %lld: %s", path, (long long)info->opset,
                         (long long)from, info->why);
        }
        status = save_lowered(lowered, path, options, info, log);
    }
    nnc_graph_destroy(lowered);
    if (status != NNC_OK && status != NNC_ERR_IO) {
        nnc_error_prepend(status, "%s", path);
    }
    return status;
}
