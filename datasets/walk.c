/* Folder walk. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"

/* Folders on the way down, to notice loops of symbolic links. */
typedef struct level {
    const struct level *up;
    dev_t device;
    ino_t inode;
    unsigned depth;
} level;

typedef struct walking {
    nnc_walk *out;
    const char *base;
    bool (*wanted)(const char *name);
    bool recurse;
} walking;

void nnc_walk_deinit(nnc_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        nnc_free(walk->names[i]);
    for (size_t i = 0; i < walk->folder_count; i++)
        nnc_free(walk->folders[i]);
    nnc_free(walk->names);
    nnc_free(walk->folders);
    memset(walk, 0, sizeof(*walk));
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static bool skipped(const char *name)
{
    return name[0] == '.' || strcmp(name, "__MACOSX") == 0 || strcmp(name, "Thumbs.db") == 0 ||
           strcmp(name, "desktop.ini") == 0 || ends_with(name, "~") || ends_with(name, ".swp") ||
           ends_with(name, ".bak") || ends_with(name, ".tmp") || ends_with(name, ".part");
}

static void count_extension(nnc_walk *out, const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *text = dot && strlen(dot) < sizeof(out->extensions[0].text) ? dot : "";
    for (size_t i = 0; i < out->extension_count; i++)
        if (strcmp(out->extensions[i].text, text) == 0) {
            out->extensions[i].count++;
            return;
        }
    if (out->extension_count == NNC_WALK_EXTENSIONS)
        return;
    strcpy(out->extensions[out->extension_count].text, text);
    out->extensions[out->extension_count++].count = 1;
}

static nnc_status push(char ***list, size_t *count, size_t *cap, const char *sub, const char *name)
{
    if (*count >= NNC_WALK_FILES_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "more than %u files", NNC_WALK_FILES_MAX);
    NNC_TRY(nnc_grow(list, cap, *count + 1, sizeof(**list)));
    nnc_str s = {0};
    if (*sub)
        nnc_str_appendf(&s, "%s/", sub);
    nnc_str_append(&s, name);
    NNC_TRY(nnc_str_status(&s));
    (*list)[(*count)++] = s.data;
    return NNC_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Folder part first, then the name: what sorting the output of os.walk gives. */
static int by_folder(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    const char *xs = strrchr(x, '/'), *ys = strrchr(y, '/');
    const size_t xn = xs ? (size_t)(xs - x) : 0, yn = ys ? (size_t)(ys - y) : 0;
    int order = memcmp(x, y, xn < yn ? xn : yn);
    if (order == 0 && xn != yn)
        order = xn < yn ? -1 : 1;
    return order ? order : strcmp(xs ? xs + 1 : x, ys ? ys + 1 : y);
}

static nnc_status walk_folder(const walking *w, const char *sub, const level *up);

static nnc_status walk_entry(const walking *w, const char *sub, const struct dirent *entry, int fd,
                             const level *here)
{
    struct stat st;
    nnc_walk *out = w->out;
    const char *name = entry->d_name;
    if (skipped(name))
        return NNC_OK;
    bool is_file = entry->d_type == DT_REG, is_dir = entry->d_type == DT_DIR;
    if (!is_file && !is_dir) {
        if (fstatat(fd, name, &st, 0) != 0)
            return NNC_OK; /* dangling link, or gone */
        is_file = S_ISREG(st.st_mode);
        is_dir = S_ISDIR(st.st_mode);
    }
    if (is_file && w->wanted(name))
        return push(&out->names, &out->count, &out->cap, sub, name);
    if (is_file)
        count_extension(out, name);
    if (is_dir && !w->recurse)
        return push(&out->folders, &out->folder_count, &out->folder_cap, sub, name);
    if (!is_dir)
        return NNC_OK;
    nnc_str below = {0};
    nnc_str_appendf(&below, "%s/%s", sub, name);
    nnc_status status = nnc_str_status(&below);
    if (status == NNC_OK)
        status = walk_folder(w, nnc_str_get(&below), here);
    nnc_str_deinit(&below);
    return status;
}

static nnc_status walk_open(const walking *w, const char *sub, const level *up, DIR *dir)
{
    struct stat st;
    if (fstat(dirfd(dir), &st) != 0)
        NNC_FAIL(NNC_ERR_IO, "%s/%s: %s", w->base, sub, strerror(errno));
    for (const level *l = up; l; l = l->up)
        if (l->device == st.st_dev && l->inode == st.st_ino)
            return NNC_OK;
    const level here = {up, st.st_dev, st.st_ino, up ? up->depth + 1 : 1};
    if (here.depth > NNC_WALK_DEPTH_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "%s/%s: folders are nested deeper than %d", w->base, sub,
                 NNC_WALK_DEPTH_MAX);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            NNC_FAIL(NNC_ERR_IO, "%s/%s: %s", w->base, sub, strerror(errno));
        if (!entry)
            return NNC_OK;
        NNC_TRY(walk_entry(w, sub, entry, dirfd(dir), &here));
    }
}

static nnc_status walk_folder(const walking *w, const char *sub, const level *up)
{
    nnc_str path = {0};
    nnc_str_appendf(&path, "%s%s%s", w->base, *sub ? "/" : "", sub);
    DIR *dir = nnc_str_status(&path) == NNC_OK ? opendir(nnc_str_get(&path)) : NULL;
    nnc_str_deinit(&path);
    if (!dir)
        NNC_FAIL(NNC_ERR_IO, "%s%s%s: folder cannot be read: %s", w->base, *sub ? "/" : "", sub,
                 strerror(errno));
    const nnc_status status = walk_open(w, sub, up, dir);
    closedir(dir);
    return status;
}

static void sort(char **list, size_t n, int (*order)(const void *, const void *))
{
    if (n > 1)
        qsort(list, n, sizeof(*list), order);
}

nnc_status nnc_walk_top(nnc_walk *out, const char *base, bool (*wanted)(const char *name))
{
    const walking w = {out, base, wanted, false};
    NNC_TRY(walk_folder(&w, "", NULL));
    sort(out->names, out->count, by_bytes);
    sort(out->folders, out->folder_count, by_bytes);
    return NNC_OK;
}

nnc_status nnc_walk_tree(nnc_walk *out, const char *base, const char *sub,
                         bool (*wanted)(const char *name))
{
    const walking w = {out, base, wanted, true};
    const size_t first = out->count;
    NNC_TRY(walk_folder(&w, sub, NULL));
    sort(out->names ? out->names + first : NULL, out->count - first, by_folder);
    return NNC_OK;
}
