/* MaxUnpool: the inverse of MaxPool as far as its indices tell. SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"
#include "ops/window.h"

static const nnc_attr_schema unpool_attrs[] = {
    NNC_A_INTS_REQUIRED("kernel_shape", 1, NNC_DIM_LIMIT),
    NNC_A_INTS("pads", 0, NNC_DIM_LIMIT),
    NNC_A_INTS("strides", 1, NNC_DIM_LIMIT),
};

/* Length of the dim that was pooled to `in`. */
static nnc_status unpooled(nnc_infer_ctx *ctx, int64_t *out, const nnc_window *w, uint32_t d,
                           int64_t in)
{
    int64_t grown;
    if (in < 0) {
        *out = nnc_infer_fresh_dim(ctx);
        return NNC_OK;
    }
    if (!nnc_i64_mul(&grown, in - 1, w->stride[d])) {
        return nnc_infer_fail(ctx, "output is too large");
    }
    *out = grown + w->kernel[d] - w->pad_begin[d] - w->pad_end[d];
    if (*out < 0) {
        return nnc_infer_fail(ctx, "padding leaves no output of dim %u", (unsigned)d);
    }
    return NNC_OK;
}

static nnc_status unpool_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 8));
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *index = nnc_infer_shaped(ctx, 1);
    int64_t given[NNC_RANK_MAX];
    size_t count;
    if (x && index && x->shape.rank != index->shape.rank) {
        return nnc_infer_fail(ctx, "indices have %u dims, expected %u", (unsigned)index->shape.rank,
                              (unsigned)x->shape.rank);
    }
    if (!x) {
        return nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, 0), -1);
    }
    nnc_shape y = x->shape;
    nnc_window window;
    const char *wrong = nnc_window_read(&window, nnc_infer_node(ctx), x->shape.rank - 2, NULL);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    if (nnc_infer_static_ints(ctx, 2, given, NNC_RANK_MAX, &count)) {
        if (count != x->shape.rank) {
            return nnc_infer_fail(ctx, "output_shape has %zu elements, expected %u", count,
                                  (unsigned)x->shape.rank);
        }
        memcpy(y.dims, given, count * sizeof *given);
        return nnc_infer_output(ctx, 0, x->dtype, &y);
    }
    if (nnc_infer_input(ctx, 2)) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, (int)x->shape.rank);
    }
    for (uint32_t d = 0; d < window.spatial; d++) {
        NNC_TRY(unpooled(ctx, &y.dims[d + 2], &window, d, x->shape.dims[d + 2]));
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status unpool_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    nnrt_max_unpool_params params;
    uint32_t extra[2], count = 1;
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->name);
    }
    NNC_TRY(nnc_window_nd_from_node(&params.window, nnc_lower_graph(ctx), nnc_lower_node_id(ctx),
                                    x->shape.rank - 2, NULL));
    NNC_TRY(nnc_lower_input(&extra[0], ctx, 1, NNC_FORM_LOGICAL));
    if (nnc_lower_in_value(ctx, 2)) {
        NNC_TRY(nnc_lower_input(&extra[count++], ctx, 2, NNC_FORM_LOGICAL));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_MAX_UNPOOL, &params, sizeof params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_MaxUnpool = {
    .domain = "",
    .name = "MaxUnpool",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(unpool_attrs),
    .infer = unpool_infer,
    .lower = unpool_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
