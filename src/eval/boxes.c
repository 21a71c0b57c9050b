/* Overlap, suppression and agreement of boxes. SPDX-License-Identifier: Apache-2.0 */
#include "eval/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

nnc_status nnc_boxes_add(nnc_boxes *boxes, const nnc_box *box)
{
    bool finite = isfinite(box->x0) && isfinite(box->y0) && isfinite(box->x1) && isfinite(box->y1) && isfinite(box->score);
    if (!finite || !(box->x1 > box->x0) || !(box->y1 > box->y0)) {
        return NNC_OK;
    }
    NNC_TRY(nnc_grow(&boxes->items, &boxes->cap, boxes->count + 1, sizeof(*boxes->items)));
    boxes->items[boxes->count++] = *box;
    return NNC_OK;
}

void nnc_boxes_deinit(nnc_boxes *boxes)
{
    nnc_free(boxes->items);
    *boxes = (nnc_boxes){0};
}

/* Merges [0, half) and [half, n) of from into to. */
static void merge(nnc_box *to, const nnc_box *from, size_t half, size_t n)
{
    size_t a = 0, b = half;
    for (size_t i = 0; i < n; i++) {
        bool first = b == n || (a < half && from[a].score >= from[b].score);
        to[i] = first ? from[a++] : from[b++];
    }
}

static void merge_sort(nnc_box *items, nnc_box *spare, size_t n)
{
    if (n < 2) {
        return;
    }
    merge_sort(items, spare, n / 2);
    merge_sort(items + n / 2, spare, n - n / 2);
    memcpy(spare, items, n * sizeof(*items));
    merge(items, spare, n / 2, n);
}

/* In place where memory is short: still sorted and stable, slower. */
static void insertion_sort(nnc_box *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        nnc_box box = items[i];
        size_t k = i;
        for (; k > 0 && items[k - 1].score < box.score; k--) {
            items[k] = items[k - 1];
        }
        items[k] = box;
    }
}

void nnc_boxes_sort(nnc_boxes *boxes)
{
    nnc_box *spare = nnc_calloc(boxes->count ? boxes->count : 1, sizeof(*spare));
    if (spare) {
        merge_sort(boxes->items, spare, boxes->count);
    } else {
        insertion_sort(boxes->items, boxes->count);
    }
    nnc_free(spare);
}

static double area(const nnc_box *b)
{
    return (b->x1 - b->x0) * (b->y1 - b->y0);
}

double nnc_box_iou(const nnc_box *a, const nnc_box *b)
{
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    if (!(w > 0) || !(h > 0)) {
        return 0;
    }
    double inter = w * h, whole = b->crowd ? area(a) : area(a) + area(b) - inter;
    return whole > 0 ? inter / whole : 0;
}

void nnc_boxes_suppress(nnc_boxes *boxes, double iou, size_t max)
{
    nnc_boxes_sort(boxes);
    size_t kept = 0;
    for (size_t i = 0; i < boxes->count && kept < max; i++) {
        bool clear = true;
        for (size_t k = 0; k < kept && clear; k++) {
            clear = boxes->items[k].label != boxes->items[i].label ||
                    nnc_box_iou(&boxes->items[k], &boxes->items[i]) <= iou;
        }
        if (clear) {
            boxes->items[kept++] = boxes->items[i];
        }
    }
    boxes->count = kept;
}

nnc_status nnc_boxes_match(size_t *matches, double *sum, const nnc_boxes *found, const nnc_boxes *expected, double iou,
                           double score)
{
    bool *taken = nnc_calloc(expected->count ? expected->count : 1, sizeof(*taken));
    *matches = 0;
    if (!taken) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < found->count; i++) {
        size_t best = expected->count;
        double most = iou;
        for (size_t k = 0; found->items[i].score >= score && k < expected->count; k++) {
            const nnc_box *e = &expected->items[k];
            if (taken[k] || e->score < score || e->label != found->items[i].label) {
                continue;
            }
            double overlap = nnc_box_iou(&found->items[i], e);
            if (overlap >= most && (best == expected->count || overlap > most)) {
                most = overlap;
                best = k;
            }
        }
        if (best < expected->count) {
            taken[best] = true;
            *sum += most;
            (*matches)++;
        }
    }
    nnc_free(taken);
    return NNC_OK;
}
