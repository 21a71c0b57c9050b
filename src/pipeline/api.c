/* The public library interface over loading, running and compression jobs. SPDX-License-Identifier: Apache-2.0 */
#include "nncompress/nncompress.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ops/op.h"
#include "pipeline/config.h"
#include "plan/plan.h"

struct nnc_model {
    nnc_source source;
    nnc_exec *exec; /* made at the first run */
    uint32_t threads;
    nnc_tensor *outputs;
    size_t output_count;
};

struct nnc_job {
    char *model;
    nnc_compress_options options; /* what was set, for checking; points into strings */
    nnc_option_list args;         /* the same as flags */
    nnc_arena *strings;
    nnc_samples calib, eval;      /* of the caller; size 0: none */
    nnc_str command;
    nnc_report *report;
    nnc_str rendered;
};

const char *nnc_version(void)
{
    return NNC_VERSION;
}

const char *nnc_last_error(void)
{
    return nnc_error_message();
}

const char *nnc_status_text(nnc_status status)
{
    return nnc_status_name(status);
}

/* ---- callbacks ---- */

static void forward_message(void *user, nnc_log_level level, const char *text)
{
    const nnc_callbacks *c = user;
    if (c->message) {
        c->message(c->user, (int)level, text);
    }
}

static void forward_progress(void *user, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    const nnc_callbacks *c = user;
    if (c->progress) {
        c->progress(c->user, stage, done, total, unit);
    }
}

static bool forward_cancelled(void *user)
{
    const nnc_callbacks *c = user;
    return c->cancelled && c->cancelled(c->user) != 0;
}

/* A log over the caller's callbacks; the copy must outlive the call. */
static nnc_status make_log(nnc_log *log, nnc_callbacks *copy, const nnc_callbacks *callbacks)
{
    memset(copy, 0, sizeof(*copy));
    if (callbacks) {
        if (callbacks->size < sizeof(size_t) || callbacks->size > sizeof(*copy)) {
            NNC_FAIL(NNC_ERR_USAGE, "nnc_callbacks.size is %zu, expected %zu", callbacks->size, sizeof(*copy));
        }
        memcpy(copy, callbacks, callbacks->size);
    }
    *log = (nnc_log){forward_message, forward_progress, forward_cancelled, copy};
    return NNC_OK;
}

/* ---- models ---- */

nnc_status nnc_model_load(nnc_model **out, const char *path, const nnc_callbacks *callbacks)
{
    nnc_log log;
    nnc_callbacks copy;
    NNC_TRY(make_log(&log, &copy, callbacks));
    nnc_model *model = nnc_calloc(1, sizeof(*model));
    if (!model) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = nnc_source_load(&model->source, path, NULL, false, &log);
    if (status == NNC_OK && model->source.plan) {
        status = nnc_error_set(NNC_ERR_USAGE, "%s is a runtime plan: run it with libnnrt", path);
    }
    if (status != NNC_OK) {
        nnc_model_destroy(model);
        return status;
    }
    *out = model;
    return NNC_OK;
}

static void drop_results(nnc_model *model)
{
    for (size_t i = 0; i < model->output_count; i++) {
        nnc_tensor_deinit(&model->outputs[i]);
    }
    nnc_free(model->outputs);
    model->outputs = NULL;
    model->output_count = 0;
}

void nnc_model_destroy(nnc_model *model)
{
    if (model) {
        drop_results(model);
        nnc_exec_destroy(model->exec);
        nnc_source_deinit(&model->source);
        nnc_free(model);
    }
}

size_t nnc_model_input_count(const nnc_model *model)
{
    return nnc_graph_input_count(model->source.graph);
}

size_t nnc_model_output_count(const nnc_model *model)
{
    return nnc_graph_output_count(model->source.graph);
}

static void describe(nnc_io_info *info, const nnc_value *value, const char *name)
{
    memset(info, 0, sizeof(*info));
    info->name = name;
    info->dtype = (int)value->dtype;
    info->rank = value->has_shape ? value->shape.rank : 0;
    for (uint32_t d = 0; d < info->rank; d++) {
        info->dims[d] = value->shape.dims[d] < 0 ? -1 : value->shape.dims[d];
    }
}

nnc_status nnc_model_input(const nnc_model *model, size_t i, nnc_io_info *info)
{
    const nnc_graph *graph = model->source.graph;
    if (i >= nnc_graph_input_count(graph)) {
        NNC_FAIL(NNC_ERR_USAGE, "input %zu asked, the model has %zu", i, nnc_graph_input_count(graph));
    }
    const nnc_value *value = nnc_graph_value_const(graph, nnc_graph_input(graph, i));
    describe(info, value, value->name);
    return NNC_OK;
}

nnc_status nnc_model_output(const nnc_model *model, size_t i, nnc_io_info *info)
{
    const nnc_graph *graph = model->source.graph;
    if (i >= nnc_graph_output_count(graph)) {
        NNC_FAIL(NNC_ERR_USAGE, "output %zu asked, the model has %zu", i, nnc_graph_output_count(graph));
    }
    describe(info, nnc_graph_value_const(graph, nnc_graph_output(graph, i)), nnc_graph_output_name(graph, i));
    return NNC_OK;
}

static nnc_cost total_cost(const nnc_model *model)
{
    nnc_cost total = {0};
    for (nnc_node_id i = 0; i < nnc_graph_node_count(model->source.graph); i++) {
        const nnc_node *node = nnc_graph_node_const(model->source.graph, i);
        if (!node->dead && node->op) {
            nnc_cost cost = nnc_node_cost(model->source.graph, i);
            total.macs += cost.macs;
            total.params += cost.params;
        }
    }
    return total;
}

uint64_t nnc_model_macs(const nnc_model *model)
{
    return total_cost(model).macs;
}

uint64_t nnc_model_parameters(const nnc_model *model)
{
    return total_cost(model).params;
}

void nnc_model_set_threads(nnc_model *model, uint32_t threads)
{
    if (threads != model->threads) {
        nnc_exec_destroy(model->exec);
        model->exec = NULL;
        model->threads = threads;
    }
}

static nnc_status tensor_from_array(nnc_tensor *out, const nnc_array *array, size_t i)
{
    if (array->rank > NNC_RANK_MAX) {
        NNC_FAIL(NNC_ERR_DATA, "input %zu has rank %u, at most %d", i, array->rank, NNC_RANK_MAX);
    }
    nnc_shape shape = nnc_shape_make(array->rank, array->dims);
    size_t count, bytes;
    if (!nnc_shape_count(&count, &shape) || !nnc_dtype_bytes(&bytes, array->dtype, count) ||
        bytes != array->bytes) {
        NNC_FAIL(NNC_ERR_DATA, "input %zu has %zu bytes, which does not fit its shape and type", i, array->bytes);
    }
    return nnc_tensor_create_from(out, (nnc_dtype)array->dtype, &shape, array->data);
}

static nnc_status run_tensors(nnc_model *model, const nnc_tensor *inputs, size_t count)
{
    if (!model->exec) {
        nnc_exec_options options = {.threads = model->threads, .isa_max = NNRT_ISA_BEST};
        NNC_TRY(nnc_exec_create(&model->exec, model->source.graph, &options));
    }
    NNC_TRY(nnc_exec_run(model->exec, inputs, count));
    size_t n = nnc_model_output_count(model);
    model->outputs = nnc_calloc(n + 1, sizeof(*model->outputs));
    if (!model->outputs) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < n; i++) {
        NNC_TRY(nnc_exec_output(&model->outputs[i], model->exec, i));
        model->output_count = i + 1;
    }
    return NNC_OK;
}

nnc_status nnc_model_run(nnc_model *model, const nnc_array *inputs, size_t count)
{
    drop_results(model);
    nnc_tensor *tensors = nnc_calloc(count + 1, sizeof(*tensors));
    nnc_status status = tensors ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        status = tensor_from_array(&tensors[i], &inputs[i], i);
    }
    status = status == NNC_OK ? run_tensors(model, tensors, count) : status;
    for (size_t i = 0; tensors && i < count; i++) {
        nnc_tensor_deinit(&tensors[i]);
    }
    nnc_free(tensors);
    return status;
}

nnc_status nnc_model_result(nnc_model *model, size_t i, nnc_array *out)
{
    if (i >= model->output_count) {
        NNC_FAIL(NNC_ERR_USAGE, "output %zu asked, the last run made %zu", i, model->output_count);
    }
    const nnc_tensor *t = &model->outputs[i];
    *out = (nnc_array){.data = nnc_tensor_data(t), .bytes = nnc_tensor_bytes(t), .dtype = (int)t->dtype,
                       .rank = t->shape.rank};
    memcpy(out->dims, t->shape.dims, t->shape.rank * sizeof(out->dims[0]));
    return NNC_OK;
}

nnc_status nnc_model_save_plan(const nnc_model *model, const char *path, int replace)
{
    void *image;
    size_t bytes;
    nnc_file_out *file;
    NNC_TRY(nnc_plan_build(&image, &bytes, model->source.graph, NULL));
    nnc_status status = nnc_file_out_create(&file, path, replace ? NNC_FILE_REPLACE : NNC_FILE_NEW);
    if (status == NNC_OK) {
        status = nnc_file_out_write(file, image, bytes);
        if (status == NNC_OK) {
            status = nnc_file_out_commit(file);
        } else {
            nnc_file_out_abort(file);
        }
    }
    nnc_free(image);
    return status;
}

/* ---- jobs ---- */

nnc_status nnc_job_create(nnc_job **out, const char *model_path)
{
    nnc_job *job = nnc_calloc(1, sizeof(*job));
    if (!job) {
        return NNC_ERR_LIMIT;
    }
    job->strings = nnc_arena_create(0);
    job->model = job->strings ? nnc_arena_strdup(job->strings, model_path) : NULL;
    if (!job->model) {
        nnc_job_destroy(job);
        return NNC_ERR_LIMIT;
    }
    job->options = nnc_compress_defaults();
    nnc_str_appendf(&job->command, "nnc_job %s", model_path);
    *out = job;
    return NNC_OK;
}

void nnc_job_destroy(nnc_job *job)
{
    if (job) {
        nnc_report_destroy(job->report);
        nnc_compress_options_deinit(&job->options);
        nnc_option_list_deinit(&job->args);
        nnc_arena_destroy(job->strings);
        nnc_str_deinit(&job->command);
        nnc_str_deinit(&job->rendered);
        nnc_free(job);
    }
}

static const nnc_option *find_option(const char *name)
{
    for (size_t i = 0; nnc_compress_table[i].name; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        if (strcmp(o->name, name) == 0 || (name[0] && !name[1] && o->shorthand == name[0])) {
            return o;
        }
    }
    return NULL;
}

static nnc_status add_arg(nnc_job *job, const char *arg)
{
    return arg ? nnc_option_list_add(&job->args, arg, strlen(arg)) : NNC_ERR_LIMIT;
}

nnc_status nnc_job_set(nnc_job *job, const char *name, const char *value)
{
    const nnc_option *option = find_option(name);
    if (!option) {
        const char *names[128];
        size_t n = 0;
        for (; nnc_compress_table[n].name && n < 128; n++) {
            names[n] = nnc_compress_table[n].name;
        }
        const char *near = nnc_nearest(name, names, n);
        NNC_FAIL(NNC_ERR_USAGE, "unknown option '%s'%s%s%s", name, near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "");
    }
    nnc_str_appendf(&job->command, " --%s=%s", option->name, value);
    if (option->type == NNC_OPTION_FLAG) {
        bool on = strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
        if (!on && strcmp(value, "0") != 0 && strcmp(value, "false") != 0) {
            NNC_FAIL(NNC_ERR_USAGE, "option '%s': '%s' is not 0 or 1", name, value);
        }
        return add_arg(job, nnc_arena_printf(job->strings, "--%s%s", on ? "" : "no-", option->name));
    }
    char *kept = nnc_arena_strdup(job->strings, value);
    NNC_TRY(kept ? nnc_option_apply(option, &job->options, kept, false) : NNC_ERR_LIMIT);
    return add_arg(job, nnc_arena_printf(job->strings, "--%s=%s", option->name, value));
}

nnc_status nnc_job_set_samples(nnc_job *job, const char *name, const nnc_samples *samples)
{
    const bool calib = strcmp(name, "calib") == 0;
    if (!calib && strcmp(name, "eval") != 0) {
        NNC_FAIL(NNC_ERR_USAGE, "samples for '%s', expected calib or eval", name);
    }
    if (samples->size != sizeof(*samples)) {
        NNC_FAIL(NNC_ERR_USAGE, "nnc_samples.size is %zu, expected %zu", samples->size, sizeof(*samples));
    }
    *(calib ? &job->calib : &job->eval) = *samples;
    const char *spec = calib ? NNC_CALLER_CALIB : NNC_CALLER_EVAL;
    nnc_str_appendf(&job->command, " --%s=%s", name, spec);
    return add_arg(job, nnc_arena_printf(job->strings, "--%s=%s", name, spec));
}

nnc_status nnc_job_run(nnc_job *job, const nnc_callbacks *callbacks)
{
    nnc_log log;
    nnc_callbacks copy;
    NNC_TRY(make_log(&log, &copy, callbacks));
    nnc_report_destroy(job->report);
    job->report = NULL;
    nnc_config config;
    nnc_status status = nnc_config_init(&config, (int)job->args.count, (char *const *)(uintptr_t)job->args.items, NULL, &log);
    config.model = job->model;
    config.options.data.calib_samples = job->calib.size ? &job->calib : NULL;
    config.options.data.eval_samples = job->eval.size ? &job->eval : NULL;
    if (status == NNC_OK && (config.options.print_config || config.options.dry_run)) {
        status = nnc_error_set(NNC_ERR_USAGE, "options 'print-config' and 'dry-run' are those of the command line");
    }
    status = status == NNC_OK ? nnc_compress_run(&job->report, &config, nnc_str_get(&job->command), &log) : status;
    nnc_config_deinit(&config);
    return status;
}

const char *nnc_job_report(nnc_job *job, const char *format)
{
    if (!job->report) {
        return NULL;
    }
    nnc_str_clear(&job->rendered);
    const nnc_renderer *renderer = nnc_renderer_find(format);
    nnc_render_options options = {0};
    if (!renderer || renderer->render(&job->rendered, job->report, &options) != NNC_OK) {
        return NULL;
    }
    return nnc_str_get(&job->rendered);
}
