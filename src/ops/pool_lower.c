/* Lowering of maximum and average pools. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ops/epilogue.h"
#include "ops/product_lower.h"
#include "ops/window.h"

static nnc_status pool_rank(uint32_t *spatial, nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape || (x->shape.rank != 3 && x->shape.rank != 4)) {
        char label[160];
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: pools over 1 or 2 spatial dims are handled",
                 nnc_node_label(label, sizeof(label), nnc_lower_graph(ctx), nnc_lower_node_id(ctx)));
    }
    *spatial = x->shape.rank - 2;
    return NNC_OK;
}

static bool is_global(nnc_lower_ctx *ctx)
{
    return strncmp(nnc_lower_node(ctx)->op_type, "Global", 6) == 0;
}

nnc_status nnc_max_pool_lower(nnc_lower_ctx *ctx)
{
    uint32_t spatial, in, out;
    NNC_TRY(pool_rank(&spatial, ctx));
    nnc_form form = nnc_lower_integer(ctx) ? NNC_FORM_Q8_NHWC : NNC_FORM_NHWC;
    NNC_TRY(nnc_lower_input(&in, ctx, 0, form));
    if (is_global(ctx)) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
        nnrt_reduce_params reduce = {.op = NNRT_REDUCE_MAX, .mask = spatial == 2 ? 0x6 : 0x2,
                                     .keepdims = 1};
        return nnc_lower_emit(ctx, NNRT_ROP_ID_REDUCE, &reduce, sizeof(reduce), &in, 1, &out, 1);
    }
    const nnc_node *node = nnc_lower_node(ctx);
    if (node->output_count > 1 && node->outputs[1] != NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "MaxPool '%s': output Indices is not handled", node->name);
    }
    nnrt_maxpool_params params;
    NNC_TRY(nnc_window_from_node(&params.window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx), spatial,
                                 NULL));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_MAXPOOL, &params, sizeof(params), &in, 1, &out, 1);
}

nnc_status nnc_average_pool_lower(nnc_lower_ctx *ctx)
{
    uint32_t spatial, in, out;
    NNC_TRY(pool_rank(&spatial, ctx));
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnrt_avgpool_params params;
    memset(&params, 0, sizeof(params));
    params.global = is_global(ctx);
    if (params.global) {
        params.window = (nnrt_window){.spatial = spatial, .kernel = {1, 1}, .stride = {1, 1},
                                      .dilation = {1, 1}};
    } else {
        NNC_TRY(nnc_window_from_node(&params.window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx),
                                     spatial, NULL));
    }
    params.count_include_pad = nnc_node_int(nnc_lower_node(ctx), "count_include_pad", 0) != 0;
    params.lo = fusion->lo;
    params.hi = fusion->hi;
    bool integer = nnc_lower_integer(ctx);
    nnc_form form = integer ? NNC_FORM_Q8_NHWC : NNC_FORM_NHWC;
    if (integer) {
        nnc_grid x = nnc_grid_of(nnc_lower_in_value(ctx, 0)->qparams);
        nnc_grid y = nnc_grid_of(nnc_lower_out_value(ctx, 0)->qparams);
        params.zx = x.zero;
        params.zy = y.zero;
        params.sx = x.scale;
        params.sy = y.scale;
        nnc_grid_bounds(&params.lo, &params.hi, &y, fusion->lo, fusion->hi);
    }
    NNC_TRY(nnc_lower_input(&in, ctx, 0, form));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, integer ? NNRT_ROP_ID_AVGPOOL_Q8 : NNRT_ROP_ID_AVGPOOL_F32, &params,
                          sizeof(params), &in, 1, &out, 1);
}
