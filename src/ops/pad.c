/* Pad. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"
#include "tensor/requant.h"

static const char *const pad_modes[] = {"constant", "reflect", "edge", "wrap", NULL};
static const nnc_attr_schema pad_attrs[] = {NNC_A_ENUM("mode", pad_modes)};

/* Pads of all dims [2*rank] from the given ones and axes; NULL, or what is wrong. */
static const char *pad_expand(int64_t *full, uint32_t rank, const int64_t *pads, size_t count,
                              const int64_t *axes, size_t axis_count)
{
    size_t n = axes ? axis_count : rank;
    if (count != 2 * n) {
        return "pads does not have two elements per axis";
    }
    memset(full, 0, 2 * (size_t)rank * sizeof *full);
    for (size_t i = 0; i < n; i++) {
        int64_t d = axes ? axes[i] : (int64_t)i;
        d = d < 0 ? d + rank : d;
        if (d < 0 || d >= (int64_t)rank) {
            return "an axis is out of range";
        }
        full[d] = pads[i];
        full[d + rank] = pads[i + n];
    }
    return NULL;
}

static nnc_status pad_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t pads[2 * NNC_RANK_MAX], axes[NNC_RANK_MAX], full[2 * NNC_RANK_MAX];
    size_t count = 0, axis_count = 0;
    bool has_axes = nnc_infer_input(ctx, 3) != NULL;
    if (!x->has_shape || !nnc_infer_static_ints(ctx, 1, pads, 2 * NNC_RANK_MAX, &count) ||
        (has_axes && !nnc_infer_static_ints(ctx, 3, axes, NNC_RANK_MAX, &axis_count))) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, x->has_shape ? (int)x->shape.rank : -1);
    }
    const char *wrong =
        pad_expand(full, x->shape.rank, pads, count, has_axes ? axes : NULL, axis_count);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    nnc_shape y = x->shape;
    for (uint32_t d = 0; d < y.rank; d++) {
        int64_t both;
        if (!nnc_i64_add(&both, full[d], full[d + y.rank])) {
            return nnc_infer_fail(ctx, "pads of dim %u are too large", (unsigned)d);
        }
        if (y.dims[d] < 0) {
            y.dims[d] = both == 0 ? y.dims[d] : nnc_infer_fresh_dim(ctx);
        } else if (!nnc_i64_add(&y.dims[d], y.dims[d], both) || y.dims[d] < 0) {
            return nnc_infer_fail(ctx,
                                  "pads %" PRId64 " and %" PRId64 " do not fit dim %u of %" PRId64,
                                  full[d], full[d + y.rank], (unsigned)d, x->shape.dims[d]);
        }
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static uint32_t pad_mode(const nnc_node *node)
{
    const char *mode = nnc_node_string(node, "mode", "constant");
    uint32_t i = 0;
    while (pad_modes[i] && strcmp(mode, pad_modes[i]) != 0) {
        i++;
    }
    return i;
}

/* The padding value as integers of the output's grid, or as it is. */
static float pad_value(float value, const nnc_value *y, nnc_form form)
{
    if (form != NNC_FORM_Q8 && form != NNC_FORM_Q8_NHWC) {
        return value;
    }
    const nnc_qparams *q = y->qparams;
    int32_t shift = nnc_dtype_class_of((int)q->dtype) == NNC_DTYPE_CLASS_SINT ? 128 : 0;
    int32_t zero = q->zero_point[0];
    return (float)(nnc_quantize(value, q->scale[0], (float)(q->qmin - zero),
                                (float)(q->qmax - zero), zero) +
                   shift);
}

/* Where the pads of computed axes go: [axes, axes + rank], negative axes counted from the end. */
static nnc_status pad_places(uint32_t *out, nnc_lower_ctx *ctx, int64_t rank)
{
    nnrt_binary_params add = {.op = NNRT_BINARY_ADD}, mod = {.op = NNRT_BINARY_MOD};
    nnrt_axis_params first = {.axis = 0};
    uint32_t in[2], ranks, sum, parts[2];
    NNC_TRY(nnc_lower_const_i64(&ranks, ctx, &rank, 1));
    NNC_TRY(nnc_lower_input_as(&in[0], ctx, 3, NNRT_I64));
    in[1] = ranks;
    NNC_TRY(nnc_lower_temp(&sum, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &add, sizeof add, in, 2, &sum, 1));
    in[0] = sum;
    NNC_TRY(nnc_lower_temp(&parts[0], ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &mod, sizeof mod, in, 2, &parts[0], 1));
    in[0] = parts[0];
    NNC_TRY(nnc_lower_temp(&parts[1], ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &add, sizeof add, in, 2, &parts[1], 1));
    NNC_TRY(nnc_lower_temp(out, ctx, NNRT_I64, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CONCAT, &first, sizeof first, parts, 2, out, 1);
}

/* Pads of all dims from those of some axes, put into zeros. */
static nnc_status pad_spread(uint32_t *out, nnc_lower_ctx *ctx, uint32_t pads, uint32_t rank)
{
    nnrt_scatter_elements_params params = {.axis = 0, .op = NNRT_SCATTER_NONE};
    const int64_t zeros[2 * NNC_RANK_MAX] = {0};
    uint32_t in[3] = {0, 0, pads};
    NNC_TRY(nnc_lower_const_i64(&in[0], ctx, zeros, 2 * (size_t)rank));
    NNC_TRY(pad_places(&in[1], ctx, rank));
    NNC_TRY(nnc_lower_temp(out, ctx, NNRT_I64, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SCATTER_ELEMENTS, &params, sizeof params, in, 3, out, 1);
}

/* Pads, axes or a value that are computed at run time: ONNX order. */
static nnc_status pad_dynamic(nnc_lower_ctx *ctx, const nnrt_pad_params *params)
{
    uint32_t extra[2], count = 1;
    NNC_TRY(nnc_lower_input_as(&extra[0], ctx, 1, NNRT_I64));
    if (nnc_lower_in_value(ctx, 3)) {
        NNC_TRY(pad_spread(&extra[0], ctx, extra[0], nnc_lower_in_value(ctx, 0)->shape.rank));
    }
    if (nnc_lower_in_value(ctx, 2)) {
        NNC_TRY(nnc_lower_input(&extra[count++], ctx, 2, NNC_FORM_LOGICAL));
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_PAD, params, sizeof *params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

static nnc_status pad_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *value = nnc_lower_in_value(ctx, 2);
    int64_t pads[2 * NNC_RANK_MAX], axes[NNC_RANK_MAX], full[2 * NNC_RANK_MAX];
    int64_t physical[2 * NNC_RANK_MAX];
    size_t count = 0, axis_count = 0;
    bool has_axes = nnc_lower_in_value(ctx, 3) != NULL;
    nnrt_pad_params params = {.mode = pad_mode(nnc_lower_node(ctx)), .value = 0.0f};
    if (has_axes) {
        NNC_TRY(nnc_lower_check_rank(ctx, 0));
    }
    if (!x->has_shape || !nnc_lower_static_ints(ctx, 1, pads, 2 * NNC_RANK_MAX, &count) ||
        (has_axes && !nnc_lower_static_ints(ctx, 3, axes, NNC_RANK_MAX, &axis_count)) ||
        (value && (value->kind != NNC_VALUE_CONST || x->dtype != NNC_DTYPE_FLOAT))) {
        return pad_dynamic(ctx, &params);
    }
    uint32_t rank = x->shape.rank, perm[NNC_RANK_MAX], list;
    const char *wrong = pad_expand(full, rank, pads, count, has_axes ? axes : NULL, axis_count);
    if (wrong) {
        return nnc_lower_fail(ctx, "%s", wrong);
    }
    bool nhwc = nnc_rank_has_nhwc(rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    nnc_layout_perm(perm, rank, nhwc);
    for (uint32_t d = 0; d < rank; d++) {
        physical[d] = full[perm[d]];
        physical[d + rank] = full[perm[d] + rank];
    }
    if (value) {
        params.value = (float)nnc_tensor_get_double(&value->tensor, 0);
    }
    params.value = pad_value(params.value, nnc_lower_out_value(ctx, 0), form);
    NNC_TRY(nnc_lower_const_i64(&list, ctx, physical, 2 * (size_t)rank));
    return nnc_lower_move(ctx, NNRT_ROP_ID_PAD, &params, sizeof params, &list, 1, form, form);
}

const nnc_op nnc_op_Pad = {
    .domain = "",
    .name = "Pad",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(pad_attrs),
    .infer = pad_infer,
    .lower = pad_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};
