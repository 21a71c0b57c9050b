/* Rules of a target in the report. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/target_report.h"

static const char *effect_name(nnc_target_effect effect)
{
    static const char *const names[] = {
        [NNC_EFFECT_FLOAT] = "float",
        [NNC_EFFECT_REFUSED] = "refused",
        [NNC_EFFECT_UNKNOWN] = "unknown",
        [NNC_EFFECT_RISK] = "risk",
    };
    return names[effect];
}

static void report_findings(nnc_report_row *row, const nnc_graph *graph, const nnc_target_check *check)
{
    for (size_t i = 0; i < check->finding_count; i++) {
        const nnc_target_finding *f = &check->finding[i];
        const nnc_node *node = nnc_graph_node_const(graph, f->node);
        nnc_report_row *item = nnc_report_append(row, "findings");
        nnc_report_string(item, "node", node->name[0] ? node->name
                                                      : nnc_graph_value_const(graph, node->outputs[0])->name);
        nnc_report_string(item, "op", node->op_type);
        nnc_report_string(item, "effect", effect_name(f->rule->effect));
        nnc_report_string(item, "rule", f->rule->id);
        nnc_report_string(item, "why", f->rule->message);
        nnc_report_string(item, "fix", f->rule->fix);
    }
}

nnc_status nnc_report_target(nnc_report_row *row, const nnc_graph *graph, const nnc_target *target, bool qoperator,
                             uint32_t *counts)
{
    static const struct {
        const char *name;
        nnc_verdict verdict;
    } numbers[] = {{"nodes.int8", NNC_VERDICT_INTEGER},     {"nodes.moved", NNC_VERDICT_MOVE},
                   {"nodes.float", NNC_VERDICT_FLOAT},      {"nodes.refused", NNC_VERDICT_REFUSED},
                   {"nodes.unknown", NNC_VERDICT_UNKNOWN}};
    nnc_target_check check;
    NNC_TRY(nnc_target_check_run(&check, graph, target, qoperator));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        nnc_report_int(row, numbers[i].name, check.count[numbers[i].verdict]);
    }
    report_findings(row, graph, &check);
    for (int i = 0; counts && i < NNC_VERDICT_COUNT; i++) {
        counts[i] = check.count[i];
    }
    nnc_target_check_deinit(&check);
    return NNC_OK;
}

static nnc_status check_one(nnc_report_row *row, uint32_t *counts, const nnc_source *source, const nnc_target *target,
                            const nnc_run_flags *flags)
{
    bool quantized = nnc_graph_is_quantized(source->graph);
    nnc_graph *graph;
    NNC_TRY(nnc_graph_clone(&graph, source->graph));
    nnc_status status = NNC_OK;
    if (!quantized) {
        nnc_quant_options options = {.target = target, .method = "minmax", .per_channel = true,
                                     .threads = (uint32_t)flags->threads, .isa_max = nnc_run_isa(flags)};
        status = nnc_quantize_preview(graph, &options);
    }
    nnc_report_string(row, "name", target->name);
    nnc_report_string(row, "reader", target->reader);
    nnc_report_string(row, "judged", quantized ? "as the file stands" : "as --int8 would leave it");
    if (status == NNC_OK) {
        status = nnc_report_target(row, graph, target, source->info.qoperator, counts);
    }
    nnc_graph_destroy(graph);
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "%s", source->path);
}

nnc_status nnc_check_targets(nnc_report_row *root, const nnc_source *source, const nnc_target *const *targets, size_t count,
                             const nnc_run_flags *flags)
{
    nnc_status worst = NNC_OK;
    const char *unknown = NULL, *floating = NULL;
    uint32_t nodes = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t n[NNC_VERDICT_COUNT] = {0};
        nnc_report_row *row = nnc_report_append(root, "targets");
        NNC_TRY(check_one(row, n, source, targets[i], flags));
        uint32_t left = n[NNC_VERDICT_FLOAT] + n[NNC_VERDICT_REFUSED] + n[NNC_VERDICT_UNKNOWN];
        nnc_report_bool(row, "all_int8", left == 0);
        unknown = n[NNC_VERDICT_UNKNOWN] && !unknown ? targets[i]->name : unknown;
        if (left && !floating) {
            floating = targets[i]->name;
            nodes = left;
        }
        worst = unknown ? NNC_ERR_UNSUPPORTED : floating ? NNC_ERR_GATE : NNC_OK;
    }
    if (worst == NNC_ERR_UNSUPPORTED) {
        NNC_FAIL(worst, "%s: holds operators that target %s is not known to have", source->path, unknown);
    }
    if (worst == NNC_ERR_GATE) {
        NNC_FAIL(worst, "%s: %u node%s will not run in INT8 on target %s", source->path, nodes, nodes == 1 ? "" : "s",
                 floating);
    }
    return NNC_OK;
}
