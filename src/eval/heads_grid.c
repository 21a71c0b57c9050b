/* Heads that give a box per cell of grids: YOLO forms, and distributions of distances (GFL). SPDX-License-Identifier: Apache-2.0
 * Forms: Ultralytics YOLOv5 [1,N,5+C] and YOLOv8 [1,4+C,N] exports; YOLOX [1,N,5+C] before decoding (Ge et al. 2021, strides 8 16 32);
 * NanoDet and PicoDet: scores [1,N,C] and distances [1,N,4(R+1)] per level (Li et al. 2020, "Generalized Focal Loss"). */
#include <math.h>

#include "eval/heads.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static bool is_rank3(const nnc_eval_output *o)
{
    return o->real && o->shape.rank == 3 && o->shape.dims[0] == 1;
}

/* Best of n classes, `step` numbers apart. */
static size_t best_class(const float *score, size_t n, size_t step)
{
    size_t best = 0;
    for (size_t c = 1; c < n; c++) {
        best = score[c * step] > score[best * step] ? c : best;
    }
    return best;
}

static nnc_box around(double cx, double cy, double w, double h, double score, size_t label)
{
    return (nnc_box){cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, (int32_t)label, false};
}

static bool any_outside_unit(const float *x, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i++) {
        if (x[i * step] < 0 || x[i * step] > 1) {
            return true;
        }
    }
    return false;
}

/* ---- YOLOv8 and later: [1, 4 + C, N] ---- */

static bool yolov8_fits(const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts)
{
    (void)facts;
    return count >= 1 && is_rank3(o) && o->shape.dims[1] > 4 && o->shape.dims[2] > o->shape.dims[1];
}

static nnc_status yolov8_decode(nnc_boxes *boxes, const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts,
                                double score)
{
    (void)count;
    (void)facts;
    const size_t classes = (size_t)o->shape.dims[1] - 4, n = (size_t)o->shape.dims[2];
    for (size_t i = 0; i < n; i++) {
        const float *x = o->data + i;
        size_t c = best_class(x + 4 * n, classes, n);
        nnc_box box = around(x[0], x[n], x[2 * n], x[3 * n], x[(4 + c) * n], c);
        if (box.score >= score) {
            NNC_TRY(nnc_boxes_add(boxes, &box));
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_yolov8 = {
    .name = "yolov8",
    .help = "one output [1,4+C,N]: centre, size and class scores (YOLOv8 to 11)",
    .suppress = true,
    .fits = yolov8_fits,
    .decode = yolov8_decode,
};

/* ---- YOLOv5, v7: [1, N, 5 + C] ---- */

static bool yolov5_fits(const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts)
{
    (void)facts;
    return count >= 1 && is_rank3(o) && o->shape.dims[2] > 5 && o->shape.dims[1] > o->shape.dims[2];
}

static nnc_status yolov5_decode(nnc_boxes *boxes, const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts,
                                double score)
{
    (void)count;
    (void)facts;
    const size_t width = (size_t)o->shape.dims[2], n = (size_t)o->shape.dims[1];
    for (size_t i = 0; i < n; i++) {
        const float *x = o->data + i * width;
        size_t c = best_class(x + 5, width - 5, 1);
        nnc_box box = around(x[0], x[1], x[2], x[3], (double)x[4] * (double)x[5 + c], c);
        if (box.score >= score) {
            NNC_TRY(nnc_boxes_add(boxes, &box));
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_yolov5 = {
    .name = "yolov5",
    .help = "one output [1,N,5+C]: centre, size, objectness and class scores (YOLOv5, v7)",
    .suppress = true,
    .fits = yolov5_fits,
    .decode = yolov5_decode,
};

/* ---- YOLOX before decoding ---- */

#define YOLOX_STRIDES 3

static size_t cells(const nnc_head_facts *facts, unsigned stride)
{
    return (size_t)(ceil(facts->width / stride) * ceil(facts->height / stride));
}

static bool yolox_fits(const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts)
{
    (void)o;
    (void)count;
    (void)facts;
    return false; /* looks like YOLOv5: only by name */
}

static void yolox_learn(nnc_head_facts *facts, const nnc_eval_output *o, uint32_t count)
{
    (void)count;
    if (is_rank3(o) && o->shape.dims[2] > 5) {
        facts->logits = any_outside_unit(o->data + 4, (size_t)o->shape.dims[1], (size_t)o->shape.dims[2]);
    }
}

static nnc_status yolox_decode(nnc_boxes *boxes, const nnc_eval_output *o, uint32_t count, const nnc_head_facts *facts,
                               double score)
{
    (void)count;
    if (!yolov5_fits(o, count, facts)) {
        NNC_FAIL(NNC_ERR_USAGE, "output '%s' is no YOLOX head [1,N,5+C]", o->name);
    }
    const size_t width = (size_t)o->shape.dims[2];
    size_t at = 0;
    for (unsigned level = 0; level < YOLOX_STRIDES; level++) {
        const unsigned stride = 8u << level;
        const size_t across = (size_t)ceil(facts->width / stride);
        for (size_t i = 0; i < cells(facts, stride) && at < (size_t)o->shape.dims[1]; i++, at++) {
            const float *x = o->data + at * width;
            size_t c = best_class(x + 5, width - 5, 1);
            double object = facts->logits ? sigmoid(x[4]) : x[4], class = facts->logits ? sigmoid(x[5 + c]) : x[5 + c];
            nnc_box box = around((x[0] + (double)(i % across)) * stride, (x[1] + (double)(i / across)) * stride,
                                 exp(x[2]) * stride, exp(x[3]) * stride, object * class, c);
            if (box.score >= score) {
                NNC_TRY(nnc_boxes_add(boxes, &box));
            }
        }
    }
    return NNC_OK;
}

const nnc_head nnc_head_yolox = {
    .name = "yolox",
    .help = "one output [1,N,5+C] of offsets in cells of 8, 16 and 32 pixels (YOLOX, not decoded)",
    .suppress = true,
    .fits = yolox_fits,
    .learn = yolox_learn,
    .decode = yolox_decode,
};

/* ---- distributions of distances per level ---- */

/* Distances of this level: the output with as many cells, and a multiple of 4 numbers that is no number of classes. */
static const nnc_eval_output *distances_of(const nnc_eval_output *scores, const nnc_eval_output *outputs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const nnc_eval_output *o = &outputs[i];
        if (o != scores && is_rank3(o) && o->shape.dims[1] == scores->shape.dims[1] && o->shape.dims[2] % 4 == 0 &&
            o->shape.dims[2] >= 20 && o->shape.dims[2] <= 132 && o > scores) {
            return o;
        }
    }
    return NULL;
}

static unsigned stride_of(const nnc_eval_output *o, const nnc_head_facts *facts)
{
    for (unsigned stride = 4; stride <= 128; stride *= 2) {
        if (cells(facts, stride) == (size_t)o->shape.dims[1]) {
            return stride;
        }
    }
    return 0;
}

static bool gfl_fits(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts)
{
    if (count < 4 || count % 2 != 0) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_rank3(&outputs[i]) || stride_of(&outputs[i], facts) == 0 ||
            (i < count / 2 && !distances_of(&outputs[i], outputs, count))) {
            return false;
        }
    }
    return true;
}

static void gfl_learn(nnc_head_facts *facts, const nnc_eval_output *outputs, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        facts->logits = facts->logits || any_outside_unit(outputs[i].data, outputs[i].count, 1);
    }
}

/* Mean of the distribution that softmax makes of n numbers, in cells. */
static double distance(const float *x, size_t n)
{
    double max = x[0], sum = 0, mean = 0;
    for (size_t i = 1; i < n; i++) {
        max = fmax(max, x[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double e = exp(x[i] - max);
        sum += e;
        mean += (double)i * e;
    }
    return mean / sum;
}

static nnc_status gfl_level(nnc_boxes *boxes, const nnc_eval_output *scores, const nnc_eval_output *sides, const nnc_head_facts *facts,
                            double score)
{
    const unsigned stride = stride_of(scores, facts);
    const size_t across = (size_t)ceil(facts->width / stride), classes = (size_t)scores->shape.dims[2];
    const size_t bins = (size_t)sides->shape.dims[2] / 4;
    for (size_t i = 0; i < (size_t)scores->shape.dims[1]; i++) {
        size_t c = best_class(scores->data + i * classes, classes, 1);
        double p = scores->data[i * classes + c];
        p = facts->logits ? sigmoid(p) : p;
        if (p < score) {
            continue;
        }
        const float *d = sides->data + i * 4 * bins;
        double x = ((double)(i % across) + 0.5) * stride, y = ((double)(i / across) + 0.5) * stride;
        nnc_box box = {fmax(x - distance(d, bins) * stride, 0), fmax(y - distance(d + bins, bins) * stride, 0),
                       fmin(x + distance(d + 2 * bins, bins) * stride, facts->width),
                       fmin(y + distance(d + 3 * bins, bins) * stride, facts->height), p, (int32_t)c, false};
        NNC_TRY(nnc_boxes_add(boxes, &box));
    }
    return NNC_OK;
}

static nnc_status gfl_decode(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                             double score)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        const nnc_eval_output *sides = distances_of(&outputs[i], outputs, count);
        if (!sides || stride_of(&outputs[i], facts) == 0) {
            NNC_FAIL(NNC_ERR_USAGE, "output '%s' is no level of a GFL head", outputs[i].name);
        }
        NNC_TRY(gfl_level(boxes, &outputs[i], sides, facts, score));
    }
    return NNC_OK;
}

const nnc_head nnc_head_gfl = {
    .name = "gfl",
    .help = "per level scores [1,N,C], then per level distributions [1,N,4(R+1)] (NanoDet, PicoDet)",
    .suppress = true,
    .fits = gfl_fits,
    .learn = gfl_learn,
    .decode = gfl_decode,
};
