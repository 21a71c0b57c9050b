/* The lowering interface of src/ops/lower.h over the plan's state. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ops/op_util.h"
#include "plan/internal.h"
#include "tensor/requant.h"

const nnc_graph *nnc_lower_graph(const nnc_lower_ctx *ctx)
{
    return ctx->state->graph;
}

const nnc_node *nnc_lower_node(const nnc_lower_ctx *ctx)
{
    return nnc_graph_node_const(ctx->state->graph, ctx->node);
}

nnc_node_id nnc_lower_node_id(const nnc_lower_ctx *ctx)
{
    return ctx->node;
}

nnc_value_id nnc_lower_in_id(const nnc_lower_ctx *ctx, uint32_t i)
{
    const nnc_node *node = nnc_lower_node(ctx);
    return i < node->input_count ? node->inputs[i] : NNC_ID_NONE;
}

const nnc_value *nnc_lower_in_value(const nnc_lower_ctx *ctx, uint32_t i)
{
    nnc_value_id id = nnc_lower_in_id(ctx, i);
    return id == NNC_ID_NONE ? NULL : nnc_graph_value_const(ctx->state->graph, id);
}

/* Output 0 of a unit is the unit's final value; further outputs that nobody reads count as omitted. */
static nnc_value_id out_id(const nnc_lower_ctx *ctx, uint32_t i)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_plan_state *state = ctx->state;
    if (i == 0) {
        return ctx->fusion->final;
    }
    nnc_value_id id = i < node->output_count ? node->outputs[i] : NNC_ID_NONE;
    bool read = id != NNC_ID_NONE && (nnc_uses_count(&state->uses, id) > 0 || state->tapped[id] ||
                                      nnc_graph_is_output(state->graph, id));
    return read ? id : NNC_ID_NONE;
}

const nnc_value *nnc_lower_out_value(const nnc_lower_ctx *ctx, uint32_t i)
{
    nnc_value_id id = out_id(ctx, i);
    return id == NNC_ID_NONE ? NULL : nnc_graph_value_const(ctx->state->graph, id);
}

bool nnc_lower_integer(const nnc_lower_ctx *ctx)
{
    return ctx->state->legal[ctx->node].integer;
}

const nnc_fusion *nnc_lower_fusion(const nnc_lower_ctx *ctx)
{
    return ctx->fusion;
}

bool nnc_lower_prefer_nhwc(const nnc_lower_ctx *ctx)
{
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    const nnc_node *node = nnc_lower_node(ctx);
    bool any = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const nnc_value *x = nnc_lower_in_value(ctx, i);
        if (!x || x->kind == NNC_VALUE_CONST) {
            continue;
        }
        /* Host integers and operands of another rank force the ONNX order. */
        if (!nnc_has_nhwc(x) || (y && y->has_shape && y->shape.rank != x->shape.rank)) {
            return false;
        }
        const uint32_t *slots = ctx->state->slots[node->inputs[i]];
        any = any || slots[NNC_SLOT_NHWC] != NNRT_NONE || slots[NNC_SLOT_Q8_NHWC] != NNRT_NONE ||
              slots[NNC_SLOT_RAW_NHWC] != NNRT_NONE;
    }
    return any;
}

int32_t nnc_lower_axis(int64_t axis, uint32_t rank, bool nhwc)
{
    int64_t a = axis < 0 ? axis + (int64_t)rank : axis;
    if (!nhwc || !nnc_rank_has_nhwc(rank) || a == 0) {
        return (int32_t)a;
    }
    return a == 1 ? (int32_t)rank - 1 : (int32_t)a - 1;
}

nnc_status nnc_lower_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form)
{
    nnc_value_id id = nnc_lower_in_id(ctx, i);
    *out = NNRT_NONE;
    if (id == NNC_ID_NONE) {
        char label[160];
        NNC_FAIL(NNC_ERR_MODEL, "%s: input %u is missing",
                 nnc_node_label(label, sizeof(label), ctx->state->graph, ctx->node), i);
    }
    return nnc_form_get(out, ctx->state, id, (nnc_slot)form);
}

nnc_status nnc_lower_value(uint32_t *out, nnc_lower_ctx *ctx, nnc_value_id value, nnc_form form)
{
    return nnc_form_get(out, ctx->state, value, (nnc_slot)form);
}

nnc_status nnc_lower_const_value(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form,
                                 uint32_t rank)
{
    return nnc_form_const(out, ctx->state, nnc_lower_in_id(ctx, i), (nnc_slot)form, rank);
}

nnc_status nnc_lower_output(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form)
{
    nnc_value_id id = out_id(ctx, i);
    if (id == NNC_ID_NONE) {
        *out = nnrt_builder_value(ctx->state->builder, NNRT_VALUE_TEMP, "", NNRT_F32,
                                  &(nnrt_shape){0}, 0, NULL);
        return NNC_OK;
    }
    return nnc_form_declare(out, ctx->state, id, (nnc_slot)form);
}

nnc_status nnc_lower_dynamic_output(uint32_t out[3], nnc_lower_ctx *ctx)
{
    return nnc_form_declare_dynamic(out, ctx->state, nnc_lower_node(ctx)->outputs[0]);
}

nnc_status nnc_lower_dynamic_input(uint32_t out[3], nnc_lower_ctx *ctx, uint32_t i)
{
    const uint32_t *slots = ctx->state->slots[nnc_lower_in_id(ctx, i)];
    out[0] = slots[NNC_SLOT_Q8];
    out[1] = slots[NNC_SLOT_SCALE];
    out[2] = slots[NNC_SLOT_ZERO];
    if (out[0] == NNRT_NONE || out[1] == NNRT_NONE || out[2] == NNRT_NONE) {
        NNC_FAIL(NNC_ERR_INTERNAL, "value '%s' is used before it is quantized",
                 nnc_lower_in_value(ctx, i)->name);
    }
    return NNC_OK;
}

nnc_status nnc_lower_temp(uint32_t *out, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t rank)
{
    nnrt_shape shape = {.rank = rank};
    if (rank > NNRT_RANK_MAX && rank != NNRT_RANK_ANY) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s '%s': needs rank %u in between, the runtime handles up to %d",
                 nnc_lower_node(ctx)->op_type, nnc_lower_node(ctx)->name, rank, NNRT_RANK_MAX);
    }
    for (uint32_t d = 0; d < rank && d < NNRT_RANK_MAX; d++) {
        shape.dims[d] = NNRT_DIM_UNKNOWN;
    }
    *out = nnrt_builder_value(ctx->state->builder, NNRT_VALUE_TEMP, "", dtype, &shape, 0, NULL);
    return NNC_OK;
}

nnc_status nnc_lower_const(uint32_t *out, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t rank,
                           const int64_t *dims, const void *data, size_t bytes)
{
    nnrt_shape shape = {.rank = rank};
    if (rank > 0) {
        memcpy(shape.dims, dims, rank * sizeof(shape.dims[0]));
    }
    *out = nnrt_builder_const(ctx->state->builder, nnc_lower_node(ctx)->name, dtype, &shape, data,
                              bytes);
    return NNC_OK;
}

nnc_status nnc_lower_const_i64(uint32_t *out, nnc_lower_ctx *ctx, const int64_t *data, size_t n)
{
    int64_t dims[1] = {(int64_t)n};
    return nnc_lower_const(out, ctx, NNRT_I64, 1, dims, data, n * sizeof(*data));
}

nnc_status nnc_lower_emit(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params, size_t params_bytes,
                          const uint32_t *in, uint32_t in_count, const uint32_t *out,
                          uint32_t out_count)
{
    const nnc_node *node = nnc_lower_node(ctx);
    /* Nodes without a name go by the value they make, which has one. */
    const char *name = node->name;
    if (!name[0] && node->output_count && node->outputs[0] != NNC_ID_NONE) {
        name = nnc_graph_value_const(ctx->state->graph, node->outputs[0])->name;
    }
    nnrt_builder_node(ctx->state->builder, rop, name, params, params_bytes, in, in_count, out,
                      out_count);
    return nnrt_builder_status(ctx->state->builder);
}

nnc_status nnc_lower_elementwise(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params,
                                 size_t params_bytes, uint32_t in_count)
{
    bool nhwc = nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    uint32_t in[16], out;
    if (in_count > 16) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s '%s' has %u inputs, up to 16 are handled",
                 nnc_lower_node(ctx)->op_type, nnc_lower_node(ctx)->name, in_count);
    }
    for (uint32_t i = 0; i < in_count; i++) {
        const nnc_value *x = nnc_lower_in_value(ctx, i);
        if (nhwc && x && x->kind == NNC_VALUE_CONST && x->tensor.shape.rank != 0) {
            NNC_TRY(nnc_form_const(&in[i], ctx->state, nnc_lower_in_id(ctx, i), NNC_SLOT_NHWC,
                                   y->shape.rank));
        } else {
            NNC_TRY(nnc_lower_input(&in[i], ctx, i, form));
        }
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, rop, params, params_bytes, in, in_count, &out, 1);
}

/* The 256 results of op over the input grid: u8 storage in, u8 storage out. */
static nnc_status emit_table(nnc_lower_ctx *ctx, nnrt_unary_op op, float a, float b);

nnc_status nnc_lower_unary(nnc_lower_ctx *ctx, nnrt_unary_op op, float a, float b)
{
    if (nnc_lower_integer(ctx)) {
        return emit_table(ctx, op, a, b);
    }
    nnrt_unary_params params = {.op = (uint32_t)op, .a = a, .b = b};
    return nnc_lower_elementwise(ctx, NNRT_ROP_ID_UNARY, &params, sizeof(params), 1);
}

/* Runs the unary runtime op on the grid's 256 real numbers, so that table and float op agree. */
static nnc_status table_values(float y[256], const nnc_qparams *q, nnrt_unary_op op, float a, float b)
{
    int32_t zero = nnc_storage_zero(q);
    float x[256];
    for (int32_t i = 0; i < 256; i++) {
        x[i] = (float)(i - zero) * q->scale[0];
    }
    nnrt_unary_params params = {.op = (uint32_t)op, .a = a, .b = b};
    nnrt_tensor in = {x, sizeof(x), NNRT_F32, {.rank = 1, .dims = {256}}};
    nnrt_tensor out = {y, 256 * sizeof(float), NNRT_F32, {.rank = 1, .dims = {256}}};
    nnrt_node_ctx node = {.name = "table", .params = &params, .in_count = 1, .out_count = 1,
                          .in = &in, .out = &out, .isa = NNRT_ISA_REF};
    const nnrt_rop *rop = nnrt_rop_find(NNRT_ROP_ID_UNARY);
    NNC_TRY(rop->check(&node));
    NNC_TRY(rop->reshape(&node));
    rop->run(&node);
    return NNC_OK;
}

static nnc_status emit_table(nnc_lower_ctx *ctx, nnrt_unary_op op, float a, float b)
{
    const nnc_qparams *qx = nnc_lower_in_value(ctx, 0)->qparams;
    const nnc_qparams *qy = nnc_lower_out_value(ctx, 0)->qparams;
    float real[256];
    uint8_t table[256];
    NNC_TRY(table_values(real, qx, op, a, b));
    int32_t zy = nnc_storage_zero(qy);
    for (int i = 0; i < 256; i++) {
        table[i] = (uint8_t)nnc_quantize(real[i], qy->scale[0], (float)(nnc_storage_min(qy) - zy),
                                         (float)(nnc_storage_max(qy) - zy), zy);
    }
    bool nhwc = nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8;
    uint32_t in[2], out;
    int64_t dims[1] = {256};
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_U8, 1, dims, table, sizeof(table)));
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_LUT_U8, NULL, 0, in, 2, &out, 1);
}
