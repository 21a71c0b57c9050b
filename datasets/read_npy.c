/* .npy and .npz data sets. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "datasets/array.h"
#include "datasets/limits.h"
#include "datasets/npy.h"
#include "datasets/zip.h"

#define NPY_HEADER_PEEK (65536u + 12u)

typedef struct npy_array {
    nnc_npy npy;
    uint8_t *owned; /* inflated bytes, or NULL */
} npy_array;

typedef struct npy_file {
    nnc_arrays arrays;
    nnc_file_map map;
    nnc_dataset *d;
    nnc_zip zip;
    size_t inflated;
} npy_file;

static nnc_status array_fetch(const nnc_array *array, void *out, size_t first, size_t n)
{
    const npy_array *a = array->state;
    nnc_npy_read(out, &a->npy, first, n);
    return NNC_OK;
}

static void array_close(nnc_array *array)
{
    npy_array *a = array->state;
    nnc_free(a->owned);
    nnc_free(a);
}

static nnc_status array_from(nnc_array *out, nnc_dataset *d, const char *name, npy_array *a)
{
    *out = (nnc_array){.name = nnc_arena_strdup(d->arena, name),
                       .dtype = a->npy.dtype,
                       .shape = a->npy.shape,
                       .state = a,
                       .fetch = array_fetch,
                       .close = array_close};
    return out->name ? NNC_OK : NNC_ERR_LIMIT;
}

static npy_file *file_create(nnc_dataset *d, const nnc_data_spec *spec, nnc_status *status)
{
    npy_file *f = nnc_calloc(1, sizeof(*f));
    *status = NNC_ERR_LIMIT;
    if (!f)
        return NULL;
    *status = nnc_file_map_open(&f->map, spec->path, NNC_NPY_FILE_MAX);
    if (*status != NNC_OK) {
        nnc_free(f);
        return NULL;
    }
    f->d = d;
    d->state = f;
    return f;
}

static nnc_status npy_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    const npy_file *f = d->state;
    return nnc_arrays_get(out, &f->arrays, d, raw);
}

static void npy_close(nnc_dataset *d)
{
    npy_file *f = d->state;
    if (!f)
        return;
    nnc_arrays_close(&f->arrays);
    nnc_file_map_close(&f->map);
    nnc_free(f);
}

/* ---- .npy ---- */

static bool npy_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    return spec->head_bytes >= 6 && memcmp(spec->head, "\x93NUMPY", 6) == 0;
}

/* Labels of a plain .npy: a file given by the user, either .npy or text. */
static nnc_status npy_labels(nnc_dataset *d)
{
    const char *path = d->options.labels;
    if (!path || d->options.no_labels)
        return NNC_OK;
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, path, NNC_NPY_FILE_MAX));
    nnc_status status;
    if (map.bytes >= 6 && memcmp(map.data, "\x93NUMPY", 6) == 0) {
        npy_array a = {0};
        status = nnc_npy_parse(&a.npy, map.data, map.bytes, map.bytes);
        if (status == NNC_OK) {
            const nnc_array array = {path, a.npy.dtype, a.npy.shape, &a, array_fetch, NULL};
            status = nnc_arrays_read_labels(d, &array);
        } else {
            nnc_error_prepend(status, "%s", path);
        }
    } else {
        status = nnc_labels_read_plain(d, path);
    }
    nnc_file_map_close(&map);
    return status;
}

static nnc_status npy_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    nnc_status status;
    npy_file *f = file_create(d, spec, &status);
    NNC_TRY(status);
    npy_array *a = nnc_calloc(1, sizeof(*a));
    if (!a)
        return NNC_ERR_LIMIT;
    status = nnc_npy_parse(&a->npy, f->map.data, f->map.bytes, f->map.bytes);
    if (status != NNC_OK) {
        nnc_free(a);
        return nnc_error_prepend(status, "%s", spec->path);
    }
    nnc_array array;
    status = array_from(&array, d, "array", a);
    if (status != NNC_OK) {
        nnc_free(a);
        return status;
    }
    NNC_TRY(nnc_arrays_open_single(&f->arrays, d, &array));
    return npy_labels(d);
}

const nnc_data_format nnc_data_format_npy = {
    .name = "NumPy array",
    .sniff = npy_sniff,
    .open = npy_open,
    .get = npy_get,
    .close = npy_close,
};

/* ---- .npz ---- */

static bool npz_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    const size_t n = strlen(spec->path);
    return spec->head_bytes >= 4 && n > 4 && strcmp(spec->path + n - 4, ".npz") == 0 &&
           memcmp(spec->head, "PK", 2) == 0;
}

/* "images.npy" -> "images"; other members are no arrays. */
static const char *member_name(nnc_dataset *d, const nnc_zip_member *m)
{
    const size_t n = strlen(m->name);
    if (n <= 4 || strcmp(m->name + n - 4, ".npy") != 0)
        return NULL;
    return nnc_arena_strndup(d->arena, m->name, n - 4);
}

static const nnc_zip_member *find_member(const npy_file *f, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < f->zip.count; i++)
        if (strncmp(f->zip.members[i].name, name, n) == 0 &&
            strcmp(f->zip.members[i].name + n, ".npy") == 0)
            return &f->zip.members[i];
    return NULL;
}

/* Looks at the header before inflating: a bomb that does not say its size honestly never grows. */
static nnc_status check_header(const nnc_zip_member *m)
{
    uint8_t *head = nnc_realloc(NULL, NPY_HEADER_PEEK, 1);
    if (!head)
        return NNC_ERR_LIMIT;
    size_t got;
    nnc_npy npy;
    nnc_status status = nnc_zip_peek(head, &got, m, NPY_HEADER_PEEK);
    if (status == NNC_OK)
        status = nnc_npy_parse(&npy, head, got, m->size);
    nnc_free(head);
    return status;
}

static nnc_status member_open(nnc_array *out, void *state, const char *name)
{
    npy_file *f = state;
    const nnc_zip_member *m = find_member(f, name);
    if (!m)
        NNC_FAIL(NNC_ERR_DATA, "no member '%s'", name);
    if (m->method != 0 && m->size > NNC_ZIP_BYTES_MAX - f->inflated)
        NNC_FAIL(NNC_ERR_LIMIT,
                 "'%s' inflates to %u bytes, the limit for the archive is %zu. Hint: "
                 "numpy.savez (not compressed) is read in place",
                 name, m->size, NNC_ZIP_BYTES_MAX);
    nnc_status status = check_header(m);
    if (status != NNC_OK)
        return nnc_error_prepend(status, "'%s'", name);
    npy_array *a = nnc_calloc(1, sizeof(*a));
    if (!a)
        return NNC_ERR_LIMIT;
    const uint8_t *bytes;
    status = nnc_zip_read(&bytes, &a->owned, m);
    if (status == NNC_OK)
        status = nnc_npy_parse(&a->npy, bytes, m->size, m->size);
    if (status == NNC_OK)
        status = array_from(out, f->d, name, a);
    if (status != NNC_OK) {
        nnc_free(a->owned);
        nnc_free(a);
        return status;
    }
    f->inflated += m->method != 0 ? m->size : 0;
    return NNC_OK;
}

static nnc_status npz_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    nnc_status status;
    npy_file *f = file_create(d, spec, &status);
    NNC_TRY(status);
    status = nnc_zip_open(&f->zip, d->arena, f->map.data, f->map.bytes);
    if (status != NNC_OK)
        return nnc_error_prepend(status, "%s", spec->path);
    const char **names = nnc_arena_alloc(d->arena, f->zip.count + 1, sizeof(*names));
    if (!names)
        return NNC_ERR_LIMIT;
    size_t count = 0;
    for (size_t i = 0; i < f->zip.count; i++) {
        const char *name = member_name(d, &f->zip.members[i]);
        if (name)
            names[count++] = name;
    }
    const nnc_array_file file = {"archive", names, count, f, member_open};
    return nnc_arrays_open(&f->arrays, d, spec, &file);
}

const nnc_data_format nnc_data_format_npz = {
    .name = "NumPy archive",
    .sniff = npz_sniff,
    .open = npz_open,
    .get = npy_get,
    .close = npy_close,
};
