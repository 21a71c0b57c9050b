/* Files that are read. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path_error.h"
#include "base/str.h"

const char *nnc_errno_text(int error)
{
    switch (error) {
    case ENOENT:
        return "no such file or folder";
    case EACCES:
    case EPERM:
        return "permission denied";
    case ENOSPC:
        return "no space left on the device";
    case EDQUOT:
        return "disk quota exceeded";
    case EROFS:
        return "the file system is read-only";
    case EFBIG:
        return "the file is larger than the file system or the process limit allows";
    case EIO:
        return "input/output error of the device";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    default:
        break;
    }
    const char *text = strerrordesc_np(error);
    return text != NULL ? text : "unknown error";
}

/* Folder part of a path ("." if it has none) into dir[PATH_MAX]; the last component. */
static const char *split_path(char *dir, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        snprintf(dir, PATH_MAX, ".");
        return path;
    }
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    snprintf(dir, PATH_MAX, "%.*s", len < PATH_MAX ? (int)len : PATH_MAX - 1, path);
    return slash + 1;
}

enum { ENTRIES_READ = 10000 }; /* a hint is not worth reading a folder of a million images */

static nnc_status fail_not_found(const char *path)
{
    char dir_path[PATH_MAX];
    const char *name = split_path(dir_path, path);
    DIR *dir = opendir(dir_path);
    if (dir == NULL) {
        NNC_FAIL(NNC_ERR_IO, "cannot open '%s': folder '%s': %s", path, dir_path,
                 nnc_errno_text(errno));
    }
    char best[NAME_MAX + 1] = "";
    const struct dirent *entry;
    for (int i = 0; i < ENTRIES_READ && (entry = readdir(dir)) != NULL; i++) {
        const char *candidate = entry->d_name;
        if (candidate[0] == '.' || nnc_nearest(name, &candidate, 1) == NULL) {
            continue;
        }
        size_t distance = nnc_edit_distance(name, candidate);
        size_t best_distance = best[0] != '\0' ? nnc_edit_distance(name, best) : SIZE_MAX;
        /* Equal distances: the lower name, whatever order the folder has. */
        if (distance < best_distance ||
            (distance == best_distance && strcmp(candidate, best) < 0)) {
            snprintf(best, sizeof best, "%s", candidate);
        }
    }
    closedir(dir);
    if (best[0] != '\0') {
        NNC_FAIL(NNC_ERR_IO, "cannot open '%s': no such file; did you mean '%s'?", path, best);
    }
    NNC_FAIL(NNC_ERR_IO, "cannot open '%s': no such file", path);
}

static nnc_status fail_directory(const char *path, int fd)
{
    char first[NAME_MAX + 1] = "";
    size_t models = 0;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
    } else {
        const struct dirent *entry;
        for (int i = 0; i < ENTRIES_READ && (entry = readdir(dir)) != NULL; i++) {
            size_t len = strlen(entry->d_name);
            if (len <= 5 || strcmp(entry->d_name + len - 5, ".onnx") != 0) {
                continue;
            }
            if (models++ == 0 || strcmp(entry->d_name, first) < 0) {
                snprintf(first, sizeof first, "%s", entry->d_name);
            }
        }
        closedir(dir);
    }
    if (models == 0) {
        NNC_FAIL(NNC_ERR_IO, "'%s' is a directory", path);
    }
    if (models == 1) {
        NNC_FAIL(NNC_ERR_IO, "'%s' is a directory; it contains %s, pass that", path, first);
    }
    NNC_FAIL(NNC_ERR_IO, "'%s' is a directory; it contains %zu .onnx files (%s, ...), pass one",
             path, models, first);
}

nnc_status nnc_file_open(int *fd, uint64_t *bytes, const char *path)
{
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (f < 0) {
        if (errno == ENOENT && path[0] != '\0') {
            return fail_not_found(path);
        }
        NNC_FAIL(NNC_ERR_IO, "cannot open '%s': %s", path, nnc_errno_text(errno));
    }
    struct stat st;
    if (fstat(f, &st) != 0) {
        int error = errno;
        close(f);
        NNC_FAIL(NNC_ERR_IO, "cannot open '%s': %s", path, nnc_errno_text(error));
    }
    if (S_ISDIR(st.st_mode)) {
        return fail_directory(path, f);
    }
    if (!S_ISREG(st.st_mode)) {
        close(f);
        NNC_FAIL(NNC_ERR_IO, "'%s' is a %s, not a regular file", path,
                 S_ISFIFO(st.st_mode)   ? "pipe"
                 : S_ISSOCK(st.st_mode) ? "socket"
                                        : "device");
    }
    *fd = f;
    *bytes = (uint64_t)st.st_size;
    return NNC_OK;
}

typedef struct map_impl {
    void *base;
    size_t length;
    bool mapped;
} map_impl;

static nnc_status read_all(uint8_t *data, int fd, uint64_t offset, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = pread(fd, data + done, bytes - done, (off_t)(offset + done));
        if (n > 0) {
            done += (size_t)n;
        } else if (n == 0) {
            NNC_FAIL(NNC_ERR_IO, "file ends %zu bytes into a part of %zu bytes", done, bytes);
        } else if (errno != EINTR) {
            NNC_FAIL(NNC_ERR_IO, "reading failed: %s", nnc_errno_text(errno));
        }
    }
    return NNC_OK;
}

static nnc_status fill_map(map_impl *impl, const uint8_t **data, int fd, uint64_t offset,
                           size_t bytes)
{
    uint64_t skip = offset % (uint64_t)sysconf(_SC_PAGESIZE);
    impl->length = bytes + (size_t)skip;
    impl->base = mmap(NULL, impl->length, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset - skip));
    if (impl->base != MAP_FAILED) {
        impl->mapped = true;
        *data = (const uint8_t *)impl->base + skip;
        return NNC_OK;
    }
    uint8_t *copy = nnc_alloc_aligned(bytes);
    if (copy == NULL) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = read_all(copy, fd, offset, bytes);
    if (status != NNC_OK) {
        nnc_free(copy);
        return status;
    }
    impl->base = copy;
    *data = copy;
    return NNC_OK;
}

nnc_status nnc_file_map_fd(nnc_file_map *out, int fd, uint64_t offset, size_t bytes)
{
    static const uint8_t empty[1] = {0};
    struct stat st;
    *out = (nnc_file_map){empty, 0, NULL};
    if (fstat(fd, &st) != 0) {
        NNC_FAIL(NNC_ERR_IO, "reading failed: %s", nnc_errno_text(errno));
    }
    uint64_t size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (offset > size || bytes > size - offset) {
        NNC_FAIL(NNC_ERR_IO, "file has %llu bytes, needed are %zu from byte %llu",
                 (unsigned long long)size, bytes, (unsigned long long)offset);
    }
    if (bytes == 0) {
        return NNC_OK;
    }
    map_impl *impl = nnc_calloc(1, sizeof *impl);
    if (impl == NULL) {
        return NNC_ERR_LIMIT;
    }
    const uint8_t *data = NULL;
    nnc_status status = fill_map(impl, &data, fd, offset, bytes);
    if (status != NNC_OK) {
        nnc_free(impl);
        return status;
    }
    *out = (nnc_file_map){data, bytes, impl};
    return NNC_OK;
}

nnc_status nnc_file_map_open(nnc_file_map *out, const char *path, uint64_t max_bytes)
{
    int fd;
    uint64_t bytes;
    NNC_TRY(nnc_file_open(&fd, &bytes, path));
    if (bytes > (max_bytes != 0 ? max_bytes : SIZE_MAX)) {
        close(fd);
        NNC_FAIL(NNC_ERR_LIMIT, "'%s' has %llu bytes, the limit is %llu", path,
                 (unsigned long long)bytes, (unsigned long long)max_bytes);
    }
    nnc_status status = nnc_file_map_fd(out, fd, 0, (size_t)bytes);
    close(fd);
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "'%s'", path);
}

void nnc_file_map_close(nnc_file_map *map)
{
    map_impl *impl = map->impl;
    if (impl != NULL) {
        if (impl->mapped) {
            munmap(impl->base, impl->length);
        } else {
            nnc_free(impl->base);
        }
        nnc_free(impl);
    }
    *map = (nnc_file_map){NULL, 0, NULL};
}

bool nnc_file_same(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

bool nnc_file_same_target(const char *a, const char *b)
{
    char dir_a[PATH_MAX], dir_b[PATH_MAX];
    if (nnc_file_same(a, b) || strcmp(a, b) == 0) {
        return true;
    }
    if (strlen(a) >= PATH_MAX || strlen(b) >= PATH_MAX) {
        return false;
    }
    const char *name_a = split_path(dir_a, a), *name_b = split_path(dir_b, b);
    return strcmp(name_a, name_b) == 0 && nnc_file_same(dir_a, dir_b);
}

bool nnc_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool nnc_file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
