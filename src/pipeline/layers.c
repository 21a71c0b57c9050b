/* The per-layer table. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/layers.h"

#include <math.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "ops/op.h"
#include "plan/plan.h"

#define LAYER_SAMPLES 8
#define PROFILE_RUNS 20
#define CONDENSED_BINS 64

/* One layer: a node that computes, and the value its unit ends in. */
typedef struct layer {
    nnc_node_id node;
    nnc_value_id value;    /* in the compressed graph */
    nnc_value_id original; /* same name in the source graph; NNC_ID_NONE if it has none */
} layer;

typedef struct layer_set {
    layer *items;
    size_t count, cap;
    nnc_legal *legal;
    nnc_layer_error *errors;       /* [count] */
    nnc_map *time_fp32, *time_int8; /* node name -> nanoseconds per run */
} layer_set;

/* The value behind a clamp that directly follows, else the node's output. */
static nnc_value_id unit_value(const nnc_graph *graph, const nnc_uses *uses, nnc_value_id v)
{
    if (nnc_graph_value_const(graph, v)->qparams || nnc_uses_count(uses, v) != 1 ||
        nnc_graph_is_output(graph, v)) {
        return v;
    }
    const nnc_node *user = nnc_graph_node_const(graph, uses->node[uses->start[v]]);
    return nnc_node_is(user, "Relu") || nnc_node_is(user, "Clip") ? user->outputs[0] : v;
}

static nnc_status name_index(nnc_map **out, const nnc_graph *graph)
{
    *out = nnc_map_create();
    if (!*out) {
        return NNC_ERR_LIMIT;
    }
    for (nnc_value_id i = 0; i < nnc_graph_value_count(graph); i++) {
        const nnc_value *v = nnc_graph_value_const(graph, i);
        if (!v->dead) {
            NNC_TRY(nnc_map_put(*out, v->name, i, NULL));
        }
    }
    return NNC_OK;
}

static nnc_status find_layers(layer_set *set, const nnc_graph *graph, const nnc_graph *source)
{
    nnc_uses uses;
    nnc_map *names = NULL;
    NNC_TRY(nnc_uses_init(&uses, graph));
    nnc_status status = name_index(&names, source);
    for (nnc_node_id i = 0; status == NNC_OK && i < nnc_graph_node_count(graph); i++) {
        const nnc_node *node = nnc_graph_node_const(graph, i);
        if (node->dead || !node->op || node->output_count == 0 || node->outputs[0] == NNC_ID_NONE) {
            continue;
        }
        bool worth = nnc_node_cost(graph, i).macs > 0 || node->op->quant == NNC_QUANT_CONTRACT;
        if (!worth) {
            continue;
        }
        status = nnc_grow(&set->items, &set->cap, set->count + 1, sizeof(*set->items));
        if (status == NNC_OK) {
            layer l = {.node = i, .value = unit_value(graph, &uses, node->outputs[0]), .original = NNC_ID_NONE};
            uint32_t original;
            if (nnc_map_get(names, nnc_graph_value_const(graph, l.value)->name, &original)) {
                l.original = original;
            }
            set->items[set->count++] = l;
        }
    }
    nnc_map_destroy(names);
    nnc_uses_deinit(&uses);
    return status;
}

static nnc_status measure_errors(layer_set *set, nnc_run *run, const nnc_graph *graph,
                                 const nnc_dataset *data, const size_t *indices, size_t index_count)
{
    size_t own[LAYER_SAMPLES], n = indices ? index_count : nnc_dataset_count(data);
    n = n < LAYER_SAMPLES ? n : LAYER_SAMPLES;
    for (size_t i = 0; i < n; i++) {
        own[i] = indices ? indices[i] : i;
    }
    nnc_value_id *ids = nnc_calloc(set->count + 1, sizeof(*ids));
    nnc_layer_error *errors = nnc_calloc(set->count + 1, sizeof(*errors));
    set->errors = nnc_calloc(set->count + 1, sizeof(*set->errors));
    nnc_status status = ids && errors && set->errors ? NNC_OK : NNC_ERR_LIMIT;
    size_t known = 0;
    for (size_t i = 0; status == NNC_OK && i < set->count; i++) {
        if (set->items[i].original != NNC_ID_NONE) {
            ids[known++] = set->items[i].original;
        }
    }
    if (status == NNC_OK) {
        nnc_eval_options options = {.threads = (uint32_t)run->recipe->run.threads,
                                    .isa_max = nnc_run_isa(&run->recipe->run), .indices = own,
                                    .index_count = n};
        status = nnc_eval_layers(errors, ids, known, run->source.graph, graph, data, &options, run->log);
    }
    for (size_t i = 0, k = 0; status == NNC_OK && i < set->count; i++) {
        if (set->items[i].original != NNC_ID_NONE) {
            set->errors[i] = errors[k++];
        }
    }
    nnc_free(ids);
    nnc_free(errors);
    return status;
}

/* Smallest time of every node over the profiled runs: other load only adds. */
static nnc_status fastest(uint64_t *ns, uint32_t count, nnrt_session *session)
{
    for (uint32_t i = 0; i < count; i++) {
        nnrt_node_info info;
        NNC_TRY(nnrt_session_node(session, i, &info));
        if (info.runs && (ns[i] == 0 || info.ns < ns[i])) {
            ns[i] = info.ns;
        }
    }
    nnrt_session_profile_reset(session);
    return NNC_OK;
}

static nnc_status run_profiled(nnc_map *times, nnc_exec *exec, const nnc_sample *sample)
{
    nnrt_session *session = nnc_exec_session(exec);
    NNC_TRY(nnc_exec_run(exec, sample->inputs, sample->input_count)); /* warms caches */
    nnrt_session_profile_reset(session);
    uint32_t count = nnrt_session_node_count(session);
    uint64_t *ns = nnc_calloc(count + 1, sizeof(*ns));
    nnc_status status = ns ? NNC_OK : NNC_ERR_LIMIT;
    for (int i = 0; status == NNC_OK && i < PROFILE_RUNS; i++) {
        status = nnc_exec_run(exec, sample->inputs, sample->input_count);
        status = status == NNC_OK ? fastest(ns, count, session) : status;
    }
    for (uint32_t i = 0; status == NNC_OK && i < count; i++) {
        nnrt_node_info info;
        uint32_t before = 0;
        status = (nnc_status)nnrt_session_node(session, i, &info);
        if (status == NNC_OK) {
            nnc_map_get(times, info.name, &before);
            uint64_t sum = before + ns[i];
            status = nnc_map_put(times, info.name, sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX, NULL);
        }
    }
    nnc_free(ns);
    return status;
}

/* Nanoseconds of every named node, the fastest of a few profiled runs. */
static nnc_status profile(nnc_map **out, nnc_run *run, const nnc_graph *graph, const nnc_sample *sample)
{
    nnc_exec *exec = NULL;
    nnc_exec_options options = {.threads = (uint32_t)run->recipe->run.threads,
                                .isa_max = nnc_run_isa(&run->recipe->run), .profile = true};
    *out = nnc_map_create();
    nnc_status status = *out ? nnc_exec_create(&exec, graph, &options) : NNC_ERR_LIMIT;
    status = status == NNC_OK ? run_profiled(*out, exec, sample) : status;
    nnc_exec_destroy(exec);
    return status;
}

static const nnc_quant_value_info *value_info(const nnc_run *run, nnc_value_id original)
{
    for (size_t i = 0; i < run->quant.value_count; i++) {
        if (run->quant.values[i].value == original) {
            return &run->quant.values[i];
        }
    }
    return NULL;
}

/* What the step recorded of the node that makes the value of this name. */
static const nnc_quant_node_info *node_info(const nnc_run *run, const char *output)
{
    for (size_t i = 0; i < run->quant.node_count; i++) {
        const nnc_node *node = nnc_graph_node_const(run->graph, run->quant.nodes[i].node);
        if (node->output_count && node->outputs[0] != NNC_ID_NONE &&
            strcmp(nnc_graph_value_const(run->graph, node->outputs[0])->name, output) == 0) {
            return &run->quant.nodes[i];
        }
    }
    return NULL;
}

static void report_range(nnc_report_row *row, const nnc_value *value, const nnc_quant_value_info *info)
{
    if (value->qparams) {
        nnc_report_double(row, "scale", (double)value->qparams->scale[0]);
        nnc_report_int(row, "zero_point", value->qparams->zero_point[0]);
    }
    if (!info) {
        return;
    }
    nnc_report_string(row, "method", info->method);
    nnc_report_double(row, "clip_low", (double)info->lo);
    nnc_report_double(row, "clip_high", (double)info->hi);
    nnc_report_double(row, "min", (double)info->min);
    nnc_report_double(row, "max", (double)info->max);
    nnc_report_double(row, "clipped_share", info->clipped);
    if (!info->stats) {
        return;
    }
    int64_t bins[CONDENSED_BINS] = {0};
    for (size_t i = 0; i < NNC_CALIB_BINS; i++) {
        bins[i * CONDENSED_BINS / NNC_CALIB_BINS] += (int64_t)info->stats->hist[i];
    }
    nnc_report_double(row, "histogram_low", (double)info->stats->hist_lo);
    nnc_report_double(row, "histogram_high", (double)info->stats->hist_hi);
    nnc_report_ints(row, "histogram", bins, CONDENSED_BINS);
}

static void report_time(nnc_report_row *row, const char *key, const nnc_map *times, const char *name)
{
    uint32_t ns;
    if (nnc_map_get(times, name, &ns)) {
        nnc_report_double(row, key, (double)ns / 1e3);
    }
}

static void report_layer(nnc_run *run, const layer_set *set, size_t i, const nnc_graph *graph)
{
    const layer *l = &set->items[i];
    const nnc_node *node = nnc_graph_node_const(graph, l->node);
    const nnc_value *value = nnc_graph_value_const(graph, l->value);
    const char *name = node->name[0] ? node->name : nnc_graph_value_const(graph, node->outputs[0])->name;
    char shape[256];
    nnc_cost cost = nnc_node_cost(graph, l->node);
    nnc_report_row *row = nnc_report_append(nnc_report_root(run->report), "layers");
    nnc_report_string(row, "name", name);
    nnc_report_string(row, "op", node->op_type);
    nnc_report_string(row, "output", value->name);
    nnc_report_string(row, "shape", nnc_shape_format(shape, sizeof(shape), &value->shape));
    nnc_report_int(row, "macs", (int64_t)cost.macs);
    nnc_report_bool(row, "integer", set->legal[l->node].integer);
    nnc_report_int(row, "bits", set->legal[l->node].integer ? 8 : 32);
    nnc_report_string(row, "reason", set->legal[l->node].reason);
    if (set->errors[i].sums.count) {
        nnc_report_double(row, "sqnr_db", nnc_error_sqnr_db(&set->errors[i].sums));
        nnc_report_double(row, "cosine", nnc_error_cosine(&set->errors[i].sums));
        nnc_report_double(row, "max_abs", set->errors[i].sums.max_abs);
    }
    report_time(row, "time_fp32_us", set->time_fp32, name);
    report_time(row, "time_int8_us", set->time_int8, name);
    const nnc_quant_node_info *info = node_info(run, nnc_graph_value_const(graph, node->outputs[0])->name);
    if (info) {
        nnc_report_int(row, "weight_bytes_fp32", (int64_t)info->weight_bytes_before);
        nnc_report_int(row, "weight_bytes_int8", (int64_t)info->weight_bytes_after);
        nnc_report_int(row, "pair_overflow", (int64_t)info->pair_overflow);
        nnc_report_int(row, "dead_channels", info->dead_channels);
    }
    report_range(row, value, l->original == NNC_ID_NONE ? NULL : value_info(run, l->original));
}

static nnc_status fill(layer_set *set, nnc_run *run, const nnc_graph *graph, const nnc_dataset *data,
                       const size_t *indices, size_t index_count)
{
    NNC_TRY(find_layers(set, graph, run->source.graph));
    NNC_TRY(nnc_legalize(&set->legal, graph));
    NNC_TRY(measure_errors(set, run, graph, data, indices, index_count));
    nnc_sample sample = {0};
    NNC_TRY(nnc_dataset_get(&sample, data, indices ? indices[0] : 0));
    nnc_status status = profile(&set->time_fp32, run, run->source.graph, &sample);
    status = status == NNC_OK ? profile(&set->time_int8, run, graph, &sample) : status;
    nnc_sample_deinit(&sample);
    for (size_t i = 0; status == NNC_OK && i < set->count; i++) {
        report_layer(run, set, i, graph);
    }
    return status;
}

nnc_status nnc_report_layers(nnc_run *run, const nnc_graph *graph, const nnc_dataset *data,
                             const size_t *indices, size_t index_count)
{
    layer_set set = {0};
    nnc_status status = fill(&set, run, graph, data, indices, index_count);
    nnc_free(set.items);
    nnc_free(set.legal);
    nnc_free(set.errors);
    nnc_map_destroy(set.time_fp32);
    nnc_map_destroy(set.time_int8);
    return status;
}
