/* HDF5 files: "file.h5#images". Read-only and wary: no plug-ins, no links out of the file, no
 * external or virtual storage, sizes checked before reading, one hyperslab per sample.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>

#include "base/file.h"
#include "datasets/array.h"
#include "datasets/hdf5_chunks.h"

#define HDF5_DEPTH_MAX 8
#define HDF5_NAMES_MAX 1024

/* The library is one global state machine, not always built for threads: one call at a time. */
static pthread_mutex_t hdf5_lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct hdf5_file {
    nnc_arrays arrays;
    nnc_dataset *d;
    hid_t file;
    const char **names;
    size_t count;
} hdf5_file;

typedef struct hdf5_array {
    hid_t set;
    hid_t type;              /* of memory */
    nnc_hdf5_chunks *chunks; /* NULL: contiguous or compact */
} hdf5_array;

/* Silences the error stack of this thread and forbids plug-ins; both are global or per-thread
 * settings that other users of the library may have changed. */
static void hdf5_enter(void)
{
    pthread_mutex_lock(&hdf5_lock);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5Eclear2(H5E_DEFAULT);
    H5PLset_loading_state(0);
}

static void hdf5_leave(void)
{
    pthread_mutex_unlock(&hdf5_lock);
}

static herr_t first_error(unsigned n, const H5E_error2_t *error, void *user)
{
    char *text = user;
    if (n == 0 && error->desc)
        snprintf(text, 160, "%s", error->desc);
    return 0;
}

/* The innermost entry of the library's error stack: one line instead of ten. */
static nnc_status hdf5_fail(const char *what, const char *name)
{
    char text[160] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_error, text);
    H5Eclear2(H5E_DEFAULT);
    NNC_FAIL(NNC_ERR_DATA, "HDF5: %s%s%s%s: %s", what, name ? " '" : "", name ? name : "",
             name ? "'" : "", text);
}

/* ---- names ---- */

typedef struct listing {
    hdf5_file *f;
    char prefix[1024];
    unsigned depth;
    nnc_status status;
} listing;

static herr_t list_link(hid_t group, const char *name, const H5L_info_t *link, void *user);

static void list_group(listing *l, hid_t group)
{
    hsize_t at = 0;
    if (l->depth < HDF5_DEPTH_MAX)
        H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, list_link, l);
}

static herr_t list_link(hid_t group, const char *name, const H5L_info_t *link, void *user)
{
    listing *l = user;
    hdf5_file *f = l->f;
    const size_t length = strlen(l->prefix);
    if (link->type != H5L_TYPE_HARD || f->count >= HDF5_NAMES_MAX ||
        length + strlen(name) + 2 > sizeof(l->prefix))
        return 0;
    const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0)
        return 0;
    const H5I_type_t type = H5Iget_type(object);
    if (type == H5I_DATASET) {
        f->names[f->count] = nnc_arena_printf(f->d->arena, "%s%s", l->prefix, name);
        if (f->names[f->count])
            f->count++;
        else
            l->status = NNC_ERR_LIMIT;
    } else if (type == H5I_GROUP) {
        snprintf(l->prefix + length, sizeof(l->prefix) - length, "%s/", name);
        l->depth++;
        list_group(l, object);
        l->depth--;
        l->prefix[length] = '\0';
    }
    H5Oclose(object);
    return l->status == NNC_OK ? 0 : -1;
}

/* ---- opening one data set ---- */

/* Opens "a/b/c" step by step: every step must be a hard link, so that nothing leads out of the
 * file. */
static nnc_status open_path(hid_t *out, hid_t file, const char *name)
{
    char part[1024];
    hid_t at = file;
    const char *rest = name;
    while (*rest == '/')
        rest++;
    for (;;) {
        const size_t n = strcspn(rest, "/");
        H5L_info_t link;
        nnc_status status = NNC_OK;
        hid_t next = -1;
        if (n == 0 || n >= sizeof(part)) {
            status = nnc_error_set(NNC_ERR_DATA, "HDF5: '%s' is no name of a data set", name);
        } else {
            memcpy(part, rest, n);
            part[n] = '\0';
            if (H5Lget_info(at, part, &link, H5P_DEFAULT) < 0)
                status = hdf5_fail("no data set", name);
            else if (link.type != H5L_TYPE_HARD)
                status = nnc_error_set(NNC_ERR_DATA,
                                       "HDF5: '%s' is a link (%s), only data inside "
                                       "the file is read",
                                       name, link.type == H5L_TYPE_SOFT ? "soft" : "external");
            else if ((next = H5Oopen(at, part, H5P_DEFAULT)) < 0)
                status = hdf5_fail("cannot open", name);
        }
        if (at != file)
            H5Oclose(at);
        NNC_TRY(status);
        at = next;
        rest += n;
        if (!*rest) {
            *out = at;
            return NNC_OK;
        }
        rest++;
    }
}

/* Storage inside this file. */
static nnc_status check_layout(hid_t plist, const char *name)
{
    if (H5Pget_external_count(plist) > 0)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' keeps its data in external files, which are not opened",
                 name);
    if (H5Pget_layout(plist) == H5D_VIRTUAL)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' is virtual (its data is in other files)", name);
    return NNC_OK;
}

/* As much storage as the shape needs; chunks are checked one by one when they are read. */
static nnc_status check_stored(const nnc_array *array, hid_t set, size_t element, bool chunked)
{
    const hsize_t stored = H5Dget_storage_size(set);
    size_t count, bytes;
    if (stored == 0)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' has a shape but no data was ever written", array->name);
    if (!chunked && (!nnc_shape_count(&count, &array->shape) ||
                     !nnc_size_mul(&bytes, count, element) || stored < bytes))
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' has %llu stored bytes, less than its shape needs",
                 array->name, (unsigned long long)stored);
    return NNC_OK;
}

static nnc_dtype integer_type(hid_t *memory, size_t size, bool is_signed)
{
    switch (size) {
    case 1:
        *memory = is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
        return is_signed ? NNC_DTYPE_INT8 : NNC_DTYPE_UINT8;
    case 2:
        *memory = is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
        return is_signed ? NNC_DTYPE_INT16 : NNC_DTYPE_UINT16;
    case 4:
        *memory = is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
        return is_signed ? NNC_DTYPE_INT32 : NNC_DTYPE_UINT32;
    case 8:
        *memory = is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
        return is_signed ? NNC_DTYPE_INT64 : NNC_DTYPE_UINT64;
    default:
        return NNC_DTYPE_UNDEFINED;
    }
}

/* Element type in memory; half floats widen to float32, which loses nothing. */
static nnc_status element_type(nnc_dtype *dtype, hid_t *memory, hid_t type, const char *name)
{
    static const char *const words[] = {
        "integers",    "floats",    "times",      "strings",      "bit fields",
        "opaque data", "compounds", "references", "enumerations", "variable-length lists",
        "arrays"};
    const H5T_class_t class = H5Tget_class(type);
    const size_t size = H5Tget_size(type);
    *dtype = NNC_DTYPE_UNDEFINED;
    if (class == H5T_INTEGER)
        *dtype = integer_type(memory, size, H5Tget_sign(type) != H5T_SGN_NONE);
    if (class == H5T_FLOAT && (size == 2 || size == 4)) {
        *dtype = NNC_DTYPE_FLOAT;
        *memory = H5T_NATIVE_FLOAT;
    }
    if (class == H5T_FLOAT && size == 8) {
        *dtype = NNC_DTYPE_DOUBLE;
        *memory = H5T_NATIVE_DOUBLE;
    }
    if (*dtype == NNC_DTYPE_UNDEFINED)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' holds %s of %zu bytes, expected integers or floats",
                 name,
                 class >= 0 && (size_t) class < sizeof(words) / sizeof(words[0]) ? words[class]
                                                                                 : "unknown data",
                 size);
    return NNC_OK;
}

static nnc_status array_shape(nnc_shape *out, hid_t set, const char *name)
{
    hsize_t dims[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(set);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    if (space >= 0)
        H5Sclose(space);
    if (rank < 0)
        return hdf5_fail("no shape of", name);
    if (rank == 0 || rank > NNC_RANK_MAX)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' has %d dims, expected 1 to %d", name, rank,
                 NNC_RANK_MAX);
    out->rank = (uint32_t)rank;
    for (int i = 0; i < rank; i++) {
        if (dims[i] > (hsize_t)INT32_MAX)
            NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' claims a dim of %llu", name,
                     (unsigned long long)dims[i]);
        out->dims[i] = (int64_t)dims[i];
    }
    return NNC_OK;
}

static nnc_status describe_set(nnc_array *out, hdf5_array *a)
{
    NNC_TRY(array_shape(&out->shape, a->set, out->name));
    const hid_t type = H5Dget_type(a->set);
    if (type < 0)
        return hdf5_fail("no type of", out->name);
    nnc_status status = element_type(&out->dtype, &a->type, type, out->name);
    const size_t element = H5Tget_size(type);
    H5Tclose(type);
    NNC_TRY(status);
    const hid_t plist = H5Dget_create_plist(a->set);
    if (plist < 0)
        return hdf5_fail("no properties of", out->name);
    status = check_layout(plist, out->name);
    const bool chunked = H5Pget_layout(plist) == H5D_CHUNKED;
    H5Pclose(plist);
    if (status == NNC_OK && chunked)
        status = nnc_hdf5_chunks_open(&a->chunks, a->set, a->type, &out->shape, out->name);
    if (status == NNC_OK)
        status = check_stored(out, a->set, element, chunked);
    return status;
}

static nnc_status read_plain(const hdf5_array *a, const nnc_array *array, void *out, size_t first,
                             size_t n)
{
    hsize_t start[NNC_RANK_MAX] = {first}, count[NNC_RANK_MAX] = {n};
    for (uint32_t i = 1; i < array->shape.rank; i++)
        count[i] = (hsize_t)array->shape.dims[i];
    nnc_status status = NNC_OK;
    const hid_t space = H5Dget_space(a->set);
    const hid_t memory = H5Screate_simple((int)array->shape.rank, count, NULL);
    if (space < 0 || memory < 0 ||
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(a->set, a->type, memory, space, H5P_DEFAULT, out) < 0)
        status = hdf5_fail("cannot read", array->name);
    if (space >= 0)
        H5Sclose(space);
    if (memory >= 0)
        H5Sclose(memory);
    return status;
}

static nnc_status array_fetch(const nnc_array *array, void *out, size_t first, size_t n)
{
    const hdf5_array *a = array->state;
    hdf5_enter();
    const nnc_status status = a->chunks ? nnc_hdf5_chunks_read(a->chunks, out, first, n)
                                        : read_plain(a, array, out, first, n);
    hdf5_leave();
    return status;
}

static void array_close(nnc_array *array)
{
    hdf5_array *a = array->state;
    hdf5_enter();
    nnc_hdf5_chunks_close(a->chunks);
    H5Dclose(a->set);
    hdf5_leave();
    nnc_free(a);
}

static nnc_status array_open_locked(nnc_array *out, hdf5_array *a, const hdf5_file *f)
{
    NNC_TRY(open_path(&a->set, f->file, out->name));
    nnc_status status = NNC_OK;
    if (H5Iget_type(a->set) != H5I_DATASET)
        status = nnc_error_set(NNC_ERR_DATA, "HDF5: '%s' is no data set", out->name);
    if (status == NNC_OK)
        status = describe_set(out, a);
    if (status != NNC_OK) {
        nnc_hdf5_chunks_close(a->chunks);
        H5Oclose(a->set);
    }
    return status;
}

static nnc_status array_open(nnc_array *out, void *state, const char *name)
{
    hdf5_file *f = state;
    memset(out, 0, sizeof(*out));
    out->name = nnc_arena_strdup(f->d->arena, name);
    hdf5_array *a = nnc_calloc(1, sizeof(*a));
    if (!out->name || !a) {
        nnc_free(a);
        return NNC_ERR_LIMIT;
    }
    hdf5_enter();
    const nnc_status status = array_open_locked(out, a, f);
    hdf5_leave();
    if (status != NNC_OK) {
        nnc_free(a);
        return status;
    }
    out->state = a;
    out->fetch = array_fetch;
    out->close = array_close;
    return NNC_OK;
}

/* ---- the format ---- */

static bool hdf5_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    return !spec->is_dir && spec->head_bytes >= 8 &&
           memcmp(spec->head, "\x89HDF\r\n\x1a\n", 8) == 0;
}

/* HDF5 1.10 crashes where the cache of a file cannot be had: more than that (2 MiB) is asked for before. */
static nnc_status probe_memory(void)
{
    void *memory = nnc_alloc_aligned((size_t)4 << 20);
    nnc_free(memory);
    return memory ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status open_file_locked(hdf5_file *f, const char *path)
{
    NNC_TRY(probe_memory());
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    f->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (f->file < 0) {
        const nnc_status status =
            hdf5_fail("cannot open (damaged, truncated, or being written)", NULL);
        return nnc_error_prepend(status, "%s", path);
    }
    listing *l = nnc_calloc(1, sizeof(*l));
    if (!l)
        return NNC_ERR_LIMIT;
    l->f = f;
    list_group(l, f->file);
    const nnc_status status = l->status;
    nnc_free(l);
    return status;
}

static nnc_status hdf5_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    hdf5_file *f = nnc_calloc(1, sizeof(*f));
    if (!f)
        return NNC_ERR_LIMIT;
    f->file = -1;
    f->d = d;
    d->state = f;
    f->names = nnc_arena_alloc(d->arena, HDF5_NAMES_MAX, sizeof(*f->names));
    if (!f->names)
        return NNC_ERR_LIMIT;
    hdf5_enter();
    const nnc_status status = open_file_locked(f, spec->path);
    hdf5_leave();
    NNC_TRY(status);
    const nnc_array_file file = {"HDF5 file", f->names, f->count, f, array_open};
    NNC_TRY(nnc_arrays_open(&f->arrays, d, spec, &file));
    nnc_str_appendf(&d->format_text, "HDF5 '%s'", f->arrays.inputs[0].array.name);
    return NNC_OK;
}

static nnc_status hdf5_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    const hdf5_file *f = d->state;
    return nnc_arrays_get(out, &f->arrays, d, raw);
}

static void hdf5_close(nnc_dataset *d)
{
    hdf5_file *f = d->state;
    if (!f)
        return;
    nnc_arrays_close(&f->arrays);
    hdf5_enter();
    if (f->file >= 0)
        H5Fclose(f->file);
    hdf5_leave();
    nnc_free(f);
}

const nnc_data_format nnc_data_format_hdf5 = {
    .name = "HDF5",
    .sniff = hdf5_sniff,
    .open = hdf5_open,
    .get = hdf5_get,
    .close = hdf5_close,
};
