/* LSTM, GRU, RNN. SPDX-License-Identifier: Apache-2.0 */
#include "ops/recurrent.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const char *const direction_choices[] = {"forward", "reverse", "bidirectional", NULL};

#define ACTIVATION_ATTRS                                                                           \
    {"activation_alpha", NNC_ATTR_FLOATS, false, -3.4e38, 3.4e38, NULL},                           \
        {"activation_beta", NNC_ATTR_FLOATS, false, -3.4e38, 3.4e38, NULL},                        \
        {"activations", NNC_ATTR_STRINGS, false, NNC_UNCHECKED, NULL},                             \
        {"clip", NNC_ATTR_FLOAT, false, 0.0, 3.4e38, NULL},                                        \
        NNC_A_ENUM("direction", direction_choices), NNC_A_INT("hidden_size", 1, NNC_DIM_LIMIT)
static const nnc_attr_schema lstm_attrs[] = {ACTIVATION_ATTRS, NNC_A_BOOL("input_forget"),
                                             NNC_A_BOOL("layout")};
static const nnc_attr_schema gru_attrs[] = {ACTIVATION_ATTRS, NNC_A_BOOL("layout"),
                                            NNC_A_BOOL("linear_before_reset")};
static const nnc_attr_schema rnn_attrs[] = {ACTIVATION_ATTRS, NNC_A_BOOL("layout")};

static const nnc_cell lstm_cell = {4, 3, 2, NNRT_ROP_ID_LSTM, {"Sigmoid", "Tanh", "Tanh"}};
static const nnc_cell gru_cell = {3, 2, 1, NNRT_ROP_ID_GRU, {"Sigmoid", "Tanh"}};
static const nnc_cell rnn_cell = {1, 1, 1, NNRT_ROP_ID_RNN, {"Tanh"}};

const nnc_cell *nnc_cell_of(const nnc_node *node)
{
    return nnc_node_is(node, "LSTM") ? &lstm_cell
                                     : (nnc_node_is(node, "GRU") ? &gru_cell : &rnn_cell);
}

uint32_t nnc_recurrent_directions(const nnc_node *node)
{
    return strcmp(nnc_node_string(node, "direction", "forward"), "bidirectional") == 0 ? 2 : 1;
}

/* ---- functions ---- */

typedef struct function_row {
    const char *name;
    bool has_a, has_b;
    float a, b;
} function_row;

/* By nnrt_cell_op. */
static const function_row function_rows[NNRT_CELL_OP_COUNT] = {
    [NNRT_CELL_RELU] = {"Relu", false, false, 0, 0},
    [NNRT_CELL_TANH] = {"Tanh", false, false, 0, 0},
    [NNRT_CELL_SIGMOID] = {"Sigmoid", false, false, 0, 0},
    [NNRT_CELL_AFFINE] = {"Affine", true, true, 1, 0},
    [NNRT_CELL_LEAKY_RELU] = {"LeakyRelu", true, false, 0.01f, 0},
    [NNRT_CELL_THRESHOLDED_RELU] = {"ThresholdedRelu", true, false, 1, 0},
    [NNRT_CELL_SCALED_TANH] = {"ScaledTanh", true, true, 1, 1},
    [NNRT_CELL_HARD_SIGMOID] = {"HardSigmoid", true, true, 0.2f, 0.5f},
    [NNRT_CELL_ELU] = {"Elu", true, false, 1, 0},
    [NNRT_CELL_SOFTSIGN] = {"Softsign", false, false, 0, 0},
    [NNRT_CELL_SOFTPLUS] = {"Softplus", false, false, 0, 0},
};

/* The next number of a list; a list that has ended leaves the default. */
static void next_number(float *value, bool wanted, const nnc_attr *list, size_t *used)
{
    if (wanted && list && list->type == NNC_ATTR_FLOATS && *used < list->count) {
        *value = list->floats[(*used)++];
    }
}

const char *nnc_cell_functions(nnrt_cell_function out[6], const nnc_node *node)
{
    const nnc_cell *cell = nnc_cell_of(node);
    const nnc_attr *names = nnc_node_attr(node, "activations");
    const nnc_attr *alpha = nnc_node_attr(node, "activation_alpha");
    const nnc_attr *beta = nnc_node_attr(node, "activation_beta");
    const uint32_t count = cell->functions * nnc_recurrent_directions(node);
    size_t alphas = 0, betas = 0;
    if (names && names->type == NNC_ATTR_STRINGS && names->count != 0 && names->count != count) {
        return "activations does not have one name per function and direction";
    }
    memset(out, 0, 6 * sizeof *out);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = names && names->type == NNC_ATTR_STRINGS && names->count != 0
                               ? names->strings[i]
                               : cell->defaults[i % cell->functions];
        uint32_t op = 0;
        while (op < NNRT_CELL_OP_COUNT && strcasecmp(name, function_rows[op].name) != 0) {
            op++;
        }
        if (op == NNRT_CELL_OP_COUNT) {
            return "activations names a function that ONNX does not define for it";
        }
        out[i] = (nnrt_cell_function){op, function_rows[op].a, function_rows[op].b};
        next_number(&out[i].a, function_rows[op].has_a, alpha, &alphas);
        next_number(&out[i].b, function_rows[op].has_b, beta, &betas);
    }
    return NULL;
}

/* ---- inference ---- */

/* Sizes of a node; negative where unknown. */
typedef struct recurrent_dims {
    int64_t steps, batch, input, hidden, directions;
} recurrent_dims;

static nnc_status check_dims(const nnc_infer_ctx *ctx, uint32_t i, const char *what, uint32_t rank,
                             const int64_t *want)
{
    const nnc_value *v = nnc_infer_shaped(ctx, i);
    if (!v) {
        return NNC_OK;
    }
    bool fits = v->shape.rank == rank;
    for (uint32_t d = 0; fits && d < rank; d++) {
        fits = v->shape.dims[d] < 0 || want[d] < 0 || v->shape.dims[d] == want[d];
    }
    if (fits) {
        return NNC_OK;
    }
    char got[256], text[256];
    nnc_shape expected = {.rank = rank};
    memcpy(expected.dims, want, rank * sizeof *want);
    return nnc_infer_fail(ctx, "%s has shape %s, expected %s", what,
                          nnc_shape_format(got, sizeof got, &v->shape),
                          nnc_shape_format(text, sizeof text, &expected));
}

static nnc_status read_dims(const nnc_infer_ctx *ctx, recurrent_dims *out)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const bool first = nnc_node_int(node, "layout", 0) != 0;
    for (uint32_t i = 0; i < 3; i++) {
        NNC_TRY(nnc_infer_check_rank(ctx, i, 3, 3));
    }
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *r = nnc_infer_shaped(ctx, NNC_RECURRENT_R);
    int64_t hidden = r && r->shape.dims[2] >= 0 ? r->shape.dims[2] : -1;
    int64_t given = nnc_node_int(node, "hidden_size", hidden);
    if (hidden >= 0 && given != hidden) {
        return nnc_infer_fail(ctx, "hidden_size is %" PRId64 ", R has %" PRId64, given, hidden);
    }
    *out = (recurrent_dims){-1, -1, -1, given, nnc_recurrent_directions(node)};
    if (x) {
        out->steps = x->shape.dims[first];
        out->batch = x->shape.dims[!first];
        out->input = x->shape.dims[2];
    }
    return NNC_OK;
}

static nnc_status check_shapes(const nnc_infer_ctx *ctx, const recurrent_dims *s)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const bool first = nnc_node_int(node, "layout", 0) != 0;
    const int64_t d = s->directions, gates = nnc_cell_of(node)->gates;
    const int64_t width = s->hidden < 0 ? -1 : gates * s->hidden;
    const int64_t w[] = {d, width, s->input}, r[] = {d, width, s->hidden};
    const int64_t b[] = {d, width < 0 ? -1 : 2 * width};
    const int64_t p[] = {d, s->hidden < 0 ? -1 : 3 * s->hidden};
    const int64_t state[] = {first ? s->batch : d, first ? d : s->batch, s->hidden};
    NNC_TRY(check_dims(ctx, NNC_RECURRENT_W, "W", 3, w));
    NNC_TRY(check_dims(ctx, NNC_RECURRENT_R, "R", 3, r));
    NNC_TRY(check_dims(ctx, NNC_RECURRENT_B, "B", 2, b));
    NNC_TRY(check_dims(ctx, NNC_RECURRENT_LENS, "sequence_lens", 1, &s->batch));
    NNC_TRY(check_dims(ctx, NNC_RECURRENT_H0, "initial_h", 3, state));
    NNC_TRY(check_dims(ctx, NNC_RECURRENT_C0, "initial_c", 3, state));
    return check_dims(ctx, NNC_RECURRENT_P, "P", 2, p);
}

static nnc_status recurrent_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const bool first = nnc_node_int(node, "layout", 0) != 0;
    const nnc_cell *cell = nnc_cell_of(node);
    nnrt_cell_function functions[6];
    recurrent_dims s;
    const char *wrong = nnc_cell_functions(functions, node);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    NNC_TRY(read_dims(ctx, &s));
    NNC_TRY(check_shapes(ctx, &s));
    int64_t *const dims[] = {&s.steps, &s.batch, &s.hidden};
    for (uint32_t i = 0; i < 3; i++) {
        /* Not inferred from the input: an unknown dim of the output. */
        bool unknown = *dims[i] < 0 && !(nnc_infer_shaped(ctx, 0) && i < 2);
        *dims[i] = unknown ? nnc_infer_fresh_dim(ctx) : *dims[i];
    }
    const nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    nnc_shape y = {.rank = 4, .dims = {s.steps, s.directions, s.batch, s.hidden}};
    nnc_shape state = {.rank = 3, .dims = {s.directions, s.batch, s.hidden}};
    if (first) {
        y = (nnc_shape){.rank = 4, .dims = {s.batch, s.steps, s.directions, s.hidden}};
        state = (nnc_shape){.rank = 3, .dims = {s.batch, s.directions, s.hidden}};
    }
    NNC_TRY(nnc_infer_output(ctx, 0, dtype, &y));
    for (uint32_t i = 1; i <= cell->states; i++) {
        NNC_TRY(nnc_infer_output(ctx, i, dtype, &state));
    }
    return NNC_OK;
}

static void recurrent_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_value *x = nnc_node_in(graph, node, 0);
    const nnc_value *w = nnc_node_in(graph, node, 1), *r = nnc_node_in(graph, node, 2);
    out->params = nnc_cost_params(graph, n);
    if (x->has_shape && x->shape.rank == 3 && w->has_shape && r->has_shape) {
        nnc_shape rows = {.rank = 2, .dims = {x->shape.dims[0], x->shape.dims[1]}};
        out->macs = nnc_cost_mul(nnc_cost_elements(&rows),
                                 nnc_cost_elements(&w->shape) + nnc_cost_elements(&r->shape));
    }
}

/* The input's features are summed over; the hidden size is tied to itself through time. */
static nnc_status recurrent_dims_links(nnc_dim_links *links, const nnc_graph *graph,
                                       nnc_node_id node)
{
    const bool first = nnc_node_int(nnc_graph_node_const(graph, node), "layout", 0) != 0;
    nnc_dim_link inner = {0, 2, -1, -1, 1, 2, NNC_DIM_LINK_SAME, 0};
    NNC_TRY(nnc_dim_links_add(links, inner));
    NNC_TRY(nnc_dims_link(links, 0, 0, 0, 0));
    return nnc_dims_link(links, 0, 1, 0, first ? 1 : 2);
}

#define RECURRENT(op, inputs, outputs, rows)                                                       \
    const nnc_op nnc_op_##op = {                                                                   \
        .domain = "",                                                                              \
        .name = #op,                                                                               \
        .min_in = 3,                                                                               \
        .max_in = (inputs),                                                                        \
        .min_out = 0,                                                                              \
        .max_out = (outputs),                                                                      \
        NNC_ATTRS(rows),                                                                           \
        .infer = recurrent_infer,                                                                  \
        .lower = nnc_recurrent_lower,                                                              \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = recurrent_cost,                                                                    \
        .dims = recurrent_dims_links,                                                              \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }

RECURRENT(GRU, 6, 2, gru_attrs);
RECURRENT(LSTM, 8, 3, lstm_attrs);
RECURRENT(RNN, 6, 2, rnn_attrs);
