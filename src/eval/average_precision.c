/* COCO's average precision (T.-Y. Lin et al., "Microsoft COCO", and its published evaluation rules). SPDX-License-Identifier: Apache-2.0
 * Per class: detections of all images by falling score; each takes the free ground truth box of its image that it overlaps most,
 * at ten overlaps; precision is made monotone and read at 101 recalls. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "eval/boxes.h"

#define OVERLAPS 10
#define RECALLS 101
#define PER_IMAGE_MAX 100

/* One detection: right, wrong, or not counted (it matched a crowd), per overlap. */
typedef struct ap_hit {
    double score;
    int32_t label;
    int8_t hit[OVERLAPS]; /* 1 right, 0 wrong, -1 not counted */
} ap_hit;

struct nnc_ap {
    ap_hit *hits;
    size_t count, cap;
    uint64_t *expected; /* [classes] ground truth boxes that count */
    size_t classes, class_cap;
};

nnc_status nnc_ap_create(nnc_ap **out)
{
    *out = nnc_calloc(1, sizeof(**out));
    return *out ? NNC_OK : NNC_ERR_LIMIT;
}

void nnc_ap_destroy(nnc_ap *ap)
{
    if (ap) {
        nnc_free(ap->hits);
        nnc_free(ap->expected);
    }
    nnc_free(ap);
}

static double overlap_at(size_t t)
{
    return t + 1 == OVERLAPS ? 0.95 : 0.5 + (double)t * ((0.95 - 0.5) / (OVERLAPS - 1));
}

/* The truth that a detection takes; crowds only where no single box fits. `count` for none. */
static size_t best_truth(const nnc_box *found, const nnc_box *truth, size_t count, const bool *taken, double overlap)
{
    double most = fmin(overlap, 1 - 1e-10);
    size_t best = count;
    for (int crowds = 0; crowds < 2 && best == count; crowds++) {
        for (size_t g = 0; g < count; g++) {
            if (truth[g].label != found->label || truth[g].crowd != (crowds == 1) || (taken[g] && !truth[g].crowd)) {
                continue;
            }
            double o = nnc_box_iou(found, &truth[g]);
            if (o >= most) {
                most = o;
                best = g;
            }
        }
    }
    return best;
}

static nnc_status add_truth(nnc_ap *ap, const nnc_box *truth, size_t count)
{
    for (size_t g = 0; g < count; g++) {
        size_t c = (size_t)truth[g].label;
        size_t had = ap->classes;
        if (c >= had) {
            NNC_TRY(nnc_grow(&ap->expected, &ap->class_cap, c + 1, sizeof(*ap->expected)));
            memset(ap->expected + had, 0, (c + 1 - had) * sizeof(*ap->expected));
            ap->classes = c + 1;
        }
        ap->expected[c] += !truth[g].crowd;
    }
    return NNC_OK;
}

/* Boxes of the same class before i. */
static size_t rank_in_class(const nnc_boxes *found, size_t i)
{
    size_t rank = 0;
    for (size_t k = 0; k < i && rank < PER_IMAGE_MAX; k++) {
        rank += found->items[k].label == found->items[i].label;
    }
    return rank;
}

nnc_status nnc_ap_add(nnc_ap *ap, nnc_boxes *found, const nnc_box *truth, size_t truth_count)
{
    NNC_TRY(add_truth(ap, truth, truth_count));
    nnc_boxes_sort(found);
    bool *taken = nnc_calloc(truth_count ? truth_count * OVERLAPS : 1, sizeof(*taken));
    if (!taken) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (size_t i = 0; status == NNC_OK && i < found->count; i++) {
        if (rank_in_class(found, i) >= PER_IMAGE_MAX) {
            continue;
        }
        status = nnc_grow(&ap->hits, &ap->cap, ap->count + 1, sizeof(*ap->hits));
        if (status != NNC_OK) {
            break;
        }
        ap_hit *hit = &ap->hits[ap->count++];
        hit->score = found->items[i].score;
        hit->label = found->items[i].label;
        for (size_t t = 0; t < OVERLAPS; t++) {
            bool *free_of = taken + t * truth_count;
            size_t g = best_truth(&found->items[i], truth, truth_count, free_of, overlap_at(t));
            hit->hit[t] = g == truth_count ? 0 : truth[g].crowd ? -1 : 1;
            if (g < truth_count) {
                free_of[g] = true;
            }
        }
    }
    nnc_free(taken);
    return status;
}

/* By class, then falling score; equal ones keep their order, which the index at the end makes total. */
typedef struct ap_order {
    double score;
    int32_t label;
    size_t index;
} ap_order;

static int compare(const void *a, const void *b)
{
    const ap_order *x = a, *y = b;
    if (x->label != y->label) {
        return x->label < y->label ? -1 : 1;
    }
    if (x->score != y->score) {
        return x->score > y->score ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Mean of the monotone precision at 101 recalls. precision: scratch [2 * n]. */
static double class_ap(const nnc_ap *ap, const ap_order *order, size_t n, uint64_t expected, size_t t, double *scratch)
{
    double *precision = scratch, *recall = scratch + n;
    size_t m = 0, right = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        int8_t hit = ap->hits[order[i].index].hit[t];
        if (hit < 0) {
            continue;
        }
        right += hit == 1;
        wrong += hit == 0;
        recall[m] = (double)right / (double)expected;
        precision[m++] = (double)right / ((double)(right + wrong) + 0x1p-52);
    }
    for (size_t i = m; i-- > 1;) {
        precision[i - 1] = fmax(precision[i - 1], precision[i]);
    }
    double sum = 0;
    size_t at = 0;
    for (size_t r = 0; r < RECALLS; r++) {
        double want = r + 1 == RECALLS ? 1.0 : (double)r * 0.01;
        while (at < m && recall[at] < want) {
            at++;
        }
        sum += at < m ? precision[at] : 0;
    }
    return sum / RECALLS;
}

static void mean_over_classes(double mean[OVERLAPS], const nnc_ap *ap, const ap_order *order, double *scratch)
{
    size_t counted = 0;
    memset(mean, 0, OVERLAPS * sizeof(*mean));
    for (size_t c = 0, first = 0; c < ap->classes; c++) {
        while (first < ap->count && order[first].label < (int32_t)c) {
            first++;
        }
        size_t n = 0;
        while (first + n < ap->count && order[first + n].label == (int32_t)c) {
            n++;
        }
        if (ap->expected[c] > 0) {
            counted++;
            for (size_t t = 0; t < OVERLAPS; t++) {
                mean[t] += class_ap(ap, order + first, n, ap->expected[c], t, scratch);
            }
        }
        first += n;
    }
    for (size_t t = 0; t < OVERLAPS; t++) {
        mean[t] = counted ? mean[t] / (double)counted : -1;
    }
}

nnc_status nnc_ap_finish(double *map, double *map50, double *map75, nnc_ap *ap)
{
    ap_order *order = nnc_calloc(ap->count ? ap->count : 1, sizeof(*order));
    double *scratch = nnc_calloc(ap->count ? 2 * ap->count : 1, sizeof(*scratch));
    nnc_status status = order && scratch ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        for (size_t i = 0; i < ap->count; i++) {
            order[i] = (ap_order){ap->hits[i].score, ap->hits[i].label, i};
        }
        qsort(order, ap->count, sizeof(*order), compare);
        double mean[OVERLAPS];
        mean_over_classes(mean, ap, order, scratch);
        *map = 0;
        for (size_t t = 0; t < OVERLAPS; t++) {
            *map += mean[t] / OVERLAPS;
        }
        *map50 = mean[0];
        *map75 = mean[5];
    }
    nnc_free(order);
    nnc_free(scratch);
    return status;
}
