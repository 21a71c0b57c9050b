/* Constants of integer epilogues. SPDX-License-Identifier: Apache-2.0 */
#include "ops/epilogue.h"

#include <math.h>
#include <string.h>

nnc_grid nnc_grid_of(const nnc_qparams *q)
{
    int32_t shift = q->dtype == NNC_DTYPE_INT8 ? 128 : 0;
    return (nnc_grid){.scale = q->scale[0], .zero = q->zero_point[0] + shift,
                      .min = q->qmin + shift, .max = q->qmax + shift};
}

void nnc_grid_bounds(float *lo, float *hi, const nnc_grid *grid, float real_lo, float real_hi)
{
    float low = (float)(grid->min - grid->zero), high = (float)(grid->max - grid->zero);
    float l = rintf(real_lo / grid->scale), h = rintf(real_hi / grid->scale);
    *lo = l > low ? (l < high ? l : high) : low;
    *hi = h < high ? (h > low ? h : low) : high;
}

void nnc_product_deinit(nnc_product *product)
{
    nnc_free(product->w);
    nnc_free(product->acc0);
    nnc_free(product->mult);
    *product = (nnc_product){0};
}

static int32_t stored_weight(const nnc_value *w, size_t i)
{
    return w->tensor.dtype == NNC_DTYPE_INT8 ? ((const int8_t *)nnc_tensor_data(&w->tensor))[i]
                                             : ((const uint8_t *)nnc_tensor_data(&w->tensor))[i];
}

/* qw - zw as [channels][depth]; false when one does not fit 8 bits. */
static bool gather_differences(nnc_product *p, const nnc_value *w, uint32_t axis)
{
    const nnc_qparams *q = w->qparams;
    for (size_t c = 0; c < p->channels; c++) {
        int32_t zero = q->zero_point[q->count == 1 ? 0 : c];
        for (size_t k = 0; k < p->depth; k++) {
            int32_t v = stored_weight(w, axis == 0 ? c * p->depth + k : k * p->channels + c) - zero;
            if (v < -128 || v > 127) {
                return false;
            }
            p->w[c * p->depth + k] = (int8_t)v;
        }
    }
    return true;
}

/* Weights of a product. Legalization has checked that differences from the zero points fit 8 bits, or that one zero point is all
 * channels'. */
static void gather_weights(nnc_product *p, const nnc_value *w, uint32_t axis)
{
    if (gather_differences(p, w, axis)) {
        return;
    }
    int32_t shift = w->tensor.dtype == NNC_DTYPE_UINT8 ? 128 : 0;
    p->zw = w->qparams->zero_point[0] - shift;
    for (size_t c = 0; c < p->channels; c++) {
        for (size_t k = 0; k < p->depth; k++) {
            size_t at = axis == 0 ? c * p->depth + k : k * p->channels + c;
            p->w[c * p->depth + k] = (int8_t)(stored_weight(w, at) - shift);
        }
    }
}

/* b = llrint(b_f / ((double)sx * sw)), or the stored integers when they are already on that scale. */
static int32_t bias_integer(const nnc_value *bias, size_t channel, float sx, float sw)
{
    if (!bias) {
        return 0;
    }
    size_t at = nnc_tensor_count(&bias->tensor) == 1 ? 0 : channel;
    const nnc_qparams *q = bias->qparams;
    if (!q || bias->tensor.dtype == NNC_DTYPE_FLOAT) {
        return (int32_t)llrint(nnc_tensor_get_double(&bias->tensor, at) / ((double)sx * (double)sw));
    }
    size_t s = q->count == 1 ? 0 : channel;
    int64_t integer = nnc_tensor_get_int(&bias->tensor, at) - q->zero_point[s];
    if (q->scale[s] == sx * sw) {
        return (int32_t)integer;
    }
    double real = (double)((float)integer * q->scale[s]);
    return (int32_t)llrint(real / ((double)sx * (double)sw));
}

/* Memory for the product of constant w. */
static nnc_status allocate(nnc_product *product, const nnc_value *w, uint32_t channel_axis)
{
    *product = (nnc_product){0};
    product->channels = (size_t)w->tensor.shape.dims[channel_axis];
    size_t count = nnc_tensor_count(&w->tensor);
    product->depth = product->channels ? count / product->channels : 0;
    product->w = nnc_calloc(count, 1);
    product->acc0 = nnc_calloc(product->channels, sizeof(*product->acc0));
    product->mult = nnc_calloc(product->channels, sizeof(*product->mult));
    if (!product->w || !product->acc0 || !product->mult) {
        nnc_product_deinit(product);
        return NNC_ERR_LIMIT;
    }
    return NNC_OK;
}

static int32_t weight_sum(const nnc_product *product, size_t channel)
{
    int32_t sum = 0;
    for (size_t k = 0; k < product->depth; k++) {
        sum += product->w[channel * product->depth + k];
    }
    return sum;
}

nnc_status nnc_product_init_weights(nnc_product *product, const nnc_value *w, uint32_t channel_axis)
{
    NNC_TRY(allocate(product, w, channel_axis));
    gather_weights(product, w, channel_axis);
    for (size_t c = 0; c < product->channels; c++) {
        product->acc0[c] = weight_sum(product, c);
        product->mult[c] = w->qparams->scale[w->qparams->count == 1 ? 0 : c];
    }
    return NNC_OK;
}

nnc_status nnc_product_init(nnc_product *product, nnc_lower_ctx *ctx, uint32_t channel_axis,
                            const nnc_qparams *y)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *w = nnc_lower_in_value(ctx, 1);
    const nnc_value *bias = nnc_lower_in_value(ctx, 2);
    nnc_grid grid = nnc_grid_of(x->qparams);
    NNC_TRY(allocate(product, w, channel_axis));
    gather_weights(product, w, channel_axis);
    for (size_t c = 0; c < product->channels; c++) {
        float sw = w->qparams->scale[w->qparams->count == 1 ? 0 : c];
        int32_t sum = weight_sum(product, c);
        uint32_t b = (uint32_t)bias_integer(bias, c, grid.scale, sw);
        uint32_t both = (uint32_t)product->depth * (uint32_t)grid.zero * (uint32_t)product->zw;
        product->acc0[c] = (int32_t)(b - (uint32_t)grid.zero * (uint32_t)sum + both);
        float m = grid.scale * sw;
        product->mult[c] = y ? m / y->scale[0] : m;
    }
    return NNC_OK;
}

nnc_status nnc_epilogue_init(nnrt_q8_epilogue *epilogue, uint32_t *residual, const nnc_qparams **mid,
                             nnc_lower_ctx *ctx, bool nhwc)
{
    const nnc_fusion *fusion = nnc_lower_fusion(ctx);
    const nnc_graph *graph = nnc_lower_graph(ctx);
    const nnc_qparams *qy = nnc_graph_value_const(graph, fusion->final)->qparams;
    memset(epilogue, 0, sizeof(*epilogue));
    *residual = NNRT_NONE;
    *mid = NULL;
    epilogue->zx = nnc_grid_of(nnc_lower_in_value(ctx, 0)->qparams).zero;
    if (!qy) {
        epilogue->out = NNRT_Q8_OUT_F32;
        epilogue->lo = fusion->lo;
        epilogue->hi = fusion->hi;
        return NNC_OK;
    }
    nnc_grid y = nnc_grid_of(qy);
    *mid = qy;
    epilogue->out = NNRT_Q8_OUT_U8;
    epilogue->zy = y.zero;
    nnc_grid_bounds(&epilogue->lo, &epilogue->hi, &y, fusion->lo, fusion->hi);
    if (fusion->residual == NNC_ID_NONE) {
        return NNC_OK;
    }
    const nnc_value *r = nnc_graph_value_const(graph, fusion->residual);
    nnc_grid grid_r = nnc_grid_of(r->qparams);
    epilogue->zr = grid_r.zero;
    epilogue->mult_r = grid_r.scale / y.scale;
    const nnc_qparams *q_mid = nnc_graph_value_const(graph, fusion->mid)->qparams;
    epilogue->residual = NNRT_Q8_RES_DIRECT;
    if (q_mid) {
        nnc_grid m = nnc_grid_of(q_mid);
        *mid = q_mid;
        epilogue->residual = NNRT_Q8_RES_TWICE;
        nnc_grid_bounds(&epilogue->lo_mid, &epilogue->hi_mid, &m, -INFINITY, INFINITY);
        epilogue->mult_a = m.scale / y.scale;
    }
    return nnc_lower_value(residual, ctx, fusion->residual, nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8);
}

static size_t padded(size_t channels, uint32_t groups)
{
    return (channels / groups + 15) / 16 * 16;
}

nnc_status nnc_product_constants(uint32_t *acc0, uint32_t *mult, nnc_lower_ctx *ctx,
                                 const nnc_product *product, uint32_t groups)
{
    size_t per = product->channels / groups, stride = padded(product->channels, groups);
    int64_t dims[1] = {(int64_t)(stride * groups)};
    int32_t *a = nnc_calloc(stride * groups, sizeof(*a));
    float *m = nnc_calloc(stride * groups, sizeof(*m));
    if (!a || !m) {
        nnc_free(a);
        nnc_free(m);
        return NNC_ERR_LIMIT;
    }
    for (uint32_t g = 0; g < groups; g++) {
        memcpy(a + g * stride, product->acc0 + g * per, per * sizeof(*a));
        memcpy(m + g * stride, product->mult + g * per, per * sizeof(*m));
    }
    nnc_status status = nnc_lower_const(acc0, ctx, NNRT_I32, 1, dims, a, stride * groups * sizeof(*a));
    if (status == NNC_OK) {
        status = nnc_lower_const(mult, ctx, NNRT_F32, 1, dims, m, stride * groups * sizeof(*m));
    }
    nnc_free(a);
    nnc_free(m);
    return status;
}

nnc_status nnc_const_float(nnc_tensor *out, const nnc_value *value)
{
    if (value->qparams && value->tensor.dtype != NNC_DTYPE_FLOAT) {
        return nnc_dequantize_tensor(out, &value->tensor, value->qparams);
    }
    if (value->tensor.dtype != NNC_DTYPE_FLOAT) {
        return nnc_tensor_convert(out, &value->tensor, NNC_DTYPE_FLOAT);
    }
    *out = nnc_tensor_ref(&value->tensor);
    return NNC_OK;
}

nnc_status nnc_bias_constant(uint32_t *out, nnc_lower_ctx *ctx, const nnc_value *bias, float scale,
                             size_t channels, uint32_t groups)
{
    *out = NNRT_NONE;
    if (!bias) {
        return NNC_OK;
    }
    nnc_tensor b = {0};
    NNC_TRY(nnc_const_float(&b, bias));
    size_t per = channels / groups, stride = padded(channels, groups), n = nnc_tensor_count(&b);
    int64_t dims[1] = {(int64_t)(stride * groups)};
    const float *from = nnc_tensor_data(&b);
    float *to = nnc_calloc(stride * groups, sizeof(*to));
    if (!to) {
        nnc_tensor_deinit(&b);
        return NNC_ERR_LIMIT;
    }
    for (size_t c = 0; c < channels; c++) {
        to[c / per * stride + c % per] = from[n == 1 ? 0 : c] * scale;
    }
    nnc_status status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, to, stride * groups * sizeof(*to));
    nnc_free(to);
    nnc_tensor_deinit(&b);
    return status;
}
