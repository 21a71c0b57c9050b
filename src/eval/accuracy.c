/* Accuracy and agreement of two models on the same samples. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "eval/eval.h"
#include "eval/outputs.h"
#include "eval/statistics.h"

#define FLIPS_MAX 200

typedef struct judge {
    nnc_accuracy *result;
    nnc_exec *a, *b; /* b: NULL for one model */
    const nnc_eval_options *options;
    uint32_t outputs;
    bool any_real; /* some output is float: integer ones stay out of the total */
    bool first;
    size_t *unequal; /* [outputs] samples for which the models gave different sizes */
    size_t flip_cap;
    void *task; /* state of options->task */
} judge;

static void drop_flips(nnc_accuracy *accuracy)
{
    for (size_t i = 0; i < accuracy->flip_count; i++) {
        nnc_free(accuracy->flips[i].name);
    }
    nnc_free(accuracy->flips);
    accuracy->flips = NULL;
    accuracy->flip_count = 0;
}

void nnc_accuracy_deinit(nnc_accuracy *accuracy)
{
    drop_flips(accuracy);
    nnc_free(accuracy->outputs);
    nnc_free(accuracy->class_total);
    nnc_free(accuracy->class_right_a);
    nnc_free(accuracy->class_right_b);
    *accuracy = (nnc_accuracy){0};
}

static nnc_status check_models(judge *j)
{
    j->outputs = nnrt_model_output_count(nnc_exec_model(j->a));
    const uint32_t n_b = j->b ? nnrt_model_output_count(nnc_exec_model(j->b)) : j->outputs;
    if (n_b != j->outputs) {
        NNC_FAIL(NNC_ERR_USAGE, "the models have %u and %u outputs, expected the same", j->outputs,
                 n_b);
    }
    if (j->options->output >= j->outputs) {
        NNC_FAIL(NNC_ERR_USAGE, "output %zu is asked for, the model has %u (the first is 0)",
                 j->options->output, j->outputs);
    }
    j->result->output_count = j->outputs;
    j->result->outputs = nnc_calloc(j->outputs, sizeof(*j->result->outputs));
    j->unequal = nnc_calloc(j->outputs, sizeof(*j->unequal));
    return j->result->outputs && j->unequal ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status check_reference(const judge *j, const nnc_eval_output *a, const nnc_sample *sample)
{
    for (size_t i = 0; i < a->count; i++) {
        if (isnan(a->data[i])) {
            NNC_FAIL(NNC_ERR_DATA,
                     "sample '%s': output '%s' of the %smodel is NaN (number %zu of %zu)%s",
                     sample->name, a->name, j->b ? "original " : "", i + 1, a->count,
                     j->b ? ": not a compression problem" : "");
        }
    }
    return NNC_OK;
}

static nnc_status add_flip(judge *j, const nnc_sample *sample, size_t top_a, size_t top_b)
{
    nnc_accuracy *r = j->result;
    if (r->flip_count == FLIPS_MAX) {
        return NNC_OK;
    }
    NNC_TRY(nnc_grow(&r->flips, &j->flip_cap, r->flip_count + 1, sizeof(*r->flips)));
    size_t bytes = strlen(sample->name) + 1;
    char *name = nnc_calloc(bytes, 1);
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    memcpy(name, sample->name, bytes);
    r->flips[r->flip_count++] = (nnc_flip){.index = sample->index,
                                           .name = name,
                                           .label = sample->label,
                                           .top1_a = (int64_t)top_a,
                                           .top1_b = (int64_t)top_b};
    return NNC_OK;
}

static nnc_status start_classes(judge *j, const nnc_eval_output *a)
{
    nnc_accuracy *r = j->result;
    r->classes = nnc_eval_output_classes(a);
    if (r->labelled && r->classes == 0 && !j->b) {
        char text[256];
        nnc_shape shape = nnc_shape_make(a->shape.rank, a->shape.dims);
        NNC_FAIL(NNC_ERR_DATA,
                 "output '%s' has shape %s, expected class scores: one dimension above 1", a->name,
                 nnc_shape_format(text, sizeof(text), &shape));
    }
    r->labelled = r->labelled && r->classes;
    if (!r->labelled) {
        return NNC_OK;
    }
    r->class_total = nnc_calloc(r->classes, sizeof(*r->class_total));
    r->class_right_a = nnc_calloc(r->classes, sizeof(*r->class_right_a));
    r->class_right_b = nnc_calloc(r->classes, sizeof(*r->class_right_b));
    return r->class_total && r->class_right_a && r->class_right_b ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status judge_label(judge *j, const float *a, const float *b, const nnc_sample *sample)
{
    nnc_accuracy *r = j->result;
    if (sample->label < 0 || (uint64_t)sample->label >= r->classes) {
        NNC_FAIL(NNC_ERR_DATA, "sample '%s': label %lld, the model has classes 0 to %zu",
                 sample->name, (long long)sample->label, r->classes - 1);
    }
    const size_t label = (size_t)sample->label;
    const size_t rank_a = nnc_rank_of(a, r->classes, label);
    const size_t rank_b = b == a ? rank_a : nnc_rank_of(b, r->classes, label);
    r->class_total[label]++;
    r->class_right_a[label] += rank_a == 0;
    r->class_right_b[label] += rank_b == 0;
    r->top1_a += rank_a == 0;
    r->top1_b += rank_b == 0;
    r->top5_a += rank_a < 5;
    r->top5_b += rank_b < 5;
    r->only_a += rank_a == 0 && rank_b != 0;
    r->only_b += rank_b == 0 && rank_a != 0;
    return NNC_OK;
}

/* The output with the class scores. b == a for one model. */
static nnc_status judge_classes(judge *j, const nnc_eval_output *a, const nnc_eval_output *b,
                                const nnc_sample *sample)
{
    nnc_accuracy *r = j->result;
    if (j->first) {
        NNC_TRY(start_classes(j, a));
    }
    if (r->classes == 0) {
        return NNC_OK;
    }
    if (!r->labelled && (a->count != r->classes || b->count != r->classes)) {
        /* A size that depends on the sample: boxes or sound, not classes. */
        drop_flips(r);
        j->flip_cap = 0;
        r->classes = r->agree = 0;
        return NNC_OK;
    }
    if (a->count != r->classes || b->count != r->classes) {
        NNC_FAIL(NNC_ERR_DATA,
                 "sample '%s': output '%s' has %zu and %zu scores, expected %zu as before",
                 sample->name, a->name, a->count, b->count, r->classes);
    }
    const size_t top_a = nnc_top1(a->data, r->classes), top_b = nnc_top1(b->data, r->classes);
    r->agree += top_a == top_b;
    if (top_a != top_b) {
        NNC_TRY(add_flip(j, sample, top_a, top_b));
    }
    return r->labelled ? judge_label(j, a->data, b->data, sample) : NNC_OK;
}

static nnc_status judge_output(judge *j, uint32_t i, const nnc_eval_output *a, const nnc_eval_output *b,
                               const nnc_sample *sample)
{
    NNC_TRY(check_reference(j, a, sample));
    if (i == j->options->output && !j->options->task.task) {
        NNC_TRY(judge_classes(j, a, b, sample));
    }
    if (!j->b) {
        return NNC_OK;
    }
    if (a->count != b->count) {
        j->unequal[i]++;
        return NNC_OK;
    }
    nnc_error_sums_add(&j->result->outputs[i], a->data, b->data, a->count);
    if (a->real) {
        nnc_error_sums_add(&j->result->output, a->data, b->data, a->count);
        j->any_real = true;
    }
    return NNC_OK;
}

/* Outputs of the last run of an exec. */
static nnc_status get_outputs(nnc_eval_output *out, nnc_exec *exec, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        NNC_TRY(nnc_eval_output_get(&out[i], exec, i));
    }
    return NNC_OK;
}

static nnc_status judge_outputs(judge *j, const nnc_eval_output *a, const nnc_eval_output *b, const nnc_sample *sample)
{
    for (uint32_t i = 0; i < j->outputs; i++) {
        NNC_TRY(judge_output(j, i, &a[i], j->b ? &b[i] : &a[i], sample));
    }
    const nnc_task *task = j->options->task.task;
    return task ? task->sample(j->task, a, j->b ? b : NULL, j->outputs, sample) : NNC_OK;
}

static nnc_status judge_sample(judge *j, const nnc_sample *sample)
{
    NNC_TRY(nnc_exec_run(j->a, sample->inputs, sample->input_count));
    if (j->b) {
        NNC_TRY(nnc_exec_run(j->b, sample->inputs, sample->input_count));
    }
    nnc_eval_output *a = nnc_calloc(2 * (size_t)j->outputs + 1, sizeof(*a)), *b = a + j->outputs;
    nnc_status status = a ? get_outputs(a, j->a, j->outputs) : NNC_ERR_LIMIT;
    if (status == NNC_OK && j->b) {
        status = get_outputs(b, j->b, j->outputs);
    }
    if (status == NNC_OK) {
        status = judge_outputs(j, a, b, sample);
    }
    for (uint32_t i = 0; a && i < 2 * j->outputs; i++) {
        nnc_eval_output_deinit(&a[i]);
    }
    nnc_free(a);
    NNC_TRY(status);
    const uint64_t facts[2] = {sample->hash, (uint64_t)sample->label};
    j->result->content += nnc_hash64(facts, sizeof(facts), 0);
    j->first = false;
    j->result->samples++;
    return NNC_OK;
}

static nnc_status judge_all(judge *j, const nnc_dataset *data, const nnc_log *log)
{
    const nnc_eval_options *o = j->options;
    const size_t total = o->indices ? o->index_count : nnc_dataset_count(data);
    nnc_dataset_reader *reader = NULL;
    NNC_TRY(nnc_dataset_reader_create(&reader, data, o->indices, total, log));
    nnc_status status = NNC_OK;
    for (bool more = true; status == NNC_OK;) {
        nnc_sample sample = {0};
        status = nnc_log_poll(log);
        status = status == NNC_OK ? nnc_dataset_reader_next(&sample, &more, reader) : status;
        if (status != NNC_OK || !more) {
            break;
        }
        status = judge_sample(j, &sample);
        nnc_sample_deinit(&sample);
        j->result->bad = nnc_dataset_reader_bad(reader);
        nnc_log_progress(log, "evaluate", j->result->samples + j->result->bad, total, "samples");
    }
    j->result->bad = nnc_dataset_reader_bad(reader);
    nnc_dataset_reader_destroy(reader);
    return status;
}

/* Models of other outputs: no number would mean anything. */
static nnc_status check_compared(const judge *j)
{
    const nnc_accuracy *r = j->result;
    uint32_t unequal = 0;
    for (uint32_t i = 0; i < j->outputs; i++) {
        unequal += j->unequal[i] == r->samples;
    }
    if (j->b && !r->labelled && !r->task.task && j->outputs > 0 && unequal == j->outputs) {
        NNC_FAIL(NNC_ERR_USAGE,
                 "the models gave different output sizes for all %zu samples: nothing to compare",
                 r->samples);
    }
    return NNC_OK;
}

static void finish(judge *j, const nnc_log *log)
{
    nnc_accuracy *r = j->result;
    if (!j->any_real && j->b) {
        for (uint32_t i = 0; i < j->outputs; i++) {
            r->output.rr += r->outputs[i].rr;
            r->output.tt += r->outputs[i].tt;
            r->output.rt += r->outputs[i].rt;
            r->output.ee += r->outputs[i].ee;
            r->output.max_abs = fmax(r->output.max_abs, r->outputs[i].max_abs);
            r->output.count += r->outputs[i].count;
            r->output.nonfinite += r->outputs[i].nonfinite;
        }
    }
    for (uint32_t i = 0; i < j->outputs; i++) {
        if (j->unequal[i]) {
            nnc_log_warn(
                log,
                "output %u: the models gave different sizes for %zu of %zu samples, which are "
                "not compared",
                i, j->unequal[i], r->samples);
        }
    }
    nnc_wilson(&r->agree_lo, &r->agree_hi, r->agree, r->samples);
    if (r->labelled) {
        const size_t both = r->top1_a - r->only_a;
        r->drop = ((double)r->top1_a - (double)r->top1_b) / (double)r->samples;
        nnc_paired_difference(&r->drop_lo, &r->drop_hi, both, r->only_a, r->only_b,
                              r->samples - both - r->only_a - r->only_b);
    }
}

nnc_status nnc_eval_accuracy(nnc_accuracy *out, nnc_exec *a, nnc_exec *b, const nnc_dataset *data,
                             const nnc_eval_options *options, const nnc_log *log)
{
    const nnc_eval_options none = {0};
    judge j = {.result = out, .a = a, .b = b, .options = options ? options : &none, .first = true};
    const nnc_task *task = j.options->task.task;
    *out = (nnc_accuracy){.labelled = !task && nnc_dataset_has_labels(data), .task = {.task = task}};
    nnc_status status = check_models(&j);
    if (status == NNC_OK && task) {
        status = task->create(&j.task, &j.options->task, data);
    }
    if (status == NNC_OK) {
        status = judge_all(&j, data, log);
    }
    if (status == NNC_OK && out->samples == 0) {
        status = nnc_error_set(NNC_ERR_DATA, "there is no sample to evaluate on");
    }
    if (status == NNC_OK) {
        status = check_compared(&j);
    }
    if (status == NNC_OK && task) {
        status = task->finish(&out->task, j.task);
    }
    if (task) {
        task->destroy(j.task);
    }
    if (status == NNC_OK) {
        finish(&j, log);
    } else {
        nnc_accuracy_deinit(out);
    }
    nnc_free(j.unequal);
    return status;
}
