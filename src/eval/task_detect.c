/* Detection: average precision where there is ground truth, agreement of boxes always. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "eval/heads.h"
#include "eval/task.h"

/* Boxes that average precision ranks: weak ones count there too. */
#define WEAK_SCORE 0.001
#define BOXES_MAX 300

typedef struct detect {
    const nnc_task_options *options;
    const nnc_dataset *data;
    double score, overlap;
    const nnc_head *head; /* NULL before the first sample */
    nnc_head_facts facts;
    nnc_ap *ap[2];
    bool truth, pair;
    size_t found[2], same50, same75;
    double overlaps; /* sum over the matches at 0.5 */
} detect;

static void destroy(void *state)
{
    detect *d = state;
    if (d) {
        nnc_ap_destroy(d->ap[0]);
        nnc_ap_destroy(d->ap[1]);
    }
    nnc_free(d);
}

static nnc_status create(void **state, const nnc_task_options *options, const nnc_dataset *data)
{
    detect *d = nnc_calloc(1, sizeof(*d));
    *state = d;
    if (!d) {
        return NNC_ERR_LIMIT;
    }
    d->options = options;
    d->data = data;
    d->score = options->score > 0 ? options->score : 0.3;
    d->overlap = options->overlap > 0 ? options->overlap : 0.5;
    d->truth = nnc_dataset_has_boxes(data);
    nnc_status status = d->truth ? nnc_ap_create(&d->ap[0]) : NNC_OK;
    return status == NNC_OK && d->truth ? nnc_ap_create(&d->ap[1]) : status;
}

/* Size of the model's image: the input with 1 or 3 channels on either side. */
static void image_size(nnc_head_facts *facts, const nnc_sample *sample)
{
    for (size_t i = 0; i < sample->input_count; i++) {
        const nnc_shape *s = &sample->inputs[i].shape;
        if (s->rank != 4) {
            continue;
        }
        bool last = s->dims[3] == 1 || s->dims[3] == 3;
        bool first = s->dims[1] == 1 || s->dims[1] == 3;
        if (first || last) {
            facts->height = (double)s->dims[first ? 2 : 1];
            facts->width = (double)s->dims[first ? 3 : 2];
            return;
        }
    }
}

static nnc_status choose_head(detect *d, const nnc_eval_output *outputs, uint32_t count, const nnc_sample *sample)
{
    image_size(&d->facts, sample);
    if (d->facts.width <= 0) {
        NNC_FAIL(NNC_ERR_USAGE, "--task detect: no input of sample '%s' is an image", sample->name);
    }
    d->head = d->options->head ? nnc_head_find(d->options->head) : nnc_head_guess(outputs, count, &d->facts);
    if (!d->head) {
        NNC_FAIL(NNC_ERR_USAGE, "--task detect: the %u outputs have no form that is known. Hint: --head names one", count);
    }
    if (d->head->learn) {
        d->head->learn(&d->facts, outputs, count);
    }
    return NNC_OK;
}

static nnc_status decode(nnc_boxes *boxes, const detect *d, const nnc_eval_output *outputs, uint32_t count)
{
    double score = d->truth && WEAK_SCORE < d->score ? WEAK_SCORE : d->score;
    NNC_TRY(d->head->decode(boxes, outputs, count, &d->facts, score));
    if (d->head->suppress) {
        nnc_boxes_suppress(boxes, d->overlap, BOXES_MAX);
    } else {
        nnc_boxes_sort(boxes);
    }
    return NNC_OK;
}

static size_t strong(const detect *d, const nnc_boxes *boxes)
{
    size_t n = 0;
    for (size_t i = 0; i < boxes->count; i++) {
        n += boxes->items[i].score >= d->score;
    }
    return n;
}

/* Ground truth in the pixels of the model's image. */
static nnc_status truth_of(nnc_boxes *out, const detect *d, const nnc_sample *sample)
{
    const nnc_box *boxes;
    size_t count;
    bool relative;
    if (!nnc_dataset_boxes(&boxes, &count, &relative, d->data, sample->index)) {
        return NNC_OK;
    }
    const nnc_image_view *v = &sample->view;
    const double sx = v->scale_x * (relative ? v->width : 1), sy = v->scale_y * (relative ? v->height : 1);
    for (size_t i = 0; i < count; i++) {
        nnc_box box = boxes[i];
        box.x0 = box.x0 * sx + v->offset_x;
        box.x1 = box.x1 * sx + v->offset_x;
        box.y0 = box.y0 * sy + v->offset_y;
        box.y1 = box.y1 * sy + v->offset_y;
        NNC_TRY(nnc_boxes_add(out, &box));
    }
    return NNC_OK;
}

static nnc_status add_precision(detect *d, nnc_boxes *a, nnc_boxes *b, const nnc_sample *sample)
{
    nnc_boxes truth = {0};
    nnc_status status = truth_of(&truth, d, sample);
    if (status == NNC_OK) {
        status = nnc_ap_add(d->ap[0], a, truth.items, truth.count);
    }
    if (status == NNC_OK && b) {
        status = nnc_ap_add(d->ap[1], b, truth.items, truth.count);
    }
    nnc_boxes_deinit(&truth);
    return status;
}

static nnc_status compare(detect *d, nnc_boxes *a, nnc_boxes *b, const nnc_sample *sample)
{
    size_t same;
    double unused = 0;
    d->found[0] += strong(d, a);
    if (b) {
        d->found[1] += strong(d, b);
        NNC_TRY(nnc_boxes_match(&same, &d->overlaps, b, a, 0.5, d->score));
        d->same50 += same;
        NNC_TRY(nnc_boxes_match(&same, &unused, b, a, 0.75, d->score));
        d->same75 += same;
    }
    return d->truth ? add_precision(d, a, b, sample) : NNC_OK;
}

static nnc_status add_sample(void *state, const nnc_eval_output *a, const nnc_eval_output *b, uint32_t count, const nnc_sample *sample)
{
    detect *d = state;
    if (!d->head) {
        NNC_TRY(choose_head(d, a, count, sample));
    }
    d->pair = b != NULL;
    nnc_boxes boxes[2] = {{0}};
    nnc_status status = decode(&boxes[0], d, a, count);
    if (status == NNC_OK && b) {
        status = decode(&boxes[1], d, b, count);
    }
    if (status == NNC_OK) {
        status = compare(d, &boxes[0], b ? &boxes[1] : NULL, sample);
    }
    nnc_boxes_deinit(&boxes[0]);
    nnc_boxes_deinit(&boxes[1]);
    return status;
}

static nnc_status finish_precision(nnc_task_result *out, detect *d)
{
    static const char *const names[3][2] = {
        {"map", "mAP 0.50:0.95"}, {"map50", "mAP 0.50"}, {"map75", "mAP 0.75"}};
    double map[2][3];
    for (int m = 0; m < 1 + d->pair; m++) {
        NNC_TRY(nnc_ap_finish(&map[m][0], &map[m][1], &map[m][2], d->ap[m]));
    }
    for (int i = 0; i < 3; i++) {
        nnc_task_metric *metric = nnc_task_add(out, names[i][0], names[i][1], "%");
        metric->a = map[0][i];
        metric->b = d->pair ? map[1][i] : NAN;
    }
    return NNC_OK;
}

/* Harmonic mean of precision and recall against the original's boxes; 1 where neither found any. */
static double f1(size_t same, size_t a, size_t b)
{
    return a + b ? 2.0 * (double)same / (double)(a + b) : 1;
}

static nnc_status finish(nnc_task_result *out, void *state)
{
    detect *d = state;
    snprintf(out->how, sizeof(out->how), "head %s, boxes with score >= %g, overlap %g", d->head ? d->head->name : "none",
             d->score, d->overlap);
    if (d->truth) {
        NNC_TRY(finish_precision(out, d));
    }
    nnc_task_metric *found = nnc_task_add(out, "boxes", "boxes found", "boxes");
    found->a = (double)d->found[0];
    if (!d->pair) {
        return NNC_OK;
    }
    found->b = (double)d->found[1];
    nnc_task_add(out, "f1_50", "same boxes (F1, IoU 0.5)", "%")->pair = f1(d->same50, d->found[0], d->found[1]);
    nnc_task_add(out, "f1_75", "same boxes (F1, IoU 0.75)", "%")->pair = f1(d->same75, d->found[0], d->found[1]);
    nnc_task_add(out, "lost", "boxes lost", "boxes")->pair = (double)(d->found[0] - d->same50);
    nnc_task_add(out, "gained", "boxes gained", "boxes")->pair = (double)(d->found[1] - d->same50);
    if (d->same50) {
        nnc_task_add(out, "iou", "mean IoU of same boxes", "%")->pair = d->overlaps / (double)d->same50;
    }
    return NNC_OK;
}

const nnc_task nnc_task_detect = {
    .name = "detect",
    .help = "boxes: mAP with ground truth, F1 of the compressed model's boxes against the original's",
    .create = create,
    .sample = add_sample,
    .finish = finish,
    .destroy = destroy,
};
