/* From the forms of opsets 1 to 6. SPDX-License-Identifier: Apache-2.0
 * They wrote broadcasting as attributes, named types by text and told what may be overwritten. Files are never written in
 * them, so no step goes down. */
#include <stdio.h>
#include <string.h>

#include "onnx/steps.h"

/* Producers that the rank of a value is looked for behind. */
#define CHAIN_MAX 4096

/* Rank that the node gives by itself; -1: that of its first input. */
static int64_t own_rank(const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (nnc_node_is(n, "Flatten") || nnc_node_is(n, "Gemm")) {
        return 2;
    }
    const nnc_tensor *t = nnc_step_const(graph, node, 1);
    if (t && (nnc_node_is(n, "Conv") || nnc_node_is(n, "ConvTranspose"))) {
        return t->shape.rank;
    }
    if (t && nnc_node_is(n, "Reshape") && t->shape.rank == 1) {
        return t->shape.dims[0];
    }
    return -1;
}

/* Ops whose output has another rank than their first input. */
static bool keeps_rank(const nnc_node *n)
{
    static const char *const changing[] = {"Squeeze", "Unsqueeze", "Gather",   "Reshape", "MatMul",    "ArgMax",
                                           "ArgMin",  "Shape",     "Constant", "Expand",  "ConstantFill"};
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        if (nnc_node_is(n, changing[i])) {
            return false;
        }
    }
    return strncmp(n->op_type, "Reduce", 6) != 0 || nnc_node_int(n, "keepdims", 1) != 0;
}

/* Rank of input i, also before shapes are inferred; -1: not known. */
static int64_t rank_of(const nnc_graph *graph, nnc_node_id node, uint32_t i)
{
    for (uint32_t k = 0; k < CHAIN_MAX; k++) {
        const nnc_shape *shape = nnc_step_shape(graph, node, i);
        if (shape) {
            return shape->rank;
        }
        if (!nnc_step_has(graph, node, i)) {
            return -1;
        }
        node = nnc_graph_value_const(graph, nnc_graph_node_const(graph, node)->inputs[i])->producer;
        if (node == NNC_ID_NONE) {
            return -1;
        }
        int64_t rank = own_rank(graph, node);
        if (rank >= 0 || !keeps_rank(nnc_graph_node_const(graph, node))) {
            return rank;
        }
        i = 0;
    }
    return -1;
}

/* Input 1 gets `count` dims of length 1 at its end. */
static nnc_status append_ones(nnc_graph *graph, nnc_node_id node, int64_t rank, int64_t count)
{
    char name[300];
    int64_t axes[NNC_RANK_MAX];
    nnc_value_id inputs[2] = {nnc_graph_node_const(graph, node)->inputs[1], NNC_ID_NONE}, y;
    nnc_node_id made;
    for (int64_t k = 0; k < count; k++) {
        axes[k] = rank + k;
    }
    NNC_TRY(nnc_graph_add_const_i64(&inputs[1], graph, nnc_step_name(name, sizeof name, graph, node, "axes"), axes,
                                    (size_t)count, false));
    nnc_step_name(name, sizeof name, graph, node, "aligned");
    NNC_TRY(nnc_graph_add_value(&y, graph, name, NNC_VALUE_TEMP, NNC_DTYPE_UNDEFINED, NULL));
    NNC_TRY(nnc_graph_add_node(&made, graph, name, "", "Unsqueeze", inputs, 2, &y, 1));
    return nnc_step_set_input(graph, node, 1, y);
}

/* Input 1 is matched with the dims of input 0 from `axis` on. */
static nnc_status align(nnc_graph *graph, nnc_node_id node, int64_t axis)
{
    const char *op = nnc_graph_node_const(graph, node)->op_type;
    int64_t rank = rank_of(graph, node, 0), own = rank_of(graph, node, 1);
    if (rank < 0 || own < 0 || rank > NNC_RANK_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s with broadcasting from axis %lld on needs operands of known rank", op,
                 (long long)axis);
    }
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis + own > rank) {
        NNC_FAIL(NNC_ERR_MODEL, "%s broadcasts %lld dims from axis %lld on, the first operand has %lld", op,
                 (long long)own, (long long)axis, (long long)rank);
    }
    int64_t ones = rank - axis - own;
    return ones > 0 && own > 0 ? append_ones(graph, node, own, ones) : NNC_OK;
}

nnc_status nnc_up_broadcast_7(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_attr *axis = nnc_node_attr(n, "axis");
    if (n->input_count == 2 && nnc_node_int(n, "broadcast", 0) && axis) {
        NNC_TRY(align(graph, node, nnc_node_int(n, "axis", 0)));
    }
    nnc_node_remove_attr(graph, node, "axis");
    nnc_node_remove_attr(graph, node, "broadcast");
    return NNC_OK;
}

nnc_status nnc_up_gemm_7(nnc_graph *graph, nnc_node_id node)
{
    nnc_node_remove_attr(graph, node, "broadcast");
    return NNC_OK;
}

/* A slope for each channel was one list, whatever the rank. */
nnc_status nnc_up_prelu_7(nnc_graph *graph, nnc_node_id node)
{
    const nnc_shape *slope = nnc_step_shape(graph, node, 1);
    bool one = slope && slope->rank == 1 && slope->dims[0] == 1;
    return slope && slope->rank == 1 && !one ? align(graph, node, 1) : NNC_OK;
}

/* What is run here is run for inference, whatever the file says. */
nnc_status nnc_up_is_test_7(nnc_graph *graph, nnc_node_id node)
{
    nnc_node_remove_attr(graph, node, "is_test");
    return NNC_OK;
}

nnc_status nnc_up_concat_4(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    return nnc_node_attr(n, "axis") ? NNC_OK : nnc_node_set_int(graph, node, "axis", 1);
}

nnc_status nnc_up_reshape_5(nnc_graph *graph, nnc_node_id node)
{
    return nnc_step_ints_to_input(graph, node, "shape", 1);
}

nnc_status nnc_up_pad_2(nnc_graph *graph, nnc_node_id node)
{
    const nnc_attr *a = nnc_node_attr(nnc_graph_node_const(graph, node), "paddings");
    if (!a || a->type != NNC_ATTR_INTS) {
        return NNC_OK;
    }
    NNC_TRY(nnc_node_set_ints(graph, node, "pads", a->ints, a->count));
    nnc_node_remove_attr(graph, node, "paddings");
    return NNC_OK;
}

/* Types by name: "FLOAT". */
nnc_status nnc_up_cast_6(nnc_graph *graph, nnc_node_id node)
{
    static const char *const names[] = {"UNDEFINED", "FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",  "INT32",
                                        "INT64",     "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
    const nnc_attr *to = nnc_node_attr(nnc_graph_node_const(graph, node), "to");
    if (!to || to->type != NNC_ATTR_STRING) {
        return NNC_OK;
    }
    const char *text = nnc_node_string(nnc_graph_node_const(graph, node), "to", "");
    for (size_t i = 1; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            return nnc_node_set_int(graph, node, "to", (int64_t)i);
        }
    }
    NNC_FAIL(NNC_ERR_MODEL, "Cast to '%.40s', which is no type", text);
}

nnc_status nnc_up_lp_pool_2(nnc_graph *graph, nnc_node_id node)
{
    const nnc_attr *p = nnc_node_attr(nnc_graph_node_const(graph, node), "p");
    return p && p->type == NNC_ATTR_FLOAT ? nnc_node_set_int(graph, node, "p", (int64_t)p->f) : NNC_OK;
}

nnc_status nnc_up_upsample_7(nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    if (nnc_node_attr(n, "scales")) {
        return NNC_OK;
    }
    float scales[4] = {1.0f, 1.0f, nnc_node_float(n, "height_scale", 1.0f), nnc_node_float(n, "width_scale", 1.0f)};
    nnc_node_remove_attr(graph, node, "height_scale");
    nnc_node_remove_attr(graph, node, "width_scale");
    nnc_attr attr = {.name = "scales", .type = NNC_ATTR_FLOATS, .floats = scales, .count = 4};
    return nnc_node_set_attr(graph, node, &attr);
}

/* Outputs are told by the output list. */
nnc_status nnc_up_recurrent_7(nnc_graph *graph, nnc_node_id node)
{
    nnc_node_remove_attr(graph, node, "output_sequence");
    return NNC_OK;
}
