/* Checks on the imported graph. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"
#include "ops/op.h"

static bool is_orphan(const nnc_value *v)
{
    return v->kind == NNC_VALUE_TEMP && v->producer == NNC_ID_NONE && !v->dead;
}

/* Outputs of training (running statistics of BatchNormalization) were cut off: nobody may read
 * them. */
nnc_status nnc_onnx_check_produced(nnc_onnx_reader *r, nnc_graph *graph)
{
    char label[200];
    for (nnc_node_id i = 0; r->errors == 0 && i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        for (uint32_t k = 0; !n->dead && k < n->input_count; k++) {
            const nnc_value *v =
                n->inputs[k] == NNC_ID_NONE ? NULL : nnc_graph_value_const(graph, n->inputs[k]);
            if (v && is_orphan(v)) {
                NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s reads '%.120s', an output that only training has",
                         nnc_node_label(label, sizeof label, graph, i), v->name);
            }
        }
    }
    for (size_t i = 0; r->errors == 0 && i < nnc_graph_output_count(graph); i++) {
        if (is_orphan(nnc_graph_value_const(graph, nnc_graph_output(graph, i)))) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "output '%.120s' is one that only training has",
                     nnc_graph_output_name(graph, i));
        }
    }
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        value->dead |= is_orphan(value);
    }
    return NNC_OK;
}

/* One line of all ops this build lacks, with counts and the first node of each. */
nnc_status nnc_onnx_unsupported(nnc_onnx_reader *r, const nnc_graph *graph)
{
    nnc_str text = {0};
    char label[200];
    size_t kinds = 0;
    nnc_map *seen = nnc_map_create();
    if (!seen) {
        return NNC_ERR_LIMIT;
    }
    uint32_t *counts = nnc_calloc(nnc_graph_node_count(graph), sizeof *counts);
    nnc_node_id *first = nnc_calloc(nnc_graph_node_count(graph), sizeof *first);
    nnc_status status = counts && first ? NNC_OK : NNC_ERR_LIMIT;
    for (nnc_node_id i = 0; status == NNC_OK && i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        if (n->op || n->dead) {
            continue;
        }
        uint32_t kind;
        char key[NNC_NAME_BYTES + 128];
        snprintf(key, sizeof key, "%.4096s%s%.4096s", n->domain, n->domain[0] ? "." : "",
                 n->op_type);
        r->info->unsupported_nodes++;
        if (!nnc_map_get(seen, key, &kind)) {
            kind = (uint32_t)kinds++;
            status = nnc_map_put(seen, key, kind, NULL);
            first[kind] = i;
        }
        counts[kind]++;
    }
    for (size_t k = 0; status == NNC_OK && k < kinds && !r->options.keep_unsupported; k++) {
        const nnc_node *n = nnc_graph_node_const(graph, first[k]);
        nnc_str_appendf(&text, "%s%.100s%s%.100s (%u, first %s)", k > 0 ? ", " : "", n->domain,
                        n->domain[0] ? "." : "", n->op_type, (unsigned)counts[k],
                        nnc_node_label(label, sizeof label, graph, first[k]));
    }
    if (status == NNC_OK && text.len > 0) {
        status = nnc_error_set(NNC_ERR_UNSUPPORTED, "%zu op%s not supported: %s", kinds,
                               kinds == 1 ? " is" : "s are", nnc_str_get(&text));
    }
    nnc_str_deinit(&text);
    nnc_free(counts);
    nnc_free(first);
    nnc_map_destroy(seen);
    return status;
}

static const nnc_value *const_input(const nnc_graph *graph, const nnc_node *n, uint32_t i)
{
    if (i >= n->input_count || n->inputs[i] == NNC_ID_NONE) {
        return NULL;
    }
    const nnc_value *v = nnc_graph_value_const(graph, n->inputs[i]);
    return v->kind == NNC_VALUE_CONST ? v : NULL;
}

/* Constant scales: positive and finite; zero points: of a type and shape that belongs to them. */
static nnc_status check_scale(const nnc_value *scale, const nnc_value *zero)
{
    size_t n = nnc_tensor_count(&scale->tensor);
    if (nnc_dtype_class_of(scale->tensor.dtype) != NNC_DTYPE_CLASS_FLOAT) {
        NNC_FAIL(NNC_ERR_MODEL, "scale '%.120s' is %s, expected a float type", scale->name,
                 nnc_dtype_name(scale->tensor.dtype));
    }
    for (size_t i = 0; i < n; i++) {
        double s = nnc_tensor_get_double(&scale->tensor, i);
        if (!(s > 0) || isinf(s)) {
            NNC_FAIL(NNC_ERR_MODEL, "scale '%.120s'[%zu] is %g, expected a positive finite number",
                     scale->name, i, s);
        }
    }
    if (zero && !nnc_shape_equal(&scale->tensor.shape, &zero->tensor.shape) &&
        (n != 1 || nnc_tensor_count(&zero->tensor) != 1)) {
        char a[256], b[256];
        NNC_FAIL(NNC_ERR_MODEL, "scale '%.120s' is %s, its zero point is %s", scale->name,
                 nnc_shape_format(a, sizeof a, &scale->tensor.shape),
                 nnc_shape_format(b, sizeof b, &zero->tensor.shape));
    }
    return NNC_OK;
}

/* Length of a per-channel scale against the axis of input 0 of Quantize- or DequantizeLinear. */
static nnc_status check_axis(const nnc_graph *graph, const nnc_node *n, const nnc_value *scale)
{
    int64_t block = nnc_node_int(n, "block_size", 0);
    if (block < 0) {
        NNC_FAIL(NNC_ERR_MODEL, "block_size is %lld, expected 0 or more", (long long)block);
    }
    const nnc_value *x =
        n->inputs[0] == NNC_ID_NONE ? NULL : nnc_graph_value_const(graph, n->inputs[0]);
    if (scale->tensor.shape.rank == 0 || !x || !x->has_shape) {
        return NNC_OK;
    }
    if (scale->tensor.shape.rank == 1 && scale->tensor.shape.dims[0] == 1 && block == 0) {
        return NNC_OK;
    }
    int64_t rank = x->shape.rank, axis = nnc_node_int(n, "axis", 1);
    int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
        NNC_FAIL(NNC_ERR_MODEL, "axis %lld is outside of rank %lld", (long long)axis,
                 (long long)rank);
    }
    int64_t dim = x->shape.dims[at], have = scale->tensor.shape.rank > 1
                                                ? scale->tensor.shape.dims[at]
                                                : scale->tensor.shape.dims[0];
    int64_t want = block > 0 ? (dim + block - 1) / block : dim;
    if (dim >= 0 && have != want) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "scale '%.120s' has %lld entries, axis %lld of size %lld needs %lld", scale->name,
                 (long long)have, (long long)at, (long long)dim, (long long)want);
    }
    return NNC_OK;
}

static nnc_status check_zero_type(const nnc_graph *graph, const nnc_node *n, const nnc_value *zero)
{
    /* DequantizeLinear: the zero point is of the type of x. */
    if (!zero || !nnc_node_is(n, "DequantizeLinear") || n->inputs[0] == NNC_ID_NONE) {
        return NNC_OK;
    }
    const nnc_value *x = nnc_graph_value_const(graph, n->inputs[0]);
    if (x->dtype != NNC_DTYPE_UNDEFINED && x->dtype != zero->dtype) {
        NNC_FAIL(NNC_ERR_MODEL, "input '%.120s' is %s, its zero point '%.120s' is %s", x->name,
                 nnc_dtype_name(x->dtype), zero->name, nnc_dtype_name(zero->dtype));
    }
    return NNC_OK;
}

static nnc_status check_quant_node(const nnc_graph *graph, const nnc_node *n)
{
    if (!nnc_node_is(n, "QuantizeLinear") && !nnc_node_is(n, "DequantizeLinear")) {
        return NNC_OK;
    }
    const nnc_value *scale = const_input(graph, n, 1), *zero = const_input(graph, n, 2);
    if (scale) {
        NNC_TRY(check_scale(scale, zero));
        NNC_TRY(check_axis(graph, n, scale));
    }
    return check_zero_type(graph, n, zero);
}

/* Scale of the QuantizeLinear or DequantizeLinear `n`, 0 if it is not one constant number. */
static double one_scale(const nnc_graph *graph, const nnc_node *n)
{
    const nnc_value *scale = const_input(graph, n, 1);
    return scale && nnc_tensor_count(&scale->tensor) == 1 ? nnc_tensor_get_double(&scale->tensor, 0)
                                                          : 0;
}

/* MaxPool and Concat keep numbers as they are: another scale behind them than in front costs
 * accuracy for nothing. */
static void warn_mixed_scales(nnc_onnx_reader *r, const nnc_graph *graph, const nnc_uses *uses,
                              nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    bool moves = nnc_node_is(n, "MaxPool") || nnc_node_is(n, "Concat");
    if (!moves || n->output_count == 0 || n->outputs[0] == NNC_ID_NONE ||
        nnc_uses_count(uses, n->outputs[0]) != 1) {
        return;
    }
    const nnc_node *after = nnc_graph_node_const(graph, uses->node[uses->start[n->outputs[0]]]);
    double behind = nnc_node_is(after, "QuantizeLinear") ? one_scale(graph, after) : 0;
    for (uint32_t i = 0; behind > 0 && i < n->input_count; i++) {
        const nnc_value *x =
            n->inputs[i] == NNC_ID_NONE ? NULL : nnc_graph_value_const(graph, n->inputs[i]);
        const nnc_node *before =
            x && x->producer != NNC_ID_NONE ? nnc_graph_node_const(graph, x->producer) : NULL;
        double front =
            before && nnc_node_is(before, "DequantizeLinear") ? one_scale(graph, before) : 0;
        if (front > 0 && front != behind) {
            char label[200];
            nnc_onnx_warn(r, "%s: input %u has scale %g, its output %g",
                          nnc_node_label(label, sizeof label, graph, node), (unsigned)i, front,
                          behind);
            return;
        }
    }
}

/* First input slot with weights and how many follow, for ops whose weights must be finite. */
static bool weight_slots(uint32_t *from, uint32_t *to, const nnc_node *n)
{
    static const char *const ops[] = {
        "Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LSTM", "GRU", "RNN"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (nnc_node_is(n, ops[i])) {
            *from = i == 3 ? 0 : 1;
            *to = n->input_count;
            return true;
        }
    }
    return false;
}

static nnc_status zero_nonfinite(nnc_value *v, const float *x, size_t n)
{
    nnc_tensor copy;
    NNC_TRY(nnc_tensor_create(&copy, NNC_DTYPE_FLOAT, &v->tensor.shape));
    float *to = nnc_tensor_data(&copy);
    for (size_t i = 0; i < n; i++) {
        to[i] = isfinite(x[i]) ? x[i] : 0.0f;
    }
    nnc_value_set_tensor(v, &copy);
    return NNC_OK;
}

static nnc_status check_weight(nnc_onnx_reader *r, nnc_value *v)
{
    if (v->tensor.dtype != NNC_DTYPE_FLOAT) {
        return NNC_OK;
    }
    const float *x = nnc_tensor_data(&v->tensor);
    size_t n = nnc_tensor_count(&v->tensor), bad = 0, first = 0, huge = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            first = bad == 0 ? i : first;
            bad++;
        }
        huge += fabsf(x[i]) > 1e30f && isfinite(x[i]);
    }
    if (huge > 0) {
        nnc_onnx_warn(r, "weight '%.120s': %zu of %zu values are above 1e30", v->name, huge, n);
    }
    if (bad == 0) {
        return NNC_OK;
    }
    if (r->options.nan_weights == NNC_ONNX_NAN_ERROR) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "weight '%.120s' has %zu NaN or infinite values of %zu, the first at %zu; see "
                 "--nan-weights",
                 v->name, bad, n, first);
    }
    nnc_onnx_warn(r, "weight '%.120s' has %zu NaN or infinite values of %zu, %s", v->name, bad, n,
                  r->options.nan_weights == NNC_ONNX_NAN_ZERO ? "taken as 0" : "kept");
    return r->options.nan_weights == NNC_ONNX_NAN_ZERO ? zero_nonfinite(v, x, n) : NNC_OK;
}

static nnc_status check_weights(nnc_onnx_reader *r, nnc_graph *graph, nnc_node_id node,
                                uint8_t *seen)
{
    uint32_t from, to;
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (!weight_slots(&from, &to, n)) {
        return NNC_OK;
    }
    for (uint32_t i = from; i < to; i++) {
        if (!const_input(graph, n, i) || seen[n->inputs[i]]) {
            continue;
        }
        seen[n->inputs[i]] = 1;
        NNC_TRY(nnc_onnx_note(r, check_weight(r, nnc_graph_value(graph, n->inputs[i]))));
    }
    return NNC_OK;
}

/* Warned rather than counted: training mode and random ops change what a run gives. */
static void warn_node(nnc_onnx_reader *r, const nnc_graph *graph, nnc_node_id node)
{
    char label[200];
    const nnc_node *n = nnc_graph_node_const(graph, node);
    nnc_node_label(label, sizeof label, graph, node);
    if (nnc_node_int(n, "training_mode", 0) != 0) {
        nnc_onnx_warn(r, "%s is in training mode", label);
    }
    if (n->domain[0] == '\0' && (strncmp(n->op_type, "Random", 6) == 0 ||
                                 nnc_node_is(n, "Bernoulli") || nnc_node_is(n, "Multinomial"))) {
        nnc_onnx_warn(r, "%s gives random values", label);
    }
}

static nnc_status count_unused(nnc_onnx_reader *r, nnc_graph *graph)
{
    nnc_uses uses;
    NNC_TRY(nnc_uses_init(&uses, graph));
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        if (value->dead || nnc_uses_count(&uses, v) > 0 || nnc_graph_is_output(graph, v)) {
            continue;
        }
        if (value->kind == NNC_VALUE_INPUT) {
            r->info->unused_inputs++;
            nnc_log_debug(r->log, "input '%s' is not used", value->name);
        } else if (value->kind == NNC_VALUE_CONST) {
            r->info->unused_initializers++;
            nnc_log_debug(r->log, "initializer '%s' is not used", value->name);
        }
    }
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        bool used = n->dead;
        if (!used) {
            warn_mixed_scales(r, graph, &uses, i);
        }
        for (uint32_t k = 0; k < n->output_count; k++) {
            nnc_value_id v = n->outputs[k];
            used |=
                v != NNC_ID_NONE && (nnc_uses_count(&uses, v) > 0 || nnc_graph_is_output(graph, v));
        }
        if (!used) {
            char label[200];
            r->info->dead_nodes++;
            nnc_log_debug(r->log, "%s is not used", nnc_node_label(label, sizeof label, graph, i));
        }
    }
    nnc_uses_deinit(&uses);
    return NNC_OK;
}

nnc_status nnc_onnx_lint(nnc_onnx_reader *r, nnc_graph *graph)
{
    uint8_t *seen = nnc_calloc(nnc_graph_value_count(graph), 1);
    if (!seen) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (nnc_node_id i = 0; status == NNC_OK && i < nnc_graph_node_count(graph); i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        if (n->dead) {
            continue;
        }
        char label[200];
        status = check_quant_node(graph, n);
        if (status != NNC_OK) {
            nnc_error_prepend(status, "%s", nnc_node_label(label, sizeof label, graph, i));
            status = nnc_onnx_note(r, status);
        }
        if (status == NNC_OK) {
            status = check_weights(r, graph, i, seen);
        }
        warn_node(r, graph, i);
    }
    nnc_free(seen);
    return status == NNC_OK ? count_unused(r, graph) : status;
}
