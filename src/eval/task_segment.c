/* Segmentation: the class of every pixel, and mean intersection over union. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "eval/task.h"

#define CLASSES_MAX 4096u

/* An output as pixels: number c of pixel p at data[p * pixel + c * step]. */
typedef struct field {
    size_t pixels, classes, pixel, step;
} field;

typedef struct segment {
    size_t output;
    bool logits, known; /* one channel: a threshold of 0 or 0.5 */
    field shape;
    size_t class_count;
    uint64_t *in_a, *in_b, *in_both; /* [classes] pixels */
    uint64_t pixels, same;
    bool pair;
} segment;

static void destroy(void *state)
{
    segment *s = state;
    if (s) {
        nnc_free(s->in_a);
        nnc_free(s->in_b);
        nnc_free(s->in_both);
    }
    nnc_free(s);
}

static nnc_status create(void **state, const nnc_task_options *options, const nnc_dataset *data)
{
    (void)data;
    segment *s = nnc_calloc(1, sizeof(*s));
    *state = s;
    if (!s) {
        return NNC_ERR_LIMIT;
    }
    s->output = options->output;
    return NNC_OK;
}

/* [1,C,H,W] or [1,H,W,C]: the side with fewer numbers holds the classes; [1,H,W] holds class numbers or one score. */
static bool find_field(field *f, const nnc_eval_output *o)
{
    const nnrt_shape *s = &o->shape;
    if (s->rank == 3 && s->dims[0] == 1) {
        *f = (field){o->count, 1, 1, 0};
        return o->count > 0;
    }
    if (s->rank != 4 || s->dims[0] != 1 || o->count == 0) {
        return false;
    }
    bool last = s->dims[3] < s->dims[1];
    size_t classes = (size_t)s->dims[last ? 3 : 1];
    *f = (field){o->count / classes, classes, last ? classes : 1, last ? 1 : o->count / classes};
    return classes <= CLASSES_MAX;
}

static nnc_status start(segment *s, const nnc_eval_output *o)
{
    if (!find_field(&s->shape, o)) {
        char text[200];
        nnc_shape shape = nnc_shape_make(o->shape.rank, o->shape.dims);
        NNC_FAIL(NNC_ERR_USAGE, "--task segment: output '%s' has shape %s, expected [1,C,H,W], [1,H,W,C] or [1,H,W]", o->name,
                 nnc_shape_format(text, sizeof(text), &shape));
    }
    for (size_t i = 0; s->shape.classes == 1 && o->real && i < o->count; i++) {
        s->logits = s->logits || o->data[i] < 0 || o->data[i] > 1;
    }
    size_t classes = s->shape.classes > 1 ? s->shape.classes : o->real ? 2 : CLASSES_MAX;
    s->class_count = classes;
    s->in_a = nnc_calloc(classes, sizeof(*s->in_a));
    s->in_b = nnc_calloc(classes, sizeof(*s->in_b));
    s->in_both = nnc_calloc(classes, sizeof(*s->in_both));
    s->known = true;
    return s->in_a && s->in_b && s->in_both ? NNC_OK : NNC_ERR_LIMIT;
}

/* Class of pixel p; CLASSES_MAX for a number that is no class. */
static size_t class_of(const segment *s, const nnc_eval_output *o, size_t p)
{
    const field *f = &s->shape;
    const float *x = o->data + p * f->pixel;
    if (f->classes == 1 && !o->real) {
        return x[0] >= 0 && x[0] < (float)CLASSES_MAX ? (size_t)x[0] : CLASSES_MAX;
    }
    if (f->classes == 1) {
        return x[0] > (s->logits ? 0.0f : 0.5f);
    }
    size_t best = 0;
    for (size_t c = 1; c < f->classes; c++) {
        best = x[c * f->step] > x[best * f->step] ? c : best;
    }
    return best;
}

static nnc_status add_sample(void *state, const nnc_eval_output *a, const nnc_eval_output *b, uint32_t count, const nnc_sample *sample)
{
    segment *s = state;
    if (s->output >= count) {
        NNC_FAIL(NNC_ERR_USAGE, "output %zu is asked for, the model has %u", s->output, count);
    }
    const nnc_eval_output *oa = &a[s->output], *ob = b ? &b[s->output] : oa;
    if (!s->known) {
        NNC_TRY(start(s, oa));
    }
    field f;
    if (!find_field(&f, oa) || f.classes != s->shape.classes || ob->count != oa->count) {
        NNC_FAIL(NNC_ERR_DATA, "sample '%s': output '%s' has another form than before", sample->name, oa->name);
    }
    s->shape = f;
    s->pair = b != NULL;
    for (size_t p = 0; p < f.pixels; p++) {
        size_t ca = class_of(s, oa, p), cb = b ? class_of(s, ob, p) : ca;
        if (ca >= CLASSES_MAX || cb >= CLASSES_MAX) {
            NNC_FAIL(NNC_ERR_DATA, "sample '%s': output '%s' holds a number that is no class (0 to %u)", sample->name, oa->name,
                     CLASSES_MAX - 1);
        }
        s->in_a[ca]++;
        s->in_b[cb]++;
        s->in_both[ca] += ca == cb;
        s->same += ca == cb;
    }
    s->pixels += f.pixels;
    return NNC_OK;
}

static nnc_status finish(nnc_task_result *out, void *state)
{
    segment *s = state;
    size_t classes = s->class_count, seen = 0;
    double sum = 0;
    for (size_t c = 0; c < classes; c++) {
        uint64_t either = s->in_a[c] + s->in_b[c] - s->in_both[c];
        seen += either > 0;
        sum += either ? (double)s->in_both[c] / (double)either : 0;
    }
    snprintf(out->how, sizeof(out->how), "%zu classes seen, %llu pixels%s", seen, (unsigned long long)s->pixels,
             s->shape.classes == 1 ? s->logits ? ", threshold 0" : ", threshold 0.5" : "");
    if (s->pair) {
        nnc_task_add(out, "miou", "same classes (mean IoU)", "%")->pair = seen ? sum / (double)seen : NAN;
        nnc_task_add(out, "pixels", "same class per pixel", "%")->pair = (double)s->same / (double)s->pixels;
    }
    return NNC_OK;
}

const nnc_task nnc_task_segment = {
    .name = "segment",
    .help = "a class per pixel: mean IoU of the compressed model's classes and the original's",
    .create = create,
    .sample = add_sample,
    .finish = finish,
    .destroy = destroy,
};
