/* Lowering of Conv and ConvTranspose. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ops/epilogue.h"
#include "ops/product_lower.h"
#include "ops/window.h"
#include "runtime_int8/pack.h"

typedef struct conv_geometry {
    nnrt_window window;
    uint32_t groups, c_in, c_out, r, s;
    bool depthwise;
} conv_geometry;

static nnc_status conv_geometry_init(conv_geometry *g, nnc_lower_ctx *ctx)
{
    const nnc_value *w = nnc_lower_in_value(ctx, 1);
    const nnc_node *node = nnc_lower_node(ctx);
    char label[160];
    nnc_node_label(label, sizeof(label), nnc_lower_graph(ctx), nnc_lower_node_id(ctx));
    if (w->kind != NNC_VALUE_CONST) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: weight '%s' is not constant", label, w->name);
    }
    const nnc_shape *shape = &w->tensor.shape;
    if (shape->rank != 3 && shape->rank != 4) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: weight has %u dims, 3 or 4 are handled", label, shape->rank);
    }
    uint32_t spatial = shape->rank - 2;
    int64_t groups = nnc_node_int(node, "group", 1);
    NNC_TRY(nnc_window_from_node(&g->window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx), spatial,
                                 shape->dims + 2));
    g->groups = (uint32_t)groups;
    g->c_out = (uint32_t)shape->dims[0];
    g->c_in = (uint32_t)(shape->dims[1] * groups);
    g->r = g->window.kernel[0];
    g->s = g->window.kernel[1];
    if (groups < 1 || g->c_out % g->groups) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: %u output channels are not divisible by group %lld", label,
                 g->c_out, (long long)groups);
    }
    g->depthwise = g->groups > 1 && g->groups == g->c_in && g->c_in == g->c_out;
    return NNC_OK;
}

/* Packs with `pack`-like callbacks would hide the layouts: each form is spelled out once. */
static nnc_status packed_f32(uint32_t *out, nnc_lower_ctx *ctx, const conv_geometry *g)
{
    nnc_tensor w = {0};
    NNC_TRY(nnc_const_float(&w, nnc_lower_in_value(ctx, 1)));
    size_t bytes = g->depthwise ? nnrt_pack_dwconv_f32_bytes(g->c_in, g->r, g->s)
                                : nnrt_pack_conv_f32_bytes(g->groups, g->c_in, g->c_out, g->r, g->s);
    float *packed = nnc_calloc(bytes, 1);
    nnc_status status = packed ? NNC_OK : NNC_ERR_LIMIT;
    if (packed) {
        if (g->depthwise) {
            nnrt_pack_dwconv_f32(packed, nnc_tensor_data(&w), g->c_in, g->r, g->s);
        } else {
            nnrt_pack_conv_f32(packed, nnc_tensor_data(&w), g->groups, g->c_in, g->c_out, g->r, g->s);
        }
        int64_t dims[1] = {(int64_t)(bytes / sizeof(float))};
        status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, packed, bytes);
    }
    nnc_free(packed);
    nnc_tensor_deinit(&w);
    return status;
}

static nnc_status conv_f32(nnc_lower_ctx *ctx, const conv_geometry *g)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnrt_conv_f32_params params = {.window = g->window, .groups = g->groups, .c_in = g->c_in,
                                   .c_out = g->c_out, .clamp = {fusion->lo, fusion->hi}};
    uint32_t in[4], n = 2, bias, out;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_NHWC));
    NNC_TRY(packed_f32(&in[1], ctx, g));
    NNC_TRY(nnc_bias_constant(&bias, ctx, nnc_lower_in_value(ctx, 2), 1.0f, g->c_out,
                              g->depthwise ? 1 : g->groups));
    if (bias != NNRT_NONE) {
        params.has_bias = 1;
        in[n++] = bias;
    }
    if (fusion->residual != NNC_ID_NONE) {
        params.has_residual = 1;
        NNC_TRY(nnc_lower_value(&in[n++], ctx, fusion->residual, NNC_FORM_NHWC));
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_NHWC));
    return nnc_lower_emit(ctx, g->depthwise ? NNRT_ROP_ID_DWCONV_F32 : NNRT_ROP_ID_CONV_F32, &params,
                          sizeof(params), in, n, &out, 1);
}

static nnc_status packed_q8(uint32_t *out, nnc_lower_ctx *ctx, const conv_geometry *g,
                            nnrt_conv_pack pack, const int8_t *w)
{
    size_t bytes = g->depthwise
                       ? nnrt_pack_dwconv_q8_bytes(g->c_in, g->r, g->s)
                       : nnrt_pack_conv_q8_bytes(pack, g->groups, g->c_in, g->c_out, g->r, g->s);
    int8_t *packed = nnc_calloc(bytes, 1);
    if (!packed) {
        return NNC_ERR_LIMIT;
    }
    if (g->depthwise) {
        nnrt_pack_dwconv_q8(packed, w, g->c_in, g->r, g->s);
    } else {
        nnrt_pack_conv_q8(packed, pack, w, g->groups, g->c_in, g->c_out, g->r, g->s);
    }
    int64_t dims[1] = {(int64_t)bytes};
    nnc_status status = nnc_lower_const(out, ctx, NNRT_I8, 1, dims, packed, bytes);
    nnc_free(packed);
    return status;
}

static nnc_status conv_q8_constants(uint32_t in[3], nnc_lower_ctx *ctx, const conv_geometry *g,
                                    uint32_t pack, const nnc_qparams *mid)
{
    nnc_product product;
    NNC_TRY(nnc_product_init(&product, ctx, 0, mid));
    nnc_status status = packed_q8(&in[0], ctx, g, (nnrt_conv_pack)pack, product.w);
    if (status == NNC_OK) {
        status = nnc_product_constants(&in[1], &in[2], ctx, &product, g->depthwise ? 1 : g->groups);
    }
    nnc_product_deinit(&product);
    return status;
}

static nnc_status conv_q8(nnc_lower_ctx *ctx, const conv_geometry *g)
{
    nnrt_conv_q8_params params = {.window = g->window, .groups = g->groups, .c_in = g->c_in,
                                  .c_out = g->c_out};
    if (!g->depthwise) {
        params.pack = nnrt_conv_q8_pack_mode(&g->window, g->groups, g->c_in, g->c_out);
    }
    const nnc_qparams *mid;
    uint32_t in[5], residual, out, n = 4;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_Q8_NHWC));
    NNC_TRY(nnc_epilogue_init(&params.epilogue, &residual, &mid, ctx, true));
    NNC_TRY(conv_q8_constants(&in[1], ctx, g, params.pack, mid));
    if (residual != NNRT_NONE) {
        in[n++] = residual;
    }
    nnc_form form = params.epilogue.out == NNRT_Q8_OUT_U8 ? NNC_FORM_Q8_NHWC : NNC_FORM_NHWC;
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, g->depthwise ? NNRT_ROP_ID_DWCONV_Q8 : NNRT_ROP_ID_CONV_Q8, &params,
                          sizeof(params), in, n, &out, 1);
}

nnc_status nnc_conv_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *w = nnc_lower_in_value(ctx, 1);
    const nnc_value *bias = nnc_lower_in_value(ctx, 2);
    conv_geometry g = {0};
    if (!nnc_lower_integer(ctx) &&
        (w->kind != NNC_VALUE_CONST || w->dtype != NNC_DTYPE_FLOAT || w->tensor.shape.rank > 4 ||
         (bias && bias->kind != NNC_VALUE_CONST))) {
        return nnc_conv_nd_lower(ctx);
    }
    NNC_TRY(conv_geometry_init(&g, ctx));
    return nnc_lower_integer(ctx) ? conv_q8(ctx, &g) : conv_f32(ctx, &g);
}
