/* Labels files, class names, and checks of labels against the model. SPDX-License-Identifier:
 * Apache-2.0 */
#include <string.h>

#include "base/map.h"
#include "datasets/source.h"
#include "datasets/text.h"

#define UNSET INT64_MIN
#define AMBIGUOUS UINT32_MAX

nnc_status nnc_classes_read(nnc_dataset *d, const char ***names, size_t *count)
{
    *names = NULL;
    *count = 0;
    if (!d->options.classes)
        return NNC_OK;
    nnc_text text;
    NNC_TRY(nnc_text_open(&text, d->options.classes));
    bool more;
    size_t n = 0, cap = 0;
    const char **list = NULL;
    nnc_status status;
    while ((status = nnc_text_next(&text, &more)) == NNC_OK && more) {
        status = nnc_grow(&list, &cap, n + 1, sizeof(*list));
        if (status != NNC_OK)
            break;
        list[n] = nnc_arena_strdup(d->arena, text.text);
        if (!list[n++]) {
            status = NNC_ERR_LIMIT;
            break;
        }
    }
    if (status == NNC_OK && n == 0)
        status = nnc_error_set(NNC_ERR_DATA, "%s: no class names", d->options.classes);
    if (status == NNC_OK) {
        const char **kept = nnc_arena_alloc(d->arena, n, sizeof(*kept));
        if (kept)
            memcpy(kept, list, n * sizeof(*kept));
        else
            status = NNC_ERR_LIMIT;
        *names = kept;
        *count = n;
        d->class_names = kept;
        d->class_name_count = kept ? n : 0;
    }
    nnc_free(list);
    nnc_text_close(&text);
    return status;
}

/* Class names to indices; NULL map without a classes file. */
static nnc_status class_map(nnc_map **out, nnc_dataset *d)
{
    *out = NULL;
    const char **names;
    size_t n;
    NNC_TRY(nnc_classes_read(d, &names, &n));
    if (n == 0)
        return NNC_OK;
    nnc_map *map = nnc_map_create();
    if (!map)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < n; i++) {
        bool existed;
        nnc_status status = nnc_map_put(map, names[i], (uint32_t)i, &existed);
        if (status == NNC_OK && existed)
            status = nnc_error_set(NNC_ERR_DATA, "%s: class '%s' is listed twice",
                                   d->options.classes, names[i]);
        if (status != NNC_OK) {
            nnc_map_destroy(map);
            return status;
        }
    }
    *out = map;
    return NNC_OK;
}

static nnc_status check_range(const nnc_dataset *d, int64_t label, const char *where, size_t line)
{
    const int64_t value = label + d->options.label_offset;
    const char *hint = "";
    if (value < 0)
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: label %lld is negative", where, line, (long long)value);
    if (d->options.num_classes == 0 || (uint64_t)value < d->options.num_classes)
        return NNC_OK;
    if ((uint64_t)value == d->options.num_classes)
        hint = ". Hint: if labels start at 1, --label-offset -1";
    NNC_FAIL(NNC_ERR_DATA, "%s:%zu: label %lld, the model has %zu classes (0..%zu)%s", where, line,
             (long long)value, d->options.num_classes, d->options.num_classes - 1, hint);
}

/* State of one labels file. */
typedef struct reading {
    nnc_dataset *d;
    nnc_text text;
    nnc_map *classes;
    nnc_map *files; /* relative path, and base name where it is unique, to index */
    size_t plain;   /* lines that were one value alone */
    size_t named;
} reading;

/* *known = false if the text is no label (then it can only be a header). */
static nnc_status label_value(int64_t *out, bool *known, const reading *r, const char *value)
{
    uint32_t index;
    *known = true;
    if (r->classes && nnc_map_get(r->classes, value, &index))
        *out = index;
    else if (!nnc_parse_i64(value, out))
        *known = false;
    if (*known && (*out > INT64_C(1) << 40 || *out < -(INT64_C(1) << 40)))
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: label %s is out of range", r->text.path, r->text.line,
                 value);
    return *known ? check_range(r->d, *out, r->text.path, r->text.line) : NNC_OK;
}

static nnc_status find_file(uint32_t *out, const reading *r, const char *name)
{
    if (strncmp(name, "./", 2) == 0)
        name += 2;
    if (nnc_map_get(r->files, name, out) && *out != AMBIGUOUS)
        return NNC_OK;
    const char *slash = strrchr(name, '/');
    if (slash && nnc_map_get(r->files, slash + 1, out) && *out != AMBIGUOUS)
        return NNC_OK;
    NNC_FAIL(NNC_ERR_DATA, "%s:%zu: '%s' is not in %s", r->text.path, r->text.line, name,
             r->d->path);
}

static nnc_status put_label(reading *r, const char *name, int64_t label)
{
    nnc_dataset *d = r->d;
    if (!name) {
        if (r->plain >= d->total)
            NNC_FAIL(NNC_ERR_DATA, "%s:%zu: more labels than samples (%zu)", r->text.path,
                     r->text.line, d->total);
        d->labels[r->plain++] = label;
        return NNC_OK;
    }
    uint32_t i;
    NNC_TRY(find_file(&i, r, name));
    if (d->labels[i] != UNSET)
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: '%s' has a label already", r->text.path, r->text.line,
                 name);
    d->labels[i] = label;
    r->named++;
    return NNC_OK;
}

static nnc_status read_line(reading *r)
{
    char *name, *value;
    int64_t label;
    bool known;
    char whole[NNC_TEXT_LINE_MAX];
    strcpy(whole, r->text.text);
    /* Class names may hold blanks: the whole line is tried first. */
    NNC_TRY(label_value(&label, &known, r, whole));
    name = NULL;
    if (!known) {
        nnc_text_split(r->text.text, &name, &value);
        NNC_TRY(label_value(&label, &known, r, value));
    }
    if (!known) {
        if (r->plain + r->named == 0 && r->text.line == 1)
            return NNC_OK; /* header */
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: '%s' is no label (expected a number%s)", r->text.path,
                 r->text.line, whole, r->classes ? " or a class name" : "");
    }
    if (name && !r->files)
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: names a file, but the samples have no file names",
                 r->text.path, r->text.line);
    if ((name && r->plain) || (!name && r->named))
        NNC_FAIL(NNC_ERR_DATA, "%s:%zu: lines with and without a file name are mixed", r->text.path,
                 r->text.line);
    return put_label(r, name, label);
}

static nnc_status check_complete(const reading *r, const char *const *names)
{
    const nnc_dataset *d = r->d;
    if (!r->named && r->plain != d->total)
        NNC_FAIL(NNC_ERR_DATA, "%s: %zu labels for %zu samples", r->text.path, r->plain, d->total);
    size_t missing = 0, first = 0;
    for (size_t i = d->total; i-- > 0;)
        if (d->labels[i] == UNSET) {
            missing++;
            first = i;
        }
    if (missing)
        NNC_FAIL(NNC_ERR_DATA, "%s: no label for %zu of %zu samples, the first is '%s'",
                 r->text.path, missing, d->total, names ? names[first] : "?");
    return NNC_OK;
}

nnc_status nnc_labels_file_map(nnc_map **out, const char *const *names, size_t n)
{
    nnc_map *map = nnc_map_create();
    nnc_status status = map ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        const char *slash = strrchr(names[i], '/');
        uint32_t old;
        if (slash)
            status = nnc_map_put(map, slash + 1,
                                 nnc_map_get(map, slash + 1, &old) ? AMBIGUOUS : (uint32_t)i, NULL);
    }
    for (size_t i = 0; status == NNC_OK && i < n; i++)
        status = nnc_map_put(map, names[i], (uint32_t)i, NULL);
    if (status != NNC_OK) {
        nnc_map_destroy(map);
        map = NULL;
    }
    *out = map;
    return status;
}

static nnc_status read_lines(reading *r, const char *path, const char *const *names)
{
    nnc_dataset *d = r->d;
    nnc_free(d->labels);
    d->labels = nnc_calloc(d->total, sizeof(*d->labels));
    if (!d->labels)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < d->total; i++)
        d->labels[i] = UNSET;
    if (names)
        NNC_TRY(nnc_labels_file_map(&r->files, names, d->total));
    NNC_TRY(class_map(&r->classes, d));
    r->text.path = path;
    bool more;
    NNC_TRY(nnc_text_next(&r->text, &more));
    while (more) {
        NNC_TRY(read_line(r));
        NNC_TRY(nnc_text_next(&r->text, &more));
    }
    return check_complete(r, names);
}

nnc_status nnc_labels_read(nnc_dataset *d, const char *path, const char *const *names)
{
    reading *r = nnc_calloc(1, sizeof(*r));
    if (!r)
        return NNC_ERR_LIMIT;
    r->d = d;
    nnc_status status = nnc_text_open(&r->text, path);
    if (status == NNC_OK) {
        status = read_lines(r, path, names);
        nnc_text_close(&r->text);
    }
    nnc_map_destroy(r->classes);
    nnc_map_destroy(r->files);
    nnc_free(r);
    return status;
}

nnc_status nnc_labels_read_plain(nnc_dataset *d, const char *path)
{
    return nnc_labels_read(d, path, NULL);
}

static void warn_suspicious(nnc_dataset *d, int64_t low, int64_t high)
{
    const int64_t classes = (int64_t)d->options.num_classes;
    if (low == high && d->total > 1)
        nnc_str_appendf(&d->warnings, "%s: all %zu labels are %lld\n", d->path, d->total,
                        (long long)low);
    else if (low == 1 && (classes == 0 || high == classes))
        nnc_str_appendf(&d->warnings,
                        "%s: labels run from 1 to %lld; if the model counts from 0, "
                        "--label-offset -1\n",
                        d->path, (long long)high);
    if (classes == 1001 && high <= 999 && low == 0 && d->options.label_offset == 0)
        nnc_str_appendf(&d->warnings,
                        "%s: labels run from 0 to %lld, the model has 1001 classes; if "
                        "its class 0 is the background, --label-offset 1\n",
                        d->path, (long long)high);
}

nnc_status nnc_labels_check(nnc_dataset *d)
{
    if (!d->labels)
        return NNC_OK;
    int64_t low = INT64_MAX, high = INT64_MIN;
    const char *named = d->options.labels;
    const char *where = named && named[0] != '#' ? named : d->path;
    for (size_t i = 0; i < d->total; i++) {
        NNC_TRY(check_range(d, d->labels[i], where, i));
        d->labels[i] += d->options.label_offset;
        low = d->labels[i] < low ? d->labels[i] : low;
        high = d->labels[i] > high ? d->labels[i] : high;
    }
    warn_suspicious(d, low, high);
    return NNC_OK;
}
