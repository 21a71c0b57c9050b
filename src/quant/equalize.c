/* Cross-layer equalization (equalize.h). SPDX-License-Identifier: Apache-2.0 */
#include "quant/equalize.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "calib/runner.h"
#include "quant/internal.h"

/* Samples that ranges are taken from. */
#define RANGE_SAMPLES 32
/* Least scale, 2^-EXPONENT_MAX. */
#define EXPONENT_MAX 16

/* A value whose channels get scales, and what reads it. */
typedef struct scaled {
    nnc_node_id maker;
    size_t channels;
    nnc_node_id *readers; /* Conv and Gemm nodes that undo the scales */
    size_t reader_count, reader_cap;
    double *range;        /* [channels] largest magnitude, each reader's input relative to its own largest channel */
    size_t first_output;  /* of the graph with ranges: one per reader */
} scaled;

typedef struct equalizer {
    nnc_graph *graph;
    nnc_uses uses;
    uint32_t *owner; /* [values] group that scales it, counted from 1 */
    scaled *groups;
    size_t count, cap;
    nnc_runner *runner;
} equalizer;

static const nnc_value *input_of(const nnc_graph *graph, const nnc_node *node, uint32_t i)
{
    if (i >= node->input_count || node->inputs[i] == NNC_ID_NONE) {
        return NULL;
    }
    return nnc_graph_value_const(graph, node->inputs[i]);
}

static bool is_float_const(const nnc_value *v)
{
    return v && v->kind == NNC_VALUE_CONST && v->tensor.dtype == NNC_DTYPE_FLOAT && !v->qparams;
}

/* Conv, or Gemm on rows, with constant weights and bias. */
static bool is_linear(const nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *w = input_of(graph, node, 1), *b = input_of(graph, node, 2);
    bool conv = nnc_node_is(node, "Conv");
    if (!conv && !(nnc_node_is(node, "Gemm") && nnc_node_int(node, "transA", 0) == 0)) {
        return false;
    }
    return is_float_const(w) && (!b || (is_float_const(b) && b->tensor.shape.rank == 1)) &&
           (conv ? w->tensor.shape.rank >= 3 : w->tensor.shape.rank == 2);
}

static size_t groups_of(const nnc_node *node)
{
    return nnc_node_is(node, "Conv") ? (size_t)nnc_node_int(node, "group", 1) : 1;
}

static uint32_t axis_out(const nnc_node *node)
{
    return (uint32_t)nnc_weight_axis(node);
}

/* Constant factor of a Mul or divisor of a Div: one number, or one per channel of dim 1. -1: none. */
static int32_t factor_slot(const nnc_graph *graph, const nnc_node *node, const nnc_value *y)
{
    for (int32_t i = nnc_node_is(node, "Div") ? 1 : 0; i < 2 && (nnc_node_is(node, "Mul") || nnc_node_is(node, "Div")); i++) {
        const nnc_value *c = input_of(graph, node, (uint32_t)i), *x = input_of(graph, node, (uint32_t)(1 - i));
        if (!is_float_const(c) || x->kind == NNC_VALUE_CONST || !x->has_shape || x->shape.rank != y->shape.rank) {
            continue;
        }
        size_t n = nnc_tensor_count(&c->tensor);
        const nnc_shape *s = &c->tensor.shape;
        bool channels = s->rank == y->shape.rank && (int64_t)n == y->shape.dims[1] && s->dims[1] == y->shape.dims[1];
        if (n == 1 || channels) {
            return i;
        }
    }
    return -1;
}

/* ---- finding groups ---- */

static bool follow(equalizer *e, scaled *g, nnc_value_id v, nnc_status *status);

/* A reader that passes scales on, number by number or channel by channel. */
static bool passes_on(const nnc_graph *graph, const nnc_node *node, uint32_t slot)
{
    static const char *const names[] = {"Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"};
    const nnc_value *y = nnc_graph_value_const(graph, node->outputs[0]);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (nnc_node_is(node, names[i])) {
            return node->output_count == 1;
        }
    }
    if (nnc_node_is(node, "Flatten")) {
        const nnc_value *x = input_of(graph, node, 0);
        bool rows = nnc_node_int(node, "axis", 1) == 1 && x->has_shape;
        for (uint32_t d = 2; rows && d < x->shape.rank; d++) {
            rows = x->shape.dims[d] == 1;
        }
        return rows;
    }
    if (!nnc_node_is(node, "Mul") || node->inputs[0] == node->inputs[1]) {
        return false;
    }
    const nnc_value *x = input_of(graph, node, slot), *gate = input_of(graph, node, 1 - slot);
    return x->has_shape && y->has_shape && gate->has_shape && y->shape.rank == x->shape.rank && gate->kind != NNC_VALUE_CONST &&
           y->shape.dims[1] == x->shape.dims[1];
}

static bool follow_user(equalizer *e, scaled *g, nnc_node_id id, uint32_t slot, nnc_status *status)
{
    const nnc_node *node = nnc_graph_node_const(e->graph, id);
    if (node->dead || !node->op) {
        return false;
    }
    if (is_linear(e->graph, node)) {
        const nnc_tensor *w = &input_of(e->graph, node, 1)->tensor;
        size_t in = (size_t)w->shape.dims[1 - axis_out(node)] * groups_of(node);
        *status = nnc_grow(&g->readers, &g->reader_cap, g->reader_count + 1, sizeof(*g->readers));
        if (*status != NNC_OK || slot != 0 || in != g->channels) {
            return false;
        }
        g->readers[g->reader_count++] = id;
        return true;
    }
    return slot < 2 && passes_on(e->graph, node, slot) && follow(e, g, node->outputs[0], status);
}

/* Marks v as scaled and looks at all its readers. False: some reader cannot undo the scales. */
static bool follow(equalizer *e, scaled *g, nnc_value_id v, nnc_status *status)
{
    const nnc_value *value = nnc_graph_value_const(e->graph, v);
    if (e->owner[v] != 0 || nnc_graph_is_output(e->graph, v) || !value->has_shape || value->shape.rank < 2 ||
        value->shape.dims[1] != (int64_t)g->channels || nnc_uses_count(&e->uses, v) == 0) {
        return false; /* also where two scaled values meet */
    }
    e->owner[v] = (uint32_t)e->count + 1;
    for (uint32_t u = 0; u < nnc_uses_count(&e->uses, v); u++) {
        uint32_t at = e->uses.start[v] + u;
        if (!follow_user(e, g, e->uses.node[at], e->uses.slot[at], status)) {
            return false;
        }
    }
    return true;
}

static void forget(equalizer *e)
{
    for (uint32_t v = 0; v < e->uses.value_count; v++) {
        e->owner[v] = e->owner[v] == (uint32_t)e->count + 1 ? 0 : e->owner[v];
    }
}

/* A Mul of the group must not have both operands scaled. */
static bool meets_itself(const equalizer *e)
{
    for (nnc_node_id id = 0; id < nnc_graph_node_count(e->graph); id++) {
        const nnc_node *node = nnc_graph_node_const(e->graph, id);
        if (!node->dead && nnc_node_is(node, "Mul") && node->inputs[0] < e->uses.value_count &&
            node->inputs[1] < e->uses.value_count && e->owner[node->inputs[0]] == e->count + 1 &&
            e->owner[node->inputs[1]] == e->count + 1) {
            return true;
        }
    }
    return false;
}

static nnc_status find_group(equalizer *e, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(e->graph, id);
    if (node->dead || !node->op || node->output_count != 1) {
        return NNC_OK;
    }
    const nnc_value *y = nnc_graph_value_const(e->graph, node->outputs[0]);
    if (!y->has_shape || y->shape.rank < 2 || y->shape.dims[1] < 2 || y->dtype != NNC_DTYPE_FLOAT ||
        (!is_linear(e->graph, node) && factor_slot(e->graph, node, y) < 0)) {
        return NNC_OK;
    }
    scaled g = {.maker = id, .channels = (size_t)y->shape.dims[1]};
    nnc_status status = NNC_OK;
    bool good = follow(e, &g, node->outputs[0], &status) && g.reader_count > 0 && !meets_itself(e);
    if (status == NNC_OK && good) {
        status = nnc_grow(&e->groups, &e->cap, e->count + 1, sizeof(*e->groups));
    }
    if (status == NNC_OK && good) {
        e->groups[e->count++] = g;
        return NNC_OK;
    }
    forget(e);
    nnc_free(g.readers);
    return status;
}

/* ---- ranges of channels ---- */

/* Largest magnitude per channel of what a reader reads, as an output of the graph. */
static nnc_status add_range(nnc_graph *graph, nnc_node_id reader)
{
    nnc_value_id x = nnc_graph_node_const(graph, reader)->inputs[0], magnitude, in[2], y;
    uint32_t rank = nnc_graph_value_const(graph, x)->shape.rank;
    nnc_node_id node;
    int64_t axes[NNC_RANK_MAX];
    uint32_t n = 0;
    for (uint32_t d = 0; d < rank; d++) {
        if (d != 1) {
            axes[n++] = d;
        }
    }
    NNC_TRY(nnc_graph_add_value(&magnitude, graph, NULL, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL));
    NNC_TRY(nnc_graph_add_node(&node, graph, "", "", "Abs", &x, 1, &magnitude, 1));
    NNC_TRY(nnc_node_bind(graph, node));
    in[0] = magnitude;
    NNC_TRY(nnc_graph_add_const_i64(&in[1], graph, NULL, axes, n, false));
    NNC_TRY(nnc_graph_add_value(&y, graph, NULL, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL));
    NNC_TRY(nnc_graph_add_node(&node, graph, "", "", "ReduceMax", in, 2, &y, 1));
    NNC_TRY(nnc_node_set_int(graph, node, "keepdims", 0));
    NNC_TRY(nnc_node_bind(graph, node));
    return nnc_graph_add_output(graph, y, nnc_graph_value_const(graph, y)->name);
}

/* Ranges of one sample: range[r * channels + c] of reader r while samples run. */
static nnc_status ranges_done(void *user, size_t slot, const nnc_sample *sample)
{
    equalizer *e = user;
    (void)sample;
    for (size_t i = 0; i < e->count; i++) {
        scaled *g = &e->groups[i];
        for (size_t r = 0; r < g->reader_count; r++) {
            nnrt_view view;
            NNC_TRY(nnc_runner_output(&view, e->runner, slot, 0, g->first_output + r));
            const float *x = view.data;
            for (size_t c = 0; c < g->channels && c < view.bytes / sizeof(float); c++) {
                double *range = &g->range[r * g->channels + c];
                *range = (double)x[c] > *range ? (double)x[c] : *range;
            }
        }
    }
    return NNC_OK;
}

/* One range per channel: the readers' inputs, each relative to its widest channel. */
static void join_ranges(scaled *g)
{
    for (size_t r = 0; r < g->reader_count; r++) {
        double *range = g->range + r * g->channels, widest = 0;
        for (size_t c = 0; c < g->channels; c++) {
            widest = range[c] > widest ? range[c] : widest;
        }
        for (size_t c = 0; c < g->channels; c++) {
            double share = widest > 0 ? range[c] / widest : 0;
            g->range[c] = r == 0 || share > g->range[c] ? share : g->range[c];
        }
    }
}

static nnc_status run_ranges(equalizer *e, nnc_graph *graph, const nnc_dataset *data, const nnc_quant_options *o,
                             const nnc_log *log)
{
    size_t picked[RANGE_SAMPLES], n = nnc_pick(picked, RANGE_SAMPLES, o->calib_indices, o->calib_count);
    nnc_runner_model model = {.graph = graph};
    nnc_runner_calls calls = {.done = ranges_done, .user = e};
    NNC_TRY(nnc_graph_infer(graph, NULL));
    NNC_TRY(nnc_runner_create(&e->runner, &model, 1, o->threads, o->isa_max));
    nnc_status status = nnc_runner_run(e->runner, data, picked, n, &calls, "channel ranges", log);
    nnc_runner_destroy(e->runner);
    for (size_t i = 0; i < e->count; i++) {
        join_ranges(&e->groups[i]);
    }
    return status;
}

static nnc_status measure(equalizer *e, const nnc_dataset *data, const nnc_quant_options *o, const nnc_log *log)
{
    nnc_graph *graph;
    NNC_TRY(nnc_graph_clone(&graph, e->graph));
    nnc_status status = NNC_OK;
    for (size_t i = 0; status == NNC_OK && i < e->count; i++) {
        scaled *g = &e->groups[i];
        g->first_output = nnc_graph_output_count(graph);
        g->range = nnc_calloc(g->reader_count * g->channels, sizeof(*g->range));
        status = g->range ? NNC_OK : NNC_ERR_LIMIT;
        for (size_t r = 0; status == NNC_OK && r < g->reader_count; r++) {
            status = add_range(graph, g->readers[r]);
        }
    }
    if (status == NNC_OK) {
        status = run_ranges(e, graph, data, o, log);
    }
    nnc_graph_destroy(graph);
    return status;
}

/* ---- scales ---- */

/* Weights of a reader as runs of `taps` numbers: run (o, i) starts at `at` and reads input channel c. */
typedef struct reader_weights {
    size_t out, in, taps, groups;
    bool conv, rows; /* rows: output channels come first */
} reader_weights;

static reader_weights weights_of(const nnc_node *node, const nnc_shape *shape)
{
    uint32_t axis = axis_out(node);
    reader_weights w = {.out = (size_t)shape->dims[axis], .in = (size_t)shape->dims[1 - axis], .taps = 1,
                        .groups = groups_of(node), .conv = nnc_node_is(node, "Conv"), .rows = axis == 0};
    for (uint32_t d = 2; d < shape->rank; d++) {
        w.taps *= (size_t)shape->dims[d];
    }
    return w;
}

static size_t run_at(size_t *c, const reader_weights *w, size_t o, size_t i)
{
    *c = w->conv ? o / (w->out / w->groups) * w->in + i : i;
    return (w->rows ? o * w->in + i : i * w->out + o) * w->taps;
}

/* Multiplies what reads input channel c by scale[c]. */
static void scale_inputs(float *x, const nnc_node *node, const nnc_shape *shape, const float *scale)
{
    const reader_weights w = weights_of(node, shape);
    for (size_t o = 0; o < w.out; o++) {
        for (size_t i = 0; i < w.in; i++) {
            size_t c, at = run_at(&c, &w, o, i);
            for (size_t t = 0; t < w.taps; t++) {
                x[at + t] *= scale[c];
            }
        }
    }
}

/* Largest weight magnitude that reads input channel c, over all readers. */
static void largest_weights(double *largest, const equalizer *e, const scaled *g)
{
    for (size_t r = 0; r < g->reader_count; r++) {
        const nnc_node *node = nnc_graph_node_const(e->graph, g->readers[r]);
        const nnc_tensor *tensor = &input_of(e->graph, node, 1)->tensor;
        const float *x = nnc_tensor_data(tensor);
        const reader_weights w = weights_of(node, &tensor->shape);
        for (size_t o = 0; o < w.out; o++) {
            for (size_t i = 0; i < w.in; i++) {
                size_t c, at = run_at(&c, &w, o, i);
                for (size_t t = 0; t < w.taps; t++) {
                    largest[c] = fmax(largest[c], fabs((double)x[at + t]));
                }
            }
        }
    }
}

static bool all_depthwise(const equalizer *e, const scaled *g)
{
    for (size_t r = 0; r < g->reader_count; r++) {
        const nnc_node *node = nnc_graph_node_const(e->graph, g->readers[r]);
        if (groups_of(node) != g->channels) {
            return false;
        }
    }
    return true;
}

/* scale[c] = 2^-k: the value's channel is divided by it. False if all are 1. */
static nnc_status choose_scales(float *scale, bool *any, const equalizer *e, const scaled *g)
{
    bool depthwise = all_depthwise(e, g);
    double *want = nnc_calloc(g->channels, sizeof(*want)), widest = 0;
    *any = false;
    if (!want) {
        return NNC_ERR_LIMIT;
    }
    if (!depthwise) {
        largest_weights(want, e, g);
    }
    for (size_t c = 0; c < g->channels; c++) {
        want[c] = depthwise ? g->range[c] : want[c] > 0 ? sqrt(g->range[c] / want[c]) : 0;
        widest = fmax(widest, want[c]);
    }
    for (size_t c = 0; c < g->channels; c++) {
        scale[c] = 1;
        if (want[c] > 0 && widest > 0 && isfinite(widest)) {
            double k = rint(log2(want[c] / widest));
            scale[c] = (float)exp2(k < -EXPONENT_MAX ? -EXPONENT_MAX : k);
        }
        *any = *any || scale[c] != 1;
    }
    nnc_free(want);
    return NNC_OK;
}

/* A copy of constant input i that this node alone reads. */
static nnc_status own_tensor(nnc_tensor *out, nnc_graph *graph, nnc_node_id id, uint32_t i)
{
    const nnc_value *value = nnc_graph_value_const(graph, nnc_graph_node_const(graph, id)->inputs[i]);
    NNC_TRY(nnc_tensor_create(out, NNC_DTYPE_FLOAT, &value->tensor.shape));
    memcpy(nnc_tensor_data(out), nnc_tensor_data(&value->tensor), nnc_tensor_bytes(out));
    return NNC_OK;
}

static nnc_status put_tensor(nnc_graph *graph, nnc_node_id id, uint32_t i, nnc_tensor *tensor)
{
    nnc_value_id v;
    const char *name = nnc_graph_value_const(graph, nnc_graph_node_const(graph, id)->inputs[i])->name;
    nnc_status status = nnc_graph_add_const(&v, graph, name, tensor);
    nnc_tensor_deinit(tensor);
    NNC_TRY(status);
    nnc_graph_node(graph, id)->inputs[i] = v;
    return NNC_OK;
}

static nnc_status scale_reader(nnc_graph *graph, nnc_node_id id, const float *scale)
{
    nnc_tensor w = {0};
    NNC_TRY(own_tensor(&w, graph, id, 1));
    scale_inputs(nnc_tensor_data(&w), nnc_graph_node_const(graph, id), &w.shape, scale);
    return put_tensor(graph, id, 1, &w);
}

/* Divides what a Conv or Gemm makes. */
static nnc_status scale_linear(nnc_graph *graph, nnc_node_id id, const float *scale)
{
    nnc_tensor w = {0}, b = {0};
    uint32_t axis = axis_out(nnc_graph_node_const(graph, id));
    NNC_TRY(own_tensor(&w, graph, id, 1));
    size_t out = (size_t)w.shape.dims[axis], count = nnc_tensor_count(&w), inner = 1;
    for (uint32_t d = axis + 1; d < w.shape.rank; d++) {
        inner *= (size_t)w.shape.dims[d];
    }
    float *x = nnc_tensor_data(&w);
    for (size_t i = 0; i < count; i++) {
        x[i] /= scale[i / inner % out];
    }
    NNC_TRY(put_tensor(graph, id, 1, &w));
    if (!input_of(graph, nnc_graph_node_const(graph, id), 2)) {
        return NNC_OK;
    }
    const nnc_tensor *bias = &input_of(graph, nnc_graph_node_const(graph, id), 2)->tensor;
    const nnc_shape shape = {1, {(int64_t)out}};
    size_t given = nnc_tensor_count(bias);
    NNC_TRY(nnc_tensor_create(&b, NNC_DTYPE_FLOAT, &shape));
    for (size_t c = 0; c < out; c++) {
        ((float *)nnc_tensor_data(&b))[c] = ((const float *)nnc_tensor_data(bias))[given == 1 ? 0 : c] / scale[c];
    }
    return put_tensor(graph, id, 2, &b);
}

/* Divides what a multiplication or division by a constant makes: the constant becomes one number per channel. */
static nnc_status scale_factor(nnc_graph *graph, nnc_node_id id, const float *scale, size_t channels)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    const nnc_value *y = nnc_graph_value_const(graph, node->outputs[0]);
    uint32_t slot = (uint32_t)factor_slot(graph, node, y);
    bool divisor = nnc_node_is(node, "Div");
    const nnc_tensor *old = &input_of(graph, node, slot)->tensor;
    const float *from = nnc_tensor_data(old);
    size_t given = nnc_tensor_count(old);
    nnc_shape shape = {.rank = y->shape.rank};
    for (uint32_t d = 0; d < shape.rank; d++) {
        shape.dims[d] = d == 1 ? (int64_t)channels : 1;
    }
    nnc_tensor t = {0};
    NNC_TRY(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &shape));
    float *to = nnc_tensor_data(&t);
    for (size_t c = 0; c < channels; c++) {
        float x = from[given == 1 ? 0 : c];
        to[c] = divisor ? x * scale[c] : x / scale[c];
    }
    return put_tensor(graph, id, slot, &t);
}

/* Scaled values hold other numbers than the model's, so they do not go by its names. */
static nnc_status rename_scaled(equalizer *e, uint32_t group)
{
    for (nnc_value_id v = 0; v < e->uses.value_count; v++) {
        if (e->owner[v] != group) {
            continue;
        }
        nnc_str name = {0};
        nnc_str_appendf(&name, "%s_equalized", nnc_graph_value_const(e->graph, v)->name);
        nnc_status status = nnc_str_status(&name);
        status = status == NNC_OK ? nnc_graph_rename_value(e->graph, v, nnc_str_get(&name)) : status;
        nnc_str_deinit(&name);
        NNC_TRY(status);
    }
    return NNC_OK;
}

static nnc_status apply(size_t *changed, equalizer *e, const scaled *g)
{
    float *scale = nnc_calloc(g->channels, sizeof(*scale));
    bool any = false;
    nnc_status status = scale ? choose_scales(scale, &any, e, g) : NNC_ERR_LIMIT;
    if (status == NNC_OK && any) {
        const nnc_node *maker = nnc_graph_node_const(e->graph, g->maker);
        status = is_linear(e->graph, maker) ? scale_linear(e->graph, g->maker, scale)
                                            : scale_factor(e->graph, g->maker, scale, g->channels);
        for (size_t r = 0; status == NNC_OK && r < g->reader_count; r++) {
            status = scale_reader(e->graph, g->readers[r], scale);
        }
        status = status == NNC_OK ? rename_scaled(e, (uint32_t)(g - e->groups) + 1) : status;
        (*changed)++;
    }
    nnc_free(scale);
    return status;
}

static nnc_status equalize(size_t *groups, equalizer *e, const nnc_dataset *data, const nnc_quant_options *o, const nnc_log *log)
{
    nnc_node_id *order;
    size_t count;
    NNC_TRY(nnc_graph_topo_order(&order, &count, e->graph));
    nnc_status status = NNC_OK;
    for (size_t k = 0; status == NNC_OK && k < count; k++) {
        status = find_group(e, order[k]);
    }
    nnc_free(order);
    if (status == NNC_OK && e->count > 0) {
        status = measure(e, data, o, log);
    }
    for (size_t i = 0; status == NNC_OK && i < e->count; i++) {
        status = apply(groups, e, &e->groups[i]);
    }
    return status;
}

nnc_status nnc_equalize(size_t *groups, nnc_graph *graph, const nnc_dataset *data, const nnc_quant_options *options,
                        const nnc_log *log)
{
    equalizer e = {.graph = graph};
    *groups = 0;
    e.owner = nnc_calloc(nnc_graph_value_count(graph) + 1, sizeof(*e.owner));
    nnc_status status = e.owner ? nnc_uses_init(&e.uses, graph) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = equalize(groups, &e, data, options, log);
    }
    nnc_uses_deinit(&e.uses);
    for (size_t i = 0; i < e.count; i++) {
        nnc_free(e.groups[i].readers);
        nnc_free(e.groups[i].range);
    }
    nnc_free(e.groups);
    nnc_free(e.owner);
    return status == NNC_OK ? nnc_graph_infer(graph, NULL) : status;
}
