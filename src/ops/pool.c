/* Pooling over windows and over all of the spatial dims. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"
#include "ops/product_lower.h"

static const nnc_attr_schema max_attrs[] = {
    NNC_A_ENUM("auto_pad", nnc_auto_pad_choices),
    NNC_A_BOOL("ceil_mode"),
    NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INTS_REQUIRED("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),
    NNC_A_BOOL("storage_order"),
    NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

static const nnc_attr_schema average_attrs[] = {
    NNC_A_ENUM("auto_pad", nnc_auto_pad_choices),
    NNC_A_BOOL("ceil_mode"),
    NNC_A_BOOL("count_include_pad"),
    NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INTS_REQUIRED("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),
    NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

static const nnc_attr_schema lp_attrs[] = {
    NNC_A_ENUM("auto_pad", nnc_auto_pad_choices),
    NNC_A_BOOL("ceil_mode"),
    NNC_A_INTS("dilations", 1, NNC_DIM_LIMIT),
    NNC_A_INTS_REQUIRED("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INT("p", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),
    NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

static const nnc_attr_schema global_lp_attrs[] = {
    NNC_A_INT("p", 1, NNC_DIM_LIMIT),
};

static nnc_status pool_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 8));
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        NNC_TRY(nnc_infer_output_unknown(ctx, 1, NNC_DTYPE_INT64, -1));
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    nnc_window window;
    const char *wrong = nnc_window_read(&window, nnc_infer_node(ctx), x->shape.rank - 2, NULL);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    nnc_shape y = {.rank = x->shape.rank, .dims = {x->shape.dims[0], x->shape.dims[1]}};
    NNC_TRY(nnc_infer_window(ctx, &y, &x->shape, &window));
    NNC_TRY(nnc_infer_output(ctx, 1, NNC_DTYPE_INT64, &y));
    return nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &y);
}

static nnc_status global_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 8));
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, -1);
    }
    nnc_shape y = x->shape;
    for (uint32_t d = 2; d < y.rank; d++) {
        y.dims[d] = 1;
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

/* Batch and channels are independent; the spatial dims are not prunable. */
static nnc_status pool_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    (void)graph;
    (void)node;
    NNC_TRY(nnc_dims_link(links, 0, 0, 0, 0));
    return nnc_dims_link(links, 0, 1, 0, 1);
}

#define POOL_OP(id, outputs, infer_fn, lower_fn, quant_kind, ...)                                  \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = outputs,                                                                        \
        __VA_ARGS__,                                                                               \
        .infer = infer_fn,                                                                         \
        .lower = lower_fn,                                                                         \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = pool_dims,                                                                         \
        .layout = NNC_LAYOUT_CHANNELS,                                                             \
        .quant = quant_kind,                                                                       \
    }
POOL_OP(MaxPool, 2, pool_infer, nnc_max_pool_lower, NNC_QUANT_PRESERVE, NNC_ATTRS(max_attrs));
POOL_OP(GlobalMaxPool, 1, global_infer, nnc_max_pool_lower, NNC_QUANT_PRESERVE, NNC_NO_ATTRS);
POOL_OP(AveragePool, 1, pool_infer, nnc_average_pool_lower, NNC_QUANT_CONTRACT,
        NNC_ATTRS(average_attrs));
POOL_OP(GlobalAveragePool, 1, global_infer, nnc_average_pool_lower, NNC_QUANT_CONTRACT,
        NNC_NO_ATTRS);
POOL_OP(LpPool, 1, pool_infer, nnc_lp_pool_lower, NNC_QUANT_FLOAT, NNC_ATTRS(lp_attrs));
POOL_OP(GlobalLpPool, 1, global_infer, nnc_lp_pool_lower, NNC_QUANT_FLOAT,
        NNC_ATTRS(global_lp_attrs));
