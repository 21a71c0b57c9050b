/* IDX files (MNIST), plain or gzip: big-endian arrays after a magic of type and rank.
 * SPDX-License-Identifier: Apache-2.0
 * The labels file stands beside: images -> labels, idx3 -> idx1 in the name. */
#include <string.h>

#include "base/file.h"
#include "datasets/array.h"
#include "datasets/bytes.h"
#include "datasets/limits.h"
#include "datasets/walk.h"


typedef struct idx_bytes {
    nnc_file_map map;
    uint8_t *owned; /* inflated, or NULL */
    const uint8_t *data;
    size_t bytes;
} idx_bytes;

typedef struct idx_array {
    idx_bytes bytes;
    const uint8_t *values;
    size_t entry; /* elements of one entry of dim 0 */
    size_t size;
} idx_array;

static void bytes_close(idx_bytes *b)
{
    nnc_free(b->owned);
    if (b->map.data)
        nnc_file_map_close(&b->map);
    memset(b, 0, sizeof(*b));
}

static nnc_status bytes_open(idx_bytes *out, const char *path)
{
    memset(out, 0, sizeof(*out));
    NNC_TRY(nnc_file_map_open(&out->map, path, NNC_IDX_FILE_MAX));
    out->data = out->map.data;
    out->bytes = out->map.bytes;
    if (out->bytes < 2 || out->data[0] != 0x1f || out->data[1] != 0x8b)
        return NNC_OK;
    const nnc_status status = nnc_inflate(&out->owned, &out->bytes, out->map.data, out->map.bytes,
                                          NNC_INFLATE_GZIP, NNC_IDX_FILE_MAX);
    if (status != NNC_OK) {
        bytes_close(out);
        return nnc_error_prepend(status, "%s: gzip", path);
    }
    out->data = out->owned;
    return NNC_OK;
}

static nnc_dtype idx_type(uint8_t code)
{
    switch (code) {
    case 0x08:
        return NNC_DTYPE_UINT8;
    case 0x09:
        return NNC_DTYPE_INT8;
    case 0x0b:
        return NNC_DTYPE_INT16;
    case 0x0c:
        return NNC_DTYPE_INT32;
    case 0x0d:
        return NNC_DTYPE_FLOAT;
    case 0x0e:
        return NNC_DTYPE_DOUBLE;
    default:
        return NNC_DTYPE_UNDEFINED;
    }
}

static nnc_status array_fetch(const nnc_array *array, void *out, size_t first, size_t n)
{
    const idx_array *a = array->state;
    nnc_bytes_to_native(out, a->values + first * a->entry * a->size, n * a->entry, a->size, true);
    return NNC_OK;
}

static void array_close(nnc_array *array)
{
    idx_array *a = array->state;
    bytes_close(&a->bytes);
    nnc_free(a);
}

static nnc_status parse(nnc_array *out, idx_array *a, const char *path)
{
    const uint8_t *p = a->bytes.data;
    const size_t n = a->bytes.bytes;
    if (n < 4 || p[0] != 0 || p[1] != 0 || idx_type(p[2]) == NNC_DTYPE_UNDEFINED || p[3] == 0 ||
        p[3] > NNC_RANK_MAX)
        NNC_FAIL(NNC_ERR_DATA, "%s: no IDX file (magic %02x%02x%02x%02x)", path, n > 0 ? p[0] : 0,
                 n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0);
    out->dtype = idx_type(p[2]);
    out->shape.rank = p[3];
    const size_t head = 4 + 4 * (size_t)p[3];
    if (n < head)
        NNC_FAIL(NNC_ERR_DATA, "%s: IDX header is truncated", path);
    for (uint32_t i = 0; i < out->shape.rank; i++)
        out->shape.dims[i] = nnc_read_u32be(p + 4 + 4 * (size_t)i);
    size_t elements, bytes = 0;
    char text[256];
    if (!nnc_shape_count(&elements, &out->shape) ||
        !nnc_dtype_bytes(&bytes, out->dtype, elements) || bytes != n - head)
        NNC_FAIL(NNC_ERR_DATA, "%s: IDX shape %s %s needs %zu bytes, the file has %zu", path,
                 nnc_shape_format(text, sizeof(text), &out->shape), nnc_dtype_name(out->dtype),
                 bytes, n - head);
    a->values = p + head;
    a->size = nnc_dtype_bits(out->dtype) / 8;
    a->entry = out->shape.dims[0] ? elements / (size_t)out->shape.dims[0] : 0;
    return NNC_OK;
}

static nnc_status array_open(nnc_array *out, nnc_dataset *d, const char *path)
{
    memset(out, 0, sizeof(*out));
    const char *slash = strrchr(path, '/');
    out->name = nnc_arena_strdup(d->arena, slash ? slash + 1 : path);
    idx_array *a = nnc_calloc(1, sizeof(*a));
    nnc_status status = out->name && a ? bytes_open(&a->bytes, path) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = parse(out, a, path);
        if (status != NNC_OK)
            bytes_close(&a->bytes);
    }
    if (status != NNC_OK) {
        nnc_free(a);
        return status;
    }
    out->state = a;
    out->fetch = array_fetch;
    out->close = array_close;
    return NNC_OK;
}

/* ---- names ---- */

static bool is_idx_images(const char *name)
{
    return strstr(name, "images") && strstr(name, "idx3");
}

/* Replaces the last `from` in `text` by the same-length `to`. */
static void replace(char *text, const char *from, const char *to)
{
    char *last = NULL;
    for (char *at = strstr(text, from); at; at = strstr(at + 1, from))
        last = at;
    if (last)
        memcpy(last, to, strlen(to));
}

static const char *labels_beside(nnc_dataset *d, const char *path)
{
    static const char *const ends[] = {"", ".gz"};
    char *name = nnc_arena_strdup(d->arena, path);
    if (!name)
        return NULL;
    replace(name, "images", "labels");
    replace(name, "idx3", "idx1");
    const size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0)
        name[n - 3] = '\0';
    for (size_t i = 0; i < 2; i++) {
        const char *file = nnc_arena_printf(d->arena, "%s%s", name, ends[i]);
        if (file && strcmp(file, path) != 0 && nnc_file_exists(file))
            return file;
    }
    return NULL;
}

static bool idx_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    const uint8_t *h = spec->head;
    if (spec->is_dir) {
        nnc_walk walk = {0};
        const bool found =
            nnc_walk_top(&walk, spec->path, is_idx_images) == NNC_OK && walk.count > 0;
        nnc_walk_deinit(&walk);
        nnc_error_clear();
        return found;
    }
    if (spec->head_bytes >= 2 && h[0] == 0x1f && h[1] == 0x8b)
        return true; /* the only gzip form there is */
    return spec->head_bytes >= 8 && h[0] == 0 && h[1] == 0 &&
           idx_type(h[2]) != NNC_DTYPE_UNDEFINED && h[3] >= 1 && h[3] <= NNC_RANK_MAX;
}

/* A folder must hold one images file, or the spec would not say which. */
static nnc_status choose_file(const char **out, nnc_dataset *d, const nnc_data_spec *spec)
{
    *out = spec->path;
    if (!spec->is_dir)
        return NNC_OK;
    nnc_walk walk = {0};
    nnc_status status = nnc_walk_top(&walk, spec->path, is_idx_images);
    if (status == NNC_OK && walk.count != 1)
        status = nnc_error_set(NNC_ERR_DATA,
                               "%s: %zu IDX image files ('%s', '%s'...). Hint: name "
                               "one of them",
                               spec->path, walk.count, walk.names[0], walk.names[1]);
    if (status == NNC_OK) {
        *out = nnc_arena_printf(d->arena, "%s/%s", spec->path, walk.names[0]);
        status = *out ? NNC_OK : NNC_ERR_LIMIT;
    }
    nnc_walk_deinit(&walk);
    return status;
}

/* Numbers in a text file, rather than IDX or gzip. */
static bool is_text(const char *path)
{
    nnc_file_map map;
    if (nnc_file_map_open(&map, path, NNC_IDX_FILE_MAX) != NNC_OK)
        return false;
    const bool text = map.bytes > 0 && map.data[0] != 0 && map.data[0] != 0x1f;
    nnc_file_map_close(&map);
    return text;
}

static nnc_status read_labels(nnc_dataset *d, const char *images)
{
    const char *path = d->options.labels;
    if (d->options.no_labels)
        return NNC_OK;
    if (!path) {
        path = labels_beside(d, images);
        if (!path)
            return NNC_OK;
        nnc_str_appendf(&d->notes, "%s: labels from %s\n", d->path, path);
    }
    if (is_text(path))
        return nnc_labels_read_plain(d, path);
    nnc_array array;
    NNC_TRY(array_open(&array, d, path));
    const nnc_status status = nnc_arrays_read_labels(d, &array);
    array.close(&array);
    return status == NNC_OK ? status : nnc_error_prepend(status, "%s", d->path);
}

static nnc_status idx_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    const char *path = NULL;
    NNC_TRY(choose_file(&path, d, spec));
    nnc_arrays *arrays = nnc_calloc(1, sizeof(*arrays));
    if (!arrays)
        return NNC_ERR_LIMIT;
    d->state = arrays;
    nnc_array array;
    NNC_TRY(array_open(&array, d, path));
    NNC_TRY(nnc_arrays_open_single(arrays, d, &array));
    return read_labels(d, path);
}

static nnc_status idx_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    return nnc_arrays_get(out, d->state, d, raw);
}

static void idx_close(nnc_dataset *d)
{
    if (!d->state)
        return;
    nnc_arrays_close(d->state);
    nnc_free(d->state);
}

const nnc_data_format nnc_data_format_idx = {
    .name = "IDX",
    .sniff = idx_sniff,
    .open = idx_open,
    .get = idx_get,
    .close = idx_close,
};
