/* What every graph wants after import. SPDX-License-Identifier: Apache-2.0 */
#include "passes/qdq.h"

#define ROUNDS_MAX 16

/* Runs the passes in order until none of them changes anything. */
static nnc_status to_fixed_point(nnc_graph *graph, const nnc_pass_ctx *ctx,
                                 const nnc_pass *const *passes, size_t count, size_t *edits)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++) {
            size_t changed = 0;
            NNC_TRY(passes[i]->run(graph, ctx, &changed));
            total += changed;
            if (changed > 0) {
                NNC_TRY(nnc_graph_infer(graph, NULL));
                nnc_log_debug(ctx ? ctx->log : NULL, "%s: %zu edits", passes[i]->name, changed);
            }
        }
        *edits += total;
        if (total == 0) {
            return NNC_OK;
        }
    }
    return NNC_OK;
}

static const nnc_pass *const clean[] = {&nnc_pass_constant_fold, &nnc_pass_subgraphs, &nnc_pass_identity,
                                        &nnc_pass_transposes,    &nnc_pass_cse,       &nnc_pass_dead_code};
static const nnc_pass *const shape[] = {&nnc_pass_fold_bn,    &nnc_pass_matmul_bias, &nnc_pass_identity,
                                        &nnc_pass_transposes, &nnc_pass_cse,         &nnc_pass_dead_code};

static nnc_status run_clean(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *edits)
{
    return to_fixed_point(graph, ctx, clean, sizeof clean / sizeof clean[0], edits);
}

static nnc_status run_shape(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *edits)
{
    const size_t skip = ctx && ctx->keep_bn ? 1 : 0;
    return to_fixed_point(graph, ctx, shape + skip, sizeof shape / sizeof shape[0] - skip, edits);
}

nnc_status nnc_passes_clean(nnc_graph *graph, const nnc_pass_ctx *ctx, size_t *edits)
{
    NNC_TRY(run_clean(graph, ctx, edits));
    return run_shape(graph, ctx, edits);
}

nnc_status nnc_passes_prepare(nnc_graph *graph, const nnc_pass_ctx *ctx)
{
    size_t edits = 0;
    NNC_TRY(run_clean(graph, ctx, &edits));
    NNC_TRY(nnc_pass_qdq_fold.run(graph, ctx, &edits));
    NNC_TRY(run_shape(graph, ctx, &edits));
    NNC_TRY(nnc_pass_spread_grids.run(graph, ctx, &edits));
    return nnc_graph_verify(graph);
}
