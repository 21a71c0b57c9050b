/* Scores candidate ranges by the output error of the layers that read them. SPDX-License-Identifier: Apache-2.0
 * A product is linear, so the error that a grid causes in its output is the product of its weights with the grid's error. Behind each value that
 * a product reads, the float graph gets: Quant to each candidate, minus the value, all stacked (and the value itself, as the signal), the
 * product without bias, sum of squares. Other readers take the grid's own error, which the histogram gives. */
#include <stdio.h>
#include <string.h>

#include "calib/runner.h"
#include "quant/internal.h"

/* Samples looked at. */
#define SCORE_SAMPLES 16
/* Larger images are scored on a piece of this size from the middle. */
#define SCORE_SIDE 64

typedef struct score_probe {
    uint32_t group;
    size_t output;    /* of the scoring graph */
    double error[NNC_CANDIDATES_MAX], signal;
} score_probe;

typedef struct score_state {
    nnc_graph *graph;    /* float graph plus probes */
    const nnc_scheme *scheme;
    nnc_group *groups;
    const nnc_target *target;
    nnc_value_id *stack; /* [values] errors and signal of this value, or NNC_ID_NONE */
    score_probe *probes;
    size_t probe_count, probe_cap;
    nnc_runner *runner;
} score_state;

static nnc_status add_op(nnc_value_id *out, nnc_graph *graph, const char *domain, const char *op,
                         const nnc_value_id *in, uint32_t n, nnc_node_id *node)
{
    nnc_node_id unused;
    NNC_TRY(nnc_graph_add_value(out, graph, NULL, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL));
    return nnc_graph_add_node(node ? node : &unused, graph, "", domain, op, in, n, out, 1);
}

/* The middle SCORE_SIDE x SCORE_SIDE of larger images; otherwise the value itself. */
static nnc_status crop(nnc_value_id *out, nnc_graph *graph, nnc_value_id v)
{
    nnc_shape shape = nnc_graph_value_const(graph, v)->shape;
    int64_t start[2], end[2];
    const int64_t axes[2] = {2, 3};
    bool large = false;
    *out = v;
    for (uint32_t d = 0; d < 2 && shape.rank == 4; d++) {
        int64_t dim = shape.dims[2 + d];
        if (dim < 0) {
            return NNC_OK;
        }
        bool cut = dim > SCORE_SIDE;
        start[d] = cut ? (dim - SCORE_SIDE) / 2 : 0;
        end[d] = cut ? start[d] + SCORE_SIDE : dim;
        large = large || cut;
    }
    if (!large) {
        return NNC_OK;
    }
    nnc_value_id in[4] = {v, NNC_ID_NONE, NNC_ID_NONE, NNC_ID_NONE};
    NNC_TRY(nnc_graph_add_const_i64(&in[1], graph, NULL, start, 2, false));
    NNC_TRY(nnc_graph_add_const_i64(&in[2], graph, NULL, end, 2, false));
    NNC_TRY(nnc_graph_add_const_i64(&in[3], graph, NULL, axes, 2, false));
    return add_op(out, graph, "", "Slice", in, 4, NULL);
}

/* Only convolutions read `v`: a MatMul sums over its last dim. */
static bool is_image(const score_state *state, nnc_value_id v)
{
    for (nnc_node_id id = 0; id < state->scheme->node_count; id++) {
        const nnc_node *n = nnc_graph_node_const(state->graph, id);
        if (state->scheme->role[id] == NNC_ROLE_PRODUCT && n->inputs[0] == v && !nnc_node_is(n, "Conv") &&
            !nnc_node_is(n, "ConvTranspose")) {
            return false;
        }
    }
    return true;
}

/* Errors of all candidates and the value, along the batch axis. */
static nnc_status make_stack(nnc_value_id *out, score_state *state, nnc_value_id v, const nnc_group *group)
{
    nnc_value_id x = v, parts[NNC_CANDIDATES_MAX + 1];
    if (is_image(state, v)) {
        NNC_TRY(crop(&x, state->graph, v));
    }
    for (size_t k = 0; k < group->candidate_count; k++) {
        nnc_value_id pair[2] = {NNC_ID_NONE, x};
        nnc_qparams *q;
        NNC_TRY(add_op(&pair[0], state->graph, "nnc", "Quant", &x, 1, NULL));
        NNC_TRY(nnc_qparams_from_range(&q, group->candidate[k].lo, group->candidate[k].hi,
                                       state->target->activation, state->target->activation_symmetric));
        nnc_value_set_qparams(nnc_graph_value(state->graph, pair[0]), q);
        NNC_TRY(add_op(&parts[k], state->graph, "", "Sub", pair, 2, NULL));
    }
    parts[group->candidate_count] = x;
    nnc_node_id node;
    NNC_TRY(add_op(out, state->graph, "", "Concat", parts, (uint32_t)group->candidate_count + 1, &node));
    return nnc_node_set_int(state->graph, node, "axis", 0);
}

nnc_status nnc_node_copy_attrs(nnc_graph *graph, nnc_node_id to, nnc_node_id from)
{
    for (uint32_t i = 0; i < nnc_graph_node_const(graph, from)->attr_count; i++) {
        nnc_attr attr = nnc_graph_node_const(graph, from)->attrs[i];
        NNC_TRY(nnc_node_set_attr(graph, to, &attr));
    }
    return NNC_OK;
}

/* Sum of squares per row of the product `id` applied to its operand's stack, as an output of the graph. */
static nnc_status add_probe(score_state *state, nnc_node_id id)
{
    nnc_graph *graph = state->graph;
    nnc_value_id v = nnc_graph_node_const(graph, id)->inputs[0];
    uint32_t g = state->scheme->group[v];
    const nnc_group *group = &state->groups[g];
    uint32_t rank = nnc_graph_value_const(graph, v)->has_shape ? nnc_graph_value_const(graph, v)->shape.rank : 0;
    if (group->candidate_count < 2 || rank < 2) {
        return NNC_OK;
    }
    if (state->stack[v] == NNC_ID_NONE) {
        NNC_TRY(make_stack(&state->stack[v], state, v, group));
    }
    nnc_value_id in[2] = {state->stack[v], nnc_graph_node_const(graph, id)->inputs[1]}, sum[2], y;
    nnc_node_id copy;
    const char *op = nnc_graph_node_const(graph, id)->op_type;
    NNC_TRY(add_op(&sum[0], graph, "", op, in, 2, &copy));
    NNC_TRY(nnc_node_copy_attrs(graph, copy, id));
    int64_t axes[NNC_RANK_MAX];
    for (uint32_t d = 1; d < rank; d++) {
        axes[d - 1] = d;
    }
    NNC_TRY(nnc_graph_add_const_i64(&sum[1], graph, NULL, axes, rank - 1, false));
    nnc_node_id reduce;
    NNC_TRY(add_op(&y, graph, "", "ReduceSumSquare", sum, 2, &reduce));
    NNC_TRY(nnc_node_set_int(graph, reduce, "keepdims", 0));
    NNC_TRY(nnc_grow(&state->probes, &state->probe_cap, state->probe_count + 1, sizeof(*state->probes)));
    state->probes[state->probe_count++] =
        (score_probe){.group = g, .output = nnc_graph_output_count(graph)};
    char name[48];
    snprintf(name, sizeof(name), "nnc.score.%zu", state->probe_count);
    return nnc_graph_add_output(graph, y, name);
}

static nnc_status build(score_state *state)
{
    const nnc_scheme *s = state->scheme;
    uint32_t first = nnc_graph_node_count(state->graph);
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        if (s->role[id] == NNC_ROLE_PRODUCT) {
            NNC_TRY(add_probe(state, id));
        }
    }
    for (nnc_node_id id = first; id < nnc_graph_node_count(state->graph); id++) {
        NNC_TRY(nnc_node_bind(state->graph, id));
    }
    return nnc_graph_infer(state->graph, NULL);
}

static nnc_status score_done(void *user, size_t slot, const nnc_sample *sample)
{
    score_state *state = user;
    (void)sample;
    for (size_t p = 0; p < state->probe_count; p++) {
        score_probe *probe = &state->probes[p];
        nnrt_view view;
        NNC_TRY(nnc_runner_output(&view, state->runner, slot, 0, probe->output));
        size_t parts = state->groups[probe->group].candidate_count + 1;
        size_t rows = view.bytes / sizeof(float) / parts;
        const float *y = view.data;
        for (size_t i = 0; i < parts * rows; i++) {
            double *sum = i / rows + 1 < parts ? &probe->error[i / rows] : &probe->signal;
            *sum += (double)y[i];
        }
    }
    return NNC_OK;
}

/* A member of the group is read by something other than integer products and movement. */
static bool has_other_reader(const nnc_scheme *s, const nnc_graph *graph, const nnc_uses *uses, uint32_t group)
{
    for (nnc_value_id v = 0; v < s->value_count; v++) {
        if (s->group[v] != group) {
            continue;
        }
        if (nnc_graph_is_output(graph, v)) {
            return true;
        }
        for (uint32_t u = 0; u < nnc_uses_count(uses, v); u++) {
            nnc_role role = s->role[uses->node[uses->start[v] + u]];
            if (role != NNC_ROLE_PRODUCT && role != NNC_ROLE_MOVE) {
                return true;
            }
        }
    }
    return false;
}

/* Readers that pass the numbers on as they are. */
static nnc_status add_own_errors(score_state *state, const nnc_graph *graph)
{
    nnc_uses uses;
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_status status = NNC_OK;
    for (uint32_t g = 0; g < state->scheme->group_count && status == NNC_OK; g++) {
        nnc_group *group = &state->groups[g];
        if (state->scheme->group[state->scheme->source[g]] != g || group->candidate_count < 2 ||
            !has_other_reader(state->scheme, graph, &uses, g) || !(group->stats->sum_sq > 0)) {
            continue;
        }
        for (size_t k = 0; k < group->candidate_count && status == NNC_OK; k++) {
            nnc_qparams *q;
            status = nnc_qparams_from_range(&q, group->candidate[k].lo, group->candidate[k].hi,
                                            state->target->activation, state->target->activation_symmetric);
            if (status == NNC_OK) {
                group->error[k] += nnc_hist_error(group->stats, q) / group->stats->sum_sq;
                nnc_qparams_destroy(q);
            }
        }
    }
    nnc_uses_deinit(&uses);
    return status;
}

size_t nnc_pick(size_t *out, size_t max, const size_t *indices, size_t count)
{
    size_t n = count < max ? count : max;
    for (size_t i = 0; i < n; i++) {
        out[i] = indices[i * count / n];
    }
    return n;
}

static nnc_status run(score_state *state, const nnc_dataset *data, const nnc_quant_options *options,
                      const nnc_log *log)
{
    size_t picked[SCORE_SAMPLES], n = nnc_pick(picked, SCORE_SAMPLES, options->calib_indices, options->calib_count);
    nnc_runner_model model = {.graph = state->graph};
    NNC_TRY(nnc_runner_create(&state->runner, &model, 1, options->threads, options->isa_max));
    nnc_runner_calls calls = {.done = score_done, .user = state};
    nnc_status status = nnc_runner_run(state->runner, data, picked, n, &calls, "score ranges", log);
    nnc_runner_destroy(state->runner);
    return status;
}

nnc_status nnc_score_candidates(nnc_group *groups, const nnc_scheme *scheme, const nnc_graph *graph,
                                const nnc_dataset *data, const nnc_quant_options *options,
                                const nnc_log *log)
{
    score_state state = {.scheme = scheme, .groups = groups, .target = options->target};
    state.stack = nnc_calloc(scheme->value_count + 1, sizeof(*state.stack));
    if (!state.stack) {
        return NNC_ERR_LIMIT;
    }
    memset(state.stack, 0xff, (scheme->value_count + 1) * sizeof(*state.stack));
    nnc_status status = nnc_graph_clone(&state.graph, graph);
    status = status == NNC_OK ? build(&state) : status;
    if (status == NNC_OK && state.probe_count) {
        status = run(&state, data, options, log);
    }
    for (size_t p = 0; p < state.probe_count && status == NNC_OK; p++) {
        const score_probe *probe = &state.probes[p];
        for (size_t k = 0; k < groups[probe->group].candidate_count && probe->signal > 0; k++) {
            groups[probe->group].error[k] += probe->error[k] / probe->signal;
        }
    }
    status = status == NNC_OK ? add_own_errors(&state, graph) : status;
    nnc_graph_destroy(state.graph);
    nnc_free(state.stack);
    nnc_free(state.probes);
    return status;
}
