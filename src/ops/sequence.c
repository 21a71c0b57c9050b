/* Sequences and optionals. SPDX-License-Identifier: Apache-2.0
 * The runtime keeps one as bytes (runtime_int8/ops/sequence.c), so in the graph it is a list of uint8 whose dim is a symbol that names the
 * element: "sequence(float32)". The name goes with the value through branches and around loops like any other. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ops/op_util.h"

/* ---- types ---- */

/* Element type of input i; false if it is no sequence. */
static bool element_of(nnc_dtype *out, const nnc_graph *graph, const nnc_value *v)
{
    *out = NNC_DTYPE_UNDEFINED;
    if (!v || !v->has_shape || v->shape.rank != 1 || v->shape.dims[0] >= 0 || v->dtype != NNC_DTYPE_UINT8) {
        return false;
    }
    const char *name = nnc_graph_symbol_name(graph, v->shape.dims[0]);
    for (int d = 1; d < NNC_DTYPE_COUNT; d++) {
        char want[64];
        snprintf(want, sizeof want, "sequence(%s)", nnc_dtype_name(d));
        if (strcmp(want, name) == 0) {
            *out = (nnc_dtype)d;
            return true;
        }
    }
    return false;
}

static nnc_status set_sequence(nnc_infer_ctx *ctx, nnc_dtype element)
{
    char name[64];
    nnc_shape y = {.rank = 1};
    if (element == NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "the type of its elements is unknown");
    }
    snprintf(name, sizeof name, "sequence(%s)", nnc_dtype_name((int)element));
    NNC_TRY(nnc_graph_symbol(&y.dims[0], ctx->graph, name));
    return nnc_infer_output(ctx, 0, NNC_DTYPE_UINT8, &y);
}

static nnc_status need_sequence(nnc_dtype *out, const nnc_infer_ctx *ctx)
{
    const nnc_value *v = nnc_infer_input(ctx, 0);
    if (!element_of(out, ctx->graph, v)) {
        return nnc_infer_fail(ctx, "input '%s' is no sequence", v ? v->name : "");
    }
    return NNC_OK;
}

static nnc_dtype lower_element(const nnc_lower_ctx *ctx)
{
    nnc_dtype element;
    element_of(&element, nnc_lower_graph(ctx), nnc_lower_in_value(ctx, 0));
    return element;
}

/* ---- SequenceConstruct, SequenceEmpty, Optional of a tensor ---- */

static const nnc_attr_schema empty_attrs[] = {NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1)};

static nnc_status construct_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    return set_sequence(ctx, nnc_infer_dtype(ctx, 0));
}

static nnc_status empty_infer(nnc_infer_ctx *ctx)
{
    return set_sequence(ctx, (nnc_dtype)nnc_node_int(nnc_infer_node(ctx), "dtype", NNC_DTYPE_FLOAT));
}

static nnc_status construct(nnc_lower_ctx *ctx, nnc_dtype element, bool absent)
{
    const uint32_t count = absent ? 0 : nnc_lower_node(ctx)->input_count;
    const nnrt_sequence_params params = {(uint32_t)element, absent};
    uint32_t *in = nnc_calloc((size_t)count + 1, sizeof *in), y;
    nnc_status status = in ? NNC_OK : NNC_ERR_LIMIT;
    for (uint32_t i = 0; i < count && status == NNC_OK; i++) {
        status = nnc_lower_input(&in[i], ctx, i, NNC_FORM_LOGICAL);
    }
    status = status == NNC_OK ? nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL) : status;
    if (status == NNC_OK) {
        status = nnc_lower_emit(ctx, NNRT_ROP_ID_SEQ_CONSTRUCT, &params, sizeof params, in, count, &y, 1);
    }
    nnc_free(in);
    return status;
}

static nnc_status construct_lower(nnc_lower_ctx *ctx)
{
    return construct(ctx, nnc_lower_in_value(ctx, 0)->dtype, false);
}

static nnc_status empty_lower(nnc_lower_ctx *ctx)
{
    return construct(ctx, (nnc_dtype)nnc_node_int(nnc_lower_node(ctx), "dtype", NNC_DTYPE_FLOAT), false);
}

/* ---- SequenceInsert, SequenceErase ---- */

static nnc_status insert_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype element, tensor = nnc_infer_dtype(ctx, 1);
    NNC_TRY(need_sequence(&element, ctx));
    if (tensor != NNC_DTYPE_UNDEFINED && tensor != element) {
        return nnc_infer_fail(ctx, "%s into a sequence of %s", nnc_dtype_name((int)tensor),
                              nnc_dtype_name((int)element));
    }
    return set_sequence(ctx, element);
}

static nnc_status erase_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype element;
    NNC_TRY(need_sequence(&element, ctx));
    return set_sequence(ctx, element);
}

static nnc_status edit_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnrt_seq_edit_params params = {nnc_node_is(node, "SequenceErase"), 0};
    const uint32_t least = params.erase ? 1 : 2;
    const uint32_t count = nnc_lower_in_value(ctx, least) ? least + 1 : least;
    uint32_t in[3], y;
    for (uint32_t i = 0; i < count; i++) {
        NNC_TRY(nnc_lower_input(&in[i], ctx, i, NNC_FORM_LOGICAL));
    }
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SEQ_EDIT, &params, sizeof params, in, count, &y, 1);
}

/* ---- SequenceAt, SequenceLength ---- */

static nnc_status at_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype element;
    NNC_TRY(need_sequence(&element, ctx));
    return nnc_infer_output_unknown(ctx, 0, element, -1);
}

static nnc_status emit_at(nnc_lower_ctx *ctx, uint32_t sequence, uint32_t at)
{
    const nnrt_sequence_params params = {(uint32_t)lower_element(ctx), 0};
    const uint32_t in[2] = {sequence, at};
    uint32_t y;
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SEQ_AT, &params, sizeof params, in, 2, &y, 1);
}

static nnc_status at_lower(nnc_lower_ctx *ctx)
{
    uint32_t in[2];
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_input(&in[1], ctx, 1, NNC_FORM_LOGICAL));
    return emit_at(ctx, in[0], in[1]);
}

static nnc_status length_infer(nnc_infer_ctx *ctx)
{
    const nnc_shape scalar = {.rank = 0};
    nnc_dtype element;
    NNC_TRY(need_sequence(&element, ctx));
    return nnc_infer_output(ctx, 0, NNC_DTYPE_INT64, &scalar);
}

static nnc_status emit_length(nnc_lower_ctx *ctx, bool present)
{
    const nnrt_seq_length_params params = {present, 0};
    uint32_t x, y;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SEQ_LENGTH, &params, sizeof params, &x, 1, &y, 1);
}

static nnc_status length_lower(nnc_lower_ctx *ctx)
{
    return emit_length(ctx, false);
}

/* ---- SplitToSequence, ConcatFromSequence ---- */

static const nnc_attr_schema split_attrs[] = {NNC_A_AXIS("axis"), NNC_A_BOOL("keepdims")};
static const nnc_attr_schema concat_attrs[] = {
    {"axis", NNC_ATTR_INT, true, -NNC_RANK_MAX, NNC_RANK_MAX, NULL},
    NNC_A_BOOL("new_axis"),
};

static nnc_status split_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    uint32_t axis;
    if (x->has_shape) {
        NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", 0), x->shape.rank));
    }
    return set_sequence(ctx, x->dtype);
}

static nnc_status split_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    const int64_t axis = nnc_node_int(node, "axis", 0);
    const uint32_t count = nnc_lower_in_value(ctx, 1) ? 2 : 1;
    uint32_t in[2], y;
    if (!x->has_shape && axis < 0) {
        return nnc_lower_fail(ctx, "an axis from the end of an unknown rank");
    }
    const nnrt_seq_split_params params = {nnc_lower_axis(axis, x->shape.rank, false),
                                          nnc_node_int(node, "keepdims", 1) != 0};
    for (uint32_t i = 0; i < count; i++) {
        NNC_TRY(nnc_lower_input(&in[i], ctx, i, NNC_FORM_LOGICAL));
    }
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SEQ_SPLIT, &params, sizeof params, in, count, &y, 1);
}

static nnc_status concat_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnrt_seq_concat_params params = {(uint32_t)lower_element(ctx),
                                           (int32_t)nnc_node_int(node, "axis", 0),
                                           nnc_node_int(node, "new_axis", 0) != 0, 0};
    uint32_t x, y;
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_SEQ_CONCAT, &params, sizeof params, &x, 1, &y, 1);
}

/* ---- OptionalHasElement, OptionalGetElement ---- */

static nnc_status has_infer(nnc_infer_ctx *ctx)
{
    const nnc_shape scalar = {.rank = 0};
    return nnc_infer_output(ctx, 0, NNC_DTYPE_BOOL, &scalar);
}

/* Of a tensor, and of nothing, it is known. */
static nnc_status has_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    const uint64_t given = x != NULL;
    nnc_dtype element;
    if (element_of(&element, nnc_lower_graph(ctx), x)) {
        return emit_length(ctx, true);
    }
    const nnrt_fill_params params = {.dtype = NNRT_BOOL, .value = given};
    uint32_t dims, y;
    NNC_TRY(nnc_lower_const_i64(&dims, ctx, NULL, 0));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_FILL, &params, sizeof params, &dims, 1, &y, 1);
}

static nnc_status get_infer(nnc_infer_ctx *ctx)
{
    nnc_dtype element;
    return element_of(&element, ctx->graph, nnc_infer_input(ctx, 0))
               ? nnc_infer_output_unknown(ctx, 0, element, -1)
               : nnc_infer_same(ctx);
}

static nnc_status get_lower(nnc_lower_ctx *ctx)
{
    const int64_t first = 0;
    uint32_t x, at;
    nnc_dtype element;
    if (!element_of(&element, nnc_lower_graph(ctx), nnc_lower_in_value(ctx, 0))) {
        return nnc_lower_alias(ctx);
    }
    NNC_TRY(nnc_lower_input(&x, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_const_i64(&at, ctx, &first, 1));
    return emit_at(ctx, x, at);
}

#define SEQUENCE_OP(id, least, most, ...)                                                          \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = least,                                                                           \
        .max_in = most,                                                                            \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        __VA_ARGS__,                                                                               \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = NNC_NO_DIMS,                                                                       \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
SEQUENCE_OP(SequenceConstruct, 1, NNC_VARIADIC, NNC_NO_ATTRS, .infer = construct_infer,
            .lower = construct_lower);
SEQUENCE_OP(SequenceEmpty, 0, 0, NNC_ATTRS(empty_attrs), .infer = empty_infer, .lower = empty_lower);
SEQUENCE_OP(SequenceInsert, 2, 3, NNC_NO_ATTRS, .infer = insert_infer, .lower = edit_lower);
SEQUENCE_OP(SequenceErase, 1, 2, NNC_NO_ATTRS, .infer = erase_infer, .lower = edit_lower);
SEQUENCE_OP(SequenceAt, 2, 2, NNC_NO_ATTRS, .infer = at_infer, .lower = at_lower);
SEQUENCE_OP(SequenceLength, 1, 1, NNC_NO_ATTRS, .infer = length_infer, .lower = length_lower);
SEQUENCE_OP(SplitToSequence, 1, 2, NNC_ATTRS(split_attrs), .infer = split_infer, .lower = split_lower);
SEQUENCE_OP(ConcatFromSequence, 1, 1, NNC_ATTRS(concat_attrs), .infer = at_infer, .lower = concat_lower);
SEQUENCE_OP(OptionalHasElement, 0, 1, NNC_NO_ATTRS, .infer = has_infer, .lower = has_lower);
SEQUENCE_OP(OptionalGetElement, 1, 1, NNC_NO_ATTRS, .infer = get_infer, .lower = get_lower);
