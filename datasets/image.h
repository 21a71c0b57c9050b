/* 8-bit images: decoding, colour, Pillow's resampling. SPDX-License-Identifier: Apache-2.0
 * Pixels equal those of Pillow (convert, resize) bit for bit; EXIF orientation is ignored, as
 * there. */
#ifndef NNC_DATASETS_IMAGE_H
#define NNC_DATASETS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Refused before decoding: sides above 16384, more than 100 Mpx, JPEGs with more than 500 scans. */
#define NNC_IMAGE_SIDE_MAX 16384u
#define NNC_IMAGE_PIXELS_MAX 100000000u
#define NNC_IMAGE_SCANS_MAX 500

/* Rows from the top, channels interleaved, no padding. */
typedef struct nnc_image {
    uint32_t width, height;
    uint32_t channels; /* 1 gray, 3 RGB */
    uint8_t *data;     /* [height][width][channels] */
} nnc_image;

/* Allocates (not zeroed). Fails: NNC_ERR_DATA over the limits, NNC_ERR_LIMIT memory. */
nnc_status nnc_image_create(nnc_image *out, uint32_t width, uint32_t height, uint32_t channels);
void nnc_image_deinit(nnc_image *image);

/* Decodes JPEG or PNG, told apart by their first bytes. CMYK and YCCK become RGB, 16-bit PNG keeps
 * its high bytes, alpha is dropped. Fails: NNC_ERR_DATA (other formats by name, corrupt or
 * truncated data, limits). */
nnc_status nnc_image_decode(nnc_image *out, const uint8_t *bytes, size_t n);
nnc_status nnc_image_decode_jpeg(nnc_image *out, const uint8_t *bytes, size_t n);
nnc_status nnc_image_decode_png(nnc_image *out, const uint8_t *bytes, size_t n);

/* Gray <-> RGB (luma of ITU-R 601-2 in 16-bit fixed point / replication), in place. */
nnc_status nnc_image_set_channels(nnc_image *image, uint32_t channels);

typedef enum nnc_resample {
    NNC_RESAMPLE_NEAREST,
    NNC_RESAMPLE_BILINEAR,
    NNC_RESAMPLE_BICUBIC
} nnc_resample;

/* The rectangle at (x, y) of size (width, height) of the image resized to (full_width,
 * full_height): the same pixels as resizing the whole and cutting, without computing the rest. */
typedef struct nnc_image_region {
    uint64_t full_width, full_height;
    uint64_t x, y;
    uint32_t width, height;
} nnc_image_region;
/* Fails: NNC_ERR_DATA (empty or over the limits), NNC_ERR_LIMIT. */
nnc_status nnc_image_resize(nnc_image *out, const nnc_image *image, const nnc_image_region *region,
                            nnc_resample resample);

#endif
