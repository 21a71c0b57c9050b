/* External tensor data: which file, which bytes. SPDX-License-Identifier: Apache-2.0
 * A location comes from the model, so nothing outside the model's folder (or what its links
 * legitimately reach in a cache of linked blobs) is opened. Every decision is made on an open
 * descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "onnx/reader.h"

typedef struct place {
    const char *location, *checksum;
    uint64_t offset, length;
    bool has_length;
} place;

bool nnc_onnx_must_read(int fd)
{
    /* NFS, FUSE, SMB, CIFS, SMB2, 9p, AFS, Ceph: a page can fail long after mmap succeeded. */
    static const uint32_t remote[] = {0x6969,     0x65735546, 0x517b,     0xff534d42,
                                      0xfe534d42, 0x01021997, 0x5346414f, 0x00c36400};
    struct statfs st;
    if (fstatfs(fd, &st) != 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
        if ((uint32_t)st.f_type == remote[i]) {
            return true;
        }
    }
    return false;
}

static void release_map(void *owner)
{
    nnc_file_map_close(owner);
    nnc_free(owner);
}

static nnc_status read_file(nnc_buffer **out, int fd, size_t bytes)
{
    nnc_buffer *buffer = nnc_buffer_create(bytes);
    if (!buffer) {
        return NNC_ERR_LIMIT;
    }
    uint8_t *to = nnc_buffer_data(buffer);
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, to + done, bytes - done, (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int error = errno;
            nnc_buffer_unref(buffer);
            NNC_FAIL(NNC_ERR_IO, "reading stopped after %zu of %zu bytes: %s", done, bytes,
                     n == 0 ? "the file became shorter" : strerrordesc_np(error));
        }
        done += (size_t)n;
    }
    *out = buffer;
    return NNC_OK;
}

nnc_status nnc_onnx_file_buffer(nnc_buffer **out, int fd, size_t bytes)
{
    *out = NULL;
    if (nnc_onnx_must_read(fd)) {
        return read_file(out, fd, bytes);
    }
    nnc_file_map *map = nnc_calloc(1, sizeof *map);
    if (!map) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = nnc_file_map_fd(map, fd, 0, bytes);
    if (status == NNC_OK) {
        *out = nnc_buffer_wrap(map->data, map->bytes, release_map, map);
        if (*out) {
            return NNC_OK;
        }
        status = NNC_ERR_LIMIT;
        nnc_file_map_close(map);
    }
    nnc_free(map);
    return status;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 1;
    return strndup(slash ? path : ".", n);
}

nnc_status nnc_onnx_external_init(nnc_onnx_external *e, const char *path, const char *extra_dir)
{
    e->dir = -1;
    e->has_dir = true;
    e->dir_path = folder_of(path);
    char *real = realpath(path, NULL);
    e->real_dir = e->dir_path ? realpath(e->dir_path, NULL) : NULL;
    e->real_model_dir = real ? folder_of(real) : NULL;
    free(real);
    if (!e->real_dir || !e->real_model_dir) {
        NNC_FAIL(NNC_ERR_IO, "cannot resolve the folder of the model: %s", strerrordesc_np(errno));
    }
    if (extra_dir) {
        e->extra_dir = realpath(extra_dir, NULL);
        if (!e->extra_dir) {
            NNC_FAIL(NNC_ERR_IO, "external data folder '%s': %s", extra_dir,
                     strerrordesc_np(errno));
        }
    }
    return NNC_OK;
}

void nnc_onnx_external_deinit(nnc_onnx_external *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->files[i].location);
        nnc_buffer_unref(e->files[i].buffer);
    }
    nnc_free(e->files);
    if (e->has_dir && e->dir >= 0) {
        close(e->dir);
    }
    free(e->dir_path);
    free(e->real_dir);
    free(e->real_model_dir);
    free(e->extra_dir);
    *e = (nnc_onnx_external){.dir = -1};
}

static nnc_status check_location(const char *s)
{
    if (s[0] == '\0' || strcmp(s, ".") == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "external data location is empty");
    }
    if (strncmp(s, "*/", 2) == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "external data location '%s' is a memory marker, not a file", s);
    }
    if (s[0] == '/' || s[0] == '\\' || (s[0] != '\0' && s[1] == ':')) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "external data location '%s' is absolute, expected one beside the model", s);
    }
    if (strchr(s, '\\')) {
        NNC_FAIL(NNC_ERR_MODEL, "external data location '%s' holds a backslash", s);
    }
    for (const char *p = s; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            NNC_FAIL(NNC_ERR_MODEL, "external data location '%s' leaves the model's folder", s);
        }
        p += n + (p[n] == '/');
    }
    return NNC_OK;
}

static nnc_status number_of(uint64_t *out, const char *key, const char *text)
{
    if (!nnc_parse_u64(text, out)) {
        NNC_FAIL(NNC_ERR_MODEL, "external data %s '%s' is not a number of bytes", key, text);
    }
    return NNC_OK;
}

static nnc_status read_place(place *out, nnc_onnx_reader *r, const Onnx__TensorProto *t)
{
    static const char *const keys[] = {"location", "offset", "length", "checksum"};
    unsigned seen = 0;
    *out = (place){0};
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = t->external_data[i]->key ? t->external_data[i]->key : "";
        const char *value = t->external_data[i]->value ? t->external_data[i]->value : "";
        unsigned k = 0;
        while (k < 4 && strcmp(key, keys[k]) != 0) {
            k++;
        }
        if (k == 4) {
            nnc_onnx_warn(r, "tensor '%s': external data key '%s' is ignored",
                          t->name ? t->name : "", key);
            continue;
        }
        if (seen >> k & 1) {
            NNC_FAIL(NNC_ERR_MODEL, "external data key '%s' is there twice", key);
        }
        seen |= 1u << k;
        if (k == 0) {
            out->location = value;
        } else if (k == 3) {
            out->checksum = value;
        } else {
            NNC_TRY(number_of(k == 1 ? &out->offset : &out->length, key, value));
            out->has_length |= k == 2;
        }
    }
    if (!out->location) {
        NNC_FAIL(NNC_ERR_MODEL, "external data has no location");
    }
    return check_location(out->location);
}

/* True if `path` is `dir` or below it. */
static bool is_below(const char *path, const char *dir)
{
    size_t n = dir ? strlen(dir) : 0;
    return n > 0 && strncmp(path, dir, n) == 0 &&
           (path[n] == '/' || path[n] == '\0' || dir[n - 1] == '/');
}

static bool may_reach(const nnc_onnx_external *e, const char *real)
{
    char blobs[PATH_MAX];
    const char *slash = strrchr(e->real_model_dir, '/');
    snprintf(blobs, sizeof blobs, "%.*s/blobs", slash ? (int)(slash - e->real_model_dir) : 0,
             e->real_model_dir);
    return is_below(real, e->real_dir) || is_below(real, e->real_model_dir) ||
           is_below(real, blobs) || is_below(real, e->extra_dir);
}

/* Opens below `dir` without following any link. For kernels without openat2. */
static int open_plain(int dir, const char *location)
{
    char part[NAME_MAX + 1];
    int at = dir;
    while (1) {
        size_t n = strcspn(location, "/");
        if (n > NAME_MAX) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(part, location, n);
        part[n] = '\0';
        location += n + strspn(location + n, "/");
        bool last = *location == '\0';
        int next = openat(at, part, O_PATH | O_CLOEXEC | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
        if (at != dir) {
            close(at);
        }
        if (next < 0 || last) {
            return next;
        }
        at = next;
    }
    return -1;
}

static int open_beneath(int dir, const char *location)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, dir, location, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return fd;
    }
    return open_plain(dir, location);
}

/* Linked files: followed, then judged by where the descriptor really is. */
static nnc_status open_linked(int *fd, const nnc_onnx_external *e, const char *location)
{
    char link[64], real[PATH_MAX];
    *fd = openat(e->dir, location, O_PATH | O_CLOEXEC);
    if (*fd < 0) {
        NNC_FAIL(NNC_ERR_MODEL, "external data file '%s/%s': %s", e->dir_path, location,
                 strerrordesc_np(errno));
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", *fd);
    ssize_t n = readlink(link, real, sizeof real - 1);
    if (n > 0) {
        real[n] = '\0';
    }
    if (n <= 0 || !may_reach(e, real)) {
        close(*fd);
        NNC_FAIL(NNC_ERR_MODEL,
                 "external data location '%s' is a link to '%s', outside the model's folder",
                 location, n > 0 ? real : "?");
    }
    return NNC_OK;
}

/* One message for everything that is missing, so that one download mends it. */
static nnc_status fail_missing(const nnc_onnx_reader *r, const char *location)
{
    const nnc_onnx_external *e = &r->external;
    const Onnx__GraphProto *g = r->model ? r->model->graph : NULL;
    nnc_str more = {0};
    size_t missing = 1;
    const char *previous = location;
    for (size_t i = 0; g && i < g->n_initializer && missing < 1000; i++) {
        const Onnx__TensorProto *t = g->initializer[i];
        for (size_t k = 0; k < t->n_external_data; k++) {
            const char *key = t->external_data[k]->key, *value = t->external_data[k]->value;
            if (!key || !value || strcmp(key, "location") != 0 || strcmp(value, location) == 0 ||
                strcmp(value, previous) == 0 || strstr(value, "..") || value[0] == '/' ||
                faccessat(e->dir, value, F_OK, 0) == 0) {
                continue;
            }
            previous = value;
            if (missing++ <= 4) {
                nnc_str_appendf(&more, ", '%s'", value);
            }
        }
    }
    nnc_error_set(NNC_ERR_MODEL, "external data file '%s/%s' is missing%s%s%s", e->dir_path,
                  location, missing > 1 ? "; also" : "", missing > 1 ? nnc_str_get(&more) + 1 : "",
                  missing > 5 ? " and others" : "");
    nnc_str_deinit(&more);
    return NNC_ERR_MODEL;
}

static nnc_status open_location(int *path_fd, nnc_onnx_reader *r, const char *location)
{
    nnc_onnx_external *e = &r->external;
    if (e->alias_from && strcmp(location, e->alias_from) == 0) {
        *path_fd = open(e->alias_to, O_PATH | O_CLOEXEC);
        if (*path_fd >= 0) {
            return NNC_OK;
        }
    }
    if (e->dir < 0) {
        e->dir = open(e->dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    *path_fd = e->dir < 0 ? -1 : open_beneath(e->dir, location);
    if (*path_fd < 0 && e->extra_dir && errno == ENOENT) {
        int dir = open(e->extra_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        *path_fd = dir < 0 ? -1 : open_beneath(dir, location);
        int error = errno;
        if (dir >= 0) {
            close(dir);
        }
        errno = error;
    }
    if (*path_fd >= 0) {
        return NNC_OK;
    }
    if (errno == ENOENT) {
        return fail_missing(r, location);
    }
    if (errno == EXDEV || errno == ELOOP) {
        return open_linked(path_fd, e, location);
    }
    NNC_FAIL(NNC_ERR_MODEL, "external data file '%s/%s': %s", e->dir_path, location,
             strerrordesc_np(errno));
}

static nnc_status check_file(int path_fd, const nnc_onnx_reader *r, const char *location,
                             size_t *bytes)
{
    struct stat st;
    if (fstat(path_fd, &st) != 0 || S_ISLNK(st.st_mode) || !S_ISREG(st.st_mode)) {
        NNC_FAIL(NNC_ERR_MODEL, "external data location '%s' is not a regular file", location);
    }
    if (st.st_nlink > 1 && !r->options.allow_hardlinks) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "external data file '%s' has %llu names (hard links); allow it with "
                 "--allow-hardlinks",
                 location, (unsigned long long)st.st_nlink);
    }
    *bytes = (size_t)st.st_size;
    return NNC_OK;
}

/* O_PATH descriptors cannot be read: the same file opened again through /proc, or by path where
 * that is missing. */
static int reopen(int path_fd)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
    return open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static nnc_status load_location(nnc_buffer **out, nnc_onnx_reader *r, const char *location)
{
    int path_fd;
    size_t bytes = 0;
    NNC_TRY(open_location(&path_fd, r, location));
    nnc_status status = check_file(path_fd, r, location, &bytes);
    if (status == NNC_OK) {
        int fd = reopen(path_fd);
        if (fd < 0) {
            status = nnc_error_set(NNC_ERR_IO, "external data file '%s': %s", location,
                                   strerrordesc_np(errno));
        } else {
            status = nnc_onnx_file_buffer(out, fd, bytes);
            close(fd);
        }
    }
    close(path_fd);
    return status;
}

static nnc_status find_file(nnc_onnx_file **out, nnc_onnx_reader *r, const char *location)
{
    nnc_onnx_external *e = &r->external;
    /* Newest first: tensors of one file follow each other. */
    for (size_t i = e->count; i > 0; i--) {
        if (strcmp(e->files[i - 1].location, location) == 0) {
            *out = &e->files[i - 1];
            return NNC_OK;
        }
    }
    nnc_onnx_file file = {0};
    NNC_TRY(nnc_grow(&e->files, &e->cap, e->count + 1, sizeof *e->files));
    NNC_TRY(load_location(&file.buffer, r, location));
    file.location = strdup(location);
    if (!file.location) {
        nnc_buffer_unref(file.buffer);
        NNC_FAIL(NNC_ERR_LIMIT, "out of memory");
    }
    e->opened += nnc_buffer_bytes(file.buffer);
    e->files[e->count++] = file;
    *out = &e->files[e->count - 1];
    return NNC_OK;
}

static nnc_status check_checksum(nnc_onnx_file *file, const char *checksum)
{
    if (file->sha1[0] == '\0') {
        nnc_onnx_sha1_hex(file->sha1, nnc_buffer_data(file->buffer),
                          nnc_buffer_bytes(file->buffer));
    }
    if (strcasecmp(checksum, file->sha1) != 0) {
        NNC_FAIL(NNC_ERR_MODEL, "external data file '%s' has SHA-1 %s, expected %s", file->location,
                 file->sha1, checksum);
    }
    return NNC_OK;
}

nnc_status nnc_onnx_external_bytes(nnc_buffer **buffer, size_t *offset, nnc_onnx_reader *r,
                                   const Onnx__TensorProto *t, size_t need)
{
    place p;
    nnc_onnx_file *file = NULL;
    NNC_TRY(read_place(&p, r, t));
    if (!r->external.has_dir) {
        NNC_FAIL(NNC_ERR_MODEL, "external data needs a file path");
    }
    if (p.has_length && p.length != need) {
        NNC_FAIL(NNC_ERR_MODEL, "external data has %llu bytes, its shape and type need %zu",
                 (unsigned long long)p.length, need);
    }
    NNC_TRY(find_file(&file, r, p.location));
    uint64_t size = nnc_buffer_bytes(file->buffer);
    if (p.offset > size || need > size - p.offset) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "external data file '%s' has %llu bytes, needed are %zu from byte %llu",
                 p.location, (unsigned long long)size, need, (unsigned long long)p.offset);
    }
    if (p.checksum) {
        NNC_TRY(check_checksum(file, p.checksum));
    }
    r->info->external_bytes += need;
    if (r->info->external_bytes > r->options.limits.external_bytes) {
        NNC_FAIL(NNC_ERR_LIMIT, "external data is over the limit of %llu bytes",
                 (unsigned long long)r->options.limits.external_bytes);
    }
    *buffer = nnc_buffer_ref(file->buffer);
    *offset = (size_t)p.offset;
    return NNC_OK;
}
