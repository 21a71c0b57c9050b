/* Preloaded into the tool: call number NNC_FAULT_AT of those that write fails with NNC_FAULT_ERRNO, and so does every
 * later one when NNC_FAULT_STAYS is set. The calls are counted; at exit the number goes to the file NNC_FAULT_COUNT.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static long setting(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

/* Standard streams are not what is tested. */
static int fails(int fd)
{
    if (fd >= 0 && fd <= 2) {
        return 0;
    }
    long at = setting("NNC_FAULT_AT"), n = atomic_fetch_add(&calls, 1) + 1;
    if (at == 0 || n < at || (n > at && !getenv("NNC_FAULT_STAYS"))) {
        return 0;
    }
    errno = (int)setting("NNC_FAULT_ERRNO");
    return 1;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("NNC_FAULT_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&calls));
        fclose(out);
    }
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t bytes)
{
    return fails(fd) ? -1 : NEXT(write)(fd, data, bytes);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    return fails(fd) ? -1 : NEXT(pwrite)(fd, data, bytes, at);
}

int fsync(int fd)
{
    return fails(fd) ? -1 : NEXT(fsync)(fd);
}

int ftruncate(int fd, off_t bytes)
{
    return fails(fd) ? -1 : NEXT(ftruncate)(fd, bytes);
}

int posix_fallocate(int fd, off_t at, off_t bytes)
{
    return fails(fd) ? errno : NEXT(posix_fallocate)(fd, at, bytes);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return fails(-1) ? -1 : NEXT(renameat)(from_dir, from, to_dir, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return fails(-1) ? -1 : NEXT(renameat2)(from_dir, from, to_dir, to, flags);
}
