/* Folders of images: flat, with a labels file, class folders; and image lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/map.h"
#include "datasets/labels_boxes.h"
#include "datasets/limits.h"
#include "datasets/source.h"
#include "datasets/text.h"
#include "datasets/walk.h"


/* names[i] is relative to `base` ("" for lists, whose names are paths). */
typedef struct folder {
    const char **names; /* [total], arena */
    const char *base;
    bool (*wanted)(const char *name);
    const char *what; /* "images", for messages */
} folder;

static bool is_image_name(const char *name)
{
    static const char *const known[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(dot, known[i]) == 0)
            return true;
    return false;
}

static bool folder_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    return spec->is_dir;
}

static void format_extensions(nnc_str *out, const nnc_walk *walk)
{
    for (size_t i = 0; i < walk->extension_count; i++)
        nnc_str_appendf(out, "%s%zu %s", i ? ", " : "", walk->extensions[i].count,
                        walk->extensions[i].text[0] ? walk->extensions[i].text
                                                    : "without extension");
}

static nnc_status no_images(const nnc_dataset *d, const nnc_walk *walk)
{
    nnc_str seen = {0};
    format_extensions(&seen, walk);
    if (walk->extension_count == 0)
        nnc_error_set(NNC_ERR_DATA, "%s: folder without files", d->path);
    else
        nnc_error_set(NNC_ERR_DATA, "%s: no JPEG or PNG files (there are %s)", d->path,
                      nnc_str_get(&seen));
    nnc_str_deinit(&seen);
    return NNC_ERR_DATA;
}

static nnc_status keep_names(nnc_dataset *d, const nnc_walk *walk)
{
    folder *f = d->state;
    f->names = nnc_arena_alloc(d->arena, walk->count ? walk->count : 1, sizeof(*f->names));
    if (!f->names)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < walk->count; i++) {
        f->names[i] = nnc_arena_strdup(d->arena, walk->names[i]);
        if (!f->names[i])
            return NNC_ERR_LIMIT;
    }
    d->total = walk->count;
    if (walk->extension_count > 0) {
        nnc_str seen = {0};
        format_extensions(&seen, walk);
        nnc_str_appendf(&d->notes, "%s: files that are no images are left out: %s\n", d->path,
                        nnc_str_get(&seen));
        nnc_str_deinit(&seen);
    }
    return NNC_OK;
}

/* The class of a folder: its place in the classes file (whole line or first word), else its rank.
 */
static nnc_status class_of(int64_t *out, const nnc_dataset *d, const nnc_map *classes,
                           const char *name, size_t rank)
{
    uint32_t i = (uint32_t)rank;
    if (classes && !nnc_map_get(classes, name, &i))
        NNC_FAIL(NNC_ERR_DATA, "%s: class folder '%s' is not in %s", d->path, name,
                 d->options.classes);
    *out = i;
    return NNC_OK;
}

static nnc_status folder_class_map(nnc_map **out, nnc_dataset *d)
{
    const char **names;
    size_t n;
    *out = NULL;
    NNC_TRY(nnc_classes_read(d, &names, &n));
    if (n == 0)
        return NNC_OK;
    *out = nnc_map_create();
    nnc_status status = *out ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        char word[256];
        const size_t length = strcspn(names[i], " \t,");
        if (length > 0 && length < sizeof(word)) {
            memcpy(word, names[i], length);
            word[length] = '\0';
            status = nnc_map_put(*out, word, (uint32_t)i, NULL);
        }
    }
    for (size_t i = 0; status == NNC_OK && i < n; i++)
        status = nnc_map_put(*out, names[i], (uint32_t)i, NULL);
    if (status != NNC_OK) {
        nnc_map_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* Without a classes file the folders are the classes. */
static nnc_status keep_folder_names(nnc_dataset *d, const nnc_walk *top)
{
    d->class_names = nnc_arena_alloc(d->arena, top->folder_count + 1, sizeof(*d->class_names));
    if (!d->class_names)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < top->folder_count; i++) {
        d->class_names[i] = nnc_arena_strdup(d->arena, top->folders[i]);
        if (!d->class_names[i])
            return NNC_ERR_LIMIT;
        d->class_name_count = i + 1;
    }
    return NNC_OK;
}

static nnc_status label_classes(nnc_dataset *d, const nnc_walk *top, const size_t *ends)
{
    nnc_map *classes;
    NNC_TRY(folder_class_map(&classes, d));
    d->labels = nnc_calloc(d->total, sizeof(*d->labels));
    nnc_status status = d->labels ? NNC_OK : NNC_ERR_LIMIT;
    size_t at = 0;
    for (size_t c = 0; status == NNC_OK && c < top->folder_count; c++) {
        int64_t label = 0;
        status = class_of(&label, d, classes, top->folders[c], c);
        if (at == ends[c])
            nnc_str_appendf(&d->warnings, "%s: class folder '%s' has no images\n", d->path,
                            top->folders[c]);
        while (at < ends[c])
            d->labels[at++] = label;
    }
    if (status == NNC_OK && !classes)
        status = keep_folder_names(d, top);
    if (status == NNC_OK && !classes)
        nnc_str_appendf(&d->notes,
                        "%s: class 0 is '%s', class %zu is '%s' (by name). Hint: --classes "
                        "for another order\n",
                        d->path, top->folders[0], top->folder_count - 1,
                        top->folders[top->folder_count - 1]);
    nnc_map_destroy(classes);
    return status;
}

static nnc_status open_classes(nnc_dataset *d, const nnc_walk *top, nnc_walk *all)
{
    const folder *f = d->state;
    size_t *ends = nnc_calloc(top->folder_count, sizeof(*ends));
    if (!ends)
        return NNC_ERR_LIMIT;
    nnc_status status = NNC_OK;
    for (size_t c = 0; status == NNC_OK && c < top->folder_count; c++) {
        status = nnc_walk_tree(all, d->path, top->folders[c], f->wanted);
        ends[c] = all->count;
    }
    if (status == NNC_OK && all->count == 0)
        status = no_images(d, all);
    if (status == NNC_OK)
        status = keep_names(d, all);
    if (status == NNC_OK && !d->options.no_labels && !d->options.labels)
        status = label_classes(d, top, ends);
    nnc_free(ends);
    nnc_str_appendf(&d->format_text, "%s in %zu class folders", f->what, top->folder_count);
    return status;
}

/* A labels file next to the data: FOLDER_labels.txt, FOLDER/labels.txt, FOLDER/labels.csv. */
static const char *labels_beside(const nnc_dataset *d)
{
    static const char *const ends[] = {"_labels.txt", "/labels.txt", "/labels.csv"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const char *path = nnc_arena_printf(d->arena, "%s%s", d->path, ends[i]);
        if (path && nnc_file_exists(path))
            return path;
    }
    return NULL;
}

static nnc_status read_labels(nnc_dataset *d)
{
    const folder *f = d->state;
    if (d->options.no_labels)
        return NNC_OK;
    const char *path = d->options.labels;
    if (!path && !d->labels) {
        path = labels_beside(d);
        if (path)
            nnc_str_appendf(&d->notes, "%s: labels from %s\n", d->path, path);
    }
    if (path && nnc_labels_are_boxes(path))
        return nnc_labels_read_boxes(d, path, f->names);
    return path ? nnc_labels_read(d, path, f->names) : NNC_OK;
}

static nnc_status open_walked(nnc_dataset *d, nnc_walk *top, nnc_walk *all)
{
    const folder *f = d->state;
    NNC_TRY(nnc_walk_top(top, d->path, f->wanted));
    if (top->count == 0 && top->folder_count > 0)
        return open_classes(d, top, all);
    if (top->count == 0)
        return no_images(d, top);
    if (top->folder_count > 0)
        nnc_str_appendf(&d->warnings,
                        "%s: images beside %zu sub-folders; the sub-folders are left "
                        "out\n",
                        d->path, top->folder_count);
    nnc_str_appendf(&d->format_text, "folder of %s", f->what);
    return keep_names(d, top);
}

static nnc_status open_with(nnc_dataset *d, const char *what, bool (*wanted)(const char *name))
{
    folder *f = nnc_arena_alloc(d->arena, 1, sizeof(*f));
    if (!f)
        return NNC_ERR_LIMIT;
    d->state = f;
    f->base = d->path;
    f->what = what;
    f->wanted = wanted;
    nnc_walk top = {0}, all = {0};
    nnc_status status = open_walked(d, &top, &all);
    nnc_walk_deinit(&top);
    nnc_walk_deinit(&all);
    NNC_TRY(status);
    return read_labels(d);
}

static nnc_status folder_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    (void)spec;
    NNC_TRY(nnc_dataset_use_images(d, "image folder"));
    return open_with(d, "images", is_image_name);
}

static const char *sample_path(nnc_str *buffer, const nnc_dataset *d, size_t raw)
{
    const folder *f = d->state;
    if (!f->base)
        return f->names[raw];
    nnc_str_appendf(buffer, "%s/%s", f->base, f->names[raw]);
    return nnc_str_get(buffer);
}

static nnc_status folder_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    nnc_str buffer = {0};
    nnc_file_map map;
    nnc_status status = nnc_file_map_open(&map, sample_path(&buffer, d, raw), NNC_IMAGE_FILE_MAX);
    nnc_str_deinit(&buffer);
    NNC_TRY(status);
    nnc_image image;
    status = nnc_image_decode(&image, map.data, map.bytes);
    out->hash = nnc_hash64(map.data, map.bytes, 0);
    nnc_file_map_close(&map);
    NNC_TRY(status);
    return nnc_preprocess_apply(&out->inputs[0], &out->view, &image, &d->image);
}

static void folder_name(nnc_str *out, const nnc_dataset *d, size_t raw)
{
    const folder *f = d->state;
    nnc_str_append_printable(out, f->names[raw], 0);
}

static void folder_close(nnc_dataset *d)
{
    (void)d; /* all in the arena */
}

const nnc_data_format nnc_data_format_folder = {
    .name = "image folder",
    .sniff = folder_sniff,
    .open = folder_open,
    .get = folder_get,
    .name_of = folder_name,
    .close = folder_close,
};

/* ---- any files, as bytes ---- */

static bool bytes_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    return spec->is_dir && options->preset && strcmp(options->preset, NNC_PRESET_BYTES) == 0;
}

static bool any_name(const char *name)
{
    (void)name;
    return true;
}

static nnc_status bytes_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    (void)spec;
    NNC_TRY(nnc_dataset_check_bytes(d));
    return open_with(d, "files", any_name);
}

static nnc_status bytes_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    nnc_str buffer = {0};
    nnc_file_map map;
    nnc_status status = nnc_file_map_open(&map, sample_path(&buffer, d, raw), UINT64_MAX);
    nnc_str_deinit(&buffer);
    NNC_TRY(status);
    status = nnc_preprocess_file(&out->inputs[0], &d->options.inputs[0], map.data, map.bytes);
    out->hash = nnc_hash64(map.data, map.bytes, 0);
    nnc_file_map_close(&map);
    return status;
}

const nnc_data_format nnc_data_format_bytes = {
    .name = "files as bytes",
    .sniff = bytes_sniff,
    .open = bytes_open,
    .get = bytes_get,
    .name_of = folder_name,
    .close = folder_close,
};

/* ---- image lists ---- */

static bool list_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    const char *dot = strrchr(spec->path, '.');
    return !spec->is_dir && dot &&
           (strcasecmp(dot, ".txt") == 0 || strcasecmp(dot, ".lst") == 0 ||
            strcasecmp(dot, ".list") == 0);
}

typedef struct list_reading {
    nnc_dataset *d;
    nnc_text text;
    const char **names;
    int64_t *labels;
    size_t count, cap, label_cap, labelled;
} list_reading;

/* The path as written, or relative to the list's folder. NULL if there is no such file. */
static const char *list_path(const list_reading *r, const char *text)
{
    const char *path = text;
    const char *slash = strrchr(r->d->path, '/');
    if (text[0] != '/' && slash)
        path = nnc_arena_printf(r->d->arena, "%.*s%s", (int)(slash + 1 - r->d->path), r->d->path,
                                text);
    else
        path = nnc_arena_strdup(r->d->arena, text);
    return path && nnc_file_exists(path) ? path : NULL;
}

static nnc_status list_line(list_reading *r)
{
    NNC_TRY(nnc_grow(&r->names, &r->cap, r->count + 1, sizeof(*r->names)));
    NNC_TRY(nnc_grow(&r->labels, &r->label_cap, r->count + 1, sizeof(*r->labels)));
    const char *path = list_path(r, r->text.text);
    r->labels[r->count] = -1;
    if (!path) {
        char *name, *value;
        nnc_text_split(r->text.text, &name, &value);
        path = name ? list_path(r, name) : NULL;
        if (!path)
            NNC_FAIL(NNC_ERR_DATA, "%s:%zu: no such file: '%s'", r->text.path, r->text.line,
                     name ? name : value);
        if (!nnc_parse_i64(value, &r->labels[r->count]) || r->labels[r->count] < 0)
            NNC_FAIL(NNC_ERR_DATA, "%s:%zu: '%s' is no label (expected a number from 0)",
                     r->text.path, r->text.line, value);
        r->labelled++;
    }
    r->names[r->count++] = path;
    return NNC_OK;
}

static nnc_status list_lines(list_reading *r)
{
    bool more;
    NNC_TRY(nnc_text_next(&r->text, &more));
    while (more) {
        if (r->text.text[0] != '#')
            NNC_TRY(list_line(r));
        NNC_TRY(nnc_text_next(&r->text, &more));
    }
    if (r->labelled && r->labelled != r->count)
        NNC_FAIL(NNC_ERR_DATA, "%s: %zu of %zu lines have a label, expected all or none",
                 r->text.path, r->labelled, r->count);
    folder *f = r->d->state;
    f->names = nnc_arena_alloc(r->d->arena, r->count + 1, sizeof(*f->names));
    if (!f->names)
        return NNC_ERR_LIMIT;
    if (r->count)
        memcpy(f->names, r->names, r->count * sizeof(*f->names));
    r->d->total = r->count;
    if (r->labelled && !r->d->options.no_labels) {
        r->d->labels = r->labels;
        r->labels = NULL;
    }
    return NNC_OK;
}

static nnc_status list_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    NNC_TRY(nnc_dataset_use_images(d, "image list"));
    d->state = nnc_arena_alloc(d->arena, 1, sizeof(folder));
    list_reading *r = nnc_calloc(1, sizeof(*r));
    nnc_status status = d->state && r ? nnc_text_open(&r->text, spec->path) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        r->d = d;
        status = list_lines(r);
        nnc_text_close(&r->text);
    }
    if (r) {
        nnc_free(r->names);
        nnc_free(r->labels);
    }
    nnc_free(r);
    NNC_TRY(status);
    nnc_str_append(&d->format_text, "image list");
    if (d->options.labels && !d->options.no_labels && nnc_labels_are_boxes(d->options.labels))
        return nnc_labels_read_boxes(d, d->options.labels, ((folder *)d->state)->names);
    if (d->options.labels && !d->options.no_labels)
        return nnc_labels_read(d, d->options.labels, ((folder *)d->state)->names);
    return NNC_OK;
}

const nnc_data_format nnc_data_format_list = {
    .name = "image list",
    .sniff = list_sniff,
    .open = list_open,
    .get = folder_get,
    .name_of = folder_name,
    .close = folder_close,
};
