/* Weights as integers: per output channel, symmetric. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "quant/internal.h"

/* Smallest product of input and weight scale: results of it stay normal numbers. */
#define SCALE_PRODUCT_MIN 0x1p-90

/* Elements of channel c: outer x inner runs at (o * channels + c) * inner. */
typedef struct weight_layout {
    size_t outer, channels, inner;
} weight_layout;

static weight_layout layout_of(const nnc_node *node, const nnc_shape *shape)
{
    uint32_t axis = (uint32_t)nnc_weight_axis(node);
    weight_layout l = {1, (size_t)shape->dims[axis], 1};
    for (uint32_t d = 0; d < shape->rank; d++) {
        if (d < axis) {
            l.outer *= (size_t)shape->dims[d];
        } else if (d > axis) {
            l.inner *= (size_t)shape->dims[d];
        }
    }
    return l;
}

static float channel_max(const float *w, const weight_layout *l, size_t c)
{
    float max = 0;
    for (size_t o = 0; o < l->outer; o++) {
        const float *p = w + (o * l->channels + c) * l->inner;
        for (size_t i = 0; i < l->inner; i++) {
            float a = fabsf(p[i]);
            max = a > max ? a : max;
        }
    }
    return max;
}

static double channel_sum(const float *w, const weight_layout *l, size_t c, double scale, double limit)
{
    double sum = 0;
    for (size_t o = 0; o < l->outer; o++) {
        const float *p = w + (o * l->channels + c) * l->inner;
        for (size_t i = 0; i < l->inner; i++) {
            double q = fabs(rint((double)p[i] / scale));
            sum += q < limit ? q : limit;
        }
    }
    return sum;
}

static int32_t reach_of(const nnc_qparams *qx)
{
    int32_t up = qx->qmax - qx->zero_point[0], down = qx->zero_point[0] - qx->qmin;
    return up > down ? up : down;
}

/* Doubles the scale until |bias| + max|qx - zx| * sum|q| stays below 2^31 (docs/arithmetic.md). */
static float fit_scale(float scale, const float *w, const weight_layout *l, size_t c, double bias,
                       const nnc_qparams *qx, int max)
{
    double sx = (double)qx->scale[0], reach = reach_of(qx);
    while ((double)scale * sx < SCALE_PRODUCT_MIN) {
        scale *= 2;
    }
    while (fabs(bias) / (sx * (double)scale) + reach * channel_sum(w, l, c, (double)scale, max) >= 2147483647.0 &&
           scale < 0x1p100f) {
        scale *= 2;
    }
    return scale;
}

static double bias_of(const nnc_graph *graph, const nnc_node *node, size_t c)
{
    if (node->input_count < 3 || node->inputs[2] == NNC_ID_NONE) {
        return 0;
    }
    const nnc_tensor *b = &nnc_graph_value_const(graph, node->inputs[2])->tensor;
    return nnc_tensor_get_double(b, nnc_tensor_count(b) == 1 ? 0 : c);
}

/* Scale of each channel, or of all: largest magnitude / max; 1 where all weights are zero. */
static void scales_of(float *scale, size_t count, const nnc_graph *graph, const nnc_node *node,
                      const nnc_qparams *qx, int max)
{
    const nnc_tensor *w = &nnc_graph_value_const(graph, node->inputs[1])->tensor;
    const float *data = nnc_tensor_data(w);
    weight_layout l = layout_of(node, &w->shape);
    float widest = 0;
    for (size_t c = 0; c < l.channels; c++) {
        float m = channel_max(data, &l, c);
        widest = m > widest ? m : widest;
        if (count > 1) {
            scale[c] = m > 0 ? m / (float)max : 1.0f;
        }
    }
    if (count == 1) {
        scale[0] = widest > 0 ? widest / (float)max : 1.0f;
    }
    for (size_t c = 0; c < l.channels; c++) {
        float *s = &scale[count == 1 ? 0 : c];
        *s = fit_scale(*s, data, &l, c, bias_of(graph, node, c), qx, max);
    }
}

/* The same numbers as u8 around 128. */
static nnc_status shift_to_u8(nnc_tensor *q, nnc_qparams **params)
{
    nnc_tensor u8 = {0};
    NNC_TRY(nnc_tensor_create(&u8, NNC_DTYPE_UINT8, &q->shape));
    const int8_t *from = nnc_tensor_data(q);
    uint8_t *to = nnc_tensor_data(&u8);
    for (size_t i = 0; i < nnc_tensor_count(q); i++) {
        to[i] = (uint8_t)(from[i] + 128);
    }
    nnc_tensor_deinit(q);
    *q = u8;
    (*params)->dtype = NNC_DTYPE_UINT8;
    (*params)->qmin += 128;
    (*params)->qmax += 128;
    for (size_t i = 0; i < (*params)->count; i++) {
        (*params)->zero_point[i] = 128;
    }
    return NNC_OK;
}

nnc_status nnc_weight_quantize(nnc_tensor *q, nnc_qparams **params, const nnc_graph *graph,
                               nnc_node_id id, const nnc_qparams *qx, const nnc_weight_options *options)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_tensor *w = &nnc_graph_value_const(graph, node->inputs[1])->tensor;
    int32_t axis = nnc_weight_axis(node);
    size_t count = options->per_channel ? (size_t)w->shape.dims[axis] : 1;
    float *scale = nnc_calloc(count ? count : 1, sizeof(*scale));
    if (!scale) {
        return NNC_ERR_LIMIT;
    }
    scales_of(scale, count, graph, node, qx, options->max);
    nnc_status status = nnc_qparams_create(params, NNC_DTYPE_INT8, options->per_channel ? axis : -1, count,
                                           scale, NULL);
    nnc_free(scale);
    NNC_TRY(status);
    (*params)->qmin = -options->max;
    (*params)->qmax = options->max;
    status = nnc_quantize_tensor(q, w, *params);
    if (status == NNC_OK && options->dtype == NNC_DTYPE_UINT8) {
        status = shift_to_u8(q, params);
    }
    if (status != NNC_OK) {
        nnc_qparams_destroy(*params);
        *params = NULL;
    }
    return status;
}

static nnc_status check_tensor(const nnc_graph *graph, nnc_node_id id, nnc_value_id v, const char *what)
{
    const nnc_value *value = nnc_graph_value_const(graph, v);
    const float *x = nnc_tensor_data(&value->tensor);
    size_t bad = 0, first = 0;
    for (size_t i = 0; i < nnc_tensor_count(&value->tensor); i++) {
        if (!isfinite(x[i])) {
            first = bad ? first : i;
            bad++;
        }
    }
    if (bad) {
        char label[160];
        NNC_FAIL(NNC_ERR_MODEL, "%s: %s '%s' has %zu NaN or infinite numbers, the first at index %zu",
                 nnc_node_label(label, sizeof(label), graph, id), what, value->name, bad, first);
    }
    return NNC_OK;
}

nnc_status nnc_weights_check(const nnc_graph *graph, const nnc_scheme *scheme)
{
    for (nnc_node_id id = 0; id < scheme->node_count; id++) {
        if (scheme->role[id] != NNC_ROLE_PRODUCT) {
            continue;
        }
        const nnc_node *node = nnc_graph_node_const(graph, id);
        NNC_TRY(check_tensor(graph, id, node->inputs[1], "weight"));
        if (node->input_count > 2 && node->inputs[2] != NNC_ID_NONE) {
            NNC_TRY(check_tensor(graph, id, node->inputs[2], "bias"));
        }
    }
    return NNC_OK;
}

uint32_t nnc_weight_dead_channels(const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_tensor *w = &nnc_graph_value_const(graph, node->inputs[1])->tensor;
    weight_layout l = layout_of(node, &w->shape);
    uint32_t dead = 0;
    for (size_t c = 0; c < l.channels; c++) {
        dead += channel_max(nnc_tensor_data(w), &l, c) == 0;
    }
    return dead;
}

static int weight_at(const nnc_value *w, size_t at)
{
    if (w->tensor.dtype == NNC_DTYPE_INT8) {
        return ((const int8_t *)nnc_tensor_data(&w->tensor))[at];
    }
    return (int)((const uint8_t *)nnc_tensor_data(&w->tensor))[at] - 128;
}

static bool pair_overflows(int w0, int w1)
{
    int sum = 255 * (w0 + w1);
    return sum > INT16_MAX || sum < INT16_MIN;
}

uint64_t nnc_weight_pair_overflow(const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *w = nnc_graph_value_const(graph, node->inputs[1]);
    if (w->tensor.dtype != NNC_DTYPE_INT8) {
        return 0; /* u8 weights are widened to 16 bits before they are multiplied */
    }
    const nnc_shape *shape = &w->tensor.shape;
    uint64_t pairs = 0;
    if (!nnc_node_is(node, "Conv")) {
        weight_layout l = layout_of(node, shape);
        size_t k = l.outer * l.inner, step = l.outer > 1 ? l.channels : 1;
        for (size_t c = 0; c < l.channels; c++) {
            size_t start = l.outer > 1 ? c : c * l.inner;
            for (size_t i = 0; i + 1 < k; i += 2) {
                pairs += pair_overflows(weight_at(w, start + i * step), weight_at(w, start + (i + 1) * step));
            }
        }
        return pairs;
    }
    /* Channels last: k = tap * C + c. A depthwise convolution sums no pairs. */
    size_t in = (size_t)shape->dims[1], taps = 1;
    for (uint32_t d = 2; d < shape->rank; d++) {
        taps *= (size_t)shape->dims[d];
    }
    for (size_t n = 0; in > 1 && n < (size_t)shape->dims[0]; n++) {
        for (size_t k = 0; k + 1 < in * taps; k += 2) {
            size_t a = (n * in + k % in) * taps + k / in, b = (n * in + (k + 1) % in) * taps + (k + 1) / in;
            pairs += pair_overflows(weight_at(w, a), weight_at(w, b));
        }
    }
    return pairs;
}
