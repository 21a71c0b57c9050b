/* Lowering steps shared by op families. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "ops/op_util.h"

nnc_status nnc_lower_fail(const nnc_lower_ctx *ctx, const char *fmt, ...)
{
    char label[200], text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    nnc_node_label(label, sizeof label, nnc_lower_graph(ctx), nnc_lower_node_id(ctx));
    return nnc_error_set(NNC_ERR_UNSUPPORTED, "%s: %s", label, text);
}

bool nnc_lower_static_ints(const nnc_lower_ctx *ctx, uint32_t i, int64_t *data, size_t max,
                           size_t *count)
{
    const nnc_value *v = nnc_lower_in_value(ctx, i);
    if (!v || v->kind != NNC_VALUE_CONST || v->qparams || v->shape.rank > 1 ||
        nnc_tensor_count(&v->tensor) > max) {
        return false;
    }
    *count = nnc_tensor_count(&v->tensor);
    for (size_t k = 0; k < *count; k++) {
        data[k] = nnc_tensor_get_int(&v->tensor, k);
    }
    return true;
}

bool nnc_on_byte_grid(const nnc_value *v)
{
    return v && v->qparams && nnc_qparams_per_tensor(v->qparams) && v->qparams->group == 0 &&
           (v->qparams->dtype == NNC_DTYPE_UINT8 || v->qparams->dtype == NNC_DTYPE_INT8);
}

nnc_form nnc_lower_moving_form(const nnc_lower_ctx *ctx, uint32_t i, bool nhwc)
{
    const nnc_value *x = nnc_lower_in_value(ctx, i);
    bool integers = nnc_on_byte_grid(x);
    const nnc_node *node = nnc_lower_node(ctx);
    for (uint32_t k = 0; integers && k < node->output_count; k++) {
        const nnc_value *y = nnc_lower_out_value(ctx, k);
        integers = !y || (nnc_on_byte_grid(y) && nnc_qparams_equal(x->qparams, y->qparams));
    }
    if (integers) {
        return nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8;
    }
    return nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
}

bool nnc_rank_has_nhwc(uint32_t rank)
{
    return rank >= 3 && rank <= 5;
}

void nnc_layout_perm(uint32_t perm[NNC_RANK_MAX], uint32_t rank, bool nhwc)
{
    for (uint32_t d = 0; d < rank; d++) {
        perm[d] = d;
    }
    if (nhwc && nnc_rank_has_nhwc(rank)) {
        for (uint32_t d = 1; d + 1 < rank; d++) {
            perm[d] = d + 1;
        }
        perm[rank - 1] = 1;
    }
}

bool nnc_lower_broadcast_nhwc(const nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    if (!y || !y->has_shape || !nnc_rank_has_nhwc(y->shape.rank)) {
        return false;
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        const nnc_value *x = nnc_lower_in_value(ctx, i);
        size_t count;
        bool one = x && x->has_shape && nnc_shape_count(&count, &x->shape) && count == 1;
        if (x && !one && (!x->has_shape || x->shape.rank != y->shape.rank)) {
            return false;
        }
    }
    return nnc_lower_prefer_nhwc(ctx);
}

nnrt_dtype nnc_lower_dtype(const nnc_value *value)
{
    return (nnrt_dtype)value->dtype;
}

#define MOVE_INPUTS 8

nnc_status nnc_lower_move(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params, size_t bytes,
                          const uint32_t *extra, uint32_t extra_count, nnc_form in, nnc_form out)
{
    uint32_t ids[MOVE_INPUTS], y;
    if (extra_count + 1 > MOVE_INPUTS) {
        return nnc_lower_fail(ctx, "%u operands", (unsigned)extra_count + 1);
    }
    NNC_TRY(nnc_lower_input(&ids[0], ctx, 0, in));
    for (uint32_t i = 0; i < extra_count; i++) {
        ids[i + 1] = extra[i];
    }
    NNC_TRY(nnc_lower_output(&y, ctx, 0, out));
    return nnc_lower_emit(ctx, rop, params, bytes, ids, extra_count + 1, &y, 1);
}

nnc_status nnc_lower_input_as(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype dtype)
{
    const nnc_value *v = nnc_lower_in_value(ctx, i);
    nnrt_cast_params params = {.dtype = (uint32_t)dtype};
    uint32_t in;
    NNC_TRY(nnc_lower_input(&in, ctx, i, NNC_FORM_LOGICAL));
    if (nnc_lower_dtype(v) == dtype) {
        *out = in;
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_temp(out, ctx, dtype, nnc_lower_rank(v)));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &params, sizeof params, &in, 1, out, 1);
}

nnc_status nnc_lower_any_output(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype dtype,
                                uint32_t rank)
{
    return nnc_lower_out_value(ctx, i) ? nnc_lower_output(out, ctx, i, NNC_FORM_LOGICAL)
                                       : nnc_lower_temp(out, ctx, dtype, rank);
}

nnc_status nnc_lower_input_axis(int32_t *out, const nnc_lower_ctx *ctx, int64_t axis, bool nhwc)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (axis < 0) {
        NNC_TRY(nnc_lower_check_rank(ctx, 0));
    }
    *out = nnc_lower_axis(axis, x->has_shape ? x->shape.rank : 0, nhwc);
    return NNC_OK;
}

uint32_t nnc_lower_rank(const nnc_value *v)
{
    return v->has_shape ? v->shape.rank : NNRT_RANK_ANY;
}

nnc_status nnc_lower_check_rank(const nnc_lower_ctx *ctx, uint32_t i)
{
    const nnc_value *v = nnc_lower_in_value(ctx, i);
    return v->has_shape ? NNC_OK : nnc_lower_fail(ctx, "the rank of '%s' is unknown", v->name);
}

nnc_status nnc_lower_alias(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    bool nhwc = x->has_shape && nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    const nnrt_axes_params none = {.mask = 0}; /* no new dims, of whatever rank */
    return nnc_lower_move(ctx, NNRT_ROP_ID_UNSQUEEZE, &none, sizeof none, NULL, 0, form, form);
}

nnc_status nnc_lower_slice(nnc_lower_ctx *ctx, uint32_t in, uint32_t out, int64_t axis,
                           int64_t start, int64_t end, int64_t step)
{
    uint32_t ids[5] = {in, 0, 0, 0, 0};
    const int64_t values[4] = {start, end, axis, step};
    for (uint32_t i = 0; i < 4; i++) {
        NNC_TRY(nnc_lower_const_i64(&ids[i + 1], ctx, &values[i], 1));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SLICE, NULL, 0, ids, 5, &out, 1);
}

nnc_status nnc_lower_cast(uint32_t *out, nnc_lower_ctx *ctx, uint32_t in, nnc_dtype from,
                          nnc_dtype to, uint32_t rank)
{
    nnrt_cast_params params = {.dtype = (uint32_t)to};
    *out = in;
    if (from == to) {
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_temp(out, ctx, (nnrt_dtype)to, rank));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &params, sizeof params, &in, 1, out, 1);
}
