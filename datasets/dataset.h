/* Data sets: samples in the form the model wants, from folders and files. SPDX-License-Identifier:
 * Apache-2.0 One call opens any supported form (docs/data.md); samples have a fixed order, random
 * access, a label, a name and a content hash. Nothing is guessed that changes numbers: image data
 * needs a preset or flags. */
#ifndef NNC_DATASETS_DATASET_H
#define NNC_DATASETS_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/facts.h"
#include "base/log.h"
#include "base/str.h"
#include "datasets/boxes.h"
#include "tensor/tensor.h"

typedef struct nnc_dataset nnc_dataset;

typedef enum nnc_data_layout {
    NNC_DATA_LAYOUT_AUTO, /* images: the side on which 1, 3 or 4 channels stand; ambiguous: error */
    NNC_DATA_LAYOUT_NCHW,
    NNC_DATA_LAYOUT_NHWC
} nnc_data_layout;

/* One model input. shape: dims < 0 are unknown. Dim 0 is the batch (samples have 1 there, whatever
 * number the model has fixed), except for ready tensors that come as a whole (test_data_set
 * folders; arrays with one dim more than the input). */
typedef struct nnc_dataset_input {
    const char *name;
    nnc_dtype dtype;
    nnc_shape shape;
} nnc_dataset_input;

/* All strings are copied; NULL or 0 means "not given". Texts are checked by nnc_dataset_open
 * (NNC_ERR_USAGE), so that flags and recipes may be passed on as they are. */
typedef struct nnc_dataset_options {
    const nnc_dataset_input *inputs; /* in the model's order */
    size_t input_count;              /* >= 1 */
    nnc_data_layout layout;          /* of the model's image input */
    nnc_data_layout data_layout;     /* of image arrays in the files; AUTO: found from their dims */

    const char *preset;       /* row of datasets/presets.def; what the user said */
    const char *model_preset; /* weaker: from the model's metadata; ready float tensors ignore it */
    const char *resize; /* none | exact | shorter:256 | letterbox | central:0.875 (then exact) */
    const char *crop;   /* none | model (centre crop to its size, the default) | 224 | 224x320 */
    const char *interpolation; /* bilinear | bicubic | nearest (Pillow's, antialiased) */
    const char *color;         /* rgb | bgr | gray */
    const char *scale;         /* pixel * scale before mean and std: "1/255", "0.5", "1" */
    const char *mean;          /* one number, or one per channel in the model's channel order */
    const char *std;           /* same */

    const char *labels;  /* labels file, or "#name" for a dataset of the same HDF5 or npz file; for images also boxes: COCO's .json,
                            or a folder of YOLO's text files */
    const char *classes; /* class names in the model's order, one per line */
    size_t num_classes;  /* of the model's output; 0 = unknown: labels are not checked against it */
    int64_t label_offset; /* added to every label (1 for models with a background class 0) */
    bool no_labels;       /* do not look for labels */
    const struct nnc_samples *samples; /* of the calling program (nncompress.h), instead of the spec; NULL: none. Copied */

    size_t max_samples; /* 0 = all; else a random subset chosen by `seed`, kept in order */
    uint64_t seed;
    double max_bad;   /* tolerated fraction of unreadable samples; 0 = 0.01, negative = none */
    unsigned threads; /* decoding threads of readers; 0 = usable CPUs */
} nnc_dataset_options;

/* One sample. Owned by the caller: nnc_sample_deinit. */
typedef struct nnc_sample {
    size_t index;       /* position in the data set */
    nnc_tensor *inputs; /* [input_count], in the model's order, dtype and layout */
    size_t input_count;
    nnc_image_view view; /* where the original image lies in the input; width 0: no image file */
    int64_t label; /* -1: none */
    uint64_t
        hash;   /* xxh3 of the source bytes (file or raw array); equal sources have equal hashes */
    char *name; /* printable: relative path, "file.h5#17", ... */
} nnc_sample;
void nnc_sample_deinit(nnc_sample *sample);

/* Bytes of `spec` that are its path: all up to the last '#', or all where a file of that very name exists. */
size_t nnc_dataset_path_length(const char *spec);

/* Opens by looking at `spec`: a folder of images, of class folders, or of test_data_set_N; an image
 * list
 * (.txt), .npy, .npz, HDF5 ("file.h5#images", "file.h5#a,b"), IDX (.gz too), CIFAR binary,
 * "random:N". Looks at names and headers, and decodes the first readable sample to prove that the
 * settings fit. Tells through `log` what it found and derived. Fails: NNC_ERR_USAGE (options),
 * NNC_ERR_IO (path), NNC_ERR_DATA (content, labels, shapes, missing preset), NNC_ERR_LIMIT. */
nnc_status nnc_dataset_open(nnc_dataset **out, const char *spec, const nnc_dataset_options *options,
                            const nnc_log *log);
/* Samples and readers taken from it stay valid. NULL is accepted. */
void nnc_dataset_destroy(nnc_dataset *dataset);

size_t nnc_dataset_count(const nnc_dataset *dataset);
bool nnc_dataset_has_labels(const nnc_dataset *dataset);
/* Label of sample i without decoding it; -1 = none. */
int64_t nnc_dataset_label(const nnc_dataset *dataset, size_t i);
/* Format in words ("class folders", "HDF5"), and the preprocessing in words, one line. */
const char *nnc_dataset_format(const nnc_dataset *dataset);
const char *nnc_dataset_preprocessing(const nnc_dataset *dataset);
/* True for random:N: results must be marked as not coming from data. */
bool nnc_dataset_is_random(const nnc_dataset *dataset);
/* Tolerated fraction of bad samples (default filled in). */
double nnc_dataset_max_bad(const nnc_dataset *dataset);

/* Reads sample i < count; may be called by several threads. Fails: NNC_ERR_DATA or NNC_ERR_IO with
 * the sample's name. */
nnc_status nnc_dataset_get(nnc_sample *out, const nnc_dataset *dataset, size_t i);
/* Expected outputs of sample i where the form has them (test_data_set_N/output_K.pb), else *count =
 * 0. Release each tensor and the array (nnc_free). */
nnc_status nnc_dataset_get_expected(nnc_tensor **out, size_t *count, const nnc_dataset *dataset,
                                    size_t i);

/* Iterator that decodes ahead on several threads; samples come in the same order with the same
 * content for any number of threads. One consumer. */
typedef struct nnc_dataset_reader nnc_dataset_reader;
/* indices (may be NULL: all samples in order) is copied. */
nnc_status nnc_dataset_reader_create(nnc_dataset_reader **out, const nnc_dataset *dataset,
                                     const size_t *indices, size_t count, const nnc_log *log);
/* Next good sample; *more = false (and no sample) at the end. Bad samples are skipped, counted and
 * named through the log. Fails: NNC_ERR_DATA when more than max_bad of the count are bad or none is
 * good, NNC_ERR_CANCELLED. */
nnc_status nnc_dataset_reader_next(nnc_sample *out, bool *more, nnc_dataset_reader *reader);
/* Samples skipped so far. */
size_t nnc_dataset_reader_bad(const nnc_dataset_reader *reader);
void nnc_dataset_reader_destroy(nnc_dataset_reader *reader);

#define NNC_DATASET_CHANNELS 4
typedef struct nnc_dataset_channel {
    double min, max, mean;
} nnc_dataset_channel;

/* What the model sees. `lines`: one line per input, '\n' between them: name, layout, size, dtype,
 * min/mean/max per channel, preprocessing. `warnings`: one per line. Release with _deinit. */
typedef struct nnc_dataset_summary {
    nnc_str lines;
    nnc_str warnings;
    size_t samples; /* looked at */
    size_t bad;
    uint64_t not_finite; /* NaN and infinite values */
    uint32_t channels;   /* of input 0: image channels, else 1; at most NNC_DATASET_CHANNELS */
    nnc_dataset_channel channel[NNC_DATASET_CHANNELS];
} nnc_dataset_summary;
/* Looks at the first n samples (0 = 16). Fails as nnc_dataset_get when none can be read. */
nnc_status nnc_dataset_describe(nnc_dataset_summary *out, const nnc_dataset *dataset, size_t n,
                                const nnc_log *log);
void nnc_dataset_summary_deinit(nnc_dataset_summary *summary);

/* Number of samples of `a` whose content is also in `b` (by hash; reads both). For the warning that
 * calibration and evaluation share samples. */
nnc_status nnc_dataset_overlap(size_t *out, const nnc_dataset *a, const nnc_dataset *b,
                               const nnc_log *log);

/* Which samples a data set holds. */
typedef struct nnc_dataset_digest {
    char sha256[65];  /* of the sorted lines "<content xxh3> <label> <name>\n" */
    uint64_t *hashes; /* [count] contents, ascending */
    size_t count;     /* readable samples */
} nnc_dataset_digest;
/* Reads all samples once. Names are relative to the data set. Fails as a reader does. */
nnc_status nnc_dataset_digest_make(nnc_dataset_digest *out, const nnc_dataset *dataset,
                                   const nnc_log *log);
void nnc_dataset_digest_deinit(nnc_dataset_digest *digest);
/* Number of contents in common, equal ones paired. */
size_t nnc_dataset_digest_overlap(const nnc_dataset_digest *a, const nnc_dataset_digest *b);

/* Name of a class: of the classes file or folder; NULL where the data has none. */
const char *nnc_dataset_class_name(const nnc_dataset *dataset, size_t i);

/* Presets, for help texts. */
size_t nnc_preset_count(void);
const char *nnc_preset_name(size_t i);
const char *nnc_preset_help(size_t i);

/* Limits of data files as rows; the libraries that read them: fills at most 8, returns how many. */
extern const nnc_limit nnc_dataset_limit_table[];
size_t nnc_dataset_libraries(nnc_library *out);

#endif
