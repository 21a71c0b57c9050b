/* The proof: both models through one runtime, on the same samples, in turn. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/proof.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ops/op.h"
#include "pipeline/counts.h"
#include "pipeline/layers.h"
#include "pipeline/sizes.h"
#include "plan/plan.h"

#define LATENCY_POINTS 1000

/* Everything that the parts of the proof share. */
typedef struct proof {
    nnc_run *run;
    const nnc_source *shipped;
    const nnc_graph *graph; /* quantized: reopened, or the one in memory for plans */
    nnc_exec *fp32, *int8;
    const nnc_dataset *data;
    const size_t *indices; /* NULL: all */
    size_t index_count;
    nnc_accuracy accuracy;
    bool timed;
    nnc_latency fp32_latency, int8_latency;
} proof;

static nnc_status measure_accuracy(proof *p)
{
    nnc_run *run = p->run;
    nnc_eval_options options = {.threads = (uint32_t)run->recipe->run.threads,
                                .isa_max = nnc_run_isa(&run->recipe->run), .indices = p->indices,
                                .index_count = p->index_count,
                                .task = nnc_data_task(&run->recipe->data, 0)};
    NNC_TRY(nnc_eval_accuracy(&p->accuracy, p->fp32, p->int8, p->data, &options, run->log));
    const nnc_accuracy *a = &p->accuracy;
    nnc_report_row *root = nnc_report_root(run->report);
    if (run->eval && a->labelled && run->recipe->gates) {
        NNC_TRY(nnc_gates_check_fp32(run->recipe->gates, a->top1_a, a->samples, false));
    }
    if (run->eval) {
        nnc_report_content(root, a);
    }
    bool verified = run->eval && a->labelled && !nnc_dataset_is_random(p->data);
    double n = (double)a->samples;
    nnc_report_bool(root, "accuracy.verified", verified);
    nnc_report_string(root, "accuracy.judged_on", run->eval ? "evaluation data"
                                                            : "calibration samples held back");
    nnc_counts_report(root, a, p->data);
    nnc_task_report(root, &a->task);
    if (a->labelled) {
        nnc_report_double(root, "accuracy.top1_fp32", (double)a->top1_a / n);
        nnc_report_double(root, "accuracy.top1_int8", (double)a->top1_b / n);
        if (a->classes > 5) {
            nnc_report_double(root, "accuracy.top5_fp32", (double)a->top5_a / n);
            nnc_report_double(root, "accuracy.top5_int8", (double)a->top5_b / n);
        }
        nnc_report_double(root, "accuracy.drop", a->drop);
        nnc_report_double(root, "accuracy.drop_low", a->drop_lo);
        nnc_report_double(root, "accuracy.drop_high", a->drop_hi);
    }
    if (a->classes) {
        nnc_report_double(root, "accuracy.agreement", (double)a->agree / n);
        nnc_report_double(root, "accuracy.agreement_low", a->agree_lo);
        nnc_report_double(root, "accuracy.agreement_high", a->agree_hi);
    }
    nnc_report_double(root, "accuracy.output_sqnr_db", nnc_error_sqnr_db(&a->output));
    nnc_report_double(root, "accuracy.output_cosine", nnc_error_cosine(&a->output));
    nnc_report_double(root, "accuracy.output_max_abs", a->output.max_abs);
    for (size_t i = 0; i < a->flip_count; i++) {
        nnc_report_row *flip = nnc_report_append(root, "accuracy.changed");
        nnc_report_string(flip, "sample", a->flips[i].name);
        nnc_report_int(flip, "label", a->flips[i].label);
        nnc_report_int(flip, "top1_fp32", a->flips[i].top1_a);
        nnc_report_int(flip, "top1_int8", a->flips[i].top1_b);
    }
    if (a->output.nonfinite) {
        nnc_run_warn(run, "%llu output numbers are NaN or infinite", (unsigned long long)a->output.nonfinite);
    }
    return NNC_OK;
}

void nnc_report_content(nnc_report_row *root, const nnc_accuracy *accuracy)
{
    char hash[32];
    snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)accuracy->content);
    nnc_report_string(root, "data.evaluation.content_xxh3", hash);
}

void nnc_report_latency(nnc_report_row *root, const char *which, const nnc_latency *l)
{
    char path[64];
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"p50_ms", l->p50_ms}, {"p90_ms", l->p90_ms}, {"p99_ms", l->p99_ms},
                   {"min_ms", l->min_ms}, {"mean_ms", l->mean_ms}, {"throughput_per_s", l->throughput},
                   {"coefficient_of_variation", l->cv}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        snprintf(path, sizeof(path), "latency.%s.%s", which, numbers[i].name);
        nnc_report_double(root, path, numbers[i].value);
    }
    snprintf(path, sizeof(path), "latency.%s.runs", which);
    nnc_report_int(root, path, (int64_t)l->runs);
    snprintf(path, sizeof(path), "latency.%s.samples_ms", which);
    size_t step = l->runs / LATENCY_POINTS + 1, n = 0;
    double points[LATENCY_POINTS];
    for (size_t i = 0; i < l->runs && n < LATENCY_POINTS; i += step) {
        points[n++] = l->samples_ms[i];
    }
    nnc_report_doubles(root, path, points, n);
}

static nnc_status measure_latency(proof *p)
{
    nnc_run *run = p->run;
    nnc_report_row *root = nnc_report_root(run->report);
    nnc_report_bool(root, "latency.measured", run->recipe->bench_seconds > 0);
    if (run->recipe->bench_seconds <= 0) {
        return NNC_OK;
    }
    nnc_sample sample = {0};
    NNC_TRY(nnc_dataset_get(&sample, p->data, p->indices ? p->indices[0] : 0));
    nnc_bench_entry entries[2] = {{.exec = p->fp32, .inputs = sample.inputs, .input_count = sample.input_count},
                                  {.exec = p->int8, .inputs = sample.inputs, .input_count = sample.input_count}};
    const nnc_gates *gates = run->recipe->gates;
    nnc_bench_options options = {.warmup_s = 0.2, .seconds = run->recipe->bench_seconds,
                                 .min_runs = gates && nnc_gates_need_latency(gates) ? NNC_GATE_RUNS : 10,
                                 .max_runs = 100000};
    nnc_status status = nnc_bench_run(entries, 2, &options, run->log);
    if (status == NNC_OK) {
        double ratio, lo, hi;
        nnc_bench_ratio(&ratio, &lo, &hi, &entries[0].latency, &entries[1].latency);
        nnc_report_latency(root, "fp32", &entries[0].latency);
        nnc_report_latency(root, "int8", &entries[1].latency);
        nnc_report_double(root, "latency.speedup", ratio);
        nnc_report_double(root, "latency.speedup_low", lo);
        nnc_report_double(root, "latency.speedup_high", hi);
        if (hi < 1) {
            nnc_run_warn(run, "the compressed model is slower here than the original (%.2fx)", ratio);
        }
        if (entries[1].latency.cv > 0.05) {
            nnc_report_bool(root, "latency.unsteady", true);
        }
    }
    p->timed = status == NNC_OK;
    p->fp32_latency = entries[0].latency;
    p->int8_latency = entries[1].latency;
    nnc_sample_deinit(&sample);
    return status;
}

static void report_sizes(proof *p)
{
    nnc_report_row *root = nnc_report_root(p->run->report);
    double before = (double)p->run->source.bytes, after = (double)p->shipped->bytes;
    nnc_report_int(root, "size.source_bytes", (int64_t)p->run->source.bytes);
    nnc_report_int(root, "size.output_bytes", (int64_t)p->shipped->bytes);
    nnc_report_double(root, "size.ratio", after > 0 ? before / after : NAN);
    nnc_report_int(root, "size.weight_bytes_fp32", (int64_t)nnc_graph_weight_bytes(p->run->source.graph));
    nnc_report_int(root, "size.weight_bytes_int8", (int64_t)nnc_graph_weight_bytes(p->graph));
    nnc_report_int(root, "memory.arena_fp32_bytes",
                   (int64_t)nnrt_session_arena_bytes(nnc_exec_session(p->fp32)));
    nnc_report_int(root, "memory.arena_int8_bytes",
                   (int64_t)nnrt_session_arena_bytes(nnc_exec_session(p->int8)));
    nnc_report_int(root, "memory.plan_constants_int8_bytes",
                   (int64_t)nnrt_model_constant_bytes(nnc_exec_model(p->int8)));
    nnc_report_int(root, "memory.peak_bytes", (int64_t)nnc_peak_memory());
}

static bool is_product(const nnc_node *node)
{
    return nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm") || nnc_node_is(node, "MatMul") ||
           nnc_node_is(node, "ConvTranspose");
}

/* Share of multiply-accumulates that run in integers, and every float node with its reason. */
static nnc_status report_coverage(proof *p)
{
    nnc_legal *legal;
    NNC_TRY(nnc_legalize(&legal, p->graph));
    nnc_report_row *root = nnc_report_root(p->run->report);
    uint64_t macs = 0, int8 = 0, product = 0, product_int8 = 0;
    for (nnc_node_id i = 0; i < nnc_graph_node_count(p->graph); i++) {
        const nnc_node *node = nnc_graph_node_const(p->graph, i);
        if (node->dead || !node->op) {
            continue;
        }
        uint64_t m = nnc_node_cost(p->graph, i).macs;
        macs += m;
        int8 += legal[i].integer ? m : 0;
        product += is_product(node) ? m : 0;
        product_int8 += is_product(node) && legal[i].integer ? m : 0;
        /* Ops without a contract of their own that sit in a fused unit or only move data are not worth a line. */
        if (!legal[i].integer && (m > 0 || node->op->quant == NNC_QUANT_FLOAT)) {
            nnc_report_row *row = nnc_report_append(root, "coverage.float_nodes");
            nnc_report_string(row, "name", node->name[0] ? node->name
                                                         : nnc_graph_value_const(p->graph, node->outputs[0])->name);
            nnc_report_string(row, "op", node->op_type);
            nnc_report_int(row, "macs", (int64_t)m);
            nnc_report_string(row, "reason", legal[i].reason);
        }
    }
    nnc_free(legal);
    nnc_report_int(root, "coverage.macs", (int64_t)macs);
    nnc_report_int(root, "coverage.int8_macs", (int64_t)int8);
    nnc_report_double(root, "coverage.int8_share", product ? (double)product_int8 / (double)product : 0);
    uint64_t pairs = 0;
    size_t layers = 0;
    for (size_t i = 0; i < p->run->quant.node_count; i++) {
        pairs += p->run->quant.nodes[i].pair_overflow;
        layers += p->run->quant.nodes[i].pair_overflow > 0;
    }
    nnc_report_int(root, "quantization.pair_overflow_pairs", (int64_t)pairs);
    nnc_report_int(root, "quantization.pair_overflow_layers", (int64_t)layers);
    if (pairs && p->run->target && p->run->target->activation == NNC_DTYPE_UINT8 && p->run->target->weight_max > 64) {
        nnc_run_warn(p->run, "%s on CPUs without VNNI could saturate in %zu layers; for those use "
                             "--target ort-avx2", p->run->target->reader, layers);
    }
    return NNC_OK;
}

static void report_not_checked(proof *p)
{
    nnc_run *run = p->run;
    nnc_report_row *root = nnc_report_root(run->report);
    if (!run->eval) {
        nnc_report_append_string(root, "not_checked", "accuracy: no labelled evaluation data was given, only "
                                                      "agreement with the original was measured");
    }
    if (nnc_dataset_is_random(run->calib)) {
        nnc_report_append_string(root, "not_checked", "ranges: calibrated on random numbers, not on data");
        nnc_run_warn(run, "calibrated on random numbers: the result is unverified");
    }
    nnc_report_append_string(root, "not_checked", "other runtimes: the file follows the target's rules, but was "
                                                  "measured on the bundled runtime only");
    if (run->source.info.external_bytes) {
        nnc_report_append_string(root, "not_checked", "external weights: the SHA-256 is that of the model file, "
                                                      "not of its external data");
    }
    nnc_report_append_string(root, "not_checked", "labels: taken as given");
    nnc_report_append_string(root, "not_checked", "batch sizes other than 1");
}

static nnc_status prove(proof *p)
{
    nnc_run *run = p->run;
    nnc_run_flags cpu = run->recipe->run;
    cpu.device = NNRT_DEVICE_CPU; /* float models run there alone */
    NNC_TRY(nnc_source_exec(&p->fp32, &run->source, &cpu, false, run->log));
    NNC_TRY(nnc_source_exec(&p->int8, p->shipped, &cpu, false, run->log));
    NNC_TRY(measure_accuracy(p));
    NNC_TRY(measure_latency(p));
    const nnc_proof_data data = {p->data, p->indices, p->index_count};
    NNC_TRY(nnc_proof_device(run, p->shipped, p->int8, &data));
    NNC_TRY(nnc_report_layers(run, p->graph, p->data, p->indices, p->index_count));
    NNC_TRY(report_coverage(p));
    report_sizes(p);
    NNC_TRY(nnc_report_size_map(nnc_report_root(run->report), p->graph, p->shipped->bytes));
    report_not_checked(p);
    const nnc_measured measured = {.accuracy = &p->accuracy,
                                   .pair = true,
                                   .original_bytes = run->source.bytes,
                                   .bytes = p->shipped->bytes,
                                   .memory_bytes = nnc_gates_memory(p->int8),
                                   .original_latency = p->timed ? &p->fp32_latency : NULL,
                                   .latency = p->timed ? &p->int8_latency : NULL};
    return nnc_gates_judge(run->report, run->recipe->gates, &measured);
}

nnc_status nnc_proof(nnc_run *run, const nnc_source *shipped)
{
    proof p = {.run = run, .shipped = shipped, .graph = shipped->graph ? shipped->graph : run->graph};
    p.data = run->eval ? run->eval : run->calib;
    if (!run->eval) {
        p.indices = run->held_count ? run->held_indices : run->calib_indices;
        p.index_count = run->held_count ? run->held_count : run->calib_count;
    }
    nnc_status status = prove(&p);
    nnc_accuracy_deinit(&p.accuracy);
    nnc_latency_deinit(&p.fp32_latency);
    nnc_latency_deinit(&p.int8_latency);
    nnc_exec_destroy(p.fp32);
    nnc_exec_destroy(p.int8);
    return status;
}
