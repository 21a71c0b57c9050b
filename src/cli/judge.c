/* Gates of the verbs that measure models as they are. SPDX-License-Identifier: Apache-2.0 */
#include "cli/judge.h"

#include <stdio.h>

#include "base/str.h"
#include "pipeline/pipeline.h"
#include "pipeline/proof.h"
#include "reports/render.h"

static nnc_status measure_latency(nnc_report_row *root, nnc_bench_entry entries[2], const nnc_judged *j,
                                  const nnc_log *log)
{
    const size_t count = j->original ? 2 : 1;
    nnc_sample sample = {0};
    NNC_TRY(nnc_dataset_get(&sample, j->data, 0));
    for (size_t i = 0; i < 2; i++) {
        entries[i] = (nnc_bench_entry){.inputs = sample.inputs, .input_count = sample.input_count};
    }
    entries[count - 1].exec = j->exec;
    if (j->original) {
        entries[0].exec = j->original_exec;
    }
    const nnc_bench_options options = {.warmup_s = 0.2, .seconds = j->bench_seconds, .min_runs = NNC_GATE_RUNS,
                                       .max_runs = 100000};
    nnc_status status = nnc_bench_run(entries, count, &options, log);
    nnc_sample_deinit(&sample);
    NNC_TRY(status);
    if (j->original) {
        double ratio, lo, hi;
        nnc_bench_ratio(&ratio, &lo, &hi, &entries[0].latency, &entries[1].latency);
        nnc_report_latency(root, "a", &entries[0].latency);
        nnc_report_latency(root, "b", &entries[1].latency);
        nnc_report_double(root, "latency.speedup", ratio);
        nnc_report_double(root, "latency.speedup_low", lo);
        nnc_report_double(root, "latency.speedup_high", hi);
    } else {
        nnc_report_latency(root, "model", &entries[0].latency);
    }
    return NNC_OK;
}

static void report_facts(const nnc_cli *cli, nnc_report_row *root, const nnc_judged *j)
{
    nnc_report_string(root, "tool.name", "nncompress");
    nnc_report_string(root, "tool.version", NNC_VERSION);
    nnc_report_string(root, "tool.command", cli->command);
    nnc_report_environment(root, j->run);
    nnc_report_content(root, j->accuracy);
    if (j->original) {
        nnc_report_int(root, "a.bytes", (int64_t)j->original->bytes);
        nnc_report_int(root, "b.bytes", (int64_t)j->model->bytes);
        nnc_report_double(root, "size.ratio", (double)j->original->bytes / (double)j->model->bytes);
    } else {
        nnc_report_int(root, "bytes", (int64_t)j->model->bytes);
    }
    nnc_report_int(root, "memory.arena_bytes", (int64_t)nnrt_session_arena_bytes(nnc_exec_session(j->exec)));
    nnc_report_int(root, "memory.plan_constants_bytes",
                   (int64_t)nnrt_model_constant_bytes(nnc_exec_model(j->exec)));
}

nnc_status nnc_cli_judge(const nnc_cli *cli, nnc_report *report, const nnc_judged *j)
{
    nnc_report_row *root = nnc_report_root(report);
    nnc_bench_entry entries[2] = {{0}};
    const bool timed = j->bench_seconds > 0 && nnc_gates_need_latency(j->gates);
    nnc_status status = NNC_OK;
    report_facts(cli, root, j);
    if (timed) {
        status = measure_latency(root, entries, j, cli->log);
    }
    if (status == NNC_OK) {
        const nnc_measured measured = {
            .accuracy = j->accuracy,
            .pair = j->original != NULL,
            .original_bytes = j->original ? j->original->bytes : 0,
            .bytes = j->model->bytes,
            .memory_bytes = nnc_gates_memory(j->exec),
            .original_latency = timed && j->original ? &entries[0].latency : NULL,
            .latency = timed ? &entries[j->original ? 1 : 0].latency : NULL,
        };
        status = nnc_gates_judge(report, j->gates, &measured);
    }
    nnc_latency_deinit(&entries[0].latency);
    nnc_latency_deinit(&entries[1].latency);
    return status;
}

nnc_status nnc_cli_finish(const nnc_cli *cli, nnc_report *report, bool json)
{
    if (json) {
        NNC_TRY(nnc_cli_print_json(report));
        return nnc_gates_status(report);
    }
    nnc_str text = {0};
    const nnc_render_options options = {.color = cli->color, .unicode = cli->unicode, .width = cli->columns};
    nnc_terminal_gates(&text, report, &options);
    nnc_status status = nnc_str_status(&text);
    status = status == NNC_OK ? nnc_out(nnc_str_get(&text)) : status;
    nnc_str_deinit(&text);
    return status == NNC_OK ? nnc_gates_status(report) : status;
}
