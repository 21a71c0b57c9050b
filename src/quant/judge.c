/* Judges quantized graphs by their outputs on samples. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "calib/runner.h"
#include "quant/internal.h"
#include "tensor/metrics.h"

typedef struct judge_state {
    nnc_runner *runner;
    size_t graphs, outputs;
    nnc_error_sums *sums; /* [graphs][outputs] */
    size_t *agree;        /* [graphs] */
    size_t answers;       /* class vectors of the reference */
} judge_state;

/* Length of the class vectors of a view [N, C] or [N, C, 1, 1]; 0 if it holds none. */
static size_t class_count(const nnrt_view *view)
{
    if (view->dtype != NNRT_F32 || view->shape.rank < 2 || view->shape.dims[1] < 2) {
        return 0;
    }
    for (uint32_t d = 2; d < view->shape.rank; d++) {
        if (view->shape.dims[d] != 1) {
            return 0;
        }
    }
    return (size_t)view->shape.dims[1];
}

static size_t largest(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

static void compare_classes(judge_state *state, size_t g, const nnrt_view *a, const nnrt_view *b)
{
    size_t classes = class_count(a);
    if (classes == 0) {
        return;
    }
    const float *x = a->data, *y = b->data;
    size_t rows = a->bytes / sizeof(float) / classes;
    for (size_t r = 0; r < rows; r++) {
        state->agree[g] += largest(x + r * classes, classes) == largest(y + r * classes, classes);
    }
    state->answers += g == 0 ? rows : 0;
}

static nnc_status judge_done(void *user, size_t slot, const nnc_sample *sample)
{
    judge_state *state = user;
    (void)sample;
    for (size_t i = 0; i < state->outputs; i++) {
        nnrt_view a, b;
        NNC_TRY(nnc_runner_output(&a, state->runner, slot, 0, i));
        for (size_t g = 0; g < state->graphs; g++) {
            NNC_TRY(nnc_runner_output(&b, state->runner, slot, g + 1, i));
            if (a.dtype != NNRT_F32 || a.bytes != b.bytes) {
                continue;
            }
            nnc_error_sums_add(&state->sums[g * state->outputs + i], a.data, b.data,
                               a.bytes / sizeof(float));
            if (i == 0) {
                compare_classes(state, g, &a, &b);
            }
        }
    }
    return NNC_OK;
}

static nnc_judgement judgement_of(const judge_state *state, size_t g)
{
    double error = 0;
    size_t used = 0;
    for (size_t i = 0; i < state->outputs; i++) {
        const nnc_error_sums *s = &state->sums[g * state->outputs + i];
        if (s->count && s->rr > 0) {
            error += s->ee / s->rr;
            used++;
        }
    }
    return (nnc_judgement){
        .sqnr = used == 0 ? (double)NAN : error > 0 ? -10 * log10(error / (double)used) : (double)INFINITY,
        .agree = state->answers ? (double)state->agree[g] / (double)state->answers : (double)NAN,
        .changed = state->answers - state->agree[g]};
}

nnc_status nnc_judge(nnc_judgement *out, const nnc_graph *reference, nnc_graph *const *graphs, size_t count,
                     const nnc_dataset *data, const size_t *indices, size_t index_count,
                     const nnc_quant_options *options, const nnc_log *log)
{
    judge_state state = {.graphs = count, .outputs = nnc_graph_output_count(reference)};
    nnc_runner_model *models = nnc_calloc(count + 1, sizeof(*models));
    state.sums = nnc_calloc(count * state.outputs + 1, sizeof(*state.sums));
    state.agree = nnc_calloc(count + 1, sizeof(*state.agree));
    nnc_status status = models && state.sums && state.agree ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        models[0].graph = reference;
        for (size_t g = 0; g < count; g++) {
            models[g + 1].graph = graphs[g];
        }
        status = nnc_runner_create(&state.runner, models, count + 1, options->threads, options->isa_max);
    }
    if (status == NNC_OK) {
        nnc_runner_calls calls = {.done = judge_done, .user = &state};
        status = nnc_runner_run(state.runner, data, indices, index_count, &calls, "judge", log);
    }
    for (size_t g = 0; g < count && status == NNC_OK; g++) {
        out[g] = judgement_of(&state, g);
    }
    nnc_runner_destroy(state.runner);
    nnc_free(models);
    nnc_free(state.sums);
    nnc_free(state.agree);
    return status;
}
