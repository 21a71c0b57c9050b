/* BatchNormalization and channel-wise Mul, Add, Sub, Div constants behind a product go into its
 * weight and bias. SPDX-License-Identifier: Apache-2.0 y = s[k] * (w*x + b)[k] + t[k] = (s[k]*w)*x
 * + (s[k]*b[k] + t[k]), computed in double and rounded once. */
#include <math.h>
#include <string.h>

#include "passes/pass_util.h"

/* The affine map of a follower, per output channel. */
typedef struct affine {
    double *scale, *shift; /* [channels] */
    size_t channels;
} affine;

/* Element of a constant for channel k: one element, or one per channel. */
static double channel_number(const nnc_value *v, size_t k)
{
    return nnc_tensor_get_double(&v->tensor, nnc_tensor_count(&v->tensor) == 1 ? 0 : k);
}

/* One number, or one per channel along dim 1 of a rank-`rank` output and nothing else. */
static bool is_channel_const(const nnc_value *v, size_t channels, uint32_t rank)
{
    if (!nnc_pass_is_plain_const(v) || v->dtype != NNC_DTYPE_FLOAT || v->shape.rank > rank) {
        return false;
    }
    size_t count = nnc_tensor_count(&v->tensor);
    if (count == 1) {
        return true;
    }
    uint32_t place = 1 + v->shape.rank - rank;
    return count == channels && v->shape.rank + 1 >= rank && place < v->shape.rank &&
           v->shape.dims[place] == (int64_t)channels;
}

static bool read_batchnorm(affine *out, nnc_graph *graph, const nnc_node *node)
{
    const nnc_value *in[5];
    double epsilon = (double)nnc_node_float(node, "epsilon", 1e-5f);
    if (nnc_node_int(node, "training_mode", 0) || node->output_count != 1) {
        return false;
    }
    for (uint32_t i = 1; i < 5; i++) {
        in[i] = nnc_pass_input(graph, node, i);
        if (!nnc_pass_is_plain_const(in[i]) || nnc_tensor_count(&in[i]->tensor) != out->channels) {
            return false;
        }
    }
    for (size_t k = 0; k < out->channels; k++) {
        double s = channel_number(in[1], k) / sqrt(channel_number(in[4], k) + epsilon);
        out->scale[k] = s;
        out->shift[k] = channel_number(in[2], k) - channel_number(in[3], k) * s;
        if (!isfinite(s) || !isfinite(out->shift[k])) {
            return false;
        }
    }
    return true;
}

static bool read_binary(affine *out, nnc_graph *graph, const nnc_node *node, nnc_value_id x)
{
    bool mul = nnc_node_is(node, "Mul"), add = nnc_node_is(node, "Add");
    bool div = nnc_node_is(node, "Div"), sub = nnc_node_is(node, "Sub");
    const nnc_value *y = nnc_graph_value_const(graph, x);
    if ((!mul && !add && !div && !sub) || !y->has_shape) {
        return false;
    }
    uint32_t slot = node->inputs[0] == x ? 1 : 0;
    const nnc_value *c = nnc_pass_input(graph, node, slot);
    if (!is_channel_const(c, out->channels, y->shape.rank) || ((div || sub) && slot == 0)) {
        return false;
    }
    for (size_t k = 0; k < out->channels; k++) {
        double v = channel_number(c, k);
        out->scale[k] = mul ? v : div ? 1.0 / v : 1.0;
        out->shift[k] = add ? v : sub ? -v : 0.0;
        if (!isfinite(out->scale[k]) || !isfinite(v)) {
            return false;
        }
    }
    return true;
}

/* Where output channels lie in a weight: dim, and how many groups repeat it (ConvTranspose). */
static bool weight_layout(const nnc_node *node, const nnc_value *w, uint32_t *dim, size_t *groups,
                          size_t *channels)
{
    *groups = 1;
    if (nnc_node_is(node, "Conv")) {
        *dim = 0;
    } else if (nnc_node_is(node, "ConvTranspose")) {
        *dim = 1;
        *groups = (size_t)nnc_node_int(node, "group", 1);
    } else if (nnc_node_is(node, "Gemm") && !nnc_node_int(node, "transA", 0)) {
        *dim = nnc_node_int(node, "transB", 0) ? 0 : 1;
    } else {
        return false;
    }
    if (w->shape.rank < 2) {
        return false;
    }
    *channels = (size_t)w->shape.dims[*dim] * *groups;
    return *channels > 0;
}

/* Channel of weight element i. */
static size_t channel_of(const nnc_shape *s, uint32_t dim, size_t groups, size_t i)
{
    size_t inner = 1;
    for (uint32_t d = dim + 1; d < s->rank; d++) {
        inner *= (size_t)s->dims[d];
    }
    size_t k = i / inner % (size_t)s->dims[dim];
    if (groups > 1) {
        size_t rows = (size_t)s->dims[0] / groups;
        size_t row = i / (inner * (size_t)s->dims[1]);
        k += row / rows * (size_t)s->dims[dim];
    }
    return k;
}

/* New numbers for a constant: in place, under its own name, where nobody else reads it; else a new
 * one. */
static nnc_status replace_const(nnc_value_id *id, nnc_graph *graph, const nnc_uses *uses,
                                nnc_tensor *t, const char *name)
{
    bool ours = *id != NNC_ID_NONE && !nnc_graph_is_output(graph, *id) &&
                (*id >= uses->value_count || nnc_uses_count(uses, *id) == 1);
    if (ours) {
        nnc_pass_make_const(graph, *id, t);
        return NNC_OK;
    }
    nnc_status status = nnc_graph_add_const(id, graph, name, t);
    nnc_tensor_deinit(t);
    return status;
}

static nnc_status scale_weight(nnc_value_id *weight, nnc_graph *graph, const nnc_uses *uses,
                               uint32_t dim, size_t groups, const double *scale)
{
    const nnc_value *w = nnc_graph_value_const(graph, *weight);
    nnc_tensor t = {0};
    NNC_TRY(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &w->shape));
    const float *from = nnc_tensor_data(&w->tensor);
    float *to = nnc_tensor_data(&t);
    size_t count = nnc_tensor_count(&t);
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)((double)from[i] * scale[channel_of(&w->shape, dim, groups, i)]);
    }
    return replace_const(weight, graph, uses, &t, w->name);
}

static nnc_status move_bias(nnc_value_id *bias, nnc_graph *graph, const nnc_uses *uses,
                            const affine *a, double beta, const char *name)
{
    const nnc_value *b = *bias == NNC_ID_NONE ? NULL : nnc_graph_value_const(graph, *bias);
    nnc_shape shape = {.rank = 1, .dims = {(int64_t)a->channels}};
    nnc_tensor t = {0};
    NNC_TRY(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &shape));
    float *to = nnc_tensor_data(&t);
    for (size_t k = 0; k < a->channels; k++) {
        double old = b ? beta * channel_number(b, k) : 0.0;
        to[k] = (float)(old * a->scale[k] + a->shift[k]);
    }
    return replace_const(bias, graph, uses, &t, b ? b->name : name);
}

/* Weight and bias are plain float constants, the bias one number or one per channel. */
static bool foldable_product(nnc_graph *graph, const nnc_node *node, uint32_t *dim, size_t *groups,
                             size_t *channels)
{
    const nnc_value *w = nnc_pass_input(graph, node, 1), *b = nnc_pass_input(graph, node, 2);
    if (!nnc_pass_is_plain_const(w) || w->dtype != NNC_DTYPE_FLOAT ||
        w->tensor.dtype != NNC_DTYPE_FLOAT || !weight_layout(node, w, dim, groups, channels)) {
        return false;
    }
    if (!b) {
        return true;
    }
    bool last = nnc_pass_is_plain_const(b) && b->dtype == NNC_DTYPE_FLOAT && b->shape.rank <= 2 &&
                (b->shape.rank < 2 || b->shape.dims[0] == 1);
    size_t count = last ? nnc_tensor_count(&b->tensor) : 0;
    return last && (count == 1 || count == *channels);
}

static nnc_status fold_into(nnc_graph *graph, const nnc_uses *uses, nnc_node_id product,
                            nnc_node_id follower, const affine *a, uint32_t dim, size_t groups)
{
    const nnc_node *node = nnc_graph_node_const(graph, product);
    nnc_value_id y = nnc_graph_node_const(graph, follower)->outputs[0];
    nnc_value_id inputs[3] = {node->inputs[0], node->inputs[1],
                              node->input_count > 2 ? node->inputs[2] : NNC_ID_NONE};
    bool gemm = nnc_node_is(node, "Gemm"), scales = false;
    double beta = gemm ? (double)nnc_node_float(node, "beta", 1.0f) : 1.0;
    char *name = nnc_arena_printf(nnc_graph_arena(graph), "%s_bias",
                                  nnc_graph_value_const(graph, inputs[1])->name);
    if (!name) {
        return NNC_ERR_LIMIT;
    }
    for (size_t k = 0; k < a->channels; k++) {
        scales |= a->scale[k] != 1.0;
    }
    NNC_TRY(move_bias(&inputs[2], graph, uses, a, beta, name));
    if (scales) {
        NNC_TRY(scale_weight(&inputs[1], graph, uses, dim, groups, a->scale));
    }
    NNC_TRY(nnc_node_set_inputs(graph, product, inputs, 3));
    if (gemm) {
        nnc_node_remove_attr(graph, product, "beta");
    }
    nnc_graph_remove_node(graph, follower);
    nnc_pass_steal_output(graph, product, 0, y);
    return NNC_OK;
}

/* Folds the chain behind one product; *changed counts the nodes that went. */
static nnc_status fold_chain(nnc_graph *graph, const nnc_uses *uses, nnc_node_id product, affine *a,
                             uint32_t dim, size_t groups, size_t *changed)
{
    for (;;) {
        const nnc_node *node = nnc_graph_node_const(graph, product);
        nnc_value_id y = node->outputs[0];
        /* Ids up to the snapshot keep their consumers: a chain only moves outputs of nodes that
         * were there. */
        nnc_node_id next = nnc_pass_only_user(graph, uses, y);
        if (next == NNC_ID_NONE || nnc_graph_value_const(graph, y)->qparams) {
            return NNC_OK;
        }
        const nnc_node *follower = nnc_graph_node_const(graph, next);
        bool fits = nnc_node_is(follower, "BatchNormalization")
                        ? follower->inputs[0] == y && read_batchnorm(a, graph, follower)
                        : read_binary(a, graph, follower, y);
        if (!fits) {
            return NNC_OK;
        }
        NNC_TRY(fold_into(graph, uses, product, next, a, dim, groups));
        (*changed)++;
    }
}

static nnc_status fold_product(nnc_graph *graph, const nnc_uses *uses, nnc_node_id product,
                               size_t *changed)
{
    uint32_t dim;
    size_t groups;
    affine a = {0};
    const nnc_node *node = nnc_graph_node_const(graph, product);
    if (!foldable_product(graph, node, &dim, &groups, &a.channels)) {
        return NNC_OK;
    }
    /* A constant of another shape than [C] per channel could widen the output; only dims that match
     * pass is_channel_const. */
    a.scale = nnc_calloc(a.channels, sizeof *a.scale);
    a.shift = nnc_calloc(a.channels, sizeof *a.shift);
    nnc_status status = a.scale && a.shift
                            ? fold_chain(graph, uses, product, &a, dim, groups, changed)
                            : NNC_ERR_LIMIT;
    nnc_free(a.scale);
    nnc_free(a.shift);
    return status;
}

static nnc_status run(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *changed)
{
    nnc_uses uses;
    *changed = 0;
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_status status = NNC_OK;
    uint32_t count = nnc_graph_node_count(graph);
    for (nnc_node_id n = 0; status == NNC_OK && n < count; n++) {
        const nnc_node *node = nnc_graph_node_const(graph, n);
        if (!node->dead && (nnc_node_is(node, "Conv") || nnc_node_is(node, "ConvTranspose") ||
                            nnc_node_is(node, "Gemm"))) {
            status = fold_product(graph, &uses, n, changed);
        }
    }
    nnc_uses_deinit(&uses);
    size_t swept;
    return status == NNC_OK && *changed > 0 ? nnc_pass_dead_code.run(graph, ctx, &swept) : status;
}

const nnc_pass nnc_pass_fold_bn = {
    .name = "fold-bn",
    .help =
        "fold BatchNormalization and channel constants into the convolution or Gemm before them",
    .run = run,
};
