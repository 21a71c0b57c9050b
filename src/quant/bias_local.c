/* Local bias correction: the mean error that a layer's own grids cause goes into its bias. SPDX-License-Identifier: Apache-2.0
 * On the float network's inputs, so that all layers are corrected at once and none corrects another's error:
 * b -= mean(Wq Q(x) - W x) per output channel. Compare bias.c, which also takes in what the layers before have caused. */
#include <stdio.h>
#include <string.h>

#include "calib/runner.h"
#include "quant/bias.h"

typedef struct bias_probe {
    nnc_node_id node;
    size_t output, channels;
    double *sum; /* [channels] of the samples' means */
} bias_probe;

typedef struct bias_state {
    nnc_graph *graph;         /* float graph plus probes */
    const nnc_graph *applied; /* the quantized form */
    nnc_value_id *on_grid;    /* [values] the value behind nnc.Quant, or NNC_ID_NONE */
    bias_probe *probes;
    size_t count, cap, samples;
    nnc_runner *runner;
} bias_state;

static nnc_status add_op(nnc_value_id *out, nnc_graph *graph, const char *domain, const char *op,
                         const nnc_value_id *in, uint32_t n, nnc_node_id *node)
{
    NNC_TRY(nnc_graph_add_value(out, graph, NULL, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL));
    return nnc_graph_add_node(node, graph, "", domain, op, in, n, out, 1);
}

static nnc_status quantized_input(nnc_value_id *out, bias_state *state, nnc_value_id v)
{
    if (state->on_grid[v] == NNC_ID_NONE) {
        nnc_node_id node;
        nnc_qparams *q;
        NNC_TRY(add_op(&state->on_grid[v], state->graph, "nnc", "Quant", &v, 1, &node));
        NNC_TRY(nnc_qparams_copy(&q, nnc_graph_value_const(state->applied, v)->qparams));
        nnc_value_set_qparams(nnc_graph_value(state->graph, state->on_grid[v]), q);
    }
    *out = state->on_grid[v];
    return NNC_OK;
}

static nnc_status rounded_weight(nnc_value_id *out, bias_state *state, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(state->applied, id);
    const nnc_value *w = nnc_graph_value_const(state->applied, node->inputs[1]);
    nnc_tensor real = {0};
    NNC_TRY(nnc_dequantize_tensor(&real, &w->tensor, w->qparams));
    nnc_status status = nnc_graph_add_const(out, state->graph, NULL, &real);
    nnc_tensor_deinit(&real);
    return status;
}

/* mean over all but the channels of P(Q(x), Wq) - P(x, W), as an output of the graph. */
static nnc_status add_probe(bias_state *state, nnc_node_id id)
{
    nnc_graph *graph = state->graph;
    nnc_value_id in[3], pair[2], mean[2], y;
    nnc_node_id node;
    const nnc_node *own = nnc_graph_node_const(graph, id);
    uint32_t inputs = own->input_count;
    const char *op = own->op_type;
    bool conv = nnc_node_is(own, "Conv");
    pair[1] = own->outputs[0];
    for (uint32_t i = 0; i < 3 && i < inputs; i++) {
        in[i] = own->inputs[i];
    }
    const nnc_shape *w = &nnc_graph_value_const(graph, in[1])->tensor.shape;
    size_t channels = (size_t)w->dims[nnc_weight_axis(own)];
    uint32_t rank = conv ? w->rank : 2;
    NNC_TRY(quantized_input(&in[0], state, in[0]));
    NNC_TRY(rounded_weight(&in[1], state, id));
    NNC_TRY(add_op(&pair[0], graph, "", op, in, inputs, &node));
    NNC_TRY(nnc_node_copy_attrs(graph, node, id));
    NNC_TRY(add_op(&mean[0], graph, "", "Sub", pair, 2, &node));
    int64_t axes[NNC_RANK_MAX] = {0};
    for (uint32_t d = 2; d < rank; d++) {
        axes[d - 1] = d;
    }
    NNC_TRY(nnc_graph_add_const_i64(&mean[1], graph, NULL, axes, rank - 1, false));
    NNC_TRY(add_op(&y, graph, "", "ReduceMean", mean, 2, &node));
    NNC_TRY(nnc_node_set_int(graph, node, "keepdims", 0));
    NNC_TRY(nnc_grow(&state->probes, &state->cap, state->count + 1, sizeof(*state->probes)));
    bias_probe *probe = &state->probes[state->count++];
    *probe = (bias_probe){.node = id, .output = nnc_graph_output_count(graph), .channels = channels};
    probe->sum = nnc_calloc(channels, sizeof(*probe->sum));
    if (!probe->sum) {
        return NNC_ERR_LIMIT;
    }
    char name[48];
    snprintf(name, sizeof(name), "nnc.bias.%zu", state->count);
    return nnc_graph_add_output(graph, y, name);
}

static nnc_status build(bias_state *state, const nnc_scheme *scheme)
{
    uint32_t first = nnc_graph_node_count(state->graph);
    for (nnc_node_id id = 0; id < scheme->node_count; id++) {
        if (nnc_bias_correctable(state->applied, scheme, id)) {
            NNC_TRY(add_probe(state, id));
        }
    }
    for (nnc_node_id id = first; id < nnc_graph_node_count(state->graph); id++) {
        NNC_TRY(nnc_node_bind(state->graph, id));
    }
    return nnc_graph_infer(state->graph, NULL);
}

static nnc_status bias_done(void *user, size_t slot, const nnc_sample *sample)
{
    bias_state *state = user;
    (void)sample;
    for (size_t p = 0; p < state->count; p++) {
        nnrt_view view;
        NNC_TRY(nnc_runner_output(&view, state->runner, slot, 0, state->probes[p].output));
        const float *mean = view.data;
        for (size_t c = 0; c < state->probes[p].channels; c++) {
            state->probes[p].sum[c] += (double)mean[c];
        }
    }
    state->samples++;
    return NNC_OK;
}

static nnc_status run(bias_state *state, const nnc_dataset *data, const nnc_quant_options *options,
                      const nnc_log *log)
{
    size_t picked[NNC_BIAS_SAMPLES], n = nnc_pick(picked, NNC_BIAS_SAMPLES, options->calib_indices, options->calib_count);
    nnc_runner_model model = {.graph = state->graph};
    NNC_TRY(nnc_runner_create(&state->runner, &model, 1, options->threads, options->isa_max));
    nnc_runner_calls calls = {.done = bias_done, .user = state};
    nnc_status status = nnc_runner_run(state->runner, data, picked, n, &calls, "bias: local", log);
    nnc_runner_destroy(state->runner);
    return status;
}

nnc_status nnc_bias_correct_local(nnc_graph *graph, const nnc_graph *reference, const nnc_scheme *scheme,
                                  const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log)
{
    bias_state state = {.applied = graph};
    state.on_grid = nnc_calloc(scheme->value_count + 1, sizeof(*state.on_grid));
    if (!state.on_grid) {
        return NNC_ERR_LIMIT;
    }
    memset(state.on_grid, 0xff, (scheme->value_count + 1) * sizeof(*state.on_grid));
    nnc_status status = nnc_graph_clone(&state.graph, reference);
    status = status == NNC_OK ? build(&state, scheme) : status;
    status = status == NNC_OK && state.count ? run(&state, data, options, log) : status;
    for (size_t p = 0; p < state.count && status == NNC_OK; p++) {
        bias_probe *probe = &state.probes[p];
        for (size_t c = 0; c < probe->channels; c++) {
            probe->sum[c] /= (double)state.samples;
        }
        status = nnc_bias_shift(graph, probe->node, probe->sum, probe->channels);
    }
    nnc_graph_destroy(state.graph);
    nnc_free(state.on_grid);
    for (size_t p = 0; p < state.count; p++) {
        nnc_free(state.probes[p].sum);
    }
    nnc_free(state.probes);
    return status;
}
