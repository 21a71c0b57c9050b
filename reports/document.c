/* The report document: building and reading the tree. SPDX-License-Identifier: Apache-2.0 */
#include "reports/document.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void fail(nnc_report *report, nnc_status status, const char *what, const char *path)
{
    if (report->status != NNC_OK) {
        return;
    }
    nnc_str text = {0};
    nnc_str_append_printable(&text, path, 120);
    size_t n = text.len < 160 ? text.len : 160;
    memcpy(report->message, what, strlen(what));
    memcpy(report->message + strlen(what), nnc_str_get(&text), n);
    report->message[strlen(what) + n] = 0;
    report->status = status;
    nnc_str_deinit(&text);
}

nnc_status nnc_report_new(nnc_report **out)
{
    *out = NULL;
    nnc_report *report = nnc_calloc(1, sizeof(*report));
    if (!report) {
        return NNC_ERR_LIMIT;
    }
    report->arena = nnc_arena_create(0);
    if (!report->arena) {
        nnc_free(report);
        return NNC_ERR_LIMIT;
    }
    report->root.report = report;
    report->root.kind = NNC_REPORT_OBJECT;
    *out = report;
    return NNC_OK;
}

nnc_status nnc_report_create(nnc_report **out, const char *kind)
{
    NNC_TRY(nnc_report_new(out));
    nnc_report_row *root = &(*out)->root;
    nnc_report_string(root, "schema", NNC_REPORT_SCHEMA);
    nnc_report_int(root, "schema_version", NNC_REPORT_SCHEMA_VERSION);
    nnc_report_string(root, "kind", kind);
    nnc_status status = nnc_report_status(*out);
    if (status != NNC_OK) {
        nnc_report_destroy(*out);
        *out = NULL;
    }
    return status;
}

void nnc_report_destroy(nnc_report *report)
{
    if (report) {
        nnc_arena_destroy(report->arena);
        nnc_free(report);
    }
}

nnc_status nnc_report_status(const nnc_report *report)
{
    return report->status == NNC_OK ? NNC_OK : nnc_error_set(report->status, "%s", report->message);
}

nnc_report_row *nnc_report_root(nnc_report *report)
{
    return &report->root;
}

static bool make_room(nnc_report_row *parent)
{
    if (parent->count < parent->cap) {
        return true;
    }
    size_t cap = parent->cap ? parent->cap * 2 : 8;
    nnc_report_row **items = nnc_arena_alloc(parent->report->arena, cap, sizeof(*items));
    if (!items) {
        return false;
    }
    if (parent->count) {
        memcpy(items, parent->items, parent->count * sizeof(*items));
    }
    parent->items = items;
    parent->cap = cap;
    return true;
}

nnc_report_row *nnc_report_add(nnc_report_row *parent, const char *key)
{
    nnc_report *report = parent->report;
    if (report->status != NNC_OK) {
        return NULL;
    }
    assert(parent->kind == (key ? NNC_REPORT_OBJECT : NNC_REPORT_ARRAY));
    nnc_report_row *row = nnc_arena_alloc(report->arena, 1, sizeof(*row));
    char *name = key && row ? nnc_arena_strdup(report->arena, key) : NULL;
    if (!row || (key && !name) || !make_room(parent)) {
        fail(report, NNC_ERR_LIMIT, "the report needs more memory than there is", "");
        return NULL;
    }
    row->report = report;
    row->key = name;
    parent->items[parent->count++] = row;
    return row;
}

static nnc_report_row *child(const nnc_report_row *object, const char *key, size_t n)
{
    for (size_t i = 0; i < object->count; i++) {
        const char *name = object->items[i]->key;
        if (strncmp(name, key, n) == 0 && name[n] == 0) {
            return object->items[i];
        }
    }
    return NULL;
}

const nnc_report_row *nnc_report_find(const nnc_report_row *row, const char *path)
{
    while (row && row->kind == NNC_REPORT_OBJECT) {
        size_t n = strcspn(path, ".");
        row = child(row, path, n);
        if (path[n] == 0) {
            return row;
        }
        path += n + 1;
    }
    return NULL;
}

/* The value at `path`, made where missing; NULL after a failure. */
static nnc_report_row *place(nnc_report_row *row, const char *path)
{
    if (!row || row->report->status != NNC_OK) {
        return NULL;
    }
    const char *rest = path;
    for (;;) {
        char key[64];
        size_t n = strcspn(rest, ".");
        if (n == 0 || n >= sizeof(key) || row->kind != NNC_REPORT_OBJECT) {
            fail(row->report, NNC_ERR_INTERNAL, "the report has no place for ", path);
            return NULL;
        }
        memcpy(key, rest, n);
        key[n] = 0;
        nnc_report_row *next = child(row, key, n);
        bool last = rest[n] == 0;
        if (!next) {
            next = nnc_report_add(row, key);
            if (!next) {
                return NULL;
            }
            next->kind = last ? NNC_REPORT_NULL : NNC_REPORT_OBJECT;
        }
        if (last) {
            return next;
        }
        row = next;
        rest += n + 1;
    }
}

/* A place for a plain value: an array or object that is there already is not thrown away. */
static nnc_report_row *place_value(nnc_report_row *row, const char *path)
{
    nnc_report_row *value = place(row, path);
    if (value && (value->kind == NNC_REPORT_ARRAY || value->kind == NNC_REPORT_OBJECT)) {
        fail(value->report, NNC_ERR_INTERNAL, "the report has more than one value at ", path);
        return NULL;
    }
    return value;
}

static nnc_report_row *place_array(nnc_report_row *row, const char *path)
{
    nnc_report_row *array = place(row, path);
    if (array && array->kind == NNC_REPORT_NULL) {
        array->kind = NNC_REPORT_ARRAY;
    }
    if (array && array->kind != NNC_REPORT_ARRAY) {
        fail(array->report, NNC_ERR_INTERNAL, "the report has no array at ", path);
        return NULL;
    }
    return array;
}

void nnc_report_set_string(nnc_report_row *row, const char *value)
{
    row->kind = NNC_REPORT_NULL;
    if (!value) {
        return;
    }
    nnc_str text = {0};
    for (const char *line = value;; line++) {
        size_t n = strcspn(line, "\n");
        char *piece = nnc_arena_strndup(row->report->arena, line, n);
        if (!piece) {
            text.failed = true;
            break;
        }
        nnc_str_append_printable(&text, piece, 0);
        line += n;
        if (!*line) {
            break;
        }
        nnc_str_append(&text, "\n");
    }
    const char *copy =
        text.failed ? NULL : nnc_arena_strdup(row->report->arena, nnc_str_get(&text));
    nnc_str_deinit(&text);
    if (!copy) {
        fail(row->report, NNC_ERR_LIMIT, "the report needs more memory than there is", "");
        return;
    }
    row->s = copy;
    row->kind = NNC_REPORT_STRING;
}

void nnc_report_set_double(nnc_report_row *row, double value)
{
    row->kind = isfinite(value) ? NNC_REPORT_DOUBLE : NNC_REPORT_NULL;
    row->d = value;
}

void nnc_report_string(nnc_report_row *row, const char *path, const char *value)
{
    nnc_report_row *at = place_value(row, path);
    if (at) {
        nnc_report_set_string(at, value);
    }
}

void nnc_report_int(nnc_report_row *row, const char *path, int64_t value)
{
    nnc_report_row *at = place_value(row, path);
    if (at) {
        at->kind = NNC_REPORT_INT;
        at->i = value;
    }
}

void nnc_report_double(nnc_report_row *row, const char *path, double value)
{
    nnc_report_row *at = place_value(row, path);
    if (at) {
        nnc_report_set_double(at, value);
    }
}

void nnc_report_bool(nnc_report_row *row, const char *path, bool value)
{
    nnc_report_row *at = place_value(row, path);
    if (at) {
        at->kind = NNC_REPORT_BOOL;
        at->b = value;
    }
}

void nnc_report_doubles(nnc_report_row *row, const char *path, const double *values, size_t n)
{
    nnc_report_row *array = place_array(row, path);
    for (size_t i = 0; array && i < n; i++) {
        nnc_report_row *item = nnc_report_add(array, NULL);
        if (!item) {
            return;
        }
        nnc_report_set_double(item, values[i]);
    }
}

void nnc_report_ints(nnc_report_row *row, const char *path, const int64_t *values, size_t n)
{
    nnc_report_row *array = place_array(row, path);
    for (size_t i = 0; array && i < n; i++) {
        nnc_report_row *item = nnc_report_add(array, NULL);
        if (!item) {
            return;
        }
        item->kind = NNC_REPORT_INT;
        item->i = values[i];
    }
}

nnc_report_row *nnc_report_object(nnc_report_row *row, const char *path)
{
    nnc_report_row *object = place(row, path);
    if (object && object->kind == NNC_REPORT_NULL) {
        object->kind = NNC_REPORT_OBJECT;
    }
    if (object && object->kind != NNC_REPORT_OBJECT) {
        fail(object->report, NNC_ERR_INTERNAL, "the report has no object at ", path);
        return NULL;
    }
    return object;
}

nnc_report_row *nnc_report_append(nnc_report_row *row, const char *path)
{
    nnc_report_row *array = place_array(row, path);
    nnc_report_row *item = array ? nnc_report_add(array, NULL) : NULL;
    if (item) {
        item->kind = NNC_REPORT_OBJECT;
    }
    return item;
}

void nnc_report_append_string(nnc_report_row *row, const char *path, const char *value)
{
    nnc_report_row *array = place_array(row, path);
    nnc_report_row *item = array ? nnc_report_add(array, NULL) : NULL;
    if (item) {
        nnc_report_set_string(item, value);
    }
}

static const nnc_report_row *find_kind(const nnc_report_row *row, const char *path,
                                       nnc_report_kind kind)
{
    const nnc_report_row *at = nnc_report_find(row, path);
    return at && at->kind == kind ? at : NULL;
}

const char *nnc_report_get_string(const nnc_report_row *row, const char *path)
{
    const nnc_report_row *at = find_kind(row, path, NNC_REPORT_STRING);
    return at ? at->s : NULL;
}

bool nnc_report_get_int(const nnc_report_row *row, const char *path, int64_t *value)
{
    const nnc_report_row *at = find_kind(row, path, NNC_REPORT_INT);
    *value = at ? at->i : 0;
    return at;
}

static bool number(const nnc_report_row *at, double *value)
{
    bool is_int = at && at->kind == NNC_REPORT_INT;
    bool is_double = at && at->kind == NNC_REPORT_DOUBLE;
    *value = is_int ? (double)at->i : is_double ? at->d : 0;
    return is_int || is_double;
}

bool nnc_report_get_double(const nnc_report_row *row, const char *path, double *value)
{
    return number(nnc_report_find(row, path), value);
}

bool nnc_report_get_bool(const nnc_report_row *row, const char *path, bool *value)
{
    const nnc_report_row *at = find_kind(row, path, NNC_REPORT_BOOL);
    *value = at && at->b;
    return at;
}

size_t nnc_report_count(const nnc_report_row *row, const char *path)
{
    const nnc_report_row *at = find_kind(row, path, NNC_REPORT_ARRAY);
    return at ? at->count : 0;
}

static const nnc_report_row *item_at(const nnc_report_row *row, const char *path, size_t i)
{
    const nnc_report_row *at = find_kind(row, path, NNC_REPORT_ARRAY);
    return at && i < at->count ? at->items[i] : NULL;
}

const nnc_report_row *nnc_report_at(const nnc_report_row *row, const char *path, size_t i)
{
    const nnc_report_row *item = item_at(row, path, i);
    return item && item->kind == NNC_REPORT_OBJECT ? item : NULL;
}

const char *nnc_report_string_at(const nnc_report_row *row, const char *path, size_t i)
{
    const nnc_report_row *item = item_at(row, path, i);
    return item && item->kind == NNC_REPORT_STRING ? item->s : NULL;
}

bool nnc_report_double_at(const nnc_report_row *row, const char *path, size_t i, double *value)
{
    return number(item_at(row, path, i), value);
}
