/* Publishing: nothing ships that was not reopened, run and measured. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/publish.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "passes/pass.h"
#include "pipeline/config.h"
#include "pipeline/lock.h"
#include "pipeline/outputs.h"
#include "pipeline/proof.h"
#include "pipeline/targets.h"
#include "plan/plan.h"

#define VERIFY_SAMPLES 4

nnc_status nnc_same_outputs(nnc_exec *a, nnc_exec *b, const nnc_sample *sample, const char *who)
{
    NNC_TRY(nnc_exec_run(a, sample->inputs, sample->input_count));
    NNC_TRY(nnc_exec_run(b, sample->inputs, sample->input_count));
    uint32_t n = nnrt_model_output_count(nnc_exec_model(a));
    if (nnrt_model_output_count(nnc_exec_model(b)) != n) {
        NNC_FAIL(NNC_ERR_VERIFY, "%s has %u outputs, expected %u", who,
                 nnrt_model_output_count(nnc_exec_model(b)), n);
    }
    for (uint32_t i = 0; i < n; i++) {
        nnc_tensor x = {0}, y = {0};
        nnc_status status = nnc_exec_output(&x, a, i);
        status = status == NNC_OK ? nnc_exec_output(&y, b, i) : status;
        bool equal = status == NNC_OK && nnc_tensor_equal(&x, &y);
        nnc_tensor_deinit(&x);
        nnc_tensor_deinit(&y);
        NNC_TRY(status);
        if (!equal) {
            NNC_FAIL(NNC_ERR_VERIFY, "%s computes other numbers than expected (output %u, sample '%s')", who, i,
                     sample->name);
        }
    }
    return NNC_OK;
}

/* The file as reopened against the graph in memory, bit by bit, on held-back samples. */
static nnc_status compare_bits(nnc_run *run, const nnc_source *shipped)
{
    nnc_exec *memory = NULL, *file = NULL;
    nnc_exec_options options = {.threads = (uint32_t)run->recipe->run.threads,
                                .isa_max = nnc_run_isa(&run->recipe->run)};
    nnc_status status = nnc_exec_create(&memory, run->graph, &options);
    nnc_run_flags cpu = run->recipe->run;
    cpu.device = NNRT_DEVICE_CPU;
    status = status == NNC_OK ? nnc_source_exec(&file, shipped, &cpu, false, run->log) : status;
    const size_t *indices = run->held_count ? run->held_indices : run->calib_indices;
    size_t n = run->held_count ? run->held_count : run->calib_count;
    for (size_t i = 0; status == NNC_OK && i < n && i < VERIFY_SAMPLES; i++) {
        nnc_sample sample = {0};
        status = nnc_dataset_get(&sample, run->calib, indices[i]);
        status = status == NNC_OK ? nnc_same_outputs(memory, file, &sample, "the written file") : status;
        nnc_sample_deinit(&sample);
    }
    nnc_exec_destroy(memory);
    nnc_exec_destroy(file);
    return status;
}

/* What was done to the file, for the report. */
static void report_check(nnc_run *run, const char *name, const char *detail)
{
    nnc_report_row *row = nnc_report_append(nnc_report_root(run->report), "checks");
    nnc_report_string(row, "name", name);
    nnc_report_bool(row, "passed", true);
    nnc_report_string(row, "detail", detail);
}

/* Called with the complete temporary file. */
static nnc_status verify(void *user, const char *temp_path, const nnc_onnx_load_options *load)
{
    nnc_run *run = user;
    nnc_source shipped = {0};
    nnc_run_flags flags = run->recipe->run;
    flags.shapes = (nnc_option_list){0}; /* the file has those sizes already, and no name for them */
    flags.alias_from = load ? load->alias_from : NULL;
    flags.alias_to = load ? load->alias_to : NULL;
    nnc_log quiet = *run->log;
    quiet.message = NULL; /* the file is our own: its import has nothing to tell */
    nnc_status status = nnc_source_load(&shipped, temp_path, &flags, false, &quiet);
    if (status != NNC_OK && status != NNC_ERR_CANCELLED) {
        return nnc_error_prepend(NNC_ERR_VERIFY, "the written file does not load");
    }
    status = status == NNC_OK ? compare_bits(run, &shipped) : status;
    if (status == NNC_OK) {
        nnc_report_row *root = nnc_report_root(run->report);
        nnc_report_string(root, "output.path", run->recipe->output);
        nnc_report_string(root, "output.format", shipped.plan ? "nncp" : "onnx");
        nnc_report_string(root, "output.sha256", shipped.sha256);
        memcpy(run->output_sha256, shipped.sha256, sizeof(run->output_sha256));
        nnc_report_int(root, "output.bytes", (int64_t)shipped.bytes);
        report_check(run, "reopened", "the written file loads, and is a valid model");
        report_check(run, "bits equal", "the reopened file gives the same bits as the graph in memory, on samples "
                                        "held back from calibration");
        const char *lock = run->recipe->config->options.locked;
        status = lock ? nnc_lock_check_output(run, lock) : NNC_OK;
        status = status == NNC_OK ? nnc_proof(run, &shipped) : status;
    }
    if (status == NNC_OK) {
        report_check(run, "measured", "the reopened file was run against the source on the samples of the report");
    }
    if (status == NNC_OK && strcmp(run->source.path, "-") != 0) {
        /* What is reported of the source must still be true of the file. */
        status = nnc_onnx_recheck(run->source.path, &run->source.info);
    }
    status = status == NNC_OK ? nnc_targets_row(run, &shipped) : status;
    /* A result that its gates refuse is dropped like one that fails its check. */
    status = status == NNC_OK ? nnc_gates_status(run->report) : status;
    status = status == NNC_OK ? nnc_targets_next(run) : status;
    nnc_source_deinit(&shipped);
    return status;
}

static nnc_status publish_onnx(nnc_run *run)
{
    nnc_graph *out = NULL;
    nnc_emit_options emit = {.bias_int32 = run->target && run->target->bias_int32};
    char calib[32];
    snprintf(calib, sizeof(calib), "%016llx", (unsigned long long)run->calib_hash);
    const char *keys[] = {"nncompress.version", "nncompress.source_sha256", "nncompress.calibration_xxh3",
                          "nncompress.target"};
    const char *values[] = {NNC_VERSION, run->source.sha256, calib,
                            run->target ? run->target->name : ""};
    nnc_onnx_save_options options = {.mode = run->recipe->force ? NNC_FILE_REPLACE : NNC_FILE_NEW,
                                     .prop_keys = keys, .prop_values = values, .prop_count = 4,
                                     .verify = verify, .user = run};
    nnc_onnx_save_info info = {0};
    nnc_status status = nnc_graph_clone(&out, run->graph);
    status = status == NNC_OK ? nnc_qdq_emit(out, &emit) : status;
    status = status == NNC_OK ? nnc_onnx_save(out, run->recipe->output, &options, &info, run->log) : status;
    nnc_graph_destroy(out);
    NNC_TRY(status);
    nnc_report_row *root = nnc_report_root(run->report);
    nnc_report_int(root, "output.opset", info.opset);
    nnc_report_int(root, "output.ir_version", info.ir_version);
    if (info.raised) {
        nnc_log_info(run->log, "opset raised to %lld: %s", (long long)info.opset, info.why);
        nnc_report_string(root, "output.opset_raised", info.why);
    }
    return NNC_OK;
}

static nnc_status write_plan(nnc_run *run, nnc_file_out *file, const void *image, size_t bytes)
{
    const char *temp;
    NNC_TRY(nnc_file_out_reserve(file, bytes));
    NNC_TRY(nnc_file_out_write(file, image, bytes));
    NNC_TRY(nnc_file_out_sync(file, &temp));
    return verify(run, temp, NULL);
}

static nnc_status publish_plan(nnc_run *run)
{
    void *image = NULL;
    size_t bytes = 0;
    nnc_file_out *file = NULL;
    const char *keys[] = {"nncompress.version", "source_sha256"};
    const char *values[] = {NNC_VERSION, run->source.sha256};
    nnc_plan_options options = {.keys = keys, .values = values, .metadata_count = 2};
    NNC_TRY(nnc_plan_build(&image, &bytes, run->graph, &options));
    nnc_status status = nnc_file_out_create(&file, run->recipe->output,
                                            run->recipe->force ? NNC_FILE_REPLACE : NNC_FILE_NEW);
    if (status == NNC_OK) {
        status = write_plan(run, file, image, bytes);
        if (status == NNC_OK) {
            status = nnc_file_out_commit(file);
        } else {
            nnc_file_out_abort(file);
        }
    }
    nnc_free(image);
    return status;
}

nnc_status nnc_publish_model(nnc_run *run)
{
    size_t n = strlen(run->recipe->output);
    bool plan = n > 5 && strcmp(run->recipe->output + n - 5, ".nncp") == 0;
    return plan ? publish_plan(run) : publish_onnx(run);
}

nnc_status nnc_publish(nnc_run *run)
{
    nnc_status published = nnc_publish_model(run);
    if (published != NNC_OK && published != NNC_ERR_GATE) {
        return published;
    }
    nnc_report_bool(nnc_report_root(run->report), "output.published", published == NNC_OK);
    nnc_status status = nnc_outputs_write(run->report, &run->recipe->reports,
                                          published == NNC_OK ? run->recipe->output : NULL, run->recipe->force);
    if (status == NNC_OK && published != NNC_OK) {
        status = nnc_error_prepend(nnc_gates_status(run->report), "%s", run->recipe->output);
    }
    return status == NNC_OK ? nnc_lock_write(run) : status;
}
