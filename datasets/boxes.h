/* Boxes of detection data sets: ground truth and where it lies in the model's image. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_BOXES_H
#define NNC_DATASETS_BOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Corners in pixels, x0 <= x1, y0 <= y1. Ground truth: of the original image; detections: of the model's input. */
typedef struct nnc_box {
    double x0, y0, x1, y1;
    double score;  /* of a detection; 1 for ground truth */
    int32_t label; /* class from 0, in the model's order */
    bool crowd;    /* ground truth of a group: more than one detection may match it */
} nnc_box;

/* Where a pixel of the original image lies in the model's input: x * scale_x + offset_x. */
typedef struct nnc_image_view {
    uint32_t width, height; /* of the original; 0: the sample is no image file */
    double scale_x, scale_y, offset_x, offset_y;
} nnc_image_view;

struct nnc_dataset;
/* Ground truth of sample i, owned by the data set; *count = 0 where an image has none. In pixels of the original image, or with
 * *relative as shares of its width and height. False: the data set has no boxes (nnc_dataset_has_boxes). */
bool nnc_dataset_boxes(const nnc_box **boxes, size_t *count, bool *relative, const struct nnc_dataset *dataset, size_t i);
bool nnc_dataset_has_boxes(const struct nnc_dataset *dataset);

#endif
