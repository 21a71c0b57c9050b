/* GroupQueryAttention: packed operands are split, and rotation becomes nodes before it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/contrib.h"

static const uint32_t TEMP = NNC_CONTRIB_TEMP;

enum { Q, K, V, PAST_K, PAST_V, LENGTHS, TOTAL, COS, SIN, POSITIONS, BIAS, SINK };

/* [B,S,(N+2*Nk)*D] of the first input as queries, keys and values. */
static nnc_status split_packed(nnc_value_id *part, nnc_contrib *c, int64_t heads, int64_t kv_heads)
{
    const nnc_shape *shape = nnc_contrib_shape(c, c->in[Q]);
    const int64_t all = heads + 2 * kv_heads;
    if (!shape || shape->rank != 3 || shape->dims[2] < 0 || shape->dims[2] % all != 0) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "has packed operands that are not [B,S,%lld*D] with a known D", (long long)all);
    }
    const int64_t d = shape->dims[2] / all;
    const int64_t sizes[] = {heads * d, kv_heads * d, kv_heads * d};
    return nnc_contrib_split(part, c, c->in[Q], -1, sizes, 3);
}

/* Places of the new tokens [B,S]: max(0, seqlens_k + 1 - S) and on. */
static nnc_status token_places(nnc_value_id *out, nnc_contrib *c)
{
    static const int64_t column[] = {-1, 1};
    nnc_value_id s, one, zero, first, range;
    if (!nnc_contrib_has(c, LENGTHS)) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks seqlens_k");
    }
    NNC_TRY(nnc_contrib_dim(&s, c, c->in[Q], 1));
    NNC_TRY(nnc_contrib_range(&range, c, s));
    NNC_TRY(nnc_contrib_scalar_int(&one, c, 1));
    NNC_TRY(nnc_contrib_scalar_int(&zero, c, 0));
    NNC_TRY(nnc_contrib_cast(&first, c, c->in[LENGTHS], NNC_DTYPE_INT64));
    NNC_TRY(nnc_contrib_reshape(&first, c, TEMP, first, column, 2));
    NNC_TRY(nnc_contrib_emit2(&first, c, TEMP, "Add", first, one));
    NNC_TRY(nnc_contrib_emit2(&first, c, TEMP, "Sub", first, s));
    NNC_TRY(nnc_contrib_emit2(&first, c, TEMP, "Max", first, zero));
    return nnc_contrib_emit2(out, c, TEMP, "Add", first, range);
}

static nnc_status rotate(nnc_value_id *x, nnc_contrib *c, nnc_value_id places, int64_t heads)
{
    const nnc_shape *table = nnc_contrib_shape(c, c->in[COS]);
    const nnc_value_id in[4] = {*x, c->in[COS], c->in[SIN], places};
    NNC_TRY(nnc_contrib_emit(x, c, TEMP, "RotaryEmbedding", in, 4));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "num_heads", heads));
    if (table && table->rank == 2 && table->dims[1] > 0) {
        NNC_TRY(nnc_node_set_int(c->graph, c->last, "rotary_embedding_dim", 2 * table->dims[1]));
    }
    return nnc_node_set_int(c->graph, c->last, "interleaved",
                            nnc_node_int(&c->old, "rotary_interleaved", 0));
}

static nnc_status copy_attrs(nnc_contrib *c)
{
    for (uint32_t i = 0; i < c->old.attr_count; i++) {
        NNC_TRY(nnc_node_set_attr(c->graph, c->last, &c->old.attrs[i]));
    }
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "do_rotary", 0));
    nnc_node_remove_attr(c->graph, c->last, "rotary_interleaved");
    return NNC_OK;
}

nnc_status nnc_contrib_group_query_attention(nnc_contrib *c)
{
    const int64_t heads = nnc_node_int(&c->old, "num_heads", 0);
    const int64_t kv_heads = nnc_node_int(&c->old, "kv_num_heads", 0);
    nnc_value_id in[SINK + 1], out[NNC_CONTRIB_OUTPUTS], places;
    const uint32_t count = c->old.input_count > SINK + 1 ? SINK + 1 : c->old.input_count;
    if (heads < 1 || kv_heads < 1 || heads > INT32_MAX || kv_heads > INT32_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "num_heads is %lld, kv_num_heads %lld", (long long)heads,
                 (long long)kv_heads);
    }
    for (uint32_t i = 0; i <= SINK; i++) {
        in[i] = c->in[i];
    }
    if (!nnc_contrib_has(c, K)) {
        NNC_TRY(split_packed(in, c, heads, kv_heads));
    }
    if (nnc_node_int(&c->old, "do_rotary", 0) != 0) {
        places = c->in[POSITIONS];
        if (!nnc_contrib_has(c, POSITIONS)) {
            NNC_TRY(token_places(&places, c));
        }
        NNC_TRY(rotate(&in[Q], c, places, heads));
        NNC_TRY(rotate(&in[K], c, places, kv_heads));
    }
    in[COS] = in[SIN] = in[POSITIONS] = NNC_ID_NONE;
    for (uint32_t i = 0; i < c->old.output_count; i++) {
        out[i] = c->out[i];
    }
    uint32_t used = count > 3 ? count : 3;
    while (used > 3 && in[used - 1] == NNC_ID_NONE) {
        used--;
    }
    NNC_TRY(nnc_graph_add_node(&c->last, c->graph, c->old.name, "com.microsoft",
                               "GroupQueryAttention", in, used, out, c->old.output_count));
    return copy_attrs(c);
}
