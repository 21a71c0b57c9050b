/* Physical forms of values: conversions made on demand, once. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ops/op_util.h"
#include "plan/internal.h"
#include "tensor/small.h"

bool nnc_has_nhwc(const nnc_value *value)
{
    return value->has_shape && nnc_rank_has_nhwc(value->shape.rank);
}

static bool is_signed_grid(const nnc_qparams *q)
{
    return q->dtype == NNC_DTYPE_INT8;
}

int32_t nnc_storage_zero(const nnc_qparams *q)
{
    return q->zero_point[0] + (is_signed_grid(q) ? 128 : 0);
}

int32_t nnc_storage_min(const nnc_qparams *q)
{
    return q->qmin + (is_signed_grid(q) ? 128 : 0);
}

int32_t nnc_storage_max(const nnc_qparams *q)
{
    return q->qmax + (is_signed_grid(q) ? 128 : 0);
}

static bool slot_is_nhwc(nnc_slot slot)
{
    return slot == NNC_SLOT_NHWC || slot == NNC_SLOT_Q8_NHWC || slot == NNC_SLOT_RAW_NHWC;
}

static bool slot_is_q8(nnc_slot slot)
{
    return slot == NNC_SLOT_Q8 || slot == NNC_SLOT_Q8_NHWC;
}

/* The same slot in the other layout. */
static nnc_slot slot_flip(nnc_slot slot)
{
    static const nnc_slot flip[NNC_SLOT_COUNT] = {
        [NNC_SLOT_LOGICAL] = NNC_SLOT_NHWC, [NNC_SLOT_NHWC] = NNC_SLOT_LOGICAL,
        [NNC_SLOT_Q8] = NNC_SLOT_Q8_NHWC,   [NNC_SLOT_Q8_NHWC] = NNC_SLOT_Q8,
        [NNC_SLOT_RAW] = NNC_SLOT_RAW_NHWC, [NNC_SLOT_RAW_NHWC] = NNC_SLOT_RAW,
    };
    return flip[slot];
}

/* Values without a channels-last form of their own use the logical one. */
static nnc_slot slot_normal(const nnc_value *value, nnc_slot slot)
{
    return slot_is_nhwc(slot) && !nnc_has_nhwc(value) ? slot_flip(slot) : slot;
}

/* perm that turns ONNX order into channels-last (to_nhwc) or back. */
static void layout_perm(nnrt_transpose_params *params, uint32_t rank, bool to_nhwc)
{
    memset(params, 0, sizeof(*params));
    params->rank = rank;
    params->perm[0] = 0;
    for (uint32_t d = 1; d < rank; d++) {
        params->perm[d] = to_nhwc ? (d + 1 < rank ? d + 1 : 1) : (d == 1 ? rank - 1 : d - 1);
    }
}

static nnrt_shape physical_shape(nnc_plan_state *state, const nnc_value *value, nnc_slot slot)
{
    nnrt_shape shape = {0};
    if (!value->has_shape) {
        shape.rank = NNRT_RANK_ANY;
        return shape;
    }
    if (value->shape.rank > NNRT_RANK_MAX) {
        return shape;
    }
    shape.rank = value->shape.rank;
    nnrt_transpose_params p;
    layout_perm(&p, shape.rank, true);
    for (uint32_t d = 0; d < shape.rank; d++) {
        int64_t dim = value->shape.dims[slot_is_nhwc(slot) ? p.perm[d] : d];
        if (dim < 0) {
            const char *name = nnc_graph_symbol_name(state->graph, dim);
            dim = name[0] && !state->inner ? nnrt_builder_symbol(state->builder, name) : NNRT_DIM_UNKNOWN;
        }
        shape.dims[d] = dim;
    }
    return shape;
}

nnc_status nnc_form_declare(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot slot)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    slot = slot_normal(value, slot);
    if (value->qparams && !slot_is_q8(slot) && slot < NNC_SLOT_RAW) {
        slot = slot == NNC_SLOT_NHWC ? NNC_SLOT_RAW_NHWC : NNC_SLOT_RAW;
    }
    if (value->has_shape && value->shape.rank > NNRT_RANK_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s' has rank %u, the runtime handles up to %d",
                 value->name, value->shape.rank, NNRT_RANK_MAX);
    }
    nnrt_shape shape = physical_shape(state, value, slot);
    nnrt_plan_quant quant;
    bool q8 = slot_is_q8(slot);
    if (q8) {
        const nnc_qparams *q = value->qparams;
        quant = (nnrt_plan_quant){.scale = q->scale[0], .zero_point = nnc_storage_zero(q),
                                  .qmin = nnc_storage_min(q), .qmax = nnc_storage_max(q),
                                  .shifted = is_signed_grid(q)};
    }
    nnrt_value_kind kind = value->kind == NNC_VALUE_INPUT &&
                                   (slot == NNC_SLOT_LOGICAL || slot == NNC_SLOT_RAW)
                               ? NNRT_VALUE_INPUT
                               : NNRT_VALUE_TEMP;
    uint32_t rv = nnrt_builder_value(state->builder, kind, value->name,
                                     q8 ? NNRT_U8 : (nnrt_dtype)value->dtype, &shape,
                                     slot_is_nhwc(slot), q8 ? &quant : NULL);
    state->slots[id][slot] = rv;
    *out = rv;
    return nnrt_builder_status(state->builder);
}

static void emit(nnc_plan_state *state, nnrt_rop_id rop, const nnc_value *value, const void *params,
                 size_t bytes, const uint32_t *in, uint32_t n, uint32_t out)
{
    nnrt_builder_node(state->builder, rop, value->name, params, bytes, in, n, &out, 1);
}

/* All spatial dims are 1: the layouts have the same bytes. */
static bool is_pixel(const nnc_value *value)
{
    for (uint32_t d = 2; d < value->shape.rank; d++) {
        if (value->shape.dims[d] != 1) {
            return false;
        }
    }
    return true;
}

static nnc_status convert_layout(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot from,
                                 nnc_slot to)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    uint32_t in[2] = {state->slots[id][from], NNRT_NONE};
    NNC_TRY(nnc_form_declare(out, state, id, to));
    uint32_t rank = value->shape.rank;
    if (is_pixel(value)) {
        int64_t dims[NNRT_RANK_MAX] = {0, 1, 1, 1, 1, 1, 1, 1};
        dims[slot_is_nhwc(to) ? rank - 1 : 1] = -1;
        nnrt_shape shape = {.rank = 1, .dims = {rank}};
        in[1] = nnrt_builder_const(state->builder, "", NNRT_I64, &shape, dims, rank * sizeof(dims[0]));
        nnrt_reshape_params params = {.allow_zero = 0};
        emit(state, NNRT_ROP_ID_RESHAPE, value, &params, sizeof(params), in, 2, *out);
        return NNC_OK;
    }
    nnrt_transpose_params params;
    layout_perm(&params, rank, slot_is_nhwc(to));
    emit(state, NNRT_ROP_ID_TRANSPOSE, value, &params, sizeof(params), in, 1, *out);
    return NNC_OK;
}

static nnc_status emit_quantize(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot from,
                                nnc_slot to)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    const nnc_qparams *q = value->qparams;
    if (value->dtype != NNC_DTYPE_FLOAT) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s' is quantized but has type %s", value->name,
                 nnc_dtype_name(value->dtype));
    }
    nnrt_quantize_params params = {.scale = q->scale[0], .zero_point = nnc_storage_zero(q),
                                   .qmin = nnc_storage_min(q), .qmax = nnc_storage_max(q),
                                   .nchw_to_nhwc = slot_is_nhwc(to) && !slot_is_nhwc(from)};
    uint32_t in = state->slots[id][from];
    NNC_TRY(nnc_form_declare(out, state, id, to));
    emit(state, NNRT_ROP_ID_QUANTIZE, value, &params, sizeof(params), &in, 1, *out);
    return NNC_OK;
}

static nnc_status emit_dequantize(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot from,
                                  nnc_slot to)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    int32_t zero = nnc_storage_zero(value->qparams);
    nnrt_shape one = {.rank = 1, .dims = {1}};
    uint32_t in[3] = {state->slots[id][from]};
    in[1] = nnrt_builder_const(state->builder, "", NNRT_F32, &one, value->qparams->scale, 4);
    in[2] = nnrt_builder_const(state->builder, "", NNRT_I32, &one, &zero, 4);
    nnrt_shape shape = physical_shape(state, value, to);
    /* Not through nnc_form_declare: on an annotated value that would declare the number before rounding. */
    *out = nnrt_builder_value(state->builder, NNRT_VALUE_TEMP, value->name, NNRT_F32, &shape,
                              slot_is_nhwc(to), NULL);
    state->slots[id][to] = *out;
    nnrt_dequantize_params params = {.axis = -1};
    emit(state, NNRT_ROP_ID_DEQUANTIZE, value, &params, sizeof(params), in, 3, *out);
    return NNC_OK;
}

/* Brings an annotated value onto its grid in the wanted layout. */
static nnc_status make_q8(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot to)
{
    const uint32_t *slots = state->slots[id];
    nnc_slot raw = slot_is_nhwc(to) ? NNC_SLOT_RAW_NHWC : NNC_SLOT_RAW;
    if (slots[slot_flip(to)] != NNRT_NONE) {
        return convert_layout(out, state, id, slot_flip(to), to);
    }
    if (slots[raw] != NNRT_NONE) {
        return emit_quantize(out, state, id, raw, to);
    }
    if (to == NNC_SLOT_Q8_NHWC && slots[NNC_SLOT_RAW] != NNRT_NONE) {
        return emit_quantize(out, state, id, NNC_SLOT_RAW, to);
    }
    if (slots[slot_flip(raw)] != NNRT_NONE) {
        uint32_t q;
        NNC_TRY(emit_quantize(&q, state, id, slot_flip(raw), slot_flip(to)));
        return convert_layout(out, state, id, slot_flip(to), to);
    }
    NNC_FAIL(NNC_ERR_INTERNAL, "value '%s' is used before it is produced",
             nnc_graph_value_const(state->graph, id)->name);
}

/* What float readers of a dynamic nnc.Quant see. */
static nnc_status dynamic_numbers(uint32_t *out, nnc_plan_state *state, nnc_value_id id)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    const uint32_t *slots = state->slots[id];
    const uint32_t in[3] = {slots[NNC_SLOT_Q8], slots[NNC_SLOT_SCALE], slots[NNC_SLOT_ZERO]};
    nnrt_dequantize_linear_params params = {.axis = -1};
    NNC_TRY(nnc_form_declare(out, state, id, NNC_SLOT_LOGICAL));
    emit(state, NNRT_ROP_ID_DEQUANTIZE_LINEAR, value, &params, sizeof(params), in, 3, *out);
    return NNC_OK;
}

nnc_status nnc_form_declare_dynamic(uint32_t out[3], nnc_plan_state *state, nnc_value_id id)
{
    static const nnc_slot slots[3] = {NNC_SLOT_Q8, NNC_SLOT_SCALE, NNC_SLOT_ZERO};
    static const nnrt_dtype types[3] = {NNRT_U8, NNRT_F32, NNRT_U8};
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    nnrt_shape shape = physical_shape(state, value, NNC_SLOT_Q8);
    for (int i = 0; i < 3; i++) {
        out[i] = nnrt_builder_value(state->builder, NNRT_VALUE_TEMP, value->name, types[i],
                                    i == 0 ? &shape : &(nnrt_shape){0}, 0, NULL);
        state->slots[id][slots[i]] = out[i];
    }
    return nnrt_builder_status(state->builder);
}

nnc_status nnc_form_get(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot slot)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    slot = slot_normal(value, slot);
    uint32_t have = state->slots[id][slot];
    if (have != NNRT_NONE) {
        *out = have;
        return NNC_OK;
    }
    if (value->kind == NNC_VALUE_CONST) {
        return nnc_form_const(out, state, id, slot, value->tensor.shape.rank);
    }
    if (slot_is_q8(slot)) {
        if (!value->qparams) {
            NNC_FAIL(NNC_ERR_INTERNAL, "value '%s' is asked for as integers but has no grid",
                     value->name);
        }
        return make_q8(out, state, id, slot);
    }
    if (state->slots[id][NNC_SLOT_SCALE] != NNRT_NONE && slot < NNC_SLOT_Q8) {
        if (state->slots[id][NNC_SLOT_LOGICAL] == NNRT_NONE) {
            NNC_TRY(dynamic_numbers(out, state, id));
        }
        return slot == NNC_SLOT_LOGICAL ? NNC_OK
                                        : convert_layout(out, state, id, NNC_SLOT_LOGICAL, slot);
    }
    if (state->slots[id][slot_flip(slot)] != NNRT_NONE && !value->qparams) {
        return convert_layout(out, state, id, slot_flip(slot), slot);
    }
    if (value->qparams && slot < NNC_SLOT_RAW) {
        nnc_slot q8 = slot_is_nhwc(slot) ? NNC_SLOT_Q8_NHWC : NNC_SLOT_Q8;
        uint32_t unused;
        NNC_TRY(nnc_form_get(&unused, state, id, q8));
        return emit_dequantize(out, state, id, q8, slot);
    }
    NNC_FAIL(NNC_ERR_INTERNAL, "value '%s' is used before it is produced", value->name);
}

/* Constant elements as the slot wants them: float, the value's own type, or shifted u8. */
static nnc_status const_elements(nnc_tensor *out, const nnc_value *value, nnc_slot slot)
{
    if (slot_is_q8(slot)) {
        nnc_tensor q = {0};
        if (value->tensor.dtype == NNC_DTYPE_FLOAT) {
            NNC_TRY(nnc_quantize_tensor(&q, &value->tensor, value->qparams));
        } else {
            q = nnc_tensor_ref(&value->tensor);
        }
        nnc_status status = nnc_tensor_create(out, NNC_DTYPE_UINT8, &q.shape);
        if (status == NNC_OK) {
            size_t n = nnc_tensor_count(&q);
            const uint8_t *from = nnc_tensor_data(&q);
            uint8_t *to = nnc_tensor_data(out);
            uint8_t shift = q.dtype == NNC_DTYPE_INT8 ? 0x80 : 0;
            for (size_t i = 0; i < n; i++) {
                to[i] = from[i] ^ shift;
            }
        }
        nnc_tensor_deinit(&q);
        return status;
    }
    if (value->qparams) {
        if (value->tensor.dtype != NNC_DTYPE_FLOAT) {
            return nnc_dequantize_tensor(out, &value->tensor, value->qparams);
        }
        nnc_tensor q = {0};
        NNC_TRY(nnc_quantize_tensor(&q, &value->tensor, value->qparams));
        nnc_status status = nnc_dequantize_tensor(out, &q, value->qparams);
        nnc_tensor_deinit(&q);
        return status;
    }
    *out = nnc_tensor_ref(&value->tensor);
    return NNC_OK;
}

/* Copies elements into channels-last order. */
static nnc_status permute_nhwc(nnc_tensor *out, const nnc_tensor *x)
{
    const nnc_shape *s = &x->shape;
    nnc_shape y = *s;
    size_t channels = (size_t)s->dims[1], batch = (size_t)s->dims[0], pixels = 1;
    for (uint32_t d = 2; d < s->rank; d++) {
        pixels *= (size_t)s->dims[d];
        y.dims[d - 1] = s->dims[d];
    }
    y.dims[s->rank - 1] = s->dims[1];
    NNC_TRY(nnc_tensor_create(out, x->dtype, &y));
    size_t size = nnc_dtype_bits(x->dtype) / 8;
    const char *from = nnc_tensor_data(x);
    char *to = nnc_tensor_data(out);
    for (size_t n = 0; n < batch; n++) {
        for (size_t c = 0; c < channels; c++) {
            for (size_t p = 0; p < pixels; p++) {
                memcpy(to + ((n * pixels + p) * channels + c) * size,
                       from + ((n * channels + c) * pixels + p) * size, size);
            }
        }
    }
    return NNC_OK;
}

/* Elements below 8 bits take one byte each in a plan. */
static nnc_status add_const(uint32_t *out, nnc_plan_state *state, const char *name,
                            const nnc_tensor *tensor)
{
    nnrt_shape shape = {.rank = tensor->shape.rank};
    memcpy(shape.dims, tensor->shape.dims, shape.rank * sizeof(shape.dims[0]));
    size_t bytes = nnc_tensor_bytes(tensor), count = nnc_tensor_count(tensor);
    const void *data = nnc_tensor_data(tensor);
    uint8_t *wide = NULL;
    if (nnc_dtype_bits((int)tensor->dtype) < 8) {
        wide = nnc_calloc(count ? count : 1, 1);
        if (!wide) {
            return NNC_ERR_LIMIT;
        }
        nnc_small_unpack(wide, (int)tensor->dtype, data, count);
        data = wide;
        bytes = count;
    }
    *out = nnrt_builder_const(state->builder, name, (nnrt_dtype)tensor->dtype, &shape, data, bytes);
    nnc_free(wide);
    return NNC_OK;
}

nnc_status nnc_form_const(uint32_t *out, nnc_plan_state *state, nnc_value_id id, nnc_slot slot,
                          uint32_t rank)
{
    const nnc_value *value = nnc_graph_value_const(state->graph, id);
    uint32_t own = value->tensor.shape.rank;
    bool cacheable = own == rank;
    if (cacheable && state->slots[id][slot] != NNRT_NONE) {
        *out = state->slots[id][slot];
        return NNC_OK;
    }
    if (rank > NNRT_RANK_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "constant '%s' has rank %u, the runtime handles up to %d",
                 value->name, rank, NNRT_RANK_MAX);
    }
    nnc_tensor tensor = {0};
    NNC_TRY(const_elements(&tensor, value, slot));
    nnc_shape expanded = {.rank = rank};
    for (uint32_t d = 0; d < rank; d++) {
        expanded.dims[d] = d + own < rank ? 1 : tensor.shape.dims[d + own - rank];
    }
    tensor.shape = expanded;
    nnc_status status = NNC_OK;
    if (slot_is_nhwc(slot) && nnc_rank_has_nhwc(rank)) {
        nnc_tensor permuted = {0};
        status = permute_nhwc(&permuted, &tensor);
        nnc_tensor_deinit(&tensor);
        tensor = permuted;
    }
    if (status == NNC_OK) {
        status = add_const(out, state, value->name, &tensor);
        if (status == NNC_OK && cacheable) {
            state->slots[id][slot] = *out;
        }
    }
    nnc_tensor_deinit(&tensor);
    return status;
}
