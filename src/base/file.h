/* Files: whole reads, maps, and output that is complete or not there. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_FILE_H
#define NNC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Opens a regular file for reading (O_CLOEXEC|O_NONBLOCK, fstat must say regular). Fails: NNC_ERR_IO with
 * "did you mean" for a near name in the same folder, NNC_ERR_IO for directories, FIFOs, devices. */
nnc_status nnc_file_open(int *fd, uint64_t *bytes, const char *path);

/* Read-only bytes of a file: mapped privately where possible, else read. Kept until unmap. */
typedef struct nnc_file_map {
    const uint8_t *data; /* non-NULL even when empty */
    size_t bytes;
    void *impl;
} nnc_file_map;
/* max_bytes: larger files fail with NNC_ERR_LIMIT, 0 = no limit. */
nnc_status nnc_file_map_open(nnc_file_map *out, const char *path, uint64_t max_bytes);
/* `bytes` from `offset`; the descriptor stays the caller's. NNC_ERR_IO if the file ends before. */
nnc_status nnc_file_map_fd(nnc_file_map *out, int fd, uint64_t offset, size_t bytes);
void nnc_file_map_close(nnc_file_map *map);

/* Atomic output: a temporary beside the target; commit = fsync, rename, fsync of the folder. */
typedef struct nnc_file_out nnc_file_out;
typedef enum nnc_file_mode { NNC_FILE_NEW /* fail if it exists */, NNC_FILE_REPLACE } nnc_file_mode;
/* Fails: NNC_ERR_IO (exists without REPLACE, folder missing or read-only). */
nnc_status nnc_file_out_create(nnc_file_out **out, const char *path, nnc_file_mode mode);
nnc_status nnc_file_out_write(nnc_file_out *out, const void *data, size_t bytes);
/* Reserves space so that a full disk is found now (NNC_ERR_IO). */
nnc_status nnc_file_out_reserve(nnc_file_out *out, uint64_t bytes);
/* Flushes and fsyncs; afterwards the temporary can be reopened by this path for verification. */
nnc_status nnc_file_out_sync(nnc_file_out *out, const char **temp_path);
/* Publishes under the final name, with the permissions of a file it replaces; a symbolic link is followed, not
 * replaced. Fails if any write failed before (NNC_ERR_IO); then nothing is published. The handle is gone afterwards, whatever the result. */
nnc_status nnc_file_out_commit(nnc_file_out *out);
/* Removes the temporary. NULL is accepted. */
void nnc_file_out_abort(nnc_file_out *out);
/* Removes every temporary and lock file of this process that is still open; async-signal-safe, for a second Ctrl-C. */
void nnc_file_out_abort_all(void);

/* Excludes other runs from the output `path` until destroy or the end of the process, whatever ends it: an advisory lock on the file
 * ".<name>.nnc-lock" beside it, removed again. File systems without locks exclude nobody. Fails: NNC_ERR_IO (another run has it, with
 * its process number; the folder cannot be written). */
typedef struct nnc_file_lock nnc_file_lock;
nnc_status nnc_file_lock_create(nnc_file_lock **out, const char *path);
void nnc_file_lock_destroy(nnc_file_lock *lock); /* NULL is accepted */

/* True if both paths exist and are the same file (device and inode). */
bool nnc_file_same(const char *a, const char *b);
/* True if writing both paths writes one file: the same file, or, where they do not exist yet, the
 * same name in the same folder. */
bool nnc_file_same_target(const char *a, const char *b);
bool nnc_file_exists(const char *path);
bool nnc_file_is_dir(const char *path);
/* Fails early when `path` could not be written: exists and !replace, folder missing or not writable. */
nnc_status nnc_file_check_output(const char *path, bool replace);
/* Fails (NNC_ERR_IO, "needs N, has M") when the file system of one of the outputs has not the space for all of them that are
 * on it: bytes[i] for paths[i]; a NULL path is left out. A file system that does not tell its space passes. */
nnc_status nnc_file_check_space(const char *const *paths, const uint64_t *bytes, size_t count);

#endif
