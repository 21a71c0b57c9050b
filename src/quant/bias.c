/* Empirical bias correction: moves each product's bias so that its mean output per channel is the float model's.
 * SPDX-License-Identifier: Apache-2.0
 * Layer by layer in execution order, with the layers before already quantized and corrected (Nagel et al., "Data-Free Quantization
 * Through Weight Equalization and Bias Correction", 1906.04721, section 4.2, with measured instead of derived means). One pass is enough: all
 * samples run at the same time, wait for each other behind every product (src/quant/lockstep.c), and go on with the corrected numbers. */
#include <math.h>
#include <string.h>

#include "calib/runner.h"
#include "quant/bias.h"
#include "quant/lockstep.h"

/* Activations of all samples together; fewer samples where they would take more. */
#define LOCKSTEP_BYTES ((size_t)512 << 20)

/* One corrected product. */
typedef struct bias_layer {
    nnc_node_id node;
    size_t channels;
    double *want;  /* [channels] mean of the float model */
    double *shift; /* [channels] mean of the quantized model minus want */
} bias_layer;

typedef struct bias_run {
    nnc_graph *graph;
    const nnc_graph *reference;
    const nnc_dataset *data;
    const nnc_quant_options *options;
    const nnc_log *log;
    bias_layer *layer; /* in execution order */
    nnc_value_id *tap; /* their outputs, in both graphs */
    size_t count;
    size_t picked[NNC_BIAS_SAMPLES], samples;
    double *sums;      /* [slots][all channels] of one sample, for the float model */
    size_t *offset;    /* [layers] into a slot's sums */
    size_t all_channels;
    size_t done;       /* samples of the float model */
} bias_run;

/* Means over all but the last dim, the channels; zeros if the view has another number of them. */
static void channel_means(double *mean, const nnrt_view *view, size_t channels)
{
    memset(mean, 0, channels * sizeof(*mean));
    if (view->dtype != NNRT_F32 || view->shape.rank == 0 ||
        (size_t)view->shape.dims[view->shape.rank - 1] != channels) {
        return;
    }
    size_t rows = view->bytes / sizeof(float) / channels;
    const float *x = view->data;
    for (size_t r = 0; r < rows; r++, x += channels) {
        for (size_t c = 0; c < channels; c++) {
            mean[c] += (double)x[c];
        }
    }
    for (size_t c = 0; c < channels && rows; c++) {
        mean[c] /= (double)rows;
    }
}

static void float_tap(void *user, size_t slot, size_t model, size_t tap, const nnrt_view *view)
{
    bias_run *run = user;
    (void)model;
    channel_means(run->sums + slot * run->all_channels + run->offset[tap], view, run->layer[tap].channels);
}

static nnc_status float_done(void *user, size_t slot, const nnc_sample *sample)
{
    bias_run *run = user;
    (void)sample;
    for (size_t i = 0; i < run->count; i++) {
        const double *mean = run->sums + slot * run->all_channels + run->offset[i];
        for (size_t c = 0; c < run->layer[i].channels; c++) {
            run->layer[i].want[c] += mean[c];
        }
    }
    run->done++;
    return NNC_OK;
}

static nnc_status measure_float(bias_run *run)
{
    nnc_runner *runner;
    nnc_runner_model model = {.graph = run->reference, .taps = run->tap, .tap_count = run->count};
    nnc_runner_calls calls = {.tap = float_tap, .done = float_done, .user = run};
    run->sums = nnc_calloc(NNC_RUNNER_SLOTS * run->all_channels + 1, sizeof(*run->sums));
    if (!run->sums) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_runner_create(&runner, &model, 1, run->options->threads, run->options->isa_max));
    nnc_status status = nnc_runner_run(runner, run->data, run->picked, run->samples, &calls, "bias: float means",
                                       run->log);
    nnc_runner_destroy(runner);
    for (size_t i = 0; i < run->count && status == NNC_OK; i++) {
        for (size_t c = 0; c < run->layer[i].channels; c++) {
            run->layer[i].want[c] /= (double)run->done;
        }
    }
    return status;
}

/* A sample's part of the mean of layer `tap`. */
static void step_measure(void *user, size_t tap, const nnrt_view *view, double *part)
{
    const bias_run *run = user;
    channel_means(part, view, run->layer[tap].channels);
}

/* All samples' parts are there. */
static void step_combine(void *user, size_t tap, double *const *parts, size_t samples)
{
    bias_layer *layer = &((bias_run *)user)->layer[tap];
    for (size_t c = 0; c < layer->channels; c++) {
        double mean = 0;
        for (size_t s = 0; s < samples; s++) {
            mean += parts[s][c];
        }
        layer->shift[c] = mean / (double)samples - layer->want[c];
        if (!isfinite(layer->shift[c])) {
            layer->shift[c] = 0;
        }
    }
}

/* The sample goes on as if the bias had been right. */
static void step_apply(void *user, size_t tap, const nnrt_view *view)
{
    const bias_layer *layer = &((const bias_run *)user)->layer[tap];
    if (view->dtype != NNRT_F32 || view->shape.rank == 0 ||
        (size_t)view->shape.dims[view->shape.rank - 1] != layer->channels) {
        return;
    }
    float *x = view->data;
    size_t rows = view->bytes / sizeof(float) / layer->channels;
    for (size_t r = 0; r < rows; r++, x += layer->channels) {
        for (size_t c = 0; c < layer->channels; c++) {
            x[c] = (float)((double)x[c] - layer->shift[c]);
        }
    }
}

/* The quantized graph with every corrected product's output in float, so that it can be moved before it is put on its grid. */
static nnc_status open_outputs(nnc_graph **out, nnc_value_id *taps, const bias_run *run)
{
    NNC_TRY(nnc_graph_clone(out, run->graph));
    nnc_graph *graph = *out;
    for (size_t i = 0; i < run->count; i++) {
        nnc_value_id y = run->tap[i], real;
        taps[i] = y;
        if (!nnc_graph_value_const(graph, y)->qparams) {
            continue;
        }
        nnc_shape shape = nnc_graph_value_const(graph, y)->shape;
        bool has_shape = nnc_graph_value_const(graph, y)->has_shape;
        nnc_node_id quant;
        NNC_TRY(nnc_graph_add_value(&real, graph, NULL, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, has_shape ? &shape : NULL));
        nnc_graph_node(graph, run->layer[i].node)->outputs[0] = real;
        nnc_graph_value(graph, real)->producer = run->layer[i].node;
        nnc_graph_value(graph, y)->producer = NNC_ID_NONE;
        NNC_TRY(nnc_graph_add_node(&quant, graph, "", "nnc", "Quant", &real, 1, &y, 1));
        NNC_TRY(nnc_node_bind(graph, quant));
        taps[i] = real;
    }
    return NNC_OK;
}

static nnc_status measure_quantized(bias_run *run)
{
    nnc_graph *open = NULL;
    nnc_value_id *taps = nnc_calloc(run->count + 1, sizeof(*taps));
    if (!taps) {
        return NNC_ERR_LIMIT;
    }
    size_t widest = 0;
    for (size_t i = 0; i < run->count; i++) {
        widest = run->layer[i].channels > widest ? run->layer[i].channels : widest;
    }
    nnc_status status = open_outputs(&open, taps, run);
    if (status == NNC_OK) {
        nnc_lockstep_calls calls = {.measure = step_measure, .combine = step_combine, .apply = step_apply,
                                    .part = widest, .user = run};
        status = nnc_lockstep_run(open, taps, run->count, run->data, run->picked, run->samples, LOCKSTEP_BYTES,
                                  run->options->isa_max, &calls, run->log);
    }
    nnc_graph_destroy(open);
    nnc_free(taps);
    return status;
}

nnc_status nnc_bias_shift(nnc_graph *graph, nnc_node_id id, const double *shift, size_t channels)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_value_id inputs[3] = {node->inputs[0], node->inputs[1], NNC_ID_NONE};
    const nnc_value *old = node->input_count > 2 && node->inputs[2] != NNC_ID_NONE
                               ? nnc_graph_value_const(graph, node->inputs[2])
                               : NULL;
    size_t n = old ? nnc_tensor_count(&old->tensor) : 0;
    nnc_tensor bias = {0};
    nnc_shape shape = nnc_shape_make(1, (int64_t[]){(int64_t)channels});
    NNC_TRY(nnc_tensor_create(&bias, NNC_DTYPE_FLOAT, &shape));
    float *b = nnc_tensor_data(&bias);
    for (size_t c = 0; c < channels; c++) {
        double before = old ? nnc_tensor_get_double(&old->tensor, n == 1 ? 0 : c) : 0;
        b[c] = (float)(before - shift[c]);
    }
    nnc_status status = nnc_graph_add_const(&inputs[2], graph, old ? old->name : NULL, &bias);
    nnc_tensor_deinit(&bias);
    return status == NNC_OK ? nnc_node_set_inputs(graph, id, inputs, 3) : status;
}

bool nnc_bias_correctable(const nnc_graph *graph, const nnc_scheme *scheme, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    if (node->dead || scheme->role[id] != NNC_ROLE_PRODUCT ||
        !(nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm"))) {
        return false;
    }
    if (node->input_count < 3 || node->inputs[2] == NNC_ID_NONE) {
        return true;
    }
    const nnc_value *b = nnc_graph_value_const(graph, node->inputs[2]);
    return b->kind == NNC_VALUE_CONST && b->tensor.dtype == NNC_DTYPE_FLOAT && !b->qparams;
}

static nnc_status find_layers(bias_run *run, const nnc_scheme *scheme)
{
    nnc_node_id *order;
    size_t n;
    NNC_TRY(nnc_graph_topo_order(&order, &n, run->graph));
    run->layer = nnc_calloc(n + 1, sizeof(*run->layer));
    run->tap = nnc_calloc(n + 1, sizeof(*run->tap));
    run->offset = nnc_calloc(n + 1, sizeof(*run->offset));
    nnc_status status = run->layer && run->tap && run->offset ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t k = 0; status == NNC_OK && k < n; k++) {
        if (order[k] >= scheme->node_count || !nnc_bias_correctable(run->graph, scheme, order[k])) {
            continue;
        }
        const nnc_node *node = nnc_graph_node_const(run->graph, order[k]);
        const nnc_value *w = nnc_graph_value_const(run->graph, node->inputs[1]);
        bias_layer *layer = &run->layer[run->count];
        run->tap[run->count] = node->outputs[0];
        run->offset[run->count++] = run->all_channels;
        layer->node = order[k];
        layer->channels = (size_t)w->tensor.shape.dims[nnc_weight_axis(node)];
        run->all_channels += layer->channels;
        layer->want = nnc_calloc(layer->channels + 1, sizeof(*layer->want));
        layer->shift = nnc_calloc(layer->channels + 1, sizeof(*layer->shift));
        status = layer->want && layer->shift ? NNC_OK : NNC_ERR_LIMIT;
    }
    nnc_free(order);
    return status;
}

static nnc_status correct(bias_run *run, const nnc_scheme *scheme)
{
    const nnc_quant_options *o = run->options;
    NNC_TRY(find_layers(run, scheme));
    run->samples = nnc_pick(run->picked, NNC_BIAS_SAMPLES, o->calib_indices, o->calib_count);
    if (run->count == 0 || run->samples == 0) {
        return NNC_OK;
    }
    NNC_TRY(measure_float(run));
    NNC_TRY(measure_quantized(run));
    for (size_t i = 0; i < run->count; i++) {
        NNC_TRY(nnc_bias_shift(run->graph, run->layer[i].node, run->layer[i].shift, run->layer[i].channels));
    }
    return NNC_OK;
}

nnc_status nnc_bias_correct_chain(nnc_graph *graph, const nnc_graph *reference, const nnc_scheme *scheme,
                            const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log)
{
    bias_run run = {.graph = graph, .reference = reference, .data = data, .options = options, .log = log};
    nnc_status status = correct(&run, scheme);
    for (size_t i = 0; i < run.count; i++) {
        nnc_free(run.layer[i].want);
        nnc_free(run.layer[i].shift);
    }
    nnc_free(run.layer);
    nnc_free(run.tap);
    nnc_free(run.offset);
    nnc_free(run.sums);
    return status;
}

nnc_status nnc_bias_take(nnc_graph *graph, const nnc_graph *corrected, const nnc_scheme *scheme)
{
    for (nnc_node_id id = 0; id < scheme->node_count; id++) {
        if (!nnc_bias_correctable(graph, scheme, id)) {
            continue;
        }
        const nnc_node *from = nnc_graph_node_const(corrected, id), *to = nnc_graph_node_const(graph, id);
        if (from->input_count < 3 || from->inputs[2] == NNC_ID_NONE) {
            continue;
        }
        const nnc_value *bias = nnc_graph_value_const(corrected, from->inputs[2]);
        nnc_value_id inputs[3] = {to->inputs[0], to->inputs[1], NNC_ID_NONE};
        NNC_TRY(nnc_graph_add_const(&inputs[2], graph, bias->name, &bias->tensor));
        NNC_TRY(nnc_node_set_inputs(graph, id, inputs, 3));
    }
    return NNC_OK;
}
