/* The shipped model on a device: the same bits as on the CPU, and how fast. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "eval/eval.h"
#include "pipeline/proof.h"
#include "runtime_int8/cuda/device.h"

#define SAMPLES 16 /* compared bit by bit */

static nnc_status compare_samples(nnc_run *run, nnc_exec *cpu, nnc_exec *device, const nnc_proof_data *data,
                                  size_t *compared)
{
    const size_t count = data->indices ? data->index_count : nnc_dataset_count(data->set);
    for (*compared = 0; *compared < count && *compared < SAMPLES; (*compared)++) {
        nnc_sample sample = {0};
        NNC_TRY(nnc_log_poll(run->log));
        nnc_status status =
            nnc_dataset_get(&sample, data->set, data->indices ? data->indices[*compared] : *compared);
        status = status == NNC_OK ? nnc_same_outputs(cpu, device, &sample, "the device") : status;
        nnc_sample_deinit(&sample);
        NNC_TRY(status);
    }
    return NNC_OK;
}

static nnc_status measure(nnc_run *run, nnc_exec *device, const nnc_proof_data *data)
{
    if (run->recipe->bench_seconds <= 0) {
        return NNC_OK;
    }
    nnc_sample sample = {0};
    NNC_TRY(nnc_dataset_get(&sample, data->set, data->indices ? data->indices[0] : 0));
    nnc_bench_entry entry = {.exec = device, .inputs = sample.inputs, .input_count = sample.input_count};
    nnc_bench_options options = {.warmup_s = 0.2, .seconds = run->recipe->bench_seconds, .min_runs = 10,
                                 .max_runs = 100000};
    nnc_status status = nnc_bench_run(&entry, 1, &options, run->log);
    if (status == NNC_OK) {
        nnc_report_latency(nnc_report_root(run->report), "device", &entry.latency);
    }
    nnc_latency_deinit(&entry.latency);
    nnc_sample_deinit(&sample);
    return status;
}

nnc_status nnc_proof_device_check(const nnc_run_flags *flags)
{
    if (flags->device != NNRT_DEVICE_CUDA) {
        return NNC_OK;
    }
    nnrt_device *device = NULL;
    nnc_status status = nnrt_device_open(&device, (uint32_t)flags->device_index);
    nnrt_device_close(device);
    return status;
}

nnc_status nnc_proof_device(nnc_run *run, const nnc_source *shipped, nnc_exec *cpu, const nnc_proof_data *data)
{
    nnc_report_row *root = nnc_report_root(run->report);
    nnc_exec *device = NULL;
    size_t compared = 0;
    if (run->recipe->run.device == NNRT_DEVICE_CPU) {
        nnc_report_append_string(root, "not_checked", "GPU: everything was measured on the CPU");
        return NNC_OK;
    }
    NNC_TRY(nnc_source_exec(&device, shipped, &run->recipe->run, false, run->log));
    nnrt_session *session = nnc_exec_session(device);
    nnc_status status = NNC_OK;
    if (nnrt_session_device_of(session) != NNRT_DEVICE_CPU) {
        status = compare_samples(run, cpu, device, data, &compared);
    }
    /* Also when the shapes of the samples led there. */
    if (nnrt_session_device_of(session) == NNRT_DEVICE_CPU) {
        char text[512];
        snprintf(text, sizeof(text), "GPU: %s", nnrt_session_device_note(session));
        nnc_report_append_string(root, "not_checked", text);
    } else {
        status = status == NNC_OK ? measure(run, device, data) : status;
        nnc_report_string(root, "device.name", nnrt_session_device_name(session));
        nnc_report_int(root, "device.bit_equal_samples", (int64_t)compared);
    }
    nnc_exec_destroy(device);
    return status;
}
