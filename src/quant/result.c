/* What was done, per value and per node, for the report. SPDX-License-Identifier: Apache-2.0 */
#include "quant/result.h"


#include "plan/plan.h"

void nnc_quant_result_deinit(nnc_quant_result *result)
{
    nnc_free(result->values);
    nnc_free(result->nodes);
    if (!result->calib_borrowed) {
        nnc_calib_destroy(result->calib);
    nnc_arena_destroy(result->strings);
    }
    *result = (nnc_quant_result){0};
}

/* Share of numbers outside [lo, hi], by whole histogram bins. */
static double share_outside(const nnc_value_stats *s, float lo, float hi)
{
    double width = ((double)s->hist_hi - (double)s->hist_lo) / NNC_CALIB_BINS;
    uint64_t outside = 0;
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        double centre = (double)s->hist_lo + width * ((double)b + 0.5);
        if ((centre > (double)hi && hi < s->max) || (centre < (double)lo && lo > s->min)) {
            outside += s->hist[b];
        }
    }
    return s->count ? (double)outside / (double)s->count : 0;
}

nnc_status nnc_result_values(nnc_quant_result *result, const nnc_graph *graph, const nnc_scheme *scheme,
                             const nnc_range *ranges)
{
    result->values = nnc_calloc(scheme->value_count + 1, sizeof(*result->values));
    if (!result->values) {
        return NNC_ERR_LIMIT;
    }
    for (nnc_value_id v = 0; v < scheme->value_count; v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        if (!scheme->grid[v] || !value->qparams) {
            continue;
        }
        const nnc_qparams *q = value->qparams;
        const nnc_range *range = &ranges[scheme->group[v]];
        /* Movement has no statistics of its own: those of the value it moves. */
        const nnc_value_stats *stats = nnc_calib_stats(result->calib, scheme->origin[v]);
        /* Half a step beyond the ends is rounding, not clipping. */
        float lo = ((float)(q->qmin - q->zero_point[0]) - 0.5f) * q->scale[0];
        float hi = ((float)(q->qmax - q->zero_point[0]) + 0.5f) * q->scale[0];
        result->values[result->value_count++] =
            (nnc_quant_value_info){.value = v, .method = range->method, .lo = range->lo, .hi = range->hi,
                                   .min = stats->min, .max = stats->max,
                                   .clipped = share_outside(stats, lo, hi), .stats = stats};
    }
    return NNC_OK;
}

static uint64_t weight_bytes(const nnc_value *w)
{
    return nnc_tensor_bytes(&w->tensor) + (w->qparams ? w->qparams->count * sizeof(float) : 0);
}

static void describe_product(nnc_quant_node_info *info, const nnc_graph *before, const nnc_graph *graph,
                             nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    nnc_value_id old = nnc_graph_node_const(before, id)->inputs[1];
    info->weight_bytes_before = weight_bytes(nnc_graph_value_const(before, old));
    info->weight_bytes_after = weight_bytes(nnc_graph_value_const(graph, node->inputs[1]));
    info->pair_overflow = nnc_weight_pair_overflow(graph, id);
    info->dead_channels = nnc_weight_dead_channels(before, id);
}

nnc_status nnc_result_nodes(nnc_quant_result *result, const nnc_graph *before, const nnc_graph *graph,
                            const nnc_scheme *scheme)
{
    nnc_legal *legal;
    NNC_TRY(nnc_legalize(&legal, graph));
    result->nodes = nnc_calloc(scheme->node_count + 1, sizeof(*result->nodes));
    if (!result->nodes) {
        nnc_free(legal);
        return NNC_ERR_LIMIT;
    }
    for (nnc_node_id id = 0; id < scheme->node_count; id++) {
        if (nnc_graph_node_const(graph, id)->dead) {
            continue;
        }
        nnc_quant_node_info *info = &result->nodes[result->node_count++];
        *info = (nnc_quant_node_info){.node = id, .integer = legal[id].integer};
        if (scheme->role[id] != NNC_ROLE_CLAMP && !info->integer) {
            info->reason = scheme->reason[id] ? scheme->reason[id] : legal[id].reason;
        }
        info->macs = nnc_node_cost(graph, id).macs;
        if (scheme->role[id] == NNC_ROLE_PRODUCT) {
            describe_product(info, before, graph, id);
        }
    }
    /* A fused clamp runs as its node does. */
    for (size_t i = 0; i < result->node_count; i++) {
        nnc_node_id id = result->nodes[i].node, clamp = scheme->clamp[id];
        for (size_t k = 0; clamp != NNC_ID_NONE && k < result->node_count; k++) {
            if (result->nodes[k].node == clamp) {
                result->nodes[k].integer = result->nodes[i].integer;
                result->nodes[k].reason = result->nodes[i].reason;
            }
        }
    }
    nnc_free(legal);
    return NNC_OK;
}

static void value_io(nnc_quant_value_info *v, const nnc_calib *calib, nnc_archive *a)
{
    nnc_value_id of = v->stats ? v->stats->value : NNC_ID_NONE;
    NNC_ARCHIVE(a, v->value);
    nnc_archive_text(a, &v->method);
    NNC_ARCHIVE(a, v->lo);
    NNC_ARCHIVE(a, v->hi);
    NNC_ARCHIVE(a, v->min);
    NNC_ARCHIVE(a, v->max);
    NNC_ARCHIVE(a, v->clipped);
    NNC_ARCHIVE(a, of);
    if (!a->out) {
        v->stats = nnc_calib_stats(calib, of);
        a->failed = a->failed || !v->stats || !v->method;
    }
}

static void node_io(nnc_quant_node_info *n, nnc_archive *a)
{
    NNC_ARCHIVE(a, n->node);
    nnc_archive_bool(a, &n->integer);
    nnc_archive_text(a, &n->reason);
    NNC_ARCHIVE(a, n->macs);
    NNC_ARCHIVE(a, n->pair_overflow);
    NNC_ARCHIVE(a, n->weight_bytes_before);
    NNC_ARCHIVE(a, n->weight_bytes_after);
    NNC_ARCHIVE(a, n->dead_channels);
}

static void forms_io(nnc_quant_result *r, nnc_archive *a)
{
    const size_t count = nnc_archive_count(a, r->form_count, 18);
    a->failed = a->failed || count > NNC_QUANT_FORMS;
    r->form_count = 0;
    for (size_t i = 0; i < count && !a->failed; i++) {
        nnc_quant_form_info *form = &r->forms[i];
        nnc_archive_text(a, &form->range);
        nnc_archive_text(a, &form->bias);
        NNC_ARCHIVE(a, form->sqnr);
        NNC_ARCHIVE(a, form->agree);
        nnc_archive_bool(a, &form->kept);
        a->failed = a->failed || !form->range || !form->bias;
        r->form_count = a->failed ? r->form_count : i + 1;
    }
}

static void result_io(nnc_quant_result *r, const nnc_graph *graph, nnc_archive *a)
{
    double *const numbers[] = {&r->sqnr_auto, &r->sqnr_minmax, &r->agree_auto, &r->agree_minmax, &r->sqnr_plain,
                               &r->sqnr_corrected};
    nnc_archive_text(a, &r->method);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        NNC_ARCHIVE(a, *numbers[i]);
    }
    nnc_archive_bool(a, &r->bias_corrected);
    forms_io(r, a);
    nnc_calib_archive(&r->calib, a);
    size_t values = nnc_archive_count(a, r->value_count, 24), nodes = nnc_archive_count(a, r->node_count, 24);
    if (!a->out) {
        r->values = nnc_calloc(values + 1, sizeof(*r->values));
        r->nodes = nnc_calloc(nodes + 1, sizeof(*r->nodes));
        a->failed = a->failed || !r->values || !r->nodes;
    }
    for (size_t i = 0; i < values && !a->failed; i++) {
        value_io(&r->values[i], r->calib, a);
        a->failed = a->failed || r->values[i].value >= nnc_graph_value_count(graph);
        r->value_count = a->out ? values : i + 1;
    }
    for (size_t i = 0; i < nodes && !a->failed; i++) {
        node_io(&r->nodes[i], a);
        a->failed = a->failed || r->nodes[i].node >= nnc_graph_node_count(graph);
        r->node_count = a->out ? nodes : i + 1;
    }
}

nnc_status nnc_quant_result_archive(nnc_quant_result *result, const nnc_graph *graph, nnc_archive *a)
{
    if (a->out) {
        result_io(result, graph, a);
        return nnc_archive_status(a);
    }
    *result = (nnc_quant_result){.strings = nnc_arena_create(0)};
    if (!result->strings) {
        return NNC_ERR_LIMIT;
    }
    nnc_archive own = *a;
    own.arena = result->strings;
    result_io(result, graph, &own);
    a->at = own.at;
    a->failed = own.failed;
    nnc_status status = nnc_archive_status(a);
    if (status != NNC_OK) {
        nnc_quant_result_deinit(result);
    }
    return status;
}
