/* CIFAR-10 and CIFAR-100 binary files: records of 1 or 2 label bytes and 3072 pixels, planes R, G,
 * B of 32x32. SPDX-License-Identifier: Apache-2.0 Known by name (data_batch_1.bin, test_batch.bin,
 * train.bin, test.bin) and size. CIFAR-100: fine label. */
#include <string.h>

#include "base/file.h"
#include "datasets/array.h"
#include "datasets/limits.h"

#define PIXELS 3072u

typedef struct cifar_array {
    nnc_file_map map;
    size_t label_bytes; /* 1, or 2: coarse, fine */
} cifar_array;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool cifar_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    const char *name = base_name(spec->path);
    const size_t n = strlen(name);
    if (spec->is_dir || n < 4 || strcmp(name + n - 4, ".bin") != 0)
        return false;
    return strncmp(name, "data_batch", 10) == 0 || strncmp(name, "test_batch", 10) == 0 ||
           strcmp(name, "train.bin") == 0 || strcmp(name, "test.bin") == 0;
}

static nnc_status pixels_fetch(const nnc_array *array, void *out, size_t first, size_t n)
{
    const cifar_array *a = array->state;
    const size_t record = a->label_bytes + PIXELS;
    for (size_t i = 0; i < n; i++)
        memcpy((uint8_t *)out + i * PIXELS, a->map.data + (first + i) * record + a->label_bytes,
               PIXELS);
    return NNC_OK;
}

static nnc_status labels_fetch(const nnc_array *array, void *out, size_t first, size_t n)
{
    const cifar_array *a = array->state;
    const size_t record = a->label_bytes + PIXELS;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = a->map.data[(first + i) * record + a->label_bytes - 1];
    return NNC_OK;
}

static void array_close(nnc_array *array)
{
    cifar_array *a = array->state;
    nnc_file_map_close(&a->map);
    nnc_free(a);
}

static nnc_status record_form(cifar_array *a, const char *path)
{
    const char *name = base_name(path);
    const bool hundred = strcmp(name, "train.bin") == 0 || strcmp(name, "test.bin") == 0;
    a->label_bytes = hundred ? 2 : 1;
    const size_t record = a->label_bytes + PIXELS;
    if (a->map.bytes % record != 0)
        NNC_FAIL(NNC_ERR_DATA, "%s: %zu bytes are no whole number of CIFAR-%s records (%zu bytes)",
                 path, a->map.bytes, hundred ? "100" : "10", record);
    return NNC_OK;
}

static nnc_status cifar_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    nnc_arrays *arrays = nnc_calloc(1, sizeof(*arrays));
    d->state = arrays;
    cifar_array *a = nnc_calloc(1, sizeof(*a));
    if (!arrays || !a) {
        nnc_free(a);
        return NNC_ERR_LIMIT;
    }
    nnc_status status = nnc_file_map_open(&a->map, spec->path, NNC_CIFAR_FILE_MAX);
    if (status == NNC_OK) {
        status = record_form(a, spec->path);
        if (status != NNC_OK)
            nnc_file_map_close(&a->map);
    }
    if (status != NNC_OK) {
        nnc_free(a);
        return status;
    }
    const int64_t n = (int64_t)(a->map.bytes / (a->label_bytes + PIXELS));
    const nnc_array pixels = {"pixels", NNC_DTYPE_UINT8, {4, {n, 3, 32, 32}},
                              a,        pixels_fetch,    array_close};
    NNC_TRY(nnc_arrays_open_single(arrays, d, &pixels));
    nnc_str_append(&d->format_text, a->label_bytes == 2 ? "CIFAR-100 binary" : "CIFAR-10 binary");
    if (d->options.no_labels)
        return NNC_OK;
    if (d->options.labels)
        return nnc_labels_read_plain(d, d->options.labels);
    const nnc_array labels = {"labels", NNC_DTYPE_UINT8, {1, {n}}, a, labels_fetch, NULL};
    return nnc_arrays_read_labels(d, &labels);
}

static nnc_status cifar_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    return nnc_arrays_get(out, d->state, d, raw);
}

static void cifar_close(nnc_dataset *d)
{
    if (!d->state)
        return;
    nnc_arrays_close(d->state);
    nnc_free(d->state);
}

const nnc_data_format nnc_data_format_cifar = {
    .name = "CIFAR binary",
    .sniff = cifar_sniff,
    .open = cifar_open,
    .get = cifar_get,
    .close = cifar_close,
};
