/* Empirical bias correction: moves each product's bias so that its mean output per channel is the float model's.
 * SPDX-License-Identifier: Apache-2.0
 * Layer by layer in execution order, with the layers before already quantized and corrected (Nagel et al., "Data-Free Quantization
 * Through Weight Equalization and Bias Correction", 1906.04721, section 4.2, with measured instead of derived means). */
#include <string.h>

#include "exec/exec.h"
#include "quant/internal.h"

#define SAMPLES_MAX 32
#define SAMPLES_MIN 4
/* Multiply-accumulates of the whole correction, some ten seconds: layers x samples x one run. By count and not by time, so that the
 * result is the same on every machine. */
#define MACS_MAX 2e12
#define SAMPLE_BYTES_MAX (64u << 20) /* of all kept inputs together */

/* Sums per channel of the tapped values, in double and in sample order. */
typedef struct channel_sums {
    size_t taps;
    double **sum;     /* [taps][channels] */
    size_t *channels; /* [taps] */
    uint64_t *count;  /* [taps] numbers per channel */
    bool failed;
} channel_sums;

typedef struct bias_run {
    nnc_graph *graph;
    const nnc_graph *reference;
    const nnc_quant_options *options;
    const nnc_log *log;
    nnc_node_id *node; /* products to correct, in execution order */
    nnc_value_id *tap; /* their outputs */
    size_t count;
    nnc_sample sample[SAMPLES_MAX];
    size_t samples;
} bias_run;

static void on_tap(void *user, size_t tap, const nnrt_view *view)
{
    channel_sums *s = user;
    if (view->shape.rank == 0 || view->dtype != NNRT_F32) {
        return;
    }
    size_t channels = (size_t)view->shape.dims[view->shape.rank - 1];
    if (!s->sum[tap]) {
        s->sum[tap] = nnc_calloc(channels ? channels : 1, sizeof(double));
        s->channels[tap] = channels;
    }
    if (!s->sum[tap] || s->channels[tap] != channels || channels == 0) {
        s->failed = true;
        return;
    }
    const float *x = view->data;
    size_t rows = view->bytes / sizeof(float) / channels;
    for (size_t r = 0; r < rows; r++, x += channels) {
        for (size_t c = 0; c < channels; c++) {
            s->sum[tap][c] += (double)x[c];
        }
    }
    s->count[tap] += rows;
}

static nnc_status sums_init(channel_sums *s, size_t taps)
{
    *s = (channel_sums){.taps = taps};
    s->sum = nnc_calloc(taps, sizeof(*s->sum));
    s->channels = nnc_calloc(taps, sizeof(*s->channels));
    s->count = nnc_calloc(taps, sizeof(*s->count));
    return s->sum && s->channels && s->count ? NNC_OK : NNC_ERR_LIMIT;
}

static void sums_deinit(channel_sums *s)
{
    for (size_t t = 0; s->sum && t < s->taps; t++) {
        nnc_free(s->sum[t]);
    }
    nnc_free(s->sum);
    nnc_free(s->channels);
    nnc_free(s->count);
}

/* Runs a graph over the kept samples and sums its taps. */
static nnc_status measure(channel_sums *s, const bias_run *run, const nnc_graph *graph,
                          const nnc_value_id *taps, size_t tap_count)
{
    nnc_exec *exec = NULL;
    /* One thread: short runs over small layers gain little from more and lose much when a core is taken away. */
    nnc_exec_options options = {.threads = 1, .isa_max = run->options->isa_max,
                                .taps = taps, .tap_count = tap_count, .tap = on_tap, .user = s};
    NNC_TRY(sums_init(s, tap_count));
    nnc_status status = nnc_exec_create(&exec, graph, &options);
    for (size_t i = 0; status == NNC_OK && i < run->samples; i++) {
        status = nnc_exec_run(exec, run->sample[i].inputs, run->sample[i].input_count);
        status = status == NNC_OK ? nnc_log_poll(run->log) : status;
    }
    nnc_exec_destroy(exec);
    if (status == NNC_OK && s->failed) {
        status = nnc_error_set(NNC_ERR_LIMIT, "bias correction: channel sums do not fit");
    }
    return status;
}

/* b - shift, as a constant of the node's own. */
static nnc_status shift_bias(nnc_graph *graph, nnc_node_id id, const double *shift, size_t channels)
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

static nnc_status correct_layer(bias_run *run, size_t layer, const channel_sums *want)
{
    channel_sums got = {0};
    nnc_status status = measure(&got, run, run->graph, &run->tap[layer], 1);
    size_t channels = want->channels[layer];
    double *shift = status == NNC_OK ? nnc_calloc(channels + 1, sizeof(*shift)) : NULL;
    if (status == NNC_OK && !shift) {
        status = NNC_ERR_LIMIT;
    }
    if (status == NNC_OK && got.channels[0] == channels && got.count[0] && want->count[layer]) {
        for (size_t c = 0; c < channels; c++) {
            shift[c] = got.sum[0][c] / (double)got.count[0] - want->sum[layer][c] / (double)want->count[layer];
        }
        status = shift_bias(run->graph, run->node[layer], shift, channels);
    }
    nnc_free(shift);
    sums_deinit(&got);
    return status;
}

/* Conv and Gemm that run in integers and whose bias is absent or one constant per channel. */
static bool correctable(const nnc_graph *graph, const nnc_scheme *scheme, nnc_node_id id)
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
    run->node = nnc_calloc(n + 1, sizeof(*run->node));
    run->tap = nnc_calloc(n + 1, sizeof(*run->tap));
    for (size_t k = 0; run->node && run->tap && k < n; k++) {
        if (order[k] < scheme->node_count && correctable(run->graph, scheme, order[k])) {
            run->node[run->count] = order[k];
            run->tap[run->count++] = nnc_graph_node_const(run->graph, order[k])->outputs[0];
        }
    }
    nnc_free(order);
    return run->node && run->tap ? NNC_OK : NNC_ERR_LIMIT;
}

/* Samples that the budget of multiply-accumulates allows. */
static size_t affordable_samples(const bias_run *run)
{
    double macs = 0;
    for (nnc_node_id id = 0; id < nnc_graph_node_count(run->reference); id++) {
        const nnc_node *node = nnc_graph_node_const(run->reference, id);
        macs += node->dead || !node->op ? 0 : (double)nnc_node_cost(run->reference, id).macs;
    }
    double n = MACS_MAX / ((double)(run->count + 1) * (macs + 1));
    return n < SAMPLES_MIN ? SAMPLES_MIN : n > SAMPLES_MAX ? SAMPLES_MAX : (size_t)n;
}

static nnc_status keep_samples(bias_run *run, const nnc_dataset *data)
{
    const nnc_quant_options *o = run->options;
    size_t bytes = 0, most = affordable_samples(run);
    for (size_t i = 0; i < o->calib_count && run->samples < most && bytes < SAMPLE_BYTES_MAX; i++) {
        nnc_status status = nnc_dataset_get(&run->sample[run->samples], data, o->calib_indices[i]);
        if (status == NNC_ERR_DATA || status == NNC_ERR_IO) {
            continue; /* counted and named when it was read for calibration */
        }
        NNC_TRY(status);
        const nnc_sample *s = &run->sample[run->samples++];
        for (size_t k = 0; k < s->input_count; k++) {
            bytes += nnc_tensor_bytes(&s->inputs[k]);
        }
    }
    return NNC_OK;
}

static nnc_status correct(bias_run *run, const nnc_scheme *scheme, const nnc_dataset *data)
{
    channel_sums want = {0};
    NNC_TRY(find_layers(run, scheme));
    NNC_TRY(keep_samples(run, data));
    if (run->count == 0 || run->samples == 0) {
        return NNC_OK;
    }
    nnc_status status = measure(&want, run, run->reference, run->tap, run->count);
    for (size_t i = 0; status == NNC_OK && i < run->count; i++) {
        status = correct_layer(run, i, &want);
        nnc_log_progress(run->log, "bias", i + 1, run->count, "layers");
    }
    sums_deinit(&want);
    return status;
}

nnc_status nnc_bias_correct(nnc_graph *graph, const nnc_graph *reference, const nnc_scheme *scheme,
                            const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log)
{
    bias_run run = {.graph = graph, .reference = reference, .options = options, .log = log};
    nnc_status status = correct(&run, scheme, data);
    for (size_t i = 0; i < run.samples; i++) {
        nnc_sample_deinit(&run.sample[i]);
    }
    nnc_free(run.node);
    nnc_free(run.tap);
    return status;
}

nnc_status nnc_bias_take(nnc_graph *graph, const nnc_graph *corrected, const nnc_scheme *scheme)
{
    for (nnc_node_id id = 0; id < scheme->node_count; id++) {
        if (!correctable(graph, scheme, id)) {
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
