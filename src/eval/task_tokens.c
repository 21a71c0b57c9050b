/* Language models: next-token accuracy, perplexity, agreement. SPDX-License-Identifier: Apache-2.0
 * Logits [1,T,V]; the numbers of the first integer input [1,T] are the tokens, so that position t predicts token t + 1.
 * An input whose name holds "mask" says with 0 which tokens do not count. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "eval/task.h"

typedef struct tokens {
    size_t output;
    uint64_t positions, same, predicted, right[2];
    double loss[2];
    bool pair;
} tokens;

static void destroy(void *state)
{
    nnc_free(state);
}

static nnc_status create(void **state, const nnc_task_options *options, const nnc_dataset *data)
{
    (void)data;
    tokens *t = nnc_calloc(1, sizeof(*t));
    *state = t;
    if (!t) {
        return NNC_ERR_LIMIT;
    }
    t->output = options->output;
    return NNC_OK;
}

static bool is_integer_list(const nnc_tensor *x, size_t length)
{
    nnc_dtype_class class = nnc_dtype_class_of(x->dtype);
    return (class == NNC_DTYPE_CLASS_SINT || class == NNC_DTYPE_CLASS_UINT) && nnc_tensor_count(x) == length;
}

/* The tokens, and where they count (NULL: everywhere). */
static void find_inputs(const nnc_tensor **ids, const nnc_tensor **mask, const nnc_sample *sample, size_t length)
{
    *ids = *mask = NULL;
    for (size_t i = 0; i < sample->input_count; i++) {
        if (!is_integer_list(&sample->inputs[i], length)) {
            continue;
        }
        const nnc_tensor *x = &sample->inputs[i];
        bool binary = true;
        for (size_t k = 0; k < length; k++) {
            int64_t v = nnc_tensor_get_int(x, k);
            binary = binary && (v == 0 || v == 1);
        }
        if (!*ids && !(binary && length > 1)) {
            *ids = x;
        } else if (binary && !*mask && nnc_tensor_get_int(x, 0) == 1) {
            *mask = x;
        }
    }
}

static size_t top1(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

/* -ln of the probability that softmax gives number `at`. */
static double loss_of(const float *x, size_t n, size_t at)
{
    double max = x[top1(x, n)], sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)x[i] - max);
    }
    return log(sum) + max - (double)x[at];
}

static nnc_status check_form(const nnc_eval_output *o, const nnc_sample *sample)
{
    if (!o->real || o->shape.rank != 3 || o->shape.dims[0] != 1 || o->shape.dims[2] < 2) {
        char text[200];
        nnc_shape shape = nnc_shape_make(o->shape.rank, o->shape.dims);
        NNC_FAIL(NNC_ERR_USAGE, "--task tokens: sample '%s': output '%s' has shape %s, expected logits [1,T,V]", sample->name,
                 o->name, nnc_shape_format(text, sizeof(text), &shape));
    }
    return NNC_OK;
}

static nnc_status add_sample(void *state, const nnc_eval_output *a, const nnc_eval_output *b, uint32_t count, const nnc_sample *sample)
{
    tokens *t = state;
    if (t->output >= count) {
        NNC_FAIL(NNC_ERR_USAGE, "output %zu is asked for, the model has %u", t->output, count);
    }
    const nnc_eval_output *o[2] = {&a[t->output], b ? &b[t->output] : NULL};
    NNC_TRY(check_form(o[0], sample));
    if (b && o[1]->count != o[0]->count) {
        NNC_FAIL(NNC_ERR_DATA, "sample '%s': output '%s' has %zu and %zu numbers", sample->name, o[0]->name, o[0]->count,
                 o[1]->count);
    }
    const size_t length = (size_t)o[0]->shape.dims[1], words = (size_t)o[0]->shape.dims[2];
    const nnc_tensor *ids, *mask;
    find_inputs(&ids, &mask, sample, length);
    t->pair = b != NULL;
    for (size_t i = 0; i < length; i++) {
        if (mask && nnc_tensor_get_int(mask, i) == 0) {
            continue;
        }
        size_t top_a = top1(o[0]->data + i * words, words), top_b = b ? top1(o[1]->data + i * words, words) : top_a;
        t->positions++;
        t->same += top_a == top_b;
        int64_t next = ids && i + 1 < length && !(mask && nnc_tensor_get_int(mask, i + 1) == 0)
                           ? nnc_tensor_get_int(ids, i + 1)
                           : -1;
        if (next < 0 || (uint64_t)next >= words) {
            continue;
        }
        t->predicted++;
        t->right[0] += top_a == (size_t)next;
        t->right[1] += top_b == (size_t)next;
        for (int m = 0; m < 1 + t->pair; m++) {
            t->loss[m] += loss_of(o[m]->data + i * words, words, (size_t)next);
        }
    }
    return NNC_OK;
}

static nnc_status finish(nnc_task_result *out, void *state)
{
    tokens *t = state;
    snprintf(out->how, sizeof(out->how), "%llu positions, %llu with a next token", (unsigned long long)t->positions,
             (unsigned long long)t->predicted);
    if (t->predicted) {
        nnc_task_metric *right = nnc_task_add(out, "token_accuracy", "next token right", "%");
        nnc_task_metric *perplexity = nnc_task_add(out, "perplexity", "perplexity", "");
        double n = (double)t->predicted;
        right->a = (double)t->right[0] / n;
        perplexity->a = exp(t->loss[0] / n);
        if (t->pair) {
            right->b = (double)t->right[1] / n;
            perplexity->b = exp(t->loss[1] / n);
        }
    }
    if (t->pair && t->positions) {
        nnc_task_add(out, "token_agreement", "same most likely token", "%")->pair = (double)t->same / (double)t->positions;
    }
    return NNC_OK;
}

const nnc_task nnc_task_tokens = {
    .name = "tokens",
    .help = "language models: next-token accuracy, perplexity and agreement",
    .create = create,
    .sample = add_sample,
    .finish = finish,
    .destroy = destroy,
};
