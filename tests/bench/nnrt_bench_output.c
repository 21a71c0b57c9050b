/* Tables and JSON of nnrt-bench. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "bench/nnrt_bench.h"

/* Items per second without copies: items of the batch's first dimension, or runs. */
static double rate(const bench_report_row *row)
{
    const double items = row->measured->batch ? (double)row->measured->batch : 1;
    return row->result->rerun.mean > 0 ? items * 1e3 / row->result->rerun.mean : 0;
}

void bench_print_where(nnc_str *text, const bench_case *c, const nnrt_session_options *options)
{
    const char *note = nnrt_session_device_note(c->session);
    if (nnrt_session_device_of(c->session) == NNRT_DEVICE_CUDA) {
        nnc_str_appendf(text, "CUDA device %u", options->device_index);
        return;
    }
    const uint32_t best = nnrt_isa_best(), isa = options->isa_max < best ? options->isa_max : best;
    nnc_str_appendf(text, "CPU, %s kernels at most, ", nnrt_isa_name(isa));
    if (options->threads)
        nnc_str_appendf(text, "%u thread%s", options->threads, options->threads == 1 ? "" : "s");
    else
        nnc_str_append(text, "a thread per core");
    if (note)
        nnc_str_appendf(text, " (not on CUDA: %s)", note);
}

void bench_print_header(nnc_str *text, const char *plan, const bench_case *c,
                        const nnrt_session_options *options)
{
    nnc_str_append_printable(text, plan, 0);
    nnc_str_append(text, ": ");
    bench_print_where(text, c, options);
    nnc_str_appendf(text, ", %.2f MB of constants\n", (double)nnrt_model_constant_bytes(c->model) * 1e-6);
    nnc_str_append(text, "milliseconds; bare: inputs in place, nothing copied (nnrt_session_rerun); run: inputs in "
                         "host memory of the session, outputs there\n(nnrt_session_run); all: the program's own "
                         "copies in and out, too; items/s: of the bare runs\n");
    nnc_str_appendf(text, "%6s %7s %9s %9s %9s %9s %9s %9s %9s %10s %8s  %s\n", "batch", "rounds", "bare p50",
                    "p95", "min", "run p50", "p95", "min", "all p50", "items/s", "arena MB", "equal to");
}

void bench_print_row(nnc_str *text, const bench_report_row *row)
{
    const bench_times *bare = &row->result->rerun, *run = &row->result->run;
    char batch[24] = "-";
    if (row->measured->batch)
        snprintf(batch, sizeof(batch), "%llu", (unsigned long long)row->measured->batch);
    nnc_str_appendf(text, "%6s %7zu %9.4f %9.4f %9.4f %9.4f %9.4f %9.4f %9.4f %10.1f %8.2f  %s%s%s\n", batch,
                    run->count, bare->p50, bare->p95, bare->min, run->p50, run->p95, run->min,
                    row->result->with_copy.p50, rate(row),
                    (double)nnrt_session_arena_bytes(row->measured->session) * 1e-6,
                    row->verified ? "the CPU" : "", row->verified && row->golden ? ", " : "",
                    row->golden ? "golden" : row->verified ? "" : "not compared");
}

/* Mean nanoseconds of a run of one node; 0 if it never ran. */
static double node_ns(const nnrt_node_info *info)
{
    return info->runs ? (double)info->ns / (double)info->runs : 0;
}

static double total_ns(const nnrt_session *session)
{
    double total = 0;
    nnrt_node_info info;
    for (uint32_t i = 0; i < nnrt_session_node_count(session); i++)
        if (nnrt_session_node(session, i, &info) == NNRT_OK)
            total += node_ns(&info);
    return total;
}

/* Share of a rate in percent; blank where there is nothing to share. */
static void print_share(nnc_str *text, double amount, double ns, double rate)
{
    if (amount > 0 && rate > 0)
        nnc_str_appendf(text, " %6.1f", amount / ns / rate * 100);
    else
        nnc_str_append(text, "       ");
}

static void print_node(nnc_str *text, const nnrt_node_info *info, double total, const nnrt_device_facts *facts)
{
    const double ns = node_ns(info), floor = ns > 1 ? ns : 1;
    nnc_str_appendf(text, "%9.2f %6.2f %9.1f %9.1f", ns * 1e-3, total > 0 ? ns / total * 100 : 0,
                    (double)info->macs / floor, (double)info->bytes / floor);
    if (facts) {
        print_share(text, (double)info->macs, floor, facts->int8_gmacs);
        print_share(text, (double)info->bytes, floor, facts->memory_gbps);
    }
    nnc_str_appendf(text, "  %-14s %-32s ", info->rop, info->kernel);
    nnc_str_append_printable(text, info->name, 40);
    nnc_str_append(text, "\n");
}

void bench_print_nodes(nnc_str *text, const bench_report_row *row)
{
    const double total = total_ns(row->profiled);
    nnrt_node_info info;
    nnc_str_appendf(text, "\n%9s %6s %9s %9s%s  %-14s %-32s %s\n", "us", "%", "GMAC/s", "GB/s",
                    row->facts ? "  %MAC/s   %GB/s" : "", "op", "kernel", "node");
    for (uint32_t i = 0; i < nnrt_session_node_count(row->profiled); i++)
        if (nnrt_session_node(row->profiled, i, &info) == NNRT_OK && info.runs > 0)
            print_node(text, &info, total, row->facts);
    nnc_str_appendf(text, "%9.2f %6.2f  sum of the nodes\n\n", total * 1e-3, 100.0);
}

void bench_print_facts(nnc_str *text, const nnrt_device_facts *f)
{
    nnc_str_append_printable(text, f->name, 0);
    nnc_str_appendf(text, ": compute capability %u.%u, %u multiprocessors, %.1f GB, %.1f MB L2\n", f->major, f->minor,
                    f->multiprocessors, (double)f->memory_bytes * 1e-9, (double)f->l2_bytes * 1e-6);
    nnc_str_appendf(text,
                    "measured now: %.0f GMAC/s (%.1f TOPS) of INT8 products, %.0f GB/s of copies in memory, %.0f GB/s "
                    "in L2 (bytes read and written)\n\n",
                    f->int8_gmacs, 2e-3 * f->int8_gmacs, f->memory_gbps, f->l2_gbps);
}

static void json_string(nnc_str *json, const char *key, const char *value)
{
    nnc_str_appendf(json, "\"%s\":\"", key);
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '"' || *c == '\\')
            nnc_str_appendf(json, "\\%c", *c);
        else if (*c < 0x20)
            nnc_str_appendf(json, "\\u%04x", *c);
        else
            nnc_str_append_n(json, (const char *)c, 1);
    }
    nnc_str_append(json, "\"");
}

void bench_json_facts(nnc_str *json, const nnrt_device_facts *f)
{
    nnc_str_append(json, "\"cuda\":{");
    json_string(json, "name", f->name);
    nnc_str_appendf(json,
                    ",\"compute_capability\":\"%u.%u\",\"multiprocessors\":%u,\"memory_bytes\":%llu,"
                    "\"l2_bytes\":%llu,\"int8_gmac_per_s\":%.1f,\"memory_gb_per_s\":%.1f,\"l2_gb_per_s\":%.1f}",
                    f->major, f->minor, f->multiprocessors, (unsigned long long)f->memory_bytes,
                    (unsigned long long)f->l2_bytes, f->int8_gmacs, f->memory_gbps, f->l2_gbps);
}

static void json_times(nnc_str *json, const char *name, const bench_times *times)
{
    nnc_str_appendf(json, "\"%s_p50_ms\":%.6f,\"%s_p95_ms\":%.6f,\"%s_min_ms\":%.6f,\"%s_mean_ms\":%.6f,", name,
                    times->p50, name, times->p95, name, times->min, name, times->mean);
}

static void json_nodes(nnc_str *json, const nnrt_session *profiled)
{
    nnrt_node_info info;
    nnc_str_append(json, ",\"nodes\":[");
    const char *comma = "";
    for (uint32_t i = 0; i < nnrt_session_node_count(profiled); i++) {
        if (nnrt_session_node(profiled, i, &info) != NNRT_OK || info.runs == 0)
            continue;
        nnc_str_appendf(json, "%s{", comma);
        json_string(json, "name", info.name);
        nnc_str_append(json, ",");
        json_string(json, "op", info.rop);
        nnc_str_append(json, ",");
        json_string(json, "kernel", info.kernel);
        nnc_str_appendf(json, ",\"time_us\":%.4f,\"macs\":%llu,\"bytes\":%llu}", node_ns(&info) * 1e-3,
                        (unsigned long long)info.macs, (unsigned long long)info.bytes);
        comma = ",";
    }
    nnc_str_append(json, "]");
}

void bench_json_row(nnc_str *json, const bench_report_row *row)
{
    nnc_str_append(json, "{");
    json_string(json, "plan", row->plan);
    const char *note = nnrt_session_device_note(row->measured->session);
    nnc_str_append(json, ",");
    json_string(json, "device",
                nnrt_session_device_of(row->measured->session) == NNRT_DEVICE_CUDA ? "cuda" : "cpu");
    if (note) {
        nnc_str_append(json, ",");
        json_string(json, "device_note", note);
    }
    nnc_str_appendf(json, ",\"batch\":%llu,\"runs\":%zu,", (unsigned long long)row->measured->batch,
                    row->result->run.count);
    json_times(json, "bare", &row->result->rerun);
    json_times(json, "run", &row->result->run);
    json_times(json, "all", &row->result->with_copy);
    nnc_str_appendf(json, "\"items_per_s\":%.3f,\"arena_bytes\":%zu,\"constant_bytes\":%zu,", rate(row),
                    nnrt_session_arena_bytes(row->measured->session),
                    nnrt_model_constant_bytes(row->measured->model));
    nnc_str_appendf(json, "\"equal_to_cpu\":%s,\"equal_to_golden\":%s", row->verified ? "true" : "null",
                    row->golden ? "true" : "null");
    if (row->profiled)
        json_nodes(json, row->profiled);
    nnc_str_append(json, "}");
}
