/* Bounded, sorted walk of a folder. SPDX-License-Identifier: Apache-2.0
 * Order is by bytes (strcmp), never that of the file system; hidden files and editors' and systems'
 * leftovers are skipped; symbolic links are followed, loops are not. */
#ifndef NNC_DATASETS_WALK_H
#define NNC_DATASETS_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define NNC_WALK_DEPTH_MAX 16
#define NNC_WALK_FILES_MAX 10000000u
#define NNC_WALK_EXTENSIONS 8

/* Zero-initialise; release with nnc_walk_deinit. Names are relative to the walk's base, with '/'.
 */
typedef struct nnc_walk {
    char **names; /* files that `wanted` accepts */
    size_t count, cap;
    char **folders; /* of nnc_walk_top */
    size_t folder_count, folder_cap;
    struct {
        char text[16]; /* ".webp" */
        size_t count;
    } extensions[NNC_WALK_EXTENSIONS]; /* of the other files */
    size_t extension_count;
} nnc_walk;
void nnc_walk_deinit(nnc_walk *walk);

/* Files and folders directly in `base`. Fails: NNC_ERR_IO, NNC_ERR_LIMIT. */
nnc_status nnc_walk_top(nnc_walk *out, const char *base, bool (*wanted)(const char *name));
/* Appends the files of base/sub and everything below, ordered by (folder, name) as a sorted
 * os.walk. */
nnc_status nnc_walk_tree(nnc_walk *out, const char *base, const char *sub,
                         bool (*wanted)(const char *name));

#endif
