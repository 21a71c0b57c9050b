/* Heads that give lists of boxes: corners with class scores, results of a suppression inside the model, and DETR's queries.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "eval/heads.h"

/* Numbers of the last dim; rows before it, a leading 1 left out. */
static bool is_matrix(const nnc_eval_output *o, size_t *rows, size_t *cols)
{
    const nnrt_shape *s = &o->shape;
    if (s->rank != 2 && !(s->rank == 3 && s->dims[0] == 1)) {
        return false;
    }
    *rows = (size_t)s->dims[s->rank - 2];
    *cols = (size_t)s->dims[s->rank - 1];
    return true;
}

static bool is_list(const nnc_eval_output *o, size_t *rows)
{
    const nnrt_shape *s = &o->shape;
    if (s->rank != 1 && !(s->rank == 2 && s->dims[0] == 1)) {
        return false;
    }
    *rows = (size_t)s->dims[s->rank - 1];
    return true;
}

/* ---- boxes [N,4], labels [N], scores [N]: torchvision, Detectron ---- */

typedef struct nms_parts {
    const nnc_eval_output *boxes, *labels, *scores;
    size_t n;
} nms_parts;

static bool nms_find(nms_parts *p, const nnc_eval_output *outputs, uint32_t count)
{
    *p = (nms_parts){0};
    size_t rows, cols, n;
    for (uint32_t i = 0; i < count; i++) {
        const nnc_eval_output *o = &outputs[i];
        if (o->real && is_matrix(o, &rows, &cols) && cols == 4 && !p->boxes) {
            p->boxes = o;
            p->n = rows;
        } else if (is_list(o, &n) && o->real && !p->scores) {
            p->scores = o;
        } else if (is_list(o, &n) && !o->real && !p->labels) {
            p->labels = o;
        }
    }
    return p->boxes && p->labels && p->scores && p->labels->count == p->n && p->scores->count == p->n;
}

static bool nms_fits(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts)
{
    (void)facts;
    nms_parts p;
    return count >= 3 && nms_find(&p, outputs, count);
}

static nnc_status nms_decode(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                             double score)
{
    (void)facts;
    nms_parts p;
    if (!nms_find(&p, outputs, count)) {
        NNC_FAIL(NNC_ERR_USAGE, "outputs are not boxes [N,4], labels [N] and scores [N]");
    }
    for (size_t i = 0; i < p.n; i++) {
        const float *x = p.boxes->data + 4 * i;
        nnc_box box = {x[0], x[1], x[2], x[3], p.scores->data[i], (int32_t)p.labels->data[i], false};
        if (box.score >= score && box.label >= 0) {
            NNC_TRY(nnc_boxes_add(boxes, &box));
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_nms = {
    .name = "nms",
    .help = "boxes [N,4] in pixels, labels [N] and scores [N], suppressed inside the model (torchvision)",
    .suppress = false,
    .fits = nms_fits,
    .decode = nms_decode,
};

/* ---- rows of 6 or 7 numbers ---- */

static bool rows_fits(const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts)
{
    size_t rows, cols;
    (void)facts;
    return count == 1 && o->real && is_matrix(o, &rows, &cols) && (cols == 6 || cols == 7) && rows <= 1000;
}

static nnc_status rows_decode(nnc_boxes *boxes, const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts, double score)
{
    size_t rows, cols;
    if (!rows_fits(o, count, facts) || !is_matrix(o, &rows, &cols)) {
        NNC_FAIL(NNC_ERR_USAGE, "output '%s' is not [N,6] or [N,7]", o->name);
    }
    for (size_t i = 0; i < rows; i++) {
        const float *x = o->data + cols * i + (cols == 7);
        double p = cols == 7 ? x[5] : x[4], label = cols == 7 ? x[4] : x[5];
        nnc_box box = {x[0], x[1], x[2], x[3], p, 0, false};
        if (p >= score && label >= 0 && label < INT32_MAX) {
            box.label = (int32_t)label;
            NNC_TRY(nnc_boxes_add(boxes, &box));
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_rows = {
    .name = "rows",
    .help = "one output [N,6]: corners, score, class (YOLOv10), or [N,7]: image, corners, class, score (YOLOv7 with NMS)",
    .suppress = false,
    .fits = rows_fits,
    .decode = rows_decode,
};

/* ---- class scores [1,N,C] with boxes [1,N,4] ---- */

typedef struct pair {
    const nnc_eval_output *scores, *boxes;
    size_t n, classes;
} pair;

static bool find_pair(pair *p, const nnc_eval_output *outputs, uint32_t count)
{
    *p = (pair){0};
    for (uint32_t i = 0; i < count; i++) {
        size_t rows, cols;
        if (!outputs[i].real || !is_matrix(&outputs[i], &rows, &cols)) {
            continue;
        }
        if (cols == 4 && (!p->boxes || p->classes == 4)) {
            p->boxes = &outputs[i];
        } else if (!p->scores) {
            p->scores = &outputs[i];
            p->classes = cols;
            p->n = rows;
        }
    }
    size_t rows, cols;
    return p->scores && p->boxes && is_matrix(p->boxes, &rows, &cols) && rows == p->n && p->classes >= 1;
}

static bool ssd_fits(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts)
{
    (void)facts;
    pair p;
    return count == 2 && find_pair(&p, outputs, count) && p.classes >= 2;
}

static void ssd_learn(nnc_head_facts *facts, const nnc_eval_output *outputs, uint32_t count)
{
    pair p;
    if (!find_pair(&p, outputs, count)) {
        return;
    }
    double largest = 0;
    for (size_t i = 0; i < p.boxes->count; i++) {
        largest = fmax(largest, fabs((double)p.boxes->data[i]));
    }
    facts->normalized = largest <= 4; /* corners may leave the image a little */
    facts->background = true;
    for (size_t i = 0; i < p.n && i < 64; i++) {
        double sum = 0;
        for (size_t c = 0; c < p.classes; c++) {
            sum += p.scores->data[i * p.classes + c];
        }
        facts->background = facts->background && fabs(sum - 1) < 0.02;
    }
}

static nnc_status ssd_decode(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                             double score)
{
    pair p;
    if (!find_pair(&p, outputs, count)) {
        NNC_FAIL(NNC_ERR_USAGE, "outputs are not scores [1,N,C] and boxes [1,N,4]");
    }
    const size_t first = facts->background ? 1 : 0;
    const double sx = facts->normalized ? facts->width : 1, sy = facts->normalized ? facts->height : 1;
    for (size_t i = 0; i < p.n; i++) {
        const float *x = p.boxes->data + 4 * i, *s = p.scores->data + i * p.classes;
        for (size_t c = first; c < p.classes; c++) {
            nnc_box box = {x[0] * sx, x[1] * sy, x[2] * sx, x[3] * sy, s[c], (int32_t)(c - first), false};
            if (box.score >= score) {
                NNC_TRY(nnc_boxes_add(boxes, &box));
            }
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_ssd = {
    .name = "ssd",
    .help = "scores [1,N,C] and corners [1,N,4], from 0 to 1 or in pixels; class 0 is the background where scores sum to 1",
    .suppress = true,
    .fits = ssd_fits,
    .learn = ssd_learn,
    .decode = ssd_decode,
};

/* ---- UltraFace: scores [1,N,2] with offsets [1,N,4] from prior boxes ---- */

/* Sides of the prior boxes of each level, and its cells (Linzaer, Ultra-Light-Fast-Generic-Face-Detector, vision/ssd/config/fd_config.py). */
static const struct {
    unsigned stride;
    double sides[3];
    size_t count;
} priors[] = {{8, {10, 16, 24}, 3}, {16, {32, 48, 0}, 2}, {32, {64, 96, 0}, 2}, {64, {128, 192, 256}, 3}};
#define PRIOR_LEVELS (sizeof(priors) / sizeof(priors[0]))
#define CENTRE_VARIANCE 0.1
#define SIZE_VARIANCE 0.2

static size_t prior_count(const nnc_head_facts *facts)
{
    size_t n = 0;
    for (size_t l = 0; l < PRIOR_LEVELS; l++) {
        n += (size_t)(ceil(facts->width / priors[l].stride) * ceil(facts->height / priors[l].stride)) * priors[l].count;
    }
    return n;
}

static bool ultraface_fits(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts)
{
    pair p;
    if (count != 2 || !find_pair(&p, outputs, count) || p.classes != 2 || p.n != prior_count(facts)) {
        return false;
    }
    for (size_t i = 0; i < p.boxes->count; i++) {
        if (p.boxes->data[i] < -1.5f) {
            return true; /* no corner lies that far outside */
        }
    }
    return false;
}

static nnc_status ultraface_decode(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count,
                                   const nnc_head_facts *facts, double score)
{
    pair p;
    if (!find_pair(&p, outputs, count) || p.classes != 2 || p.n != prior_count(facts)) {
        NNC_FAIL(NNC_ERR_USAGE, "outputs are not scores [1,%zu,2] and offsets [1,%zu,4]", prior_count(facts),
                 prior_count(facts));
    }
    size_t i = 0;
    for (size_t l = 0; l < PRIOR_LEVELS; l++) {
        const size_t across = (size_t)ceil(facts->width / priors[l].stride), down = (size_t)ceil(facts->height / priors[l].stride);
        for (size_t cell = 0; cell < across * down; cell++) {
            for (size_t k = 0; k < priors[l].count; k++, i++) {
                const float *o = p.boxes->data + 4 * i;
                double side = priors[l].sides[k], s = p.scores->data[2 * i + 1];
                double cx = ((double)(cell % across) + 0.5) * facts->width / (double)across + o[0] * CENTRE_VARIANCE * side;
                double cy = ((double)(cell / across) + 0.5) * facts->height / (double)down + o[1] * CENTRE_VARIANCE * side;
                double w = exp(o[2] * SIZE_VARIANCE) * side, h = exp(o[3] * SIZE_VARIANCE) * side;
                nnc_box box = {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, s, 0, false};
                if (s >= score) {
                    NNC_TRY(nnc_boxes_add(boxes, &box));
                }
            }
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_ultraface = {
    .name = "ultraface",
    .help = "scores [1,N,2] and offsets [1,N,4] from prior boxes of 8, 16, 32 and 64 pixels (UltraFace without decoding)",
    .suppress = true,
    .fits = ultraface_fits,
    .decode = ultraface_decode,
};

/* ---- DETR's queries: logits [1,Q,C] with centres and sizes [1,Q,4] ---- */

static bool by_name_only(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts)
{
    (void)outputs;
    (void)count;
    (void)facts;
    return false; /* the sizes are those of ssd */
}

/* Score of the best class of a query. softmax: over all classes, the last of which means "nothing". */
static double query_score(size_t *label, const float *x, size_t n, bool softmax)
{
    size_t classes = softmax ? n - 1 : n, best = 0;
    for (size_t c = 1; c < classes; c++) {
        best = x[c] > x[best] ? c : best;
    }
    *label = best;
    if (!softmax) {
        return 1 / (1 + exp(-(double)x[best]));
    }
    double sum = 0;
    for (size_t c = 0; c < n; c++) {
        sum += exp((double)x[c] - (double)x[best]);
    }
    return 1 / sum;
}

static nnc_status queries(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                          double score, bool softmax)
{
    pair p;
    if (!find_pair(&p, outputs, count) || (softmax && p.classes < 2)) {
        NNC_FAIL(NNC_ERR_USAGE, "outputs are not logits [1,Q,C] and boxes [1,Q,4]");
    }
    for (size_t i = 0; i < p.n; i++) {
        const float *x = p.boxes->data + 4 * i;
        size_t label;
        double s = query_score(&label, p.scores->data + i * p.classes, p.classes, softmax);
        nnc_box box = {(x[0] - x[2] / 2) * facts->width, (x[1] - x[3] / 2) * facts->height,
                       (x[0] + x[2] / 2) * facts->width, (x[1] + x[3] / 2) * facts->height, s, (int32_t)label, false};
        if (s >= score) {
            NNC_TRY(nnc_boxes_add(boxes, &box));
        }
    }
    return NNC_OK;
}

static nnc_status detr_decode(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                              double score)
{
    return queries(boxes, outputs, count, facts, score, true);
}

static nnc_status rtdetr_decode(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                                double score)
{
    return queries(boxes, outputs, count, facts, score, false);
}

const nnc_head nnc_head_detr = {
    .name = "detr",
    .help = "logits [1,Q,C+1], the last class meaning nothing, and centres and sizes [1,Q,4] from 0 to 1 (DETR)",
    .suppress = false,
    .fits = by_name_only,
    .decode = detr_decode,
};

const nnc_head nnc_head_rtdetr = {
    .name = "rtdetr",
    .help = "logits [1,Q,C], each class for itself, and centres and sizes [1,Q,4] from 0 to 1 (RT-DETR)",
    .suppress = false,
    .fits = by_name_only,
    .decode = rtdetr_decode,
};
