/* Lowering of maximum and average pools. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ops/epilogue.h"
#include "ops/op_util.h"
#include "ops/product_lower.h"
#include "ops/window.h"

static nnc_status pool_rank(uint32_t *spatial, nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape || x->shape.rank < 3 || x->shape.rank > NNRT_RANK_MAX) {
        return nnc_lower_fail(ctx, "input '%s' has %u dims, 3 to %d can run", x->name,
                              x->has_shape ? x->shape.rank : 0, NNRT_RANK_MAX);
    }
    *spatial = x->shape.rank - 2;
    return NNC_OK;
}

static bool is_global(nnc_lower_ctx *ctx)
{
    return strncmp(nnc_lower_node(ctx)->op_type, "Global", 6) == 0;
}

/* Any rank and type, in ONNX order. */
static nnc_status pool_nd(nnc_lower_ctx *ctx, uint32_t kind, uint32_t spatial, nnc_form form)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    bool index = kind == NNRT_POOL_MAX && nnc_lower_out_value(ctx, 1);
    nnrt_pool_nd_params params = {
        .kind = kind,
        .global = is_global(ctx),
        .count_include_pad = nnc_node_int(node, "count_include_pad", 0) != 0,
        .p = (uint32_t)nnc_node_int(node, "p", 2),
        .column_major = nnc_node_int(node, "storage_order", 0) != 0,
        .clamp = {fusion->lo, fusion->hi},
    };
    uint32_t in, out[2];
    NNC_TRY(nnc_window_nd_from_node(&params.window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx),
                                    spatial, NULL));
    NNC_TRY(nnc_lower_input(&in, ctx, 0, form));
    NNC_TRY(nnc_lower_output(&out[0], ctx, 0, form));
    if (index) {
        NNC_TRY(nnc_lower_output(&out[1], ctx, 1, NNC_FORM_LOGICAL));
    }
    return nnc_lower_emit(ctx, index ? NNRT_ROP_ID_POOL_MAX_INDEX : NNRT_ROP_ID_POOL_ND, &params,
                          sizeof(params), &in, 1, out, index ? 2 : 1);
}

static nnc_status global_max_lower(nnc_lower_ctx *ctx, nnc_form form, bool nhwc)
{
    uint32_t rank = nnc_lower_in_value(ctx, 0)->shape.rank, in, out;
    nnrt_reduce_params reduce = {.op = NNRT_REDUCE_MAX, .keepdims = 1};
    for (uint32_t d = 2; d < rank; d++) {
        reduce.mask |= 1u << nnc_lower_axis(d, rank, nhwc);
    }
    NNC_TRY(nnc_lower_input(&in, ctx, 0, form));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_REDUCE, &reduce, sizeof(reduce), &in, 1, &out, 1);
}

nnc_status nnc_max_pool_lower(nnc_lower_ctx *ctx)
{
    uint32_t spatial, in, out;
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    NNC_TRY(pool_rank(&spatial, ctx));
    bool integer = nnc_lower_integer(ctx), nhwc = spatial <= 2;
    nnc_form form = integer ? (nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8)
                            : (nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL);
    if (is_global(ctx)) {
        return global_max_lower(ctx, form, nhwc);
    }
    bool kernel = integer || x->dtype == NNC_DTYPE_FLOAT || x->dtype == NNC_DTYPE_UINT8;
    if (!nhwc || !kernel || nnc_lower_out_value(ctx, 1)) {
        return pool_nd(ctx, NNRT_POOL_MAX, spatial, integer ? NNC_FORM_Q8 : NNC_FORM_LOGICAL);
    }
    nnrt_maxpool_params params;
    NNC_TRY(nnc_window_from_node(&params.window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx), spatial,
                                 NULL));
    NNC_TRY(nnc_lower_input(&in, ctx, 0, form));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_MAXPOOL, &params, sizeof(params), &in, 1, &out, 1);
}

nnc_status nnc_lp_pool_lower(nnc_lower_ctx *ctx)
{
    uint32_t spatial;
    NNC_TRY(pool_rank(&spatial, ctx));
    return pool_nd(ctx, NNRT_POOL_LP, spatial, NNC_FORM_LOGICAL);
}

nnc_status nnc_average_pool_lower(nnc_lower_ctx *ctx)
{
    uint32_t spatial, in, out;
    NNC_TRY(pool_rank(&spatial, ctx));
    if (spatial > 2 || nnc_lower_in_value(ctx, 0)->dtype != NNC_DTYPE_FLOAT) {
        return pool_nd(ctx, NNRT_POOL_AVERAGE, spatial, NNC_FORM_LOGICAL);
    }
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
