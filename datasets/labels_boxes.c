/* Ground truth boxes: COCO's JSON and YOLO's text files. SPDX-License-Identifier: Apache-2.0
 * COCO: images by file name, categories by ascending id as classes 0, 1, ..., "bbox" [x, y, width, height] in pixels.
 * YOLO: one text file per image, "class x_centre y_centre width height" relative to the image. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "datasets/labels_boxes.h"
#include "datasets/limits.h"
#include "datasets/text.h"

#define YOLO_NUMBERS 5

/* Grows while a file is read; boxes of sample i follow each other after boxes_settle. */
typedef struct gathering {
    nnc_dataset *d;
    const char *path;
    nnc_box *boxes;
    uint32_t *sample; /* [count] */
    size_t count, cap, sample_cap;
} gathering;

static nnc_status gather(gathering *g, uint32_t sample, const nnc_box *box)
{
    NNC_TRY(nnc_grow(&g->boxes, &g->cap, g->count + 1, sizeof(*g->boxes)));
    NNC_TRY(nnc_grow(&g->sample, &g->sample_cap, g->count + 1, sizeof(*g->sample)));
    g->sample[g->count] = sample;
    g->boxes[g->count++] = *box;
    return NNC_OK;
}

/* Orders by sample, keeping the file's order within one. */
static nnc_status settle(gathering *g)
{
    nnc_dataset *d = g->d;
    d->boxes = nnc_calloc(g->count ? g->count : 1, sizeof(*d->boxes));
    d->box_start = nnc_calloc(d->total + 1, sizeof(*d->box_start));
    size_t *next = nnc_calloc(d->total + 1, sizeof(*next));
    if (!d->boxes || !d->box_start || !next) {
        nnc_free(next);
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < g->count; i++)
        d->box_start[g->sample[i] + 1]++;
    for (size_t i = 0; i < d->total; i++)
        d->box_start[i + 1] += d->box_start[i];
    memcpy(next, d->box_start, d->total * sizeof(*next));
    for (size_t i = 0; i < g->count; i++)
        d->boxes[next[g->sample[i]]++] = g->boxes[i];
    nnc_free(next);
    return NNC_OK;
}

static nnc_status finish(gathering *g, nnc_status status)
{
    if (status == NNC_OK)
        status = settle(g);
    nnc_free(g->boxes);
    nnc_free(g->sample);
    return status;
}

static nnc_status class_of(int32_t *out, const gathering *g, int64_t class, const char *where)
{
    const int64_t label = class + g->d->options.label_offset;
    if (label < 0 || label > NNC_BOX_CLASSES_MAX)
        NNC_FAIL(NNC_ERR_DATA, "%s: class %lld%s is outside 0..%d", where, (long long)class,
                 g->d->options.label_offset ? " with --label-offset" : "", NNC_BOX_CLASSES_MAX);
    *out = (int32_t)label;
    return NNC_OK;
}

/* ---- COCO ---- */

typedef struct coco {
    gathering g;
    json_t *root;
    int64_t *categories; /* [count] ids, ascending */
    size_t category_count;
    nnc_map *images; /* "id" to sample, UINT32_MAX for images that are not among the samples */
} coco;

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static nnc_status coco_array(json_t **out, const coco *c, const char *name)
{
    *out = json_object_get(c->root, name);
    if (!json_is_array(*out))
        NNC_FAIL(NNC_ERR_DATA, "%s: no array '%s', which COCO annotations have", c->g.path, name);
    return NNC_OK;
}

static nnc_status read_categories(coco *c)
{
    json_t *list;
    NNC_TRY(coco_array(&list, c, "categories"));
    const size_t n = json_array_size(list);
    c->categories = nnc_calloc(n + 1, sizeof(*c->categories));
    if (!c->categories)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < n; i++) {
        json_t *id = json_object_get(json_array_get(list, i), "id");
        if (!json_is_integer(id))
            NNC_FAIL(NNC_ERR_DATA, "%s: categories[%zu]: no integer 'id'", c->g.path, i);
        c->categories[i] = json_integer_value(id);
    }
    qsort(c->categories, n, sizeof(*c->categories), ascending);
    c->category_count = n;
    return NNC_OK;
}

static nnc_status read_images(coco *c, const nnc_map *files, size_t *known)
{
    json_t *list;
    NNC_TRY(coco_array(&list, c, "images"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *image = json_array_get(list, i);
        json_t *id = json_object_get(image, "id");
        const char *name = json_string_value(json_object_get(image, "file_name"));
        if (!json_is_integer(id) || !name)
            NNC_FAIL(NNC_ERR_DATA, "%s: images[%zu]: no integer 'id' or no 'file_name'", c->g.path, i);
        const char *slash = strrchr(name, '/');
        uint32_t sample = UINT32_MAX;
        if (!nnc_map_get(files, name, &sample) && slash)
            nnc_map_get(files, slash + 1, &sample);
        *known += sample != UINT32_MAX;
        char key[32];
        snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(id));
        NNC_TRY(nnc_map_put(c->images, key, sample, NULL));
    }
    return NNC_OK;
}

static nnc_status read_box(nnc_box *box, const coco *c, const json_t *annotation, size_t i)
{
    json_t *list = json_object_get(annotation, "bbox"), *category = json_object_get(annotation, "category_id");
    double v[4];
    bool good = json_is_array(list) && json_array_size(list) == 4 && json_is_integer(category);
    for (size_t k = 0; good && k < 4; k++) {
        json_t *number = json_array_get(list, k);
        good = json_is_number(number);
        v[k] = json_number_value(number);
    }
    if (!good)
        NNC_FAIL(NNC_ERR_DATA, "%s: annotations[%zu]: no 'bbox' of 4 numbers or no 'category_id'", c->g.path, i);
    const int64_t id = json_integer_value(category);
    const int64_t *at = bsearch(&id, c->categories, c->category_count, sizeof(id), ascending);
    if (!at)
        NNC_FAIL(NNC_ERR_DATA, "%s: annotations[%zu]: category %lld is not listed", c->g.path, i, (long long)id);
    *box = (nnc_box){v[0], v[1], v[0] + v[2], v[1] + v[3], 1, 0, false};
    box->crowd = json_integer_value(json_object_get(annotation, "iscrowd")) != 0;
    return class_of(&box->label, &c->g, at - c->categories, c->g.path);
}

static nnc_status read_annotations(coco *c)
{
    json_t *list;
    NNC_TRY(coco_array(&list, c, "annotations"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *annotation = json_array_get(list, i);
        json_t *id = json_object_get(annotation, "image_id");
        char key[32];
        uint32_t sample;
        snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(id));
        if (!json_is_integer(id) || !nnc_map_get(c->images, key, &sample))
            NNC_FAIL(NNC_ERR_DATA, "%s: annotations[%zu]: 'image_id' names no image of the file", c->g.path, i);
        nnc_box box;
        NNC_TRY(read_box(&box, c, annotation, i));
        if (sample != UINT32_MAX)
            NNC_TRY(gather(&c->g, sample, &box));
    }
    return NNC_OK;
}

static nnc_status read_coco(coco *c, const char *const *names)
{
    nnc_map *files = NULL;
    size_t known = 0;
    c->images = nnc_map_create();
    nnc_status status = c->images ? nnc_labels_file_map(&files, names, c->g.d->total) : NNC_ERR_LIMIT;
    if (status == NNC_OK)
        status = read_categories(c);
    if (status == NNC_OK)
        status = read_images(c, files, &known);
    nnc_map_destroy(files);
    NNC_TRY(status);
    if (known == 0)
        NNC_FAIL(NNC_ERR_DATA, "%s: none of its images is among the %zu samples of %s", c->g.path, c->g.d->total,
                 c->g.d->path);
    if (known < c->g.d->total)
        nnc_str_appendf(&c->g.d->warnings, "%s: %zu of %zu samples are not listed and count as images without boxes\n",
                        c->g.path, c->g.d->total - known, c->g.d->total);
    return read_annotations(c);
}

static nnc_status boxes_from_coco(nnc_dataset *d, const char *path, const char *const *names)
{
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, path, NNC_COCO_FILE_MAX));
    json_error_t error;
    coco c = {.g = {.d = d, .path = path}};
    c.root = json_loadb((const char *)map.data, map.bytes, JSON_REJECT_DUPLICATES, &error);
    nnc_file_map_close(&map);
    if (!c.root)
        NNC_FAIL(NNC_ERR_DATA, "%s:%d:%d: no valid JSON: %s", path, error.line, error.column, error.text);
    nnc_status status = finish(&c.g, read_coco(&c, names));
    nnc_map_destroy(c.images);
    nnc_free(c.categories);
    json_decref(c.root);
    return status;
}

/* ---- YOLO ---- */

/* Text file of an image: beside it, or of the same stem in `folder`. */
static const char *yolo_path(const nnc_dataset *d, const char *folder, const char *name)
{
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    const int stem = dot && (!slash || dot > slash) ? (int)(dot - name) : (int)strlen(name);
    return nnc_arena_printf(d->arena, "%s/%.*s.txt", folder, stem, name);
}

static nnc_status yolo_line(gathering *g, uint32_t sample, nnc_text *text)
{
    double v[YOLO_NUMBERS];
    char *at = text->text, *end;
    size_t n = 0;
    for (; n < YOLO_NUMBERS; n++, at = end) {
        v[n] = strtod(at, &end);
        if (end == at)
            break;
    }
    if (n != YOLO_NUMBERS || v[0] != floor(v[0]) || !(fabs(v[0]) <= NNC_BOX_CLASSES_MAX))
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: expected 'class x y width height'", text->path, text->line);
    for (size_t i = 1; i < YOLO_NUMBERS; i++)
        if (!(v[i] >= -0.01 && v[i] <= 1.01))
            NNC_FAIL(NNC_ERR_DATA, "%s:%zu: %g is not relative to the image (0..1)", text->path, text->line, v[i]);
    nnc_box box = {v[1] - v[3] / 2, v[2] - v[4] / 2, v[1] + v[3] / 2, v[2] + v[4] / 2, 1, 0, false};
    NNC_TRY(class_of(&box.label, g, (int64_t)v[0], text->path));
    return gather(g, sample, &box);
}

static nnc_status boxes_from_yolo(nnc_dataset *d, const char *folder, const char *const *names)
{
    gathering g = {.d = d, .path = folder};
    nnc_text *text = nnc_calloc(1, sizeof(*text));
    nnc_status status = text ? NNC_OK : NNC_ERR_LIMIT;
    size_t files = 0;
    for (size_t i = 0; status == NNC_OK && i < d->total; i++) {
        const char *path = yolo_path(d, folder, names[i]);
        if (!path || !nnc_file_exists(path)) {
            status = path ? NNC_OK : NNC_ERR_LIMIT;
            continue; /* an image without objects */
        }
        files++;
        status = nnc_text_open(text, path);
        bool more = status == NNC_OK;
        while (status == NNC_OK && more) {
            status = nnc_text_next(text, &more);
            if (status == NNC_OK && more)
                status = yolo_line(&g, (uint32_t)i, text);
        }
        nnc_text_close(text);
    }
    if (status == NNC_OK && files == 0)
        status = nnc_error_set(NNC_ERR_DATA, "%s: no text file is named like one of the %zu images", folder, d->total);
    d->boxes_relative = true;
    nnc_free(text);
    return finish(&g, status);
}

bool nnc_labels_are_boxes(const char *path)
{
    const char *dot = strrchr(path, '.');
    return (dot && strcmp(dot, ".json") == 0) || nnc_file_is_dir(path);
}

nnc_status nnc_labels_read_boxes(nnc_dataset *d, const char *path, const char *const *names)
{
    return nnc_file_is_dir(path) ? boxes_from_yolo(d, path, names) : boxes_from_coco(d, path, names);
}

bool nnc_dataset_has_boxes(const nnc_dataset *d)
{
    return d->boxes != NULL;
}

bool nnc_dataset_boxes(const nnc_box **boxes, size_t *count, bool *relative, const nnc_dataset *d, size_t i)
{
    *boxes = NULL;
    *count = 0;
    if (!d->boxes || i >= d->count)
        return false;
    const size_t raw = nnc_dataset_raw(d, i);
    *boxes = d->boxes + d->box_start[raw];
    *count = d->box_start[raw + 1] - d->box_start[raw];
    *relative = d->boxes_relative;
    return true;
}
