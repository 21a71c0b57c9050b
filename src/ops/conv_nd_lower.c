/* Lowering of convolutions over any number of dims, with weights of any value, and of
 * ConvTranspose. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "ops/epilogue.h"
#include "ops/op_util.h"
#include "ops/product_lower.h"
#include "ops/window.h"
#include "runtime_int8/pack.h"

typedef struct nd_geometry {
    nnrt_window_nd window;
    uint32_t spatial, groups, c_in, c_out;
    size_t taps;
    bool constant, depthwise;
} nd_geometry;

/* Channels: dim 0 of the weight, and dim 1 times the groups. */
static nnc_status geometry(nd_geometry *g, nnc_lower_ctx *ctx, bool transposed)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *w = nnc_lower_in_value(ctx, 1);
    const nnc_shape *shape = w->kind == NNC_VALUE_CONST ? &w->tensor.shape : &w->shape;
    int64_t kernel[NNC_RANK_MAX], groups = nnc_node_int(nnc_lower_node(ctx), "group", 1);
    if (!x->has_shape || !w->has_shape || shape->rank < 3 || shape->rank > NNRT_RANK_MAX ||
        shape->dims[0] < 1 || shape->dims[1] < 1) {
        return nnc_lower_fail(
            ctx, "weight '%s' has %u dims or channels that are not known, 3 to %d dims can run",
            w->name, w->has_shape ? shape->rank : 0, NNRT_RANK_MAX);
    }
    g->spatial = shape->rank - 2;
    g->constant = w->kind == NNC_VALUE_CONST;
    g->taps = 1;
    for (uint32_t d = 0; d < g->spatial; d++) {
        kernel[d] = shape->dims[d + 2] < 1 ? 1 : shape->dims[d + 2]; /* read at run time */
        g->taps *= (size_t)kernel[d];
    }
    NNC_TRY(nnc_window_nd_from_node(&g->window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx),
                                    g->spatial, kernel));
    g->groups = (uint32_t)groups;
    g->c_out = (uint32_t)(transposed ? shape->dims[1] * groups : shape->dims[0]);
    g->c_in = (uint32_t)(transposed ? shape->dims[0] : shape->dims[1] * groups);
    if (groups < 1 || g->c_out % g->groups || g->c_in % g->groups) {
        return nnc_lower_fail(ctx, "%u to %u channels are not divisible by group %lld", g->c_in,
                              g->c_out, (long long)groups);
    }
    g->depthwise = g->groups == g->c_in && g->c_in == g->c_out;
    return NNC_OK;
}

/* Constant weights as the runtime's kernels read them. */
static nnc_status packed_weight(uint32_t *out, nnc_lower_ctx *ctx, const nd_geometry *g,
                                bool transposed)
{
    nnc_tensor w = {0};
    NNC_TRY(nnc_const_float(&w, nnc_lower_in_value(ctx, 1)));
    size_t bytes =
        g->depthwise ? g->c_out * g->taps * sizeof(float)
                     : nnrt_pack_conv_f32_bytes(g->groups, g->c_in, g->c_out, (uint32_t)g->taps, 1);
    float *packed = nnc_calloc(bytes, 1);
    nnc_status status = packed ? NNC_OK : NNC_ERR_LIMIT;
    if (packed) {
        if (g->depthwise) {
            nnrt_pack_taps_first(packed, nnc_tensor_data(&w), g->c_out, g->taps);
        } else if (transposed) {
            nnrt_pack_conv_transpose(packed, nnc_tensor_data(&w), &g->window, g->groups, g->c_in,
                                     g->c_out);
        } else {
            nnrt_pack_conv_f32(packed, nnc_tensor_data(&w), g->groups, g->c_in, g->c_out,
                               (uint32_t)g->taps, 1);
        }
        int64_t dims[1] = {(int64_t)(bytes / sizeof(float))};
        status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, packed, bytes);
    }
    nnc_free(packed);
    nnc_tensor_deinit(&w);
    return status;
}

/* x, w and the bias. form: of x. */
static nnc_status operands(uint32_t in[4], uint32_t *count, nnc_lower_ctx *ctx,
                           const nd_geometry *g, bool packed, bool transposed, nnc_form form)
{
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    if (packed) {
        NNC_TRY(packed_weight(&in[1], ctx, g, transposed));
    } else {
        NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    }
    *count = 2;
    return nnc_lower_in_value(ctx, 2) ? nnc_lower_input(&in[(*count)++], ctx, 2, NNC_FORM_LOGICAL)
                                      : NNC_OK;
}

/* Transposes between ONNX order and channels-last for ranks that have no such form of their own. */
static nnc_status move_channels(uint32_t *out, nnc_lower_ctx *ctx, uint32_t in, uint32_t rank,
                                bool last)
{
    nnrt_transpose_params params = {.rank = rank};
    for (uint32_t d = 1; d < rank; d++) {
        params.perm[d] = last ? (d + 1 < rank ? d + 1 : 1) : (d == 1 ? rank - 1 : d - 1);
    }
    if (*out == NNRT_NONE) {
        NNC_TRY(nnc_lower_temp(out, ctx, NNRT_F32, rank));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_TRANSPOSE, &params, sizeof params, &in, 1, out, 1);
}

/* A product op on channels-last data, whatever the rank. */
static nnc_status emit_channels_last(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params,
                                     size_t bytes, uint32_t *in, uint32_t count, uint32_t rank,
                                     bool residual)
{
    uint32_t out, inner = NNRT_NONE;
    if (nnc_rank_has_nhwc(rank)) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_NHWC));
        return nnc_lower_emit(ctx, rop, params, bytes, in, count, &out, 1);
    }
    for (uint32_t i = 0; i < count; i += count - 1) {
        if (i == 0 || residual) {
            uint32_t moved = NNRT_NONE;
            NNC_TRY(move_channels(&moved, ctx, in[i], rank, true));
            in[i] = moved;
        }
    }
    NNC_TRY(nnc_lower_temp(&inner, ctx, NNRT_F32, rank));
    NNC_TRY(nnc_lower_emit(ctx, rop, params, bytes, in, count, &inner, 1));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return move_channels(&out, ctx, inner, rank, false);
}

nnc_status nnc_conv_nd_lower(nnc_lower_ctx *ctx)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    bool real = nnc_lower_in_value(ctx, 0)->dtype != NNC_DTYPE_DOUBLE;
    nd_geometry g = {0};
    uint32_t in[4], count, out;
    NNC_TRY(geometry(&g, ctx, false));
    nnrt_conv_nd_params params = {.window = g.window,
                                  .groups = g.groups,
                                  .c_in = g.c_in,
                                  .c_out = g.c_out,
                                  .packed = real && g.constant,
                                  .has_bias = nnc_lower_in_value(ctx, 2) != NULL,
                                  .has_residual = fusion->residual != NNC_ID_NONE,
                                  .clamp = {fusion->lo, fusion->hi}};
    NNC_TRY(operands(in, &count, ctx, &g, params.packed, false,
                     real ? NNC_FORM_NHWC : NNC_FORM_LOGICAL));
    if (!real) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_lower_emit(ctx, NNRT_ROP_ID_CONV_F64, &params, sizeof params, in, count, &out,
                              1);
    }
    if (params.has_residual) {
        NNC_TRY(nnc_lower_value(&in[count++], ctx, fusion->residual, NNC_FORM_NHWC));
    }
    return emit_channels_last(ctx, NNRT_ROP_ID_CONV_ND, &params, sizeof params, in, count,
                              g.spatial + 2, params.has_residual);
}

nnc_status nnc_conv_transpose_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    bool real = nnc_lower_in_value(ctx, 0)->dtype != NNC_DTYPE_DOUBLE;
    nd_geometry g = {0};
    uint32_t in[4], count, out;
    NNC_TRY(geometry(&g, ctx, true));
    nnrt_conv_transpose_nd_params params = {.window = g.window,
                                            .groups = g.groups,
                                            .c_in = g.c_in,
                                            .c_out = g.c_out,
                                            .packed = real && g.constant,
                                            .has_bias = nnc_lower_in_value(ctx, 2) != NULL,
                                            .clamp = {fusion->lo, fusion->hi}};
    const nnc_attr *extra = nnc_node_attr(node, "output_padding");
    const nnc_attr *given = nnc_node_attr(node, "output_shape");
    for (uint32_t d = 0; d < g.spatial; d++) {
        params.output_padding[d] = extra && d < extra->count ? (uint32_t)extra->ints[d] : 0;
        params.output_shape[d] = given && d < given->count ? (uint32_t)given->ints[d] : 0;
    }
    NNC_TRY(operands(in, &count, ctx, &g, params.packed, true,
                     real ? NNC_FORM_NHWC : NNC_FORM_LOGICAL));
    if (!real) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_lower_emit(ctx, NNRT_ROP_ID_CONV_TRANSPOSE_F64, &params, sizeof params, in,
                              count, &out, 1);
    }
    return emit_channels_last(ctx, NNRT_ROP_ID_CONV_TRANSPOSE_ND, &params, sizeof params, in, count,
                              g.spatial + 2, false);
}
