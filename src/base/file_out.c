/* Files that are written: complete under their name, or not there. The order temporary, fsync,
 * rename, fsync of the folder is the one that survives a power loss on every common file system:
 * Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_slot.h"
#include "base/mem.h"
#include "base/path_error.h"
#include "base/str.h"

enum { TEMP_NAME_BYTES = 256, TEMP_SLOTS = 64 };

/* What a signal handler needs in order to remove a temporary. */
struct nnc_file_slot {
    atomic_int state;
    pid_t pid; /* a forked child must leave its parent's files alone */
    int dir;
    char name[TEMP_NAME_BYTES];
};
typedef struct nnc_file_slot temp_slot;

enum { SLOT_FREE, SLOT_FILLING, SLOT_OPEN };

static temp_slot nnc_file_out_slots[TEMP_SLOTS];

struct nnc_file_out {
    int fd;
    int dir;
    temp_slot *slot;
    nnc_file_mode mode;
    bool synced;
    bool reserved;
    bool failed;
    uint64_t written;
    char *path;      /* as the caller gave it, for messages */
    char *name;      /* last component of the resolved target */
    char *temp_path; /* openable path of the temporary */
};

/* Where a path really leads: links followed, folder and last component apart. */
typedef struct target {
    char dir[PATH_MAX];
    char name[NAME_MAX + 1];
    bool exists;
    mode_t mode;
} target;

static nnc_status fail_path(const char *path, int error)
{
    NNC_FAIL(NNC_ERR_IO, "cannot write '%s': %s", path, nnc_errno_text(error));
}

/* Fills `t` and refuses everything that is not a regular file or a free name. */
static nnc_status resolve(target *t, const char *path, bool replace)
{
    char resolved[PATH_MAX];
    struct stat st;
    const char *real = path;
    if (path[0] == '\0') {
        NNC_FAIL(NNC_ERR_IO, "the output path is empty");
    }
    *t = (target){.mode = 0};
    t->exists = lstat(path, &st) == 0;
    if (!t->exists && errno == ENAMETOOLONG) {
        return fail_path(path, errno);
    }
    if (t->exists && !replace) {
        NNC_FAIL(NNC_ERR_IO, "output '%s' already exists", path);
    }
    if (t->exists && S_ISLNK(st.st_mode)) {
        if (realpath(path, resolved) == NULL || stat(resolved, &st) != 0) {
            NNC_FAIL(NNC_ERR_IO, "cannot write '%s': it is a symbolic link: %s", path,
                     nnc_errno_text(errno));
        }
        real = resolved;
    }
    if (t->exists && !S_ISREG(st.st_mode)) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': it is %s", path,
                 S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
    }
    t->mode = t->exists ? st.st_mode & 0777 : 0;
    const char *slash = strrchr(real, '/');
    const char *name = slash != NULL ? slash + 1 : real;
    size_t dir_len = slash == NULL ? 0 : slash == real ? 1 : (size_t)(slash - real);
    if (strlen(name) > NAME_MAX || dir_len >= sizeof t->dir) {
        return fail_path(path, ENAMETOOLONG);
    }
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': it names a folder", path);
    }
    snprintf(t->dir, sizeof t->dir, "%.*s", dir_len > 0 ? (int)dir_len : 1,
             dir_len > 0 ? real : ".");
    snprintf(t->name, sizeof t->name, "%s", name);
    return NNC_OK;
}

static nnc_status check_folder(const target *t, const char *path)
{
    struct stat st;
    if (stat(t->dir, &st) != 0) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': folder '%s': %s", path, t->dir,
                 errno == ENOENT ? "does not exist" : nnc_errno_text(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': '%s' is not a folder", path, t->dir);
    }
    if (faccessat(AT_FDCWD, t->dir, W_OK | X_OK, AT_EACCESS) != 0) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': folder '%s': %s", path, t->dir,
                 nnc_errno_text(errno));
    }
    return NNC_OK;
}

nnc_status nnc_file_check_output(const char *path, bool replace)
{
    target t;
    NNC_TRY(resolve(&t, path, replace));
    return check_folder(&t, path);
}

static uint64_t free_bytes(const struct statvfs *fs)
{
    return (uint64_t)fs->f_bavail * (fs->f_frsize > 0 ? fs->f_frsize : fs->f_bsize);
}

static nnc_status fail_space(const char *path, uint64_t bytes, const struct statvfs *fs)
{
    char needs[32], has[32];
    NNC_FAIL(NNC_ERR_IO, "cannot write '%s': no space: needs %s, has %s", path, nnc_format_size(needs, bytes),
             nnc_format_size(has, free_bytes(fs)));
}

nnc_status nnc_file_check_space(const char *const *paths, const uint64_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        target t, other;
        struct stat st, other_st;
        struct statvfs fs;
        /* Names that cannot be written are another check's. Some file systems tell no size. */
        if (!paths[i] || resolve(&t, paths[i], true) != NNC_OK || stat(t.dir, &st) != 0 || statvfs(t.dir, &fs) != 0 ||
            fs.f_blocks == 0) {
            continue;
        }
        uint64_t sum = 0;
        for (size_t k = 0; k < count; k++) {
            if (paths[k] && resolve(&other, paths[k], true) == NNC_OK && stat(other.dir, &other_st) == 0 &&
                other_st.st_dev == st.st_dev) {
                sum = sum + bytes[k] < sum ? UINT64_MAX : sum + bytes[k];
            }
        }
        if (sum > free_bytes(&fs)) {
            return fail_space(paths[i], sum, &fs);
        }
    }
    return NNC_OK;
}

static temp_slot *take_slot(void)
{
    for (int i = 0; i < TEMP_SLOTS; i++) {
        int expected = SLOT_FREE;
        if (atomic_compare_exchange_strong(&nnc_file_out_slots[i].state, &expected, SLOT_FILLING)) {
            return &nnc_file_out_slots[i];
        }
    }
    nnc_error_set(NNC_ERR_LIMIT, "more than %d output files open at once", TEMP_SLOTS);
    return NULL;
}

nnc_file_slot *nnc_file_slot_take(int dir, const char *name)
{
    if (strlen(name) >= TEMP_NAME_BYTES) {
        nnc_error_set(NNC_ERR_IO, "the file name '%s' is too long", name);
        return NULL;
    }
    temp_slot *slot = take_slot();
    if (slot != NULL) {
        slot->pid = getpid();
        slot->dir = dir;
        snprintf(slot->name, sizeof slot->name, "%s", name);
        atomic_store(&slot->state, SLOT_OPEN);
    }
    return slot;
}

void nnc_file_slot_give(nnc_file_slot *slot)
{
    if (slot != NULL) {
        atomic_store(&slot->state, SLOT_FREE);
    }
}

static uint64_t random_bits(void)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits) {
        struct timespec now = {0, 0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        bits = (uint64_t)now.tv_sec << 32 ^ (uint64_t)now.tv_nsec;
    }
    return bits;
}

/* ".<name>.nnc-<pid>-<random>.tmp", the name cut so that the result stays a valid file name. */
static void temp_name(char buf[TEMP_NAME_BYTES], const char *name)
{
    enum { SUFFIX_BYTES = 48 };
    int keep = (int)strnlen(name, NAME_MAX - SUFFIX_BYTES);
    while (keep > 0 && ((unsigned char)name[keep] & 0xC0) == 0x80) {
        keep--;
    }
    snprintf(buf, TEMP_NAME_BYTES, ".%.*s.nnc-%ld-%016llx.tmp", keep, name, (long)getpid(),
             (unsigned long long)random_bits());
}

static char *join(const char *dir, const char *name)
{
    size_t bytes = strlen(dir) + strlen(name) + 2;
    char *path = nnc_calloc(bytes, 1);
    if (path != NULL) {
        snprintf(path, bytes, "%s/%s", dir, name);
    }
    return path;
}

static char *duplicate(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = nnc_calloc(bytes, 1);
    return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

/* Releases everything but the temporary itself. */
static void dispose(nnc_file_out *out)
{
    if (out->fd >= 0) {
        close(out->fd);
    }
    if (out->slot != NULL) {
        atomic_store(&out->slot->state, SLOT_FREE);
    }
    if (out->dir >= 0) {
        close(out->dir);
    }
    nnc_free(out->path);
    nnc_free(out->name);
    nnc_free(out->temp_path);
    nnc_free(out);
}

static nnc_status open_temp(nnc_file_out *out, const target *t)
{
    out->dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->dir < 0 && errno == EACCES) {
        /* A folder that may be written but not listed still works; only its fsync has to be left
         * out. */
        out->dir = open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (out->dir < 0) {
        return fail_path(out->path, errno);
    }
    out->slot = take_slot();
    if (out->slot == NULL) {
        return NNC_ERR_LIMIT;
    }
    out->slot->pid = getpid();
    out->slot->dir = out->dir;
    temp_name(out->slot->name, t->name);
    out->temp_path = join(t->dir, out->slot->name);
    if (out->temp_path == NULL) {
        return NNC_ERR_LIMIT;
    }
    /* Marked open before the file exists: an interrupt in between removes nothing, never too
     * little. */
    atomic_store(&out->slot->state, SLOT_OPEN);
    out->fd =
        openat(out->dir, out->slot->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (out->fd < 0) {
        return fail_path(out->path, errno);
    }
    if (t->exists && fchmod(out->fd, t->mode) != 0 && errno != EPERM) {
        int error = errno;
        unlinkat(out->dir, out->slot->name, 0);
        return fail_path(out->path, error);
    }
    return NNC_OK;
}

nnc_status nnc_file_out_create(nnc_file_out **out, const char *path, nnc_file_mode mode)
{
    target t;
    *out = NULL;
    NNC_TRY(resolve(&t, path, mode == NNC_FILE_REPLACE));
    NNC_TRY(check_folder(&t, path));
    nnc_file_out *file = nnc_calloc(1, sizeof *file);
    if (file == NULL) {
        return NNC_ERR_LIMIT;
    }
    file->fd = -1;
    file->dir = -1;
    file->mode = mode;
    file->path = duplicate(path);
    file->name = duplicate(t.name);
    nnc_status status =
        file->path != NULL && file->name != NULL ? open_temp(file, &t) : NNC_ERR_LIMIT;
    if (status != NNC_OK) {
        dispose(file);
        return status;
    }
    *out = file;
    return NNC_OK;
}

nnc_status nnc_file_out_write(nnc_file_out *out, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    out->synced = false;
    while (bytes > 0) {
        ssize_t n = write(out->fd, p, bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            out->failed = true;
            return fail_path(out->path, n < 0 ? errno : EIO);
        }
        p += n;
        bytes -= (size_t)n;
        out->written += (uint64_t)n;
    }
    return NNC_OK;
}

nnc_status nnc_file_out_reserve(nnc_file_out *out, uint64_t bytes)
{
    if (bytes == 0) {
        return NNC_OK;
    }
    if (bytes > INT64_MAX) {
        return fail_path(out->path, EFBIG);
    }
    int result;
    do {
        result = fallocate(out->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        out->reserved = true;
        return NNC_OK;
    }
    const int error = errno;
    struct statvfs fs;
    const bool known = fstatvfs(out->fd, &fs) == 0;
    if (known && error == ENOSPC) {
        return fail_space(out->path, bytes, &fs);
    }
    if (error != EOPNOTSUPP && error != ENOSYS) {
        return fail_path(out->path, error);
    }
    /* A file system without reservation: what it says is free now is all that can be checked. */
    return known && bytes > free_bytes(&fs) ? fail_space(out->path, bytes, &fs) : NNC_OK;
}

nnc_status nnc_file_out_sync(nnc_file_out *out, const char **temp_path)
{
    if (out->failed) {
        NNC_FAIL(NNC_ERR_IO, "cannot write '%s': an earlier write failed", out->path);
    }
    /* Gives back what was reserved beyond the end. */
    if ((out->reserved && ftruncate(out->fd, (off_t)out->written) != 0) || fsync(out->fd) != 0) {
        out->failed = true;
        return fail_path(out->path, errno);
    }
    out->synced = true;
    if (temp_path != NULL) {
        *temp_path = out->temp_path;
    }
    return NNC_OK;
}

/* Gives the temporary the final name unless that name is taken. 0 or an errno value. */
static int publish_new(int dir, const char *temp, const char *name)
{
    if (renameat2(dir, temp, dir, name, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) {
        return errno;
    }
    /* File systems without that flag (NFS): a hard link fails on a taken name just as well. */
    if (linkat(dir, temp, dir, name, 0) == 0) {
        unlinkat(dir, temp, 0);
        return 0;
    }
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK) {
        return errno;
    }
    /* Nor links: claim the name with an empty file of our own, then replace that. */
    int claim = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (claim < 0) {
        return errno;
    }
    close(claim);
    if (renameat(dir, temp, dir, name) == 0) {
        return 0;
    }
    int error = errno;
    unlinkat(dir, name, 0);
    return error;
}

static nnc_status publish(nnc_file_out *out)
{
    if (!out->synced || out->failed) {
        NNC_TRY(nnc_file_out_sync(out, NULL));
    }
    int fd = out->fd;
    out->fd = -1;
    if (close(fd) != 0 && errno != EINTR) {
        return fail_path(out->path, errno);
    }
    int error = 0;
    if (out->mode == NNC_FILE_NEW) {
        error = publish_new(out->dir, out->slot->name, out->name);
    } else if (renameat(out->dir, out->slot->name, out->dir, out->name) != 0) {
        error = errno;
    }
    if (error == EEXIST) {
        NNC_FAIL(NNC_ERR_IO, "output '%s' already exists: it appeared meanwhile", out->path);
    }
    if (error != 0) {
        return fail_path(out->path, error);
    }
    /* Only a real device error counts: some file systems and O_PATH know no fsync of a folder. */
    if (fsync(out->dir) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) {
        NNC_FAIL(NNC_ERR_IO,
                 "'%s' is written, but its folder entry may be lost on a power failure: %s",
                 out->path, nnc_errno_text(errno));
    }
    return NNC_OK;
}

nnc_status nnc_file_out_commit(nnc_file_out *out)
{
    nnc_status status = publish(out);
    if (status != NNC_OK) {
        /* After a rename this name is gone already and nothing happens. */
        unlinkat(out->dir, out->slot->name, 0);
    }
    dispose(out);
    return status;
}

void nnc_file_out_abort(nnc_file_out *out)
{
    if (out == NULL) {
        return;
    }
    unlinkat(out->dir, out->slot->name, 0);
    dispose(out);
}

void nnc_file_out_abort_all(void)
{
    int saved = errno;
    pid_t self = getpid();
    for (int i = 0; i < TEMP_SLOTS; i++) {
        temp_slot *slot = &nnc_file_out_slots[i];
        if (atomic_load(&slot->state) == SLOT_OPEN && slot->pid == self) {
            unlinkat(slot->dir, slot->name, 0);
        }
    }
    errno = saved;
}
