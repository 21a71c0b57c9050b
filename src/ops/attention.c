/* Attention, RotaryEmbedding. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>

#include "ops/op_util.h"

static const nnc_attr_schema attention_attrs[] = {
    NNC_A_BOOL("is_causal"),
    NNC_A_INT("kv_num_heads", 1, NNC_DIM_LIMIT),
    NNC_A_INT("left_window_size", -1, NNC_DIM_LIMIT),
    NNC_A_INT("q_num_heads", 1, NNC_DIM_LIMIT),
    NNC_A_INT("qk_matmul_output_mode", 0, 3),
    NNC_A_INT("right_window_size", -1, NNC_DIM_LIMIT),
    NNC_A_FLOAT("scale"),
    {"softcap", NNC_ATTR_FLOAT, false, 0.0, 3.4e38, NULL},
    NNC_A_INT("softmax_precision", 1, 16),
};

enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_K, IN_PAST_V, IN_LENGTHS };

/* A dim that is no number and no symbol. */
#define UNKNOWN INT64_MIN

/* Batch, heads, positions, elements of a head. */
typedef struct heads {
    bool known;
    int64_t b, h, n, d;
} heads;

static nnc_status read_heads(heads *out, const nnc_infer_ctx *ctx, uint32_t i, const char *attr)
{
    const nnc_value *v = nnc_infer_shaped(ctx, i);
    const int64_t count = nnc_node_int(nnc_infer_node(ctx), attr, 0);
    *out = (heads){.known = v != NULL};
    if (!v) {
        return NNC_OK;
    }
    const int64_t *dims = v->shape.dims;
    if (v->shape.rank == 4) {
        *out = (heads){true, dims[0], dims[1], dims[2], dims[3]};
        return NNC_OK;
    }
    if (count == 0) {
        return nnc_infer_fail(ctx, "3-D inputs need the attribute '%s'", attr);
    }
    if (dims[2] >= 0 && dims[2] % count != 0) {
        return nnc_infer_fail(ctx, "%" PRId64 " elements cannot be split into %" PRId64 " heads",
                              dims[2], count);
    }
    *out = (heads){true, dims[0], count, dims[1], dims[2] < 0 ? UNKNOWN : dims[2] / count};
    return NNC_OK;
}

static nnc_status check_heads(const nnc_infer_ctx *ctx, const heads *q, const heads *k,
                              const heads *v)
{
    if (q->known && k->known && q->d >= 0 && k->d >= 0 && q->d != k->d) {
        return nnc_infer_fail(ctx, "heads of queries have %" PRId64 " elements, of keys %" PRId64,
                              q->d, k->d);
    }
    if (q->known && k->known && q->h >= 0 && k->h >= 0 && (k->h == 0 || q->h % k->h != 0)) {
        return nnc_infer_fail(ctx, "%" PRId64 " heads of queries, %" PRId64 " of keys", q->h, k->h);
    }
    if (k->known && v->known &&
        ((k->h >= 0 && v->h >= 0 && k->h != v->h) || (k->n >= 0 && v->n >= 0 && k->n != v->n))) {
        return nnc_infer_fail(
            ctx, "%" PRId64 " keys in %" PRId64 " heads, %" PRId64 " values in %" PRId64, k->n,
            k->h, v->n, v->h);
    }
    return NNC_OK;
}

static int64_t or_fresh(nnc_infer_ctx *ctx, const heads *h, int64_t dim)
{
    return h->known && dim != UNKNOWN ? dim : nnc_infer_fresh_dim(ctx);
}

static nnc_status attention_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *q_value = nnc_infer_input(ctx, IN_Q);
    const nnc_value *past = nnc_infer_shaped(ctx, IN_PAST_K);
    const bool has_past = nnc_infer_input(ctx, IN_PAST_K) != NULL;
    heads q, k, v;
    for (uint32_t i = IN_Q; i <= IN_V; i++) {
        NNC_TRY(nnc_infer_check_rank(ctx, i, 3, 4));
    }
    for (uint32_t i = IN_PAST_K; i <= IN_PAST_V; i++) {
        NNC_TRY(nnc_infer_check_rank(ctx, i, 4, 4));
    }
    if (has_past != (nnc_infer_input(ctx, IN_PAST_V) != NULL)) {
        return nnc_infer_fail(ctx, "past_key and past_value do not come together");
    }
    NNC_TRY(read_heads(&q, ctx, IN_Q, "q_num_heads"));
    NNC_TRY(read_heads(&k, ctx, IN_K, "kv_num_heads"));
    NNC_TRY(read_heads(&v, ctx, IN_V, "kv_num_heads"));
    NNC_TRY(check_heads(ctx, &q, &k, &v));
    const nnc_dtype dtype = q_value->dtype;
    int64_t t = k.n;
    if (has_past) {
        bool both = past && past->shape.dims[2] >= 0 && k.known && k.n >= 0;
        t = both ? past->shape.dims[2] + k.n : nnc_infer_fresh_dim(ctx);
    } else {
        t = or_fresh(ctx, &k, t);
    }
    nnc_shape y = {.rank = 4, .dims = {q.b, q.h, q.n, or_fresh(ctx, &v, v.d)}};
    if (q.known && q_value->shape.rank == 3) {
        bool sized = v.known && v.d >= 0;
        y = (nnc_shape){.rank = 3,
                        .dims = {q.b, q.n, sized ? v.d * q.h : nnc_infer_fresh_dim(ctx)}};
    }
    const nnc_shape present_k = {
        .rank = 4,
        .dims = {or_fresh(ctx, &k, k.b), or_fresh(ctx, &k, k.h), t, or_fresh(ctx, &k, k.d)}};
    const nnc_shape present_v = {
        .rank = 4,
        .dims = {or_fresh(ctx, &v, v.b), or_fresh(ctx, &v, v.h), t, or_fresh(ctx, &v, v.d)}};
    const nnc_shape scores = {
        .rank = 4,
        .dims = {or_fresh(ctx, &q, q.b), or_fresh(ctx, &q, q.h), or_fresh(ctx, &q, q.n), t}};
    NNC_TRY(q.known ? nnc_infer_output(ctx, 0, dtype, &y)
                    : nnc_infer_output_unknown(ctx, 0, dtype,
                                               nnc_node_attr(node, "q_num_heads") ? 3 : -1));
    NNC_TRY(nnc_infer_output(ctx, 1, nnc_infer_dtype(ctx, IN_K), &present_k));
    NNC_TRY(nnc_infer_output(ctx, 2, nnc_infer_dtype(ctx, IN_V), &present_v));
    return nnc_infer_output(ctx, 3, dtype, &scores);
}

static nnc_status read_params(nnrt_attention_params *p, const nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *q = nnc_lower_in_value(ctx, IN_Q);
    if (!q->has_shape || !nnc_lower_in_value(ctx, IN_K)->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", q->name);
    }
    if (q->dtype != NNC_DTYPE_FLOAT) {
        return nnc_lower_fail(ctx, "Q is %s, only float32 can run", nnc_dtype_name((int)q->dtype));
    }
    const bool split = q->shape.rank == 3;
    *p = (nnrt_attention_params){
        .q_heads = split ? (uint32_t)nnc_node_int(node, "q_num_heads", 0) : 0,
        .kv_heads = split ? (uint32_t)nnc_node_int(node, "kv_num_heads", 0) : 0,
        .has_scale = nnc_node_attr(node, "scale") != NULL,
        .scale = nnc_node_float(node, "scale", 0.0f),
        .softcap = nnc_node_float(node, "softcap", 0.0f),
        .causal = nnc_node_int(node, "is_causal", 0) != 0,
        .left = (int32_t)nnc_node_int(node, "left_window_size", -1),
        .right = (int32_t)nnc_node_int(node, "right_window_size", -1),
        .scores = (uint32_t)nnc_node_int(node, "qk_matmul_output_mode", 0),
    };
    return NNC_OK;
}

static nnc_status attention_lower(nnc_lower_ctx *ctx)
{
    nnrt_attention_params params;
    uint32_t in[7], count = 3, out[4];
    NNC_TRY(read_params(&params, ctx));
    for (uint32_t i = IN_Q; i <= IN_V; i++) {
        NNC_TRY(nnc_lower_input(&in[i], ctx, i, NNC_FORM_LOGICAL));
    }
    for (uint32_t i = IN_MASK; i <= IN_LENGTHS; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(nnc_lower_input(&in[count++], ctx, i, NNC_FORM_LOGICAL));
            params.inputs |= i == IN_MASK
                                 ? NNRT_ATTENTION_MASK
                                 : (i == IN_LENGTHS ? NNRT_ATTENTION_LENGTHS : NNRT_ATTENTION_PAST);
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        if (nnc_lower_out_value(ctx, i)) {
            params.outputs |= i == 3 ? NNRT_ATTENTION_SCORES : (i > 0 ? NNRT_ATTENTION_PRESENT : 0);
            NNC_TRY(nnc_lower_output(&out[i], ctx, i, NNC_FORM_LOGICAL));
        } else {
            NNC_TRY(nnc_lower_temp(&out[i], ctx, NNRT_F32, i == 0 && params.q_heads ? 3 : 4));
        }
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_ATTENTION, &params, sizeof params, in, count, out, 4);
}

static void attention_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *q = nnc_node_in(graph, node, IN_Q), *k = nnc_node_in(graph, node, IN_K);
    out->params = nnc_cost_params(graph, nnc_graph_node_const(graph, node));
    if (q->has_shape && k->has_shape && k->shape.rank >= 3) {
        int64_t keys = k->shape.dims[k->shape.rank - 2];
        out->macs = nnc_cost_mul(2 * nnc_cost_elements(&q->shape), keys < 0 ? 1 : (uint64_t)keys);
    }
}

/* Heads share their elements between queries and keys: only the batch is free. */
static nnc_status attention_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    (void)graph;
    (void)node;
    NNC_TRY(nnc_dims_link(links, IN_Q, 0, 0, 0));
    NNC_TRY(nnc_dims_link(links, IN_K, 0, 0, 0));
    return nnc_dims_link(links, IN_V, 0, 0, 0);
}

const nnc_op nnc_op_Attention = {
    .domain = "",
    .name = "Attention",
    .min_in = 3,
    .max_in = 7,
    .min_out = 1,
    .max_out = 4,
    NNC_ATTRS(attention_attrs),
    .infer = attention_infer,
    .lower = attention_lower,
    .grad = NNC_NO_GRAD,
    .cost = attention_cost,
    .dims = attention_dims,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- RotaryEmbedding ---- */

static const nnc_attr_schema rotary_attrs[] = {
    NNC_A_BOOL("interleaved"),
    NNC_A_INT("num_heads", 0, NNC_DIM_LIMIT),
    NNC_A_INT("rotary_embedding_dim", 0, NNC_DIM_LIMIT),
};

static nnc_status rotary_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *cosine = nnc_infer_shaped(ctx, 1);
    const uint32_t rank = nnc_infer_input(ctx, 3) ? 2 : 3;
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 3, 4));
    NNC_TRY(nnc_infer_check_rank(ctx, 1, rank, rank));
    NNC_TRY(nnc_infer_check_rank(ctx, 2, rank, rank));
    NNC_TRY(nnc_infer_check_rank(ctx, 3, 2, 2));
    const int64_t heads_given = nnc_node_int(node, "num_heads", 0);
    if (x && x->shape.rank == 3 && heads_given == 0) {
        return nnc_infer_fail(ctx, "3-D input needs the attribute 'num_heads'");
    }
    if (x && cosine) {
        const int64_t last = x->shape.dims[x->shape.rank - 1];
        int64_t d = x->shape.rank == 4 || last < 0 ? last : last / heads_given;
        int64_t given = nnc_node_int(node, "rotary_embedding_dim", 0);
        int64_t half = cosine->shape.dims[rank - 1], r = given ? given : d;
        if (r >= 0 && half >= 0 && r != 2 * half) {
            return nnc_infer_fail(ctx, "tables of %" PRId64 " columns for %" PRId64 " elements",
                                  half, r);
        }
    }
    return nnc_infer_same(ctx);
}

static nnc_status rotary_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of '%s' is unknown", x->name);
    }
    const nnrt_rotary_params params = {
        .heads = x->shape.rank == 3 ? (uint32_t)nnc_node_int(node, "num_heads", 0) : 0,
        .dims = (uint32_t)nnc_node_int(node, "rotary_embedding_dim", 0),
        .interleaved = nnc_node_int(node, "interleaved", 0) != 0,
    };
    uint32_t extra[3], count = 0;
    for (uint32_t i = 1; i < 4; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            NNC_TRY(nnc_lower_input(&extra[count++], ctx, i, NNC_FORM_LOGICAL));
        }
    }
    return nnc_lower_move(ctx, NNRT_ROP_ID_ROTARY, &params, sizeof params, extra, count,
                          NNC_FORM_LOGICAL, NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_RotaryEmbedding = {
    .domain = "",
    .name = "RotaryEmbedding",
    .min_in = 3,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(rotary_attrs),
    .infer = rotary_infer,
    .lower = rotary_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
