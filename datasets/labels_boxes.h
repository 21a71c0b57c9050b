/* Reading of ground truth boxes. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_LABELS_BOXES_H
#define NNC_DATASETS_LABELS_BOXES_H

#include "base/map.h"
#include "datasets/source.h"

#define NNC_BOX_CLASSES_MAX 65535

/* True if labels of this path are boxes: a .json file (COCO) or a folder of text files (YOLO). */
bool nnc_labels_are_boxes(const char *path);
/* Fills boxes and box_start of the data set. names [total]: relative paths of the images. Fails: DATA with file and place, IO, LIMIT. */
nnc_status nnc_labels_read_boxes(nnc_dataset *dataset, const char *path, const char *const *names);

#endif
