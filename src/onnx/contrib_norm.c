/* Contrib operators that normalize. SPDX-License-Identifier: Apache-2.0 */
#include "onnx/contrib.h"

#include <string.h>

static const uint32_t TEMP = NNC_CONTRIB_TEMP;

/* Normalizes x by gamma and [beta] into output 0; the last dim unless the node says otherwise. */
static nnc_status normalize(nnc_contrib *c, nnc_value_id x, nnc_value_id gamma, nnc_value_id beta,
                            bool rms, float epsilon)
{
    const nnc_value_id in[3] = {x, gamma, beta};
    nnc_value_id y;
    NNC_TRY(nnc_contrib_emit(&y, c, 0, rms ? "RMSNormalization" : "LayerNormalization", in,
                             rms ? 2 : 3));
    NNC_TRY(nnc_node_set_float(c->graph, c->last, "epsilon",
                               nnc_node_float(&c->old, "epsilon", epsilon)));
    return nnc_node_set_int(c->graph, c->last, "axis", nnc_node_int(&c->old, "axis", -1));
}

/* X, scale: the root mean square form. */
nnc_status nnc_contrib_simplified_layer_norm(nnc_contrib *c)
{
    NNC_TRY(nnc_contrib_refuse_output(c, 1));
    return normalize(c, c->in[0], c->in[1], NNC_ID_NONE, true, 1e-5f);
}

/* input, skip, gamma, [beta], [bias], or input, skip, gamma, [bias]; output 3 is the sum. */
nnc_status nnc_contrib_skip_layer_norm(nnc_contrib *c)
{
    const bool rms = strcmp(c->old.op_type, "SkipSimplifiedLayerNormalization") == 0;
    const uint32_t bias = rms ? 3 : 4;
    nnc_value_id sum;
    NNC_TRY(nnc_contrib_refuse_output(c, 1));
    NNC_TRY(nnc_contrib_refuse_output(c, 2));
    if (!nnc_contrib_has(c, 1) || !nnc_contrib_has(c, 2)) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks its skip or gamma");
    }
    const bool biased = nnc_contrib_has(c, bias);
    NNC_TRY(nnc_contrib_emit2(&sum, c, biased ? TEMP : 3, "Add", c->in[0], c->in[1]));
    if (biased) {
        NNC_TRY(nnc_contrib_emit2(&sum, c, 3, "Add", sum, c->in[bias]));
    }
    return normalize(c, sum, c->in[2], rms ? NNC_ID_NONE : c->in[3], rms, rms ? 1e-5f : 1e-12f);
}

/* Rows of the position table: those of position_ids, or the first S. */
static nnc_status positions(nnc_value_id *out, nnc_contrib *c)
{
    nnc_value_id in[5] = {c->in[3]}, s;
    const int64_t zero = 0, one = 1;
    if (nnc_contrib_has(c, 8)) {
        return nnc_contrib_emit2(out, c, TEMP, "Gather", c->in[3], c->in[8]);
    }
    NNC_TRY(nnc_contrib_ints(&in[1], c, &zero, 1));
    NNC_TRY(nnc_contrib_emit1(&s, c, TEMP, "Shape", c->in[0]));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "start", 1));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "end", 2));
    in[2] = s;
    in[3] = in[1];
    NNC_TRY(nnc_contrib_ints(&in[4], c, &one, 1));
    return nnc_contrib_emit(out, c, TEMP, "Slice", in, 5);
}

/* Output 1: tokens of each sequence by the mask, 0 without one. */
static nnc_status mask_index(nnc_contrib *c)
{
    const int64_t axis = 1;
    nnc_value_id in[2], y;
    if (c->out[1] == NNC_ID_NONE) {
        return NNC_OK;
    }
    if (!nnc_contrib_has(c, 7)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has a mask_index without a mask");
    }
    in[0] = c->in[7];
    NNC_TRY(nnc_contrib_ints(&in[1], c, &axis, 1));
    NNC_TRY(nnc_contrib_emit(&y, c, 1, "ReduceSum", in, 2));
    return nnc_node_set_int(c->graph, c->last, "keepdims", 0);
}

/* input_ids, [segment_ids], word, position, [segment] tables, gamma, beta, [mask], [position_ids].
 */
nnc_status nnc_contrib_embed_layer_norm(nnc_contrib *c)
{
    nnc_value_id sum, part;
    const bool segments = nnc_contrib_has(c, 1) && nnc_contrib_has(c, 4);
    if (!nnc_contrib_has(c, 2) || !nnc_contrib_has(c, 3) || !nnc_contrib_has(c, 5)) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks a table or gamma");
    }
    NNC_TRY(nnc_contrib_emit2(&sum, c, TEMP, "Gather", c->in[2], c->in[0]));
    NNC_TRY(positions(&part, c));
    NNC_TRY(nnc_contrib_emit2(&sum, c, segments ? TEMP : 2, "Add", sum, part));
    if (segments) {
        NNC_TRY(nnc_contrib_emit2(&part, c, TEMP, "Gather", c->in[4], c->in[1]));
        NNC_TRY(nnc_contrib_emit2(&sum, c, 2, "Add", sum, part));
    }
    NNC_TRY(mask_index(c));
    return normalize(c, sum, c->in[5], c->in[6], false, 1e-12f);
}

/* X + skip + bias for images [N,H,W,C]: skip may be [N,C], or [N,1,1,C]. Output 1. */
static nnc_status skipped(nnc_value_id *out, nnc_contrib *c)
{
    static const int64_t middle[] = {1, 2};
    nnc_value_id skip = c->in[3];
    if (!nnc_contrib_has(c, 3)) {
        NNC_FAIL(NNC_ERR_MODEL, "lacks its skip");
    }
    if (nnc_contrib_rank(c, skip) == 2) {
        NNC_TRY(nnc_contrib_unsqueeze(&skip, c, skip, middle, 2));
    }
    const bool biased = nnc_contrib_has(c, 4);
    NNC_TRY(nnc_contrib_emit2(out, c, biased ? TEMP : 1, "Add", c->in[0], skip));
    return biased ? nnc_contrib_emit2(out, c, 1, "Add", *out, c->in[4]) : NNC_OK;
}

/* X [N,H,W,C], gamma, beta, [skip], [bias]; activation 1 is x * sigmoid(x). */
nnc_status nnc_contrib_group_norm(nnc_contrib *c)
{
    static const int64_t to_nchw[] = {0, 3, 1, 2}, to_nhwc[] = {0, 2, 3, 1};
    const bool last = nnc_node_int(&c->old, "channels_last", 1) != 0;
    const bool silu = nnc_node_int(&c->old, "activation", 0) == 1;
    nnc_value_id x = c->in[0], y, in[3] = {NNC_ID_NONE, c->in[1], c->in[2]};
    if (strcmp(c->old.op_type, "SkipGroupNorm") == 0) {
        NNC_TRY(skipped(&x, c));
    }
    in[0] = x;
    if (last) {
        NNC_TRY(nnc_contrib_transpose(&in[0], c, TEMP, x, to_nchw, 4));
    }
    NNC_TRY(nnc_contrib_emit(&y, c, last || silu ? TEMP : 0, "GroupNormalization", in, 3));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "num_groups", nnc_node_int(&c->old, "groups", 1)));
    NNC_TRY(nnc_node_set_float(c->graph, c->last, "epsilon",
                               nnc_node_float(&c->old, "epsilon", 1e-5f)));
    if (last) {
        NNC_TRY(nnc_contrib_transpose(&y, c, silu ? TEMP : 0, y, to_nhwc, 4));
    }
    if (!silu) {
        return NNC_OK;
    }
    nnc_value_id gate;
    NNC_TRY(nnc_contrib_emit1(&gate, c, TEMP, "Sigmoid", y));
    return nnc_contrib_emit2(&y, c, 0, "Mul", y, gate);
}
