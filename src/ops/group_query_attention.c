/* GroupQueryAttention of com.microsoft: causal attention over a cache of keys and values.
 * SPDX-License-Identifier: Apache-2.0 In the form that import leaves: keys and values given,
 * rotation done by nodes before it. */
#include <inttypes.h>

#include "ops/op_util.h"

static const nnc_attr_schema attrs[] = {
    NNC_A_BOOL("do_rotary"),
    NNC_A_INT_REQUIRED("kv_num_heads", 1, NNC_DIM_LIMIT),
    NNC_A_INT("local_window_size", -1, NNC_DIM_LIMIT),
    NNC_A_INT_REQUIRED("num_heads", 1, NNC_DIM_LIMIT),
    NNC_A_INT("qk_output", 0, 2),
    NNC_A_BOOL("rotary_interleaved"),
    NNC_A_FLOAT("scale"),
    NNC_A_INT("smooth_softmax", -1, 1),
    {"softcap", NNC_ATTR_FLOAT, false, 0.0, 3.4e38, NULL},
};

enum { IN_Q, IN_K, IN_V, IN_PAST_K, IN_PAST_V, IN_LENGTHS, IN_TOTAL, IN_BIAS = 10, IN_SINK };

static nnc_status gqa_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const int64_t heads = nnc_node_int(node, "num_heads", 1);
    const int64_t kv_heads = nnc_node_int(node, "kv_num_heads", 1);
    if (heads % kv_heads != 0) {
        return nnc_infer_fail(ctx, "%" PRId64 " heads of queries, %" PRId64 " of keys", heads,
                              kv_heads);
    }
    for (uint32_t i = IN_Q; i <= IN_V; i++) {
        NNC_TRY(nnc_infer_check_rank(ctx, i, 3, 3));
    }
    for (uint32_t i = IN_PAST_K; i <= IN_PAST_V; i++) {
        NNC_TRY(nnc_infer_check_rank(ctx, i, 4, 4));
    }
    const nnc_value *q = nnc_infer_input(ctx, IN_Q);
    const nnc_value *k = nnc_infer_shaped(ctx, IN_K);
    if (q->has_shape && q->shape.dims[2] >= 0 && q->shape.dims[2] % heads != 0) {
        return nnc_infer_fail(ctx, "%" PRId64 " elements cannot be split into %" PRId64 " heads",
                              q->shape.dims[2], heads);
    }
    const bool sized = k && k->shape.dims[2] >= 0;
    nnc_shape present = {.rank = 4,
                         .dims = {k ? k->shape.dims[0] : nnc_infer_fresh_dim(ctx), kv_heads,
                                  nnc_infer_fresh_dim(ctx),
                                  sized ? k->shape.dims[2] / kv_heads : nnc_infer_fresh_dim(ctx)}};
    NNC_TRY(nnc_infer_output(ctx, 1, q->dtype, &present));
    NNC_TRY(nnc_infer_output(ctx, 2, q->dtype, &present));
    NNC_TRY(nnc_infer_output_unknown(ctx, 3, q->dtype, 4));
    return nnc_infer_same(ctx);
}

/* seqlens_k is one less than the number of keys. */
static nnc_status lower_lengths(uint32_t *out, nnc_lower_ctx *ctx)
{
    const int64_t one = 1;
    const nnrt_cast_params cast = {.dtype = NNRT_I64};
    const nnrt_binary_params add = {.op = NNRT_BINARY_ADD, .clamp = {0.0f, 0.0f}};
    const nnc_value *v = nnc_lower_in_value(ctx, IN_LENGTHS);
    const uint32_t rank = v->has_shape ? v->shape.rank : 1;
    uint32_t x, pair[2];
    NNC_TRY(nnc_lower_input(&x, ctx, IN_LENGTHS, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_temp(&pair[0], ctx, NNRT_I64, rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_CAST, &cast, sizeof cast, &x, 1, &pair[0], 1));
    NNC_TRY(nnc_lower_const_i64(&pair[1], ctx, &one, 1));
    NNC_TRY(nnc_lower_temp(out, ctx, NNRT_I64, rank));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &add, sizeof add, pair, 2, out, 1);
}

static nnc_status check_form(const nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    if (nnc_node_int(node, "do_rotary", 0) != 0 || nnc_node_int(node, "smooth_softmax", -1) > 0 ||
        nnc_lower_in_value(ctx, IN_SINK) || nnc_lower_out_value(ctx, 3)) {
        return nnc_lower_fail(
            ctx, "rotation inside, smooth softmax, sinks and scores cannot be computed");
    }
    for (uint32_t i = IN_LENGTHS; i <= IN_TOTAL; i++) {
        if (!nnc_lower_in_value(ctx, i)) {
            return nnc_lower_fail(ctx, "lacks seqlens_k or total_sequence_length");
        }
    }
    return NNC_OK;
}

static nnc_status gqa_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const float scale = nnc_node_float(node, "scale", 0.0f);
    const int64_t window = nnc_node_int(node, "local_window_size", -1);
    nnrt_attention_params params = {
        .q_heads = (uint32_t)nnc_node_int(node, "num_heads", 1),
        .kv_heads = (uint32_t)nnc_node_int(node, "kv_num_heads", 1),
        .has_scale = scale != 0.0f,
        .scale = scale,
        .softcap = nnc_node_float(node, "softcap", 0.0f),
        .causal = 1,
        .left = window > 0 ? (int32_t)window - 1 : -1, /* the window holds the token itself */
        .right = -1,
        .inputs = NNRT_ATTENTION_TOTAL | NNRT_ATTENTION_LENGTHS,
    };
    uint32_t in[8], count = 4, out[4];
    NNC_TRY(check_form(ctx));
    for (uint32_t i = IN_Q; i <= IN_V; i++) {
        NNC_TRY(nnc_lower_input(&in[i], ctx, i, NNC_FORM_LOGICAL));
    }
    NNC_TRY(nnc_lower_input(&in[3], ctx, IN_TOTAL, NNC_FORM_LOGICAL));
    if (nnc_lower_in_value(ctx, IN_BIAS)) {
        params.inputs |= NNRT_ATTENTION_MASK;
        NNC_TRY(nnc_lower_input(&in[count++], ctx, IN_BIAS, NNC_FORM_LOGICAL));
    }
    if (nnc_lower_in_value(ctx, IN_PAST_K) && nnc_lower_in_value(ctx, IN_PAST_V)) {
        params.inputs |= NNRT_ATTENTION_PAST;
        NNC_TRY(nnc_lower_input(&in[count++], ctx, IN_PAST_K, NNC_FORM_LOGICAL));
        NNC_TRY(nnc_lower_input(&in[count++], ctx, IN_PAST_V, NNC_FORM_LOGICAL));
    }
    NNC_TRY(lower_lengths(&in[count++], ctx));
    for (uint32_t i = 0; i < 4; i++) {
        if (nnc_lower_out_value(ctx, i)) {
            params.outputs |= i > 0 ? NNRT_ATTENTION_PRESENT : 0;
            NNC_TRY(nnc_lower_output(&out[i], ctx, i, NNC_FORM_LOGICAL));
        } else {
            NNC_TRY(nnc_lower_temp(&out[i], ctx, NNRT_F32, i == 0 ? 3 : 4));
        }
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_ATTENTION_CACHED, &params, sizeof params, in, count, out,
                          4);
}

const nnc_op nnc_op_ms_GroupQueryAttention = {
    .domain = "com.microsoft",
    .name = "GroupQueryAttention",
    .min_in = 3,
    .max_in = 12,
    .min_out = 1,
    .max_out = 4,
    NNC_ATTRS(attrs),
    .infer = gqa_infer,
    .lower = gqa_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
