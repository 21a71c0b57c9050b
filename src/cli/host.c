/* Facts about the machine for doctor. SPDX-License-Identifier: Apache-2.0 */
#include "cli/host.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The first line of a file; false without one. */
static bool first_line(char *out, size_t bytes, const char *path)
{
    FILE *file = fopen(path, "re");
    bool good = file && fgets(out, (int)bytes, file);
    if (file) {
        fclose(file);
    }
    return good;
}

static uint64_t memory_line(const char *key)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[256];
    uint64_t value = 0;
    while (file && value == 0 && fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtoull(line + strlen(key), NULL, 10) * 1024;
        }
    }
    if (file) {
        fclose(file);
    }
    return value;
}

/* The path of this process in the control group hierarchy that `controller` names (NULL: version 2). */
static bool group_path(char *out, size_t bytes, const char *controller)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX + 64];
    bool found = false;
    while (file && !found && fgets(line, sizeof(line), file)) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) {
            continue;
        }
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        found = controller ? strstr(names + 1, controller) != NULL : names[1] == 0;
        if (found) {
            snprintf(out, bytes, "%s", path);
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

typedef void group_fn(nnc_host *host, const char *line);

/* Calls fn with the first line of `name` in the process's group and in every group above it. */
static void each_group(nnc_host *host, const char *mount, const char *controller, const char *name, group_fn *fn)
{
    char group[PATH_MAX], path[PATH_MAX * 2], line[128];
    if (!group_path(group, sizeof(group), controller)) {
        return;
    }
    for (;;) {
        char *slash = strrchr(group, '/');
        snprintf(path, sizeof(path), "%s%s/%s", mount, strcmp(group, "/") == 0 ? "" : group, name);
        if (first_line(line, sizeof(line), path)) {
            fn(host, line);
        }
        if (!slash || group[0] == 0) {
            return;
        }
        *slash = 0;
    }
}

static void take_quota(nnc_host *host, const char *line)
{
    char *end;
    double quota = strtod(line, &end), period = strtod(end, NULL);
    if (end != line && quota > 0 && period > 0 && (host->quota == 0 || quota / period < host->quota)) {
        host->quota = quota / period;
    }
}

static void take_memory(nnc_host *host, const char *line)
{
    char *end;
    uint64_t bytes = strtoull(line, &end, 10);
    /* Version 1 writes "none" as a number of pages near the largest. */
    if (end != line && bytes < (uint64_t)1 << 60 && bytes < host->memory_group) {
        host->memory_group = bytes;
    }
}

void nnc_host_get(nnc_host *out)
{
    cpu_set_t set;
    struct rlimit space;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    *out = (nnc_host){.online = online > 0 ? (uint32_t)online : 1, .memory_group = NNC_NO_LIMIT,
                      .address_space = NNC_NO_LIMIT};
    out->affinity = sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : out->online;
    out->memory_total = memory_line("MemTotal:");
    out->memory_available = memory_line("MemAvailable:");
    each_group(out, "/sys/fs/cgroup", NULL, "cpu.max", take_quota);
    each_group(out, "/sys/fs/cgroup", NULL, "memory.max", take_memory);
    each_group(out, "/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes", take_memory);
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) {
        out->address_space = (uint64_t)space.rlim_cur;
    }
}

void nnc_folder_get(nnc_folder *out, const char *path)
{
    struct statvfs fs;
    char probe[600];
    *out = (nnc_folder){0};
    char *real = realpath(path, NULL);
    snprintf(out->path, sizeof(out->path), "%s", real ? real : path);
    free(real);
    if (statvfs(path, &fs) == 0) {
        out->known = true;
        out->read_only = (fs.f_flag & ST_RDONLY) != 0;
        out->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
        out->total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    }
    snprintf(probe, sizeof(probe), "%s/.nncompress-XXXXXX", path);
    int fd = mkostemp(probe, O_CLOEXEC);
    if (fd >= 0) {
        out->writable = true;
        close(fd);
        unlink(probe);
    }
}
