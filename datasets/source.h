/* Inside of a data set: what a format implements and what all formats share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_SOURCE_H
#define NNC_DATASETS_SOURCE_H

#include <stdatomic.h>

#include "base/mem.h"
#include "base/map.h"
#include "datasets/dataset.h"
#include "datasets/preprocess.h"

/* A spec taken apart. */
typedef struct nnc_data_spec {
    const char *path;     /* without the fragment */
    const char *fragment; /* text after '#', or NULL */
    bool is_dir;
    uint8_t head[512]; /* first bytes of a file */
    size_t head_bytes;
} nnc_data_spec;

/* One row of formats.def. */
typedef struct nnc_data_format {
    const char *name;
    /* True if the spec is of this form; looks at names and the first bytes only. */
    bool (*sniff)(const nnc_data_spec *spec, const nnc_dataset_options *options);
    /* Fills state, total, format_text, and labels where it has them. */
    nnc_status (*open)(nnc_dataset *dataset, const nnc_data_spec *spec);
    /* Sample `raw` < total: inputs (allocated, zeroed) and hash; name and label are set by the
     * caller. */
    nnc_status (*get)(nnc_sample *out, const nnc_dataset *dataset, size_t raw);
    /* NULL: "<path>#<raw>". Appends the printable name. */
    void (*name_of)(nnc_str *out, const nnc_dataset *dataset, size_t raw);
    /* NULL: none. */
    nnc_status (*expected)(nnc_tensor **out, size_t *count, const nnc_dataset *dataset, size_t raw);
    void (*close)(nnc_dataset *dataset); /* state may be NULL or half-made */
} nnc_data_format;

struct nnc_dataset {
    atomic_uint owners;
    nnc_arena *arena; /* options, names, paths */
    nnc_dataset_options options;
    const nnc_data_format *format;
    void *state;
    char *path;
    size_t total;    /* samples before the choice of a subset */
    int64_t *labels; /* [total] or NULL */
    nnc_box *boxes;  /* ground truth of a detector, ordered by sample; or NULL */
    size_t *box_start; /* [total + 1] */
    bool boxes_relative; /* shares of the image's sides instead of pixels */
    size_t *subset;  /* [count] ascending raw indices, or NULL: all */
    size_t count;
    size_t sample_bytes; /* of the inputs of the first readable sample */
    const char **class_names; /* [class_name_count] or NULL */
    size_t class_name_count;
    nnc_str format_text;
    nnc_str preprocessing;
    nnc_str notes;    /* one per line, told through the log after opening */
    nnc_str warnings; /* same; also part of a summary */
    bool has_image;   /* input image_input goes through `image` */
    size_t image_input;
    nnc_preprocess image;
};

static inline size_t nnc_dataset_raw(const nnc_dataset *d, size_t i)
{
    return d->subset ? d->subset[i] : i;
}

/* One more owner (readers keep their data set alive). */
nnc_dataset *nnc_dataset_ref(const nnc_dataset *dataset);

/* Resolves preprocessing for the only input of the model into dataset->image. Fails: NNC_ERR_DATA
 * when the model has other inputs (named), when the input is no image, or when float input has no
 * preset. `what` names the data: "image folder". */
nnc_status nnc_dataset_use_images(nnc_dataset *dataset, const char *what);

/* The same for whole files as integers (NNC_PRESET_BYTES). */
nnc_status nnc_dataset_check_bytes(nnc_dataset *dataset);

/* Labels from options.labels as a plain file of `total` numbers (or names of options.classes). */
nnc_status nnc_labels_read_plain(nnc_dataset *dataset, const char *path);
/* "name label" lines, or plain numbers in the order of names. names [total]: relative paths with
 * '/'. */
nnc_status nnc_labels_read(nnc_dataset *dataset, const char *path, const char *const *names);
/* Paths, and base names where they are unique (else UINT32_MAX), to indices. */
nnc_status nnc_labels_file_map(nnc_map **out, const char *const *names, size_t n);
/* Class names of options.classes; *count = 0 when the option is not given. From the arena. */
nnc_status nnc_classes_read(nnc_dataset *dataset, const char ***names, size_t *count);
/* Offset, range, off-by-one and one-class checks; called once after opening. */
nnc_status nnc_labels_check(nnc_dataset *dataset);

/* Extern rows. */
#define X(id) extern const nnc_data_format nnc_data_format_##id;
#include "datasets/formats.def"
#undef X

#endif
