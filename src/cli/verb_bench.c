/* nncompress bench: latency of models, taking turns in one run. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/common.h"

typedef struct bench_options {
    nnc_option_list threads;
    double seconds, warmup;
    bool layers;
    nnc_run_flags run;
} bench_options;

#define ROW(name, sh, kind, member, meta, help, group, min, max, choices)                          \
    NNC_OPT(bench_options, name, sh, kind, member, meta, help, group, min, max, choices)
#define OPT_DEVICE(name, sh, kind, member, meta, help, min, max, choices)                          \
    NNC_OPT(bench_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    ROW("threads", 'j', LIST, threads, "1,2", "thread counts to measure (default: all usable cores)",
        "Measuring", 0, 0, NULL),
    ROW("seconds", 0, DOUBLE, seconds, "S", "time per model and thread count (default 2)", "Measuring", 0.01,
        3600, NULL),
    ROW("warmup", 0, DOUBLE, warmup, "S", "warm-up before it (default 0.3)", "Measuring", 0, 3600, NULL),
    ROW("layers", 0, FLAG, layers, NULL, "also the time of every layer", "Measuring", 0, 0, NULL),
    ROW("isa", 0, ENUM, run.isa, "TIER", "strongest kernels: best, ref, avx2, avxvnni, avx512vnni", "Running",
        0, 0, nnc_isa_choices),
#include "pipeline/options.def"
    ROW("shape", 0, LIST, run.shapes, "NAME=DIMS", "size of an input (x=1x3x224x224) or dimension (N=4)",
        "Running", 0, 0, NULL),
    ROW("json", 0, FLAG, run.json, NULL, "one JSON object on standard output instead of text", "Running", 0, 0,
        NULL),
    ROW("quiet", 'q', FLAG, run.quiet, NULL, "warnings and results only", "Running", 0, 0, NULL),
    ROW("verbose", 'v', FLAG, run.verbose, NULL, "say more", "Running", 0, 0, NULL),
    ROW("log-file", 0, STRING, run.log_file, "FILE", "append all messages there, with times, whatever -q and -v say",
        "Running", 0, 0, NULL),
    {0},
};

/* Inputs of a model filled with seeded noise: normal numbers, small integers, unknown dims as 1. */
static nnc_status noise_inputs(nnc_tensor **out, size_t *count, const nnc_exec *exec)
{
    const nnrt_model *model = nnc_exec_model(exec);
    *count = nnrt_model_input_count(model);
    *out = nnc_calloc(*count + 1, sizeof(**out));
    if (!*out) {
        return NNC_ERR_LIMIT;
    }
    for (uint32_t i = 0; i < *count; i++) {
        nnrt_io_info info;
        NNC_TRY(nnrt_model_input(model, i, &info));
        nnc_shape shape = nnc_shape_make(info.shape.rank, info.shape.dims);
        for (uint32_t d = 0; d < shape.rank; d++) {
            shape.dims[d] = shape.dims[d] < 0 ? 1 : shape.dims[d];
        }
        nnc_tensor noise = {0};
        NNC_TRY(nnc_tensor_create(&noise, NNC_DTYPE_FLOAT, &shape));
        nnc_rng rng;
        nnc_rng_init(&rng, 1, i);
        float *x = nnc_tensor_data(&noise);
        bool real = nnc_dtype_class_of((int)info.dtype) == NNC_DTYPE_CLASS_FLOAT;
        for (size_t k = 0; k < nnc_tensor_count(&noise); k++) {
            x[k] = real ? nnc_rng_normal(&rng) : (float)nnc_rng_below(&rng, 2);
        }
        nnc_status status = nnc_tensor_convert(&(*out)[i], &noise, (nnc_dtype)info.dtype);
        nnc_tensor_deinit(&noise);
        NNC_TRY(status);
    }
    return NNC_OK;
}

typedef struct contender {
    nnc_source source;
    nnc_exec *exec;
    nnc_tensor *inputs;
    size_t input_count;
} contender;

/* Shares of what the device reached in the same run; nothing on the CPU. */
static nnc_status print_shares(const nnrt_device_facts *device, double gmacs, double gbytes)
{
    if (device == NULL) {
        return nnc_outf("\n");
    }
    return nnc_outf(" %4.1f %% %8.1f GB/s %4.1f %%\n", 100 * gmacs / device->int8_gmacs, gbytes,
                    100 * gbytes / device->memory_gbps);
}

static nnc_status report_layers(nnc_report_row *row, const bench_options *o, nnc_exec *exec,
                                const nnrt_device_facts *device)
{
    nnrt_session *session = nnc_exec_session(exec);
    device = nnrt_session_device_of(session) == NNRT_DEVICE_CUDA ? device : NULL;
    for (uint32_t i = 0; i < nnrt_session_node_count(session); i++) {
        nnrt_node_info info;
        NNC_TRY(nnrt_session_node(session, i, &info));
        double us = info.runs ? (double)info.ns / (double)info.runs / 1e3 : 0;
        double gmacs = us > 0 ? (double)info.macs / us / 1e3 : 0;
        double gbytes = us > 0 ? (double)info.bytes / us / 1e3 : 0;
        if (o->run.json) {
            nnc_report_row *layer = nnc_report_append(row, "layers");
            nnc_report_string(layer, "name", info.name);
            nnc_report_string(layer, "op", info.rop);
            nnc_report_string(layer, "kernel", info.kernel);
            nnc_report_double(layer, "time_us", us);
            nnc_report_int(layer, "macs", (int64_t)info.macs);
            nnc_report_int(layer, "bytes", (int64_t)info.bytes);
        } else {
            nnc_str name = {0};
            nnc_str_append_printable(&name, info.name, 28);
            nnc_status status = nnc_outf("    %-28.28s %-13.13s %9.1f us %8.1f GMAC/s", nnc_str_get(&name),
                                         info.rop, us, gmacs);
            nnc_str_deinit(&name);
            NNC_TRY(status);
            NNC_TRY(print_shares(device, gmacs, gbytes));
        }
    }
    return NNC_OK;
}

/* The time of every layer, in a session of its own: what is measured for it would slow the model. */
static nnc_status measure_layers(const nnc_cli *cli, nnc_report_row *row, const bench_options *o, contender *c,
                                 const nnc_run_flags *flags, const nnrt_device_facts *device)
{
    nnc_exec *exec = NULL;
    NNC_TRY(nnc_source_exec(&exec, &c->source, flags, true, NULL));
    nnc_bench_entry entry = {.exec = exec, .inputs = c->inputs, .input_count = c->input_count};
    nnc_bench_options bench = {.seconds = o->seconds, .min_runs = 3, .max_runs = 1000000};
    nnc_status status = nnc_bench_run(&entry, 1, &bench, cli->log);
    status = status == NNC_OK ? report_layers(row, o, exec, device) : status;
    nnc_latency_deinit(&entry.latency);
    nnc_exec_destroy(exec);
    return status;
}

/* Where an entry ran, for the table: number of threads, or the device. */
static void place_text(char out[24], const contender *c, uint64_t threads)
{
    const bool device = nnrt_session_device_of(nnc_exec_session(c->exec)) == NNRT_DEVICE_CUDA;
    snprintf(out, 24, device ? "gpu" : "%llu", (unsigned long long)threads);
}

static nnc_status report_entry(nnc_report_row *root, const bench_options *o, const contender *c,
                               const nnc_bench_entry *entry, const nnc_bench_entry *first, uint64_t threads,
                               nnc_report_row **out)
{
    const nnc_latency *l = &entry->latency;
    double ratio = 1, lo = 1, hi = 1;
    if (entry != first) {
        nnc_bench_ratio(&ratio, &lo, &hi, &first->latency, l);
    }
    nnc_report_row *row = NULL;
    if (o->run.json) {
        row = nnc_report_append(root, "results");
        nnc_report_string(row, "model", c->source.path);
        nnc_report_int(row, "threads", (int64_t)threads);
        if (nnrt_session_device_name(nnc_exec_session(c->exec))) {
            nnc_report_string(row, "device", nnrt_session_device_name(nnc_exec_session(c->exec)));
        }
        nnc_report_double(row, "latency_p50_ms", l->p50_ms);
        nnc_report_double(row, "latency_min_ms", l->min_ms);
        nnc_report_double(row, "latency_p90_ms", l->p90_ms);
        nnc_report_double(row, "latency_p99_ms", l->p99_ms);
        nnc_report_double(row, "throughput_per_s", l->throughput);
        nnc_report_double(row, "coefficient_of_variation", l->cv);
        nnc_report_int(row, "runs", (int64_t)l->runs);
        nnc_report_int(row, "arena_bytes", (int64_t)nnrt_session_arena_bytes(nnc_exec_session(c->exec)));
        nnc_report_double(row, "speedup_over_first", ratio);
        nnc_report_double(row, "speedup_low", lo);
        nnc_report_double(row, "speedup_high", hi);
    } else {
        nnc_str name = {0};
        nnc_str_append_printable(&name, c->source.path, 0);
        const char *tail = nnc_str_get(&name);
        size_t n = strlen(tail);
        char place[24];
        place_text(place, c, threads);
        nnc_status status = nnc_outf("%-24s %3s %9.3f %9.3f %9.3f %8.1f %6.2fx\n", n > 24 ? tail + n - 24 : tail,
                                     place, l->p50_ms, l->min_ms, l->p90_ms, l->throughput, ratio);
        nnc_str_deinit(&name);
        NNC_TRY(status);
        if (l->cv > 0.05) {
            NNC_TRY(nnc_outf("    times vary by %.0f %%: other load or throttling\n", 100 * l->cv));
        }
    }
    *out = row;
    return NNC_OK;
}

static nnc_status measure(const nnc_cli *cli, const bench_options *o, contender *c, size_t n, uint64_t threads,
                          nnc_report_row *root, const nnrt_device_facts *device)
{
    nnc_bench_entry *entries = nnc_calloc(n, sizeof(*entries));
    nnc_status status = entries ? NNC_OK : NNC_ERR_LIMIT;
    nnc_run_flags flags = o->run;
    flags.threads = (int64_t)threads;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        status = nnc_source_exec(&c[i].exec, &c[i].source, &flags, false, cli->log);
        if (status == NNC_OK) {
            status = noise_inputs(&c[i].inputs, &c[i].input_count, c[i].exec);
        }
        entries[i] = (nnc_bench_entry){.exec = c[i].exec, .inputs = c[i].inputs,
                                       .input_count = c[i].input_count};
    }
    nnc_bench_options bench = {.warmup_s = o->warmup, .seconds = o->seconds, .min_runs = 10,
                               .max_runs = 1000000};
    if (status == NNC_OK) {
        status = nnc_bench_run(entries, n, &bench, cli->log);
    }
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        nnc_report_row *row = NULL;
        status = report_entry(root, o, &c[i], &entries[i], &entries[0], threads, &row);
        if (status == NNC_OK && o->layers) {
            status = measure_layers(cli, row, o, &c[i], &flags, device);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (entries) {
            nnc_latency_deinit(&entries[i].latency);
        }
        nnc_exec_destroy(c[i].exec);
        nnc_tensors_free(c[i].inputs, c[i].input_count);
        c[i].exec = NULL;
        c[i].inputs = NULL;
    }
    nnc_free(entries);
    return status;
}

/* The device's facts, measured now; *device NULL on the CPU, also when --device auto finds none. */
static nnc_status find_device(const bench_options *o, nnc_report_row *root, nnrt_device_facts *facts,
                              const nnrt_device_facts **device)
{
    if (o->run.device == NNRT_DEVICE_CPU) {
        return NNC_OK;
    }
    nnc_status status = (nnc_status)nnrt_device_measure(facts, (uint32_t)o->run.device_index);
    if (status != NNC_OK) {
        return o->run.device == NNRT_DEVICE_AUTO ? NNC_OK : status;
    }
    *device = facts;
    if (o->run.json) {
        nnc_report_string(root, "environment.device", facts->name);
        nnc_report_double(root, "ceiling.device_int8_gmacs", facts->int8_gmacs);
        nnc_report_double(root, "ceiling.device_memory_gbps", facts->memory_gbps);
        nnc_report_double(root, "ceiling.device_l2_gbps", facts->l2_gbps);
        return NNC_OK;
    }
    return nnc_outf("%s (%u.%u, %u multiprocessors); tensor cores reach %.0f GMAC/s, memory %.0f GB/s now\n",
                    facts->name, facts->major, facts->minor, facts->multiprocessors, facts->int8_gmacs,
                    facts->memory_gbps);
}

static nnc_status report_header(const bench_options *o, nnc_report_row *root)
{
    nnc_environment env;
    uint32_t isa = nnc_run_isa(&o->run);
    nnc_environment_get(&env, 0, isa);
    double int8 = nnc_bench_ceiling(isa, true), fp32 = nnc_bench_ceiling(isa, false);
    if (o->run.json) {
        nnc_report_string(root, "environment.cpu", env.cpu);
        nnc_report_string(root, "environment.isa", env.isa);
        nnc_report_double(root, "ceiling.int8_gmacs_per_core", int8);
        nnc_report_double(root, "ceiling.fp32_gmacs_per_core", fp32);
        return NNC_OK;
    }
    NNC_TRY(nnc_outf("%s, %s kernels; one core peaks at %.0f (INT8) and %.0f (FP32) GMAC/s now\n\n", env.cpu,
                     env.isa, int8, fp32));
    return nnc_outf("%-24s %3s %9s %9s %9s %8s %7s\n", "model", "T", "p50 ms", "min ms", "p90 ms", "runs/s",
                    "speed");
}

static nnc_status bench(const nnc_cli *cli, const bench_options *o, const nnc_option_list *words)
{
    size_t n = words->count;
    contender *c = nnc_calloc(n, sizeof(*c));
    nnc_report *report = NULL;
    nnrt_device_facts facts = {.name = ""};
    const nnrt_device_facts *device = NULL;
    nnc_status status = c ? nnc_report_create(&report, "bench") : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        status = nnc_source_load(&c[i].source, words->items[i], &o->run, false, cli->log);
    }
    if (status == NNC_OK) {
        status = find_device(o, nnc_report_root(report), &facts, &device);
        status = status == NNC_OK ? report_header(o, nnc_report_root(report)) : status;
    }
    size_t counts = o->threads.count ? o->threads.count : 1;
    for (size_t t = 0; status == NNC_OK && t < counts; t++) {
        uint64_t threads = 0;
        if (o->threads.count && (!nnc_parse_u64(o->threads.items[t], &threads) || threads < 1 || threads > 1024)) {
            status = nnc_error_set(NNC_ERR_USAGE, "--threads: '%s' is not a number from 1 to 1024",
                                   o->threads.items[t]);
            break;
        }
        status = measure(cli, o, c, n, threads, nnc_report_root(report), device);
    }
    if (status == NNC_OK && o->run.json) {
        status = nnc_cli_print_json(report);
    }
    for (size_t i = 0; c && i < n; i++) {
        nnc_source_deinit(&c[i].source);
    }
    nnc_free(c);
    nnc_report_destroy(report);
    return status;
}

static nnc_status run(const nnc_cli *cli)
{
    bench_options o = {.seconds = 2, .warmup = 0.3};
    nnc_option_list words = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_bench, &o, &words, 1, 64);
    if (status == NNC_OK) {
        status = bench(cli, &o, &words);
    }
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.threads);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_bench = {
    .name = "bench",
    .summary = "measures latency; several models take turns in one run",
    .usage = "bench MODEL... [options]",
    .examples = "  nncompress bench model.onnx model.int8.onnx --threads 1,2\n"
                "  nncompress bench model.nncp --layers\n",
    .options = options,
    .run = run,
};
