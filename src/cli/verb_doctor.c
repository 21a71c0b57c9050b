/* nncompress doctor: what this machine and this build can do. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cli/common.h"
#include "cli/host.h"
#include "cli/terminal.h"
#include "runtime_int8/cuda/device.h"
#include "runtime_int8/kernels/cpu.h"

#define SPACE_LOW ((uint64_t)64 << 20)
#define MEMORY_LOW ((uint64_t)256 << 20)
#define LIBRARIES 16

typedef struct doctor_options {
    nnc_run_flags run;
} doctor_options;

#define OPT_TALK(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(doctor_options, name, sh, kind, run.member, meta, help, "Messages", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(doctor_options, "device", 0, ENUM, run.device, "WHERE",
            "cuda: a GPU that cannot be used is a problem, exit 8 (default auto: it is only said)", "Device", 0, 0,
            nnc_device_choices),
    NNC_OPT(doctor_options, "device-index", 0, INT, run.device_index, "N",
            "which of several CUDA devices (default 0)", "Device", 0, 1023, NULL),
#include "pipeline/options.def"
    {0},
};

/* The findings: what is shown, and the first thing that is wrong. */
typedef struct doctor {
    const doctor_options *options;
    nnc_report *report;
    nnc_report_row *root;
    nnc_status status; /* of the first problem */
    char problem[1024];
    nnc_str text;
} doctor;

static void problem(doctor *d, nnc_status status, const char *text)
{
    nnc_report_append_string(d->root, "problems", text);
    if (d->status == NNC_OK) {
        d->status = status;
        snprintf(d->problem, sizeof(d->problem), "%s", text);
    }
}

static void show(doctor *d, const char *what, const char *text)
{
    nnc_str_appendf(&d->text, "%-10s %s\n", what, text);
}

static void look_at_cpu(doctor *d, const nnc_host *host)
{
    char text[768], quota[48] = "no quota";
    nnc_environment env;
    nnc_environment_get(&env, 0, NNRT_ISA_BEST);
    if (host->quota > 0) {
        snprintf(quota, sizeof(quota), "quota of %.2f cores", host->quota);
    }
    show(d, "system", env.os);
    snprintf(text, sizeof(text), "%s, governor %s", env.cpu, env.governor);
    show(d, "cpu", text);
    snprintf(text, sizeof(text), "%u used by default; %u online, %u by affinity, %s", env.cores, host->online,
             host->affinity, quota);
    show(d, "cores", text);
    snprintf(text, sizeof(text), "%s%s", env.isa,
             strcmp(env.isa, "ref") == 0 ? ": slow, this CPU lacks AVX2 or NNRT_MAX_ISA forbids it" : "");
    show(d, "kernels", text);
    nnc_report_string(d->root, "environment.os", env.os);
    nnc_report_string(d->root, "environment.cpu", env.cpu);
    nnc_report_string(d->root, "environment.governor", env.governor);
    nnc_report_string(d->root, "environment.isa", env.isa);
    nnc_report_string(d->root, "environment.compiler", env.compiler);
    nnc_report_int(d->root, "environment.cores", env.cores);
    nnc_report_int(d->root, "environment.cores_online", host->online);
    nnc_report_int(d->root, "environment.cores_affinity", host->affinity);
    if (host->quota > 0) {
        nnc_report_double(d->root, "environment.cores_quota", host->quota);
    }
}

static void look_at_memory(doctor *d, const nnc_host *host)
{
    char text[256], a[32], b[32], c[32], e[32];
    bool grouped = host->memory_group != NNC_NO_LIMIT, limited = host->address_space != NNC_NO_LIMIT;
    uint64_t usable = host->memory_available;
    usable = grouped && host->memory_group < usable ? host->memory_group : usable;
    usable = limited && host->address_space < usable ? host->address_space : usable;
    snprintf(text, sizeof(text), "%s available of %s; control group: %s; address space: %s",
             nnc_format_size(a, host->memory_available), nnc_format_size(b, host->memory_total),
             grouped ? nnc_format_size(c, host->memory_group) : "no limit",
             limited ? nnc_format_size(e, host->address_space) : "no limit");
    show(d, "memory", text);
    nnc_report_int(d->root, "memory.total_bytes", (int64_t)host->memory_total);
    nnc_report_int(d->root, "memory.available_bytes", (int64_t)host->memory_available);
    if (grouped) {
        nnc_report_int(d->root, "memory.group_limit_bytes", (int64_t)host->memory_group);
    }
    if (limited) {
        nnc_report_int(d->root, "memory.address_space_bytes", (int64_t)host->address_space);
    }
    if (host->memory_available && usable < MEMORY_LOW) {
        snprintf(text, sizeof(text), "memory: %s usable, a run needs %s at least", nnc_format_size(a, usable),
                 nnc_format_size(b, MEMORY_LOW));
        problem(d, NNC_ERR_LIMIT, text);
    }
}

static void look_at_libraries(doctor *d)
{
    nnc_library library[LIBRARIES];
    nnc_str text = {0};
    nnc_onnx_library(&library[0]);
    size_t n = 1 + nnc_dataset_libraries(&library[1]);
    nnc_report_library(&library[n++]);
    nnc_hash_library(&library[n++]);
    library[n++] = (nnc_library){.name = "pthreadpool"};
    for (size_t i = 0; i < n; i++) {
        bool other = library[i].built[0] && strcmp(library[i].built, library[i].version) != 0;
        nnc_str_appendf(&text, "%s%s%s%s", i ? ", " : "", library[i].name, library[i].version[0] ? " " : "",
                        library[i].version);
        nnc_str_appendf(&text, other ? " (compiled against %s)" : "%.0s", library[i].built);
        nnc_report_row *row = nnc_report_append(d->root, "libraries");
        nnc_report_string(row, "name", library[i].name);
        nnc_report_string(row, "version", library[i].version[0] ? library[i].version : NULL);
        nnc_report_string(row, "compiled_against", library[i].built[0] ? library[i].built : NULL);
    }
    show(d, "libraries", nnc_str_get(&text));
    nnc_str_deinit(&text);
}

/* Without --device, a missing GPU is no problem. */
static void look_at_cuda(doctor *d)
{
    char text[512], a[32], b[32];
    nnrt_device *device = NULL;
    nnc_status status = nnrt_device_open(&device, (uint32_t)d->options->run.device_index);
    nnc_report_bool(d->root, "cuda.usable", status == NNC_OK);
    if (status == NNC_OK) {
        const nnrt_cuda_info *i = &device->info;
        snprintf(text, sizeof(text), "%s (%s): compute %d.%d, %u SMs, %s of %s free, driver CUDA %d.%d, runtime %d.%d",
                 i->name, device->api->name, (int)i->major, (int)i->minor, i->sm_count,
                 nnc_format_size(a, i->free_bytes), nnc_format_size(b, i->memory_bytes), (int)(i->driver / 1000),
                 (int)(i->driver % 1000 / 10), (int)(i->runtime / 1000), (int)(i->runtime % 1000 / 10));
        nnc_report_string(d->root, "cuda.device", i->name);
        nnc_report_int(d->root, "cuda.memory_bytes", (int64_t)i->memory_bytes);
        nnc_report_int(d->root, "cuda.free_bytes", (int64_t)i->free_bytes);
        nnc_report_int(d->root, "cuda.driver", i->driver);
        nnc_report_int(d->root, "cuda.runtime", i->runtime);
    } else {
        const char *message = nnc_error_message();
        snprintf(text, sizeof(text), "not usable: %s", strncmp(message, "CUDA: ", 6) == 0 ? message + 6 : message);
        if (d->options->run.device == NNRT_DEVICE_CUDA) {
            problem(d, NNC_ERR_DEVICE, message);
        }
    }
    nnc_report_string(d->root, "cuda.state", text);
    show(d, "cuda", text);
    nnrt_device_close(device);
}

static void look_at_folder(doctor *d, const char *what, const char *path)
{
    char text[1024], a[32], b[32], member[32];
    nnc_folder folder;
    nnc_folder_get(&folder, path);
    snprintf(text, sizeof(text), "%s: %s%s%s, %s", folder.path,
             folder.known ? nnc_format_size(a, folder.free_bytes) : "unknown space",
             folder.known ? " free of " : "", folder.known ? nnc_format_size(b, folder.total_bytes) : "",
             folder.writable ? "writable" : folder.read_only ? "read-only file system" : "not writable");
    show(d, what, text);
    snprintf(member, sizeof(member), "folders.%s.", what);
    const size_t n = strlen(member);
    snprintf(member + n, sizeof(member) - n, "path");
    nnc_report_string(d->root, member, folder.path);
    snprintf(member + n, sizeof(member) - n, "free_bytes");
    nnc_report_int(d->root, member, (int64_t)folder.free_bytes);
    snprintf(member + n, sizeof(member) - n, "writable");
    nnc_report_bool(d->root, member, folder.writable);
    if (!folder.writable) {
        snprintf(text, sizeof(text), "%s folder '%s' cannot be written", what, folder.path);
        problem(d, NNC_ERR_IO, text);
    } else if (folder.known && folder.free_bytes < SPACE_LOW) {
        snprintf(text, sizeof(text), "%s folder '%s': needs %s, has %s", what, folder.path,
                 nnc_format_size(a, SPACE_LOW), nnc_format_size(b, folder.free_bytes));
        problem(d, NNC_ERR_IO, text);
    }
}

static void look_at_locale(doctor *d)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"}, *set = NULL;
    char text[256];
    for (size_t i = 0; i < 3 && !(set && set[0]); i++) {
        set = getenv(names[i]);
    }
    set = set && set[0] ? set : "none";
    snprintf(text, sizeof(text), "%.120s, %s; numbers are written with a point in every locale", set,
             nnc_terminal_unicode() ? "UTF-8 tables" : "ASCII tables");
    show(d, "locale", text);
    nnc_report_string(d->root, "locale", set);
}

static nnc_status examine(const nnc_cli *cli, doctor *d)
{
    nnc_host host;
    const char *temporary = getenv("TMPDIR");
    nnrt_isa isa;
    NNC_TRY(nnrt_isa_detect(&isa)); /* the variable that caps it may be wrong */
    NNC_TRY(nnc_report_create(&d->report, "doctor"));
    d->root = nnc_report_root(d->report);
    nnc_report_string(d->root, "tool.name", "nncompress");
    nnc_report_string(d->root, "tool.version", NNC_VERSION);
    nnc_report_string(d->root, "tool.command", cli->command);
    show(d, "nncompress", NNC_VERSION);
    nnc_host_get(&host);
    look_at_cpu(d, &host);
    look_at_memory(d, &host);
    look_at_libraries(d);
    look_at_cuda(d);
    look_at_folder(d, "temp", temporary && temporary[0] ? temporary : "/tmp");
    look_at_folder(d, "working", ".");
    look_at_locale(d);
    show(d, "result", d->status == NNC_OK ? "ready" : d->problem);
    nnc_report_int(d->root, "exit", (int64_t)d->status);
    NNC_TRY(nnc_str_status(&d->text));
    NNC_TRY(d->options->run.json ? nnc_cli_print_json(d->report) : nnc_out(nnc_str_get(&d->text)));
    return d->status == NNC_OK ? NNC_OK : nnc_error_set(d->status, "%s", d->problem);
}

static nnc_status run(const nnc_cli *cli)
{
    doctor_options o = {.run.device = NNRT_DEVICE_AUTO};
    nnc_option_list words = {0};
    doctor d = {.options = &o};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_doctor, &o, &words, 0, 0);
    status = status == NNC_OK ? examine(cli, &d) : status;
    nnc_report_destroy(d.report);
    nnc_str_deinit(&d.text);
    nnc_option_list_deinit(&words);
    return status;
}

const nnc_verb nnc_verb_doctor = {
    .name = "doctor",
    .summary = "tells what this machine and this build can do (exit 6: folders, 7: memory, 8: device)",
    .usage = "doctor [--device cuda] [--json]",
    .examples = "  nncompress doctor\n"
                "  nncompress doctor --device cuda   (exit 8 if the GPU cannot be used)\n",
    .options = options,
    .run = run,
};
