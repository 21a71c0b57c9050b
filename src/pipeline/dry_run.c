/* Predictions from the form of the quantized graph. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/dry_run.h"

#include <string.h>

#include "ops/op.h"
#include "passes/pass.h"
#include "pipeline/sizes.h"
#include "pipeline/targets.h"
#include "plan/plan.h"
#include "quant/target_check.h"

/* Bytes of a file beside numbers and names: of a node, of one of its attributes, of a constant, and of what stands once. */
#define NODE_BYTES 16
#define ATTRIBUTE_BYTES 26
#define CONSTANT_BYTES 18
#define FILE_BYTES 600
/* A pair of Q and DQ nodes with scale and zero point, and how often the value's name is in it. */
#define PAIR_BYTES 170
#define PAIR_NAMES 9

static nnc_status preview(nnc_run *run)
{
    const nnc_recipe *r = run->recipe;
    for (size_t i = 0; i < r->step_count; i++) {
        if (strcmp(r->steps[i].step->name, "int8") != 0) {
            continue;
        }
        const nnc_int8_options *o = r->steps[i].options;
        NNC_TRY(nnc_int8_check(&run->target, o));
        if (nnc_graph_is_quantized(run->graph) && !o->requantize) {
            return nnc_int8_refuse_quantized(run);
        }
        NNC_TRY(nnc_graph_is_quantized(run->graph) ? nnc_int8_unquantize(run) : NNC_OK);
        nnc_quant_options quant = {.target = run->target, .method = "minmax", .per_channel = o->per_channel,
                                   .exclude = o->exclude.items, .exclude_count = o->exclude.count,
                                   .threads = (uint32_t)r->run.threads, .isa_max = nnc_run_isa(&r->run)};
        NNC_TRY(nnc_quantize_preview(run->graph, &quant));
        nnc_str path = {0};
        for (size_t k = 1; k < o->target.count; k++) {
            nnc_str_clear(&path);
            nnc_target_output(&path, r->named_output, o->target.items[k]);
            nnc_report_append_string(nnc_report_root(run->report), "prediction.files", nnc_str_get(&path));
        }
        nnc_str_deinit(&path);
    }
    return NNC_OK;
}

/* Everything in a file but the numbers of its constants. */
static uint64_t frame_bytes(const nnc_graph *graph)
{
    uint64_t total = FILE_BYTES;
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *node = nnc_graph_node_const(graph, i);
        if (node->dead) {
            continue;
        }
        total += NODE_BYTES + strlen(node->op_type) + strlen(node->name) + ATTRIBUTE_BYTES * node->attr_count;
        for (uint32_t k = 0; k < node->input_count; k++) {
            total += 2 + (node->inputs[k] == NNC_ID_NONE ? 0 : strlen(nnc_graph_value_const(graph, node->inputs[k])->name));
        }
        for (uint32_t k = 0; k < node->output_count; k++) {
            total += 2 + strlen(nnc_graph_value_const(graph, node->outputs[k])->name);
        }
    }
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        const uint64_t name = strlen(value->name);
        if (value->dead) {
            continue;
        }
        total += value->kind == NNC_VALUE_CONST ? CONSTANT_BYTES + name : 0;
        if (value->qparams) {
            const uint64_t pair = PAIR_BYTES + PAIR_NAMES * name;
            total += value->kind == NNC_VALUE_CONST ? pair / 2 + value->qparams->count : pair;
        }
    }
    return total;
}

static nnc_status predict_macs(nnc_run *run)
{
    nnc_report_row *root = nnc_report_root(run->report);
    uint64_t macs = 0, integer = 0;
    int64_t nodes = 0, integer_nodes = 0;
    nnc_legal *legal;
    NNC_TRY(nnc_legalize(&legal, run->graph));
    for (nnc_node_id i = 0; i < nnc_graph_node_count(run->graph); i++) {
        const nnc_node *node = nnc_graph_node_const(run->graph, i);
        uint64_t m = node->dead || !node->op ? 0 : nnc_node_cost(run->graph, i).macs;
        nodes += m > 0;
        integer_nodes += m > 0 && legal[i].integer;
        macs += m;
        integer += legal[i].integer ? m : 0;
    }
    nnc_free(legal);
    nnc_report_int(root, "prediction.macs", (int64_t)macs);
    nnc_report_int(root, "prediction.int8_macs", (int64_t)integer);
    nnc_report_double(root, "prediction.int8_share", macs ? (double)integer / (double)macs : 0);
    nnc_report_int(root, "prediction.layers", nodes);
    nnc_report_int(root, "prediction.int8_layers", integer_nodes);
    return NNC_OK;
}

nnc_status nnc_dry_run(nnc_run *run)
{
    const nnc_recipe *r = run->recipe;
    nnc_report_row *root = nnc_report_root(run->report);
    NNC_TRY(preview(run));
    const uint64_t after = nnc_graph_weight_bytes(run->graph);
    nnc_report_int(root, "prediction.source_bytes", (int64_t)run->source.bytes);
    nnc_report_int(root, "prediction.output_bytes", (int64_t)(frame_bytes(run->graph) + after));
    nnc_report_int(root, "prediction.weight_bytes", (int64_t)after);
    NNC_TRY(predict_macs(run));
    nnc_report_string(root, "prediction.output", r->output);
    const char *files[NNC_OUTPUT_COUNT + 3] = {r->output};
    size_t n = 1;
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        files[n++] = r->reports.path[i];
    }
    files[n++] = r->recipe_out;
    files[n++] = r->lock_out;
    for (size_t i = 0; i < n; i++) {
        if (files[i]) {
            nnc_report_append_string(root, "prediction.files", files[i]);
        }
    }
    return nnc_report_status(run->report);
}
