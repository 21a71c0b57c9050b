/* Attention, MultiHeadAttention and RotaryEmbedding of com.microsoft on those of ai.onnx.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/contrib.h"

#include <string.h>

static const uint32_t TEMP = NNC_CONTRIB_TEMP;

/* What an ai.onnx Attention node gets. */
typedef struct attention {
    nnc_value_id q, k, v, mask, past_k, past_v;
    int64_t heads, kv_heads;
    uint32_t y, present_k, present_v; /* output slots */
} attention;

static nnc_status emit_attention(nnc_value_id *out, nnc_contrib *c, const attention *a)
{
    const nnc_value_id in[6] = {a->q, a->k, a->v, a->mask, a->past_k, a->past_v};
    const uint32_t to[3] = {a->y, a->present_k, a->present_v};
    const bool three = nnc_contrib_rank(c, a->q) != 4;
    const float scale = nnc_node_float(&c->old, "scale", 0.0f);
    NNC_TRY(nnc_contrib_emit_many(out, c, to, 3, "Attention", in, 6));
    if (three) {
        NNC_TRY(nnc_node_set_int(c->graph, c->last, "q_num_heads", a->heads));
        NNC_TRY(nnc_node_set_int(c->graph, c->last, "kv_num_heads", a->kv_heads));
    }
    if (scale != 0.0f) {
        NNC_TRY(nnc_node_set_float(c->graph, c->last, "scale", scale));
    }
    if (nnc_node_int(&c->old, "unidirectional", 0) != 0) {
        NNC_TRY(nnc_node_set_int(c->graph, c->last, "is_causal", 1));
    }
    return NNC_OK;
}

static nnc_status read_heads(int64_t *heads, const nnc_contrib *c)
{
    *heads = nnc_node_int(&c->old, "num_heads", 0);
    if (*heads < 1) {
        NNC_FAIL(NNC_ERR_MODEL, "num_heads is %lld", (long long)*heads);
    }
    return NNC_OK;
}

/* ---- masks ---- */

/* Keys in all: those of the past and of `k` [B,S,..]. */
static nnc_status key_count(nnc_value_id *out, nnc_contrib *c, nnc_value_id k, nnc_value_id past)
{
    nnc_value_id before;
    const int axis = nnc_contrib_rank(c, k) == 4 ? 2 : 1;
    NNC_TRY(nnc_contrib_dim(out, c, k, axis));
    if (past == NNC_ID_NONE) {
        return NNC_OK;
    }
    NNC_TRY(nnc_contrib_dim(&before, c, past, 2));
    return nnc_contrib_emit2(out, c, TEMP, "Add", before, *out);
}

/* Lengths [B] as a bool mask [B,T]. */
static nnc_status mask_of_lengths(nnc_value_id *out, nnc_contrib *c, nnc_value_id lengths,
                                  nnc_value_id keys)
{
    static const int64_t axis[] = {1};
    nnc_value_id range;
    NNC_TRY(nnc_contrib_range(&range, c, keys));
    NNC_TRY(nnc_contrib_cast(&lengths, c, lengths, NNC_DTYPE_INT64));
    NNC_TRY(nnc_contrib_unsqueeze(&lengths, c, lengths, axis, 1));
    return nnc_contrib_emit2(out, c, TEMP, "Less", range, lengths);
}

/* A mask of lengths [B] or of flags [B,T] or [B,S,T] as floats to add that broadcast to [B,N,S,T];
 * k, past: of the keys it is about. */
static nnc_status padding_mask(nnc_value_id *out, nnc_contrib *c, nnc_value_id mask, nnc_value_id k,
                               nnc_value_id past)
{
    static const int64_t axes[] = {1, 2};
    const nnc_shape *shape = nnc_contrib_shape(c, mask), *first = nnc_contrib_shape(c, c->in[0]);
    const int rank = shape ? (int)shape->rank : -1;
    nnc_value_id keep = mask, zero, filter;
    if (rank == 1) {
        nnc_value_id keys;
        if (first && shape->dims[0] >= 0 && first->dims[0] >= 0 &&
            shape->dims[0] != first->dims[0]) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "has a mask of %lld numbers for %lld sequences",
                     (long long)shape->dims[0], (long long)first->dims[0]);
        }
        NNC_TRY(key_count(&keys, c, k, past));
        NNC_TRY(mask_of_lengths(&keep, c, mask, keys));
    } else if (rank == 2 || rank == 3) {
        NNC_TRY(nnc_contrib_cast(&keep, c, mask, NNC_DTYPE_BOOL));
    } else {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has a mask with %d dims", rank);
    }
    NNC_TRY(nnc_contrib_unsqueeze(&keep, c, keep, axes, rank == 3 ? 1 : 2));
    NNC_TRY(nnc_contrib_scalar(&zero, c, 0.0f));
    NNC_TRY(
        nnc_contrib_scalar(&filter, c, nnc_node_float(&c->old, "mask_filter_value", -10000.0f)));
    const nnc_value_id in[3] = {keep, zero, filter};
    return nnc_contrib_emit(out, c, TEMP, "Where", in, 3);
}

/* [B,1,1,T] as [B,1,S,T]: ONNX Runtime's Attention wants a row for each query. */
static nnc_status repeat_rows(nnc_value_id *mask, nnc_contrib *c, nnc_value_id q)
{
    static const int64_t axis[] = {0}, one[] = {1, 1};
    nnc_value_id dims[3], shape;
    NNC_TRY(nnc_contrib_ints(&dims[0], c, one, 2));
    NNC_TRY(nnc_contrib_dim(&dims[1], c, q, 1));
    NNC_TRY(nnc_contrib_unsqueeze(&dims[1], c, dims[1], axis, 1));
    NNC_TRY(nnc_contrib_ints(&dims[2], c, one, 1));
    NNC_TRY(nnc_contrib_emit(&shape, c, TEMP, "Concat", dims, 3));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "axis", 0));
    return nnc_contrib_emit2(mask, c, TEMP, "Expand", *mask, shape);
}

/* The padding mask of input `mask` plus the bias of input `bias`, NNC_ID_NONE if there is neither.
 */
static nnc_status join_masks(attention *a, nnc_contrib *c, uint32_t mask, uint32_t bias)
{
    a->mask = c->in[bias];
    if (!nnc_contrib_has(c, mask)) {
        return NNC_OK;
    }
    nnc_value_id padding;
    NNC_TRY(padding_mask(&padding, c, c->in[mask], a->k, a->past_k));
    if (a->mask == NNC_ID_NONE) {
        a->mask = padding;
        return nnc_contrib_rank(c, c->in[mask]) == 3 ? NNC_OK : repeat_rows(&a->mask, c, a->q);
    }
    return nnc_contrib_emit2(&a->mask, c, TEMP, "Add", padding, a->mask);
}

/* ---- Attention ---- */

/* past [2,B,N,P,D] as keys and values. */
static nnc_status split_past(attention *a, nnc_contrib *c, nnc_value_id past)
{
    const int64_t zero = 0;
    nnc_value_id half[2], axes;
    NNC_TRY(nnc_contrib_split(half, c, past, 0, NULL, 2));
    NNC_TRY(nnc_contrib_ints(&axes, c, &zero, 1));
    NNC_TRY(nnc_contrib_emit2(&a->past_k, c, TEMP, "Squeeze", half[0], axes));
    return nnc_contrib_emit2(&a->past_v, c, TEMP, "Squeeze", half[1], axes);
}

/* Output 1: keys and values stacked. */
static nnc_status join_present(nnc_contrib *c, nnc_value_id k, nnc_value_id v)
{
    static const int64_t axis[] = {0};
    nnc_value_id y;
    if (c->out[1] == NNC_ID_NONE) {
        return NNC_OK;
    }
    NNC_TRY(nnc_contrib_unsqueeze(&k, c, k, axis, 1));
    NNC_TRY(nnc_contrib_unsqueeze(&v, c, v, axis, 1));
    NNC_TRY(nnc_contrib_emit2(&y, c, 1, "Concat", k, v));
    return nnc_node_set_int(c->graph, c->last, "axis", 0);
}

/* input, weights, [bias], [mask_index], [past], [attention_bias], [past_sequence_length]. */
nnc_status nnc_contrib_attention(nnc_contrib *c)
{
    attention a = {.mask = NNC_ID_NONE,
                   .past_k = NNC_ID_NONE,
                   .past_v = NNC_ID_NONE,
                   .y = 0,
                   .present_k = TEMP,
                   .present_v = TEMP};
    const nnc_attr *sizes = nnc_node_attr(&c->old, "qkv_hidden_sizes");
    nnc_value_id x, part[3], out[3];
    NNC_TRY(read_heads(&a.heads, c));
    a.kv_heads = a.heads;
    if (nnc_contrib_has(c, 6) || nnc_node_int(&c->old, "do_rotary", 0) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has %s",
                 nnc_contrib_has(c, 6) ? "past_sequence_length" : "do_rotary=1");
    }
    if (sizes && (sizes->type != NNC_ATTR_INTS || sizes->count != 3)) {
        NNC_FAIL(NNC_ERR_MODEL, "qkv_hidden_sizes has %zu numbers, expected 3", sizes->count);
    }
    NNC_TRY(nnc_contrib_emit2(&x, c, TEMP, "MatMul", c->in[0], c->in[1]));
    NNC_TRY(nnc_contrib_add_input(&x, c, x, 2));
    NNC_TRY(nnc_contrib_split(part, c, x, -1, sizes ? sizes->ints : NULL, 3));
    a.q = part[0];
    a.k = part[1];
    a.v = part[2];
    if (nnc_contrib_has(c, 4)) {
        NNC_TRY(split_past(&a, c, c->in[4]));
    }
    NNC_TRY(join_masks(&a, c, 3, 5));
    NNC_TRY(emit_attention(out, c, &a));
    return join_present(c, out[1], out[2]);
}

/* ---- MultiHeadAttention ---- */

/* Packed [B,S,N,n,D] as n values [B,S,N*D]. */
static nnc_status unpack(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, uint32_t n)
{
    static const int64_t dims[] = {0, 0, -1};
    NNC_TRY(nnc_contrib_split(out, c, x, 3, NULL, n));
    for (uint32_t i = 0; i < n; i++) {
        NNC_TRY(nnc_contrib_reshape(&out[i], c, TEMP, out[i], dims, 3));
    }
    return NNC_OK;
}

/* Widths of q, k, v where they are known; else thirds of the bias. */
static nnc_status split_bias(nnc_value_id *out, nnc_contrib *c, const attention *a)
{
    const nnc_shape *q = nnc_contrib_shape(c, a->q), *k = nnc_contrib_shape(c, a->k);
    const nnc_shape *v = nnc_contrib_shape(c, a->v);
    int64_t sizes[3];
    const bool known = q && k && v && q->rank == 3 && k->rank == 3 && v->rank == 3 &&
                       q->dims[2] >= 0 && k->dims[2] >= 0 && v->dims[2] >= 0;
    if (known) {
        sizes[0] = q->dims[2];
        sizes[1] = k->dims[2];
        sizes[2] = v->dims[2];
    }
    return nnc_contrib_split(out, c, c->in[3], 0, known ? sizes : NULL, 3);
}

/* [B,S,N*D] as [B,N,S,D]. */
static nnc_status to_heads(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, int64_t heads)
{
    static const int64_t perm[] = {0, 2, 1, 3};
    const int64_t dims[] = {0, 0, heads, -1};
    NNC_TRY(nnc_contrib_reshape(out, c, TEMP, x, dims, 4));
    return nnc_contrib_transpose(out, c, TEMP, *out, perm, 4);
}

/* q [B,S,N*D] with keys and values [B,N,L,D] that another layer has made. */
static nnc_status cross_attention(nnc_contrib *c, attention *a)
{
    static const int64_t perm[] = {0, 2, 1, 3}, dims[] = {0, 0, -1};
    nnc_value_id out[3], y;
    NNC_TRY(to_heads(&a->q, c, a->q, a->heads));
    a->y = TEMP;
    const nnc_value_id in[4] = {a->q, a->k, a->v, a->mask};
    const uint32_t to[3] = {TEMP, a->present_k, a->present_v};
    const float scale = nnc_node_float(&c->old, "scale", 0.0f);
    NNC_TRY(nnc_contrib_emit_many(out, c, to, 3, "Attention", in, 4));
    if (scale != 0.0f) {
        NNC_TRY(nnc_node_set_float(c->graph, c->last, "scale", scale));
    }
    NNC_TRY(nnc_contrib_transpose(&y, c, TEMP, out[0], perm, 4));
    return nnc_contrib_reshape(&y, c, 0, y, dims, 3);
}

static nnc_status read_operands(attention *a, nnc_contrib *c)
{
    nnc_value_id part[3];
    a->q = c->in[0];
    a->k = c->in[1];
    a->v = c->in[2];
    if (a->k == NNC_ID_NONE) {
        NNC_TRY(unpack(part, c, a->q, 3));
        a->q = part[0];
        a->k = part[1];
        a->v = part[2];
    } else if (a->v == NNC_ID_NONE) {
        NNC_TRY(unpack(part, c, a->k, 2));
        a->k = part[0];
        a->v = part[1];
    }
    if (nnc_contrib_has(c, 3)) {
        NNC_TRY(split_bias(part, c, a));
        NNC_TRY(nnc_contrib_emit2(&a->q, c, TEMP, "Add", a->q, part[0]));
        if (nnc_contrib_rank(c, c->in[1]) == 4) {
            return NNC_OK; /* the keys come with theirs */
        }
        NNC_TRY(nnc_contrib_emit2(&a->k, c, TEMP, "Add", a->k, part[1]));
        NNC_TRY(nnc_contrib_emit2(&a->v, c, TEMP, "Add", a->v, part[2]));
    }
    return NNC_OK;
}

/* query, [key], [value], [bias], [key_padding_mask], [attention_bias], [past_key], [past_value],
 * ... */
nnc_status nnc_contrib_multi_head_attention(nnc_contrib *c)
{
    attention a = {.mask = NNC_ID_NONE,
                   .past_k = c->in[6],
                   .past_v = c->in[7],
                   .y = 0,
                   .present_k = 1,
                   .present_v = 2};
    nnc_value_id out[3];
    NNC_TRY(read_heads(&a.heads, c));
    a.kv_heads = a.heads;
    NNC_TRY(nnc_contrib_refuse_output(c, 3));
    for (uint32_t i = 8; i < NNC_CONTRIB_INPUTS; i++) {
        if (nnc_contrib_has(c, i)) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "has input %u", (unsigned)i);
        }
    }
    NNC_TRY(read_operands(&a, c));
    NNC_TRY(join_masks(&a, c, 4, 5));
    if (nnc_contrib_rank(c, c->in[1]) == 4) {
        return cross_attention(c, &a);
    }
    return emit_attention(out, c, &a);
}

/* ---- RotaryEmbedding ---- */

/* Positions [B,S] from one first position and x. */
static nnc_status count_positions(nnc_value_id *out, nnc_contrib *c, nnc_value_id first)
{
    static const int64_t axis[] = {0};
    const int rank = nnc_contrib_rank(c, c->in[0]);
    nnc_value_id s, b, shape[2];
    NNC_TRY(nnc_contrib_dim(&s, c, c->in[0], rank == 4 ? 2 : 1));
    NNC_TRY(nnc_contrib_range(out, c, s));
    NNC_TRY(nnc_contrib_emit2(out, c, TEMP, "Add", *out, first));
    NNC_TRY(nnc_contrib_dim(&b, c, c->in[0], 0));
    NNC_TRY(nnc_contrib_unsqueeze(&shape[0], c, b, axis, 1));
    NNC_TRY(nnc_contrib_unsqueeze(&shape[1], c, s, axis, 1));
    NNC_TRY(nnc_contrib_emit2(&shape[0], c, TEMP, "Concat", shape[0], shape[1]));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "axis", 0));
    return nnc_contrib_emit2(out, c, TEMP, "Expand", *out, shape[0]);
}

/* Heads of a 3-D input: given, or by the width of the tables. */
static nnc_status rotary_heads(int64_t *heads, const nnc_contrib *c)
{
    const nnc_shape *x = nnc_contrib_shape(c, c->in[0]), *t = nnc_contrib_shape(c, c->in[2]);
    *heads = nnc_node_int(&c->old, "num_heads", 0);
    if (*heads > 0 || !x || x->rank != 3) {
        return NNC_OK;
    }
    if (!t || t->rank != 2 || t->dims[1] <= 0 || x->dims[2] <= 0 ||
        x->dims[2] % (2 * t->dims[1]) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "does not say its num_heads");
    }
    *heads = x->dims[2] / (2 * t->dims[1]);
    return NNC_OK;
}

/* input, position_ids, cos_cache, sin_cache. */
nnc_status nnc_contrib_rotary_embedding(nnc_contrib *c)
{
    static const char *const attrs[] = {"interleaved", "rotary_embedding_dim", NULL};
    int64_t heads;
    nnc_value_id y, in[4] = {c->in[0], c->in[2], c->in[3], c->in[1]};
    NNC_TRY(rotary_heads(&heads, c));
    if (nnc_node_float(&c->old, "scale", 1.0f) != 1.0f ||
        nnc_node_int(&c->old, "is_packed_batching", 0) != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has a scale or packed batches");
    }
    if (nnc_contrib_rank(c, c->in[1]) < 2) {
        NNC_TRY(count_positions(&in[3], c, c->in[1]));
    }
    NNC_TRY(nnc_contrib_emit(&y, c, 0, "RotaryEmbedding", in, 4));
    NNC_TRY(nnc_contrib_copy(c, attrs));
    return heads > 0 ? nnc_node_set_int(c->graph, c->last, "num_heads", heads) : NNC_OK;
}
