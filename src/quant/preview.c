/* What quantization would make of a float graph, without data. SPDX-License-Identifier: Apache-2.0 */
#include "passes/pass.h"
#include "plan/plan.h"
#include "quant/internal.h"
#include "quant/target_check.h"

/* Made-up ranges: what a Relu or Clip leaves of [-1, 1]. Rules look at types and forms of grids, and at their end only behind clamps. */
static void make_up(nnc_range *ranges, const nnc_scheme *s, const nnc_graph *graph)
{
    for (uint32_t g = 0; g < s->group_count; g++) {
        nnc_node_id maker = nnc_graph_value_const(graph, s->source[g])->producer;
        float lo, hi;
        ranges[g] = (nnc_range){"", -1, 1};
        if (maker != NNC_ID_NONE && nnc_clamp_bounds(&lo, &hi, graph, nnc_graph_node_const(graph, maker)) && lo >= 0) {
            ranges[g].lo = 0;
        }
    }
}

static bool has_product(const nnc_scheme *s)
{
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        if (s->role[id] == NNC_ROLE_PRODUCT || s->role[id] == NNC_ROLE_PAIR) {
            return true;
        }
    }
    return false;
}

static nnc_status apply(nnc_graph *graph, const nnc_scheme *s, const nnc_quant_options *options)
{
    nnc_range *ranges = nnc_calloc(s->group_count + 1, sizeof(*ranges));
    if (!ranges) {
        return NNC_ERR_LIMIT;
    }
    make_up(ranges, s, graph);
    nnc_choice choice = {.range = ranges, .tails = true, .weight = options->target->weight,
                         .weight_max = options->target->weight_max};
    nnc_status status = nnc_scheme_apply(graph, s, &choice, options);
    nnc_free(ranges);
    return status;
}

nnc_status nnc_quantize_preview(nnc_graph *graph, const nnc_quant_options *options)
{
    nnc_scheme scheme = {0};
    nnc_status status = nnc_scheme_decide(&scheme, graph, options);
    bool any = status == NNC_OK && has_product(&scheme);
    if (any) {
        status = nnc_weights_check(graph, &scheme);
        status = status == NNC_OK ? apply(graph, &scheme, options) : status;
    }
    nnc_scheme_deinit(&scheme);
    NNC_TRY(status);
    if (!any) {
        return NNC_OK;
    }
    const nnc_emit_options emit = {.bias_int32 = options->target->bias_int32};
    const nnc_pass_ctx ctx = {.threads = options->threads, .isa_max = options->isa_max};
    NNC_TRY(nnc_qdq_emit(graph, &emit));
    return nnc_passes_prepare(graph, &ctx);
}
