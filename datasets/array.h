/* Arrays of samples: what HDF5, .npy, .npz, IDX and CIFAR files have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_ARRAY_H
#define NNC_DATASETS_ARRAY_H

#include "datasets/source.h"

/* One sample may not be larger. */
#define NNC_ARRAY_SAMPLE_MAX ((size_t)1 << 30)

/* shape [N, ...]: dim 0 counts samples. */
typedef struct nnc_array {
    const char *name; /* arena of the data set */
    nnc_dtype dtype;
    nnc_shape shape;
    void *state;
    /* Samples [first, first + n) as native, C-order elements. Thread-safe. */
    nnc_status (*fetch)(const struct nnc_array *array, void *out, size_t first, size_t n);
    void (*close)(struct nnc_array *array); /* may be NULL */
} nnc_array;

/* What a file offers; open fills *out for one of the names. */
typedef struct nnc_array_file {
    const char *what; /* "HDF5 file" */
    const char *const *names;
    size_t count;
    void *state;
    nnc_status (*open)(nnc_array *out, void *state, const char *name);
} nnc_array_file;

/* How one model input is fed. */
typedef enum nnc_array_mode {
    NNC_ARRAY_READY, /* element values as they are, dtype converted */
    NNC_ARRAY_IMAGE, /* 8-bit image through dataset->image */
    NNC_ARRAY_VALUES /* 8-bit numbers through the value part of dataset->image */
} nnc_array_mode;

typedef struct nnc_array_input {
    nnc_array array;
    nnc_array_mode mode;
    size_t sample_bytes;
    nnc_shape
        shape; /* of the sample in the file's layout, batch dim included where the model has it */
    bool image_nhwc;       /* IMAGE: layout in the file */
    bool gray;             /* IMAGE: no channel dim in the file */
    bool to_nchw, to_nhwc; /* READY: layout change asked for by data_layout */
} nnc_array_input;

/* State of an array data set, one per model input. */
typedef struct nnc_arrays {
    nnc_array_input *inputs; /* [input_count] */
    size_t count;
} nnc_arrays;

/* Chooses arrays for the model's inputs and labels (fragment "a,b", input names, or usual names),
 * opens and checks them, sets total and labels. Fails: NNC_ERR_DATA with the names expected and
 * found. */
nnc_status nnc_arrays_open(nnc_arrays *out, nnc_dataset *dataset, const nnc_data_spec *spec,
                           const nnc_array_file *file);
/* Feeds input 0 of a one-input model from an array that is open already (taken over in any case).
 */
nnc_status nnc_arrays_open_single(nnc_arrays *out, nnc_dataset *dataset, const nnc_array *array);
/* Labels from an integer array [N] or [N,1]. */
nnc_status nnc_arrays_read_labels(nnc_dataset *dataset, const nnc_array *array);
nnc_status nnc_arrays_get(nnc_sample *out, const nnc_arrays *arrays, const nnc_dataset *dataset,
                          size_t raw);
void nnc_arrays_close(nnc_arrays *arrays);

#endif
