/* Loading what a verb works on. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/source.h"

#include <dirent.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "runtime_int8/plan_format.h"

static char *copy_string(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = nnc_calloc(n, 1);
    if (copy) {
        memcpy(copy, s, n);
    }
    return copy;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A runtime plan is known by its first bytes, whatever the file is called. */
static nnc_status detect_plan(nnc_source *source)
{
    nnc_file_map map;
    if (strcmp(source->path, "-") == 0) {
        return NNC_OK;
    }
    NNC_TRY(nnc_file_map_open(&map, source->path, 0));
    size_t n = sizeof(NNRT_PLAN_MAGIC) - 1;
    source->plan = map.bytes >= n && memcmp(map.data, NNRT_PLAN_MAGIC, n) == 0;
    source->bytes = map.bytes;
    nnc_file_map_close(&map);
    return NNC_OK;
}

static nnc_status load_graph(nnc_source *source, const nnc_run_flags *flags, bool keep_structure,
                             const nnc_log *log)
{
    /* Passes rewrite some operators that have no row of their own; the plan lists what remains. */
    nnc_onnx_load_options options = {.keep_unsupported = true};
    if (flags) {
        options.shapes = flags->shapes.items;
        options.shape_count = flags->shapes.count;
        options.nan_weights = (nnc_onnx_nan_weights)flags->nan_weights;
        options.external_dir = flags->external_dir;
        options.allow_hardlinks = flags->allow_hardlinks;
        options.alias_from = flags->alias_from;
        options.alias_to = flags->alias_to;
    }
    NNC_TRY(nnc_onnx_load(&source->graph, source->path, &options, &source->info, log));
    source->bytes = source->info.file_bytes + source->info.external_bytes;
    if (keep_structure) {
        return NNC_OK;
    }
    nnc_pass_ctx ctx = {.log = log, .threads = flags ? (uint32_t)flags->threads : 0,
                        .isa_max = flags ? nnc_run_isa(flags) : NNRT_ISA_BEST};
    nnc_status status = nnc_passes_prepare(source->graph, &ctx);
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "%s", source->path);
}

nnc_status nnc_source_load(nnc_source *out, const char *path, const nnc_run_flags *flags,
                           bool keep_structure, const nnc_log *log)
{
    *out = (nnc_source){0};
    out->path = copy_string(path);
    if (!out->path) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = detect_plan(out);
    if (status == NNC_OK && !out->plan) {
        status = load_graph(out, flags, keep_structure, log);
    }
    if (status == NNC_OK && strcmp(path, "-") != 0) {
        status = nnc_sha256_file(out->sha256, path);
    }
    if (status != NNC_OK) {
        nnc_source_deinit(out);
    }
    return status;
}

void nnc_source_deinit(nnc_source *source)
{
    nnc_graph_destroy(source->graph);
    nnc_free(source->path);
    *source = (nnc_source){0};
}

/* Where --device auto led. Planning the default shapes shows whether all operators run there. */
static void say_device(nnc_exec *exec, const char *path, const nnc_log *log)
{
    nnrt_session *session = nnc_exec_session(exec);
    nnrt_view view;
    if (nnrt_model_input_count(nnc_exec_model(exec)) > 0) {
        (void)nnrt_session_input(session, 0, &view); /* what fails here fails again where it is reported */
    }
    const char *note = nnrt_session_device_note(session);
    if (note) {
        nnc_log_warn(log, "%s: running on the CPU: %s", path, note);
    } else if (nnrt_session_device_of(session) == NNRT_DEVICE_CUDA) {
        nnc_log_info(log, "%s: running on CUDA: %s", path, nnrt_session_device_name(session));
    }
}

nnc_status nnc_source_exec(nnc_exec **out, const nnc_source *source, const nnc_run_flags *flags,
                           bool profile, const nnc_log *log)
{
    nnc_exec_options options = {.threads = (uint32_t)flags->threads, .isa_max = nnc_run_isa(flags),
                                .profile = profile,
                                .device = (uint32_t)flags->device,
                                .device_index = (uint32_t)flags->device_index};
    nnc_status status = source->plan ? nnc_exec_load(out, source->path, &options)
                                     : nnc_exec_create(out, source->graph, &options);
    if (status != NNC_OK) {
        return nnc_error_prepend(status, "%s", source->path);
    }
    if (flags->device == NNRT_DEVICE_AUTO) {
        say_device(*out, source->path, log);
    }
    return NNC_OK;
}

void nnc_source_say_left(const nnc_exec *exec, nnrt_device_kind started, const char *path, const nnc_log *log)
{
    const nnrt_session *session = nnc_exec_session((nnc_exec *)(uintptr_t)exec);
    if (started == NNRT_DEVICE_CUDA && nnrt_session_device_of(session) == NNRT_DEVICE_CPU) {
        nnc_log_warn(log, "%s: went on on the CPU: %s", path, nnrt_session_device_note(session));
    }
}

/* Operators that take or give integers of a grid. */
static bool is_quantized_node(const nnc_graph *graph, const nnc_node *node)
{
    static const char *const ops[] = {"ConvInteger",   "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger",
                                      "QLinearConv",   "QLinearMatMul",    "QuantizeLinear"};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (nnc_node_is(node, ops[i])) {
            return true;
        }
    }
    return strcmp(node->op_type, "MatMulNBits") == 0 ||
           (node->output_count > 0 && nnc_is_dynamic_quant(graph, node->outputs[0]));
}

bool nnc_graph_is_quantized(const nnc_graph *graph)
{
    for (nnc_value_id i = 0; i < nnc_graph_value_count(graph); i++) {
        const nnc_value *v = nnc_graph_value_const(graph, i);
        if (!v->dead && v->qparams) {
            return true;
        }
    }
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *node = nnc_graph_node_const(graph, i);
        if (!node->dead && is_quantized_node(graph, node)) {
            return true;
        }
    }
    return false;
}

/* The .onnx files of a folder, appended to `found`; stops counting at two. */
static nnc_status scan_folder(nnc_str *found, size_t *count, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        return NNC_OK;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] != '.' && ends_with(e->d_name, ".onnx")) {
            if (++*count == 1) {
                nnc_str_appendf(found, "%s/%s", folder, e->d_name);
            }
        }
    }
    closedir(dir);
    return nnc_str_status(found);
}

nnc_status nnc_source_find(char **path, const char *data)
{
    nnc_str found = {0};
    size_t count = 0;
    nnc_status status = scan_folder(&found, &count, ".");
    if (status == NNC_OK && count == 0 && data) {
        status = scan_folder(&found, &count, data);
    }
    if (status == NNC_OK && count != 1) {
        status = nnc_error_set(NNC_ERR_USAGE,
                               count ? "no model named and several .onnx files here. Name one: "
                                       "nncompress MODEL.onnx --int8 --calib DATA"
                                     : "no model named and no .onnx file here. Name one: "
                                       "nncompress MODEL.onnx --int8 --calib DATA");
    }
    if (status == NNC_OK) {
        const char *text = nnc_str_get(&found);
        *path = copy_string(strncmp(text, "./", 2) == 0 ? text + 2 : text);
        status = *path ? NNC_OK : NNC_ERR_LIMIT;
    }
    nnc_str_deinit(&found);
    return status;
}

/* Inputs of the model as the data set wants them; classes from output 0. */
typedef struct signature {
    nnc_dataset_input *inputs;
    size_t count, classes;
    const char *preset;
} signature;

static nnc_status graph_signature(signature *s, const nnc_graph *graph)
{
    s->count = nnc_graph_input_count(graph);
    s->inputs = nnc_calloc(s->count + 1, sizeof(*s->inputs));
    if (!s->inputs) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < s->count; i++) {
        const nnc_value *v = nnc_graph_value_const(graph, nnc_graph_input(graph, i));
        s->inputs[i] = (nnc_dataset_input){v->name, v->dtype, v->shape};
    }
    if (nnc_graph_output_count(graph)) {
        const nnc_value *y = nnc_graph_value_const(graph, nnc_graph_output(graph, 0));
        uint32_t rank = y->has_shape ? y->shape.rank : 0;
        int64_t last = 0;
        for (uint32_t d = 1; d < rank; d++) {
            last = y->shape.dims[d] > 1 ? y->shape.dims[d] : last;
        }
        s->classes = last > 1 ? (size_t)last : 0;
    }
    const nnc_graph_meta *meta = nnc_graph_get_meta((nnc_graph *)graph);
    for (size_t i = 0; i < meta->prop_count; i++) {
        if (strcmp(meta->prop_keys[i], "nncompress.preprocess") == 0) {
            s->preset = meta->prop_values[i];
        }
    }
    return NNC_OK;
}

static nnc_status plan_signature(signature *s, const nnrt_model *model)
{
    s->count = nnrt_model_input_count(model);
    s->inputs = nnc_calloc(s->count + 1, sizeof(*s->inputs));
    if (!s->inputs) {
        return NNC_ERR_LIMIT;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        nnrt_io_info info;
        NNC_TRY(nnrt_model_input(model, i, &info));
        s->inputs[i] = (nnc_dataset_input){info.name, (nnc_dtype)info.dtype,
                                           nnc_shape_make(info.shape.rank, info.shape.dims)};
    }
    nnrt_io_info y;
    if (nnrt_model_output_count(model) && nnrt_model_output(model, 0, &y) == NNRT_OK &&
        y.shape.rank >= 2 && y.shape.dims[y.shape.rank - 1] > 1) {
        s->classes = (size_t)y.shape.dims[y.shape.rank - 1];
    }
    s->preset = nnrt_model_metadata(model, "nncompress.preprocess");
    return NNC_OK;
}

static const struct nnc_samples *caller_samples(const char *spec, const nnc_data_flags *flags)
{
    return strcmp(spec, NNC_CALLER_CALIB) == 0  ? flags->calib_samples
           : strcmp(spec, NNC_CALLER_EVAL) == 0 ? flags->eval_samples
                                                : NULL;
}

nnc_status nnc_source_data(nnc_dataset **out, const char *spec, const nnc_source *source,
                           const nnc_exec *plan_exec, const nnc_data_flags *flags, uint32_t threads,
                           bool use_labels, size_t max_samples, uint64_t seed, const nnc_log *log)
{
    signature s = {0};
    /* Labels of classes, found beside the data, say nothing of another task. */
    use_labels = use_labels && (flags->task == 0 || flags->labels);
    nnc_status status = source->graph ? graph_signature(&s, source->graph)
                                      : plan_signature(&s, nnc_exec_model(plan_exec));
    if (status == NNC_OK) {
        nnc_dataset_options options = {
            .inputs = s.inputs, .input_count = s.count, .layout = (nnc_data_layout)flags->layout,
            .data_layout = (nnc_data_layout)flags->data_layout, .preset = flags->preset,
            .model_preset = s.preset, .resize = flags->resize, .crop = flags->crop,
            .interpolation = flags->interpolation, .color = flags->color, .scale = flags->scale,
            .mean = flags->mean, .std = flags->std, .classes = flags->classes,
            .labels = use_labels ? flags->labels : NULL, .num_classes = use_labels && flags->task == 0 ? s.classes : 0,
            .label_offset = flags->label_offset, .no_labels = !use_labels,
            .samples = caller_samples(spec, flags), .max_samples = max_samples, .seed = seed,
            .max_bad = flags->max_bad > 0 ? flags->max_bad : -1, .threads = threads};
        status = nnc_dataset_open(out, spec, &options, log);
    }
    nnc_free(s.inputs);
    return status;
}
