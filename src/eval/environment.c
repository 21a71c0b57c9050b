/* Facts about the machine and the build. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "eval/eval.h"
#include "runtime_int8/threads.h"

/* Copies the rest of the first line of `path` that starts with `key`, without separators and quotes
 * in front and behind. */
static bool line_of(char *out, size_t bytes, const char *path, const char *key)
{
    FILE *file = fopen(path, "re");
    char line[512];
    bool found = false;
    while (file && !found && fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, strlen(key)) != 0) {
            continue;
        }
        char *text = line + strlen(key);
        text += strspn(text, " \t:=\"");
        size_t n = strlen(text);
        while (n && strchr(" \t\n\"", text[n - 1])) {
            text[--n] = 0;
        }
        nnc_escape_control(out, bytes, text);
        found = n > 0;
    }
    if (file) {
        fclose(file);
    }
    return found;
}

static void get_os(char *out, size_t bytes)
{
    char name[64] = "";
    struct utsname u;
    line_of(name, sizeof(name), "/etc/os-release", "PRETTY_NAME");
    if (uname(&u) == 0) {
        snprintf(out, bytes, "%s%s%.24s %.30s", name, name[0] ? ", " : "", u.sysname, u.release);
    } else {
        snprintf(out, bytes, "%s", name[0] ? name : "unknown");
    }
}

void nnc_environment_get(nnc_environment *out, uint32_t threads, uint32_t isa_max)
{
    *out = (nnc_environment){0};
    if (!line_of(out->cpu, sizeof(out->cpu), "/proc/cpuinfo", "model name")) {
        snprintf(out->cpu, sizeof(out->cpu), "unknown");
    }
    const uint32_t best = nnrt_isa_best();
    snprintf(out->isa, sizeof(out->isa), "%s", nnrt_isa_name(isa_max < best ? isa_max : best));
#if defined(__clang__)
    snprintf(out->compiler, sizeof(out->compiler), "clang %s", __clang_version__);
#else
    snprintf(out->compiler, sizeof(out->compiler), "gcc %s", __VERSION__);
#endif
    get_os(out->os, sizeof(out->os));
    if (!line_of(out->governor, sizeof(out->governor),
                 "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "")) {
        snprintf(out->governor, sizeof(out->governor), "unknown");
    }
    out->cores = nnrt_core_count();
    out->threads = threads ? threads : out->cores;
}

uint64_t nnc_peak_memory(void)
{
    char text[64];
    /* VmHWM belongs to this program; ru_maxrss also counts what the process was before exec. */
    if (line_of(text, sizeof(text), "/proc/self/status", "VmHWM")) {
        return strtoull(text, NULL, 10) * 1024;
    }
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}
