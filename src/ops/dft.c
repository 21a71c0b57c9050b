/* DFT and STFT. SPDX-License-Identifier: Apache-2.0 Numbers are pairs (or single reals) in the last
 * dim. */
#include <inttypes.h>

#include "ops/compose.h"
#include "ops/op_util.h"

static const nnc_attr_schema dft_attrs[] = {NNC_A_BOOL("inverse"), NNC_A_BOOL("onesided")};
static const nnc_attr_schema stft_attrs[] = {NNC_A_BOOL("onesided")};

/* A known scalar; false when input i is omitted or computed. */
static bool known_number(nnc_infer_ctx *ctx, uint32_t i, int64_t *out)
{
    size_t count;
    return nnc_infer_static_ints(ctx, i, out, 1, &count) && count == 1;
}

static nnc_status dft_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_input(ctx, 0);
    bool inverse = nnc_node_int(node, "inverse", 0) != 0;
    bool onesided = nnc_node_int(node, "onesided", 0) != 0;
    int64_t axis = -2, length = -1;
    uint32_t at;
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, 8));
    if (!x->has_shape || (nnc_infer_input(ctx, 2) && !known_number(ctx, 2, &axis))) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, x->has_shape ? (int)x->shape.rank : -1);
    }
    uint32_t rank = x->shape.rank;
    NNC_TRY(nnc_infer_axis(ctx, &at, axis, rank));
    int64_t parts = x->shape.dims[rank - 1];
    if (at == rank - 1) {
        return nnc_infer_fail(ctx, "axis %" PRId64 " is the one of real and imaginary parts", axis);
    }
    if (parts >= 0 && parts != 1 && parts != 2) {
        return nnc_infer_fail(ctx, "last dim is %" PRId64 ", expected 1 or 2", parts);
    }
    if (onesided && !inverse && parts == 2) {
        return nnc_infer_fail(ctx, "onesided needs real input, but the last dim is 2");
    }
    nnc_shape y = x->shape;
    if (!known_number(ctx, 1, &length)) {
        int64_t in = x->shape.dims[at];
        length = nnc_infer_input(ctx, 1) || in < 0 ? -1 : inverse && onesided ? 2 * (in - 1) : in;
    }
    if (length < 1 && x->shape.dims[at] >= 0 && !nnc_infer_input(ctx, 1)) {
        return nnc_infer_fail(ctx, "transform of length %" PRId64, length);
    }
    bool same = length < 0 && !nnc_infer_input(ctx, 1) && !onesided;
    y.dims[at] = same                   ? x->shape.dims[at]
                 : length < 0           ? nnc_infer_fresh_dim(ctx)
                 : onesided && !inverse ? length / 2 + 1
                                        : length;
    y.dims[rank - 1] = onesided && inverse ? 1 : 2;
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

/* Integer input i as int64 [1 or scalar], or a constant. */
static nnc_status number_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, int64_t fallback)
{
    const nnc_value *v = nnc_lower_in_value(ctx, i);
    nnc_compose c = {ctx, NNRT_I64};
    uint32_t own;
    if (!v) {
        return nnc_lower_const_i64(out, ctx, &fallback, 1);
    }
    NNC_TRY(nnc_lower_input(&own, ctx, i, NNC_FORM_LOGICAL));
    *out = own;
    if (nnc_lower_dtype(v) == NNRT_I64) {
        return NNC_OK;
    }
    *out = NNRT_NONE;
    return nnc_compose_cast(out, &c, own, NNRT_I64, v->has_shape ? v->shape.rank : 0);
}

static nnc_status dft_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_dft_params params = {.inverse = nnc_node_int(node, "inverse", 0) != 0,
                              .onesided = nnc_node_int(node, "onesided", 0) != 0};
    uint32_t extra[2];
    NNC_TRY(number_input(&extra[0], ctx, 1, 0));
    NNC_TRY(number_input(&extra[1], ctx, 2, -2));
    return nnc_lower_move(ctx, NNRT_ROP_ID_DFT, &params, sizeof params, extra, 2, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_DFT = {
    .domain = "",
    .name = "DFT",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(dft_attrs),
    .infer = dft_infer,
    .lower = dft_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

static nnc_status stft_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0), *window = nnc_infer_shaped(ctx, 2);
    bool onesided = nnc_node_int(nnc_infer_node(ctx), "onesided", 1) != 0;
    int64_t step = 0, length = -1;
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 3));
    NNC_TRY(nnc_infer_check_vector(ctx, 2, -1, "window"));
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, 4);
    }
    if (nnc_infer_input(ctx, 3)) {
        length = known_number(ctx, 3, &length) ? length : -1;
    } else if (nnc_infer_input(ctx, 2)) {
        length = window ? window->shape.dims[0] : -1;
    } else {
        length = x->shape.dims[1];
    }
    int64_t signal = x->shape.dims[1];
    nnc_shape y = {.rank = 4, .dims = {x->shape.dims[0], -1, -1, 2}};
    bool known = known_number(ctx, 1, &step);
    if (known && step < 1) {
        return nnc_infer_fail(ctx, "frame_step is %" PRId64 ", expected 1 or more", step);
    }
    if (length == 0 || (signal >= 0 && length > signal)) {
        return nnc_infer_fail(ctx, "frames of %" PRId64 " in a signal of %" PRId64, length, signal);
    }
    y.dims[1] = known && signal >= 0 && length > 0 ? (signal - length) / step + 1
                                                   : nnc_infer_fresh_dim(ctx);
    y.dims[2] = length < 0 ? nnc_infer_fresh_dim(ctx) : onesided ? length / 2 + 1 : length;
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status stft_lower(nnc_lower_ctx *ctx)
{
    nnrt_stft_params params = {.onesided = nnc_node_int(nnc_lower_node(ctx), "onesided", 1) != 0};
    uint32_t extra[3], count = 2;
    NNC_TRY(number_input(&extra[0], ctx, 1, 1));
    NNC_TRY(number_input(&extra[1], ctx, 3, 0));
    if (nnc_lower_in_value(ctx, 2)) {
        NNC_TRY(nnc_lower_input(&extra[count++], ctx, 2, NNC_FORM_LOGICAL));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_STFT, &params, sizeof params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_STFT = {
    .domain = "",
    .name = "STFT",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(stft_attrs),
    .infer = stft_infer,
    .lower = stft_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
