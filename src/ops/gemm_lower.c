/* Lowering of Gemm and MatMul. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ops/compose.h"
#include "ops/einsum.h"
#include "ops/epilogue.h"
#include "ops/product_lower.h"
#include "runtime_int8/pack.h"

/* Constant B as [N][K] floats times alpha. trans: B is stored [N][K]. */
static nnc_status packed_matrix(uint32_t *out, nnc_lower_ctx *ctx, bool trans, float alpha, uint32_t k,
                                uint32_t n)
{
    nnc_tensor b = {0};
    NNC_TRY(nnc_const_float(&b, nnc_lower_in_value(ctx, 1)));
    const float *from = nnc_tensor_data(&b);
    size_t bytes = nnrt_pack_conv_f32_bytes(1, k, n, 1, 1);
    float *rows = nnc_calloc((size_t)k * n, sizeof(*rows)), *packed = nnc_calloc(bytes, 1);
    nnc_status status = rows && packed ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < k; j++) {
                rows[i * k + j] = from[trans ? i * k + j : j * n + i] * alpha;
            }
        }
        nnrt_pack_conv_f32(packed, rows, 1, k, n, 1, 1);
        int64_t dims[1] = {(int64_t)(bytes / sizeof(float))};
        status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, packed, bytes);
    }
    nnc_free(rows);
    nnc_free(packed);
    nnc_tensor_deinit(&b);
    return status;
}

/* A bias that is one number per output column (or one number). */
static bool is_column_bias(const nnc_value *c, uint32_t n)
{
    if (c->kind != NNC_VALUE_CONST) {
        return false;
    }
    size_t count = nnc_tensor_count(&c->tensor);
    const nnc_shape *s = &c->tensor.shape;
    return count == 1 || (count == n && s->rank >= 1 && s->dims[s->rank - 1] == (int64_t)n);
}

/* x W + bias with constant W; one runtime op. */
static nnc_status gemm_f32(nnc_lower_ctx *ctx, uint32_t x, bool trans_b, float alpha,
                           const nnc_value *bias, float beta, uint32_t out)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    const nnc_shape *shape = &nnc_lower_in_value(ctx, 1)->tensor.shape;
    uint32_t n = (uint32_t)shape->dims[trans_b ? 0 : 1], k = (uint32_t)shape->dims[trans_b ? 1 : 0];
    nnrt_gemm_f32_params params = {.k = k, .n = n, .clamp = {fusion->lo, fusion->hi}};
    uint32_t in[4] = {x}, count = 2, b;
    NNC_TRY(packed_matrix(&in[1], ctx, trans_b, alpha, k, n));
    NNC_TRY(nnc_bias_constant(&b, ctx, bias, beta, n, 1));
    if (b != NNRT_NONE) {
        params.has_bias = 1;
        in[count++] = b;
    }
    if (fusion->residual != NNC_ID_NONE) {
        params.has_residual = 1;
        NNC_TRY(nnc_lower_value(&in[count++], ctx, fusion->residual, NNC_FORM_LOGICAL));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_GEMM_F32, &params, sizeof(params), in, count, &out, 1);
}

static nnc_status packed_weights(uint32_t *out, nnc_lower_ctx *ctx, const nnc_product *p)
{
    uint32_t k = (uint32_t)p->depth, n = (uint32_t)p->channels;
    size_t bytes = nnrt_pack_conv_q8_bytes(NNRT_CONV_PACK_TAPS, 1, k, n, 1, 1);
    int8_t *packed = nnc_calloc(bytes, 1);
    if (!packed) {
        return NNC_ERR_LIMIT;
    }
    nnrt_pack_conv_q8(packed, NNRT_CONV_PACK_TAPS, p->w, 1, k, n, 1, 1);
    int64_t dims[1] = {(int64_t)bytes};
    nnc_status status = nnc_lower_const(out, ctx, NNRT_I8, 1, dims, packed, bytes);
    nnc_free(packed);
    return status;
}

static nnc_status gemm_q8_constants(uint32_t in[3], nnc_lower_ctx *ctx, uint32_t channel_axis,
                                    const nnc_qparams *mid, nnrt_gemm_q8_params *params,
                                    int32_t *zw)
{
    nnc_product p;
    NNC_TRY(nnc_product_init(&p, ctx, channel_axis, mid));
    params->k = (uint32_t)p.depth;
    params->n = (uint32_t)p.channels;
    *zw = p.zw;
    nnc_status status = packed_weights(&in[0], ctx, &p);
    if (status == NNC_OK) {
        status = nnc_product_constants(&in[1], &in[2], ctx, &p, 1);
    }
    nnc_product_deinit(&p);
    return status;
}

static nnc_status gemm_q8(nnc_lower_ctx *ctx, uint32_t channel_axis)
{
    nnrt_gemm_q8_params params = {0};
    const nnc_qparams *mid;
    uint32_t in[5], residual, out, count = 4;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_Q8));
    NNC_TRY(nnc_epilogue_init(&params.epilogue, &residual, &mid, ctx, false));
    int32_t zw;
    NNC_TRY(gemm_q8_constants(&in[1], ctx, channel_axis, mid, &params, &zw));
    if (residual != NNRT_NONE) {
        in[count++] = residual;
    }
    bool integer = params.epilogue.out == NNRT_Q8_OUT_U8;
    NNC_TRY(nnc_lower_output(&out, ctx, 0, integer ? NNC_FORM_Q8 : NNC_FORM_LOGICAL));
    if (zw != 0) {
        nnrt_gemm_q8_zero_params zero = {.k = params.k, .n = params.n, .zw = zw, .epilogue = params.epilogue};
        return nnc_lower_emit(ctx, NNRT_ROP_ID_GEMM_Q8_ZERO, &zero, sizeof(zero), in, count, &out, 1);
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_GEMM_Q8, &params, sizeof(params), in, count, &out, 1);
}

/* x is on the grid of its own run: the integers' scale and zero point are inputs, the result is float. */
static nnc_status gemm_dynamic(nnc_lower_ctx *ctx, uint32_t channel_axis)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnrt_gemm_dynamic_params params = {.clamp = {fusion->lo, fusion->hi}};
    const nnc_value *bias = nnc_lower_in_value(ctx, 2);
    nnc_product p;
    uint32_t in[7], out, count = 6;
    NNC_TRY(nnc_lower_dynamic_input(in, ctx, 0));
    NNC_TRY(nnc_product_init_weights(&p, nnc_lower_in_value(ctx, 1), channel_axis));
    params.k = (uint32_t)p.depth;
    params.n = (uint32_t)p.channels;
    params.zw = p.zw;
    nnc_status status = packed_weights(&in[3], ctx, &p);
    if (status == NNC_OK) {
        status = nnc_product_constants(&in[4], &in[5], ctx, &p, 1);
    }
    nnc_product_deinit(&p);
    NNC_TRY(status);
    if (bias) {
        params.has_bias = 1;
        NNC_TRY(nnc_bias_constant(&in[count++], ctx, bias, 1.0f, params.n, 1));
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_GEMM_DYNAMIC, &params, sizeof(params), in, count, &out, 1);
}

/* Both operands are activations. */
static nnc_status matmul_q8(nnc_lower_ctx *ctx)
{
    const nnc_qparams *qa = nnc_lower_in_value(ctx, 0)->qparams;
    const nnc_grid b = nnc_grid_of(nnc_lower_in_value(ctx, 1)->qparams);
    const nnc_qparams *mid;
    nnrt_matmul_q8_params params = {.zb = b.zero, .mult = qa->scale[0] * b.scale};
    uint32_t in[3], residual, out, count = 2;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_Q8));
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_Q8));
    NNC_TRY(nnc_epilogue_init(&params.epilogue, &residual, &mid, ctx, false));
    if (mid) {
        params.mult /= mid->scale[0];
    }
    if (residual != NNRT_NONE) {
        in[count++] = residual;
    }
    bool integer = params.epilogue.out == NNRT_Q8_OUT_U8;
    NNC_TRY(nnc_lower_output(&out, ctx, 0, integer ? NNC_FORM_Q8 : NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_MATMUL_Q8, &params, sizeof(params), in, count, &out, 1);
}

/* y = clamp(t + beta*C) where C is not a per-column constant. */
static nnc_status add_operand(nnc_lower_ctx *ctx, uint32_t product, float beta, uint32_t out)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    uint32_t in[2] = {product, NNRT_NONE};
    NNC_TRY(nnc_lower_input(&in[1], ctx, 2, NNC_FORM_LOGICAL));
    if (beta != 1.0f) {
        uint32_t scaled, pair[2] = {in[1], NNRT_NONE};
        const nnc_value *c = nnc_lower_in_value(ctx, 2);
        uint32_t scaled_rank = c->has_shape && c->shape.rank > 1 ? c->shape.rank : 1;
        int64_t dims[1] = {1};
        NNC_TRY(nnc_lower_const(&pair[1], ctx, NNRT_F32, 1, dims, &beta, sizeof(beta)));
        NNC_TRY(nnc_lower_temp(&scaled, ctx, NNRT_F32, scaled_rank));
        nnrt_binary_params mul = {.op = NNRT_BINARY_MUL, .clamp = {-INFINITY, INFINITY}};
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &mul, sizeof(mul), pair, 2, &scaled, 1));
        in[1] = scaled;
    }
    nnrt_binary_params add = {.op = NNRT_BINARY_ADD, .clamp = {fusion->lo, fusion->hi}};
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &add, sizeof(add), in, 2, &out, 1);
}

/* A number of the compose type; integers take it truncated. */
static nnc_status scale_by(uint32_t *x, const nnc_compose *c, float factor, uint32_t rank)
{
    uint32_t f, cast = NNRT_NONE, y = NNRT_NONE;
    nnc_compose real = {c->ctx, NNRT_F32};
    if (factor == 1.0f) {
        return NNC_OK;
    }
    if (c->dtype == NNRT_F64) {
        NNC_TRY(nnc_compose_scalar(&cast, c, (double)factor));
    } else {
        NNC_TRY(nnc_compose_scalar(&f, &real, (double)factor));
        NNC_TRY(nnc_compose_cast(&cast, &real, f, c->dtype, 0));
    }
    NNC_TRY(nnc_compose_binary(&y, c, NNRT_BINARY_MUL, *x, cast, rank));
    *x = y;
    return NNC_OK;
}

/* float64 and integers: alpha * op(a) op(b) + beta * c. */
static nnc_status gemm_any(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *v = nnc_lower_in_value(ctx, 2);
    nnc_compose c = {ctx, nnc_lower_dtype(nnc_lower_in_value(ctx, 0))};
    bool ta = nnc_node_int(node, "transA", 0) != 0, tb = nnc_node_int(node, "transB", 0) != 0;
    const nnc_labels a = {2, {ta ? 1 : 0, ta ? 0 : 1}}, b = {2, {tb ? 2 : 1, tb ? 1 : 2}};
    const nnc_labels y = {2, {0, 2}};
    float alpha = nnc_node_float(node, "alpha", 1), beta = nnc_node_float(node, "beta", 1);
    uint32_t in[3], product = NNRT_NONE, out;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    if (!v && alpha == 1.0f) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_lower_contract(&out, ctx, c.dtype, in[0], &a, in[1], &b, &y);
    }
    NNC_TRY(nnc_lower_contract(&product, ctx, c.dtype, in[0], &a, in[1], &b, &y));
    if (!v) {
        uint32_t f, factor = NNRT_NONE;
        nnc_compose real = {ctx, NNRT_F32};
        NNC_TRY(nnc_compose_scalar(&f, &real, (double)alpha));
        NNC_TRY(nnc_compose_cast(&factor, &real, f, c.dtype, 0));
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_compose_binary(&out, &c, NNRT_BINARY_MUL, product, factor, 2);
    }
    NNC_TRY(scale_by(&product, &c, alpha, 2));
    NNC_TRY(nnc_lower_input(&in[2], ctx, 2, NNC_FORM_LOGICAL));
    NNC_TRY(scale_by(&in[2], &c, beta, v->has_shape ? v->shape.rank : 2));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_compose_binary(&out, &c, NNRT_BINARY_ADD, product, in[2], 2);
}

/* numpy's matmul of any type: labels of the leading dims from the right, then rows, columns. */
static nnc_status matmul_any(nnc_lower_ctx *ctx)
{
    const nnc_value *va = nnc_lower_in_value(ctx, 0), *vb = nnc_lower_in_value(ctx, 1);
    nnc_labels a = {0}, b = {0}, y = {0};
    uint32_t in[2], out;
    if (!va->has_shape || !vb->has_shape) {
        return nnc_lower_fail(ctx, "the rank of an input is unknown");
    }
    uint32_t ra = va->shape.rank, rb = vb->shape.rank;
    uint32_t la = ra > 2 ? ra - 2 : 0, lb = rb > 2 ? rb - 2 : 0, lead = la > lb ? la : lb;
    for (uint32_t d = 0; d < lead; d++) {
        uint8_t label = (uint8_t)(3 + d);
        y.at[y.rank++] = label;
        if (d + la >= lead) {
            a.at[a.rank++] = label;
        }
        if (d + lb >= lead) {
            b.at[b.rank++] = label;
        }
    }
    if (ra > 1) {
        y.at[y.rank++] = a.at[a.rank++] = 0;
    }
    a.at[a.rank++] = b.at[b.rank++] = 1;
    if (rb > 1) {
        y.at[y.rank++] = b.at[b.rank++] = 2;
    }
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_contract(&out, ctx, nnc_lower_dtype(va), in[0], &a, in[1], &b, &y);
}

nnc_status nnc_gemm_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    if (!nnc_lower_integer(ctx) && nnc_lower_in_value(ctx, 0)->dtype != NNC_DTYPE_FLOAT) {
        return gemm_any(ctx);
    }
    bool trans_a = nnc_node_int(node, "transA", 0), trans_b = nnc_node_int(node, "transB", 0);
    float alpha = nnc_node_float(node, "alpha", 1), beta = nnc_node_float(node, "beta", 1);
    if (nnc_lower_integer(ctx)) {
        bool dynamic = nnc_is_dynamic_quant(nnc_lower_graph(ctx), node->inputs[0]);
        return dynamic ? gemm_dynamic(ctx, trans_b ? 0 : 1) : gemm_q8(ctx, trans_b ? 0 : 1);
    }
    const nnc_value *b = nnc_lower_in_value(ctx, 1), *c = nnc_lower_in_value(ctx, 2);
    uint32_t x, out;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    bool constant = b->kind == NNC_VALUE_CONST && b->tensor.shape.rank == 2;
    if (constant && trans_a) {
        uint32_t t;
        nnrt_transpose_params params = {.rank = 2, .perm = {1, 0}};
        NNC_TRY(nnc_lower_temp(&t, ctx, NNRT_F32, 2));
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_TRANSPOSE, &params, sizeof(params), &x, 1, &t, 1));
        x = t;
    }
    uint32_t n = constant ? (uint32_t)b->tensor.shape.dims[trans_b ? 0 : 1] : 0;
    if (constant && (!c || is_column_bias(c, n))) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return gemm_f32(ctx, x, trans_b, alpha, c, beta, out);
    }
    /* General form: product into a temporary, then the addend. A fused residual needs the constant form. */
    if (nnc_lower_fusion(ctx)->residual != NNC_ID_NONE) {
        NNC_FAIL(NNC_ERR_INTERNAL, "Gemm '%s': residual fused behind a general Gemm", node->name);
    }
    uint32_t product, in[2] = {x, NNRT_NONE};
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    nnrt_matmul_f32_params params = {.trans_a = !constant && trans_a, .trans_b = trans_b, .alpha = alpha,
                                     .clamp = {-INFINITY, INFINITY}};
    if (!c) {
        params.clamp = (nnrt_clamp){fusion->lo, fusion->hi};
        NNC_TRY(nnc_lower_output(&product, ctx, 0, NNC_FORM_LOGICAL));
    } else {
        NNC_TRY(nnc_lower_temp(&product, ctx, NNRT_F32, 2));
    }
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_MATMUL_F32, &params, sizeof(params), in, 2, &product, 1));
    if (!c) {
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return add_operand(ctx, product, beta, out);
}

nnc_status nnc_matmul_lower(nnc_lower_ctx *ctx)
{
    if (nnc_lower_integer(ctx)) {
        if (nnc_is_dynamic_quant(nnc_lower_graph(ctx), nnc_lower_in_id(ctx, 0))) {
            return gemm_dynamic(ctx, 1);
        }
        return nnc_lower_in_value(ctx, 1)->kind == NNC_VALUE_CONST ? gemm_q8(ctx, 1) : matmul_q8(ctx);
    }
    if (nnc_lower_in_value(ctx, 0)->dtype != NNC_DTYPE_FLOAT) {
        return matmul_any(ctx);
    }
    const nnc_value *a = nnc_lower_in_value(ctx, 0), *b = nnc_lower_in_value(ctx, 1);
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    uint32_t in[2], out;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    if (b->kind == NNC_VALUE_CONST && b->tensor.shape.rank == 2 && a->has_shape && a->shape.rank >= 2) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return gemm_f32(ctx, in[0], false, 1.0f, NULL, 1.0f, out);
    }
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    bool residual = fusion->residual != NNC_ID_NONE;
    nnrt_matmul_f32_params params = {.alpha = 1.0f, .clamp = {-INFINITY, INFINITY}};
    if (!residual) {
        params.clamp = (nnrt_clamp){fusion->lo, fusion->hi};
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_lower_emit(ctx, NNRT_ROP_ID_MATMUL_F32, &params, sizeof(params), in, 2, &out, 1);
    }
    uint32_t pair[2];
    NNC_TRY(nnc_lower_temp(&pair[0], ctx, NNRT_F32, nnc_lower_out_value(ctx, 0)->shape.rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_MATMUL_F32, &params, sizeof(params), in, 2, &pair[0], 1));
    NNC_TRY(nnc_lower_value(&pair[1], ctx, fusion->residual, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    nnrt_binary_params add = {.op = NNRT_BINARY_ADD, .clamp = {fusion->lo, fusion->hi}};
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &add, sizeof(add), pair, 2, &out, 1);
}
