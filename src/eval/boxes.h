/* Lists of detected boxes: overlap, suppression, agreement, average precision. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_EVAL_BOXES_H
#define NNC_EVAL_BOXES_H

#include "datasets/boxes.h"

typedef struct nnc_boxes {
    nnc_box *items; /* [count] */
    size_t count, cap;
} nnc_boxes;

/* Appends a box unless it is empty or not finite. LIMIT. */
nnc_status nnc_boxes_add(nnc_boxes *boxes, const nnc_box *box);
void nnc_boxes_deinit(nnc_boxes *boxes);
/* By falling score; equal scores keep their order. */
void nnc_boxes_sort(nnc_boxes *boxes);

/* Area of the intersection over that of the union (over a's own where b is a crowd: COCO); 0 for empty boxes. */
double nnc_box_iou(const nnc_box *a, const nnc_box *b);

/* Greedy suppression per class: sorts, keeps at most `max` boxes none of which overlaps a better one of its class by more than `iou`. */
void nnc_boxes_suppress(nnc_boxes *boxes, double iou, size_t max);

/* One-to-one matches between boxes of the same class with an overlap of at least `iou`; `found` in their order (best first). *sum adds
 * the overlaps of the matches. Only boxes with a score of at least `score` count, on either side. LIMIT. */
nnc_status nnc_boxes_match(size_t *matches, double *sum, const nnc_boxes *found, const nnc_boxes *expected, double iou,
                           double score);

/* Average precision over a data set as COCO defines it (pycocotools' COCOeval, area "all", at most 100 boxes per image and class). */
typedef struct nnc_ap nnc_ap;
nnc_status nnc_ap_create(nnc_ap **out);
void nnc_ap_destroy(nnc_ap *ap);
/* An image: detections and ground truth in the same pixels; detections are sorted. LIMIT. */
nnc_status nnc_ap_add(nnc_ap *ap, nnc_boxes *found, const nnc_box *truth, size_t truth_count);
/* map: mean over the classes that occur and overlaps 0.50, 0.55 .. 0.95; map50 and map75 at one overlap. -1 where no class occurs. LIMIT. */
nnc_status nnc_ap_finish(double *map, double *map50, double *map75, nnc_ap *ap);

#endif
