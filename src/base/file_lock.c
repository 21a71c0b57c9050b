/* Advisory locks on outputs. SPDX-License-Identifier: Apache-2.0
 * The lock is on an open file (flock), so the system releases it however the process ends; the file's name is only where others look. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_slot.h"
#include "base/mem.h"
#include "base/path_error.h"

#define TRIES 100

struct nnc_file_lock {
    int fd, dir;
    char name[NAME_MAX + 1];
    nnc_file_slot *slot;
};

/* Folder and hidden name beside the file that `path` leads to. */
static nnc_status open_folder(nnc_file_lock *lock, const char *path)
{
    char real[PATH_MAX], folder[PATH_MAX];
    const char *target = realpath(path, real) ? real : path;
    const char *slash = strrchr(target, '/');
    const char *base = slash ? slash + 1 : target;
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - target) + 1 : 1, slash ? target : ".");
    snprintf(lock->name, sizeof(lock->name), ".%.*s.nnc-lock", NAME_MAX - 16, base);
    lock->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock->dir < 0 && errno == EACCES) {
        lock->dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (lock->dir < 0) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': folder '%s': %s", path, folder, nnc_errno_text(errno));
    }
    return NNC_OK;
}

/* The number in the file that another process has locked; 0 if it cannot be read. */
static long holder(int fd)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

static nnc_status fail_held(const char *path, int fd)
{
    long pid = holder(fd);
    if (pid > 0) {
        NNC_FAIL(NNC_ERR_IO, "output '%s' is being written by another run (process %ld)", path, pid);
    }
    NNC_FAIL(NNC_ERR_IO, "output '%s' is being written by another run", path);
}

/* The name must still be that of the locked file: its last owner may have removed it in between. */
static bool still_named(const nnc_file_lock *lock)
{
    struct stat named, locked;
    return fstatat(lock->dir, lock->name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(lock->fd, &locked) == 0 &&
           named.st_ino == locked.st_ino && named.st_dev == locked.st_dev;
}

static nnc_status lock_file(nnc_file_lock *lock, const char *path)
{
    for (int i = 0; i < TRIES; i++) {
        lock->fd = openat(lock->dir, lock->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (lock->fd < 0) {
            NNC_FAIL(NNC_ERR_IO, "cannot write '%s': its lock '%s': %s", path, lock->name, nnc_errno_text(errno));
        }
        int result;
        do {
            result = flock(lock->fd, LOCK_EX | LOCK_NB);
        } while (result != 0 && errno == EINTR);
        if (result != 0 && errno == EWOULDBLOCK) {
            return fail_held(path, lock->fd);
        }
        if (result != 0 && errno != ENOLCK && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) {
            NNC_FAIL(NNC_ERR_IO, "cannot write '%s': its lock '%s': %s", path, lock->name, nnc_errno_text(errno));
        }
        if (still_named(lock)) {
            return NNC_OK;
        }
        close(lock->fd);
        lock->fd = -1;
    }
    NNC_FAIL(NNC_ERR_IO, "output '%s': other runs come and go on it", path);
}

nnc_status nnc_file_lock_create(nnc_file_lock **out, const char *path)
{
    nnc_file_lock *lock = nnc_calloc(1, sizeof(*lock));
    *out = NULL;
    if (!lock) {
        return NNC_ERR_LIMIT;
    }
    lock->fd = lock->dir = -1;
    nnc_status status = open_folder(lock, path);
    status = status == NNC_OK ? lock_file(lock, path) : status;
    if (status == NNC_OK) {
        lock->slot = nnc_file_slot_take(lock->dir, lock->name);
        if (!lock->slot) {
            nnc_file_lock_destroy(lock);
            return NNC_ERR_LIMIT;
        }
        char text[32];
        int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
        /* The number is only for the message of others. */
        if (ftruncate(lock->fd, 0) != 0 || pwrite(lock->fd, text, (size_t)n, 0) != n) {
            errno = 0;
        }
        *out = lock;
        return NNC_OK;
    }
    if (lock->fd >= 0) {
        close(lock->fd);
    }
    if (lock->dir >= 0) {
        close(lock->dir);
    }
    nnc_free(lock);
    return status;
}

void nnc_file_lock_destroy(nnc_file_lock *lock)
{
    if (lock) {
        /* Removed while it is held: whoever waits for this file finds it nameless and takes a new one. */
        unlinkat(lock->dir, lock->name, 0);
        nnc_file_slot_give(lock->slot);
        close(lock->fd);
        close(lock->dir);
        nnc_free(lock);
    }
}
