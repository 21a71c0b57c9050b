/* nnrt-bench: latency of runtime plans and proof of their bits, over nnrt.h alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bench/nnrt_bench.h"

#define PROFILE_RUNS 20

static const char usage[] =
    "nnrt-bench - latency of runtime plans, and proof of their bits\n\n"
    "usage: nnrt-bench PLAN.nncp... [options]\n\n"
    "      --device WHERE       cpu (default), cuda, or auto: cuda if it can run the plan\n"
    "      --device-index N     of several CUDA devices\n"
    "      --batch N,...        first dimension of the inputs (default: the plan's, unknown ones 1)\n"
    "  -j, --threads N          threads (default: one per usable core)\n"
    "      --isa TIER           strongest CPU kernels: best, ref, avx2, avxvnni, avx512vnni\n"
    "      --seconds S          time per plan and batch (default 1; 0: no measurement)\n"
    "      --warmup S           warm-up before it (default 0.2)\n"
    "      --profile            also the time of every node\n"
    "      --seed N             of the inputs (default 1)\n"
    "      --verify             compare the outputs with the CPU's: its reference kernels for --device cpu\n"
    "      --golden FILE        compare the outputs with this file; one plan\n"
    "      --write-golden FILE  write the outputs to this file; one plan\n"
    "      --json FILE          write the results as JSON, too\n\n"
    "Outputs are equal when every byte is. Exit codes: 0 done, 9 outputs differ, 2 to 8 as nncompress.\n";

static const char *const isa_choices[] = {"ref", "avx2", "avxvnni", "avx512vnni", "best", NULL};
#define ISA_BEST 4
static const char *const device_choices[] = {
    [NNRT_DEVICE_CPU] = "cpu", [NNRT_DEVICE_CUDA] = "cuda", [NNRT_DEVICE_AUTO] = "auto", NULL};

#define ROW(name, sh, type, member, min, max, choices)                                             \
    {name, sh, NNC_OPTION_##type, offsetof(bench_options, member), "", "", "", min, max, choices}
static const nnc_option rows[] = {
    ROW("batch", 0, LIST, batches, 0, 0, NULL),
    ROW("threads", 'j', INT, threads, 1, 1024, NULL),
    ROW("device", 0, ENUM, device, 0, 0, device_choices),
    ROW("device-index", 0, INT, device_index, 0, 1024, NULL),
    ROW("isa", 0, ENUM, isa, 0, 0, isa_choices),
    ROW("seconds", 0, DOUBLE, seconds, 0, 3600, NULL),
    ROW("warmup", 0, DOUBLE, warmup, 0, 3600, NULL),
    ROW("profile", 0, FLAG, profile, 0, 0, NULL),
    ROW("seed", 0, INT, seed, 0, 1e15, NULL),
    ROW("verify", 0, FLAG, verify, 0, 0, NULL),
    ROW("golden", 0, STRING, golden, 0, 0, NULL),
    ROW("write-golden", 0, STRING, write_golden, 0, 0, NULL),
    ROW("json", 0, STRING, json, 0, 0, NULL),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* One plan while it is measured. */
typedef struct plan_job {
    const char *path;
    const bench_options *options;
    nnrt_model *model;
    bench_golden *golden, *written;
    nnc_str *json;
    const nnrt_device_facts *facts; /* NULL: CUDA is not used or not there */
} plan_job;

static nnrt_session_options session_options(const bench_options *o)
{
    return (nnrt_session_options){.size = sizeof(nnrt_session_options),
                                  .threads = (uint32_t)o->threads,
                                  .isa_max = o->isa == ISA_BEST ? NNRT_ISA_BEST : (uint32_t)o->isa,
                                  .device = (uint32_t)o->device,
                                  .device_index = (uint32_t)o->device_index};
}

static nnc_status verify(const plan_job *job, const bench_case *c)
{
    nnrt_session_options options = session_options(job->options);
    if (nnrt_session_device_of(c->session) == NNRT_DEVICE_CPU)
        options.isa_max = NNRT_ISA_REF;
    options.device = NNRT_DEVICE_CPU;
    bench_case reference;
    NNC_TRY(bench_case_open(&reference, job->model, &options, c->batch, (uint64_t)job->options->seed));
    nnc_status status = bench_case_run(&reference);
    if (status == NNC_OK)
        status = bench_compare_cases(c, &reference, "the CPU");
    bench_case_close(&reference);
    return status;
}

/* A session of its own, because recording slows the others down. */
static nnc_status profile(bench_case *out, const plan_job *job, const bench_case *c)
{
    nnrt_session_options options = session_options(job->options);
    options.profile = 1;
    NNC_TRY(bench_case_open(out, job->model, &options, c->batch, (uint64_t)job->options->seed));
    nnc_status status = bench_case_run(out);
    nnrt_session_profile_reset(out->session);
    for (int i = 0; status == NNC_OK && i < PROFILE_RUNS; i++)
        status = bench_case_run(out);
    if (status != NNC_OK)
        bench_case_close(out);
    return status;
}

static void print(nnc_str *text)
{
    fputs(nnc_str_get(text), stdout);
    fflush(stdout);
    nnc_str_deinit(text);
}

static nnc_status measure_and_report(const plan_job *job, bench_case *c, bench_report_row *row)
{
    const bench_options *o = job->options;
    bench_result result;
    bench_case profiled = {0};
    NNC_TRY(bench_measure(&result, c, o->warmup, o->seconds));
    nnc_status status = o->profile ? profile(&profiled, job, c) : NNC_OK;
    if (status == NNC_OK) {
        nnc_str text = {0};
        row->result = &result;
        row->profiled = profiled.session;
        bench_print_row(&text, row);
        if (profiled.session)
            bench_print_nodes(&text, row);
        print(&text);
        nnc_str_append(job->json, job->json->len ? ",\n" : "");
        bench_json_row(job->json, row);
    }
    bench_case_close(&profiled);
    bench_result_deinit(&result);
    return status;
}

/* The line of a plan that is compared but not measured. */
static void report_check(const plan_job *job, const bench_case *c, const bench_report_row *row)
{
    const nnrt_session_options options = session_options(job->options);
    nnc_str text = {0};
    nnc_str_append_printable(&text, job->path, 0);
    if (c->batch)
        nnc_str_appendf(&text, ": batch %llu", (unsigned long long)c->batch);
    nnc_str_append(&text, " on ");
    bench_print_where(&text, c, &options);
    nnc_str_appendf(&text, ": %s%s%s\n", row->golden ? "equal to the golden outputs" : "",
                    row->golden && row->verified ? " and " : "",
                    row->verified ? "equal to the CPU" : row->golden ? "" : "ran");
    print(&text);
}

static nnc_status check_and_measure(const plan_job *job, bench_case *c)
{
    const bench_options *o = job->options;
    bench_report_row row = {.plan = job->path, .measured = c};
    if (nnrt_session_device_of(c->session) == NNRT_DEVICE_CUDA)
        row.facts = job->facts;
    NNC_TRY(bench_case_run(c));
    if (nnrt_session_device_of(c->session) == NNRT_DEVICE_CUDA)
        NNC_TRY(bench_case_run(c)); /* the first run launches kernels, later ones replay a graph */
    if (job->golden)
        NNC_TRY(bench_golden_compare(job->golden, c));
    row.golden = job->golden != NULL;
    if (o->verify)
        NNC_TRY(verify(job, c));
    row.verified = o->verify;
    if (job->written)
        NNC_TRY(bench_golden_add(job->written, c));
    if (o->seconds > 0)
        return measure_and_report(job, c, &row);
    report_check(job, c, &row);
    return NNC_OK;
}

static nnc_status run_batch(const plan_job *job, uint64_t batch, bool first)
{
    const nnrt_session_options options = session_options(job->options);
    bench_case c;
    NNC_TRY(bench_case_open(&c, job->model, &options, batch, (uint64_t)job->options->seed));
    if (first && job->options->seconds > 0) {
        nnc_str text = {0};
        bench_print_header(&text, job->path, &c, &options);
        print(&text);
    }
    nnc_status status = check_and_measure(job, &c);
    bench_case_close(&c);
    return status == NNC_OK || !batch ? status : nnc_error_prepend(status, "batch %llu", (unsigned long long)batch);
}

static nnc_status run_batches(const plan_job *job)
{
    const nnc_option_list *batches = &job->options->batches;
    if (batches->count == 0)
        return run_batch(job, 0, true);
    for (size_t i = 0; i < batches->count; i++) {
        uint64_t batch;
        if (!nnc_parse_u64(batches->items[i], &batch) || batch < 1 || batch > INT32_MAX)
            NNC_FAIL(NNC_ERR_USAGE, "--batch: '%s' is not a number from 1 to %d", batches->items[i], INT32_MAX);
        NNC_TRY(run_batch(job, batch, i == 0));
    }
    return NNC_OK;
}

static nnc_status open_goldens(plan_job *job)
{
    const bench_options *o = job->options;
    if (!o->golden && !o->write_golden)
        return NNC_OK;
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, job->path, 0));
    const uint64_t hash = nnc_hash64(map.data, map.bytes, 0);
    nnc_file_map_close(&map);
    if (o->golden)
        NNC_TRY(bench_golden_load(&job->golden, o->golden, hash, (uint64_t)o->seed));
    return o->write_golden ? bench_golden_create(&job->written, hash, (uint64_t)o->seed) : NNC_OK;
}

static nnc_status run_plan(const char *path, const bench_options *o, const nnrt_device_facts *facts, nnc_str *json)
{
    plan_job job = {.path = path, .options = o, .json = json, .facts = facts};
    nnc_status status = bench_status(nnrt_model_load(&job.model, path, NNRT_VERIFY));
    if (status == NNC_OK)
        status = open_goldens(&job);
    if (status == NNC_OK)
        status = run_batches(&job);
    if (status == NNC_OK && job.written)
        status = bench_golden_save(job.written, o->write_golden);
    bench_golden_destroy(job.golden);
    bench_golden_destroy(job.written);
    nnrt_model_destroy(job.model);
    return status == NNC_OK ? status : nnc_error_prepend(status, "%s", path);
}

static nnc_status write_json(const char *path, const nnrt_device_facts *facts, const nnc_str *rows_json)
{
    nnc_str text = {0};
    nnc_file_out *file = NULL;
    nnc_str_appendf(&text, "{\"tool\":\"nnrt-bench\",\"version\":\"%s\",\"isa\":\"%s\",", nnrt_version(),
                    nnrt_isa_name(nnrt_isa_best()));
    if (facts) {
        bench_json_facts(&text, facts);
        nnc_str_append(&text, ",");
    }
    nnc_str_append(&text, "\"results\":[\n");
    nnc_str_append_n(&text, nnc_str_get(rows_json), rows_json->len);
    nnc_str_append(&text, "\n]}\n");
    nnc_status status = nnc_str_status(&text);
    if (status == NNC_OK)
        status = nnc_file_out_create(&file, path, NNC_FILE_REPLACE);
    if (status == NNC_OK) {
        status = nnc_file_out_write(file, text.data, text.len);
        if (status == NNC_OK)
            status = nnc_file_out_commit(file);
        else
            nnc_file_out_abort(file);
    }
    nnc_str_deinit(&text);
    return status;
}

/* Rates of the device, in the same run as what is compared with them; with --device auto it may be missing. */
static nnc_status measure_device(nnrt_device_facts *facts, bool *known, const bench_options *o)
{
    *known = false;
    if (o->device == NNRT_DEVICE_CPU || !(o->seconds > 0))
        return NNC_OK;
    nnc_status status = bench_status(nnrt_device_measure(facts, (uint32_t)o->device_index));
    if (status == NNC_ERR_DEVICE && o->device == NNRT_DEVICE_AUTO)
        return NNC_OK; /* every plan's line says why */
    NNC_TRY(status);
    *known = true;
    nnc_str text = {0};
    bench_print_facts(&text, facts);
    print(&text);
    return NNC_OK;
}

static nnc_status run_plans(const bench_options *o, const nnc_option_list *plans)
{
    if (plans->count == 0)
        NNC_FAIL(NNC_ERR_USAGE, "no plan given. Usage: nnrt-bench PLAN.nncp... [options]; --help says more");
    if ((o->golden || o->write_golden) && plans->count > 1)
        NNC_FAIL(NNC_ERR_USAGE, "a golden file belongs to one plan, %zu are given", plans->count);
    nnc_str json = {0};
    nnrt_device_facts facts;
    bool known;
    nnc_status status = measure_device(&facts, &known, o);
    for (size_t i = 0; status == NNC_OK && i < plans->count; i++)
        status = run_plan(plans->items[i], o, known ? &facts : NULL, &json);
    if (status == NNC_OK)
        status = nnc_str_status(&json);
    if (status == NNC_OK && o->json)
        status = write_json(o->json, known ? &facts : NULL, &json);
    nnc_str_deinit(&json);
    return status;
}

int main(int argc, char **argv)
{
    bench_options o = {.seconds = 1, .warmup = 0.2, .seed = 1, .isa = ISA_BEST};
    nnc_option_list plans = {0};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        }
    nnc_status status = nnc_option_parse(rows, ROWS, &o, argc - 1, argv + 1, &plans, NULL);
    if (status == NNC_OK)
        status = run_plans(&o, &plans);
    nnc_option_list_deinit(&o.batches);
    nnc_option_list_deinit(&plans);
    if (status != NNC_OK)
        fprintf(stderr, "nnrt-bench: error[%s]: %s (exit %d)\n", nnc_status_name(status), nnc_error_message(),
                (int)status);
    return (int)status;
}
