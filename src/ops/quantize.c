/* QuantizeLinear, DequantizeLinear and nnc.Quant. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"
#include "ops/product_lower.h"

static const nnc_attr_schema quantize_attrs[] = {
    NNC_A_AXIS("axis"),
    NNC_A_INT("block_size", 0, NNC_DIM_LIMIT),
    NNC_A_INT("output_dtype", 0, NNC_DTYPE_COUNT - 1),
    NNC_A_INT("precision", 0, NNC_DTYPE_COUNT - 1),
    NNC_A_BOOL("saturate"),
};
static const nnc_attr_schema dequantize_attrs[] = {
    NNC_A_AXIS("axis"),
    NNC_A_INT("block_size", 0, NNC_DIM_LIMIT),
    NNC_A_INT("output_dtype", 0, NNC_DTYPE_COUNT - 1),
};

static bool is_single(const nnc_value *v)
{
    size_t count;
    return v->shape.rank <= 1 && nnc_shape_count(&count, &v->shape) && count == 1;
}

/* Scales: a scalar (or one element), one per index of the axis, or blocks of it. */
static nnc_status check_scales(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *s = nnc_infer_shaped(ctx, 1);
    const nnc_value *z = nnc_infer_shaped(ctx, 2);
    const nnc_node *node = nnc_infer_node(ctx);
    uint32_t axis;
    /* One of each may differ in rank: [] and [1]. */
    if (s && z && nnc_shape_is_static(&s->shape) && nnc_shape_is_static(&z->shape) &&
        !(is_single(s) && is_single(z)) && !nnc_shape_equal(&s->shape, &z->shape)) {
        char ss[256], sz[256];
        return nnc_infer_fail(ctx, "scale is %s, zero point is %s",
                              nnc_shape_format(ss, sizeof ss, &s->shape),
                              nnc_shape_format(sz, sizeof sz, &z->shape));
    }
    if (!x || !s || is_single(s)) {
        return NNC_OK;
    }
    NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(node, "axis", 1), x->shape.rank));
    int64_t block = nnc_node_int(node, "block_size", 0);
    int64_t dim = x->shape.dims[axis];
    int64_t want = block > 0 && dim >= 0 ? (dim + block - 1) / block : dim;
    if (s->shape.rank != (block > 0 ? x->shape.rank : 1)) {
        return nnc_infer_fail(ctx, "scale has %u dims, expected %u", (unsigned)s->shape.rank,
                              block > 0 ? (unsigned)x->shape.rank : 1u);
    }
    int64_t have = s->shape.dims[block > 0 ? axis : 0];
    if (want >= 0 && have >= 0 && want != have) {
        return nnc_infer_fail(ctx, "%" PRId64 " scales for %" PRId64 " indices of axis %u", have,
                              want, (unsigned)axis);
    }
    return NNC_OK;
}

static nnc_status quantize_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_dtype zero = nnc_infer_dtype(ctx, 2);
    nnc_dtype given = (nnc_dtype)nnc_node_int(nnc_infer_node(ctx), "output_dtype", 0);
    if (zero != NNC_DTYPE_UNDEFINED && given != NNC_DTYPE_UNDEFINED && zero != given) {
        return nnc_infer_fail(ctx, "output_dtype is %s, the zero point is %s",
                              nnc_dtype_name((int)given), nnc_dtype_name((int)zero));
    }
    nnc_dtype dtype = zero != NNC_DTYPE_UNDEFINED    ? zero
                      : given != NNC_DTYPE_UNDEFINED ? given
                                                     : NNC_DTYPE_UINT8;
    NNC_TRY(check_scales(ctx));
    return x->has_shape ? nnc_infer_output(ctx, 0, dtype, &x->shape)
                        : nnc_infer_output_unknown(ctx, 0, dtype, -1);
}

static nnc_status dequantize_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_dtype zero = nnc_infer_dtype(ctx, 2), scale = nnc_infer_dtype(ctx, 1);
    nnc_dtype given = (nnc_dtype)nnc_node_int(nnc_infer_node(ctx), "output_dtype", 0);
    if (zero != NNC_DTYPE_UNDEFINED && x->dtype != NNC_DTYPE_UNDEFINED && zero != x->dtype) {
        return nnc_infer_fail(ctx, "input is %s, the zero point is %s",
                              nnc_dtype_name((int)x->dtype), nnc_dtype_name((int)zero));
    }
    nnc_dtype dtype = given != NNC_DTYPE_UNDEFINED   ? given
                      : scale != NNC_DTYPE_UNDEFINED ? scale
                                                     : NNC_DTYPE_FLOAT;
    NNC_TRY(check_scales(ctx));
    return x->has_shape ? nnc_infer_output(ctx, 0, dtype, &x->shape)
                        : nnc_infer_output_unknown(ctx, 0, dtype, -1);
}

#define QUANTIZE_OP(id, rows, infer_fn, lower_fn)                                                  \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 2,                                                                               \
        .max_in = 3,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(rows),                                                                           \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = nnc_dims_same,                                                                     \
        .layout = NNC_LAYOUT_AXIS,                                                                 \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
QUANTIZE_OP(QuantizeLinear, quantize_attrs, quantize_infer, nnc_quantize_linear_lower);
QUANTIZE_OP(DequantizeLinear, dequantize_attrs, dequantize_infer, nnc_dequantize_linear_lower);

/* nnc.Quant: the same numbers on the grid of the output's annotation; with dynamic=1 on the uint8 grid
 * that DynamicQuantizeLinear finds for them. */
static const nnc_attr_schema quant_attrs[] = {NNC_A_BOOL("dynamic")};

bool nnc_is_dynamic_quant(const nnc_graph *graph, nnc_value_id value)
{
    nnc_node_id p =
        value == NNC_ID_NONE ? NNC_ID_NONE : nnc_graph_value_const(graph, value)->producer;
    const nnc_node *node = p == NNC_ID_NONE ? NULL : nnc_graph_node_const(graph, p);
    return node && strcmp(node->domain, "nnc") == 0 && strcmp(node->op_type, "Quant") == 0 &&
           nnc_node_int(node, "dynamic", 0) != 0;
}

static nnc_status quant_infer(nnc_infer_ctx *ctx)
{
    if (nnc_node_int(nnc_infer_node(ctx), "dynamic", 0) != 0) {
        return nnc_infer_same(ctx);
    }
    const nnc_value *y = nnc_graph_value_const(ctx->graph, nnc_infer_node(ctx)->outputs[0]);
    if (!y->qparams) {
        return nnc_infer_fail(ctx, "output '%s' has no quantization", y->name);
    }
    return nnc_infer_same(ctx);
}

const nnc_op nnc_op_nnc_Quant = {
    .domain = "nnc",
    .name = "Quant",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(quant_attrs),
    .infer = quant_infer,
    .lower = nnc_quant_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_CONTRACT,
};
