/* From an 8-bit image to the tensor that the model wants. SPDX-License-Identifier: Apache-2.0
 * value = (pixel * multiplier / divisor - mean) / std in float32, after colour, resize and crop. */
#ifndef NNC_DATASETS_PREPROCESS_H
#define NNC_DATASETS_PREPROCESS_H

#include <stdbool.h>

#include "datasets/dataset.h"
#include "datasets/image.h"

/* The model's image input. */
typedef struct nnc_image_target {
    nnc_dtype dtype;
    uint32_t rank; /* 4 with a batch dim, or 3 */
    bool nhwc;
    uint32_t channels;      /* 1 or 3 */
    uint32_t width, height; /* 0: free, the preprocessing decides */
} nnc_image_target;
/* Fails: NNC_ERR_DATA when the input does not look like an image (`why` in the message) or the
 * layout is ambiguous. */
nnc_status nnc_image_target_find(nnc_image_target *out, const nnc_dataset_input *input,
                                 nnc_data_layout layout);

typedef enum nnc_resize_mode {
    NNC_RESIZE_FIT, /* nothing said: the image must have the model's size */
    NNC_RESIZE_NONE,
    NNC_RESIZE_EXACT,
    NNC_RESIZE_SHORTER,
    NNC_RESIZE_LETTERBOX,
    NNC_RESIZE_CENTRAL
} nnc_resize_mode;

typedef enum nnc_color {
    NNC_COLOR_AUTO, /* RGB or gray, by the model's channels */
    NNC_COLOR_RGB,
    NNC_COLOR_BGR,
    NNC_COLOR_GRAY
} nnc_color;

typedef struct nnc_preprocess {
    const char *preset; /* its name, or NULL */
    bool given;         /* by the user: preset or any flag */
    bool from_model;    /* the preset is that of the model's metadata */
    bool size_given;    /* --resize: also images of the model's size are resized */
    bool no_crop;       /* --crop none: the resize alone must give the model's size */
    nnc_resize_mode resize;
    double size;            /* SHORTER: pixels; CENTRAL: percent of each side */
    uint32_t width, height; /* of the result */
    nnc_resample resample;
    nnc_color color;
    float multiplier, divisor;
    uint32_t values; /* how many of mean and std are set: 1 or 3 */
    float mean[3], std[3];
    uint8_t pad;
    nnc_image_target target;
} nnc_preprocess;

/* Merges preset and flags for the target. Without any (given == false, from_model == false) the
 * result passes pixels on as they are. Fails: NNC_ERR_USAGE (unknown preset with a suggestion,
 * malformed text), NNC_ERR_DATA (preset and model disagree on channels, free model size). */
nnc_status nnc_preprocess_resolve(nnc_preprocess *out, const nnc_dataset_options *options,
                                  const nnc_image_target *target);
/* Value part alone, for 8-bit arrays that are no images. Fails: NNC_ERR_USAGE. */
nnc_status nnc_preprocess_resolve_values(nnc_preprocess *out, const nnc_dataset_options *options);
/* True if there is a preset or flag that changes values. */
bool nnc_preprocess_is_given(const nnc_dataset_options *options);
/* NNC_ERR_DATA with the list of presets: `what` (the kind of data) needs one. */
nnc_status nnc_preprocess_missing(const char *what, const char *input);
/* "imagenet-torch: RGB, shorter side 256 bilinear, centre 224x224, /255, mean .485 ..., std ...".
 */
void nnc_preprocess_format(nnc_str *out, const nnc_preprocess *p);

/* Colour, resize and crop: [height][width][channels] in the model's size and channel order; `image`
 * is consumed. *view (may be NULL): where its pixels went. Fails: NNC_ERR_USAGE when the size differs and nothing says how to
 * resize. */
nnc_status nnc_preprocess_geometry(nnc_image *out, nnc_image_view *view, nnc_image *image,
                                   const nnc_preprocess *p);
/* Geometry, then values, as a tensor of the target's dtype, [1,C,H,W] or [1,H,W,C]; consumes
 * `image`. */
nnc_status nnc_preprocess_apply(nnc_tensor *out, nnc_image_view *view, nnc_image *image,
                                const nnc_preprocess *p);
/* Values alone: count bytes to a tensor of the given shape. */
nnc_status nnc_preprocess_bytes(nnc_tensor *out, const uint8_t *bytes, const nnc_shape *shape,
                                const nnc_preprocess *p);

/* The preset that takes whole files instead of images. */
#define NNC_PRESET_BYTES "bytes"
#define NNC_FILE_BLOCK 4096u /* blanks are stripped within so many bytes of either end */
#define NNC_FILE_PAD 256
/* File content for an integer input [1,L]: the first L/2 bytes after leading blanks, padded behind,
 * then the last L/2 bytes before trailing blanks, padded in front (the convention of Google's
 * Magika). Fails: NNC_ERR_DATA when the input is no such list. */
nnc_status nnc_preprocess_file(nnc_tensor *out, const nnc_dataset_input *input,
                               const uint8_t *bytes, size_t n);

#endif
