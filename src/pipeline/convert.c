/* A quantized model for another reader, without data. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/convert.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "passes/pass.h"
#include "pipeline/proof.h"
#include "pipeline/target_report.h"

#define RANDOM_SAMPLES 4

typedef struct convert {
    const nnc_convert_options *options;
    const nnc_target *target;
    const nnc_source *source;
    nnc_report_row *root;
    const nnc_log *log;
    size_t compared;
} convert;

static nnc_status check_paths(const char *model, const nnc_convert_options *o)
{
    size_t n = o->output ? strlen(o->output) : 0;
    if (!o->target || !o->output) {
        NNC_FAIL(NNC_ERR_USAGE, "say who reads the result and where it goes: nncompress convert %s --target trt10 -o OUT.onnx",
                 model);
    }
    if (n < 6 || strcmp(o->output + n - 5, ".onnx") != 0) {
        NNC_FAIL(NNC_ERR_USAGE, "output '%s' must end in .onnx", o->output);
    }
    if (nnc_file_same_target(o->output, model)) {
        NNC_FAIL(NNC_ERR_USAGE, "%s: the output is the input model", o->output);
    }
    return nnc_file_check_output(o->output, o->force);
}

/* Both files on the samples, bit by bit. */
static nnc_status compare(convert *c, const nnc_source *shipped)
{
    const nnc_convert_options *o = c->options;
    nnc_exec *before = NULL, *after = NULL;
    nnc_dataset *data = NULL;
    char random[32];
    size_t wanted = o->samples ? (size_t)o->samples : RANDOM_SAMPLES;
    snprintf(random, sizeof random, "random:%zu", wanted);
    nnc_log quiet = *c->log;
    quiet.message = NULL; /* what it has to tell is about calibration */
    nnc_data_flags flags = o->data_flags;
    flags.preset = flags.preset || o->data ? flags.preset : "none";
    nnc_status status = nnc_source_data(&data, o->data ? o->data : random, c->source, NULL, &flags,
                                        (uint32_t)o->run.threads, false, wanted, 0, &quiet);
    status = status == NNC_OK ? nnc_source_exec(&before, c->source, &o->run, false, c->log) : status;
    status = status == NNC_OK ? nnc_source_exec(&after, shipped, &o->run, false, c->log) : status;
    size_t n = status == NNC_OK ? nnc_dataset_count(data) : 0;
    n = n < wanted ? n : wanted;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        nnc_sample sample = {0};
        status = nnc_dataset_get(&sample, data, i);
        status = status == NNC_OK ? nnc_same_outputs(before, after, &sample, "the converted file") : status;
        nnc_sample_deinit(&sample);
    }
    c->compared = n;
    nnc_exec_destroy(before);
    nnc_exec_destroy(after);
    nnc_dataset_destroy(data);
    return status;
}

/* The first node that the target's rules refuse. */
static nnc_status refuse(const convert *c)
{
    for (size_t i = 0; i < nnc_report_count(c->root, "findings"); i++) {
        const nnc_report_row *f = nnc_report_at(c->root, "findings", i);
        const char *effect = nnc_report_get_string(f, "effect");
        if (strcmp(effect, "refused") == 0) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s '%.160s': %s (target %s; %s)", nnc_report_get_string(f, "op"),
                     nnc_report_get_string(f, "node"), nnc_report_get_string(f, "why"), c->target->name,
                     nnc_report_get_string(f, "fix"));
        }
    }
    return NNC_OK;
}

/* Called with the complete temporary file. */
static nnc_status verify(void *user, const char *temp_path, const nnc_onnx_load_options *load)
{
    convert *c = user;
    nnc_source shipped = {0};
    nnc_run_flags flags = c->options->run;
    flags.shapes = (nnc_option_list){0}; /* the file has those sizes already, and no name for them */
    flags.alias_from = load ? load->alias_from : NULL;
    flags.alias_to = load ? load->alias_to : NULL;
    nnc_log quiet = *c->log;
    quiet.message = NULL; /* the file is our own: its import has nothing to tell */
    uint32_t counts[NNC_VERDICT_COUNT] = {0};
    nnc_status status = nnc_source_load(&shipped, temp_path, &flags, false, &quiet);
    if (status != NNC_OK && status != NNC_ERR_CANCELLED) {
        return nnc_error_prepend(NNC_ERR_VERIFY, "the written file does not load");
    }
    status = status == NNC_OK ? nnc_report_target(c->root, shipped.graph, c->target, false, counts) : status;
    status = status == NNC_OK && counts[NNC_VERDICT_REFUSED] ? refuse(c) : status;
    if (status == NNC_OK && c->target->opset_max && shipped.info.opset > c->target->opset_max) {
        status = nnc_error_set(NNC_ERR_UNSUPPORTED, "%s: needs opset %lld, %s reads up to %d", c->options->output,
                               (long long)shipped.info.opset, c->target->reader, c->target->opset_max);
    }
    status = status == NNC_OK ? compare(c, &shipped) : status;
    if (status == NNC_OK && strcmp(c->source->path, "-") != 0) {
        status = nnc_onnx_recheck(c->source->path, &c->source->info);
    }
    nnc_source_deinit(&shipped);
    return status;
}

static nnc_status write(convert *c, const nnc_graph *graph)
{
    nnc_graph *out = NULL;
    const nnc_emit_options emit = {.bias_int32 = c->target->bias_int32};
    const char *keys[] = {"nncompress.version", "nncompress.source_sha256", "nncompress.target"};
    const char *values[] = {NNC_VERSION, c->source->sha256, c->target->name};
    nnc_onnx_save_options options = {.mode = c->options->force ? NNC_FILE_REPLACE : NNC_FILE_NEW,
                                     .opset = c->target->opset_min,
                                     .prop_keys = keys, .prop_values = values, .prop_count = 3,
                                     .verify = verify, .user = c};
    nnc_onnx_save_info info = {0};
    nnc_status status = nnc_graph_clone(&out, graph);
    status = status == NNC_OK ? nnc_qdq_emit(out, &emit) : status;
    status = status == NNC_OK ? nnc_onnx_save(out, c->options->output, &options, &info, c->log) : status;
    nnc_graph_destroy(out);
    NNC_TRY(status);
    nnc_report_string(c->root, "output", c->options->output);
    nnc_report_int(c->root, "opset", info.opset);
    if (info.raised) {
        nnc_report_string(c->root, "opset_raised", info.why);
    }
    nnc_report_int(c->root, "bytes", (int64_t)(info.bytes + info.external_bytes));
    nnc_report_int(c->root, "samples_compared", (int64_t)c->compared);
    return NNC_OK;
}

static nnc_status convert_source(convert *c)
{
    nnc_graph *graph = NULL;
    if (c->source->plan) {
        NNC_FAIL(NNC_ERR_USAGE, "%s: a runtime plan cannot be converted; give the ONNX model", c->source->path);
    }
    if (!nnc_graph_is_quantized(c->source->graph)) {
        NNC_FAIL(NNC_ERR_USAGE, "%s is not quantized: 'nncompress %s --int8 --calib PATH --target %s' quantizes it", c->source->path,
                 c->source->path, c->target->name);
    }
    NNC_TRY(nnc_graph_clone(&graph, c->source->graph));
    nnc_status status = nnc_qdq_retarget(graph, c->target);
    status = status == NNC_OK ? write(c, graph) : status;
    nnc_graph_destroy(graph);
    return status;
}

nnc_status nnc_convert(nnc_report *report, const char *model, const nnc_convert_options *options, const nnc_log *log)
{
    nnc_source source;
    convert c = {.options = options, .source = &source, .root = nnc_report_root(report), .log = log};
    NNC_TRY(check_paths(model, options));
    NNC_TRY(nnc_target_get(&c.target, options->target));
    NNC_TRY(nnc_source_load(&source, model, &options->run, false, log));
    nnc_report_string(c.root, "model", model);
    nnc_report_string(c.root, "model_sha256", source.sha256);
    nnc_report_string(c.root, "target", c.target->name);
    nnc_report_string(c.root, "reader", c.target->reader);
    nnc_status status = convert_source(&c);
    nnc_source_deinit(&source);
    return status == NNC_OK ? nnc_report_status(report) : nnc_error_prepend(status, "%s", model);
}
