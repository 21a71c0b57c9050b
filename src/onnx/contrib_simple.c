/* Contrib operators that are one or a few element-wise or moving operators.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "onnx/contrib.h"

static const uint32_t TEMP = NNC_CONTRIB_TEMP;

/* The operator of the same name of ai.onnx. */
nnc_status nnc_contrib_rename(nnc_contrib *c)
{
    uint32_t to[NNC_CONTRIB_OUTPUTS];
    nnc_value_id out[NNC_CONTRIB_OUTPUTS];
    for (uint32_t i = 0; i < NNC_CONTRIB_OUTPUTS; i++) {
        to[i] = i;
    }
    NNC_TRY(nnc_contrib_emit_many(out, c, to, c->old.output_count, c->old.op_type, c->in,
                                  NNC_CONTRIB_INPUTS));
    for (uint32_t i = 0; i < c->old.attr_count; i++) {
        NNC_TRY(nnc_node_set_attr(c->graph, c->last, &c->old.attrs[i]));
    }
    return NNC_OK;
}

static nnc_status tanh_gelu(nnc_contrib *c, nnc_value_id x)
{
    nnc_value_id y;
    NNC_TRY(nnc_contrib_emit1(&y, c, 0, "Gelu", x));
    return nnc_node_set_string(c->graph, c->last, "approximate", "tanh");
}

/* X, [bias]. */
nnc_status nnc_contrib_fast_gelu(nnc_contrib *c)
{
    nnc_value_id x;
    NNC_TRY(nnc_contrib_add_input(&x, c, c->in[0], 1));
    return tanh_gelu(c, x);
}

/* X, W, [bias]. */
nnc_status nnc_contrib_gemm_fast_gelu(nnc_contrib *c)
{
    nnc_value_id x;
    NNC_TRY(nnc_contrib_emit2(&x, c, TEMP, "MatMul", c->in[0], c->in[1]));
    NNC_TRY(nnc_contrib_add_input(&x, c, x, 2));
    return tanh_gelu(c, x);
}

/* x * sigmoid(alpha * x). */
nnc_status nnc_contrib_quick_gelu(nnc_contrib *c)
{
    const float alpha = nnc_node_float(&c->old, "alpha", 1.702f);
    nnc_value_id factor, x = c->in[0];
    if (alpha != 1.0f) {
        NNC_TRY(nnc_contrib_scalar(&factor, c, alpha));
        NNC_TRY(nnc_contrib_emit2(&x, c, TEMP, "Mul", x, factor));
    }
    NNC_TRY(nnc_contrib_emit1(&x, c, TEMP, "Sigmoid", x));
    return nnc_contrib_emit2(&x, c, 0, "Mul", c->in[0], x);
}

nnc_status nnc_contrib_bias_gelu(nnc_contrib *c)
{
    nnc_value_id x;
    NNC_TRY(nnc_contrib_add_input(&x, c, c->in[0], 1));
    return nnc_contrib_emit1(&x, c, 0, "Gelu", x);
}

/* X + bias + skip. */
nnc_status nnc_contrib_bias_add(nnc_contrib *c)
{
    nnc_value_id x;
    NNC_TRY(nnc_contrib_add_input(&x, c, c->in[0], 1));
    return nnc_contrib_emit2(&x, c, 0, "Add", x, c->in[2]);
}

/* The first half times Gelu of the second half of X + bias, along the last dim. */
nnc_status nnc_contrib_bias_split_gelu(nnc_contrib *c)
{
    nnc_value_id x, half[2];
    NNC_TRY(nnc_contrib_add_input(&x, c, c->in[0], 1));
    NNC_TRY(nnc_contrib_split(half, c, x, -1, NULL, 2));
    NNC_TRY(nnc_contrib_emit1(&half[1], c, TEMP, "Gelu", half[1]));
    return nnc_contrib_emit2(&x, c, 0, "Mul", half[0], half[1]);
}

/* data, bias, [residual], [ratio], [training_mode]: nothing is dropped outside of training. */
nnc_status nnc_contrib_bias_dropout(nnc_contrib *c)
{
    nnc_value_id x;
    NNC_TRY(nnc_contrib_refuse_output(c, 1));
    if (!nnc_contrib_has(c, 2)) {
        return nnc_contrib_emit2(&x, c, 0, "Add", c->in[0], c->in[1]);
    }
    NNC_TRY(nnc_contrib_add_input(&x, c, c->in[0], 1));
    return nnc_contrib_emit2(&x, c, 0, "Add", x, c->in[2]);
}

/* Softmax of data + bias over all dims from `axis` on. */
nnc_status nnc_contrib_bias_softmax(nnc_contrib *c)
{
    const int rank = nnc_contrib_rank(c, c->in[0]);
    int64_t axis = nnc_node_int(&c->old, "axis", 1), keep[NNC_RANK_MAX + 1] = {0};
    nnc_value_id x, y;
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank) {
        NNC_FAIL(NNC_ERR_MODEL, "axis is %lld for rank %d", (long long)axis, rank);
    }
    NNC_TRY(nnc_contrib_add_input(&x, c, c->in[0], 1));
    if (axis == rank - 1) {
        NNC_TRY(nnc_contrib_emit1(&y, c, 0, "Softmax", x));
        return nnc_node_set_int(c->graph, c->last, "axis", -1);
    }
    keep[axis] = -1;
    NNC_TRY(nnc_contrib_reshape(&y, c, TEMP, x, keep, (size_t)axis + 1));
    NNC_TRY(nnc_contrib_emit1(&y, c, TEMP, "Softmax", y));
    NNC_TRY(nnc_node_set_int(c->graph, c->last, "axis", -1));
    nnc_value_id shape;
    NNC_TRY(nnc_contrib_emit1(&shape, c, TEMP, "Shape", x));
    return nnc_contrib_emit2(&y, c, 0, "Reshape", y, shape);
}

/* X, axis (a scalar). */
nnc_status nnc_contrib_expand_dims(nnc_contrib *c)
{
    const int64_t one = 1;
    nnc_value_id axes, y;
    const nnc_value *axis =
        nnc_contrib_has(c, 1) ? nnc_graph_value_const(c->graph, c->in[1]) : NULL;
    if (!axis || axis->kind != NNC_VALUE_CONST || nnc_tensor_count(&axis->tensor) != 1) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "has an axis that is no constant number");
    }
    const int64_t at = nnc_tensor_get_int(&axis->tensor, 0);
    NNC_TRY(nnc_contrib_ints(&axes, c, &at, (size_t)one));
    return nnc_contrib_emit2(&y, c, 0, "Unsqueeze", c->in[0], axes);
}

/* weight, indices, ...: the padding index only matters to training. */
nnc_status nnc_contrib_torch_embedding(nnc_contrib *c)
{
    nnc_value_id y;
    return nnc_contrib_emit2(&y, c, 0, "Gather", c->in[0], c->in[1]);
}

/* y, index of each element in y, counts; the second output of ai.onnx, places of the first, is not
 * there. */
nnc_status nnc_contrib_unique(nnc_contrib *c)
{
    static const uint32_t to[4] = {0, NNC_CONTRIB_TEMP, 1, 2};
    nnc_value_id out[4];
    NNC_TRY(nnc_contrib_emit_many(out, c, to, 4, "Unique", c->in, 1));
    return nnc_node_set_int(c->graph, c->last, "sorted", 0);
}

nnc_status nnc_contrib_grid_sample(nnc_contrib *c)
{
    static const char *const old_modes[] = {"bilinear", "nearest", "bicubic"};
    static const char *const new_modes[] = {"linear", "nearest", "cubic"};
    static const char *const copied[] = {"align_corners", "padding_mode", NULL};
    const char *mode = nnc_node_string(&c->old, "mode", "bilinear");
    nnc_value_id y;
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(mode, old_modes[i]) == 0) {
            NNC_TRY(nnc_contrib_emit2(&y, c, 0, "GridSample", c->in[0], c->in[1]));
            NNC_TRY(nnc_node_set_string(c->graph, c->last, "mode", new_modes[i]));
            return nnc_contrib_copy(c, copied);
        }
    }
    NNC_FAIL(NNC_ERR_MODEL, "has the mode '%.60s'", mode);
}
